"""Counts of unlike events: against scipy's Poisson-binomial and binomial, at their limits, and beyond what scipy takes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from kaanalysis.stats import poisson_binomial, poisson_binomial_range


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_it_is_scipys_where_scipy_takes_it(chances: list[float]) -> None:
    made = poisson_binomial(chances)
    assert made == pytest.approx(stats.poisson_binom(chances).pmf(np.arange(len(chances) + 1)), abs=1e-9)
    assert made.sum() == pytest.approx(1) and made @ np.arange(len(made)) == pytest.approx(sum(chances))


@pytest.mark.parametrize("n", [5, 200])
def test_equal_chances_are_binomial(n: int) -> None:
    assert poisson_binomial(np.full(n, 0.3)) == pytest.approx(stats.binom(n, 0.3).pmf(np.arange(n + 1)), abs=1e-12)
    low, high = poisson_binomial_range(np.full(n, 0.3), 0.95)
    assert (low, high) == tuple(stats.binom(n, 0.3).interval(0.95))


def test_at_the_limits() -> None:
    assert poisson_binomial([]).tolist() == [1] and poisson_binomial_range([], 0.95) == (0, 0)
    assert poisson_binomial_range([1.0, 1.0, 0.0], 0.9) == (2, 2)
    with pytest.raises(ValueError, match="between 0 and 1"):
        poisson_binomial([1.2])
