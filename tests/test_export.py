"""Excel workbooks: what goes in comes out, names of sheets are legal, and no cell of the data becomes a formula."""

from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from kaanalysis.export import write_workbook


def test_tables_come_back_as_they_were(tmp_path: Path) -> None:
    frame = pd.DataFrame({"客户": ["甲", None], "n": [1, 2], "share": [0.5, float("nan")]})
    book = openpyxl.load_workbook(write_workbook(tmp_path / "out.xlsx", {"one": frame, "two": frame.head(0)}))
    assert book.sheetnames == ["one", "two"]
    assert [list(r) for r in book["one"].values] == [["客户", "n", "share"], ["甲", 1, 0.5], [None, 2, None]]
    assert book["one"].freeze_panes == "A2" and [list(r) for r in book["two"].values] == [["客户", "n", "share"]]


@pytest.mark.parametrize("text", ["=1+1", '=HYPERLINK("x")', "+1", "-1+2", "@SUM(A1)", "\t=1"])
def test_text_that_looks_like_a_formula_stays_text(text: str, tmp_path: Path) -> None:
    path = write_workbook(tmp_path / "out.xlsx", {"t": pd.DataFrame({"name": [text]})})
    cell = openpyxl.load_workbook(path)["t"]["A2"]
    assert cell.data_type == "s" and cell.value == text and cell.quotePrefix


def test_names_of_sheets_are_legal_and_told_apart(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [1]})
    titles = [
        "White space: a persona fits, but no customer yet",
        "White space: a persona fits, but not this one",
        "a/b[c]*?",
        "",
    ]
    book = openpyxl.load_workbook(write_workbook(tmp_path / "out.xlsx", dict.fromkeys(titles, frame)))
    assert len(book.sheetnames) == 4 and all(len(n) <= 31 and not set(n) & set("[]:*?/\\") for n in book.sheetnames)


def test_no_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least one table"):
        write_workbook(tmp_path / "out.xlsx", {})
