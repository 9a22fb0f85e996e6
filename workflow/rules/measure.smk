# From a model and its questions to tidy tables: one extraction and one decomposition per model and task.


def store(model, task):
    return f"{RESULTS}/activations/{model}/{task}"


def table(model, task):
    return f"{RESULTS}/atoms/{model}/{task}.parquet"


def checkpoint(wildcards):
    """The files that a model is loaded from, embedded or in a folder; none for a name on a hub."""
    source = config["models"][wildcards.model]
    return files_under(Path("analysis_lib/models/checkpoints") / source, source, without=set())


def source(model):
    """Where a model's questions come from."""
    return config.get("sources", {}).get(model, config["extract"].get("source", "minigqa"))


def questions(wildcards):
    """The file of questions, where they come from a folder; the pictures beside it are too many to compare."""
    return sorted(str(path) for path in Path(source(wildcards.model)).glob("*_questions.json"))


def for_each(path):
    return [path(model, task) for model in config["models"] for task in config["tasks"]]


# Parameters are functions of the wildcards alone: snakemake does not compare those that use `input` or `output`.
# The manifest is written last, so it alone stands for the store: a killed extraction keeps its shards and goes on from them.
rule extract:
    message:
        "extract: {wildcards.task} of {wildcards.model}"
    input:
        notebook="notebooks/extract.md",
        library=library("extract"),
        checkpoint=checkpoint,
        questions=questions,
    output:
        manifest=store("{model}", "{task}") + "/manifest.json",
    params:
        flags=lambda wildcards: flags(
            notebook_parameters(config, PROFILE, "extract")
            | {"model": config["models"][wildcards.model], "task": wildcards.task}
            | ({"source": source(wildcards.model)} if wildcards.model in config.get("sources", {}) else {})
            | {"output": store(wildcards.model, wildcards.task)}
        ),
        executed=f"{LOGS}/extract/{{model}}/{{task}}.ipynb",
    log:
        f"{LOGS}/extract/{{model}}/{{task}}.log",
    threads: workflow.cores if config.get("extract_alone") else 1
    shell:
        execute()


rule decompose:
    message:
        "decompose: {wildcards.task} of {wildcards.model}"
    input:
        notebook="notebooks/decompose.md",
        manifest=rules.extract.output.manifest,
        library=library("decompose"),
    output:
        table("{model}", "{task}"),
    params:
        flags=lambda wildcards: flags(
            notebook_parameters(config, PROFILE, "decompose")
            | {"store": store(wildcards.model, wildcards.task), "output": table(wildcards.model, wildcards.task)}
        ),
        executed=f"{LOGS}/decompose/{{model}}/{{task}}.ipynb",
    log:
        f"{LOGS}/decompose/{{model}}/{{task}}.log",
    threads: 1
    shell:
        execute()
