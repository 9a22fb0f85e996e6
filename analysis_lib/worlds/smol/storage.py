"""What training learns around the decoder, by name, in a folder: four bits a value with a scale for every 32 of them.

A file per part, and what their checksums are. It takes a quarter of half precision and 9 MB in all; a value is within a
fourteenth of the largest of its group, which leaves the answers as they are.
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

from analysis_lib.digests import file_digest
from analysis_lib.files import replacing

__all__ = ["SUMS", "checked_files", "learned", "load_weights", "part", "restore", "save_weights"]

SUMS = "SHA256SUMS"
"""Lists the files, as `sha256sum` does; written last, so that a folder whose writing was cut off is told by it."""
_SCALE = "@scale"
_SMALLEST = 1024
"""Tensors with fewer values, and vectors, are kept as they are."""
_GROUP = 32
_LARGEST = 7


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


def save_weights(weights: Mapping[str, torch.Tensor], folder: Path) -> None:
    """Write ``weights`` to ``folder``: a file per module, two for the adapters."""
    folder.mkdir(parents=True, exist_ok=True)
    files: dict[str, dict[str, torch.Tensor]] = {}
    for name in sorted(weights):
        files.setdefault(_file_of(name), {}).update(_stored(name, weights[name].detach().float().cpu()))
    for file, stored in files.items():
        shapes = {name: list(weights[name].shape) for name in stored if name in weights}
        with replacing(folder / file) as partial:
            save_file(stored, partial, metadata={"format": f"int4 by {_GROUP}", "shapes": json.dumps(shapes)})
    with replacing(folder / SUMS) as partial:
        partial.write_text("".join(f"{file_digest(folder / file)}  {file}\n" for file in files), encoding="ascii")


def load_weights(folder: Path) -> dict[str, torch.Tensor]:
    """The weights of a folder that `save_weights` wrote, in float32.

    Raises
    ------
    FileNotFoundError
        no such folder, or a file of it is missing.
    ValueError
        a file is not the one that was written.
    """
    weights: dict[str, torch.Tensor] = {}
    for file in checked_files(folder):
        try:
            with safe_open(file, framework="pt") as opened:
                shapes = json.loads((opened.metadata() or {})["shapes"])
                stored = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 - no mapping
            weights |= {name: _restored(stored, name, shape) for name, shape in shapes.items()}
        except (SafetensorError, KeyError, ValueError, RuntimeError) as error:
            raise ValueError(f"{file} holds no weights in four bits ({error}); fetch it again") from None
    return weights


def checked_files(folder: Path) -> list[Path]:
    """The files of a folder that `save_weights` wrote, each the one that its checksum was taken of.

    Raises
    ------
    FileNotFoundError, ValueError
        as `load_weights`.
    """
    sums = folder / SUMS
    if not sums.is_file():
        raise FileNotFoundError(f"there is no list of weights {sums}")
    lines = [line.split() for line in sums.read_text(encoding="ascii", errors="replace").splitlines()]
    if not lines or any(len(line) != 2 for line in lines):
        raise ValueError(f"{sums} is no list of checksums and files; fetch it again")
    for digest, name in lines:
        if not (folder / name).is_file():
            raise FileNotFoundError(f"{folder} lacks {name}, which {SUMS} lists")
        if file_digest(folder / name) != digest:
            raise ValueError(f"{folder / name} is not the file that was written, its checksum differs; fetch it again")
    return [folder / name for _, name in lines]


def _file_of(name: str) -> str:
    module, second = name.split(".")[:2]
    return f"{module}.{second}.safetensors" if module == "adapters" else f"{module}.safetensors"


def _stored(name: str, weight: torch.Tensor) -> dict[str, torch.Tensor]:
    if weight.ndim < 2 or weight.numel() < _SMALLEST or weight.numel() % _GROUP:
        return {name: weight.contiguous()}
    groups = weight.reshape(-1, _GROUP)
    scale = (groups.abs().amax(1, keepdim=True) / _LARGEST).half()
    whole = (groups / scale.float().clamp(min=torch.finfo(torch.float32).tiny)).round().clamp(-_LARGEST, _LARGEST)
    halves = (whole + 8).to(torch.uint8)
    return {name: halves[:, ::2] | halves[:, 1::2] << 4, name + _SCALE: scale}


def _restored(stored: Mapping[str, torch.Tensor], name: str, shape: list[int]) -> torch.Tensor:
    weight = stored[name]
    if weight.dtype == torch.uint8:
        whole = torch.stack((weight & 15, weight >> 4), -1).flatten(1).float() - 8
        weight = whole * stored[name + _SCALE].float()
    return weight.reshape(shape)
