"""Thin cells borrow from their neighbours: cell means and shares shrunk toward what cells that share attributes say.

A cell is a combination of attributes (category, industry, size). Two cells' true means are the more alike the more attributes they
share: covariance τ² · ρ^(number of attributes that differ). How far cells differ at all (τ²) and how much a neighbour tells (ρ) are not
guessed but averaged over what the data leave possible, with a flat prior on τ² (Stein's harmonic prior), which never ends in "no cell
differs" by accident as maximum likelihood does.
Sources: Efron and Morris 1975, JASA 70, 311–319; Morris and Tang 2011, Statistical Science 26, 271–287 (flat prior on the variance);
Rao and Molina 2015, Small Area Estimation, chapters 5, 6 and 9; Rasmussen and Williams 2006, chapter 2 (kernel and prediction).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats
from scipy.special import betainc, betaln, logsumexp

from kaanalysis.stats.inputs import FloatArray, IntArray, check_level, counts_within, numbers
from kaanalysis.stats.proportions import jeffreys

CORRELATIONS = (0.0, 0.2, 0.4, 0.6, 0.8)
RATIOS = np.logspace(-4, 3, 57)  # τ² / σ²


@dataclass(frozen=True)
class CellModel:
    """value, error: shrunk mean and its standard deviation per cell, shape (c,); weight: how much of a cell's own mean enters its
    value, 0 (only neighbours) … 1 (only itself); between_sd, within_sd: standard deviation of true cell means and of units within a
    cell; neighbour: ρ, what a cell that differs in one attribute shares, 0 … 1. chance: probability of every (τ², ρ) looked at, shape
    (g,); covariance: of the true means given the data for each, shape (g, c, c)."""

    value: FloatArray
    error: FloatArray
    weight: FloatArray
    between_sd: float
    within_sd: float
    neighbour: float
    within_known: bool
    chance: FloatArray
    covariance: FloatArray

    def interval(self, level: float) -> tuple[FloatArray, FloatArray]:
        """(low, high) of every cell's true mean at `level`, normal."""
        reach = float(stats.norm.ppf((1 + check_level(level)) / 2)) * self.error
        return self.value - reach, self.value + reach


def attribute_distance(attributes: Sequence[Sequence[Any]]) -> IntArray:
    """In how many attributes two cells differ, shape (c, c)."""
    table = np.asarray([[str(x) for x in cell] for cell in attributes], dtype=object)
    return np.asarray((table[:, None, :] != table[None, :, :]).sum(axis=2), dtype=np.int64)


def shrink_means(
    attributes: Sequence[Sequence[Any]],
    mean: Any,
    count: Any,
    spread: float,
    freedom: int,
    *,
    correlations: Sequence[float] = CORRELATIONS,
) -> CellModel | None:
    """Cell means shrunk toward their neighbours; cells without units are predicted from them alone.

    ``attributes``: one tuple per cell; ``mean``: of the cell's units (ignored where ``count`` is 0); ``count``: units per cell, 0 or
    more; ``spread``: sum of squared deviations of units from their cell's mean, ``freedom``: its degrees of freedom. With none (one
    unit per cell) noise cannot be told from differences between cells and is taken to be half of what varies (``within_known`` False).
    None with fewer than four cells that hold units, or where nothing varies. Raises ValueError for unusable input. Sources: see the
    module."""
    n = numbers(count, "count", len(attributes))
    there = n > 0
    raw = np.where(there, np.asarray(mean, dtype=np.float64), 0.0)
    numbers(raw[there], "mean")
    if (n < 0).any():
        raise ValueError("count must be 0 or more")
    if there.sum() < 4:
        return None
    known = freedom > 0 and spread > 0
    noise = spread / freedom if known else float(np.var(raw[there], ddof=1)) / 2
    if not noise > 0:
        return None
    apart, y, error = attribute_distance(attributes), raw[there], noise / n[there]
    log_chance, values, weights, covariances, settings = [], [], [], [], []
    for correlation in correlations:
        likeness = np.where(apart == 0, 1.0, float(correlation) ** apart)
        for ratio in RATIOS:
            kernel = ratio * noise * likeness
            fit = _predict(kernel, y, error, there)
            # The grid is even in log τ²; a flat prior on τ² itself gives every point a weight in proportion to τ².
            log_chance.append(fit[0] + np.log(ratio))
            values.append(fit[1])
            weights.append(fit[2])
            covariances.append(fit[3])
            settings.append((ratio * noise, correlation))
    log = np.array(log_chance)
    chance = np.exp(log - logsumexp(log))
    value = chance @ np.array(values)
    covariance = np.array(covariances)
    inside = np.einsum("g,gcc->c", chance, covariance)
    moved = chance @ (np.array(values) - value) ** 2
    between, neighbour = chance @ np.array(settings)
    own = np.zeros(len(n))
    own[there] = chance @ np.array(weights)
    return CellModel(
        value, np.sqrt(np.maximum(inside + moved, 0.0)), own, float(np.sqrt(between)), float(np.sqrt(noise)),
        float(neighbour), known, chance, covariance,
    )  # fmt: skip


