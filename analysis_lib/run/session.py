"""A notebook that is not run by `analysis_lib.run`, but in JupyterLab or by papermill: its parameters and its place.

The kernel may have been started in any folder, and nobody has checked what the parameters are. One call makes both as
they are in a run: `take_parameters`, at the beginning of the cell after the parameters.
"""

from __future__ import annotations

import ast
import os
from collections.abc import MutableMapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from analysis_lib.run.execute import repository_root
from analysis_lib.run.kernel import NUMBERS_FILE
from analysis_lib.run.kinds import BESIDE
from analysis_lib.run.parameters import Parameter, ParameterError, complete_parameters, parse_cell, try_kinds

__all__ = ["take_parameters"]

_started_in: Path | None = None
"""The folder that this kernel was started in; none where nothing has been taken yet."""


def take_parameters(name: str, namespace: MutableMapping[str, Any]) -> None:
    """Check and complete the parameters of the notebook that calls this, and go to the repository's root folder.

    What is text is read by the declared types, ``a,b`` or ``[a, b]`` as a list, as on the command line. What the
    notebook writes and was given no place for lies in the folder that the kernel was started in. Where
    `analysis_lib.run` executes the notebook, all this has been done, and nothing happens.

    Parameters
    ----------
    name
        The notebook's name, for what it writes.
    namespace
        The notebook's variables, ``globals()``; its parameters are replaced.

    Raises
    ------
    ParameterError
        A value is of the wrong type, out of range, or not to be found; with what is possible.

    Examples
    --------
    >>> cell = 'layers: list[int] = [0]  # layers to show [0..]'
    >>> _checked(_declared([cell]), {"layers": "1,2"}, Path())
    {'layers': [1, 2]}
    """
    global _started_in
    if _started_in is None:
        if NUMBERS_FILE in os.environ:
            return
        _started_in = Path.cwd()
    root, declared = repository_root(), _declared(namespace.get("In", []))
    os.chdir(_started_in)
    try:
        values = _checked(declared, {one: namespace[one] for one in declared if one in namespace}, root)
    except ParameterError as error:
        raise ParameterError(f"the notebook {name} cannot be run with these parameters:\n{error}") from None
    for one, value in values.items():
        ending = BESIDE.get(declared[one].limits.kind)
        namespace[one] = str(_started_in / f"{name}{ending}") if ending and value is None else value
    os.environ[NUMBERS_FILE] = str(_started_in / f"{name}.numbers.json")
    os.chdir(root)


def _checked(declared: dict[str, Parameter], given: dict[str, Any], root: Path) -> dict[str, object]:
    """The complete values: text read by its type, all else as it is."""
    read: dict[str, Any] = dict(given)
    for name, value in given.items():
        if isinstance(value, str):
            with suppress(ValueError):  # it stays text, and is refused with all others
                read[name] = declared[name].read(value)
    values = complete_parameters(declared, read)
    try_kinds(declared, values, root)
    return values


def _declared(cells: Sequence[str]) -> dict[str, Parameter]:
    """What the last cell that declares parameters says, among those a kernel has run; a kernel knows no tags."""
    for cell in reversed(cells):
        try:
            body = ast.parse(cell).body
        except SyntaxError:  # a magic
            continue
        if any(isinstance(line, ast.AnnAssign) for line in body) and all(
            isinstance(line, ast.AnnAssign | ast.Assign | ast.ImportFrom) for line in body
        ):
            return parse_cell(cell)
    return {}
