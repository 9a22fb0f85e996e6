"""What causality promises, on the running model: exact independence where it must be, dependence where it must not."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

from analysis_lib.activations import (
    Condition,
    Knockout,
    forward,
    forward_condition,
    knocked_out,
    pixel_dependence,
)
from analysis_lib.models import Batch, VisionLanguageModel, load_model, prepare
from tests.unit.models.tiny import LAYERS

BASELINE = Condition("baseline")
NOTHING = Condition("nothing", (Knockout("last", "system"), Knockout("question", "image"), Knockout("tail", "gap")))
"""Replaces every mask and blocks nothing: these targets stand before their sources."""
PAPER = Condition("paper", (Knockout("image", "question"),))
STRICT = Condition("strict", (*PAPER.knockouts, Knockout("image", "gap")))
BLIND = Condition("blind", tuple(Knockout("image", name) for name in ("gap", "question", "tail")))
WINDOW = Condition("window", (Knockout("image", "question", (2, 3)), Knockout("system", "question", (2, 3))))
CONDITIONS = (BASELINE, NOTHING, PAPER, STRICT, BLIND, WINDOW)

States = dict[str, torch.Tensor]


def with_other_pixels(batch: Batch, seed: int = 1) -> Batch:
    pixels = batch.inputs["pixel_values"]
    noise = torch.randn(pixels.shape, generator=torch.Generator().manual_seed(seed)).to(pixels)
    return replace(batch, inputs={**batch.inputs, "pixel_values": noise})


@pytest.fixture(scope="module")
def states(vlm: VisionLanguageModel, batch: Batch) -> dict[str, States]:
    return {condition.name: forward_condition(vlm, batch, condition) for condition in CONDITIONS}


@pytest.fixture(scope="module")
def elsewhere(vlm: VisionLanguageModel, batch: Batch) -> dict[str, States]:
    """The same with random pixels in."""
    other = with_other_pixels(batch)
    return {condition.name: forward_condition(vlm, other, condition) for condition in CONDITIONS}


def moved(one: torch.Tensor, two: torch.Tensor) -> list[float]:
    """The largest change per layer of pooled states ``(n, layers, hidden)``."""
    return (one - two).abs().amax((0, 2)).tolist()


def assert_identical(one: States, two: States) -> None:
    assert one.keys() == two.keys()
    for name in one:
        assert torch.equal(one[name], two[name]), name


def test_hooks_that_block_nothing_change_no_bit(states: dict[str, States]) -> None:
    assert_identical(states["nothing"], states["baseline"])


def test_hooks_that_block_nothing_change_no_bit_without_padding_either(
    vlm: VisionLanguageModel, questions: pd.DataFrame
) -> None:
    """Alone, a prompt has no padding: sdpa then gets no mask at all, and the hook must build the causal one."""
    for row in range(len(questions)):
        alone = prepare(vlm, questions.iloc[[row]])
        assert_identical(forward_condition(vlm, alone, NOTHING), forward_condition(vlm, alone, BASELINE))


@torch.inference_mode()
def test_the_baseline_is_the_models_own_forward(
    vlm: VisionLanguageModel, batch: Batch, states: dict[str, States]
) -> None:
    native = vlm.model(**batch.inputs, output_hidden_states=True)
    for row, spans in enumerate(batch.spans):
        last = spans.length - 1
        assert torch.equal(states["baseline"]["prediction_hidden"][row], native.hidden_states[-1][row, last])
        torch.testing.assert_close(states["baseline"]["logits"][row], native.logits[row, last])


@pytest.mark.parametrize("condition", [BASELINE, STRICT], ids=lambda condition: condition.name)
@torch.inference_mode()
def test_pooled_states_are_means_over_output_hidden_states(
    vlm: VisionLanguageModel, batch: Batch, states: dict[str, States], condition: Condition
) -> None:
    raw_last: list[torch.Tensor] = []
    handle = vlm.decoder_layers[-1].register_forward_hook(
        lambda _module, _args, output: raw_last.append(output[0] if isinstance(output, tuple) else output)
    )
    with handle, knocked_out(vlm, batch, condition):
        hidden = vlm.model(**batch.inputs, output_hidden_states=True).hidden_states
    assert len(hidden) == LAYERS + 1
    pooled = states[condition.name]
    for name, span in (("vision", "image"), ("language", "question")):
        for row, spans in enumerate(batch.spans):
            part = slice(*getattr(spans, span))
            for layer in range(LAYERS):
                torch.testing.assert_close(pooled[name][row, layer], hidden[layer][row, part].mean(0))
            torch.testing.assert_close(pooled[name][row, LAYERS], raw_last[0][row, part].mean(0))
            torch.testing.assert_close(pooled[f"{name}_final_norm"][row], hidden[LAYERS][row, part].mean(0))
            normed = vlm.final_norm(raw_last[0][row, part]).mean(0)
            torch.testing.assert_close(pooled[f"{name}_final_norm"][row], normed)
        gap = (pooled[name][:, LAYERS] - pooled[f"{name}_final_norm"]).abs().max()
        assert gap > 0.1, "the last entry of output_hidden_states is normed, the raw one is something else"
    for row, spans in enumerate(batch.spans):
        torch.testing.assert_close(pooled["prediction_hidden"][row], hidden[LAYERS][row, spans.length - 1])


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
        replace(knockout, layers=layers)
        for knockout in STRICT.knockouts
        for layers in ((0, 1), tuple(range(2, LAYERS)))
    )
    assert_identical(forward_condition(vlm, batch, Condition("halves", halves)), states["strict"])


def test_a_row_that_may_read_nothing_reads_itself(vlm: VisionLanguageModel, batch: Batch) -> None:
    """Cut from everything, the last position becomes a function of its own token: the same for every prompt."""
    cut = Condition("cut", tuple(Knockout(name, "last") for name in ("system", "image", "gap", "question", "tail")))
    states = forward_condition(vlm, batch, cut)
    assert states["logits"].isfinite().all()
    torch.testing.assert_close(
        states["prediction_hidden"], states["prediction_hidden"][:1].expand(len(batch.spans), -1), rtol=1e-5, atol=1e-5
    )
    other = forward_condition(vlm, with_other_pixels(batch), cut)
    assert torch.equal(states["prediction_hidden"], other["prediction_hidden"])


def test_rows_of_padding_never_reach_the_pooled_states(vlm: VisionLanguageModel, batch: Batch) -> None:
    """NaN in the padding survives a product with a zero weight; pooling must select instead."""

    def poison(_module: Any, _args: Any, output: Any) -> Any:
        states = (output[0] if isinstance(output, tuple) else output).clone()
        states[batch.inputs["attention_mask"] == 0] = float("nan")
        return (states, *output[1:]) if isinstance(output, tuple) else states

    clean = forward_condition(vlm, batch, STRICT)
    with vlm.decoder_layers[-1].register_forward_hook(poison):
        poisoned = forward_condition(vlm, batch, STRICT)
    assert_identical(clean, poisoned)


def batching_error(vlm: VisionLanguageModel, questions: pd.DataFrame) -> float:
    """The largest difference between a padded batch and its questions alone, relative to the largest value."""
    errors = []
    for condition in (BASELINE, PAPER, STRICT):
        together = forward_condition(vlm, prepare(vlm, questions), condition)
        alone = [
            forward_condition(vlm, prepare(vlm, questions.iloc[[row]]), condition) for row in range(len(questions))
        ]
        for name, values in together.items():
            apart = torch.cat([one[name] for one in alone])
            errors.append(((apart - values).abs().max() / values.abs().max()).item())
    return max(errors)


def test_a_batch_equals_its_questions_alone(vlm: VisionLanguageModel, questions: pd.DataFrame) -> None:
    """In double precision up to the float32 that is kept; in single precision up to its rounding."""
    assert batching_error(vlm, questions) < 5e-6
    assert batching_error(replace(vlm, model=copy.deepcopy(vlm.model).double()), questions) < 2e-7


@pytest.mark.parametrize("condition", [PAPER, STRICT, WINDOW, BLIND], ids=lambda condition: condition.name)
def test_eager_and_sdpa_agree(
    tiny_folders: dict[str, Path], kind: str, questions: pd.DataFrame, condition: Condition
) -> None:
    one, two = (load_model(tiny_folders[kind], attention=name, device="cpu") for name in ("sdpa", "eager"))
    here, there = (forward_condition(vlm, prepare(vlm, questions), condition) for vlm in (one, two))
    for name in here:
        torch.testing.assert_close(here[name], there[name], rtol=1e-4, atol=2e-5)


def test_the_same_bool_mask_under_eager_attention_would_be_wrong(
    tiny_folders: dict[str, Path], questions: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Why masks are converted: eager attention adds a bool mask as zeros and ones, and says nothing."""
    vlm = load_model(tiny_folders["llava"], attention="eager", device="cpu")
    batch = prepare(vlm, questions)
    right = forward_condition(vlm, batch, STRICT)
    monkeypatch.setattr(forward, "native_mask", lambda allowed, _attention, _dtype: allowed)
    wrong = forward_condition(vlm, batch, STRICT)
    assert (right["language"] - wrong["language"]).abs().max() > 0.1


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


