"""What every known family of models must prove before its numbers mean anything."""

from __future__ import annotations

import copy
from dataclasses import replace
from functools import cache

import pandas as pd
import pytest
import torch

from analysis_lib.activations import (
    CONDITIONS,
    Condition,
    Knockout,
    forward_condition,
    forward_lockstep,
    random_edges,
)
from analysis_lib.activations.backends import largest_difference
from analysis_lib.activations.batching import same_picture
from analysis_lib.activations.decoder import decoder_input, take, with_features
from analysis_lib.activations.forward import POOLED, pool
from analysis_lib.activations.generation import UNSAID, continue_answers
from analysis_lib.activations.prompt_keys import PromptKeys
from analysis_lib.models import Batch, VisionLanguageModel, prepare, span_mask
from analysis_lib.models.families import FAMILIES
from tests.unit.activations.sample_conditions import (
    BASELINE,
    BLIND,
    NOTHING,
    PAPER,
    STRICT,
    WINDOW,
    States,
    moved,
    with_other_pixels,
)
from tests.unit.models.families import CASES, build
from tests.unit.models.tiny import LAYERS

KNOCKOUTS = (
    BASELINE, PAPER, STRICT, BLIND, WINDOW, CONDITIONS["image->last"],
    random_edges("paper"),
)  # fmt: skip
build_once = cache(build)


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=pytest.mark.slow) if case.also else name for name, case in CASES.items()],
)
def vlm(request: pytest.FixtureRequest) -> VisionLanguageModel:
    return build_once(request.param)


@pytest.fixture(scope="module")
def table(questions: pd.DataFrame) -> pd.DataFrame:
    """Pictures of different shapes, one of them asked about twice."""
    return questions.head(4).assign(image=[questions["image"].iloc[row] for row in (0, 2, 3, 2)])


@pytest.fixture(scope="module")
def batch(vlm: VisionLanguageModel, table: pd.DataFrame) -> Batch:
    return prepare(vlm, table)


@pytest.fixture(scope="module")
def states(vlm: VisionLanguageModel, batch: Batch) -> States:
    """The reference path's, every condition by itself from pixels on, with masks that are given throughout."""
    runs = [forward_condition(vlm, batch, condition, masked=True) for condition in KNOCKOUTS]
    return {name: torch.stack([run[name] for run in runs], 1) for name in runs[0]}


@pytest.fixture(scope="module")
def stepped(vlm: VisionLanguageModel, batch: Batch, table: pd.DataFrame) -> States:
    return forward_lockstep(vlm, batch, KNOCKOUTS, same_picture(table))


def with_eager_attention(vlm: VisionLanguageModel) -> VisionLanguageModel:
    model = copy.deepcopy(vlm.model)
    model.set_attn_implementation("eager")
    return replace(vlm, model=model)


def test_every_family_is_among_the_cases() -> None:
    assert {case.family for case in CASES.values()} == set(FAMILIES)


def test_the_parts_of_a_prompt_are_found(vlm: VisionLanguageModel, batch: Batch, table: pd.DataFrame) -> None:
    for row, (spans, question) in enumerate(zip(batch.spans, table["question"], strict=True)):
        ids = batch.inputs["input_ids"][row]
        assert vlm.tokenizer.decode(ids[slice(*spans.question)]).replace(" ", "") == question.lower().replace(" ", "")
        of_picture = (ids == vlm.image_token_id).nonzero()[:, 0].tolist()
        assert spans.image == (of_picture[0], of_picture[-1] + 1)
        assert vlm.family.marked or len(of_picture) == spans.image[1] - spans.image[0]
        assert vlm.tokenizer.decode(ids[slice(*spans.tail)]).replace(" ", "") == "assistant:"


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_hooks_leave_the_models_own_forward_as_it_is(vlm: VisionLanguageModel, batch: Batch, attention: str) -> None:
    vlm = vlm if attention == "sdpa" else with_eager_attention(vlm)
    with torch.inference_mode():
        own = vlm.model(**batch.inputs, use_cache=False, output_hidden_states=True).hidden_states
    masks = {name: span_mask(batch.spans, span, batch.length) for name, span in POOLED.items()}
    expected = {name: torch.stack([pool(states, mask) for states in own], 1) for name, mask in masks.items()}
    with torch.inference_mode():
        given = decoder_input(vlm, with_features(vlm, batch, range(len(batch.spans)))).added
    for number, level in enumerate(given, start=1):  # which transformers leaves out of what it calls hidden states
        means = torch.stack([features.mean(0) for features in level])
        found = forward_condition(vlm, batch, BASELINE)["vision"][:, number]
        torch.testing.assert_close(found, expected["vision"][:, number] + means)
        assert means.abs().max() > 1e-3
        expected["vision"][:, number] = found
    for condition, masked in ((BASELINE, False), (BASELINE, True), (NOTHING, False)):
        found = forward_condition(vlm, batch, condition, masked=masked)
        assert torch.equal(found["prediction_hidden"], own[-1][torch.arange(len(batch.spans)), batch.lengths - 1])
        for name in POOLED:  # their last entry is after the final norm
            assert torch.equal(found[name][:, :-1], expected[name][:, :-1])
            assert torch.equal(found[f"{name}_final_norm"], expected[name][:, -1])


