"""Frames of a result as tables that a reader is shown: picked columns, names and numbers in the language, nothing computed."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable

import numpy as np
import pandas as pd
from babel.dates import format_date

from kaanalysis.contracts import LANES
from kaanalysis.results import Number, Result
from kaanalysis.text import Words

Rows = list[tuple[str, ...]]


def _number(row: pd.Series, words: Words) -> str:
    """A frame's row with value, low, high, level and unit as one phrase."""
    value, low, high = (None if pd.isna(row[c]) else float(row[c]) for c in ("value", "low", "high"))
    if value is None and low is None:
        return words("numbers.none")
    return words.number(Number("", "", value, low, high, float(row["level"]), int(row["n"]), str(row["unit"]), ""))


def _marks(row: pd.Series, words: Words) -> tuple[str, str]:
    """The mark that a statement is held against and where it flips; the flip with the digits that tell the two apart."""
    unit, now = str(row["unit"]), float(row["now"])
    shown = words.value(now, unit)
    if pd.isna(row["flip_at"]):
        return shown, ""
    at = words.value(float(row["flip_at"]), unit)
    return shown, words.value(float(row["flip_at"]), unit, fine=True) if at == shown else at


def _frame(rows: Rows, headings: tuple[str, ...], words: Words) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=[words(f"table.{h}") for h in headings])


def _bare(value: object, words: Words, group: str = "") -> str:
    """A value of the data as it stands, or as the catalogue names it; said where it is not recorded."""
    missing = value is None or pd.isna(value)  # type: ignore[call-overload]
    return words("display.not_recorded") if missing else words.term(group, str(value))


def statements(result: Result, words: Words) -> pd.DataFrame:
    """The eight base assumptions: what is said, verdict, number with interval, n, the mark it is held against, where that flips."""
    rows: Rows = []
    for _, row in result.frames["statements"].iterrows():
        rows.append((
            str(row["axis"]), words.term("statement", str(row["statement"])), words(f"states.{row['state']}"), _number(row, words),
            words.value(int(row["n"]), ""), *_marks(row, words),
        ))  # fmt: skip
    return _frame(rows, ("finding", "statement", "state", "value", "n", "now", "at"), words)


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
    return _frame(rows, ("segment", "principle", "rests_on", "state"), words)


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


def _account(row: pd.Series, words: Words) -> str:
    return f"{_bare(row['name'], words)} ({row['account_id']})"


def currency(result: Result) -> str:
    """The currency of the result's amounts; empty where it holds none."""
    units = (n.unit for f in result.findings for n in f.numbers)
    return next((u for u in units if re.fullmatch(r"[A-Z]{3}", u)), "")


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
            _account(row, words), words.term("persona", str(row["persona"])),
            evidence(row, words, currency(result)), _bare(row["industry"], words, "industry"), _bare(row["region"], words, "region"),
            _expected(row, result, words), _holder(row, words),
        ))  # fmt: skip
    return _frame(rows, ("account", "persona", "evidence", "industry", "region", "expected", "holder"), words)


def _expected(row: pd.Series, result: Result, words: Words) -> str:
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


def _holder(row: pd.Series, words: Words) -> str:
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
                _account(row, words),
                revenue,
                words.value(float(row["limit"]), "share"),
                now,
                then,
            )
        )
    return _frame(rows, ("account", "revenue", "limit", "persona_now", "to"), words)


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
    return _frame(rows, ("dimension", "attribute", "in_persona", "other_customers", "p_adjusted", "typical"), words)


