"""Which questions run together, and that running out of memory costs time only."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from analysis_lib.activations import backends, extract, open_activations
from analysis_lib.activations.batching import HalvingRunner, arrange, same_picture
from analysis_lib.activations.decoder import picture_tokens
from analysis_lib.models import VisionLanguageModel, prepare
from tests.unit.activations.folders import contents
from tests.unit.models.tiny import questions_table

ARRAYS = ("vision", "language", "prediction_hidden", "answer_logits")


def many(folder: Path) -> pd.DataFrame:
    """Twelve questions about five pictures, in no order."""
    table = questions_table(folder, 12)
    return table.assign(image=[table["image"].iloc[(7 * row) % 5] for row in range(12)])


def test_the_order_keeps_pictures_together_and_their_token_counts_together(
    vlm: VisionLanguageModel, tmp_path: Path
) -> None:
    table = many(tmp_path)
    order = arrange(vlm, table)
    assert sorted(order) == list(range(12))
    arranged = table.iloc[order].reset_index(drop=True)
    for values in (arranged["image"], pd.Series([one.image[1] - one.image[0] for one in prepare(vlm, arranged).spans])):
        assert (values != values.shift()).sum() == values.nunique(), "every value is one run"


def test_token_counts_of_pictures_are_those_of_their_prompts(vlm: VisionLanguageModel, questions: pd.DataFrame) -> None:
    sizes = [Image.open(path).size for path in questions["image"]]
    assert picture_tokens(vlm, sizes) == [one.image[1] - one.image[0] for one in prepare(vlm, questions).spans]


def test_neighbours_have_similar_lengths(one_model: VisionLanguageModel, tmp_path: Path) -> None:
    table = questions_table(tmp_path, 20)
    padding = {}
    for name, rows in (("asked", table), ("arranged", table.iloc[arrange(one_model, table)])):
        lengths = np.array([one.length for one in prepare(one_model, rows).spans]).reshape(5, 4)
        padding[name] = (lengths.max(1, keepdims=True) - lengths).sum()
    assert padding["arranged"] == 0 < padding["asked"], "five texts, four of each: every batch has one length"


def test_questions_about_one_picture_are_found() -> None:
    assert same_picture(pd.DataFrame({"image": list("abacb")})) == [0, 1, 0, 3, 1]


def test_the_answer_is_in_the_order_asked_whatever_order_ran(vlm: VisionLanguageModel, tmp_path: Path) -> None:
    table = many(tmp_path)
    together = extract(vlm, table, ["baseline", "strict"], batch_size=5)
    assert list(together["question_id"].values) == list(table["question_id"])
    for row in (0, 5, 11):
        alone = extract(vlm, table.iloc[[row]], ["baseline", "strict"])
        for name in ("vision", "language", "prediction_hidden"):
            scale = np.abs(together[name].values).max()
            assert np.abs(together[name].values[row] - alone[name].values[0]).max() / scale < 5e-6


def fails_above(monkeypatch: pytest.MonkeyPatch, limit: int, error: Callable[[], Exception]) -> list[int]:
    """Let lockstep run out of memory with more than ``limit`` questions; the sizes tried."""
    forward, tried = backends.forward_lockstep, []

    def limited(vlm: Any, batch: Any, *rest: Any, **named: Any) -> Any:
        tried.append(len(batch.spans))
        if len(batch.spans) > limit:
            raise error()
        return forward(vlm, batch, *rest, **named)

    monkeypatch.setattr(backends, "forward_lockstep", limited)
    return tried


OUT_OF_MEMORY = (
    lambda: torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB."),
    lambda: RuntimeError("[enforce fail at alloc_cpu.cpp:120] DefaultCPUAllocator: can't allocate memory"),
    lambda: MemoryError("Unable to allocate 20.0 GiB for an array with shape (12, 3, 30000, 20000)"),
)


@pytest.fixture(scope="module")
def roomy(one_model: VisionLanguageModel, tmp_path_factory: pytest.TempPathFactory) -> tuple[pd.DataFrame, Path]:
    """Questions, and the store that is written of them where all fit at once."""
    folder = tmp_path_factory.mktemp("roomy")
    table = many(folder / "pictures")
    extract(one_model, table, store=folder / "store", batch_size=12)
    return table, folder / "store"


@pytest.mark.parametrize("error", OUT_OF_MEMORY, ids=["gpu", "cpu", "pictures"])
def test_out_of_memory_halves_the_batch_says_so_and_goes_on(
    one_model: VisionLanguageModel,
    roomy: tuple[pd.DataFrame, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: Callable[[], Exception],
) -> None:
    table, straight = roomy
    expected = open_activations(straight)
    tried = fails_above(monkeypatch, 4, error)
    with pytest.warns(UserWarning) as caught:
        found = extract(one_model, table, store=tmp_path / "tight", batch_size=12).load()
    said = [str(one.message) for one in caught]
    assert said == [
        "out of memory with 12 questions at once; going on with 6",
        "out of memory with 6 questions at once; going on with 3",
    ]
    assert tried == [4, 12, 6, 3, 3, 3, 3], "after the check, what did not fit is not tried again"
    for name in ARRAYS:
        scale = np.abs(expected[name].values).max()
        assert np.abs(found[name].values - expected[name].values).max() / scale < 5e-6
    chunks = [{path for path in contents(store) if "zarr" in path} for store in (straight, tmp_path / "tight")]
    assert chunks[0] == chunks[1], "the store's layout does not depend on what fitted"


def test_out_of_memory_with_one_question_is_an_error_with_a_cure(
    one_model: VisionLanguageModel, questions: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    fails_above(monkeypatch, 0, OUT_OF_MEMORY[0])
    complaint = "out of memory with a single question; run fewer conditions at a time, or the model in float16"
    with pytest.warns(UserWarning, match="out of memory"), pytest.raises(MemoryError, match=complaint):
        extract(one_model, questions.head(2))


def test_other_errors_are_not_taken_for_a_lack_of_memory() -> None:
    def broken(_questions: pd.DataFrame) -> dict[str, np.ndarray]:
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="cannot be multiplied"):
        HalvingRunner(broken)(pd.DataFrame({"question": ["a", "b"]}))


def test_the_failed_attempts_memory_is_free_before_the_next_one() -> None:
    """A handler that retried inside ``except`` would keep the failed attempt's tensors alive through its traceback."""
    alive: list[int] = []

    class Tensor:
        def __init__(self) -> None:
            alive.append(1)

        def __del__(self) -> None:
            alive.pop()

    def run(questions: pd.DataFrame) -> dict[str, np.ndarray]:
        assert not alive
        held = Tensor()
        if len(questions) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory")
        del held
        return {"rows": questions["row"].to_numpy()}

    with pytest.warns(UserWarning, match="out of memory with 3"):
        assert HalvingRunner(run)(pd.DataFrame({"row": range(3)}))["rows"].tolist() == [0, 1, 2]
