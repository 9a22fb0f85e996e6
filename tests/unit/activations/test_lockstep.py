"""Lockstep gives the reference path's numbers, computes shared parts once, and shares them bit for bit."""

from __future__ import annotations

import copy
import weakref
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis_lib.activations import (
    CONDITIONS,
    Condition,
    Knockout,
    branch,
    forward_condition,
    forward_lockstep,
    keep_only,
    lockstep,
    random_edges,
    window_conditions,
)
from analysis_lib.activations.backends import TOLERANCES
from analysis_lib.activations.batching import same_picture
from analysis_lib.activations.fused_layer import can_fuse
from analysis_lib.models import SPAN_NAMES, Batch, VisionLanguageModel, load_model, prepare
from tests.unit.activations.sample_conditions import BLIND, STRICT, States, with_other_pixels
from tests.unit.models.tiny import KINDS, LAYERS

EVERY_KIND = (
    *CONDITIONS.values(),
    *window_conditions("strict", LAYERS, 2),
    random_edges("paper"),
    keep_only(("image", "question"), ("question", "last")),
    BLIND,
)
TEMPLATES = (
    "USER: <image>\n{question} ASSISTANT:",
    "USER: <image>{question} ASSISTANT:",
    "USER: look <image>\n\n{question} \nAnswer the question using a single word or phrase. ASSISTANT:",
)


def reference(vlm: VisionLanguageModel, batch: Batch, conditions: tuple[Condition, ...]) -> States:
    runs = [forward_condition(vlm, batch, condition) for condition in conditions]
    return {name: torch.stack([run[name] for run in runs], 1) for name in runs[0]}


def worst(one: States, other: States) -> float:
    """The largest difference of any array, relative to the array's largest value."""
    assert one.keys() == other.keys()
    for name in one:
        assert one[name].shape == other[name].shape and one[name].isfinite().all()
    return max(((one[name].cpu() - other[name]).abs().max() / other[name].abs().max()).item() for name in one)


def in_double(vlm: VisionLanguageModel) -> VisionLanguageModel:
    return replace(vlm, model=copy.deepcopy(vlm.model).double())


@pytest.fixture(scope="module")
def stepped(vlm: VisionLanguageModel, batch: Batch) -> States:
    return forward_lockstep(vlm, batch, EVERY_KIND)


@pytest.fixture(scope="module")
def both_kinds(tiny_folders: dict[str, Path], attention: str) -> dict[str, VisionLanguageModel]:
    return {kind: load_model(folder, attention=attention, device="cpu") for kind, folder in tiny_folders.items()}


@pytest.mark.parametrize(
    ("device", "dtype", "tolerance"),
    [
        ("cpu", "float32", 5e-6),
        pytest.param("cuda", "float32", TOLERANCES[torch.float32], marks=pytest.mark.gpu),
        pytest.param("cuda", "float16", TOLERANCES[torch.float16], marks=pytest.mark.gpu),
    ],
)
def test_every_kind_of_condition_gives_the_references_numbers(
    tiny_folders: dict[str, Path],
    kind: str,
    attention: str,
    questions: pd.DataFrame,
    device: str,
    dtype: str,
    tolerance: float,
) -> None:
    """In single precision up to its rounding, in double up to the float32 that is kept."""
    vlm = load_model(tiny_folders[kind], attention=attention, dtype=dtype, device=device)
    batch = prepare(vlm, questions)
    stepped = forward_lockstep(vlm, batch, EVERY_KIND)
    assert all(values.device.type == device for values in stepped.values())
    assert worst(stepped, reference(vlm, batch, EVERY_KIND)) < tolerance


@pytest.mark.parametrize("kind", KINDS)
def test_in_double_precision_the_paths_agree_to_a_millionth(
    tiny_folders: dict[str, Path], kind: str, questions: pd.DataFrame
) -> None:
    vlm = in_double(load_model(tiny_folders[kind], device="cpu"))
    batch = prepare(vlm, questions)
    assert worst(forward_lockstep(vlm, batch, EVERY_KIND), reference(vlm, batch, EVERY_KIND)) < 3e-7


@pytest.mark.parametrize(("dtype", "tolerance"), [("float16", 5e-3), ("bfloat16", 3e-2)])
def test_half_precision_agrees_up_to_its_rounding(
    tiny_folders: dict[str, Path], kind: str, attention: str, questions: pd.DataFrame, dtype: str, tolerance: float
) -> None:
    vlm = load_model(tiny_folders[kind], attention=attention, dtype=dtype, device="cpu")
    batch = prepare(vlm, questions)
    stepped = forward_lockstep(vlm, batch, EVERY_KIND)
    assert all(values.dtype == torch.float32 for values in stepped.values())
    assert worst(stepped, reference(vlm, batch, EVERY_KIND)) < tolerance


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_fused_layers_give_the_very_numbers_of_the_models_own(
    tiny_folders: dict[str, Path], kind: str, attention: str, questions: pd.DataFrame, dtype: str
) -> None:
    vlm = load_model(tiny_folders[kind], attention=attention, dtype=dtype, device="cpu")
    assert all(map(can_fuse, vlm.decoder_layers))
    batch = prepare(vlm, questions)
    fused, own = (forward_lockstep(vlm, batch, EVERY_KIND, fused=fused) for fused in (True, False))
    assert worst(fused, own) == 0