def missing_parties(result: Result, words: Words) -> pd.DataFrame:
    """Open deals with a role that the reference purchases have and nobody of whom has been met; the likeliest first."""
    rows: Rows = []
    for _, row in result.frames["missing_parties"].iterrows():
        rows.append((
            str(row["opportunity_id"]), _account(row, words), words.term("party", str(row["role"])),
            words("display.known_unmet" if row["known"] else "display.nobody_known"),
            words(f"display.reference_{row['level']}", n=words.value(int(row["flows"]), "")),
            words.value(float(row["share"]), "share"), words.value(int(row["days"]), ""),
        ))  # fmt: skip
    return _frame(
        rows, ("opportunity", "account", "missing_role", "on_record", "reference", "share_of_flows", "days_open"), words
    )


def unseen_parties(result: Result, words: Words) -> pd.DataFrame:
    """Key accounts by how many persons are likely not found yet, most first."""
    rows: Rows = []
    for _, row in result.frames["unseen_parties"].iterrows():
        low, high = (words.value(round(float(row[c]), 1), "") for c in ("low", "high"))
        estimated = words.value(round(float(row["estimated"]), 1), "")
        rows.append((
            _account(row, words), words.value(int(row["deals"]), ""), words.value(int(row["found"]), ""),
            f"{estimated} ({words('numbers.span', low=low, high=high)})",
            words.value(float(row["estimated"] - row["found"]), ""),
        ))  # fmt: skip
    return _frame(rows, ("account", "deals", "found", "estimated", "not_found"), words)


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
    return _frame(rows, ("flow", "place", "role", "way", "days", "gains", "gives_up", "net", "seen"), words)


def opponents(result: Result, words: Words) -> pd.DataFrame:
    """Every role's account: purchases worked out, in how many it is below zero, mean balance, chance that the mean is; likely opponents
    are said to be."""
    rows: Rows = []
    for _, row in result.frames["opponents"].iterrows():
        rows.append((
            _bare(row["role"], words, "party"), words.value(int(row["purchases"]), ""), words.value(int(row["negative"]), ""),
            words.value(float(row["balance"]), currency(result)), words.value(float(row["p_negative"]), "probability"),
            words("display.likely_opponent") if row["opponent"] else "",
        ))  # fmt: skip
    return _frame(rows, ("role", "purchases", "negative", "balance", "p_negative", "opponent"), words)


def authority_steps(result: Result, words: Words) -> pd.DataFrame:
    """Every approval: share of finished purchases below and above the limit that have it, p-value, mean days, whether the limit adds it."""
    rows: Rows = []
    for _, row in result.frames["authority_steps"].iterrows():
        days = words("numbers.none") if pd.isna(row["days"]) else words.value(float(row["days"]), "days")
        rows.append((
            _bare(row["step"], words, "step"), words.value(float(row["below"]), "share"), words.value(float(row["above"]), "share"),
            words.value(float(row["p_adjusted"]), ""), days, words("display.added") if row["added"] else "",
        ))  # fmt: skip
    return _frame(rows, ("step", "below_limit", "above_limit", "p_adjusted", "days", "added"), words)


def authority_groups(result: Result, words: Words) -> pd.DataFrame:
    """The limit within categories and departments: flows, limit where one was found, p-value adjusted over all groups."""
    rows: Rows = []
    for _, row in result.frames["authority_groups"].iterrows():
        limit = words("display.none_found")
        if row["exists"] and not pd.isna(row["limit"]):
            limit = words.value(float(row["limit"]), currency(result))
        rows.append((
            words.segment(str(row["segment"])), words(f"table.{row['dimension']}"), _bare(row["value"], words, "category"),
            words.value(int(row["flows"]), ""), limit, "" if pd.isna(row["p_adjusted"]) else words.value(float(row["p_adjusted"]), ""),
        ))  # fmt: skip
    return _frame(rows, ("segment", "dimension", "attribute", "n", "limit_found", "p_adjusted"), words)


