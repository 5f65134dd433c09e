"""M-2.5: a limit by hand, no limit, a gradual rise, survivorship, repeats, groups, days, recorded limits; and the verdict's borders."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaanalysis.analyses.authority import find, finished, judge, roundest
from kaanalysis.company import Company, open_company
from kaanalysis.paths import workbook_file
from kaanalysis.policy import Policy, load_policy
from kaanalysis.results import Number

Open = Callable[..., Company]
Row = dict[str, Any]


def flows(
    amounts: list[float],
    extra: Callable[[int, float], bool],
    *,
    segment: str = "KA",
    outcome: Callable[[int, float], str] = lambda i, a: "won",
    repeat: bool = False,
    own: bool = True,
) -> tuple[list[Row], list[Row], list[Row]]:
    """Accounts, deals and steps: "need" (do), "budget" and "contract" (approve), and "memo" (approve, ten days) where `extra`."""
    accounts, deals, steps = [], [], []
    for i, amount in enumerate(amounts):
        account, deal = f"{segment}{i if own else i // 2}", f"O{segment}{i}"
        if not any(a["account_id"] == account for a in accounts):
            accounts.append({"account_id": account, "segment": segment})
        ended = outcome(i, amount)
        closed = "" if ended == "open" else "2025-06-01"
        deals.append({"opportunity_id": deal, "account_id": account, "outcome": ended, "created_at": "2025-01-01", "closed_at": closed, "amount": amount})  # fmt: skip
        names = [
            "need",
            "budget",
            *(["budget"] if repeat and i % 2 else []),
            *(["memo"] if extra(i, amount) else []),
            "contract",
        ]
        if ended != "won":  # it ended before anything dear was asked
            names = names[:2]
        day = np.datetime64("2025-01-01")
        for number, name in enumerate(names):
            began, day = day, day + np.timedelta64(10 if name == "memo" else 5 + i % 3, "D")
            steps.append({
                "flow_id": deal, "step": name, "part": "do" if name == "need" else "approve", "department": "ops", "category": "crm",
                "opportunity_id": deal, "step_no": number, "at": str(day), "started_at": str(began), "amount": amount,
                "authority_limit": 1000.0 if name == "memo" else None, "source": "log",
            })  # fmt: skip
    return accounts, deals, steps


def made(company: Open, *parts: tuple[list[Row], list[Row], list[Row]]) -> Company:
    accounts, deals, steps = ([row for p in parts for row in p[k]] for k in range(3))
    return company(accounts=accounts, opportunities=deals, buying_steps=steps)


AMOUNTS = [100.0 * (i + 1) for i in range(20)]  # 100 … 2,000


def test_a_limit_by_hand(company: Open, policy: Policy) -> None:
    """One memo more above 1,000: the limit lies between 1,000 and 1,100, in the middle of their logarithms."""
    found, frames = find(made(company, flows(AMOUNTS, lambda i, a: a > 1000)), policy)
    assert (found.state, found.reason, found.terms) == ("supported", "limit_supported_days", {"step": "memo"})
    limit = found.number("authority_limit", "KA")
    assert limit is not None and limit.value == pytest.approx(np.sqrt(1000 * 1100))
    assert (limit.low, limit.high) == pytest.approx((1000, 1100))
    assert found.number("limit_round", "KA").value == 1000  # type: ignore[union-attr]
    assert found.number("limit_approvals", "KA").value == 1  # type: ignore[union-attr]
    assert found.number("limit_step_days", "KA").value == 10  # type: ignore[union-attr]
    assert found.number("limit_recorded_share", "KA").value == 1  # type: ignore[union-attr]
    steps = frames["authority_steps"].set_index("step")
    assert list(steps.index[steps["added"]]) == ["memo"]
    assert (steps.loc["memo", "below"], steps.loc["memo", "above"]) == (0, 1)
    assert frames["authority_fits"].loc[0, ["flows", "finished", "placed", "below", "above"]].tolist() == [
        20,
        20,
        20,
        2,
        3,
    ]


def test_days_are_those_of_the_flows_around_the_limit(company: Open, policy: Policy) -> None:
    """Within half and twice the limit of 1,049: 600 … 1,000 below, 1,100 … 2,000 above. Three steps of 5 + i % 3 days, or four with ten more."""
    found, frames = find(made(company, flows(AMOUNTS, lambda i, a: a > 1000)), policy)
    days = [3 * (5 + i % 3) + (10 if a > 1000 else 0) for i, a in enumerate(AMOUNTS)]
    assert frames["authority_flows"].sort_values("amount")["days"].tolist() == days
    assert found.number("limit_days", "KA").value == pytest.approx(np.mean(days[10:]) - np.mean(days[5:10]))  # type: ignore[union-attr]
    assert found.number("limit_days", "KA").n == 15  # type: ignore[union-attr]


def test_flows_that_ended_early_do_not_count(company: Open, policy: Policy) -> None:
    """Without a limit, but dear purchases fail before their approvals: counted over all flows, the number would fall with the amount; and with
    a limit, failures above it would hide the memo."""
    lost = flows([a + 7 for a in AMOUNTS], lambda i, a: a > 1000, outcome=lambda i, a: "lost")
    there = flows(AMOUNTS, lambda i, a: a > 1000)
    for part in range(3):  # the same accounts, other deals
        for row in lost[part]:
            for key in ("opportunity_id", "flow_id"):
                if key in row:
                    row[key] = "L" + row[key]
    both = (there[0], there[1] + lost[1], there[2] + lost[2])
    found, frames = find(made(company, both), policy)
    assert found.state == "supported"
    assert frames["authority_fits"].loc[0, ["flows", "finished"]].tolist() == [40, 20]
    assert found.number("limit_approvals", "KA").value == 1  # type: ignore[union-attr]


def test_a_round_that_is_repeated_adds_no_approval(company: Open, policy: Policy) -> None:
    _, frames = find(made(company, flows(AMOUNTS, lambda i, a: False, repeat=True)), policy)
    assert frames["authority_flows"]["approvals"].unique().tolist() == [2]


def test_approvals_that_never_differ_leave_it_open(company: Open, policy: Policy) -> None:
    """Nothing varies: no test, no band, no verdict, and numbers that say so."""
    found, frames = find(made(company, flows(AMOUNTS, lambda i, a: False)), policy)
    assert (found.state, found.reason) == ("undecided", "limit_undecided")
    assert found.number("limit_p_value", "KA").value is None  # type: ignore[union-attr]
    assert found.number("authority_limit") is None and "authority_steps" not in frames


def test_an_approval_that_has_nothing_to_do_with_the_amount_excludes_a_limit_where_there_are_many(
    company: Open, policy: Policy
) -> None:
    many = [100.0 + 10 * i for i in range(240)]
    found, _ = find(made(company, flows(many, lambda i, a: i % 4 == 0)), policy)
    assert (found.state, found.reason) == ("contradicted", "limit_contradicted")
    few, _ = find(made(company, flows(many[:16], lambda i, a: i in (2, 9, 13, 14))), policy)
    assert few.state == "undecided", "absence of power is no absence of a limit"


def test_a_limit_of_each_customer_s_own_is_called_gradual(company: Open, policy: Policy) -> None:
    g = np.random.default_rng(4)
    amounts = np.exp(g.uniform(np.log(100), np.log(10_000), 160)).round(2)
    limits = np.exp(g.uniform(np.log(120), np.log(9_000), 160))
    found, _ = find(made(company, flows(list(amounts), lambda i, a: a > limits[i])), policy)
    assert (found.state, found.reason) == ("undecided", "limit_gradual")
    assert found.number("limit_p_value", "KA").value < 0.05  # type: ignore[union-attr, operator]


def test_small_customers_are_asked_apart(company: Open, policy: Policy) -> None:
    """Together they would show a limit between the two sizes: dear purchases are those of key accounts, which approve more."""
    small = flows([a / 100 for a in AMOUNTS], lambda i, a: i % 5 == 0, segment="SMB")
    large = flows(AMOUNTS, lambda i, a: i % 5 != 0)
    found, frames = find(made(company, small, large), policy)
    assert found.state != "supported"
    assert list(frames["authority_fits"]["segment"]) == ["SMB", "KA"]
    assert {n.segment for n in found.numbers if n.name == "limit_p_value"} == {"SMB", "KA"}


def test_groups_are_adjusted_for_how_many_are_asked(company: Open, policy: Policy) -> None:
    one = flows(AMOUNTS, lambda i, a: a > 1000)
    for row in one[2]:
        row["category"] = "crm" if int(row["flow_id"][3:]) % 2 else "expense"
    _, frames = find(made(company, one), policy)
    groups = frames["authority_groups"].set_index(["dimension", "value"])
    assert set(groups.index) == {("category", "crm"), ("category", "expense"), ("department", "ops")}
    assert (groups["p_adjusted"] >= groups["p_value"]).all()
    assert groups.loc[("department", "ops"), "exists"]


def test_recorded_limits_that_differ_do_not_agree(company: Open, policy: Policy) -> None:
    one = flows(AMOUNTS, lambda i, a: a > 1000)
    for row in one[2]:
        if row["authority_limit"] and int(row["flow_id"][3:]) >= 15:
            row["authority_limit"] = 400.0
    found, frames = find(made(company, one), policy)
    assert found.number("limit_recorded_share", "KA").value == 0.5  # type: ignore[union-attr]
    assert frames["authority_recorded"].set_index("recorded_limit")["within"].to_dict() == {400.0: False, 1000.0: True}


def test_a_log_without_deals_is_asked_by_kind_of_purchase(company: Open, policy: Policy) -> None:
    """Finished are flows that end as most do; a rejection ends the others. Without segments there is no verdict."""
    steps = []
    for row in flows(AMOUNTS, lambda i, a: a > 1000)[2]:
        rejected = int(row["flow_id"][3:]) == 19 and row["step"] == "contract"
        steps.append(row | {"opportunity_id": None, "source": None, "step": "rejected" if rejected else row["step"]})
    found, frames = find(company(buying_steps=steps), policy)
    assert (found.state, found.reason) == ("no_data", "no_segments")
    assert found.number("authority_limit", "crm").value == pytest.approx(np.sqrt(1000 * 1100))  # type: ignore[union-attr]
    assert found.number("authority_limit", "crm").n == 19  # type: ignore[union-attr]
    assert set(frames["authority_groups"]["segment"]) == {"all"}


def test_finished_by_hand() -> None:
    nan = np.nan
    table = pd.DataFrame({
        "outcome": ["won", "lost", "open", nan, nan, nan, nan], "source": ["log", "log", "log", "interview", nan, nan, nan],
        "category": ["a"] * 7, "last_step": ["x", "paid", "y", "told", "paid", "paid", "rejected"],
    })  # fmt: skip
    assert finished(table).tolist() == [True, False, False, True, True, True, False]


def test_missing_amounts_are_named(company: Open, policy: Policy) -> None:
    one = flows(AMOUNTS, lambda i, a: a > 1000)
    for row in one[1] + one[2]:
        row.pop("amount")
    found, frames = find(made(company, one), policy)
    assert (found.state, found.needs, frames) == ("no_data", ("buying_steps.amount|opportunities.amount",), {})


def test_the_amount_of_the_deal_stands_in_for_that_of_the_step(company: Open, policy: Policy) -> None:
    one = flows(AMOUNTS, lambda i, a: a > 1000)
    for row in one[2]:
        row.pop("amount")
    assert find(made(company, one), policy)[0].state == "supported"


@pytest.mark.parametrize(("low", "high", "wanted"), [
    (296_556, 307_107, 300_000), (48_000, 52_500, 50_000), (1_000, 1_100, 1_000), (123, 128, 125), (0.21, 0.29, 0.25), (960, 1_040, 1_000),
])  # fmt: skip
def test_the_roundest_amount(low: float, high: float, wanted: float) -> None:
    assert roundest(low, high) == pytest.approx(wanted)


@given(st.floats(1, 1e9), st.floats(1.0001, 3))
def test_the_roundest_amount_lies_within(low: float, factor: float) -> None:
    assert low * (1 - 1e-6) <= roundest(low, low * factor) <= low * factor * (1 + 1e-6)


@pytest.mark.parametrize(("jump", "added", "sharp", "state"), [
    (1.5, 1.0, 0.9, "supported"), (1.5, 1.0, 0.4, "undecided"), (1.5, 0.4, 0.9, "undecided"), (0.49, 0.4, 0.9, "contradicted"),
    (1.5, None, None, "undecided"), (None, None, None, "undecided"),
])  # fmt: skip
def test_the_verdict_around_its_borders(
    jump: float | None, added: float | None, sharp: float | None, state: str, policy: Policy
) -> None:
    numbers = [Number("limit_jump", "KA", 0.3, -1.0, jump, 0.95, 50, "approvals", "m"), Number("limit_p_value", "KA", 0.01, None, None, None, 50, "probability", "m")]  # fmt: skip
    if added is not None:
        numbers += [Number("authority_limit", "KA", 100.0, 90.0, 110.0, 0.95, 50, "CNY", "m"),
                    Number("limit_approvals", "KA", added, None, None, 0.95, 50, "approvals", "m"),
                    Number("limit_sharpness", "KA", sharp, None, None, None, 50, "index", "m")]  # fmt: skip
    assert judge(numbers, "KA", 50, policy)[0].state == state
    assert judge(numbers, "KA", 9, policy)[0].reason == "too_few"


def test_the_demo_s_planted_limit_is_found_in_key_accounts_and_none_in_small_ones() -> None:
    """data/companies/healthy.toml: 300,000 with a board memo above it; small customers have none."""
    found, frames = find(open_company(workbook_file("data/demo")), load_policy())
    assert (found.state, found.terms) == ("supported", {"step": "board memo"})
    limit = found.number("authority_limit", "KA")
    assert limit is not None and limit.low < 300_000 < limit.high  # type: ignore[operator]
    assert found.number("limit_round", "KA").value == 300_000  # type: ignore[union-attr]
    assert found.number("limit_p_value", "SMB").value > 0.05  # type: ignore[union-attr, operator]
    assert np.isnan(frames["authority_fits"].set_index("segment").loc["SMB", "limit"])
