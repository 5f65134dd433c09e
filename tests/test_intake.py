"""What may stand on disk: encodings, quoting, Parquet, DuckDB files, and what is refused in one sentence."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from kaanalysis.company import Company, open_company
from kaanalysis.contracts import UnusableData

ACCOUNTS = "account_id,name,segment\nA1,客户甲,SMB\nA2,Ünïcode 😀,KA\n"


def names(company: Company) -> list[str]:
    return company.table("accounts").order_by("row__").execute()["name"].tolist()


@pytest.mark.parametrize("data", [
    ACCOUNTS.encode(),
    b"\xef\xbb\xbf" + ACCOUNTS.encode(),
    ACCOUNTS.encode("gb18030"),
    ACCOUNTS.replace("\n", "\r\n").encode(),
    ACCOUNTS.replace("\n", "\r").encode(),
    ACCOUNTS.replace("\n", "\r\n", 1).encode(),
    ACCOUNTS.replace("account_id,name", '" account_id ","name"').encode(),
    ACCOUNTS.rstrip("\n").encode(),
    ACCOUNTS.encode("utf-16"),
], ids=["utf-8", "utf-8 with BOM", "GB18030", "CRLF", "CR", "mixed line ends", "quoted header", "no last newline", "UTF-16 with BOM"])  # fmt: skip
def test_encodings_and_line_ends_read_alike(data: bytes, company: Callable[..., Company]) -> None:
    opened = company(accounts=data)
    assert names(opened) == ["客户甲", "Ünïcode 😀"]
    assert opened.faults == []


def test_text_that_is_neither_utf8_nor_gb18030_is_refused(company_folder: Callable[..., Path]) -> None:
    with pytest.raises(UnusableData, match="neither UTF-8 nor GB18030"):
        open_company(company_folder(accounts=ACCOUNTS.encode() + b"A9,\xff\xff\n"))


def test_quotes_newlines_and_separators_inside_values(company: Callable[..., Company]) -> None:
    opened = company(
        accounts='account_id,name\nA1,"two\nlines, ""quoted"""\nA2,=1+1\nA3,#no comment\nA4\nA5,last\nA5,again\n'
    )
    assert names(opened) == ['two\nlines, "quoted"', "=1+1", "#no comment", "last", "again"]
    assert [(f.row, f.rule) for f in opened.faults] == [(4, "ragged_row"), (6, "key_repeated")]


def test_row_numbers_leave_blank_lines_out(company: Callable[..., Company]) -> None:
    opened = company(accounts="account_id,name\n\nA1,x\n\n\nA2\nA3,y\n\nA3,z\n")
    assert [(f.row, f.value, f.rule) for f in opened.faults] == [(2, "A2", "ragged_row"), (4, "A3", "key_repeated")]
    assert opened.rows_read["accounts"] == 4


def test_one_odd_quote_costs_its_row_not_the_table(company: Callable[..., Company]) -> None:
    opened = company(accounts='account_id,name\nA1,a\nA2,"b"c\nA3,d\n')
    assert names(opened) == ["a", "d"]
    assert [(f.row, f.value, f.rule) for f in opened.faults if f.table == "accounts"] == [(2, 'A2,"b"c', "ragged_row")]


def test_a_quote_never_closed_is_named_and_the_rows_before_it_are_kept(company: Callable[..., Company]) -> None:
    opened = company(accounts='account_id,name\nA1,a\nA2,"b\nA3,c\n')
    assert names(opened) == ["a"]
    [fault] = [f for f in opened.faults if f.table == "accounts"]
    assert (fault.row, fault.rule) == (2, "ragged_row") and "A3,c" in str(fault.value)


def test_a_value_of_three_megabytes_is_read(company: Callable[..., Company]) -> None:
    assert len(names(company(accounts="account_id,name\nA1," + "x" * 3_000_000 + "\n"))[0]) == 3_000_000


@pytest.mark.parametrize("header", ["account_id,name,name", "account_id,name,Name"])
def test_a_column_named_twice_is_refused(header: str, company_folder: Callable[..., Path]) -> None:
    with pytest.raises(UnusableData, match="occurs more than once"):
        open_company(company_folder(accounts=header + "\nA1,a,b\n"))


def test_an_empty_file_is_refused(company_folder: Callable[..., Path]) -> None:
    with pytest.raises(UnusableData, match="is empty"):
        open_company(company_folder(accounts=""))


def test_a_table_in_two_files_is_refused(company_folder: Callable[..., Path]) -> None:
    folder = company_folder()
    pd.DataFrame({"account_id": ["A1"]}).to_parquet(folder / "accounts.parquet")
    with pytest.raises(UnusableData, match="accounts is there twice"):
        open_company(folder)


def test_unknown_files_and_columns_are_named_and_not_read(
    company: Callable[..., Company], company_folder: Callable[..., Path]
) -> None:
    opened = company(accounts="account_id,row__,shoe_size\nA1,9,44\n", leads="a\n1\n")
    assert {(f.table, f.column) for f in opened.faults if f.action == "ignore"} >= {
        ("leads.csv", ""),
        ("accounts", "shoe_size"),
    }
    assert "leads" not in opened.tables and "shoe_size" not in opened.table("accounts").columns
    assert opened.table("accounts").execute()["row__"].tolist() == [1]


