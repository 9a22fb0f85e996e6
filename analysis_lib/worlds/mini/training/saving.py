"""A trained model's folder: transformers' files around eight-bit weights, and the report of its training."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from analysis_lib.files import write_atomically
from analysis_lib.worlds.eight_bit import read_eight_bit, write_eight_bit

from ..architectures import Architecture

__all__ = ["save_model", "write_report"]


def save_model(model: Any, architecture: Architecture, folder: Path) -> None:
    """Write ``model`` to ``folder`` and give it the weights that were written: what is measured next is what ships."""
    folder.mkdir(parents=True, exist_ok=True)
    write_eight_bit(folder, dict(model.named_parameters()))
    (folder / "model.safetensors").unlink(missing_ok=True)  # an older training's, which loading would prefer
    kept = read_eight_bit(folder)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(kept[name])
    attention, model.config._attn_implementation = model.config._attn_implementation, None
    model.config.architectures = [type(model).__name__]
    model.config.save_pretrained(folder)
    model.generation_config.save_pretrained(folder)
    model.config._attn_implementation = attention
    architecture.build_processor().save_pretrained(folder)


def write_report(folder: Path, report: dict[str, Any]) -> None:
    """Write ``training.json``."""
    write_atomically(folder / "training.json", json.dumps(report, indent=1))
