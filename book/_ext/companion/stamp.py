"""The stamp at the foot of every page, and the banner on pages made with the small stand-in model."""

import json
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

from analysis_lib.report.page.markup import escape
from analysis_lib.run import provenance
from companion.data import data_row

STAND_IN_PROFILES = {"mini", "smoke"}
STAND_IN_PREFIX = "mini-"
RUN_AGAIN = "run-it-again"
"""Where a page says how to run it again."""
# What a notebook may declare as `made_with` in its front matter when it reads no results of its profile's models.
SHIPPED = {
    "trainings": "Its numbers come from several trainings of the embedded models, on a generated world, and were "
    "measured once; the page says when. They are not measurements of LLaVA-1.5-7B or LLaVA-1.6-7B.",
    "real decoder": "Its numbers come from smol-llava, whose decoder is a small published language model, and from "
    "trainings of the embedded models, on generated worlds, and were measured once; the page says when. They are not "
    "measurements of LLaVA-1.5-7B or LLaVA-1.6-7B.",
    "contradiction": "Its numbers come from smol-llava, a LLaVA around a pretrained decoder of 135 M parameters, on a "
    "generated world, and were measured once; the page says when. They are not measurements of LLaVA-1.5-7B or "
    "LLaVA-1.6-7B.",
}
WITHOUT_MODEL = {
    "known systems": "Its numbers come from systems whose information is known, drawn when the page is run.",
    "random weights": "Its numbers are operations counted and times taken on random weights, when the page is run.",
    "faults": "Its numbers were measured once, by make faults, mostly on the embedded model; the page says when.",
    "random systems": "Its numbers are times taken on random systems and random weights, when the page is run.",
}


