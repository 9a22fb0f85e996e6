"""Nothing that is not the store's is ever removed, and a store only when asked for, by whom it is for to ask."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from analysis_lib.activations import open_activations
from analysis_lib.records import DamagedError, write_record
from tests.unit.activations.folders import contents
from tests.unit.activations.small import SETTINGS, write_small

ON_MISMATCH = [{}, {"replace": True}, {"replace": True, "made_by": "workflow"}]
VSCODE = {"editor.fontSize": 12, "model": "m", "batch_size": 2}
THESES: dict[str, dict[str, str]] = {
    "an editor's settings": {"settings.json": json.dumps(VSCODE), "thesis.txt": "years of work"},
    "settings like an old store's": {
        "settings.json": json.dumps({**SETTINGS, "fingerprint": "f"}),
        "activations.zarr/notes.txt": "years of work",
    },
    "settings alone": {"settings.json": "{}"},
    "all names of records": dict.fromkeys(("settings.json", "progress.json", "manifest.json"), "{}"),
    "a thesis": {"chapter/one.txt": "years of work"},
    "settings that are a folder": {"settings.json/thesis.txt": "years of work"},
    "an array of one's own": {"activations.zarr/zarr.json": "{}", "settings.json": json.dumps(VSCODE)},
}


def lay(folder: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    return folder


@pytest.mark.parametrize("options", ON_MISMATCH, ids=str)
@pytest.mark.parametrize("files", THESES.values(), ids=THESES)
def test_a_folder_that_is_no_store_is_never_touched(tmp_path: Path, files: dict[str, str], options: dict) -> None:
    folder = lay(tmp_path / "folder", files)
    before = contents(tmp_path)
    with pytest.raises(ValueError, match="folder is not empty and is no activation store; choose another folder"):
        write_small(folder, **options)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("options", ON_MISMATCH, ids=str)
def test_a_record_taken_from_a_store_makes_none(tmp_path: Path, options: dict) -> None:
    folder = lay(tmp_path / "folder", {"thesis.txt": "years of work"})
    shutil.copy(write_small(tmp_path / "store") / "settings.json", folder)
    before = contents(folder)
    with pytest.raises(ValueError, match="folder is not empty and is no activation store"):
        write_small(folder, **options)
    assert contents(folder) == before


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a thesis")
    for options in ON_MISMATCH:
        with pytest.raises(ValueError, match="file is not empty and is no activation store"):
            write_small(tmp_path / "file", **options)
    assert (tmp_path / "file").read_text() == "a thesis"


def link_out(store: Path) -> None:
    (store.parent / "thesis").mkdir()
    (store.parent / "thesis" / "chapter.txt").write_text("years of work")
    (store / "activations.zarr" / "vision" / "c" / "9").symlink_to(store.parent / "thesis")


def link_known(store: Path) -> None:
    (store / "about.json").replace(store.parent / "elsewhere.json")
    (store / "about.json").symlink_to(store.parent / "elsewhere.json")


FOREIGN: dict[str, Callable[[Path], object]] = {
    "notes.txt": lambda store: (store / "notes.txt").write_text("mine"),
    ".DS_Store": lambda store: (store / ".DS_Store").write_text("mine"),
    "results.partial": lambda store: (store / "results.partial").write_text("mine"),
    "figures": lambda store: (store / "figures").mkdir(),
    "activations.zarr/vision/c/draft.tex": lambda store: (store / "activations.zarr/vision/c/draft.tex").touch(),
    "activations.zarr/vision/c/9": link_out,
    "about.json": link_known,
}


@pytest.mark.parametrize("name", FOREIGN)
def test_a_store_with_something_of_ones_own_in_it_is_not_replaced(tmp_path: Path, name: str) -> None:
    store = write_small(tmp_path / "store")
    FOREIGN[name](store)
    before = contents(tmp_path)
    with pytest.raises(ValueError, match=rf"store holds what is not the activation store's: .*{name}; move that"):
        write_small(store, seed=1, replace=True)
    assert contents(tmp_path) == before
    write_small(store)  # going on with it leaves the rest alone
    assert contents(tmp_path) == before


def test_neighbours_are_left_alone(tmp_path: Path) -> None:
    lay(tmp_path, {".store.aside/thesis.txt": "work", ".store.partial": "work", ".store/thesis.txt": "work"})
    before = contents(tmp_path)
    write_small(tmp_path / "store")
    write_small(tmp_path / "store", seed=1, replace=True)
    shutil.rmtree(tmp_path / "store")
    assert contents(tmp_path) == before


def test_a_link_to_a_store_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "store").symlink_to(tmp_path / "disk" / "real")
    write_small(tmp_path / "store")
    write_small(tmp_path / "store", seed=1, replace=True)
    assert (tmp_path / "store").is_symlink() and list((tmp_path / "disk").iterdir()) == [tmp_path / "disk" / "real"]
    assert open_activations(tmp_path / "disk" / "real").attrs["seed"] == 1


def test_a_store_is_replaced_only_when_asked_and_by_whom_it_is_for_to_ask(tmp_path: Path) -> None:
    by_hand, by_workflow = write_small(tmp_path / "hand"), write_small(tmp_path / "workflow", made_by="workflow")
    before = contents(tmp_path)
    for store in (by_hand, by_workflow):
        for made_by in ("hand", "workflow"):
            with pytest.raises(ValueError, match=r"other settings \(seed: 0 there, 1 asked for\); .*replace"):
                write_small(store, seed=1, made_by=made_by)
            write_small(store, made_by=made_by)  # whoever made it, the same settings go on with it
    complaint = r"\(seed: 0 there, 1 asked for\).* The workflow did not make it .*: move it elsewhere or delete it"
    with pytest.raises(ValueError, match=complaint):
        write_small(by_hand, seed=1, replace=True, made_by="workflow")
    assert contents(tmp_path) == before
    for store, made_by in ((by_workflow, "workflow"), (by_hand, "hand")):
        assert open_activations(write_small(store, seed=1, replace=True, made_by=made_by)).attrs["seed"] == 1
    write_small(by_workflow, replace=True, made_by="hand")
    with pytest.raises(ValueError, match="The workflow did not make it"):
        write_small(by_workflow, seed=1, replace=True, made_by="workflow")


def test_a_damaged_store_is_replaced_by_the_same_rule(tmp_path: Path) -> None:
    store = write_small(tmp_path / "store")
    (store / "questions.parquet").write_bytes(b"")
    before = contents(store)
    with pytest.raises(DamagedError, match=r"questions\.parquet"):
        write_small(store)
    with pytest.raises(ValueError, match=r"questions\.parquet .* The workflow did not make it"):
        write_small(store, replace=True, made_by="workflow")
    assert contents(store) == before
    write_small(store, replace=True)
    open_activations(store)


def test_a_folder_of_somebody_else_s_records_is_no_store(tmp_path: Path) -> None:
    for name in ("settings.json", "progress.json", "manifest.json"):
        write_record(tmp_path / "folder" / name, {"batch_size": 2}, of="page settings of profile mini")
    with pytest.raises(ValueError, match="no activation store"):
        write_small(tmp_path / "folder", replace=True)
    with pytest.raises(FileNotFoundError, match="holds no activation store"):
        open_activations(tmp_path / "folder")
