"""The mean of strata: by hand, its limits, and coverage with five units a stratum."""

import numpy as np
import pytest
from scipy import stats

from kaanalysis.stats import stratified_mean
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
