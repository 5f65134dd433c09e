"""Cumulative incidence at a horizon where units share a cluster (deals of one seller), and its weighted form."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse, stats

from kaanalysis.stats.estimate import Estimate
from kaanalysis.stats.inputs import FloatArray, IntArray, check_horizon, check_level, labels, observation, outcomes

# Cells (clusters x event times) that one step holds in memory, and that all exact replicates together may cost.
CELLS_AT_ONCE = 2_000_000
CELLS_IN_ALL = 20_000_000
# Correlation of two deals of one cluster, assumed only where the data cannot tell (nobody or everybody had the
# outcome): in the upper part of what cluster studies find, 0.01–0.05 (Killip, Mahfoud and Pearce 2004).
ASSUMED_CORRELATION = 0.05
METHOD = "Aalen–Johansen, delete-one-cluster jackknife"
BEYOND = "; horizon beyond the last time at risk"


class _Prepared:
    """Sparse matrices (units x event times up to the horizon) that turn any weighting of the units into counts."""

    def __init__(self, length: FloatArray, start: FloatArray, code: IntArray, wanted: int, horizon: float) -> None:
        n = len(length)
        closed = (code >= 0) & (length <= horizon)
        self.time = np.unique(length[closed])
        self.times = len(self.time)
        self.first = np.searchsorted(self.time, start, side="right")
        self.end = np.searchsorted(self.time, length, side="right")
        self.at = self.end - 1
        self.closed, self.own = closed, closed & (code == wanted)
        rows = np.arange(n)
        one = np.ones(n)
        shape = (n, self.times + 1)
        steps = sparse.csr_array((one, (rows, self.first)), shape) - sparse.csr_array((one, (rows, self.end)), shape)
        self.steps = steps.tocsr()
        self.left = sparse.csr_array((one[closed], (rows[closed], self.at[closed])), (n, self.times))
        self.cause = sparse.csr_array((one[self.own], (rows[self.own], self.at[self.own])), (n, self.times))

    def counts(self, selector: Any) -> tuple[FloatArray, FloatArray, FloatArray]:
        """At risk, events, events of the cause, each (rows of the selector, event times)."""

        def dense(matrix: Any) -> FloatArray:
            product = selector @ matrix
            return np.asarray(product.toarray() if sparse.issparse(product) else product, dtype=np.float64)

        return np.cumsum(dense(self.steps), axis=-1)[..., :-1], dense(self.left), dense(self.cause)


def _incidence(at_risk: FloatArray, events: FloatArray, cause: FloatArray) -> FloatArray:
    """The last value of the Aalen–Johansen incidence along the last axis."""
    zero = np.zeros(at_risk.shape)
    survival = np.cumprod(1 - np.divide(events, at_risk, out=zero.copy(), where=at_risk > 0), axis=-1)
    before = np.concatenate([np.ones((*survival.shape[:-1], 1)), survival[..., :-1]], axis=-1)
    return (before * np.divide(cause, at_risk, out=zero, where=at_risk > 0)).sum(axis=-1).clip(0.0, 1.0)


def _influence(prepared: _Prepared, at_risk: FloatArray, events: FloatArray, cause: FloatArray) -> FloatArray:
    """Each unit's first-order share in the incidence: leaving units out lowers it by the sum of theirs."""
    hazard = events / at_risk
    survival = np.cumprod(1 - hazard)
    before = np.append(1.0, survival[:-1])
    incidence = np.cumsum(before * cause / at_risk)
    later = np.divide(incidence[-1] - incidence, 1 - hazard, out=np.zeros(len(hazard)), where=hazard < 1)
    drift = np.append(0.0, np.cumsum((before * cause / at_risk - later * hazard) / at_risk))
    jump = np.zeros(len(prepared.closed))
    at = prepared.at[prepared.closed]
    jump[prepared.closed] = (np.where(prepared.own[prepared.closed], before[at], 0.0) - later[at]) / at_risk[at]
    return jump - (drift[prepared.end] - drift[prepared.first])


