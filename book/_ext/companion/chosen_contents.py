"""A book of chosen pages: its contents, and links to pages that were left out.

``python book/_ext/companion/chosen_contents.py knockouts claims`` prints `_toc.yml` with these executed pages alone.
"""

import re
import sys
from pathlib import Path
from typing import Any

import yaml
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import docname_join
from sphinx_external_toc.parsing import parse_toc_yaml

CONTENTS = "_toc.yml"
EXECUTED = Path("book/pages")
LEFT_OUT = "a page that was left out of this build"
OUTPUT_LINK = re.compile(r'<a\b[^>]*\bhref="(\w+)\.html(?:#[^"]*)?"[^>]*>(.*?)</a>', re.DOTALL)


def chosen_contents(contents: dict[str, Any], pages: list[str]) -> dict[str, Any]:
    """Contents with the chosen pages alone, in the order of the whole; the first chosen page opens the book.

    Raises ``ValueError`` for a page that the contents do not hold.
    """
    whole = [contents["root"], *(chapter["file"] for part in contents["parts"] for chapter in part["chapters"])]
    executed = [file for file in whole if Path(file).parent == EXECUTED]
    wanted = [f"{EXECUTED}/{page}" for page in pages]
    if strangers := sorted(set(wanted) - set(executed)):
        known = ", ".join(Path(file).name for file in executed)
        raise ValueError(f"{CONTENTS} has no {', '.join(strangers)}; its pages are {known}")
    root = next(file for file in executed if file in wanted)
    left_out = {root, *executed} - (set(wanted) - {root})
    parts = [
        part | {"chapters": [chapter for chapter in part["chapters"] if chapter["file"] not in left_out]}
        for part in contents["parts"]
    ]
    return contents | {"root": root, "parts": [part for part in parts if part["chapters"]]}


def link_to_left_out(app: Sphinx, env: Any, node: nodes.Element, contnode: nodes.Element) -> nodes.Node | None:
    """In a book of chosen pages, words in the place of a link to a page of the whole book; other links stay broken."""
    if node.get("reftype") != "doc":
        return None
    target = docname_join(node.get("refdoc", ""), node["reftarget"])
    if target not in left_out(app):
        return None
    text = contnode.astext() if node.get("refexplicit") else Path(target).name.replace("_", " ")
    return nodes.abbreviation("", text, explanation=LEFT_OUT)


def unlink_left_out(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """The same for links in what a cell has put out, which Sphinx does not read."""
    if missing := left_out(app):
        folder = Path(pagename).parent
        context["body"] = OUTPUT_LINK.sub(
            lambda link: (
                f'<abbr title="{LEFT_OUT}">{link[2]}</abbr>' if (folder / link[1]).as_posix() in missing else link[0]
            ),
            context.get("body", ""),
        )


def left_out(app: Sphinx) -> set[str]:
    """Pages of the whole book that this book of chosen pages leaves out; none where the book is whole."""
    whole, used = Path(app.srcdir, CONTENTS), Path(app.srcdir, app.config.external_toc_path)
    if not whole.is_file() or whole.resolve() == used.resolve():
        return set()
    return set(parse_toc_yaml(whole)) - app.env.found_docs


if __name__ == "__main__":
    yaml.safe_dump(
        chosen_contents(yaml.safe_load(Path(CONTENTS).read_text(encoding="utf-8")), sys.argv[1:]), sys.stdout
    )
