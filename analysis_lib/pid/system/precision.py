"""Products and Cholesky factors accurate beyond float64, for nearly deterministic systems.

At 1 - rho = 1e-9 the conditional variance 1 - rho^2 keeps only seven digits when it is formed in float64. An
error-free splitting of the factors (Ozaki, Ogita, Oishi and Rump 2012, doi:10.1007/s11075-011-9478-1) lets ordinary
float64 matrix products return a result and its rounding error; one correction step then gives a Cholesky factor
whose small trailing entries are right to working precision.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

MANTISSA_BITS = 53


def _slices(matrix: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Split ``(..., m, k)`` into two slices short enough that products of slices are exact, and what is left."""
    shift = math.ceil((MANTISSA_BITS + math.ceil(math.log2(matrix.shape[-1] + 1))) / 2)
    remainder = matrix
    parts = []
    for _ in range(2):
        largest = remainder.abs().amax(dim=-1, keepdim=True)
        sigma = torch.ldexp(torch.full_like(largest, 0.75), torch.frexp(largest).exponent + shift)
        part = (remainder + sigma) - sigma
        parts.append(part)
        remainder = remainder - part
    return parts[0], parts[1], remainder


def _two_sum(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Knuth's error-free sum: ``a + b == sum + error`` exactly."""
    total = a + b
    virtual = total - a
    return total, (a - (total - virtual)) + (b - virtual)


def exact_matmul(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """``a @ b`` as an unevaluated sum ``high + low`` of two float64 tensors, right to about 90 bits.

    Shapes ``(..., m, k)`` and ``(..., k, n)``.
    """
    a1, a2, a3 = _slices(a)
    b1, b2, b3 = (part.mT for part in _slices(b.mT))
    high, low = _two_sum(a1 @ b1, a1 @ b2)
    for exact in (a2 @ b1, a2 @ b2):
        high, error = _two_sum(high, exact)
        low = low + error
    return _two_sum(high, low + ((a1 + a2) @ b3 + a3 @ b))


def exact_congruence(transform: Tensor, matrix: Tensor) -> tuple[Tensor, Tensor]:
    """``transform @ matrix @ transform.T`` as ``high + low``; all ``(..., d, d)``."""
    inner_high, inner_low = exact_matmul(matrix, transform.mT)
    high, low = exact_matmul(transform, inner_high)
    return _two_sum(high, low + transform @ inner_low)


def exact_cholesky(high: Tensor, low: Tensor) -> Tensor:
    """Lower Cholesky factor of ``high + low``, its entries right to working precision.

    A first-order correction: for L L' = A - E, the factor of A is L (I + Phi(L^-1 E L^-T)) with Phi the lower triangle
    with halved diagonal. It is applied twice; what remains is the square of the second correction. Rows that cannot be
    factored come back as NaN.
    """
    factor, info = torch.linalg.cholesky_ex(high)
    for _ in range(2):
        product_high, product_low = exact_matmul(factor, factor.mT)
        residual = (high - product_high) + (low - product_low)
        scaled = torch.linalg.solve_triangular(factor, residual, upper=False)
        scaled = torch.linalg.solve_triangular(factor, scaled.mT, upper=False).mT
        correction = torch.tril(scaled)
        correction.diagonal(dim1=-2, dim2=-1).mul_(0.5)
        factor = factor + factor @ correction
    return torch.where((info == 0)[..., None, None], factor, torch.full_like(factor, torch.nan))
