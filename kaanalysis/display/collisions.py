"""Tables of 05 failure patterns for a reader: the collision ledger, and what is behind its lines."""

from __future__ import annotations

import pandas as pd
from babel.dates import format_date

from kaanalysis.display.parts import Rows, as_frame, bare, currency
from kaanalysis.results import Result
from kaanalysis.text import Words

NONE = "–"
LINES = 12  # of the ledger that a reader is shown, newest first; all are in the run folder and in the Excel file


def readable(frame: pd.DataFrame) -> pd.DataFrame:
    """A frame of the ledger with days as text (ISO 8601) and `matched_by` telling an ambiguous name."""
    out = frame.copy()
    for column in ("begins", "ends"):
        days = pd.to_datetime(frame[column])
        out[column] = days.dt.strftime("%Y-%m-%d").astype(object).where(days.notna(), None)
    if "match_state" in frame:
        out["matched_by"] = frame["matched_by"].where(frame["match_state"] != "ambiguous", "name_ambiguous")
    return out


def _day(value: object, words: Words) -> str:
    return "" if pd.isna(value) else format_date(pd.Timestamp(value).date(), "medium", locale=words.locale)  # type: ignore


def _period(begins: object, ends: object, words: Words) -> str:
    """From – to; one day alone; from on where there is no end."""
    first, last = _day(begins, words), _day(ends, words)
    if not last:
        return words("display.period_open", day=first)
    return first if first == last else f"{first} – {last}"


def _who(row: pd.Series, words: Words) -> str:
    """The customer; both names where the two books have it as two accounts."""
    sides = ["a"] if row["account_a"] == row["account_b"] else ["a", "b"]
    named = [(bare(row[f"name_{s}"], words), str(row[f"account_{s}"])) for s in sides]
    # Under pseudonyms a name and its id are one word.
    return " / ".join(account if name == account else f"{name} ({account})" for name, account in named)


def collisions(result: Result, words: Words) -> pd.DataFrame:
    """The newest lines: customer, how matched, period, deals and wins of either team, disputes with their hours where there are any."""
    days = result.frames["collisions"].head(LINES)
    frame = readable(days).assign(first=days["begins"], last=days["ends"])
    rows: Rows = [
        (
            str(row["line"]), _who(row, words), words(f"display.matched.{row['matched_by']}"),
            _period(row["first"], row["last"], words), _deals_of(row, "a", words), _deals_of(row, "b", words),
            str(row["disputes"]), words.value(float(row["hours"]), "hours") if row["disputes"] else NONE,
        )
        for _, row in frame.iterrows()
    ]  # fmt: skip
    headings = (
        "collision_line",
        "account",
        "matched_by",
        "period",
        "first_team_deals",
        "second_team_deals",
        "disputes",
        "hours",
    )
    return _without_hours(as_frame(rows, headings, words), bool(frame["disputes"].any()), words)


def _deals_of(row: pd.Series, side: str, words: Words) -> str:
    """A team with its deals in the line, and how many of them it has won."""
    deals, won = int(row[f"deals_{side}"]), int(row[f"won_{side}"])
    team, said = words.term("team", str(row[f"team_{side}"])), words.value(deals, "deals")
    return words(f"display.team_deals.{'won' if won else 'none_won'}", team=team, deals=said, won=won)


def _without_hours(table: pd.DataFrame, any_dispute: bool, words: Words) -> pd.DataFrame:
    """The table without its column of hours where there is no dispute that could have taken any."""
    return table if any_dispute else table.drop(columns=words("table.hours"))


def collision_deals(result: Result, words: Words) -> pd.DataFrame:
    """What is behind the lines that :func:`collisions` shows: deals, times in which both teams hold the account, disputes."""
    shown = set(result.frames["collisions"].head(LINES)["line"])
    frame, unit = result.frames["collision_deals"], currency(result)
    mine = frame[frame["line"].isin(shown)].sort_values("line", ascending=False, kind="stable")
    rows: Rows = []
    for _, row in mine.iterrows():
        amount = NONE if pd.isna(row["amount"]) else words.value(float(row["amount"]), unit)
        outcome = NONE if pd.isna(row["outcome"]) else words(f"display.result.{row['outcome']}")
        deal = NONE if pd.isna(row["opportunity_id"]) else str(row["opportunity_id"])
        period = _period(row["begins"], row["ends"], words)
        team = (
            str(row["team"])
            if row["kind"] == "deal" or pd.isna(row["other_team"])
            else f"{row['team']} / {row['other_team']}"
        )
        owner = NONE if pd.isna(row["owner"]) else str(row["owner"])
        rows.append((
            str(row["line"]), words(f"display.collision.{row['kind']}"), deal, team, owner, period, outcome, amount,
            NONE if pd.isna(row["hours"]) else words.value(float(row["hours"]), "hours"),
        ))  # fmt: skip
    headings = ("collision_line", "behind", "opportunity", "team", "seller", "period", "outcome", "amount", "hours")
    return _without_hours(as_frame(rows, headings, words), bool(mine["hours"].notna().any()), words)
