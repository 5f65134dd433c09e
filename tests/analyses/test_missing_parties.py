"""The missing-party alarm: references without the customer's own purchases, fallback of thin cells, recall and false alarms by hand."""

import datetime as dt
from collections.abc import Callable

import pandas as pd
import pytest

from kaanalysis.analyses.missing_parties import alarms, measure, reference_flows, references, with_size_band
from kaanalysis.company import Company
from kaanalysis.policy import Policy

Open = Callable[..., Company]
START = dt.date(2024, 1, 1)
STEP = {"flow_id": "F", "role": "owner", "opportunity_id": None, "cluster": None, "category": "crm", "industry": "finance",
        "size_band": "big", "told": True, "outcome": None, "first_day": None}  # fmt: skip


def flow(name: str, roles: list[str], **other: object) -> list[dict[str, object]]:
    return [{**STEP, "flow_id": name, "role": role, **other} for role in roles]


def deal(**other: object) -> pd.DataFrame:
    row = {
        "opportunity_id": "O",
        "cluster": "me",
        "category": "crm",
        "industry": "finance",
        "size_band": "big",
        **other,
    }
    return pd.DataFrame([row])


def test_shares_in_the_cell_without_the_customers_own_flows() -> None:
    """Four interviews in the cell, legal in three; two flows of the customer's own, which have an auditor: they must not count."""
    told = [r for i in range(4) for r in flow(f"F{i}", ["owner", "legal"] if i else ["owner"])]
    own = [
        r
        for i in range(2)
        for r in flow(f"M{i}", ["owner", "auditor"], cluster="me", opportunity_id=f"M{i}", outcome="won")
    ]
    found = references(deal(), pd.DataFrame(told + own), 4)
    assert found[["role", "level", "flows", "share"]].to_numpy().tolist() == [
        ["legal", "cell", 4, 0.75],
        ["owner", "cell", 4, 1.0],
    ]
    other = references(deal(cluster="you"), pd.DataFrame(told + own), 4).set_index("role")["share"]
    assert other.to_dict() == {"auditor": 2 / 6, "legal": 0.5, "owner": 1.0}


def test_thin_cells_fall_back_level_by_level_and_then_say_nothing() -> None:
    flows = [*flow("F1", ["owner"]), *flow("F2", ["legal"], industry="retail"), *flow("F3", ["user"], size_band="small"),
             *flow("F4", ["finance"], category="erp")]  # fmt: skip
    roles = pd.DataFrame(flows)
    levels = [references(deal(), roles, n)["level"].unique().tolist() for n in (1, 2, 3, 4, 5)]
    assert levels == [["cell"], ["category_size"], ["category"], ["all"], []]
    assert references(deal(), roles, 3)["share"].tolist() == [1 / 3] * 3
    # A deal whose size nobody knows has no cell by size.
    assert references(deal(size_band=None), roles, 1)["level"].unique().tolist() == ["category"]


def test_what_counts_as_reference() -> None:
    rows = [*flow("won", ["owner"], opportunity_id="O1", outcome="won"), *flow("lost", ["owner"], opportunity_id="O2", outcome="lost"),
            *flow("told", ["owner"]), *flow("small", ["owner"], size_band="tiny"), *flow("unknown", ["owner"], size_band=None)]  # fmt: skip
    assert reference_flows(pd.DataFrame(rows))["flow_id"].tolist() == ["won", "told", "unknown"]


def test_the_size_of_the_own_flow_then_of_the_group() -> None:
    roles = pd.DataFrame([*flow("a", ["owner"], opportunity_id="O1", cluster="g", size_band="big"),
                          *flow("b", ["owner"], opportunity_id="O3", cluster="g", size_band="big"),
                          *flow("c", ["owner"], opportunity_id="O4", cluster="g", size_band="mid")])  # fmt: skip
    rows = pd.DataFrame({"opportunity_id": ["O4", "O9", "O8"], "cluster": ["g", "g", "h"]})
    assert with_size_band(rows, roles)["size_band"].fillna("?").tolist() == ["mid", "big", "?"]


def test_the_alarm_goes_off_for_roles_unmet_whose_step_is_not_done() -> None:
    expected = pd.DataFrame({"opportunity_id": "O", "role": ["met", "late", "never", "acted", "rare", "unknown"], "level": "all",
                             "flows": 9, "share": [1, 1, 1, 1, 0.4, 0.5]})  # fmt: skip
    meetings = pd.DataFrame(
        {"opportunity_id": "O", "role": ["met", "late", "never", "acted"], "met_day": [10, 31, None, None]}
    )
    roles = pd.DataFrame(
        flow("O", ["acted"], opportunity_id="O", first_day=30) + flow("O", ["never"], opportunity_id="O", first_day=60)
    )
    found = alarms(expected, pd.Series({"O": 30}), meetings, roles, 0.5)
    assert found[["role", "known"]].to_numpy().tolist() == [["late", True], ["never", True], ["unknown", False]]
    assert alarms(expected, pd.Series({"X": 30}), meetings, roles, 0.5).empty


