"""Notebooks as people run them: in a kernel of any folder, by papermill, stopped halfway, watched on a terminal."""

import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import jupytext
import nbformat
import pytest
from jupytext.config import load_jupytext_config
from papermill.translators import PythonTranslator

from analysis_lib.run import ParameterError
from analysis_lib.run.execute import read_notebook
from analysis_lib.run.session import _checked, _declared

TOOLS = Path(sys.executable).parent
FRONT = """---
# run: jupytext --to ipynb THIS.md
jupytext: {text_representation: {extension: .md, format_name: myst}}
kernelspec: {name: python3, language: python, display_name: Python 3}
---
"""
ASKED = f"""{FRONT}
```{{code-cell}} python
:tags: [parameters]
from typing import Optional

layers: list[int] = [0]  # some layers [0..]
names: Optional[list[str]] = None  # some names
share: Optional[float] = 0.5  # of all (0..1]
table: Optional[str] = None  # what it writes <file to write>
```

```{{code-cell}} python
from analysis_lib.run import take_parameters

take_parameters("asked", globals())

import os

import tests.faults

print(layers, names, share, table, os.getcwd(), sep="\\n")
```
"""
LONG = f"""{FRONT}
```{{code-cell}} python
:tags: [parameters]
table: str | None = None  # what it writes <file to write>
seconds: float = 0  # how long it takes [0..]
```

```{{code-cell}} python
import time
from pathlib import Path

from analysis_lib.progress import progress

with progress(4, "layer", "decompose") as bar:
    bar.update(3)
    Path(table).write_text("begun")
    time.sleep(seconds)
    bar.update(1)
```
"""


def converted(folder: Path, text: str) -> Path:
    jupytext.write(jupytext.reads(text, fmt="md"), folder / "asked.ipynb")
    return folder / "asked.ipynb"


def papermill(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [str(TOOLS / "papermill"), *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)


def test_plain_papermill_in_another_folder_reads_lists_and_runs_where_every_notebook_runs(tmp_path, repository):
    converted(tmp_path, ASKED)
    done = papermill(
        tmp_path, "asked.ipynb", "out.ipynb", "-p", "layers", "1,2", "-p", "names", "[a, 'b c']", "-p", "share", "1"
    )
    assert done.returncode == 0, done.stderr
    assert "unknown parameter" not in done.stderr and "Unable to parse" not in done.stderr
    outputs = [output for cell in nbformat.read(tmp_path / "out.ipynb", 4).cells for output in cell.get("outputs", [])]
    place = str(tmp_path / "asked.parquet")
    assert outputs[0].text.splitlines() == ["[1, 2]", "['a', 'b c']", "1.0", place, str(repository)]

    refused = papermill(tmp_path, "asked.ipynb", "out.ipynb", "-p", "layers", "1,x", "-p", "share", "2")
    assert refused.returncode != 0
    for said in (
        "layers: expected list[int] [0..], got '1,x'",
        "share: expected float | None (0..1], got 2",
        "What is possible",
    ):
        assert said in refused.stderr


def test_markdown_given_to_papermill_says_what_to_do(tmp_path, repository):
    for path in sorted((repository / "notebooks").glob("*.md")):
        assert path.read_text().startswith("---\n# run: jupytext --to ipynb THIS.md\n"), path
    (tmp_path / "asked.md").write_text(ASKED)
    refused = papermill(tmp_path, "asked.md", "out.ipynb")
    assert refused.returncode != 0
    assert "run: jupytext --to ipynb THIS.md" in refused.stderr.splitlines()[-1]


def test_papermill_knows_every_parameter_of_every_notebook(repository, caplog):
    for path in sorted((repository / "notebooks").glob("*.md")):
        notebook, declared = read_notebook(path)
        cell = next(cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", []))
        assert [parameter.name for parameter in PythonTranslator.inspect(cell)] == list(declared), path
        after = notebook.cells[notebook.cells.index(cell) + 1 :]
        first = next(cell for cell in after if cell.cell_type == "code")
        call = f'from analysis_lib.run import take_parameters\n\ntake_parameters("{path.stem}", globals())'
        assert first.source == call, path
    assert not caplog.records


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ({}, {"layers": [0], "name": None}),
        ({"layers": (3,), "name": "none"}, {"layers": [3], "name": None}),
        ({"layers": "[4]", "name": "a, b"}, {"layers": [4], "name": "a, b"}),
        ({"layers": "", "name": None}, {"layers": [], "name": None}),
    ],
)
def test_text_is_read_by_its_type_and_values_are_checked_as_they_are(given, taken, tmp_path):
    cells = ["%matplotlib inline", "layers: list[int] = [0]  # [0..]\nname: str | None = None", "layers = [7]", "x = 1"]
    assert _checked(_declared(cells), given, tmp_path) == taken


