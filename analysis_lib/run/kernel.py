"""The kernel that a notebook runs in: encrypted, told where the terminal is, and stopped when its runner is."""

import logging
import os
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from analysis_lib.progress import TERMINAL

__all__ = ["NUMBERS_FILE", "execute"]

NUMBERS_FILE = "ANALYSIS_LIB_NUMBERS"
"""The variable that tells `analysis_lib.report.Numbers` where a run keeps the page's numbers."""
NO_BARS = "ignore:IProgress not found"
"""What tqdm says in a kernel without ipywidgets, as a filter of warnings."""


def execute(
    source: Path, output: Path, values: Mapping[str, object], *, numbers: Path, folder: Path, progress: bool
) -> None:
    """Run a notebook through papermill with the interpreter that calls this.

    Parameters
    ----------
    source, output
        The notebook, ``.ipynb``, and where it is written while its cells run.
    values
        All its parameters, checked.
    numbers
        The file of the page's numbers.
    folder
        Where it runs.
    progress
        Show on this terminal how much of the work is done, where there is one.

    Raises
    ------
    KeyboardInterrupt
        The runner was told to stop, and its kernel with it; nbclient calls this a kernel that died.
    """
    import papermill  # takes most of a second; refusing a parameter should not
    import zmq
    from jupyter_client.manager import AsyncKernelManager
    from traitlets.config import Config

    at_work = told_to_stop = False

    def is_at_work(now: bool) -> Callable[..., None]:
        def note(**_: object) -> None:
            nonlocal at_work
            at_work = now

        return note

    class Kernel(AsyncKernelManager):
        async def shutdown_kernel(self, now: bool = False, restart: bool = False) -> None:  # type: ignore[override]
            nonlocal told_to_stop
            told_to_stop = True  # nobody asks this of a kernel that died by itself
            # Amid a cell it would say at length what it was doing; whatever is kept is whole at every moment.
            await super().shutdown_kernel(now=now or at_work, restart=restart)

    # What a kernel and its runner say to each other passes through the machine's own network, where others can listen.
    encryption = "auto" if zmq.has("curve") else "disabled"
    # Hashing fixed: a set iterated in a notebook must not change a table from run to run. Environment preferred: a
    # kernel that the user once registered as `python3` must not replace this interpreter.
    variables = {
        "PYTHONHASHSEED": "0",
        "JUPYTER_PREFER_ENV_PATH": "1",
        NUMBERS_FILE: os.path.abspath(numbers),  # noqa: PTH100 - links stay links
        TERMINAL: _terminal() if progress else "",
        # Bars of libraries would be kept, and that one finds nothing to draw them with is no news.
        "TQDM_DISABLE": "1",
        "PYTHONWARNINGS": ",".join(filter(None, [os.environ.get("PYTHONWARNINGS"), NO_BARS])),
    }
    with _environment(**variables), _without_false_alarms(values):
        try:
            papermill.execute_notebook(
                _literal(source),
                _literal(output),
                dict(values),
                kernel_name="python3",
                kernel_manager_class=Kernel,
                config=Config(KernelManager={"transport_encryption": encryption}),
                on_cell_execute=is_at_work(True),
                on_cell_executed=is_at_work(False),
                cwd=folder,
                progress_bar=False,  # of cells, which say nothing about how long it takes
                start_timeout=300,  # seconds; a busy machine can need more than papermill's 60
            )
        except RuntimeError as error:
            if told_to_stop and "died" in str(error):
                raise KeyboardInterrupt from None
            raise


def _terminal() -> str:
    """The terminal that this process writes its errors to, nothing where that is none."""
    try:
        return os.ttyname(sys.stderr.fileno())
    except (OSError, ValueError, AttributeError):
        return ""


@contextmanager
def _without_false_alarms(declared: Collection[str]) -> Iterator[None]:
    """Drop what papermill says of a cell of parameters that it cannot parse: `read_parameters` has, and checked all."""
    false = {f"Passed unknown parameter: {name}" for name in declared}

    def is_true(record: logging.LogRecord) -> bool:
        said = record.getMessage()
        return said not in false and not said.startswith("Unable to parse line ")

    logger = logging.getLogger("papermill")
    logger.addFilter(is_true)
    try:
        yield
    finally:
        logger.removeFilter(is_true)


def _literal(path: Path) -> str:
    """A path that papermill leaves as it is: it fills parameters into braces, and takes a relative one for others."""
    return os.path.abspath(path).replace("{", "{{").replace("}", "}}")  # noqa: PTH100 - links stay links


@contextmanager
def _environment(**variables: str) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
