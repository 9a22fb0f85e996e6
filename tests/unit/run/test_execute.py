"""Running a notebook: a whole executed notebook with its provenance comes out, or a clear error and nothing lost."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest

from analysis_lib.run import NotebookFailedError, ParameterError, run_notebook
from analysis_lib.run.__main__ import main

SOURCE = """---
kernelspec:
  name: python3
  language: python
  display_name: Python 3
---

# A notebook

```{code-cell} python
:tags: [parameters, remove-cell]
numerator: int = 1  # any whole number
denominator: int = 2  # zero fails, minus one kills the kernel
words: list[str] = ["one"]  # some words
```

```{code-cell} python
import os
import sys

print(os.getcwd(), sys.executable, hash("a word"), sep="\\n")
```

```{code-cell} python
if denominator == -1:
    os._exit(1)
print(numerator / denominator, words)
```

```{code-cell} python
after = "the end"
```
"""


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    path = tmp_path / "division.md"
    path.write_text(SOURCE)
    return path


def printed(path: Path) -> list[str]:
    cells = nbformat.read(path, as_version=4).cells
    return "".join(output.text for cell in cells for output in cell.get("outputs", []) if "text" in output).splitlines()


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_an_executed_notebook_carries_the_full_parameters_and_where_it_came_from(notebook, repository):
    written = run_notebook(notebook, {"numerator": 3}, notebook.parent / "out" / "division.ipynb")
    place, interpreter, first_hash, result = printed(written)
    assert (place, interpreter, result) == (str(repository), sys.executable, "1.5 ['one']")
    full = {"numerator": 3, "denominator": 2, "words": ["one"]}
    metadata = nbformat.read(written, as_version=4).metadata
    assert metadata.papermill.parameters == full
    assert metadata.provenance["parameters"] == full
    assert metadata.provenance["seconds"] > 0
    assert str(notebook.parent) not in str(metadata), "paths of this machine have no place in a page"
    assert left_in(written.parent) == ["division.ipynb"]

    cells = {tag: cell for cell in nbformat.read(written, as_version=4).cells for tag in cell.metadata.get("tags", [])}
    assert "remove-cell" in cells["injected-parameters"].metadata.tags, "hidden as the defaults are"

    again = run_notebook(notebook, {"numerator": 3}, written)
    assert printed(again)[2] == first_hash, "an order that hashes decide must not change from run to run"


def test_a_failing_cell_is_named_and_costs_neither_its_notebook_nor_the_last_good_one(notebook):
    output = notebook.parent / "division.ipynb"
    output.write_text("the last good one")
    reason = r"code cell 3 of 4, `if denominator == -1:`:\n  ZeroDivisionError"
    with pytest.raises(NotebookFailedError, match=reason) as error:
        run_notebook(notebook, {"denominator": 0}, output)
    assert error.value.partial == output.with_name("division.failed.ipynb")
    assert len(printed(error.value.partial)) == 3, "the cells before it have their outputs"
    assert output.read_text() == "the last good one"

    run_notebook(notebook, {}, output)
    assert left_in(notebook.parent) == ["division.ipynb", "division.md"], "success removes what failed before"


def test_a_kernel_that_dies_is_reported_like_a_failing_cell(notebook):
    with pytest.raises(NotebookFailedError, match=r"code cell 3 of 4.*\n.*died"):
        run_notebook(notebook, {"denominator": -1}, notebook.parent / "division.ipynb")
    assert (notebook.parent / "division.failed.ipynb").exists()


def test_refused_parameters_run_nothing(notebook):
    with pytest.raises(ParameterError, match="did you mean `denominator`"):
        run_notebook(notebook, {"denominators": 0}, notebook.parent / "out.ipynb")
    assert left_in(notebook.parent) == ["division.md"]


WRITES = """---
kernelspec: {name: python3, language: python, display_name: Python 3}
---

```{code-cell} python
:tags: [parameters]
words: list[str] = ["one"]  # some words
table: str | None = None  # what it writes <file to write>
store: str | None = None  # a folder that it writes <folder to write>
seconds: float = 0.0  # how long it takes
fails: bool = False
```

