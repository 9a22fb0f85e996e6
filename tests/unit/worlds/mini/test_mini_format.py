"""The embedded models' format: fast paths of training equal the ordinary tokenizer, processor and prompt."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from analysis_lib.models.prompts import PROMPTS, chat_prompt
from analysis_lib.worlds.mini import FAMILIES, TRAINING_FAMILIES, ask, render, sample_scene
from analysis_lib.worlds.mini.architectures import ARCHITECTURES, Architecture, build_tokenizer
from analysis_lib.worlds.mini.architectures.word_tokenizer import VICUNA_SYSTEM, VICUNA_VOCABULARY, VOCABULARY, words
from analysis_lib.worlds.mini.training.packing import (
    BINDING,
    CAPTION,
    GENERAL,
    IGNORED,
    PackedBatch,
    cell_labels,
    packed_batch,
)
from analysis_lib.worlds.mini.world import CATEGORIES, COLORS, MATERIALS, SIZES

TOKENIZER = build_tokenizer()
ANSWER_CUE = "Is the box red or blue? ASSISTANT:"
PROMPT_OF = {
    "mini-llava-1.5": PROMPTS["llava-1.5"],
    "mini-llava-1.6": VICUNA_SYSTEM + PROMPTS["llava-1.5"],
}
SPOKEN = [word for word in VOCABULARY if word not in TOKENIZER.all_special_tokens]


@settings(max_examples=200, deadline=None)
@given(
    parts=st.lists(
        st.tuples(
            st.sampled_from(SPOKEN),
            st.sampled_from([str.lower, str.upper, str.title]),
            st.sampled_from([" ", "  ", "\n", "\t", "? ", ", "]),
        ),
        max_size=15,
    )
)
def test_words_equals_the_tokenizer(parts: list[tuple[str, object, str]]) -> None:
    text = "".join(f"{change(word)}{space}" for word, change, space in parts)  # type: ignore[operator]
    assert words(text) == TOKENIZER(text, add_special_tokens=False)["input_ids"]
    assert TOKENIZER(text)["input_ids"] == [VOCABULARY["<s>"], *words(text)]


def test_every_word_the_world_says_is_in_the_vocabulary_and_keeps_apart() -> None:
    assert sorted(VOCABULARY.values()) == list(range(len(VOCABULARY)))
    assert set(CATEGORIES + COLORS + MATERIALS + SIZES) <= set(VOCABULARY)
    for number in range(300):
        rng = np.random.default_rng([8, number])
        scene = sample_scene(rng)
        for family in FAMILIES | TRAINING_FAMILIES:
            one = ask(family, scene, rng)
            if one is not None:
                ids = TOKENIZER(f"{one.text} {one.answer}", add_special_tokens=False)["input_ids"]
                assert VOCABULARY["<unk>"] not in ids
                assert len(words(one.answer)) == 1, "answers are single words, so one logit is the answer's"


@pytest.fixture(scope="module", params=ARCHITECTURES)
def architecture(request: pytest.FixtureRequest) -> Architecture:
    return ARCHITECTURES[request.param]


def drawn(architecture: Architecture, n: int) -> np.ndarray:
    """``n`` pictures as training draws them."""
    generators = [np.random.default_rng(seed) for seed in range(n)]
    return np.stack([render(sample_scene(rng), rng, architecture.pixels_per_cell) for rng in generators])


def test_the_processor_shows_the_pixels_that_training_saw(architecture: Architecture, tmp_path: Path) -> None:
    pictures = drawn(architecture, 5)
    for number, picture in enumerate(pictures):
        Image.fromarray(picture).save(tmp_path / f"{number}.png")
    loaded = [Image.open(tmp_path / f"{number}.png") for number in range(5)]
    shown = architecture.build_processor().image_processor(images=loaded, return_tensors="pt")
    expected = architecture.image_inputs(architecture.show(torch.from_numpy(pictures)))
    assert shown.keys() == expected.keys()
    one_grey_level = 1 / 255 / 0.25
    for name in expected:
        assert shown[name].shape == expected[name].shape
        assert (shown[name] - expected[name]).abs().max() < 1.01 * one_grey_level, "rounding when scaling down, at most"
        assert (shown[name] - expected[name]).abs().float().mean() < 0.01 * one_grey_level


def test_the_prefix_of_training_is_the_prompts_own(architecture: Architecture) -> None:
    processor = architecture.build_processor()
    prompt = chat_prompt(processor, architecture.name)
    assert prompt == PROMPT_OF[architecture.name]
    picture = Image.fromarray(drawn(architecture, 1)[0])
    ids = processor(images=picture, text=prompt.replace("{question} ASSISTANT:", ANSWER_CUE))["input_ids"][0]
    assert list(ids) == [*architecture.prefix_ids(), *words(ANSWER_CUE)]
    assert list(ids).count(VOCABULARY["<image>"]) == architecture.n_image_tokens
    assert VOCABULARY["<unk>"] not in ids


def test_the_larger_vocabulary_agrees_with_the_smaller_one() -> None:
    assert sorted(VICUNA_VOCABULARY.values()) == list(range(len(VICUNA_VOCABULARY)))
    assert VOCABULARY.items() <= VICUNA_VOCABULARY.items()
    tokenizer = build_tokenizer(VICUNA_VOCABULARY)
    assert tokenizer(VICUNA_SYSTEM)["input_ids"] == [VOCABULARY["<s>"], *words(VICUNA_SYSTEM, VICUNA_VOCABULARY)]


@pytest.fixture(scope="module", params=[GENERAL, BINDING], ids=["general", "binding"])
def repeats(request: pytest.FixtureRequest) -> Mapping[str, int]:
    return request.param


@pytest.fixture(scope="module")
def batch(architecture: Architecture, repeats: Mapping[str, int]) -> PackedBatch:
    return packed_batch(np.random.default_rng(3), 3, architecture, repeats=repeats)


def segments(batch: PackedBatch, prefix: int, row: int) -> list[slice]:
    """The question segments of a packed sequence, found by where positions restart after a prefix of that length."""
    positions, families = batch.positions[row].tolist(), batch.families[row].tolist()
    starts = [at for at in range(prefix, len(positions)) if positions[at] == prefix and families[at] >= 0]
    ends = [*starts[1:], sum(family >= 0 for family in families) + prefix]
    return [slice(start, end) for start, end in zip(starts, ends, strict=True)]


def test_labels_are_the_next_words_of_each_segment_and_only_of_its_answer(
    architecture: Architecture, batch: PackedBatch
) -> None:
    for row in range(3):
        found = segments(batch, len(architecture.prefix_ids()), row)
        assert len(found) > 10
        for part in found:
            ids, labels = batch.ids[row, part].tolist(), batch.labels[row, part].tolist()
            cue = ids.index(VOCABULARY["assistant"]) + 1
            assert labels[:cue] == [IGNORED] * cue, "nothing is learnt before the cue"
            assert labels[cue:] == [*ids[cue + 1 :], VOCABULARY["</s>"]], "then every next word, the end included"
            assert len(labels[cue:]) == 2 or int(batch.families[row, part.start]) == CAPTION
            assert len(set(batch.families[row, part].tolist())) == 1
        outside = torch.ones(batch.ids.shape[1], dtype=torch.bool)
        for part in found:
            outside[part] = False
        assert (batch.labels[row, outside] == IGNORED).all()


def loud_model(architecture: Architecture) -> torch.nn.Module:
    """Random weights large enough that attention is far from uniform: what leaks in shows."""
    model = architecture.build_model(0, layers=3)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.ndim == 2:
                weight.mul_(6)
    model.config._attn_implementation = "eager"
    return model.eval()


@torch.no_grad()
def test_a_packed_segment_computes_what_an_ordinary_prompt_would(
    architecture: Architecture, batch: PackedBatch
) -> None:
    model, prefix = loud_model(architecture), architecture.prefix_ids()

    def packed_logits(allowed: torch.Tensor) -> torch.Tensor:
        mask = torch.where(allowed, 0.0, torch.finfo(torch.float32).min)
        return model(
            input_ids=batch.ids,
            attention_mask=mask,
            position_ids=batch.positions,
            **architecture.image_inputs(batch.pixels),
        ).logits

    logits = packed_logits(batch.allowed)
    merely_causal = packed_logits(torch.ones_like(batch.allowed).tril())
    largest, largest_if_leaking = 0.0, 0.0
    for row in range(3):
        pictures = architecture.image_inputs(batch.pixels[row : row + 1])
        for part in segments(batch, len(prefix), row):
            ids = torch.tensor([[*prefix, *batch.ids[row, part].tolist()]])
            alone = model(input_ids=ids, **pictures).logits[0, len(prefix) :]
            largest = max(largest, (logits[row, part] - alone).abs().max().item())
            largest_if_leaking = max(largest_if_leaking, (merely_causal[row, part] - alone).abs().max().item())
    assert logits.std() > 0.1
    assert largest < 1e-5
    assert largest_if_leaking > 0.1, "segments that saw each other would differ"


def test_blind_batches_ask_the_same_questions_about_nothing(
    architecture: Architecture, batch: PackedBatch, repeats: Mapping[str, int]
) -> None:
    blind = packed_batch(np.random.default_rng(3), 3, architecture, repeats=repeats, blind=True)
    assert torch.equal(blind.ids, batch.ids) and torch.equal(blind.labels, batch.labels)
    assert not blind.pixels.any() and batch.pixels.any()


def test_cell_labels_say_what_stands_where() -> None:
    scene = np.array([[2, 5, 1, 0, 8], [0, 0, 2, 1, 3]])
    labels = cell_labels(scene)
    assert labels[8].tolist() == [3, 6, 2, 1] and labels[3].tolist() == [1, 1, 3, 2]
    assert labels.sum() == labels[8].sum() + labels[3].sum()


@pytest.mark.parametrize(
    ("name", "real"),
    [("mini-llava-1.5", "LlavaForConditionalGeneration"), ("mini-llava-1.6", "LlavaNextForConditionalGeneration")],
)
def test_the_model_is_the_real_class_within_its_size(name: str, real: str) -> None:
    build = ARCHITECTURES[name].build_model
    model = build()
    assert type(model).__name__ == real
    assert sum(parameter.numel() for parameter in model.parameters()) <= 5_000_000
    assert 8 <= len(model.model.language_model.layers) <= 12
    again, other = build(), build(seed=1)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(model.parameters(), other.parameters(), strict=True))
