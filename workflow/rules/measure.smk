# From a model and its questions to tidy tables: one extraction and one decomposition per model and task. Other seeds of a
# model go the same way beside it, in `seeds/`, untouched by any knockout and told of the final hidden state alone.

import re
import subprocess

from analysis_lib.records import write_record
from analysis_lib.results import ATOMS, CONTENTS, NUMBERS, STORE
from analysis_lib.run.mending import mend
from analysis_lib.run.profile import UNTOUCHED
from analysis_lib.shard_folders import shard_folder
from analysis_lib.vocabulary import architecture_of

SEEDS = config.get("seeds", {})
SHARDS = int(config["extract"].get("shards", 1))
CANNOT_FIT = 3  # how analysis_lib.plan ends then


wildcard_constraints:
    part="(seeds/)?",
    shard=r"\d+",


def store(model, task, part=""):
    return f"{RESULTS}/{part}{STORE.format(model=model, task=task)}"


def table(model, task, part=""):
    return f"{RESULTS}/{part}{ATOMS.format(model=model, task=task)}"


def shard(model, task, part, number):
    """What stands for a shard that is done, until its store is: the shard itself goes on after a kill and is no output."""
    return f"{shard_folder(store(model, task, part), number, SHARDS)}.done"


def shards(wildcards):
    """All of a store; a single job needs none."""
    numbers = range(1, SHARDS + 1) if SHARDS > 1 else ()
    return [shard(wildcards.model, wildcards.task, wildcards.part, number) for number in numbers]


def asked(stage, wildcards):
    """A stage's parameters by the profile, fewer for another seed."""
    return notebook_parameters(config, PROFILE, stage) | (UNTOUCHED[stage] if wildcards.part else {})


def loaded_from(model):
    return {**config["models"], **SEEDS}[model]


def checkpoint(wildcards):
    """The files that a model is loaded from, embedded or in a folder; none for a name on a hub."""
    source = loaded_from(wildcards.model)
    return files_under(Path("analysis_lib/worlds/mini/checkpoints") / source, source, without={CARD})


def source(model):
    """Where a model's questions come from; another seed is asked the same ones."""
    base = architecture_of(model) if model in SEEDS else model
    return config.get("sources", {}).get(base, config["extract"].get("source", "minigqa"))


def questions(wildcards):
    """The file of questions, where they come from a folder; the pictures beside it are too many to compare."""
    return sorted(str(path) for path in contents(source(wildcards.model), "*_questions.json"))


def for_each(path):
    return [path(model, task) for model in config["models"] for task in config["tasks"]]


def list_contents():
    """Write down whose results belong to the profile as it is now: what an earlier one left behind is not read."""
    for part, models in (("", config["models"]), ("seeds", SEEDS)):
        content = {"models": list(models), "tasks": config["tasks"]}
        write_record(Path(RESULTS, part, CONTENTS), content)


def tell_the_plan():
    """Of a run on photographs, whose models are the real ones, what it will take; it is not begun if that cannot fit."""
    if not given.get("gqa"):
        return
    places = [word for key in ("gqa", "model_path") if given.get(key) for word in (f"--{key.replace('_', '-')}", given[key])]
    command = [sys.executable, "-m", "analysis_lib.plan", str(profile_file), *places]
    if subprocess.run(command, cwd=ROOT).returncode == CANNOT_FIT:
        raise WorkflowError("this run cannot fit on this machine; the plan above says what does not, and what to do")


def take_away_the_damaged():
    """So that it is made again: damage shows in no time of a file, and a missing file is what snakemake understands."""
    found = [(store(model, task), table(model, task)) for model in config["models"] for task in config["tasks"]]
    found += [(store(model, task, "seeds/"), table(model, task, "seeds/")) for model in SEEDS for task in config["tasks"]]
    stores, tables = ([Path(path) for path in paths] for paths in zip(*found))
    pages = [(Path(f"book/pages/{page}.ipynb"), Path(RESULTS, NUMBERS.format(page=page))) for page in config["pages"]]
    only_say = any(re.fullmatch("-[a-zA-Z]*n[a-zA-Z]*|--dry-?run", argument) for argument in sys.argv)
    for wrong in mend(stores, tables, pages, only_say=only_say):
        print(f"made again: {wrong}", file=sys.stderr, flush=True)


