import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from kaanalysis.stats import (
    brown_forsythe,
    difference_of_dispersion,
    dispersion,
    median_interval,
    ratio_of_medians,
    weighted_dispersion,
    weighted_median,
)


def test_median_interval_by_hand():
    # n = 10: P(count <= 1) = 11/1024 = 0.0107 <= 0.025 < P(count <= 2) = 56/1024: the 2nd and the 9th value.
    at = median_interval([10, 1, 9, 2, 8, 3, 7, 4, 6, 5])
    assert (at.value, at.low, at.high, at.n) == (5.5, 2, 9, 10)
    # n = 6: 1/64 = 0.0156 is within 0.025: smallest and largest; n = 5: 1/32 = 0.031 is not.
    assert (median_interval(range(6)).low, median_interval(range(6)).high) == (0, 5)
    assert median_interval(range(5)).low is None and median_interval(range(5)).value == 2
    assert median_interval([]).value is None and median_interval([]).n == 0


@given(st.integers(1, 200), st.floats(0.5, 0.99))
@settings(max_examples=60, deadline=None)
def test_median_interval_covers_at_least_at_its_level(n, level):
    at = median_interval(np.arange(1, n + 1), level)
    if at.low is not None:
        k = round(at.low)
        assert at.high == n + 1 - k
        assert 1 - 2 * stats.binom.cdf(k - 1, n, 0.5) >= level - 1e-12


@given(st.lists(st.tuples(st.floats(-9, 9), st.integers(0, 4)), min_size=1, max_size=15))
def test_weighted_forms_equal_repeating_the_values(pairs):
    values, weights = np.array([v for v, _ in pairs]), np.array([[w for _, w in pairs]])
    repeated = np.repeat(values, weights[0])
    if len(repeated):
        assert weighted_median(values, weights)[0] == pytest.approx(np.median(repeated))
    else:
        assert np.isnan(weighted_median(values, weights)[0])
    if len(repeated) > 1:
        assert weighted_dispersion(values, weights)[0] == pytest.approx(repeated.std(ddof=1), abs=1e-6)
    else:
        assert np.isnan(weighted_dispersion(values, weights)[0])


def test_ratio_of_medians_by_hand():
    ratio = ratio_of_medians([10, 20, 30], [1, 4, 9, 16], draws=200)
    assert ratio.value == pytest.approx(20 / 6.5) and ratio.n == 7
    assert ratio.low <= ratio.value <= ratio.high
    inverse = ratio_of_medians([1, 4, 9, 16], [10, 20, 30], draws=200)
    assert inverse.value == pytest.approx(6.5 / 20)


def test_difference_of_dispersion_by_hand():
    # Logs 0, 1, 2 have the standard deviation 1; logs 0, 2, 4 have 2.
    difference = difference_of_dispersion(np.exp([0, 2, 4]), np.exp([0, 1, 2]))
    assert difference.value == pytest.approx(1) and difference.n == 6


def test_a_shared_cluster_is_drawn_for_both_samples():
    # The same amounts of the same accounts on both sides: in every draw the ratio is 1, which leaves no limits.
    amounts, accounts = np.exp(np.arange(8.0)), list("abcdefgh")
    paired = ratio_of_medians(amounts, amounts, accounts, accounts, draws=200)
    assert paired.value == 1 and paired.low is None
    assert ratio_of_medians(amounts, amounts, draws=200).low < 0.5


def test_coverage_of_both_intervals():
    rng = np.random.default_rng(23)
    hits = np.zeros(2)
    for seed in range(250):
        a, b = np.exp(rng.normal(1, 1.2, 60)), np.exp(rng.normal(0, 0.8, 60))
        ratio = ratio_of_medians(a, b, draws=400, seed=seed)
        difference = difference_of_dispersion(a, b)
        hits += [ratio.low <= np.e <= ratio.high, difference.low <= 0.4 <= difference.high]
    assert (hits / 250 >= 0.90).all() and (hits / 250 <= 0.99).all()


def test_brown_forsythe_against_scipy_on_logs():
    rng = np.random.default_rng(24)
    a, b = np.exp(rng.normal(0, 1, 40)), np.exp(rng.normal(3, 2, 30))
    peer = stats.levene(np.log(a), np.log(b), center="median")
    ours = brown_forsythe(np.concatenate([a, b]), ["a"] * 40 + ["b"] * 30)
    assert ours.statistic == pytest.approx(peer.statistic) and ours.p_value == pytest.approx(peer.pvalue)
    assert ours.p_value < 0.01 and ours.n == 70


