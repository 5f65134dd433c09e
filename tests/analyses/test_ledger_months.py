"""Inputs from the company's months: ratios of sums, what counts as unknown, and what hangs together."""

from collections.abc import Callable

import numpy as np
import pytest

from kaanalysis.analyses.ledger_months import Ratio, log_input, mean_input, month_correlation, month_ratios, ratio_input
from kaanalysis.policy import Policy
from kaanalysis.stats import Estimate

TEAMS = "team,motion,mode\nK,KA,split\nS,SMB,\n"


def ratio(name: str, above: list[float], below: list[float], month: list[int] | None = None) -> Ratio:
    return Ratio(name, "u", np.array(above), np.array(below), np.array(month or range(len(above))))


def test_a_month_without_its_cost_is_left_out_and_does_not_void_the_rest(policy: Policy) -> None:
    made = ratio_input(ratio("seller_cost", [10.0, np.nan, 40.0, 30.0], [1.0, 1.0, 2.0, 1.0]), policy)
    assert made is not None and made.value == pytest.approx(80 / 4) and made.origin == "data"
    assert made.low < made.value < made.high
    assert ratio_input(ratio("x", [5.0, np.nan], [1.0, 1.0]), policy) is None
    assert ratio_input(ratio("x", [0.0, 0.0, 0.0], [1.0, 1.0, 1.0]), policy) is None


def test_a_mean_counts_units_and_resamples_clusters(policy: Policy) -> None:
    alone, twins = (
        mean_input("size", np.array([1.0, 2.0, 3.0, 6.0]), np.array(c), policy, "CNY")
        for c in ([1, 2, 3, 4], [1, 1, 2, 2])
    )
    assert alone is not None and twins is not None and alone.value == twins.value == 3
    assert alone != twins


@pytest.mark.parametrize(("estimate", "low", "high", "scale"), [
    (Estimate(2.0, 1.0, 3.0, 0.9, 5, ""), 1.0, 3.0, "log"),
    (Estimate(2.0, 0.0, 3.0, 0.9, 5, ""), 0.0, 3.0, "linear"),  # next to nothing has no logarithm to speak of
    (Estimate(2.0, None, None, 0.9, 5, ""), 2.0, 2.0, "log"),  # no interval: taken as known
    (Estimate(2.0, 2.5, 3.0, 0.9, 5, ""), 2.0, 3.0, "log"),  # the split normal needs the value inside
])  # fmt: skip
def test_an_estimate_as_an_input(estimate: Estimate, low: float, high: float, scale: str) -> None:
    made = log_input("x", estimate, "u")
    assert made is not None and (made.low, made.value, made.high, made.scale) == (low, 2.0, high, scale)
    assert log_input("x", Estimate(0.0, 0.0, 1.0, 0.9, 5, ""), "u") is None
    assert log_input("x", Estimate(None, None, None, 0.9, 0, ""), "u") is None


def test_ratios_of_the_same_months_rise_and_fall_together(policy: Policy) -> None:
    rng = np.random.default_rng(3)
    base, ones = rng.uniform(1, 2, 40), np.ones(40)
    same, opposite, other = ratio("a", base, ones), ratio("b", 3 - base, ones), ratio("c", rng.uniform(1, 2, 40), ones)
    r = month_correlation([same, same, opposite, other], policy)
    assert r[0, 1] == pytest.approx(1) and r[0, 2] == pytest.approx(-1, abs=0.02) and abs(r[0, 3]) < 0.5
    # Months that only one of them knows hang together with nothing.
    assert month_correlation([same], policy).tolist() == [[1]]


def test_month_ratios_by_hand(company: Callable, policy: Policy) -> None:
    months = "team,month,sellers,cost,support_cost,bookings\n" + "".join(
        f"{t},2025-{m:02},{n},{c},{s},{b}\n"
        for m in (1, 2)
        for t, n, c, s, b in (("K", 2, 10 * m, 4, 50), ("S", 5, 25, "", 100 * m))
    )
    # Months of long ago, and of no sellers, count for nothing.
    months += "K,2020-01,2,999,,\nK,2025-03,0,999,,\n"
    # A month whose support cost is not on record was not free of it.
    months = months.replace("K,2025-02,2,20,4", "K,2025-02,2,20,")
    rows = [
        "A1,K,x,new,2025-01-05,,open,,",
        "A1,K,x,new,2025-01-06,,open,,",
        "A1,K,x,renewal,2025-01-06,,open,,",
        "A1,S,x,new,2025-02-06,,open,,",
    ]
    deals = "opportunity_id,account_id,team,owner,origin,created_at,closed_at,outcome,amount,exit\n"
    deals += "".join(f"O{i},{row}\n" for i, row in enumerate(rows))
    disputes = "account_id,opened_at,team_a,team_b,hours\nA1,2025-01-03,K,S,6\nA1,2025-02-03,S,K,2\nA1,2025-02-04,K,S,1\nA1,2025-02-05,S,S,90\n"
    tables = {"accounts": "account_id,segment\nA1,KA\n", "teams": TEAMS, "team_months": months, "opportunities": deals}
    known = [r.known() for r in month_ratios(company(**tables, disputes=disputes), policy)]
    found = {r.name: r.above.sum() / r.below.sum() for r in known}
    # Disputes among SMB teams are not ours.
    assert found == pytest.approx(
        {
            "seller_cost": 30 / 4,
            "support_cost": 4 / 2,
            "smb_bookings": 300 / 10,
            "deals_per_seller": 2 / 4,
            "conflict_hours": (6 + 2 + 1) / 4,
        }
    )
    few = disputes.split("A1,2025-02-03")[0]
    for table in ({}, {"disputes": few}):
        assert "conflict_hours" not in {r.name for r in month_ratios(company(**tables, **table), policy)}
