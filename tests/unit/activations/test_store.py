"""The store: damage is found, nothing foreign is touched, what is not finished is not opened."""

from __future__ import annotations

import hashlib
import json
import random
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
import zarr

from analysis_lib.activations import attach, attached, extract, open_activations
from analysis_lib.activations import store as store_module
from analysis_lib.activations.chunks import ArraySpec
from analysis_lib.activations.store import ActivationStore
from analysis_lib.models import VisionLanguageModel
from analysis_lib.records import DamagedError, read_record
from analysis_lib.stores import damages, read_records
from tests.unit.activations.folders import contents
from tests.unit.activations.small import write_small

SETTINGS = {"batch_size": 3, "model": "none"}
SPECS = {"vision": ArraySpec(("hidden",), (4,)), "correct": ArraySpec((), (), "bool")}


@pytest.fixture(scope="module")
def finished(one_model: VisionLanguageModel, questions: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("finished") / "store"
    extract(one_model, questions, store=folder, batch_size=2)
    return folder


@pytest.fixture
def copy(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "store"))


def chunks(folder: Path) -> list[Path]:
    found = [path for path in sorted(folder.rglob("*")) if path.is_file() and "c" in path.relative_to(folder).parts]
    assert len(found) > 20
    return found


def test_a_store_that_the_disk_has_no_room_for_is_refused_and_the_one_before_is_kept(
    questions: pd.DataFrame, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, usage = contents(copy), shutil.disk_usage(copy)
    large = {"vision": ArraySpec(("layer", "hidden"), (32, 4096))}
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage._replace(free=2**20))
    needed = 2 * SETTINGS["batch_size"] * 32 * 4096 * 4 / 2**20  # the last batch takes as much as the first
    with pytest.raises(ValueError, match=f"needs {needed:,.0f} MiB, and .* has 1 MiB free; free some"):
        ActivationStore(copy, SETTINGS, questions, large, replace=True)
    assert contents(copy) == before
    ActivationStore(copy.with_name("small"), SETTINGS, questions, SPECS)


def test_a_flipped_bit_in_any_chunk_is_found_and_the_place_named(copy: Path) -> None:
    rng = random.Random(0)
    for path in chunks(copy):
        whole = path.read_bytes()
        at = rng.randrange(len(whole))
        path.write_bytes(whole[:at] + bytes([whole[at] ^ (1 << rng.randrange(8))]) + whole[at + 1 :])
        array = path.relative_to(copy / "activations.zarr").parts[0]
        complaint = rf"{re.escape(str(path))} \(array {array}, samples from \d\) does not match .*; extract again"
        with pytest.raises(DamagedError, match=complaint):
            open_activations(copy)
        path.write_bytes(whole)
    open_activations(copy)


@pytest.mark.parametrize("verify", [True, False])
@pytest.mark.parametrize("harm", [Path.unlink, lambda path: path.write_bytes(b""), lambda path: path.write_bytes(b"x")])
def test_a_missing_empty_or_foreign_chunk_is_found_even_unverified(
    copy: Path, harm: Callable[[Path], object], verify: bool
) -> None:
    path = next(path for path in chunks(copy) if "language" in path.parts)
    harm(path)
    complaint = rf"{re.escape(str(path))} \(array language, samples from 0\) .*; extract again"
    with pytest.raises(DamagedError, match=complaint):
        open_activations(copy, verify=verify)


def test_a_lost_chunk_reads_as_no_number_even_without_this_library(copy: Path) -> None:
    for name, lost in (("language", np.isnan), ("predicted_token", lambda values: values == -1)):
        next(path for path in chunks(copy) if name in path.parts).unlink()
        plain = xr.open_zarr(copy / "activations.zarr", consolidated=False, chunks=None)
        assert lost(plain[name].values[:2, 0]).all()


def test_any_zarr_reader_finds_a_damaged_chunk(copy: Path) -> None:
    path = next(path for path in chunks(copy) if "language" in path.parts)
    whole = path.read_bytes()
    path.write_bytes(whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:])
    with pytest.raises(ValueError, match="checksum"):
        xr.open_zarr(copy / "activations.zarr", consolidated=False, chunks=None)["language"].load()


