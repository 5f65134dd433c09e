"""When deals were registered, from when on they stood, and which purchases have a deal behind them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pandas as pd
import pytest

from kaanalysis.aggregates.registrations import purchases, registrations, standing_stages
from kaanalysis.company import Company
from kaanalysis.policy import Policy

LAUNCH = dt.date(2025, 1, 1)


@pytest.fixture
def opened(company: Callable[..., Company]) -> Company:
    """Before the launch 20 deals enter `lead`; 12 go on to `close`, of which 9 are won (75 %, of all 45 %). Since then: N1 from the start,
    N2 first at `close`, N3 without stages."""
    deals, stages = [], []
    for i in range(20):
        won = i < 9
        deals.append(f"B{i},A{i % 4},2024-03-01,2024-04-0{1 + i % 9},{'won' if won else 'lost'}")
        stages.append(f"B{i},lead,2024-03-01")
        if i < 12:
            stages.append(f"B{i},close,2024-03-20")
    deals += [
        "N1,A0,2025-02-01,2025-03-01,won",
        "N2,A1,2025-02-01,2025-02-10,won",
        "N3,A2,2025-02-01,,open",
        "K1,K,2024-02-01,2024-05-01,lost",
    ]
    stages += ["N1,close,2025-02-20", "N1,lead,2025-02-01", "N2,close,2025-02-01", "K1,close,2024-03-01"]
    return company(
        {"ka_launch": LAUNCH, "observed_from": dt.date(2024, 1, 1)},
        accounts="account_id,segment,region,parent_account_id\n"
        + "".join(f"A{i},SMB,east,\n" for i in range(4))
        + "A4,SMB,,A3\nK,KA,east,\n",
        opportunities="opportunity_id,account_id,created_at,closed_at,outcome\n" + "\n".join(deals) + "\n",
        stage_history="opportunity_id,stage,entered_at\n" + "\n".join(stages) + "\n",
        order_lines="account_id,product,amount,at,opportunity_id\n"
        "A0,p,10,2025-06-01,\nA0,q,5,2025-06-01,\nA1,p,7,2025-09-01,N2\nA2,p,8,2025-03-20,\nA4,p,9,2025-04-01,\nK,p,99,2025-06-01,\nA0,p,1,2023-05-01,\n",
        subscriptions="account_id,product,started_at,monthly_fee\nA0,p,2025-06-20,1\nA2,p,2025-09-01,1\n",
    )


def test_a_stage_stands_from_which_most_deals_of_small_customers_were_won(opened: Company, policy: Policy) -> None:
    found = standing_stages(opened, policy).set_index("stage")
    assert found["won"].to_dict() == pytest.approx(
        {"lead": 0.45, "close": 0.75}
    )  # K1, a key account's, is not among them
    assert found["deals"].to_dict() == {"lead": 20, "close": 12} and found["standing"].to_dict() == {
        "lead": False,
        "close": True,
    }
    assert not standing_stages(opened, policy.override({"channel.standing_share": 0.8}))["standing"].any()


def test_a_deal_is_late_whose_first_stage_stands(opened: Company, policy: Policy) -> None:
    found = registrations(opened, policy).set_index("opportunity_id").loc[["N1", "N2", "B15"]]
    assert found["late"].tolist() == [False, True, False] and found["first_stage"].tolist() == ["lead", "close", "lead"]
    assert (
        found["stood_at"].tolist()[:2] == [pd.Timestamp("2025-02-20"), pd.Timestamp("2025-02-01")]
        and found["stood_at"].isna().tolist()[2]
    )


def test_purchases_and_the_deals_behind_them(opened: Company, policy: Policy) -> None:
    """A0's lines of one day are one purchase, its subscription 19 days later belongs to it; nobody's deal is near. A1's line names its deal
    of February. A2's order is near no deal of its own, its later subscription is a purchase too. A4's head office A3 won nothing near.
    Key accounts and what was bought before the records are left out."""
    found = purchases(opened, policy).set_index(["account_id", "at"])
    assert [f"{a} {t:%Y-%m-%d}" for a, t in found.index] == [
        "A2 2025-03-20",
        "A4 2025-04-01",
        "A0 2025-06-01",
        "A1 2025-09-01",
        "A2 2025-09-01",
    ]
    assert found["amount"].fillna(-1).tolist() == [8, 9, 15, 7, -1]
    assert found["registered_at"].notna().tolist() == [False, False, False, True, False]
    assert found["registered_at"].dropna().tolist() == [pd.Timestamp("2025-02-10")]
    assert found["region"].isna().tolist() == [False, True, False, False, False]


def test_a_deal_of_the_group_won_near_the_purchase_stands_behind_it(opened: Company, policy: Policy) -> None:
    wide = purchases(opened, policy.override({"channel.match_days": 100})).set_index(["account_id", "at"])
    # A0's own deal of 1 March lies 92 days before its June order; with so wide a window A2's subscription is still on its own.
    assert wide.loc[("A0", pd.Timestamp("2025-06-01")), "registered_at"] == pd.Timestamp("2025-03-01")
    assert wide["registered_at"].isna().sum() == 3