@pytest.mark.parametrize("layers", ["1.5", "[1, [2]]", [1.5], 3, None, [-1], "a,b", {"a": 1}])
def test_what_is_no_list_of_layers_is_refused_with_its_value(layers, tmp_path):
    declared = _declared(["layers: list[int] = [0]  # [0..]"])
    with pytest.raises(ParameterError, match=r"layers: expected list\[int\] \[0\.\.\], got "):
        _checked(declared, {"layers": layers}, tmp_path)


# A shell's job in the background is deaf to Ctrl-C, and so is all that it starts, these tests too.
HEARING = """
import runpy, signal
signal.signal(signal.SIGINT, signal.default_int_handler)
runpy.run_module("analysis_lib.run", run_name="__main__", alter_sys=True)
"""


def started(folder: Path, terminal: int, seconds: int) -> subprocess.Popen[bytes]:
    (folder / "long.md").write_text(LONG)
    command = [sys.executable, "-c", HEARING, "long.md", "-p", "seconds", str(seconds), "-o", "out.ipynb"]
    paths = os.pathsep.join(filter(None, [str(Path(__file__).resolve().parents[3]), os.environ.get("PYTHONPATH")]))
    return subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=terminal, env=os.environ | {"PYTHONPATH": paths}
    )


def read_terminal(master: int) -> str:
    """What has been written to a terminal that nobody holds open any more."""
    text = b""
    try:
        while piece := os.read(master, 65536):
            text += piece
    except OSError:  # how Linux says that it is the end
        pass
    return text.decode()


def test_the_terminal_shows_layers_and_nothing_else_and_the_notebook_keeps_no_bar(tmp_path):
    master, terminal = pty.openpty()
    process = started(tmp_path, terminal, 0)
    os.close(terminal)
    shown = read_terminal(master)
    assert process.wait(60) == 0, shown
    assert "decompose" in shown and "4/4" in shown and "layer/s" in shown
    for unwanted in ("cell", "without encryption", "WARNING", "unknown parameter"):
        assert unwanted not in shown
    cells = nbformat.read(tmp_path / "out.ipynb", 4).cells
    assert not [output for cell in cells for output in cell.get("outputs", [])]


def test_who_stops_a_run_is_told_that_it_goes_on_from_there(tmp_path):
    master, terminal = pty.openpty()
    process = started(tmp_path, terminal, 600)
    os.close(terminal)
    end = time.monotonic() + 60
    while not (tmp_path / "out.parquet").exists():
        assert process.poll() is None and time.monotonic() < end, read_terminal(master)
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    shown = read_terminal(master)
    assert process.wait(60) == 130, shown
    kept = tmp_path / "out.parquet"
    assert f"stopped; what is done is kept at {kept}: the same command goes on from there" in shown
    assert "Traceback" not in shown and "died" not in shown
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == ["long.md", "out.parquet"], "no half notebook, no lock, no kernel's leavings"


def test_a_notebook_saved_in_jupyterlab_still_says_what_it_needs(tmp_path, repository):
    """JupyterLab saves by way of jupytext, which leaves out what its settings do not name."""
    shutil.copy(repository / "jupytext.toml", tmp_path)
    for path in sorted((repository / "notebooks").glob("*.md")):
        copy = Path(shutil.copy(path, tmp_path))
        settings = load_jupytext_config(str(copy))
        saved = jupytext.writes(jupytext.read(copy, config=settings), fmt="md:myst", config=settings)
        copy.write_text(saved, encoding="utf-8")
        kept, was = jupytext.read(copy), jupytext.read(path)
        for said in ("needs", "made_with", "kernelspec"):
            assert kept.metadata.get(said) == was.metadata.get(said), (path, said)
        assert [cell.source for cell in kept.cells] == [cell.source for cell in was.cells], path
