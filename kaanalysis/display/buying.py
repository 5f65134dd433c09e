"""Tables of 02 procurement flow for a reader."""

from __future__ import annotations

import pandas as pd

from kaanalysis.display.parts import Rows, account, as_frame, bare, currency
from kaanalysis.results import Number, Result
from kaanalysis.text import Words


def missing_parties(result: Result, words: Words) -> pd.DataFrame:
    """Open deals with a role that the reference purchases have and nobody of whom has been met; the likeliest first."""
    rows: Rows = []
    for _, row in result.frames["missing_parties"].iterrows():
        rows.append((
            str(row["opportunity_id"]), account(row, words), words.term("party", str(row["role"])),
            words("display.known_unmet" if row["known"] else "display.nobody_known"),
            words(f"display.reference_{row['level']}", n=words.value(int(row["flows"]), "")),
            words.value(float(row["share"]), "share"), words.value(int(row["days"]), ""),
        ))  # fmt: skip
    return as_frame(
        rows, ("opportunity", "account", "missing_role", "on_record", "reference", "share_of_flows", "days_open"), words
    )


def unseen_parties(result: Result, words: Words) -> pd.DataFrame:
    """Key accounts by how many persons are likely not found yet, most first."""
    rows: Rows = []
    for _, row in result.frames["unseen_parties"].iterrows():
        low, high = (words.value(round(float(row[c]), 1), "") for c in ("low", "high"))
        estimated = words.value(round(float(row["estimated"]), 1), "")
        rows.append((
            account(row, words), words.value(int(row["deals"]), ""), words.value(int(row["found"]), ""),
            f"{estimated} ({words('numbers.span', low=low, high=high)})",
            words.value(float(row["estimated"] - row["found"]), ""),
        ))  # fmt: skip
    return as_frame(rows, ("account", "deals", "found", "estimated", "not_found"), words)


def worked_purchase(frame: pd.DataFrame, money: str, words: Words) -> pd.DataFrame:
    """A frame of :func:`kaanalysis.analyses.worked_purchase.worked_purchase` for a reader."""

    def amount(value: object) -> str:
        return "" if pd.isna(value) else words.value(float(value), money)  # type: ignore[arg-type, call-overload]

    rows: Rows = [
        (
            str(row["flow_id"]), words.value(int(row["place"]), ""), words.term("party", str(row["party"])), words(f"parts.{row['part']}"),
            "" if pd.isna(row["days"]) else words.value(float(row["days"]), ""),
            *(amount(row[c]) for c in ("gains", "costs", "balance", "seen")),
        )
        for _, row in frame.iterrows()
    ]  # fmt: skip
    return as_frame(rows, ("flow", "place", "role", "way", "days", "gains", "gives_up", "net", "seen"), words)


def opponents(result: Result, words: Words) -> pd.DataFrame:
    """Every role's account: purchases worked out, in how many it is below zero, mean balance, chance that the mean is; likely opponents
    are said to be."""
    rows: Rows = []
    for _, row in result.frames["opponents"].iterrows():
        rows.append((
            bare(row["role"], words, "party"), words.value(int(row["purchases"]), ""), words.value(int(row["negative"]), ""),
            words.value(float(row["balance"]), currency(result)), words.value(float(row["p_negative"]), "probability"),
            words("display.likely_opponent") if row["opponent"] else "",
        ))  # fmt: skip
    return as_frame(rows, ("role", "purchases", "negative", "balance", "p_negative", "opponent"), words)


def authority_steps(result: Result, words: Words) -> pd.DataFrame:
    """Every approval: share of finished purchases below and above the limit that have it, p-value, mean days, whether the limit adds it."""
    rows: Rows = []
    for _, row in result.frames["authority_steps"].iterrows():
        days = words("numbers.none") if pd.isna(row["days"]) else words.value(float(row["days"]), "days")
        rows.append((
            bare(row["step"], words, "step"), words.value(float(row["below"]), "share"), words.value(float(row["above"]), "share"),
            words.value(float(row["p_adjusted"]), ""), days, words("display.added") if row["added"] else "",
        ))  # fmt: skip
    return as_frame(rows, ("step", "below_limit", "above_limit", "p_adjusted", "days", "added"), words)


def authority_groups(result: Result, words: Words) -> pd.DataFrame:
    """The limit within categories and departments: flows, limit where one was found, p-value adjusted over all groups."""
    rows: Rows = []
    for _, row in result.frames["authority_groups"].iterrows():
        limit = words("display.none_found")
        if row["exists"] and not pd.isna(row["limit"]):
            limit = words.value(float(row["limit"]), currency(result))
        rows.append((
            words.segment(str(row["segment"])), words(f"table.{row['dimension']}"), bare(row["value"], words, "category"),
            words.value(int(row["flows"]), ""), limit, "" if pd.isna(row["p_adjusted"]) else words.value(float(row["p_adjusted"]), ""),
        ))  # fmt: skip
    return as_frame(rows, ("segment", "dimension", "attribute", "n", "limit_found", "p_adjusted"), words)


def library_next(result: Result, words: Words) -> pd.DataFrame:
    """The cells of the library in the order in which one more sample tells most: accounts, purchases held, gain, how often first."""
    cell = ["category", "industry", "size_band"]
    held = result.frames["library"][[*cell, "accounts", "flows"]]
    rows: Rows = []
    for _, row in result.frames["library_next"].merge(held, on=cell).sort_values("rank").iterrows():
        counts = (words.value(int(row[c]), "") for c in ("accounts", "flows"))
        shares = (words.value(float(row[c]), unit) for c, unit in (("gain", "share"), ("first", "probability")))
        rows.append((words.cell(row[c] for c in cell), *counts, *shares))
    return as_frame(rows, ("cell", "accounts_column", "flows_column", "gain", "first"), words)


def samples(result: Result, words: Words) -> pd.DataFrame:
    """The interviews with what each still lacks to be a sample; those that answer least first."""
    rows: Rows = []
    for _, row in result.frames["samples"].sort_values(["answers", "flow_id"]).iterrows():
        lacks = words.list_of(words(f"samples.lacks.{key}") for key in str(row["lacks"]).split(",") if key)
        date = words("display.not_recorded") if pd.isna(row["interviewed_at"]) else str(row["interviewed_at"].date())
        state = words("samples.answers" if row["answers"] else "samples.no_answer")
        rows.append(
            (
                str(row["flow_id"]),
                words.value(int(row["steps"]), ""),
                words.value(int(row["parties"]), ""),
                date,
                state,
                lacks,
            )
        )
    return as_frame(rows, ("flow", "steps_column", "parties_column", "told_on", "state", "lacks"), words)


def messages(result: Result, words: Words) -> pd.DataFrame:
    """What interests every role that takes part, what to say to it and what not, the most frequent first."""
    rows: Rows = []
    for _, row in result.frames["messages"].iterrows():
        number = Number("", "", row["share"], row["low"], row["high"], row["level"], int(row["n"]), "share", "")
        said = [str(row[f"{field}_{words.language}"]) for field in ("interests", "message", "avoid")]
        listed = words("display.separator").join(said[0].split("\n"))
        rows.append((words.term("party", str(row["role"])), words.number(number), listed, said[1], said[2]))
    return as_frame(rows, ("role", "takes_part", "interests", "message", "avoid"), words)
