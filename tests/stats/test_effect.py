"""Effects: limits and p-values of the t distribution, and what is not determined."""

from __future__ import annotations

import pytest
from scipy import stats

from kaanalysis.stats import Effect


def test_the_interval_is_students_from_its_table() -> None:
    # Student's table: 2.228 is the two-sided 95 % point of 10 degrees of freedom.
    estimate = Effect(1.0, 0.5, 10, 12, "m").interval(0.95)
    assert (estimate.low, estimate.high) == (
        pytest.approx(1 - 0.5 * 2.228, abs=1e-3),
        pytest.approx(1 + 0.5 * 2.228, abs=1e-3),
    )
    assert estimate.n == 12 and estimate.method == "m"


def test_p_values_of_both_sides_add_up_and_agree_with_the_limits() -> None:
    effect = Effect(1.0, 0.5, 10, 12, "m")
    assert effect.p_above(0.2) + effect.p_below(0.2) == pytest.approx(1)  # type: ignore[operator]
    low = effect.interval(0.95).low
    assert low is not None and effect.p_above(low) == pytest.approx(0.025)
    assert effect.p_above(0.0) == pytest.approx(float(stats.t.sf(2.0, 10)))


@pytest.mark.parametrize(
    "effect",
    [
        Effect(None, None, 0, 0, "m"),
        Effect(2.0, None, 3, 1, "m"),
        Effect(2.0, 0.0, 3, 5, "m"),
        Effect(2.0, 1.0, 0.0, 5, "m"),
    ],
)
def test_what_has_no_error_says_nothing(effect: Effect) -> None:
    estimate = effect.interval(0.9)
    assert estimate.low is None and estimate.high is None and estimate.value == effect.value
    assert effect.p_above(0) is None and effect.p_below(0) is None
