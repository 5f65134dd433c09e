"""Shares out of counts, their difference alone and within strata, and a relative risk across strata."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from scipy import stats

from kaanalysis.stats.estimate import Estimate
from kaanalysis.stats.inputs import check_level, normal_quantile, numbers


def _check_counts(successes: float, n: float) -> tuple[int, int]:
    if n != int(n) or n < 0:
        raise ValueError(f"n must be a whole number, 0 or more; not {n}")
    if successes != int(successes) or not 0 <= successes <= n:
        raise ValueError(f"successes must be a whole number from 0 to n = {int(n)}; not {successes}")
    return int(successes), int(n)


def _share(
    successes: int, n: int, level: float, method: str, limits: Callable[[int, int, float], tuple[float, float]]
) -> Estimate:
    check_level(level)
    successes, n = _check_counts(successes, n)
    if n == 0:
        return Estimate(None, None, None, level, 0, method)
    low, high = limits(successes, n, (1 - level) / 2)
    return Estimate(successes / n, low, high, level, n, method)


def jeffreys(successes: int, n: int, level: float = 0.95) -> Estimate:
    """A share (0 … 1) with the Jeffreys interval: quantiles of Beta(successes + 1/2, n - successes + 1/2).

    0: none succeeded, the lower limit is then 0; 1: all did, the upper limit is then 1 (Brown, Cai and DasGupta's
    convention). On average over shares it covers at its level; for single shares it may fall short. n = 0: None.
    Raises ValueError for counts that are no counts. Source: Brown, Cai and DasGupta 2001.
    """

    def limits(x: int, size: int, tail: float) -> tuple[float, float]:
        posterior = stats.beta(x + 0.5, size - x + 0.5)
        low = 0.0 if x == 0 else float(posterior.ppf(tail))
        return low, 1.0 if x == size else float(posterior.isf(tail))

    return _share(successes, n, level, "Jeffreys", limits)


def _wilson_limits(x: int, size: int, tail: float) -> tuple[float, float]:
    z = float(stats.norm.isf(tail))
    middle, reach = x + z**2 / 2, z * math.sqrt(x * (size - x) / size + z**2 / 4)
    low = 0.0 if x == 0 else (middle - reach) / (size + z**2)
    return low, 1.0 if x == size else (middle + reach) / (size + z**2)


def wilson(successes: int, n: int, level: float = 0.95) -> Estimate:
    """A share (0 … 1) with Wilson's score interval, without continuity correction. 0: none, 1: all. n = 0: None.

    Raises ValueError for counts that are no counts. Sources: Wilson 1927; Newcombe 1998a, method 3.
    """
    return _share(successes, n, level, "Wilson", _wilson_limits)


def clopper_pearson(successes: int, n: int, level: float = 0.95) -> Estimate:
    """A share (0 … 1) with the exact interval, which covers at least at its level for every share.

    0: none succeeded, the lower limit is 0; 1: all did, the upper limit is 1. n = 0: None. Raises ValueError for counts
    that are no counts. Source: Clopper and Pearson 1934.
    """

    def limits(x: int, size: int, tail: float) -> tuple[float, float]:
        low = 0.0 if x == 0 else float(stats.beta.ppf(tail, x, size - x + 1))
        return low, 1.0 if x == size else float(stats.beta.isf(tail, x + 1, size - x))

    return _share(successes, n, level, "Clopper–Pearson", limits)


def newcombe_difference(successes_a: int, n_a: int, successes_b: int, n_b: int, level: float = 0.95) -> Estimate:
    """Share a minus share b of two independent samples, with Newcombe's hybrid score interval.

    Range -1 … 1; 0: equal shares. ``n`` counts both samples; None where one of them is empty. Raises ValueError for
    counts that are no counts. Source: Newcombe 1998b, method 10.
    """
    method = "Newcombe hybrid score"
    a, b = wilson(successes_a, n_a, level), wilson(successes_b, n_b, level)
    if a.value is None or b.value is None or a.low is None or b.low is None or a.high is None or b.high is None:
        return Estimate(None, None, None, level, a.n + b.n, method)
    difference = a.value - b.value
    low = difference - math.hypot(a.value - a.low, b.high - b.value)
    high = difference + math.hypot(a.high - a.value, b.value - b.low)
    return Estimate(difference, low, high, level, a.n + b.n, method)


def standardised_difference(
    successes_a: Any, n_a: Any, successes_b: Any, n_b: Any, level: float = 0.95, weights: Any = None
) -> Estimate:
    """Share a minus share b within strata, averaged with the weights of the strata: what is left once both have the same mix.

    Each argument: shape (strata,), counts; ``weights``: 0 or more, taken as known (default: how b spreads over the strata, so that share
    b is b's own). Strata with one side empty carry no comparison; the other weights are scaled to add up to 1. Range -1 … 1; 0: equal
    within strata on the average. The interval recovers variances from Wilson's limits of every share (MOVER), which with one stratum is
    :func:`newcombe_difference`. ``n``: units in the strata that count; None where there is none. Raises ValueError for counts that are
    no counts and negative weights. Source: Zou, Huang and Zhang, Computational Statistics & Data Analysis 53 (2009) 1080–1085.
    """
    method = "standardised difference, MOVER with Wilson limits"
    columns = [numbers(values, name) for values, name in (
        (successes_a, "successes_a"), (n_a, "n_a"), (successes_b, "successes_b"), (n_b, "n_b"),
    )]  # fmt: skip
    columns.append(columns[3] if weights is None else numbers(weights, "weights"))
    if len({len(c) for c in columns}) != 1:
        raise ValueError(f"all arguments must have as many values; not {[len(c) for c in columns]}")
    if (columns[4] < 0).any():
        raise ValueError(f"weights must be 0 or more; not {columns[4].min()}")
    rows = [r for r in zip(*columns, strict=True) if r[1] > 0 and r[3] > 0 and r[4] > 0]
    whole, n = sum(r[4] for r in rows), int(sum(r[1] + r[3] for r in rows))
    if not rows:
        return Estimate(None, None, None, level, 0, method)
    value = below = above = 0.0
    for x_a, size_a, x_b, size_b, weight in rows:
        gap = newcombe_difference(x_a, size_a, x_b, size_b, level)
        assert gap.value is not None and gap.low is not None and gap.high is not None
        part = weight / whole
        value += part * gap.value
        below += (part * (gap.value - gap.low)) ** 2
        above += (part * (gap.high - gap.value)) ** 2
    return Estimate(value, value - math.sqrt(below), value + math.sqrt(above), level, n, method)


def mantel_haenszel_relative_risk(
    events_a: Any, total_a: Any, events_b: Any, total_b: Any, level: float = 0.95
) -> Estimate:
    """The risk in a divided by the risk in b, common to all strata, with the Greenland–Robins interval.

    Each argument: shape (strata,), counts. 0 … infinity; 1: equal risks, 0: no event in a (no limits then, since the
    logarithm has none), None: no event in b, or no stratum with units on both sides. Strata with one side empty carry
    no comparison and do not count in ``n``. With one stratum it is the plain ratio of two shares.

    Raises ValueError for unequal lengths and events that are no counts out of their totals.
    Sources: Mantel and Haenszel 1959; Greenland and Robins 1985; Rothman, Greenland and Lash, 3rd ed. 2008, chapter 15.
    """
    z = normal_quantile(level)
    a, n_a = numbers(events_a, "events_a"), numbers(total_a, "total_a")
    b, n_b = numbers(events_b, "events_b", len(a)), numbers(total_b, "total_b", len(a))
    if len(n_a) != len(a):
        raise ValueError(f"total_a must have {len(a)} values like the rest; not {len(n_a)}")
    for events, total in ((a, n_a), (b, n_b)):
        for x, size in zip(events, total, strict=True):
            _check_counts(x, size)
    used = (n_a > 0) & (n_b > 0)
    a, n_a, b, n_b = a[used], n_a[used], b[used], n_b[used]
    size = n_a + n_b
    n, method = int(size.sum()), "Mantel–Haenszel, Greenland–Robins"
    numerator, denominator = float((a * n_b / size).sum()), float((b * n_a / size).sum())
    if denominator == 0:
        return Estimate(None, None, None, level, n, method)
    if numerator == 0:
        return Estimate(0.0, None, None, level, n, method)
    variance = float((((a + b) * n_a * n_b - a * b * size) / size**2).sum()) / (numerator * denominator)
    reach = z * math.sqrt(max(0.0, variance))
    ratio = numerator / denominator
    if reach == 0:  # every unit on both sides had the event: nothing varies, which is no certainty
        return Estimate(ratio, None, None, level, n, method)
    return Estimate(ratio, ratio * math.exp(-reach), ratio * math.exp(reach), level, n, method)
