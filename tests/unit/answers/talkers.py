"""Small LLaVA models with the tokenizers and templates of real ones, built so that what they say is known.

Decoder layers pass nearly everything on as it is, and the output layer knows which token follows which: after the
prompt's last token the model says one text, in the tokens that really follow it there, and ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from PIL import Image
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (
    CLIPImageProcessorPil,
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
)

from analysis_lib.models import VisionLanguageModel, load_model
from analysis_lib.models.prompts import chat_prompt

SIDE, PATCH, WIDTH = 16, 8, 128
WORDS = (
    "left", "right", "yes", "no", "dog", "dogs", "cat", "train", "car", "fire", "hydrant", "light", "dark", "blue",
    "brown", "color", "material", "two", "three", "short", "sleeved", "shirt", "entertainment", "center", "front",
    "behind", "user", "assistant", "Answer", "the", "question", "using", "a", "single", "word", "or", "phrase",
    "which", "side",
)  # fmt: skip


@dataclass(frozen=True)
class Layout:
    """A tokenizer's kind and the template that goes with it."""

    template: str
    marks: tuple[str, ...]
    end: str


_CONTENT = (
    "{% for c in m['content'] %}{% if c['type'] == 'image' %}<image>\n{% else %}{{ c['text'] }}{% endif %}{% endfor %}"
)
LAYOUTS = {
    "vicuna": Layout(
        "{% for m in messages %}{{ m['role'].upper() }}: " + _CONTENT + " {% endfor %}"
        "{% if add_generation_prompt %}ASSISTANT:{% endif %}",
        (),
        "</s>",
    ),
    "chatml": Layout(
        "{% for m in messages %}<|im_start|>{{ m['role'] }}\n" + _CONTENT + "<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}",
        ("<|im_start|>", "<|im_end|>"),
        "<|im_end|>",
    ),
    "llama-3": Layout(
        "{% for m in messages %}<|start_header_id|>{{ m['role'] }}<|end_header_id|>\n\n"
        + _CONTENT
        + "<|eot_id|>{% endfor %}"
        "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}",
        ("<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"),
        "<|eot_id|>",
    ),
    "bare marks": Layout(
        "{% for m in messages %}<|{{ m['role'] }}|>" + _CONTENT + "<|over|>{% endfor %}"
        "{% if add_generation_prompt %}<|assistant|>{% endif %}",
        ("<|user|>", "<|assistant|>", "<|over|>"),
        "<|over|>",
    ),
}


@cache
def tokenizer(layout: str) -> PreTrainedTokenizerFast:
    """Case-sensitive subwords: SentencePiece's with bytes for what is unknown, or bytes with leading spaces."""
    special = ["<unk>", "<s>", "</s>", "<pad>", "<image>", *LAYOUTS[layout].marks]
    raw = _sentencepiece(special) if layout == "vicuna" else _bytes(special)
    begin = ("<s>", raw.token_to_id("<s>"))
    raw.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[begin])
    return PreTrainedTokenizerFast(
        tokenizer_object=raw,
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>" if layout == "vicuna" else None,
        extra_special_tokens={"image_token": "<image>"},
        additional_special_tokens=list(LAYOUTS[layout].marks),
    )


