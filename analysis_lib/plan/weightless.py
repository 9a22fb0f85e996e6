"""Models without their weights: built on no device at all from a configuration, with a processor where there is one."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import try_to_load_from_cache
from transformers import AutoConfig, LlamaConfig, SmolVLMConfig

from analysis_lib.models import EMBEDDED_MODELS, PROMPTS, VisionLanguageModel
from analysis_lib.models.checkpoint import check_folder
from analysis_lib.models.families import family_of, model_class
from analysis_lib.models.processing import load_processor
from analysis_lib.models.prompts import chat_prompt, check_prompt, in_own_words
from analysis_lib.rehearsal import SHAPES
from analysis_lib.rehearsal.shapes import configuration
from analysis_lib.vocabulary import ASSEMBLED_MODELS
from analysis_lib.worlds.mini.embedded import embedded_folder
from analysis_lib.worlds.smol.assembly import assembled_smol

__all__ = ["Shaped", "shape_of"]


@dataclass(frozen=True)
class Shaped:
    """A model on the device ``meta``: its tensors have shapes and no values.

    Attributes
    ----------
    vlm
        the model; its processor is ``None`` where nothing is here but what is known of the published one.
    known_from
        in words, where its sizes come from.
    """

    vlm: VisionLanguageModel
    known_from: str

    @property
    def parameters(self) -> int:
        """How many weights it has."""
        return sum(weight.numel() for weight in self.vlm.model.parameters())

    @property
    def weights(self) -> int:
        """Bytes that they take in its number format."""
        return sum(weight.numel() * weight.element_size() for weight in self.vlm.model.parameters())


def shape_of(loaded_from: str, prompt: str | None, dtype: str, root: Path) -> Shaped:
    """The model that a profile loads, from the configuration in its folder or in the hub's cache, without its weights.

    Nothing is downloaded: of the models of the profiles that ship the published sizes are known.

    Raises
    ------
    ValueError
        its configuration or processor cannot be used, or nothing here says what sizes it has.
    """
    folder = _folder(loaded_from, root)
    if folder is None:
        return _published(loaded_from, prompt, dtype)
    check_folder(folder)
    try:
        config = AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    except Exception as error:  # the library's errors for configurations are of many kinds
        raise ValueError(f"{folder / 'config.json'} cannot be used ({error}); take the checkpoint's own") from error
    model = _on_meta(config, loaded_from, dtype)
    if not (folder / "tokenizer_config.json").is_file():  # the hub's cache may hold the configuration alone
        return Shaped(
            VisionLanguageModel(loaded_from, model, None, _template(prompt)), f"{folder / 'config.json'}, no processor"
        )
    family = family_of(config, loaded_from)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # loading says it again
        processor, assumed = load_processor(folder, model)
    own = in_own_words(check_prompt(prompt) if prompt else chat_prompt(processor, folder, family.placeholder), family)
    return Shaped(VisionLanguageModel(loaded_from, model, processor, own, assumed), str(folder / "config.json"))


def _folder(loaded_from: str, root: Path) -> Path | None:
    if loaded_from in EMBEDDED_MODELS:
        return embedded_folder(loaded_from)
    if loaded_from in ASSEMBLED_MODELS:
        return assembled_smol()  # put together once, as a run would
    if (root / loaded_from / "config.json").is_file():
        return root / loaded_from
    if (root / loaded_from).is_dir():
        raise ValueError(f"{loaded_from} has no config.json; give a model's folder in transformers format")
    hub_name, _, revision = loaded_from.partition("@")
    try:
        cached = try_to_load_from_cache(hub_name, "config.json", revision=revision or None)
    except ValueError:  # no name that a hub could have
        cached = None
    return Path(cached).parent if isinstance(cached, str) else None


def _published(loaded_from: str, prompt: str | None, dtype: str) -> Shaped:
    name = loaded_from.partition("@")[0]
    if name not in PUBLISHED:
        raise ValueError(
            f"nothing here says what sizes {name} has: give its folder (MODEL_PATH), or fetch its config.json into the "
            f"hub's cache (hf download {name} config.json). Without it are known: {', '.join(PUBLISHED)}"
        )
    model = _on_meta(PUBLISHED[name](), name, dtype)
    return Shaped(
        VisionLanguageModel(name, model, None, _template(prompt)), "the published sizes, as nothing is downloaded"
    )


def _template(prompt: str | None) -> str:
    return check_prompt(prompt) if prompt else PROMPTS["llava-1.5"]


def _on_meta(config: Any, name: object, dtype: str) -> Any:
    config._attn_implementation = "sdpa"
    family = family_of(config, name)
    before = torch.get_default_dtype()
    try:
        torch.set_default_dtype(getattr(torch, dtype))
        with torch.device("meta"):
            return model_class(family)(config).eval().requires_grad_(False)
    finally:
        torch.set_default_dtype(before)


def _smolvlm() -> Any:
    """SmolVLM2-256M: SmolLM2-135M behind SigLIP-B/16 at 512 pixels, whose patches are joined four by four."""
    vision = {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12}
    text = LlamaConfig(
        hidden_size=576, intermediate_size=1536, num_hidden_layers=30, num_attention_heads=9, num_key_value_heads=3,
        vocab_size=49280, max_position_embeddings=8192, tie_word_embeddings=False,
    )  # fmt: skip
    return SmolVLMConfig(
        vision_config=vision | {"image_size": 512, "patch_size": 16, "model_type": "smolvlm_vision"},
        text_config=text, scale_factor=4, image_token_id=49190, tie_word_embeddings=False, pad_token_id=2,
    )  # fmt: skip


PUBLISHED: dict[str, Callable[[], Any]] = {
    "llava-hf/llava-1.5-7b-hf": lambda: configuration(SHAPES["llava-1.5-7b"]),
    "llava-hf/llava-v1.6-vicuna-7b-hf": lambda: configuration(SHAPES["llava-1.6-vicuna-7b"]),
    "HuggingFaceTB/SmolVLM2-256M-Video-Instruct": _smolvlm,
}
"""Configurations of published models by their names on the hub."""
