"""The embedded model's format: fast paths of training equal the ordinary tokenizer, processor and prompt."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from analysis_lib.models import PROMPTS
from analysis_lib.models.mini import build_model, build_processor, build_tokenizer
from analysis_lib.models.mini.architecture import IMAGE_SIDE, PATCHES_PER_SIDE, normalize_pixels
from analysis_lib.models.mini.vocabulary import VOCABULARY, words
from analysis_lib.models.training.packing import (
    BINDING,
    CAPTION,
    GENERAL,
    IGNORED,
    PackedBatch,
    cell_labels,
    packed_batch,
    prefix_ids,
)
from analysis_lib.tasks.minigqa import FAMILIES, TRAINING_FAMILIES, ask, render, sample_scene
from analysis_lib.tasks.minigqa.world import CATEGORIES, COLORS, MATERIALS, SIZES

TOKENIZER = build_tokenizer()
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


def test_the_processor_shows_the_pixels_that_training_saw(tmp_path: Path) -> None:
    processor = build_processor()
    pictures = []
    for seed in range(5):
        rng = np.random.default_rng(seed)
        pictures.append(render(sample_scene(rng), rng))
        Image.fromarray(pictures[-1]).save(tmp_path / f"{seed}.png")
    expected = normalize_pixels(torch.from_numpy(np.stack(pictures)))
    loaded = [Image.open(tmp_path / f"{seed}.png") for seed in range(5)]
    shown = processor.image_processor(images=loaded, return_tensors="pt")["pixel_values"]
    assert shown.shape == expected.shape == (5, 3, IMAGE_SIDE, IMAGE_SIDE)
    assert torch.allclose(shown, expected, atol=1e-6)


def test_the_prefix_of_training_is_the_prompts_own(tmp_path: Path) -> None:
    processor = build_processor()
    picture = Image.new("RGB", (IMAGE_SIDE, IMAGE_SIDE))
    text = PROMPTS["llava-1.5"].replace("{question}", "Is the box red or blue?")
    ids = processor(images=picture, text=text)["input_ids"][0]
    assert list(ids) == [*prefix_ids(), *words("Is the box red or blue? ASSISTANT:")]
    assert list(ids).count(VOCABULARY["<image>"]) == PATCHES_PER_SIDE**2
    content = [{"type": "image"}, {"type": "text", "text": "{question}"}]
    chat = processor.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True)
    assert chat == PROMPTS["llava-1.5"]


@pytest.fixture(scope="module", params=[GENERAL, BINDING], ids=["general", "binding"])
def repeats(request: pytest.FixtureRequest) -> Mapping[str, int]:
    return request.param


@pytest.fixture(scope="module")
def batch(repeats: Mapping[str, int]) -> PackedBatch:
    return packed_batch(np.random.default_rng(3), 3, repeats=repeats)


def segments(batch: PackedBatch, row: int) -> list[slice]:
    """The question segments of a packed sequence, found by where positions restart."""
    prefix = len(prefix_ids())
    positions, families = batch.positions[row].tolist(), batch.families[row].tolist()
    starts = [at for at in range(prefix, len(positions)) if positions[at] == prefix and families[at] >= 0]
    ends = [*starts[1:], sum(family >= 0 for family in families) + prefix]
    return [slice(start, end) for start, end in zip(starts, ends, strict=True)]


def test_labels_are_the_next_words_of_each_segment_and_only_of_its_answer(batch: PackedBatch) -> None:
    for row in range(3):
        found = segments(batch, row)
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


def loud_model() -> torch.nn.Module:
    """Random weights large enough that attention is far from uniform: what leaks in shows."""
    model = build_model(0, layers=3)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.ndim == 2:
                weight.mul_(6)
    model.config._attn_implementation = "eager"
    return model.eval()


@torch.no_grad()
def test_a_packed_segment_computes_what_an_ordinary_prompt_would(batch: PackedBatch) -> None:
    model = loud_model()

    def packed_logits(allowed: torch.Tensor) -> torch.Tensor:
        mask = torch.where(allowed, 0.0, torch.finfo(torch.float32).min)
        return model(
            input_ids=batch.ids, pixel_values=batch.pixels, attention_mask=mask, position_ids=batch.positions
        ).logits

    logits = packed_logits(batch.allowed)
    merely_causal = packed_logits(torch.ones_like(batch.allowed).tril())
    largest, largest_if_leaking = 0.0, 0.0
    for row in range(3):
        for part in segments(batch, row):
            ids = torch.tensor([[*prefix_ids(), *batch.ids[row, part].tolist()]])
            alone = model(input_ids=ids, pixel_values=batch.pixels[row : row + 1]).logits[0, len(prefix_ids()) :]
            largest = max(largest, (logits[row, part] - alone).abs().max().item())
            largest_if_leaking = max(largest_if_leaking, (merely_causal[row, part] - alone).abs().max().item())
    assert logits.std() > 0.1
    assert largest < 1e-5
    assert largest_if_leaking > 0.1, "segments that saw each other would differ"


def test_blind_batches_ask_the_same_questions_about_nothing(batch: PackedBatch, repeats: Mapping[str, int]) -> None:
    blind = packed_batch(np.random.default_rng(3), 3, repeats=repeats, blind=True)
    assert torch.equal(blind.ids, batch.ids) and torch.equal(blind.labels, batch.labels)
    assert not blind.pixels.any() and batch.pixels.any()


def test_cell_labels_say_what_stands_where() -> None:
    scene = np.array([[2, 5, 1, 0, 8], [0, 0, 2, 1, 3]])
    labels = cell_labels(scene)
    assert labels[8].tolist() == [3, 6, 2, 1] and labels[3].tolist() == [1, 1, 3, 2]
    assert labels.sum() == labels[8].sum() + labels[3].sum()


def test_the_model_is_the_real_class_within_its_size() -> None:
    model = build_model()
    assert type(model).__name__ == "LlavaForConditionalGeneration"
    assert sum(parameter.numel() for parameter in model.parameters()) <= 5_000_000
    assert 8 <= len(model.model.language_model.layers) <= 12
    again, other = build_model(), build_model(seed=1)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(model.parameters(), other.parameters(), strict=True))