def _sentencepiece(special: list[str]) -> Tokenizer:
    pieces = dict.fromkeys([*special, *(f"<0x{byte:02X}>" for byte in range(256)), "\u2581"])
    merges: list[tuple[str, str]] = []
    for lead in ("\u2581", ""):
        for word in WORDS:
            for text in (word, word.capitalize()):
                letters = lead + text
                pieces |= dict.fromkeys(letters)
                for end in range(1, len(letters)):
                    merges.append((letters[:end], letters[end]))
                    pieces[letters[: end + 1]] = None
    pieces |= dict.fromkeys("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.,:?'-")
    known = {piece: number for number, piece in enumerate(pieces)}
    raw = Tokenizer(
        models.BPE(known, list(dict.fromkeys(merges)), unk_token="<unk>", fuse_unk=True, byte_fallback=True)
    )
    raw.normalizer = normalizers.Sequence([normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")])
    raw.decoder = decoders.Sequence(
        [decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    raw.add_special_tokens(special)
    return raw


def _bytes(special: list[str]) -> Tokenizer:
    raw = Tokenizer(models.BPE())
    pieces = pre_tokenizers.Split(Regex(r" ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s*[\r\n]+|\s+"), "isolated")
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    raw.pre_tokenizer = pre_tokenizers.Sequence(
        [pieces, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    raw.decoder = decoders.ByteLevel()
    words = [*WORDS, *(word.capitalize() for word in WORDS)]
    texts = [f"{lead}{word}" for word in words for lead in ("", " ")] + ["\n", "\n\n"]
    raw.train_from_iterator(
        texts * 3, trainers.BpeTrainer(vocab_size=900, special_tokens=special, initial_alphabet=alphabet)
    )
    return raw


@cache
def templated(layout: str) -> LlavaProcessor:
    """The processor of a model of this layout."""
    return LlavaProcessor(
        CLIPImageProcessorPil(size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE}),
        tokenizer(layout),
        patch_size=PATCH,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=LAYOUTS[layout].template,
        image_token="<image>",
    )


def talker(
    layout: str, says: str, *, lead: str | None = None, prompt: str | None = None, folder: Path | None = None
) -> VisionLanguageModel:
    """A model that answers ``says`` to everything, behind ``lead``, by default what the template puts there.

    With a ``folder`` it is saved there and loaded, else made in memory.
    """
    torch.manual_seed(0)
    fast = tokenizer(layout)
    small = {"hidden_size": WIDTH, "intermediate_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = LlavaConfig(
        vision_config=CLIPVisionConfig(image_size=SIDE, patch_size=PATCH, projection_dim=WIDTH, **small),
        text_config=LlamaConfig(
            vocab_size=len(fast),
            num_key_value_heads=2,
            max_position_embeddings=300,
            tie_word_embeddings=False,
            bos_token_id=fast.bos_token_id,
            eos_token_id=fast.eos_token_id,
            **small,
        ),
        image_token_index=fast.convert_tokens_to_ids("<image>"),
    )
    model: Any = LlavaForConditionalGeneration(config)
    processor = templated(layout)
    asked = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "Which side?"}]}]
    cue = processor.apply_chat_template(asked, add_generation_prompt=True) if prompt is None else prompt
    between = lead if lead is not None else (" " if layout == "vicuna" else "")
    before, whole = (fast(text, add_special_tokens=False)["input_ids"] for text in (cue, cue + between + says))
    assert whole[: len(before)] == before
    _teach(model, [before[-1], *whole[len(before) :], fast.convert_tokens_to_ids(LAYOUTS[layout].end)])
    if folder is None:
        return VisionLanguageModel(layout, model.eval(), processor, prompt or chat_prompt(processor))
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return load_model(folder, device="cpu", prompt=prompt)


@torch.no_grad()
def _teach(model: Any, chain: list[int]) -> None:
    assert len(set(chain[:-1])) == len(chain) - 1, "a token with two successors cannot be taught"
    for layer in model.model.language_model.layers:
        layer.self_attn.o_proj.weight.mul_(1e-3)
        layer.mlp.down_proj.weight.mul_(1e-3)
    embedded = torch.nn.functional.normalize(model.get_input_embeddings().weight, dim=-1)
    weight = model.lm_head.weight
    weight.zero_()
    for token, following in zip(chain[:-1], chain[1:], strict=True):
        weight[following] += embedded[token]


def table(folder: Path, answers: list[str], question: str = "Which side?") -> pd.DataFrame:
    """One question per answer, about a picture of noise."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "noise.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)).save(path)
    rows = [
        {
            "question_id": f"q{number}",
            "image_id": "noise",
            "question": question,
            "answer": answer,
            "task": "QueryAttr",
            "detailed": "positionQuery",
            "image": str(path),
        }
        for number, answer in enumerate(answers)
    ]
    return pd.DataFrame(rows, dtype="str")
