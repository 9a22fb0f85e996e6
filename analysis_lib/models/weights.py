"""Weights: loaded completely and exactly, or refused; never filled up with random numbers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from analysis_lib.worlds.eight_bit import EIGHT_BIT_FILE, read_eight_bit

from .checkpoint import listing

__all__ = ["load_weights", "refuse_bad_values"]


def load_weights(kind: Any, folder: Path, **options: Any) -> Any:
    """A transformers model of class ``kind`` with every weight from its files, as its configuration describes it.

    Layouts of older versions that transformers itself converts are taken.

    Raises
    ------
    ValueError
        weights are missing, left over, of another shape or not usable, or the configuration cannot be built.
    """
    source: dict[str, Any] = {"pretrained_model_name_or_path": folder}
    try:
        if (folder / EIGHT_BIT_FILE).exists():
            config = kind.config_class.from_pretrained(folder, local_files_only=True)
            source = {"pretrained_model_name_or_path": None, "config": config, "state_dict": read_eight_bit(folder)}
        model, report = kind.from_pretrained(
            **source,
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=True,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # so that the report names all of them
            **options,
        )
    except (MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as error:  # the configuration's and the loader's errors are of many kinds
        raise ValueError(
            f"{folder}: transformers cannot load its weights into the model that its config.json describes "
            f"({type(error).__name__}: {error}); use the files of one checkpoint together, as they were saved"
        ) from error
    _refuse_misfits(folder, report)
    return model


def _refuse_misfits(folder: Path, report: Mapping[str, Any]) -> None:
    """What transformers only warns of: it fills what is missing with random numbers and forgets what is left over."""
    shapes = {
        f"{name} ({tuple(stored)} in the files, {tuple(expected)} by config.json)"
        for name, stored, expected in report["mismatched_keys"]
    }
    said = [
        f"{what} {listing(names)}"
        for what, names in {
            "the files lack": set(report["missing_keys"]),
            "the model has no place for": set(report["unexpected_keys"]),
            "shapes differ of": shapes,
            "errors with": set(report["error_msgs"]),
        }.items()
        if names
    ]
    if said:
        raise ValueError(
            f"{folder}: its weights are not those of the model that its config.json describes: {'; '.join(said)}. Take "
            "config.json and weights of one checkpoint, in transformers format, and all of its files"
        )


def refuse_bad_values(model: Any, source: str) -> None:
    """Refuse weights that are not finite, and tensors of zeros, as a download leaves them that never was completed.

    Biases may be zero.

    Raises
    ------
    ValueError
        which tensors.
    """
    named = {name: weight for name, weight in model.state_dict().items() if weight.numel()}
    ends = [torch.stack(weight.aminmax()).double().cpu() for weight in named.values()]
    infinite = {name for name, (low, high) in zip(named, ends, strict=True) if not torch.isfinite(low + high)}
    if infinite:
        narrow = model.dtype == torch.float16
        raise ValueError(
            f"{source}: weights are not finite: {listing(infinite)}; "
            + ("load it in bfloat16 or float32, if float16 cannot hold them, or " if narrow else "")
            + "download the checkpoint again"
        )
    empty = {
        name for name, (low, high) in zip(named, ends, strict=True) if low == high == 0 and not name.endswith("bias")
    }
    if empty:
        raise ValueError(
            f"{source}: weights are all zero: {listing(empty)}; the file was never filled, download the checkpoint "
            "again"
        )
