"""What it would be worth to know one input, or a group of them, or the outcome of a sample, before choosing."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from kaanalysis.stats.estimate import Estimate
from kaanalysis.stats.information import checked_payoff, mean_of_gains
from kaanalysis.stats.inputs import FloatArray, check_level
from kaanalysis.stats.smoothing import best_cross_fit, fit_means, natural_spline, normal_scores

_PIECES = 512


def expected_value_of_partial_information(payoff: Any, inputs: Any, level: float = 0.95, seed: int = 0) -> Estimate:
    """What knowing these inputs, and nothing else, before choosing would add on average (EVPPI), in the unit of the payoff.

    ``payoff``: shape (draws, options), more is better; ``inputs``: shape (draws,) or (draws, inputs), the same draws. 0: the choice would
    be the same whatever they turn out to be (clipped there); at most the expected value of perfect information of the same draws.

    The payoff's mean given the inputs is smoothed by least squares (:func:`kaanalysis.stats.smoothing.candidate_bases`). The mean
    of the largest of several fitted means is too large where they lie close, above all for inputs that say nothing. So the option of
    each draw is chosen by the fit of the other four fifths of the draws and paid with the draw's own payoff: an input that says
    nothing gives 0 on average, and the value can err only downwards, by what a choice by a fit loses against the choice by the true means.
    The interval is the central limit theorem's for the simulation alone (``n`` = draws); for Sobol points it is wide. No draws: None.

    Raises ValueError for other shapes or what is not finite. Source: Strong, Oakley and Brennan 2014, Medical Decision Making 34,
    311–326 (regression on one sample); Brennan et al. 2007 (the definition).
    """
    check_level(level)
    array, scores = checked_payoff(payoff), normal_scores(inputs)
    if len(array) != len(scores):
        raise ValueError(f"inputs must have {len(array)} draws like the payoff; not {len(scores)}")
    method = "expected value of partial perfect information, regression, cross-fitted"
    scores = scores[:, np.ptp(scores, axis=0) > 0] if len(scores) else scores
    if len(array) < 2 or array.shape[1] < 2 or not scores.shape[1]:
        value = None if len(array) < 2 else 0.0
        return Estimate(value, value, value, level, len(array), method)
    best = int(array.mean(axis=0).argmax())
    # The fit is of the advantage over the best: what all options share would only add noise.
    advantage = array - array[:, [best]]
    fitted = best_cross_fit(scores, advantage, seed=seed)
    choice = np.where(fitted.max(axis=1) > 0, fitted.argmax(axis=1), best)
    return mean_of_gains(np.take_along_axis(advantage, choice[:, None], axis=1)[:, 0], level, method)


def expected_value_of_sample(
    payoff: Any, share: Any, sizes: npt.ArrayLike, level: float = 0.95, folds: int = 10, seed: int = 0
) -> tuple[Estimate, ...]:
    """What seeing so many further trials of an uncertain share before choosing would add on average (EVSI), for every one of ``sizes``.

    ``payoff``: shape (draws, options); ``share``: shape (draws,), the chance of success in each draw, 0 … 1; ``sizes``: numbers of trials,
    0 or more. 0 for no trial; grows with the trials towards the value of knowing the share itself.

    The payoff's mean given the share is smoothed as for one input; what follows is a sum, not a simulation: successes are binomial
    given the share, so the means given every count of successes are weighted sums over the draws. Trials say nothing of the payoff
    but through the share. Interval: delete-one-fold jackknife of the fit, for the simulation alone.

    Raises ValueError for other shapes, what is not finite, or a share outside 0 … 1. Source: Raiffa and Schlaifer 1961, chapter 5
    (preposterior analysis); Strong, Oakley, Brennan and Breeze 2015, Medical Decision Making 35, 570–583 (the smooth).
    """
    check_level(level)
    array, p = checked_payoff(payoff), np.asarray(share, dtype=np.float64)
    counts = np.asarray(sizes, dtype=np.int64)
    if p.shape != (len(array),) or not ((p >= 0) & (p <= 1)).all():
        raise ValueError(f"share must hold {len(array)} values from 0 to 1, like the payoff; not shape {p.shape}")
    if (counts < 0).any():
        raise ValueError(f"sizes must be 0 or more; not {int(counts.min())}")
    n, method = len(array), "expected value of sample information, preposterior analysis on the smoothed payoff"
    if n < 2 * folds or np.ptp(p) == 0 or array.shape[1] < 2:
        value = None if n < 2 * folds else 0.0
        return tuple(Estimate(value, value, value, level, n, method) for _ in counts)
    scores = normal_scores(p)[:, 0]
    basis = np.hstack([np.ones((n, 1)), natural_spline(scores)])
    # The means are read at the middles of equally likely pieces of the share's law.
    order = np.argsort(p, kind="stable")
    at = order[((np.arange(_PIECES) + 0.5) * n / _PIECES).astype(int)]
    likely = [stats.binom.pmf(np.arange(m + 1)[None, :], m, p[at][:, None]) / _PIECES for m in counts]
    fold = np.empty(n, dtype=np.int64)
    fold[np.random.default_rng(seed).permutation(n)] = np.arange(n) % folds

    def worth(rows: npt.NDArray[np.bool_]) -> FloatArray:
        means = basis[at] @ fit_means(basis[rows], array[rows])
        now = means.mean(axis=0).max()
        return np.array([(weight.T @ means).max(axis=1).sum() - now for weight in likely])

    found = worth(np.ones(n, dtype=bool))
    left_out = np.array([worth(fold != k) for k in range(folds)])
    spread = np.sqrt((folds - 1) / folds * ((left_out - left_out.mean(axis=0)) ** 2).sum(axis=0))
    reach = float(stats.t.isf((1 - level) / 2, folds - 1)) * spread
    return tuple(
        Estimate(max(v, 0.0), max(0.0, v - r), max(0.0, v + r), level, n, method)
        for v, r in zip(found, reach, strict=True)
    )
