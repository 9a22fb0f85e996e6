"""The word-level tokenizer of the embedded models.

Text is lower-cased and cut into words, punctuation marks and newlines, so that a prompt is written exactly as for
LLaVA-1.5 (``USER: <image>\\n{question} ASSISTANT:``) and the newline between picture and question is a token of its
own. LLaVA-1.6 knows the words of its system prompt as well.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from ..world import CATEGORIES, COLORS, MATERIALS, SIZES

__all__ = ["IMAGE_TOKEN", "VICUNA_SYSTEM", "VICUNA_VOCABULARY", "VOCABULARY", "build_tokenizer", "words"]

IMAGE_TOKEN = "<image>"
_SPECIAL = ("<pad>", "<s>", "</s>", "<unk>", IMAGE_TOKEN)
_GRAMMAR = (
    ": ? , . user assistant is are the or what which kind type of object a that made does do you see appear to "
    "be left right above below both and have in common there either on side photo image describe every by "
    "name yes no color material size top middle bottom center"
)
VOCABULARY: dict[str, int] = {
    word: index
    for index, word in enumerate((*_SPECIAL, "\n", *_GRAMMAR.split(), *CATEGORIES, *COLORS, *MATERIALS, *SIZES))
}
_PATTERN = r"\n|\w+|[^\w\s]"
_WORD = re.compile(_PATTERN)
VICUNA_SYSTEM = (
    "A chat between a curious human and an artificial intelligence assistant. "
    "The assistant gives helpful, detailed, and polite answers to the human's questions. "
)
"""The system prompt of llava-v1.6-vicuna-7b-hf's chat template."""
_VICUNA_WORDS = [word for word in dict.fromkeys(re.findall(_PATTERN, VICUNA_SYSTEM.lower())) if word not in VOCABULARY]
VICUNA_VOCABULARY: dict[str, int] = VOCABULARY | {
    word: index for index, word in enumerate(_VICUNA_WORDS, start=len(VOCABULARY))
}


def words(text: str, vocabulary: Mapping[str, int] = VOCABULARY) -> list[int]:
    """Token ids of plain text without special tokens; what `build_tokenizer` gives, fast enough for a training loop."""
    return [vocabulary[word] for word in _WORD.findall(text.lower())]


def build_tokenizer(vocabulary: Mapping[str, int] = VOCABULARY) -> PreTrainedTokenizerFast:
    """The tokenizer in transformers format: ``<s>`` in front, unknown words become ``<unk>``."""
    tokenizer = Tokenizer(models.WordLevel(dict(vocabulary), unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(_PATTERN), behavior="removed", invert=True)
    tokenizer.decoder = decoders.WordPiece(prefix="##")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", VOCABULARY["<s>"])]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
        extra_special_tokens={"image_token": IMAGE_TOKEN},
        padding_side="right",
        model_max_length=512,
    )
