"""Spreads of sellers' rates: closed forms where sellers are many, wide answers where they are few, and coverage."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from kaanalysis.stats.rate_distribution import compare_spreads, density, shrunk_rates


def drawn(seed: int, rate: float, weight: float, sellers: int, deals: int) -> tuple[np.ndarray, np.ndarray]:
    g = np.random.default_rng(seed)
    n = g.integers(2, 2 * deals, sellers)
    return g.binomial(n, g.beta(rate * weight, (1 - rate) * weight, sellers)), n


def areas(a: tuple[float, float], b: tuple[float, float]) -> tuple[float, float]:
    """Overlap and superiority of two beta distributions given as (rate, weight), by quadrature."""
    x = (np.arange(20_000) + 0.5) / 20_000
    first, second = (stats.beta(r * w, (1 - r) * w) for r, w in (a, b))
    return float(np.minimum(first.pdf(x), second.pdf(x)).mean()), float((first.pdf(x) * second.cdf(x)).mean())


def test_of_very_many_sellers_it_is_the_beta_distributions_own() -> None:
    # 600 sellers: the rate's error is 0.006, that of the overlap about 0.02; a weight taken for 24 or 6 would move the overlap by 0.1.
    one, other = drawn(1, 0.6, 12, 600, 40), drawn(2, 0.45, 12, 600, 40)
    overlap, ahead = compare_spreads(*one, *other, draws=200)
    wanted = areas((0.6, 12), (0.45, 12))
    assert overlap.value == pytest.approx(wanted[0], abs=0.04) and ahead.value == pytest.approx(wanted[1], abs=0.03)
    at, chance = density(*one)
    assert chance.sum() == pytest.approx(1) and chance @ at == pytest.approx(0.6, abs=0.02)


def test_turning_the_groups_turns_the_chance_and_keeps_the_overlap() -> None:
    one, other = drawn(3, 0.6, 20, 12, 8), drawn(4, 0.4, 20, 12, 8)
    overlap, ahead = compare_spreads(*one, *other, draws=2000)
    back, behind = compare_spreads(*other, *one, draws=2000)
    assert ahead.value + behind.value == pytest.approx(1, abs=0.03) and overlap.value == pytest.approx(
        back.value, abs=0.04
    )  # type: ignore[operator]


def test_few_deals_are_pulled_to_the_others_and_many_stay() -> None:
    rate, low, high = shrunk_rates([0, 40, 20, 22, 18, 21], [1, 50, 40, 40, 40, 40])
    assert 0.2 < rate[0] < 0.6, "one lost deal does not make a rate of 0"
    assert rate[1] == pytest.approx(0.8, abs=0.12) and (low < rate).all() and (rate < high).all()
    assert high[0] - low[0] > 2 * (high[2] - low[2]) * 0.8
    assert len(shrunk_rates([], [])[0]) == 0


def test_too_few_sellers_give_nothing_and_wrong_counts_are_refused() -> None:
    overlap, ahead = compare_spreads([1, 2], [3, 4], [1, 2, 3], [4, 5, 6])
    assert overlap.value is ahead.value is None and overlap.n == 5
    with pytest.raises(ValueError, match="between 0 and count"):
        compare_spreads([4, 1, 1], [3, 4, 4], [1, 2, 3], [4, 5, 6])


def test_intervals_cover() -> None:
    wanted, covered = areas((0.6, 20), (0.45, 10)), [0, 0]
    for seed in range(40):
        found = compare_spreads(*drawn([seed, 1], 0.6, 20, 12, 8), *drawn([seed, 2], 0.45, 10, 10, 8), draws=200)  # type: ignore[arg-type]
        for place, (made, truth) in enumerate(zip(found, wanted, strict=True)):
            assert made.low is not None and made.high is not None
            covered[place] += made.low <= truth <= made.high
    # Three standard errors below 95 % of 40: intervals that hold 75 % pass one time in ten, such that hold 65 % one in a hundred.
    assert min(covered) >= 34, covered
