"""What is given to make reaches the programs as it was typed; nothing in it is run or expanded."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SHOWS = '#!/bin/sh\nprintf "%s\\0" "${0##*/}" "$@" >> shown\n'


@pytest.fixture
def folder(repository: Path, tmp_path: Path) -> Path:
    """A folder with the Makefile alone, whose programs note what they were called with."""
    shutil.copy(repository / "Makefile", tmp_path)
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    for name in ("snakemake", "python", "ruff", "mypy", "lint-imports"):
        (tmp_path / ".venv" / "bin" / name).write_text(SHOWS)
        (tmp_path / ".venv" / "bin" / name).chmod(0o755)
    for name in ("requirements.lock", "requirements-dev.lock", "pyproject.toml"):
        (tmp_path / name).touch()
    for folder, names in (("workflow/npm", ("package.json", "package-lock.json")), (".venv/npm", (".installed",))):
        (tmp_path / folder).mkdir(parents=True)
        for name in names:
            (tmp_path / folder / name).touch()
    for name in (".installed", ".installed-dev"):
        (tmp_path / ".venv" / name).touch()
    return tmp_path


def make(folder: Path, *words: str, **environment: str) -> list[str]:
    """What the programs were called with."""
    (folder / "shown").unlink(missing_ok=True)
    clean = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    done = subprocess.run(["make", *words], cwd=folder, env=clean | environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return (folder / "shown").read_text().split("\0")[:-1] if (folder / "shown").exists() else []


@pytest.mark.parametrize(
    "value",
    ["x; touch made", "Anna's disk", "$(shell touch made) $b", "`touch made`", "a#b", "$$HOME", '"&" | %s\\', "{x} ~"],
)
def test_values_are_literal(folder: Path, value: str):
    before = sorted(path.name for path in folder.iterdir())
    given = [f"profile={value}", f"gqa={value}", f"model_path={value}", f"only={value}"]
    asked = ["python", "-m", "analysis_lib.main_memory"]  # these programs say nothing
    expected = [*asked, "snakemake", "--cores", value, "--resources", "mem_mb=", "--config", *given]
    names = ("CORES", "PROFILE", "GQA", "MODEL_PATH", "PAGES")
    assert make(folder, "book", *(f"{name}={value}" for name in names)) == expected
    assert make(folder, "book", **dict.fromkeys(names, value)) == expected
    there = ["python", "workflow/executors/can_submit.py", value, "snakemake", "--workflow-profile"]
    assert make(folder, "book", f"EXECUTOR={value}")[:6] == [*there, f"workflow/executors/{value}"]
    planned = ["python", "-m", "analysis_lib.plan", value, f"--gqa={value}", f"--model-path={value}"]
    assert make(folder, "plan", *(f"{name}={value}" for name in names[1:4])) == planned
    assert make(folder, "smoke", f"GQA={value}")[-2:] == ["profile=smoke", f"gqa={value}"]
    assert make(folder, "train-mini", f"MODEL={value}", f"SEED={value}")[-3:] == [value, "--seed", value]
    assert make(folder, "train-smol", f"MINUTES={value}", f"SEED={value}")[-3:] == [value, "--seed", value]
    make(folder, "help", f"PROFILE={value}")
    assert sorted(path.name for path in folder.iterdir()) in (before, sorted([*before, "shown"]))


def test_a_line_break_is_refused(folder: Path):
    done = subprocess.run(["make", "book", "GQA=a\ntouch made"], cwd=folder, capture_output=True, text=True)
    assert done.returncode != 0 and "GQA holds a line break" in done.stderr
    assert not (folder / "made").exists()