```{code-cell} python
import time
import warnings
from pathlib import Path

from analysis_lib.report import Numbers

warnings.warn("from a cell")
warnings.warn("about to go", DeprecationWarning)
warnings.warn_explicit("from a library", UserWarning, f"{Path(warnings.__file__).parent}/library.py", 1)
warnings.warn_explicit("from the repository", UserWarning, f"{Path.cwd()}/analysis_lib/own.py", 1)

from tqdm.auto import tqdm  # noqa

list(tqdm([1], desc="a bar"))

numbers = Numbers("own", "results", "mini")
numbers.glue("answer", 42)
Path(table).write_text(words[0])
Path(store).mkdir(exist_ok=True)
Path(store, "begun").touch()
end = time.monotonic() + seconds
while time.monotonic() < end:
    pass
assert not fails
```
"""


@pytest.fixture
def writes(tmp_path: Path) -> Path:
    path = tmp_path / "source" / "own.md"
    path.parent.mkdir()
    path.write_text(WRITES)
    return path


def test_a_run_of_ones_own_writes_beside_its_output_whatever_the_folder_is_called(writes, tmp_path, repository):
    folder = tmp_path / "{seed} Anna's {x}: %s $HOME"
    books = repository / "results" / "mini" / "numbers" / "own.json"
    words = ["x' ; import os #", "{x}", '"', "$GQA %s \\n", "two\nlines"]
    written = run_notebook(writes, {"words": words}, folder / "mine.ipynb")
    assert left_in(folder) == ["mine.ipynb", "mine.numbers.json", "mine.parquet", "mine.store"]
    assert json.loads((folder / "mine.numbers.json").read_text())["numbers"]["answer"]["value"] == 42
    assert (folder / "mine.parquet").read_text() == words[0]
    assert nbformat.read(written, as_version=4).metadata.papermill.parameters["words"] == words
    assert not books.exists()
    told = "".join(output.text for cell in nbformat.read(written, as_version=4).cells
                   for output in cell.get("outputs", []) if output.get("name") == "stderr")  # fmt: skip
    assert "cell:" in told and "<repository>/analysis_lib/own.py:1" in told and "from a library" in told
    assert "DeprecationWarning: about to go" in told
    assert "IProgress" not in told and "a bar" not in told
    for place in (repository, sys.prefix, sys.base_prefix, "ipykernel_"):
        assert f"{place}/" not in written.read_text() and "ipykernel_" not in told

    before = (folder / "mine.numbers.json").read_bytes()
    with pytest.raises(NotebookFailedError):
        run_notebook(writes, {"fails": True}, folder / "mine.ipynb")
    assert (folder / "mine.numbers.json").read_bytes() == before, "a failed run leaves the numbers of the last good one"


@pytest.mark.skipif(os.name == "nt", reason="kills with a POSIX signal")
def test_a_second_writer_is_refused_and_a_killed_one_takes_its_kernel_along(writes, tmp_path):
    command = [sys.executable, "-m", "analysis_lib.run", str(writes), "-o", str(tmp_path / "out" / "mine.ipynb")]
    first = subprocess.Popen([*command, "-p", "seconds", "600"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    begun = tmp_path / "out" / "mine.store" / "begun"
    while not begun.exists():
        assert first.poll() is None, first.communicate()
        time.sleep(0.05)
    with pytest.raises(ValueError, match=f"mine.ipynb is being written by another process; .*kill {first.pid}"):
        run_notebook(writes, {}, tmp_path / "out" / "mine.ipynb")
    with pytest.raises(ValueError, match="mine.parquet is being written by another process"):
        run_notebook(writes, {"table": str(tmp_path / "out" / "mine.parquet")}, tmp_path / "other.ipynb")
    kernels = children(first.pid)
    assert kernels
    first.send_signal(signal.SIGKILL)
    first.communicate()
    end = time.monotonic() + 60
    while any(is_running(kernel) for kernel in kernels):
        assert time.monotonic() < end, "a kernel outlives its runner by a second or two, or by more on a busy machine"
        time.sleep(0.1)
    run_notebook(writes, {}, tmp_path / "out" / "mine.ipynb")
    assert left_in(tmp_path / "out") == ["mine.ipynb", "mine.numbers.json", "mine.parquet", "mine.store"]


def children(process: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def is_running(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        ("folder.ipynb", "is a folder, not a file; give another name"),
        ("file/out.ipynb", "a part of its path is a file"),
        ("x" * 246 + ".ipynb", "the name is too long: shorten it"),
        ("loop/out.ipynb", "round in a circle"),
        ("pipe.ipynb", "is a device or a pipe"),
        ("/proc/none/out.ipynb", "cannot be written|has 0 MiB free; free some"),
        ("own.numbers/out.ipynb", ""),
    ],
)
def test_an_output_that_cannot_be_written_is_refused_before_the_work(writes, tmp_path, output, reason):
    (tmp_path / "folder.ipynb").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    os.mkfifo(tmp_path / "pipe.ipynb")
    (tmp_path / "own.numbers" / "out.numbers.json").mkdir(parents=True)
    before = left_in(tmp_path)
    with pytest.raises(ValueError, match=reason or "out.numbers.json is a folder, not a file"):
        run_notebook(writes, {}, tmp_path / output)
    assert left_in(tmp_path) == before


@pytest.mark.parametrize("output", ["division.md", "division.txt"])
def test_an_output_that_is_no_other_notebook_is_refused(notebook, output):
    with pytest.raises(ValueError, match="other than the source"):
        run_notebook(notebook, {}, notebook.parent / output)
    assert notebook.read_text() == SOURCE


def test_a_notebook_that_cannot_be_read_is_refused(notebook):
    with pytest.raises(FileNotFoundError, match=r"no notebook .*absent.md; .* has: division.md"):
        run_notebook(notebook.with_name("absent.md"))
    with pytest.raises(ValueError, match="give a file that ends in .md or .ipynb"):
        run_notebook(notebook.with_suffix(".txt"))
    notebook.with_suffix(".ipynb").write_text("{")
    with pytest.raises(ValueError, match="division.ipynb cannot be read as a notebook: .*; mend it"):
        run_notebook(notebook.with_suffix(".ipynb"), {}, notebook.parent / "out.ipynb")
    notebook.write_text(SOURCE.replace("numerator: int = 1", "numerator: int = = 1"))
    with pytest.raises(ParameterError, match="division.md"):
        run_notebook(notebook, {}, notebook.parent / "out.ipynb")


def test_on_the_command_line_options_win_over_later_files_over_earlier_ones(notebook, capsys):
    first, second = notebook.with_name("first.yaml"), notebook.with_name("second.yaml")
    first.write_text("numerator: 5\ndenominator: 7\nwords: [a, 1e3]\n")
    second.write_text("denominator: 4\n")
    output = notebook.with_name("out.ipynb")
    arguments = ["-f", first, "-f", second, "-p", "numerator", "-6", "-o", output]
    assert main([str(notebook), *map(str, arguments)]) == 0
    assert printed(output)[-1] == "-1.5 ['a', '1e3']"
    assert capsys.readouterr().out.strip() == str(output)


def test_the_command_line_tells_refused_from_failed_and_shows_no_traceback(notebook, capsys):
    output = ["-o", str(notebook.with_name("out.ipynb"))]
    assert main([str(notebook), "-p", "numerator", "one", *output]) == 2
    assert "numerator: expected int, got 'one'" in capsys.readouterr().err
    assert main([str(notebook), "--profile", "nothing", *output]) == 2
    message = capsys.readouterr().err
    assert "give one of" in message and "mini, smoke" in message
    assert main([str(notebook), "-p", "numerator", "1", "-p", "numerator", "2", *output]) == 2
    assert "-p numerator is given more than once" in capsys.readouterr().err
    assert main([str(notebook), "-p", "words", "-x", "-p", "denominator", "0", *output]) == 1
    assert "division by zero" in capsys.readouterr().err


def test_the_command_line_lists_what_a_notebook_takes(notebook, capsys):
    assert main([str(notebook), "--list-parameters"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["name", "numerator", "denominator", "words"]
    assert left_in(notebook.parent) == ["division.md"]


def test_the_same_notebook_runs_through_plain_jupytext_and_papermill(notebook):
    tools = Path(sys.executable).parent
    output = notebook.with_name("plain.ipynb")
    command = f"{tools}/jupytext --to ipynb -o - {notebook} | {tools}/papermill - {output} -p numerator 3"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert printed(output)[-1] == "1.5 ['one']"
