import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaanalysis.stats import benjamini_yekutieli, holm, partial_conjunction

P_VALUES = [0.01, 0.04, 0.03, 0.005]


def test_holm_by_hand():
    # Sorted 0.005, 0.01, 0.03, 0.04 times 4, 3, 2, 1: 0.02, 0.03, 0.06, 0.04, and no later one below an earlier one.
    assert holm(P_VALUES) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_benjamini_yekutieli_by_hand():
    # 1 + 1/2 + 1/3 + 1/4 = 25/12; times 4/rank: 0.02, 0.02, 0.04, 0.04 times 25/12.
    wanted = np.array([0.02, 0.04, 0.04, 0.02]) * 25 / 12
    assert benjamini_yekutieli(P_VALUES) == pytest.approx(wanted)


def test_empty_and_wrong_input():
    for adjust in (holm, benjamini_yekutieli):
        assert adjust([]).shape == (0,)
        with pytest.raises(ValueError, match=r"p_values must be between 0 and 1; not 1.5 at index 1"):
            adjust([0.5, 1.5])
        with pytest.raises(ValueError, match="p_values must be finite"):
            adjust([float("nan")])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_adjustment_is_monotone_and_never_below_the_raw_p_value(p_values):
    raw = np.array(p_values)
    for adjusted in (holm(raw), benjamini_yekutieli(raw)):
        assert (adjusted >= raw - 1e-12).all() and (adjusted <= 1).all()
        assert (np.diff(adjusted[np.argsort(raw, kind="stable")]) >= -1e-12).all()
    assert holm(raw)[raw.argmin()] == pytest.approx(min(1, raw.min() * len(raw)))


def test_holm_holds_the_family_wise_error_rate():
    rng = np.random.default_rng(17)
    # Ten true null hypotheses; the chance of any rejection is 1 - 0.95 ** 10 = 0.40 unadjusted.
    alarms = [(holm(p) <= 0.05).any() for p in rng.random((2000, 10))]
    assert 0.03 <= np.mean(alarms) <= 0.065


def test_partial_conjunction_by_hand():
    # Sorted 0.005, 0.01, 0.03, 0.04. All four: the largest. At least two of four: Simes over 0.01, 0.03, 0.04: min(0.03, 0.045, 0.04).
    assert partial_conjunction(P_VALUES, 4) == pytest.approx(0.04)
    assert partial_conjunction(P_VALUES, 2) == pytest.approx(0.03)
    assert partial_conjunction(P_VALUES, 1) == pytest.approx(min(4 * 0.005, 2 * 0.01, 4 / 3 * 0.03, 0.04))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_asking_for_more_effects_is_never_easier(values):
    found = [partial_conjunction(values, u) for u in range(1, len(values) + 1)]
    assert found == sorted(found) and found[-1] == max(values) and 0 <= found[0] <= 1


def test_partial_conjunction_is_wrong_no_oftener_than_it_says():
    """One of four effects is there for sure, three are not: "at least two" is said in at most 5 % of 4,000 draws (± 0.7)."""
    g = np.random.default_rng(1)
    draws = np.column_stack([np.zeros(4000), g.random((4000, 3))])
    assert np.mean([partial_conjunction(row, 2) <= 0.05 for row in draws]) == pytest.approx(0.05, abs=0.011)


@pytest.mark.parametrize("at_least", [0, 5])
def test_partial_conjunction_asks_for_a_possible_number(at_least):
    with pytest.raises(ValueError, match="between 1 and the number of p-values, 4"):
        partial_conjunction(P_VALUES, at_least)
