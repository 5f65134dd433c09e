"""A company handed on to other processes is the company that was opened."""

from __future__ import annotations

import dataclasses
import stat
from pathlib import Path

import pandas as pd
import pytest
from company_files import write_company

from kaanalysis.account_groups import place_of
from kaanalysis.company import HANDED_ON, Company, hand_on, open_company
from kaanalysis.opened import OPENED


@pytest.fixture
def place(tmp_path: Path) -> str:
    accounts = "account_id,segment,region,employees\nA1,SMB,east,many\nA2,KA,west,5\n"
    (tmp_path / "company" / "rankings").mkdir(parents=True)
    (tmp_path / "company" / "rankings" / "top_2024.csv").write_text("name,rank\nAlpha,1\n")
    (tmp_path / "company" / "changes").mkdir()
    (tmp_path / "company" / "changes" / "log.csv").write_text("at,kind,what\n2025-01-15,launch,first team\n")
    return str(write_company(tmp_path / "company", {"accounts": accounts}))


def test_what_is_handed_on_equals_what_was_opened(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    company = open_company(place)
    (tmp_path / "on").mkdir()
    hand_on(company, place, tmp_path / "on" / "company")
    monkeypatch.setenv(OPENED, str(tmp_path / "on"))
    (tmp_path / "company" / "accounts.csv").write_text("broken")  # nobody reads it again
    other = open_company(place)
    for name in HANDED_ON:
        was, now = getattr(company, name), getattr(other, name)
        assert now.equals(was) if isinstance(was, pd.DataFrame) else now == was, name
    assert len(other.changes) == 1 and len(other.faults) == 1
    for table in company.tables:
        assert other.table(table).execute().equals(company.table(table).execute())
    assert stat.S_IMODE((tmp_path / "on" / "company").stat().st_mode) == 0o700


def test_nothing_that_an_opened_company_holds_is_forgotten() -> None:
    """What is not handed on is what each process has of its own."""
    own = {"tables", "raw", "_filled", "expressions", "frames"}
    assert {f.name for f in dataclasses.fields(Company)} == own | set(HANDED_ON)


def test_a_group_of_what_is_handed_on_and_the_group_handed_on_again(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    west = place_of(place, "region", "west")
    alone = open_company(west)
    (tmp_path / "on").mkdir()
    hand_on(open_company(place), place, tmp_path / "on" / "company")
    monkeypatch.setenv(OPENED, str(tmp_path / "on"))
    cut = open_company(west)
    assert cut.data_hash == alone.data_hash and cut.rows_valid == alone.rows_valid and cut.rankings.empty
    (tmp_path / "again").mkdir()
    hand_on(cut, west, tmp_path / "again" / "company")
    monkeypatch.setenv(OPENED, str(tmp_path / "again"))
    again = open_company(west)
    assert again.selected == ("region", "west") and again.data_hash == alone.data_hash
    assert again.table("accounts").account_id.execute().to_list() == ["A2"]
    whole = open_company(place)  # not what was handed on: read anew
    assert whole.rows_valid["accounts"] == 2


def test_another_place_is_read_as_ever(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "on").mkdir()
    hand_on(open_company(place), place, tmp_path / "on" / "company")
    monkeypatch.setenv(OPENED, str(tmp_path / "on"))
    other = write_company(tmp_path / "other", {})
    assert open_company(other).info.name == "Test" and open_company(other).rows_valid["accounts"] == 2
