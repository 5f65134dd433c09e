"""Counts over time: who is at risk, what happens, who leaves, who enters. And the log-log limits read from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kaanalysis.stats.inputs import FloatArray, IntArray, normal_quantile


@dataclass(frozen=True)
class RiskTable:
    """One row per distinct time: 0, every duration, every late entry. ``events`` has one column per cause.

    ``known`` counts the units that were seen before the time and not censored before it: their state then is known.
    """

    time: FloatArray
    at_risk: IntArray
    events: IntArray
    censored: IntArray
    entered: IntArray
    known: IntArray


def risk_table(duration: FloatArray, start: FloatArray, code: IntArray, causes: int) -> RiskTable:
    """Counts per time. ``code``: 0 … causes-1, or -1 for censored; ``start``: -inf for observed from the origin.

    At risk at t are those with start < t <= duration; times are tied only if they are equal to the last bit.
    """
    late = np.isfinite(start)
    time = np.unique(np.concatenate([[0.0], duration, start[late]]))
    at = np.searchsorted(time, duration)
    begun = np.searchsorted(np.sort(start), time, side="left")
    gone = np.searchsorted(np.sort(duration), time, side="left")
    events = np.bincount((at * causes + code)[code >= 0], minlength=len(time) * causes).reshape(len(time), causes)
    censored = np.bincount(at[code < 0], minlength=len(time))
    entered = np.bincount(np.where(late, np.searchsorted(time, start), 0), minlength=len(time))
    return RiskTable(time, begun - gone, events, censored, entered, begun - (np.cumsum(censored) - censored))


def hazard_of(events: FloatArray | IntArray, at_risk: FloatArray | IntArray) -> FloatArray:
    """Events per unit at risk; 0 where nobody is at risk."""
    return np.divide(events, at_risk, out=np.zeros(np.broadcast(events, at_risk).shape), where=np.asarray(at_risk) > 0)


def greenwood_terms(events: IntArray, at_risk: IntArray) -> FloatArray:
    """d / (r (r - d)); 0 where all at risk leave, since nothing after that time depends on the term."""
    left = at_risk - events
    return np.divide(events, at_risk * left, out=np.zeros(len(events)), where=(at_risk > 0) & (left > 0))


def log_log_limits(
    survival: FloatArray, se: FloatArray, time: FloatArray, known: IntArray, level: float
) -> tuple[FloatArray, FloatArray]:
    """Limits S ** exp(±z se / (S |log S|)) of a non-increasing curve, all arrays of one length.

    The transform has no limits where the curve is exactly 1 or 0. Still 1 at t > 0 (nothing has happened yet): the
    lower limit is Clopper–Pearson's for none in the smallest number of units whose state was known so far, the upper
    limit is 1; at time 0, and before anybody was seen, the curve is 1 by definition. At 0: the lower limit is 0 and
    the upper limit stays where it was before the drop, since survival cannot rise.
    """
    low, high = np.ones(len(survival)), np.ones(len(survival))
    inside = (survival > 0) & (survival < 1)
    spread = normal_quantile(level) * se[inside] / (survival[inside] * -np.log(survival[inside]))
    # A huge spread overflows exp to infinity, and S ** inf is the right limit 0.
    with np.errstate(over="ignore", under="ignore"):
        low[inside] = survival[inside] ** np.exp(spread)
        high[inside] = survival[inside] ** np.exp(-spread)
    smallest = np.minimum.accumulate(np.where(known > 0, known, np.iinfo(np.int64).max))
    still_one = (survival >= 1) & (time > 0)
    low[still_one] = ((1 - level) / 2) ** (1 / smallest[still_one])
    gone = survival <= 0
    if gone.any():
        first = int(gone.argmax())
        low[gone] = 0.0
        high[gone] = high[first - 1] if first else 1.0
    return low, high
