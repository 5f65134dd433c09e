"""M-A on frames small enough to reckon, on what would look like it, and on simulated companies."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.validity.engine import Engine
from kaanalysis.analyses.hatching import FEEDS, KINDS, frames, gather, signs
from kaanalysis.analyses.hatching_effects import Gathered
from kaanalysis.analyses.pattern_days import day_number, days_of
from kaanalysis.analyses.pattern_signs import Sign, presence
from kaanalysis.company import Company
from kaanalysis.policy import Policy, load_policy
from kaanalysis.simulate import draw_company
from kaanalysis.simulate.parameters import load
from kaanalysis.simulate.world import Manner

LAUNCH, AS_OF = dt.date(2024, 1, 1), dt.date(2025, 12, 31)
START = day_number(LAUNCH)
NEEDS: dict[str, tuple[str, ...]] = dict.fromkeys(KINDS, ())
# (team's motion, key account, seller, opened days after the launch, days to the end (None: open), won, amount, log employees)
Row = tuple[str, bool, str, float, float | None, bool, float, float]


def made(rows: Sequence[Row], months: Sequence[tuple[str, float]] = ()) -> Gathered:
    """Every deal is its own customer. months: (first day, cost)."""
    frame = pd.DataFrame(
        [(i, key, not key, motion == "KA", who, START + at, math.nan if took is None else START + at + took, won, amount, size)
         for i, (motion, key, who, at, took, won, amount, size) in enumerate(rows)],
        columns=["cluster", "key", "small", "ka_team", "owner", "opened", "ended", "won", "amount", "log_size"],
    )  # fmt: skip
    first = pd.Series(pd.to_datetime([m for m, _ in months]))
    cost = pd.DataFrame({
        "opened": days_of(first).to_numpy("float64"),
        "ended": days_of(first + pd.offsets.MonthEnd(0)).to_numpy("float64") if len(first) else np.zeros(0),
        "cost": [float(c) for _, c in months],
    })  # fmt: skip
    return Gathered(frame, cost, START, day_number(AS_OF), NEEDS)


def named(gathered: Gathered, policy: Policy, cut: dt.date = AS_OF) -> dict[str, Sign]:
    found = signs(gathered, cut, policy)
    assert [s.name for s in found] == list(KINDS)
    return {s.name: s for s in found}


def deals(motion: str, key: bool, at: float, won: int, lost: int, days: float, amount: float = 1000.0, size: float = 5.0, who: str = "") -> list[Row]:  # fmt: skip
    """`won` deals won after `days` days and `lost` lost after ten, opened a day apart from `at` on; one seller for all SMB
    teams and one for all KA teams where none is named."""
    who = who or motion
    rows: list[Row] = [(motion, key, who, at + i, days, True, amount, size) for i in range(won)]
    return rows + [(motion, key, who, at + won + i, 10.0, False, amount, size) for i in range(lost)]


SMALL = deals("SMB", False, -600, 10, 10, 20.0) + deals("SMB", False, 10, 10, 10, 20.0)


def test_who_sold_for_smb_teams_before_counts_as_hatched(policy: Policy) -> None:
    past = [("SMB", False, who, -900.0 + i, 5.0, True, 1.0, 5.0) for who, n in (("a", 3), ("b", 2)) for i in range(n)]
    late = [("SMB", False, "c", 300.0 + i, 5.0, True, 1.0, 5.0) for i in range(5)]  # c sold for SMB teams afterwards
    ours = [("KA", True, who, 10.0 + i, None, False, 1.0, 5.0) for i, who in enumerate("aaaaaabbcc")]
    found = named(made([*past, *late, *ours]), policy)["hatched_share"]
    assert found.value == 0.6 and found.n == 10
    # 6 of 10 independent deals: between-cluster variance 10/9 of the binomial one, so 9 count; a majority is not proven.
    assert found.p_present is not None and found.p_present > 0.05


def test_a_past_that_is_not_on_record_tells_nothing_of_who_was_hatched(policy: Policy) -> None:
    past: list[Row] = [("SMB", False, "a", -900.0 + i, 5.0, True, 1.0, 5.0) for i in range(5)]
    ours: list[Row] = [("KA", True, "a", 10.0 + i, None, False, 1.0, 5.0) for i in range(12)]
    assert named(made([*past, *ours]), policy)["hatched_share"].value == 1.0
    # The same people with their deals relabelled by the team of today: nobody hatched would be surely wrong.
    least = policy["evidence.minimum_units"]
    today: list[Row] = [("KA", False, "a", -900.0 + i, 5.0, True, 1.0, 5.0) for i in range(least)]
    relabelled = named(made([("SMB", False, "b", -900.0, 5.0, True, 1.0, 5.0), *today, *ours]), policy)["hatched_share"]
    assert relabelled.value is None and relabelled.p_absent is None
    # Records that begin half a year before the launch.
    young: list[Row] = [("SMB", False, "a", -180.0 + i, 5.0, True, 1.0, 5.0) for i in range(5)]
    assert named(made([*young, *ours]), policy)["hatched_share"].p_absent is None


def test_the_four_effects_by_hand(policy: Policy) -> None:
    # Won 12 of 16 in 100 days before, 12 of 24 in 150 days since; amounts 1000 and 900; small customers as ever.
    rows = deals("SMB", True, -600, 12, 4, 100.0) + deals("KA", True, 10, 12, 12, 150.0, amount=900.0)
    found = named(made(rows + SMALL), policy)
    assert found["cycle_ratio"].value == pytest.approx(1.5) and found["cycle_ratio"].comparison == "unaffected_teams"
    assert found["deal_size_ratio"].value == pytest.approx(0.9)
    assert found["success_change"].value == pytest.approx(0.5 - 0.75)
    assert found["success_change"].n == len(rows + SMALL)


def test_a_margin_of_nothing_has_no_sign(policy: Policy) -> None:
    margin = named(made(SMALL), policy.override({"hatching.success_drop": 0.0}))["success_change"].margin
    assert margin == 0.0 and math.copysign(1.0, margin) == 1.0  # shown as 0, not as -0


def test_a_market_that_slows_is_no_hatching(policy: Policy) -> None:
    slow = deals("SMB", False, -600, 12, 8, 20.0) + deals("SMB", False, 10, 12, 28, 30.0)
    rows = deals("SMB", True, -600, 12, 8, 100.0) + deals("KA", True, 10, 12, 28, 150.0)
    beside, alone = named(made(rows + slow), policy), named(made(rows), policy)
    assert alone["cycle_ratio"].value == pytest.approx(1.5) and alone["success_change"].value == pytest.approx(-0.3)
    assert alone["cycle_ratio"].comparison == "before_after" and "no small customers" in alone["cycle_ratio"].method
    assert beside["cycle_ratio"].value == pytest.approx(1.0) and beside["success_change"].value == pytest.approx(0.0)


def test_small_deals_of_those_who_left_are_no_control(policy: Policy) -> None:
    # Those who became KA sellers were quick with small customers: without them SMB seems slower, and is not.
    best = deals("SMB", False, -700, 30, 0, 5.0, who="best")
    rows = deals("SMB", True, -600, 12, 8, 100.0) + deals("KA", True, 10, 12, 8, 150.0, who="best")
    found = named(made(rows + SMALL + best), policy)
    assert found["hatched_share"].value == 1.0 and found["cycle_ratio"].value == pytest.approx(1.5)


def test_larger_customers_explain_cycles_but_not_deal_sizes(policy: Policy) -> None:
    """Days grow with the customer's size and so do amounts; since the launch customers are larger. The cycle at the same size is as before,
    deals did become larger: the sign of hatching is not there."""
    g = np.random.default_rng(2)
    rows: list[Row] = []
    for motion, at, shift in (("SMB", -600.0, 0.0), ("KA", 10.0, 1.0)):
        for i in range(60):
            size = 5 + shift + g.normal(0, 0.5)
            rows.append((motion, True, "s", at + i, math.exp(3.5 + 0.2 * size), True, math.exp(size), size))
    found = named(made(rows), policy)
    assert found["cycle_ratio"].value == pytest.approx(1.0, abs=1e-6)
    size = found["deal_size_ratio"]
    assert size.value is not None and size.value > 2 and size.p_absent is not None and size.p_absent < 0.001


def test_cost_of_sales_by_hand(policy: Policy) -> None:
    # Ten a month before and twenty since; every month's deals bring 100 (before) and 50 (since): 0.1 and 0.4.
    before = [f"2023-{m:02d}-01" for m in range(1, 13)]
    since = [f"2024-{m:02d}-01" for m in range(1, 13)]
    rows: list[Row] = []
    for motion, months, amount in (("SMB", before, 100.0), ("KA", since, 50.0)):
        for month in months:
            at = float(day_number(dt.date.fromisoformat(month)) - START + 3)
            rows.append((motion, True, "s", at, 30.0, True, amount, 5.0))
            rows.append((motion, True, "s", at, 500.0, True, 1e6, 5.0))  # won too late: no month's
    costs = [(m, 10.0) for m in before] + [(m, 20.0) for m in since]
    found = named(made(rows, costs), policy)["cost_of_sales_ratio"]
    assert found.value == pytest.approx(4.0) and found.n == 24
    # A year and a day after the launch's last month no month of 2025 counts; a quarter earlier fewer do.
    earlier = named(made(rows, costs), policy, dt.date(2025, 9, 30))["cost_of_sales_ratio"]
    assert earlier.value == pytest.approx(4.0) and earlier.n == 21


def test_a_young_programme_is_not_judged_by_its_quick_losses(policy: Policy) -> None:
    rows = deals("SMB", True, -600, 12, 8, 100.0) + deals("KA", True, 500, 0, 20, 150.0) + SMALL
    found = named(made(rows, [("2023-01-01", 5.0)]), policy)
    for name in ("cycle_ratio", "deal_size_ratio", "success_change", "cost_of_sales_ratio"):
        assert found[name].value is None and found[name].p_present is None and found[name].needs == ()


def test_before_the_launch_nothing_is_said(policy: Policy) -> None:
    found = signs(made(SMALL), LAUNCH - dt.timedelta(days=30), policy)
    assert [s.value for s in found] == [None] * 5 and presence(found, 5) == 1.0


@settings(max_examples=15)
@given(st.integers(0, 10**6), st.integers(200, 700))
def test_nothing_is_used_that_was_not_known_on_the_day(seed: int, ago: int) -> None:
    """The signs of a day are those of a company whose records end on it."""
    policy, g = load_policy(), np.random.default_rng(seed)
    rows: list[Row] = []
    for _ in range(300):
        key, at = bool(g.random() < 0.5), float(g.integers(-900, 720))
        took = float(g.integers(1, 400))
        team = "KA" if key and at >= 0 else "SMB"
        ends = None if at + took > 730 else took
        who = f"s{g.integers(6)}"
        rows.append(
            (team, key, who, at, ends, bool(ends and g.random() < 0.5), float(g.uniform(1, 9)), float(g.normal(5, 1)))
        )
    months = [(str(m.date()), 3.0) for m in pd.date_range("2021-09-01", "2025-12-01", freq="MS")]
    whole = made(rows, months)
    cut = LAUNCH + dt.timedelta(days=ago)
    day = day_number(cut)
    then = whole.deals[whole.deals["opened"] <= day].copy()
    later = ~(then["ended"] <= day)
    then.loc[later, "ended"], then.loc[later, "won"] = math.nan, False
    ended = replace(whole, deals=then, months=whole.months[whole.months["ended"] <= day], as_of=day)
    assert signs(whole, cut, policy) == signs(ended, cut, policy)


def test_sellers_by_where_they_came_from(policy: Policy) -> None:
    rows = deals("SMB", False, -800, 6, 0, 20.0, amount=50.0, who="good")
    rows += deals("SMB", False, -800, 6, 0, 20.0, amount=10.0, who="poor")
    rows += deals("SMB", False, -800, 6, 0, 20.0, amount=30.0, who="stayed")
    rows += deals("KA", True, 5, 6, 2, 150.0, who="good") + deals("KA", True, 5, 8, 0, 100.0, who="hired")
    found = frames(made(rows), policy)
    sellers = found["hatching_sellers"].set_index("owner")
    assert sellers["origin"].to_dict() == {"good": "smb_team", "hired": "outside"}
    assert sellers.loc["good", ["past_deals", "standing", "sellers_compared", "followed", "won"]].tolist() == [6, 1.0, 3, 8, 6]  # fmt: skip
    assert sellers.loc["hired", "cycle_days"] == 100 and math.isnan(sellers.loc["hired", "standing"])
    origins = found["hatching_origins"].set_index("origin")
    assert origins.loc["smb_team", "success"] == 0.75 and origins.loc["outside", "success"] == 1.0
    monthly = found["hatching_monthly"]
    share = monthly[monthly["series"] == "hatched_share"]
    drawn = monthly[monthly["segment"] == "KA"].groupby("series")["value"].mean()
    assert drawn["success"] == 14 / 16 and drawn["cycle_days"] == 100
    assert share["value"].tolist() == [0.5] and share["n"].tolist() == [16] and share["after"].all()


TABLES: dict[str, Any] = {
    "teams": "team,motion\nsmb,SMB\nka,KA\nchannel,channel\n",
    "team_months": "team,month,cost,support_cost\nsmb,2022-12-01,1,1\nsmb,2023-01-01,4,1\nka,2025-02-01,7,2\nsmb,2025-02-01,3,\n"
    "ka,2025-03-01,7,2\nsmb,2025-03-01,3,1\nchannel,2025-03-01,9,9\n",
    "accounts": "account_id,segment,employees\nA1,SMB,10\nA2,KA,1000\n",
    "opportunities": "opportunity_id,account_id,team,owner,origin,created_at,closed_at,outcome,amount\n"
    "O1,A1,smb,s,new,2023-02-01,2023-03-01,won,5\nO2,A2,ka,s,renewal,2025-02-01,2025-03-01,won,7\n"
    "O3,A1,channel,p,new,2023-02-01,2023-03-01,won,5\nO4,A1,smb,s,new,2022-12-01,2023-03-01,lost,5\nO5,A2,ka,s,new,2025-02-02,,open,7\n",
}  # fmt: skip
DAYS = {"observed_from": dt.date(2023, 1, 1), "ka_launch": dt.date(2025, 1, 1)}


def test_gathered_are_direct_deals_under_observation(company: Callable[..., Company], policy: Policy) -> None:
    open_now = company(DAYS, **TABLES)
    found = gather(open_now, policy)
    assert found.deals["amount"].tolist() == [5.0, 7.0, 7.0] and found.deals["won"].tolist() == [True, True, False]
    assert found.deals["key"].tolist() == [False, True, True]
    # December 2022 was not under observation; February 2025 lacks one team's cost; partners cost nothing here.
    assert found.months["cost"].tolist() == [5.0, 13.0]
    assert set(found.needs.values()) == {()}
    fewer = gather(open_now, policy.override({"conversion.deals": "without_renewals"}))
    assert len(fewer.deals) == 2


def test_what_is_missing_is_named(company: Callable[..., Company], policy: Policy) -> None:
    found = gather(company(DAYS, **{k: v for k, v in TABLES.items() if k != "team_months"}), policy)
    lacking = {s.name: s.needs for s in signs(found, dt.date(2025, 12, 31), policy)}
    assert lacking["cost_of_sales_ratio"] == ("team_months.cost", "team_months.support_cost")
    assert lacking["cycle_ratio"] == ()
    bare = gather(company(), policy)
    needs = {s.name: s.needs for s in signs(bare, dt.date(2025, 12, 31), policy)}
    assert needs["hatched_share"] == tuple(bare.needs["cycle_ratio"]) == (*FEEDS[:4], FEEDS[5])


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine()


def simulated(engine: Engine, name: str, policy: Policy, manner: Manner | None = None) -> list[Sign]:
    world = load(name)
    if manner is not None:
        world = replace(world, ka_team=manner)
    company = engine.open(world, draw_company(world, 11 + world.history, 1.0))
    return signs(gather(company, policy), world.as_of, policy)


def test_planted_hatching_is_found_and_its_neighbours_are_not(engine: Engine, policy: Policy) -> None:
    assert presence(simulated(engine, "hatching", policy), policy["hatching.signs"]) < 0.05
    for other in ("healthy", "starved_product", "siphon"):
        assert presence(simulated(engine, other, policy), policy["hatching.signs"]) > 0.5, other


def test_hatched_sellers_who_learn_are_no_hatching(engine: Engine, policy: Policy) -> None:
    """The same set-up, and nothing happens: sellers from SMB teams who sell to key accounts as they were sold to before."""
    found = {s.name: s for s in simulated(engine, "hatching", policy, Manner())}
    setup = found["hatched_share"]
    assert setup.p_present is not None and setup.p_present < 0.001
    assert presence(list(found.values()), policy["hatching.signs"]) > 0.05
