"""Groups of accounts: what hangs on which, counted by hand on a small company."""

from __future__ import annotations

from pathlib import Path

import pytest
from company_files import write_company

from kaanalysis.account_groups import groups_of, label, place_of, resolved, selection
from kaanalysis.company import Company, open_company
from kaanalysis.contracts import UnusableData

# East: A1 and its subsidiary A2, which is in the west; A3 in the east; A4 without a region.
ACCOUNTS = "account_id,parent_account_id,region\nA1,,east\nA2,A1,west\nA3,,east\nA4,,\n"
DEALS = (
    "opportunity_id,account_id,team,outcome,created_at,closed_at\nO1,A1,smb-east,won,2025-01-01,2025-02-01\n"
    "O2,A2,ka,lost,2025-01-01,2025-02-01\nO3,A3,smb-east,open,2025-01-01,\nO4,A4,ka,open,2025-01-01,\n"
)
TABLES = {
    "accounts": ACCOUNTS,
    "opportunities": DEALS,
    "stage_history": "opportunity_id,stage,entered_at\nO1,lead,2025-01-01\nO1,offer,2025-01-05\nO2,lead,2025-01-01\n",
    "order_lines": "account_id,product,amount,at\nA1,crm,5,2025-02-01\nA4,crm,7,2025-02-01\n",
    # F1 names its account on one step alone, F2 a deal, F3 nobody.
    "buying_steps": "flow_id,step,part,account_id,opportunity_id\nF1,need,do,A3,\nF1,sign,approve,,\nF2,need,do,,O2\nF3,need,do,,\n",
    "value_items": "flow_id,role,item,amount\nF1,owner,income,5\nF3,owner,income,5\n",
    "teams": "team,motion\nsmb-east,SMB\nka,KA\nidle,SMB\n",
    "team_months": "team,month,cost\nsmb-east,2025-01-01,10\nka,2025-01-01,20\n",
}


@pytest.fixture
def place(tmp_path: Path) -> str:
    return str(write_company(tmp_path / "company", TABLES))


def ids(company: Company, table: str, column: str) -> list[str]:
    return sorted(company.table(table)[column].execute())


def test_groups_by_falling_size_and_those_without_a_value_last(place: str) -> None:
    groups = groups_of(open_company(place).table("accounts"), "region")
    assert list(groups.itertuples(index=False, name=None)) == [("east", 2), ("west", 1), (None, 1)]


def test_a_group_holds_its_accounts_and_all_that_hangs_on_them(place: str) -> None:
    east = open_company(place_of(place, "region", "east"))
    assert ids(east, "accounts", "account_id") == ["A1", "A3"]
    assert ids(east, "opportunities", "opportunity_id") == ["O1", "O3"]
    assert ids(east, "stage_history", "opportunity_id") == ["O1", "O1"]
    assert ids(east, "order_lines", "account_id") == ["A1"]
    assert ids(east, "buying_steps", "flow_id") == ["F1", "F1"], "the step that names nobody is its flow's"
    assert ids(east, "value_items", "flow_id") == ["F1"]
    assert ids(east, "teams", "team") == ["smb-east"]
    assert east.rows_valid["opportunities"] == 2 and east.has("team_months.cost")


def test_months_of_teams_that_work_elsewhere_too_are_left_out(place: str) -> None:
    west = open_company(place_of(place, "region", "west"))
    assert ids(west, "accounts", "account_id") == ["A2"], "a subsidiary goes by its own value"
    assert ids(west, "teams", "team") == ["ka"] and ids(west, "team_months", "team") == []
    assert west.missing("team_months.cost") == ["team_months.cost"]
    assert ids(west, "buying_steps", "flow_id") == ["F2"], "a flow hangs on its deal's account"


def test_accounts_without_a_value_are_a_group(place: str) -> None:
    nowhere = open_company(place_of(place, "region", None))
    assert ids(nowhere, "opportunities", "opportunity_id") == ["O4"] and ids(nowhere, "order_lines", "account_id") == [
        "A4"
    ]


def test_every_account_and_deal_is_in_one_group_and_data_hashes_differ(place: str) -> None:
    whole = open_company(place)
    groups = [open_company(place_of(place, "region", v)) for v in ("east", "west", None)]
    for table, column in (
        ("accounts", "account_id"),
        ("opportunities", "opportunity_id"),
        ("stage_history", "opportunity_id"),
    ):
        assert sorted(x for g in groups for x in ids(g, table, column)) == ids(whole, table, column)
    assert len({whole.data_hash, *(g.data_hash for g in groups)}) == 4
    assert open_company(place_of(place, "region", "east")).data_hash == groups[0].data_hash


@pytest.mark.parametrize(("chosen", "said"), [("#region=north", "no account with region 'north'"), ("#reach=", None), ("#city=x", "columns to group by: name, parent_account_id"), ("#account_id=A1", "cannot be grouped by 'account_id'")])  # fmt: skip
def test_what_is_no_group_is_refused_in_a_sentence(place: str, chosen: str, said: str | None) -> None:
    if said is None:  # no account has a reach
        assert open_company(place + chosen).rows_valid["accounts"] == 4
        return
    with pytest.raises(UnusableData, match=said):
        open_company(place + chosen)


def test_a_value_may_hold_quotes_marks_and_slashes(tmp_path: Path) -> None:
    odd = "it's #1 = ../up"
    place = str(write_company(tmp_path / "c", {"accounts": f'account_id,region\nA1,"{odd}"\nA2,x\n'}))
    company = open_company(place_of(place, "region", odd))
    assert ids(company, "accounts", "account_id") == ["A1"]


def test_places_and_their_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert selection("data/demo") == ("data/demo", None, None)
    assert selection("data/demo#region=a/../b") == ("data/demo", "region", "a/../b")
    assert selection("data/demo#region=") == ("data/demo", "region", None)
    long = "b" * 5000
    assert selection(f"data/demo#region={long}") == ("data/demo", "region", long), "longer than any name of a file"
    assert label("/some/where/demo#region=a/b") == "demo#region=a/b" and label("postgres://u:p@host/db") == "host/db"
    monkeypatch.chdir(tmp_path)
    assert resolved("demo#region=a/../b") == f"{tmp_path}/demo#region=a/../b"
    (tmp_path / "c#region=x").mkdir()
    assert selection("c#region=x") == ("c#region=x", None, None), "a folder of that name is taken as it is"
