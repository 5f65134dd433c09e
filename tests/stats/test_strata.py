"""The mean of strata: by hand, its limits, and coverage with five units a stratum."""

import numpy as np
import pytest
from scipy import stats

from kaanalysis.stats import stratified_difference, stratified_mean
from kaanalysis.stats.strata import stratified_mean_draws


def test_by_hand() -> None:
    """(0, 2) and (3, 5): means 1 and 4, mean 2.5; variances 2 / 2 = 1 each, error √2 / 2, Welch degrees 2² / (1 + 1) = 2."""
    found = stratified_mean([0.0, 2.0, 3.0, 5.0], ["a", "a", "b", "b"])
    reach = stats.t.ppf(0.975, 2) * np.sqrt(2) / 2
    assert (found.value, found.low, found.high, found.n) == pytest.approx((2.5, 2.5 - reach, 2.5 + reach, 4))
    cut = stratified_mean([0.0, 2.0, 3.0, 5.0], ["a", "a", "b", "b"], low=0.0, high=5.0)
    assert (cut.low, cut.high) == (pytest.approx(max(2.5 - reach, 0)), pytest.approx(min(2.5 + reach, 5)))


def test_one_unit_a_stratum_knows_chance_only_from_the_strata() -> None:
    found = stratified_mean([1.0, 2.0, 3.0], ["a", "b", "c"])
    reach = stats.t.ppf(0.975, 2) / np.sqrt(3)
    assert (found.low, found.high) == pytest.approx((2 - reach, 2 + reach))
    assert stratified_mean([1.0], ["a"]).low is None and stratified_mean([], []).value is None
    assert stratified_mean([1.0, 1.0, 1.0], ["a", "a", "b"]).low is None
    assert (stratified_mean_draws([1.0, 1.0], ["a", "a"], 5, 0, 0.0, 2.0) == 1).all()


def test_draws_are_as_likely_as_the_interval_says() -> None:
    values, strata = np.random.default_rng(1).random(25), np.repeat(list("abcde"), 5)
    found, drawn = stratified_mean(values, strata), stratified_mean_draws(values, strata, 200_000, 3, 0.0, 1.0)
    assert np.quantile(drawn, [0.025, 0.975]) == pytest.approx([found.low, found.high], abs=0.002)


def test_coverage_with_five_units_in_each_of_five_strata() -> None:
    """4,000 companies; the percentile bootstrap of the units within strata would cover 89 %."""
    g = np.random.default_rng(2)
    centre, strata, hits = np.array([0.1, 0.3, 0.5, 0.7, 0.9]), np.repeat(np.arange(5), 5), []
    for _ in range(4000):
        found = stratified_mean(np.repeat(centre, 5) + g.standard_normal(25), strata)
        hits.append(found.low <= 0.5 <= found.high)  # type: ignore[operator]
    assert np.mean(hits) == pytest.approx(0.95, abs=0.012)


def test_difference_within_strata_is_least_squares_with_stratum_effects() -> None:
    g = np.random.default_rng(4)
    a, b, strata_a, strata_b = g.standard_normal(30), g.standard_normal(70), g.integers(0, 5, 30), g.integers(0, 5, 70)
    design = np.eye(5)[np.concatenate([strata_a, strata_b])]
    design = np.column_stack([np.repeat([1.0, 0.0], [30, 70]), design])
    wanted = np.linalg.lstsq(design, np.concatenate([a, b]), rcond=None)[0][0]
    assert stratified_difference(a, b, strata_a, strata_b).value == pytest.approx(wanted)


def test_difference_leaves_out_strata_with_one_side_only_and_takes_away_what_strata_explain() -> None:
    found = stratified_difference([1.0, 5.0], [0.0, 2.0, 90.0], ["x", "y"], ["x", "y", "z"])
    # x: 1 - 0, y: 5 - 2, equal weights 1/2: 2. z has no counterpart.
    assert found.value == pytest.approx(2.0) and found.n == 4
    assert stratified_difference([1.0], [1.0], ["x"], ["y"]).value is None
    g = np.random.default_rng(5)
    strata_a, strata_b = g.integers(5, 10, 200), g.integers(0, 10, 200)  # a lives in the rich strata
    inside = stratified_difference(
        strata_a + g.standard_normal(200), strata_b + g.standard_normal(200), strata_a, strata_b
    )
    assert inside.low < 0 < inside.high and strata_a.mean() - strata_b.mean() > 2


