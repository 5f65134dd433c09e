"""Buying steps beside what the seller did, on a company of a few rows, all times by hand."""

import datetime as dt
from collections.abc import Callable

import pandas as pd

from kaanalysis import aggregates
from kaanalysis.company import Company
from kaanalysis.policy import Policy

Open = Callable[..., Company]
ACCOUNTS = "account_id,segment\nA1,KA\nA2,KA\nA3,SMB\n"
DEALS = (
    "opportunity_id,account_id,owner,outcome,amount,created_at,closed_at\n"
    "O1,A1,ann,won,100,2025-01-01,2025-03-01\nO2,A2,bob,open,50,2025-05-01,\nO3,A3,ann,won,9,2025-01-01,2025-01-20\n"
)
STEPS = (
    "flow_id,step,part,department,role,person_id,opportunity_id,started_at,at,source\n"
    "F1,budget,inform,fin,finance,P1,O1,2025-01-02,2025-01-05,log\n"
    "F1,budget,approve,board,finance,P1,O1,2025-01-10T08:00:00,2025-01-12T09:30:00,log\n"
    "F1,legal check,approve,legal,legal,,O1,,2025-02-01,\n"
    "F1,sign,approve,,,P9,O1,2025-02-20,2025-03-01,log\n"
    "F2,budget,approve,fin,finance,,O2,2025-05-02,2025-05-09,log\n"
    "F3,budget,approve,fin,finance,,O3,2025-01-02,2025-01-09,log\n"
    "F9,budget,approve,fin,finance,,,,,interview\n"
)
PEOPLE = (
    "opportunity_id,person_id,role,part,engaged_at\n"
    "O1,P1,finance,approve,2025-01-11\nO1,P2,finance,inform,2025-01-04\nO1,P2,legal,approve,2025-01-04\nO2,P1,finance,approve,\n"
    "O1,P5,user,inform,2025-01-03\n"
)
DONE = (
    "opportunity_id,at,action,person_id\nO1,2025-01-08T10:00:00,call,P2\nO1,2025-02-20,visit,P2\nO1,2025-01-15,call,P1\n"
    "O1,2025-02-25,call,P9\nO1,2025-02-26,demo,P5\nO1,2025-02-27,demo,\nO3,2025-01-03,call,P1\n"
)
STAGES = "opportunity_id,stage,entered_at\nO1,lead,2025-01-01\nO1,budget,2025-01-20\nO1,budget,2025-01-14\nO3,lead,2025-01-01\n"


def us(*when: int) -> int:
    moment = dt.datetime(*when, tzinfo=dt.UTC)  # type: ignore[arg-type]
    return int(moment.timestamp()) * 1_000_000


def opened(company: Open, **tables: str) -> Company:
    return company(accounts=ACCOUNTS, opportunities=DEALS, buying_steps=STEPS, **tables)


def test_a_row_per_deal_step_and_role_over_all_rounds(company: Open, policy: Policy) -> None:
    """Interviews and small customers are no rows; the last round says part and department; a role nobody wrote down is a row of its own,
    reached through who took the step; P2 holds two roles and counts for both."""
    made = opened(company, stakeholders=PEOPLE, activities=DONE, stage_history=STAGES)
    frame = aggregates.steps_and_selling(made, policy)
    assert frame[["opportunity_id", "step"]].to_numpy().tolist() == [
        ["O1", "budget"], ["O1", "legal check"], ["O1", "sign"], ["O2", "budget"],
    ]  # fmt: skip
    budget, legal, sign, other = (row for _, row in frame.iterrows())
    assert (budget["rounds"], budget["part"], budget["department"]) == (2, "approve", "board")
    assert (budget["begin_us"], budget["end_us"]) == (us(2025, 1, 2), us(2025, 1, 12, 9, 30))
    assert (budget["persons"], budget["activities"]) == (2, 3)
    assert (budget["first_activity_us"], budget["last_activity_us"]) == (us(2025, 1, 8, 10), us(2025, 2, 20))
    assert (budget["engaged_us"], budget["stage_us"]) == (us(2025, 1, 4), us(2025, 1, 14))
    assert (legal["begin_us"], legal["end_us"]) == (us(2025, 2, 1), us(2025, 2, 1))
    assert (legal["persons"], legal["activities"], legal["first_activity_us"]) == (1, 2, us(2025, 1, 8, 10))
    assert pd.isna(sign["role"]) and sign["persons"] == 1 and sign["first_activity_us"] == us(2025, 2, 25)
    assert pd.isna(sign["engaged_us"]) and pd.isna(sign["stage_us"])
    assert other["persons"] == 1 and other[["activities", "engaged_us", "stage_us", "closed"]].isna().all()
    assert budget["closed"] - budget["opened"] == 59 and (budget["owner"], budget["outcome"]) == ("ann", "won")


def test_without_the_sellers_tables_only_who_took_the_step_is_known(company: Open, policy: Policy) -> None:
    frame = aggregates.steps_and_selling(opened(company), policy).set_index(["opportunity_id", "step"])
    assert frame["persons"].fillna(0).tolist() == [1, 0, 1, 0]
    seller = ["activities", "first_activity_us", "last_activity_us", "engaged_us", "stage_us"]
    assert frame[seller].isna().all().all()


def test_stages_in_order_ties_as_in_the_table(company: Open, policy: Policy) -> None:
    rows = STAGES + "O3,quote,2025-01-05\nO3,demo,2025-01-05\n"
    frame = aggregates.stage_sequences(opened(company, stage_history=rows), policy)
    assert frame[["opportunity_id", "place", "stage", "owner", "outcome"]].to_numpy().tolist() == [
        ["O3", 0, "lead", "ann", "won"], ["O3", 1, "quote", "ann", "won"], ["O3", 2, "demo", "ann", "won"],
    ]  # fmt: skip
    assert frame["entered_us"].tolist() == [us(2025, 1, 1), us(2025, 1, 5), us(2025, 1, 5)]
    assert aggregates.stage_sequences(opened(company, stage_history=rows), policy, "KA")["stage"].tolist() == [
        "lead", "budget", "budget",
    ]  # fmt: skip
