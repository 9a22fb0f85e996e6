"""Execute a notebook through papermill: complete parameters in, one whole notebook with provenance out."""

import os
import re
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import jupytext
import nbformat
from nbformat import NotebookNode

from analysis_lib.files import hidden_neighbour, remove_litter, write_atomically
from analysis_lib.locks import writing
from analysis_lib.reading import read_text
from analysis_lib.run.kernel import execute
from analysis_lib.run.kinds import BESIDE, check_writable
from analysis_lib.run.parameters import Parameter, ParameterError, complete_parameters, read_parameters, try_kinds

LARGEST_NOTEBOOK = 2**27
"""Bytes; an executed page with its charts takes some millions."""
IN_A_CELL = re.compile(r"\S*ipykernel_\d+\S+?\.py")
"""The file that a kernel says a cell's code stands in."""
UP_TO_PARAMETERS = re.compile(r"\A.*?^:tags: \[[^\n]*\bparameters\b.*?^```\s*?$", re.DOTALL | re.MULTILINE)
"""The source of a notebook as far as its cell of parameters."""
DISPLAY_TAGS = ("hide-input", "hide-cell", "remove-input", "remove-cell")


class NotebookFailedError(RuntimeError):
    """A cell raised an error or its kernel died; ``partial`` is the notebook as far as it came."""

    def __init__(self, message: str, partial: Path) -> None:
        super().__init__(message)
        self.partial = partial


def repository_root() -> Path:
    """The folder that notebooks run in: the checkout this package belongs to, else the current folder."""
    checkout = Path(__file__).resolve().parents[2]
    return checkout if (checkout / "pyproject.toml").is_file() else Path.cwd()


def read_notebook(path: Path) -> tuple[NotebookNode, dict[str, Parameter]]:
    """Read a notebook (jupytext MyST Markdown or .ipynb) and the parameters that it declares.

    Raises
    ------
    FileNotFoundError
        There is no such notebook; the message lists those beside it.
    ParameterError
        Its ``parameters`` cell cannot be read.
    """
    if path.suffix not in (".md", ".ipynb"):
        raise ValueError(f"{path} is no notebook; give a file that ends in .md or .ipynb")
    return _parsed(path, _text(path))


def read_declared(path: Path) -> dict[str, Parameter]:
    """Read the parameters that a notebook declares, and as a rule nothing behind them; errors as of `read_notebook`."""
    found = UP_TO_PARAMETERS.match(_text(path)) if path.suffix == ".md" else None
    return (found and _parsed(path, found[0])[1]) or read_notebook(path)[1]


def _text(path: Path) -> str:
    try:
        return read_text(path, LARGEST_NOTEBOOK)
    except FileNotFoundError:
        there = sorted(p.name for p in path.parent.glob("*") if p.suffix in (".md", ".ipynb"))
        raise FileNotFoundError(
            f"there is no notebook {path}; {path.parent} has: {', '.join(there) or 'none'}; give one that is there"
        ) from None


def _parsed(path: Path, text: str) -> tuple[NotebookNode, dict[str, Parameter]]:
    try:
        notebook = jupytext.reads(text, fmt=path.suffix[1:])
    except Exception as error:  # whatever a parser of Markdown, YAML and JSON raises about a text that is none
        raise ValueError(f"{path} cannot be read as a notebook: {error}; mend it or give another") from None
    # papermill needs the language beside the kernel's name, and jupytext writes only what the source says.
    notebook.metadata["kernelspec"] = {"name": "python3", "language": "python", "display_name": "Python 3"}
    try:
        return notebook, read_parameters(notebook)
    except (ParameterError, SyntaxError) as error:
        raise ParameterError(f"{path}: {error}") from None


def run_notebook(
    notebook: Path | str,
    parameters: Mapping[str, object] | None = None,
    output: Path | str | None = None,
    *,
    numbers: Path | str | None = None,
    from_text: bool = False,
    progress: bool = False,
) -> Path:
    """Execute a notebook with checked parameters and return the path of the executed one.

    Parameters
    ----------
    notebook
        Source: jupytext MyST Markdown (``.md``) or ``.ipynb``. It runs in the repository's root folder, with the
        interpreter that runs this function, and gets every parameter, given or default.
    parameters
        Values by name; what is left out keeps its default.
    output
        The executed notebook, ``.ipynb``; the source's name in the current folder if left out. It appears only when
        every cell has run, with ``metadata.provenance`` telling how it was made.
    numbers
        The file of the numbers that the page glues; beside the output, ``NAME.numbers.json``, if left out. What else
        a notebook writes, and was given no place for, lies there as well.
    from_text
        Take the values for text, as typed on the command line, and read them by the declared types.
    progress
        Show on the terminal how many questions are asked, and how many layers decomposed.

    Raises
    ------
    ParameterError
        A parameter is unknown, of the wrong type or out of range; nothing has run.
    ValueError
        The output cannot be written, or another process is writing it; nothing has run.
    NotebookFailedError
        A cell failed. The notebook as far as it came is beside the output as ``NAME.failed.ipynb``.
    KeyboardInterrupt
        It was stopped; the message says what the same call goes on from.
    """
    source = Path(notebook)
    target = Path(output) if output is not None else Path(f"{source.stem}.ipynb")
    if "\0" in str(target) or "\0" in str(numbers or ""):
        raise ValueError(f"the output {str(target)!r} holds a zero byte; give a path without")
    if target.suffix != ".ipynb" or os.path.realpath(target) == os.path.realpath(source):
        raise ValueError(f"the output {target} must be an .ipynb file other than the source")
    node, declared = read_notebook(source)
    root = repository_root()
    try:
        values = complete_parameters(declared, parameters or {}, from_text=from_text)
        values |= _places_beside(target, declared, values)
        try_kinds(declared, values, root)
    except ParameterError as error:
        raise ParameterError(f"{source} cannot be run with these parameters:\n{error}") from None
    kept = Path(numbers) if numbers is not None else target.with_suffix(".numbers.json")
    written = [root / str(values[name]) for name in declared if declared[name].limits.kind == "file to write"]
    with ExitStack() as stack:
        for path in (target, _failed(target), kept):
            check_writable(path, folder=False)
        for path in (target, *written):  # a store locks itself
            stack.enter_context(_sole_writer(path))
        try:
            return _run(source, node, values, target, kept, progress)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(_how_to_go_on(declared, values)) from None


