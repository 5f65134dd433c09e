"""Medians and spread of amounts: their intervals, ratios and differences."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats

from kaanalysis.stats.estimate import Estimate, Significance
from kaanalysis.stats.inputs import FloatArray, IntArray, check_level, labels, numbers
from kaanalysis.stats.resampling import bootstrap


def median_interval(values: Any, level: float = 0.95) -> Estimate:
    """The median with the order-statistic interval, in the unit of the values.

    ``values``: shape (n,). The limits are the k-th smallest and k-th largest value, with the largest k for which a
    binomial(n, 1/2) count misses on either side with at most (1 - level) / 2: no shape is assumed, and the coverage is
    at least ``level``. Limits are None where n is too small for any k (below 6 at 95 %); all None for n = 0. Raises
    ValueError for missing values. Source: David and Nagaraja, Order Statistics, 3rd ed. 2003, section 7.1.
    """
    check_level(level)
    ordered = np.sort(numbers(values, "values"))
    n, method = len(ordered), "median, order statistics"
    if n == 0:
        return Estimate(None, None, None, level, 0, method)
    # The smallest count whose lower tail reaches the allowance: all counts below it, k of them, stay within it.
    k = int(stats.binom.ppf((1 - level) / 2, n, 0.5))
    low, high = (ordered[k - 1], ordered[n - k]) if k else (None, None)
    return Estimate(float(np.median(ordered)), low, high, level, n, method)


def weighted_median(values: FloatArray, weights: IntArray) -> FloatArray:
    """The median of the sample in which value i appears weights[d, i] times, for each draw d; NaN for an empty draw.

    ``values``: shape (n,); ``weights``: shape (draws, n), whole numbers. Returns shape (draws,). An even number of
    appearances takes the middle of the two middle values.
    """
    order = np.argsort(values, kind="stable")
    ordered, total = values[order], np.cumsum(weights[:, order], axis=1)
    count = total[:, -1:] if len(values) else np.zeros((len(weights), 1), dtype=np.int64)
    if not len(values):
        return np.full(len(weights), np.nan)
    lower = ordered[(total >= (count + 1) // 2).argmax(axis=1)]
    upper = ordered[(total >= count // 2 + 1).argmax(axis=1)]
    return np.where(count[:, 0] > 0, (lower + upper) / 2, np.nan)


def weighted_dispersion(logs: FloatArray, weights: IntArray) -> FloatArray:
    """The standard deviation (n - 1 below) of logs with multiplicities; shapes as in ``weighted_median``.

    NaN for a draw with fewer than two appearances.
    """
    count = weights.sum(axis=1).astype(float)
    enough = count > 1
    # Centred first: amounts of millions have logs far from 0, and squares of those would cancel.
    away = logs - (logs.mean() if len(logs) else 0.0)
    mean = np.divide(weights @ away, count, out=np.zeros(len(count)), where=count > 0)
    squares = weights @ away**2 - count * mean**2
    variance = np.divide(squares, count - 1, out=np.full(len(count), np.nan), where=enough)
    return np.sqrt(np.maximum(variance, 0.0))


def _without_each(logs: FloatArray, code: IntArray, count: int) -> tuple[FloatArray, IntArray]:
    """(standard deviation of the logs without cluster c, units without it) for every cluster; NaN where fewer than two are left."""
    away = logs - (logs.mean() if len(logs) else 0.0)
    sums = [np.bincount(code, weights=away**k, minlength=count) for k in (0, 1, 2)]
    n, first, second = (x.sum() - x for x in sums)
    with np.errstate(invalid="ignore", divide="ignore"):
        variance = (second - first**2 / n) / (n - 1)
    return np.sqrt(np.where(n > 1, np.maximum(variance, 0.0), np.nan)), n.astype(np.int64)


def dispersion(values: Any, clusters: Any = None, *, level: float = 0.95) -> Estimate:
    """The standard deviation of the natural log of amounts (n - 1 below): 0 where all are equal, 0.7 where a typical amount is twice
    or half the middle one; no upper end.

    ``values``: amounts above 0, shape (n,); ``clusters``: one label per unit (None: each its own). The interval is the delete-one-cluster
    jackknife on the log of the standard deviation with Student's t on clusters - 1 (Efron and Tibshirani 1993, chapter 11; the log because
    a variance is skewed). None with fewer than three clusters, or where nothing varies. Raises ValueError for amounts not above 0.
    """
    check_level(level)
    amounts = numbers(values, "values")
    if (amounts <= 0).any():
        raise ValueError(f"values must be above 0; not {amounts[(amounts <= 0).argmax()]}")
    method = "standard deviation of logs, cluster jackknife, t on the log scale"
    logs = np.log(amounts)
    if len(logs) < 2:
        return Estimate(None, None, None, level, len(logs), method + "; too few units")
    value = float(logs.std(ddof=1))
    code, names = labels(np.arange(len(logs)) if clusters is None else clusters, "clusters", len(logs))
    left, _ = _without_each(logs, code, len(names))
    if len(names) < 3 or value == 0 or not np.all(left > 0):
        return Estimate(value, None, None, level, len(logs), method)
    error = np.sqrt((len(names) - 1) / len(names) * ((np.log(left) - np.log(left).mean()) ** 2).sum())
    reach = float(stats.t.ppf((1 + level) / 2, len(names) - 1)) * error
    return Estimate(value, value * float(np.exp(-reach)), value * float(np.exp(reach)), level, len(logs), method)


def _two_samples(a: Any, b: Any, clusters_a: Any, clusters_b: Any) -> tuple[FloatArray, FloatArray, Any, Any]:
    """Positive amounts of both samples, their joint clusters, and the strata: in a only, in b only, in both."""
    first, second = numbers(a, "values_a"), numbers(b, "values_b")
    for name, sample in (("values_a", first), ("values_b", second)):
        if (sample <= 0).any():
            at = int((sample <= 0).argmax())
            raise ValueError(f"{name} must be above 0; not {sample[at]} at index {at}")
    if (clusters_a is None) != (clusters_b is None):
        raise ValueError("clusters_a and clusters_b must be given both or neither; not one of them")
    size = len(first) + len(second)
    if clusters_a is None:
        cluster = np.arange(size)
    else:
        both = np.concatenate([np.asarray(clusters_a, dtype=object), np.asarray(clusters_b, dtype=object)])
        cluster, _ = labels(both, "clusters", size)
    in_a, in_b = np.isin(cluster, cluster[: len(first)]), np.isin(cluster, cluster[len(first) :])
    return first, second, cluster, in_a + 2 * in_b.astype(np.int64)


def ratio_of_medians(
    values_a: Any,
    values_b: Any,
    clusters_a: Any = None,
    clusters_b: Any = None,
    *,
    level: float = 0.95,
    draws: int = 2000,
    seed: int = 0,
) -> Estimate:
    """The median of a divided by the median of b: 1: equal; above 0 without an upper end; no unit.

    ``values_a``, ``values_b``: amounts above 0, shape (n_a,), (n_b,). ``clusters_a``, ``clusters_b``: the cluster of
    each unit; a label found in both is one cluster and is drawn for both. Percentile interval of the cluster bootstrap
    (see ``bootstrap``), the same on the log scale. ``n`` counts both; None where one is empty. Raises ValueError for
    amounts not above 0, and clusters given for one sample only.
    """
    first, second, cluster, strata = _two_samples(values_a, values_b, clusters_a, clusters_b)
    if not len(first) or not len(second):
        return Estimate(None, None, None, level, len(first) + len(second), "ratio of medians; no units")

    def ratio(weights: IntArray) -> FloatArray:
        return weighted_median(first, weights[:, : len(first)]) / weighted_median(second, weights[:, len(first) :])

    return bootstrap(ratio, cluster, draws=draws, seed=seed, level=level, strata=strata, method="ratio of medians")


def difference_of_dispersion(
    values_a: Any, values_b: Any, clusters_a: Any = None, clusters_b: Any = None, *, level: float = 0.95
) -> Estimate:
    """Dispersion of a minus dispersion of b, dispersion being the standard deviation of the natural log of amounts.

    No unit, no bounds; 0: equally dispersed; 0.7 more: amounts a typical step from the middle differ by twice the
    factor (exp 0.7 = 2). Arguments as in ``ratio_of_medians``. Delete-one-cluster jackknife in each sample, a cluster found in both
    deleted from both at once, with Student's t on Welch–Satterthwaite degrees of freedom. None where a sample has fewer than two units,
    no limits with fewer than three clusters in one. Raises ValueError as ``ratio_of_medians``.
    """
    check_level(level)
    first, second, cluster, _ = _two_samples(values_a, values_b, clusters_a, clusters_b)
    method = "difference of dispersion of logs, cluster jackknife, Welch t"
    n = len(first) + len(second)
    if len(first) < 2 or len(second) < 2:
        return Estimate(None, None, None, level, n, method + "; too few units")
    logs_a, logs_b = np.log(first), np.log(second)
    value = float(logs_a.std(ddof=1) - logs_b.std(ddof=1))
    code, names = labels(cluster, "clusters", n)
    shifts, errors, counts = [], [], []
    for logs, mine in ((logs_a, code[: len(first)]), (logs_b, code[len(first) :])):
        there = np.bincount(mine, minlength=len(names)) > 0
        left, _ = _without_each(logs, mine, len(names))
        shift = np.where(there, left - left[there].mean(), 0.0)
        k = int(there.sum())
        shifts.append(shift * np.sqrt((k - 1) / k))
        errors.append(float((shifts[-1] ** 2).sum()))
        counts.append(k)
    error = float(np.sqrt(((shifts[0] - shifts[1]) ** 2).sum()))
    if min(counts) < 3 or not error > 0:
        return Estimate(value, None, None, level, n, method)
    freedom = sum(errors) ** 2 / sum(e**2 / (k - 1) for e, k in zip(errors, counts, strict=True))
    reach = float(stats.t.ppf((1 + level) / 2, freedom)) * error
    return Estimate(value, value - reach, value + reach, level, n, method)


def brown_forsythe(values: Any, groups: Any) -> Significance:
    """Are the logs of amounts equally dispersed in all groups? Levene's test about the medians.

    ``values``: amounts above 0, shape (n,); ``groups``: one label per unit. ``statistic``: F, 0 or more; ``p_value``:
    0 … 1, small means unequal dispersion. It takes units as independent: with clusters use
    ``difference_of_dispersion``. None with fewer than two groups of two, or where nothing varies. Raises ValueError
    for amounts not above 0 and missing labels. Source: Brown and Forsythe 1974.
    """
    amounts = numbers(values, "values")
    if (amounts <= 0).any():
        at = int((amounts <= 0).argmax())
        raise ValueError(f"values must be above 0; not {amounts[at]} at index {at}")
    code, names = labels(groups, "groups", len(amounts))
    samples = [np.log(amounts[code == position]) for position in range(len(names))]
    samples = [sample for sample in samples if len(sample) > 1]
    n, method = sum(len(sample) for sample in samples), "Brown–Forsythe on logs"
    if len(samples) < 2 or all(np.ptp(np.abs(sample - np.median(sample))) == 0 for sample in samples):
        return Significance(None, None, n, method)
    statistic, p_value = stats.levene(*samples, center="median")
    return Significance(float(statistic), float(p_value), n, method)
