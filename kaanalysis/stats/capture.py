"""Capture–recapture: how many there are in all, from two lists that were drawn up independently."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import random_table

from kaanalysis.stats.estimate import Estimate, Significance
from kaanalysis.stats.inputs import IntArray, check_level, flags, labels, normal_quantile


@dataclass(frozen=True)
class Overlap:
    """Counts of units: on both lists, only on the first, only on the second."""

    both: int
    first_only: int
    second_only: int

    @property
    def known(self) -> int:
        return self.both + self.first_only + self.second_only


def overlap(first: Any, second: Any) -> Overlap:
    """Counts from two flags per unit, shape (n,); units on neither list do not count."""
    a = flags(first, "first", len(first))
    b = flags(second, "second", len(first))
    return Overlap(int((a & b).sum()), int((a & ~b).sum()), int((~a & b).sum()))


def population_size(counts: Overlap, *, dependence: float = 1.0, level: float = 0.95) -> Estimate:
    """Units in all, those on neither list included: Chapman's estimate with the transformed-logit interval.

    ``dependence``: odds ratio between the lists, above 0. 1: independent, as Chapman assumes; above 1: being on one makes being on the
    other likelier, so more are missing than the overlap shows (the number on neither list is first_only · second_only / both
    times this). The interval known + missing · exp(± z σ), with half a unit added to every count, keeps its level in
    small populations and never reaches below the units known. It takes units as independent. Value and limits are None where one of the
    lists is empty or one holds no unit that the other lacks: a list that only marks units of the other says
    nothing of those that are missing. Raises ValueError for ``dependence`` of 0 or below.
    Sources: Chapman 1951; Sadinle 2009, Communications in Statistics – Simulation and Computation 38, 1909–1924; for dependence:
    Chao et al. 2001, Statistics in Medicine 20, 3123–3157.
    """
    check_level(level)
    if not dependence > 0:
        raise ValueError(f"dependence must be above 0; not {dependence}")
    method = "capture–recapture, Chapman" + (
        "" if dependence == 1 else f", odds ratio {dependence:g} between the lists"
    )
    if not counts.first_only or not counts.second_only:
        return Estimate(None, None, None, level, counts.known, method + "; one list lies within the other")
    return Estimate(*_transformed_logit(counts, dependence, level), level, counts.known, method)


def _transformed_logit(counts: Overlap, dependence: float, level: float) -> tuple[float, float, float]:
    """Chapman's size and Sadinle's limits, never below the units known."""
    both, first, second = counts.both, counts.first_only, counts.second_only
    missing = dependence * first * second / (both + 1)
    b, f, s = both + 0.5, first + 0.5, second + 0.5
    reach = np.exp(normal_quantile(level) * np.sqrt(1 / b + 1 / f + 1 / s + b / (f * s)))
    middle = dependence * f * s / b
    low = max(counts.known - 0.5 + middle / reach, float(counts.known))
    return counts.known + missing, float(low), float(counts.known - 0.5 + middle * reach)


def overlaps(first: Any, second: Any, strata: Any) -> list[Overlap]:
    """:func:`overlap` of every stratum; ``strata``: one label per unit, shape (n,)."""
    a, b = flags(first, "first", len(first)), flags(second, "second", len(first))
    code, names = labels(strata, "strata", len(a))
    cells = (np.bincount(code[cell], minlength=len(names)) for cell in (a & b, a & ~b, b & ~a))
    return [Overlap(*(int(n) for n in counts)) for counts in zip(*cells, strict=True)]


def stratified_size(counts: Sequence[Overlap], *, dependence: float = 1.0, level: float = 0.95) -> Estimate:
    """Units in all where the lists are independent within strata only: Chapman's sizes added up over them (Sekar and Deming).

    ``counts``: one per stratum (:func:`overlaps`); ``dependence`` as in :func:`population_size`. It keeps its
    level where both lists prefer the same strata, and is the less precise of the two where they do not: many thin strata lean low. The
    limits are the strata's transformed-logit ones, whose distances add in squares (MOVER). None where the plain size is. Raises
    ValueError for ``dependence`` of 0 or below. Sources: Sekar and Deming 1949; Sadinle 2009; Zou and Donner 2008, Statistics in Medicine
    27, 1693–1702.
    """
    check_level(level)
    if not dependence > 0:
        raise ValueError(f"dependence must be above 0; not {dependence}")
    plain = Overlap(*(sum(getattr(c, cell) for c in counts) for cell in ("both", "first_only", "second_only")))
    method = "capture–recapture within strata, Chapman"
    if not plain.first_only or not plain.second_only:
        return Estimate(None, None, None, level, plain.known, method + "; one list lies within the other")
    parts = [_transformed_logit(c, dependence, level) for c in counts if c.known]
    value, low, high = (np.array(x) for x in zip(*parts, strict=True))
    size = float(value.sum())
    below, above = np.hypot.reduce(value - low), np.hypot.reduce(high - value)
    return Estimate(size, max(size - below, float(plain.known)), size + above, level, plain.known, method)


def shared_unevenness(first: Any, second: Any, strata: Any, *, draws: int = 1999, seed: int = 0) -> Significance:
    """Do both lists prefer the same strata (industries, regions, sizes)? A test of what capture–recapture assumes.

    ``first``, ``second``: flags, shape (n,); ``strata``: one label per unit. One uneven list does no harm; two that are uneven together
    do. So two tests of homogeneity are made, of the first list's share among those on the second by stratum and the other way
    round, and the larger p-value is the answer (intersection–union). ``statistic``: log of the size summed over strata (Sekar and Deming)
    over the plain one: above 0 both prefer the same strata and the plain size is too small, below 0 the reverse.
    ``p_value``: 0 … 1, from tables drawn with the margins given, so it holds for small counts. It cannot see dependence within strata:
    nothing can with two lists. None where the sizes cannot be estimated or there is one stratum.
    Sources: Sekar and Deming 1949, Journal of the American Statistical Association 44, 101–115; Berger 1982 (intersection–union).
    """
    a, b = flags(first, "first", len(first)), flags(second, "second", len(first))
    code, names = labels(strata, "strata", len(a))
    n, method = int((a | b).sum()), f"homogeneity of both lists over strata, {draws} random tables"
    plain = population_size(overlap(a, b)).value
    if plain is None or len(names) < 2:
        return Significance(None, None, n, method)
    both = np.bincount(code[a & b], minlength=len(names))
    only_a = np.bincount(code[a & ~b], minlength=len(names))
    only_b = np.bincount(code[b & ~a], minlength=len(names))
    shift = float(np.log((both + only_a + only_b + only_a * only_b / (both + 1)).sum() / plain))
    p_values = [_homogeneity(both, only, draws, seed + place) for place, only in enumerate((only_a, only_b))]
    return Significance(shift, max(p_values), n, method)


def _homogeneity(yes: IntArray, no: IntArray, draws: int, seed: int) -> float:
    """p-value of: the share of `yes` is the same in every column, by chi-squared over tables with the same margins."""
    there = (yes + no) > 0
    table = np.stack([yes[there], no[there]])
    if table.shape[1] < 2 or not table.sum(axis=1).all():
        return 1.0
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    drawn = random_table(table.sum(axis=1), table.sum(axis=0)).rvs(draws, random_state=np.random.default_rng(seed))
    found = float(((table - expected) ** 2 / expected).sum())
    beyond = int((((drawn - expected) ** 2 / expected).sum(axis=(1, 2)) >= found - 1e-9).sum())
    return (1 + beyond) / (draws + 1)
