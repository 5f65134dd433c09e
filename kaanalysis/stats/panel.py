"""A slope common to several groups followed over time."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats

from kaanalysis.stats.estimate import Estimate
from kaanalysis.stats.inputs import check_level, labels, numbers


def common_slope(x: Any, y: Any, groups: Any, *, level: float = 0.95) -> Estimate:
    """The slope of y on x within groups (each group has a level of its own), in units of y per unit of x.

    ``x``, ``y``: shape (n,); ``groups``: one label per point. Least squares with group effects; with at least three groups in which x
    varies the interval is the delete-one-group jackknife with Student's t on groups - 1, so that what a group's points share (a good
    team, a bad year in one region) does not pass for evidence; with fewer, ordinary least squares with t on what is left of the
    points. ``n``: points in groups where x varies. Value None where x varies in none; limits None where fewer than two degrees of freedom
    are left or nothing is left to vary. Raises ValueError for missing values. Sources: Wooldridge, Econometric Analysis of Cross Section
    and Panel Data, 2nd ed. 2010, section 10.5; Efron and Tibshirani 1993, chapter 11.
    """
    check_level(level)
    a = numbers(x, "x")
    b = numbers(y, "y", len(a))
    code, names = labels(groups, "groups", len(a))
    count = np.maximum(np.bincount(code, minlength=len(names)), 1)
    away = a - (np.bincount(code, weights=a, minlength=len(names)) / count)[code] if len(a) else a
    rest = b - (np.bincount(code, weights=b, minlength=len(names)) / count)[code] if len(b) else b
    squares = np.bincount(code, weights=away**2, minlength=len(names))
    products = np.bincount(code, weights=away * rest, minlength=len(names))
    used = squares > 1e-12 * max(float((a**2).sum()) if len(a) else 0.0, 1e-300)
    n = int(count[used].sum()) if len(a) else 0
    if not used.any():
        return Estimate(None, None, None, level, n, "slope within groups; x does not vary")
    slope, k = float(products[used].sum() / squares[used].sum()), int(used.sum())
    if k >= 3:
        method = "slope within groups, group jackknife, t"
        left = (products[used].sum() - products[used]) / (squares[used].sum() - squares[used])
        error, freedom = float(np.sqrt((k - 1) / k * ((left - left.mean()) ** 2).sum())), k - 1
    else:
        method = "slope within groups, least squares, t"
        freedom = n - k - 1
        off = (rest - slope * away)[used[code]]
        error = float(np.sqrt((off**2).sum() / freedom / squares[used].sum())) if freedom >= 2 else 0.0
    if freedom < 2 or not error > 1e-12 * max(abs(slope), 1.0):
        return Estimate(slope, None, None, level, n, method)
    reach = float(stats.t.ppf((1 + level) / 2, freedom)) * error
    return Estimate(slope, slope - reach, slope + reach, level, n, method)
