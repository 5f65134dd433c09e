"""What the report rests on: every policy value, changed ones first and marked with the file's value; faults counted beyond those shown."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pandas as pd

from kaanalysis.manifest import Manifest
from kaanalysis.policy import Policy, load_policy
from kaanalysis.report.provenance import FAULTS_SHOWN, faults, policy_rows
from kaanalysis.runfolder import save_frame
from kaanalysis.text import words


def manifest(overrides: dict[str, object]) -> Manifest:
    policy = load_policy().override(overrides)
    values = {name: t.value for name, t in policy.thresholds.items()}
    return Manifest({}, {}, "x", values, overrides, {}, ["en"], "", "")


def test_every_value_is_listed_the_changed_ones_first_with_the_value_of_the_file() -> None:
    changed = {"ledger.horizon_months": 48, "segment.definition": "size"}
    file = load_policy()
    rows = policy_rows(manifest(changed), file.override(changed), words("en"))
    assert {r.name for r in rows} == set(file.thresholds)
    assert [(r.name, r.value, r.before) for r in rows if r.before] == [
        ("ledger.horizon_months", "48", str(file["ledger.horizon_months"])),
        ("segment.definition", "size", "label"),
    ]
    assert [r.name for r in rows[:2]] == sorted(changed)
    size = next(r for r in rows if r.name == "segment.size_revenue")
    assert (size.value, size.range) == ("50000000", "1000000 – 10000000000")  # as they can be set again


def test_an_override_with_the_value_of_the_file_is_not_marked() -> None:
    same = {"ledger.horizon_months": load_policy()["ledger.horizon_months"]}
    assert not [r for r in policy_rows(manifest(same), load_policy().override(same), words("zh")) if r.before]


def test_reasons_and_units_are_said_in_the_language_of_the_report_and_an_analysts_own_as_it_was_written() -> None:
    file = load_policy()
    for language in ("en", "zh"):
        shown = {r.name: r for r in policy_rows(manifest({}), file, words(language))}
        assert not any(r.english for r in shown.values())
        for name, row in shown.items():
            assert bool(re.search("[\u4e00-\u9fff]", row.source)) == (language == "zh"), name
            assert (row.unit == file.threshold(name).unit) == (language == "en" or not row.unit), name
    name = "growth.target_rate"
    changed = replace(file.threshold(name), source="The board's plan of May.", unit="share a season")
    own = Policy({**file.thresholds, name: changed})
    for language, english in (("en", ()), ("zh", ("unit", "source"))):
        row = next(r for r in policy_rows(manifest({}), own, words(language)) if r.name == name)
        assert (row.unit, row.source, row.english) == ("share a season", "The board's plan of May.", english)


def test_faults_beyond_those_shown_are_counted_and_notes_of_the_import_summed_by_rule(tmp_path: Path) -> None:
    fault = {
        "table": "accounts",
        "column": "region",
        "row": 3.0,
        "value": "<b>",
        "rule": "unknown_choice",
        "action": "set_aside",
    }
    whole = fault | {"row": None, "value": None}
    save_frame(tmp_path, "tables/data_faults.parquet", pd.DataFrame([whole] + [fault] * (FAULTS_SHOWN + 4)))
    note = {"file": "a.csv", "row": 7, "column": "Amount", "value": "x", "rule": "no number", "action": "left out"}
    save_frame(tmp_path, "tables/import_faults.parquet", pd.DataFrame([note, note | {"row": 9}]))
    found = faults(tmp_path, words("en"))
    assert (found.count, found.more, len(found.rows)) == (FAULTS_SHOWN + 5, 5, FAULTS_SHOWN)
    assert found.rows[0][2:4] == ["whole table", ""] and found.rows[1][2:4] == ["3", "<b>"]
    assert found.imported == [["a.csv", "Amount", "no number", "left out", "2", "7, 9"]]
