"""Spread between groups: closed forms for equal groups, limits that hold their truth, and what is no number."""

import math

import numpy as np
import pytest
from scipy import stats

from kaanalysis.stats import between_spread


def test_equal_groups_have_a_closed_form() -> None:
    """Ten groups of 20: all weights are alike, so τ² (1 − 1/20) + π(1 − π)/20 is the ordinary variance of the shares."""
    yes = np.array([2, 4, 6, 8, 10, 12, 14, 16, 18, 10])
    found = between_spread(yes, np.full(10, 20))
    pi, variance = yes.sum() / 200, np.var(yes / 20, ddof=1)
    assert found.value == pytest.approx(math.sqrt((variance - pi * (1 - pi) / 20) / 0.95), abs=1e-6)
    total = 9 * variance
    low, high = (math.sqrt((total / q - pi * (1 - pi) / 20) / 0.95) for q in stats.chi2.ppf([0.975, 0.025], 9))
    assert (found.low, found.high) == (pytest.approx(low, abs=1e-6), pytest.approx(high, abs=1e-6))
    assert found.n == 200


def test_groups_that_differ_less_than_chance_have_no_spread_but_an_upper_limit() -> None:
    found = between_spread([10] * 8, [20] * 8)
    assert (found.value, found.low) == (0.0, 0.0) and found.high == 0.0
    some = between_spread([9, 11, 8, 12, 10, 13, 7, 10], [20] * 8)
    assert (some.value, some.low) == (0.0, 0.0) and 0 < some.high < 0.25


def test_groups_of_zeros_and_ones_lie_as_far_apart_as_can_be() -> None:
    found = between_spread([0, 0, 0, 50, 50, 50], [50] * 6)
    assert found.value == pytest.approx(0.5)


def test_what_does_not_vary_or_is_too_little_has_no_limits() -> None:
    alike = between_spread([5, 7, 9], [5, 7, 9])
    assert (alike.value, alike.low, alike.high) == (0.0, None, None)
    assert between_spread([3], [7]).value is None and between_spread([], []).n == 0
    two = between_spread([1, 9], [10, 10])
    assert two.value > 0 and two.low is None
    assert between_spread([1, 9, 0], [10, 10, 0]) == two
    for wrong in (([3], [2]), ([-1], [2])):
        with pytest.raises(ValueError, match="present must lie between"):
            between_spread(*wrong)


@pytest.mark.parametrize(("a", "b"), [(8.0, 2.0), (1e9, 2.5e8)])
def test_limits_hold_the_truth(a: float, b: float) -> None:
    """150 samples of 20 groups of 10 to 60 units around 0.8, with spread 0.12 and with none: at 95 % at least 134 of 150 hold it (fewer
    has a chance below 1 in 1,000)."""
    generator, held = np.random.default_rng(11), 0
    truth = float(stats.beta(a, b).std())
    for _ in range(150):
        size = generator.integers(10, 61, 20)
        found = between_spread(generator.binomial(size, generator.beta(a, b, 20)), size)
        held += found.low <= truth + 1e-4 and truth <= found.high
    assert held >= 134
