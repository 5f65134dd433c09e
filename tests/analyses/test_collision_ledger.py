"""The collision ledger by hand: lines, what is behind them, the matrix of teams, and names that leave the house."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pandas as pd
import pytest
from company_files import write_company

from kaanalysis import display, sheets
from kaanalysis.analyses.collision_ledger import Ledger, collision_ledger
from kaanalysis.company import Company, open_company
from kaanalysis.policy import Policy
from kaanalysis.pseudonyms import Pseudonyms
from kaanalysis.results import Finding, Number, Result
from kaanalysis.text import LANGUAGES, words

ACCOUNTS = "account_id,parent_account_id,name,segment,region\nA1,,甲乙丙物流,SMB,east\nA2,,Fabrikam Ltd,SMB,east\nA3,,Litware,SMB,east\nA4,,Adatum,SMB,east\n"  # fmt: skip
DEALS = """opportunity_id,account_id,team,owner,outcome,created_at,closed_at,amount
K1,A1,K,kim,won,2025-02-01,2025-02-20,100
S1,A1,S,sam,lost,2025-02-10,2025-02-15,50
K2,A1,K,kim,open,2025-05-01,,70
S2,A1,S,sue,won,2025-05-05,2025-05-09,30
K3,A1,K,kim,lost,2025-11-20,2025-11-30,10
S3,A1,S,sam,lost,2025-11-25,2025-11-30,20
K4,A2,K,kay,won,2025-03-01,2025-03-10,5
S4,A3,S,sam,won,2025-03-01,2025-03-10,5
"""
DISPUTES = "account_id,opened_at,team_a,team_b,hours\nA1,2025-03-01,S,K,4\nA1,2025-05-20,K,S,6\nA4,2025-06-01,C,S,2\nA1,2024-06-01,K,S,9\n"
OWNERSHIP = "account_id,team,from_at,to_at\nA2,S,2024-01-01,\nA2,K,2025-03-01,2025-03-31\n"


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory, policy: Policy) -> Ledger:
    tables = {"accounts": ACCOUNTS, "opportunities": DEALS, "disputes": DISPUTES, "ownership": OWNERSHIP,
              "teams": "team,motion\nK,KA\nS,SMB\nC,channel\n"}  # fmt: skip
    toml = {"ka_launch": dt.date(2025, 1, 1), "observed_from": dt.date(2023, 1, 1)}
    made = open_company(write_company(tmp_path_factory.mktemp("ledger") / "company", tables, toml), refuse=False)
    found = collision_ledger(made, policy)
    assert found is not None
    return found


def test_lines_by_hand(ledger: Ledger) -> None:
    lines = ledger.collisions.set_index("line")
    told = {
        line: (r["account_a"], r["team_a"], r["team_b"], str(r["begins"].date()), str(r["ends"].date()), r["deals_a"], r["deals_b"],
               r["open"], r["won_a"], r["won_b"], r["amount_won"], r["days_held_by_both"], r["disputes"], r["hours"])
        for line, r in lines.iterrows()
    }  # fmt: skip
    # A1: two meetings and two disputes from February to May; six months later K2, still open, and K3 meet S3. The dispute of 2024 is from
    # before the launch. A2: held by both for thirty days of March. A4: a dispute alone.
    assert told == {
        "C0001": ("A1", "K", "S", "2025-02-10", "2025-05-20", 2, 2, 1, 1, 1, 130.0, 0, 2, 10.0),
        "C0002": ("A2", "K", "S", "2025-03-01", "2025-03-31", 0, 0, 0, 0, 0, 0.0, 30, 0, 0.0),
        "C0003": ("A4", "C", "S", "2025-06-01", "2025-06-01", 0, 0, 0, 0, 0, 0.0, 0, 1, 2.0),
        "C0004": ("A1", "K", "S", "2025-11-25", "2025-11-30", 2, 1, 1, 0, 0, 0.0, 0, 0, 0.0),
    }


def test_a_gap_parts_a_line(company: Callable[..., Company], policy: Policy) -> None:
    made = company(
        {"ka_launch": dt.date(2025, 1, 1)}, accounts=ACCOUNTS, opportunities=DEALS, teams="team,motion\nK,KA\nS,SMB\n"
    )
    periods = {}
    for months in (0, 3, 9):
        found = collision_ledger(made, policy.override({"collisions.gap_months": months}))
        assert found is not None
        periods[months] = [
            (str(b.date()), str(e.date()))
            for b, e in zip(found.collisions["begins"], found.collisions["ends"], strict=True)
        ]
    first, second, third = ("2025-02-10", "2025-02-15"), ("2025-05-05", "2025-05-09"), ("2025-11-25", "2025-11-30")
    assert periods[0] == [third, second, first]
    assert periods[3] == [third, ("2025-02-10", "2025-05-09")]
    assert periods[9] == [("2025-02-10", "2025-11-30")]


def test_every_line_can_be_drilled_to_its_deals(ledger: Ledger) -> None:
    lines, behind = ledger.collisions.set_index("line"), ledger.deals
    assert set(behind["line"]) == set(lines.index)
    deals = behind[behind["kind"] == "deal"].merge(lines[["team_a"]], left_on="line", right_index=True)
    own = deals[deals["team"] == deals["team_a"]].groupby("line").size().reindex(lines.index, fill_value=0)
    assert (own == lines["deals_a"]).all()
    assert sorted(behind.loc[behind["line"] == "C0001", "opportunity_id"].dropna()) == ["K1", "K2", "S1", "S2"]
    assert sorted(behind.loc[behind["line"] == "C0004", "opportunity_id"]) == ["K2", "K3", "S3"]
    kinds = behind.groupby(["line", "kind"]).size().to_dict()
    assert kinds[("C0001", "dispute")] == 2 and kinds[("C0002", "claim")] == 1 and kinds[("C0003", "dispute")] == 1
    k2 = behind[behind["opportunity_id"] == "K2"].iloc[0]
    assert (k2["owner"], k2["outcome"], k2["amount"], k2["other_team"]) == ("kim", "open", 70, "S") and pd.isna(
        k2["ends"]
    )


def test_the_matrix_counts_accounts_chance_and_disputes(ledger: Ledger) -> None:
    matrix = ledger.overlap.set_index(["team_a", "team_b"])
    assert matrix.index.tolist() == [("K", "S")]  # C has no deals; the KA team comes first
    k = matrix.loc[("K", "S")]
    assert (k["accounts"], k["disputes"]) == (1, 2)
    # Three worked groups in one stratum, two of K's own: its deals with A1 would also have met S's of S4 had they been A3's (K1 no, K2 no, K3
    # no) and its deal with A2 would have met S's with A3: one in three each.
    assert k["expected"] == pytest.approx(1 / 3 + 1 / 3)
    assert k["low"] == 0 and 1 <= k["high"] <= 2


def test_missing_tables_give_no_ledger_and_no_collisions_an_empty_one(
    company: Callable[..., Company], policy: Policy
) -> None:
    assert collision_ledger(company(), policy) is None
    quiet = company(accounts=ACCOUNTS, opportunities=DEALS.replace(",S,", ",K,"), teams="team,motion\nK,KA\nS,SMB\n")
    found = collision_ledger(quiet, policy)
    assert found is not None and found.collisions.empty and found.deals.empty


def test_names_that_leave_the_house_are_replaced_everywhere_alike(ledger: Ledger) -> None:
    hidden = ledger.frames(Pseudonyms(b"k" * 32))
    text = "".join(frame.to_csv() for frame in hidden.values())
    for name in ("A1", "A2", "K1", "S2", "kim", "sam", "甲乙丙", "Fabrikam"):
        assert name not in text, name
    first = hidden["collisions"].set_index("line").loc["C0001"]
    assert first["account_a"] == first["account_b"] == first["name_a"] == first["name_b"]
    assert set(hidden["collision_deals"].query("line == 'C0001'")["account_id"]) == {first["account_a"]}
    assert hidden["collisions"]["amount_won"].tolist() == ledger.collisions["amount_won"].tolist()


@pytest.mark.parametrize("language", LANGUAGES)
def test_tables_and_sheets_for_a_reader(ledger: Ledger, language: str) -> None:
    number = Number("smb_lost", "SMB", 1.0, 0.0, 2.0, 0.95, 3, "CNY", "sum over customers, compound Poisson, t")
    result = Result(
        "05_failure_patterns", "d", "p", "2025-12-31", [Finding("M-D", "siphon", "undecided", "too_few", (number,))]
    )
    result.frames = ledger.frames()
    told = words(language)
    table = display.display_table(result, "collisions", told)
    assert len(table) == len(ledger.collisions) and "甲乙丙物流 (A1)" in table.iloc[:, 1].tolist()
    drilled = display.display_table(result, "collision_deals", told)
    assert len(drilled) == len(ledger.deals)
    made = sheets.of_result(result, told)
    sheet = made[told("sheet.title.collisions")]
    assert sheet.iloc[:, 0].tolist() == ledger.collisions["line"].tolist()
    assert (
        told("display.matched.account") in sheet.to_numpy().tolist()[0] and "2025-11-25" in sheet.to_numpy().tolist()[0]
    )
    assert len(made[told("sheet.title.collision_deals")]) == len(ledger.deals)
    assert len(made[told("sheet.title.overlap")]) == len(ledger.overlap)


def test_quarrels_without_a_double_pursuit_have_their_lines(company: Callable[..., Company], policy: Policy) -> None:
    """An ordinary case: accounts held by two teams and disputes, but never two deals at one time."""
    made = company(
        {"ka_launch": dt.date(2025, 1, 1), "observed_from": dt.date(2023, 1, 1)}, accounts=ACCOUNTS, disputes=DISPUTES, ownership=OWNERSHIP,
        opportunities="opportunity_id,account_id,team,owner,outcome,created_at,closed_at,amount\nK1,A1,K,kim,won,2025-02-01,2025-02-20,100\n",
        teams="team,motion\nK,KA\nS,SMB\nC,channel\n",
    )  # fmt: skip
    found = collision_ledger(made, policy)
    assert found is not None and len(found.collisions) == 3
    assert set(found.collisions["disputes"]) == {2, 0, 1} and (found.collisions["deals_a"] == 0).all()
    alone = collision_ledger(
        company({"ka_launch": dt.date(2025, 1, 1), "observed_from": dt.date(2023, 1, 1)}, accounts=ACCOUNTS, ownership=OWNERSHIP,
                opportunities="opportunity_id,account_id,team,outcome,created_at\nK1,A1,K,open,2025-02-01\n", teams="team,motion\nK,KA\nS,SMB\n"),
        policy,
    )  # fmt: skip
    assert alone is not None and len(alone.collisions) == 1 and alone.collisions["hours"].fillna(0).eq(0).all()
