"""A page's own command, as a reader copies it from the built page, makes the page's numbers again."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from companion import data

from analysis_lib.run.__main__ import once, parse
from analysis_lib.run.execute import read_notebook
from tests.book.conftest import REPOSITORY, pages_of
from tests.book.test_downloads import offered


def shown_command(page: Path) -> list[str]:
    """The words of the command in a page's stamp; none for a text without a run."""
    rows = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser").select("details.provenance tr")
    found = [row.td.get_text() for row in rows if row.th.get_text() == "run it again"]
    return shlex.split(found[0]) if found else []


def folder_of(book: Path, command: list[str]) -> Path:
    """Where a command is to be typed: the folder that the book was built in, or that of a notebook from elsewhere."""
    root = next(folder for folder in book.parents if (folder / "notebooks").is_dir())
    return root if (root / command[3]).is_file() else root / "notebooks"


def parameters_in(command: list[str]) -> dict[str, str]:
    return once(parse(command[3:]).parameter)


def with_parameter(command: list[str], name: str, value: str) -> list[str]:
    """The command with another value of one parameter, which a page that was run with it names already."""
    given = {**parameters_in(command), name: value}
    return [*command[:4], *(word for pair in given.items() for word in ("-p", *pair))]


def test_a_command_with_another_value_names_each_parameter_once():
    command = ["python", "-m", "analysis_lib.run", "notebooks/a.md", "-p", "results", "here", "-p", "seed", "-3"]
    assert parameters_in(with_parameter(command, "results", "there")) == {"results": "there", "seed": "-3"}


def test_every_executed_page_shows_a_command_with_all_its_parameters(book: Path):
    shown = 0
    for page in pages_of(book):
        command = shown_command(page)
        if (book / "_sources" / page.relative_to(book)).with_suffix(".ipynb").is_file():
            assert command[:3] == ["python", "-m", "analysis_lib.run"], page
            _, declared = read_notebook(folder_of(book, command) / command[3])
            given = parameters_in(command).keys()
            assert given <= declared.keys() and declared.keys() - given <= {"results"}, page
            shown += 1
        else:
            assert command == [], page
    assert shown


def test_the_command_on_the_first_page_makes_its_numbers_again(book: Path, tmp_path: Path):
    target = re.search(r'url=([^"]+\.html)', (book / "index.html").read_text(encoding="utf-8"))
    page = book / target[1]
    files, command = offered(page), shown_command(page)
    if ".json" not in files:
        pytest.skip("the results beside this book are no longer the ones that its first page shows")
    folder, profile = folder_of(book, command), parameters_in(command)["profile"]
    made = tmp_path / "results" / profile
    made.mkdir(parents=True)
    # What the page reads is linked; what it writes lies beside its output.
    for name in ("activations", "atoms"):
        if (folder / "results" / profile / name).is_dir():
            (made / name).symlink_to(folder / "results" / profile / name)
    command = with_parameter(command, "results", str(tmp_path / "results"))
    command += ["-o", str(tmp_path / "again.ipynb")]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        shlex.join(command), shell=True, cwd=folder, capture_output=True, text=True,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(REPOSITORY)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    again = data.saved_texts(tmp_path / "again.numbers.json")
    assert again and again == data.saved_texts(files[".json"])
