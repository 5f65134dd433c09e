"""The mean of stratum means, with an interval that knows how few units each stratum has."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats

from kaanalysis.stats.estimate import Estimate
from kaanalysis.stats.inputs import FloatArray, check_level, labels, numbers


def _spread(values: Any, strata: Any) -> tuple[float, float, float]:
    """(mean of stratum means, its standard error, degrees of freedom by Welch and Satterthwaite); NaN where nothing says."""
    array = numbers(values, "values")
    code, names = labels(strata, "strata", len(array))
    count = np.bincount(code, minlength=len(names)).astype(float)
    means = np.bincount(code, weights=array, minlength=len(names)) / count
    squares = np.bincount(code, weights=(array - means[code]) ** 2, minlength=len(names))
    many = count > 1
    if not many.any():  # one unit in each: all that is known of chance is how the strata differ
        freedom = max(len(names) - 1, 0)
        error = float(means.std(ddof=1) / np.sqrt(len(names))) if freedom else float("nan")
        return float(means.mean()), error, float(freedom)
    pooled = squares[many].sum() / (count[many] - 1).sum()  # stands in where a stratum has one unit
    part = np.where(many, squares / np.maximum(count - 1, 1), pooled) / count
    whole = float(part.sum())
    below = float((part**2 / np.where(many, np.maximum(count - 1, 1), (count[many] - 1).sum())).sum())
    return float(means.mean()), float(np.sqrt(whole)) / len(names), whole**2 / below if below > 0 else float("nan")


def stratified_mean(
    values: Any, strata: Any, *, level: float = 0.95, low: float | None = None, high: float | None = None
) -> Estimate:
    """The unweighted mean of the strata's means, in the unit of the values, with Student's t on Welch–Satterthwaite degrees of freedom.

    ``values``: shape (n,); ``strata``: one label per unit. ``low``, ``high``: bounds of the unit's scale, at which the interval is cut.
    A stratum of one unit borrows the pooled variance of the others. Limits are None where nothing varies or there is one unit in all;
    all None for n = 0. Raises ValueError for missing values. Source: Cochran, Sampling Techniques, 3rd ed. 1977, section 5.4.
    """
    check_level(level)
    n, method = len(numbers(values, "values")), "mean of strata, Welch–Satterthwaite t"
    if n == 0:
        return Estimate(None, None, None, level, 0, method)
    mean, error, freedom = _spread(values, strata)
    if not error > 0:
        return Estimate(mean, None, None, level, n, method)
    reach = float(stats.t.ppf((1 + level) / 2, freedom)) * error
    below, above = mean - reach, mean + reach
    return Estimate(
        mean, below if low is None else max(below, low), above if high is None else min(above, high), level, n, method
    )


def stratified_mean_draws(values: Any, strata: Any, draws: int, seed: int, low: float, high: float) -> FloatArray:
    """Values of the stratified mean as likely as its interval says, shape (draws,), cut at ``low`` and ``high``: mean + error · t."""
    mean, error, freedom = _spread(values, strata)
    if not error > 0:
        return np.full(draws, mean)
    return np.clip(mean + error * np.random.default_rng(seed).standard_t(freedom, draws), low, high)
