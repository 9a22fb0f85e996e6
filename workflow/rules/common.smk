# What every rule shares: how a notebook is run, and which files a stage stands on.

import fcntl
import json
import os
import shlex

# The environment that snakemake itself runs in, activated or not.
TOOLS = shlex.quote(str(Path(sys.executable).parent))
RUN = f"{TOOLS}/python -m analysis_lib.run"

# A stage stands on these packages. Training is left out: a model is loaded from its product, the checkpoint.
PACKAGES = {"extract": ["tasks", "models", "activations"], "decompose": ["pid"], "pages": ["report", "compare", "pid", "activations", "models", "tasks", "rehearsal"]}
WITHOUT = {"__pycache__", "training", "checkpoints"}

if config["offline"]:
    os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", HF_DATASETS_OFFLINE="1")


wildcard_constraints:
    model=r"[\w.-]+",
    task=r"\w+",
    page=r"\w+",


def library(stage):
    """The files of analysis_lib that a stage stands on; a change of content runs the stage again."""
    return files_under(*(f"analysis_lib/{package}" for package in PACKAGES[stage]))


def files_under(*folders, without=WITHOUT):
    found = (path for folder in folders for path in Path(folder).rglob("*"))
    return sorted({str(path) for path in found if path.is_file() and not without.intersection(path.parts)})


def as_text(parameters):
    """Parameters as they are written on the command line: text stays bare, the rest is JSON."""
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in parameters.items()}


def flags(parameters):
    return " ".join(f"-p {name} {shlex.quote(value)}" for name, value in as_text(parameters).items())


def fill_in_places():
    """Put what the command line names where the profile leaves a place for it; refuse what has no place."""
    models, source, folder = config["models"], config["extract"].get("source"), config.get("gqa")
    if strangers := sorted(set(config.get("sources", {})) - set(models)):
        raise WorkflowError(f"profile {PROFILE} has sources for {strangers}; its models are {sorted(models)}")
    if source == "$GQA":
        needed = "a folder with GQA's val_balanced_questions.json and its pictures in images/IMAGEID.jpg"
        if not folder:
            raise WorkflowError(f"profile {PROFILE} needs GQA: make book PROFILE={PROFILE} GQA=/folder, {needed}")
        if not (any(Path(folder).glob("*_questions.json")) and Path(folder, "images").is_dir()):
            raise WorkflowError(f"GQA={folder} lacks *_questions.json or images/; give {needed}")
        config["extract"]["source"] = folder
    elif folder:
        raise WorkflowError(f"profile {PROFILE} reads {source}; GQA={folder} is for profiles with `source: $GQA`")
    if strangers := [name for name in config.get("seeds", {}) if name.rpartition("-seed-")[0] not in models]:
        raise WorkflowError(f"profile {PROFILE} has seeds {strangers} of models that it does not run: {sorted(models)}")
    if path := config.get("model_path"):
        if len(models) > 1:
            raise WorkflowError(f"MODEL_PATH={path} could be any of {sorted(models)}; write it into profile {PROFILE}")
        if not Path(path, "config.json").is_file():
            raise WorkflowError(f"MODEL_PATH={path} has no config.json; give a model's folder in transformers format")
        config["models"] = dict.fromkeys(models, path)


def refuse_unknown_parameters():
    """Check the whole profile against its notebooks before any job runs: a job that starts removes its old outputs."""
    for name in [*STAGES, *config["pages"]]:
        source = Path(f"notebooks/{name}.md")
        try:
            _, declared = read_notebook(source)
            complete_parameters(declared, as_text(notebook_parameters(config, PROFILE, name)), from_text=True)
        except (ParameterError, FileNotFoundError) as error:
            raise WorkflowError(f"profile {PROFILE}, notebook {source}:\n{error}") from None


def chosen_pages():
    """The pages named on the command line, in the profile's order; none means the whole book."""
    named = config.get("only", "").split()
    if strangers := sorted(set(named) - set(config["pages"])):
        known = ", ".join(config["pages"])
        raise WorkflowError(f"there is no page {', '.join(strangers)}; those of profile {PROFILE} are {known}")
    return [page for page in config["pages"] if page in named]


def hold_the_only_run():
    """Refuse to run beside another run of this checkout.

    The system frees this lock with the process, however it ends; snakemake's own would outlive a killed run and have to
    be removed by hand.
    """
    global run_lock
    run_lock = open(".snakemake/run.lock", "w")
    try:
        fcntl.flock(run_lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise WorkflowError("another run works in this folder; wait until it has finished, or stop it") from None


def execute(then=""):
    """The shell command of a rule that runs one notebook.

    It is written beside the logs, failed or whole: snakemake deletes the outputs of a failed job. (Nor is it declared as
    a log: of those that a failed job did not write, snakemake makes empty files.)
    """
    return (
        "{RUN} {input.notebook} {params.flags} -o {params.executed} > {log} 2>&1 "
        "|| {{ tail -n 40 {log} >&2; exit 1; }}" + then
    )
