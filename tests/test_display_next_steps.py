"""What to do next as a reader sees it and as an analyst fills it in: names in the language, amounts with units, no formula, empty columns."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from kaanalysis import display, sheets
from kaanalysis.analyses.next_steps import COLUMNS
from kaanalysis.export import write_workbook
from kaanalysis.path_settings import MEASURES
from kaanalysis.results import Finding, Number, Result
from kaanalysis.text import LANGUAGES, words


def row(**changes: object) -> dict[str, object]:
    plain: dict[str, object] = {
        **dict.fromkeys(COLUMNS), "status": "set", "path": "split", "about": "", "text_en": "Do it", "text_zh": "做", "owner": "ka_leader",
        "owner_en": "leader of key accounts", "owner_zh": "大客户负责人", "measure": "", "unit": "", "done_en": "", "done_zh": "",
        "due": "2026-02-28",
    }  # fmt: skip
    return {**plain, **changes}


def result() -> Result:
    steps = [
        row(status="find_out", path="", about="legal review", text_en="Settle {name}", text_zh="弄清{name}", measure="p_bottleneck", value=0.38, n=1000, unit="probability"),
        row(about="not named", text_en="Find out {name}", text_zh="弄清{name}", measure="information_worth", value=2e6, unit="CNY"),
        row(measure="continuation_first", value=1.0, n=6),
        row(measure="loss_budget"),
        row(status="provisional", text_en="=HYPERLINK(1)", text_zh="=1+1", done_en="-told", done_zh="已说", due=None),
    ]  # fmt: skip
    accounts = pd.DataFrame({
        "account_id": ["A1"], "name": ["@SUM(1)"], "persona": ["M-1.5a"], "industry": ["finance"], "region": [None], "annual_revenue": [5e8],
        "team": [None], "seller": [None], "worked": [False], "open_deals": [0], "lost_deals": [0], "expected": [1e5], "low": [8e4],
        "high": [1.2e5], "rank": [1], "paths": ["part_time,split"],
    })  # fmt: skip
    borders = pd.DataFrame({"border": ["path.high_fit"], "axis": ["fit"], "at": [0.8], "distance": [0.07], "move": ["lower"], "need": [0.07], "beyond": [0.004], "then": ["split"]})  # fmt: skip
    number = Number("npv", "split", 1e6, 5e5, 2e6, 0.9, 10, "CNY", "m")
    frames = {"next_steps": pd.DataFrame(steps), "named_accounts": accounts, "rule_borders": borders}
    return Result(
        "04_path_selection",
        "",
        "",
        "",
        [Finding("M-4.2", "path_split", "supported", "pays_supported", (number,))],
        frames,
    )


def test_the_list_reads_in_both_languages() -> None:
    english = display.display_table(result(), "next_steps", words("en"))
    assert english["what to set"].tolist()[:2] == ["Settle legal review", "Find out not named"]
    assert english["for"].tolist() == ["find out first", "split", "split", "split", "split, provisional"]
    assert english["done when"].tolist()[0] == "38% of the resamples say that it is"
    assert english["done when"].tolist()[2] == "stop if at most 1 of the first 6 projects are won"
    assert english["done when"].tolist()[3].endswith("not to be had from this run")
    assert english["by"].tolist()[3:] == ["Feb 28, 2026", "to be set"]
    chinese = display.display_table(result(), "next_steps", words("zh"))
    assert chinese["期限"].tolist()[0] == "2026年2月28日" and set(chinese["负责职能"]) == {"大客户负责人"}
    assert not chinese.isna().any().any() and len(chinese) == 5


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_measure_has_a_name(language: str) -> None:
    assert all(words(language).has(f"terms.measure.{m}") for m in (*MEASURES, "stop_month_open"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_sheets_stay_numbers_and_leave_room_for_names_and_dates(language: str, tmp_path: Path) -> None:
    w = words(language)
    made = sheets.of_result(result(), w)
    path = write_workbook(tmp_path / "report.xlsx", made)
    book = openpyxl.load_workbook(path)
    for title in ("next_steps", "named_accounts"):
        sheet = book[w(f"sheet.title.{title}")]
        heads = [c.value for c in sheet[1]]
        for column in ("responsible", "done_on", "remark"):
            at = heads.index(w(f"sheet.column.{column}"))
            assert all(r[at].value is None for r in sheet.iter_rows(min_row=2)), column
        assert not any(c.data_type == "f" for r in sheet.iter_rows() for c in r), "a text is no formula"
    steps = made[w("sheet.title.next_steps")]
    assert steps[w("table.value")].tolist()[:3] == [0.38, 2e6, 1.0]
    assert made[w("sheet.title.rule_borders")].iloc[0].tolist()[1:3] == [0.8, 0.07]
    assert made[w("sheet.title.named_accounts")].iloc[0].tolist()[2] == "@SUM(1)"


def test_a_paths_own_accounts_name_the_lists_they_are_on() -> None:
    table = display.display_table(result(), "named_accounts", words("en"))
    assert table.iloc[0]["on the list of"] == "part-time, split" and table.iloc[0]["region"] == words("en")(
        "display.not_recorded"
    )