def library_next(result: Result, words: Words) -> pd.DataFrame:
    """The cells of the library in the order in which one more sample tells most: accounts, purchases held, gain, how often first."""
    cell = ["category", "industry", "size_band"]
    held = result.frames["library"][[*cell, "accounts", "flows"]]
    rows: Rows = []
    for _, row in result.frames["library_next"].merge(held, on=cell).sort_values("rank").iterrows():
        counts = (words.value(int(row[c]), "") for c in ("accounts", "flows"))
        shares = (words.value(float(row[c]), unit) for c, unit in (("gain", "share"), ("first", "probability")))
        rows.append((words.cell(row[c] for c in cell), *counts, *shares))
    return _frame(rows, ("cell", "accounts_column", "flows_column", "gain", "first"), words)


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
    return _frame(rows, ("flow", "steps_column", "parties_column", "told_on", "state", "lacks"), words)


def messages(result: Result, words: Words) -> pd.DataFrame:
    """What interests every role that takes part, what to say to it and what not, the most frequent first."""
    rows: Rows = []
    for _, row in result.frames["messages"].iterrows():
        number = Number("", "", row["share"], row["low"], row["high"], row["level"], int(row["n"]), "share", "")
        said = [str(row[f"{field}_{words.language}"]) for field in ("interests", "message", "avoid")]
        listed = words("display.separator").join(said[0].split("\n"))
        rows.append((words.term("party", str(row["role"])), words.number(number), listed, said[1], said[2]))
    return _frame(rows, ("role", "takes_part", "interests", "message", "avoid"), words)


def sales_sheet_nodes(result: Result, words: Words) -> pd.DataFrame:
    """The blank sheet, one row per node of the customer's flow: step, who acts there and how, how many purchases have it, in how many deals
    the seller had a contact, and the items of every lane."""
    rows: Rows = []
    sheet = result.frames["sales_sheet"]
    level = next((n.level for f in result.findings for n in f.numbers if n.level), None)
    for _, row in result.frames["sales_sheet_nodes"].iterrows():
        own = sheet[sheet["node"] == row["node"]]
        lanes = [words.list_of(own.loc[own["lane"] == lane, f"item_{words.language}"]) for lane in LANES]
        who = _bare(row["role"] if isinstance(row["role"], str) else row["department"], words, "party")
        taken = words.value(row["share"], "share") if pd.notna(row["share"]) else words("display.not_recorded")
        if row["conditional"] and pd.notna(row["share"]):
            taken = words("display.above_limit", share=taken)
        way, met = words(f"parts.{row['part']}"), _contacted(row, level, words)
        rows.append((str(row["node"]), words.term("step", str(row["step"])), who, way, taken, met, *lanes))
    columns = [words(f"table.{h}") for h in ("node", "step", "role", "way", "purchases_with", "contacted")]
    return pd.DataFrame(rows, columns=[*columns, *(words.term("lane", lane) for lane in LANES)])


def _contacted(row: pd.Series, level: float | None, words: Words) -> str:
    if pd.isna(row.get("coverage")):
        return words("display.no_contacts")
    low, high = (None if pd.isna(row[c]) else float(row[c]) for c in ("coverage_low", "coverage_high"))
    share = Number("", "", float(row["coverage"]), low, high, level, int(row["deals"]), "share", "")
    return words("display.any_contact", value=words.number(share), n=words.value(int(row["deals"]), ""))


def alignment_wins(result: Result, words: Words) -> pd.DataFrame:
    """Won shares of the deals that reached a step, where the seller was there in time and where not, and the difference within bands of
    amount: an association."""
    rows: Rows = []
    level = next((n.level for f in result.findings for n in f.numbers if n.level), None)
    for _, row in result.frames["alignment_wins"].iterrows():
        sides = [
            words(
                "display.won_of",
                share=words.value(row[f"won_{side}"] / row[side], "share"),
                n=words.value(int(row[side]), ""),
            )
            if row[side]
            else "–"
            for side in ("covered", "uncovered")
        ]
        value, low, high = (None if pd.isna(row[c]) else float(row[c]) for c in ("value", "low", "high"))
        gap = Number("", "", value, low, high, level, 0, "share difference", "")
        said = words.number(gap) if gap.value is not None else words("display.too_few")
        rows.append((words.term("step", str(row["step"])), *sides, said))
    return _frame(rows, ("step", "there_in_time", "not_in_time", "difference"), words)


