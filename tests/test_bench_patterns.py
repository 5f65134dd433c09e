"""The health check's proof, small: a row keeps what is told of a company, and the tables count it rightly.

The full measurement is ``make bench-patterns``; its results are in benchmarks/PATTERNS.md.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.patterns import document, looks, study
from benchmarks.validity import store
from benchmarks.validity.engine import Engine
from kaanalysis.policy import Policy

IDS = (*study.PLANTED.values(), *document.CONFLICTS)


def company(
    found: str | None, ruled_out: str | None = None, lead: float | None = None, at_least: bool = True
) -> dict[str, Any]:
    held = {}
    for id in IDS:
        state = "supported" if id == found else "contradicted" if id == ruled_out else "undecided"
        mine = id == found
        held[id] = {"state": state, "p_adjusted": 0.01 if mine else 0.5, "score": 0.5, "lead_months": lead if mine else None,
                    "lead_at_least": mine and at_least}  # fmt: skip
    return {"findings": held, "signs": {"cycle_ratio": [1.2, 1.1, 1.3], "blur": [None, None, None]}}


ROWS = {
    "healthy": [company(None, "M-A"), company("M-C", "M-A")],
    "hatching": [company("M-A", lead=9.0), company("M-A", lead=5.0, at_least=False), company("M-B")],
}


def line(table: str, world: str) -> list[str]:
    return [
        cell.strip()
        for cell in next(r for r in table.splitlines() if r.startswith(f"| {world} ")).strip("|").split("|")
    ]


def test_the_confusion_table_counts_what_is_found_and_marks_the_planted_one() -> None:
    table = document.states(ROWS, "supported", document.PATTERNS, any_of="any")
    assert line(table, "hatching")[1:4] == ["3", "**67 [21, 94]**", "33 [6, 79]"]
    assert line(table, "healthy")[-1].startswith("50 ") and line(table, "hatching")[-1].startswith("100 ")
    assert line(document.states(ROWS, "contradicted", document.PATTERNS, any_of="any"), "healthy")[2].startswith("100 ")


def test_found_alone_is_less_than_found_where_another_is_found_too() -> None:
    both = company("M-A")
    both["findings"]["M-C"]["state"] = "supported"
    made = line(document.told_apart({"hatching": [company("M-A"), both]}), "hatching")
    assert made[2].startswith("100 ") and made[3].startswith("50 ")


def test_leads_are_read_from_companies_with_a_lasting_alarm() -> None:
    made = line(document.leads(ROWS), "hatching")
    assert made[2:4] == ["2 of 3", "7 (5 to 9)"] and made[4].startswith("50 ")


def test_coverage_counts_intervals_that_hold_the_truth() -> None:
    table = document.coverage(ROWS, {"healthy": {"cycle_ratio": 1.15}, "hatching": {"cycle_ratio": 2.0, "blur": 1.0}})
    assert line(table, "`cycle_ratio`")[1:] == ["100", "0*"] and line(table, "`blur`")[1:] == ["–", "–"]


def test_sums_of_money_are_held_against_no_large_company() -> None:
    rows = {"healthy": [{"signs": {"net_increment": [1.0, 0.5, 1.5], "blur": [1.0, 0.5, 1.5]}}]}
    table = document.coverage(rows, {"healthy": {"net_increment": 24.0, "blur": 1.0}})
    assert "net_increment" not in table and line(table, "`blur`")[1:] == ["100"]


def test_monthly_looks_tell_any_look_from_the_last(policy: Policy) -> None:
    healthy = [{"replay": {"M-A": ["supported", "undecided", "undecided"]}}, {"replay": {"M-A": ["undecided"] * 3}}]
    table = looks.monthly_looks(healthy, policy)
    assert line(table, "at any look")[2].startswith("50.0") and line(table, "at the last look")[2].startswith("0.0")


def test_the_document_has_all_of_it(policy: Policy) -> None:
    truths = {"healthy": {}, "hatching": {}}
    told = document.document({1.0: ROWS}, truths, "looks", {"command": "`c`", "large": "24"})
    for word in (
        "Found where",
        "Told apart",
        "Ruled out",
        "Conflicts",
        "Lead time",
        "Monthly looks",
        "M-X4",
        "`cycle_ratio`",
    ):
        assert word in told, word


def test_a_company_drawn_and_judged_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, policy: Policy) -> None:
    monkeypatch.setattr(store, "FOLDER", tmp_path)
    row = study.drawn(Engine(), "young_programme", study.FIRST_SEED, 0.5, policy, fit=False)
    assert set(row["findings"]) == set(IDS) and "double_pursuit" in row["signs"]
    study.rows_of("young_programme", 0.5, policy).append([row])
    left = list(study.open_tasks(["young_programme"], [0.5], 3, policy))
    assert [t[2] for t in left] == [(study.FIRST_SEED + 1, study.FIRST_SEED + 2)]
