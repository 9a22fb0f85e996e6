"""A page that was begun by command runs, passes its test, is listed, and keeps what it found."""

from __future__ import annotations

import importlib.util
import re
import shutil
from pathlib import Path

import pytest
import yaml

from analysis_lib.new import __main__ as command
from analysis_lib.new import new_page
from analysis_lib.run import read_parameters
from analysis_lib.run.execute import read_notebook
from analysis_lib.run.needs import page_needs
from analysis_lib.run.profile import read_profile
from tests.book.conftest import build
from tests.book.prose import typed_results
from tests.unit.house.test_pages import deep_imports, long_cells

LISTS = ("_toc.yml", "workflow/profiles/mini.yaml", "workflow/profiles/smoke.yaml")


@pytest.fixture
def checkout(repository: Path, tmp_path: Path) -> Path:
    """The lists of a checkout, and nothing else of it."""
    for name in LISTS:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(repository / name, tmp_path / name)
    return tmp_path


def its_test(path: Path):
    """The test that was written, as a function."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (found,) = [value for name, value in vars(module).items() if name.startswith("test_")]
    return found


def test_its_own_test_runs_the_page_and_passes(checkout: Path, tmp_path_factory: pytest.TempPathFactory):
    _, test, *_ = new_page(checkout, "my_page")
    its_test(test)(tmp_path_factory.mktemp("run"))


@pytest.mark.slow
def test_the_test_fails_where_the_page_says_another_number(checkout: Path, tmp_path_factory: pytest.TempPathFactory):
    notebook, test, *_ = new_page(checkout, "my_page")
    notebook.write_text(notebook.read_text().replace('.loc["unique_language"]', '.loc["redundancy"]'))
    with pytest.raises(AssertionError, match=r"1\.00 "):
        its_test(test)(tmp_path_factory.mktemp("run"))


def test_it_is_a_page_like_the_others(checkout: Path):
    notebook, *_ = new_page(checkout, "my_page", "What I see")
    text = notebook.read_text(encoding="utf-8")
    assert page_needs(notebook) == ["atoms"] and "\n# What I see\n" in text
    assert not long_cells(text) and not deep_imports(text) and not typed_results(text)
    assert {"profile", "results", "models", "tasks", "seed"} == set(read_parameters(read_notebook(notebook)[0]))
    assert len(re.findall(r"^charts\.", text, re.MULTILINE)) == 1


@pytest.mark.parametrize("profile", ["mini", "smoke"])
def test_it_is_listed_and_the_lists_keep_every_other_byte(checkout: Path, profile: str):
    before = {name: (checkout / name).read_text() for name in LISTS}
    new_page(checkout, "my_page", profile=profile)
    told = read_profile(checkout / f"workflow/profiles/{profile}.yaml")
    assert list(told["pages"])[-1] == "my_page" and not told["pages"]["my_page"]
    contents = yaml.safe_load((checkout / "_toc.yml").read_text())
    (part,) = [one for one in contents["parts"] if {"file": "book/pages/my_page"} in one["chapters"]]
    assert part is contents["parts"][1] and part["chapters"][-1] == {"file": "book/pages/my_page"}
    for name in LISTS:
        lines = [line for line in (checkout / name).read_text().splitlines() if "my_page" not in line]
        assert lines == before[name].splitlines()


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("My Page", "try my_page"),
        ("", "got ''$"),
        ("class", "got 'class'"),
        ("../x", "try x"),
        ("a" * 60, "got"),
        ("ä", "got"),
    ],
)
def test_a_name_that_could_be_no_page_is_refused_with_one_that_could(checkout: Path, name: str, hint: str):
    with pytest.raises(ValueError, match=hint):
        new_page(checkout, name)


def test_what_is_there_is_not_written_over_and_nothing_is_half_written(checkout: Path):
    before = {name: (checkout / name).read_text() for name in LISTS}
    profile = checkout / "workflow/profiles/mini.yaml"
    for text, complaint in (
        (before[LISTS[1]] + "  mine:\n", "has a page mine already"),
        ("pages: {a: }\n", "lists no page yet"),
    ):
        profile.write_text(text)
        with pytest.raises(ValueError, match=complaint):
            new_page(checkout, "mine")
    with pytest.raises(FileNotFoundError):
        new_page(checkout, "mine", profile="none")
    with pytest.raises(ValueError, match="a title is one line"):
        new_page(checkout, "mine", title="two\nlines")
    assert not (checkout / "notebooks").exists() and (checkout / "_toc.yml").read_text() == before["_toc.yml"]
    profile.write_text(before[LISTS[1]])
    new_page(checkout, "mine")
    with pytest.raises(ValueError, match=r"notebooks/mine\.md is there already"):
        new_page(checkout, "mine")


def test_the_command_says_what_it_wrote_and_what_comes_next(checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys):
    monkeypatch.setattr(command, "__file__", str(checkout / "analysis_lib" / "new" / "__main__.py"))
    assert command.main(["page", "mine", "--title", "Mine"]) == 0
    told = capsys.readouterr().out
    assert "notebooks/mine.md\ntests/unit/pages/test_mine.py" in told and 'make book PROFILE=mini PAGES="mine"' in told
    assert command.main(["page", "mine"]) == 2
    assert "is there already" in capsys.readouterr().err


@pytest.mark.slow
def test_the_book_builds_with_it(checkout: Path, repository: Path, tmp_path_factory: pytest.TempPathFactory):
    _, test, *_ = new_page(checkout, "my_page")
    run = tmp_path_factory.mktemp("run")
    its_test(test)(run)
    for name in ("_config.yml", "book/_ext", "book/_static", "book/references.bib"):
        (checkout / name).parent.mkdir(exist_ok=True)
        (checkout / name).symlink_to(repository / name)
    (checkout / "book/pages").mkdir()
    shutil.copy(run / "page.ipynb", checkout / "book/pages/my_page.ipynb")
    (checkout / "_toc.yml").write_text("format: jb-book\nroot: book/pages/my_page\n")
    build(checkout)
    assert "2.00 [1.90, 2.10] bits" in (checkout / "_build/html/book/pages/my_page.html").read_text(encoding="utf-8")
