"""Processors: complete, of the model's kind, and of one mind with the model's configuration."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import transformers

from .checkpoint import read_settings
from .families import Expected, Family, family_of, processor_class, side

__all__ = ["load_processor"]


def load_processor(folder: Path, model: Any) -> tuple[Any, dict[str, Any]]:
    """The processor of a checkpoint, and the settings that its files leave out and the model's configuration gives.

    Older checkpoints say nothing of how many tokens a picture becomes; the library's defaults for them are wrong.

    Raises
    ------
    ValueError
        there is no such processor, its tokenizer is not the model's, or it contradicts the configuration.
    """
    family = family_of(model.config)
    kind = processor_class(family)
    loader = kind if family.films and _named(folder) in (None, family.processor) else transformers.AutoProcessor
    try:
        processor = loader.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    except ImportError as error:
        raise ValueError(
            f"{folder}: its processor, a {family.processor}, needs a package that is not installed ({error}); install "
            "that beside torch"
        ) from error
    except Exception as error:  # the library's errors for files that do not fit together are of many kinds
        raise ValueError(
            f"{folder}: its processor cannot be loaded ({type(error).__name__}: {error}); it needs "
            "preprocessor_config.json or processor_config.json, tokenizer.json and tokenizer_config.json, as the "
            "checkpoint came with them"
        ) from error
    if not isinstance(processor, kind):
        raise ValueError(
            f"{folder}: its processor is a {type(processor).__name__}, but a {family.model_type} model needs a "
            f"{kind.__name__}; take preprocessor_config.json, processor_config.json and tokenizer files from the "
            "model's own checkpoint"
        )
    _check_tokenizer(folder, processor, model, family)
    if family.one_size:
        _check_size(folder, processor.image_processor, model.config.vision_config)
    return processor, _reconcile(folder, processor, family.expected(model))


def _named(folder: Path) -> str | None:
    """The class that the files say their processor is of."""
    for file in ("processor_config.json", "preprocessor_config.json", "tokenizer_config.json"):
        if (name := _declared(folder, file).get("processor_class")) is not None:
            return str(name)
    return None


def _check_tokenizer(folder: Path, processor: Any, model: Any, family: Family) -> None:
    tokenizer = processor.tokenizer
    if not tokenizer.is_fast:
        raise ValueError(
            f"{folder}: its tokenizer ({type(tokenizer).__name__}) is a slow one, which cannot say where in a prompt "
            "its tokens lie; save a fast one beside it (tokenizer.json)"
        )
    image = family.token
    if processor.image_token not in (image, family.placeholder):
        raise ValueError(
            f"{folder}: its processor writes pictures as {processor.image_token!r}; prompts here must say {image}, so "
            f"name that as image_token in processor_config.json and in the tokenizer"
        )
    found, expected = tokenizer.encode(image, add_special_tokens=False), model.config.image_token_id
    if len(found) != 1 or found[0] == tokenizer.unk_token_id:
        raise ValueError(
            f"{folder}: its tokenizer has no token {image} (it reads it as {tokenizer.convert_ids_to_tokens(found)}); "
            "take the tokenizer.json that belongs to the model, or add it as a special token"
        )
    if found[0] != expected:
        raise ValueError(
            f"{folder}: {image} is token {found[0]} of its tokenizer, but config.json has image_token_index "
            f"{expected}; take the tokenizer that belongs to the model, or name the right one"
        )
    largest, rows = max(tokenizer.get_vocab().values()), model.get_input_embeddings().num_embeddings
    if largest >= rows:
        raise ValueError(
            f"{folder}: its tokenizer has tokens up to {largest}, but the model knows {rows} only; take the tokenizer "
            "that belongs to the model"
        )


def _check_size(folder: Path, image_processor: Any, vision: Any) -> None:
    """Pictures that are made smaller than the tower's input would be filled up with black, in silence."""
    size = dict(image_processor.size)
    shorter = size.get("shortest_edge") or min(size.get("height") or 0, size.get("width") or 0)
    if image_processor.do_resize and shorter < side(vision.image_size):
        raise ValueError(
            f"{folder}: the processor makes pictures of size {size}, but the model's config.json has a tower for "
            f"{side(vision.image_size)} pixels; set the processor's size right, or take it from the model's own "
            "checkpoint"
        )


def _reconcile(folder: Path, processor: Any, expected: Expected) -> dict[str, Any]:
    """Take from the configuration what the processor's files leave out; refuse what contradicts it."""
    declared = _declared(folder, "processor_config.json")
    of_pictures = _declared(folder, "preprocessor_config.json") | declared.get("image_processor", {})
    counting, cutting = expected
    assumed: dict[str, Any] = {}
    for owner, stated, settings in (
        (processor, declared, counting),
        (processor.image_processor, of_pictures, cutting),
    ):
        for name, value in settings.items():
            given = stated.get(name)
            if given is None:
                assumed[name] = value
                setattr(owner, name, value)
            elif given != value or isinstance(given, bool) != isinstance(value, bool):
                raise ValueError(
                    f"{folder}: the processor's {name} is {given!r}, but the model's config.json makes it {value!r}; "
                    "pictures would become other tokens than the model's. Set one of them right"
                )
    if assumed:
        told = ", ".join(f"{name}={value!r}" for name, value in assumed.items())
        warnings.warn(
            f"{folder}: the processor's files leave out {', '.join(assumed)}; taken from the model's configuration: "
            f"{told}",
            stacklevel=4,
        )
    return assumed


def _declared(folder: Path, name: str) -> Mapping[str, Any]:
    return read_settings(folder / name) if (folder / name).exists() else {}
