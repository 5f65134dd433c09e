import time

import numpy as np
import pytest
from scipy import stats

from kaanalysis.stats import (
    cluster_weights,
    clustered_incidence,
    clustered_incidence_at,
    cumulative_incidence,
    incidence_at,
    pseudo_incidence,
    weighted_incidence_at,
)


def sample(rng, sellers, deals, success=0.4, correlation=0.15):
    """Deals with a success chance per seller (beta), exponential times and uniform censoring."""
    both = (1 - correlation) / correlation
    chance = np.repeat(rng.beta(success * both, (1 - success) * both, sellers), deals)
    n = sellers * deals
    life, limit = rng.exponential(5, n), rng.uniform(4, 16, n)
    outcome = np.where(life <= limit, np.where(rng.random(n) < chance, "won", "lost"), "")
    return np.minimum(life, limit), outcome, np.repeat(np.arange(sellers), deals)


def test_jackknife_by_hand():
    # Three sellers of 2, all closed at 1: won 1, 1, 2 of 2 -> 4/6. Without each: 3/4, 3/4, 2/4.
    # Scale log(-log(1 - F)): 0.326634, 0.326634, -0.366513; mean 0.095585; squares 2 x 0.231049² + 0.462098² = 0.320302
    # Standard error sqrt(2/3 x 0.320302) = 0.462098; t(2) 4.302653; centre log(log 3) = 0.094048.
    outcome = ["won", "lost", "won", "lost", "won", "won"]
    at = clustered_incidence_at([1] * 6, outcome, [1, 1, 2, 2, 3, 3], "won", 2)
    assert at.value == pytest.approx(4 / 6) and at.n == 6 and "3 clusters" in at.method
    low, high = (-np.expm1(-np.exp(0.094048 + side * 4.302653 * 0.462098)) for side in (-1, 1))
    assert (at.low, at.high) == (pytest.approx(low, abs=1e-5), pytest.approx(high, abs=1e-5))


@pytest.mark.parametrize("late", [False, True])
def test_jackknife_against_leaving_out_by_hand(late):
    rng = np.random.default_rng(11)
    duration, outcome, seller = sample(rng, 9, 14)
    entry = np.where(rng.random(len(duration)) < 0.6, 0, rng.uniform(0, 2, len(duration))) if late else None
    if entry is not None:
        duration = duration + entry
    ours = clustered_incidence_at(duration, outcome, seller, "won", 6, entry=entry)
    whole = incidence_at(cumulative_incidence(duration, outcome, entry), "won", 6).value
    without = []
    for one in range(9):
        keep = seller != one
        part = None if entry is None else entry[keep]
        without.append(incidence_at(cumulative_incidence(duration[keep], outcome[keep], part), "won", 6).value)
    scale = np.log(-np.log1p(-np.array(without)))
    reach = stats.t.isf(0.025, 8) * np.sqrt(8 / 9 * ((scale - scale.mean()) ** 2).sum())
    assert ours.value == pytest.approx(whole, abs=1e-12)
    assert ours.low == pytest.approx(-np.expm1(-np.exp(np.log(-np.log1p(-whole)) - reach)), abs=1e-9)
    assert ours.high == pytest.approx(-np.expm1(-np.exp(np.log(-np.log1p(-whole)) + reach)), abs=1e-9)


def test_first_order_replicates_are_near_the_exact_ones(monkeypatch):
    duration, outcome, seller = sample(np.random.default_rng(12), 400, 5)
    exact = clustered_incidence_at(duration, outcome, seller, "won", 6)
    monkeypatch.setattr(clustered_incidence, "CELLS_IN_ALL", 1)
    near = clustered_incidence_at(duration, outcome, seller, "won", 6)
    assert near.value == exact.value
    assert near.high - near.low == pytest.approx(exact.high - exact.low, rel=0.01)


def test_chunks_do_not_change_the_numbers(monkeypatch):
    duration, outcome, seller = sample(np.random.default_rng(13), 40, 5)
    whole = clustered_incidence_at(duration, outcome, seller, "won", 6)
    monkeypatch.setattr(clustered_incidence, "CELLS_AT_ONCE", 100)
    assert clustered_incidence_at(duration, outcome, seller, "won", 6) == whole


def coverage(sellers, deals, runs, seed, clustered=True):
    rng = np.random.default_rng(seed)
    truth = 0.4 * (1 - np.exp(-6 / 5))
    hits = 0
    for _ in range(runs):
        duration, outcome, seller = sample(rng, sellers, deals)
        if clustered:
            at = clustered_incidence_at(duration, outcome, seller, "won", 6)
        else:
            at = incidence_at(cumulative_incidence(duration, outcome), "won", 6)
        hits += at.low <= truth <= at.high
    return hits / runs


@pytest.mark.parametrize(("sellers", "deals", "runs"), [(8, 25, 600), (30, 40, 500)])
def test_coverage_of_the_clustered_interval(sellers, deals, runs):
    # At 95 % the standard error of the simulated coverage is 0.9 to 1.0 points: the band is about ±2.5 of them.
    assert 0.925 <= coverage(sellers, deals, runs, 14) <= 0.975


def test_an_interval_that_ignores_clusters_fails_the_same_simulation():
    assert coverage(8, 25, 200, 14, clustered=False) < 0.85


