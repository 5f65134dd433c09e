"""The mean of stratum means, with an interval that knows how few units each stratum has."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats

from kaanalysis.stats.estimate import Estimate
from kaanalysis.stats.inputs import FloatArray, check_level, labels, numbers


def _weights_of(weights: Any, n: int) -> FloatArray:
    """One positive weight per unit, all 1 where none are given."""
    array = np.ones(n) if weights is None else numbers(weights, "weights", n)
    if (array <= 0).any():
        at = int((array <= 0).argmax())
        raise ValueError(f"weights must be above 0; not {array[at]} at index {at}")
    return array


def _spread(values: Any, strata: Any, weights: Any = None) -> tuple[float, float, float]:
    """(mean of stratum means, its standard error, degrees of freedom by Welch and Satterthwaite); NaN where nothing says.

    Weighted units vary alike, so a stratum's mean has the variance of a unit over Kish's effective number (Σw)² / Σw²."""
    array = numbers(values, "values")
    code, names = labels(strata, "strata", len(array))
    weight = _weights_of(weights, len(array))
    share = weight / np.bincount(code, weights=weight, minlength=len(names))[code]
    count = np.bincount(code, minlength=len(names)).astype(float)
    means = np.bincount(code, weights=share * array, minlength=len(names))
    plain = np.bincount(code, weights=array, minlength=len(names)) / count
    squares = np.bincount(code, weights=(array - plain[code]) ** 2, minlength=len(names))
    each = np.bincount(code, weights=share**2, minlength=len(names))  # 1 / effective number of units
    many = count > 1
    if not many.any():  # one unit in each: all that is known of chance is how the strata differ
        freedom = max(len(names) - 1, 0)
        error = float(means.std(ddof=1) / np.sqrt(len(names))) if freedom else float("nan")
        return float(means.mean()), error, float(freedom)
    pooled = squares[many].sum() / (count[many] - 1).sum()  # stands in where a stratum has one unit
    part = np.where(many, squares / np.maximum(count - 1, 1), pooled) * each
    whole = float(part.sum())
    below = float((part**2 / np.where(many, np.maximum(count - 1, 1), (count[many] - 1).sum())).sum())
    return float(means.mean()), float(np.sqrt(whole)) / len(names), whole**2 / below if below > 0 else float("nan")


def _means_under(values: Any, strata: Any, weights: FloatArray) -> FloatArray:
    """Mean of stratum means under each row of `weights` (draws, units), shape (draws,)."""
    array = numbers(values, "values")
    code, names = labels(strata, "strata", len(array))
    member = np.zeros((len(array), len(names)))
    member[np.arange(len(array)), code] = 1.0
    return np.asarray(((weights * array) @ member / (weights @ member)).mean(axis=1), dtype=np.float64)


def stratified_mean(
    values: Any, strata: Any, *, level: float = 0.95, low: float | None = None, high: float | None = None,
    weights: Any = None, weight_draws: FloatArray | None = None,
) -> Estimate:  # fmt: skip
    """The unweighted mean of the strata's means, in the unit of the values, with Student's t on Welch–Satterthwaite degrees of freedom.

    ``values``: shape (n,); ``strata``: one label per unit. ``low``, ``high``: bounds of the unit's scale, at which the interval is cut.
    ``weights``: shape (n,), above 0: how much each unit counts within its stratum (all alike where None). ``weight_draws``: shape
    (draws, n), values of weights that are estimates themselves: how far the mean moves over them widens the interval.
    A stratum of one unit borrows the pooled variance of the others. Limits are None where nothing varies or there is one unit in all;
    all None for n = 0. Raises ValueError for missing values and weights not above 0. Sources: Cochran, Sampling Techniques, 3rd ed. 1977,
    section 5.4; Kish 1965, Survey Sampling, section 11.7 (weights).
    """
    check_level(level)
    n, method = len(numbers(values, "values")), "mean of strata, Welch–Satterthwaite t"
    if n == 0:
        return Estimate(None, None, None, level, 0, method)
    mean, error, freedom = _spread(values, strata, weights)
    if not error > 0:
        return Estimate(mean, None, None, level, n, method)
    reach = float(stats.t.ppf((1 + level) / 2, freedom)) * error
    if weight_draws is not None:
        # Distances to the limits add in squares: what the weights move can only widen the interval (Zou and Donner 2008).
        moved = float(_means_under(values, strata, weight_draws).std(ddof=1))
        reach = float(np.hypot(reach, stats.norm.ppf((1 + level) / 2) * moved))
    below, above = mean - reach, mean + reach
    return Estimate(
        mean, below if low is None else max(below, low), above if high is None else min(above, high), level, n, method
    )


def stratified_mean_draws(
    values: Any, strata: Any, draws: int, seed: int, low: float, high: float, weights: Any = None, weight_draws: FloatArray | None = None
) -> FloatArray:  # fmt: skip
    """Values of the stratified mean as likely as its interval says, shape (draws,), cut at ``low`` and ``high``: mean + error · t, the mean
    under the same row of ``weight_draws``, shape (draws, n), where these are given."""
    mean, error, freedom = _spread(values, strata, weights)
    means = np.full(draws, mean) if weight_draws is None else _means_under(values, strata, weight_draws)
    if not error > 0:
        return means
    return np.clip(means + error * np.random.default_rng(seed).standard_t(freedom, draws), low, high)


def stratified_difference(
    values_a: Any, values_b: Any, strata_a: Any, strata_b: Any, clusters_a: Any = None, clusters_b: Any = None, *,
    level: float = 0.95, freedom: int | None = None,
) -> Estimate:  # fmt: skip
    """Mean of a minus mean of b where both are alike in their stratum, in the unit of the values.

    ``values_a``, ``values_b``: shapes (n_a,), (n_b,); ``strata``, ``clusters``: one label per unit (clusters None: each its own; a cluster
    found in both samples is one). Differences within strata are averaged with weights n_a n_b / (n_a + n_b): what least squares with
    stratum effects gives, so strata where only one of the two occurs count for nothing, and neither sample's composition does. It takes
    away what the strata explain and nothing else: it is still no cause. Delete-one-cluster jackknife, Student's t on clusters - 1
    degrees of freedom, or on ``freedom`` if given and smaller: where values carry information only in few units (lives that ended).
    ``n``: units in strata where both occur. Value None where there are none; limits None with fewer than three clusters
    among them or where leaving one out leaves no such stratum. Raises ValueError for missing values.
    Sources: Mantel and Haenszel 1959 (the weights); Angrist and Pischke 2009, section 3.3.1; Efron and Tibshirani 1993, chapter 11.
    """
    check_level(level)
    a, b = numbers(values_a, "values_a"), numbers(values_b, "values_b")
    if (clusters_a is None) != (clusters_b is None):
        raise ValueError("clusters_a and clusters_b must be given both or neither; not one of them")
    value = np.concatenate([a, b])
    side = np.repeat([0, 1], [len(a), len(b)])
    joined = [*np.asarray(strata_a, dtype=object), *np.asarray(strata_b, dtype=object)]
    stratum, names = labels(np.fromiter(joined, object, len(joined)), "strata", len(value))
    own: Any = np.arange(len(value))
    if clusters_a is not None:
        own = np.fromiter(
            [*np.asarray(clusters_a, dtype=object), *np.asarray(clusters_b, dtype=object)], object, len(value)
        )
    method = "difference within strata, overlap weights, cluster jackknife, t"
    counts = np.zeros((len(names), 2))
    np.add.at(counts, (stratum, side), 1)
    shared = np.asarray((counts > 0).all(axis=1))
    inside = shared[stratum]
    n = int(inside.sum())
    if not n:
        return Estimate(None, None, None, level, 0, method + "; no stratum with both")
    value, side, stratum = value[inside], side[inside], stratum[inside]
    cluster, groups = labels(own[inside], "clusters", n)
    count, total = np.zeros((len(groups), len(names), 2)), np.zeros((len(groups), len(names), 2))
    np.add.at(count, (cluster, stratum, side), 1)
    np.add.at(total, (cluster, stratum, side), value)

    def difference(n: FloatArray, t: FloatArray) -> FloatArray:
        with np.errstate(invalid="ignore", divide="ignore"):
            gap = t[..., 0] / n[..., 0] - t[..., 1] / n[..., 1]
            weight = n[..., 0] * n[..., 1] / (n[..., 0] + n[..., 1])
            weight, gap = np.where(np.isfinite(gap), weight, 0.0), np.where(np.isfinite(gap), gap, 0.0)
            return np.asarray((weight * gap).sum(axis=-1) / weight.sum(axis=-1))

    whole_n, whole_t = count.sum(axis=0), total.sum(axis=0)
    found, left = float(difference(whole_n, whole_t)), difference(whole_n - count, whole_t - total)
    k = len(groups)
    if k < 3 or not np.isfinite(left).all():
        return Estimate(found, None, None, level, n, method)
    error = float(np.sqrt((k - 1) / k * ((left - left.mean()) ** 2).sum()))
    if not error > 0:
        return Estimate(found, None, None, level, n, method)
    used = k - 1 if freedom is None else max(1, min(freedom, k - 1))
    reach = float(stats.t.ppf((1 + level) / 2, used)) * error
    return Estimate(found, found - reach, found + reach, level, n, method)
