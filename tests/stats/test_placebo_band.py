"""The band of placebo launches: closed forms, its level where nothing happens, and what is too little for one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from kaanalysis.stats.placebo_band import LEAST_HISTORY, placebo_band


def test_a_line_is_carried_on_without_a_width() -> None:
    y = 5 + 2.0 * np.arange(40)
    made = placebo_band(y, 30)
    assert made.trend == pytest.approx(y) and made.low == pytest.approx(y) and made.high == pytest.approx(y)
    assert made.placebos == 30 - LEAST_HISTORY


def test_the_width_is_the_root_mean_square_of_the_placebo_errors_by_hand() -> None:
    y = np.random.default_rng(1).normal(0, 1, 24)
    made = placebo_band(y, 20, 0.9)
    one_ahead = []
    for at in range(12, 20):
        slope, level = np.polyfit(np.arange(at), y[:at], 1)
        one_ahead.append(y[at] - (level + slope * at))
    half = np.sqrt(np.mean(np.square(one_ahead))) * stats.t.isf(0.05, 7)
    assert made.placebos == 8 and made.high[20] - made.trend[20] == pytest.approx(half)
    assert made.trend == pytest.approx(np.polyval(np.polyfit(np.arange(20), y[:20], 1), np.arange(24)))
    # Three months ahead six placebo launches are left; further ahead the band grows no more.
    assert (np.diff(made.high[20:] - made.trend[20:]) >= -1e-12).all()


def test_most_months_lie_inside_where_nothing_happens() -> None:
    rng, inside = np.random.default_rng(2), []
    for _ in range(200):
        y = 100 + np.arange(66) + rng.normal(0, 10, 66)
        made = placebo_band(y, 42)
        inside.append(np.mean((y[42:] >= made.low[42:]) & (y[42:] <= made.high[42:])))
    assert 0.90 <= np.mean(inside) <= 0.99


def test_months_without_a_value_are_left_out_of_the_line() -> None:
    y = 5 + 2.0 * np.arange(40)
    y[[3, 17, 35]] = np.nan
    assert placebo_band(y, 30).trend == pytest.approx(5 + 2.0 * np.arange(40))


@pytest.mark.parametrize(("months", "launch"), [(30, 17), (5, 1), (0, 0)])
def test_too_short_a_past_gives_no_band(months: int, launch: int) -> None:
    made = placebo_band(np.arange(float(months)), launch)
    assert np.isnan(made.low).all() and np.isnan(made.high).all() and made.placebos == 0


def test_what_is_no_series_is_refused() -> None:
    with pytest.raises(ValueError, match="launch must be between"):
        placebo_band([1.0, 2.0], 3)
    with pytest.raises(ValueError, match="no infinity"):
        placebo_band([1.0, np.inf], 1)


@given(st.lists(st.floats(-1e3, 1e3), min_size=20, max_size=40), st.floats(-100, 100), st.floats(0.1, 10))
def test_the_band_moves_with_the_series(values: list[float], shift: float, scale: float) -> None:
    one, two = placebo_band(values, 19), placebo_band(np.asarray(values) * scale + shift, 19)
    assert two.low == pytest.approx(one.low * scale + shift, abs=1e-6 * scale * 1e3) and (one.low <= one.high).all()
