"""Purchases as units of the library, on a company of a few rows, by hand."""

from collections.abc import Callable

import pytest

from kaanalysis import aggregates
from kaanalysis.aggregates import flows as module
from kaanalysis.company import Company
from kaanalysis.policy import Policy

Open = Callable[..., Company]
ACCOUNTS = "account_id,segment,parent_account_id,industry,employees\nG,KA,,retail,9000\nK,KA,G,retail,800\nS,SMB,,retail,20\nT,SMB,,finance,20\nU,,,,\n"
DEALS = "opportunity_id,account_id,outcome,category,amount\nO1,K,won,crm,100\nO2,K,lost,crm,90\nO3,S,won,crm,5\nO4,K,open,expense,40\nO5,G,open,crm,\n"
STEPS = """flow_id,step,part,role,department,opportunity_id,category,industry,size_band,step_no,at,started_at,days,amount,source
F1,sign,approve,owner,,O1,crm,retail,100-999,3,2025-03-11,,,100,log
F1,ask,do,user,,O1,crm,retail,100-999,1,2025-03-01,2025-02-27,,100,log
F1,check,approve,,audit,O1,crm,retail,100-999,2,2025-03-11,,,90,log
F2,ask,do,user,,O2,crm,retail,100-999,1,2025-03-01,,,,log
F3,pay,approve,owner,,O3,crm,retail,1-99,1,2025-03-01,,,,log
F4,ask,do,user,sales,,crm,finance,5000+,1,,,4,70,interview
F4,decide,approve,manager,sales,,crm,finance,5000+,2,,,6.5,70,interview
"""


def opened(company: Open) -> Company:
    return company(accounts=ACCOUNTS, opportunities=DEALS, buying_steps=STEPS)


def test_one_row_per_finished_purchase_of_key_accounts(company: Open, policy: Policy) -> None:
    """F2 was lost and F3 is a small customer's; F1's two steps of one day are in the order of step_no; a subsidiary is its head
    office's."""
    frame = aggregates.library_flows(opened(company), policy).set_index("flow_id")
    assert frame.index.tolist() == ["F1", "F4"]
    log = frame.loc["F1"]
    assert list(log["sequence"]) == ["user/do", "audit/approve", "owner/approve"] and list(log["names"]) == [
        "ask",
        "check",
        "sign",
    ]
    assert log[["segment", "cluster", "amount", "steps", "parties", "days", "cell_flows"]].tolist() == [
        "KA",
        "G",
        100.0,
        3,
        3,
        12.0,
        1,
    ]
    assert log["last"] == 20158 and sorted(log["roles"]) == ["audit", "owner", "user"]  # 2025-03-11
    told = frame.loc["F4"]
    assert bool(told["told"]) and told["days"] == 10.5 and (told["last"] != told["last"]) and told["steps"] == 2


def test_without_segments_every_finished_flow_counts(company: Open, policy: Policy) -> None:
    bare = company(
        accounts="account_id\nA\n",
        opportunities="opportunity_id,account_id,outcome\n",
        buying_steps="flow_id,step,part\nF,s,do\n",
    )
    frame = aggregates.library_flows(bare, policy)
    assert (len(frame) == 1 and list(frame.loc[0, "sequence"]) == ["?/do"] and frame.loc[0, "days"] is None) or frame[
        "days"
    ].isna().all()
    assert aggregates.library_accounts(bare, policy).empty and aggregates.library_deals(bare, policy).empty


def test_big_cells_are_sampled_and_say_how_big_they_are(
    company: Open, policy: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FLOWS_PER_CELL", 5)
    head, *_ = STEPS.splitlines()
    rows = "".join(f"L{i},pay,approve,owner,,O1,crm,retail,100-999,1,2025-03-01,,,,log\n" for i in range(40))
    rows += "".join(f"I{i},pay,approve,owner,,,crm,retail,100-999,1,,,,,interview\n" for i in range(8))
    many = company(accounts=ACCOUNTS, opportunities=DEALS, buying_steps=f"{head}\n{rows}")
    first, second = (aggregates.library_flows(many, policy) for _ in range(2))
    logs = first[~first["told"]]
    assert len(logs) == 5 and (logs["cell_flows"] == 40).all() and first["told"].sum() == 8, (
        "interviews are few and dear: all are read"
    )
    assert first["flow_id"].tolist() == second["flow_id"].tolist()


def test_where_key_accounts_are(company: Open, policy: Policy) -> None:
    one = opened(company)
    assert aggregates.library_accounts(one, policy).to_numpy().tolist() == [
        ["G", "G", "retail", 9000.0],
        ["K", "G", "retail", 800.0],
    ]
    assert aggregates.other_accounts(one, policy).to_numpy().tolist() == [["finance", 20.0, 1], ["retail", 20.0, 1]]
    assert aggregates.library_deals(one, policy).to_numpy().tolist() == [
        ["G", "crm", 1, 0.0],
        ["K", "crm", 2, 0.0],
        ["K", "expense", 1, 40.0],
    ]


def test_parties_in_the_order_in_which_they_come_in(company: Open) -> None:
    told = "flow_id,step,part,role,department,step_no,days,source\nF,c,approve,finance,,3,,interview\nF,a,do,user,ops,1,2,interview\n"
    told += "F,b,inform,,works council,2,1,interview\nF,d,influence,user,it,4,3,interview\nL,x,do,user,,1,,log\n"
    frame = aggregates.party_order(company(buying_steps=told))
    picked = frame.astype(object).where(frame.notna(), None).to_numpy().tolist()
    assert picked == [
        ["F", 1, "user", "ops", "influence", 2, 5.0], ["F", 2, "works council", "works council", "inform", 1, 1.0],
        ["F", 3, "finance", None, "approve", 1, None],
    ]  # fmt: skip


def test_roles_come_from_persons_else_from_flows(company: Open, policy: Policy) -> None:
    people = "opportunity_id,person_id,role,part\nO1,p,finance,approve\nO1,p,legal,inform\nO3,q,owner,approve\n"
    frame = aggregates.roles_taking_part(company(accounts=ACCOUNTS, opportunities=DEALS, stakeholders=people), policy)
    assert [(r.source, r.cluster, sorted(r.roles)) for r in frame.itertuples()] == [
        ("deals", "G", ["finance", "legal"])
    ]
    flows = aggregates.roles_taking_part(opened(company), policy)
    assert flows[["source", "cluster"]].to_numpy().tolist() == [["flows", "G"], ["flows", "flow F4"]]
    assert aggregates.roles_taking_part(company(), policy).empty
