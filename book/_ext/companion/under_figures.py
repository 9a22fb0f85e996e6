"""What stands under every chart of an executed page: its link, its table, its code, and the way to run it again.

The chart's table is taken from the chart itself, in the reader's browser (`book/_static/under_figures.js`). All code of
a page, that of cells which show nothing included, lies folded at its end.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.highlighting import PygmentsBridge

from analysis_lib.report.page.markup import escape
from companion.stamp import RUN_AGAIN, command_of, notebook_run

FIGURE = '<figure class="vl-figure">'
SECTION = re.compile(r'<section [^>]*?id="([^"]+)"')
CODE = "code-of-this-page"


def add_rows(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """Name every chart of an executed page, put its row under it, and all of the page's code at its end."""
    source = Path(app.env.doc2path(pagename))
    if not context.get("body") or doctree is None or source.suffix != ".ipynb":
        return
    notebook = json.loads(source.read_text(encoding="utf-8"))
    cells = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    shown = [code.strip() for code in cells if code.strip()]
    if not shown:
        return
    highlighter = app.builder.highlighter  # type: ignore[attr-defined]  # of builders that write HTML
    again = RUN_AGAIN if command_of(notebook_run(source)) else ""
    body = with_rows(context["body"], pagename.rsplit("/", 1)[-1], list(charts_of(notebook)), again, highlighter)
    folded = "".join(_colored(code, highlighter) for code in shown)
    context["body"] = (
        f'{body}<details class="page-code" id="{CODE}"><summary>All code of this page</summary>{folded}</details>'
    )


def charts_of(notebook: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The charts of an executed notebook in their order: what the page shows, and the code of the cell that drew it."""
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            html = "".join(output.get("data", {}).get("text/html", ""))
            if html.startswith(FIGURE):
                yield html, "".join(cell["source"]).strip()


def with_rows(body: str, page: str, charts: list[tuple[str, str]], again: str, highlighter: PygmentsBridge) -> str:
    """The text of a page, its charts named by the section in which they stand and each with its row under it."""
    done, rest, named = "", body, Counter[str]()
    first = SECTION.search(body)
    for html, code in charts:
        before, found, after = rest.partition(html)
        if not found:
            continue  # a cell whose output the page leaves out
        sections = SECTION.findall(done + before)
        section = page if not first or not sections or sections[-1] == first[1] else sections[-1]
        named[section] += 1
        name = f"figure-{section}" + (f"-{named[section]}" if named[section] > 1 else "")
        figure = html.replace(FIGURE, f'{FIGURE[:-1]} id="{escape(name)}">', 1)
        done += before + figure + row_html(name, code, again, highlighter)
        rest = after
    return done + rest


def row_html(name: str, code: str, again: str, highlighter: PygmentsBridge) -> str:
    """The row under the chart of a name; scripts add its table."""
    run = f'<a href="#{again}">run again</a>' if again else ""
    return (
        f'<div class="under-figure" data-figure="{escape(name)}"><a class="figure-link" href="#{escape(name)}">link</a>'
        f"{run}<details><summary>code</summary>{_colored(code, highlighter)}"
        f'<p>What it draws is computed in <a href="#{CODE}">all code of this page</a>.</p></details></div>'
    )


def _colored(code: str, highlighter: PygmentsBridge) -> str:
    return highlighter.highlight_block(code, "ipython3")