SUFFIX_KNOCKOUTS = st.builds(
    Knockout,
    source=st.sampled_from(SPAN_NAMES[1:]),  # system stays readable: a row needs something
    target=st.sampled_from(SPAN_NAMES[2:]),
    layers=st.one_of(st.none(), st.sets(st.integers(0, LAYERS - 1)).map(lambda some: tuple(sorted(some)))),
)


@settings(max_examples=12)
@given(data=st.data())
def test_any_batch_prompt_and_knockouts_give_the_references_numbers(
    both_kinds: dict[str, VisionLanguageModel], questions: pd.DataFrame, data: st.DataObject
) -> None:
    kind = data.draw(st.sampled_from(KINDS))
    vlm = replace(both_kinds[kind], prompt=data.draw(st.sampled_from(TEMPLATES)))
    rows = data.draw(st.lists(st.integers(0, len(questions) - 1), min_size=1, max_size=4))
    looks = data.draw(st.lists(st.integers(0, len(questions) - 1), min_size=len(rows), max_size=len(rows)))
    table = questions.iloc[rows].assign(image=questions["image"].iloc[looks].to_numpy())
    drawn = data.draw(st.lists(st.lists(SUFFIX_KNOCKOUTS, max_size=3), min_size=1, max_size=4))
    conditions = tuple(Condition(str(number), tuple(knockouts)) for number, knockouts in enumerate(drawn))
    batch = prepare(vlm, table)
    stepped = forward_lockstep(vlm, batch, conditions, same_picture(table))
    assert worst(stepped, reference(vlm, batch, conditions)) < 1e-5


def test_states_before_the_first_cut_are_the_baselines_bits(stepped: States) -> None:
    """Entry i of the states is the input of layer i: a fork in layer f first shows in entry f + 1."""
    for number, condition in enumerate(EVERY_KIND):
        shared = condition.first_layer(LAYERS) + 1
        assert torch.equal(stepped["language"][:, number, :shared], stepped["language"][:, 0, :shared]), condition.name
    for number, condition in enumerate(EVERY_KIND):
        if condition.name.startswith("strict@"):
            after = condition.first_layer(LAYERS) + 1
            moved = (stepped["language"][:, number, after:] - stepped["language"][:, 0, after:]).abs().amax((0, 2))
            assert moved.min() > 1e-3, condition.name


def test_vision_is_the_same_bits_under_every_condition(stepped: States) -> None:
    for name in ("vision", "vision_final_norm"):
        assert torch.equal(stepped[name], stepped[name][:, :1].expand_as(stepped[name]))


def test_strict_and_blind_are_bitwise_free_of_pixels(vlm: VisionLanguageModel, batch: Batch) -> None:
    here, there = (forward_lockstep(vlm, one, (STRICT, BLIND)) for one in (batch, with_other_pixels(batch)))
    assert torch.equal(here["language"], there["language"])
    assert torch.equal(here["logits"][:, 1], there["logits"][:, 1])
    assert (here["logits"][:, 0] - there["logits"][:, 0]).abs().max() > 0.01
    assert (here["vision"] - there["vision"]).abs().max() > 0.1


def test_which_conditions_run_beside_a_condition_changes_rounding_at_most(
    vlm: VisionLanguageModel, batch: Batch, stepped: States
) -> None:
    for number in (0, 2, 7, len(EVERY_KIND) - 1):
        alone = forward_lockstep(vlm, batch, EVERY_KIND[number : number + 1])
        assert worst(alone, {name: values[:, number : number + 1] for name, values in stepped.items()}) < 5e-6


def test_questions_about_one_picture_share_its_prefix_and_its_vision_features(
    vlm: VisionLanguageModel, questions: pd.DataFrame
) -> None:
    seen: list[int] = []
    prefixes: list[int] = []

    def count_pictures(_module: Any, _args: Any, kwargs: dict[str, Any]) -> None:
        seen.append(len(kwargs["pixel_values"]) if "pixel_values" in kwargs else len(_args[0]))

    class Counting(lockstep._Cache):
        def update(self, keys: torch.Tensor, values: torch.Tensor, *rest: Any, **more: Any) -> Any:
            if self.before is None:
                prefixes.append(len(keys))
            return super().update(keys, values, *rest, **more)

    table = questions.assign(image=[questions["image"].iloc[row] for row in (0, 1, 0, 0, 1)])
    batch = prepare(vlm, table)
    tower = vlm.model.model.vision_tower
    with pytest.MonkeyPatch.context() as patch, tower.register_forward_pre_hook(count_pictures, with_kwargs=True):
        patch.setattr(lockstep, "_Cache", Counting)
        apart = forward_lockstep(vlm, batch, EVERY_KIND)
        together = forward_lockstep(vlm, batch, EVERY_KIND, same_picture(table))
    assert prefixes == [5] * LAYERS + [2] * LAYERS
    assert len(seen) == 2 and seen[1] < seen[0]
    assert worst(together, apart) < 5e-6
    assert torch.equal(together["vision"][0], together["vision"][2])


