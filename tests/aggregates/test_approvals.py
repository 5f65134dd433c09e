"""Approvals, told accounts and stances of a company of a few rows, all numbers by hand."""

from collections.abc import Callable

from company_files import FOUR_ACCOUNTS, deal_rows, records

from kaanalysis import aggregates
from kaanalysis.company import Company
from kaanalysis.policy import Policy

Open = Callable[..., Company]
STEPS = "flow_id,step,part,department,role,opportunity_id,category,step_no,at,started_at,days,amount,authority_limit,source\n"


def test_approvals_by_flow_and_in_it(company: Open, policy: Policy) -> None:
    """A round that is repeated adds no approval; days run from the first beginning to the last step; the deal's amount stands in."""
    rows = STEPS + (
        "F1,need,do,ops,user,O1,crm,1,2025-01-03,2025-01-01,,100,,log\n"
        "F1,budget,approve,fin,finance,O1,crm,2,2025-01-08,2025-01-03,5,100,,log\n"
        "F1,budget,approve,fin,finance,O1,crm,3,2025-01-12,2025-01-09,,120,,log\n"
        "F1,memo,approve,board,investor,O1,crm,4,2025-01-20,2025-01-12,8,120,90,log\n"
        "F2,budget,approve,fin,finance,O2,crm,1,2025-02-03,,,,,log\n"
        "F3,budget,approve,fin,finance,,expense,1,,,7,60,50,interview\n"
    )
    made = deal_rows("A1,t,,new,2025-01-01,2025-01-20,won,120,", "A3,t,,new,2025-02-01,,open,40,")
    opened = company(accounts=FOUR_ACCOUNTS, opportunities=made, buying_steps=rows)
    frame = aggregates.approvals_by_flow(opened, policy)
    assert records(
        frame, "flow_id", "segment", "cluster", "category", "department", "amount", "recorded_limit", "approvals", "days", "outcome", "last_step"
    ) == [
        ("F1", "SMB", "A1", "crm", "ops", 120.0, 90.0, 2, 19.0, "won", "memo"),
        ("F2", "KA", "A2", "crm", "fin", 40.0, None, 1, 0.0, "open", "budget"),
        ("F3", None, "F3", "expense", "fin", 60.0, 50.0, 1, None, None, "budget"),
    ]  # fmt: skip
    steps = aggregates.approvals_in_flows(opened, policy)
    assert records(steps, "flow_id", "step", "days") == [
        ("F1", "budget", 8.0), ("F1", "memo", 8.0), ("F2", "budget", None), ("F3", "budget", 7.0)]  # fmt: skip


def test_told_accounts_with_the_amount_of_the_purchase(company: Open, policy: Policy) -> None:
    items = "flow_id,role,item,amount\nF3,owner,income,30\nF3,owner,money,10\nF9,user,saving,5\n"
    steps = "flow_id,step,part,amount\nF3,a,approve,60\nF3,b,approve,70\n"
    columns = ("flow_id", "role", "item", "amount", "purchase")
    assert records(aggregates.value_accounts(company(value_items=items, buying_steps=steps), policy), *columns) == [
        ("F3", "owner", "income", 30.0, 70.0), ("F3", "owner", "money", 10.0, 70.0), ("F9", "user", "saving", 5.0, None)]  # fmt: skip
    assert aggregates.value_accounts(company(value_items=items), policy)["purchase"].isna().all()


def test_stances_leave_out_the_key_person_and_who_said_nothing(company: Open, policy: Policy) -> None:
    people = "opportunity_id,person_id,role,part,key_person,stance\n" + (
        "O1,p1,user,inform,false,against\nO1,p2,user,inform,,for\nO1,p3,owner,approve,true,for\nO1,p4,legal,approve,false,\n"
        "O2,p5,user,inform,false,neutral\n"
    )
    made = deal_rows("A1,t,,new,2025-01-01,2025-01-20,won,120,", "A3,t,,new,2025-02-01,,open,40,")
    opened = company(accounts=FOUR_ACCOUNTS, opportunities=made, stakeholders=people)
    assert records(aggregates.stances(opened, policy), "role", "segment", "cluster", "told", "against") == [
        ("user", "KA", "A2", 1, 0), ("user", "SMB", "A1", 2, 1)]  # fmt: skip
