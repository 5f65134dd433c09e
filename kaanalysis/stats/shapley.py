"""Shapley effects: an output's variance shared out among inputs that depend on each other, to the last bit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from kaanalysis.stats.estimate import Estimate
from kaanalysis.stats.inputs import check_level, normal_quantile
from kaanalysis.stats.sensitivity import Model, base_points, checked_correlation, checked_groups, evaluated


def shapley_effects(
    model: Model,
    correlation: npt.ArrayLike,
    groups: Sequence[Sequence[int]] | None = None,
    permutations: int = 1024,
    seed: int = 0,
    level: float = 0.95,
) -> tuple[tuple[Estimate, ...], ...]:
    """For every output and group of inputs, its share of the output's variance; over the groups they sum to 1.

    ``model`` and ``correlation`` as in :func:`kaanalysis.stats.variance_shares`; ``groups``: columns that count as one, every column in
    one of them (default: each on its own); ``permutations``: a power of two; the model is asked for permutations × (groups + 1) rows.

    An input's effect is what knowing it removes of the variance, averaged over all orders in which inputs may become known: 0 for one
    that the output neither moves with nor is told of by others, and of two that always move together half each. Of independent inputs it
    lies between first and total order. A single effect near 0 may be estimated slightly below it, so that the sum stays 1; no
    variance: 0 each.

    One random order a point: along it inputs pass one by one from a second world to the first, the rest drawn from their law given
    those that have passed, which in a Gaussian copula is a Cholesky factor in that order; each step is paid with what it takes off half the
    squared distance to the first world. Interval: that of a ratio of means over the orders, for the simulation alone (``n`` = orders).

    Raises ValueError for a matrix that is no correlation, groups that do not hold every column once, or outputs that are not finite.
    Source: Shapley 1953; Owen 2014, SIAM/ASA JUQ 2, 245–251; Song, Nelson and Staum 2016, ibid. 4, 1060–1083; the squared
    distances: Goda 2021, Reliability Engineering and System Safety 213; ordered conditioning: Mara, Tarantola and Annoni 2015.
    """
    check_level(level)
    matrix = checked_correlation(correlation)
    d = len(matrix)
    parts = checked_groups(groups, d)
    count = len(parts)
    here, there = base_points(d, permutations, seed)
    rng = np.random.default_rng([seed, 1])
    orders = rng.permuted(np.tile(np.arange(count), (permutations, 1)), axis=1)
    rank = np.argsort(orders, axis=1)  # of each group in each order
    owner = np.empty(d, dtype=np.int64)
    for g, columns in enumerate(parts):
        owner[columns] = g
    place = rank[:, owner]  # (orders, d): when each column passes
    if np.allclose(matrix, np.eye(d)):
        chain = np.where(place[:, None, :] < np.arange(count + 1)[None, :, None], here[:, None], there[:, None])
    else:
        sequence = np.argsort(place, axis=1, kind="stable")
        factor = np.linalg.cholesky(matrix[sequence[:, :, None], sequence[:, None, :]])
        passed = np.take_along_axis(place, sequence, axis=1)[:, None, :] < np.arange(count + 1)[None, :, None]
        first, second = (np.take_along_axis(e, sequence, axis=1)[:, None] for e in (here, there))
        drawn = np.where(passed, first, second) @ factor.swapaxes(1, 2)
        chain = np.take_along_axis(drawn, np.argsort(sequence, axis=1)[:, None, :], axis=2)
    y = evaluated(model, chain.reshape(-1, d)).reshape(permutations, count + 1, -1)
    end = y[:, [-1]]
    half = (end - y) ** 2 / 2  # half the squared distance to the first world, step by step
    removed = np.take_along_axis(half[:, :-1] - half[:, 1:], rank[:, :, None], axis=1)  # by group
    variance = half[:, 0].mean(axis=0)
    method = "Shapley effect, random orders with conditional draws"
    out = []
    for s in range(y.shape[2]):
        if variance[s] <= 0:
            out.append(tuple(Estimate(0.0, 0.0, 0.0, level, permutations, method) for _ in parts))
            continue
        effect = removed[:, :, s].mean(axis=0) / variance[s]
        error = (removed[:, :, s] - effect * half[:, 0, [s]]).std(axis=0, ddof=1) / variance[s] / np.sqrt(permutations)
        reach = normal_quantile(level) * error
        out.append(
            tuple(Estimate(v, v - r, v + r, level, permutations, method) for v, r in zip(effect, reach, strict=True))
        )
    return tuple(out)
