"""Findings as text: a sentence for every state and reason, numbers with intervals, flips, faults."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

from kaanalysis import tables
from kaanalysis.policy import load_policy
from kaanalysis.results import Finding, Flip, Number, Result
from kaanalysis.text import _DIGITS, LANGUAGES, words

DEMO = Path(__file__).parent.parent / "data" / "demo"
MARK = Number("mark", "KA", 0.5, None, None, None, 294, "share", "policy")
SUCCESS = Number("success", "KA", 0.56, 0.49, 0.63, 0.95, 294, "share", "Aalen–Johansen", 12)


@pytest.fixture
def demo(demo_results: dict[str, Result]) -> dict[str, Result]:
    return demo_results


@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_the_demo_company_says_can_be_said(demo: dict[str, Result], language: str) -> None:
    w, policy = words(language), load_policy()
    for result in demo.values():
        assert tables.verdict_lines(result, w)
        assert tables.flip_lines(result, w, policy)
        for finding in result.findings:
            assert len(tables.numbers_table(finding, w)) == len(finding.numbers)


def test_every_method_of_the_demo_company_is_said_in_chinese(demo: dict[str, Result]) -> None:
    methods = {n.method for r in demo.values() for f in r.findings for n in f.numbers}
    phrases = {_DIGITS.sub("{n}", p) for m in methods for p in re.split(r"[;,] ", m)}
    assert sorted(p for p in phrases if not words("zh").has(f"terms.method.{p}")) == []


def test_sentence_of_a_verdict() -> None:
    finding = Finding("M-3.2", "success", "undecided", "success_undecided", (SUCCESS, MARK))
    assert tables.sentence(finding, words("en")) == (
        "Whether key-account projects reach the mark of 50% is open: 56% (49% to 63%, 95% interval) are won within 12 months."
    )


def test_sentence_without_data_names_what_is_missing() -> None:
    finding = Finding("M-3.2", "success", "no_data", "missing", needs=("accounts.segment", "opportunities.closed_at"))
    assert (
        tables.sentence(finding, words("en"))
        == "The data cannot answer this. Missing: accounts.segment, opportunities.closed_at."
    )
    assert tables.sentence(finding, words("zh")) == "数据无法回答：缺少 accounts.segment、opportunities.closed_at。"


def test_common_reason_of_undecided() -> None:
    finding = Finding("M-1.2", "lifecycle", "undecided", "too_few")
    assert "too few cases" in tables.sentence(finding, words("en"))


def test_numbers_table_holds_what_a_statistician_asks_for() -> None:
    table = tables.numbers_table(Finding("M-3.2", "success", "undecided", "success_undecided", (SUCCESS,)), words("en"))
    assert table.columns.tolist() == ["number", "value", "interval", "n", "method"]
    assert table.iloc[0].tolist() == ["success, KA", "56%", "49% to 63%, 95% interval", "294", "Aalen–Johansen"]


def test_flip_sentences() -> None:
    finding, units = Finding("M-3.2", "success", "undecided", "success_undecided"), {"success.target": "share"}
    moves = Flip("success.target", 0.5, 0.486, (0.2, 0.9), "supported")
    assert (
        tables.flip_sentence(moves, finding, words("en"), units)
        == "mark for KA success: now 50%; at 49% or below the verdict is “supported”."
    )
    never = Flip("success.target", 0.5, None, (0.2, 0.9))
    assert "the same over the whole range 20% to 90%" in tables.flip_sentence(never, finding, words("en"), units)


def test_flip_next_to_the_present_value_shows_the_digits_that_tell_them_apart() -> None:
    finding, units = Finding("M-3.2", "success", "undecided", "success_undecided"), {"success.target": "share"}
    near = Flip("success.target", 0.5, 0.4971, (0.2, 0.9), "supported")
    assert "now 50%; at 49.7% or below" in tables.flip_sentence(near, finding, words("en"), units)


def test_flip_of_the_rule_names_the_path() -> None:
    finding = Finding("M-4", "path_rule", "supported", "part_time")
    said = tables.flip_sentence(Flip("path.high_fit", 0.8, 0.91, (0.6, 1.0), "split"), finding, words("zh"), {})
    assert said.endswith("规则要求拆分。")


def test_faults_are_counted_by_rule() -> None:
    faults = pd.DataFrame(
        {
            "table": ["a", "a"],
            "column": ["x", "x"],
            "row": [1, 2],
            "value": ["u", "v"],
            "rule": ["not_a_number"] * 2,
            "action": ["blank"] * 2,
        }
    )
    summary = tables.fault_summary(faults, words("en"))
    assert summary.iloc[0].tolist() == [
        "a",
        "x",
        "must be a finite number: digits and a point, no separators, no currency sign",
        "value left out, row kept",
        2,
    ]
    assert tables.fault_summary(faults.head(0), words("en")).empty


@pytest.mark.parametrize("language", LANGUAGES)
def test_sentences_around_the_reason_come_with_the_terms_that_name_them(language: str) -> None:
    """M-0: what a further seller costs is said after the reason, only where there is a price."""
    trend = Number("revenue_per_head_growth", "SMB", 0.01, -0.1, 0.1, 0.95, 20, "share per year", "m")
    cost = tuple(
        Number("cost_of_growth", s, v, v / 2, v * 2, 0.95, 70, "currency per currency", "m")
        for s, v in (("SMB", 1.4), ("KA", 0.4))
    )
    w = words(language)
    said = {
        price: tables.sentence(
            Finding("M-0", "growth_by_heads", "undecided", "heads_undecided", (trend, *cost), terms={"price": price}), w
        )
        for price in ("both", "smb", "")
    }
    assert said["both"].startswith(said[""]) and said["smb"].startswith(said[""]) and len(said[""]) < len(said["smb"])
    assert "0.40" in said["both"] and "0.40" not in said["smb"]