def test_a_chunk_put_in_anothers_place_is_found(copy: Path) -> None:
    first, second = [path for path in chunks(copy) if "vision" in path.parts][:2]
    shutil.copyfile(second, first)
    with pytest.raises(DamagedError, match="array vision, samples from 0"):
        open_activations(copy)


def test_a_missing_array_is_found(copy: Path) -> None:
    shutil.rmtree(copy / "activations.zarr" / "vision")
    with pytest.raises(DamagedError, match=r"vision/zarr\.json is missing; delete the folder .* and extract again"):
        open_activations(copy)


RECORDS = ["progress.json", "settings.json", "manifest.json"]
DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda whole: b"",
    "cut": lambda whole: whole[: len(whole) // 2],
    "zeros": lambda whole: bytes(len(whole)),
    "appended": lambda whole: whole + b"x",
    "another number": lambda whole: re.sub(rb"[1-8]", b"9", whole, count=1),
    "no record": lambda whole: b"[]",
}


@pytest.mark.parametrize("name", RECORDS)
@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_record_is_named_with_the_cure_which_the_workflow_follows(
    tmp_path: Path, name: str, damage: str
) -> None:
    whole, copy = write_small(tmp_path / "whole", made_by="workflow"), tmp_path / "store"
    shutil.copytree(whole, copy)
    path = copy / name
    path.write_bytes(DAMAGE[damage](path.read_bytes()))
    complaint = rf"{name} .*; delete .* and extract again"
    with pytest.raises(DamagedError, match=complaint):
        open_activations(copy)
    before = contents(copy)
    if name != "manifest.json":  # which follows from the others and is simply written again
        with pytest.raises(DamagedError, match=complaint):
            write_small(copy)
        assert contents(copy) == before
    write_small(copy, replace=True, made_by="workflow")
    assert contents(copy) == contents(whole)


@pytest.mark.parametrize("name", [*RECORDS, "questions.parquet"])
def test_a_record_of_another_store_is_told_from_its_own(tmp_path: Path, name: str) -> None:
    mine, other = write_small(tmp_path / "mine"), write_small(tmp_path / "other", seed=1)
    shutil.copyfile(other / name, mine / name)
    with pytest.raises(DamagedError, match=r"(settings|progress|manifest|questions)\.\w+ .*; delete .* extract again"):
        open_activations(mine)


@pytest.mark.parametrize("harm", [Path.unlink, lambda path: path.write_bytes(b"x" * path.stat().st_size)])
def test_a_damaged_batch_alone_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, harm: Callable[[Path], object]
) -> None:
    store = write_small(tmp_path / "store")
    before = contents(store)
    harm(store / "activations.zarr" / "language" / "c" / "1" / "0" / "0" / "0")
    written: list[slice] = []
    write = ActivationStore.write
    monkeypatch.setattr(ActivationStore, "write", lambda *given: (written.append(given[1]), write(*given)))
    with pytest.warns(UserWarning, match=r"array language, samples from 2.*; done now"):
        write_small(store)
    assert written == [slice(2, 4)] and contents(store) == before


def test_what_lies_beside_the_arrays_is_checked_and_belongs_to_them(tmp_path: Path) -> None:
    copy, other = write_small(tmp_path / "store"), write_small(tmp_path / "other", seed=1)
    table = pd.DataFrame({"condition": ["baseline"], "vision_moved": [0.0]})
    attach(copy, "pixel_dependence.parquet", table)
    attach(copy, "about.json", {"tokens": ["a"]})
    assert attached(copy, "pixel_dependence.parquet").equals(table)
    assert attached(copy, "about.json") == {"tokens": ["a"]}
    for name in ("pixel_dependence.parquet", "about.json"):
        path = copy / name
        whole = path.read_bytes()
        for damaged in (whole[:-5], whole[:40] + b"~" + whole[41:], b"", (other / name).read_bytes()):
            path.write_bytes(damaged)
            with pytest.raises(DamagedError, match=rf"{name} .*; delete it and run the extract notebook"):
                attached(copy, name)
        path.unlink()
        with pytest.raises(FileNotFoundError, match=rf"{name} is missing; delete it and run"):
            attached(copy, name)
    with pytest.raises(ValueError, match="nothing called 'notes.txt'"):
        attach(copy, "notes.txt", {})