def _run(
    source: Path, node: NotebookNode, values: dict[str, object], target: Path, numbers: Path, progress: bool
) -> Path:
    failed = _failed(target)
    remove_litter(target.parent, target.name)
    folder = hidden_neighbour(target)
    folder.mkdir()
    try:
        partial, found = folder / "partial.ipynb", folder / "numbers.json"
        started, clock = datetime.now(UTC), time.monotonic()
        try:
            given = folder / "source.ipynb"
            nbformat.write(node, given)
            execute(given, partial, values, numbers=found, folder=repository_root(), progress=progress)
        except Exception as error:
            if not partial.exists():
                raise
            message = _describe_failure(source, partial, error)
            partial.replace(failed)
            raise NotebookFailedError(f"{message}\nThe notebook as far as it came: {failed}", failed) from error
        _stamp(partial, source, target, values, started, time.monotonic() - clock)
        if found.exists():
            write_atomically(numbers, found.read_bytes())
        partial.replace(target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    failed.unlink(missing_ok=True)
    return target


def _how_to_go_on(declared: Mapping[str, Parameter], values: Mapping[str, object]) -> str:
    places = [str(values[name]) for name in declared if declared[name].limits.kind in BESIDE]
    if not places:
        return "stopped; this notebook keeps nothing halfway: the same command runs it anew"
    return f"stopped; what is done is kept at {', '.join(places)}: the same command goes on from there"


def _failed(target: Path) -> Path:
    return target.with_name(f"{target.stem}.failed.ipynb")


@contextmanager
def _sole_writer(path: Path) -> Iterator[None]:
    """Write ``path`` alone; whatever forbids it is told before the work."""
    with ExitStack() as stack:
        try:
            stack.enter_context(writing(path))
        except OSError as error:
            raise ValueError(f"{path} cannot be written: {error.strerror or error}; give another place") from None
        yield


def _places_beside(target: Path, declared: Mapping[str, Parameter], values: Mapping[str, object]) -> dict[str, str]:
    """Places for what a notebook writes and was given none for: beside the executed notebook, under its name."""
    return {
        name: os.path.abspath(target.with_suffix(BESIDE[parameter.limits.kind]))  # noqa: PTH100 - links stay links
        for name, parameter in declared.items()
        if parameter.limits.kind in BESIDE and values[name] is None
    }


def _stamp(
    path: Path, source: Path, target: Path, values: dict[str, object], started: datetime, seconds: float
) -> None:
    from analysis_lib.run.provenance import collect

    node = nbformat.read(path, as_version=4)
    root = repository_root()
    for key, file in (("input_path", source), ("output_path", target)):
        absolute = file.resolve()
        node.metadata.papermill[key] = str(absolute.relative_to(root) if absolute.is_relative_to(root) else file.name)
    node.metadata["provenance"] = collect(values, started=started, seconds=seconds)
    _inherit_display(node)
    _forget_places(node)
    nbformat.write(node, path)


def _forget_places(node: NotebookNode) -> None:
    """Take from warnings where on this machine they came from; a page is published with what its cells have put out."""
    places = {repository_root(): "repository", Path(sys.prefix): "environment", Path(sys.base_prefix): "python"}
    places |= {Path.home(): "home"}
    for cell in node.cells:
        for output in cell.get("outputs", []):
            if output.output_type == "stream" and output.name == "stderr":
                text = IN_A_CELL.sub("cell", output.text)
                for place in sorted(places, key=lambda path: -len(str(path))):
                    text = text.replace(f"{place}{os.sep}", f"<{places[place]}>{os.sep}") if place.name else text
                output.text = text


def _inherit_display(node: NotebookNode) -> None:
    """Show or hide the cell that papermill injects as the author shows or hides the defaults it overrides."""
    by_tag = {tag: cell for cell in node.cells for tag in cell.metadata.get("tags", [])}
    declared, injected = by_tag.get("parameters"), by_tag.get("injected-parameters")
    if declared and injected:
        injected.metadata.tags += [tag for tag in declared.metadata.tags if tag in DISPLAY_TAGS]


def _describe_failure(source: Path, partial: Path, error: Exception) -> str:
    reason = f"{getattr(error, 'ename', type(error).__name__)}: {getattr(error, 'evalue', error)}"
    cells = [cell for cell in nbformat.read(partial, as_version=4).cells if cell.cell_type == "code"]
    cells = [cell for cell in cells if "injected-parameters" not in cell.metadata.get("tags", [])]
    # The last cell that was begun; where the kernel died, papermill calls it and all after it completed.
    begun = [cell for cell in cells if cell.metadata.get("papermill", {}).get("start_time")]
    if not begun:
        return f"{source} failed before its first cell:\n  {reason}"
    first_line = next((line for line in begun[-1].source.splitlines() if line.strip()), "")
    return f"{source} failed in code cell {len(begun)} of {len(cells)}, `{first_line}`:\n  {reason}"
