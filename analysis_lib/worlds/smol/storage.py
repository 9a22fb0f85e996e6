"""What training learns around the decoder, by name, and its file: eight bits a value with a scale for every row.

The file has half the size of one in half precision; every value is within half a percent of its row's largest.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from analysis_lib.files import replacing

__all__ = ["learned", "load_weights", "part", "restore", "save_weights"]

_SCALE = "@scale"
_SMALLEST = 1024
"""Tensors with fewer values, and vectors, are kept as they are."""


def learned(llava: Any, adapters: nn.Module) -> dict[str, torch.Tensor]:
    """What training learns of a LLaVA: tower, projector and adapters, by name."""
    modules = _modules(llava, adapters).items()
    return {f"{name}.{key}": weight for name, module in modules for key, weight in module.state_dict().items()}


def restore(llava: Any, adapters: nn.Module, weights: Mapping[str, torch.Tensor]) -> None:
    """The opposite of `learned`."""
    for name, module in _modules(llava, adapters).items():
        module.load_state_dict(part(weights, name))


def part(weights: Mapping[str, torch.Tensor], name: str) -> dict[str, torch.Tensor]:
    """The weights of the ``"tower"``, the ``"projector"`` or the ``"adapters"``, under their own names."""
    return {key.removeprefix(f"{name}."): weight for key, weight in weights.items() if key.startswith(f"{name}.")}


def _modules(llava: Any, adapters: nn.Module) -> dict[str, nn.Module]:
    model = llava.model
    return {"tower": model.vision_tower, "projector": model.multi_modal_projector, "adapters": adapters}


def save_weights(weights: Mapping[str, torch.Tensor], path: Path) -> None:
    """Write ``weights`` to ``path``, in one step."""
    stored: dict[str, torch.Tensor] = {}
    for name, weight in weights.items():
        weight = weight.detach().float().cpu()
        if weight.ndim < 2 or weight.numel() < _SMALLEST:
            stored[name] = weight.contiguous()
            continue
        rows = _rows(weight)
        scale = (rows.abs().amax(-1, keepdim=True) / 127).clamp(min=1e-30)
        stored[name] = (rows / scale).round().clamp(-127, 127).to(torch.int8).view(weight.shape).contiguous()
        stored[name + _SCALE] = scale.contiguous()
    with replacing(path) as partial:
        save_file(stored, partial, metadata={"format": "int8 rows", "tensors": json.dumps(sorted(weights))})


def load_weights(path: Path) -> dict[str, torch.Tensor]:
    """The weights of a file that `save_weights` wrote, in float32.

    Raises
    ------
    FileNotFoundError: no such file.
    ValueError: cut short, or not such a file.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no file of weights {path}")
    try:
        with safe_open(path, framework="pt") as file:
            names = json.loads((file.metadata() or {})["tensors"])
            stored = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - safe_open is no mapping
        return {name: _restored(stored, name) for name in names}
    except (SafetensorError, KeyError, ValueError) as error:
        raise ValueError(f"{path} is damaged or holds no weights in eight bits ({error}); fetch it again") from None


def _restored(stored: Mapping[str, torch.Tensor], name: str) -> torch.Tensor:
    weight = stored[name]
    if weight.dtype != torch.int8:
        return weight
    return (_rows(weight).float() * stored[name + _SCALE]).view(weight.shape)


def _rows(weight: torch.Tensor) -> torch.Tensor:
    """A matrix, or a stack of them, by rows; a convolution by output channels."""
    return weight.flatten(1) if weight.ndim == 4 else weight
