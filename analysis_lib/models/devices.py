"""Where a model runs: a device that is there, or which ones are."""

from __future__ import annotations

from importlib.util import find_spec

import torch

__all__ = ["choose_device"]


def choose_device(device: str | torch.device | None) -> str:
    """A device's name; ``None`` takes a GPU where there is one, ``"auto"`` stays for the loader to spread the layers.

    Raises
    ------
    ValueError
        no such device on this machine, or no accelerate to spread layers with.
    """
    if device is None:
        return "cuda" if torch.cuda.is_available() else "cpu"
    if device == "auto":
        if find_spec("accelerate") is None:
            raise ValueError(
                "device 'auto' spreads the layers with the package accelerate, which is not installed; install it, or "
                f"choose one of {', '.join(_present())}"
            )
        return device
    device = str(device) if isinstance(device, torch.device) else device
    if device not in _present():
        raise ValueError(
            f"device {device!r} is not on this machine as torch sees it; choose one of {', '.join(_present())}, auto "
            "for all GPUs, or none for what is there"
        )
    return device


def _present() -> list[str]:
    """Names of the devices that torch can use here."""
    names = ["cpu"]
    if torch.cuda.is_available():
        names += ["cuda", *(f"cuda:{number}" for number in range(torch.cuda.device_count()))]
    if torch.backends.mps.is_available():
        names.append("mps")
    return names