def all_hooks(vlm: VisionLanguageModel) -> Iterator[Any]:
    for module in vlm.model.modules():
        yield from (*module._forward_hooks.values(), *module._forward_pre_hooks.values())


def test_hooks_are_gone_after_a_run_and_after_an_exception(
    vlm: VisionLanguageModel, batch: Batch, states: dict[str, States], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = len(list(all_hooks(vlm)))
    forward_condition(vlm, batch, STRICT)
    assert len(list(all_hooks(vlm))) == before

    def broken(*_args: Any, **_kwargs: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(vlm.decoder_layers[2].mlp, "forward", broken)
        with pytest.raises(KeyboardInterrupt):
            forward_condition(vlm, batch, STRICT)
    with pytest.raises(ZeroDivisionError), knocked_out(vlm, batch, STRICT):
        assert len(list(all_hooks(vlm))) == before + LAYERS
        raise ZeroDivisionError
    assert len(list(all_hooks(vlm))) == before
    assert_identical(forward_condition(vlm, batch, BASELINE), states["baseline"])


def test_a_layer_that_the_model_does_not_have_is_refused_before_any_hook(
    vlm: VisionLanguageModel, batch: Batch
) -> None:
    deep = Condition("deep", (Knockout("image", "question", (LAYERS,)),))
    before = len(list(all_hooks(vlm)))
    with pytest.raises(ValueError, match=rf"condition 'deep' names layers \[{LAYERS}\]; this model has 0 to"):
        forward_condition(vlm, batch, deep)
    assert len(list(all_hooks(vlm))) == before
