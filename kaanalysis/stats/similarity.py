"""How alike the members of groups are: similarity within against between groups, its decay with time, and a permutation test.

Similarities are between two units, 0 … 1 (1: equal). Units belong to customers ("clusters"); two units of one customer are alike for
another reason than the group, so such pairs are never counted. Every pair shares its members with other pairs, so intervals come from
leaving out one customer at a time with all pairs it takes part in.
Sources: Arvesen 1969, Annals of Mathematical Statistics 40, 2076–2100 (jackknife of U-statistics); Aronow, Samii and Assenova 2015,
Political Analysis 23, 564–577 (dependence of pairs that share a member); Anderson 2001, Austral Ecology 26, 32–46 (permutation test).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from rapidfuzz import process
from rapidfuzz.distance import Levenshtein
from scipy import stats

from kaanalysis.stats.estimate import Estimate, Significance
from kaanalysis.stats.inputs import BoolArray, FloatArray, IntArray, check_level, labels, numbers

METHOD = "delete-one-customer jackknife, t"


def sequence_similarity(sequences: Sequence[Sequence[Any]]) -> FloatArray:
    """1 − edit distance / length of the longer, for every two sequences; shape (n, n), 1 on the diagonal.

    1: the same members in the same order; 0: no member in common at any place. Two empty sequences are equal. Source: Levenshtein 1966,
    normalised by the longer length (its largest possible value)."""
    code: dict[Any, str] = {}
    words = ["".join(code.setdefault(x, chr(0x10000 + len(code))) for x in s) for s in sequences]
    kinds, place = np.unique(np.array(words, dtype=object), return_inverse=True)
    table = process.cdist(kinds, kinds, scorer=Levenshtein.normalized_similarity, dtype=np.float64)
    return np.asarray(table[np.ix_(place, place)], dtype=np.float64)


def _square(similarity: Any, length: int) -> FloatArray:
    table = np.asarray(similarity, dtype=np.float64)
    if table.shape != (length, length):
        raise ValueError(f"similarity must have shape ({length}, {length}); not {table.shape}")
    if not np.isfinite(table).all() or not np.allclose(table, table.T):
        raise ValueError("similarity must be finite and symmetric")
    return table


@dataclass(frozen=True)
class PairSimilarity:
    """within: mean similarity of two units of one group, between: of two groups, difference: within − between; units of different
    customers throughout. customers: with a partner in their own group; groups: with two customers or more."""

    within: Estimate
    between: Estimate
    difference: Estimate
    customers: int
    groups: int


def pair_similarity(similarity: Any, group: Any, cluster: Any, *, level: float = 0.95) -> PairSimilarity:
    """Mean similarity of pairs within and between groups, over all pairs of units of different customers.

    ``similarity``: shape (n, n), symmetric; ``group``, ``cluster``: one label per unit. Delete-one-customer jackknife with Student's t
    on the customers that have a partner in their group, less one; limits lie in 0 … 1 (difference −1 … 1). ``n`` counts customers.
    Value None where there is no such pair; limits None with fewer than three customers or where nothing varies. Groups are taken as
    given, customers as drawn: it says nothing about groups that were not looked at. Raises ValueError for unusable input. Sources: see
    the module."""
    check_level(level)
    who, names = labels(cluster, "cluster", len(group))
    cell, _ = labels(group, "group", len(group))
    table, k = _square(similarity, len(cell)), len(names)
    apart = who[:, None] != who[None, :]
    same = (cell[:, None] == cell[None, :]) & apart
    other = (cell[:, None] != cell[None, :]) & apart
    paired = np.bincount(who, weights=same.any(axis=1), minlength=k) > 0
    freedom = int(paired.sum()) - 1
    kinds = len({int(c) for c in cell[same.any(axis=1)]})
    inner, inner_left = _left_out(table, same, who, k)
    outer, outer_left = _left_out(table, other, who, k)

    def estimate(value: float, left: FloatArray, low: float) -> Estimate:
        if not np.isfinite(value):
            return Estimate(None, None, None, level, 0, METHOD + "; no such pair")
        good = left[np.isfinite(left)]
        if len(good) < max(3, k - 1):
            return Estimate(value, None, None, level, k, METHOD)
        error = float(np.sqrt((k - 1) / k * ((good - good.mean()) ** 2).sum()))
        if freedom < 2 or not error > 1e-12:
            return Estimate(value, None, None, level, k, METHOD)
        reach = float(stats.t.ppf((1 + level) / 2, freedom)) * error
        return Estimate(value, max(low, value - reach), min(1.0, value + reach), level, k, METHOD)

    return PairSimilarity(
        estimate(inner, inner_left, 0.0),
        estimate(outer, outer_left, 0.0),
        estimate(inner - outer, inner_left - outer_left, -1.0),
        int(paired.sum()),
        kinds,
    )


def _left_out(table: FloatArray, pairs: BoolArray, who: IntArray, k: int) -> tuple[float, FloatArray]:
    """Mean over the pairs, and the mean without each customer, shape (k,); NaN where no pair is left."""
    sums = np.bincount(who, weights=np.where(pairs, table, 0.0).sum(axis=1), minlength=k)
    count = np.bincount(who, weights=pairs.sum(axis=1), minlength=k)
    total, number = sums.sum() / 2, count.sum() / 2  # every pair is in two rows
    with np.errstate(invalid="ignore", divide="ignore"):
        return float(np.divide(total, number)), np.asarray((total - sums) / (number - count))


@dataclass(frozen=True)
class Decay:
    """rate: share of the similarity lost in a unit of time, as a continuous rate λ (per unit; below 0: it grows); half_life: ln 2 / λ
    in units of time, value or upper limit None where no decay is seen or none can be ruled in."""

    rate: Estimate
    half_life: Estimate
    pairs: int


def similarity_decay(similarity: Any, time: Any, group: Any, cluster: Any, *, level: float = 0.95) -> Decay:
    """How fast two units of one group grow unlike with the time between them: similarity = a_group · exp(−λ · distance).

    ``time``: one moment per unit; the rest as in :func:`pair_similarity`. Every group has its own level a, so groups that are seen
    longer do not pass for decay; quasi-likelihood with the log link, interval by a one-step jackknife with Student's t, over customers
    or over groups, whichever is wider (what changes a whole group makes its customers change together).
    The half-life is ln 2 / λ; where λ's limits hold 0 it has no upper limit, where they lie below 0 it has neither. ``n``: customers.
    None with fewer than two pairs or no distance in time. Wrong where what changed is the recording and not the buying. Raises
    ValueError for unusable input. Sources: McCullagh and Nelder 1989, chapter 9 (quasi-likelihood); Arvesen 1969; Aronow et al. 2015."""
    check_level(level)
    who, names = labels(cluster, "cluster", len(group))
    cell, _ = labels(group, "group", len(group))
    moment = numbers(time, "time", len(cell))
    table, k = _square(similarity, len(cell)), len(names)
    i, j = np.nonzero(np.triu((who[:, None] != who[None, :]) & (cell[:, None] == cell[None, :]), 1))
    s, gap, of = table[i, j], np.abs(moment[i] - moment[j]), cell[i]
    method = "exponential decay, one level per group, jackknife over customers or groups, whichever is wider, t"
    nothing = Estimate(None, None, None, level, 0, method)
    if len(s) < 2 or not _varies(gap, of):
        return Decay(nothing, nothing, len(s))
    rate = _rate(s, gap, of)
    if rate is None:
        return Decay(nothing, nothing, len(s))
    fitted, centred = _fitted(rate, s, gap, of)
    score, weight = (s - fitted) * centred, fitted * centred**2
    n = len(np.unique(np.concatenate([who[i], who[j]])))
    by_customer = _one_step(rate, score, weight, [who[i], who[j]], k)
    by_group = _one_step(rate, score, weight, [of], int(of.max()) + 1)
    if by_customer is None:
        half = Estimate(np.log(2) / rate if rate > 0 else None, None, None, level, n, method)
        return Decay(Estimate(rate, None, None, level, n, method), half, len(s))
    reach = max(float(stats.t.ppf((1 + level) / 2, f)) * e for e, f in filter(None, (by_customer, by_group)))
    low, high = rate - reach, rate + reach
    ends = [float(np.log(2) / x) if x > 0 else None for x in (rate, high, low)]
    return Decay(
        Estimate(rate, low, high, level, n, method), Estimate(ends[0], ends[1], ends[2], level, n, method), len(s)
    )


def _one_step(
    rate: float, score: FloatArray, weight: FloatArray, members: list[IntArray], size: int
) -> tuple[float, int] | None:
    """(standard error of λ by leaving out one unit with all its pairs, degrees of freedom); None with fewer than three units or where
    nothing varies. members: the units that every pair belongs to, one array per place in the pair."""
    left_score, left_weight = (
        np.sum([np.bincount(m, weights=x, minlength=size) for m in members], axis=0) for x in (score, weight)
    )
    there = np.unique(np.concatenate(members))
    rest = weight.sum() - left_weight[there]
    if len(there) < 3 or (rest <= 1e-12).any():
        return None
    left = rate + left_score[there] / rest
    error = float(np.sqrt((len(there) - 1) / len(there) * ((left - left.mean()) ** 2).sum()))
    return (error, len(there) - 1) if error > 1e-12 else None


def _varies(gap: FloatArray, of: IntArray) -> bool:
    return any(np.ptp(gap[of == c]) > 0 for c in np.unique(of))


def _fitted(rate: float, s: FloatArray, gap: FloatArray, of: IntArray) -> tuple[FloatArray, FloatArray]:
    """(fitted similarity, distance in time less its group's mean weighted by the fit) of every pair."""
    kept = np.exp(-rate * gap)
    size = int(of.max()) + 1
    base = np.bincount(of, weights=kept, minlength=size)
    with np.errstate(invalid="ignore", divide="ignore"):
        height = np.bincount(of, weights=s, minlength=size) / base
        middle = np.bincount(of, weights=kept * gap, minlength=size) / base
    return height[of] * kept, gap - middle[of]


def _rate(s: FloatArray, gap: FloatArray, of: IntArray) -> float | None:
    """λ at which similarity left over has nothing to do with distance in time; None where Newton's steps do not settle."""
    rate, unit = 0.0, float(gap.max())
    for _ in range(60):
        fitted, centred = _fitted(rate, s, gap, of)
        weight = float((fitted * centred**2).sum())
        if not np.isfinite(weight) or weight <= 1e-12:
            return None
        step = -float(((s - fitted) * centred).sum()) / weight
        step = float(np.clip(step, -2 / unit, 2 / unit))
        rate += step
        if abs(step) * unit < 1e-10:
            return rate
    return None


def permutation_manova(distance: Any, group: Any, *, draws: int = 999, seed: int = 0) -> Significance:
    """Are units of one group nearer to each other than to the rest? Pseudo-F on a distance matrix, labels permuted among units.

    ``distance``: shape (n, n), symmetric, 0 on the diagonal; ``group``: one label per unit; units must be independent (one per customer).
    ``statistic``: pseudo-F, 0 or more; about 1 where groups say nothing; with distances |x − y| it is the F of the analysis of variance.
    ``p_value``: (1 + draws at least as large) / (1 + draws). None with fewer than two groups, as many groups as units, or no distance at
    all. Unequal spread of unequal groups can pass for a difference (Anderson and Walsh 2013). Raises ValueError for unusable input.
    Source: Anderson 2001."""
    cell, names = labels(group, "group", len(group))
    squared, n, a = _square(distance, len(cell)) ** 2, len(cell), len(names)
    method = f"permutational analysis of variance on distances, {draws} permutations"
    total = float(squared.sum()) / (2 * n) if n else 0.0
    if a < 2 or a >= n or total <= 0:
        return Significance(None, None, n, method)
    count = np.bincount(cell)
    i, j = np.nonzero(np.triu(cell[:, None] == cell[None, :], 1))
    weight = 1.0 / count[cell[i]]
    generator = np.random.default_rng(seed)

    def pseudo_f(order: IntArray) -> float:
        inside = float(weight @ squared[order[i], order[j]])
        return np.inf if inside <= 1e-15 else ((total - inside) / (a - 1)) / (inside / (n - a))

    found = pseudo_f(np.arange(n))
    beyond = sum(pseudo_f(generator.permutation(n)) >= found * (1 - 1e-12) for _ in range(draws))
    return Significance(found, (1 + beyond) / (1 + draws), n, method)
