"""How unequally a total is spread: Gini coefficient and the share of the largest."""

from __future__ import annotations

from typing import Any

import numpy as np

from kaanalysis.stats.estimate import Estimate
from kaanalysis.stats.inputs import FloatArray, IntArray, check_level, numbers
from kaanalysis.stats.resampling import bootstrap


def _amounts(values: Any) -> FloatArray:
    amounts = numbers(values, "values")
    if (amounts < 0).any():
        at = int((amounts < 0).argmax())
        raise ValueError(f"values must be 0 or more; not {amounts[at]} at index {at}")
    return amounts


def gini(values: Any, clusters: Any = None, *, level: float = 0.95, draws: int = 2000, seed: int = 0) -> Estimate:
    """The Gini coefficient of amounts, 0 … (n - 1) / n, so below 1; no unit.

    ``values``: shape (n,), 0 or more. 0: all are equal; (n - 1) / n: one has everything. It is the mean absolute
    difference of two amounts over twice the mean, without the small-sample factor n / (n - 1). Bias-corrected
    and accelerated bootstrap over units or ``clusters``; in heavy tails with few units it still leans low:
    of lognormal amounts with dispersion 0.8 and 1.5, 100 units, a nominal 95 % covered 90 % and 83 % in simulation.
    None where there are no units or all are 0. Raises ValueError for amounts below 0 or missing.
    Sources: Gini 1912; Cowell, Measuring Inequality, 3rd ed. 2011.
    """
    check_level(level)
    amounts = _amounts(values)
    if not len(amounts) or amounts.max() == 0:
        return Estimate(None, None, None, level, len(amounts), "Gini; nothing to share")
    order = np.argsort(amounts, kind="stable")
    ordered = amounts[order] / amounts.max()

    def coefficient(weights: IntArray) -> FloatArray:
        own = weights[:, order]
        ranks = np.cumsum(own, axis=1)
        count, total = ranks[:, -1], own @ ordered
        spread = (own * (2 * ranks - own - count[:, None])) @ ordered
        result = np.divide(spread, count * total, out=np.full(len(own), np.nan), where=total > 0)
        return np.maximum(result, 0.0)

    units = np.arange(len(amounts)) if clusters is None else clusters
    return bootstrap(coefficient, units, draws=draws, seed=seed, level=level, interval="bca", method="Gini")


def top_share(
    values: Any,
    *,
    count: int | None = None,
    fraction: float | None = None,
    clusters: Any = None,
    level: float = 0.95,
    draws: int = 2000,
    seed: int = 0,
) -> Estimate:
    """The share of the total that the largest units hold: 0 … 1, no unit.

    ``values``: shape (n,), 0 or more. Either ``count``: the largest so many units, or ``fraction``: the largest so
    large a part of the units, above 0 to 1, rounded up to whole units. The lowest possible number is the part of the
    units that they are (all equal); 1: they hold everything (also where there are no more units than ``count``).
    Percentile interval of the bootstrap over units or ``clusters``; it leans low in heavy tails. None without units
    or where all are 0. Raises ValueError for both or neither of ``count`` and ``fraction``, values out of range,
    amounts below 0 or missing.
    """
    check_level(level)
    amounts = _amounts(values)
    if (count is None) == (fraction is None):
        raise ValueError("count or fraction must be given, one of them; not both or neither")
    if count is not None and (count < 1 or count != int(count)):
        raise ValueError(f"count must be a whole number, 1 or more; not {count}")
    if fraction is not None and not 0 < fraction <= 1:
        raise ValueError(f"fraction must be above 0 and at most 1; not {fraction}")
    if not len(amounts) or amounts.max() == 0:
        return Estimate(None, None, None, level, len(amounts), "share of the largest; nothing to share")
    order = np.argsort(-amounts, kind="stable")
    ordered = amounts[order] / amounts.max()

    def share(weights: IntArray) -> FloatArray:
        own = weights[:, order]
        reached = np.cumsum(own, axis=1)
        # Rounded before rounding up: 0.1 x 30 is 3.0000000000000004 and means 3.
        size = reached[:, -1] * (fraction or 0.0)
        wanted = np.ceil(np.round(size, 9)) if count is None else np.full(len(own), float(count))
        inside = np.clip(wanted[:, None] - (reached - own), 0, own)
        total = own @ ordered
        return np.divide(inside @ ordered, total, out=np.full(len(own), np.nan), where=total > 0).clip(0.0, 1.0)

    units = np.arange(len(amounts)) if clusters is None else clusters
    return bootstrap(share, units, draws=draws, seed=seed, level=level, method="share of the largest")
