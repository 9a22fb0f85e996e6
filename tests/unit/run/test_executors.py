"""Executors that cannot be used are refused before anything runs, with what to do."""

import subprocess
import sys

import pytest

from analysis_lib.reading import read_yaml


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("slurn", "has no options in workflow/executors; there is slurm"),
        ("../profiles/default", "has no options in workflow/executors"),
        ("slurm", "pip install -e '.[slurm]'"),
    ],
)
def test_what_is_not_there_is_said_with_the_cure(repository, name, expected):
    asked = [repository / "workflow" / "executors" / "can_submit.py", name]
    command = [sys.executable, "-S", *map(str, asked)]  # without packages
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2 and expected in done.stderr and done.stderr.count("\n") == 1


def test_an_executor_keeps_what_every_run_here_relies_on(repository):
    everywhere = read_yaml(repository / "workflow" / "profiles" / "default" / "profile.yaml", typed=True)
    for path in (repository / "workflow" / "executors").glob("*/profile.yaml"):
        own = read_yaml(path, typed=True)
        assert {name: own[name] for name in everywhere if name != "cores"} == {
            name: value for name, value in everywhere.items() if name != "cores"
        }
        assert own["executor"] == path.parent.name and own["retries"] >= 1
