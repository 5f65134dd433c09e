"""Control chart and between-period spread: closed forms, sellers who differ, and coverage where time changes something."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kaanalysis.stats.steadiness import PeriodChart, between_period_sd, between_period_test, period_chart, period_trend

Drawn = tuple[np.ndarray, np.ndarray, np.ndarray]


def counts(*pairs: tuple[int, int]) -> Drawn:
    """Deals of periods 0, 1 … as (won, opened), every deal by a seller of its own."""
    success = np.concatenate([np.arange(n) < won for won, n in pairs])
    period = np.repeat(np.arange(len(pairs)), [n for _, n in pairs])
    return success, period, np.arange(len(success))


def alike(*shares: float, n: int = 100) -> PeriodChart:
    """A chart with independent periods of equal known error."""
    k = len(shares)
    variance = 0.0016
    error = np.full(k, np.sqrt(variance * (1 - 1 / k)))
    return PeriodChart(tuple(range(k)), np.full(k, float(n)), np.array(shares), float(np.mean(shares)), error,
                       np.eye(k) * variance, 0.0, 0.0)  # fmt: skip


def test_with_every_deal_a_seller_of_its_own_it_is_the_plain_chart() -> None:
    chart = period_chart(*counts((10, 100), (20, 100), (15, 50)))
    assert chart is not None
    within = (10 * 90 / 100 + 20 * 80 / 100 + 15 * 35 / 50) / 247
    assert np.diag(chart.covariance) == pytest.approx(within / np.array([100, 100, 50]))
    assert chart.centre == pytest.approx(45 / 250) and chart.between_sellers == chart.within_sellers == 0
    # A period's deviation from the common share: error² = v (1/n - 1/N).
    assert chart.error**2 == pytest.approx(within * (1 / np.array([100, 100, 50]) - 1 / 250))
    lower, upper = chart.limits(3)
    assert upper - chart.centre == pytest.approx(3 * chart.error) and (lower >= 0).all()


def test_equal_errors_give_the_sample_variance_beyond_chance() -> None:
    shares = (0.05, 0.15, 0.25, 0.15, 0.30, 0.06)
    found = between_period_sd(alike(*shares))
    # Q(τ²) = sum of squares / (v + τ²) = k - 1.
    assert found.value == pytest.approx(np.sqrt(np.var(shares, ddof=1) - 0.0016), abs=1e-6)
    squares = float(np.var(shares, ddof=1) * 5)
    # χ² with 5 degrees of freedom, tables: 2.5 % beyond 12.8325, 2.5 % below 0.831212.
    assert found.low == pytest.approx(np.sqrt(squares / 12.8325 - 0.0016), abs=1e-5)
    assert found.high == pytest.approx(np.sqrt(squares / 0.831212 - 0.0016), abs=1e-5)
    test = between_period_test(alike(*shares))
    assert test.statistic == pytest.approx(squares / 0.0016)


def test_periods_more_alike_than_chance_earn_no_certainty() -> None:
    luck, middle = between_period_sd(alike(0.15, 0.15, 0.1501, 0.15)), between_period_sd(alike(0.15, 0.19, 0.12, 0.1))
    same = between_period_sd(alike(0.15, 0.15, 0.15, 0.15))
    assert same.high == pytest.approx(luck.high)
    assert luck.value == luck.low == 0 and luck.high is not None and middle.high is not None
    # Sum of squares at the middle of χ² with 3 degrees of freedom: 2.36597 of 0.215795.
    assert luck.high == pytest.approx(np.sqrt(0.0016 * (2.36597 / 0.215795 - 1)), abs=1e-5)
    assert middle.high > luck.high


def test_a_straight_line_is_found_with_its_slope() -> None:
    found = period_trend(alike(0.10, 0.12, 0.14, 0.16, 0.18), [0, 1, 2, 3, 4])
    assert found.value == pytest.approx(0.02) and found.n == 5
    # Never narrower than by the known errors: t with 3 degrees of freedom 3.18245 × sqrt(0.0016 / 10).
    assert found.high - found.value == pytest.approx(3.18245 * np.sqrt(0.0016 / 10), abs=1e-6)  # type: ignore[operator]


def test_what_cannot_be_had_is_said() -> None:
    assert period_chart([], [], []) is None
    assert period_chart([True, False], ["a", "a"], ["x", "y"]) is None
    assert period_chart([False] * 6, [1, 1, 2, 2, 3, 3], list("abcdef")) is None
    two = period_chart(*counts((10, 100), (20, 100)))
    assert two is not None
    assert between_period_sd(two).value is None and between_period_test(two).p_value is None
    assert period_trend(two, [0, 1]).value is None
    with pytest.raises(ValueError, match="seller must have 2 values"):
        period_chart([True, False], [1, 2], ["x"])


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 19), st.just(20)), min_size=3, max_size=8), st.randoms())
def test_the_order_of_deals_and_the_names_of_sellers_do_not_matter(pairs: list[tuple[int, int]], random) -> None:  # type: ignore[no-untyped-def]
    success, period, _ = counts(*pairs)
    seller = np.arange(len(success)) % 5
    order = list(range(len(success)))
    random.shuffle(order)
    first, second = (
        period_chart(success, period, seller),
        period_chart(success[order], period[order], (4 - seller)[order]),
    )
    assert first is not None and second is not None
    assert second.share == pytest.approx(first.share) and second.covariance == pytest.approx(first.covariance)
    found = between_period_sd(first)
    assert found.low is not None and found.value is not None and found.high is not None
    assert 0 <= found.low <= found.value <= found.high <= 0.5


def company(
    g: np.random.Generator, seller_sd: float, time_sd: float, periods: int = 16, n: int = 160, sellers: int = 24
) -> Drawn:
    """Sellers who differ and come and go: every other one begins in some period; how much each works varies."""
    skill, time = g.normal(0, seller_sd, sellers), g.normal(0, time_sd, periods)
    work = g.gamma(1.0, 1.0, (periods, sellers))
    begins = np.where(np.arange(sellers) % 2, g.integers(0, periods, sellers), 0)
    work[np.arange(periods)[:, None] < begins] = 0
    period = np.repeat(np.arange(periods), n)
    seller = np.concatenate([g.choice(sellers, n, p=w / w.sum()) for w in work])
    chance = np.clip(0.15 + skill[seller] + time[period], 0.005, 0.995)
    return g.random(len(period)) < chance, period, seller


@pytest.mark.parametrize("seller_sd", [0.0, 0.1])
def test_limits_and_interval_hold_where_sellers_differ_and_nothing_changes(seller_sd: float) -> None:
    outside = naive = deals = wrong = 0
    for seed in range(150):
        success, period, seller = company(np.random.default_rng([7, seed]), seller_sd, 0.0)
        chart = period_chart(success, period, seller)
        assert chart is not None
        lower, upper = chart.limits(3)
        outside += int(((chart.share < lower) | (chart.share > upper)).sum())
        plain = 3 * np.sqrt(success.mean() * (1 - success.mean()) / chart.n)
        naive += int((np.abs(chart.share - success.mean()) > plain).sum())
        deals += len(chart.n)
        found = between_period_sd(chart)
        wrong += found.low is not None and found.low > 0
    # 0.27 % of 2400 periods are 6.5; three standard errors more are 15. Above 0 the lower limit may lie in 2.5 % of companies.
    assert outside <= 15 and wrong <= 10
    if seller_sd:
        assert naive > 2 * outside, "a chart that takes deals as independent calls out sellers who come and go"


def test_interval_covers_a_spread_that_is_there_and_the_trend_its_slope() -> None:
    covered = slopes = 0
    companies = 120
    for seed in range(companies):
        chart = period_chart(*company(np.random.default_rng([8, seed]), 0.05, 0.05))
        assert chart is not None
        found, trend = between_period_sd(chart), period_trend(chart, np.arange(16))
        assert found.low is not None and found.high is not None and trend.low is not None and trend.high is not None
        covered += found.low <= 0.05 <= found.high
        slopes += trend.low <= 0 <= trend.high
    assert covered >= 0.95 * companies - 8 and slopes >= 0.95 * companies - 8
