"""What a forward pass starts and moves: kernels, and bytes that they read and write, counted on shapes alone.

Where a GPU's time goes that matrix products do not take: every kernel element by element passes over memory.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from analysis_lib.activations import forward_lockstep
from analysis_lib.activations.decoder import with_features
from analysis_lib.shown import Shown, Summary

from .shapes import Shape, build, generate, window_run

__all__ = ["KINDS", "Traffic", "count_traffic", "summarise_traffic", "traffic_by_kind"]

OWN, FUSED = "own layers", "fused"
"""How layers run: as transformers wrote them, or as extraction runs them where it may."""

_PRODUCTS = ("mm", "addmm", "bmm", "linear", "matmul", "convolution")
_COPIES = (
    "copy",
    "to",
    "clone",
    "contiguous",
    "reshape",
    "cat",
    "stack",
    "index",
    "fill",
    "zero",
    "zeros",
    "new_zeros",
)
KINDS = ("matrix products", "attention", "element by element", "copies and casts")


@dataclass(frozen=True)
class Traffic:
    """Of some work, by kind: how many ``kernels``, and the ``moved`` bytes."""

    kernels: Mapping[str, int]
    moved: Mapping[str, int]


class _Counting(TorchDispatchMode):
    """Counts operations that read or write; views do neither.

    An operation counts as one kernel, which reads its inputs and writes its outputs once. What attention stores within
    itself is not seen.
    """

    def __init__(self) -> None:
        super().__init__()
        self.kernels, self.moved = (dict.fromkeys(KINDS, 0) for _ in range(2))

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        name = func._schema.name.removeprefix("aten::")
        given, made = ([x for x in tree_leaves(each) if isinstance(x, torch.Tensor)] for each in ((args, kwargs), out))
        places = {x.untyped_storage()._cdata for x in given}
        a_view = not func._schema.is_mutable and all(x.untyped_storage()._cdata in places for x in made)
        if not a_view and not name.startswith(("empty", "new_empty")):
            read = given[1:] if name == "copy_" else given
            kind = _kind(name)
            self.kernels[kind] += 1
            self.moved[kind] += sum(map(_size, (*read, *made)))
        return out


def _kind(name: str) -> str:
    plain = name.strip("_")
    if "attention" in plain:
        return "attention"
    if plain in _PRODUCTS:
        return "matrix products"
    return "copies and casts" if plain in (*_COPIES, "to_copy") else "element by element"


def _size(tensor: torch.Tensor) -> int:
    """Bytes of a tensor, what is seen several times counted once."""
    n = 1
    for size, stride in zip(tensor.shape, tensor.stride(), strict=True):
        n *= size if stride else min(size, 1)
    return n * tensor.element_size()


def traffic_by_kind(work: Callable[[], Any]) -> Traffic:
    """Count what ``work`` starts and moves."""
    with torch.inference_mode(), _Counting() as counting:
        work()
    return Traffic(counting.kernels, counting.moved)


def count_traffic(shape: Shape, batch: int = 32, dtype: torch.dtype = torch.bfloat16) -> pd.DataFrame:
    """What extraction's forward moves in a layer of this shape, under the baseline and a knockout around every layer.

    Parameters
    ----------
    shape
        of the model and its prompts.
    batch
        questions that run together, each about its own picture.
    dtype
        of weights and states.

    Returns
    -------
    A row per kind of work and way: ``model``; ``way``, with transformers' ``own layers`` or with ``fused`` ones;
    ``kind`` of `KINDS`; ``kernels`` per layer; ``megabytes`` read and written per layer and question. The picture's
    features are given; what stands before and behind the layers is shared among them.

    Examples
    --------
    >>> from analysis_lib.rehearsal import SHAPES
    >>> counted = count_traffic(SHAPES["llava-1.5-7b"].narrowed(32), batch=1)
    >>> moved = counted.groupby("way")["megabytes"].sum()
    >>> bool(moved["fused"] < moved["own layers"])
    True
    """
    vlm, conditions = build(shape, "meta", dtype), window_run(shape)
    with torch.inference_mode():
        given = with_features(vlm, generate(vlm, shape, batch), range(batch))
    rows = []
    for way, fused in ((OWN, False), (FUSED, True)):
        counted = traffic_by_kind(partial(forward_lockstep, vlm, given, conditions, fused=fused))
        for kind in KINDS:
            moved = counted.moved[kind] / shape.layers / batch / 1e6
            rows.append((shape.name, way, kind, counted.kernels[kind] / shape.layers, moved))
    return pd.DataFrame(rows, columns=["model", "way", "kind", "kernels", "megabytes"])


def summarise_traffic(traffic: pd.DataFrame) -> Summary:
    """What the page says of tables of `count_traffic`, one below the other."""
    total = traffic.groupby(["model", "way"], sort=False)[["kernels", "megabytes"]].sum().unstack("way")
    kernels, moved = total["kernels"], total["megabytes"]
    less = 1 - moved[FUSED] / moved[OWN]
    return {
        "kernels_own": " and ".join(f"{count:.0f}" for count in kernels[OWN]),
        "kernels_fused": " and ".join(f"{count:.0f}" for count in kernels[FUSED]),
        "moved_less": Shown(" and ".join(f"{part:.0%}" for part in less)),
    }
