"""How fast lockstep is on a device, against what is usually done, as a share of what the device could compute."""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from analysis_lib.activations import forward_lockstep
from analysis_lib.activations.backends import OF_PREFIX, forward_reference, largest_difference

from .operations import counted, practice
from .shapes import Shape, build, generate, window_run

__all__ = ["H100_PEAK", "Allocations", "Timing", "device_peak", "one_core", "rehearse"]

H100_PEAK = 989.4e12
"""Half-precision operations per second of an H100 SXM (and of an H200), without sparsity, from its data sheet."""

DATA_SHEETS = {"H100 80GB HBM3": H100_PEAK, "H200": H100_PEAK}
"""By what a device's name contains."""

N_PRACTICE = 3
"""Conditions on which the usual practice is timed; each costs the same."""


@dataclass(frozen=True)
class Timing:
    """What was measured. Times are CPU seconds of one core on a CPU, seconds elsewhere.

    Attributes
    ----------
    shape, device, dtype
        what ran, where, in which number format.
    batch, n_conditions
        questions that ran together, each about its own picture, and the conditions of each.
    lockstep_seconds
        per question under all conditions, one value per repeat; pooled states come back to the host.
    practice_seconds
        the same for the usual practice.
    lockstep_operations
        floating point operations per question.
    peak, peak_source
        operations per second that the device could do, and how that is known.
    memory, practice_memory
        the most bytes in use beyond the model, in lockstep and in the usual practice.
    difference
        lockstep from the reference path, relative to the largest value.
    """

    shape: str
    device: str
    dtype: str
    batch: int
    n_conditions: int
    lockstep_seconds: tuple[float, ...]
    practice_seconds: tuple[float, ...]
    lockstep_operations: float
    peak: float
    peak_source: str
    memory: int
    practice_memory: int
    difference: float

    @property
    def questions_per_second(self) -> float:
        """Questions per second in lockstep, each under all conditions."""
        return 1 / float(np.median(self.lockstep_seconds))

    @property
    def ratios(self) -> tuple[float, ...]:
        """How many times faster lockstep is, repeat by repeat."""
        return tuple(p / s for p, s in zip(self.practice_seconds, self.lockstep_seconds, strict=True))

    @property
    def share(self) -> float:
        """The part of the device's peak that lockstep reaches."""
        return self.lockstep_operations * self.questions_per_second / self.peak


def rehearse(
    shape: Shape,
    device: str = "cpu",
    dtype: torch.dtype = torch.float32,
    *,
    batch: int = 4,
    repeats: int = 3,
    seed: int = 0,
) -> Timing:
    """Build a model of this shape on the device and time both ways through it; on a CPU, on one core.

    Raises
    ------
    ValueError
        fewer than one question or repeat.
    """
    if batch < 1 or repeats < 1:
        raise ValueError(f"batch is {batch} and repeats is {repeats}; both must be at least 1")
    with one_core():
        vlm = build(shape, device, dtype, seed)
        conditions = window_run(shape)
        questions, alone = generate(vlm, shape, batch, seed), generate(vlm, shape, 1, seed)
        few = [conditions[i] for i in np.unique(np.linspace(0, len(conditions) - 1, N_PRACTICE).astype(int))]

        def lockstep() -> None:
            for name, values in forward_lockstep(vlm, questions, conditions).items():
                _kept_of(name, values).cpu()

        def usual() -> None:
            for condition in few:
                practice(vlm, alone, condition).cpu()

        # The first run of anything loads libraries and kernels: memory, operations and agreement first, times after.
        memory, practice_memory = (_peak_memory(work, device) for work in (lockstep, usual))
        operations = counted(lockstep) / batch
        _, difference = largest_difference(forward_lockstep(vlm, alone, few), forward_reference(vlm, alone, few, [0]))
        peak, source = device_peak(device)
        taken = [(_seconds(lockstep, device), _seconds(usual, device)) for _ in range(repeats)]
    return Timing(
        shape=shape.name,
        device=_device_name(device),
        dtype=str(dtype).removeprefix("torch."),
        batch=batch,
        n_conditions=len(conditions),
        lockstep_seconds=tuple(seconds / batch for seconds, _ in taken),
        practice_seconds=tuple(seconds * len(conditions) / len(few) for _, seconds in taken),
        lockstep_operations=operations,
        peak=peak,
        peak_source=source,
        memory=memory,
        practice_memory=practice_memory,
        difference=difference,
    )


def _kept_of(name: str, values: torch.Tensor) -> torch.Tensor:
    """What extraction brings back: the picture's states once for all conditions, and of the logits what is said."""
    if name in OF_PREFIX:
        return values[:, 0]
    return values.argmax(-1) if name == "logits" else values


def device_peak(device: str) -> tuple[float, str]:
    """Operations per second that a device can do, and ``"data sheet"`` or ``"matrix product"``.

    Where no data sheet is known the rate of a large matrix product, in half precision except on a CPU, stands for it.
    """
    name = _device_name(device)
    for part, peak in DATA_SHEETS.items():
        if part in name:
            return peak, "data sheet"
    size, dtype = (1024, torch.float32) if device == "cpu" else (8192, torch.bfloat16)
    matrix = torch.randn(size, size, device=device, dtype=dtype)
    _seconds(lambda: matrix @ matrix, device)
    return 2 * size**3 / min(_seconds(lambda: matrix @ matrix, device) for _ in range(5)), "matrix product"


def _device_name(device: str) -> str:
    return "CPU, one core" if device == "cpu" else torch.cuda.get_device_name(device)


def _seconds(work: Callable[[], Any], device: str) -> float:
    if device == "cpu":
        start = time.process_time()
        work()
        return time.process_time() - start
    torch.cuda.synchronize(device)
    start = time.perf_counter()
    work()
    torch.cuda.synchronize(device)
    return time.perf_counter() - start


def _peak_memory(work: Callable[[], Any], device: str) -> int:
    """The most bytes that ``work`` holds at once, beyond what was there before."""
    if device == "cpu":
        with torch.inference_mode(), Allocations() as allocations:
            work()
        return allocations.peak
    before = torch.cuda.memory_allocated(device)
    torch.cuda.reset_peak_memory_stats(device)
    work()
    return torch.cuda.max_memory_allocated(device) - before


class Allocations(TorchDispatchMode):
    """Adds up the storages that operations make, and takes them off again when they are freed."""

    def __init__(self) -> None:
        super().__init__()
        self.now = self.peak = 0
        self._alive: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = {x.untyped_storage()._cdata for x in tree_leaves((args, kwargs)) if isinstance(x, torch.Tensor)}
        out = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(out):
            if isinstance(tensor, torch.Tensor):
                storage = tensor.untyped_storage()
                if storage._cdata not in self._alive | given:
                    self._alive.add(storage._cdata)
                    self.now += storage.nbytes()
                    self.peak = max(self.peak, self.now)
                    weakref.finalize(storage, self._free, storage._cdata, storage.nbytes())
        return out

    def _free(self, key: int, size: int) -> None:
        self._alive.discard(key)
        self.now -= size


@contextmanager
def one_core() -> Iterator[None]:
    """Torch on one thread inside."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
