import numpy as np
import pytest
from lifelines.statistics import multivariate_logrank_test
from scipy import stats

from kaanalysis.stats import log_rank

# Freireich et al. 1963, weeks of remission; the 6-MP arm as in test_survival.py.
MERCAPTOPURINE = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
REMISSION_ENDED = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]
PLACEBO = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]


def test_log_rank_by_hand():
    # a: 1, 3; b: 2, 4, all events. Expected in a: 2/4 + 1/3 + 1/2 + 0 = 4/3; seen 2; surplus 2/3.
    # Variance: 1/4 + 2/9 + 1/4 + 0 = 13/18. Chi-squared (4/9) / (13/18) = 8/13.
    test = log_rank([1, 3, 2, 4], [1, 1, 1, 1], ["a", "a", "b", "b"])
    assert test.statistic == pytest.approx(8 / 13)
    assert test.p_value == pytest.approx(stats.chi2.sf(8 / 13, 1)) and test.n == 4


def test_log_rank_against_freireich_1963():
    duration, event = MERCAPTOPURINE + PLACEBO, REMISSION_ENDED + [1] * 21
    test = log_rank(duration, event, ["6-MP"] * 21 + ["placebo"] * 21)
    assert round(test.statistic, 2) == 16.79


def test_log_rank_of_three_groups_against_lifelines():
    rng = np.random.default_rng(5)
    duration, event, group = np.ceil(rng.exponential(9, 240)), rng.random(240) < 0.7, rng.integers(3, size=240)
    peer = multivariate_logrank_test(duration, group, event)
    test = log_rank(duration, event, group)
    assert test.statistic == pytest.approx(peer.test_statistic, abs=1e-9)
    assert test.p_value == pytest.approx(peer.p_value, abs=1e-9)


def test_log_rank_with_late_entry_by_hand():
    # a: (0,2], b: (1,3], b: (2,4]. At 2 at risk: a, b (the third enters at 2): expected 1/2, variance 1/4.
    # At 3 and 4 only b is at risk. Chi-squared (1/2)² / (1/4) = 1.
    test = log_rank([2, 3, 4], [1, 1, 1], ["a", "b", "b"], [0, 1, 2])
    assert test.statistic == pytest.approx(1)


def test_log_rank_false_alarms_with_late_entry():
    rng = np.random.default_rng(6)
    alarms = 0
    for _ in range(400):
        entry = np.where(rng.random(60) < 0.5, 0, rng.exponential(1, 60))
        group = rng.integers(2, size=60)
        alarms += log_rank(entry + rng.exponential(3, 60), rng.random(60) < 0.8, group, entry).p_value < 0.05
    assert 0.025 <= alarms / 400 <= 0.08


def test_what_cannot_carry_the_test_gives_none():
    for arguments in (([], [], []), ([1, 2], [1, 1], ["a", "a"]), ([1, 2], [0, 0], ["a", "b"]), ([1], [1], ["a"])):
        test = log_rank(*arguments)
        assert test.statistic is None and test.p_value is None and test.n == len(arguments[0])
    # One group ends before the other enters: never at risk together.
    assert log_rank([1, 3], [1, 1], ["a", "b"], [0, 2]).p_value is None


def test_missing_group_is_refused():
    with pytest.raises(ValueError, match="group must not be missing; not so at index 1"):
        log_rank([1, 2], [1, 1], ["a", None])
