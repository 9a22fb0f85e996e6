"""What pages may write beyond plain MyST: a notebook's parameter table, and roles that mark numbers nobody measured."""

from pathlib import Path
from typing import Any

import jupytext
from docutils import nodes
from docutils.parsers.rst import Directive
from docutils.parsers.rst.states import Inliner

from analysis_lib.run import Parameter, ParameterError, read_parameters

COLUMNS = {"parameter": 28, "default": 27, "meaning": 45}


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
        return [_table(f"Parameters of {self.arguments[0]}", list(declared.values()))]


def _table(title: str, declared: list[Parameter]) -> nodes.table:
    group = nodes.tgroup(cols=len(COLUMNS))
    group += [nodes.colspec(colwidth=width) for width in COLUMNS.values()]
    head, body = nodes.thead(), nodes.tbody()
    head += _row(*([nodes.Text(name)] for name in COLUMNS))
    for parameter in declared:
        limits = str(parameter.limits)
        meaning: list[nodes.Node] = [nodes.Text(parameter.help)]
        if limits:
            meaning += [nodes.Text("; one of " if limits.startswith("{") else "; within "), nodes.literal(text=limits)]
        name = [nodes.literal(text=parameter.name), nodes.Text(f" {parameter.type}")]
        body += _row(name, [nodes.literal(text=repr(parameter.default))], meaning)
    group += [head, body]
    table = nodes.table(classes=["parameter-table"])
    table += [nodes.title(text=title), group]
    return table


def _row(*cells: list[nodes.Node]) -> nodes.row:
    row = nodes.row()
    for cell in cells:
        row += nodes.entry("", nodes.paragraph("", "", *cell))
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
