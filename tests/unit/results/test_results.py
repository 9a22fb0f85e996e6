"""What a run has left behind is found and counted, as far as it belongs to the profile as it is now."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from analysis_lib.records import DamagedError, write_record, write_table
from analysis_lib.results import choose, one_of, read_atoms, stage_times, store_folders, summarise_run


@pytest.fixture
def results(tmp_path: Path) -> Path:
    for model in ("kept", "left-over"):
        for task in ("First", "Second"):
            store = tmp_path / "tiny" / "activations" / model / task
            store.mkdir(parents=True)
            write_record(store / "manifest.json", {"store": f"{model} {task}"})
            table = tmp_path / "tiny" / "atoms" / model / f"{task}.parquet"
            table.parent.mkdir(parents=True, exist_ok=True)
            of = f"atoms of activation store {model} {task}"
            write_table(pd.DataFrame({"model": ["as loaded"], "task": [task]}), table, of=of)
    return tmp_path


def test_without_a_list_everything_is_read(results: Path) -> None:
    assert set(store_folders(results, "tiny")) == {(m, t) for m in ("kept", "left-over") for t in ("First", "Second")}
    assert read_atoms(results, "tiny")["model"].tolist() == ["kept", "kept", "left-over", "left-over"]


def test_what_is_asked_for_is_read_in_the_order_asked(results: Path) -> None:
    asked = {"models": ["left-over", "kept"], "tasks": ["Second"]}
    assert list(store_folders(results, "tiny", **asked)) == [("left-over", "Second"), ("kept", "Second")]
    assert read_atoms(results, "tiny", **asked)["model"].tolist() == ["left-over", "kept"]


def test_layers_asked_for_are_the_ones_read(results: Path) -> None:
    table = results / "tiny" / "atoms" / "kept" / "First.parquet"
    write_table(pd.DataFrame({"layer": [0, 1, 2, 1]}), table, of="atoms of activation store kept First")
    asked = {"models": ["kept"], "tasks": ["First"]}
    assert read_atoms(results, "tiny", **asked, layers=[2, 1])["layer"].tolist() == [1, 2, 1]
    with pytest.raises(ValueError, match=r"layers names 9, but these results have 0, 1, 2; name some"):
        read_atoms(results, "tiny", **asked, layers=[1, 9])


def test_a_table_that_calls_windows_by_their_middle_is_refused_with_the_cure(results: Path) -> None:
    table = results / "tiny" / "atoms" / "kept" / "First.parquet"
    for name, refused in (("strict@2-4", False), ("strict@3", True)):
        write_table(pd.DataFrame({"condition": ["baseline", name]}), table, of="atoms of activation store kept First")
        if not refused:
            assert "strict@2-4" in set(read_atoms(results, "tiny")["condition"])
            continue
        with pytest.raises(
            ValueError, match=r"First\.parquet calls a window by its middle, 'strict@3'.*; delete it and run"
        ):
            read_atoms(results, "tiny")


@pytest.mark.parametrize("what", ["models", "tasks"])
def test_what_is_not_there_is_refused_with_what_is(results: Path, what: str) -> None:
    for read in (store_folders, read_atoms):
        with pytest.raises(ValueError, match=rf"{what} names 'other', but these results have \w+"):
            read(results, "tiny", **{what: ["other"]})
        with pytest.raises(ValueError, match=f"{what} is an empty list; leave it out for all"):
            read(results, "tiny", **{what: []})


def test_what_is_named_twice_is_read_once() -> None:
    assert choose("tasks", ["b", "a", "b"], ["a", "b", "c"]) == ["b", "a"]


def test_what_the_profile_names_no_more_is_left_alone(results: Path) -> None:
    write_record(results / "tiny" / "contents.json", {"models": ["kept"], "tasks": ["Second"]})
    found = store_folders(results, "tiny")
    assert found == {("kept", "Second"): results / "tiny" / "activations" / "kept" / "Second"}
    assert read_atoms(results, "tiny")[["model", "task"]].values.tolist() == [["kept", "Second"]]
    assert (results / "tiny" / "atoms" / "left-over" / "First.parquet").exists()


def test_a_profile_without_results_says_what_to_do(results: Path) -> None:
    write_record(results / "tiny" / "contents.json", {"models": [], "tasks": []})
    for read in (store_folders, read_atoms):
        with pytest.raises(FileNotFoundError, match="make book PROFILE=tiny"):
            read(results, "tiny")


def test_tables_put_in_each_others_place_are_told_by_their_stores(results: Path) -> None:
    folder = results / "tiny" / "atoms" / "kept"
    (folder / "First.parquet").replace(folder / "kept.parquet")
    (folder / "Second.parquet").replace(folder / "First.parquet")
    (folder / "kept.parquet").replace(folder / "Second.parquet")
    complaint = r"First\.parquet belongs to .* kept Second, not to .* kept First; delete it and run `make book"
    with pytest.raises(DamagedError, match=complaint):
        read_atoms(results, "tiny")


def test_atoms_outlive_their_stores(results: Path) -> None:
    shutil.rmtree(results / "tiny" / "activations")
    assert len(read_atoms(results, "tiny")) == 4


@pytest.mark.parametrize("name", ["contents.json", "atoms/kept/First.parquet"])
@pytest.mark.parametrize("damage", [lambda w: b"", lambda w: w[:-9], lambda w: w[:20] + b"~" + w[21:]])
def test_damage_is_named_with_the_cure(results: Path, name: str, damage) -> None:
    path = results / "tiny" / name
    if name == "contents.json":
        write_record(path, {"models": ["kept"], "tasks": ["Second"]})
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DamagedError, match=rf"{path.name} .*; delete it"):
        read_atoms(results, "tiny")


def test_a_notebook_that_is_none_is_named(tmp_path: Path) -> None:
    for content in ("", "[]", '{"metadata": 1'):
        path = tmp_path / "mini" / "extract" / "one.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        with pytest.raises(DamagedError, match=r"one\.ipynb .*; delete it"):
            stage_times(tmp_path, "mini")


def executed(path: Path, duration: float | None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"metadata": {"papermill": {"duration": duration}}, "cells": []}))


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


def test_the_summary_of_a_run_counts_seeds_as_well(results: Path):
    executed(results / "logs/tiny/extract/kept/First.ipynb", 60)
    executed(results / "logs/tiny/decompose/kept/First.ipynb", 240)
    executed(results / "pages/one.ipynb", None)
    executed(results / "pages/making_of.ipynb", None)
    said = summarise_run(results, "tiny", results / "logs", results / "pages", without="making_of")
    assert (said["n_notebooks"], said["minutes"].text, said["n_pages"]) == (2, "5.0", 1)
    assert (said["slowest_stage"], said["slowest_share"].text) == ("decompose", "80%")
    assert (said["n_stores"], said["n_seed_stores"], said["n_rows"].text) == (4, 0, "4")
    shutil.copytree(results / "tiny", results / "copied")
    shutil.copytree(results / "copied", results / "tiny" / "seeds")
    said = summarise_run(results, "tiny", results / "logs", results / "pages")
    assert (said["n_stores"], said["n_seed_stores"], said["n_rows"].text, said["n_pages"]) == (8, 4, "8", 2)


@pytest.mark.parametrize(("wanted", "there"), [("nope", ["First", "Second"]), (99, [0, 1]), (None, [])])
def test_what_the_results_do_not_have_is_refused_with_what_they_have(wanted: object, there: list):
    with pytest.raises(ValueError, match=f"task is {wanted!r}, but these results have .*; give one of them"):
        one_of("task", wanted, there)