def test_a_lost_manifest_is_written_again(
    copy: Path, finished: Path, one_model: VisionLanguageModel, questions: pd.DataFrame
) -> None:
    (copy / "manifest.json").unlink()
    with pytest.raises(ValueError, match=r"is unfinished \(3 batches done\); run extract again to resume it"):
        open_activations(copy)
    extract(one_model, questions, store=copy, batch_size=2)
    assert contents(copy) == contents(finished)


def test_a_folder_without_a_store_is_told_from_an_unfinished_one(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(FileNotFoundError, match="holds no activation store; run the extract notebook first"):
            open_activations(folder)
    ActivationStore(tmp_path / "begun", SETTINGS, pd.DataFrame({"question_id": list("abcdefg")}), SPECS)
    with pytest.raises(ValueError, match=r"begun is unfinished \(0 batches done\)"):
        open_activations(tmp_path / "begun")


def as_layout(copy: Path, layout: int | None) -> None:
    """Make a store one of an older layout, as its code wrote it; ``None`` for layout 1, which said nothing."""
    records = {name: read_record(copy / name, cure="", of=None) for name in RECORDS}
    settings = {key: value for key, value in records["settings.json"].items() if key not in ("of", "layout")}
    settings |= {} if layout is None else {"layout": layout}
    manifest = {key: value for key, value in records["manifest.json"].items() if key not in ("of", "store")}
    group = zarr.open_group(copy / "activations.zarr", mode="r")
    progress = {
        start: {
            name: hashlib.sha256(np.ascontiguousarray(array[int(start) : int(start) + 2])).hexdigest()
            for name, array in group.arrays()
        }
        for start in records["progress.json"]["batches"]
    }
    for name, content in zip(RECORDS, (progress, settings, {**manifest, "settings": settings}), strict=True):
        (copy / name).write_text(json.dumps(content))
    kept = pd.read_parquet(copy / "questions.parquet")
    if layout is None:
        kept = kept.drop(columns="position")  # the oldest ones kept no order
    kept.to_parquet(copy / "questions.parquet", index=False)


@pytest.mark.parametrize("layout", [None, 2])
def test_a_store_of_an_older_layout_is_read_and_left_as_it_is(
    copy: Path, finished: Path, one_model: VisionLanguageModel, questions: pd.DataFrame, layout: int | None
) -> None:
    as_layout(copy, layout)
    before = contents(copy)
    number = layout or 1
    with pytest.warns(UserWarning, match=f"store is an activation store of layout {number}, .* on_mismatch='replace'"):
        opened = open_activations(copy)
    assert opened["vision"].equals(open_activations(finished)["vision"]) or layout is None
    complaint = f"of layout {number}; this code writes layout 5 and cannot .* on_mismatch='replace'"
    with pytest.raises(ValueError, match=complaint):
        extract(one_model, questions, store=copy, batch_size=2)
    with pytest.raises(ValueError, match=rf"{complaint}.* The workflow did not make it"):
        extract(one_model, questions, store=copy, batch_size=2, on_mismatch="replace", made_by="workflow")
    assert contents(copy) == before
    extract(one_model, questions, store=copy, batch_size=2, on_mismatch="replace")
    assert contents(copy) == contents(finished)


def test_a_damaged_store_of_an_older_layout_is_refused(copy: Path) -> None:
    as_layout(copy, 2)
    path = next(path for path in chunks(copy) if "language" in path.parts)
    path.unlink()
    with pytest.warns(UserWarning), pytest.raises(DamagedError, match="array language, samples from 0, does not match"):
        open_activations(copy)


def test_a_store_of_a_later_layout_is_refused_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "LAYOUT", 7)
    ActivationStore(tmp_path / "later", SETTINGS, pd.DataFrame({"question_id": list("abc")}), SPECS)
    with pytest.raises(
        ValueError, match="of layout 7, this version reads 1 to 5; open it with the version .* or extract"
    ):
        open_activations(tmp_path / "later")


@pytest.mark.parametrize("harm", [Path.unlink, lambda path: path.write_bytes(b"x")])
def test_lost_questions_are_named_with_the_cure(
    copy: Path, one_model: VisionLanguageModel, questions: pd.DataFrame, harm: Callable[[Path], object]
) -> None:
    harm(copy / "questions.parquet")
    for call in (lambda: open_activations(copy), lambda: extract(one_model, questions, store=copy, batch_size=2)):
        complaint = r"questions\.parquet .*; delete .* and extract again"
        with pytest.raises((DamagedError, FileNotFoundError), match=complaint):
            call()


