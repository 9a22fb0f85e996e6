"""What a run has left behind is found and counted, as far as it belongs to the profile as it is now."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from analysis_lib.report.results import read_atoms, stage_times, store_folders


@pytest.fixture
def results(tmp_path: Path) -> Path:
    for model in ("kept", "left-over"):
        for task in ("First", "Second"):
            store = tmp_path / "tiny" / "activations" / model / task
            store.mkdir(parents=True)
            (store / "manifest.json").write_text("{}")
            table = tmp_path / "tiny" / "atoms" / model / f"{task}.parquet"
            table.parent.mkdir(parents=True, exist_ok=True)
            pd.DataFrame({"model": ["as loaded"], "task": [task]}).to_parquet(table)
    return tmp_path


def test_without_a_list_everything_is_read(results: Path) -> None:
    assert set(store_folders(results, "tiny")) == {(m, t) for m in ("kept", "left-over") for t in ("First", "Second")}
    assert read_atoms(results, "tiny")["model"].tolist() == ["kept", "kept", "left-over", "left-over"]


def test_what_the_profile_names_no_more_is_left_alone(results: Path) -> None:
    (results / "tiny" / "contents.json").write_text(json.dumps({"models": ["kept"], "tasks": ["Second"]}))
    found = store_folders(results, "tiny")
    assert found == {("kept", "Second"): results / "tiny" / "activations" / "kept" / "Second"}
    assert read_atoms(results, "tiny")[["model", "task"]].values.tolist() == [["kept", "Second"]]
    assert (results / "tiny" / "atoms" / "left-over" / "First.parquet").exists()


def test_a_profile_without_results_says_what_to_do(results: Path) -> None:
    (results / "tiny" / "contents.json").write_text(json.dumps({"models": [], "tasks": []}))
    for read in (store_folders, read_atoms):
        with pytest.raises(FileNotFoundError, match="make book PROFILE=tiny"):
            read(results, "tiny")


def executed(path: Path, duration: float | None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"metadata": {"papermill": {"duration": duration}}}))


def test_seeds_count_in_the_stages_they_pass_through(tmp_path: Path):
    executed(tmp_path / "mini/extract/one/QueryAttr.ipynb", 2)
    executed(tmp_path / "mini/seeds/extract/one-seed-1/QueryAttr.ipynb", 3)
    executed(tmp_path / "mini/decompose/one/QueryAttr.ipynb", None)
    assert stage_times(tmp_path, "mini").to_dict("list") == {
        "stage": ["extract", "extract"],
        "notebook": ["one QueryAttr", "one-seed-1 QueryAttr"],
        "seconds": [2.0, 3.0],
    }
    with pytest.raises(FileNotFoundError, match="no executed notebook"):
        stage_times(tmp_path, "smoke")
