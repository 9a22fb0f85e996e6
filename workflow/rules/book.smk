# From tables to something to read: every page is a notebook over all tables, the book is built from the executed pages.

BOOK = "_build/html/index.html"
CHOSEN_BOOK = "_build/chosen/_build/html/index.html"
CHOSEN = chosen_pages()

# What a page stands on beside the library, by the words of its front matter.
NEEDED = {
    "stores": lambda _: [f"{folder}/manifest.json" for folder in for_each(store)],
    "atoms": lambda _: for_each(table),
    "seeds": lambda _: tables_of_seeds(),
    "pages": lambda page: [f"book/pages/{other}.ipynb" for other in config["pages"] if other != page],
    "claims": lambda _: ["book/claims.yml"],
    "gqa_answers": lambda _: ["book/gqa_answers.yml"],
    "benchmarks": lambda _: files_under("tests/benchmarks"),
    "faults": lambda _: [path for path in ("book/faults.json", *files_under("tests/faults")) if Path(path).is_file()],
    "tasks": lambda _: [],  # enough of them are there, or the profile was refused
    "others": lambda _: [],
}
# Read at once: what an input function refuses counts for nothing where its page is there already.
try:
    NEEDS_OF = {page: page_needs(f"notebooks/{page}.md") for page in config["pages"]}
except ParameterError as error:
    raise WorkflowError(error) from None


def needed(wildcards):
    return [file for name in NEEDS_OF[wildcards.page] for file in NEEDED[name](wildcards.page)]


rule page:
    message:
        "page: {wildcards.page}"
    input:
        notebook="notebooks/{page}.md",
        library=library("pages"),
        needed=needed,
    output:
        "book/pages/{page}.ipynb",
    params:
        flags=lambda wildcards: flags(notebook_parameters(config, PROFILE, wildcards.page))
        + f" --numbers {RESULTS}/{NUMBERS.format(page=wildcards.page)}",
        executed=f"{LOGS}/pages/{{page}}.ipynb",
    log:
        f"{LOGS}/pages/{{page}}.log",
    threads: 1
    resources:
        mem_mb=MEMORY["page"],
    shell:
        execute(then=" && mv {params.executed} {output}")


rule pages:
    input:
        expand("book/pages/{page}.ipynb", page=config["pages"]),


# What runs in a reader's browser; where ONNX Runtime Web is not installed, a note of why not. Installed later, it is new.
LIVING = "_build/living/living.json"


rule living:
    message:
        "living model: {output}"
    input:
        library("living"),
        contents("analysis_lib/worlds/mini/checkpoints/mini-llava-1.5", "*.safetensors"),
        files_under(Path(sys.prefix) / "npm", without={"node_modules"}),
    output:
        LIVING,
    log:
        f"{LOGS}/living.log",
    resources:
        mem_mb=MEMORY["page"],
    shell:
        "{TOOLS}/python -m analysis_lib.living _build/living > {log} 2>&1 || {{ tail -n 40 {log} >&2; exit 1; }}"


# The sources of all notebooks and of the library are inputs: the book prints tables of parameters, and a reference
# (of training, which no page stands on, with the next book that is built).
rule book:
    message:
        "book: building {output}"
    input:
        pages=rules.pages.input,
        living=LIVING if "living_model" in config["pages"] else [],
        prose=files_under("book", without=WITHOUT | {"pages", "vendor"}),
        sources=[path for path in files_under("notebooks", "analysis_lib") if path.endswith((".md", ".py"))],
        cards=[str(path) for path in contents("analysis_lib", f"**/{CARD}")],
        structure=["_config.yml", "_toc.yml", "CONTRIBUTING.md"],
    output:
        BOOK,
    log:
        f"{LOGS}/book.log",
    shell:
        "{TOOLS}/jupyter-book build . --all --warningiserror --nitpick --keep-going > {log} 2>&1"
        " || {{ tail -n 60 {log} >&2; exit 1; }}"


# The book of some pages lies beside the whole one; links to pages that are left out become plain words.
rule chosen:
    message:
        "book of {params.only}: building {output}"
    input:
        pages=[f"book/pages/{page}.ipynb" for page in CHOSEN],
        living=LIVING if "living_model" in CHOSEN else [],
        prose=rules.book.input.prose,
        sources=rules.book.input.sources,
        cards=rules.book.input.cards,
        structure=rules.book.input.structure,
    output:
        CHOSEN_BOOK,
    params:
        only=" ".join(CHOSEN),
        contents="_build/chosen/_toc.yml",
    log:
        f"{LOGS}/chosen.log",
    shell:
        "({TOOLS}/python book/_ext/companion/chosen_contents.py {params.only} > {params.contents}"
        " && {TOOLS}/jupyter-book build . --toc {params.contents} --path-output _build/chosen"
        " --all --warningiserror --nitpick --keep-going) > {log} 2>&1 || {{ tail -n 60 {log} >&2; exit 1; }}"