def frames() -> dict[str, pd.DataFrame]:
    return {
        "accounts": pd.DataFrame({"account_id": ["A1", "A2"], "name": ["甲", None], "employees": [5, 700], "segment": ["SMB", "KA"]}),
        "opportunities": pd.DataFrame({
            "opportunity_id": ["O1", "O2"], "account_id": ["A1", "A2"], "created_at": [dt.date(2025, 1, 1), dt.date(2025, 5, 1)],
            "closed_at": [dt.date(2025, 2, 1), None], "outcome": ["won", "open"], "amount": [1234.5, None],
            "lost_to_competitor": [False, None],
        }),
        "stage_history": pd.DataFrame({
            "opportunity_id": ["O1"], "stage": ["s"], "entered_at": pd.to_datetime(["2025-01-01T10:00:00+08:00"]),
        }),
    }  # fmt: skip


def check_same(opened: Company) -> None:
    assert opened.faults == []
    assert opened.table("accounts").order_by("account_id").execute()["employees"].tolist() == [5, 700]
    deals = opened.table("opportunities").order_by("opportunity_id").execute()
    assert deals["amount"].iloc[0] == 1234.5 and deals["closed_at"].isna().tolist() == [False, True]
    assert str(opened.table("stage_history").execute()["entered_at"].iloc[0]) == "2025-01-01 02:00:00"


def test_typed_parquet_reads_as_csv_does(company_folder: Callable[..., Path]) -> None:
    folder = company_folder()
    for name, frame in frames().items():
        (folder / f"{name}.csv").unlink(missing_ok=True)
        frame.to_parquet(folder / f"{name}.parquet")
    check_same(open_company(folder))


def test_a_broken_parquet_file_is_refused(company_folder: Callable[..., Path]) -> None:
    folder = company_folder()
    (folder / "teams.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(UnusableData, match="cannot be read as Parquet"):
        open_company(folder)


def duckdb_file(path: Path, reverse: bool = False) -> Path:
    with duckdb.connect(str(path)) as engine:
        for name, frame in frames().items():
            engine.register("frame", frame)
            engine.execute(f"CREATE TABLE {name} AS SELECT * FROM frame ORDER BY 1 {'DESC' if reverse else 'ASC'}")
        engine.execute("CREATE TABLE something_else AS SELECT 1 AS x")
    return path


def test_a_duckdb_file_beside_its_toml_and_the_toml_naming_it_read_alike(
    company_folder: Callable[..., Path], tmp_path: Path
) -> None:
    folder = company_folder({"database": "sales.duckdb"})
    for path in folder.glob("*.csv"):
        path.unlink()
    file = duckdb_file(folder / "sales.duckdb")
    for place in (file, folder):
        check_same(open_company(place))


def test_the_hash_of_a_database_does_not_hang_on_the_order_of_its_rows(company_folder: Callable[..., Path]) -> None:
    hashes = set()
    for reverse in (False, True):
        hashes.add(open_company(duckdb_file(company_folder() / "sales.duckdb", reverse)).data_hash)
    assert len(hashes) == 1


def test_the_hash_of_a_folder_changes_with_any_byte(company_folder: Callable[..., Path]) -> None:
    hashes = [open_company(company_folder(accounts=f"account_id,name\nA1,{n}\n")).data_hash for n in ("x", "x", "y")]
    assert hashes[0] == hashes[1] != hashes[2]


def test_what_is_not_there_is_said_in_one_sentence(tmp_path: Path, company_folder: Callable[..., Path]) -> None:
    with pytest.raises(UnusableData, match="does not exist"):
        open_company(tmp_path / "nowhere")
    (tmp_path / "list.xlsx").write_text("x")
    with pytest.raises(UnusableData, match="neither a company folder nor a DuckDB file"):
        open_company(tmp_path / "list.xlsx")
    with pytest.raises(UnusableData, match="names it as the database"):
        open_company(company_folder({"database": "gone.duckdb"}))


def test_an_excel_file_is_called_one(company_folder: Callable[..., Path]) -> None:
    import openpyxl

    folder = company_folder(accounts="account_id\nA1\n", opportunities="opportunity_id,account_id,outcome\n")
    openpyxl.Workbook().save(folder / "stakeholders.xlsx")
    openpyxl.Workbook().save(folder / "notes.xlsx")
    found = {f.table: f.rule for f in open_company(folder).faults}
    assert (found["stakeholders.xlsx"], found["notes.xlsx"]) == ("excel_file", "unknown_table")
    (folder / "accounts.csv").unlink()
    openpyxl.Workbook().save(folder / "accounts.xlsx")
    with pytest.raises(UnusableData, match=r"accounts is missing: accounts.xlsx is an Excel file; save it as CSV"):
        open_company(folder)
    (folder / "accounts.xlsx").rename(folder / "accounts.csv")
    with pytest.raises(UnusableData, match=r"accounts.csv is an Excel file"):
        open_company(folder)


def test_a_company_toml_of_another_encoding_or_without_quotes_says_what_to_do(
    company_folder: Callable[..., Path],
) -> None:
    folder = company_folder(accounts="account_id\nA1\n", opportunities="opportunity_id,account_id,outcome\n")
    toml = folder / "company.toml"
    said = toml.read_text(encoding="utf-8")
    toml.write_bytes((said + "\n# 澄屿\n").encode("gbk"))
    with pytest.raises(UnusableData, match="is not UTF-8; save it as UTF-8"):
        open_company(folder)
    toml.write_text("name = X\n", encoding="utf-8")
    with pytest.raises(UnusableData, match="Texts need quotes"):
        open_company(folder)
    toml.write_text(said + '\nka_lauch = "2025-01-01"\n', encoding="utf-8")
    with pytest.raises(UnusableData, match="did you mean ka_launch"):
        open_company(folder)
