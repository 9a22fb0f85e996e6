"""Which path runs: lockstep where it agrees with the reference, the reference, with a warning, where it does not."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr

from analysis_lib.activations import (
    CONDITIONS,
    Condition,
    Knockout,
    RandomEdges,
    backends,
    extract,
    forward_lockstep,
    fused_layer,
    get_condition,
    keep_only,
    random_edges,
    window_conditions,
)
from analysis_lib.models import Batch, VisionLanguageModel, prepare
from tests.unit.models.tiny import LAYERS

WITHIN = Condition("within", (Knockout("image", "image", (1, 2)),))
ARRAYS = ("vision", "language", "prediction_hidden", "answer_logits", "answer_probability")


def disturb(monkeypatch: pytest.MonkeyPatch, name: str, change: Any) -> None:
    forward = backends.forward_lockstep

    def disturbed(*args: Any, **named: Any) -> dict[str, torch.Tensor]:
        states = forward(*args, **named)
        return {**states, name: change(states[name])}

    monkeypatch.setattr(backends, "forward_lockstep", disturbed)


@pytest.fixture(scope="module")
def expected(one_model: VisionLanguageModel, questions: pd.DataFrame) -> xr.Dataset:
    """What the reference path gives."""
    return extract(one_model, questions, backend="reference")


@pytest.mark.parametrize("name", ["vision", "language", "prediction_hidden", "logits"])
def test_a_difference_is_noticed_named_and_the_reference_goes_on(
    one_model: VisionLanguageModel,
    questions: pd.DataFrame,
    expected: xr.Dataset,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    disturb(monkeypatch, name, lambda values: values + 1e-3 * values.abs().max())
    complaint = rf"differs from the reference path by 1\.0e-03 of the largest value of {name} .* more than 1e-05 for"
    with pytest.warns(UserWarning, match=complaint):
        found = extract(one_model, questions)
    for array in ARRAYS:
        assert np.array_equal(found[array].values, expected[array].values)


def test_fused_layers_that_differ_are_left_out_and_lockstep_goes_on(
    one_model: VisionLanguageModel, questions: pd.DataFrame, expected: xr.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    norm = fused_layer._norm
    monkeypatch.setattr(fused_layer, "_norm", lambda module, states: 1.01 * norm(module, states))
    with pytest.warns(UserWarning, match="with fused layers differs .* going on with the layers as they are") as told:
        found = extract(one_model, questions)
    assert not any("slower" in str(one.message) for one in told)
    for array in ARRAYS:
        np.testing.assert_allclose(found[array].values, expected[array].values, rtol=1e-4, atol=1e-5)


def test_a_layer_that_somebody_observes_or_replaced_is_left_to_itself(one_model: VisionLanguageModel) -> None:
    layer = one_model.decoder_layers[0]
    assert fused_layer.can_fuse(layer)
    with layer.mlp.register_forward_pre_hook(lambda *_: None):
        assert not fused_layer.can_fuse(layer)
    own = layer.self_attn.forward
    layer.self_attn.forward = lambda *given, **named: own(*given, **named)  # as accelerate does
    assert not fused_layer.can_fuse(layer)
    layer.self_attn.forward = own  # as transformers leaves it, once it has shown hidden states
    assert not fused_layer.can_fuse(torch.nn.TransformerEncoderLayer(4, 1))
    assert fused_layer.can_fuse(layer)


def test_a_single_undefined_number_is_a_difference(
    one_model: VisionLanguageModel, questions: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spoil(values: torch.Tensor) -> torch.Tensor:
        values = values.clone()
        values[1, 0, 2, 3] = float("nan")
        return values

    disturb(monkeypatch, "language", spoil)
    with pytest.warns(UserWarning, match="by nan of the largest value of language"):
        assert np.isfinite(extract(one_model, questions)["language"].values).all()


def test_the_check_takes_as_many_reference_runs_however_many_conditions_there_are(
    one_model: VisionLanguageModel, questions: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = [
        *CONDITIONS.values(),
        *(condition for name in CONDITIONS if name != "baseline" for condition in window_conditions(name, LAYERS, 1)),
        keep_only(("image", "last")),
        random_edges("paper"),
    ]
    ran: list[str] = []
    forward = backends.forward_condition

    def noted(vlm: VisionLanguageModel, batch: Batch, condition: Condition) -> dict[str, torch.Tensor]:
        ran.append(condition.name)
        return forward(vlm, batch, condition)

    monkeypatch.setattr(backends, "forward_condition", noted)
    chosen = [every[number] for number in backends.checked_conditions(every, LAYERS)]
    assert (
        backends.choose_backend("lockstep", one_model, prepare(one_model, questions), every, range(len(questions)))
        is not None
    )
    assert ran == [condition.name for condition in chosen] and len(ran) == backends.MOST_CHECKED < len(every)
    assert {condition.first_target for condition in chosen} == {"gap", "question", "last"}
    assert "baseline" in ran and {type(cut) for one in chosen for cut in one.knockouts} >= {Knockout, RandomEdges}
    for n in range(1, backends.MOST_CHECKED + 1):
        assert backends.checked_conditions(every[:n], LAYERS) == list(range(n)), "few are all checked"


def test_rounding_is_no_difference(
    one_model: VisionLanguageModel, questions: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    disturb(monkeypatch, "language", lambda values: values + 1e-6 * values.abs().max())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", "none of the .* questions of .* is answered correctly")  # weights are random
        extract(one_model, questions)


def test_a_condition_that_changes_the_prefix_runs_on_the_reference_path_and_says_so(
    vlm: VisionLanguageModel, questions: pd.DataFrame
) -> None:
    conditions: list[str | Condition] = ["baseline", WITHIN, "strict"]
    with pytest.warns(UserWarning, match="conditions within change what system prompt or picture read; these run by"):
        found = extract(vlm, questions, conditions)
    expected = extract(vlm, questions, conditions, backend="reference")
    assert list(found["condition"].values) == ["baseline", "within", "strict"]
    for array in ARRAYS:
        scale = np.abs(expected[array].values).max()
        assert np.abs(found[array].values - expected[array].values).max() / scale < 5e-6
    vision = found["vision"]
    assert not np.array_equal(vision.sel(condition="within"), vision.sel(condition="baseline"))
    assert np.array_equal(vision.sel(condition="strict"), vision.sel(condition="baseline"))


def test_a_condition_that_changes_the_prefix_makes_vision_be_stored_per_condition(
    one_model: VisionLanguageModel, questions: pd.DataFrame
) -> None:
    with pytest.warns(UserWarning, match="conditions within"):
        apart = extract(one_model, questions, ["baseline", WITHIN])
    assert apart["vision"].dims == ("sample", "condition", "layer", "hidden")
    assert apart["vision_final_norm"].dims == ("sample", "condition", "hidden")
    once = extract(one_model, questions, ["baseline", "strict"])
    for dataset in (apart, once):  # one way to read both
        assert dataset.sel(condition="baseline")["vision"].dims == ("sample", "layer", "hidden")
    np.testing.assert_allclose(apart.sel(condition="baseline")["vision"], once["vision"], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("condition", [keep_only(("image", "last")), random_edges("paper")], ids=lambda one: one.name)
def test_controls_after_the_picture_leave_vision_to_be_stored_once(
    one_model: VisionLanguageModel, questions: pd.DataFrame, condition: Condition
) -> None:
    assert "condition" not in extract(one_model, questions, ["baseline", condition])["vision"].dims


def moves_vision(monkeypatch: pytest.MonkeyPatch, by: float) -> None:
    """Let the reference path move image states, more with every condition, by shares of their largest value."""
    forward = backends.forward_condition

    def disturbed(vlm: VisionLanguageModel, batch: Batch, condition: Condition) -> dict[str, torch.Tensor]:
        states = forward(vlm, batch, condition)
        shift = 0 if condition.name == "baseline" else by * states["vision"].abs().max()
        return {**states, "vision": states["vision"] + shift}

    monkeypatch.setattr(backends, "forward_condition", disturbed)


def test_vision_that_differs_between_conditions_is_refused_rather_than_dropped(
    one_model: VisionLanguageModel, questions: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    moves_vision(monkeypatch, 1e-3)
    with pytest.raises(ValueError, match=r"vision differs between conditions by 1\.0e-03 of .* causal\? Run it with"):
        extract(one_model, questions, backend="reference")


def test_vision_that_differs_by_rounding_is_told(
    one_model: VisionLanguageModel, questions: pd.DataFrame, expected: xr.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    moves_vision(monkeypatch, 1e-6)
    with pytest.warns(UserWarning, match=r"vision differs between conditions by .*e-0[67] of .* rounding"):
        found = extract(one_model, questions, backend="reference")
    assert np.array_equal(found["vision"], expected["vision"]), "the first condition's"


def test_a_single_undefined_number_is_refused_and_not_blamed_on_causality() -> None:
    values = torch.zeros(3, 2, 4)
    values[1, 1, 2] = float("nan")
    with pytest.raises(ValueError, match="vision holds NaN or infinite values: the weights do, or torch.float32"):
        backends.without_copies(values, "vision", torch.float32)


def test_lockstep_holds_vision_once(vlm: VisionLanguageModel, batch: Batch) -> None:
    states = forward_lockstep(vlm, batch, [get_condition(name) for name in ("baseline", "paper", "strict")])
    for name in ("vision", "vision_final_norm"):
        assert states[name].untyped_storage().nbytes() == states[name][:, 0].numel() * 4


def test_conditions_that_all_change_the_prefix_need_no_lockstep(
    one_model: VisionLanguageModel, questions: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backends, "forward_lockstep", None)
    with pytest.warns(UserWarning, match="conditions within change"):
        extract(one_model, questions, [WITHIN])


def test_an_unknown_backend_is_refused(one_model: VisionLanguageModel, questions: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="backend is 'fast'; it is 'lockstep' or 'reference'"):
        extract(one_model, questions, backend="fast")
