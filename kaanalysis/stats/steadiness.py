"""Is a share the same from period to period? A control chart that knows that sellers differ, and how much periods differ beyond chance.

A period's share moves by chance, because sellers differ and other sellers worked in it, because a seller's share itself moves, and
because time changed something. Only the last is unsteadiness. Model: a deal of seller j in period i succeeds with
p + s_j + u_ij + t_i, with variances σ_s² (sellers), σ_u² (a seller from period to period) and τ² (periods). The shares of k periods then
have the covariance V + τ² I with V = D + σ_s² W Wᵀ, W the sellers' shares of each period's deals: what the same sellers did in both
periods is common to them and widens nothing. σ_s², σ_u² and the variance within are solved from three quadratic forms of the deviations
from the periods' own shares (Henderson's third method), so that what time changed does not enter them.

Sources: Laney, Quality Engineering 14 (2002) 531–537 (p′ chart); Searle, Casella and McCulloch, Variance Components, 1992, section 5.5;
Jackson, Turner, Rhodes and Viechtbauer, BMC Medical Research Methodology 14 (2014) 103 and Viechtbauer, Statistics in Medicine 26
(2007) 37–52 (Q-profile); Paule and Mandel 1982; Knapp and Hartung, Statistics in Medicine 22 (2003) 2693–2710.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import optimize, stats

from kaanalysis.stats.estimate import Estimate, Significance
from kaanalysis.stats.inputs import FloatArray, check_level, flags, labels

LARGEST_SD = 0.5  # of shares: half of the periods 0, half 1
LEAST_PERIODS = 3


@dataclass(frozen=True)
class PeriodChart:
    """Periods in order. periods: their labels; n: units; share: 0 … 1; centre: the common share (generalised least squares); error:
    standard deviation of a period's deviation from the centre where nothing changes in time; covariance: V, shape (k, k);
    between_sellers, within_sellers: σ_s and σ_u, standard deviations of shares."""

    periods: tuple[Any, ...]
    n: FloatArray
    share: FloatArray
    centre: float
    error: FloatArray
    covariance: FloatArray
    between_sellers: float
    within_sellers: float

    def limits(self, width: float) -> tuple[FloatArray, FloatArray]:
        """(lower, upper) control limit of every period, `width` standard deviations about the centre, cut at 0 and 1."""
        reach = width * self.error
        return np.clip(self.centre - reach, 0, 1), np.clip(self.centre + reach, 0, 1)


def _variances(won: FloatArray, period: Any, seller: Any, periods: int, sellers: int) -> tuple[float, float, float]:
    """(σ_s², σ_u², variance within), each 0 or more."""
    cell, place = np.unique(period * sellers + seller, return_inverse=True)
    of, who = cell // sellers, cell % sellers
    n, y = np.bincount(place).astype(float), np.bincount(place, weights=won)
    size = np.bincount(of, weights=n, minlength=periods)
    share = np.bincount(of, weights=y, minlength=periods) / size
    rest, weight = y - n * share[of], n / size[of]
    squares = np.bincount(of, weights=weight**2, minlength=periods)
    within = float(((won - share[period]) ** 2).sum())
    # Sum of squared deviations of units, and of cells' totals: linear in (σ_s² + σ_u², variance within).
    of_units = (float((size - size * squares).sum()), float((size - 1).sum()))
    of_cells = (float((n**2 * (1 - 2 * weight + squares[of])).sum()), float((n * (1 - weight)).sum()))
    determinant = of_units[0] * of_cells[1] - of_units[1] * of_cells[0]
    cells = float((rest**2).sum())
    if not of_units[1] > 0:
        return 0.0, 0.0, 0.0
    if abs(determinant) < 1e-9 * max(of_units[1] * of_cells[0], 1e-300):  # every seller a single unit: nothing tells
        return 0.0, 0.0, within / of_units[1]
    sum_of_both = max((within * of_cells[1] - cells * of_units[1]) / determinant, 0.0)
    inside = max((within - of_units[0] * sum_of_both) / of_units[1], 1e-9)
    # Products of one seller's totals in two periods: σ_s² alone.
    own = np.zeros((periods, sellers))
    mix = np.zeros((periods, sellers))
    own[of, who], mix[of, who] = rest, weight
    common = mix @ mix.T
    products = float((own.sum(axis=0) ** 2).sum() - (own**2).sum())
    counted = mix * size[:, None]
    first = counted.sum(axis=0) ** 2 - (counted**2).sum(axis=0)
    weighted = counted * mix
    second = (weighted.sum(axis=0) * counted.sum(axis=0)) - (weighted * counted).sum(axis=0)
    pairs = counted @ counted.T
    third = float((pairs * common).sum() - np.trace(pairs * common))
    scale = float(first.sum() - 2 * second.sum()) + third
    between = min(max(products / scale, 0.0), sum_of_both) if scale > 1e-9 else 0.0
    return between, sum_of_both - between, inside


def period_chart(success: Any, period: Any, seller: Any) -> PeriodChart | None:
    """The chart of a share by period. ``success``: shape (n,), true or false; ``period``: sortable labels; ``seller``: one label per
    unit (a unit whose seller is not known: a label of its own).

    None with fewer than two periods or where nothing varies. Raises ValueError for missing or unequally long input."""
    won = flags(success, "success", len(np.atleast_1d(np.asarray(success)))).astype(float)
    of, names = labels(period, "period", len(won))
    who, sellers = labels(seller, "seller", len(won))
    if len(names) < 2 or won.min(initial=1) == won.max(initial=0):
        return None
    order = np.argsort(np.asarray(names, dtype=object), kind="stable")
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    of = rank[of]
    between, moving, inside = _variances(won, of, who, len(names), len(sellers))
    n = np.bincount(of, minlength=len(names)).astype(float)
    share = np.bincount(of, weights=won, minlength=len(names)) / n
    mix = np.zeros((len(names), len(sellers)))
    np.add.at(mix, (of, who), 1.0)
    mix /= n[:, None]
    # The variance within at the common share, where single periods may show none.
    covariance = np.diag(inside / n + moving * (mix**2).sum(axis=1)) + between * mix @ mix.T
    inverse = np.linalg.inv(covariance)
    whole = float(inverse.sum())
    centre = float(inverse.sum(axis=0) @ share) / whole
    error = np.sqrt(np.maximum(np.diag(covariance) - 1 / whole, 0.0))
    ordered = tuple(np.asarray(names, dtype=object)[order])
    return PeriodChart(ordered, n, share, centre, error, covariance, float(np.sqrt(between)), float(np.sqrt(moving)))


def _heterogeneity(share: FloatArray, covariance: FloatArray, design: FloatArray) -> float:
    """Generalised Q: the weighted squared deviations from what the design fits."""
    inverse = np.linalg.inv(covariance)
    fit = np.linalg.solve(design.T @ inverse @ design, design.T @ inverse @ share)
    rest = share - design @ fit
    return float(rest @ inverse @ rest)


def _variance_at(chart: PeriodChart, design: FloatArray, target: float, middle: float = 0.0) -> float:
    """The τ² at which Q falls to `target`: 0 where it starts below, LARGEST_SD² where it never does. middle: Q is taken to be no
    smaller than that of periods as far apart as chance makes them when Q is `middle` without any τ²."""
    one = np.eye(len(chart.n))
    centred = one - 1 / len(one)
    chance = np.maximum(np.linalg.eigvalsh(centred @ chart.covariance @ centred)[1:], 0.0)

    def above(variance: float) -> float:
        found = _heterogeneity(chart.share, chart.covariance + variance * one, design)
        usual = middle * float(np.mean(chance / (chance + variance))) if middle else 0.0
        return max(found, usual) - target

    if above(0.0) <= 0:
        return 0.0
    if above(LARGEST_SD**2) >= 0:
        return LARGEST_SD**2
    return float(optimize.brentq(above, 0.0, LARGEST_SD**2, xtol=1e-12))


def between_period_sd(chart: PeriodChart, level: float = 0.95) -> Estimate:
    """How far the periods' true shares lie from each other beyond chance and sellers: τ, a standard deviation of shares.

    0: all periods have one share; 0.5: half of them 0, half 1. Paule and Mandel's estimate with the Q-profile interval. Where the periods
    are more alike than chance lets them be in half of all cases, the upper limit is that of the middle case: luck earns no
    certainty. ``n``: periods. Limits None with fewer than three periods. Sources: see the module."""
    check_level(level)
    k, method = len(chart.n), "between-period standard deviation beyond chance and sellers, Paule–Mandel, Q-profile"
    if k < LEAST_PERIODS:
        return Estimate(None, None, None, level, k, f"{method}; fewer than {LEAST_PERIODS} periods")
    design = np.ones((k, 1))
    tail = (1 - level) / 2
    value = np.sqrt(_variance_at(chart, design, k - 1))
    low = np.sqrt(_variance_at(chart, design, float(stats.chi2.isf(tail, k - 1))))
    high = np.sqrt(_variance_at(chart, design, float(stats.chi2.ppf(tail, k - 1)), float(stats.chi2.median(k - 1))))
    return Estimate(float(value), float(low), float(high), level, k, method)


def between_period_test(chart: PeriodChart) -> Significance:
    """Do the periods differ at all? Generalised Q against χ² with k - 1 degrees of freedom; small p: they differ beyond chance and
    sellers. None with fewer than three periods."""
    k, method = len(chart.n), "generalised Q of periods"
    if k < LEAST_PERIODS:
        return Significance(None, None, k, method)
    q = _heterogeneity(chart.share, chart.covariance, np.ones((k, 1)))
    return Significance(q, float(stats.chi2.sf(q, k - 1)), k, method)


def period_trend(chart: PeriodChart, at: Any, level: float = 0.95) -> Estimate:
    """Rise of the share per unit of ``at`` (shape (k,): where each period lies), negative: it falls. Weighted regression on the periods,
    what they scatter about the line counted as error, Knapp and Hartung's t with k - 2 degrees of freedom. ``n``: periods;
    None with fewer than four. Sources: see the module."""
    check_level(level)
    k, method = len(chart.n), "trend over periods, weighted regression, Knapp–Hartung t"
    if k < LEAST_PERIODS + 1:
        return Estimate(None, None, None, level, k, f"{method}; fewer than {LEAST_PERIODS + 1} periods")
    place = np.asarray(at, dtype=np.float64)
    design = np.column_stack([np.ones(k), place])
    whole = chart.covariance + _variance_at(chart, design, k - 2) * np.eye(k)
    inverse = np.linalg.inv(whole)
    spread = np.linalg.inv(design.T @ inverse @ design)
    fit = spread @ design.T @ inverse @ chart.share
    rest = chart.share - design @ fit
    scale = max(1.0, float(rest @ inverse @ rest) / (k - 2))  # never narrower than the plain interval
    reach = float(stats.t.isf((1 - level) / 2, k - 2)) * float(np.sqrt(scale * spread[1, 1]))
    return Estimate(float(fit[1]), float(fit[1]) - reach, float(fit[1]) + reach, level, k, method)
