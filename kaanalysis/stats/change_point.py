"""Where a mean jumps along an ordered scale: is there a jump, where, how large at most, and is it a jump or a rise.

The model is a step function with one step up, y = a + d · [x > c] + error with d ≥ 0. Bootstrap percentiles of the estimated c fail
however much data there is (Seijo and Sen 2011, Annals of Statistics 39, 392–435), so its interval is the set of cuts that a
likelihood-ratio test does not reject (Hansen 2000). Whether there is a step at all is another question, asked by permutation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from kaanalysis.stats.estimate import Estimate, Significance
from kaanalysis.stats.inputs import FloatArray, IntArray, check_level, labels, numbers

CELLS_AT_ONCE = 4_000_000
RAMP_ENDS = 40  # quantiles of x between which a rise may begin and end
# A perfect fit has no finite likelihood: both models are charged with one unit that is half a count off.
HALF_A_COUNT = 0.25


@dataclass(frozen=True)
class Cuts:
    """All places at which a sample can be split in two with enough units on either side.

    ``order``: shape (n,), sorts the units by x; ``below``: shape (k,), how many units lie below each cut; ``left``, ``right``: shape
    (k,), the largest x below and the smallest above it: a step anywhere in left ≤ c < right fits alike.
    """

    order: IntArray
    below: IntArray
    left: FloatArray
    right: FloatArray

    @staticmethod
    def of(x: FloatArray, least: int) -> Cuts:
        order = np.argsort(x, kind="stable")
        ordered = x[order]
        below = np.arange(least, len(x) - least + 1)
        below = below[(below > 0) & (below < len(x))]
        below = below[ordered[below - 1] < ordered[below]]
        return Cuts(order.astype(np.int64), below.astype(np.int64), ordered[below - 1], ordered[below])


def _jumps(ordered: FloatArray, below: IntArray) -> FloatArray:
    """Mean above minus mean below at every cut; ``ordered``: shape (…, n), returns shape (…, k)."""
    n, sums = ordered.shape[-1], np.cumsum(ordered, axis=-1)
    low = sums[..., below - 1]
    return (sums[..., -1:] - low) / (n - below) - low / below


def _gains(jumps: FloatArray, below: IntArray, n: int) -> FloatArray:
    """Sum of squares that a step up at each cut explains; nothing where the mean falls."""
    return np.asarray(below * (n - below) / n * np.maximum(jumps, 0.0) ** 2)


def _check(x: Any, y: Any, least: int) -> tuple[FloatArray, FloatArray, Cuts]:
    place = numbers(x, "x")
    value = numbers(y, "y", len(place))
    if least < 1:
        raise ValueError(f"least must be 1 or more; not {least}")
    return place, value, Cuts.of(place, least)


def change_point(x: Any, y: Any, *, least: int = 5, draws: int = 400, seed: int = 0, level: float = 0.95) -> Estimate:
    """Where the mean of y steps up along x, in the unit of x, by least squares; the middle of the gap between two units.

    ``x``, ``y``: shape (n,). ``least``: units on either side, at the least. The interval is the set of cuts c whose sum of squares
    exceeds that of ĉ by no more than the larger of two bounds. Hansen's, −2 log(1 − √level) · η² · S(ĉ) / n, holds for a step that is
    small beside the errors; η² is the larger variance of the two sides over the pooled one and never below 1, where Hansen has a local
    estimate. For a large step between counts it is too small (0.89 in place of 0.95 by simulation), so the quantile of the excess
    itself is drawn too, from `draws` samples with the step at ĉ and each side's own values drawn anew: the law of the excess, unlike
    that of ĉ, hangs neither on where ĉ lies nor on the spacing of x. The set may have holes; the limits are its ends, taken to the
    edges of their gaps. A limit is None where the outermost cut is not rejected: the step may lie beyond. Clusters need no correction:
    what decides are units next to the step, rarely of one cluster (tests hold the coverage with and without). It presumes that there
    *is* a step (:func:`change_point_test`). All None without a cut or where the mean nowhere rises. Raises ValueError for missing
    values, unequal lengths, ``least`` below 1. Source: Hansen 2000, Sample splitting and threshold estimation, Econometrica 68,
    575–603.
    """
    check_level(level)
    place, value, cuts = _check(x, y, least)
    n, method = len(place), "least-squares change point, likelihood ratio inverted (Hansen 2000)"
    if not len(cuts.below):
        return Estimate(None, None, None, level, n, method)
    ordered = value[cuts.order]
    gains = _gains(_jumps(ordered, cuts.below), cuts.below, n)
    best = int(gains.argmax())
    if gains[best] <= 0:
        return Estimate(None, None, None, level, n, method + "; no rise")
    total = float(((ordered - ordered.mean()) ** 2).sum())
    rest = max(total - float(gains[best]), 0.0)
    cut = int(cuts.below[best])
    sides = (ordered[:cut].var(), ordered[cut:].var())
    uneven = max(1.0, max(sides) * n / rest) if rest > 1e-9 * total else 1.0
    allowed = max(
        -2 * np.log(1 - np.sqrt(level)) * uneven * rest / n, _drawn_bound(ordered, cuts, cut, draws, seed, level)
    )
    kept = np.flatnonzero(gains[best] - gains <= allowed + 1e-9 * total)
    low = None if kept[0] == 0 else float(cuts.left[kept[0]])
    high = None if kept[-1] == len(gains) - 1 else float(cuts.right[kept[-1]])
    return Estimate(float(cuts.left[best] + cuts.right[best]) / 2, low, high, level, n, method)


def _drawn_bound(ordered: FloatArray, cuts: Cuts, cut: int, draws: int, seed: int, level: float) -> float:
    """By how much the best step explains more than the one at the true cut: the `level` quantile over samples with each side's values."""
    n, generator = len(ordered), np.random.default_rng(seed)
    low, high = ordered[:cut], ordered[cut:]
    found, true, chunk = [], int(np.flatnonzero(cuts.below == cut)[0]), max(1, CELLS_AT_ONCE // n)
    for begin in range(0, draws, chunk):
        size = min(chunk, draws - begin)
        sample = np.concatenate(
            [generator.choice(low, (size, len(low))), generator.choice(high, (size, len(high)))], axis=1
        )
        gains = _gains(_jumps(sample, cuts.below), cuts.below, n)
        found.append(gains.max(axis=1) - gains[:, true])
    return float(np.quantile(np.concatenate(found), level, method="higher"))


def _shuffled(cluster: IntArray, draws: int, generator: np.random.Generator) -> IntArray:
    """Whose value each unit gets, shape (draws, n): clusters of one size trade places, and units within a cluster do."""
    n, sizes = len(cluster), np.bincount(cluster)
    by_cluster = np.split(np.argsort(cluster, kind="stable"), np.cumsum(sizes)[:-1])
    out = np.empty((draws, n), dtype=np.int64)
    for size in np.unique(sizes[sizes > 0]):
        mine = np.stack([units for units in by_cluster if len(units) == size])
        order = generator.random((draws, len(mine))).argsort(axis=1)
        out[:, mine.ravel()] = generator.permuted(mine[order], axis=2).reshape(draws, -1)
    return out


def change_point_test(
    x: Any, y: Any, clusters: Any = None, *, least: int = 5, draws: int = 999, seed: int = 0
) -> list[Significance]:
    """Does the mean of y step up anywhere along x, or is that what chance does? A permutation test of the largest step over all cuts.

    ``y``: shape (n,) or (n, columns), every column tested with the same shuffles. ``clusters``: one label per unit; y is shuffled within
    clusters and between clusters of the same size, so the test is exact whatever the units of a cluster share, if x has nothing to do
    with y; a cluster whose size is its own only shuffles within. ``statistic``: the share of the sum of squares that the best step up
    explains, 0 (none) … 1 (all). ``p_value`` = (1 + draws at least as large) / (1 + draws). None without a cut or where
    y does not vary. It asks against "nothing", so a steady rise is found too: :func:`step_weight` asks which of the two it is.
    One result per column. Raises ValueError as :func:`change_point`. Sources: Andrews 1993 (the largest statistic over all
    cuts), Econometrica 61, 821–856; Phipson and Smyth 2010.
    """
    table = np.asarray(y, dtype=np.float64)
    columns = table[:, None] if table.ndim == 1 else table
    place, _, cuts = _check(x, columns[:, 0] if columns.shape[1] else np.zeros(len(table)), least)
    n, method = len(place), f"largest step over all cuts, permutation, {draws} draws"
    cluster = np.arange(n) if clusters is None else labels(clusters, "clusters", n)[0]
    totals = ((columns - columns.mean(axis=0)) ** 2).sum(axis=0) if n else np.zeros(columns.shape[1])
    if not len(cuts.below):
        return [Significance(None, None, n, method)] * columns.shape[1]
    generator = np.random.default_rng(seed)

    def largest(values: FloatArray) -> FloatArray:
        return np.asarray(_gains(_jumps(values[..., cuts.order], cuts.below), cuts.below, n).max(axis=-1))

    observed = np.array([largest(column) for column in columns.T])
    beyond, chunk = np.zeros(columns.shape[1]), max(1, CELLS_AT_ONCE // n)
    for begin in range(0, draws, chunk):
        whose = _shuffled(cluster, min(chunk, draws - begin), generator)
        for i, column in enumerate(columns.T):
            # Equal sums taken in another order differ in the last places and must count as equal.
            beyond[i] += (largest(column[whose]) >= observed[i] - 1e-9 * max(totals[i], 1e-300)).sum()
    return [
        Significance(observed[i] / totals[i], (1 + beyond[i]) / (1 + draws), n, method)
        if totals[i] > 0
        else Significance(None, None, n, method)
        for i in range(columns.shape[1])
    ]


def largest_jump(
    x: Any, y: Any, clusters: Any = None, *, least: int = 5, draws: int = 1000, seed: int = 0, level: float = 0.95
) -> Estimate:
    """The largest difference between the means above and below any cut along x, in the unit of y, with simultaneous limits.

    ``low``, ``high``: the largest of the lower and of the upper limits of a band that holds the differences at *all* cuts together, so
    that ``high`` below some size excludes a step of that size at every cut. The band is value ± q · standard error, errors summed by
    cluster, q the quantile of the largest standardised deviation under Rademacher multipliers. Errors are taken around the overall
    mean: where there is a step they hold it too, and the band is then wider than need be. Limits None with fewer than two clusters or
    where y does not vary (nothing varied, which is no certainty). Raises ValueError as :func:`change_point`. Source: Chernozhukov,
    Chetverikov and Kato 2013, Annals of Statistics 41, 2786–2819.
    """
    check_level(level)
    place, value, cuts = _check(x, y, least)
    n, method = len(place), f"largest difference over all cuts, simultaneous band, {draws} multiplier draws"
    if not len(cuts.below):
        return Estimate(None, None, None, level, n, method)
    cluster, names = (np.arange(n), list(range(n))) if clusters is None else labels(clusters, "clusters", n)
    ordered, owner = value[cuts.order], cluster[cuts.order]
    jumps = _jumps(ordered, cuts.below)
    error = ordered - ordered.mean()
    if len(names) < 2 or not error.any():
        return Estimate(float(jumps.max()), None, None, level, n, method)
    variance = _cluster_variance(error, owner, cuts.below, len(names))
    spread = np.sqrt(variance * len(names) / (len(names) - 1))
    generator, chunk = np.random.default_rng(seed), max(1, CELLS_AT_ONCE // n)
    sure = spread > 1e-12
    largest = []
    for begin in range(0, draws, chunk):
        sign = generator.choice([-1.0, 1.0], (min(chunk, draws - begin), len(names)))
        drawn = _jumps(sign[:, owner] * error, cuts.below)[:, sure] / spread[sure]
        largest.append(np.abs(drawn).max(axis=1))
    q = float(np.quantile(np.concatenate(largest), level))
    return Estimate(
        float(jumps.max()), float((jumps - q * spread).max()), float((jumps + q * spread).max()), level, n, method
    )


def _cluster_variance(error: FloatArray, owner: IntArray, below: IntArray, clusters: int) -> FloatArray:
    """Variance of the difference of means at every cut, errors summed by cluster: Σ over clusters of (above / n_a − below / n_b)²."""
    n = len(error)
    total = np.bincount(owner, error, clusters)
    so_far = np.zeros(clusters)
    out, at = np.empty(len(below)), 0
    # One pass in the order of x: three sums of squares over clusters change with every unit that moves below the cut.
    low2 = cross = 0.0
    for i in range(n):
        c, e = owner[i], error[i]
        low2 += e * (2 * so_far[c] + e)
        cross += e * total[c]
        so_far[c] += e
        if at < len(below) and i + 1 == below[at]:
            b, a = below[at], n - below[at]
            # above = total − low, so above / a − low / b = total / a − low (1 / a + 1 / b)
            w = 1 / a + 1 / b
            out[at] = (total @ total) / a**2 - 2 * cross * w / a + low2 * w**2
            at += 1
    return np.maximum(out, 0.0)


def step_weight(x: Any, y: Any, *, least: int = 5) -> float | None:
    """How sharp a rise is: weight of a step against a ramp that rises evenly between two places, 0 (a gradual rise) … 1 (a step).

    Both are fitted by least squares; the weight is 1 / (1 + exp(½ (BIC of the step − BIC of the ramp))), the ramp having one place
    more. The widest ramp is a straight line over the whole of x. A true step is at most 1 / (1 + 1 / √n), since a steep enough ramp
    fits as well. None without a cut or a rise. Raises ValueError as :func:`change_point`. Sources: Schwarz 1978; Kass and Raftery 1995.
    """
    place, value, cuts = _check(x, y, least)
    n = len(place)
    if not len(cuts.below):
        return None
    ordered, where = value[cuts.order], place[cuts.order]
    gains = _gains(_jumps(ordered, cuts.below), cuts.below, n)
    if gains.max() <= 0:
        return None
    centred = ordered - ordered.mean()
    total = float(centred @ centred)
    best = int(gains.argmax())
    ends = np.unique(np.r_[np.quantile(where, np.linspace(0, 1, RAMP_ENDS)), cuts.left[best], cuts.right[best]])
    explained = float(gains.max())  # a ramp within the step's own gap
    for i, low in enumerate(ends):
        for high in ends[i + 1 :]:
            rise = np.clip((where - low) / (high - low), 0.0, 1.0)
            rise -= rise.mean()
            along, size = float(rise @ centred), float(rise @ rise)
            if along > 0 and size > 0:
                explained = max(explained, along**2 / size)
    of_step, of_ramp = (max(total - g, 0.0) + HALF_A_COUNT for g in (float(gains.max()), explained))
    difference = n * (np.log(of_step) - np.log(of_ramp)) - np.log(n)
    return float(1 / (1 + np.exp(np.clip(difference / 2, -500, 500))))
