"""Tables of 01 base assumptions for a reader."""

from __future__ import annotations

import pandas as pd

from kaanalysis.display.parts import Rows, account, as_frame, bare, currency, number_of
from kaanalysis.results import Result
from kaanalysis.text import Words


def _marks(row: pd.Series, words: Words) -> tuple[str, str]:
    """The mark that a statement is held against and where it flips; the flip with the digits that tell the two apart."""
    unit, now = str(row["unit"]), float(row["now"])
    shown = words.value(now, unit)
    if pd.isna(row["flip_at"]):
        return shown, ""
    at = words.value(float(row["flip_at"]), unit)
    return shown, words.value(float(row["flip_at"]), unit, fine=True) if at == shown else at


def statements(result: Result, words: Words) -> pd.DataFrame:
    """The eight base assumptions: what is said, verdict, number with interval, n, the mark it is held against, where that flips."""
    rows: Rows = []
    for _, row in result.frames["statements"].iterrows():
        rows.append((
            str(row["axis"]), words.term("statement", str(row["statement"])), words(f"states.{row['state']}"), number_of(row, words),
            words.value(int(row["n"]), ""), *_marks(row, words),
        ))  # fmt: skip
    return as_frame(rows, ("finding", "statement", "state", "value", "n", "now", "at"), words)


def principles(result: Result, words: Words) -> pd.DataFrame:
    """Selling principles that the data supports; for the others what they would rest on, and that they are not printed."""
    rows: Rows = []
    for _, row in result.frames["principles"].iterrows():
        held = row["state"] == "supported"
        said = words.term("principle", str(row["principle"])) if held else words("table.not_printed")
        rows.append(
            (
                words.segment(str(row["segment"])),
                said,
                words.term("statement", str(row["statement"])),
                words(f"states.{row['state']}"),
            )
        )
    return as_frame(rows, ("segment", "principle", "rests_on", "state"), words)


def definitions(result: Result, words: Words) -> pd.DataFrame:
    """One row per definition of a segment: its version, how many customers it finds, and every finding's verdict under it."""
    frame = result.frames["definitions"]
    findings = list(dict.fromkeys(frame["finding"]))
    rows: Rows = []
    for version, mine in frame.groupby("version", sort=False):
        first = mine.iloc[0]
        name = words.term("definition", str(first["definition"])) + (" *" if first["used"] else "")
        if not pd.isna(first["same_as"]):
            name = words("display.same_as", name=name, other=words.term("definition", str(first["same_as"])))
        states = dict(zip(mine["finding"], mine["state"], strict=True))
        counts = f"{words.value(int(first['n_smb']), '')} / {words.value(int(first['n_ka']), '')}"
        # The thresholds' hash alone: the definition's name stands beside it, and those without thresholds have one version.
        said = str(version).partition(" ")[2] or "–"
        rows.append((name, said, counts, *(words(f"states.{states[f]}") for f in findings)))
    columns = [words("table.definition"), words("display.version"), words("table.customers"), *findings]
    return pd.DataFrame(rows, columns=columns)


def evidence(row: pd.Series, words: Words, money: str) -> str:
    """Why an account belongs to a persona: which list, place and year and by which field, or what it pays or earns against the limit."""
    if row["persona"] in ("M-1.5a", "M-1.5b"):
        place = "" if pd.isna(row["rank"]) else words("display.place", rank=row["rank"])
        year = "" if pd.isna(row["year"]) else f" {row['year']}"
        field = words.term("field", str(row["field"]))
        return words("display.listed", list=row["list"], year=year, place=place, field=field)
    if row["persona"] == "M-1.5d" and row["field"] == "industry":
        return words("display.profile", industry=words.term("industry", row["industry"]))
    if row["persona"] == "M-1.5d":
        return words("display.excess", times=words.value(float(row["excess"]), "ratio"))
    return words("display.revenue", amount=words.value(float(row["annual_revenue"]), money))


def white_space(result: Result, words: Words) -> pd.DataFrame:
    """Accounts that a persona fits and who were never customers, with the reason, what to expect of one a year and who holds it; those with
    most to expect first, then those with the largest revenue."""
    rows: Rows = []
    for _, row in result.frames["white_space"].iterrows():
        rows.append((
            account(row, words), words.term("persona", str(row["persona"])),
            evidence(row, words, currency(result)), bare(row["industry"], words, "industry"), bare(row["region"], words, "region"),
            expected(row, result, words), holder(row, words),
        ))  # fmt: skip
    return as_frame(rows, ("account", "persona", "evidence", "industry", "region", "expected", "holder"), words)


def expected(row: pd.Series, result: Result, words: Words) -> str:
    if pd.isna(row["expected"]):
        return words("numbers.none")
    money = currency(result)
    value = words.value(float(row["expected"]), money)
    if pd.isna(row["low"]) or pd.isna(row["high"]):
        return value
    ends = (words.value(float(row[c]), money) for c in ("low", "high"))
    return words(
        "display.expected", value=value, span=words("numbers.span", **dict(zip(("low", "high"), ends, strict=True)))
    )


def holder(row: pd.Series, words: Words) -> str:
    """Team and seller that hold the account, and the deals that were or are tried there."""
    known = [str(row[c]) for c in ("team", "seller") if not pd.isna(row[c])]
    held = words.list_of(known) if known else words("display.held_by_nobody")
    open_deals, lost_deals = (words.value(int(row[c]), "deals") for c in ("open_deals", "lost_deals"))
    if not row["open_deals"] and not row["lost_deals"]:
        return held
    return words("display.holder", held=held, open=open_deals, lost=lost_deals)


def persona_sensitivity(result: Result, words: Words) -> pd.DataFrame:
    """Accounts whose persona changes as the revenue limit moves."""
    rows: Rows = []
    for _, row in result.frames["persona_sensitivity"].iterrows():
        now, then = (words.term("persona", str(row[c])) if not pd.isna(row[c]) else "–" for c in ("now", "then"))
        revenue = "" if pd.isna(row["annual_revenue"]) else words.value(float(row["annual_revenue"]), currency(result))
        rows.append(
            (
                account(row, words),
                revenue,
                words.value(float(row["limit"]), "share"),
                now,
                then,
            )
        )
    return as_frame(rows, ("account", "revenue", "limit", "persona_now", "to"), words)


def persona_profile(result: Result, words: Words) -> pd.DataFrame:
    """What is commoner among those who pay far more than their size: industries and categories of purchase with counts."""
    rows: Rows = []
    for _, row in result.frames["persona_profile"].iterrows():
        shares = [
            f"{words.value(int(row[a]), '')} / {words.value(int(row[b]), '')}"
            for a, b in (("mine", "of_mine"), ("others", "of_others"))
        ]
        rows.append((words(f"table.{row['dimension']}"), words.term(str(row["dimension"]), str(row["value"])), *shares,
                     words.value(float(row["p_adjusted"]), ""), words("display.typical") if row["typical"] else ""))  # fmt: skip
    return as_frame(rows, ("dimension", "attribute", "in_persona", "other_customers", "p_adjusted", "typical"), words)
