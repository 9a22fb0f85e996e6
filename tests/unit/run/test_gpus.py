"""Of several GPUs on one machine every run takes its own, and gives it back however it ends."""

import os
import subprocess
import sys
import tempfile
import threading

import pytest

from analysis_lib.run import __main__ as command
from analysis_lib.run import gpus
from analysis_lib.run.gpus import VISIBLE, gpus_of_its_own, visible_gpus

HOLD = """
import sys
from analysis_lib.run.gpus import gpus_of_its_own
with gpus_of_its_own(1) as mine:
    print(*mine, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def two_gpus(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setenv(VISIBLE, "GPU-a, GPU-b")


def other_run():
    """A process that holds a GPU until its input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    return process, process.stdout.readline().strip()


def test_runs_beside_each_other_see_different_gpus_and_a_killed_one_frees_its_own(capfd, repository, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(repository))
    (killed, first), (other, second) = other_run(), other_run()
    assert [first, second] == ["GPU-a", "GPU-b"]
    threading.Timer(0.5, killed.kill).start()
    with gpus_of_its_own(1) as mine:
        assert mine == [first] and os.environ[VISIBLE] == first
    assert "waiting for 1 of the GPUs GPU-a, GPU-b" in capfd.readouterr().err
    assert os.environ[VISIBLE] == "GPU-a, GPU-b"
    other.communicate()
    with gpus_of_its_own(2) as mine:
        assert mine == ["GPU-a", "GPU-b"] and os.environ[VISIBLE] == "GPU-a,GPU-b"
    killed.communicate()


def test_who_waits_for_several_holds_none_of_them(repository, monkeypatch):
    monkeypatch.setattr(gpus, "writing", refuse_second := Refusing("GPU-b"))
    monkeypatch.setattr(gpus.time, "sleep", lambda _: refuse_second.allow())
    with gpus_of_its_own(2) as mine:
        assert mine == ["GPU-a", "GPU-b"]
    assert refuse_second.held_while_waiting == []


class Refusing:
    """A lock that one GPU's other holder keeps until somebody has waited."""

    def __init__(self, taken):
        self.taken, self.held, self.held_while_waiting = taken, [], None

    def __call__(self, path):
        if self.taken and self.taken in path.name:
            raise ValueError("held by another")
        return Entered(self.held, path.name)

    def allow(self):
        self.taken, self.held_while_waiting = None, list(self.held)


class Entered:
    def __init__(self, held, name):
        self.held, self.name = held, name

    def __enter__(self):
        self.held.append(self.name)

    def __exit__(self, *_):
        self.held.remove(self.name)


@pytest.mark.parametrize("count", [0, -1, 3])
def test_more_than_there_are_is_refused(count):
    with (
        pytest.raises(ValueError, match=f"{count} GPUs are asked for, and this machine shows GPU-a, GPU-b"),
        gpus_of_its_own(count),
    ):
        pass


def test_a_machine_without_gpus_says_so_and_runs_nothing(monkeypatch, capsys, tmp_path):
    monkeypatch.delenv(VISIBLE)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert visible_gpus() == []
    notebook = tmp_path / "some.md"
    notebook.write_text("# Nothing\n")
    assert command.main([str(notebook), "--gpus", "1", "-o", str(tmp_path / "out.ipynb")]) == command.REFUSED
    assert "this machine shows none" in capsys.readouterr().err
    assert not (tmp_path / "out.ipynb").exists()


def test_gpus_are_named_as_the_driver_names_them(monkeypatch, tmp_path):
    monkeypatch.delenv(VISIBLE)
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\nprintf 'GPU-1234\\nGPU-5678\\n'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert visible_gpus() == ["GPU-1234", "GPU-5678"]
