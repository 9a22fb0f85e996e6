"""Shards of an extraction merge into the very store that one job writes; what does not belong is refused by name."""

from __future__ import annotations

import inspect
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis_lib.activations import extract, extract_shard
from analysis_lib.activations.extracting import extracted
from analysis_lib.activations.shards import Shard
from analysis_lib.activations.store import ActivationStore
from analysis_lib.models import VisionLanguageModel
from analysis_lib.stores import read_records
from tests.unit.activations.folders import contents

ASKED = {"conditions": ["baseline"], "batch_size": 2}


@pytest.fixture(scope="module")
def single(one_model: VisionLanguageModel, questions: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("single") / "store"
    extract(one_model, questions, store=folder, **ASKED)
    return folder


@pytest.fixture(scope="module")
def sharded(one_model: VisionLanguageModel, questions: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a store is to be: two shards lie beside it."""
    folder = tmp_path_factory.mktemp("sharded") / "store"
    for shard in ("2/2", "1/2"):
        extract_shard(one_model, questions, store=folder, shard=shard, **ASKED)
    return folder


@pytest.fixture
def copy(sharded: Path, tmp_path: Path) -> Path:
    shutil.copytree(sharded.parent, tmp_path / "copied")
    return tmp_path / "copied" / "store"


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The first samples of all batches that are computed and written."""
    found: list[int] = []
    write = ActivationStore.write
    monkeypatch.setattr(ActivationStore, "write", lambda *given: (found.append(given[1].start), write(*given)))
    return found


def test_shards_merge_into_what_one_job_writes_and_nothing_is_computed_again(
    one_model, questions, single, copy, ran
) -> None:
    merged = extract(one_model, questions, store=copy, shards=2, **ASKED)
    assert ran == []
    assert contents(copy) == contents(single), "byte for byte, manifest and progress included"
    assert merged.identical(extract(one_model, questions, store=single, **ASKED))
    assert not copy.with_name("store.shards").exists()
    assert extract(one_model, questions, store=copy, shards=2, **ASKED).identical(merged), "a whole store needs none"


def test_every_batch_is_in_one_shard(single, sharded) -> None:
    done = [{*read_records(Shard(number, 2).folder(sharded), finished=False).batches} for number in (1, 2)]
    assert not done[0] & done[1] and done[0] | done[1] == {*read_records(single, finished=True).batches}
    assert min(map(len, done)) >= 1


@given(st.lists(st.integers(0, 999), max_size=40, unique=True).map(sorted), st.integers(1, 50))
def test_shards_are_blocks_of_like_size_that_cover_all(batches: list[int], count: int) -> None:
    blocks = [Shard(number, count).of(batches) for number in range(1, count + 1)]
    assert sum(blocks, []) == batches
    assert max(map(len, blocks)) - min(map(len, blocks)) <= 1


def test_a_shard_that_is_killed_goes_on_alone_and_a_finished_one_is_not_done_again(
    one_model, questions, single, copy, ran, monkeypatch
) -> None:
    shutil.rmtree(first := Shard(1, 2).folder(copy))
    write = ActivationStore.write

    def killed(*given):
        write(*given)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(ActivationStore, "write", killed)
        extract_shard(one_model, questions, store=copy, shard="1/2", **ASKED)
    done = {*read_records(first, finished=False).batches}
    assert len(done) == 1
    ran.clear()
    with pytest.raises(ValueError, match=re.escape(f"shard 1/2 is unfinished: {first} lacks")):
        extract(one_model, questions, store=copy, shards=2, **ASKED)
    for shard in ("1/2", "2/2"):
        extract_shard(one_model, questions, store=copy, shard=shard, **ASKED)
    assert len(ran) == 1 and not {*map(str, ran)} & done
    extract(one_model, questions, store=copy, shards=2, **ASKED)
    assert contents(copy) == contents(single)


def test_a_merge_that_is_killed_goes_on(one_model, questions, single, copy, monkeypatch) -> None:
    adopt, calls = ActivationStore.adopt, []

    def killed(store, folder, shard=None):
        calls.append(folder)
        if len(calls) == 2:
            raise KeyboardInterrupt
        adopt(store, folder, shard)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(ActivationStore, "adopt", killed)
        extract(one_model, questions, store=copy, shards=2, **ASKED)
    extract(one_model, questions, store=copy, shards=2, **ASKED)
    assert contents(copy) == contents(single)


def test_a_missing_shard_is_named(one_model, questions, copy) -> None:
    shutil.rmtree(second := Shard(2, 2).folder(copy))
    with pytest.raises(FileNotFoundError, match=re.escape(f"shard 2/2 is missing: {second} holds no store")):
        extract(one_model, questions, store=copy, shards=2, **ASKED)


def test_a_shard_of_other_parameters_is_refused(one_model, questions, copy) -> None:
    second = Shard(2, 2).folder(copy)
    other = ASKED | {"conditions": ["paper"]}
    extract_shard(one_model, questions, store=copy, shard="2/2", on_mismatch="replace", **other)
    with pytest.raises(ValueError, match=re.escape(f"{second} is a shard of another extraction (conditions: ")):
        extract(one_model, questions, store=copy, shards=2, **ASKED)


def test_a_shard_of_other_weights_is_refused(one_model, questions, copy, monkeypatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(VisionLanguageModel, "fingerprint", lambda self: "of other weights")
        extract_shard(one_model, questions, store=copy, shard="1/2", on_mismatch="replace", **ASKED)
    with pytest.raises(ValueError, match="is a shard of another extraction .*fingerprint: 'of other weights' there"):
        extract(one_model, questions, store=copy, shards=2, **ASKED)


def test_a_damaged_shard_is_refused_and_made_whole_by_itself(one_model, questions, single, copy, ran) -> None:
    first = Shard(1, 2).folder(copy)
    damaged = next(path for path in sorted(first.rglob("c/*/*")) if path.is_file())
    content = bytearray(damaged.read_bytes())
    content[0] ^= 1
    damaged.write_bytes(content)
    with pytest.raises(ValueError, match="does not match its checksum; extract again"):
        extract(one_model, questions, store=copy, shards=2, **ASKED)
    with pytest.warns(UserWarning, match="done now"):
        extract_shard(one_model, questions, store=copy, shard="1/2", **ASKED)
    assert len(ran) == 1
    extract(one_model, questions, store=copy, shards=2, **ASKED)
    assert contents(copy) == contents(single)


def test_more_shards_take_over_what_a_whole_store_has(one_model, questions, copy, ran) -> None:
    extract(one_model, questions, store=copy, shards=2, **ASKED)
    for number in (1, 2, 3):
        extract_shard(one_model, questions, store=copy, shard=f"{number}/3", **ASKED)
    assert ran == []


def test_another_division_goes_on_from_what_is_there(one_model, questions, single, copy, ran) -> None:
    """Of a store that has a damaged batch, and of shards that were left half-done when their number changed."""
    shutil.rmtree(Shard(1, 2).folder(copy))
    for number in (1, 2, 3):
        extract_shard(one_model, questions, store=copy, shard=f"{number}/3", **ASKED)
    assert len(ran) == len(Shard(1, 2).of(every := sorted(map(int, read_records(single, finished=True).batches))))
    extract(one_model, questions, store=copy, shards=3, **ASKED)
    assert contents(copy) == contents(single) and not copy.with_name("store.shards").exists()
    damaged = next(path for path in sorted(copy.rglob(f"vision/c/{len(every) - 1}/**/*")) if path.is_file())
    damaged.write_bytes(b"~" * damaged.stat().st_size)
    (copy / "manifest.json").unlink()
    ran.clear()
    for number in (1, 2):
        extract_shard(one_model, questions, store=copy, shard=f"{number}/2", **ASKED)
    assert ran == every[-1:]
    with pytest.warns(UserWarning, match="done now"):
        extract(one_model, questions, store=copy, shards=2, **ASKED)
    assert contents(copy) == contents(single)


@pytest.mark.parametrize("of", ["shards", "shard"])
def test_more_shards_than_batches_are_refused_before_anything_is_touched(one_model, questions, tmp_path, of) -> None:
    n_batches = -(-len(questions) // 2)
    with pytest.raises(ValueError, match=f"{n_batches + 1} shards are asked for.* at most {n_batches} shards"):
        if of == "shards":
            extract(one_model, questions, store=tmp_path / "store", shards=n_batches + 1, **ASKED)
        else:
            extract_shard(one_model, questions, store=tmp_path / "store", shard=f"1/{n_batches + 1}", **ASKED)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("shard", ["0/2", "3/2", "1", "1/0", "a/b", " 1/2", "1/2 ", "-1/2", 1, None, "1/99999"])
def test_what_is_no_shard_is_refused(one_model, questions, tmp_path, shard) -> None:
    with pytest.raises(ValueError, match="such as '2/4'"):
        extract_shard(one_model, questions, store=tmp_path / "store", shard=shard)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("shards", [0, -1, True, 1.5, "2"])
def test_what_is_no_number_of_shards_is_refused(one_model, questions, tmp_path, shards) -> None:
    with pytest.raises(ValueError, match="give a whole number, at least 1"):
        extract(one_model, questions, store=tmp_path / "store", shards=shards)
    assert not any(tmp_path.iterdir())


def test_a_shard_is_asked_as_the_store_is() -> None:
    """Both functions hand on to one, whose defaults are those that `extract` documents."""
    shared = inspect.signature(extracted).parameters
    documented = inspect.signature(extract).parameters
    named = {name: one.default for name, one in shared.items() if one.kind is one.KEYWORD_ONLY}
    assert named == {name: documented[name].default for name in named}
