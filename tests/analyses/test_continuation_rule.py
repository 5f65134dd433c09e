"""The rule fixed in advance: what the policy makes of it, its frame and the way back, its errors beside those of "one or two wins"."""

import pandas as pd
import pytest
from scipy import stats

from kaanalysis.analyses.continuation_rule import (
    boundary_frame,
    characteristic_frame,
    compared,
    rule_frame,
    rule_of,
    rule_of_frame,
)
from kaanalysis.policy import Policy
from kaanalysis.stats import two_stage


def test_the_rule_is_simons_plan_between_the_policys_two_shares(policy: Policy) -> None:
    rule = rule_of(policy)
    assert rule is not None and rule.plan == two_stage(0.25, 0.5, 0.1, 0.1, "optimal")
    assert (rule.plan.stop_first, rule.plan.first, rule.plan.stop_total, rule.plan.total) == (2, 10, 9, 27)
    other = rule_of(policy.override({"stage.plan": "minimax", "stage.order": "closing"}))
    assert other is not None and (other.plan.total, other.order) == (26, "closing")


def test_no_rule_between_a_mark_and_something_no_worse(policy: Policy) -> None:
    assert rule_of(policy.override({"success.target": 0.25})) is None
    assert (
        rule_of(policy.override({"stage.poor_success": 0.45})) is None
    )  # more than 150 projects: nobody waits for them
    assert rule_of(policy.override({"stage.poor_success": 0.3})) is not None


def test_a_later_run_reads_the_rule_back_whatever_the_policy_says_by_then(policy: Policy) -> None:
    rule = rule_of(policy)
    assert rule is not None
    frame = rule_frame(rule, compared(rule, policy))
    assert rule_of_frame(frame) == rule
    with pytest.raises(ValueError, match="no two-stage plan"):
        rule_of_frame(frame[frame["plan"] != "two_stage"])


def test_errors_in_the_frame_by_the_binomial_law(policy: Policy) -> None:
    rule = rule_of(policy)
    assert rule is not None
    frame = rule_frame(rule, compared(rule, policy))
    total = frame[frame["stage"] == "total"].set_index("plan")
    passed = [sum(stats.binom.pmf(x, 10, p) * stats.binom.sf(9 - x, 17, p) for x in range(3, 11)) for p in (0.25, 0.5)]
    assert total.loc["two_stage", "false_go"] == pytest.approx(passed[0])
    assert total.loc["two_stage", "false_stop"] == pytest.approx(1 - passed[1])
    first = frame[(frame["plan"] == "two_stage") & (frame["stage"] == "first")].iloc[0]
    assert first["stops_if_poor"] == pytest.approx(stats.binom.cdf(2, 10, 0.25)) and pd.isna(first["go_on_from"])
    # Two wins of the first six are seen with a poor success 47 % of the time, the first win 82 %.
    assert total.loc["wins", "false_go"] == pytest.approx(1909 / 4096)
    assert total.loc["one_win", "false_go"] == pytest.approx(1 - 0.75**6)
    assert total.loc["repeated_tests", "false_go"] > 0.3 > 0.1 >= total.loc["sequence", "false_go"]


def test_the_characteristic_rises_with_the_true_share(policy: Policy) -> None:
    rule = rule_of(policy)
    assert rule is not None
    curves = characteristic_frame(compared(rule, policy))
    for _, curve in curves.groupby("plan"):
        assert (curve["go_on"].diff().dropna() >= -1e-12).all()
        assert (curve[["go_on", "stop", "undecided"]].sum(axis=1) - 1).abs().max() < 1e-9


def test_boundaries_hold_only_what_can_be_reached_by_hand(policy: Policy) -> None:
    rule = rule_of(policy)
    assert rule is not None
    frame = boundary_frame(rule).set_index("closed")
    assert len(frame) == 27 + 14
    # Ten wins are out of reach before the tenth project; eight losses stop within the first ten, eighteen within all.
    assert pd.isna(frame.loc[9, "go_on_from"]) and frame.loc[10, "go_on_from"] == 10
    assert [frame.loc[k, "stop_up_to"] for k in (8, 10, 18, 27)] == [0, 2, 0, 9]
    assert frame.loc[[7, 11, 28], "stop_up_to"].isna().all() and pd.isna(frame.loc[28, "go_on_from"])
    assert frame.loc[41, ["sequence_go_on", "sequence_stop"]].notna().all()
