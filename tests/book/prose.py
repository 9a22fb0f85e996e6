"""Find numbers in a page's text that look like results and that no cell computed.

A result is a decimal, a percentage, a count with a thousands separator, or a number of bits or points. It may stand in
code, in a formula, in a citation, in ``{glue}`` (a cell computed it), in ``{paper}`` (the paper printed it) or in
``{given}`` (fixed by choice or arithmetic), and nowhere else. Levels of intervals, versions and the numbers of
sections, tables and equations are not results.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

import yaml
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from myst_parser.config.main import MdParserConfig
from myst_parser.parsers.mdit import create_md_parser

EXTENSIONS = {"amsmath", "attrs_inline", "colon_fence", "deflist", "dollarmath", "substitution"}
RESULT = re.compile(
    r"""
    (?<![\w.,:/-])(?:
        \d+(?:\.\d+)?\s?%                                              # 82 %
      | \d[\d.,]*\s(?:bits?|nats?|(?:percentage\s)?points?)\b          # 14 bits
      | \d{1,3}(?:,\d{3})+(?:\.\d+)?(?![\w])                           # 5,525
      | \d+\.\d+(?:e[+-]?\d+)?(?!\w|\.\d|-\d)                          # 0.97
      | \d+e[+-]?\d+(?!\w)                                             # 1e-6
    )
    """,
    re.VERBOSE,
)
LEVEL = re.compile(r"\d+(?:\.\d+)?\s?%[\s-](?:[\w-]+\s)?(?:intervals?|bands?|level|percentile)|\b9[05]th percentile")
LABEL = re.compile(
    r"\b(?:Python|version|section|sec\.|table|figure|fig\.|eqs?\.|equations?|app\.|appendix|CC BY|arXiv:?)\s*\d[\d.]*",
    re.IGNORECASE,
)
NOT_PROSE = {
    "code-cell",
    "code",
    "code-block",
    "math",
    "bibliography",
    "parameters",
    "glue:figure",
    "toctree",
    "mermaid",
}


class Finding(NamedTuple):
    """A number that looks like a result, with the line it stands on."""

    line: int
    number: str


def typed_results(markdown: str) -> list[Finding]:
    """The result numbers that are typed into a page (MyST Markdown or a jupytext notebook)."""
    _, body, skipped = _without_header(markdown)
    return [Finding(finding.line + skipped, finding.number) for finding in _search(body, 1)]


def broken_glue(markdown: str) -> list[int]:
    """Lines with a ``{glue}`` that Markdown reads as text or as code, for instance inside another pair of backticks."""
    _, body, skipped = _without_header(markdown)
    parser = create_md_parser(MdParserConfig(enable_extensions=EXTENSIONS), RendererHTML)
    return [
        skipped + 1 + token.map[0]
        for token in parser.parse(body)
        if token.type == "inline"
        for child in token.children or []
        if child.type in ("text", "code_inline") and "{glue" in child.content
    ]


def _without_header(text: str) -> tuple[str, str, int]:
    """A YAML header between lines of three dashes, the text after it, and the number of lines before that."""
    lines = text.split("\n")
    if lines and lines[0].strip() == "---":
        for place in range(1, len(lines)):
            if lines[place].strip() == "---":
                return "\n".join(lines[1:place]), "\n".join(lines[place + 1 :]), place + 1
    return "", text, 0


def _search(text: str, first_line: int) -> Iterator[Finding]:
    parser = create_md_parser(MdParserConfig(enable_extensions=EXTENSIONS), RendererHTML)
    for token in parser.parse(text):
        line = first_line + (token.map[0] if token.map else 0)
        if token.type == "inline":
            yield from _search_inline(token, line)
        elif token.type in ("fence", "colon_fence"):
            yield from _search_directive(token, line)


def _search_inline(token: Token, line: int) -> Iterator[Finding]:
    prose = "".join(_plain(child) for child in token.children or [])
    for pattern in (LEVEL, LABEL):
        prose = pattern.sub(lambda match: "\0" * len(match.group()), prose)
    for match in RESULT.finditer(prose):
        yield Finding(line + prose[: match.start()].count("\n"), match.group())


def _plain(child: Token) -> str:
    """The words of an inline token; what is not words (code, formula, role, address) is one mark."""
    if child.type == "text":
        return child.content
    if child.type in ("softbreak", "hardbreak"):
        return "\n"
    marks = child.type in ("code_inline", "math_inline", "math_inline_double", "myst_role", "html_inline")
    return "\0" + "\n" * child.content.count("\n") if marks else ""


def _search_directive(token: Token, line: int) -> Iterator[Finding]:
    named = re.match(r"\{([\w:-]+)\}\s*(.*)", token.info.strip())
    if not named:
        return
    name, argument = named.groups()
    header, body, skipped = _without_header(token.content)
    options = yaml.safe_load(header) if header else {}
    if name in NOT_PROSE:
        caption = ((options.get("mystnb") or {}).get("figure") or {}).get("caption") if name == "code-cell" else None
        yield from _search(str(caption), line) if caption else ()
        return
    yield from _search(argument, line)
    kept = [re.sub(r"^:(?!caption:)[\w-]+:.*$", "", row) for row in body.split("\n")]
    yield from _search("\n".join(kept), line + 1 + skipped)
