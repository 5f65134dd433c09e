"""Where two teams meet: pairs of deals matched by account, group and name, and claims that overlap, by hand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest

from kaanalysis.aggregates.collisions import account_names, claim_collisions, deal_collisions, same_names
from kaanalysis.company import Company
from kaanalysis.policy import Policy

ACCOUNTS = """account_id,parent_account_id,name,segment
A1,,Northwind Traders Ltd,KA
A2,A1,Northwind South,KA
A3,,上海澜屿物流有限公司,SMB
A4,,澜屿物流,KA
A5,,Contoso Pharma Inc.,SMB
A6,,Contoso Pharma,KA
A7,,Nobody Else GmbH,SMB
"""
HEAD = "opportunity_id,account_id,team,outcome,created_at,closed_at,amount\n"
TEAMS = "team,motion\nK,KA\nS,SMB\nC,channel\n"


@pytest.fixture
def books(company: Callable[..., Company]) -> Callable[..., Company]:
    def build(deals: str, ownership: str = "") -> Company:
        tables = {"accounts": ACCOUNTS, "opportunities": HEAD + deals, "teams": TEAMS}
        if ownership:
            tables["ownership"] = "account_id,team,from_at,to_at\n" + ownership
        return company({"ka_launch": dt.date(2025, 1, 1), "observed_from": dt.date(2023, 1, 1)}, **tables)

    return build


def test_pairs_by_account_and_group(books: Callable[..., Company], policy: Policy) -> None:
    deals = (
        "K1,A1,K,won,2025-02-01,2025-03-01,9\n"
        "S1,A1,S,lost,2025-03-01,2025-03-09,9\n"  # shares one day with K1
        "S2,A2,S,open,2025-02-10,,9\n"  # the subsidiary: shares 2025-02-10 to 2025-03-01
        "S3,A1,S,lost,2025-03-02,2025-03-09,9\n"  # begins the day after K1 ended
        "S4,A1,S,lost,2024-12-01,2025-06-01,9\n"  # from before the launch
        "C1,A1,C,lost,2025-03-05,2025-03-06,9\n"  # meets S1, S3 at the account, S2 in the group
        "X1,A1,,lost,2025-02-01,2025-03-01,9\n"  # nobody's
    )
    found = deal_collisions(books(deals), policy)
    pairs = {
        (r.opportunity_a, r.opportunity_b): (r.matched_by, r.team_a, str(r.begins.date()), str(r.ends.date()))
        for r in found.itertuples()
    }
    assert pairs == {
        ("K1", "S1"): ("account", "K", "2025-03-01", "2025-03-01"),
        ("K1", "S2"): ("group", "K", "2025-02-10", "2025-03-01"),
        ("C1", "S1"): ("account", "C", "2025-03-05", "2025-03-06"),
        ("C1", "S3"): ("account", "C", "2025-03-05", "2025-03-06"),
        ("C1", "S2"): ("group", "C", "2025-03-05", "2025-03-06"),
    }
    assert len(found) == len(pairs)


def test_pairs_by_name_in_english_and_chinese(books: Callable[..., Company], policy: Policy) -> None:
    deals = (
        "K1,A4,K,open,2025-02-01,,9\nS1,A3,S,open,2025-02-05,,9\nK2,A6,K,open,2025-02-01,,9\nS2,A5,S,open,2025-02-05,,9\n"
        "S3,A7,S,open,2025-02-05,,9\n"
    )
    made = books(deals)
    names = same_names(made, policy)
    assert list(zip(names["account_a"], names["account_b"], strict=True)) == [("A4", "A3"), ("A6", "A5")]
    found = deal_collisions(made, policy)
    assert found[["opportunity_a", "opportunity_b", "matched_by"]].to_numpy().tolist() == [
        ["K1", "S1", "name"],
        ["K2", "S2", "name"],
    ]
    assert (found["score"] >= policy["match.accept"]).all() and set(found["team_a"]) == {"K"}
    assert account_names(made, ["A4", "A6"]).to_dict() == {"A4": "澜屿物流", "A6": "Contoso Pharma"}


def test_accounts_of_one_group_are_no_match_by_name(books: Callable[..., Company], policy: Policy) -> None:
    assert same_names(books("K1,A1,K,open,2025-02-01,,9\nS1,A2,S,open,2025-02-05,,9\n"), policy).empty


def test_claims_that_overlap(books: Callable[..., Company], policy: Policy) -> None:
    ownership = (
        "A1,S,2024-01-01,2025-06-30\nA1,K,2025-03-01,\n"  # held by both from March to June
        "A3,S,2024-01-01,2025-03-01\nA3,K,2025-03-01,\n"  # handed over on one day
        "A5,S,2024-01-01,2024-06-30\nA5,C,2024-03-01,2024-12-31\n"  # over before the launch
        "A7,S,2024-01-01,\nA7,C,2024-03-01,\n"  # both since before the launch
    )
    found = claim_collisions(books("K1,A4,K,open,2025-02-01,,9\n", ownership), policy)
    told = [(r.account_id, r.team_a, r.team_b, str(r.begins.date()), str(r.ends.date())) for r in found.itertuples()]
    assert told == [("A7", "C", "S", "2025-01-01", "2025-12-31"), ("A1", "K", "S", "2025-03-01", "2025-06-30")]
    assert claim_collisions(books("K1,A4,K,open,2025-02-01,,9\n"), policy).empty
