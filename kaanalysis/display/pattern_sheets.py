"""Frames of 05 failure patterns for the Excel workbook: codes as words, days as text, numbers as they are.

The headings of the columns are the texts ``sheet.column`` or ``table`` of their names."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from kaanalysis.display.health_check import look_next
from kaanalysis.results import Result
from kaanalysis.text import Words

# Columns of each sheet, and whether the amounts in it are in the company's currency (a column with the unit is then added).
COLUMNS: dict[str, tuple[tuple[str, ...], bool]] = {
    "signs": (("pattern", "sign", "value", "low", "high", "level", "unit", "sign_there", "margin", "held_against", "p_present", "p_absent",
               "n"), False),
    "changes": (("date", "matter", "taken_back", "decision", "decided_by", "months_since_launch", "months_since_same", "decided_early"),
                False),
    "hatching_sellers": (("seller", "seller_origin", "past_smb_deals", "standing", "sellers_compared", "deals_opened", "deals_followed",
                          "deals_won", "cycle_days", "deal_size", "unit"), True),
    "hatching_origins": (("seller_origin", "sellers", "deals_opened", "deals_followed", "deals_won", "success", "low", "high", "level",
                          "cycle_days", "deal_size", "unit", "mean_standing"), True),
    "channel_regions": (("region", "in_conflict", "partner_before", "partner_after", "partner_expected", "direct_before",
                         "direct_after", "standing_registered", "registered_late", "purchases_since", "purchases_unregistered",
                         "partner_success_before", "partner_success_after", "early_success_after", "direct_ka_deals",
                         "direct_ka_success"), False),
}  # fmt: skip
# What a column of a frame is called in its sheet, where that differs.
NAMES = {
    "signs": {"comparison": "held_against", "beyond": "sign_there"},
    "changes": {"at": "date", "of_kind": "matter", "what": "decision", "who": "decided_by", "early": "decided_early"},
    "hatching_sellers": {"owner": "seller", "origin": "seller_origin", "past_deals": "past_smb_deals", "deals": "deals_opened",
                         "followed": "deals_followed", "won": "deals_won"},
    "hatching_origins": {"origin": "seller_origin", "deals": "deals_opened", "followed": "deals_followed", "won": "deals_won",
                         "standing": "mean_standing"},
    "channel_regions": {"conflict": "in_conflict", "expected": "partner_expected", "stood": "standing_registered",
                        "late": "registered_late", "purchases": "purchases_since", "unregistered": "purchases_unregistered",
                        "ka_deals": "direct_ka_deals", "ka_success": "direct_ka_success"},
}  # fmt: skip


def _yes(value: object, words: Words) -> str:
    return words("display.yes" if value else "display.no")


def _sign(name: str, words: Words) -> str:
    return words(f"number_names.{name}") if words.has(f"number_names.{name}") else name


def _pattern(id: str, words: Words) -> str:
    """A pattern, or a conflict that has no short name, by number."""
    name = words.term("pattern", id)
    return id if name == id else f"{id} {name}"


# How the codes of a column are read; a column that is not here holds numbers or names from the data.
READ: dict[str, Callable[[str, Words], object]] = {
    "pattern": _pattern,
    "sign": _sign,
    "unit": lambda v, w: w.unit(v),
    "sign_there": lambda v, w: w(f"display.side.{v}"),
    "held_against": lambda v, w: w.term("comparison", v),
    "matter": lambda v, w: w.term("change_kind", v),
    "seller_origin": lambda v, w: w(f"display.seller_origin.{v}"),
    "region": lambda v, w: w.term("region", v),
}
FLAGS = ("decided_early", "in_conflict", "taken_back")


def sheet(name: str, result: Result, currency: str, words: Words) -> pd.DataFrame:
    """One sheet of :data:`COLUMNS` with its headings; shares from 0 to 1, nothing rounded. look_next: as it is shown in the report."""
    if name == "look_next":
        return look_next(result, words)
    columns, money = COLUMNS[name]
    frame = result.frames[name]
    if name == "changes":
        frame = frame.assign(
            at=pd.to_datetime(frame["at"]).dt.strftime("%Y-%m-%d"), taken_back=frame["kind"] == "reversal"
        )
    frame = frame.rename(columns=NAMES[name])
    if money:
        frame = frame.assign(unit=currency)
    made = {}
    for column in (c for c in columns if c in frame.columns):
        read = READ.get(column)
        cells = [
            None if pd.isna(v) else _yes(v, words) if column in FLAGS else v if read is None else read(str(v), words)
            for v in frame[column]
        ]
        made[heading(column, words)] = pd.Series(cells, dtype=object)
    return pd.DataFrame(made)


def heading(column: str, words: Words) -> str:
    """What a column is called in a sheet."""
    return words(f"sheet.column.{column}" if words.has(f"sheet.column.{column}") else f"table.{column}")


SHEETS = (*COLUMNS, "look_next")
