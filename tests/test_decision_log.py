"""The change log beside a company: read from both places, checked, every fault named, and part of the data's hash."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaanalysis.company import open_company
from kaanalysis.contracts import UnusableData
from kaanalysis.decision_log import COLUMNS, KINDS, read_changes
from kaanalysis.text import LANGUAGES, words

AS_OF = dt.date(2025, 12, 31)
ENTRY = {"at": dt.date(2024, 1, 15), "kind": "decision", "what": "KA is wanted", "who": "board"}


def write(folder: Path, text: str, name: str = "log.csv", encoding: str = "utf-8") -> Path:
    (folder / "changes").mkdir(exist_ok=True)
    (folder / "changes" / name).write_text(text, encoding=encoding)
    return folder


def test_both_places_and_both_languages_are_read_together_by_date(tmp_path: Path) -> None:
    write(tmp_path, "at,kind,what,who\n2024-07-01,launch,start,CEO\n2024-09-30,pay,new commission,\n")
    write(tmp_path, "日期,类别,内容,撤回类别\n2024-12-01,撤回,提成恢复原样,薪酬\n", "b.csv", "gb18030")
    frame, faults, digest = read_changes(tmp_path, (ENTRY,), AS_OF)
    assert faults == [] and digest and tuple(frame.columns) == COLUMNS
    assert frame["kind"].tolist() == ["decision", "launch", "pay", "reversal"]
    assert frame["reverses"].tolist() == [None, None, None, "pay"]
    assert frame["at"].tolist() == [pd.Timestamp(d) for d in ("2024-01-15", "2024-07-01", "2024-09-30", "2024-12-01")]
    assert frame["source"].tolist() == ["company.toml", "changes/log.csv", "changes/log.csv", "changes/b.csv"]
    assert frame["who"].tolist()[:2] == ["board", "CEO"]


def test_every_broken_value_is_named_with_table_column_row_value_and_rule(tmp_path: Path) -> None:
    rows = (
        "at,kind,what,reverses", ",pay,a,", "soon,pay,a,", "2030-01-01,pay,a,", "1066-10-14,pay,a,", "2024-01-01,,a,", "2024-01-01,mood,a,",
        "2024-01-01,pay,,", "2024-01-01,pay,a,target", "2024-01-01,reversal,b,mood", "2024-03-01,pay,c,", "2024-03-01,pay,c,",
    )  # fmt: skip
    frame, faults, _ = read_changes(write(tmp_path, "\n".join(rows) + "\n"), (), AS_OF)
    found = [(f.table, f.column, f.row, f.value, f.rule, f.action) for f in faults]
    assert sorted(found, key=lambda f: f[2] or 0) == [
        ("changes/log.csv", "at", 1, None, "required", "set_aside"),
        ("changes/log.csv", "at", 2, "soon", "not_a_date", "set_aside"),
        ("changes/log.csv", "at", 3, "2030-01-01", "after_as_of", "set_aside"),
        ("changes/log.csv", "at", 4, "1066-10-14", "impossible_date", "set_aside"),
        ("changes/log.csv", "kind", 5, None, "required", "set_aside"),
        ("changes/log.csv", "kind", 6, "mood", "unknown_choice", "set_aside"),
        ("changes/log.csv", "what", 7, None, "required", "set_aside"),
        ("changes/log.csv", "reverses", 8, "target", "unknown_choice", "blank"),
        ("changes/log.csv", "reverses", 9, "mood", "unknown_choice", "blank"),
        ("changes/log.csv", "", 11, None, "repeated_row", "set_aside"),
    ]
    assert frame["what"].tolist() == ["a", "b", "c"] and frame["reverses"].isna().all()
    assert all(f.sentence() for f in faults)


def test_entries_of_company_toml_are_checked_alike_and_an_unknown_key_is_refused(tmp_path: Path) -> None:
    frame, faults, digest = read_changes(tmp_path, (ENTRY, {**ENTRY, "kind": "moods"}), AS_OF)
    assert len(frame) == 1 and digest == b""
    assert [(f.table, f.column, f.row, f.value) for f in faults] == [("company.toml", "changes.kind", 2, "moods")]
    with pytest.raises(UnusableData, match="entry 2 of changes has the unknown key when"):
        read_changes(tmp_path, (ENTRY, {"when": "2024"}), AS_OF)
    with pytest.raises(UnusableData, match="no column at"):
        read_changes(write(tmp_path, "kind,what\npay,a\n"), (), AS_OF)


def test_without_a_log_there_is_nothing_with_the_same_columns_and_types(tmp_path: Path) -> None:
    frame, faults, digest = read_changes(tmp_path, (), AS_OF)
    full, _, _ = read_changes(tmp_path, (ENTRY,), AS_OF)
    assert frame.empty and faults == [] and digest == b"" and frame["at"].dtype == full["at"].dtype
    assert tuple(frame.columns) == COLUMNS


def test_the_log_counts_as_data(company_folder: Callable[..., Path]) -> None:
    folder = company_folder({"ka_launch": dt.date(2024, 7, 1)})
    without = open_company(folder)
    toml = folder / "company.toml"
    toml.write_text(toml.read_text() + '[[changes]]\nat = 2024-02-01\nkind = "立项"\nwhat = "KA is wanted"\n')
    inside = open_company(folder)
    write(folder, "at,kind,what\n2024-08-01,pay,new plan\n2099-01-01,pay,later\n")
    beside = open_company(folder)
    assert len({without.data_hash, inside.data_hash, beside.data_hash}) == 3
    assert without.changes.empty and inside.changes["kind"].tolist() == ["decision"]
    assert beside.changes["kind"].tolist() == ["decision", "pay"]
    assert [(f.table, f.row, f.rule) for f in beside.faults] == [("changes/log.csv", 2, "after_as_of")]
    toml.write_text('name = "x"\ncurrency = "CNY"\nas_of = 2025-12-31\nchanges = "many"\n')
    with pytest.raises(UnusableData, match=r"written as \[\[changes\]\]"):
        open_company(folder)


@given(st.lists(st.tuples(st.dates(dt.date(2020, 1, 1), AS_OF), st.sampled_from(sorted(KINDS)), st.text("abc ", min_size=1, max_size=3)), max_size=12))  # fmt: skip
def test_every_entry_is_kept_or_named(rows: list[tuple[dt.date, str, str]]) -> None:
    entries = tuple({"at": at, "kind": kind, "what": what} for at, kind, what in rows)
    frame, faults, _ = read_changes(Path("nowhere"), entries, AS_OF)
    assert len(frame) + len(faults) == len(rows)
    assert frame["at"].is_monotonic_increasing


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_has_a_name(language: str) -> None:
    names = [words(language).term("change_kind", kind) for kind in KINDS]
    assert len(set(names)) == len(KINDS) and not (language == "zh" and set(names) & set(KINDS))