def test_nobody_and_everybody_had_the_outcome():
    # 4 sellers of 5, known: 20 / (1 + 4 x 0.05) = 16.667 effective; high = 1 - 0.025 ** (1 / 16.667)
    seller = np.repeat(np.arange(4), 5)
    none = clustered_incidence_at(np.ones(20), ["lost"] * 20, seller, "won", 2)
    assert (none.value, none.low) == (0, 0) and none.high == pytest.approx(1 - 0.025 ** (1.2 / 20))
    every = clustered_incidence_at(np.ones(20), ["won"] * 20, seller, "won", 2)
    assert (every.value, every.high) == (1, 1) and every.low == pytest.approx(0.025 ** (1.2 / 20))
    assert "effective number" in none.method


def test_all_wins_in_one_cluster_still_has_limits():
    outcome = ["won"] * 3 + ["lost"] * 9
    at = clustered_incidence_at(np.ones(12), outcome, np.repeat(np.arange(4), 3), "won", 2)
    assert 0 < at.low < at.value == pytest.approx(0.25) and at.value < at.high <= 1


def test_what_the_data_cannot_tell_is_none():
    one = clustered_incidence_at([1, 2], ["won", "lost"], ["s", "s"], "won", 2)
    assert one.value == 0.5 and one.low is None and one.high is None
    alike = clustered_incidence_at([1, 1, 1, 1], ["won", "lost"] * 2, [1, 1, 2, 2], "won", 2)
    assert alike.value == 0.5 and alike.low is None
    beyond = clustered_incidence_at([1, 2], ["won", ""], [1, 2], "won", 3)
    assert beyond.value is None and "beyond" in beyond.method
    empty = clustered_incidence_at([], [], [], "won", 3)
    assert empty.value is None and empty.n == 0
    early = clustered_incidence_at([5, 6], ["won", "won"], [1, 2], "won", 3)
    assert early.value == 0 and early.high < 1


def test_wrong_input_is_refused():
    with pytest.raises(ValueError, match="clusters must not be missing; not so at index 1"):
        clustered_incidence_at([1, 2], ["won", ""], ["a", None], "won", 1)
    with pytest.raises(ValueError, match="horizon must be"):
        clustered_incidence_at([1], ["won"], ["a"], "won", 0)
    with pytest.raises(ValueError, match="weights must have the shape"):
        weighted_incidence_at([1, 2], ["won", ""], "won", 1, [1, 1])
    with pytest.raises(ValueError, match="weights must be 0 or more"):
        weighted_incidence_at([1, 2], ["won", ""], "won", 1, [[1, -1]])


def test_weights_equal_repeating_the_rows():
    duration, outcome, seller = sample(np.random.default_rng(15), 6, 10)
    duration = np.ceil(duration)
    weights = cluster_weights(seller, 5, 1)
    found = weighted_incidence_at(duration, outcome, "won", 6, weights)
    for row, value in zip(weights, found, strict=True):
        again = cumulative_incidence(np.repeat(duration, row), np.repeat(outcome, row))
        assert value == pytest.approx(again[(again["cause"] == "won") & (again["time"] <= 6)]["incidence"].iloc[-1])
    assert np.isnan(weighted_incidence_at([1.0], ["won"], "won", 6, [[0]])).all()
    assert weighted_incidence_at([], [], "won", 6, np.zeros((2, 0))).shape == (2,)


def test_hundred_thousand_rows_in_ten_thousand_clusters_take_seconds():
    rng = np.random.default_rng(16)
    life, limit = rng.exponential(10, 100_000), rng.uniform(0, 30, 100_000)
    outcome = np.where(life < limit, rng.choice(["won", "lost"], 100_000), "")
    seller = rng.integers(10_000, size=100_000)
    begin = time.process_time()
    clustered_incidence_at(np.minimum(life, limit), outcome, seller, "won", 12)
    assert time.process_time() - begin < 6  # about 1 s alone; other work may share the machine


def test_pseudo_values_without_censoring_are_the_outcomes():
    days = np.array([3.0, 5.0, 8.0, 20.0, 30.0])
    outcome = np.array(["won", "lost", "won", "won", "lost"], dtype=object)
    assert pseudo_incidence(days, outcome, "won", 10.0) == pytest.approx([1, 0, 1, 0, 0])
    assert pseudo_incidence(days, outcome, "won", 1.0).tolist() == [0] * 5


def test_pseudo_values_are_near_the_jackknife_and_average_to_the_incidence():
    """Against the exact leave-one-out values n F - (n - 1) F(-i), which they approach with n."""
    g, n = np.random.default_rng(0), 300
    days, end = g.exponential(100, n), g.uniform(20, 150, n)
    outcome = np.where(g.random(n) < 0.4, "won", "lost").astype(object)
    outcome[end < days], days = None, np.minimum(days, end)
    found = pseudo_incidence(days, outcome, "won", 80.0)
    without = np.vstack([1 - np.eye(n), np.ones(n)])
    exact = weighted_incidence_at(days, outcome, "won", 80.0, without)
    assert found.mean() == pytest.approx(exact[-1])
    assert np.abs(found - (n * exact[-1] - (n - 1) * exact[:-1])).max() < 0.01


def test_pseudo_values_beyond_the_last_time_at_risk_are_not_to_be_had():
    assert np.isnan(pseudo_incidence([1.0, 2.0], ["won", None], "won", 5.0)).all()
    assert pseudo_incidence([1.0, 2.0], ["won", "lost"], "won", 5.0) == pytest.approx([1, 0])
