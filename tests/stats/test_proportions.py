import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from kaanalysis.stats import (
    clopper_pearson,
    jeffreys,
    mantel_haenszel_relative_risk,
    newcombe_difference,
    standardised_difference,
    wilson,
)

# Newcombe 1998, Statistics in Medicine 17, 857–872, table I: successes, n, score (3) and Clopper–Pearson (5).
NEWCOMBE_TABLE = [
    (81, 263, (0.2553, 0.3662), (0.2527, 0.3676)),
    (15, 148, (0.0624, 0.1605), (0.0578, 0.1617)),
    (0, 20, (0.0000, 0.1611), (0.0000, 0.1684)),
    (1, 29, (0.0061, 0.1718), (0.0009, 0.1776)),
]


def rounded(estimate):
    return round(estimate.low, 4), round(estimate.high, 4)


@pytest.mark.parametrize(("successes", "n", "score", "exact"), NEWCOMBE_TABLE)
def test_wilson_and_clopper_pearson_against_newcombe_1998(successes, n, score, exact):
    assert rounded(wilson(successes, n)) == score
    assert rounded(clopper_pearson(successes, n)) == exact


def test_clopper_pearson_against_scipy():
    peer = stats.binomtest(7, 19).proportion_ci(0.9, method="exact")
    ours = clopper_pearson(7, 19, 0.9)
    assert (ours.low, ours.high) == (pytest.approx(peer.low), pytest.approx(peer.high))


def test_jeffreys_by_closed_form():
    # One of one: posterior Beta(3/2, 1/2), but its upper limit is 1. None of one mirrors it. Half of all by symmetry.
    assert jeffreys(1, 1).high == 1 and jeffreys(0, 1).low == 0
    assert jeffreys(1, 1).low == pytest.approx(1 - jeffreys(0, 1).high)
    # Beta(1/2 + 1, 1 + 1/2) at 1 of 2 is symmetric about 1/2.
    half = jeffreys(1, 2)
    assert half.low + half.high == pytest.approx(1) and half.low == pytest.approx(stats.beta.ppf(0.025, 1.5, 1.5))


def test_difference_against_newcombe_1998_method_10():
    # Newcombe 1998, Statistics in Medicine 17, 873–890, table II (a): 56/70 - 48/80
    difference = newcombe_difference(56, 70, 48, 80)
    assert difference.value == pytest.approx(0.2) and rounded(difference) == (0.0524, 0.3339)


def test_relative_risk_by_hand():
    # Strata 10/100 against 5/100 and 20/50 against 10/50. R = 10 100/200 + 20 50/100 = 15, S = 7.5: ratio 2.
    # Greenland–Robins: (15 1e4 - 50 200)/4e4 + (30 2500 - 200 100)/1e4 = 3.5 + 5.5 = 9; 9 / (15 x 7.5) = 0.08.
    risk = mantel_haenszel_relative_risk([10, 20], [100, 50], [5, 10], [100, 50])
    assert risk.value == pytest.approx(2) and risk.n == 300
    assert risk.low == pytest.approx(2 * np.exp(-1.959963985 * 0.08**0.5))
    assert risk.high == pytest.approx(2 * np.exp(1.959963985 * 0.08**0.5))


def test_relative_risk_of_one_stratum_is_katz():
    # 1/a - 1/n_a + 1/b - 1/n_b = 1/8 - 1/20 + 1/4 - 1/40 = 0.3
    risk = mantel_haenszel_relative_risk([8], [20], [4], [40])
    assert risk.value == pytest.approx(4) and risk.high == pytest.approx(4 * np.exp(1.959963985 * 0.3**0.5))


def test_relative_risk_does_not_fall_for_simpson():
    # Within both strata the risks are equal, while the pooled ones are 91/200 = 0.455 and 19/1010 = 0.019.
    risk = mantel_haenszel_relative_risk([1, 90], [100, 100], [10, 9], [1000, 10])
    assert risk.value == pytest.approx(1)


def test_relative_risk_at_its_edges():
    assert mantel_haenszel_relative_risk([1], [9], [0], [9]).value is None
    none = mantel_haenszel_relative_risk([0], [9], [1], [9])
    assert (none.value, none.low, none.high) == (0, None, None)
    assert mantel_haenszel_relative_risk([9], [9], [9], [9]).low is None
    empty = mantel_haenszel_relative_risk([], [], [], [])
    assert empty.value is None and empty.n == 0
    assert mantel_haenszel_relative_risk([1, 5], [9, 5], [1, 0], [9, 0]).n == 18


