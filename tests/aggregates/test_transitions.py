"""The transitions table on logs of a few rows: order, ties, kinds, repeats, working time."""

import datetime as dt
from collections.abc import Callable

import pytest

from kaanalysis import aggregates
from kaanalysis.company import Company
from kaanalysis.policy import Policy

Open = Callable[..., Company]
ACCOUNTS = "account_id,segment,parent_account_id\nA1,SMB,\nA2,KA,\nA3,KA,A2\n"
DEALS = "opportunity_id,account_id,outcome,closed_at\nO1,A3,open,\nO2,A1,lost,2025-03-01\n"
STEPS = "flow_id,step,part,role,department,category,opportunity_id,step_no,at,source\n"
HOUR = 3_600_000_000


def table(opened: Company, policy: Policy):
    """The moves with names in place of numbers, one row per event in order."""
    process = aggregates.transitions(opened, policy)
    flows = process.flows.execute().set_index("flow")
    moves = process.moves.order_by(["flow", "place"]).execute()
    moves["next"] = [None if n != n else process.steps[int(n)] for n in moves["next_step"]]
    moves["step"], moves["party"] = process.steps[moves["step"]], process.parties[moves["party"]]
    moves["kind"] = process.kinds[moves["kind"]]
    moves["flow_id"] = moves["flow"].map(flows["flow_id"])
    return process, flows, moves


def records(frame, *columns: str) -> list[tuple]:
    picked = frame[list(columns)].astype(object)
    return [tuple(row) for row in picked.where(picked.notna(), None).to_numpy()]


def test_ties_are_broken_by_step_number_then_by_row(company: Open, policy: Policy) -> None:
    opened = company(accounts=ACCOUNTS, opportunities=DEALS, buying_steps=STEPS + (
        "F,c,do,r,,,O1,3,2025-01-02,log\nF,b,do,r,,,O1,2,2025-01-02,log\nF,a,do,r,,,O1,9,2025-01-01,\n"
        "G,y,do,r,,crm,,,2025-01-01T10:00:00.7,log\nG,x,do,r,,crm,,,2025-01-01T10:00:00.7,log\nG,z,do,r,,crm,,,2025-01-01T10:00:01.2,log\n"
        "H,told,do,r,,crm,,1,2025-01-01,interview\nI,alone,do,,,,,1,2025-01-01,log\nI,timeless,do,,,,,1,,log\n"
    ))  # fmt: skip
    _, _, moves = table(opened, policy)
    assert records(moves, "flow_id", "kind", "step", "next", "place") == [
        ("F", "KA", "a", "b", 0), ("F", "KA", "b", "c", 1), ("F", "KA", "c", None, 2),
        ("G", "crm", "y", "x", 0), ("G", "crm", "x", "z", 1), ("G", "crm", "z", None, 2),
        ("I", "all", "alone", None, 0),
    ]  # fmt: skip
    at = dict(zip(moves["step"], moves["at_us"], strict=True))
    epoch = int((dt.datetime(2025, 1, 1, 10) - dt.datetime(1970, 1, 1)).total_seconds()) * 10**6
    # Microseconds to the last one, also where the fraction of a second is above a half.
    assert (at["y"], at["x"], at["z"]) == (epoch + 700_000, epoch + 700_000, epoch + 1_200_000)


def test_a_flow_has_one_kind_whatever_its_steps_carry(company: Open, policy: Policy) -> None:
    # O1 belongs to a key account's daughter: the group is the cluster. Only one step of F names the deal.
    opened = company(accounts=ACCOUNTS, opportunities=DEALS, buying_steps=STEPS + (
        "F,a,do,r,,expense,,1,2025-01-01,log\nF,b,do,r,,crm,O1,2,2025-01-02,log\n"
        "G,a,do,r,,,O2,1,2025-01-01,log\nH,a,do,r,,crm,,1,2025-01-01,log\nH,b,do,r,,expense,,2,2025-01-01,log\n"
    ))  # fmt: skip
    _, flows, moves = table(opened, policy)
    assert records(moves, "flow_id", "kind") == [("F", "KA")] * 2 + [("G", "SMB")] + [("H", "crm")] * 2
    assert records(flows.sort_index(), "flow_id", "cluster", "closed") == [
        ("F", "A2", False), ("G", "A1", True), ("H", "flow H", False)]  # fmt: skip


def test_party_is_the_role_else_the_department_and_actors_keep_both(company: Open, policy: Policy) -> None:
    opened = company(buying_steps=STEPS + (
        "F,a,do,CFO,finance,,,1,2025-01-01,log\nF,b,do,,finance,,,2,2025-01-02,log\nF,c,do,,,,,3,2025-01-03,log\n"
    ))  # fmt: skip
    process, _, moves = table(opened, policy)
    assert moves["party"].tolist() == ["CFO", "finance", "?"]
    actors = process.actors.iloc[moves["actor"]]
    assert records(actors, "role", "department") == [("CFO", "finance"), ("", "finance"), ("", "")]


def test_steps_that_come_again_are_kept_with_the_time_since_the_first(company: Open, policy: Policy) -> None:
    opened = company(buying_steps=STEPS + "".join(
        f"F,{step},do,r,,,,{i},2025-01-0{i},log\n" for i, step in enumerate("abaab", 1)))  # fmt: skip
    process, _, _ = table(opened, policy)
    repeats = process.repeats.order_by("place").execute()
    assert repeats["place"].tolist() == [2, 3, 4] and process.steps[repeats["step"]].tolist() == ["a", "a", "b"]
    assert (repeats["since_us"] / (24 * HOUR)).tolist() == [2, 3, 3]


@pytest.mark.parametrize(("calendar", "working"), [
    # Friday 2024-02-09 12:00 to Monday 2024-02-19 12:00, New Year 10 to 17 February, Sunday 18 worked in exchange.
    ("CN", 0.5 + 1 + 0.5), ("none", 0.5 + 5 + 0.5), ("US", 0.5 + 5 + 0.0),  # Presidents' Day is Monday 19
])  # fmt: skip
def test_working_time_of_a_wait_by_hand(company: Open, policy: Policy, calendar: str, working: float) -> None:
    opened = company(
        buying_steps=STEPS + "F,a,do,r,,,,1,2024-02-09T12:00:00,log\nF,b,do,r,,,,2,2024-02-19T12:00:00,log\n"
    )
    process, _, moves = table(opened, policy.override({"process.calendar": calendar}))
    assert moves["work_us"].iloc[0] / (24 * HOUR) == working
    assert moves["wait_us"].iloc[0] / (24 * HOUR) == 10 and process.unknown_days == 0


def test_days_that_the_calendar_does_not_know_are_counted_not_guessed(company: Open, policy: Policy) -> None:
    # China's make-up days are known from 2001 on.
    opened = company(buying_steps=STEPS + (
        "F,a,do,r,,,,1,1999-12-30,log\nF,b,do,r,,,,2,2001-01-08,log\nF,c,do,r,,,,3,2001-01-09,log\n"
    ))  # fmt: skip
    process, _, moves = table(opened, policy.override({"process.calendar": "CN"}))
    assert process.unknown_days == 1
    assert moves["work_us"].isna().tolist() == [True, False, True] and moves["work_us"].iloc[1] == 24 * HOUR
    every, _, _ = table(opened, policy.override({"process.calendar": "none"}))
    assert every.unknown_days == 0


def test_a_log_without_a_single_time_gives_an_empty_table(company: Open, policy: Policy) -> None:
    process, _, moves = table(company(buying_steps=STEPS + "F,a,do,r,,,,1,,log\n"), policy)
    assert not len(moves) and not len(process.kinds)
