"""What a profile of a real model needs, made small: random weights that read English, and a folder in GQA's layout."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import (
    AutoConfig,
    AutoProcessor,
    LlavaForConditionalGeneration,
    LlavaNextForConditionalGeneration,
    PreTrainedTokenizerFast,
)

from analysis_lib.tasks import load_questions
from tests.unit.models.tiny import save_tiny

MODELS = {"llava": LlavaForConditionalGeneration, "llava_next": LlavaNextForConditionalGeneration}
SPECIAL = ["<unk>", "<s>", "</s>", "<pad>", "<image>"]


def save_random_model(folder: Path, kind: str, texts: Sequence[str]) -> Path:
    """A few layers of random weights of ``kind``, with subwords learnt from ``texts`` as Llama's tokenizer has them."""
    save_tiny(folder, kind)
    words = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True))
    words.pre_tokenizer = pre_tokenizers.Metaspace()
    words.decoder = decoders.Metaspace()
    bytes_of_others = [f"<0x{byte:02X}>" for byte in range(256)]
    words.train_from_iterator(
        texts, trainers.BpeTrainer(vocab_size=1200, special_tokens=SPECIAL + bytes_of_others, show_progress=False)
    )
    words.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=words,
        unk_token="<unk>",
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>",
        extra_special_tokens={"image_token": "<image>"},
    )
    config = AutoConfig.from_pretrained(folder)
    config.text_config.vocab_size = len(tokenizer)
    config.image_token_index = tokenizer.convert_tokens_to_ids("<image>")
    MODELS[kind](config).save_pretrained(folder)
    processor = AutoProcessor.from_pretrained(folder)
    processor.tokenizer = tokenizer
    processor.save_pretrained(folder)
    return folder


def lay_out_gqa(folder: Path, questions_file: Path, tasks: Sequence[str], n: int, seed: int) -> Path:
    """The questions read where they lie, with noise for the pictures of those ``n`` a task that ``seed`` draws."""
    (folder / "images").mkdir(parents=True)
    (folder / "val_balanced_questions.json").symlink_to(questions_file)
    rng = np.random.default_rng(seed)
    for task in tasks:
        for name in load_questions(folder, task, n=n, seed=seed)["image_id"]:
            width, height = rng.integers(40, 90, 2)
            noise = Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8))
            noise.save(folder / "images" / f"{name}.jpg")
    return folder
