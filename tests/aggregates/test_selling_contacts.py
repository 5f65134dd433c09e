"""Steps reached, parties met and steps of selling of key-account deals, counted by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kaanalysis.aggregates import parties_contacted, selling_steps, steps_reached
from kaanalysis.company import Company
from kaanalysis.policy import Policy

Open = Callable[..., Company]


@pytest.fixture
def sold(company: Open) -> Company:
    return company(
        accounts="account_id,segment\nK,KA\nT,SMB\n",
        opportunities="opportunity_id,account_id,owner,created_at,closed_at,outcome\nd,K,s,2025-01-01,2025-03-01,won\ne,T,s,2025-01-01,2025-03-01,won\n",
        buying_steps="flow_id,step,part,at,opportunity_id\nf,a,do,2025-02-01,d\nf,a,do,2025-02-03,d\nf,b,do,,d\ng,a,do,2025-02-01,e\n",
        stage_history="opportunity_id,stage,entered_at\nd,a,2025-02-02\nd,c,2025-02-05\nd,own,2025-01-05\ne,own,2025-01-05\n",
        stakeholders="opportunity_id,person_id,department,role,part\nd,p,x,user,approve\nd,p,x,finance,approve\nd,q,y,legal,approve\ne,p,x,user,approve\n",
        activities="opportunity_id,at,action,person_id\nd,2025-01-05,call,p\nd,2025-01-06,call,p\nd,2025-01-06,demo,\nd,2025-01-07,call,z\ne,2025-01-05,call,p\n",
    )  # fmt: skip


def test_a_step_is_reached_by_the_log_or_by_a_stage_of_its_name(sold: Company, policy: Policy) -> None:
    frame = steps_reached(sold, policy, ["a", "b", "c"])
    assert frame[["opportunity_id", "step", "stage"]].values.tolist() == [
        ["d", "a", True],
        ["d", "b", False],
        ["d", "c", True],
    ]
    day = 86_400_000_000
    assert frame["at"].iloc[0] == 20122 * day and frame["at"].isna().tolist() == [False, True, False]
    assert frame[["owner", "account", "outcome"]].iloc[0].tolist() == ["s", "K", "won"]
    assert steps_reached(sold, policy, []).empty


def test_an_activity_counts_for_every_role_of_the_person_and_for_none_where_nobody_is_named(
    sold: Company, policy: Policy
) -> None:
    frame = parties_contacted(sold, policy)
    assert frame.values.tolist() == [["d", "finance", "x", 2], ["d", "user", "x", 2]]


def test_the_day_of_a_first_meeting_is_a_contact_unless_activities_alone_are_read(
    company: Open, policy: Policy
) -> None:
    opened = company(
        accounts="account_id,segment\nK,KA\n", opportunities="opportunity_id,account_id,outcome\nd,K,open\n",
        stakeholders="opportunity_id,person_id,department,role,part,engaged_at\nd,p,x,user,approve,\nd,q,y,legal,approve,2025-01-05\n",
        activities="opportunity_id,at,action,person_id\nd,2025-01-05,call,p\n",
    )  # fmt: skip
    assert parties_contacted(opened, policy).values.tolist() == [["d", "legal", "y", 1], ["d", "user", "x", 1]]
    alone = policy.override({"alignment.reading": "activities"})
    assert parties_contacted(opened, alone).values.tolist() == [["d", "user", "x", 1]]


def test_what_selling_does_is_counted_in_key_accounts_alone(sold: Company, policy: Policy) -> None:
    frame = selling_steps(sold, policy)
    assert frame.values.tolist() == [["stage", "a", 1, 1], ["stage", "c", 1, 1], ["stage", "own", 1, 1],
                                     ["activity", "call", 3, 1], ["activity", "demo", 1, 1]]  # fmt: skip


def test_without_the_tables_there_is_nothing(company: Open, policy: Policy) -> None:
    bare = company(accounts="account_id,segment\nK,KA\n", opportunities="opportunity_id,account_id,outcome\nd,K,open\n")
    assert steps_reached(bare, policy, ["a"]).empty and selling_steps(bare, policy).empty
