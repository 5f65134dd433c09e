"""M-3.1, M-3.2 and M-3.6: conversion by hand at the horizon, verdicts around their marks, and bottlenecks on small flows."""

import datetime as dt
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from kaanalysis.analyses.bottlenecks import Bottlenecks, judge_bottleneck
from kaanalysis.analyses.sales_flow import Rate, analyse, judge_rate
from kaanalysis.analyses.verdicts import find_flips
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.results import Number

Open = Callable[..., Company]
ACCOUNTS = "account_id,segment\nS,SMB\nK,KA\n"
HEAD = "opportunity_id,account_id,owner,created_at,closed_at,outcome\n"


def day(ago: int) -> str:
    return str(dt.date(2025, 12, 31) - dt.timedelta(days=ago))


def deals(rows: list[tuple[str, str, int, int | None, str]]) -> str:
    """account, owner, opened so many days before as_of, closed after so many days, outcome."""
    lines = [f"O{i},{a},{o},{day(opened)},{'' if after is None else day(opened - after)},{outcome}\n"
             for i, (a, o, opened, after, outcome) in enumerate(rows)]  # fmt: skip
    return HEAD + "".join(lines)


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


@pytest.mark.parametrize(("low", "high", "state", "reason"), [
    (0.11, 0.19, "supported", "conversion_supported"),
    (0.09, 0.19, "undecided", "conversion_undecided"),
    (0.11, 0.21, "undecided", "conversion_undecided"),
    (0.05, 0.09, "contradicted", "conversion_below"),
    (0.21, 0.3, "contradicted", "conversion_above"),
    (0.05, 0.11, "undecided", "conversion_undecided"),
])  # fmt: skip
def test_conversion_is_near_the_mark_only_with_its_whole_interval(low, high, state, reason, policy: Policy) -> None:
    found = judge_rate("M-3.1", rate(low, high), policy)[0]
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


def found_with(
    draws: list[list[float]],
    relief: list[float],
    *,
    entered: int = 100,
    lost: float = 0.2,
    deals: int = 100,
    clusters: int = 50,
) -> Bottlenecks:
    steps = tuple("abcdef"[: len(relief)])
    table = pd.DataFrame({"step": steps, "entered": entered, "lost_share": lost, "median_days": 1.0})
    return Bottlenecks(steps, np.array(relief), np.array(draws), deals, table, clusters)


def cloud(first: tuple[float, float], second: tuple[float, float], n: int = 200) -> list[list[float]]:
    return [list(pair) for pair in zip(np.linspace(*first, n), np.linspace(*second, n), strict=True)]


def test_a_bottleneck_needs_its_rank_and_its_size(policy: Policy) -> None:
    clear = judge_bottleneck(found_with(cloud((5, 9), (0.1, 1)), [7, 0.5]), policy)[0]
    assert (clear.state, clear.terms["step"]) == ("supported", "a")
    assert clear.number("p_rank_1", "a").value == 1 and clear.number("bottlenecks").value == 1  # type: ignore[union-attr]
    small = judge_bottleneck(found_with(cloud((1, 9), (0.1, 0.5)), [5, 0.3]), policy)[0]
    assert small.state == "undecided", "its relief may lie below the minimum"
    level = judge_bottleneck(found_with(cloud((5, 9), (9, 5)), [7, 6.9]), policy)[0]
    assert level.state == "undecided", "either may be the first"
    assert judge_bottleneck(found_with(cloud((5, 9), (0.1, 1)), [7, 0.5], deals=9), policy)[0].reason == "too_few"


def test_every_step_surely_small_means_no_bottleneck(policy: Policy) -> None:
    assert judge_bottleneck(found_with(cloud((0.2, 1.5), (0.1, 1)), [1, 0.5]), policy)[0].state == "contradicted"


def test_ten_deals_without_a_loss_do_not_prove_that_there_is_no_bottleneck(policy: Policy) -> None:
    # Resamples of no losses show no losses; of 10 deals, up to 2.2 may be lost unseen (Jeffreys, 95 %: 0.217).
    none = [[0.0, 0.0]] * 200
    assert judge_bottleneck(found_with(none, [0, 0], entered=10, lost=0.0, deals=10), policy)[0].state == "undecided"
    assert (
        judge_bottleneck(found_with(none, [0, 0], entered=1000, lost=0.0, deals=1000), policy)[0].state
        == "contradicted"
    )


def test_one_seller_carries_no_verdict_about_the_flow(policy: Policy) -> None:
    same = [[7.0, 0.5]] * 200  # one cluster drawn again and again
    found = judge_bottleneck(found_with(same, [7, 0.5], clusters=1), policy)[0]
    assert found.state == "undecided" and found.number("relief", "a").low is None  # type: ignore[union-attr]


def test_the_planted_bottleneck_of_a_company_is_found_with_its_relief_by_hand(company: Open, policy: Policy) -> None:
    # 200 deals: 160 go from a to b after 2 days, 40 (20 %) are lost there; of the 160, 80 are lost in b and 80 won after 3 days.
    # Relief to 5 % loss: b: 0.8 x (0.5 - 0.05) x 1 = 36 wins per 100; a: (0.2 - 0.05) x 0.5 = 7.5 wins per 100.
    rows, stages = [], "opportunity_id,stage,entered_at\n"
    for i in range(200):
        lost_in_a, lost = i % 5 == 0, i % 5 == 0 or i % 5 in (1, 2)
        opened = 450 - i
        rows.append(("K", f"seller{i // 5 % 20}", opened, 1 if lost_in_a else 5, "lost" if lost else "won"))
        stages += f"O{i},a,{day(opened)}\n" + ("" if lost_in_a else f"O{i},b,{day(opened - 2)}\n")
    found = analyse(company(accounts=ACCOUNTS, opportunities=deals(rows), stage_history=stages), policy, {})
    bottleneck = found.finding("M-3.6")
    assert bottleneck.number("relief", "b").value == pytest.approx(36, abs=1e-4)  # type: ignore[union-attr]
    assert bottleneck.number("relief", "a").value == pytest.approx(7.5, abs=1e-4)  # type: ignore[union-attr]
    assert bottleneck.terms["step"] == "b" and bottleneck.number("bottlenecks").value == 2  # type: ignore[union-attr]
    assert found.frames["bottlenecks"]["lost_share"].tolist() == pytest.approx([0.2, 0.5])
    # All sellers are alike here, so nothing varies between them: no interval, no verdict.
    assert bottleneck.state == "undecided"


def test_rate_that_no_policy_value_touches_has_no_flip(policy: Policy) -> None:
    made = replace(rate(0.51, 0.7), deals=3)
    assert find_flips(lambda p: judge_rate("M-3.2", made, p), "M-3.2", policy, ["success.target"])[0].at is None
