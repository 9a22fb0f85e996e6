# From tables to something to read: every page is a notebook over all tables, the book is built from the executed pages.

BOOK = "_build/html/index.html"
CHOSEN_BOOK = "_build/chosen/_build/html/index.html"
CHOSEN = chosen_pages()

# What a page stands on beside tables and library, by a word in its source.
STANDS_ON = {
    "read_claims": ["book/claims.yml"],
    "gqa_answers": ["book/gqa_answers.yml"],
    "tests.benchmarks": files_under("tests/benchmarks"),
    "tests.faults": [path for path in ("book/faults.json", *files_under("tests/faults")) if Path(path).is_file()],
}


def facts(wildcards):
    source = Path(f"notebooks/{wildcards.page}.md").read_text(encoding="utf-8")
    return sorted(file for word, files in STANDS_ON.items() if word in source for file in files)


rule page:
    message:
        "page: {wildcards.page}"
    input:
        notebook="notebooks/{page}.md",
        tables=for_each(table),
        manifests=[f"{folder}/manifest.json" for folder in for_each(store)],
        seeds=lambda wildcards: tables_of_seeds() if wildcards.page == "stability" else [],
        library=library("pages"),
        facts=facts,
        counted=lambda wildcards: [
            f"book/pages/{page}.ipynb" for page in config["pages"] if wildcards.page == "making_of" != page
        ],
    output:
        "book/pages/{page}.ipynb",
    params:
        flags=lambda wildcards: flags(notebook_parameters(config, PROFILE, wildcards.page))
        + f" --numbers {RESULTS}/{NUMBERS.format(page=wildcards.page)}",
        executed=f"{LOGS}/pages/{{page}}.ipynb",
    log:
        f"{LOGS}/pages/{{page}}.log",
    threads: 1
    shell:
        execute(then=" && mv {params.executed} {output}")


rule pages:
    input:
        expand("book/pages/{page}.ipynb", page=config["pages"]),


# The sources of all notebooks and of the library are inputs: the book prints tables of parameters, and a reference.
rule book:
    message:
        "book: building {output}"
    input:
        pages=rules.pages.input,
        prose=files_under("book", without=WITHOUT | {"pages", "vendor"}),
        sources=[str(path) for path in [*contents("notebooks", "*.md"), *contents("analysis_lib", "**/*.py")]],
        structure=["_config.yml", "_toc.yml"],
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
        prose=rules.book.input.prose,
        sources=rules.book.input.sources,
        structure=rules.book.input.structure,
    output:
        CHOSEN_BOOK,
    params:
        only=" ".join(CHOSEN),
        contents="_build/chosen/_toc.yml",
    log:
        f"{LOGS}/chosen.log",
    shell:
        "({TOOLS}/python book/_ext/companion/contents.py {params.only} > {params.contents}"
        " && {TOOLS}/jupyter-book build . --toc {params.contents} --path-output _build/chosen"
        " --all --warningiserror --nitpick --keep-going) > {log} 2>&1 || {{ tail -n 60 {log} >&2; exit 1; }}"