def test_difference_covers_with_groups_across_both_sides() -> None:
    """Clusters of several units, some with units on both sides; 1,500 companies."""
    g, hits = np.random.default_rng(6), []
    for _ in range(1500):
        shared = 0.7 * g.standard_normal(300)
        cluster_a, cluster_b = g.integers(0, 40, 60), g.integers(30, 300, 300)
        strata_a, strata_b = g.integers(0, 8, 60), g.integers(0, 10, 300)
        a = 1 + shared[cluster_a] + g.standard_normal(60) + 0.3 * strata_a
        b = shared[cluster_b] + 2 * g.standard_normal(300) + 0.3 * strata_b
        found = stratified_difference(a, b, strata_a, strata_b, cluster_a, cluster_b)
        hits.append(found.low <= 1 <= found.high)  # type: ignore[operator]
    assert np.mean(hits) == pytest.approx(0.95, abs=0.017)


def test_weights_by_hand_and_equal_weights_change_nothing() -> None:
    """a: (0, 2) weighted 3:1 gives 0.5; b: (3, 5) weighted 1:1 gives 4; mean 2.25. Variances 2 · (9 + 1) / 16 and 2 / 2."""
    values, strata = [0.0, 2.0, 3.0, 5.0], ["a", "a", "b", "b"]
    found = stratified_mean(values, strata, weights=[3.0, 1.0, 2.0, 2.0])
    parts = np.array([2 * 10 / 16, 1.0])
    freedom = parts.sum() ** 2 / (parts**2).sum()
    reach = stats.t.ppf(0.975, freedom) * np.sqrt(parts.sum()) / 2
    assert (found.value, found.low, found.high) == pytest.approx((2.25, 2.25 - reach, 2.25 + reach))
    assert stratified_mean(values, strata, weights=[7.0] * 4) == stratified_mean(values, strata)
    with pytest.raises(ValueError, match="above 0"):
        stratified_mean(values, strata, weights=[1.0, 0.0, 1.0, 1.0])


def test_weights_that_are_estimates_widen_the_interval_and_move_the_draws_with_them() -> None:
    values, strata = [0.0, 2.0, 3.0, 5.0], ["a", "a", "b", "b"]
    sure = np.ones((1000, 4))
    moving = np.column_stack([np.random.default_rng(7).uniform(0.2, 5, 1000), np.ones((1000, 3))])
    plain = stratified_mean(values, strata)
    assert stratified_mean(values, strata, weight_draws=sure).high == pytest.approx(plain.high)
    wide = stratified_mean(values, strata, weight_draws=moving)
    assert wide.value == plain.value and wide.high - wide.low > plain.high - plain.low  # type: ignore[operator]
    drawn, still = (stratified_mean_draws(values, strata, 1000, 1, -9e9, 9e9, weight_draws=w) for w in (moving, sure))
    # Where the first unit, which is 0, weighs most, the mean is low: the draws know it.
    assert np.corrcoef(moving[:, 0], drawn - still)[0, 1] < -0.8


def test_coverage_with_unequal_weights() -> None:
    """4,000 companies, five units in each of five strata, weights between 1 and 6."""
    g = np.random.default_rng(8)
    strata, hits = np.repeat(np.arange(5), 5), []
    weights = np.tile([1.0, 1.0, 2.0, 4.0, 6.0], 5)
    for _ in range(4000):
        found = stratified_mean(strata + g.standard_normal(25), strata, weights=weights)
        hits.append(found.low <= 2 <= found.high)  # type: ignore[operator]
    assert np.mean(hits) == pytest.approx(0.95, abs=0.012)