def tables_of_seeds():
    return [table(model, task, "seeds/") for model in SEEDS for task in config["tasks"]]


def extraction(wildcards):
    """The parameters of an extraction, and of each of its shards."""
    return (
        asked("extract", wildcards)
        | {"source": source(wildcards.model)}
        | {"model": loaded_from(wildcards.model), "task": wildcards.task}
        | {"output": store(wildcards.model, wildcards.task, wildcards.part)}
        | {"on_mismatch": "replace", "made_by": "workflow"}
    )


# Parameters are functions of the wildcards alone: snakemake does not compare those that use `input` or `output`.
# The manifest is written last, so it alone stands for the store: a killed extraction keeps its shards and goes on from them.
rule extract:
    message:
        "extract: {wildcards.task} of {wildcards.model}"
    input:
        notebook="notebooks/extract.md",
        library=library("extract"),
        checkpoint=lambda wildcards: nameable(checkpoint(wildcards)),
        questions=lambda wildcards: nameable(questions(wildcards)),
        shards=shards,
    output:
        manifest=store("{model}", "{task}", "{part}") + "/manifest.json",
    params:
        flags=lambda wildcards: flags(extraction(wildcards)),
        beside=lambda wildcards: states(checkpoint(wildcards) + questions(wildcards)),
        gpus=own_gpus,
        executed=f"{LOGS}/{{part}}extract/{{model}}/{{task}}.ipynb",
    log:
        f"{LOGS}/{{part}}extract/{{model}}/{{task}}.log",
    threads: (workflow.cores or 1) if config.get("extract_alone") else 1
    resources:
        mem_mb=MEMORY["extract"],
    shell:
        execute(options="{params.gpus}")


# With `shards` in the profile's `extract`: so many jobs per model and task, which the one above merges.
rule extract_shard:
    message:
        f"extract: shard {{wildcards.shard}} of {SHARDS}, {{wildcards.task}} of {{wildcards.model}}"
    input:
        notebook="notebooks/extract_shard.md",
        library=library("extract"),
        checkpoint=rules.extract.input.checkpoint,
        questions=rules.extract.input.questions,
    output:
        temp(touch(shard("{model}", "{task}", "{part}", "{shard}"))),
    params:
        flags=lambda wildcards: flags(extraction(wildcards) | {"shard": int(wildcards.shard)}),
        beside=rules.extract.params.beside,
        gpus=own_gpus,
        executed=f"{LOGS}/{{part}}extract/{{model}}/{{task}}.shards/{{shard}}-of-{SHARDS}.ipynb",
    log:
        f"{LOGS}/{{part}}extract/{{model}}/{{task}}.shards/{{shard}}-of-{SHARDS}.log",
    threads: (workflow.cores or 1) if config.get("extract_alone") else 1
    resources:
        mem_mb=MEMORY["extract"],
    shell:
        execute(options="{params.gpus}")


rule decompose:
    message:
        "decompose: {wildcards.task} of {wildcards.model}"
    input:
        notebook="notebooks/decompose.md",
        manifest=rules.extract.output.manifest,
        library=library("decompose"),
    output:
        table("{model}", "{task}", "{part}"),
    params:
        flags=lambda wildcards: flags(
            asked("decompose", wildcards)
            | {
                name: path(wildcards.model, wildcards.task, wildcards.part)
                for name, path in {"store": store, "output": table}.items()
            }
        ),
        executed=f"{LOGS}/{{part}}decompose/{{model}}/{{task}}.ipynb",
    log:
        f"{LOGS}/{{part}}decompose/{{model}}/{{task}}.log",
    threads: 1
    resources:
        mem_mb=MEMORY["decompose"],
    shell:
        execute()
