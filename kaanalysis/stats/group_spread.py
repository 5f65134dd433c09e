"""How far the true shares of groups (sellers) lie apart, beyond what chance does to groups of their size."""

from __future__ import annotations

import math
from typing import Any

from scipy import optimize, stats

from kaanalysis.stats.estimate import Estimate
from kaanalysis.stats.inputs import FloatArray, check_level, counts_within


def _surplus(tau2: float, share: FloatArray, count: FloatArray, within: float) -> float:
    """Squared distances of the groups' shares from their weighted mean, each over its variance: about groups - 1 where tau2 is right."""
    weight = 1 / (tau2 * (1 - 1 / count) + within / count)
    mean = float((weight * share).sum() / weight.sum())
    return float((weight * (share - mean) ** 2).sum())


def _crossing(target: float, share: FloatArray, count: FloatArray, within: float) -> float:
    """The variance between groups at which the surplus is `target`; 0 where it is below that already without any."""
    if _surplus(0.0, share, count, within) <= target:
        return 0.0
    # A share's variance cannot exceed that of groups which are all 0 or 1.
    if _surplus(within, share, count, within) >= target:
        return within
    return float(optimize.brentq(lambda t: _surplus(t, share, count, within) - target, 0.0, within, xtol=1e-12))


def between_spread(present: Any, count: Any, level: float = 0.95) -> Estimate:
    """The standard deviation of the groups' true shares: 0 (all groups alike) … 0.5 (half of them 0, half 1).

    ``present``: units of the group that have it, ``count``: units, both shape (groups,); groups without units are left out. A group's
    share varies by τ² (1 − 1/n) + π (1 − π) / n, whatever the distribution of the true shares around their mean π. τ² is where the
    weighted squares add up to groups − 1 (Paule and Mandel); its limits are where they add up to the quantiles of chi-squared
    (Q-profile), so that the lower one may be 0. ``n``: units. Limits None with fewer than three groups; value 0 without limits where
    every unit is alike: nothing varies, which is no certainty. With few units a group or π near 0 or 1 the chi-squared is rough.
    Raises ValueError for counts that are none. Sources: Paule and Mandel 1982; Viechtbauer 2007, Statistics in Medicine 26, 37–52;
    Kleinman 1973, JASA 68, 46–54 (the variance).
    """
    check_level(level)
    yes, size = counts_within(present, count, "present")
    there = size > 0
    yes, size = yes[there], size[there]
    groups, n = len(size), int(size.sum())
    method = f"standard deviation between groups, Paule–Mandel, Q-profile, {groups} groups"
    if groups < 2:
        return Estimate(None, None, None, level, n, method)
    pi = float(yes.sum() / size.sum())
    within, share = pi * (1 - pi), yes / size
    if within == 0:
        return Estimate(0.0, None, None, level, n, method)
    value = math.sqrt(_crossing(groups - 1, share, size, within))
    if groups < 3:
        return Estimate(value, None, None, level, n, method)
    tail = (1 - level) / 2
    # A large surplus is rare where groups are alike: the upper quantile gives the lower limit.
    low, high = (
        math.sqrt(_crossing(float(q), share, size, within)) for q in stats.chi2.isf([tail, 1 - tail], groups - 1)
    )
    return Estimate(value, low, high, level, n, method)
