"""A share of units that come in clusters, alone or beyond what was expected of each, with exact limits and exact one-sided tests that
hold where all or none are of the kind."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from kaanalysis.stats.effect import Effect
from kaanalysis.stats.estimate import Estimate
from kaanalysis.stats.inputs import FloatArray, IntArray, check_level, flags, labels, numbers


@dataclass(frozen=True)
class ClusteredShare(Effect):
    """A share (0: none, 1: all) that counts as `value` of `size` independent units; what is read from it is exact binomial.

    An :class:`Effect` whose tests do not fail where nothing varied: that all of forty units are of a kind says something."""

    size: float = 0.0

    def interval(self, level: float) -> Estimate:
        """The share with Clopper and Pearson's limits at its effective size (Korn and Graubard 1998); None from no unit."""
        check_level(level)
        if self.value is None:
            return Estimate(None, None, None, level, self.n, self.method)
        tail, hits, rest = (1 - level) / 2, *self._counts()
        low = float(stats.beta.ppf(tail, hits, rest + 1)) if hits > 0 else 0.0
        high = float(stats.beta.isf(tail, hits + 1, rest)) if rest > 0 else 1.0
        return Estimate(self.value, low, high, level, self.n, self.method)

    def p_above(self, margin: float) -> float | None:
        """P-value (0 … 1) of "the share is at most `margin`": the chance of so many or more at the margin itself."""
        if self.value is None:
            return None
        hits, rest = self._counts()
        return float(stats.beta.cdf(margin, hits, rest + 1)) if hits > 0 else 1.0

    def p_below(self, margin: float) -> float | None:
        """P-value (0 … 1) of "the share is at least `margin`": the chance of so few or fewer at the margin itself."""
        if self.value is None:
            return None
        hits, rest = self._counts()
        return float(stats.beta.sf(margin, hits + 1, rest)) if rest > 0 else 1.0

    def _counts(self) -> tuple[float, float]:
        assert self.value is not None
        return self.value * self.size, (1 - self.value) * self.size


def clustered_share(kind: Any, clusters: Any, method: str) -> ClusteredShare:
    """The share of units of a kind among n units in clusters.

    kind (n,) flags, clusters (n,) labels. The effective size is n over the design effect, the variance of the share between clusters
    against that of independent units, and never more than n; where all or none are of the kind the design effect is not seen and the
    number of clusters is the size. None from no unit. Raises ValueError for lengths that differ.
    Sources: Kish 1965, Survey Sampling; Korn and Graubard 1998, Survey Methodology 24, 193–201; Clopper and Pearson 1934."""
    values = np.asarray(flags(kind, "kind", len(np.asarray(kind))), dtype=np.float64)
    n = len(values)
    code, names = labels(clusters, "clusters", n)
    if n == 0:
        return ClusteredShare(None, None, 0.0, 0, method)
    share, count = float(values.mean()), len(names)
    if share in (0.0, 1.0) or count < 2:
        return ClusteredShare(share, None, 0.0, n, method, float(count))
    away = np.bincount(code, weights=values - share, minlength=count)
    variance = count / (count - 1) * float(away @ away) / n**2
    independent = share * (1 - share) / n
    return ClusteredShare(share, float(np.sqrt(variance)), count - 1.0, n, method, n / max(1.0, variance / independent))


@dataclass(frozen=True)
class ShareExcess:
    """A share less what was expected of it (−1 … 1): `share` with its exact limits and tests, moved by `expected` (0 … 1)."""

    share: ClusteredShare
    expected: float

    @property
    def value(self) -> float | None:
        return None if self.share.value is None else self.share.value - self.expected

    @property
    def n(self) -> int:
        return self.share.n

    @property
    def method(self) -> str:
        return self.share.method

    def interval(self, level: float) -> Estimate:
        """The excess with the limits of the share less the expectation; None from no unit."""
        found = self.share.interval(level)
        if found.low is None or found.high is None:
            return Estimate(None, None, None, level, self.n, self.method)
        return Estimate(self.value, found.low - self.expected, found.high - self.expected, level, self.n, self.method)

    def p_above(self, margin: float) -> float | None:
        """P-value (0 … 1) of "the excess is at most `margin`": the share's own test of margin + expected, kept within 0 … 1."""
        return self.share.p_above(min(max(margin + self.expected, 0.0), 1.0))

    def p_below(self, margin: float) -> float | None:
        """P-value (0 … 1) of "the excess is at least `margin`": the share's own test of margin + expected, kept within 0 … 1."""
        return self.share.p_below(min(max(margin + self.expected, 0.0), 1.0))


def share_beyond_expected(kind: Any, expected: Any, clusters: Any, crossing: Any, method: str) -> ShareExcess:
    """The share of n units of a kind beyond the mean of what was expected of each of them.

    kind (n,) flags, expected (n,) chances (0 … 1), clusters (n,) labels of what is of a kind together (customers, say), crossing (n,)
    labels of other clusters across these (sellers, say). The effective size of the share is that at which a binomial share varies as
    kind − expected does: between clusters, between crossing ones, or by both at once, whichever is most; never more than n units.
    Where all or none are of the kind that spread is not seen, and the number of clusters is the size: none of forty still leaves up to
    8.8 % less the expectation, which a t interval over kind − expected would put at nothing. None from no unit. Raises ValueError for
    lengths that differ or chances beyond 0 … 1.
    Sources: Cameron, Gelbach and Miller 2011, Journal of Business & Economic Statistics 29, 238–249 (two-way clusters); Korn and
    Graubard 1998, Survey Methodology 24, 193–201; Clopper and Pearson 1934."""
    values = np.asarray(flags(kind, "kind", len(np.asarray(kind))), dtype=np.float64)
    n = len(values)
    chance = numbers(expected, "expected", n)
    if ((chance < 0) | (chance > 1)).any():
        raise ValueError("expected must lie between 0 and 1")
    one, two = labels(clusters, "clusters", n)[0], labels(crossing, "crossing", n)[0]
    if n == 0:
        return ShareExcess(ClusteredShare(None, None, 0.0, 0, method), 0.0)
    share, mean, count = float(values.mean()), float(chance.mean()), int(one.max()) + 1
    if share in (0.0, 1.0) or count < 2:
        return ShareExcess(ClusteredShare(share, None, 0.0, n, method, float(count)), mean)
    away = values - chance - (share - mean)
    by_one, by_two, by_both = (_variance(away, code) for code in (one, two, one * (int(two.max()) + 1) + two))
    variance = max(by_one, by_two, by_one + by_two - by_both)
    size = min(float(n), share * (1 - share) / variance) if variance > 0 else float(n)
    return ShareExcess(ClusteredShare(share, math.sqrt(variance), count - 1.0, n, method, size), mean)


def _variance(away: FloatArray, code: IntArray) -> float:
    """Variance of the mean of `away` (n,) between clusters; 0 of one cluster."""
    names, at = np.unique(code, return_inverse=True)
    if len(names) < 2:
        return 0.0
    sums = np.bincount(at, weights=away)
    return len(names) / (len(names) - 1) * float(sums @ sums) / len(away) ** 2
