"""How long it takes: extraction on a GPU by name or on this CPU, and decomposition on its cores."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache

from analysis_lib.activations.prompt_keys import SHARE

from .machines import RATES, Gpu
from .planning import ModelPlan

__all__ = ["RESERVED", "Seconds", "cores", "is_wide", "largest_batch", "on_cpu", "on_gpu", "to_decompose"]

RESERVED = 1_000_000_000
"""Bytes of a GPU's memory that its driver and libraries take."""


@dataclass(frozen=True)
class Seconds:
    """Seconds of the ``forward`` passes, and ``beside`` them of pictures and writing; ``measured``, or estimated."""

    forward: float
    beside: float
    measured: bool

    @property
    def total(self) -> float:
        """One after the other."""
        return self.forward + self.beside


def on_gpu(one: ModelPlan, gpu: Gpu) -> Seconds:
    """Of extraction, on a GPU in a machine whose CPU reads and writes as fast as the measured one's."""
    rate, measured = gpu.rate(one.dtype, one.family)
    return Seconds(sum(one.operations.values()) / rate, _beside(one), measured)


def on_cpu(one: ModelPlan) -> Seconds:
    """Of extraction on this CPU, by the rate of a matrix product on it."""
    shares = RATES["cpu"]["shares"]
    share = shares["wide" if is_wide(one) else "narrow"]
    return Seconds(sum(one.operations.values()) / (_product() * share), _beside(one), False)


def is_wide(one: ModelPlan) -> bool:
    """Whether operations are what takes the time, not the calls of them."""
    return one.width >= RATES["cpu"]["narrow_below"]


def to_decompose(one: ModelPlan) -> float:
    """Seconds of decomposition on all cores of this machine, a task on each."""
    return one.draws * RATES["decompose"]["seconds_per_draw"] / min(cores(), len(one.tasks))


def largest_batch(one: ModelPlan, memory: float) -> int:
    """How many of the profile's ``batch_size`` questions run together in so much memory; halved until they fit.

    A share of what the weights leave is for the keys and values that answers go on from.
    """
    batch = one.batch_size
    left = (memory - RESERVED - one.weights) * (1 - SHARE if one.generates else 1)
    while batch and batch * one.per_question.activations > left:
        batch //= 2
    return batch


def cores() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _beside(one: ModelPlan) -> float:
    rates = RATES["beside"]
    per_value = rates["seconds_per_million_values"].get(one.family, min(rates["seconds_per_million_values"].values()))
    reads = sum(task.reads for task in one.tasks)
    return reads * one.pixels / 1e6 * per_value + one.array_bytes / 1e9 * rates["seconds_per_gigabyte"]


@cache
def _product() -> float:
    """Operations per second of a matrix product in single precision on all cores, measured here and now."""
    import torch

    from analysis_lib.rehearsal import device_peak

    before = torch.get_num_threads()
    torch.set_num_threads(cores())
    try:
        return device_peak("cpu")[0]
    finally:
        torch.set_num_threads(before)
