"""The reference path: hooks observe the model's own forward, change nothing but masks, and leave no trace."""

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
)
from analysis_lib.models import Batch, VisionLanguageModel, load_model, prepare
from tests.unit.activations.sample_conditions import (
    BASELINE,
    BLIND,
    NOTHING,
    PAPER,
    STRICT,
    WINDOW,
    States,
    assert_identical,
)
from tests.unit.models.tiny import LAYERS


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
