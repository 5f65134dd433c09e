"""Interviews beside a company, and what each lacks to be a sample (M-3.4)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from kaanalysis.company import open_company
from kaanalysis.contracts import UnusableData
from kaanalysis.interviews import COLUMNS, LACKS, empty_interviews, read_interviews, samples
from kaanalysis.text import LANGUAGES, words

FULL = {
    "flow_id": "F1", "company": "A", "sampling_frame": "list", "interviewer": "me", "interviewed_at": pd.Timestamp("2026-01-05"),
    "informant": "head of IT", "purchases_per_year": 2.0, "key_person": "manager",
}  # fmt: skip


def steps(**changes: object) -> pd.DataFrame:
    base = {
        "flow_id": "F1",
        "category": "crm",
        "industry": "retail",
        "size_band": "5000+",
        "days": 5.0,
        "amount": 100.0,
    }
    rows = [
        base | {"step": "memo", "part": "do", "party": "manager", "step_no": 1},
        base | {"step": "told", "part": "inform", "party": "legal", "step_no": 2},
        base | {"step": "approved", "part": "approve", "party": "finance", "step_no": 3},
    ]
    return pd.DataFrame(rows).assign(**changes)


def about(**changes: object) -> pd.DataFrame:
    return pd.DataFrame([FULL | changes])


def lacks(made: pd.DataFrame) -> list[str]:
    return [x for x in made["lacks"].iloc[0].split(",") if x]


def test_a_good_sample_lacks_nothing() -> None:
    made = samples(steps(), about(), 2)
    assert lacks(made) == [] and bool(made["answers"].iloc[0])
    assert made.loc[0, ["steps", "parties", "days", "amount"]].tolist() == [3, 3, 15.0, 100.0]


@pytest.mark.parametrize(
    ("changes", "told", "missing", "answers"),
    [
        ({"part": "do"}, {}, ["no_approver", "no_informed"], False),
        ({"party": ["manager", "?", "finance"]}, {}, ["no_party"], False),
        ({"step_no": [1, 1, 2]}, {}, ["no_order"], False),
        ({"step_no": None}, {}, ["no_order"], False),
        ({"days": None}, {}, ["no_days"], True),
        ({"amount": None}, {}, ["no_amount"], True),
        ({"industry": None}, {}, ["no_cell"], True),
        ({}, {"key_person": None, "informant": " "}, ["no_key_person", "no_informant"], True),
        ({}, {"sampling_frame": "", "interviewer": None, "interviewed_at": pd.NaT}, ["no_frame", "no_interviewer", "no_date"], True),
    ],
)  # fmt: skip
def test_what_is_missing_is_named(changes: dict, told: dict, missing: list[str], answers: bool) -> None:
    made = samples(steps(**changes), about(**told), 2)
    assert lacks(made) == missing and bool(made["answers"].iloc[0]) is answers


def test_names_and_gossip_are_no_sample() -> None:
    """A single line with a name: no process, and nobody knows how it came about."""
    made = samples(steps().head(1).assign(party="?"), empty_interviews(), 2)
    assert {"no_approver", "no_party", "few_steps", "no_frame", "no_date"} <= set(lacks(made)) and not made[
        "answers"
    ].iloc[0]


@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_that_may_lack_can_be_said(language: str) -> None:
    assert all(words(language).has(f"samples.lacks.{key}") for key in LACKS)


def test_files_are_read_in_both_languages_and_faults_are_named(tmp_path: Path) -> None:
    folder = tmp_path / "interviews"
    folder.mkdir()
    (folder / "a.csv").write_text(
        "flow_id,interviewer,interviewed_at,purchases_per_year\nF1,me,2026-03-01,4\n,x,,\nF1,me,,\n", encoding="utf-8"
    )
    (folder / "b.csv").write_bytes("采购编号,访谈人,访谈日期,年采购次数\nF2,小李,上个月,两\n".encode("gb18030"))
    (folder / "notes.txt").write_text("x", encoding="utf-8")
    frame, faults, digest = read_interviews(tmp_path)
    assert list(frame.columns) == list(COLUMNS) and len(digest) == 32
    assert frame[["flow_id", "interviewer"]].to_numpy().tolist() == [["F1", "me"], ["F2", "小李"]]
    assert frame["purchases_per_year"].tolist()[0] == 4 and frame["interviewed_at"].isna().tolist() == [False, True]
    assert {(f.table, f.column, f.row, f.rule) for f in faults} == {
        ("interviews/a.csv", "flow_id", 2, "required"), ("interviews/a.csv", "flow_id", 3, "key_repeated"),
        ("interviews/b.csv", "interviewed_at", 1, "not_a_date"), ("interviews/b.csv", "purchases_per_year", 1, "not_a_number"),
        ("interviews/notes.txt", "", None, "unknown_table"),
    }  # fmt: skip
    (folder / "c.csv").write_text("who\nx\n", encoding="utf-8")
    with pytest.raises(UnusableData, match="flow_id"):
        read_interviews(tmp_path)


def test_interviews_count_as_data(company_folder: Callable[..., Path]) -> None:
    folder = company_folder()
    before = open_company(folder)
    (folder / "interviews").mkdir()
    (folder / "interviews" / "a.csv").write_text("flow_id,informant\nF1,CFO\n", encoding="utf-8")
    after = open_company(folder)
    assert (
        after.interviews["informant"].tolist() == ["CFO"]
        and before.interviews.empty
        and after.data_hash != before.data_hash
    )
