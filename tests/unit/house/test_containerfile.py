"""The recipe of the image that jobs run in: every step is run here, in a folder with what it copies."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

GIVEN = re.compile(r"^ARG (\w+)=(.*)$")
SHOWS = '#!/bin/sh\nif [ "$1" = -c ]; then exec {python} "$@"; fi\necho "python $*" >> calls\n'
TORCH = "__version__ = '2.0'\nclass version:\n    cuda = {cuda}\n"


@pytest.fixture(scope="module")
def steps(repository: Path) -> list[tuple[str, str]]:
    """Instruction and words of each step."""
    lines = (repository / "Containerfile").read_text(encoding="utf-8").splitlines()
    text = "\n".join(line for line in lines if not line.startswith("#")).replace("\\\n", " ")
    return [tuple(line.split(maxsplit=1)) for line in text.splitlines() if line.strip()]


def copied(steps: list[tuple[str, str]]) -> list[str]:
    return [name for kind, words in steps if kind == "COPY" for name in words.split()[:-1]]


def test_what_is_copied_is_there_and_everything_comes_by_name(repository, steps):
    assert copied(steps) == ["requirements.lock", "requirements-dev.lock"]
    assert all((repository / name).is_file() for name in copied(steps))
    text = (repository / "Containerfile").read_text(encoding="utf-8")
    assert "://" not in text and [words for kind, words in steps if kind == "FROM"] == ["python:${PYTHON}-slim"]
    assert steps[-1] == ("USER", "${ACCOUNT}"), "jobs are not root"


def run(repository, steps, folder, variant, cuda) -> tuple[subprocess.CompletedProcess, list[str]]:
    """Run all steps until one fails, with a python that notes what it was called with; which calls there were."""
    for name in copied(steps):
        (folder / name).write_text((repository / name).read_text())
    (folder / "bin").mkdir()
    (folder / "bin" / "python").write_text(SHOWS.format(python=sys.executable))
    (folder / "bin" / "python").chmod(0o755)
    (folder / "torch.py").write_text(TORCH.format(cuda=cuda))
    given = dict(found.groups() for kind, words in steps if (found := GIVEN.match(f"{kind} {words}")))
    environment = given | {
        "VARIANT": variant,
        "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
        "PYTHONPATH": str(folder),
    }
    for kind, words in steps:
        if kind == "RUN":
            done = subprocess.run(["sh", "-c", words], cwd=folder, env=environment, capture_output=True, text=True)
            if done.returncode:
                break
    return done, (folder / "calls").read_text().splitlines() if (folder / "calls").exists() else []


@pytest.mark.parametrize(("variant", "cuda", "pins"), [("cpu", None, 0), ("cuda", "'13.0'", 1)])
def test_its_steps_install_the_lock_and_for_gpus_what_spreads_a_model(repository, steps, tmp_path, variant, cuda, pins):
    done, calls = run(repository, steps, tmp_path, variant, cuda)
    assert done.returncode == 0, done.stderr
    assert [re.sub("--[a-z-]+ ", "", call) for call in calls] == [
        "python -m pip install -r requirements.lock -r gpu.lock"
    ]
    assert len((tmp_path / "gpu.lock").read_text().splitlines()) == pins


@pytest.mark.parametrize(
    ("variant", "cuda", "expected"),
    [
        ("gpu", None, "VARIANT=gpu: give cpu or cuda"),
        ("cpu", "'13.0'", "torch 2.0 is a build for cuda, not for cpu: name another index"),
        ("cuda", None, "torch 2.0 is a build for cpu, not for cuda: name another index"),
    ],
)
def test_another_build_than_asked_for_makes_no_image(repository, steps, tmp_path, variant, cuda, expected):
    done, _ = run(repository, steps, tmp_path, variant, cuda)
    assert done.returncode != 0 and expected in done.stderr
