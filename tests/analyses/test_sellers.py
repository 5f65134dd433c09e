"""Sellers with and without an SMB past: who is which, and what they won, by hand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest

from kaanalysis.aggregates import deal_times
from kaanalysis.analyses.sellers import measure, seller_records
from kaanalysis.company import Company
from kaanalysis.policy import Policy

Open = Callable[..., Company]
ACCOUNTS = "account_id,segment\nS,SMB\nK,KA\n"
HEAD = "opportunity_id,account_id,owner,created_at,closed_at,outcome\n"


def rows(*deals: tuple[str, str, int, int, str]) -> str:
    """account, owner, opened so many days before as_of, closed after so many days, outcome."""
    today = dt.date(2025, 12, 31)
    return HEAD + "".join(
        f"O{i},{a},{o},{today - dt.timedelta(days=opened)},{today - dt.timedelta(days=opened - after)},{outcome}\n"
        for i, (a, o, opened, after, outcome) in enumerate(deals)
    )


def test_past_deals_are_those_opened_before_the_first_key_account(company: Open, policy: Policy) -> None:
    text = rows(
        ("S", "old", 900, 5, "won"), ("S", "old", 800, 5, "lost"), ("K", "old", 700, 100, "won"), ("S", "old", 600, 5, "lost"),
        ("K", "old", 500, 400, "won"), ("K", "old", 300, 9, "won"), ("K", "new", 700, 5, "lost"), ("S", "new", 690, 5, "won"),
    )  # fmt: skip
    found = seller_records(deal_times(company(accounts=ACCOUNTS, opportunities=text), policy), 365.25).set_index(
        "owner"
    )
    # Of old's key accounts one was won in time, one after 400 days, and the last could not be followed for a year.
    assert found.loc["old", ["deals", "won", "past_deals"]].tolist() == [2, 1, 2]
    assert found.loc["old", "tenure_months"] == pytest.approx(600 / (365.25 / 12))
    assert found.loc["new", ["deals", "won", "past_deals"]].tolist() == [1, 0, 0]


def test_groups_of_three_sellers_are_compared_and_smaller_ones_are_not(company: Open, policy: Policy) -> None:
    deals = []
    for seller in ("a", "b", "c"):
        deals += [("S", seller, 900 - i, 5, "lost") for i in range(3)]
        deals += [("K", seller, 700 - i, 50, "won" if i < 2 else "lost") for i in range(10)]
    for seller in ("x", "y", "z"):
        deals += [("K", seller, 700 - i, 50, "won" if i < 8 else "lost") for i in range(10)]
    opened = company(accounts=ACCOUNTS, opportunities=rows(*deals))
    numbers, frames, _ = measure(opened, policy)
    named = {n.name: n for n in numbers}
    assert named["seller_superiority"].value < 0.2 and named["seller_overlap"].value < 0.6  # type: ignore[operator]
    assert frames["sellers"].groupby("group").size().to_dict() == {"smb_past": 3, "no_smb_past": 3}
    strict = policy.override({"sellers.past_deals": 4})
    assert measure(opened, strict)[0][0].value is None, "then nobody has a past"


def test_without_sellers_there_is_nothing(company: Open, policy: Policy) -> None:
    text = "opportunity_id,account_id,created_at,closed_at,outcome\nO1,K,2024-01-01,2024-02-01,won\n"
    assert measure(company(accounts=ACCOUNTS, opportunities=text), policy) == ([], {}, {})
