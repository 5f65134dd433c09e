"""Tables of 04 path selection for a reader: what to do next, and the named accounts."""

from __future__ import annotations

import datetime as dt

import pandas as pd
from babel.dates import format_date

from kaanalysis.display.assumptions import expected, holder
from kaanalysis.display.parts import Rows, account, as_frame, bare
from kaanalysis.results import Number, Result
from kaanalysis.text import Words


def about_of(row: pd.Series, words: Words) -> str:
    """What an item of the checklist is listed for: a step, a study, a policy value, or a column as it stands."""
    name = str(row["about"])
    if words.has(f"policy_names.{name}"):
        return (
            f"{words(f'policy_names.{name}')} ({name})"
            if words.language == "en"
            else f"{words(f'policy_names.{name}')}（{name}）"
        )
    return words.term("study", name) if row["measure"] == "information_worth" else words.term("step", name)


def task_of(row: pd.Series, words: Words) -> str:
    """What is to be set, in the language."""
    return str(row[f"text_{words.language}"]).replace("{name}", about_of(row, words))


def measured_of(row: pd.Series, words: Words) -> str:
    """What shows that it is set: the measure with its value from this run, else the catalogue's own words, else that the run has none."""
    done = str(row[f"done_{words.language}"])
    if pd.isna(row["value"]):
        return done or words("display.measure_absent", measure=words.term("measure", str(row["measure"])))
    low, high, level = (None if pd.isna(row[c]) else float(row[c]) for c in ("low", "high", "level"))
    count = "" if pd.isna(row["n"]) else words.value(int(row["n"]), "")
    value = float(row["value"])
    number = Number("", "", int(value) if value.is_integer() else value, low, high, level, 0, str(row["unit"]), "")
    key = f"display.measured.{row['measure']}"
    said = words.number(number)
    return words(key, value=said, n=count) if words.has(key) else said


def status_of(row: pd.Series, words: Words) -> str:
    """Whether to find out first, to set, or only a candidate's; with the path."""
    path = words.term("path", str(row["path"]))
    return words(f"display.next_steps.{row['status']}", path=path)


def _date(value: object, words: Words) -> str:
    if not isinstance(value, str):
        return words("display.no_date")
    return format_date(dt.date.fromisoformat(value), "medium", locale=words.locale)


def next_steps(result: Result, words: Words) -> pd.DataFrame:
    """The checklist: for which path, what, by which function, by when, and what shows that it is done."""
    rows: Rows = [
        (
            status_of(row, words),
            task_of(row, words),
            str(row[f"owner_{words.language}"]),
            _date(row["due"], words),
            measured_of(row, words),
        )
        for _, row in result.frames["next_steps"].iterrows()
    ]
    return as_frame(rows, ("for_path", "task", "function", "due", "done_when"), words)


def named_accounts(result: Result, words: Words) -> pd.DataFrame:
    """The accounts to name first, with what to expect of one a year and who holds it now."""
    rows: Rows = [
        (
            words.value(int(row["rank"]), ""),
            account(row, words),
            words.term("persona", str(row["persona"])),
            bare(row["industry"], words, "industry"),
            bare(row["region"], words, "region"),
            expected(row, result, words),
            holder(row, words),
            words.list_of(words.term("path", p) for p in str(row["paths"]).split(",")),
        )
        for _, row in result.frames["named_accounts"].iterrows()
    ]
    heads = ("rank", "account", "persona", "industry", "region", "expected", "holder", "on_list_of")
    return as_frame(rows, heads, words)
