"""What a company says it has, and the frame of faults."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from kaanalysis.company import FAULT_COLUMNS, Company, open_company
from kaanalysis.contracts import UnusableData

DEALS = "opportunity_id,account_id,outcome,amount\nO1,A1,open,\nO2,A1,open,\n"


def test_has_asks_for_values_not_for_columns(company: Callable[..., Company]) -> None:
    opened = company(opportunities=DEALS, teams="team,motion\n")
    assert opened.has("opportunities") and opened.has("opportunities.outcome")
    assert not opened.has("opportunities.amount")  # the column is there and holds nothing
    assert not opened.has("opportunities.owner")  # the column is not there
    assert not opened.has("teams") and not opened.has("teams.team") and not opened.has("disputes.hours")
    assert opened.missing("opportunities.amount", "accounts", "disputes") == ["opportunities.amount", "disputes"]


@pytest.mark.parametrize("name", ["shoes", "accounts.shoes", "shoes.size"])
def test_has_refuses_what_the_contract_does_not_know(name: str, company: Callable[..., Company]) -> None:
    with pytest.raises(KeyError):
        company().has(name)


def test_table_that_is_not_there_says_so(company: Callable[..., Company]) -> None:
    with pytest.raises(KeyError, match="ask missing"):
        company().table("disputes")


def test_fault_frame_holds_every_fault_in_order(company: Callable[..., Company]) -> None:
    opened = company(opportunities=DEALS + "O2,A1,open,\nO3,ZZ,open,\n", leads="x\n")
    frame = opened.fault_frame()
    assert frame.columns.tolist() == FAULT_COLUMNS
    assert [
        tuple(None if v is None or v != v else v for v in r)
        for r in frame.astype(object).where(frame.notna(), None).itertuples(index=False)
    ] == [dataclasses.astuple(f) for f in opened.faults]
    assert str(frame["row"].dtype) == "Int64"
    assert company().fault_frame().empty


def test_what_the_import_found_is_read_along_and_a_broken_report_refused(company_folder: Callable[..., Path]) -> None:
    folder = company_folder()
    (folder / "import_report.csv").write_text(
        "file,row,column,value,rule,action\nx.csv,3,Amount,a,not_a_number,blank\n"
    )
    assert open_company(folder).import_faults["value"].tolist() == ["a"]
    (folder / "import_report.csv").write_text("nonsense\n1\n")
    with pytest.raises(UnusableData, match="not an import report"):
        open_company(folder)
