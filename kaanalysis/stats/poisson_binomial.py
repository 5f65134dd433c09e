"""How many of several independent events happen, each with a chance of its own."""

from __future__ import annotations

from typing import Any

import numpy as np

from kaanalysis.stats.inputs import FloatArray, check_level, numbers


def poisson_binomial(chances: Any) -> FloatArray:
    """The probability of 0, 1 … n events, shape (n + 1,), for independent events with these chances (n,), 0 … 1.

    By convolution, exact for any n (scipy's ``poisson_binom`` takes at most 63 chances). Raises ValueError for chances outside 0 … 1 or
    missing. Source: Hong 2013, Computational Statistics and Data Analysis 59, 41–51."""
    p = numbers(chances, "chances")
    if (p < 0).any() or (p > 1).any():
        raise ValueError("chances must lie between 0 and 1")
    out = np.ones(1)
    for chance in p[p > 0]:
        out = np.convolve(out, [1 - chance, chance])
    return np.concatenate([out, np.zeros(len(p) + 1 - len(out))])


def poisson_binomial_range(chances: Any, level: float) -> tuple[int, int]:
    """(low, high) counts: the quantiles at (1 − level) / 2 and (1 + level) / 2, (0, 0) for no events."""
    tail = (1 - check_level(level)) / 2
    below = np.cumsum(poisson_binomial(chances))
    # A rounding error in the sum must not push a quantile beyond the last count.
    low, high = np.searchsorted(below, [tail, min(1 - tail, below[-1])], side="left")
    return int(low), int(high)