def _predict(
    kernel: FloatArray, y: FloatArray, error: FloatArray, there: Any
) -> tuple[float, FloatArray, FloatArray, FloatArray]:
    """(restricted log-likelihood, predictions of all cells, weight of each cell's own mean, covariance of the true means) for one
    kernel; the overall mean is unknown and estimated along with them."""
    k = kernel[np.ix_(there, there)] + np.diag(error)
    inverse = np.linalg.inv(k)
    ones = inverse.sum(axis=0)
    total = float(ones.sum())
    centre = float(ones @ y) / total
    rest = y - centre
    log = -0.5 * (float(np.linalg.slogdet(k)[1]) + np.log(total) + float(rest @ inverse @ rest))
    cross = kernel[:, there] @ inverse
    left = 1.0 - cross.sum(axis=1)
    weights = cross + np.outer(left, ones / total)
    covariance = kernel - cross @ kernel[there, :] + np.outer(left, left) / total
    own = weights[np.flatnonzero(there), np.arange(int(there.sum()))]
    return log, weights @ y, own, covariance


def sampling_gain(model: CellModel, weight: Any, count: Any) -> FloatArray:
    """What one more unit in each cell would tell, for every (τ², ρ): the share of the weighted uncertainty about all cells that it
    removes, shape (g, c), 0 … 1.

    ``weight``: how much each cell matters, 0 or more; ``count``: units there now (only their number of cells is used). A unit in cell c
    lowers the variance of cell d by cov(c, d)² / (var(c) + σ²): large where c is heavy itself, uncertain, and tells about heavy
    neighbours that nothing else told about. Sources: Cohn 1996, Neural Networks 9, 1071–1083; Krause, Singh and Guestrin 2008, JMLR 9,
    235–284."""
    heavy = numbers(weight, "weight", len(model.value))
    numbers(count, "count", len(model.value))
    variance = np.einsum("gcc->gc", model.covariance)
    told = np.einsum("gcd,d->gc", model.covariance**2, heavy) / (variance + model.within_sd**2)
    whole = variance @ heavy
    return np.asarray(told / np.maximum(whole, 1e-300)[:, None])


def shrink_shares(present: Any, count: Any, level: float = 0.95) -> tuple[FloatArray, FloatArray]:
    """(shrunk share, weight of the cell's own share) per cell, both shape (c,), by the beta-binomial model.

    ``present``: units of the cell that have it, ``count``: units. A cell's share is beta-distributed around the common one π with the
    weight of m units; both are averaged over what the data leave possible, with a flat prior on π and on m / (m + 1) (uniform
    shrinkage). Cells without units get the common share, with weight 0. Sources: Rao and Molina 2015, section 9.5; Daniels 1999,
    Canadian Journal of Statistics 27, 567–578."""
    check_level(level)
    y, n = counts_within(present, count, "present")
    a, b, chance = beta_binomial_grid(y, n)
    value = np.array([chance @ ((a + yes) / (a + b + of)) for yes, of in zip(y, n, strict=True)])
    weight = np.array([chance @ (of / (a + b + of)) for of in n])
    return value, weight


def shrunk_share_intervals(present: Any, count: Any, level: float = 0.95) -> tuple[FloatArray, FloatArray]:
    """(low, high) of every cell's true share at `level` under the model of :func:`shrink_shares`, both shape (c,): equal tails of the mix
    of beta distributions that the data leave possible. What is not known about the other cells is in it; a cell without units gets
    the span of shares that cells have. Where every unit of every cell is alike nothing varies that cells could be alike in: each then has
    its own Jeffreys interval (the span 0 … 1 without units)."""
    tail = (1 - check_level(level)) / 2
    y, n = counts_within(present, count, "present")
    if y.sum() in (0, n.sum()):
        own = [jeffreys(int(yes), int(of), level) if of else None for yes, of in zip(y, n, strict=True)]
        limits = [(0.0, 1.0) if e is None or e.low is None or e.high is None else (e.low, e.high) for e in own]
        return np.array([low for low, _ in limits]), np.array([high for _, high in limits])
    a, b, chance = beta_binomial_grid(y, n)
    kept = chance > 1e-7 * chance.max()
    a, b, chance = a[kept], b[kept], chance[kept] / chance[kept].sum()
    first, second = a[None, :] + y[:, None], b[None, :] + (n - y)[:, None]
    found = []
    for target in (tail, 1 - tail):
        low, high = np.zeros(len(n)), np.ones(len(n))
        for _ in range(40):  # bisection of all cells at once: 2⁻⁴⁰ is beyond any use
            middle = (low + high) / 2
            below = betainc(first, second, middle[:, None]) @ chance < target
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        found.append((low + high) / 2)
    return found[0], found[1]


def beta_binomial_grid(y: FloatArray, n: FloatArray, points: int = 60) -> tuple[FloatArray, FloatArray, FloatArray]:
    """(a, b, probability): every distribution of shares looked at, Beta(a, b), and how likely it is given all cells, each shape
    (points²,). ``y`` of ``n`` units in each cell, both shape (c,); a grid of ``points`` by ``points``, even in π and in m / (m + 1), where
    the prior is flat. Sources: see :func:`shrink_shares`."""
    middle = (np.arange(points) + 0.5) / points
    pi, m = (x.ravel() for x in np.meshgrid(middle, middle / (1 - middle)))
    a, b = m * pi, m * (1 - pi)
    log, prior = np.zeros(len(pi)), betaln(a, b)
    terms: dict[tuple[float, float], FloatArray] = {}  # small counts come again and again
    for yes, of in zip(y.tolist(), n.tolist(), strict=True):
        if (yes, of) not in terms:
            terms[yes, of] = betaln(a + yes, b + of - yes) - prior
        log += terms[yes, of]
    return a, b, np.exp(log - logsumexp(log))
