"""Stop rules: dates, what a period can show, and none where there is nothing to stop."""

import datetime as dt

import numpy as np
import pytest
from scipy import stats

from kaanalysis.analyses.stop_rules import Periods, detectable_difference, detectable_growth, stop_rule
from kaanalysis.policy import Policy
from kaanalysis.results import Finding, Number

SEEN = float(stats.norm.isf(0.025) + stats.norm.isf(0.2))  # 2.80 standard errors: 80 % power at 95 %


def metric(low: float | None, high: float | None, unit: str = "share per period", level: float = 0.95) -> Number:
    return Number("m", "SMB", 0.0, low, high, level, 166, unit, "m")


def test_periods_are_whole_and_the_next_follows_on() -> None:
    days = Periods.before(dt.date(2026, 6, 30), 12)
    assert days.terms() == {
        "earlier_from": "2024-07-01", "earlier_until": "2025-06-30", "later_from": "2025-07-01", "later_until": "2026-06-30",
        "next_from": "2026-07-01", "next_until": "2027-06-30",
    }  # fmt: skip
    assert Periods.before(dt.date(2026, 2, 28), 3).later == (dt.date(2025, 11, 29), dt.date(2026, 2, 28))


def test_growth_that_a_period_can_show_by_hand(policy: Policy) -> None:
    # From 0.5 to 2 times: ln 4 over 2 · 1.96 is the error on the log scale.
    error = np.log(4) / (2 * 1.959964)
    assert detectable_growth(metric(-0.5, 1.0), 0.0, 0.95) == pytest.approx(np.exp(SEEN * error) - 1)
    assert detectable_growth(metric(-0.5, 1.0), 0.1, 0.95) == pytest.approx(1.1 * np.exp(SEEN * error) - 1)
    assert detectable_growth(metric(None, None), 0.0, 0.95) is None


def test_a_growth_that_large_is_shown_in_eight_of_ten_periods() -> None:
    """The power it promises: with the true growth at the detectable one, its interval lies above the mark in 80 % of periods."""
    error = 0.26
    width = np.exp(1.959964 * error)
    seen = detectable_growth(metric(1 / width - 1, width - 1), 0.0, 0.95)
    drawn = np.log1p(seen) + error * np.random.default_rng(3).standard_normal(20_000)
    assert (drawn - 1.959964 * error > 0).mean() == pytest.approx(0.8, abs=0.01)


def test_a_difference_is_read_twice_and_at_its_own_level() -> None:
    z99 = float(stats.norm.isf(0.005))
    plain = detectable_difference(metric(-0.1, 0.1, "share difference"), 0.95)
    assert plain == pytest.approx(SEEN * np.sqrt(2) * 0.1 / 1.959964)
    # The same error given by a wider interval at 99 %.
    wide = 0.1 * z99 / 1.959964
    assert detectable_difference(metric(-wide, wide, "share difference", 0.99), 0.95) == pytest.approx(plain)


@pytest.mark.parametrize(("low", "high", "stop"), [(-0.01, 0.01, "shown"), (-0.4, 0.7, "unseen")])
def test_the_rule_says_whether_one_period_can_show_the_change(low, high, stop, policy: Policy) -> None:
    finding = Finding("M-0.1", "base_stalled", "undecided", "base_undecided")
    numbers, terms = stop_rule(finding, metric(low, high), 0.1, policy)
    value = {n.name: n.value for n in numbers}
    assert terms == {"stop": stop} and (value["detectable_change"] <= 0.1) == (stop == "shown")
    # As many accounts as make the error small enough: the interval shrinks with the root of their number.
    shrunk = np.sqrt(166 / value["cases_needed"])
    narrow = metric(np.expm1(shrunk * np.log1p(low)), np.expm1(shrunk * np.log1p(high)))
    assert detectable_growth(narrow, 0.0, 0.95) == pytest.approx(0.1, rel=0.06)


def test_there_is_no_rule_where_there_is_nothing_to_stop(policy: Policy) -> None:
    contradicted = Finding("M-0.4", "value_stalled", "contradicted", "value_contradicted")
    assert stop_rule(contradicted, metric(0.1, 0.5), 0.1, policy) == ([], {})
    open_ = Finding("M-0.4", "value_stalled", "undecided", "value_undecided")
    assert stop_rule(open_, metric(None, None), 0.1, policy) == ([], {})
    assert stop_rule(open_, metric(-0.2, 0.2), 0.0, policy) == ([], {})  # growth by nothing is not asked for
