import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from kaanalysis.stats import expected_regret, expected_value_of_perfect_information, probability_best

PAYOFF = [[4, 1], [0, 3], [5, 5], [3, 1]]


def test_by_hand():
    # Means 3 and 2.5; best per draw 4, 3, 5, 3, mean 3.75: knowing is worth 0.75. Losses 0, 3, 0, 0 and 3, 0, 0, 2.
    worth = expected_value_of_perfect_information(PAYOFF)
    assert worth.value == pytest.approx(0.75) and worth.n == 4
    # Standard deviation of 0, 3, 0, 0 is 1.5; 1.96 x 1.5 / 2 = 1.47: the lower limit is cut to 0.
    assert worth.low == 0 and worth.high == pytest.approx(0.75 + 1.959963985 * 0.75)
    assert [regret.value for regret in expected_regret(PAYOFF)] == pytest.approx([0.75, 1.25])
    # Best: first, second, tie, first.
    assert [best.value for best in probability_best(PAYOFF)] == pytest.approx([2.5 / 4, 1.5 / 4])


def test_closed_form_of_two_normal_options():
    # A sure 0 against N(0, 1): the best is max(0, z) with mean 1 / sqrt(2 pi) = 0.398942; the best mean is about 0.
    payoff = np.column_stack([np.zeros(40_000), np.random.default_rng(26).normal(size=40_000)])
    worth = expected_value_of_perfect_information(payoff)
    assert worth.low < 0.398942 < worth.high + 0.005 and worth.value == pytest.approx(0.398942, abs=0.01)


def test_one_option_best_in_every_draw_is_worth_nothing_to_know():
    worth = expected_value_of_perfect_information([[2, 1], [5, 0]])
    assert (worth.value, worth.low, worth.high) == (0, 0, 0)
    best = probability_best([[2, 1], [5, 0]])
    assert (best[0].value, best[0].high, best[1].value, best[1].low) == (1, 1, 0, 0) and best[0].low > 0


def test_edges_and_wrong_input():
    assert expected_value_of_perfect_information(np.zeros((0, 3))).value is None
    assert [regret.value for regret in expected_regret(np.zeros((0, 2)))] == [None, None]
    assert [best.n for best in probability_best(np.zeros((0, 2)))] == [0, 0]
    assert expected_value_of_perfect_information([[1, 2]]).low is None
    with pytest.raises(ValueError, match="payoff must have the shape"):
        expected_value_of_perfect_information([1, 2])
    with pytest.raises(ValueError, match="payoff must be finite; not nan at draw 0, option 1"):
        expected_regret([[1, float("nan")]])


@given(arrays(float, st.tuples(st.integers(2, 12), st.integers(1, 4)), elements=st.floats(-100, 100)))
@settings(max_examples=80, deadline=None)
def test_information_is_the_smallest_regret(payoff):
    worth, regrets = expected_value_of_perfect_information(payoff), expected_regret(payoff)
    assert worth.value == pytest.approx(min(regret.value for regret in regrets), abs=1e-9)
    assert worth.value >= 0 and sum(best.value for best in probability_best(payoff)) == pytest.approx(1)