def test_brown_forsythe_by_hand():
    # Logs 0, 1, 2 and 0, 2, 4: distances from the medians 1, 0, 1 and 2, 0, 2.
    # Between 3 x ((2/3 - 1)² + (4/3 - 1)²) = 2/3 with 1 degree of freedom, within 2/3 + 8/3 = 10/3 with 4:
    # F = (2/3) / (10/12) = 0.8.
    assert brown_forsythe(np.exp([0, 1, 2, 0, 2, 4]), list("aaabbb")).statistic == pytest.approx(0.8)


def test_edges_and_wrong_input():
    assert ratio_of_medians([], [1]).value is None and ratio_of_medians([], []).n == 0
    assert difference_of_dispersion([1], [1, 2]).value is None
    assert brown_forsythe([], []).p_value is None
    assert brown_forsythe([1, 1, 2, 2], list("aabb")).p_value is None
    assert brown_forsythe([1, 2, 3], list("aab")).statistic is None
    with pytest.raises(ValueError, match=r"values_b must be above 0; not 0.0 at index 1"):
        ratio_of_medians([1], [1, 0])
    with pytest.raises(ValueError, match="given both or neither"):
        ratio_of_medians([1], [1], clusters_a=["x"])
    with pytest.raises(ValueError, match="values must be above 0"):
        brown_forsythe([-1, 2], ["a", "b"])


def test_dispersion_by_hand():
    # Logs 0, 1, 2: standard deviation 1. Without one of them: √½ (0, 1), √2 (0, 2), √½ (1, 2); their logs by the jackknife with t₂.
    found = dispersion(np.exp([0.0, 1.0, 2.0]))
    logs = np.log(np.sqrt([0.5, 2.0, 0.5]))
    reach = stats.t.ppf(0.975, 2) * np.sqrt(2 / 3 * ((logs - logs.mean()) ** 2).sum())
    assert (found.value, found.low, found.high, found.n) == pytest.approx((1.0, np.exp(-reach), np.exp(reach), 3))


def test_dispersion_with_clusters_deletes_them_whole():
    """Delete-one-cluster done the long way."""
    rng = np.random.default_rng(3)
    logs, cluster = rng.normal(8, 1.2, 30), rng.integers(0, 9, 30)
    left = np.log([logs[cluster != c].std(ddof=1) for c in np.unique(cluster)])
    k = len(left)
    reach = stats.t.ppf(0.975, k - 1) * np.sqrt((k - 1) / k * ((left - left.mean()) ** 2).sum())
    found = dispersion(np.exp(logs), cluster)
    assert (found.low, found.high) == pytest.approx((found.value * np.exp(-reach), found.value * np.exp(reach)))


def test_dispersion_does_not_depend_on_the_currency():
    amounts = np.exp(np.random.default_rng(4).normal(0, 1, 20))
    a, b = dispersion(amounts), dispersion(amounts * 1e6)
    assert (a.value, a.low, a.high) == pytest.approx((b.value, b.low, b.high))


@pytest.mark.parametrize("amounts", [[], [5.0], [5.0, 7.0], [5.0, 5.0, 5.0]])
def test_dispersion_without_enough_to_say(amounts):
    assert dispersion(amounts).low is None and dispersion(amounts).high is None


def test_a_cluster_on_both_sides_leaves_both_at_once():
    """The same accounts on both sides: their difference is 0 whatever account is left out, so it has no limits."""
    amounts, accounts = np.exp(np.random.default_rng(5).normal(0, 1, 12)), list("abcdefghijkl")
    assert difference_of_dispersion(amounts, amounts, accounts, accounts).low is None
    assert difference_of_dispersion(amounts, amounts).low < 0 < difference_of_dispersion(amounts, amounts).high


def test_coverage_of_dispersion_in_small_samples():
    """48 small customers, as half the demo has: the bootstrap (BCa) covered 91 %."""
    rng = np.random.default_rng(6)
    hits = [
        found.low <= 1.13 <= found.high
        for found in (dispersion(np.exp(1.13 * rng.standard_normal(48))) for _ in range(2000))
    ]
    assert np.mean(hits) == pytest.approx(0.945, abs=0.015)
