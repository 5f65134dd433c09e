"""How unequally a total is spread: Gini coefficient, the share of the largest, and the Lorenz curve behind both."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from kaanalysis.stats.estimate import Estimate
from kaanalysis.stats.inputs import FloatArray, IntArray, check_level, labels, numbers

# Named in every method: the largest customers that a sample happens not to hold cannot be seen in it.
LEANS = "cluster jackknife, t on log odds; short in heavy tails"


def _amounts(values: Any) -> FloatArray:
    amounts = numbers(values, "values")
    if (amounts < 0).any():
        at = int((amounts < 0).argmax())
        raise ValueError(f"values must be 0 or more; not {amounts[at]} at index {at}")
    return amounts


def _clusters(clusters: Any, n: int) -> tuple[IntArray, int]:
    code, names = labels(np.arange(n) if clusters is None else clusters, "clusters", n)
    return code, len(names)


def _limits(value: float, left: FloatArray, level: float, n: int, method: str) -> Estimate:
    """The value with its jackknife interval; left: the value without each cluster."""
    k = len(left)
    # Rounding must not pass for a last crumb: who holds everything but 1e-12 holds everything.
    left = np.where(left > 1 - 1e-12, 1.0, np.where(left < 1e-12, 0.0, left))
    with np.errstate(divide="ignore", invalid="ignore"):
        odds = np.log(left / (1 - left))
        middle = np.log(np.divide(value, 1 - np.float64(value)))
    if k < 3 or not np.isfinite(odds).all() or not np.isfinite(middle):
        return Estimate(value, None, None, level, n, method)
    error = float(np.sqrt((k - 1) / k * ((odds - odds.mean()) ** 2).sum()))
    if not error > 1e-12:
        return Estimate(value, None, None, level, n, method)
    reach = float(stats.t.ppf((1 + level) / 2, k - 1)) * error
    low, high = (1 / (1 + np.exp(-(middle + side * reach))) for side in (-1, 1))
    return Estimate(value, float(low), float(high), level, n, method)


def gini(values: Any, clusters: Any = None, *, level: float = 0.95) -> Estimate:
    """The Gini coefficient of amounts, 0 … (n - 1) / n, so below 1; no unit.

    ``values``: shape (n,), 0 or more. 0: all are equal; (n - 1) / n: one has everything. It is the mean absolute difference
    of two amounts over twice the mean, without the small-sample factor n / (n - 1). Delete-one-cluster jackknife on
    log odds with Student's t; in heavy tails with few units it leans low and short: of lognormal amounts with
    dispersion 0.8 and 1.3, 60 and 300 units, a nominal 95 % covered 90 % and 88 % in simulation (tests).
    None where there are no units or all are 0; limits None with fewer than three clusters or where all are equal. Raises
    ValueError for amounts below 0 or missing. Sources: Gini 1912; Cowell, Measuring Inequality, 3rd ed. 2011; Yitzhaki 1991 (jackknife).
    """
    check_level(level)
    amounts = _amounts(values)
    n, method = len(amounts), "Gini, " + LEANS
    if not n or amounts.max() == 0:
        return Estimate(None, None, None, level, n, "Gini; nothing to share")
    code, k = _clusters(clusters, n)
    scaled = amounts / amounts.max()
    order = np.argsort(scaled, kind="stable")
    ordered, below = scaled[order], np.concatenate([[0.0], np.cumsum(scaled[order])[:-1]])
    rank = np.arange(n)
    distance = np.empty(n)  # Σ |x_i - x_j| over all j
    distance[order] = ordered * rank - below + (scaled.sum() - below - ordered) - ordered * (n - rank - 1)
    whole, total = distance.sum(), scaled.sum()
    # A cluster takes its distances with it, each counted from both ends but for those inside it.
    inside = np.zeros(k)
    if k < n:
        inside[:] = [np.abs(own[:, None] - own[None, :]).sum() for own in _split(scaled, code, k)]
    gone = np.bincount(code, minlength=k)
    rest = whole - 2 * np.bincount(code, weights=distance, minlength=k) + inside
    with np.errstate(divide="ignore", invalid="ignore"):
        left = np.maximum(rest, 0.0) / (2 * (n - gone) * (total - np.bincount(code, weights=scaled, minlength=k)))
    return _limits(max(0.0, float(whole / (2 * n * total))), left, level, n, method)


def _split(values: FloatArray, code: IntArray, count: int) -> list[FloatArray]:
    order = np.argsort(code, kind="stable")
    return np.split(values[order], np.cumsum(np.bincount(code, minlength=count))[:-1])


def top_share(
    values: Any, *, count: int | None = None, fraction: float | None = None, clusters: Any = None, level: float = 0.95
) -> Estimate:
    """The share of the total that the largest units hold: 0 … 1, no unit.

    ``values``: shape (n,), 0 or more. Either ``count``: the largest so many units, or ``fraction``: the largest so
    large a part of the units, above 0 to 1, rounded up to whole units. The lowest possible number is the part of the
    units that they are (all equal); 1: they hold everything (also where there are no more units than ``count``).
    Delete-one-cluster jackknife on log odds with Student's t; short in heavy tails: of lognormal amounts with dispersion 0.8 and 1.3,
    60 and 300 units, the ten largest covered 90 % and 88 % in simulation (tests). None without units or where all are 0; limits None with
    fewer than three clusters or where one of them holds everything. Raises ValueError for both or neither of ``count`` and
    ``fraction``, values out of range, amounts below 0 or missing.
    """
    check_level(level)
    amounts = _amounts(values)
    if (count is None) == (fraction is None):
        raise ValueError("count or fraction must be given, one of them; not both or neither")
    if count is not None and (count < 1 or count != int(count)):
        raise ValueError(f"count must be a whole number, 1 or more; not {count}")
    if fraction is not None and not 0 < fraction <= 1:
        raise ValueError(f"fraction must be above 0 and at most 1; not {fraction}")
    n, method = len(amounts), "share of the largest, " + LEANS
    if not n or amounts.max() == 0:
        return Estimate(None, None, None, level, n, "share of the largest; nothing to share")

    def wanted(units: int) -> int:
        # Rounded before rounding up: 0.1 x 30 is 3.0000000000000004 and means 3.
        return min(units, int(count) if count is not None else int(np.ceil(round((fraction or 0.0) * units, 9))))

    code, k = _clusters(clusters, n)
    order = np.argsort(-amounts, kind="stable")
    ordered, reached = (
        amounts[order] / amounts.max(),
        np.concatenate([[0.0], np.cumsum(amounts[order] / amounts.max())]),
    )
    value = min(1.0, float(reached[wanted(n)] / reached[-1]))
    place = np.empty(n, np.int64)
    place[order] = np.arange(n)
    gone, first = np.bincount(code, minlength=k), np.full(k, n)
    np.minimum.at(first, code, place)
    ends = np.array([wanted(n - g) for g in range(int(gone.max()) + 1)])[gone]
    total = reached[-1] - np.bincount(code, weights=amounts / amounts.max(), minlength=k)
    held = reached[ends]
    for cluster in np.flatnonzero(first < ends):  # every unit of it among the largest lets the next one in
        own, end = np.sort(place[code == cluster]), int(ends[cluster])
        for at in own:
            if at >= end:
                break
            end += 1
        held[cluster] = reached[end] - ordered[own[own < end]].sum()
    left = np.divide(held, total, out=np.full(k, np.nan), where=total > 0)
    return _limits(value, left, level, n, method)


def lorenz_curve(values: Any) -> pd.DataFrame:
    """The Lorenz curve of amounts: units from the smallest to the largest against what they hold together.

    ``values``: shape (n,), 0 or more, not all 0. Columns ``units`` and ``held``, both shares from 0 to 1, n + 1 rows; the diagonal: all are
    equal. Empty where there is nothing to share. Raises ValueError for amounts below 0 or missing. Source: Lorenz 1905.
    """
    amounts = np.sort(_amounts(values))
    if not len(amounts) or amounts.max() == 0:
        return pd.DataFrame({"units": np.empty(0), "held": np.empty(0)})
    scaled = amounts / amounts.max()
    held = np.concatenate([[0.0], np.cumsum(scaled)])
    return pd.DataFrame({"units": np.arange(len(amounts) + 1) / len(amounts), "held": held / held[-1]})