def test_lockstep_gives_the_references_numbers(stepped: States, states: States) -> None:
    name, difference = largest_difference(stepped, states)
    assert difference < 5e-6, name


def test_eager_and_sdpa_agree(vlm: VisionLanguageModel, batch: Batch, table: pd.DataFrame, states: States) -> None:
    eager = with_eager_attention(vlm)
    at = [KNOCKOUTS.index(condition) for condition in (STRICT, WINDOW)]
    runs = [forward_condition(eager, batch, condition) for condition in (STRICT, WINDOW)]
    apart = {name: torch.stack([run[name] for run in runs], 1) for name in runs[0]}
    name, difference = largest_difference(apart, {name: values[:, at] for name, values in states.items()})
    assert difference < 1e-5, name
    name, difference = largest_difference(forward_lockstep(eager, batch, KNOCKOUTS, same_picture(table)), states)
    assert difference < 1e-5, name


def test_under_strict_question_states_are_bitwise_free_of_pixels(vlm: VisionLanguageModel, batch: Batch) -> None:
    seen = (BASELINE, PAPER, STRICT)
    other = with_other_pixels(batch)
    apart = [[forward_condition(vlm, one, condition)["language"] for condition in seen] for one in (batch, other)]
    shared = [forward_lockstep(vlm, one, seen)["language"].unbind(1) for one in (batch, other)]
    for here, there in (apart, shared):
        baseline, paper, strict = map(moved, here, there)
        assert strict == [0.0] * (LAYERS + 1)
        assert min(paper[2:]) > 1e-4, "what follows the picture hands it on"
        assert min(baseline[1:]) > 1e-3


def test_picture_states_are_the_same_bits_under_all_knockouts_behind_the_picture(
    vlm: VisionLanguageModel, batch: Batch, states: States, stepped: States
) -> None:
    for found in (states, stepped):
        for name in ("vision", "vision_final_norm"):
            assert torch.equal(found[name], found[name][:, :1].expand_as(found[name]))
    within = forward_condition(vlm, batch, Condition("within", (Knockout("image", "image"),)))
    assert max(moved(within["vision"], states["vision"][:, 0])) > 1e-3


def test_a_part_of_a_batch_with_pixels_or_features_gives_the_same_numbers(
    vlm: VisionLanguageModel, batch: Batch, table: pd.DataFrame, states: States
) -> None:
    with torch.inference_mode():
        seen = with_features(vlm, batch, same_picture(table))
    rows, at = [3, 0, 2], KNOCKOUTS.index(STRICT)
    for some in (take(vlm, batch, rows), take(vlm, seen, rows), prepare(vlm, table.iloc[rows])):
        name, difference = largest_difference(
            forward_condition(vlm, some, STRICT), {name: values[rows, at] for name, values in states.items()}
        )
        assert difference < 1e-5, name


def test_answers_are_those_of_the_models_own_generate(
    vlm: VisionLanguageModel, batch: Batch, table: pd.DataFrame, states: States
) -> None:
    first, keys = states["logits"][:, 0].argmax(-1), PromptKeys(vlm, 5)
    said = continue_answers(vlm, batch, first, 5)
    forward_lockstep(vlm, batch, (STRICT, BASELINE), same_picture(table), keys=keys)
    windows = [reach.window for reach in vlm.reaches if reach.window is not None]
    assert len(keys) == (0 if windows and min(windows) < batch.length + 5 else len(table))
    assert torch.equal(continue_answers(vlm, batch, first, 5, keys), said)
    assert len(keys) == 0, "keys and values are used up"
    for row in range(len(table)):
        alone = prepare(vlm, table.iloc[[row]])
        own = vlm.model.generate(**alone.inputs, max_new_tokens=5, do_sample=False)
        tokens = own[0, alone.length :].tolist()
        stop = next((at for at, token in enumerate(tokens) if token in vlm.end_tokens), len(tokens))
        assert said[row].tolist() == tokens[:stop] + [UNSAID] * (5 - stop)
