"""What the display tables share: numbers, names and accounts as text."""

from __future__ import annotations

import re

import pandas as pd

from kaanalysis.results import Number, Result
from kaanalysis.text import Words

Rows = list[tuple[str, ...]]


def number_of(row: pd.Series, words: Words) -> str:
    """A frame's row with value, low, high, level and unit as one phrase."""
    value, low, high = (None if pd.isna(row[c]) else float(row[c]) for c in ("value", "low", "high"))
    if value is None and low is None:
        return words("numbers.none")
    return words.number(Number("", "", value, low, high, float(row["level"]), int(row["n"]), str(row["unit"]), ""))


def as_frame(rows: Rows, headings: tuple[str, ...], words: Words) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=[words(f"table.{h}") for h in headings])


def bare(value: object, words: Words, group: str = "") -> str:
    """A value of the data as it stands, or as the catalogue names it; said where it is not recorded."""
    missing = value is None or pd.isna(value)  # type: ignore[call-overload]
    return words("display.not_recorded") if missing else words.term(group, str(value))


def account(row: pd.Series, words: Words) -> str:
    return f"{bare(row['name'], words)} ({row['account_id']})"


def currency(result: Result) -> str:
    """The currency of the result's amounts; empty where it holds none."""
    units = (n.unit for f in result.findings for n in f.numbers)
    return next((u for u in units if re.fullmatch(r"[A-Z]{3}", u)), "")
