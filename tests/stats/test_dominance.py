"""Stochastic dominance: cases by hand, normals and lognormals in closed form."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from kaanalysis.stats import dominance

U = (np.arange(20_000) + 0.5) / 20_000


def test_by_hand():
    # Quantiles 1, 4, 6 against 2, 3, 5: worse by 1 once, better by 1 twice; a third of the area. Draws: 6 > 2, 1 < 3, 4 < 5.
    found = dominance([6, 1, 4], [2, 3, 5])
    assert (found.first, found.second, found.better.value) == (False, False, pytest.approx(1 / 3))
    assert found.violation == pytest.approx(1 / 3)
    # 2, 3, 4 against 1, 4, 4: sums 1, 0, 0: second order, not first.
    found = dominance([2, 3, 4], [1, 4, 4])
    assert (found.first, found.second, found.violation) == (False, True, pytest.approx(0.5))
    assert dominance([2, 3], [1, 3]).first and not dominance([1, 3], [2, 3]).second


def test_normals_of_equal_variance_are_ordered_by_their_means():
    a, b = stats.norm.ppf(U, 1, 2), stats.norm.ppf(U, 0.5, 2)
    found, back = dominance(a, b), dominance(b, a)
    assert (found.first, found.second, found.violation) == (True, True, 0) and not back.second and back.violation == 1


def test_normals_of_unequal_variance_in_closed_form():
    # N(1, 1) against N(0.5, 2): distribution functions cross once, at 1.5; areas by E (X − t)+ on both sides.
    a, b = stats.norm(1, 1), stats.norm(0.5, 2)

    def above(law, t: float) -> float:
        z = (law.mean() - t) / law.std()
        return law.std() * (stats.norm.pdf(z) + z * stats.norm.cdf(z))

    worse = above(b, 1.5) - above(a, 1.5)  # beyond the crossing the wide one is better
    truth = worse / (2 * worse + a.mean() - b.mean())
    found = dominance(a.ppf(U), b.ppf(U))
    assert found.violation == pytest.approx(truth, abs=0.002) and found.second and not found.first
    assert dominance(b.ppf(U), a.ppf(U)).violation == pytest.approx(1 - truth, abs=0.002)


@pytest.mark.parametrize(
    ("mu", "sigma", "first", "second"), [(0.5, 0.4, True, True), (0.0, 0.3, False, True), (-0.5, 0.3, False, False)]
)
def test_lognormal_pairs_levy(mu: float, sigma: float, first: bool, second: bool):
    # Against LN(0, 0.4). Levy 1973: same sigma, larger mu: first order; smaller sigma: second order iff the mean is not smaller.
    if not first and second:
        mu += (0.4**2 - sigma**2) / 2
    found = dominance(np.exp(stats.norm.ppf(U, mu, sigma)), np.exp(stats.norm.ppf(U, 0, 0.4)))
    assert (found.first, found.second) == (first, second)


def test_dominance_is_of_laws_not_of_draws():
    # The better law may bring less in most draws: 1, 2, 3, 4 moved by one.
    found = dominance([4.1, 1.1, 2.1, 3.1], [1, 2, 3, 4])
    assert found.first and found.better.value == 0.25


@given(arrays(float, st.integers(1, 30), elements=st.floats(-100, 100)), st.integers(0, 1000))
@settings(max_examples=60, deadline=None)
def test_invariants(one: np.ndarray, seed: int):
    other = np.random.default_rng(seed).permutation(one) + np.random.default_rng(seed).normal(size=len(one))
    found, back = dominance(one, other), dominance(other, one)
    assert found.second or not found.first
    assert not (found.first and back.first) and found.violation + back.violation == pytest.approx(1)
    if found.second:
        assert one.mean() >= other.mean() - 1e-9
    assert dominance(one + 1000, other).first


def test_the_same_law_and_wrong_input():
    found = dominance([1, 2], [2, 1])
    assert (found.first, found.second, found.violation) == (False, False, None)
    with pytest.raises(ValueError, match="other must have 2 values"):
        dominance([1, 2], [1])
    with pytest.raises(ValueError, match="at least one draw"):
        dominance([], [])
