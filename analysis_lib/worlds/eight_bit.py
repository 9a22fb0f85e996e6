"""Weights in eight bits: each row of a matrix as int8 with a scale, a quarter of float32's size.

Such a file is called `EIGHT_BIT_FILE`, not ``model.safetensors``, so that nothing takes its integers for weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from analysis_lib.files import replacing

__all__ = ["EIGHT_BIT_FILE", "lost_scales", "read_eight_bit", "write_eight_bit"]

EIGHT_BIT_FILE = "weights.int8.safetensors"
_SCALE = ":scale"
_LARGEST = 127


def write_eight_bit(folder: Path, weights: Mapping[str, torch.Tensor]) -> None:
    """Write ``weights`` to ``folder``: tensors of two or more axes as int8 by first axis, the others as float16."""
    kept: dict[str, torch.Tensor] = {}
    for name, weight in weights.items():
        if weight.ndim < 2:
            kept[name] = weight.half().contiguous()
            continue
        rows = weight.float().flatten(1)
        scale = rows.abs().amax(1) / _LARGEST
        whole = (rows / scale.clamp(min=torch.finfo(torch.float32).tiny)[:, None]).round()
        kept[name] = whole.to(torch.int8).view(weight.shape)
        kept[name + _SCALE] = scale
    with replacing(folder / EIGHT_BIT_FILE) as partial:
        save_file({name: tensor.cpu() for name, tensor in kept.items()}, partial, metadata={"format": "pt"})


def lost_scales(formats: Mapping[str, str]) -> set[str]:
    """Which tensors, given all by name with their number format, are neither floats nor int8 with a float32 scale."""
    whole = {name for name, kind in formats.items() if kind == "I8" and formats.get(name + _SCALE) == "F32"}
    return {name for name, kind in formats.items() if name not in whole and kind not in ("F16", "F32")}


def read_eight_bit(folder: Path) -> dict[str, torch.Tensor]:
    """The weights of `write_eight_bit` in float32."""
    kept = load_file(folder / EIGHT_BIT_FILE)
    weights = {}
    for name, tensor in kept.items():
        if name.endswith(_SCALE):
            continue
        values = tensor.float()
        if tensor.dtype == torch.int8:
            values *= kept[name + _SCALE].view(-1, *[1] * (values.ndim - 1))
        weights[name] = values
    return weights
