"""The page over the groups: which number is shown, verdicts that do not hold together, and names that are not markup."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from company_files import write_company

from kaanalysis.company import Company, open_company
from kaanalysis.group_index import Group, GroupRun, build_index, left_out, main_number, rows_of
from kaanalysis.manifest import Manifest, Step
from kaanalysis.policy import load_policy
from kaanalysis.results import Finding, Number
from kaanalysis.text import words

WIDE = Number("rmst_difference", "KA-SMB", 9.0, -1.0, 19.0, 0.9875, 40, "months", "restricted mean, Greenwood")
TIGHT = replace(WIDE, low=6.0, high=12.0)
ALONE = Number("lifetime_median", "SMB", 20.0, None, None, 0.9875, 30, "months", "Kaplan–Meier")


def finding(state: str, *numbers: Number) -> Finding:
    if state == "no_data":
        return Finding("M-1.2", "lifecycle", "no_data", "missing", needs=("accounts.segment",))
    return Finding("M-1.2", "lifecycle", state, "lifecycle_supported", numbers)


def manifest(accounts: int = 1, status: str = "done") -> Manifest:
    return Manifest(
        {"data_hash": "d", "policy_hash": "p", "by": "region"}, {"name": "Test", "currency": "CNY", "as_of": "2025-12-31"}, "demo#region=x",
        {}, {}, {}, ["en", "zh"], "kaanalysis report --by region", "2026-06-30", "2026-06-30", [Step("01_base_assumptions", status, error="E: told")],
        {"accounts": [accounts, accounts], "opportunities": [1, 1]},
    )  # fmt: skip


def run(value: str | None, state: str, *numbers: Number, accounts: int = 50, status: str = "done") -> GroupRun:
    found = {"01_base_assumptions": [finding(state, *numbers)]}
    return GroupRun(Group(value, value or "no-value", accounts), manifest(accounts, status), found)


def test_all_groups_are_shown_by_the_same_number_the_first_with_an_interval() -> None:
    found = [finding("no_data"), finding("undecided", ALONE), finding("supported", ALONE, TIGHT)]
    assert main_number(found) == TIGHT
    median = replace(ALONE, low=10.0, high=30.0)
    assert main_number([finding("supported", median, TIGHT)]) == TIGHT, "the comparison, where there is one"
    assert main_number([finding("supported", ALONE, median)]) == median
    assert main_number(found[:2]) == ALONE and main_number(found[:1]) is None


def test_a_verdict_that_holds_only_by_itself_is_told_apart() -> None:
    runs = [run("east", "undecided", ALONE, WIDE), run("west", "supported", TIGHT), run(None, "no_data")]
    own = [{"M-1.2": finding("supported", WIDE)}, {"M-1.2": finding("supported", TIGHT)}, {"M-1.2": finding("no_data")}]
    (row,) = rows_of(runs, own, words("en"))
    assert [c.state for c in row.cells] == ["undecided", "supported", "no_data"]
    assert [c.own for c in row.cells] == ["by itself: supported", "", ""]
    assert "9" in row.cells[0].number and row.cells[0].n == "n = 40" and row.cells[2].number == ""


def test_a_finding_that_a_group_lacks_is_said_to_be_missing() -> None:
    runs = [run("east", "supported", TIGHT), GroupRun(Group("west", "west", 20), None, {}, error="x")]
    (row,) = rows_of(runs, [{}, {}], words("en"))
    assert [c.missing for c in row.cells] == [False, True]


@pytest.fixture
def company(tmp_path: Path) -> Company:
    return open_company(write_company(tmp_path / "company", {"accounts": "account_id,region\nA1,x\nA2,y\n"}))


def test_rows_in_no_group_are_counted_where_all_groups_are_there(company: Company) -> None:
    runs = [run("x", "no_data", accounts=1)]
    assert left_out(company, runs) == {"accounts": 1}
    assert left_out(company, [*runs, run("y", "no_data", accounts=1)]) == {"opportunities": -1}
    assert left_out(company, [*runs, GroupRun(Group("y", "y", 1), None)]) == {}


@pytest.mark.parametrize(
    ("language", "small"), [("en", "Small groups, under 10 accounts: <b>"), ("zh", "小组（客户不足 10 个）：<b>")]
)
def test_the_page_warns_escapes_and_leads_to_each_report(
    company: Company, tmp_path: Path, language: str, small: str
) -> None:
    runs = [
        run("east", "supported", TIGHT),
        run("<b>", "undecided", WIDE, accounts=3),
        run(None, "no_data", status="failed"),
    ]
    made = tmp_path / "run"
    made.mkdir()
    text = build_index(made, language, "region", runs, manifest(), company, load_policy()).read_text(encoding="utf-8")
    assert "<b>" not in text and small.replace("<b>", "&lt;b&gt;") in text
    assert "98.333%" in text and ("Bonferroni" if language == "en" else "邦费罗尼") in text
    assert f'href="east/report.{language}.html"' in text and "E: told" in text
    assert "http" not in text


def test_one_group_is_not_adjusted(company: Company, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    text = build_index(
        tmp_path / "run", "en", "region", [run("east", "supported", TIGHT)], manifest(), company, load_policy()
    ).read_text()
    assert "nothing is read at once" in text and "Bonferroni" not in text
