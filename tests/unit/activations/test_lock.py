"""One writer per store: a second one is refused, and a dead one leaves no lock."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from analysis_lib.activations import extract
from analysis_lib.activations.store_lock import writing
from analysis_lib.models import VisionLanguageModel

HOLD = """
import runpy, sys
writing = runpy.run_path(sys.argv[1])["writing"]  # without the rest of the package, which takes seconds to import
with writing(sys.argv[2]):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(repository: Path, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that writes ``tmp_path / "store"`` until its input ends."""
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            HOLD,
            str(repository / "analysis_lib/activations/store_lock.py"),
            str(tmp_path / "store"),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_a_store_that_another_process_writes_is_refused_until_it_is_done(
    one_model: VisionLanguageModel, questions: pd.DataFrame, tmp_path: Path, holder: subprocess.Popen[str]
) -> None:
    for on_mismatch in ("refuse", "replace"):
        with pytest.raises(ValueError, match="store is being written by another process; wait until it is done, or"):
            extract(one_model, questions, store=tmp_path / "store", on_mismatch=on_mismatch)
    extract(one_model, questions, ["baseline"], store=tmp_path / "beside")
    holder.communicate("")
    extract(one_model, questions, ["baseline"], store=tmp_path / "store")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["beside", "store"]


@pytest.mark.skipif(os.name == "nt", reason="kills with a POSIX signal")
def test_the_lock_dies_with_its_process(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with writing(tmp_path / "store"):
        pass
    assert not list(tmp_path.iterdir()), "what the dead process left is gone as well"


def test_the_lock_is_given_back_after_an_error(tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), writing(tmp_path / "deep" / "store"):
            raise ZeroDivisionError
    with writing(tmp_path / "store"), pytest.raises(ValueError, match="is being written"), writing(tmp_path / "store"):
        pass