@pytest.mark.parametrize("interval", [jeffreys, wilson, clopper_pearson])
def test_no_units_and_wrong_counts(interval):
    assert (interval(0, 0).value, interval(0, 0).low, interval(0, 0).n) == (None, None, 0)
    for counts in ((-1, 5), (6, 5), (1.5, 5), (0, -1)):
        with pytest.raises(ValueError, match="must be a whole number"):
            interval(*counts)


def test_difference_of_nothing():
    assert newcombe_difference(0, 0, 1, 2).value is None and newcombe_difference(0, 0, 1, 2).n == 2


@given(st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.floats(0.5, 0.99))
@settings(max_examples=100, deadline=None)
def test_intervals_enclose_the_share_and_mirror(counts, level):
    successes, n = counts
    for interval in (jeffreys, wilson, clopper_pearson):
        at, mirror = interval(successes, n, level), interval(n - successes, n, level)
        assert 0 <= at.low <= at.value + 1e-12 and at.value - 1e-12 <= at.high <= 1
        assert at.low == pytest.approx(1 - mirror.high, abs=1e-9)


def test_coverage_by_full_enumeration():
    # For a share p the coverage is the binomial chance of all counts whose interval holds p: no simulation needed.
    n = 25
    shares = np.linspace(0.01, 0.99, 197)
    for interval, least, mean in ((clopper_pearson, 0.95, 0.95), (wilson, 0.82, 0.945), (jeffreys, 0.86, 0.945)):
        limits = [interval(k, n) for k in range(n + 1)]
        holds = np.array([[at.low <= share <= at.high for at in limits] for share in shares])
        covered = (holds * stats.binom.pmf(np.arange(n + 1), n, shares[:, None])).sum(axis=1)
        assert covered.min() >= least - 1e-12 and covered.mean() >= mean


def test_standardised_difference_with_one_stratum_is_newcombe_1998():
    ours, theirs = standardised_difference([56], [70], [48], [80]), newcombe_difference(56, 70, 48, 80)
    assert (ours.value, ours.low, ours.high, ours.n) == pytest.approx((theirs.value, theirs.low, theirs.high, theirs.n))


def test_standardised_difference_by_hand_against_simpson():
    # b has mostly the stratum with large shares, and less than a in both: 0.5 against 0.3 and 0.9 against 0.8.
    a, n_a, b, n_b = [50, 9], [100, 10], [3, 72], [10, 90]
    found = standardised_difference(a, n_a, b, n_b)
    assert found.value == pytest.approx(0.1 * 0.2 + 0.9 * 0.1) and 59 / 110 < 75 / 100
    even = standardised_difference(a, n_a, b, n_b, weights=[1, 1])
    assert even.value == pytest.approx(0.15)
    # MOVER: squared distances to the limits of each stratum add up with the squares of the weights.
    gaps = [newcombe_difference(*row) for row in zip(a, n_a, b, n_b, strict=True)]
    below = sum((0.5 * (g.value - g.low)) ** 2 for g in gaps) ** 0.5
    assert even.low == pytest.approx(0.15 - below)


def test_standardised_difference_leaves_out_strata_without_a_comparison():
    found = standardised_difference([5, 7, 0], [10, 9, 0], [2, 0, 4], [10, 0, 9])
    assert found.value == pytest.approx(0.3) and found.n == 20
    assert standardised_difference([5], [10], [0], [0]).value is None
    with pytest.raises(ValueError, match="weights must be 0 or more"):
        standardised_difference([5], [10], [2], [10], weights=[-1])
    with pytest.raises(ValueError, match="as many values"):
        standardised_difference([5, 1], [10, 2], [2], [10])


def test_standardised_difference_covers_the_truth():
    """Three strata as they are met: many small customers, few key accounts, and a mix that differs."""
    rng, covered, draws = np.random.default_rng(8), 0, 1500
    n_a, n_b = np.array([200, 40, 15]), np.array([60, 25, 12])
    p_a, p_b = np.array([0.12, 0.5, 0.3]), np.array([0.10, 0.35, 0.45])
    truth = float(n_b @ (p_a - p_b) / n_b.sum())
    for _ in range(draws):
        found = standardised_difference(rng.binomial(n_a, p_a), n_a, rng.binomial(n_b, p_b), n_b)
        covered += found.low <= truth <= found.high
    assert 0.935 <= covered / draws <= 0.97
