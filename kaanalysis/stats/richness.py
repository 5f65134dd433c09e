"""How many kinds there are in all, those never met included, from who was met on which occasion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from kaanalysis.stats.estimate import Estimate
from kaanalysis.stats.inputs import check_level


@dataclass(frozen=True)
class Richness:
    """Chao2 for many sites at once, arrays of shape (sites,). found: units met at least once; unseen: estimate of those never met;
    low, high: limits of found + unseen."""

    found: np.ndarray
    unseen: np.ndarray
    low: np.ndarray
    high: np.ndarray


def unseen_units(once: Any, twice: Any, occasions: Any) -> np.ndarray:
    """Units never met, the bias-corrected Chao2: (m - 1) / m · Q1 (Q1 - 1) / (2 (Q2 + 1)), 0 or more.

    ``once`` (Q1), ``twice`` (Q2): units met on exactly one, exactly two occasions; ``occasions`` (m): how many there were, 1 or more;
    shapes (sites,). 0 where nobody was met only once, or with one occasion, which tells nothing of those missing: leave such sites
    out. It is a lower bound where some units are easier to meet than others, and unbiased where all are alike and none is certain.
    Sources: Chao 1987, Biometrics 43, 783–791; bias-corrected form: Gotelli and Chao 2013, Encyclopedia of Biodiversity 5,
    195–211, equation 8b.
    """
    q1, q2, m = (np.asarray(x, dtype=np.float64) for x in (once, twice, occasions))
    if (m < 1).any():
        raise ValueError(f"occasions must be 1 or more; not {m.min():g}")
    if (q1 < 0).any() or (q2 < 0).any():
        raise ValueError("once and twice must be 0 or more")
    return np.asarray((m - 1) / m * q1 * (q1 - 1) / (2 * (q2 + 1)))


def _variance(q1: np.ndarray, q2: np.ndarray, m: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Variance of the bias-corrected size; where nobody was met twice, the form that Gotelli and Chao give for that case."""
    a = (m - 1) / m
    common = a * q1 * (q1 - 1) / (2 * (q2 + 1)) + a**2 * q1 * (2 * q1 - 1) ** 2 / (4 * (q2 + 1) ** 2)
    some = common + a**2 * q1**2 * q2 * (q1 - 1) ** 2 / (4 * (q2 + 1) ** 4)
    none = common - a**2 * q1**4 / (4 * np.maximum(size, 1))
    return np.maximum(np.where(q2 > 0, some, none), 0.0)


def chao2_by_site(found: Any, met: Any, once: Any, twice: Any, occasions: Any, level: float = 0.95) -> Richness:
    """Chao2 with its log-normal limits, for many sites (accounts) at once.

    ``found``: units met; ``met``: meetings in all (a unit met on three occasions counts three times); the rest as :func:`unseen_units`;
    shapes (sites,). Limits: found + unseen / K and found + unseen · K with K = exp(z √log(1 + variance / unseen²)), so never below
    those found. Where nothing is estimated to be missing: the limits for a site in which meetings fall on the units by chance,
    found / (1 - P) ± z √(found · P) / (1 - P) with P = exp(- met / found), not below `found`. All limits are of a lower bound
    where units differ. Raises ValueError as :func:`unseen_units`.
    Sources: Chao 1987; Colwell, EstimateS 9 User's Guide (2013), appendix B, for the limits where the estimate is the number found.
    """
    check_level(level)
    s, meetings, q1, q2, m = (np.asarray(x, dtype=np.float64) for x in (found, met, once, twice, occasions))
    unseen = unseen_units(q1, q2, m)
    z = float(stats.norm.isf((1 - level) / 2))
    safe = np.where(unseen > 0, unseen, 1.0)
    spread = np.exp(z * np.sqrt(np.log1p(_variance(q1, q2, m, s + unseen) / safe**2)))
    missed = np.exp(-np.divide(meetings, s, out=np.full(len(s), np.inf), where=s > 0))
    missed = np.minimum(missed, 1 - 1e-9)
    middle, reach = s / (1 - missed), z * np.sqrt(s * missed) / (1 - missed)
    low = np.where(unseen > 0, s + safe / spread, np.maximum(s, middle - reach))
    high = np.where(unseen > 0, s + safe * spread, np.maximum(s, middle + reach))
    return Richness(s, unseen, low, high)


def chao2(frequencies: Any, occasions: int, level: float = 0.95) -> Estimate:
    """Units in all at one site, from how often each of those met was met, shape (units,), out of ``occasions``.

    As :func:`chao2_by_site`; ``n`` counts the units met. Value and limits are None with fewer than two occasions or nobody met. Raises
    ValueError where a frequency is not a whole number from 1 to ``occasions``.
    """
    check_level(level)
    times = np.asarray(frequencies, dtype=np.float64)
    n, method = len(times), f"Chao2, bias-corrected, log-normal limits, {occasions} occasions; a lower bound"
    if n and not (np.equal(times, np.round(times)) & (times >= 1) & (times <= occasions)).all():
        raise ValueError(f"frequencies must be whole numbers from 1 to {occasions}")
    if occasions < 2 or not n:
        return Estimate(None, None, None, level, n, method)
    got = chao2_by_site([n], [times.sum()], [(times == 1).sum()], [(times == 2).sum()], [occasions], level)
    return Estimate(float(n + got.unseen[0]), float(got.low[0]), float(got.high[0]), level, n, method)
