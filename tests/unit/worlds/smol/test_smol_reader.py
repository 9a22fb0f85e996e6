"""Training reads what the model reads: packed questions, merged adapters and LLaVA's own forward agree."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn.functional import cross_entropy
from transformers import AutoProcessor, LlavaForConditionalGeneration

from analysis_lib.worlds.smol.adapters import Adapters, merge
from analysis_lib.worlds.smol.pretrained_decoder import IMAGE_TOKEN
from analysis_lib.worlds.smol.scene_pictures import render
from analysis_lib.worlds.smol.smol_llava import OPENING, TAIL, build_llava, build_processor, llava_config, tower_config
from analysis_lib.worlds.smol.smol_llava import normalize_pixels as normalized
from analysis_lib.worlds.smol.training.packing import BLOCK, CAPTION, LENGTH, Packed, Tokens, pack
from analysis_lib.worlds.smol.training.reader import Reader

from .conftest import tiny_decoder


def tiny_llava(tokenizer: Any, spread: float = 0.3) -> Any:
    decoder = tiny_decoder(len(tokenizer), spread=spread)
    config = llava_config(tower_config(32, 2), decoder.config, tokenizer.convert_tokens_to_ids(IMAGE_TOKEN))
    return build_llava(config, decoder.state_dict()).eval()


def moved_adapters(llava: Any) -> Adapters:
    adapters = Adapters(llava.model.language_model, 4)
    with torch.no_grad():
        for weight in adapters.parameters():
            weight.normal_(0, 0.2)
    return adapters


def whole_pixels(batch: Packed) -> torch.Tensor:
    """Pictures as they would be saved, in 256 shades."""
    return (render(batch.drawn, 0).pictures * 255).round() / 255


def test_text_in_pieces_is_the_text_as_a_whole(tokenizer: Any, tokens: Tokens) -> None:
    for question in ("Is there either an apple or a dog that is red?", "Which kind is gray, the fox or the cat?"):
        text = OPENING + IMAGE_TOKEN * 100 + "\n" + question + TAIL
        assert tokenizer.encode(text, add_special_tokens=False) == tokens.prefix + tokens.prompt(question)


def test_the_model_saved_with_merged_adapters_says_what_training_said_about_every_packed_question(
    tokenizer: Any, tokens: Tokens, tmp_path: Path
) -> None:
    llava = tiny_llava(tokenizer)
    adapters = moved_adapters(llava)
    batch = pack(np.random.default_rng(0), 2, tokens)
    pictures = whole_pixels(batch)
    with torch.no_grad():
        packed = Reader(llava, adapters, tokens)(batch, normalized(pictures))
    merge(llava.model.language_model, adapters)
    llava.save_pretrained(tmp_path)
    build_processor(tokenizer).save_pretrained(tmp_path)
    model = LlavaForConditionalGeneration.from_pretrained(tmp_path).eval()
    processor = AutoProcessor.from_pretrained(tmp_path)

    alone, compared = [], 0
    for number, at in enumerate(batch.at.tolist()):
        picture, position = divmod(at, LENGTH)
        own = (batch.segments[picture] == batch.segments[picture, position]).nonzero().flatten()
        asked = batch.ids[picture, own[0] : position + 1]
        text = OPENING + IMAGE_TOKEN + "\n" + tokenizer.decode(asked)
        image = Image.fromarray((pictures[picture].permute(1, 2, 0) * 255).round().byte().numpy())
        inputs = processor(images=[image], text=[text], return_tensors="pt")
        if inputs["input_ids"][0].tolist() != tokens.prefix + asked.tolist():
            assert batch.family[number] < 0, "only cut words may be tokenized differently"
            inputs = {**inputs, "input_ids": torch.tensor([tokens.prefix + asked.tolist()])}
            inputs["attention_mask"] = torch.ones_like(inputs["input_ids"])
        if batch.family[number] >= 0 or number % 7 == 0:
            with torch.no_grad():
                logits = model(**inputs, logits_to_keep=1).logits[0, -1]
            assert torch.allclose(logits, packed.logits[number], atol=1e-4)
            compared += 1
        alone.append(packed.logits[number])
    assert compared > 30
    entropy = cross_entropy(torch.stack(alone), batch.labels, reduction="none")
    assert torch.allclose((entropy * batch.weights).sum() / batch.weights.sum(), packed.loss, atol=1e-4)


def test_sequences_are_full_and_their_labels_are_the_answers(tokenizer: Any, tokens: Tokens) -> None:
    batch = pack(np.random.default_rng(1), 8, tokens)
    assert (batch.segments == -1).float().mean() < 0.05, "hardly a slot is empty"
    assert (batch.family != CAPTION).all() and (batch.family >= 0).sum() > 8 * 10
    for at, label in zip(batch.at.tolist(), batch.labels.tolist(), strict=True):
        picture, position = divmod(at, LENGTH)
        segment = batch.segments[picture, position]
        follows = position + 1 < LENGTH and batch.segments[picture, position + 1] == segment
        assert label == (batch.ids[picture, position + 1] if follows else tokens.end)
    asked = batch.ids[0][batch.segments[0] == 2]
    assert tokenizer.decode(asked).count("Answer in one word.") == 1


def test_no_segment_sees_another_and_blocks_left_out_hold_nothing_visible(tokenizer: Any, tokens: Tokens) -> None:
    reader = Reader(tiny_llava(tokenizer), moved_adapters(tiny_llava(tokenizer)), tokens)
    batch = pack(np.random.default_rng(2), 6, tokens)
    visible = reader._mask(batch.segments)[:, 0]
    own = batch.segments[:, :, None] == batch.segments[:, None, :]
    picture = (batch.segments == 0)[:, None, :]
    assert not (visible & ~(own | picture)).any() and not visible.triu(1).any()
    flexible = Reader(tiny_llava(tokenizer), reader.adapters, tokens, attention="flex")
    blocks = flexible._mask(batch.segments)
    computed = blocks.to_dense()[0, 0].bool().repeat_interleave(BLOCK, 0).repeat_interleave(BLOCK, 1)
    assert not (visible & ~computed).any()
    with torch.no_grad():
        pixels = normalized(whole_pixels(batch))
        assert torch.allclose(flexible(batch, pixels).logits, reader(batch, pixels).logits, atol=1e-4)
        other = pack(np.random.default_rng(3), 6, tokens)  # the mask follows the batch
        assert torch.allclose(flexible(other, pixels).logits, reader(other, pixels).logits, atol=1e-4)


def test_a_segment_that_is_too_long_is_refused(tokens: Tokens) -> None:
    from analysis_lib.worlds.smol.training.packing import _Sequence

    with pytest.raises(ValueError, match="at most 128"):
        _Sequence(tokens, LENGTH).add([5] * 130, [6], 0, None, 0.2)
    with pytest.raises(ValueError, match="attention is 'quick'"):
        Reader(tiny_llava(tokens._tokenizer), Adapters(tiny_decoder().model, 2), tokens, attention="quick")
