"""Differences between several shares at once (a difference in differences, say), honest about rare events and about clusters."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import optimize, stats

from kaanalysis.stats.estimate import Estimate
from kaanalysis.stats.inputs import FloatArray, check_level, counts_within, flags, labels, numbers

_FARTHEST = 38.0  # standard errors; beyond it a normal tail is 0 in double precision


def design_effect(event: Any, clusters: Any) -> float:
    """How many times the variance of a share is that of independent units, 1 or more: the clusters' own variation around the share, over
    the binomial variance. 1 where there is one cluster or where all units are alike (nothing to tell it from).

    event (n,) flags, clusters (n,) labels. Source: Rao and Scott 1992, Biometrics 48, 577–585."""
    code, names = labels(clusters, "clusters", len(np.asarray(clusters, dtype=object)))
    y = flags(event, "event", len(code)).astype(np.float64)
    groups, n = len(names), len(y)
    share = float(y.mean()) if n else 0.0
    if groups < 2 or share in (0.0, 1.0):
        return 1.0
    residual = np.bincount(code, y - share, groups)
    variance = groups / (groups - 1) * float((residual**2).sum()) / n**2
    return max(1.0, variance * n / (share * (1 - share)))


@dataclass(frozen=True)
class ShareContrast:
    """weights · shares, each share known from `successes` of `n` (effective) units. units: how many there really are."""

    successes: FloatArray
    n: FloatArray
    weights: FloatArray
    units: int
    method: str

    @property
    def value(self) -> float:
        return float(self.weights @ (self.successes / self.n))

    def limits(self, z: float) -> tuple[float, float]:
        """Lower and upper limit at `z` standard errors (0 or more): Wilson's limits of every share, put together by MOVER."""
        share = self.successes / self.n
        middle = self.successes + z**2 / 2
        reach = z * np.sqrt(self.successes * (1 - share) + z**2 / 4)
        below = share - np.maximum(0.0, (middle - reach) / (self.n + z**2))
        above = np.minimum(1.0, (middle + reach) / (self.n + z**2)) - share
        up = self.weights > 0
        low = math.sqrt(float(((self.weights * np.where(up, below, above)) ** 2).sum()))
        high = math.sqrt(float(((self.weights * np.where(up, above, below)) ** 2).sum()))
        return self.value - low, self.value + high

    def interval(self, level: float) -> Estimate:
        low, high = self.limits(float(stats.norm.isf((1 - check_level(level)) / 2)))
        return Estimate(self.value, low, high, level, self.units, self.method)

    def p_above(self, margin: float) -> float:
        """One-sided p-value (0 … 1) of "at most `margin`": the tail at which the lower (where the value lies below it, the upper) limit
        reaches the margin."""
        if self.value >= margin:
            return float(stats.norm.sf(self._reaches(margin, 0)))
        return float(stats.norm.cdf(self._reaches(margin, 1)))

    def p_below(self, margin: float) -> float:
        """One-sided p-value (0 … 1) of "at least `margin`"; with :meth:`p_above` 1."""
        return 1.0 - self.p_above(margin) if self.value >= margin else float(stats.norm.sf(self._reaches(margin, 1)))

    def _reaches(self, margin: float, side: int) -> float:
        def gap(z: float) -> float:
            return (self.limits(z)[side] - margin) * (1 if side == 0 else -1)

        if gap(0.0) <= 0:
            return 0.0
        return _FARTHEST if gap(_FARTHEST) > 0 else float(optimize.brentq(gap, 0.0, _FARTHEST, xtol=1e-10))


def share_contrast(successes: Any, n: Any, weights: Any, design_effects: Any, method: str) -> ShareContrast:
    """weights · shares of independent groups, for instance (1, −1, −1, 1) for a difference in differences.

    All shape (groups,): counts, sizes above 0, weights not 0, design effects 1 or more, by which counts and sizes are divided (Rao and
    Scott 1992). Rare events are taken seriously: none among n units leaves up to z² / (n + z²). Raises ValueError for unequal lengths,
    empty groups, counts beyond sizes, and design effects below 1.
    Source: Zou, Huang and Zhang 2009, Computational Statistics & Data Analysis 53, 1080–1085 (MOVER with Wilson's limits)."""
    size, factor = numbers(n, "n"), numbers(design_effects, "design_effects")
    count, _ = counts_within(successes, size, "successes")
    w = numbers(weights, "weights", len(size))
    if len(factor) != len(size):
        raise ValueError(f"design_effects must have {len(size)} values like the rest; not {len(factor)}")
    if (size <= 0).any() or (factor < 1).any():
        raise ValueError("n must be above 0 and design_effects 1 or more")
    return ShareContrast(count / factor, size / factor, w, int(size.sum()), method)
