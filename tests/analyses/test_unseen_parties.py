"""Parties not found yet: account by account by hand, and whether people change told apart from chance."""

import datetime as dt
from collections.abc import Callable

import numpy as np
import pytest

from kaanalysis import aggregates
from kaanalysis.analyses.unseen_parties import measure
from kaanalysis.company import Company
from kaanalysis.policy import Policy

Open = Callable[..., Company]


def made(company: Open, per_account: dict[str, list[str]], segment: str = "KA", apart: int = 100) -> Company:
    """Persons (letters) on record in each deal of each account, deals `apart` days from one another."""
    accounts, deals, people = "account_id,segment,name\n", [], []
    for account, all_deals in per_account.items():
        accounts += f"{account},{segment},{account} Ltd\n"
        for k, persons in enumerate(all_deals):
            deal = f"{account}-{k}"
            opened = dt.date(2023, 1, 1) + dt.timedelta(days=apart * k)
            deals.append({"opportunity_id": deal, "account_id": account, "outcome": "open", "created_at": opened})
            people += [{"opportunity_id": deal, "person_id": f"{account}{p}", "role": role, "part": "approve"}
                       for p in persons for role in ("owner", "user")]  # fmt: skip
    return company(accounts=accounts, opportunities=deals, stakeholders=people)


def test_accounts_by_hand_and_most_unseen_first(company: Open, policy: Policy) -> None:
    """A: abc, abd, aef in three deals: c, d, e, f once, b twice, a three times; unseen 2/3 · 4 · 3 / (2 · 2) = 2. B: always the same two
    in two deals: none missing. C has one deal and tells nothing. Two roles of a person are one person."""
    opened = made(company, {"A": ["abc", "abd", "aef"], "B": ["ab", "ab"], "C": ["abcd"]})
    counts = aggregates.persons_by_account(opened, policy)
    assert counts[["account_id", "deals", "found", "met", "once", "twice"]].to_numpy().tolist() == [
        ["A", 3, 6, 9, 4, 1], ["B", 2, 2, 4, 0, 2],
    ]  # fmt: skip
    numbers, frames = measure(opened, policy)
    frame = frames["unseen_parties"]
    assert frame[["account_id", "deals", "found", "estimated"]].to_numpy().tolist() == [
        ["A", 3, 6, 8.0],
        ["B", 2, 2, 2.0],
    ]
    value = {n.name: (n.value, n.n) for n in numbers}
    assert value == {"parties_found": (4, 2), "parties_estimated": (5, 2), "parties_unseen": (1, 2)}
    assert measure(made(company, {"A": ["ab", "ab"]}, "SMB"), policy) == ([], {})
    assert measure(made(company, {"A": ["ab"]}), policy) == ([], {})


def _pairs(company: Open, soon_keeps: int, late_keeps: int) -> Company:
    """Forty accounts with a second deal soon (20) or late (20), which of ten persons keeps so many."""
    g = np.random.default_rng(3)
    accounts, deals, people = "account_id,segment\n", [], []
    for i in range(40):
        accounts += f"A{i},KA\n"
        late = i % 2
        keeps = np.clip((late_keeps if late else soon_keeps) + g.integers(-1, 2), 0, 10)
        for k, (first, opened) in enumerate(((0, 0), (10 - keeps, 900 if late else 60))):
            at = dt.date(2022, 1, 1) + dt.timedelta(days=opened + i % 5)
            deals.append({"opportunity_id": f"O{i}-{k}", "account_id": f"A{i}", "outcome": "open", "created_at": at})
            people += [{"opportunity_id": f"O{i}-{k}", "person_id": f"A{i}p{p}", "role": "user", "part": "approve"}
                       for p in range(first, first + 10)]  # fmt: skip
    return company(accounts=accounts, opportunities=deals, stakeholders=people)


@pytest.mark.parametrize(("late_keeps", "change"), [(8, False), (3, True)])
def test_people_who_leave_are_found_out(late_keeps: int, change: bool, company: Open, policy: Policy) -> None:
    numbers, _ = measure(_pairs(company, 8, late_keeps), policy)
    gap = next(n for n in numbers if n.name == "parties_return_difference")
    assert gap.value == pytest.approx((8 - late_keeps) / 10, abs=0.06) and gap.n == 40
    assert (gap.low > 0) is change  # type: ignore[operator]


def test_the_mean_holds_the_truth_where_all_are_as_easy_to_find(company: Open, policy: Policy) -> None:
    """Eight persons per account, each on record in a deal one time in two, four deals; fifteen companies of forty accounts."""
    hits, values = 0, []
    for seed in range(15):
        g = np.random.default_rng(seed)
        accounts = {
            f"A{i}": ["".join(p for p in "abcdefgh" if g.random() < 0.5) or "a" for _ in range(4)] for i in range(40)
        }
        numbers, _ = measure(made(company, accounts), policy)
        size = next(n for n in numbers if n.name == "parties_estimated")
        hits += size.low <= 8 <= size.high  # type: ignore[operator]
        values.append(size.value)
    assert hits >= 12 and np.mean(values) == pytest.approx(8, abs=0.12)
