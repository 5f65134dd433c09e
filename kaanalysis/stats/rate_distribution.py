"""How the true rates of many sellers are spread, from a few deals each, and how far two such spreads overlap.

A seller's successes are binomial with a rate of their own, rates are beta-distributed around a common π with the weight of m deals. π and m
are averaged over what the data leave possible on a grid, with a flat prior on π and on m / (m + 1) (uniform shrinkage, as
:func:`kaanalysis.stats.shrink_shares`), so that few sellers give a wide answer and not a confident one.
Sources: Daniels 1999, Canadian Journal of Statistics 27, 567–578; Inman and Bradley 1989, Communications in Statistics 18, 3851–3874
(overlapping coefficient); Wolfe and Hogg 1971, American Statistician 25, 27–30 (probability of superiority).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import betainc

from kaanalysis.stats.estimate import Estimate
from kaanalysis.stats.inputs import FloatArray, check_level, counts_within, numbers
from kaanalysis.stats.shrinkage import beta_binomial_grid

LEAST_SELLERS = 3
POINTS = 100
CELLS = 200


def _shapes(success: Any, count: Any, draws: int, generator: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Draws of the beta's two shapes, both shape (draws,), as likely as the data leave them."""
    y, n = counts_within(success, count, "success")
    a, b, chance = beta_binomial_grid(y, n, POINTS)
    chosen = generator.choice(len(a), size=draws, p=chance)
    return a[chosen], b[chosen]


def shrunk_rates(
    success: Any, count: Any, *, level: float = 0.95, draws: int = 2000, seed: int = 0
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """(rate, low, high) of every seller, each shape (k,), 0 … 1: pulled toward the others' as far as the seller's own deals are few, with
    the uncertainty of the common rate and of the spread in it. ``success``, ``count``: shape (k,). Raises ValueError for wrong counts."""
    check_level(level)
    n = numbers(count, "count")
    if not len(n):
        return np.zeros(0), np.zeros(0), np.zeros(0)
    y = numbers(success, "success", len(n))
    generator = np.random.default_rng(seed)
    a, b = _shapes(y, n, draws, generator)
    rates = generator.beta(np.maximum(a[:, None] + y, 1e-9), np.maximum(b[:, None] + n - y, 1e-9))
    tail = (1 - level) / 2
    low, high = np.quantile(rates, [tail, 1 - tail], axis=0)
    return np.asarray(rates.mean(axis=0)), np.asarray(low), np.asarray(high)


def density(success: Any, count: Any, *, draws: int = 500, seed: int = 0) -> tuple[FloatArray, FloatArray]:
    """(rate, probability) of the sellers' spread: middles of :data:`CELLS` equal cells of 0 … 1 and the chance that a seller like these
    lies in each, averaged over what the data leave possible; the chances add up to 1."""
    a, b = _shapes(success, count, draws, np.random.default_rng(seed))
    return (np.arange(CELLS) + 0.5) / CELLS, _cells(a, b).mean(axis=0)


def _cells(a: FloatArray, b: FloatArray) -> FloatArray:
    edges = np.linspace(0, 1, CELLS + 1)
    return np.diff(betainc(a[:, None], b[:, None], edges), axis=1)


def compare_spreads(
    success_a: Any, count_a: Any, success_b: Any, count_b: Any, *, level: float = 0.95, draws: int = 1000, seed: int = 0
) -> tuple[Estimate, Estimate]:
    """(overlap, superiority) of two groups' spreads of true rates.

    overlap: common area of both densities, 0: no seller of one group is like any of the other, 1: the same spread. superiority: chance
    that a seller of a has a higher rate than one of b, drawn at random, ties half: 0.5: neither group is ahead. Medians and equal-tailed
    intervals over what the data leave possible (credible intervals); since data cannot prove two spreads the same, that of the overlap
    stays below 1. ``n``: sellers of both; None with fewer than three in one.
    Raises ValueError for wrong counts. Sources: see the module."""
    check_level(level)
    n = len(numbers(count_a, "count_a")) + len(numbers(count_b, "count_b"))
    method = "beta-binomial, uncertainty of the spread averaged, equal-tailed"
    if min(len(np.asarray(count_a)), len(np.asarray(count_b))) < LEAST_SELLERS:
        none = Estimate(None, None, None, level, n, f"{method}; fewer than {LEAST_SELLERS} sellers in a group")
        return none, none
    first, second = (
        _cells(*_shapes(s, c, draws, np.random.default_rng([seed, place])))
        for place, (s, c) in enumerate(((success_a, count_a), (success_b, count_b)))
    )
    overlap = np.minimum(first, second).sum(axis=1)
    below = np.cumsum(second, axis=1) - second / 2
    ahead = (first * below).sum(axis=1)
    tail = (1 - level) / 2
    parts = [tuple(float(q) for q in np.quantile(x, [0.5, tail, 1 - tail])) for x in (overlap, ahead)]
    made = [Estimate(value, low, high, level, n, method) for value, low, high in parts]
    return made[0], made[1]
