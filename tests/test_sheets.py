"""Sheets of the workbook: numbers stay numbers with limits and unit beside them, codes are read, nothing is lost on the way to Excel."""

import re
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from figure_frames import sheet_finding, sheet_frames

from kaanalysis import display, sheets
from kaanalysis.export import write_workbook
from kaanalysis.results import Finding, Number, Result
from kaanalysis.text import LANGUAGES, words

DEMO = Path(__file__).parent.parent / "data" / "demo"


@pytest.fixture
def demo(demo_results: dict[str, Result]) -> dict[str, Result]:
    return demo_results


@pytest.mark.parametrize("language", LANGUAGES)
def test_both_first_analyses_have_their_sheets_by_short_names(demo: dict[str, Result], language: str) -> None:
    w = words(language)
    for id, wanted in (
        (
            "00_problem_framing",
            ("numbers", "growth_bridge", "growth_by", "retention", "penetration", "problem_ranking"),
        ),
        ("03_sales_flow", ("numbers", "steadiness", "sellers", "loss_modes", "loss_mode_rates")),
        ("01_base_assumptions", ("numbers", "statements", "definitions", "white_space", "personas", "inside_outside")),
    ):
        found = sheets.of_result(demo[id], w)
        assert {w(f"sheet.title.{name}") for name in wanted} <= set(found)
        assert all(len(name) <= 31 and not set(name) & set("[]:*?/\\") for name in found)
        for name, frame in found.items():
            assert len(frame) and frame.columns.is_unique, name


@pytest.mark.parametrize("language", LANGUAGES)
def test_sheets_of_00_hold_numbers_that_can_be_summed(demo: dict[str, Result], language: str) -> None:
    w, framing = words(language), demo["00_problem_framing"]
    found = sheets.of_result(framing, w)
    shown = {n: found[w(f"sheet.title.{n}")] for n in ("growth_bridge", "growth_by", "penetration", "retention")}
    heads = {
        c: sheets._first(w, c, "sheet.column", "table") for c in ("low", "high", "unit", "value", "dimension", "part")
    }
    for name, table in shown.items():
        assert len(table) == len(framing.frames[name]), name
        for end in ("low", "high"):
            assert table[heads[end]].map(lambda v: v is None or isinstance(v, float)).all(), name
            assert table[heads[end]].notna().any(), name
    share = w.unit("share")
    units = shown["growth_bridge"].set_index(heads["part"])[heads["unit"]]
    assert set(units[w("number_names.growth_rate")]) == {share} and set(units[w("number_names.new")]) == {"CNY"}
    assert set(shown["retention"][heads["unit"]]) == {share}
    by = shown["growth_by"].set_index([heads["dimension"], heads["part"]])[heads["value"]]
    assert set(shown["growth_by"].set_index(heads["part"])[heads["unit"]][w("number_names.growth_rate")]) == {share}
    bridge = framing.frames["growth_bridge"].set_index(["segment", "part"])["value"]
    change = bridge["all", "revenue_now"] - bridge["all", "revenue_before"]
    for dimension in ("segment", "industry", "region"):
        assert by[w(f"table.{dimension}"), w("display.change")].sum() == pytest.approx(change)


@pytest.mark.parametrize("language", LANGUAGES)
def test_work_lists_of_02_are_sheets_whole_and_in_the_language(demo: dict[str, Result], language: str) -> None:
    w, buying = words(language), demo["02_procurement_flow"]
    found = sheets.of_result(buying, w)
    for name in display.available(buying):
        assert len(found[w(f"sheet.title.{name}")]) == len(buying.frames[name]), name
    missing = found[w("sheet.title.missing_parties")]
    assert missing[w("table.share_of_flows")].map(lambda v: isinstance(v, float) and 0 <= v <= 1).all()
    roles = {w.term("party", r) for r in buying.frames["missing_parties"]["role"]}
    assert set(missing[w("table.missing_role")]) == roles
    cells = found[w("sheet.title.library_next")]
    held = buying.frames["library"].set_index(["category", "industry", "size_band"])["accounts"]
    first = buying.frames["library_next"].sort_values("rank").iloc[0]
    assert cells[w("sheet.column.accounts")].iloc[0] == held[first["category"], first["industry"], first["size_band"]]
    said = found[w("sheet.title.messages")][w("table.message")]
    assert said.tolist() == buying.frames["messages"][f"message_{language}"].tolist()