def _without_each(prepared: _Prepared, cluster: IntArray, clusters: int) -> FloatArray:
    """The incidence without each cluster: exact for the largest clusters (all, mostly), first-order for the rest."""
    one = np.ones(len(cluster))
    member = sparse.csr_array((one, (cluster, np.arange(len(cluster)))), (clusters, len(cluster)))
    whole = tuple(part[0] for part in prepared.counts(one[None, :]))
    exact = min(clusters, max(1, CELLS_IN_ALL // prepared.times))
    by_size = np.argsort(-np.bincount(cluster, minlength=clusters), kind="stable")
    without = np.empty(clusters)
    if exact < clusters:
        influence = np.bincount(cluster, weights=_influence(prepared, *whole), minlength=clusters)
        without[:] = _incidence(*whole) - influence
    step = max(1, CELLS_AT_ONCE // prepared.times)
    for begin in range(0, exact, step):
        chosen = by_size[begin : min(begin + step, exact)]
        counts = prepared.counts(member[chosen])
        without[chosen] = _incidence(*(total - own for total, own in zip(whole, counts, strict=True)))
    return without.clip(0.0, 1.0)


# Share of units open at the last time at risk up to which the incidence beyond it is still given, with a widened limit.
LEFT_OPEN_AT_MOST = 0.05


def clustered_incidence_at(
    duration: Any,
    outcome: Any,
    clusters: Any,
    cause: Any,
    horizon: float,
    level: float = 0.95,
    entry: Any = None,
    censored: Any = None,
) -> Estimate:
    """The cumulative incidence of ``cause`` at ``horizon`` with an interval that is honest about clusters.

    ``duration``, ``outcome``, ``entry``, ``censored`` as in ``cumulative_incidence``; ``clusters``: one label per unit
    (the seller of a deal), none missing. Value 0 … 1 as ``incidence_at``; a cause that never occurred gives 0. ``n``
    counts the units, open ones too; ``method`` names the number of clusters.

    Interval: the estimate without each cluster in turn, on the scale log(-log(1 - F)); the jackknife's standard error
    and Student's t with clusters - 1 degrees of freedom; turned back, so that it stays in 0 … 1. Where leaving out one
    cluster leaves 0 or 1, the transform is infinite: the jackknife is then on F itself, carried over by the delta
    method. Beyond 20 million cluster x event-time cells, the smallest clusters' replicates are first-order
    (infinitesimal jackknife), whose error is of the order of (cluster size / n)².
    - fewer than two clusters, or every cluster alike to the last bit: the limits are None;
    - the estimate is exactly 0 or 1: Clopper–Pearson with the effective number m / (1 + (k - 1) 0.05), where m units
      had a known state at the horizon, k is their mean cluster size weighted by size (Kish 1965), and 0.05 is an
      assumed correlation within clusters, since without variation the data cannot tell it (Korn and Graubard 1998);
    - the horizon lies beyond the last time at risk with units still open: what they will do is not known. Up to a twentieth of the
      units open, the value is what is settled and the upper limit rises by the open share, so that it holds if all of them had the
      event; with more open, value and limits are None.

    Raises ValueError as ``cumulative_incidence`` and for missing cluster labels.
    Sources: Tukey 1958 (jackknife); Lipsitz, Dear and Zhao 1994 and Therneau and Grambsch 2000, chapter 8 (leaving out
    whole clusters in survival analysis).
    """
    check_level(level)
    check_horizon(horizon)
    length, start = observation(duration, entry)
    n = len(length)
    code, causes = outcomes(outcome, n, censored)
    cluster, names = labels(clusters, "clusters", n)
    method = f"{METHOD}, {len(names)} clusters"
    if n == 0:
        return Estimate(None, None, None, level, 0, method + "; no units")
    prepared = _Prepared(length, start, code, causes.index(cause) if cause in causes else -2, horizon)
    whole = tuple(part[0] for part in prepared.counts(np.ones((1, n))))
    open_share = float(np.prod(1 - whole[1] / whole[0]))
    if horizon <= length.max():
        open_share = 0.0
    elif open_share > LEFT_OPEN_AT_MOST:
        return Estimate(None, None, None, level, n, method + BEYOND)
    elif open_share > 0:
        method += f"; {open_share:.1%} left open before the horizon, upper limit widened by it"
    value = float(_incidence(*whole))
    if len(names) < 2:
        return Estimate(value, None, None, level, n, method + "; too few clusters")
    if value in (0.0, 1.0):
        known = (start < horizon) & ~((code < 0) & (length < horizon))
        sizes = np.bincount(cluster[known], minlength=len(names)).astype(float)
        return _at_the_edge(value, sizes, level, n, f"{method}; Clopper–Pearson, effective number")
    without = _without_each(prepared, cluster, len(names))
    groups = len(names)
    slope = -(1 - value) * math.log1p(-value)
    if ((without > 0) & (without < 1)).all():
        error = _jackknife_error(np.log(-np.log1p(-without)))
    else:
        error = _jackknife_error(without) / slope
    if error <= 1e-12:
        return Estimate(value, None, None, level, n, method + "; clusters do not vary")
    reach = float(stats.t.isf((1 - level) / 2, groups - 1)) * error
    centre = math.log(-math.log1p(-value))
    low, high = (-math.expm1(-math.exp(min(centre + side * reach, 700.0))) for side in (-1, 1))
    return Estimate(value, low, min(1.0, high + open_share), level, n, method)


def _jackknife_error(without: FloatArray) -> float:
    groups = len(without)
    return math.sqrt((groups - 1) / groups * float(((without - without.mean()) ** 2).sum()))


def _at_the_edge(value: float, sizes: FloatArray, level: float, n: int, method: str) -> Estimate:
    known = float(sizes.sum())
    if known == 0:
        return Estimate(value, 0.0, 1.0, level, n, method)
    design_effect = 1 + (float((sizes**2).sum()) / known - 1) * ASSUMED_CORRELATION
    edge = ((1 - level) / 2) ** (design_effect / known)
    low, high = (0.0, 1 - edge) if value == 0 else (edge, 1.0)
    return Estimate(value, low, high, level, n, method)


def pseudo_incidence(duration: Any, outcome: Any, cause: Any, horizon: float, censored: Any = None) -> FloatArray:
    """What each unit contributes to the cumulative incidence of ``cause`` at ``horizon``: pseudo-values, shape (n,), mean = the incidence.

    Arguments as ``cumulative_incidence``, no late entry. Where nothing is censored before the horizon a unit's value is 1 if it had
    the event by then and 0 if not; a censored one gets what its like went on to do, so a value may lie a little outside 0 … 1. With them
    whatever works on plain outcomes (differences within strata, say) works on censored ones, as long as censoring has nothing to do with
    what is compared. First-order (infinitesimal jackknife), exact without censoring. All NaN (an intermediate array, no
    published number) where the horizon lies beyond the last time at risk with units still open.
    Sources: Andersen, Klein and Rosthøj 2003, Biometrika 90, 15–27; Parner, Andersen and Overgaard 2023 (infinitesimal form).
    """
    check_horizon(horizon)
    length, start = observation(duration, None)
    n = len(length)
    code, causes = outcomes(outcome, n, censored)
    if n == 0:
        return np.zeros(0)
    prepared = _Prepared(length, start, code, causes.index(cause) if cause in causes else -2, horizon)
    whole = tuple(part[0] for part in prepared.counts(np.ones((1, n))))
    if horizon > length.max() and np.prod(1 - whole[1] / whole[0]) > 0:
        return np.full(n, np.nan)
    if not prepared.times:
        return np.zeros(n)
    return float(_incidence(*whole)) + n * _influence(prepared, *whole)


def weighted_incidence_at(
    duration: Any,
    outcome: Any,
    cause: Any,
    horizon: float,
    weights: Any,
    entry: Any = None,
    censored: Any = None,
) -> npt.NDArray[np.float64]:
    """The cumulative incidence of ``cause`` at ``horizon`` once per row of ``weights``, for bootstrap draws.

    ``weights``: shape (draws, n), multiplicities of the units, 0 or more; the rest as in ``cumulative_incidence``.
    Returns shape (draws,), each 0 … 1; NaN (this is an intermediate array, not a published number) for a draw without
    any weight. A draw whose last unit ends before the horizon keeps its last value. Memory is bounded; cost grows with
    draws x distinct event times. Raises ValueError as ``cumulative_incidence`` and for weights of the wrong shape.
    """
    check_horizon(horizon)
    length, start = observation(duration, entry)
    code, causes = outcomes(outcome, len(length), censored)
    multiple = np.asarray(weights)
    if multiple.ndim != 2 or multiple.shape[1] != len(length):
        raise ValueError(f"weights must have the shape (draws, {len(length)}); not {multiple.shape}")
    if multiple.size and not multiple.min() >= 0:
        raise ValueError(f"weights must be 0 or more; not {multiple.min()}")
    prepared = _Prepared(length, start, code, causes.index(cause) if cause in causes else -2, horizon)
    result = np.empty(len(multiple))
    step = max(1, CELLS_AT_ONCE // max(prepared.times, len(length), 1))
    for begin in range(0, len(multiple), step):
        rows = multiple[begin : begin + step].astype(np.float64)
        result[begin : begin + step] = np.where(rows.sum(axis=1) > 0, _incidence(*prepared.counts(rows)), np.nan)
    return result