def add_stamp(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """Put the banner under the title and the stamp under the text of a page that has text."""
    if not context.get("body") or doctree is None:
        return
    source = Path(app.env.doc2path(pagename))
    run = notebook_run(source) if source.suffix == ".ipynb" else None
    if run is None:
        context["body"] += stamp_html("How this page was made", _build_rows())
        return
    context["body"] = with_banner(context["body"], banner_html(run))
    data = data_row(source, Path(app.srcdir), Path(app.outdir), context["pathto"]("", 1).rstrip("/") or ".")
    context["body"] += stamp_html("How this page was made", _run_rows(run, data))


def notebook_run(notebook: Path) -> dict[str, Any]:
    """What the executed notebook says of its run: the provenance of ``analysis_lib.run``, else papermill's record."""
    found = json.loads(notebook.read_text(encoding="utf-8")).get("metadata", {})
    record, run = found.get("papermill", {}), dict(found.get("provenance", {}))
    run.setdefault("parameters", record.get("parameters", {}))
    run.setdefault("seconds", record.get("duration"))
    run.setdefault("started", record.get("start_time"))
    run["profile"] = run.get("profile") or run["parameters"].get("profile")
    run["notebook"] = record.get("input_path")
    run["made_with"] = found.get("made_with")
    return run


def stand_in_models(run: dict[str, Any]) -> list[str] | None:
    """The embedded models that a run used, an empty list when it is known only that it used one, None when none."""
    parameters = run["parameters"]
    named = parameters.get("model") or [], parameters.get("models") or []  # none named: all of the profile
    models = [name for entry in named for name in ([entry] if isinstance(entry, str) else entry)]
    small = [name for name in models if str(name).startswith(STAND_IN_PREFIX)]
    return small if small or run.get("profile") in STAND_IN_PROFILES else None


def banner_html(run: dict[str, Any]) -> str:
    """The banner of a run, or nothing for a run on full models."""
    if run.get("made_with") in SHIPPED:
        text = f"<strong>Made with small stand-in models.</strong> {SHIPPED[run['made_with']]}"
        return f'<aside class="companion-banner" role="note" aria-label="Stand-in models"><p>{text}</p></aside>'
    if run.get("made_with"):
        text = f"<strong>Made without a trained model.</strong> {WITHOUT_MODEL[run['made_with']]}"
        return f'<aside class="companion-banner" role="note" aria-label="No model"><p>{text}</p></aside>'
    models = stand_in_models(run)
    if models is None:
        return ""
    names = f" ({', '.join(f'<code>{escape(name)}</code>' for name in models)})" if models else ""
    text = (
        f"<strong>Made with the small stand-in model{names}.</strong> Its numbers come from a real LLaVA of a few "
        "million parameters, trained on a generated world, passing through the code that the 7B models use. They are "
        "not measurements of LLaVA-1.5-7B or LLaVA-1.6-7B."
    )
    if run.get("profile") == "smoke":
        text += " The <code>smoke</code> profile asks so few questions that nothing can be concluded from them."
    return f'<aside class="companion-banner" role="note" aria-label="Stand-in model"><p>{text}</p></aside>'


def with_banner(body: str, banner: str) -> str:
    """The page with its banner under the title, or on top where there is no title."""
    before, title_end, after = body.partition("</h1>")
    return f"{before}{title_end}{banner}{after}" if title_end else banner + body


def stamp_html(title: str, rows: Iterator[tuple[str, str]]) -> str:
    """A stamp that opens on request; the cells are finished HTML."""
    cells = "".join(f'<tr><th scope="row">{escape(name)}</th><td>{text}</td></tr>' for name, text in rows if text)
    return (
        f'<details class="provenance"><summary>{escape(title)}</summary>'
        f'<table class="table"><tbody>{cells}</tbody></table></details>'
    )


def command_of(run: dict[str, Any]) -> str:
    """The command that makes the notebook again, with its complete parameters."""
    if not run.get("notebook"):
        return ""
    words = ["python", "-m", "analysis_lib.run", str(run["notebook"])]
    for name, value in run["parameters"].items():
        if value != provenance.OUTSIDE:
            words += ["-p", name, value if isinstance(value, str) else json.dumps(value)]
    return " ".join(shlex.quote(word) for word in words)


def _run_rows(run: dict[str, Any], data: str = "") -> Iterator[tuple[str, str]]:
    yield "profile", escape(str(run.get("profile") or ""))
    yield "data", data
    yield "parameters", _pairs(run["parameters"])
    command = command_of(run)
    yield "run it again", f'<code id="{RUN_AGAIN}">{escape(command)}</code>' if command else ""
    seconds = run.get("seconds")
    took = f"{float(seconds):.1f} s" if seconds is not None else ""
    yield "run", escape(", ".join(part for part in (str(run.get("started") or ""), took) if part))
    yield from _origin_rows(run)


def _build_rows() -> Iterator[tuple[str, str]]:
    yield "page", "text without a run of its own; its numbers, if any, are read from the pages that measure them"
    yield from _origin_rows(_build())


@cache
def _build() -> dict[str, Any]:
    return provenance.collect({})


def _origin_rows(run: dict[str, Any]) -> Iterator[tuple[str, str]]:
    git, hardware = run.get("git") or {}, run.get("hardware") or {}
    commit = git.get("commit")
    changed = ", with uncommitted changes" if git.get("dirty") else ""
    yield "commit", f"<code>{escape(commit)}</code>{changed}" if commit else "not known (no git)"
    memory = hardware.get("memory_gib")
    machine = [
        str(hardware.get("cpu") or ""),
        f"{hardware['cores']} cores" if hardware.get("cores") else "",
        f"{memory:g} GiB of memory" if memory else "",
        f"accelerator: {hardware['gpu']}" if hardware.get("gpu") else "",
    ]
    yield "machine", escape("; ".join(part for part in machine if part))
    versions = {"python": run["python"], **run.get("packages", {})} if run.get("python") else {}
    yield "versions", _pairs(versions)


def _pairs(values: dict[str, Any]) -> str:
    return ", ".join(f"<code>{escape(str(name))}</code>&nbsp;{escape(str(value))}" for name, value in values.items())
