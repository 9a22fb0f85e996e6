"""The stamp tells of the run, can be written as JSON, and keeps the reader's machine to itself."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from analysis_lib.run import provenance


def git(folder: Path, *words: str) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(folder), *identity, *words], check=True, capture_output=True)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q")
    (tmp_path / "file").write_text("one")
    git(tmp_path, "add", "file")
    git(tmp_path, "commit", "-q", "-m", "first")
    return tmp_path


def test_a_clean_and_a_changed_checkout_are_told_apart(checkout: Path):
    clean = provenance.git_state(checkout)
    assert len(clean["commit"]) == 12 and clean["dirty"] is False
    (checkout / "untracked").write_text("a result")
    assert provenance.git_state(checkout) == clean
    (checkout / "file").write_text("two")
    assert provenance.git_state(checkout) == {"commit": clean["commit"], "dirty": True}


def test_without_a_repository_or_without_git_there_is_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    nothing = {"commit": None, "dirty": None}
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert provenance.git_state(tmp_path) == nothing
    monkeypatch.setenv("PATH", "")
    assert provenance.git_state(tmp_path) == nothing


def test_paths_outside_the_repository_are_left_out_wherever_they_stand(tmp_path: Path):
    inside = tmp_path / "results" / "atoms"
    parameters = {
        "inside": str(inside), "path": inside, "relative": "results/mini", "outside": "/home/somebody/data",
        "home": "~/data", "above": "../secret", "windows": "C:\\data", "nested": ["/home/somebody", {"x": "/etc"}],
        "model": "llava-hf/llava-1.5-7b-hf", "sum": "1/2",
    }  # fmt: skip
    told = provenance.collect(parameters, root=tmp_path)["parameters"]
    assert told["inside"] == told["path"] == "results/atoms"
    assert (told["relative"], told["model"], told["sum"]) == ("results/mini", "llava-hf/llava-1.5-7b-hf", "1/2")
    assert [told[key] for key in ("outside", "home", "above", "windows")] == [provenance.OUTSIDE] * 4
    assert told["nested"] == [provenance.OUTSIDE, {"x": provenance.OUTSIDE}]
    assert "somebody" not in json.dumps(told)


def test_everything_can_be_written_as_json():
    odd = {"numpy": np.int64(3), "nan": float("nan"), "set": {1}, "none": None, "flag": True, "time": datetime.now(UTC)}
    json.dumps(provenance.collect(odd, started=datetime.now(UTC), seconds=np.float64(1.23)), allow_nan=False)


def test_the_stamp_repeats_profile_seed_start_and_duration():
    started = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    stamp = provenance.collect({"profile": "mini", "seed": 7}, started=started, seconds=12.345)
    assert (stamp["profile"], stamp["seed"]) == ("mini", 7)
    assert (stamp["started"], stamp["seconds"]) == ("2026-01-02 03:04 UTC", 12.3)


def test_the_machine_and_the_versions_are_named():
    stamp = provenance.collect({})
    assert stamp["hardware"]["cores"] >= 1 and stamp["hardware"]["cpu"]
    assert {"numpy", "altair", "jupyter-book"} <= set(stamp["packages"])


def test_a_package_that_is_absent_is_left_out():
    assert provenance.package_versions(("numpy", "no-such-package-anywhere")).keys() == {"numpy"}


def test_provenance_needs_neither_charts_nor_tables():
    code = "import sys, analysis_lib.run.provenance; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"altair", "pandas", "torch", "PIL", "scipy"} & set(loaded)
