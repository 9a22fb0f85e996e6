"""How far a run is: counted from the records of stores and shards, timed by their files, and what failed by its log."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from analysis_lib.activations.shards import Shard
from analysis_lib.activations.store import ActivationStore
from analysis_lib.locks import lock_beside, writing
from analysis_lib.run.status import as_page, as_text, main, states
from tests.unit.activations import small

PROFILE = """
models: {one: mini-llava-1.5}
tasks: [ChooseCat, QueryAttr]
seed: 0
offline: true
extract:
decompose:
pages: {method: }
"""
SETTINGS = {**small.SETTINGS, "n_questions": small.N_SAMPLES}
BEGAN = 1_000_000_000


@pytest.fixture
def run(tmp_path: Path) -> Path:
    (tmp_path / "own.yaml").write_text(PROFILE)
    return tmp_path


def state_of(run: Path, stage: str = "extract", task: str = "ChooseCat"):
    return {(one.stage, one.task): one for one in states(str(run / "own.yaml"), run)}[stage, task]


def place(run: Path, what: str = "results") -> Path:
    return run / what / "own" / ("activations" if what == "results" else "extract") / "one" / "ChooseCat"


def write(folder: Path, shard: Shard | None, batches: int, seconds: int = 1) -> None:
    """So many batches of two questions, one every so many seconds."""
    store = ActivationStore(folder, SETTINGS, small.questions(), small.SPECS, lambda table: np.arange(len(table)))
    for number, rows in enumerate(store.pending(shard)[:batches], 1):
        before = {*folder.rglob("c/**/*")}
        store.write(rows, small.arrays(rows, 0))
        for path in {*folder.rglob("c/**/*")} - before:
            os.utime(path, (BEGAN, BEGAN + number * seconds))


def test_what_has_no_files_is_not_begun(run) -> None:
    assert [(one.stage, one.task, one.state) for one in states(str(run / "own.yaml"), run)] == [
        (stage, task, "not begun") for task in ("ChooseCat", "QueryAttr") for stage in ("extract", "decompose")
    ]


def test_a_running_extraction_says_how_fast_and_how_long(run) -> None:
    write(place(run), None, 2, seconds=10)
    with writing(place(run)), writing(f"{place(run, 'logs')}.ipynb"):
        os.utime(lock_beside(place(run)), (BEGAN, BEGAN))
        found = state_of(run)
        assert (found.state, found.done, found.asked) == ("running", 4, 5)
        assert found.rate == pytest.approx(4 / 20) and found.row[-2:] == ("5 s", "")
        os.utime(lock_beside(place(run)), (BEGAN, BEGAN + 10))
        assert state_of(run).rate == pytest.approx(2 / 10), "what an earlier process did is no part of the rate"
    found = state_of(run)
    assert (found.state, found.done) == ("begun", 4) and "no process of this machine" in found.note


def test_shards_count_together_and_no_question_twice(run) -> None:
    write(place(run), None, 1)
    for number in (1, 2):
        shard = Shard(number, 2)
        write(shard.folder(place(run)), shard, 1)
    logs = Path(f"{place(run, 'logs')}.shards")
    logs.mkdir(parents=True)
    (logs / "2-of-2.log").touch()
    with writing(logs / "2-of-2.ipynb"):
        found = state_of(run)
    assert (found.state, found.done, found.asked) == ("running", 3, 5), "the first batch, twice there, and the last"


def test_what_failed_says_why_until_it_is_done(run) -> None:
    log = run / "logs" / "own" / "decompose" / "one" / "ChooseCat"
    log.parent.mkdir(parents=True)
    log.with_suffix(".failed.ipynb").touch()
    log.with_suffix(".log").write_text("a line\n\nMemoryError: <too much>\nThe notebook as far as it came: there\n")
    found = state_of(run, "decompose")
    assert (found.state, found.note) == ("failed", f"MemoryError: <too much> ({log}.log)")
    shown = as_page("own", [found])
    assert "&lt;too much&gt;" in shown and "<too much>" not in shown and "MemoryError" in as_text([found])
    table = run / "results" / "own" / "atoms" / "one" / "ChooseCat.parquet"
    table.parent.mkdir(parents=True)
    table.touch()
    assert state_of(run, "decompose").state == "done"


def test_a_failed_shard_fails_its_extraction(run) -> None:
    logs = Path(f"{place(run, 'logs')}.shards")
    logs.mkdir(parents=True)
    (logs / "1-of-2.log").write_text("ValueError: no\n")
    (logs / "1-of-2.failed.ipynb").touch()
    assert state_of(run).state == "failed" and state_of(run).note.startswith("ValueError: no")


def test_a_finished_store_is_done_and_a_damaged_record_stops_nothing(run) -> None:
    small.write_small(place(run), settings=SETTINGS)
    assert (state_of(run).state, state_of(run).done) == ("done", 5)
    (place(run) / "manifest.json").unlink()
    (place(run) / "progress.json").write_text("{")
    assert state_of(run).state == "not begun"


def test_no_such_profile_is_told_with_those_there_are(capsys) -> None:
    assert main(["minni"]) == 2
    assert "give one of" in capsys.readouterr().err