def test_only_one_layers_keys_and_values_are_alive(vlm: VisionLanguageModel, batch: Batch) -> None:
    seen: list[weakref.ref[torch.Tensor]] = []

    class Watched(lockstep._Cache):
        def update(self, keys: torch.Tensor, values: torch.Tensor, *rest: Any, **more: Any) -> Any:
            if self.before is None:  # a layer begins
                assert all(reference() is None for reference in seen), "an earlier layer's keys or values still live"
            keys, values = super().update(keys, values, *rest, **more)
            seen.extend((weakref.ref(keys), weakref.ref(values)))
            return keys, values

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lockstep, "_Cache", Watched)
        forward_lockstep(vlm, batch, EVERY_KIND)
    assert len(seen) >= 4 * LAYERS


def test_the_vocabulary_is_scored_at_the_predicting_position_only(vlm: VisionLanguageModel, batch: Batch) -> None:
    scored: list[int] = []
    head = vlm.model.get_output_embeddings()
    with head.register_forward_pre_hook(lambda _module, args: scored.append(args[0][..., 0].numel())):
        forward_lockstep(vlm, batch, EVERY_KIND)
    assert scored == [len(batch.spans) * len(EVERY_KIND)]


def test_padding_may_hold_anything(vlm: VisionLanguageModel, batch: Batch, stepped: States) -> None:
    """Suffixes are padded to the longest; what stands there reaches nothing."""
    inputs = dict(batch.inputs)
    ids = inputs["input_ids"].clone()
    ids[inputs["attention_mask"] == 0] = 7
    other = forward_lockstep(vlm, replace(batch, inputs={**inputs, "input_ids": ids}), EVERY_KIND)
    assert all(torch.equal(other[name], stepped[name]) for name in stepped)


def test_grouped_and_ungrouped_rows_agree(vlm: VisionLanguageModel, batch: Batch) -> None:
    runs = []
    for largest in (False, True):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(branch, "group_sizes", lambda n, *_, largest=largest: [n] if largest else [1] * n)
            runs.append(forward_lockstep(vlm, batch, EVERY_KIND))
    assert worst(*runs) < 5e-6


def test_a_condition_that_changes_the_prefix_is_refused(vlm: VisionLanguageModel, batch: Batch) -> None:
    with pytest.raises(ValueError, match="condition 'within' changes the prefix, which lockstep shares"):
        forward_lockstep(vlm, batch, (Condition("within", (Knockout("system", "image"),)),))


def test_a_cut_into_the_last_position_recomputes_that_position_alone(vlm: VisionLanguageModel, batch: Batch) -> None:
    """Positions before the first one that reads differently are the baseline's, in every layer."""
    lengths: list[tuple[int, int]] = []

    def note(_module: Any, _args: Any, kwargs: dict[str, Any]) -> None:
        lengths.append(tuple(kwargs["hidden_states"].shape[:2]))

    windows = window_conditions("image->last", LAYERS, 1)
    with vlm.decoder_layers[LAYERS - 1].self_attn.register_forward_pre_hook(note, with_kwargs=True):
        stepped = forward_lockstep(vlm, batch, windows)
    prefix, suffix, last = lengths
    assert prefix[1] > suffix[1] > 1
    assert last[0] * last[1] == len(batch.spans) * len(windows)
    for name in ("language", "language_final_norm"):
        assert torch.equal(stepped[name], stepped[name][:, :1].expand_as(stepped[name])), "question states are shared"
    assert (stepped["logits"][:, 1:] - stepped["logits"][:, :1]).abs().amax((0, 2)).min() > 1e-3


def test_no_hook_is_left_behind(vlm: VisionLanguageModel, batch: Batch) -> None:
    def hooks() -> int:
        return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in vlm.model.modules())

    before = hooks()
    forward_lockstep(vlm, batch, EVERY_KIND)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vlm.decoder_layers[1].mlp, "forward", None)
        with pytest.raises(TypeError):
            forward_lockstep(vlm, batch, EVERY_KIND)
    assert hooks() == before


def test_few_different_masks_are_made_however_many_layers_and_conditions(
    vlm: VisionLanguageModel, batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run over windows has one mask with and one without the cut, for the shared states and for those apart."""
    made: list[torch.Size] = []
    real = torch.Tensor.to

    def counted(tensor: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        if tensor.dtype == torch.bool and tensor.ndim == 3 and tensor.shape[2] > 1:  # not where the picture goes
            made.append(tensor.shape)
        return real(tensor, *args, **kwargs)

    monkeypatch.setattr(torch.Tensor, "to", counted)
    forward_lockstep(vlm, batch, window_conditions("strict", LAYERS, 2))
    assert len(made) == 3
