"""What an interrupted training run needs to go on, in one file: parameters, the optimizers' state, step and log."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

from analysis_lib.files import replacing

__all__ = ["load_checkpoint", "save_checkpoint"]


def save_checkpoint(
    path: Path,
    step: int,
    log: list[dict[str, Any]],
    named: dict[str, nn.Parameter],
    optimizers: list[torch.optim.Optimizer],
) -> None:
    """Write parameters and the state of their optimizers after ``step`` updates, with the log, to ``path``."""
    tensors = {f"parameter/{name}": p.detach().contiguous() for name, p in named.items()}
    for number, optimizer in enumerate(optimizers):
        for index, state in optimizer.state_dict()["state"].items():
            for key, value in state.items():
                tensors[f"optimizer/{number}/{index}/{key}"] = torch.as_tensor(value).contiguous()
    with replacing(path) as partial:
        save_file(tensors, partial, metadata={"step": str(step), "log": json.dumps(log)})


def load_checkpoint(
    path: Path, named: dict[str, nn.Parameter], optimizers: list[torch.optim.Optimizer]
) -> tuple[int, list[dict[str, Any]]]:
    """Restore what `save_checkpoint` wrote and return its step and log; without a file, step 0 and an empty log."""
    if not path.exists():
        return 0, []
    states: list[dict[int, dict[str, torch.Tensor]]] = [{} for _ in optimizers]
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
        for key in file.keys():  # noqa: SIM118 - safe_open is no mapping
            kind, name = key.split("/", 1)
            if kind == "parameter":
                with torch.no_grad():
                    named[name].copy_(file.get_tensor(key))
            else:
                number, index, slot = name.split("/")
                states[int(number)].setdefault(int(index), {})[slot] = file.get_tensor(key)
    for optimizer, state in zip(optimizers, states, strict=True):
        optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    return int(metadata["step"]), json.loads(metadata["log"])
