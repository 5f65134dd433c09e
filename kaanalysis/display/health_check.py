"""Tables of 05 failure patterns for a reader: the signs behind the verdicts, the lead times, and the decisions of the programme."""

from __future__ import annotations

import pandas as pd
from babel.numbers import format_decimal

from kaanalysis.display.parts import Rows, as_frame, bare
from kaanalysis.results import Number, Result
from kaanalysis.text import Words

NONE = "–"
REVENUE = "revenue"


def _p(value: object, words: Words) -> str:
    """A p-value to three digits."""
    if pd.isna(value):  # type: ignore[call-overload]
        return NONE
    p = float(str(value))
    least = format_decimal(0.001, "0.000", locale=words.locale)
    return words("numbers.less_than", value=least) if p < 0.001 else format_decimal(p, "0.000", locale=words.locale)


def _sign_name(name: str, words: Words) -> str:
    return words(f"number_names.{name}") if words.has(f"number_names.{name}") else name


def signs(result: Result, words: Words) -> pd.DataFrame:
    """Every sign with its effect, the margin that counts, what it is held against, and two p-values: of its not being there, and of
    its being there."""
    rows: Rows = []
    for _, row in result.frames["signs"].iterrows():
        value, low, high = (None if pd.isna(row[c]) else float(row[c]) for c in ("value", "low", "high"))
        unit = str(row["unit"])
        number = Number(str(row["sign"]), "all", value, low, high, float(row["level"]), int(row["n"]), unit, "")
        margin = words(f"display.margin.{row['beyond']}", value=words.margin(float(row["margin"]), unit))
        rows.append((
            f"{row['pattern']} {words.term('pattern', str(row['pattern']))}".removesuffix(f" {row['pattern']}"),
            _sign_name(str(row["sign"]), words), NONE if value is None else words.number(number), margin,
            words.term("comparison", str(row["comparison"])), _p(row["p_present"], words), _p(row["p_absent"], words), str(int(row["n"])),
        ))  # fmt: skip
    return as_frame(rows, ("pattern", "sign", "effect", "margin", "held_against", "p_present", "p_absent", "n"), words)


def early_warning(result: Result, words: Words) -> pd.DataFrame:
    """A row per pattern and one for the total revenue: since when its alarm holds, its p-value today, how far ahead of the revenue."""
    frame = result.frames["early_warning"].sort_values("month", kind="stable")
    findings = {f.id: f for f in result.findings}
    rows: Rows = []
    for pattern in dict.fromkeys(frame["pattern"]):
        mine = frame[frame["pattern"] == pattern]
        since = mine.loc[mine["holds"], "month"].min()
        finding = findings.get(str(pattern))
        number = finding.number("lead_months") if finding is not None else None
        lead = NONE
        if number is not None and number.value is not None:
            months = words.value(abs(number.value), "months")
            key = "at_least" if number.low is not None else "after" if number.value < 0 else "before"
            lead = words(f"display.lead.{key}", months=months)
        name = (
            words("display.lead.revenue") if pattern == REVENUE else f"{pattern} {words.term('pattern', str(pattern))}"
        )
        rows.append((
            name, NONE if pd.isna(since) else since.strftime("%Y-%m"), _p(mine["p_adjusted"].iloc[-1], words), lead,
            str(int((mine["state"] == "supported").sum())), str(len(mine)),
        ))  # fmt: skip
    return as_frame(rows, ("pattern", "alarm_since", "p_today", "before_revenue", "months_alarmed", "months_judged"), words)  # fmt: skip


def look_next(result: Result, words: Words) -> pd.DataFrame:
    """What the method says to look at next, by finding that is found or open: where, and what to ask there."""
    titles = {f.id: words(f"findings.{f.key}.title") for f in result.findings}
    rows: Rows = []
    for finding, state, element, notebook in result.frames["look_next"].itertuples(index=False):
        where = f"{element} · {words('analyses.' + str(notebook).split('_', 1)[1] + '.title')}"
        asked = words(f"look_next.{finding}.{element}")
        rows.append((f"{finding} {titles[str(finding)]}", words(f"states.{state}"), where, asked))
    return as_frame(rows, ("finding", "state", "look_at", "ask"), words)


def changes(result: Result, words: Words) -> pd.DataFrame:
    """The decisions by date: matter, what was decided and by whom, months since the launch, and since the last decision in the matter."""
    rows: Rows = []
    for _, row in result.frames["changes"].iterrows():
        kind = words.term("change_kind", str(row["kind"]))
        if row["kind"] == "reversal" and row["of_kind"] != "reversal":
            kind = words("display.decision.takes_back", kind=words.term("change_kind", str(row["of_kind"])))
        since = NONE if pd.isna(row["months_since_same"]) else _months(row["months_since_same"], words)
        if row["early"]:
            since = words("display.decision.early", months=since)
        rows.append((
            row["at"].date().isoformat(), kind, str(row["what"]), bare(row["who"], words),
            _from_launch(float(row["months_since_launch"]), words), since,
        ))  # fmt: skip
    return as_frame(rows, ("date", "matter", "decision", "decided_by", "since_launch", "since_same_matter"), words)


def change_kinds(result: Result, words: Words) -> pd.DataFrame:
    """A row per matter decided on since the launch: decisions, taken back, early ones, and the middle time between two."""
    rows: Rows = [
        (words.term("change_kind", str(row["kind"])), str(row["decisions"]), str(row["taken_back"]), str(row["early"]),
         NONE if pd.isna(row["median_months"]) else _months(row["median_months"], words))
        for _, row in result.frames["change_kinds"].iterrows()
    ]  # fmt: skip
    return as_frame(rows, ("matter", "decisions", "taken_back", "decided_early", "between_decisions"), words)


def launch_evidence(result: Result, words: Words) -> pd.DataFrame:
    """Which assumptions could have been checked when the key-account team was staffed, by what was on record of key accounts."""
    rows: Rows = []
    for _, row in result.frames["launch_evidence"].iterrows():
        known = not pd.isna(row["count"])
        answer = "display.not_recorded" if not known else "display.yes" if row["possible"] else "display.no"
        name = words("display.launch_evidence." + str(row["units"]))
        on_record = str(int(row["count"])) if known else str(row["needs"])
        rows.append((f"{row['finding']} {name}", on_record, str(int(row["wanted"])), words(answer)))
    return as_frame(rows, ("assumption", "on_record", "wanted", "could_be_checked"), words)


def _months(value: object, words: Words) -> str:
    return words.value(round(float(str(value)), 1), "months", fine=True)


def _from_launch(months: float, words: Words) -> str:
    """Months after the launch, or before it; nothing for its day."""
    if months == 0:
        return NONE
    return words(f"display.from_launch.{'before' if months < 0 else 'after'}", months=_months(abs(months), words))