def test_numbers_are_numbers_with_limits_and_unit_beside_them(demo: dict[str, Result]) -> None:
    result = demo["01_base_assumptions"]
    table = sheets.numbers(result, words("en"))
    assert len(table) == sum(len(f.numbers) for f in result.findings)
    row = table[(table["finding"] == "M-1.4") & (table["number"] == "ratio of median spend")].iloc[0]
    number = result.finding("M-1.4").number("spend_ratio")
    assert number is not None
    assert (row["value"], row["low"], row["high"], row["unit"]) == (number.value, number.low, number.high, "times")
    assert table["value"].map(lambda v: v is None or isinstance(v, int | float)).all()


def test_codes_are_read_in_chinese_and_names_of_the_data_stay(demo: dict[str, Result]) -> None:
    zh = words("zh")
    table = sheets.of_result(demo["01_base_assumptions"], zh)["全部数字"]
    assert not table["方法"].str.contains(r"[a-z]{4,} [a-z]{2,}").any()
    assert {"成立", "尚不能判定"} >= set(table["判断"])
    white = sheets.of_result(demo["01_base_assumptions"], zh)["空白名单"]
    assert set(white["我方跟进过"]) == {"是", "否"} and white["客户编号"].str.match(r"A\d{4}$").all()
    assert not any(re.fullmatch(r"[a-z_]+", str(c)) for c in white.columns if c != "n")


def test_a_frame_with_other_columns_and_parts_loses_none_of_them() -> None:
    """Frames may grow: what has no text keeps its name, and a missing column is left out."""
    frame = pd.DataFrame({"segment": ["KA"], "part": ["made_up"], "value": [1.5]})
    made = sheets.sheet(frame, ["segment", "part", "value", "low", "n"], words("en"))
    assert made.to_dict("records") == [{"group": "KA", "part": "made_up", "value": 1.5}]


def test_amounts_come_out_of_the_workbook_as_numbers_and_names_as_text(tmp_path: Path) -> None:
    number = Number("spend_median", "KA", 12.5, 10.0, None, 0.95, 3, "CNY", "median, order statistics")
    finding = Finding("M-1.4", "willingness_to_pay", "undecided", "too_few", (number,))
    frame = pd.DataFrame({"segment": ["=1+1"], "industry": ["-x"], "known": [7], "share": [0.25], "won": [1e6]})
    result = Result("00_problem_framing", "", "", "", [finding], {"penetration": frame})
    book = openpyxl.load_workbook(write_workbook(tmp_path / "out.xlsx", sheets.of_result(result, words("en"))))
    assert book.sheetnames == ["All numbers", "Industry coverage"]
    heads, row = (list(r) for r in book["All numbers"].values)
    found = dict(zip(heads, row, strict=True))
    assert (found["value"], found["low"], found["high"], found["unit"]) == (12.5, 10, None, "CNY")
    coverage = book["Industry coverage"]
    assert [c.value for c in coverage[2]] == ["=1+1", "-x", 7, 0.25, 1e6, "CNY"]
    assert coverage["A2"].data_type == "s" and coverage["A2"].quotePrefix


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_blank_sheet_its_nodes_and_orphans_read_in_the_language(language: str) -> None:
    w = words(language)
    made = sheets.of_result(Result("03_sales_flow", "", "", "", [sheet_finding()], sheet_frames()), w)
    long, nodes, alone = (made[w(f"sheet.title.{n}")] for n in ("sales_sheet", "sales_sheet_nodes", "sheet_orphans"))
    assert len(long) == len(sheet_frames()["sales_sheet"]) and len(nodes) == 11
    wanted = {
        "en": [1, "need raised", "user", "does", "sales action", "discovery interview"],
        "zh": [1, "提出需求", "使用者", "办理", "销售动作", "需求访谈"],
    }
    assert long.iloc[0].tolist() == wanted[language]
    assert nodes.iloc[7, 5] == w("display.yes") and nodes.iloc[0, 5] == w("display.no") and nodes.iloc[0, 10] == 0.2
    assert alone.iloc[2, 2] == {"en": "astrology", "zh": "占星"}[language] and alone.iloc[2, 1] == w(
        "terms.lane.support"
    )
