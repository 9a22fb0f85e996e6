"""Reading a joint covariance: checked, cut into named blocks, each block whitened on its own.

Block-first whitening is what keeps the atoms invariant under badly scaled linear maps of each variable: every block is
equilibrated and factored by itself, and only whitened cross-covariances meet. No ridge is added anywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from analysis_lib.pid.samples.arrays import read_numbers, refuse_odd_tensor

SYMMETRY_TOLERANCE = 1e-8
# Smaller numbers have fewer digits, and a covariance made of them has lost its own.
LEAST_VARIANCE = torch.finfo(torch.float64).tiny
CURES = {
    "singular": (
        "Remove linearly dependent columns, project the block on fewer principal components, or estimate the "
        "covariance from more samples; no ridge is added because it would change the result by bits"
    ),
    "indefinite": (
        "A covariance has no negative eigenvalue: estimate it from complete rows in float64 (pairwise deletion, "
        "rounding or editing of entries can make it indefinite)"
    ),
}


@dataclass(frozen=True)
class Blocks:
    """A checked covariance, flattened to ``(n_batch, d, d)``, and the names and sizes of its blocks."""

    covariance: Tensor
    names: tuple[str, ...]
    dims: tuple[int, ...]
    batch_shape: torch.Size

    def span(self, index: int) -> slice:
        """Rows of block ``index``."""
        start = sum(self.dims[:index])
        return slice(start, start + self.dims[index])


def read_blocks(covariance: Any, dims: Sequence[int], names: tuple[str, ...]) -> Blocks:
    """Check shape, finiteness, symmetry and variances of ``(..., d, d)``; float64, equilibrated to unit scale.

    Raises ``ValueError`` naming the block at fault and the cure.
    """
    sizes = _read_dims(dims, names)
    matrix = read_entries(covariance)
    width = sum(sizes)
    if matrix.ndim < 2 or matrix.shape[-1] != matrix.shape[-2]:
        raise ValueError(f"covariance must have shape (..., d, d), got {tuple(matrix.shape)}")
    if matrix.shape[-1] != width:
        parts = " + ".join(f"{size} ({name})" for name, size in zip(names, sizes, strict=True))
        raise ValueError(
            f"covariance is {matrix.shape[-1]} x {matrix.shape[-1]}, but dims add up to {parts} = {width}. "
            f"Order the rows {', '.join(names)} and give the number of columns of each in dims"
        )
    blocks = Blocks(matrix.reshape(-1, width, width), names, sizes, matrix.shape[:-2])
    variances = blocks.covariance.diagonal(dim1=-2, dim2=-1)
    scaled = _equilibrate(blocks.covariance)
    asymmetry = scaled - scaled.mT
    # An entry that is not finite differs from itself, so two comparisons clear a sound batch.
    if not bool((asymmetry.amax((-2, -1)) <= SYMMETRY_TOLERANCE).all() & (variances >= LEAST_VARIANCE).all()):
        _refuse_entries(blocks)
        _refuse_asymmetry(blocks, asymmetry.abs())
    return Blocks(scaled.sub_(asymmetry, alpha=0.5), names, sizes, blocks.batch_shape)


def _read_dims(dims: Sequence[int], names: tuple[str, ...]) -> tuple[int, ...]:
    try:
        sizes = tuple(int(size) for size in dims)
        whole = all(size == given and not isinstance(given, bool) for size, given in zip(sizes, dims, strict=True))
    except (TypeError, ValueError):
        raise ValueError(f"dims must hold one integer for each of {', '.join(names)}, got {dims!r}") from None
    if len(sizes) != len(names) or not whole or min(sizes) < 1:
        raise ValueError(f"dims must hold one positive integer for each of {', '.join(names)}, got {dims!r}")
    return sizes


def read_entries(covariance: Any) -> Tensor:
    """Entries as given, in float64, on the device of a tensor."""
    if isinstance(covariance, Tensor):
        refuse_odd_tensor(covariance, "covariance")
        return covariance.detach().to(torch.float64)
    values = read_numbers(covariance, "covariance").values
    return torch.from_numpy(values if values.flags.writeable else values.copy())


def _where(blocks: Blocks, failing: Tensor) -> str:
    """Words for the position in the batch of the first failing problem."""
    if not blocks.batch_shape:
        return ""
    flat = failing.nonzero()[:, 0]
    first = np.unravel_index(int(flat[0]), tuple(blocks.batch_shape))
    return f" (batch index {tuple(int(i) for i in first)}, {len(flat)} of {len(failing)} problems)"


def _refuse_entries(blocks: Blocks) -> None:
    """Raise for entries that are not finite and for variances that are not positive."""
    matrix = blocks.covariance
    finite = torch.isfinite(matrix)
    if not bool(finite.all()):
        # A block is blamed for its own entries; entries between two blocks are blamed on the joint.
        for i, name in enumerate(blocks.names):
            failing = ~finite[:, blocks.span(i), blocks.span(i)].flatten(1).all(1)
            if bool(failing.any()):
                raise ValueError(_not_finite(f"the {name} block", blocks, failing))
        raise ValueError(_not_finite("the joint covariance between blocks", blocks, ~finite.flatten(1).all(1)))
    variances = matrix.diagonal(dim1=-2, dim2=-1)
    for i, name in enumerate(blocks.names):
        block = variances[:, blocks.span(i)]
        failing = (block < LEAST_VARIANCE).any(1)
        if bool(failing.any()):
            column = int((block[failing.nonzero()[0, 0]] < LEAST_VARIANCE).nonzero()[0, 0])
            value = float(block[failing.nonzero()[0, 0], column])
            cure = "must be positive. Remove constant columns"
            if value > 0:
                cure = "so small have lost digits. Give that column in another unit"
            raise ValueError(
                f"the {name} block has variance {value:g} in column {column}{_where(blocks, failing)}: variances {cure}"
            )


def _refuse_asymmetry(blocks: Blocks, asymmetry: Tensor) -> None:
    """Raise for ``asymmetry`` ``(n_batch, d, d)`` of the equilibrated covariance, whose entries are about one."""
    failing = ~(asymmetry.flatten(1).amax(1) <= SYMMETRY_TOLERANCE)
    first = asymmetry[failing.nonzero()[0, 0]]
    row, column = divmod(int(first.argmax()), first.shape[-1])
    owners = [next(n for j, n in enumerate(blocks.names) if k < blocks.span(j).stop) for k in (row, column)]
    block_name = f"the {owners[0]} block" if owners[0] == owners[1] else f"the joint of {owners[0]} and {owners[1]}"
    raise ValueError(
        f"{block_name} is not symmetric at ({row}, {column}): relative difference {float(first.max()):.1e}"
        f"{_where(blocks, failing)}. Pass a covariance, or (C + C.T) / 2 when the difference is rounding"
    )


def _not_finite(what: str, blocks: Blocks, failing: Tensor) -> str:
    return f"{what} holds NaN or infinite entries{_where(blocks, failing)}. Drop the rows that cause them first"


def _equilibrate(matrix: Tensor) -> Tensor:
    """Scale rows and columns by powers of two, without rounding, to variances between 1/2 and 2."""
    variances = matrix.diagonal(dim1=-2, dim2=-1)
    scale = torch.ldexp(torch.ones_like(variances), -(torch.frexp(variances).exponent >> 1))
    return (matrix * scale[:, :, None]).mul_(scale[:, None, :])


def degenerate(blocks: Blocks, indices: Sequence[int], failing: Tensor) -> ValueError:
    """The error for blocks ``indices`` (together) that are not positive definite where ``failing`` is true."""
    rows = torch.cat([torch.arange(blocks.span(i).start, blocks.span(i).stop) for i in indices])
    first = int(failing.nonzero()[0, 0])
    matrix = blocks.covariance[first][rows][:, rows]
    scale = matrix.diagonal().sqrt()
    smallest = float(torch.linalg.eigvalsh(matrix / (scale[:, None] * scale[None, :]))[0])
    kind = "indefinite" if smallest < -1e-12 * len(rows) else "singular"
    names = [blocks.names[i] for i in indices]
    if len(names) == 1:
        what = f"the {names[0]} block"
    elif len(names) == len(blocks.names):
        what = f"the joint covariance of {', '.join(names[:-1])} and {names[-1]}"
    else:
        what = f"the joint covariance of {names[0]} and {names[1]}"
    return ValueError(
        f"{what} is {kind}{_where(blocks, failing)}: the smallest eigenvalue of its correlation matrix is "
        f"{smallest:.3g} in {len(rows)} dimensions. {CURES[kind]}"
    )
