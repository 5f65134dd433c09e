"""Rules that stop or go on: by hand, against binomial sums, and what holds for any rule."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from kaanalysis.stats.stopping import StoppingRule, characteristic, single_stage, wins_of_first


def test_at_25_percent_true_success_two_or_more_of_six_happens_47_percent_of_the_time() -> None:
    """1 − 0.75⁶ − 6 · 0.25 · 0.75⁵ = 1909 / 4096."""
    found = characteristic(wins_of_first(2, 6), 0.25)
    assert found.go_on[0] == pytest.approx(1 - 0.75**6 - 6 * 0.25 * 0.75**5) == pytest.approx(0.466, abs=5e-4)


def test_a_rule_of_three_units_by_hand() -> None:
    """Go on at 2 wins, stop at 2 losses, at p = 0.3: wins 2 of 2, or 1 of 2 and the third: 0.09 + 0.42 · 0.3; 2.42 units expected."""
    found = characteristic(wins_of_first(2, 3), [0.3])
    assert found.go_on[0] == pytest.approx(0.09 + 0.42 * 0.3)
    assert found.stop[0] == pytest.approx(1 - 0.216) and found.open[0] == pytest.approx(0)
    assert found.units[0] == pytest.approx(2 * 0.58 + 3 * 0.42)


def test_certain_shares_leave_no_doubt() -> None:
    found = characteristic(wins_of_first(2, 6), [0.0, 1.0])
    assert found.go_on.tolist() == [0, 1] and found.stop.tolist() == [1, 0]
    assert found.units.tolist() == [5, 2]  # out of reach after the fifth loss in a row


def test_the_first_decision_counts_and_an_unfinished_sequence_is_still_open() -> None:
    rule = wins_of_first(2, 6)
    made = np.cumsum([[1, 1, 0, 0, 0, 0], [0, 0, 0, 0, 0, 1], [1, 0, 0, 0, 0, 1]], axis=1)
    decision, units = rule.decide(made)
    assert decision.tolist() == [0, 1, 0] and units.tolist() == [2, 5, 6]
    decision, units = rule.decide(made[:, :3])
    assert decision.tolist() == [0, 2, 2] and units.tolist() == [2, 3, 3]
    assert rule.decide(np.zeros((1, 0), dtype=int))[0].tolist() == [2]


@given(st.integers(1, 12), st.integers(0, 11), st.floats(0, 1))
def test_deciding_early_what_is_certain_changes_no_chance(units: int, less: int, share: float) -> None:
    wins = max(1, units - less)
    found = characteristic(wins_of_first(wins, units), share)
    assert found.go_on[0] == pytest.approx(stats.binom.sf(wins - 1, units, share), abs=1e-12)
    assert found.go_on[0] + found.stop[0] == pytest.approx(1) and 1 <= found.units[0] <= units


@st.composite
def rules(draw: st.DrawFn) -> StoppingRule:
    n = draw(st.integers(1, 10))
    go_on = np.array(draw(st.lists(st.integers(1, 11), min_size=n, max_size=n)))
    return StoppingRule(go_on, go_on - np.array(draw(st.lists(st.integers(1, 11), min_size=n, max_size=n))))


@given(rules(), st.floats(0.02, 0.98))
def test_the_recursion_is_the_sum_over_all_sequences(rule: StoppingRule, share: float) -> None:
    sequences = (np.arange(1 << rule.most)[:, None] >> np.arange(rule.most)) & 1
    chance = np.prod(np.where(sequences == 1, share, 1 - share), axis=1)
    decision, units = rule.decide(np.cumsum(sequences, axis=1))
    found = characteristic(rule, share)
    for i, got in enumerate((found.go_on, found.stop, found.open)):
        assert got[0] == pytest.approx(chance[decision == i].sum(), abs=1e-12)
    assert found.units[0] == pytest.approx((chance * units).sum())


def test_single_stage_by_the_binomial_law() -> None:
    """No smaller plan keeps both errors, and this one does: checked over every smaller n and every cut-off."""
    rule = single_stage(0.25, 0.5, 0.1, 0.1)
    assert rule is not None
    n, wins = rule.most, int(rule.go_on[0])
    assert stats.binom.sf(wins - 1, n, 0.25) <= 0.1 and stats.binom.cdf(wins - 1, n, 0.5) <= 0.1
    for smaller in range(1, n):
        k = np.arange(smaller + 1)
        assert not ((stats.binom.sf(k - 1, smaller, 0.25) <= 0.1) & (stats.binom.cdf(k - 1, smaller, 0.5) <= 0.1)).any()
    assert single_stage(0.49, 0.5, 0.1, 0.1) is None


def test_what_makes_no_rule_is_refused() -> None:
    for bad in ((np.array([1]), np.array([1])), (np.array([1, 2]), np.array([0])), (np.array([]), np.array([]))):
        with pytest.raises(ValueError):
            StoppingRule(*bad)
    for wins, units in ((0, 3), (4, 3)):
        with pytest.raises(ValueError, match="wins must be"):
            wins_of_first(wins, units)
    with pytest.raises(ValueError, match="shares must"):
        characteristic(wins_of_first(1, 1), 1.1)
    for poor, good, go, stop in ((0.5, 0.5, 0.1, 0.1), (0, 0.5, 0.1, 0.1), (0.2, 0.5, 0, 0.1), (0.2, 0.5, 0.1, 1)):
        with pytest.raises(ValueError):
            single_stage(poor, good, go, stop)
