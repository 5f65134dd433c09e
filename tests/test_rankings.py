"""Ranking lists beside a company: any reasonable file is read, and what is broken in it is named."""

from pathlib import Path

import openpyxl
import pytest

from kaanalysis.contracts import UnusableData
from kaanalysis.rankings import COLUMNS, read_rankings


def lists(tmp_path: Path) -> Path:
    folder = tmp_path / "rankings"
    folder.mkdir()
    return folder


def test_no_folder_is_no_list(tmp_path: Path) -> None:
    frame, faults, digest = read_rankings(tmp_path)
    assert frame.empty and list(frame.columns) == list(COLUMNS) and not faults and digest == b""


def test_csv_tsv_and_excel_in_english_and_chinese(tmp_path: Path) -> None:
    folder = lists(tmp_path)
    (folder / "Example 500 2023.tsv").write_text("Rank\tCompany Name\n1\tSiemens\n", encoding="utf-8")
    (folder / "样例榜.csv").write_bytes("排名,企业名称,年份,范围\n3,工商银行,2022,National\n".encode("gb18030"))
    book = openpyxl.Workbook()
    for row in (("name", "year"), ("Toyota", 2021)):
        book.active.append(row)  # type: ignore[union-attr]
    book.save(folder / "third.xlsx")
    frame, faults, digest = read_rankings(tmp_path)
    assert not faults and len(digest) == 32
    rows = {r["name"]: (r["list"], r["year"], r["reach"]) for r in frame.where(frame.notna(), None).to_dict("records")}
    assert rows == {
        "Siemens": ("Example 500 2023", "2023", None),
        "工商银行": ("样例榜", "2022", "national"),
        "Toyota": ("third", "2021", None),
    }


def test_broken_rows_are_named_and_the_rest_is_kept(tmp_path: Path) -> None:
    folder = lists(tmp_path)
    (folder / "l.csv").write_text("name,reach\nA,galactic\n,global\nB,\n", encoding="utf-8")
    (folder / "notes.txt").write_text("x", encoding="utf-8")
    frame, faults, _ = read_rankings(tmp_path)
    assert frame["name"].tolist() == ["A", "B"] and frame["reach"].isna().all()
    assert {(f.table, f.column, f.row, f.rule, f.action) for f in faults} == {
        ("rankings/l.csv", "reach", 1, "unknown_choice", "blank"), ("rankings/l.csv", "name", 2, "required", "set_aside"),
        ("rankings/notes.txt", "", None, "unknown_table", "ignore"),
    }  # fmt: skip


def test_a_file_without_names_is_refused(tmp_path: Path) -> None:
    (lists(tmp_path) / "l.csv").write_text("rank,country\n1,DE\n", encoding="utf-8")
    with pytest.raises(UnusableData, match=r"l\.csv has no column name or company"):
        read_rankings(tmp_path)


def test_another_list_is_other_data(tmp_path: Path) -> None:
    folder = lists(tmp_path)
    (folder / "l.csv").write_text("name\nA\n", encoding="utf-8")
    before = read_rankings(tmp_path)[2]
    (folder / "l.csv").write_text("name\nB\n", encoding="utf-8")
    assert read_rankings(tmp_path)[2] != before
