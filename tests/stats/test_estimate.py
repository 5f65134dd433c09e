import math

import numpy as np
import pytest

from kaanalysis.stats import Estimate, Significance


def test_numbers_that_are_not_finite_become_none():
    estimate = Estimate(float("nan"), -math.inf, np.float64(2), 0.95, np.int64(3), "m")
    assert (estimate.value, estimate.low, estimate.high, estimate.n) == (None, None, 2.0, 3)
    assert type(estimate.high) is float and type(estimate.n) is int


def test_significance_turns_nan_into_none():
    assert Significance(math.nan, math.nan, 0, "m") == Significance(None, None, 0, "m")


@pytest.mark.parametrize("level", [0, 1, 95, -0.1])
def test_level_outside_is_refused(level):
    with pytest.raises(ValueError, match="level must be between 0 and 1"):
        Estimate(1, None, None, level, 1, "m")


def test_negative_n_is_refused():
    with pytest.raises(ValueError, match="n must be 0 or more"):
        Estimate(1, None, None, 0.9, -1, "m")
