# What every rule shares: how a notebook is run, and which files a stage stands on.

import atexit
import json
import os
import shlex
import time
from contextlib import ExitStack

from analysis_lib.locks import LOCK, holder, writing

only_run = ExitStack()
atexit.register(only_run.close)

# The environment that snakemake itself runs in, activated or not.
TOOLS = shlex.quote(str(Path(sys.executable).parent))
RUN = f"{TOOLS}/python -m analysis_lib.run"

# What a card says of a checkpoint or a world is no part of it.
CARD = "README.md"

# A stage stands on these packages. Training is left out: a model is loaded from its product, the checkpoint.
PACKAGES = {"extract": ["tasks", "worlds", "models", "activations"], "decompose": ["decompose", "pid"], "living": ["living", "activations", "models", "worlds", "tasks"], "pages": ["experiments", "report", "compare", "truths", "pid", "interventions", "activations", "models", "worlds", "tasks", "rehearsal", "living"]}
WITHOUT = {"__pycache__", "training", "checkpoints", CARD}

# Megabytes that a job may take: libraries, and a few copies of a layer of states or of a batch. Jobs wait for memory as
# they wait for a core; a profile of workflow/executors says what the real models take.
MEMORY = {"extract": 3000, "decompose": 3000, "page": 1500}

if config["offline"]:
    os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", HF_DATASETS_OFFLINE="1")


wildcard_constraints:
    model=r"[\w.-]+",
    task=r"\w+",
    page=r"\w+",


def library(stage):
    """The files of analysis_lib that a stage stands on; a change of content runs the stage again."""
    leaves = [str(path) for path in contents("analysis_lib", "*.py")]
    return sorted(leaves + files_under(*(f"analysis_lib/{package}" for package in PACKAGES[stage])))


def files_under(*folders, without=WITHOUT):
    found = (path for folder in folders for path in contents(folder, "**/*"))
    return sorted({str(path) for path in found if not without.intersection(path.parts)})


def flags(parameters):
    """Parameters as they are written on the command line: text stays bare, the rest is JSON."""
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in parameters.items()}
    return " ".join(f"-p {shlex.quote(name)} {shlex.quote(text)}" for name, text in texts.items())


def nameable(files):
    """Those files that can be inputs: braces in a name pass for wildcards of snakemake."""
    return [file for file in files if not {"{", "}"} & set(file)]


def states(files):
    """The others, with their sizes and times, as a parameter: a change of it runs the stage again as well."""
    return [(file, os.stat(file).st_size, os.stat(file).st_mtime_ns) for file in files if file not in nameable([file])]


def chosen_pages():
    """The pages named on the command line, in the profile's order; none means the whole book."""
    named = given.get("only", "").split()
    if strangers := sorted(set(named) - set(config["pages"])):
        known = ", ".join(config["pages"])
        raise WorkflowError(f"there is no page {', '.join(strangers)}; those of profile {PROFILE} are {known}")
    return [page for page in config["pages"] if page in named]


def hold_the_only_run():
    """Refuse to run beside another run of this checkout, and wait for what a killed one has left running.

    The system frees these locks with their processes, however they end; snakemake's own would outlive a killed run and
    have to be removed by hand. Every notebook that runs holds one beside its output.
    """
    try:
        only_run.enter_context(writing(".snakemake/run"))
    except ValueError as error:
        raise WorkflowError(f"another run works in this folder: {error}") from None
    for lock in sorted(Path("logs").rglob(LOCK)):
        told = False
        while (process := holder(lock)) is not None:
            if not told:
                print(
                    f"waiting for process {process or '(unknown)'}, which an earlier run has left and which writes "
                    f"{lock.parent}; to stop it: kill {process}",
                    file=sys.stderr, flush=True,
                )
                told = True
            time.sleep(0.5)


def sleep_until_a_job_ends():
    """Take off the limit to the rate of jobs, a hundred a second, for which snakemake looks again every second.

    At every look it asks for the sizes of all inputs of all jobs that wait, and takes a good part of a core.
    """
    workflow.scheduler.job_rate_limiter = None


def own_gpus(wildcards, resources):
    """How a job asks for GPUs of its own: on this machine by the runner, elsewhere they are all that it sees."""
    gpus = resources.get("gpu", 0)
    return f"--gpus {gpus}" if gpus and not workflow.remote_exec else ""


def execute(then="", options=""):
    """The shell command of a rule that runs one notebook.

    It is written beside the logs, failed or whole: snakemake deletes the outputs of a failed job. (Nor is it declared as
    a log: of those that a failed job did not write, snakemake makes empty files.)
    """
    return (
        "{RUN} {input.notebook} {params.flags} " + options + " -o {params.executed} > {log} 2>&1 "
        "|| {{ tail -n 40 {log} >&2; exit 1; }}" + then
    )
