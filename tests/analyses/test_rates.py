"""M-3.1 and M-3.2: conversion by hand at the horizon, and verdicts around their marks."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from company_files import deals

from kaanalysis.analyses.rates import Rate, judge_rate
from kaanalysis.analyses.sales_flow import analyse
from kaanalysis.analyses.verdicts import find_flips
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.results import Number

Open = Callable[..., Company]
ACCOUNTS = "account_id,segment\nS,SMB\nK,KA\n"


def test_conversion_at_the_horizon_by_hand_not_closed_over_closed(company: Open, policy: Policy) -> None:
    # Won after 10, lost after 20, open after 30, lost after 40, won after 400 days: at risk 5, 4, 3, 2, 1.
    # Won by day 365: 1/5. (Won of closed would be 2/4.) The last win lies beyond the horizon of twelve months.
    rows = [
        ("S", "a", 500, 10, "won"),
        ("S", "b", 500, 20, "lost"),
        ("S", "c", 30, None, "open"),
        ("S", "d", 500, 40, "lost"),
        ("S", "e", 500, 400, "won"),
    ]
    found = analyse(company(accounts=ACCOUNTS, opportunities=deals(rows)), policy, {}).finding("M-3.1")
    conversion = found.number("conversion", "SMB")
    assert (
        conversion is not None
        and conversion.value == pytest.approx(0.2)
        and conversion.horizon_months == 12
        and conversion.n == 5
    )
    assert found.number("open_deals").value == 1 and found.number("followed_to_horizon").value == 0.8  # type: ignore[union-attr]
    assert found.number("cycle_median").value == 10 and found.reason == "too_few"  # type: ignore[union-attr]
    # With a horizon of 14 months (426 days): 1/5 + the survivor's 4/5 x 3/4 x 1/2 x 1/1 = 0.2 + 0.3.
    longer = analyse(
        company(accounts=ACCOUNTS, opportunities=deals(rows)), policy.override({"conversion.horizon_months": 14}), {}
    )
    assert longer.finding("M-3.1").number("conversion").value == pytest.approx(0.5)  # type: ignore[union-attr]


@pytest.mark.parametrize(("at", "wanted"), [(365, 1 / 3), (366, 0.0)])
def test_a_win_on_the_day_of_the_horizon_counts_and_a_day_later_does_not(
    at: int, wanted: float, company: Open, policy: Policy
) -> None:
    rows = [("K", "a", 500, at, "won"), ("K", "b", 500, None, "open"), ("K", "c", 600, 600, "lost")]
    found = analyse(company(accounts=ACCOUNTS, opportunities=deals(rows)), policy, {}).finding("M-3.2")
    assert found.number("success", "KA").value == pytest.approx(wanted, abs=1e-12)  # type: ignore[union-attr]


def rate(
    low: float | None, high: float | None, deals: int = 100, mature: float = 0.9, value: float | None = 0.5
) -> Rate:
    return Rate((Number("x", "KA", value, low, high, 0.95, deals, "share", "m"),), mature, deals)


@pytest.mark.parametrize(("made", "state", "reason"), [
    (rate(0.51, 0.7), "supported", "success_supported"),
    (rate(0.5, 0.7), "undecided", "success_undecided"),
    (rate(0.3, 0.5), "undecided", "success_undecided"),
    (rate(0.3, 0.49), "contradicted", "success_contradicted"),
    (rate(0.51, 0.7, mature=0.49), "undecided", "immature"),
    (rate(0.51, 0.7, mature=0.5), "supported", "success_supported"),
    (rate(0.51, 0.7, deals=9), "undecided", "too_few"),
    (rate(0.51, 0.7, deals=10), "supported", "success_supported"),
    (rate(None, None), "undecided", "no_interval"),
    (rate(None, None, value=None), "undecided", "follow_up_too_short"),
])  # fmt: skip
def test_success_at_and_around_its_mark(made: Rate, state: str, reason: str, policy: Policy) -> None:
    found = judge_rate("M-3.2", made, policy)[0]
    assert (found.state, found.reason) == (state, reason)


def steady(low: float | None, high: float | None) -> Number:
    return Number("conversion_stability", "SMB", 0.01, low, high, 0.95, 1000, "share difference", "m")


@pytest.mark.parametrize(("low", "high", "state", "reason"), [
    (0.11, 0.19, "supported", "conversion_supported"),
    (0.09, 0.19, "undecided", "conversion_undecided"),
    (0.11, 0.21, "undecided", "conversion_undecided"),
    (0.05, 0.09, "contradicted", "conversion_below"),
    (0.21, 0.3, "contradicted", "conversion_above"),
    (0.05, 0.11, "undecided", "conversion_undecided"),
])  # fmt: skip
def test_conversion_is_near_the_mark_only_with_its_whole_interval(low, high, state, reason, policy: Policy) -> None:
    made = rate(low, high)
    found = judge_rate("M-3.1", replace(made, numbers=(*made.numbers, steady(0.0, 0.02))), policy)[0]
    assert (found.state, found.reason) == (state, reason)


@pytest.mark.parametrize(("conversion", "spread", "state", "reason"), [
    ((0.11, 0.19), (0.0, 0.029), "supported", "conversion_supported"),
    ((0.11, 0.19), (0.0, 0.03), "undecided", "steadiness_undecided"),
    ((0.11, 0.19), (0.031, 0.2), "contradicted", "conversion_unsteady"),
    ((0.09, 0.19), (0.031, 0.2), "contradicted", "conversion_unsteady"),
    ((0.09, 0.19), (0.0, 0.02), "undecided", "conversion_undecided"),
    ((0.21, 0.3), (0.031, 0.2), "contradicted", "conversion_above"),
    ((0.11, 0.19), (None, None), "undecided", "steadiness_unknown"),
    ((0.21, 0.3), (None, None), "contradicted", "conversion_above"),
])  # fmt: skip
def test_near_the_mark_is_not_enough_conversion_must_be_steady(
    conversion, spread, state, reason, policy: Policy
) -> None:
    made = rate(*conversion)
    found = judge_rate("M-3.1", replace(made, numbers=(*made.numbers, steady(*spread))), policy)[0]
    assert (found.state, found.reason) == (state, reason)


def test_moving_the_mark_to_its_flip_changes_the_verdict_and_just_before_does_not(policy: Policy) -> None:
    made = rate(0.51, 0.7)
    [flip] = find_flips(lambda p: judge_rate("M-3.2", made, p), "M-3.2", policy, ["success.target"])
    assert flip.at == pytest.approx(0.51, abs=0.001) and flip.to == "undecided"
    assert judge_rate("M-3.2", made, policy.override({"success.target": flip.at}))[0].state == "undecided"
    assert judge_rate("M-3.2", made, policy.override({"success.target": flip.at - 0.001}))[0].state == "supported"


def test_without_dates_there_are_shares_and_no_verdict(company: Open, policy: Policy) -> None:
    text = "opportunity_id,account_id,owner,outcome\n" + "".join(
        f"O{i},K,o{i},{'won' if i < 30 else 'lost'}\n" for i in range(40)
    )
    found = analyse(company(accounts=ACCOUNTS, opportunities=text), policy, {}).finding("M-3.2")
    assert (found.state, found.reason, found.needs) == (
        "undecided",
        "closed_deals_only",
        ("opportunities.created_at", "opportunities.closed_at"),
    )
    assert found.number("closed_won_share", "KA").value == 0.75  # type: ignore[union-attr]


def test_rate_that_no_policy_value_touches_has_no_flip(policy: Policy) -> None:
    made = replace(rate(0.51, 0.7), deals=3)
    assert find_flips(lambda p: judge_rate("M-3.2", made, p), "M-3.2", policy, ["success.target"])[0].at is None
