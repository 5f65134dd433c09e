"""The common slope: by hand, against least squares with dummies, and coverage with five groups of four points."""

import numpy as np
import pytest

from kaanalysis.stats import common_slope


def test_by_hand_and_against_dummies():
    x, groups = np.tile([0.0, 1.0, 2.0], 3), np.repeat(["a", "b", "c"], 3)
    y = 2 * x + np.repeat([10.0, -5.0, 3.0], 3) + np.array([0.1, 0, -0.1, 0, 0.3, 0, -0.2, 0, 0.2])
    design = np.column_stack([x, np.eye(3)[np.repeat([0, 1, 2], 3)]])
    assert common_slope(x, y, groups).value == pytest.approx(np.linalg.lstsq(design, y, rcond=None)[0][0])


def test_two_groups_fall_back_on_least_squares_and_a_constant_says_nothing():
    g = np.random.default_rng(1)
    x, groups = np.tile(np.arange(6.0), 2), np.repeat(["a", "b"], 6)
    found = common_slope(x, x + g.standard_normal(12), groups)
    assert "least squares" in found.method and found.low < found.value < found.high
    assert common_slope([1, 1], [2, 3], ["a", "b"]).value is None
    assert common_slope([], [], []).value is None
    assert common_slope(x, x, groups).low is None  # a perfect line leaves nothing that varies


def test_coverage_where_groups_have_slopes_of_their_own():
    g, hits = np.random.default_rng(2), []
    x, groups = np.tile(np.arange(4.0), 5), np.repeat(np.arange(5), 4)
    for _ in range(2000):
        y = (0.5 + 0.3 * g.standard_normal(5))[groups] * x + 0.2 * g.standard_normal(20)
        found = common_slope(x, y, groups)
        hits.append(found.low <= 0.5 <= found.high)
    assert np.mean(hits) == pytest.approx(0.95, abs=0.02)
