"""Which purchases the blank sheet is drawn from, row by row."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kaanalysis.aggregates import reference_steps
from kaanalysis.aggregates.reference_steps import COLUMNS
from kaanalysis.company import Company
from kaanalysis.policy import Policy

Open = Callable[..., Company]
STEPS = "flow_id,step,part,role,step_no,at,opportunity_id,account_id,category,size_band,amount,authority_limit\n"
DEALS = "opportunity_id,account_id,created_at,closed_at,outcome,category,amount\n"


def test_rows_are_in_order_with_what_belongs_to_the_flow_and_its_customer(company: Open, policy: Policy) -> None:
    opened = company(
        accounts="account_id,parent_account_id,segment,industry\nH,,KA,retail\nK,H,KA,retail\n",
        opportunities=DEALS + "d,K,2025-01-01,2025-03-01,won,crm,500\n",
        buying_steps=STEPS
        + "f,late,do,user,1,2025-02-02,d,,,,,\nf,early,do,,2,2025-02-01,d,,,1000+,,70\nf,late,do,user,3,2025-02-03,d,,,,,\n",
    )
    frame = reference_steps(opened, policy)
    assert frame.columns.tolist() == COLUMNS
    assert frame[["step", "place"]].values.tolist() == [["early", 0], ["late", 1], ["late", 2]]
    assert set(frame["cluster"]) == {"H"} and set(frame["category"]) == {"crm"} and set(frame["industry"]) == {"retail"}
    assert set(frame["size_band"]) == {"1000+"} and set(frame["amount"]) == {500.0}
    assert (
        frame["authority_limit"].iloc[0] == 70
        and frame["authority_limit"].iloc[1:].isna().all()
        and frame["role"].isna().iloc[0]
    )


def test_lost_open_and_small_customers_flows_are_left_out_and_so_are_other_accounts_own(
    company: Open, policy: Policy
) -> None:
    flows = {
        "won": "w,",
        "lost": "l,",
        "open": "o,",
        "small": "s,",
        "told": ",",
        "of a shop": ",T",
        "of a key account": ",K",
    }
    rows = "".join(f"{f},a,do,user,1,,{owner},crm,,,\n" for f, owner in flows.items())
    opened = company(
        accounts="account_id,segment\nK,KA\nT,SMB\n", buying_steps=STEPS + rows,
        opportunities=DEALS + "w,K,2025-01-01,2025-03-01,won,,\nl,K,2025-01-01,2025-03-01,lost,,\no,K,2025-01-01,,open,,\ns,T,2025-01-01,2025-03-01,won,,\n",
    )  # fmt: skip
    assert set(reference_steps(opened, policy)["flow_id"]) == {"won", "told", "of a key account"}


def test_without_key_accounts_every_finished_flow_counts(company: Open, policy: Policy) -> None:
    opened = company(
        accounts="account_id\nK\n", buying_steps=STEPS + "f,a,do,user,1,,w,,,,,\ng,a,do,user,1,,l,,,,,\nh,a,do,user,1,,,,,,,\n",
        opportunities=DEALS + "w,K,2025-01-01,2025-03-01,won,,\nl,K,2025-01-01,2025-03-01,lost,,\n",
    )  # fmt: skip
    frame = reference_steps(opened, policy)
    assert set(frame["flow_id"]) == {"f", "h"} and set(frame["cluster"]) == {"K", "h"}


def test_very_many_flows_are_cut_to_a_sample_that_is_always_the_same(
    company: Open, policy: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kaanalysis.aggregates import reference_steps as function

    module = __import__("sys").modules["kaanalysis.aggregates.reference_steps"]
    monkeypatch.setattr(module, "FLOWS", 5)
    rows = "".join(f"f{i},a,do,user,1,,,,,,,\n" for i in range(40))
    made = [function(company(buying_steps=STEPS + rows), policy)["flow_id"].tolist() for _ in range(2)]
    assert made[0] == made[1] and len(made[0]) == 5
