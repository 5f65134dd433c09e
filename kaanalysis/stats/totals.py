"""Sums over customers whose number is itself a matter of chance, and shares of such sums.

What a company books in a year is a sum over customers, and how many there are varies as much as what each brings. With independent
customers the number is close to Poisson, and the variance of the sum is the expected sum of squares: a compound Poisson total (Casella
and Berger, Statistical Inference, 2nd ed. 2002, section 4.4). Resampling a fixed number of customers would leave that part out, and a
symmetric interval would ignore that a few large contracts carry the sum. So intervals are made on the log scale (for a share: on the
scale of log odds), with Student's t on the effective number of customers, (sum)² / sum of squares (Kish 1965, Survey Sampling), less one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from kaanalysis.stats.effect import Effect
from kaanalysis.stats.estimate import Estimate
from kaanalysis.stats.inputs import FloatArray, check_level, labels, normal_quantile, numbers


def _by_cluster(name: str, values: Any, clusters: Any, *, signed: bool = False) -> FloatArray:
    """Sums by cluster; each unit its own where clusters are None. signed: values below 0 are not refused."""
    array = numbers(values, name)
    if not signed and (array < 0).any():
        raise ValueError(
            f"{name} must be 0 or more; not {array[(array < 0).argmax()]} (signed_total takes differences)"
        )
    if clusters is None:
        return array
    code, names = labels(clusters, "clusters", len(array))
    return np.bincount(code, weights=array, minlength=len(names)).astype(np.float64)


def _quantile(parts: FloatArray, level: float) -> float | None:
    """Student's t at the level, on the effective number of parts less one; None where effectively fewer than three parts carry the sum:
    their limits would span orders of magnitude and say nothing."""
    size = np.abs(parts)
    squares = float((size**2).sum())
    freedom = float(size.sum()) ** 2 / squares - 1 if squares > 0 else 0.0
    return float(stats.t.ppf((1 + level) / 2, freedom)) if freedom >= 2 - 1e-9 else None


def total(values: Any, clusters: Any = None, *, level: float = 0.95) -> Estimate:
    """The sum of non-negative values, in their unit, with the interval sum · exp(± t · √(Σ c²) / sum), c the sums by cluster.

    ``values``: shape (n,), 0 or more; ``clusters``: one label per unit (None: each its own). ``n``: clusters that contribute. The limits
    are None where the sum is 0 or effectively fewer than three clusters carry it. Raises ValueError for negative or missing values.
    """
    check_level(level)
    parts = _by_cluster("values", values, clusters)
    whole, count, method = (
        float(parts.sum()),
        int((parts > 0).sum()),
        "sum over customers, compound Poisson, t on the log scale",
    )
    reach = _quantile(parts, level)
    if whole <= 0 or reach is None:
        return Estimate(whole, None, None, level, count, method)
    away = reach * float(np.sqrt((parts**2).sum())) / whole
    return Estimate(whole, whole * float(np.exp(-away)), whole * float(np.exp(away)), level, count, method)


def signed_total(values: Any, clusters: Any = None, *, level: float = 0.95) -> Estimate:
    """The sum of values of either sign, with the interval sum ± t · √(Σ c²); otherwise as :func:`total`."""
    check_level(level)
    parts = _by_cluster("values", values, clusters, signed=True)
    whole, count, method = float(parts.sum()), int((parts != 0).sum()), "sum over customers, compound Poisson, t"
    reach = _quantile(parts, level)
    if reach is None:
        return Estimate(whole, None, None, level, count, method)
    away = reach * float(np.sqrt((parts**2).sum()))
    return Estimate(whole, whole - away, whole + away, level, count, method)


def ratio_of_totals(above: Any, below: Any, clusters: Any = None, *, level: float = 0.95) -> Estimate:
    """The sum of ``above`` over the sum of ``below``, 0 and up (1: equal), interval by linearised logs with t.

    ``above``, ``below``: shape (n,), 0 or more, the two amounts of each unit. The influence of cluster i on the log ratio is
    above_i / Σ above − below_i / Σ below. None where the lower sum is 0; no limits where the upper is, or where one cluster carries
    (nearly) all of what moves the ratio. Raises ValueError for negative or missing values.
    """
    check_level(level)
    a, b = _by_cluster("above", above, clusters), _by_cluster("below", below, clusters)
    top, bottom, method = float(a.sum()), float(b.sum()), "ratio of sums over customers, t on the log scale"
    count = int(((a > 0) | (b > 0)).sum())
    if bottom <= 0:
        return Estimate(None, None, None, level, count, method)
    ratio = top / bottom
    influence = a / top - b / bottom if top > 0 else np.zeros(0)
    reach = _quantile(influence, level)
    if reach is None:
        return Estimate(ratio, None, None, level, count, method)
    away = float(np.exp(reach * np.sqrt((influence**2).sum())))
    return Estimate(ratio, ratio / away, ratio * away, level, count, method)


@dataclass(frozen=True)
class ShareOfTotal:
    """The share (0 … 1) of one kind in a sum over n clusters, to be held against any margin between 0 and 1. units: their effective number.

    Wilson's score (1927) for the effective number of clusters (Korn and Graubard 1998, Survey Methodology 24, 193–201): the error is that
    under the margin, which is known, so the test keeps its strength and its level where the share is near 0 or 1. Clusters that hold
    both kinds vary less than it says: limits are then too wide, never too narrow."""

    value: float | None
    units: float
    n: int
    method: str

    def p_above(self, margin: float) -> float | None:
        """One-sided p-value of the null hypothesis that the share is at most `margin`; None below two effective clusters."""
        if self.value is None or self.units < 2:
            return None
        if not 0 < margin < 1:
            return 1.0 if margin >= 1 else 0.0
        away = (self.value - margin) / np.sqrt(margin * (1 - margin) / self.units)
        return float(stats.norm.sf(away))

    def p_below(self, margin: float) -> float | None:
        """One-sided p-value of the null hypothesis that the share is at least `margin`."""
        above = self.p_above(margin)
        return None if above is None else 1 - above

    def interval(self, level: float) -> Estimate:
        """The share with the margins that neither test rejects."""
        check_level(level)
        if self.value is None or self.units < 2:
            return Estimate(self.value, None, None, level, self.n, self.method)
        z = normal_quantile(level)
        shrunk = 1 + z**2 / self.units
        middle = (self.value + z**2 / (2 * self.units)) / shrunk
        half = z / shrunk * np.sqrt(self.value * (1 - self.value) / self.units + z**2 / (4 * self.units**2))
        return Estimate(self.value, max(middle - half, 0.0), min(middle + half, 1.0), level, self.n, self.method)


def share_effect(part: Any, rest: Any, clusters: Any = None, *, method: str) -> ShareOfTotal:
    """The share of ``part`` in ``part`` + ``rest``, shape (n,) each and 0 or more, for tests against margins; clusters as in
    :func:`total`."""
    a, b = _by_cluster("part", part, clusters), _by_cluster("rest", rest, clusters)
    whole = float((a + b).sum())
    return ShareOfTotal(
        float(a.sum()) / whole if whole > 0 else None, effective_number(a + b), int(((a > 0) | (b > 0)).sum()), method
    )


def log_ratio_of_totals(above: Any, below: Any, clusters: Any = None, *, method: str) -> Effect:
    """The logarithm of :func:`ratio_of_totals` as an effect, so that it can be held against any margin: linearised, with t on the effective
    number of clusters less one. Value None where one of the sums is 0."""
    a, b = _by_cluster("above", above, clusters), _by_cluster("below", below, clusters)
    top, bottom, count = float(a.sum()), float(b.sum()), int(((a > 0) | (b > 0)).sum())
    if top <= 0 or bottom <= 0:
        return Effect(None, None, 0.0, count, method)
    influence = a / top - b / bottom
    squares = float((influence**2).sum())
    freedom = float(np.abs(influence).sum()) ** 2 / squares - 1 if squares > 0 else 0.0
    return Effect(float(np.log(top / bottom)), float(np.sqrt(squares)), freedom, count, method)


def effective_number(amounts: Any, clusters: Any = None) -> float:
    """How many clusters of one size would vary as these do: (sum)² / sum of squares (Kish 1965), 0 for no amount, at most their number."""
    parts = _by_cluster("amounts", amounts, clusters)
    squares = float((parts**2).sum())
    return float(parts.sum()) ** 2 / squares if squares > 0 else 0.0


def share_of_total(part: Any, rest: Any, clusters: Any = None, *, level: float = 0.95) -> Estimate:
    """The share of ``part`` in ``part`` + ``rest``, 0 (none of it) to 1 (all), interval by linearised log odds with t.

    ``part``, ``rest``: shape (n,), 0 or more, the two amounts of each unit; the odds are their :func:`ratio_of_totals`. Where one of the
    two sums is 0 the interval is Clopper and Pearson's for the effective number of customers. ``n``: clusters with any amount. Raises
    ValueError for negative or missing values.
    """
    check_level(level)
    a, b = _by_cluster("part", part, clusters), _by_cluster("rest", rest, clusters)
    top, bottom, method = float(a.sum()), float(b.sum()), "share of a sum over customers, t on log odds"
    count = int(((a > 0) | (b > 0)).sum())
    if top + bottom <= 0:
        return Estimate(None, None, None, level, count, method)
    share = top / (top + bottom)
    if top <= 0 or bottom <= 0:
        # All or nothing: as many customers as the sum effectively has were all of one kind (Clopper and Pearson 1934).
        effective = (top + bottom) ** 2 / float(((a + b) ** 2).sum())
        bound = float(((1 - level) / 2) ** (1 / effective))
        return Estimate(share, bound if top > 0 else 0.0, 1.0 if top > 0 else 1 - bound, level, count, method)
    odds = ratio_of_totals(a, b, level=level)
    low, high = (None if limit is None else limit / (1 + limit) for limit in (odds.low, odds.high))
    return Estimate(share, low, high, level, count, method)