def sheet_orphans(result: Result, words: Words) -> pd.DataFrame:
    """Nodes that selling does not reach, and steps of selling that no node asks for."""
    rows: Rows = []
    for _, row in result.frames["sheet_orphans"].iterrows():
        customer = row["side"] == "customer"
        name = str(row["name_zh" if words.language == "zh" else "name_en"])
        kind = words.term("orphan", "customer" if customer else str(row["kind"]))
        counted = words.value(int(row["n"]), "")
        if customer and pd.notna(row["share"]):
            counted = words("display.any_contact", value=words.value(float(row["share"]), "share"), n=counted)
        lane = words.term("lane", str(row["lane"])) if isinstance(row["lane"], str) else ""
        rows.append((kind, words.term("activity", words.term("step", name)), lane, counted))
    return _frame(rows, ("what", "name", "lane", "counted"), words)


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
            said("undone_are"), said("late_are"), words.term("definition", str(row["definition"])), _number(row, words), kept,
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
            _account(row, words), words(f"display.result.{row['result']}"), words.value(int(row["days"]), "days"),
            _bare(row["loss_reason"], words, "loss_reason"),
            joined(went) if went else words("display.none_of_three"), joined(untold), stands, budget, joined(late),
        ))  # fmt: skip
    return _frame(
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
            (words.term("fact", str(row["fact"])), words(f"display.rows.{row['rows']}"), *shares, _number(row, words))
        )
    return _frame(rows, ("fact", "rows", "unknown_won", "known_won", "times_lost"), words)


def customer_counts(result: Result, words: Words) -> pd.DataFrame:
    """How many accounts each word means, one row per stage, one column per segment and all."""
    frame = result.frames["customer_counts"]
    segments = [s for s in ("SMB", "KA", "", "all") if (frame["segment"] == s).any()]
    names = [words("display.no_segment") if not s else words.segment(s) for s in segments]
    counts = frame.set_index(["stage", "segment"])["accounts"]
    rows = [
        (words.term("stage", str(k)), *(int(counts[k, s]) for s in segments)) for k in dict.fromkeys(frame["stage"])
    ]
    return pd.DataFrame(rows, columns=[words("table.stage"), *names])


def item_of(row: pd.Series, words: Words) -> str:
    """An item of the sales sheet in the language, as the catalogue has it; as in the data where it has none."""
    zh = row["item_zh"]
    return zh if words.language == "zh" and isinstance(zh, str) else str(row["item"])


def steps_of(row: pd.Series, words: Words) -> str:
    """The steps that demand an item, in the language."""
    return words.list_of(words.term("step", s) for s in str(row["steps"]).split(", ") if s)


def fit_items(result: Result, words: Words) -> pd.DataFrame:
    """What the sheet demands and how far today's team has it: items whose gap costs the lane's fit most first, then those that nobody
    judged by weight, then those judged but not demanded."""
    frame = result.frames["fit_items"]
    kind = np.select([~frame["demanded"], ~frame["judged"]], [2, 1], 0)
    cost = np.where(kind == 0, frame["weight"] * (1 - frame["reached"].fillna(0)), frame["weight"])
    rows: Rows = []
    for i in np.lexsort((frame["item"], -cost, kind)):
        row = frame.iloc[int(i)]
        said = words("display.not_judged") if not row["judged"] else words.value(float(row["level"]), "level")
        if row["judged"] and pd.notna(row["low"]):
            ends = (words.value(float(row[c]), "level") for c in ("low", "high"))
            said += f" ({words('numbers.span', **dict(zip(('low', 'high'), ends, strict=True)))})"
        steps = steps_of(row, words) if row["demanded"] else words("display.not_demanded")
        weight = words.value(float(row["weight"]), "share") if row["demanded"] else ""
        judges = words.value(int(row["judges"]), "")
        rows.append((words.term("lane", str(row["lane"])), item_of(row, words), said, words.value(float(row["required"]), "level"), judges,
                     weight, steps))  # fmt: skip
    return _frame(
        rows, ("lane", "item", "judged_level", "required_level", "judges", "weight_in_lane", "demanded_at"), words
    )


