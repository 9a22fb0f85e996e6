"""How sure a proportion is."""

from __future__ import annotations

from scipy.stats import binomtest

from analysis_lib.vocabulary import LEVEL

__all__ = ["wilson_interval"]


def wilson_interval(correct: int, n: int, level: float = LEVEL) -> tuple[float, float]:
    """Wilson's score interval for a proportion (Wilson 1927), which stays inside [0, 1] even when all or none succeed.

    Parameters
    ----------
    correct
        Number of successes.
    n
        Number of trials, at least 1.
    level
        Coverage, between 0 and 1.

    Returns
    -------
    Lower and upper end, as proportions.

    Raises
    ------
    ValueError
        ``n`` is not positive, ``correct`` is not between 0 and ``n``, or ``level`` is not inside (0, 1).

    Examples
    --------
    >>> low, high = wilson_interval(90, 100)
    >>> round(low, 3), round(high, 3)
    (0.84, 0.939)
    """
    if n < 1 or not 0 <= correct <= n or n % 1 or correct % 1:
        raise ValueError(f"expected counts, 0 <= correct <= n with n >= 1, got correct={correct}, n={n}")
    if not 0 < level < 1:
        raise ValueError(f"expected a level between 0 and 1, got {level}")
    interval = binomtest(int(correct), int(n)).proportion_ci(level, method="wilson")
    return float(interval.low), float(interval.high)
