"""A rate of events: Garwood's published limits, tests that are the interval's, and counts that are none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from kaanalysis.stats import RateDifference, event_rate, log_linear_trend


@pytest.mark.parametrize(("count", "low", "high"), [(0, 0.0, 3.689), (1, 0.0253, 5.572), (5, 1.623, 11.668), (10, 4.795, 18.390), (20, 12.217, 30.888)])  # fmt: skip
def test_the_limits_are_those_of_garwood_1936(count: int, low: float, high: float) -> None:
    rate = event_rate(np.ones(count), 2.0, "m").interval(0.95)
    assert rate.value == count / 2
    assert rate.low == pytest.approx(low / 2, abs=5e-4) and rate.high == pytest.approx(high / 2, abs=5e-4)


def test_the_p_values_are_poisson_tails() -> None:
    nine, two, none = (event_rate(np.ones(k), 2.0, "m") for k in (9, 2, 0))
    assert nine.p_above(2.0) == pytest.approx(1 - sum(stats.poisson.pmf(k, 4) for k in range(9)))
    assert two.p_below(2.0) == pytest.approx(sum(stats.poisson.pmf(k, 4) for k in range(3)))
    assert none.p_above(2.0) == 1.0


@given(st.integers(0, 60), st.floats(0.1, 20), st.floats(0.01, 20), st.floats(0.8, 0.99))
def test_a_rate_is_surely_above_where_the_interval_is(count: int, exposure: float, rate: float, level: float) -> None:
    made = event_rate(np.ones(count), exposure, "m")
    low, tail, p = made.interval(level).low, (1 - level) / 2, made.p_above(rate)
    assert low is not None
    if abs(p - tail) > 1e-6:
        assert (low > rate) == (p < tail)


def test_bunches_widen_the_limits_and_keep_the_rate() -> None:
    """Six disputes of six customers, or all of two: the same rate, wider limits (Fay and Feuer's weights)."""
    apart, bunched = event_rate(np.ones(6), 30.0, "m"), event_rate([3.0, 3.0], 30.0, "m")
    a, b = apart.interval(0.95), bunched.interval(0.95)
    assert a.value == b.value and b.low < a.low and b.high > a.high  # type: ignore[operator]
    # By the formula: gamma with shape 36/18 and scale 18/6 below, shape 81/27 and scale 27/9 above.
    assert b.low == pytest.approx(stats.gamma.ppf(0.025, 2, scale=3) / 30)
    assert b.high == pytest.approx(stats.gamma.ppf(0.975, 3, scale=3) / 30)


def test_weighted_limits_hold_the_truth() -> None:
    """Compound Poisson hours, 8 events expected: at least the nominal share of intervals holds the mean."""
    g, held = np.random.default_rng(11), 0
    for _ in range(600):
        hours = np.exp(0.6 * g.standard_normal(g.poisson(8)))
        made = event_rate(hours, 10.0, "m", largest=None if len(hours) else 2.0).interval(0.95)
        held += made.low <= 0.8 * np.exp(0.18) <= made.high  # type: ignore[operator]
    assert held / 600 > 0.93


def test_a_difference_of_rates_is_the_rate_where_there_was_nothing_to_take_off() -> None:
    now, never = event_rate(np.ones(12), 40.0, "m"), event_rate([], 4e6, "m")
    gap, alone = RateDifference(now, never, "d"), now.interval(0.9)
    made = gap.interval(0.9)
    assert made.value == pytest.approx(alone.value) and made.n == 12
    assert made.low == pytest.approx(alone.low, rel=1e-4) and made.high == pytest.approx(alone.high, rel=1e-4)
    assert gap.p_above(0.1) == pytest.approx(now.p_above(0.1), rel=1e-3) and gap.p_below(0.1) == 1.0


@given(st.integers(0, 40), st.integers(0, 40), st.floats(-1, 1))
def test_a_p_value_of_a_difference_is_where_its_limit_meets_the_margin(a: int, b: int, margin: float) -> None:
    gap = RateDifference(event_rate(np.ones(a), 30.0, "m"), event_rate(np.ones(b), 20.0, "m"), "d")
    p = gap.p_above(margin)
    if 1e-12 < p < 0.49:
        assert gap.interval(1 - 2 * p).low == pytest.approx(margin, abs=1e-6)
    assert not (p < 0.4 and gap.p_below(margin) < 0.4)


@pytest.mark.parametrize("weights, exposure", [([-1.0], 1.0), ([1.0], 0.0)])
def test_impossible_rates_are_refused(weights: list[float], exposure: float) -> None:
    with pytest.raises(ValueError, match="must be"):
        event_rate(weights, exposure, "m")


def test_the_trend_by_hand_and_against_scipy() -> None:
    # Two steps to a side: counts that double exactly from step to step lie on the line.
    slope, error = log_linear_trend([5, 10, 20, 40])
    assert slope == pytest.approx(np.log(2)) and error > 0
    g = np.random.default_rng(2)
    y = g.poisson(np.exp(1.5 + 0.03 * np.arange(40)))
    from scipy.optimize import minimize

    x = np.arange(40) - 19.5
    best = minimize(lambda b: float((np.exp(b[0] + b[1] * x) - y * (b[0] + b[1] * x)).sum()), [1.0, 0.0], tol=1e-10)
    assert log_linear_trend(y)[0] == pytest.approx(best.x[1], abs=1e-5)


def test_the_error_of_the_trend_grows_with_the_dispersion_and_never_shrinks_below_poisson() -> None:
    even, wild = np.full(24, 20), np.tile([5, 35], 12)
    mean = 20.0
    poisson = 1 / np.sqrt(mean * ((np.arange(24) - 11.5) ** 2).sum())
    assert log_linear_trend(even) == (pytest.approx(0.0), pytest.approx(poisson))
    assert log_linear_trend(wild)[1] > 2 * poisson
    assert log_linear_trend([3, 4, 5]) == (0.0, np.inf) and log_linear_trend(np.zeros(9)) == (0.0, np.inf)
    with pytest.raises(ValueError, match="0 or more"):
        log_linear_trend([1, -1, 1, 1])
