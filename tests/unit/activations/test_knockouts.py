"""What causality promises, on the running model: exact independence where it must be, dependence where it must not."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

from analysis_lib.activations import (
    Condition,
    Knockout,
    forward_condition,
    forward_lockstep,
    pixel_dependence,
)
from analysis_lib.models import Batch, VisionLanguageModel, load_model, prepare
from tests.unit.activations.sample_conditions import (
    BASELINE,
    CONDITIONS,
    PAPER,
    STRICT,
    WINDOW,
    States,
    assert_identical,
    moved,
    with_other_pixels,
)
from tests.unit.models.tiny import LAYERS


def test_vision_is_the_same_bits_under_every_condition(states: dict[str, States]) -> None:
    for name in ("vision", "vision_final_norm"):
        for condition in CONDITIONS[1:]:
            assert torch.equal(states[condition.name][name], states["baseline"][name]), condition.name


def test_pixels_reach_the_vision_states_and_the_prediction(
    states: dict[str, States], elsewhere: dict[str, States]
) -> None:
    assert min(moved(states["baseline"]["vision"], elsewhere["baseline"]["vision"])) > 0.1
    assert (states["baseline"]["logits"] - elsewhere["baseline"]["logits"]).abs().max() > 0.1
    language = moved(states["baseline"]["language"], elsewhere["baseline"]["language"])
    assert language[0] == 0 and min(language[1:]) > 0.01


def test_strict_makes_question_states_exactly_independent_of_pixels(
    states: dict[str, States], elsewhere: dict[str, States]
) -> None:
    for condition in ("strict", "blind"):
        assert moved(states[condition]["language"], elsewhere[condition]["language"]) == [0] * (LAYERS + 1)
        assert torch.equal(states[condition]["language_final_norm"], elsewhere[condition]["language_final_norm"])
    prediction = (states["strict"]["logits"] - elsewhere["strict"]["logits"]).abs().max()
    assert prediction > 0.01, "the tail still reads the picture"


def test_paper_leaks_pixels_through_the_gap_from_the_second_layer_on(
    states: dict[str, States], elsewhere: dict[str, States]
) -> None:
    leak = moved(states["paper"]["language"], elsewhere["paper"]["language"])
    assert leak[:2] == [0, 0], "the gap reads the picture in the first layer, the question reads the gap in the next"
    assert min(leak[2:]) > 1e-3


def test_without_a_gap_paper_and_strict_are_one(vlm: VisionLanguageModel, questions: pd.DataFrame) -> None:
    close = replace(vlm, prompt="USER: <image>{question} ASSISTANT:")
    batch = prepare(close, questions)
    here, there = (forward_condition(close, one, PAPER) for one in (batch, with_other_pixels(batch)))
    assert moved(here["language"], there["language"]) == [0] * (LAYERS + 1)
    assert_identical(here, forward_condition(close, batch, STRICT))


def test_blocking_everything_after_the_picture_makes_the_prediction_bitwise_pixel_free(
    states: dict[str, States], elsewhere: dict[str, States]
) -> None:
    for name in ("logits", "prediction_hidden", "language"):
        assert torch.equal(states["blind"][name], elsewhere["blind"][name])
    assert not torch.equal(states["blind"]["vision"], elsewhere["blind"]["vision"])


def test_blocking_question_and_last_alone_does_not(vlm: VisionLanguageModel, batch: Batch) -> None:
    condition = Condition("half", (Knockout("image", "question"), Knockout("image", "last")))
    here, there = (forward_condition(vlm, one, condition) for one in (batch, with_other_pixels(batch)))
    assert not torch.equal(here["logits"], there["logits"])


def test_a_window_of_layers_leaves_earlier_states_alone_and_changes_later_ones(states: dict[str, States]) -> None:
    change = moved(states["window"]["language"], states["baseline"]["language"])
    assert change[:3] == [0, 0, 0], "a knockout in layers 2 and 3 first shows in the output of layer 2"
    assert min(change[3:]) > 1e-3


def test_a_knockout_in_no_layer_is_the_baseline(
    vlm: VisionLanguageModel, batch: Batch, states: dict[str, States]
) -> None:
    empty = Condition("empty", (Knockout("image", "question", ()),))
    assert_identical(forward_condition(vlm, batch, empty), states["baseline"])


def test_windows_that_cover_all_layers_are_the_whole(
    vlm: VisionLanguageModel, batch: Batch, states: dict[str, States]
) -> None:
    halves = tuple(
        knockout.within(layers) for knockout in STRICT.knockouts for layers in ((0, 1), tuple(range(2, LAYERS)))
    )
    assert_identical(forward_condition(vlm, batch, Condition("halves", halves)), states["strict"])


@pytest.mark.parametrize("layers", [None, (2,)])
def test_a_knockout_that_leaves_positions_blind_is_refused_with_figures(
    vlm: VisionLanguageModel, batch: Batch, layers: tuple[int, ...] | None
) -> None:
    sources = ("system", "image", "gap", "question", "tail")
    cut = Condition("cut", tuple(Knockout(name, "last", layers) for name in sources))
    complaint = (
        r"condition 'cut' leaves 5 positions \(in tail, last; 5 of 5 prompts\) with nothing to read but themselves, "
        "where attention is undefined; leave them one source, such as system"
    )
    with pytest.raises(ValueError, match=complaint):
        forward_condition(vlm, batch, cut)
    with pytest.raises(ValueError, match=complaint):
        forward_lockstep(vlm, batch, [BASELINE, cut])


def test_a_position_with_one_source_left_is_a_function_of_it_alone(vlm: VisionLanguageModel, batch: Batch) -> None:
    """Cut from all but the system prompt, the last position is the same for every question and picture."""
    cut = Condition("cut", tuple(Knockout(name, "last") for name in ("image", "gap", "question", "tail")))
    states = forward_condition(vlm, batch, cut)
    other = forward_condition(vlm, with_other_pixels(batch), cut)
    assert torch.equal(states["prediction_hidden"], other["prediction_hidden"])


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_keeps_the_exact_facts(
    tiny_folders: dict[str, Path], kind: str, attention: str, questions: pd.DataFrame, dtype: str
) -> None:
    vlm = load_model(tiny_folders[kind], attention=attention, dtype=dtype, device="cpu")
    facts = pixel_dependence(vlm, questions, [BASELINE, PAPER, STRICT]).groupby("condition")
    assert facts["question_moved"].max()["strict"] == 0
    assert facts["question_moved"].max()["paper"] > 0
    exact = load_model(tiny_folders[kind], attention=attention, device="cpu")
    rough, fine = (forward_condition(one, prepare(one, questions), STRICT) for one in (vlm, exact))
    for name in ("vision", "language", "prediction_hidden"):
        assert rough[name].dtype == torch.float32
        assert (rough[name] - fine[name]).abs().max() < 0.1 * fine[name].abs().max()


def test_pixel_dependence_measures_these_facts(vlm: VisionLanguageModel, questions: pd.DataFrame) -> None:
    table = pixel_dependence(vlm, questions, ["baseline", "paper", "strict", WINDOW])
    assert list(table.columns) == ["condition", "layer", "question_moved", "vision_moved"]
    assert len(table) == 4 * (LAYERS + 1)
    assert (table["vision_moved"] == 0).all()
    change = table.pivot_table(index="layer", columns="condition", values="question_moved")
    assert (change["strict"] == 0).all() and (change["paper"][2:] > 0).all() and (change["baseline"][1:] > 0).all()


def test_pixel_dependence_masks_every_layer_of_every_run(vlm: VisionLanguageModel, questions: pd.DataFrame) -> None:
    """Rounding may depend on whether there is a mask, and a lone prompt has none where nothing is cut."""
    masks: list[torch.Tensor | None] = []
    with ExitStack() as stack:
        for layer in vlm.decoder_layers:
            spied = layer.self_attn.forward

            def spy(*args: Any, spied: Any = spied, **kwargs: Any) -> Any:
                masks.append(kwargs["attention_mask"])
                return spied(*args, **kwargs)

            stack.enter_context(pytest.MonkeyPatch.context()).setattr(layer.self_attn, "forward", spy)
        table = pixel_dependence(vlm, questions.iloc[[0]], [BASELINE, STRICT, WINDOW])
    assert len(masks) == (1 + 2 * 3) * LAYERS and all(mask is not None for mask in masks)
    assert (table["vision_moved"] == 0).all()


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_on_a_gpu_too_vision_is_bitwise_the_baselines(
    tiny_folders: dict[str, Path], kind: str, attention: str, questions: pd.DataFrame, dtype: str
) -> None:
    vlm = load_model(tiny_folders[kind], attention=attention, dtype=dtype, device="cuda")
    for table in (questions, questions.iloc[[0]]):  # with padding and without
        assert (pixel_dependence(vlm, table, [BASELINE, PAPER, STRICT, WINDOW])["vision_moved"] == 0).all()
