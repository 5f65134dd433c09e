"""Which steps count as bottlenecks and which may be the biggest: rules over resampled reliefs, a part of M-3.6 and of M-4."""

from __future__ import annotations

import numpy as np
from scipy import stats as scipy_stats

from kaanalysis.policy import Policy


def flag_bottlenecks(draws: np.ndarray, policy: Policy) -> tuple[np.ndarray, np.ndarray]:
    """Which steps are bottlenecks, (steps,), and which are in each resample, (draws, steps); see :func:`count_bottlenecks`."""
    above = draws > policy["bottleneck.minimum_relief"]
    share = above.mean(axis=0)
    settled = share >= policy["bottleneck.certainty"]
    return settled, settled | (above & (share > policy["bottleneck.dismissal"]))


def count_bottlenecks(draws: np.ndarray, policy: Policy) -> tuple[int, np.ndarray]:
    """How many steps are bottlenecks, and that number in each resample.

    draws: reliefs in wins per 100 deals, (draws, steps). Relief cannot be negative, so noise alone gives a harmless step some relief, and
    counting steps above the minimum in each resample counts that noise twice. A step is therefore settled where it is above the
    minimum in at least ``bottleneck.certainty`` of the resamples (counted) or in at most ``bottleneck.dismissal`` (not counted); only steps
    between the two make the number uncertain.
    """
    settled, drawn = flag_bottlenecks(draws, policy)
    return int(settled.sum()), drawn.sum(axis=1)


def candidates(relief: np.ndarray, draws: np.ndarray, clusters: int, policy: Policy) -> np.ndarray:
    """Which steps may be the biggest bottleneck, (steps,): the one with the largest estimate, and every other that costs at least as much
    in more than 1 − ``bottleneck.rank_1_probability`` of the resamples.

    The truly biggest step is among them about as often as that probability says, however close the others are: what can be said where
    none can be named. Source: Gupta 1965, Technometrics 7, 225–245 (subset selection)."""
    top = int(np.argmax(relief))
    share = (draws >= draws[:, [top]]).mean(axis=0)
    # The tail of few clusters is widened as that of the intervals is (Hesterberg 2015).
    tail = 1 - policy["bottleneck.rank_1_probability"]
    if clusters > 1:
        freedom = clusters - 1
        tail = float(scipy_stats.norm.sf(np.sqrt(clusters / freedom) * scipy_stats.t.isf(tail, freedom)))
    return np.asarray((share > tail) | (np.arange(len(share)) == top))
