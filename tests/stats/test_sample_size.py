import numpy as np
import pytest
from scipy import stats

from kaanalysis.stats import clopper_pearson, closed_needed


def exact_power(n, true_share, threshold, level=0.95):
    needed = next(k for k in range(n + 2) if stats.binom.sf(k - 1, n, threshold) <= 1 - level)
    return stats.binom.sf(needed - 1, n, true_share)


def test_design_document_60_percent_needs_169_to_show_more_than_50():
    assert closed_needed(0.6, 0.5) == 169
    assert exact_power(168, 0.6, 0.5) < 0.8 <= min(exact_power(n, 0.6, 0.5) for n in range(169, 400))
    # The tooth that a search for the first sufficient number would stop at.
    assert exact_power(158, 0.6, 0.5) >= 0.8


def test_certain_success_by_hand():
    # All succeed: n successes of n have the chance 0.5 ** n at the threshold; 1/16 > 0.05 >= 1/32.
    assert closed_needed(1, 0.5) == 5
    # 0.9 against 0.1: two of two have the chance 0.01 at the threshold and 0.81 >= 0.8 in truth; one has 0.1 > 0.05.
    assert exact_power(2, 0.9, 0.1) == pytest.approx(0.81)
    assert closed_needed(0.9, 0.1) == 2


@pytest.mark.parametrize(("true_share", "threshold"), [(0.25, 0.15), (0.7, 0.5), (0.98, 0.9), (0.5, 0.05), (0.55, 0.4)])
def test_answer_is_the_last_failure_plus_one(true_share, threshold):
    needed = closed_needed(true_share, threshold)
    assert needed == 1 or exact_power(needed - 1, true_share, threshold) < 0.8
    assert min(exact_power(n, true_share, threshold) for n in range(needed, 2 * needed + 100)) >= 0.8


def test_design_is_the_clopper_pearson_limit():
    # One-sided at 95 % is the lower limit of the two-sided interval at 90 %.
    n = 169
    for successes in range(80, 110):
        shown = stats.binom.sf(successes - 1, n, 0.5) <= 0.05
        assert (clopper_pearson(successes, n, 0.9).low >= 0.5) == shown


def test_below_the_threshold_mirrors_and_equality_is_none():
    assert closed_needed(0.4, 0.5) == closed_needed(0.6, 0.5)
    assert closed_needed(0.15, 0.3) == closed_needed(0.85, 0.7)
    assert closed_needed(0.5, 0.5) is None


def test_near_the_threshold_the_formula_takes_over_without_a_break():
    # Fleiss with continuity correction is within 2 % of the exact answer where both exist.
    assert closed_needed(0.52, 0.5) == pytest.approx(3915, rel=0.03)
    assert closed_needed(0.501, 0.5) == pytest.approx(1_546_600, rel=0.01)


def test_wrong_input_is_refused():
    for arguments in ((0.6, 0), (0.6, 1), (1.2, 0.5), (0.6, 0.5, 95), (0.6, 0.5, 0.95, 1)):
        with pytest.raises(ValueError, match="must be between 0 and 1"):
            closed_needed(*arguments)
    with pytest.raises(ValueError, match="power must be above"):
        closed_needed(0.6, 0.5, 0.95, 0.01)


def test_more_power_and_more_level_need_more():
    numbers = [closed_needed(0.65, 0.5, power=power) for power in (0.5, 0.7, 0.8, 0.9, 0.99)]
    assert (np.diff(numbers) >= 0).all()
    assert closed_needed(0.65, 0.5, 0.99) > closed_needed(0.65, 0.5, 0.95)
