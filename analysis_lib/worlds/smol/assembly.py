"""Put smol-llava together: the pretrained decoder from its package, and what training learned around it.

The result is an ordinary folder in transformers format, kept in the cache: whoever loads it loads a LLaVA.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import psutil
import transformers

from analysis_lib.digests import file_digest
from analysis_lib.files import cache_folder, new_folder
from analysis_lib.main_memory import main_memory

from .adapters import Adapters, merge
from .pretrained_decoder import IMAGE_TOKEN, check_decoder, decoder_path, load_decoder
from .smol_llava import build_llava, build_processor, llava_config, tower_config
from .storage import SUMS, checked_files, load_weights, part, restore

__all__ = ["CHECKPOINT", "assembled_smol", "save_assembled", "smol_training_report"]

CHECKPOINT = Path(__file__).parent / "checkpoint"
"""What training learned, as it ships with the package."""
_REPORT = "training.json"
_ASSEMBLY_VERSION = 2
"""Part of the cache's name: raise it whenever the assembled folder would change."""
_GIGABYTES_NEEDED = 1.5


def assembled_smol() -> Path:
    """The folder of smol-llava in transformers format, assembled on first use; half a minute, 280 MB.

    Raises
    ------
    FileNotFoundError
        the decoder's package is not installed, or the learned weights are not there.
    ValueError
        one of them is of another version, cut or damaged.
    MemoryError
        too little memory is free.
    """
    digest = _checked_weights()
    path = decoder_path()
    check_decoder(path)
    folder = cache_folder() / f"smol-llava-v{_ASSEMBLY_VERSION}-{digest[:16]}"
    if not folder.exists():
        _refuse_too_little_memory()
        try:
            save_assembled(folder, *load_decoder(path), CHECKPOINT)
        except OSError:
            if not folder.exists():  # another process may have finished the same folder first
                raise
    return folder


def smol_training_report() -> dict[str, Any]:
    """How smol-llava was trained: the ``training.json`` it ships with.

    Raises
    ------
    FileNotFoundError, ValueError
        what training learned is not there, or damaged.
    """
    _checked_weights()
    return json.loads((CHECKPOINT / _REPORT).read_text(encoding="utf-8"))


def save_assembled(
    folder: Path,
    decoder: transformers.LlamaForCausalLM,
    tokenizer: transformers.PreTrainedTokenizerFast,
    learned_folder: Path,
) -> None:
    """Merge what training learned with a decoder and write the whole model, in half precision, to ``folder``.

    Raises
    ------
    ValueError
        the weights do not fit the decoder.
    FileExistsError
        when ``folder`` exists.
    """
    weights = load_weights(learned_folder)
    try:
        position = part(weights, "tower")["embeddings.position_embedding.weight"]
        n_layers = len({name.split(".")[2] for name in part(weights, "tower") if name.startswith("encoder.layers.")})
        config = llava_config(
            tower_config(position.shape[1], n_layers),
            decoder.config,
            int(tokenizer.convert_tokens_to_ids(IMAGE_TOKEN)),
        )
        llava = build_llava(config, decoder.state_dict())
        adapters = Adapters(llava.model.language_model, part(weights, "adapters")["down.q_proj"].shape[1])
        restore(llava, adapters, weights)
    except (KeyError, RuntimeError) as error:
        raise ValueError(
            f"{learned_folder} was not trained around this decoder ({type(error).__name__}: {error}); take the weights "
            "and the decoder that belong together"
        ) from None
    merge(llava.model.language_model, adapters)
    with new_folder(folder) as building:
        llava.half().save_pretrained(building)
        build_processor(tokenizer).save_pretrained(building)


def _checked_weights() -> str:
    """The digest of the learned weights, which is the one that shipped beside them."""
    cure = "put it back with git checkout, install the package again, or train it with `make train-smol`"
    try:
        if not (CHECKPOINT / _REPORT).is_file():
            raise FileNotFoundError(f"{CHECKPOINT} lacks {_REPORT}")
        checked_files(CHECKPOINT)
    except (FileNotFoundError, ValueError) as error:
        raise type(error)(f"smol-llava's learned weights: {error}; {cure}") from None
    return file_digest(CHECKPOINT / SUMS)


def _refuse_too_little_memory() -> None:
    free = min(psutil.virtual_memory().available, main_memory()) / 1e9
    if free < _GIGABYTES_NEEDED:
        raise MemoryError(
            f"smol-llava needs about {_GIGABYTES_NEEDED} GB of memory to be assembled, {free:.1f} GB are free; close "
            "other programs, or use mini-llava-1.5"
        )
