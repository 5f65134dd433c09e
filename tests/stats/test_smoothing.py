"""Splines of normal scores: what they reproduce exactly, and fits in which no row has a part."""

import numpy as np
import pytest

from kaanalysis.stats.smoothing import (
    best_cross_fit,
    candidate_bases,
    cross_fitted_means,
    fit_means,
    natural_spline,
    normal_scores,
)


def test_scores_of_five_values_by_hand():
    # Ranks 1 … 5 of 5: probabilities 0.1, 0.3, 0.5, 0.7, 0.9.
    found = normal_scores([10.0, 1e6, -3.0, 11.0, 0.0])[:, 0]
    assert found == pytest.approx([0, 1.2815516, -1.2815516, 0.5244005, -0.5244005])
    assert normal_scores([2.0, 2.0, 5.0])[:2, 0].tolist() == [normal_scores([2.0, 2.0, 5.0])[0, 0]] * 2
    with pytest.raises(ValueError, match="inputs must be finite"):
        normal_scores([1.0, np.nan])


def test_basis_is_straight_beyond_the_outer_knots_and_smooth_inside():
    outside = natural_spline(np.array([2.5, 3.0, 3.5, 4.0]))
    assert np.diff(outside, 2, axis=0) == pytest.approx(0, abs=1e-9)
    assert natural_spline(np.array([-4.0, -3.0, -2.5]))[:, 1:] == pytest.approx(0)
    grid = np.arange(-3, 3, 1e-3)
    bend = np.diff(natural_spline(grid), 2, axis=0) / 1e-6
    assert np.abs(np.diff(bend, axis=0)).max() < 0.1  # the second derivative has no jump


def test_lines_are_reproduced_exactly_and_curves_closely():
    z = normal_scores(np.arange(2000.0))[:, 0]
    basis = candidate_bases(z[:, None])[0]
    inside = np.abs(z) < 2
    for curve, error in ((3 - 2 * z, 1e-9), (np.exp(z / 2), 0.035), (1 / (1 + np.exp(-2 * z)), 0.01)):
        fitted = basis @ fit_means(basis, curve[:, None])
        assert np.abs(fitted[:, 0] - curve)[inside].max() < error


def test_columns_by_size_of_group_and_sample():
    wide = np.random.default_rng(1).normal(size=(2000, 4))
    widths = [[basis.shape[1] for basis in candidate_bases(wide[:n])] for n in (2000, 700, 400)]
    assert widths == [[5, 13, 19], [5, 13], [5]]  # 40 rows for a column


def test_the_fit_is_as_rich_as_the_rows_left_out_allow():
    z = np.random.default_rng(7).normal(size=(1500, 2))
    for curve in (z[:, 0] - z[:, 1], np.exp(z[:, 0] / 2) + z[:, 1], z[:, 0] * z[:, 1]):
        fitted = best_cross_fit(z, curve[:, None])[:, 0]
        assert np.corrcoef(fitted, curve)[0, 1] > 0.99
    # Pure noise: the plainest is the least wrong.
    noise = np.random.default_rng(8).normal(size=(1500, 1))
    assert best_cross_fit(z, noise) == pytest.approx(cross_fitted_means(candidate_bases(z)[0], noise))


def test_no_row_has_a_part_in_its_own_fit():
    rng = np.random.default_rng(2)
    z, y = rng.normal(size=(300, 1)), rng.normal(size=(300, 2))
    basis = candidate_bases(z)[0]
    before = cross_fitted_means(basis, y, seed=3)
    changed = y.copy()
    changed[7] += 1000.0
    after = cross_fitted_means(basis, changed, seed=3)
    assert after[7] == pytest.approx(before[7]) and not np.allclose(after, before)


def test_cross_fit_equals_leaving_the_rows_out_by_hand():
    rng = np.random.default_rng(4)
    z, y = rng.normal(size=(40, 1)), rng.normal(size=(40, 1))
    basis = candidate_bases(z)[0]
    by_hand = [basis[i] @ fit_means(np.delete(basis, i, axis=0), np.delete(y, i, axis=0)) for i in range(40)]
    assert cross_fitted_means(basis, y, folds=40) == pytest.approx(np.array(by_hand), abs=1e-7)
