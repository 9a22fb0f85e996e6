"""The store: damage is found, nothing foreign is touched, what is not finished is not opened."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import zarr

from analysis_lib.activations import extract, open_activations
from analysis_lib.activations import store as store_module
from analysis_lib.activations.store import ActivationStore, ArraySpec
from analysis_lib.models import VisionLanguageModel
from tests.unit.activations.folders import contents

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


def test_a_flipped_byte_in_any_chunk_is_found_and_the_place_named(copy: Path) -> None:
    rng = random.Random(0)
    for path in chunks(copy):
        whole = path.read_bytes()
        at = rng.randrange(len(whole))
        path.write_bytes(whole[:at] + bytes([whole[at] ^ (1 << rng.randrange(8))]) + whole[at + 1 :])
        try:
            open_activations(copy)
        except ValueError as error:
            array = path.relative_to(copy / "activations.zarr").parts[0]
            assert f"array {array}, samples from" in str(error) and "does not match its checksum" in str(error)
        else:  # some bits of a compressed chunk's header mean nothing: then the numbers must be the same
            assert open_activations(copy, verify=False).load().identical(open_activations(copy).load())
        path.write_bytes(whole)
    open_activations(copy)


@pytest.mark.parametrize("harm", [Path.unlink, lambda path: path.write_bytes(b""), lambda path: path.write_bytes(b"x")])
def test_a_missing_empty_or_foreign_chunk_is_found(copy: Path, harm: Callable[[Path], object]) -> None:
    harm(next(path for path in chunks(copy) if "language" in path.parts))
    with pytest.raises(ValueError, match=r"array language, samples from 0, does not match its checksum; delete"):
        open_activations(copy)


def test_a_chunk_put_in_anothers_place_is_found(copy: Path) -> None:
    first, second = [path for path in chunks(copy) if "vision" in path.parts][:2]
    shutil.copyfile(second, first)
    with pytest.raises(ValueError, match="array vision, samples from 0, does not match"):
        open_activations(copy)


def test_a_missing_array_is_found(copy: Path) -> None:
    shutil.rmtree(copy / "activations.zarr" / "vision")
    with pytest.raises(ValueError, match="array vision, samples from 0"):
        open_activations(copy)


@pytest.mark.parametrize("name", ["progress.json", "settings.json", "manifest.json"])
@pytest.mark.parametrize("content", ["", "{", '{"0": ', "\x00"])
def test_a_truncated_record_is_named_with_the_cure(
    copy: Path, one_model: VisionLanguageModel, questions: pd.DataFrame, name: str, content: str
) -> None:
    arrays = {path: data for path, data in contents(copy).items() if "zarr" in path}
    (copy / name).write_text(content)
    calls: list[Callable[[], object]] = []
    if name != "settings.json":
        calls.append(lambda: open_activations(copy))
    if name != "manifest.json":
        calls.append(lambda: extract(one_model, questions, store=copy, batch_size=2))
        calls.append(lambda: extract(one_model, questions, store=copy, batch_size=2, on_mismatch="replace"))
    for call in calls:
        with pytest.raises(ValueError, match=rf"{name} cannot be read .*; delete the store and extract again"):
            call()
    assert {path: data for path, data in contents(copy).items() if "zarr" in path} == arrays


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
    """Make a store say that it is of another layout; ``None`` as layout 1, which said nothing."""
    for name, part in (("settings.json", None), ("manifest.json", "settings")):
        record = json.loads((copy / name).read_text())
        settings = record[part] if part else record
        settings.pop("layout")
        settings.update({} if layout is None else {"layout": layout})
        (copy / name).write_text(json.dumps(record))


def test_a_store_of_the_first_layout_reads_the_same_and_says_so(
    copy: Path, finished: Path, one_model: VisionLanguageModel, questions: pd.DataFrame
) -> None:
    as_layout(copy, None)
    kept = pd.read_parquet(copy / "questions.parquet").drop(columns="position")  # the oldest ones kept no order
    kept.to_parquet(copy / "questions.parquet", index=False)
    before = contents(copy)
    with pytest.warns(UserWarning, match="store is an activation store of layout 1, .* on_mismatch='replace'"):
        opened = open_activations(copy)
    assert list(opened["question"].values) == list(kept["question"])
    with pytest.raises(ValueError, match="of layout 1; this code writes layout 2 and cannot .* on_mismatch='replace'"):
        extract(one_model, questions, store=copy, batch_size=2)
    assert contents(copy) == before
    extract(one_model, questions, store=copy, batch_size=2, on_mismatch="replace")
    assert contents(copy) == contents(finished)


def test_a_store_of_a_later_layout_is_refused_with_what_to_do(copy: Path) -> None:
    as_layout(copy, 7)
    with pytest.raises(
        ValueError, match="of layout 7, this version reads 1 to 2; open it with the version .* or extract"
    ):
        open_activations(copy)


@pytest.mark.parametrize("harm", [Path.unlink, lambda path: path.write_bytes(b"x")])
def test_lost_questions_are_named_with_the_cure(
    copy: Path, one_model: VisionLanguageModel, questions: pd.DataFrame, harm: Callable[[Path], object]
) -> None:
    harm(copy / "questions.parquet")
    for call in (lambda: open_activations(copy), lambda: extract(one_model, questions, store=copy, batch_size=2)):
        with pytest.raises(
            ValueError, match=r"questions\.parquet cannot be read .*; delete the store and extract again"
        ):
            call()


@pytest.mark.parametrize("on_mismatch", ["refuse", "replace"])
def test_a_folder_that_is_no_store_is_never_touched(
    one_model: VisionLanguageModel, questions: pd.DataFrame, tmp_path: Path, on_mismatch: str
) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("years of work")
    (tmp_path / "file").write_text("a file")
    before = contents(tmp_path)
    for name in ("thesis", "file"):
        with pytest.raises(ValueError, match=rf"{name} is not empty and is no activation store; choose another folder"):
            extract(one_model, questions, store=tmp_path / name, on_mismatch=on_mismatch)
    assert contents(tmp_path) == before


def test_an_empty_folder_becomes_a_store(
    one_model: VisionLanguageModel, questions: pd.DataFrame, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    extract(one_model, questions, ["baseline"], store=tmp_path / "empty")
    open_activations(tmp_path / "empty")


def test_the_store_is_an_ordinary_zarr_group_without_pickled_objects(finished: Path) -> None:
    import xarray as xr

    plain = xr.open_zarr(finished / "activations.zarr", consolidated=False, chunks=None)
    assert {"vision", "language", "prediction_hidden", "answer_logits", "correct"} <= set(plain)
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
    write = zarr.Array.__setitem__

    def torn(array: Any, rows: Any, values: np.ndarray) -> None:
        write(array, rows, np.where(np.arange(len(values)) > 1, 0, values.T).T.astype(values.dtype))

    store = ActivationStore(tmp_path / "s", SETTINGS, pd.DataFrame({"question_id": list("abc")}), SPECS)
    monkeypatch.setattr(zarr.Array, "__setitem__", torn)
    store.write(slice(0, 3), {"vision": np.ones((3, 4), np.float32), "correct": np.ones(3, bool)})
    store.finish({"conditions": []})
    with pytest.raises(ValueError, match="array correct, samples from 0, does not match its checksum"):
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
    store_module._verify(tmp_path / "s", 3)


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
