"""A further run is the model's own forward with the same states put in: for every family, place and layer."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import pandas as pd
import pytest
import torch

from analysis_lib.activations import forward_condition
from analysis_lib.interventions import PLACES, Rerun, cut, means, patch, place_mask, readers_of
from analysis_lib.interventions.places import cut_reading
from analysis_lib.models import Batch, VisionLanguageModel, prepare
from tests.unit.activations.sample_conditions import BASELINE
from tests.unit.interventions.conftest import Runs
from tests.unit.models.tiny import LAYERS

CLOSE = {"rtol": 1e-4, "atol": 2e-5}


@torch.inference_mode()
def hooked(vlm: VisionLanguageModel, batch: Batch, layer: int, where: torch.Tensor, put: torch.Tensor) -> torch.Tensor:
    """The model's own forward, in which a hook puts states in before a layer or the final norm: last logits."""

    def replace(_module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        named = "hidden_states" in kwargs
        states = kwargs["hidden_states"] if named else args[0]
        states = torch.where(where[..., None], put, states)
        return (args, {**kwargs, "hidden_states": states}) if named else ((states, *args[1:]), kwargs)

    module = (*vlm.decoder_layers, vlm.final_norm)[layer]
    with ExitStack() as stack:
        stack.callback(module.register_forward_pre_hook(replace, with_kwargs=True).remove)
        normed = vlm.model.model(**batch.inputs, use_cache=False).last_hidden_state
    last = normed[torch.arange(len(normed)), batch.lengths - 1]
    return vlm.model.get_output_embeddings()(last).float()


def test_the_first_run_is_the_models_own(runs: Runs) -> None:
    own = forward_condition(runs.vlm, runs.batch, BASELINE)
    torch.testing.assert_close(runs.host.logits, own["logits"], **CLOSE)
    for name, place in (("vision", "image"), ("language", "question")):
        found = torch.stack([means(states, runs.batch.spans, place) for states in runs.host.states], 1)
        torch.testing.assert_close(found, own[name], **CLOSE)


def test_a_patch_is_what_a_hook_on_the_models_own_forward_does(runs: Runs) -> None:
    for layer in (0, 2, LAYERS):
        for place in PLACES if layer else ("image",):  # words are the same whatever the picture
            where = place_mask(runs.batch.spans, place, runs.batch.length)
            expected = hooked(runs.vlm, runs.batch, layer, where, runs.donor.states[layer])
            torch.testing.assert_close(patch(runs.host, runs.donor, place, layer), expected, **CLOSE)


def test_a_patch_from_the_same_run_changes_no_bit(runs: Runs, tables: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    again = Rerun(runs.vlm, prepare(runs.vlm, tables[0]))
    for layer in range(LAYERS + 1):
        for place in PLACES:
            assert torch.equal(patch(runs.host, again, place, layer), runs.host.logits)


def test_of_a_patched_picture_nothing_is_run_again(some: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    went = []
    go_on = Rerun._go_on
    monkeypatch.setattr(
        Rerun, "_go_on", lambda run, states, *more: went.append(states.shape[1]) or go_on(run, states, *more)
    )
    patch(some.host, some.donor, "image", 1)
    assert went == [some.host.length - min(one.image[1] for one in some.batch.spans)]


def test_all_states_of_the_other_picture_give_its_answer(runs: Runs) -> None:
    everywhere = torch.ones(len(runs.batch.spans), runs.batch.length, dtype=torch.bool)
    added = len(runs.host._given.added)  # picture features on the way stay the host's
    for layer in range(added, LAYERS + 1):
        states = runs.donor.states[layer]
        found = runs.host.logits_with(everywhere, {layer: lambda _, at, states=states: states[:, at]})
        torch.testing.assert_close(found, runs.donor.logits, **CLOSE)
    assert (runs.donor.logits - runs.host.logits).abs().max() > 1e-2


def test_after_the_last_layer_only_the_last_position_counts(runs: Runs) -> None:
    for place in PLACES[:-1]:
        torch.testing.assert_close(patch(runs.host, runs.donor, place, LAYERS), runs.host.logits, **CLOSE)
    torch.testing.assert_close(patch(runs.host, runs.donor, "last", LAYERS), runs.donor.logits, **CLOSE)


def test_a_cut_is_a_knockout_from_a_layer_on(runs: Runs) -> None:
    for place in PLACES[:-1]:
        for layer in (0, 2):
            condition = cut_reading(place, layer, LAYERS)
            try:
                own = forward_condition(runs.vlm, runs.batch, condition, masked=True)["logits"]
            except ValueError:  # a short window leaves nothing else to read
                with pytest.raises(ValueError, match="nothing to read but themselves"):
                    cut(runs.host, place, layer)
                continue
            torch.testing.assert_close(cut(runs.host, place, layer), own, **CLOSE)
        torch.testing.assert_close(cut(runs.host, place, LAYERS), runs.host.logits, **CLOSE)


def test_prompts_that_share_a_picture_run_the_tower_once_and_say_the_same(some: Runs) -> None:
    shared = Rerun(some.vlm, some.batch, [0, 1, 1])
    torch.testing.assert_close(shared.logits, some.host.logits, **CLOSE)


def test_places_do_not_overlap_and_hold_all_but_the_system_prompt(some: Runs) -> None:
    spans, length = some.batch.spans, some.batch.length
    masks = torch.stack([place_mask(spans, place, length) for place in PLACES]).int().sum(0)
    real = torch.arange(length) < some.batch.lengths[:, None]
    assert torch.equal(masks.bool(), real & ~place_mask_of_system(some)) and masks.max() == 1
    assert readers_of("image") == PLACES[1:] and readers_of("last") == ()


def place_mask_of_system(runs: Runs) -> torch.Tensor:
    ends = torch.tensor([one.system[1] for one in runs.batch.spans])
    return torch.arange(runs.batch.length) < ends[:, None]


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda runs: patch(runs.host, runs.donor, "nowhere", 1), "unknown place 'nowhere'; the places are image"),
        (lambda runs: patch(runs.host, runs.donor, "last", LAYERS + 1), "layer is 5; states are known after 0 to 4"),
        (lambda runs: patch(runs.host, runs.donor, "last", -1), "layer is -1"),
        (lambda runs: cut(runs.host, "last", 1), "nobody reads the place 'last'"),
        (lambda runs: cut(runs.host, "image", LAYERS + 1), "layer is 5"),
        (lambda runs: runs.host.logits_with(torch.ones(2, 3).bool(), {}), "as place_mask gives"),
        (lambda runs: runs.host.logits_with(torch.ones(3, runs.host.length).bool(), {9: lambda s, _: s}), r"\[9\]"),
    ],
)
def test_what_is_not_there_is_refused(some: Runs, act: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        act(some)


def test_a_donor_of_other_questions_is_refused(some: Runs, tables: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    for table in (tables[1].iloc[::-1], tables[1].head(2)):
        with pytest.raises(ValueError, match="differ in where their parts stand .*same questions about pictures"):
            patch(some.host, Rerun(some.vlm, prepare(some.vlm, table)), "last", 1)
