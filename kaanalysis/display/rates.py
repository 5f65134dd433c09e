"""Tables of 03 sales flow for a reader: what the rates count, how deals were lost, what was not known of them."""

from __future__ import annotations

import datetime as dt

import pandas as pd
from babel.dates import format_date

from kaanalysis.display.parts import Rows, account, as_frame, bare, number_of
from kaanalysis.results import Result
from kaanalysis.text import Words


def _date(day: object, words: Words) -> str:
    return format_date(dt.date.fromisoformat(str(day)), "long", locale=words.locale)


def _share_range(row: pd.Series, words: Words) -> str:
    low, high = (words.value(float(row[c]), "share") for c in ("mark_low", "mark_high"))
    return low if low == high else words("display.card.between", low=low, high=high)


def _decided(row: pd.Series, words: Words) -> tuple[str, str]:
    """How many closed projects would decide, and when so many more will have closed."""
    mark = _share_range(row, words)
    if pd.isna(row["value"]):
        return words("numbers.none"), "–"
    if pd.isna(row["projects_needed"]):
        return words("display.card.never", mark=mark), "–"
    rate, closed = words.value(float(row["value"]), "share"), words.value(int(row["closed"]), "")
    needed = words("display.card.needed", n=words.value(int(row["projects_needed"]), ""), rate=rate, mark=mark)
    if not row["missing"]:
        return needed, words("display.card.enough", closed=closed)
    said = {
        "n": words.value(int(row["missing"]), ""),
        "closed": closed,
        "pace": words.value(int(row["closed_last_year"]), ""),
    }
    if pd.isna(row["decided_on"]):
        return needed, words("display.card.never_so_many", **said)
    return needed, words("display.card.more", day=_date(row["decided_on"], words), **said)


def definition_cards(result: Result, words: Words) -> pd.DataFrame:
    """What conversion and success are rates of: one row per question, one column per rate."""
    columns: dict[str, list[str]] = {}
    keys = (
        "who",
        "since",
        "horizon",
        "won",
        "open",
        "exits",
        "undone",
        "late",
        "segment",
        "rate",
        "kept",
        "mature",
        "needed",
        "more",
    )
    for _, row in result.frames["definition_cards"].iterrows():
        counts = {
            c: words.value(int(row[c]), "")
            for c in ("n", "won", "lost", "drifted", "open", "undone", "late_entries", "untimed")
        }

        def said(key: str, values: dict[str, str] = counts) -> str:
            return words(f"display.card.{key}", **values)

        horizon, now = words.value(int(row["horizon_months"]), "months"), str(result.as_of)
        mature = "mature" if str(row["mature_on"]) <= now else "immature"
        followed = words.value(float(row["followed"]), "share")
        days = {
            "day": _date(row["mature_on"], words),
            "complete": _date(row["complete_on"], words),
            "followed": followed,
        }
        needed, more = _decided(row, words)
        kept = words("numbers.none") if pd.isna(row["kept"]) else words.value(float(row["kept"]), "share")
        columns[words(f"number_names.{row['rate']}") + f" ({words.segment(str(row['segment']))})"] = [
            said(f"counts_{row['deals_counted']}"), said("since"), horizon, said("won_is"), said("open_is"), said("exits_are"),
            said("undone_are"), said("late_are"), words.term("definition", str(row["definition"])), number_of(row, words), kept,
            said(mature, days), needed, more,
        ]  # fmt: skip
    questions = pd.DataFrame({words("table.question"): [words(f"display.card.q_{k}") for k in keys]})
    return pd.concat([questions, pd.DataFrame(columns)], axis=1)


def loss_modes(result: Result, words: Words) -> pd.DataFrame:
    """Lost key-account deals with the ways in which they were lost and what told so; those that went a way first, then the longest."""
    frame = result.frames["loss_modes"]
    modes = ("split_chain", "late_departments", "key_person_only")
    any_mode = frame[list(modes)].fillna(False).astype(bool).any(axis=1)
    rows: Rows = []
    for _, row in frame.assign(first=any_mode).sort_values("first", ascending=False, kind="stable").iterrows():
        went = [words.segment(m) for m in modes if not pd.isna(row[m]) and row[m]]
        untold = [words.segment(m) for m in modes if pd.isna(row[m])]
        stands = words(
            "display.stands",
            yes=int(row["deciders_for"]),
            no=int(row["deciders_against"]),
            unmet=int(row["deciders_unmet"]),
        )
        late = (
            ""
            if pd.isna(row["departments_late"])
            else [words.term("party", p) for p in str(row["departments_late"]).split(", ")]
        )
        budget = words("display.never") if pd.isna(row["budget_day"]) else words.value(int(row["budget_day"]), "days")
        joined = " · ".join
        rows.append((
            account(row, words), words(f"display.result.{row['result']}"), words.value(int(row["days"]), "days"),
            bare(row["loss_reason"], words, "loss_reason"),
            joined(went) if went else words("display.none_of_three"), joined(untold), stands, budget, joined(late),
        ))  # fmt: skip
    return as_frame(
        rows,
        (
            "account",
            "ended",
            "days",
            "loss_reason",
            "way_lost",
            "cannot_be_told",
            "deciders",
            "budget_talked",
            "met_late",
        ),
        words,
    )


def unknown_facts(result: Result, words: Words) -> pd.DataFrame:
    """Facts of deals that were not known against known ones: shares won and how many times as often lost."""
    rows: Rows = []
    for _, row in result.frames["unknown_facts"].iterrows():
        shares = [
            words(
                "display.of_deals",
                share=words.value(float(row[f"won_{side}"]), "share"),
                n=words.value(int(row[side]), ""),
            )
            for side in ("unknown", "known")
        ]
        rows.append(
            (
                words.term("fact", str(row["fact"])),
                words(f"display.rows.{row['rows']}"),
                *shares,
                number_of(row, words),
                "" if pd.isna(row["p_adjusted"]) else words.value(float(row["p_adjusted"]), ""),
            )
        )
    return as_frame(rows, ("fact", "rows", "unknown_won", "known_won", "times_lost", "p_adjusted"), words)
