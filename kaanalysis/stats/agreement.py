"""Do two records of the same thing agree beyond chance?"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats

from kaanalysis.stats.estimate import Estimate
from kaanalysis.stats.inputs import FloatArray, check_level, flags, labels

METHOD = "Gwet's AC1, delete-one-cluster jackknife"


def _ac1(agree: FloatArray, first: FloatArray, second: FloatArray, n: FloatArray) -> FloatArray:
    observed = agree / n
    middle = (first + second) / (2 * n)
    chance = 2 * middle * (1 - middle)
    return np.asarray((observed - chance) / (1 - chance))


def gwet_agreement(first: Any, second: Any, clusters: Any, *, level: float = 0.95) -> Estimate:
    """Agreement of two yes-or-no records beyond chance: 1: always the same; 0: as chance has it; down to -1: always the opposite.

    ``first``, ``second``: shape (n,); ``clusters``: one label per unit. Gwet's AC1 = (p - e) / (1 - e) with p the share of equal records
    and e = 2 π (1 - π), π the mean share of yes. Unlike Cohen's kappa it does not fall to 0 where nearly all units are alike (118 of 125
    equal with 5 and 2 otherwise: kappa -0.02, AC1 0.94). Delete-one-cluster jackknife, Student's t; cut at -1 and 1. None for n = 0;
    limits None with fewer than three clusters or where clusters do not vary. Raises ValueError for missing input.
    Sources: Gwet, British Journal of Mathematical and Statistical Psychology 61 (2008) 29–48; Feinstein and Cicchetti 1990.
    """
    check_level(level)
    a = flags(first, "first", len(np.atleast_1d(np.asarray(first))))
    b = flags(second, "second", len(a))
    cluster, groups = labels(clusters, "clusters", len(a))
    if not len(a):
        return Estimate(None, None, None, level, 0, METHOD)
    sums = np.stack(
        [np.bincount(cluster, weights=x.astype(float), minlength=len(groups)) for x in (a == b, a, b, np.ones(len(a)))]
    )
    whole, k = sums.sum(axis=1), len(groups)
    value = float(_ac1(*whole))
    if k < 3:
        return Estimate(value, None, None, level, len(a), METHOD)
    without = _ac1(*(whole[:, None] - sums))
    error = float(np.sqrt((k - 1) / k * ((without - without.mean()) ** 2).sum()))
    if error <= 1e-12:
        return Estimate(value, None, None, level, len(a), f"{METHOD}; clusters do not vary")
    reach = float(stats.t.isf((1 - level) / 2, k - 1)) * error
    return Estimate(value, max(-1.0, value - reach), min(1.0, value + reach), level, len(a), METHOD)
