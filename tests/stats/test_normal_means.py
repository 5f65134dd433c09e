"""True means drawn from means measured with error: closed forms, and the textbook's eight schools."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from kaanalysis.stats import draw_means


def test_eight_schools_as_in_gelman_et_al_2013_table_5_3() -> None:
    """Effects 28, 8, −3, 7, −1, 1, 18, 12 with errors 15, 10, 16, 11, 9, 11, 10, 18. The table's quantiles, from 200 simulation draws, are
    rounded and themselves a point or two off: 2.5 %, 25 %, 50 %, 75 %, 97.5 %."""
    effect, error = [28.0, 8, -3, 7, -1, 1, 18, 12], np.array([15.0, 10, 16, 11, 9, 11, 10, 18])
    published = {
        0: (-2, 7, 10, 16, 31), 1: (-5, 3, 8, 12, 23), 2: (-11, 2, 7, 11, 19), 3: (-7, 4, 8, 11, 21), 4: (-9, 1, 5, 10, 18),
        5: (-7, 2, 6, 10, 28), 6: (-1, 7, 10, 15, 26), 7: (-6, 3, 8, 13, 33),
    }  # fmt: skip
    free = 10**9  # errors are known there
    found = draw_means(effect, (18 / error) ** 2, 18.0**2 * free, free, 40_000, 1)
    for school, wanted in published.items():
        quantiles = np.quantile(found[:, school], [0.25, 0.5, 0.75])
        assert quantiles == pytest.approx(wanted[1:4], abs=1.6), school


def test_few_groups_are_each_student_t_around_their_own_mean() -> None:
    """Two groups, 3 and 5 measurements, s² = 12 / 6: quantiles of 1 + √(2 / 3) t₆."""
    found = draw_means([1.0, 4.0], [3, 5], 12.0, 6, 60_000, 2)
    for column, (mean, m) in enumerate(((1.0, 3), (4.0, 5))):
        at = [0.025, 0.25, 0.5, 0.975]
        assert np.quantile(found[:, column], at) == pytest.approx(mean + np.sqrt(2 / m) * stats.t.ppf(at, 6), abs=0.04)


def test_without_error_the_means_stand_and_with_much_of_it_they_are_pulled_together() -> None:
    y = np.array([0.0, 1.0, 2.0, 3.0, 4.0])
    assert (draw_means(y, np.ones(5), 0.0, 10, 50, 3) == y).all()
    small, large = (draw_means(y, np.ones(5), v * 10**6, 10**6, 4000, 3).mean(axis=0) for v in (0.01, 25.0))
    assert small == pytest.approx(y, abs=0.05)
    assert np.ptp(large) < 0.5 * np.ptp(y) and large.mean() == pytest.approx(2.0, abs=0.15)


def test_blocks_do_not_show_and_a_seed_gives_the_same_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    given: Any = ([1.0, 2, 2, 5, 3], [3, 3, 2, 4, 3], 4.0, 10, 200, 7)
    whole = draw_means(*given)
    monkeypatch.setattr("kaanalysis.stats.normal_means.BLOCK", 1)
    assert (draw_means(*given) == whole).all() and whole.shape == (200, 5)


def test_intervals_of_a_group_hold_its_true_mean() -> None:
    """12 groups in each of 240 samples: about 93 % of nominal 95 %, as the docstring says. The samples' own error is about one point."""
    g, held = np.random.default_rng(11), 0
    for seed in range(240):
        truth = g.normal(0, 1, 12)
        x = truth[:, None] + g.normal(0, 1.5, (12, 3))
        squares = float(((x - x.mean(axis=1, keepdims=True)) ** 2).sum())
        low, high = np.quantile(
            draw_means(x.mean(axis=1), np.full(12, 3), squares, 24, 400, seed), [0.025, 0.975], axis=0
        )
        held += int(((low <= truth) & (truth <= high)).sum())
    assert 0.905 <= held / (240 * 12) <= 0.96


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (([1.0, 2.0], [1.0], 1.0, 1, 10, 1), "one shape"),
        (([1.0, np.nan], [1, 1], 1.0, 1, 10, 1), "finite"),
        (([1.0, 2.0], [1, 0], 1.0, 1, 10, 1), "1 or more"),
        (([1.0, 2.0], [1, 1], -1.0, 1, 10, 1), "squares 0 or more"),
        (([1.0, 2.0], [1, 1], 1.0, 0, 10, 1), "free and draws"),
    ],
)
def test_what_cannot_be_drawn_from_is_refused(given: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        draw_means(*given)
