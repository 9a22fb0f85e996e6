"""Prepared ahead and written behind: the same numbers, errors where they happen, nothing lost."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from analysis_lib.activations import extract, open_activations
from analysis_lib.activations.pipeline import Ahead, written_behind
from analysis_lib.activations.store import ActivationStore
from analysis_lib.models import VisionLanguageModel, prepare


def test_what_is_prepared_ahead_is_what_is_prepared_now(
    one_model: VisionLanguageModel, questions: pd.DataFrame
) -> None:
    ahead, first, second = Ahead(one_model), questions.iloc[:2], questions.iloc[2:]
    ahead.begin(first, second)
    ahead.begin(second)
    for asked in (second, first, first):  # in any order; what was not begun again is prepared now
        found, expected = ahead(asked), prepare(one_model, asked)
        assert found.spans == expected.spans and found.inputs.keys() == expected.inputs.keys()
        assert all(torch.equal(found.inputs[name], expected.inputs[name]) for name in expected.inputs)
    ahead.close()


def test_an_error_in_preparing_is_raised_where_the_batch_is_asked_for(
    one_model: VisionLanguageModel, questions: pd.DataFrame, tmp_path: Path
) -> None:
    broken = questions.assign(image=[*questions["image"][:-1], str(tmp_path / "gone.png")])
    ahead = Ahead(one_model)
    ahead.begin(broken.iloc[:2], broken.iloc[2:])
    assert ahead(broken.iloc[:2]).length > 0
    with pytest.raises(FileNotFoundError, match=r"gone\.png"):
        ahead(broken.iloc[2:])
    ahead.close()


def test_the_tokenizer_of_the_thread_is_not_the_callers(
    one_model: VisionLanguageModel, questions: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    used = []
    tokenizer = type(one_model.tokenizer)
    call = tokenizer.__call__

    def noted(self: object, *args: object, **kwargs: object) -> object:
        used.append((threading.current_thread().name, id(self)))
        return call(self, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(tokenizer, "__call__", noted)
    extract(one_model, questions, ["baseline"], batch_size=2)
    threads = {who: {name.split("_")[0] for name, one in used if one == who} for _, who in used}
    assert all(len(names) == 1 for names in threads.values()), "no tokenizer is used by two threads"
    assert {"prepare"} in threads.values()


def test_writing_goes_on_while_the_next_batch_runs_and_one_at_a_time() -> None:
    may, done = threading.Event(), []

    def write(rows: slice, arrays: Mapping[str, np.ndarray]) -> None:
        assert may.wait(10)
        done.append(rows)

    with written_behind(write) as begin:
        begin(slice(0, 1), {})
        assert done == []  # returned before it was written
        may.set()
        begin(slice(1, 2), {})
        assert done[0] == slice(0, 1)
    assert done == [slice(0, 1), slice(1, 2)]


def test_an_error_in_writing_ends_the_run_and_what_was_written_before_is_kept(
    one_model: VisionLanguageModel, questions: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = ActivationStore.write

    def full(self: ActivationStore, rows: slice, arrays: Mapping[str, np.ndarray]) -> None:
        if rows.start >= 2:
            raise OSError(28, "No space left on device")
        write(self, rows, arrays)

    monkeypatch.setattr(ActivationStore, "write", full)
    with pytest.raises(OSError, match="No space left"):
        extract(one_model, questions, ["baseline"], store=tmp_path / "store", batch_size=2)
    with pytest.raises(ValueError, match=r"unfinished \(1 batches done\)"):
        open_activations(tmp_path / "store")
    monkeypatch.undo()
    found = extract(one_model, questions, ["baseline"], store=tmp_path / "store", batch_size=2)
    assert found["language"].equals(extract(one_model, questions, ["baseline"], batch_size=2)["language"])


def test_what_was_given_to_write_is_written_whatever_ends_the_run() -> None:
    done: list[slice] = []
    with pytest.raises(KeyboardInterrupt), written_behind(lambda rows, _: done.append(rows)) as begin:
        begin(slice(0, 1), {})
        raise KeyboardInterrupt
    assert done == [slice(0, 1)]
