"""Copies of a checkpoint to damage: its tensors and its settings, edited as a careless hand or a cut download would."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
Tensors = dict[str, torch.Tensor]


def copy(folder: Path, to: Path) -> Path:
    return Path(shutil.copytree(folder, to))


def edit(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change a file of JSON in place."""
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def settings(path: Path, **values: Any) -> None:
    """Set values by name; ``None`` takes the name out."""
    kept = json.loads(path.read_text()) | values
    path.write_text(json.dumps({name: value for name, value in kept.items() if value is not None}))


def tensors(folder: Path) -> Tensors:
    return load_file(folder / WEIGHTS)


def with_tensors(change: Callable[[Tensors], Tensors | None]) -> Callable[[Path], None]:
    """A fault of the weights: ``change`` edits the tensors in place or returns others."""

    def fault(folder: Path) -> None:
        held = tensors(folder)
        save_file(change(held) or held, folder / WEIGHTS, metadata={"format": "pt"})

    return fault


def renamed(names: Callable[[str], str]) -> Callable[[Path], None]:
    return with_tensors(lambda held: {names(name): value for name, value in held.items()})


def shard(folder: Path, n: int = 3) -> list[str]:
    """Cut the weights into ``n`` files with an index; returns the files' names."""
    held = tensors(folder)
    files = [f"model-{number + 1:05}-of-{n:05}.safetensors" for number in range(n)]
    where = {name: files[number % n] for number, name in enumerate(sorted(held))}
    for file in files:
        part = {name: value for name, value in held.items() if where[name] == file}
        save_file(part, folder / file, metadata={"format": "pt"})
    (folder / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": where}))
    (folder / WEIGHTS).unlink()
    return files
