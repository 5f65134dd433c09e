"""Looking after every unit: false alarms within many looks, exactly; the martingale by enumeration; repeated plain tests in contrast."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from kaanalysis.stats.sequential import (
    confidence_sequence,
    evidence_reached,
    log_evidence,
    log_evidence_above,
    repeated_tests,
    sequential_rule,
)
from kaanalysis.stats.stopping import StoppingRule, characteristic


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5])
def test_evidence_averages_one_at_the_share_it_speaks_against_at_every_look_by_enumeration(share: float) -> None:
    for n in (1, 2, 7, 40):
        wins = np.arange(n + 1)
        chance = stats.binom.pmf(wins, n, share)
        assert chance @ np.exp(log_evidence(wins, n, share)) == pytest.approx(1)
        assert chance @ np.exp(log_evidence_above(wins, n, share)) == pytest.approx(1)
        for lower in (0.5 * share, 0.9 * share):  # below it the average only falls
            below = stats.binom.pmf(wins, n, lower) @ np.exp(log_evidence_above(wins, n, share))
            assert below < 1


def test_evidence_is_the_likelihood_averaged_over_shares_by_quadrature() -> None:
    def likelihood(p: float) -> float:
        return float(p**4 * (1 - p) ** 5)

    whole = integrate.quad(likelihood, 0, 1)[0] / likelihood(0.25)
    above = integrate.quad(likelihood, 0.25, 1)[0] / 0.75 / likelihood(0.25)
    assert np.exp(log_evidence(4, 9, 0.25)) == pytest.approx(whole)
    assert np.exp(log_evidence_above(4, 9, 0.25)) == pytest.approx(above)
    assert log_evidence(0, 0, 0.3) == log_evidence_above(0, 0, 0.3) == 0


@pytest.mark.parametrize("poor", [0.1, 0.25, 0.4])
def test_within_any_number_of_looks_false_alarms_stay_below_the_level_and_below_it_at_worse_shares_by_ville(
    poor: float,
) -> None:
    looks = 300
    rule = sequential_rule(poor, 0.6, 0.1, 0.05, looks)
    worse = characteristic(rule, np.linspace(0.01, poor, 9))
    assert worse.go_on.max() <= 0.1 and worse.go_on.argmax() == 8 and worse.go_on.max() > 0.03
    better = characteristic(rule, np.linspace(0.6, 0.99, 9))
    assert better.stop.max() <= 0.05


def test_repeated_plain_tests_are_wrong_ever_more_often_the_longer_one_looks_exactly() -> None:
    """At 25 % true success and a level of 10 %: one in ten for one look, one in five within 20 looks, one in three within 100."""
    wrong = [float(characteristic(repeated_tests(0.25, 0.1, n), 0.25).go_on[0]) for n in (1, 20, 50, 100, 200)]
    assert wrong[0] == 0 and wrong[1] == pytest.approx(0.194, abs=1e-3) and wrong[3] == pytest.approx(0.341, abs=1e-3)
    assert wrong == sorted(wrong)
    for n in (5, 20, 60):  # each look alone keeps its level
        test = repeated_tests(0.25, 0.1, n)
        assert stats.binom.sf(test.go_on[n - 1] - 1, n, 0.25) <= 0.1 < stats.binom.sf(test.go_on[n - 1] - 2, n, 0.25)


def test_the_confidence_sequence_holds_the_truth_at_all_looks_at_once_by_recursion() -> None:
    looks, level = 60, 0.9
    for truth in (0.1, 0.25, 0.5, 0.8):
        go_on, stop = np.empty(looks, dtype=int), np.empty(looks, dtype=int)
        for n in range(1, looks + 1):
            low, high = confidence_sequence(np.arange(n + 1), n, level)
            inside = np.flatnonzero((low <= truth) & (truth <= high))
            go_on[n - 1], stop[n - 1] = inside[-1] + 1, inside[0] - 1
        missed = characteristic(StoppingRule(go_on, stop), truth)
        assert 0 < missed.go_on[0] + missed.stop[0] <= 1 - level


@given(st.integers(0, 80), st.integers(0, 80), st.sampled_from([0.5, 0.8, 0.9, 0.95, 0.99]))
def test_limits_surround_the_share_mirror_each_other_and_widen_with_the_level(
    wins: int, losses: int, level: float
) -> None:
    n = wins + losses
    low, high = (float(v) for v in confidence_sequence(wins, n, level))
    assert 0 <= low <= (wins / n if n else 0.5) <= high <= 1
    mirrored = [float(v) for v in confidence_sequence(losses, n, level)]
    assert mirrored == pytest.approx([1 - high, 1 - low], abs=1e-6)
    wider = confidence_sequence(wins, n, (1 + level) / 2)
    assert wider[0] <= low + 1e-9 and wider[1] >= high - 1e-9
    for edge in (low, high):
        if n and 0 < edge < 1:
            assert float(log_evidence(wins, n, edge)) == pytest.approx(-np.log1p(-level), abs=1e-6)


def test_looking_at_every_unit_costs_width() -> None:
    for wins, n in ((2, 6), (20, 40), (100, 300)):
        low, high = confidence_sequence(wins, n, 0.95)
        plain = stats.beta(wins + 0.5, n - wins + 0.5).interval(0.95)
        assert low < plain[0] and high > plain[1]


def test_a_sequence_looked_at_unit_by_unit_decides_as_the_boundaries_do() -> None:
    rule = sequential_rule(0.25, 0.5, 0.1, 0.1, 60)
    rng = np.random.default_rng(4)
    for share in (0.1, 0.25, 0.4, 0.5, 0.8):
        wins = (rng.random((40, 60)) < share).cumsum(axis=1)
        decision, units = rule.decide(wins)
        up, down = evidence_reached(wins, np.arange(1, 61)[None, :], 0.25, 0.5, 0.1, 0.1)
        first = (up | down).argmax(axis=1)
        some = (up | down).any(axis=1)
        assert some.tolist() == (decision < 2).tolist() and (first[some] + 1).tolist() == units[some].tolist()
        assert up[np.arange(40), first][some].tolist() == (decision[some] == 0).tolist()


def test_counts_that_are_none_are_refused() -> None:
    for wins, n in ((3, 2), (-1, 2), (0.5, 2)):
        with pytest.raises(ValueError, match="successes must"):
            log_evidence(wins, n, 0.3)
    with pytest.raises(ValueError, match="share must"):
        log_evidence(1, 2, 1.0)
    with pytest.raises(ValueError, match="poor < good"):
        sequential_rule(0.5, 0.5, 0.1, 0.1, 5)
