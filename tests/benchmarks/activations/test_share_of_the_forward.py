"""How much of extraction is the forward pass: its rate against that of the same batches, prepared and not written.

Time of the processor, of all threads together: on one core nothing hides behind the computation, so this is the least.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

from analysis_lib.activations import extract, get_condition
from analysis_lib.activations.answering import Answers
from analysis_lib.activations.batching import arrange
from analysis_lib.activations.one_batch import BatchExtraction
from analysis_lib.models import PROMPTS, VisionLanguageModel, load_model, prepare
from analysis_lib.rehearsal import SHAPES, build
from analysis_lib.rehearsal.end_to_end import _processor, _questions
from analysis_lib.tasks import load_questions

pytestmark = pytest.mark.benchmark

CONDITIONS = ("baseline", "paper", "strict")
REPEATS, BAR = 3, 0.8


def embedded(name: str, source: str) -> tuple[VisionLanguageModel, pd.DataFrame]:
    return load_model(name, device="cpu"), load_questions(source, "ChooseCat", n=200, seed=0)


def narrowed(folder: Path, scale: int) -> tuple[VisionLanguageModel, pd.DataFrame]:
    """LLaVA-1.5-7B's depth and prompts, a fraction of its width, and photographs of GQA's size."""
    shape = SHAPES["llava-1.5-7b"].narrowed(scale)
    questions = _questions(folder, shape, 32, 0)
    model = build(shape, "cpu", torch.float32, 0).model
    return VisionLanguageModel(shape.name, model, _processor(shape, questions), PROMPTS["llava-1.5"]), questions


def seconds(
    vlm: VisionLanguageModel, questions: pd.DataFrame, batch: int, n_said: int, folder: Path
) -> tuple[list[float], list[float]]:
    """Of the forward alone and of all from the first batch to the open store, one after the other so many times."""
    ordered = questions.iloc[arrange(vlm, questions)]
    batches = [ordered.iloc[start : start + batch] for start in range(0, len(ordered), batch)]
    ready = {tuple(one["question_id"]): prepare(vlm, one) for one in batches}
    chosen = [get_condition(name) for name in CONDITIONS]
    alone = BatchExtraction(vlm, chosen, range(len(chosen)), Answers.of(vlm, questions), "lockstep", n_said)
    alone.choose_backend(questions)
    alone.prepared = lambda one: ready[tuple(one["question_id"])]  # type: ignore[assignment]
    forward, whole, begun = [], [], []
    call = BatchExtraction.__call__

    def noted(self: BatchExtraction, one: pd.DataFrame) -> Any:
        begun.append(time.process_time())
        return call(self, one)

    for number in range(REPEATS):
        start = time.process_time()
        for one in batches:
            alone(one)
        forward.append(time.process_time() - start)
        begun.clear()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(BatchExtraction, "__call__", noted)
            extract(vlm, questions, CONDITIONS, store=folder / f"{number}", batch_size=batch, max_new_tokens=n_said)
        whole.append(time.process_time() - begun[0])
    return forward, whole


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("name", "batch", "n_said"), [("mini-llava-1.5", 50, 16), ("mini-llava-1.6", 50, 16), ("llava-1.5-7b / 16", 16, 2)]
)
def test_what_is_not_the_forward_pass_takes_little(
    name: str, batch: int, n_said: int, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    if name.startswith("mini"):
        vlm, questions = embedded(name, "minigqa" if name.endswith("1.5") else "minigqa-fine")
    else:
        vlm, questions = narrowed(tmp_path, 16)
    forward, whole = seconds(vlm, questions, batch, n_said, tmp_path / "stores")
    share = statistics.median(forward) / statistics.median(whole)
    ratios = ", ".join(f"{one / other:.2f}" for one, other in zip(forward, whole, strict=True))
    print(f"\n{name}, {len(questions)} questions: {share:.0%} of the forward's rate (repeats {ratios})")
    record_property("share", share)
    assert share >= BAR