def test_an_empty_folder_becomes_a_store(
    one_model: VisionLanguageModel, questions: pd.DataFrame, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    extract(one_model, questions, ["baseline"], store=tmp_path / "empty")
    open_activations(tmp_path / "empty")


def test_the_store_is_an_ordinary_zarr_group_without_pickled_objects(finished: Path) -> None:
    plain = xr.open_zarr(finished / "activations.zarr", consolidated=False, chunks=None)
    assert {"vision", "language", "prediction_hidden", "answer_logits", "correct"} <= set(plain)
    assert plain["predicted_token"].dtype == np.int64 and plain["vision"].dtype == np.float32
    for path in finished.rglob("zarr.json"):
        assert "pickle" not in path.read_text() and "object" not in json.loads(path.read_text()).get("data_type", "")
    assert len(pd.read_parquet(finished / "questions.parquet")) == plain.sizes["sample"]


def test_a_batch_is_written_without_being_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = ActivationStore(tmp_path / "s", SETTINGS, pd.DataFrame({"question_id": list("abc")}), SPECS)
    monkeypatch.setattr(zarr.Array, "__getitem__", None)
    store.write(slice(0, 3), {"vision": np.ones((3, 4), np.float32), "correct": np.ones(3, bool)})
    assert not store.pending()


def test_what_the_disk_made_of_a_batch_is_compared_with_what_was_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A checksum of what is read back after writing would bless whatever is there."""
    write = store_module.write_atomically

    def torn(path: Path, content: bytes, **options: bool) -> None:
        write(path, content if path.name == "zarr.json" else content[:-1] + b"x", **options)

    monkeypatch.setattr(store_module, "write_atomically", torn)
    store = ActivationStore(tmp_path / "s", SETTINGS, pd.DataFrame({"question_id": list("abc")}), SPECS)
    store.write(slice(0, 3), {"vision": np.ones((3, 4), np.float32), "correct": np.ones(3, bool)})
    store.finish({"conditions": []})
    with pytest.raises(DamagedError, match=r"array correct, samples from 0\) does not match its checksum"):
        open_activations(tmp_path / "s")


@pytest.mark.parametrize(
    "values",
    [np.zeros((3, 4)), np.full((3, 4), -0.0), np.full((3, 4), np.nan), np.arange(24.0).reshape(3, 8)[:, ::2]],
    ids=["zeros", "negative zeros", "undefined", "gaps"],
)
def test_unusual_numbers_are_read_back_as_they_were_meant(tmp_path: Path, values: np.ndarray) -> None:
    specs = {"vision": SPECS["vision"]}
    store = ActivationStore(tmp_path / "s", SETTINGS, pd.DataFrame({"question_id": list("abc")}), specs)
    store.write(slice(0, 3), {"vision": values})
    assert not list(damages(read_records(tmp_path / "s", finished=False)))
    found = zarr.open_group(tmp_path / "s" / "activations.zarr", mode="r")["vision"][:]
    assert found.tobytes() == values.astype(np.float32).tobytes()


def test_batches_of_the_wrong_shape_are_refused_and_not_counted(tmp_path: Path) -> None:
    store = ActivationStore(tmp_path / "s", SETTINGS, pd.DataFrame({"question_id": list("abcdefg")}), SPECS)
    assert store.pending() == [slice(0, 3), slice(3, 6), slice(6, 7)]
    good = {"vision": np.ones((3, 4), np.float32), "correct": np.ones(3, bool)}
    with pytest.raises(ValueError, match=r"array vision has shape \(3, 5\), the store expects \(4,\) per sample"):
        store.write(slice(0, 3), {**good, "vision": np.ones((3, 5), np.float32)})
    assert len(store.pending()) == 3
    store.write(slice(0, 3), good)
    assert store.pending() == [slice(3, 6), slice(6, 7)]
    again = ActivationStore(tmp_path / "s", SETTINGS, pd.DataFrame({"question_id": list("abcdefg")}), SPECS)
    assert again.pending() == [slice(3, 6), slice(6, 7)], "what is done stays done"
    with pytest.raises(ValueError, match="still lacks 2 batches"):
        again.finish({})
