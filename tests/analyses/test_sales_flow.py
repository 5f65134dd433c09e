"""M-3.6: bottlenecks on small flows."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from company_files import day, deals

from kaanalysis.analyses.bottlenecks import Bottlenecks, judge_bottleneck
from kaanalysis.analyses.sales_flow import analyse
from kaanalysis.company import Company
from kaanalysis.policy import Policy

Open = Callable[..., Company]
ACCOUNTS = "account_id,segment\nS,SMB\nK,KA\n"


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
