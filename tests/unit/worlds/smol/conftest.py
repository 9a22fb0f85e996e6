"""A decoder and a tokenizer like the pretrained ones, small enough for a test."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from analysis_lib.worlds.smol.pretrained_decoder import with_image_token
from analysis_lib.worlds.smol.smol_llava import OPENING, TAIL
from analysis_lib.worlds.smol.things import NAMES
from analysis_lib.worlds.smol.training.lessons import LESSONS, caption
from analysis_lib.worlds.smol.training.packing import Tokens
from analysis_lib.worlds.smol.world import sample_scene

CONTROL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<repo_name>", "<empty_output>"]


@pytest.fixture(autouse=True)
def one_thread() -> Any:
    """Two threads on two busy processors wait for each other most of the time."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def tokenizer() -> PreTrainedTokenizerFast:
    """A byte-level tokenizer of the decoder's kind, in which some names take several tokens."""
    rng = np.random.default_rng(0)
    texts = [OPENING, TAIL, *(f" {name}" for name in NAMES[::2])]
    for _ in range(60):
        scene = sample_scene(rng)
        asked = [family(scene, rng) for family in LESSONS.values()]
        texts += [one.text for one in asked if one is not None] + list(caption(scene, rng))
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=768,
        special_tokens=CONTROL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    backend.train_from_iterator(texts, trainer)
    return with_image_token(PreTrainedTokenizerFast(tokenizer_object=backend))


@pytest.fixture(scope="session")
def tokens(tokenizer: PreTrainedTokenizerFast) -> Tokens:
    return Tokens(tokenizer)


def tiny_decoder(n_words: int = 768, layers: int = 2, spread: float = 0.02) -> LlamaForCausalLM:
    """A random decoder of the pretrained one's class: shared keys, tied embeddings, its rotary base."""
    torch.manual_seed(0)
    decoder = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=n_words,
            hidden_size=48,
            intermediate_size=96,
            num_hidden_layers=layers,
            num_attention_heads=3,
            num_key_value_heads=1,
            head_dim=16,
            rms_norm_eps=1e-5,
            rope_parameters={"rope_theta": 1e5, "rope_type": "default"},
            tie_word_embeddings=True,
        )
    )
    with torch.no_grad():
        for weight in decoder.parameters():
            _ = weight.normal_(0, spread) if weight.ndim > 1 else weight.uniform_(0.5, 1.5)
    return decoder
