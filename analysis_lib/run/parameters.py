"""What a notebook can be asked for, read from its cell tagged ``parameters``."""

import ast
import difflib
import io
import re
import reprlib
import tokenize
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nbformat import NotebookNode

from analysis_lib.run.kinds import check_kind
from analysis_lib.run.types import Limits, ParameterType

# What no name, path or prompt needs, and what cells, terminals and files would not keep as it is.
UNWANTED = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
MOST_CHARACTERS = 100_000


class ParameterError(ValueError):
    """A notebook was asked for something that it does not take, or declares something that cannot be read."""


@dataclass(frozen=True)
class Parameter:
    """One line of a ``parameters`` cell."""

    name: str
    type: ParameterType
    default: object
    help: str
    limits: Limits

    @property
    def expectation(self) -> str:
        """Type and limits in words, for messages: ``int [1..]``."""
        return f"{self.type} {self.limits}".strip()

    def check(self, value: object) -> object:
        """Return a Python value of this parameter, as the notebook will get it; raises ``ValueError`` if it is none."""
        if not (self.type.admits(value) and self.limits.admit(value)):
            raise ValueError(f"expected {self.expectation}, got {reprlib.repr(value)}")
        for text in _texts(value):
            if len(text) > MOST_CHARACTERS:
                raise ValueError(f"{reprlib.repr(text)} has {len(text):,} characters; give at most {MOST_CHARACTERS:,}")
            if found := UNWANTED.search(text):
                raise ValueError(f"{reprlib.repr(text)} holds the control character {found.group()!r}; remove it")
        chosen = _texts(value) if self.limits.choices or self.limits.kind else []
        if twice := [text for i, text in enumerate(chosen) if text in chosen[:i]]:
            raise ValueError(f"{twice[0]!r} is chosen more than once; leave one of them")
        if self.type.scalar == "float" and isinstance(value, int):
            return float(value)
        return list(value) if isinstance(value, list | tuple) else value

    def read(self, text: str | list[str]) -> object:
        """Return the value written as ``text``; raises ``ValueError`` if it is none."""
        try:
            value = self.type.from_text(text)
        except ValueError:
            raise ValueError(f"expected {self.expectation}, got {reprlib.repr(text)}") from None
        return self.check(value)

    def try_kind(self, value: object, root: Path) -> None:
        """Look up or try a checked value, or every element of it, where the comment names a kind.

        Raises ``ValueError`` if it cannot be used; relative paths count from ``root``.
        """
        if self.limits.kind:
            for text in _texts(value):
                check_kind(self.limits.kind, text, root)


def _texts(value: object) -> list[str]:
    """The texts in a value."""
    elements = value if isinstance(value, list | tuple) else [value]
    return [element for element in elements if isinstance(element, str)]


def read_parameters(notebook: NotebookNode) -> dict[str, Parameter]:
    """Read the parameters that a notebook declares, in their order; none where no cell is tagged ``parameters``.

    papermill can inspect notebooks too, but takes a ``#`` in a string for a comment and does not know ``int | None``.

    Raises
    ------
    ParameterError
        An assignment of the cell has no readable type, a default that is no literal, or one outside its own limits.

    Examples
    --------
    >>> from nbformat.v4 import new_code_cell, new_notebook
    >>> cell = new_code_cell("seed: int = 0  # random seed [0..]", metadata={"tags": ["parameters"]})
    >>> read_parameters(new_notebook(cells=[cell]))["seed"].expectation
    'int [0..]'
    """
    for cell in notebook.cells:
        if cell.cell_type == "code" and "parameters" in cell.metadata.get("tags", []):
            return parse_cell(cell.source)
    return {}


def parse_cell(source: str) -> dict[str, Parameter]:
    """Read the parameters that the source of a cell declares; raises as `read_parameters` does."""
    comments = {
        token.start[0]: token.string.lstrip("#").strip()
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    }
    parameters = {}
    for node in ast.parse(source).body:
        annotation: ast.expr | None = None
        match node:
            case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation, value=ast.expr() as value):
                pass
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                pass
            case _:
                continue
        try:
            parameters[name] = _declare(name, annotation, value, comments.get(node.end_lineno or 0, ""))
        except ValueError as error:
            raise ParameterError(f"parameter `{name}` cannot be declared like this: {error}") from None
    return parameters


def _declare(name: str, annotation: ast.expr | None, value: ast.expr, comment: str) -> Parameter:
    try:
        default = ast.literal_eval(value)
    except ValueError:
        raise ValueError(f"its default `{ast.unparse(value)}` is no plain number, string or list") from None
    declared = ParameterType.from_annotation(annotation) if annotation else ParameterType.from_default(default)
    help_text, limits = Limits.from_comment(comment)
    parameter = Parameter(name, declared, default, help_text, limits)
    try:
        parameter.check(default)
    except ValueError as error:
        raise ValueError(f"its default contradicts it ({error})") from None
    return parameter


def complete_parameters(
    declared: Mapping[str, Parameter], given: Mapping[str, object], *, from_text: bool = False
) -> dict[str, object]:
    """Check what was asked for and fill in the defaults, so that the whole set is known and can be recorded.

    Parameters
    ----------
    declared
        The notebook's parameters.
    given
        Values by name: Python values, or with ``from_text`` strings that are read by the declared types.

    Raises
    ------
    ParameterError
        Naming every unknown name, wrong type and value out of range at once, and what is possible.
    """
    values = {name: parameter.default for name, parameter in declared.items()}
    problems: list[str] = []
    for name, value in given.items():
        if name not in declared:
            close = difflib.get_close_matches(name, declared, n=1)
            shown = name if name.isidentifier() and name.isascii() else ascii(name)
            problems.append(f"{shown}: there is no such parameter" + (f"; did you mean `{close[0]}`?" if close else ""))
            continue
        try:
            values[name] = declared[name].read(value) if from_text else declared[name].check(value)  # type: ignore[arg-type]
        except ValueError as error:
            problems.append(f"{name}: {error}")
    _refuse(problems, declared)
    return values


def try_kinds(declared: Mapping[str, Parameter], values: Mapping[str, object], root: Path) -> None:
    """Look up or try those of the complete values whose parameters name a kind; relative paths count from ``root``.

    Raises
    ------
    ParameterError
        Naming every value that cannot be used, and what is possible.
    """
    problems = []
    for name, parameter in declared.items():
        try:
            parameter.try_kind(values[name], root)
        except ValueError as error:
            problems.append(f"{name}: {error}")
    _refuse(problems, declared)


def _refuse(problems: list[str], declared: Mapping[str, Parameter]) -> None:
    if problems:
        possible = parameter_table(declared) if declared else "It takes no parameters: no cell is tagged `parameters`."
        raise ParameterError("\n".join([*(f"  {problem}" for problem in problems), "What is possible:", possible]))


def parameter_table(declared: Mapping[str, Parameter]) -> str:
    """Lay out parameters as aligned text, one a line: name, type, default, limits, help."""
    rows = [("name", "type", "default", "allowed", "help")]
    rows += [(p.name, str(p.type), repr(p.default), str(p.limits), p.help) for p in declared.values()]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, [*widths, 0], strict=True)) for row in rows)
    return "\n".join(f"  {line.rstrip()}" for line in lines)