def fit_teams(result: Result, words: Words) -> pd.DataFrame:
    """Every team's fit to the flow, in all and by lane: which team could carry it."""
    frame = result.frames["fit_teams"]
    finding = result.finding("M-3.6")
    rows: Rows = []
    for team, own in frame.groupby("team", sort=False):
        number = finding.number("fit_team", str(team))
        by_lane = own.set_index("lane")["fit"]
        cells = [
            words.value(float(by_lane[lane]), "fit") if lane in by_lane else words("numbers.none") for lane in LANES
        ]
        motion = str(own["motion"].iloc[0])
        rows.append(
            (str(team), words.segment(motion) if motion else "", words.number(number) if number else "", *cells)
        )
    columns = [words(f"table.{h}") for h in ("team", "segment", "fit")]
    return pd.DataFrame(rows, columns=[*columns, *(words.term("lane", lane) for lane in LANES)])


def lane_reliefs(result: Result, words: Words) -> pd.DataFrame:
    """The items that the steps' relief falls to, shared out by shortfall, largest first."""
    frame = result.frames["lane_reliefs"]
    rows: Rows = []
    for _, row in frame[frame["relief"] > 0].sort_values(["relief", "item"], ascending=[False, True]).iterrows():
        level = next((n.level for f in result.findings for n in f.numbers if n.name == "lane_relief"), None)
        value, low, high = (None if pd.isna(row[c]) else float(row[c]) for c in ("relief", "low", "high"))
        number = Number("", "", value, low, high, level, 1, "wins per 100 deals", "")
        rows.append((item_of(row, words), words.term("lane", str(row["lane"])), words.value(float(row["level"]), "level"),
                     words.number(number), steps_of(row, words)))  # fmt: skip
    return _frame(rows, ("item", "lane", "judged_level", "relief", "comes_from"), words)


TABLES: dict[str, dict[str, Callable[[Result, Words], pd.DataFrame]]] = {
    "00_problem_framing": {
        "customer_counts": customer_counts,
    },
    "01_base_assumptions": {
        "statements": statements,
        "principles": principles,
        "definitions": definitions,
        "white_space": white_space,
        "persona_sensitivity": persona_sensitivity,
        "persona_profile": persona_profile,
    },
    "02_procurement_flow": {
        "missing_parties": missing_parties,
        "unseen_parties": unseen_parties,
        "opponents": opponents,
        "authority_steps": authority_steps,
        "authority_groups": authority_groups,
        "messages": messages,
        "library_next": library_next,
        "samples": samples,
    },
    "03_sales_flow": {
        "definition_cards": definition_cards,
        "loss_modes": loss_modes,
        "unknown_facts": unknown_facts,
        "sales_sheet_nodes": sales_sheet_nodes,
        "sheet_orphans": sheet_orphans,
        "fit_items": fit_items,
        "fit_teams": fit_teams,
        "lane_reliefs": lane_reliefs,
        "alignment_wins": alignment_wins,
    },
}
SHOWN = 12  # rows of a table in the report; all are in the run folder


def available(result: Result) -> list[str]:
    """Names of the display tables whose frames are there, in the order they are shown."""
    return [name for name in TABLES.get(result.id, {}) if len(result.frames.get(name, ()))]


def display_table(result: Result, name: str, words: Words) -> pd.DataFrame:
    """One display table; KeyError for a name that the analysis has no display of."""
    return TABLES[result.id][name](result, words)
