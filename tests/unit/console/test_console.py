"""One command leads to all others, and `check` finds what would stop a run."""

from __future__ import annotations

import tomllib
from importlib import metadata
from pathlib import Path

import pytest

import analysis_lib.__main__ as console
from analysis_lib.plan import readiness


@pytest.fixture(scope="module", autouse=True)
def in_the_repository(repository: Path):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(repository)
        yield


def test_the_script_of_the_package_is_this_command(repository: Path):
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    assert project["scripts"] == {"hvbl": "analysis_lib.__main__:main"}
    point = metadata.EntryPoint("hvbl", project["scripts"]["hvbl"], "console_scripts")
    assert point.load() is console.main


@pytest.mark.parametrize("asked", [[], ["--help"], ["-h"]])
def test_it_says_what_it_can_do(asked: list[str], capsys):
    assert console.main(asked) == 0
    told = capsys.readouterr().out
    assert all(f"  {name}" in told for name in ("run", "plan", "status", "tasks", "check", "new"))


def test_what_it_cannot_do_is_refused_with_what_it_can(capsys):
    assert console.main(["paln", "mini"]) == 2
    assert (
        capsys.readouterr().err
        == "error: there is no command 'paln'; give one of run, plan, status, tasks, check, new\n"
    )


@pytest.mark.parametrize("name", ["run", "plan", "status", "tasks", "check", "new"])
def test_every_command_has_help_of_its_own(name: str, capsys):
    with pytest.raises(SystemExit) as ended:
        console.main([name, "--help"])
    assert ended.value.code == 0 and "usage:" in capsys.readouterr().out


def test_arguments_reach_the_command(capsys):
    assert console.main(["run", "notebooks/method.md", "--list-parameters"]) == 0
    assert "profile" in capsys.readouterr().out
    assert console.main(["run", "notebooks/method.md", "-p", "sede", "0"]) == 2
    assert "sede" in capsys.readouterr().err


def test_tasks_alone_lists_them(capsys):
    assert console.main(["tasks"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [
        "ChooseAttr", "ChooseCat", "ChooseRel", "CompareAttr", "LogicalObj", "QueryAttr",
    ]  # fmt: skip
    assert lines[-1].endswith("On which side of the picture is an object?")


def test_a_profile_that_could_run_passes_every_check(capsys):
    assert console.main(["check", "smoke"]) == 0
    told = capsys.readouterr()
    assert len(told.out.splitlines()) == len(readiness.CHECKS) and not told.err


@pytest.mark.parametrize(
    ("profile", "complaint"), [("mnii", "there is no profile 'mnii'"), ("llava-1.5-7b", "needs GQA")]
)
def test_a_profile_that_could_not_is_told_beside_what_is_right(profile: str, complaint: str, capsys):
    assert console.main(["check", profile]) == 1
    told = capsys.readouterr()
    assert len(told.out.splitlines()) == len(readiness.CHECKS) - 1
    assert told.err.startswith("WRONG ") and complaint in told.err


def test_a_package_that_is_missing_or_too_old_is_named(monkeypatch: pytest.MonkeyPatch):
    asked = ["numpy>=2", "nowhere-to-be-found>=1", "scipy<1", "pytest; extra == 'dev'"]
    monkeypatch.setattr(metadata, "requires", lambda name: asked)
    with pytest.raises(ValueError, match=r"nowhere-to-be-found>=1 \(there is none\), scipy<1 \(there is 1\."):
        readiness.packages("mini", {})
    monkeypatch.setattr(metadata, "requires", lambda name: asked[:1] + asked[3:])
    assert readiness.packages("mini", {}).startswith("1 packages")


def test_a_damaged_checkpoint_is_named(monkeypatch: pytest.MonkeyPatch):
    def damaged(folder: Path) -> None:
        raise ValueError(f"{folder.name} is not the file that was shipped")

    monkeypatch.setattr("analysis_lib.worlds.mini.embedded.verify", damaged)
    found = [said for right, said in readiness.findings("smoke", {}) if not right]
    assert found == ["mini-llava-1.5 is not the file that was shipped"]
