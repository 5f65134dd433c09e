"""Effects over periods, by hand and by simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest

from kaanalysis.stats.effect import Effect
from kaanalysis.stats.effects import difference_of_effects, log_ratio, log_ratio_change


def test_difference_of_effects_by_hand() -> None:
    # 3² + 4² = 5²; (9 + 16)² / (81 / 10 + 256 / 20) = 625 / 20.9.
    found = difference_of_effects(Effect(5.0, 3.0, 10, 7, "a"), Effect(2.0, 4.0, 20, 8, "b"), "c")
    assert (found.value, found.standard_error, found.n, found.method) == (3.0, 5.0, 15, "c")
    assert found.freedom == pytest.approx(625 / 20.9)
    assert difference_of_effects(Effect(5.0, 0.0, 10, 7, "a"), Effect(2.0, 4.0, 20, 8, "b"), "c").standard_error is None
    assert difference_of_effects(Effect(None, None, 0, 7, "a"), Effect(2.0, 4.0, 20, 8, "b"), "c").value is None


def test_ratio_of_sums_by_hand() -> None:
    # 6 / 12, the parts alike: no spread. 6 / 9: 1/6 − 1/3, 0, 1/2 − 1/3, so 3/2 · 2/36 = 1/12.
    assert log_ratio([1, 2, 3], [2, 4, 6], "m").standard_error == pytest.approx(0)
    found = log_ratio([1, 2, 3], [3, 3, 3], "m")
    assert found.value == pytest.approx(math.log(2 / 3))
    assert found.standard_error == pytest.approx(12**-0.5) and found.freedom == 2
    assert log_ratio([1.0], [2.0], "m").standard_error is None
    assert log_ratio([1.0, 1.0], [0.0, 0.0], "m").value is None and log_ratio([0.0], [1.0], "m").value is None


def test_a_target_that_is_just_missed_is_said_to_be_as_often_as_promised() -> None:
    """Bookings of some five lognormal deals a month at exactly 80 % of quota: "below 80 %" at 5 % and 0.5 % in that share of 4,000 draws."""
    g = np.random.default_rng(8)
    deals = g.poisson(5, (4000, 15))
    booked = np.array([[np.exp(0.5 * g.standard_normal(k)).sum() for k in row] for row in deals])
    quota = np.full(15, 5 * np.exp(0.125) / 0.8)
    p = np.array([log_ratio(row, quota, "m").p_below(math.log(0.8)) for row in booked])
    assert np.mean(p <= 0.05) == pytest.approx(0.05, abs=0.012) and np.mean(p <= 0.005) <= 0.009


def test_change_of_a_ratio_by_hand() -> None:
    # Before 6 / 9, after 12 / 9: twice as much, each with a variance of 1/12.
    found = log_ratio_change([1, 2, 3, 2, 4, 6], [3] * 6, [0, 0, 0, 1, 1, 1], "m")
    assert found.value == pytest.approx(math.log(2))
    assert found.standard_error == pytest.approx((2 / 12) ** 0.5) and found.freedom == pytest.approx(4)
    assert log_ratio_change([1, 2], [0, 3], [0, 1], "m").value is None
    assert log_ratio_change([1, 0], [2, 3], [0, 1], "m").value is None


def test_ratio_change_says_nothing_new_as_often_as_it_promises() -> None:
    """Costs that do not move and won sums of lognormal deals: at 5 %, "the ratio rose" in 5 % of 2,000 draws, give or take 3 (the
    linearisation's own error with 12 periods)."""
    g = np.random.default_rng(5)
    after = np.arange(54) >= 42
    said = [
        log_ratio_change(np.ones(54), g.poisson(12, 54) + 1e-9, after, "m").p_above(0) <= 0.05  # type: ignore[operator]
        for _ in range(2000)
    ]
    assert 0.035 <= np.mean(said) <= 0.08


def test_lengths_must_fit() -> None:
    with pytest.raises(ValueError, match="same length"):
        log_ratio([1, 2], [1, 2, 3], "m")
