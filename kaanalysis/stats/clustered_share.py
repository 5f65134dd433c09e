"""A share of units that come in clusters, with exact limits and exact one-sided tests that hold where all or none are of the kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from kaanalysis.stats.effect import Effect
from kaanalysis.stats.estimate import Estimate
from kaanalysis.stats.inputs import check_level, flags, labels


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
