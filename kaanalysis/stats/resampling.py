"""Resampling of whole clusters: bootstrap intervals and permutation tests. The same seed gives the same numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from scipy import stats

from kaanalysis.stats.estimate import Estimate, Significance
from kaanalysis.stats.inputs import FloatArray, IntArray, check_level, labels

CELLS_AT_ONCE = 4_000_000
# Beyond this many clusters the acceleration is found by leaving out blocks of clusters: it is tiny by then.
JACKKNIFE_GROUPS = 400
UNDEFINED_AT_MOST = 0.1


def _strata_of_clusters(cluster: IntArray, groups: int, strata: Any) -> list[IntArray]:
    if strata is None:
        return [np.arange(groups)]
    stratum, names = labels(strata, "strata", len(cluster))
    of_cluster = np.full(groups, -1)
    of_cluster[cluster] = stratum
    if (of_cluster[cluster] != stratum).any():
        at = int((of_cluster[cluster] != stratum).argmax())
        raise ValueError(f"strata must be one per cluster; not two as at index {at}")
    return [np.flatnonzero(of_cluster == position) for position in range(len(names))]


def _draw(members: list[IntArray], groups: int, draws: int, generators: list[np.random.Generator]) -> IntArray:
    """Multiplicities (draws, clusters): in each stratum as many clusters drawn as it has."""
    counts = np.zeros((draws, groups), dtype=np.int64)
    offset = np.arange(draws)[:, None] * groups
    for own, generator in zip(members, generators, strict=True):
        chosen = own[generator.integers(len(own), size=(draws, len(own)))]
        counts += np.bincount((offset + chosen).ravel(), minlength=draws * groups).reshape(draws, groups)
    return counts


def _generators(seed: int, strata: int) -> list[np.random.Generator]:
    # One stream per stratum, so that drawing in chunks gives the same numbers as drawing at once.
    return [np.random.default_rng([seed, position]) for position in range(strata)]


def _check_draws(draws: int) -> None:
    if draws < 1:
        raise ValueError(f"draws must be 1 or more; not {draws}")


def cluster_weights(clusters: Any, draws: int, seed: int, strata: Any = None) -> IntArray:
    """How often each unit appears when whole clusters are drawn with replacement, as many as there are.

    ``clusters``: one label per unit, shape (n,); ``np.arange(n)`` where units are independent. ``strata``: one label
    per unit, constant within a cluster; clusters are then drawn within their stratum. Returns whole numbers, shape
    (draws, n); units of one cluster share their number; n = 0 gives shape (draws, 0). The memory is draws x n x 8
    bytes: ``bootstrap`` works in chunks instead. Raises ValueError for missing labels, draws below 1, or a
    cluster in two strata. Source: Davison and Hinkley 1997, section 3.8.
    """
    _check_draws(draws)
    cluster, names = labels(clusters, "clusters", len(clusters))
    if not len(cluster):
        return np.zeros((draws, 0), dtype=np.int64)
    members = _strata_of_clusters(cluster, len(names), strata)
    return _draw(members, len(names), draws, _generators(seed, len(members)))[:, cluster]


def poisson_weights(clusters: Any, draws: int, seed: int) -> IntArray:
    """How often each unit appears when every cluster appears a Poisson(1) number of times: the number of clusters is chance too.

    For statistics that carry the size of the population (sums over the customers that a company happened to have), where
    ``cluster_weights`` would hold that size fixed. Arguments, shape and errors as there. Source: Hanley and MacGibbon 2006, Creating
    non-parametric bootstrap samples using Poisson frequencies.
    """
    _check_draws(draws)
    cluster, names = labels(clusters, "clusters", len(clusters))
    if not len(cluster):
        return np.zeros((draws, 0), dtype=np.int64)
    return np.random.default_rng(seed).poisson(1.0, (draws, len(names)))[:, cluster].astype(np.int64)


def poisson_sums(values: Any, clusters: Any, draws: int, seed: int) -> FloatArray:
    """Column sums of ``values`` over units drawn as by :func:`poisson_weights`, shape (draws, columns), without holding all weights.

    ``values``: shape (n, columns); ``clusters``: one label per unit. Memory is bounded whatever n; the same seed gives the same sums.
    Errors as there."""
    _check_draws(draws)
    table = np.asarray(values, dtype=np.float64)
    cluster, names = labels(clusters, "clusters", len(table))
    by_cluster = np.zeros((len(names), table.shape[1]))
    np.add.at(by_cluster, cluster, table)
    out = np.zeros((draws, table.shape[1]))
    step = max(1, CELLS_AT_ONCE // draws)
    for part, start in enumerate(range(0, len(names), step)):
        some = by_cluster[start : start + step]
        out += np.random.default_rng([seed, part]).poisson(1.0, (draws, len(some))) @ some
    return out


def bootstrap(
    statistic: Callable[[Any], Any],
    clusters: Any,
    *,
    draws: int = 2000,
    seed: int = 0,
    level: float = 0.95,
    interval: Literal["percentile", "bca"] = "percentile",
    form: Literal["weights", "indices"] = "weights",
    strata: Any = None,
    method: str = "",
) -> Estimate:
    """A statistic with its cluster-bootstrap interval, in the unit of the statistic.

    ``statistic`` with ``form="weights"``: takes multiplicities, shape (draws, n), and returns shape (draws,); with
    ``form="indices"``: takes row numbers, shape (any,), and returns one number. It may return NaN where it is
    undefined. ``clusters`` and ``strata`` as in ``cluster_weights``. ``interval``: percentile, or bias-corrected and
    accelerated with the acceleration from leaving out clusters (not for medians: their jackknife is inconsistent).
    ``method``: put before the interval's name. ``n``: units.

    Limits are None with fewer than two clusters, where more than a tenth of the draws are undefined, or where all draws
    are equal (nothing varied, which is no certainty). Both intervals are expanded for few clusters: their tails are
    those of Student's t with clusters - strata degrees of freedom (Hesterberg 2015); below some 10 clusters, and for
    heavy tails, they still lean short.
    Raises ValueError for an unknown ``interval`` or ``form`` and as ``cluster_weights``.
    Sources: Efron and Tibshirani 1993, chapters 13 and 14; Davison and Hinkley 1997; Hesterberg, The American
    Statistician 69 (2015) 371–386.
    """
    check_level(level)
    _check_draws(draws)
    if interval not in ("percentile", "bca"):
        raise ValueError(f"interval must be percentile or bca; not {interval!r}")
    if form not in ("weights", "indices"):
        raise ValueError(f"form must be weights or indices; not {form!r}")
    cluster, names = labels(clusters, "clusters", len(clusters))
    n, groups = len(cluster), len(names)
    title = f"{method + ', ' if method else ''}cluster bootstrap ({interval}), {groups} clusters, {draws} draws"
    if n == 0:
        return Estimate(None, None, None, level, 0, title)

    def evaluate(counts: IntArray) -> FloatArray:
        if form == "weights":
            return np.asarray(statistic(counts[:, cluster]), dtype=np.float64)
        rows = np.arange(n)
        return np.array([statistic(np.repeat(rows, row[cluster])) for row in counts], dtype=np.float64)

    members = _strata_of_clusters(cluster, groups, strata)
    value = float(evaluate(np.ones((1, groups), dtype=np.int64))[0])
    if groups < 2 or not np.isfinite(value):
        return Estimate(value, None, None, level, n, title)
    generators, chunk = _generators(seed, len(members)), max(1, CELLS_AT_ONCE // n)
    sizes = [min(chunk, draws - begin) for begin in range(0, draws, chunk)]
    drawn = np.concatenate([evaluate(_draw(members, groups, size, generators)) for size in sizes])
    drawn = drawn[np.isfinite(drawn)]
    if len(drawn) < (1 - UNDEFINED_AT_MOST) * draws or np.ptp(drawn) == 0:
        return Estimate(value, None, None, level, n, title)
    # Resamples of G clusters vary by (G - 1) / G too little, and the normal quantile behind a percentile interval ought
    # to be Student's: both matter for a handful of sellers (Hesterberg 2015, expanded percentile interval).
    freedom = max(1, groups - len(members))
    reach = np.sqrt(groups / freedom) * stats.t.isf((1 - level) / 2, freedom)
    z = np.array([-reach, reach])
    if interval == "bca":
        z = _corrected(z, value, drawn, _acceleration(evaluate, groups, chunk))
    low, high = np.quantile(drawn, stats.norm.cdf(z))
    return Estimate(value, low, high, level, n, title)


def _acceleration(evaluate: Callable[[IntArray], FloatArray], groups: int, chunk: int) -> float:
    blocks = min(groups, JACKKNIFE_GROUPS)
    block = np.arange(groups) % blocks
    parts = [
        evaluate((block[None, :] != np.arange(begin, min(begin + chunk, blocks))[:, None]).astype(np.int64))
        for begin in range(0, blocks, chunk)
    ]
    without = np.concatenate(parts)
    if not np.isfinite(without).all():
        return 0.0
    away = without.mean() - without
    scale = float((away**2).sum()) ** 1.5
    return float((away**3).sum()) / (6 * scale) if scale > 0 else 0.0


def _corrected(z: FloatArray, value: float, drawn: FloatArray, acceleration: float) -> FloatArray:
    below = (float((drawn < value).sum()) + 0.5 * float((drawn == value).sum())) / len(drawn)
    # A value outside all its draws has no finite correction; half a draw inside is the nearest that has one.
    bias = float(stats.norm.ppf(np.clip(below, 0.5 / len(drawn), 1 - 0.5 / len(drawn))))
    shifted = bias + z
    # Beyond its pole the correction would turn back; the outermost draw is what is meant.
    stretch = np.maximum(1 - acceleration * shifted, 1e-6)
    return bias + shifted / stretch


def permutation_test(
    statistic: Callable[[Any, Any], float],
    values: Any,
    groups: Any,
    *,
    draws: int = 2000,
    seed: int = 0,
    alternative: Literal["two-sided", "greater", "less"] = "two-sided",
    clusters: Any = None,
) -> Significance:
    """Could the statistic have come about with the group labels dealt out at random?

    ``statistic(values, groups)``: one number, for a two-sided test one whose sign turns with the direction (such as a
    difference). ``values``, ``groups``: shape (n,). ``clusters``: labels are dealt to whole clusters; each must lie in
    one group. ``p_value`` = (1 + draws at least as extreme) / (1 + draws), so it lies between 1 / (1 + draws)
    and 1 and is valid at any number of draws; two-sided is twice the smaller tail. None for fewer than two groups.

    Raises ValueError for unequal lengths, missing labels, an unknown alternative, or a cluster in two groups.
    Sources: Phipson and Smyth 2010; Davison and Hinkley 1997, section 4.3.
    """
    _check_draws(draws)
    if alternative not in ("two-sided", "greater", "less"):
        raise ValueError(f"alternative must be two-sided, greater or less; not {alternative!r}")
    data = np.asarray(values)
    code, names = labels(groups, "groups", len(data))
    cluster = np.arange(len(data)) if clusters is None else labels(clusters, "clusters", len(data))[0]
    method = f"permutation, {alternative}, {draws} draws"
    if len(names) < 2:
        return Significance(None, None, len(data), method)
    of_cluster = np.zeros(int(cluster.max()) + 1, dtype=np.int64)
    of_cluster[cluster] = code
    if (of_cluster[cluster] != code).any():
        at = int((of_cluster[cluster] != code).argmax())
        raise ValueError(f"clusters must lie in one group each; not in two as at index {at}")
    label = np.asarray(names, dtype=object) if not isinstance(groups, np.ndarray) else np.asarray(names, groups.dtype)
    generator = np.random.default_rng(seed)
    observed = float(statistic(data, label[code]))
    drawn = np.array([float(statistic(data, label[generator.permutation(of_cluster)[cluster]])) for _ in range(draws)])
    # Equal sums taken in another order differ in the last places and must count as equal.
    slack = 1e-9 * max(1.0, abs(observed))
    greater = (1 + float((drawn >= observed - slack).sum())) / (1 + draws)
    less = (1 + float((drawn <= observed + slack).sum())) / (1 + draws)
    p_value = {"greater": greater, "less": less, "two-sided": min(1.0, 2 * min(greater, less))}[alternative]
    return Significance(observed, p_value, len(data), method)
