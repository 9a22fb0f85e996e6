"""What pages may write beyond plain MyST: a notebook's parameter table, and roles that mark numbers nobody measured."""

from pathlib import Path
from typing import Any

import jupytext
from docutils import nodes
from docutils.parsers.rst import Directive
from docutils.parsers.rst.states import Inliner

from analysis_lib.run import ParameterError, read_parameters

COLUMNS = ("name", "type", "default", "allowed", "meaning")


class ParameterTable(Directive):
    """Table of the parameters of a notebook, read from its ``parameters`` cell.

    The path is relative to the folder of the book's configuration::

        ```{parameters} notebooks/extract.md
        ```
    """

    required_arguments = 1
    has_content = False

    def run(self) -> list[nodes.Node]:
        """Return the table; a notebook that is missing or declares nothing is an error of the page."""
        environment = self.state.document.settings.env
        notebook = Path(environment.srcdir) / self.arguments[0]
        if not notebook.is_file():
            raise self.error(f"there is no notebook {self.arguments[0]}; the path is relative to the book's root")
        environment.note_dependency(str(notebook))
        try:
            declared = read_parameters(jupytext.read(notebook))
        except (ParameterError, SyntaxError) as error:
            raise self.error(f"{self.arguments[0]}: {error}") from None
        if not declared:
            raise self.error(f"{self.arguments[0]} has no cell tagged 'parameters'; tag one, or leave the table out")
        rows = [(p.name, str(p.type), repr(p.default), str(p.limits), p.help) for p in declared.values()]
        return [_table(f"Parameters of {self.arguments[0]}", rows)]


def _table(title: str, rows: list[tuple[str, ...]]) -> nodes.table:
    group = nodes.tgroup(cols=len(COLUMNS))
    group += [nodes.colspec(colwidth=1) for _ in COLUMNS]
    head, body = nodes.thead(), nodes.tbody()
    head += _row([nodes.Text(name) for name in COLUMNS])
    for row in rows:
        # Names, types and defaults are code; a comment is prose, and may be empty like the limits.
        body += _row([nodes.literal(text=cell) if cell else nodes.Text("") for cell in row[:4]] + [nodes.Text(row[4])])
    group += [head, body]
    table = nodes.table(classes=["parameter-table"])
    # Without a number: these tables are looked up by notebook, not cited.
    table += [nodes.title(text=title), group]
    return table


def _row(cells: list[nodes.Node]) -> nodes.row:
    row = nodes.row()
    for cell in cells:
        row += nodes.entry("", nodes.paragraph("", "", cell))
    return row


def paper_role(
    name: str, rawtext: str, text: str, lineno: int, inliner: Inliner, options: Any = None, content: Any = None
) -> tuple[list[nodes.Node], list[nodes.system_message]]:
    """``{paper}`14.18 bits` ``: a value as the paper prints it, which nothing here measured."""
    return [nodes.abbreviation(rawtext, text, explanation="as published in the paper", classes=["paper-value"])], []


def given_role(
    name: str, rawtext: str, text: str, lineno: int, inliner: Inliner, options: Any = None, content: Any = None
) -> tuple[list[nodes.Node], list[nodes.system_message]]:
    """``{given}`95 %` ``: a number fixed by choice or by arithmetic (a level, a setting), which is not a result."""
    return [nodes.inline(rawtext, text, classes=["given-value"])], []