def company_of(company: Open, count: int) -> Company:
    """`count` closed won deals of as many customers, opened alike. Every purchase: user (day 5), legal (day 60), owner (day 80). Legal is met
    in time in every other deal, the owner never. Every fourth purchase has no legal at all, nor anybody with that role on record. One
    open deal of 200 days with nobody but a user."""
    accounts, deals, steps, people = "account_id,segment,industry,name\n", [], [], []
    for i in range(count + 1):
        name, is_open = f"D{i:02d}", i == count
        opened = dt.date(2025, 12, 31) - dt.timedelta(days=200) if is_open else START
        accounts += f"A{i},KA,finance,Company {i}\n"
        deals.append({"opportunity_id": name, "account_id": f"A{i}", "category": "crm", "created_at": opened,
                      "outcome": "open" if is_open else "won", "closed_at": None if is_open else opened + dt.timedelta(days=90)})  # fmt: skip
        has_legal = i % 4 != 3
        for role, day in (("user", 5), ("legal", 60), ("owner", 80)):
            if (role == "legal" and not has_legal) or (is_open and role != "user"):
                continue
            steps.append({"flow_id": name, "opportunity_id": name, "step": f"{role} step", "part": "approve", "role": role,
                          "at": opened + dt.timedelta(days=day), "size_band": "big"})  # fmt: skip
            met = {"user": 1, "legal": 10 if i % 2 == 0 else None, "owner": None}[role]
            people.append({"opportunity_id": name, "person_id": f"{name}{role}", "role": role, "part": "approve",
                           "engaged_at": None if met is None else opened + dt.timedelta(days=met)})  # fmt: skip
    return company(accounts=accounts, opportunities=deals, buying_steps=steps, stakeholders=people)


def test_recall_false_alarms_and_the_open_deal_by_hand(company: Open, policy: Policy) -> None:
    """16 deals. Roles unmet at day 30 that took part later: 16 owners, and legal in the four deals (1, 5, 9, 13) where it was not met in time;
    all are alarmed, since legal is in 12 of 16 purchases. Alarmed in all: these 20 and legal in the four that have none: 4 of 24 false.
    Warning: (16 · 50 + 4 · 30) / 20 = 46 days."""
    numbers, frames = measure(company_of(company, 16), policy)
    value = {n.name: (n.value, n.n) for n in numbers}
    assert value["alarm_recall"] == (1.0, 20)
    assert value["alarm_false"] == (pytest.approx(4 / 24), 24)
    assert value["alarm_lead_days"] == (pytest.approx(46), 20)
    assert value["parties_missing"] == (2, 1)
    missing = frames["missing_parties"]
    assert missing[["opportunity_id", "name", "role", "known", "level", "flows", "days"]].to_numpy().tolist() == [
        ["D16", "Company 16", "owner", False, "cell", 16, 200], ["D16", "Company 16", "legal", False, "cell", 16, 200],
    ]  # fmt: skip
    assert missing["share"].tolist() == [1.0, 0.75]
    by_role = frames["alarm_by_role"].set_index("role")
    assert by_role.loc["legal"].tolist() == [4, 4, 8, 4] and by_role.loc["owner"].tolist() == [16, 16, 16, 0]


def test_a_role_below_the_share_is_missed_and_that_is_measured(company: Open, policy: Policy) -> None:
    numbers, _ = measure(company_of(company, 16), policy.override({"alarm.reference_share": 0.9}))
    value = {n.name: (n.value, n.n) for n in numbers}
    assert value["alarm_recall"] == (pytest.approx(16 / 20), 20) and value["alarm_false"] == (0, 16)


def test_no_quality_is_claimed_where_too_little_was_seen(company: Open, policy: Policy) -> None:
    numbers, frames = measure(company_of(company, 6), policy.override({"evidence.minimum_units": 20}))
    value = {n.name: n.value for n in numbers}
    assert value["alarm_recall"] is None and value["alarm_false"] is None and "alarm_lead_days" not in value
    assert len(frames["missing_parties"]) == 2, "the list itself needs no measured quality"
    # Five purchases of others are the least that makes a reference; of five in all each has four.
    assert {n.name: n.n for n in measure(company_of(company, 5), policy)[0]}["alarm_recall"] == 0


def test_without_meetings_roles_or_dates_there_is_no_alarm(company: Open, policy: Policy) -> None:
    assert measure(company(), policy) == ([], {})
    bare = company(stakeholders="opportunity_id,person_id,role,part\nO1,p,owner,approve\n")
    assert measure(bare, policy) == ([], {})
