"""Results as sheets of an Excel workbook: numbers stay numbers (value, low, high, unit in columns of their own).

Figures and display tables round for reading; here everything is given in full, so that it can be sorted and summed. Shares are 0
to 1, gaps of shares too. Columns and parts without a text of their own keep the name that they have in the data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from kaanalysis import display
from kaanalysis.results import Result
from kaanalysis.text import Words

Label = Callable[[Any, "pd.Series[Any]", Words], object]


def _first(words: Words, name: str, *groups: str) -> str:
    """The first text of ``<group>.<name>`` that there is, else the name."""
    return next((words(f"{g}.{name}") for g in groups if words.has(f"{g}.{name}")), name)


def _group(value: Any, row: pd.Series, words: Words) -> object:
    if "dimension" not in row:  # groups of sellers
        return words.term("seller_group", str(value))
    dimension = str(row["dimension"])
    if not str(value):
        return words("display.not_recorded")
    return words.segment(str(value)) if dimension == "segment" else words.term(dimension, str(value))


def _flag(value: Any, row: pd.Series, words: Words) -> object:
    if not isinstance(value, bool | np.bool_):  # a count of the same name
        return value
    return words("display.yes" if value else "display.no")


def _item(value: Any, row: pd.Series, words: Words) -> object:
    """An item by its name in the language: the sheet has both names, the team's judgements may have a Chinese one."""
    return row[f"item_{words.language}"] if "item_en" in row else display.selling.item_of(row, words)


# How the codes of a column are read. A column that is not here holds numbers or names from the data.
LABELS: dict[str, Label] = {
    "segment": lambda v, row, w: w.segment(str(v)),
    "of": lambda v, row, w: w.segment(str(v)),
    "motion": lambda v, row, w: w.term("segment", str(v)),
    "industry": lambda v, row, w: w.term("industry", str(v)),
    "region": lambda v, row, w: w.term("region", str(v)),
    "product": lambda v, row, w: w.term("product", str(v)),
    "dimension": lambda v, row, w: _first(w, str(v), "table"),
    "group": _group,
    "attribute": _group,
    "part": lambda v, row, w: _first(w, str(v), "parts", "number_names", "display", "figures.growth_bridge", "figures.growth_by"),
    "stage": lambda v, row, w: _first(w, str(v), "terms.stage", "figures.customer_counts", "display.stage", "number_names"),
    "measure": lambda v, row, w: _first(w, str(v), "number_names"),
    "cohort": lambda v, row, w: w("terms.segment.all") if v == "all" else v,
    "state": lambda v, row, w: w(f"states.{v}"),
    "statement": lambda v, row, w: w.term("statement", str(v)),
    "problem": lambda v, row, w: _first(w, str(v), "figures.problem_ranking"),
    "number": lambda v, row, w: _first(w, str(v), "number_names"),
    "persona": lambda v, row, w: w.term("persona", str(v)),
    "definition": lambda v, row, w: w.term("definition", str(v)),
    "same_as": lambda v, row, w: w.term("definition", str(v)),
    "basis": lambda v, row, w: w.segment("all") if v == "all" else w.term("persona", str(v)),
    "borderline": lambda v, row, w: w.term("persona", str(v)),
    "field": lambda v, row, w: w.term("field", str(v)),
    "category": lambda v, row, w: w.term("category", str(v)),
    "role": lambda v, row, w: w.term("party", str(v)),
    "missing_role": lambda v, row, w: w.term("party", str(v)),
    "step": lambda v, row, w: w.term("step", str(v)),
    "steps": lambda v, row, w: display.selling.steps_of(row, w),
    "lane": lambda v, row, w: w.term("lane", str(v)),
    "item": _item,
    "on_record": lambda v, row, w: w("display.known_unmet" if v else "display.nobody_known"),
    "opponent": _flag,
    "added": _flag,
    "answers": _flag,
    "matched_by": lambda v, row, w: w(f"display.matched.{v}"),
    "collision_kind": lambda v, row, w: w(f"display.collision.{v}"),
    "outcome": lambda v, row, w: _first(w, str(v), "display.result"),
    "unit": lambda v, row, w: w.unit(str(v)),
    "mode": lambda v, row, w: w.segment(str(v)),
    "result": lambda v, row, w: w(f"display.result.{v}"),
    "rows": lambda v, row, w: w(f"display.rows.{v}"),
    "outside": _flag,
    "split_chain": _flag,
    "late_departments": _flag,
    "key_person_only": _flag,
    "worked": _flag,
    "used": _flag,
    "customer": _flag,
    "inside": _flag,
    "conditional": _flag,
    "demanded": _flag,
    "candidate": _flag,
}  # fmt: skip


def sheet(frame: pd.DataFrame, columns: list[str], words: Words) -> pd.DataFrame:
    """The frame's columns of these that it has, in this order: codes read, numbers as they are, headings named."""
    there = [c for c in columns if c in frame.columns]
    rows = []
    for _, row in frame.iterrows():
        cells: list[object] = []
        for column in there:
            value = row[column]
            read = LABELS.get(column)
            cells.append(None if pd.isna(value) else value if read is None else read(value, row, words))
        rows.append(cells)
    return pd.DataFrame(rows, columns=[_first(words, c, "sheet.column", "table") for c in there], dtype=object)


def numbers(result: Result, words: Words) -> pd.DataFrame:
    """Every number of every finding: finding, title, verdict, name, group, value, low, high, level, n, unit, method."""
    rows = []
    for finding in result.findings:
        said = (finding.id, words(f"findings.{finding.key}.title"), words(f"states.{finding.state}"))
        for n in finding.numbers:
            group = words.group_of(n)
            name = words(f"number_names.{n.name}")
            rows.append(
                (*said, name, group, n.value, n.low, n.high, n.level, n.n, words.unit(n.unit), words.method(n.method))
            )
    names = ("finding", "claim", "state", "number", "segment", "value", "low", "high", "level", "n", "unit", "method")
    return pd.DataFrame(rows, columns=[_first(words, c, "sheet.column", "table") for c in names], dtype=object)


def _in(unit: str, frame: pd.DataFrame) -> pd.DataFrame:
    """With the unit of the sheet in every row; a rate of growth among amounts is a share."""
    if not unit:
        return frame
    rate = frame["part"] == "growth_rate" if "part" in frame else np.zeros(len(frame), bool)
    return frame.assign(unit=np.where(rate, "share", unit))


def of_result(result: Result, words: Words) -> dict[str, pd.DataFrame]:
    """All sheets of a result by their names in the language, the numbers of its findings first."""
    w, money = words, display.parts.currency(result)
    ends = ["value", "low", "high"]
    plain: dict[str, tuple[list[str], str]] = {
        "problem_ranking": (["problem", "state", "shortfall", "low", "high", "counted", "p_first", "unit"], money),
        "customer_counts": (["stage", "segment", "accounts"], ""),
        "growth_bridge": (["segment", "part", *ends, "n", "unit"], money),
        "growth_by": (["dimension", "group", "part", *ends, "n", "unit"], money),
        "retention": (["segment", "cohort", "measure", *ends, "n", "accounts", "unit"], "share"),
        "penetration": (["segment", "industry", "known", "worked", "customers", "share", "low", "high", "won", "unit"], money),
        "statements": (["axis", "statement", "state", "number", "of", *ends, "level", "n", "unit", "now", "flip_at"], ""),
        "definitions": (["definition", "used", "same_as", "n_smb", "n_ka", "finding", "state"], ""),
        "white_space": (["account_id", "name", "persona", "evidence", "industry", "region", "annual_revenue", "team", "seller", "worked",
                         "open_deals", "lost_deals", "basis", "paid_share", "paid_n", "paid_median", "expected", "low", "high", "unit"],
                        money),
        "inside_outside": (["kind", "inside", "persona", "accounts", "spend", "unit"], money),
        "personas": (["account_id", "name", "persona", "borderline", "segment", "industry", "region", "employees", "annual_revenue",
                      "customer", "inside", "spend", "unit"], money),
        "persona_sensitivity": (["account_id", "name", "annual_revenue", "unit", "limit", "persona", "then"], money),
        "persona_profile": (["dimension", "value", "mine", "of_mine", "others", "of_others", "p_adjusted"], ""),
        "product_mix": (["segment", "product", "share"], ""),
        "missing_parties": (["opportunity", "account_id", "name", "missing_role", "on_record", "reference", "share_of_flows",
                             "days_open"], ""),
        "unseen_parties": (["account_id", "name", "deals", "found", "estimated", "low", "high"], ""),
        "opponents": (["role", "purchases", "negative", "balance", "unit", "p_negative", "p_adjusted", "opponent"], money),
        "authority_steps": (["step", "flows", "below_limit", "above_limit", "gap", "low", "high", "p_value", "p_adjusted", "added",
                             "days"], ""),
        "authority_groups": (["segment", "dimension", "attribute", "flows", "limit_found", "low", "high", "unit", "p_value",
                              "p_adjusted"], money),
        "messages": (["role", "share", "low", "high", "level", "n", "interests", "message", "avoid"], ""),
        "library_next": (["category", "industry", "size_band", "accounts", "flows", "gain", "first", "rank"], ""),
        "samples": (["flow", "steps_column", "parties_column", "days", "amount", "unit", "told_on", "answers", "lacks"], money),
        "sales_sheet_nodes": (["node", "step", "role", "department", "part", "conditional", "share", "share_low", "share_high", "flows",
                               "coverage", "coverage_low", "coverage_high", "deals"], ""),
        "sales_sheet": (["node", "step", "role", "part", "lane", "item"], ""),
        "sheet_orphans": (["side", "lane", "name", "share", "low", "high", "n"], ""),
        "bottlenecks": (["step", "entered", "lost_share", "relief", "low", "high", "p_rank_1", "candidate", "passing_days", "delay",
                         "delay_low", "delay_high", "sooner", "sooner_low", "sooner_high"], ""),
        "fit_items": (["lane", "item", "demanded", "judges", "level_judged", "low", "high", "required", "reached", "weight", "relief",
                       "steps"], ""),
        "fit_teams": (["team", "motion", "lane", "fit", "n"], ""),
        "lane_reliefs": (["lane", "item", "level_judged", "reached", "relief", "low", "high", "steps", "lane_relief", "lane_low",
                          "lane_high", "p_rank_1"], ""),
        "steadiness": (["segment", "start", "until", "deals", "won", "sellers", "share", "lower", "centre", "upper", "outside"], ""),
        "sellers": (["owner", "group", "deals", "won", "rate", "low", "high", "level", "past_deals", "tenure_months"], ""),
        "loss_modes": (["account_id", "name", "opportunity_id", "result", "days", "amount", "unit", "loss_reason", "split_chain",
                        "late_departments", "key_person_only", "deciders_for", "deciders_against", "deciders_unmet", "budget_day",
                        "departments_late", "others", "others_met"], money),
        "loss_mode_rates": (["mode", "landmark", "with_mode", "lost_with", "without_mode", "lost_without", "value", "low", "high",
                             "level", "n"], ""),
        "unknown_facts": (["fact", "rows", "unknown", "won_unknown", "known", "won_known", "value", "low", "high", "level", "n",
                           "p_value", "p_adjusted"], ""),
        "next_steps": (["for_path", "task", "function", "due", "done_when", "measured_by", "value", "low", "high", "level", "n", "unit",
                        "responsible", "done_on", "remark"], ""),
        "named_accounts": (["rank", "account_id", "name", "persona", "industry", "region", "annual_revenue", "team", "seller", "worked",
                            "open_deals", "expected", "low", "high", "unit", "on_list_of", "responsible", "done_on", "remark"], money),
        "rule_borders": (["border", "at", "distance", "move", "need", "unit", "beyond", "then_path"], ""),
        "collisions": (["collision_line", "account_a", "name_a", "account_b", "name_b", "matched_by", "score", "team_a", "team_b", "begins",
                        "ends", "deals_a", "deals_b", "open", "won_a", "won_b", "amount_won", "unit", "days_held_by_both", "disputes",
                        "hours"], money),
        "collision_deals": (["collision_line", "collision_kind", "opportunity_id", "account_id", "team", "other_team", "owner", "begins",
                             "ends", "outcome", "amount", "unit", "hours"], money),
        "overlap": (["team_a", "team_b", "customer_groups", "expected_by_chance", "low", "high", "disputes"], ""),
        "inputs": (["input_of", *ends, "level", "unit", "origin"], ""),
        "input_correlations": (["input_of", "second_input", "correlation"], ""),
    }  # fmt: skip
    found = {w("sheet.title.numbers"): numbers(result, words)}
    for name, (columns, unit) in plain.items():
        frame = result.frames.get(name)
        if frame is None or frame.empty:
            continue
        if name == "definitions" and len(result.frames.get("principles", ())):
            found[w("sheet.title.principles")] = display.assumptions.principles(
                result, words
            )  # text alone, in the words of the report
        found[w(f"sheet.title.{name}")] = _special(name, result, columns, unit, words)
    for name in display.pattern_sheets.SHEETS:
        if result.id == "05_failure_patterns" and len(result.frames.get(name, ())):
            found[w(f"sheet.title.{name}")] = display.pattern_sheets.sheet(name, result, money, w)
    if len(result.frames.get("ledger_lines", ())):
        found[w("sheet.title.ledger_lines")] = display.paths.ledger_sheet(result, words)
    return found


# What a column of a frame is called in its sheet, where that differs.
_COLUMNS = {
    "missing_parties": {"opportunity_id": "opportunity", "role": "missing_role", "known": "on_record", "share": "share_of_flows",
                        "days": "days_open"},
    "authority_steps": {"below": "below_limit", "above": "above_limit", "difference": "gap"},
    "authority_groups": {"value": "attribute", "limit": "limit_found"},
    "samples": {"flow_id": "flow", "steps": "steps_column", "parties": "parties_column", "interviewed_at": "told_on"},
    "problem_ranking": {"statement": "problem"},
    "fit_items": {"level": "level_judged"},  # a level that judges gave is no interval's level
    "lane_reliefs": {"level": "level_judged"},
    "collisions": {"line": "collision_line"},
    "collision_deals": {"line": "collision_line", "kind": "collision_kind"},
    "overlap": {"expected": "expected_by_chance", "accounts": "customer_groups"},
}  # fmt: skip


# Left empty for the analyst to fill on.
_TO_FILL = ("responsible", "done_on", "remark")


def _path_side(name: str, frame: pd.DataFrame, words: Words) -> pd.DataFrame:
    """The checklist, the named accounts and the borders of the rule in the language, with empty columns where an analyst goes on."""
    rows = [row for _, row in frame.iterrows()]
    read: dict[str, list[object]] = {}
    if name == "rule_borders":
        read = {
            "border": [words(f"policy_names.{r['border']}") for r in rows],
            "move": [words(f"sheet.move.{r['move']}") for r in rows],
            "then_path": [words.term("path", str(r["then"])) for r in rows],
            "unit": ["bottlenecks" if r["axis"] == "bottlenecks" else "fit" for r in rows],
        }
    elif name == "named_accounts":
        read = {"on_list_of": [words.list_of(words.term("path", p) for p in str(r["paths"]).split(",")) for r in rows]}
    else:
        done = [str(r[f"done_{words.language}"]) for r in rows]
        read = {
            "for_path": [display.next_steps.status_of(r, words) for r in rows],
            "task": [display.next_steps.task_of(r, words) for r in rows],
            "function": [str(r[f"owner_{words.language}"]) for r in rows],
            "done_when": [d or None for d in done],
            "measured_by": [words.term("measure", str(r["measure"])) if r["measure"] else None for r in rows],
        }
    if name != "rule_borders":
        read |= {column: [None] * len(frame) for column in _TO_FILL}
    return frame.assign(**{c: pd.Series(v, index=frame.index, dtype=object) for c, v in read.items()})


def _special(name: str, result: Result, columns: list[str], unit: str, words: Words) -> pd.DataFrame:
    """A sheet, with the columns of some frames that mean something else there read first."""
    frame = result.frames[name]
    if name == "inside_outside":
        frame = frame.assign(
            kind=[words(f"sheet.kind.{k}") for k in frame["kind"]],
            persona=[words("display.yes" if p else "display.no") for p in frame["persona"]],
        )
    if name == "white_space":
        frame = frame.assign(evidence=[display.assumptions.evidence(row, words, unit) for _, row in frame.iterrows()])
    if name == "persona_sensitivity":
        then = [None if pd.isna(v) else words.term("persona", str(v)) for v in frame["then"]]
        frame = frame.assign(persona=frame["now"], then=pd.Series(then, index=frame.index, dtype=object))
    if name == "missing_parties":
        counts = zip(frame["level"], frame["flows"], strict=True)
        frame = frame.assign(reference=[words(f"display.reference_{k}", n=words.value(int(n), "")) for k, n in counts])
    if name == "library_next":
        cell = ["category", "industry", "size_band"]
        held = result.frames["library"][[*cell, "accounts", "flows"]]
        frame = frame.merge(held, on=cell).sort_values("rank")
    if name == "messages":
        frame = frame.assign(**{f: frame[f"{f}_{words.language}"] for f in ("interests", "message", "avoid")})
    if name == "samples":
        lacks = [words.list_of(words(f"samples.lacks.{k}") for k in str(v).split(",") if k) for v in frame["lacks"]]
        dates = [None if pd.isna(v) else str(v.date()) for v in frame["interviewed_at"]]
        frame = frame.assign(lacks=lacks, interviewed_at=pd.Series(dates, index=frame.index, dtype=object))
    if name == "inputs":
        named = [words.input_name(str(v)) for v in frame["input"]]
        frame = frame.assign(input_of=named, origin=[words(f"display.origin.{v}") for v in frame["origin"]])
    if name == "input_correlations":
        named, others = ([words.input_name(str(v)) for v in frame[c]] for c in ("first", "second"))
        frame = frame.assign(input_of=named, second_input=others)
    if name in ("collisions", "collision_deals"):
        frame = display.collisions.readable(frame)
    frame = frame.rename(columns=_COLUMNS.get(name, {}))
    if name == "sheet_orphans":
        kinds = ["customer" if s == "customer" else str(k) for s, k in zip(frame["side"], frame["kind"], strict=True)]
        names = [words.term("activity", words.term("step", str(v))) for v in frame[f"name_{words.language}"]]
        frame = frame.assign(side=[words.term("orphan", k) for k in kinds], name=names)
    if name in ("next_steps", "named_accounts", "rule_borders"):
        frame = _path_side(name, frame, words)
    if name == "persona_profile":
        read = [words.term(str(d), str(v)) for d, v in zip(frame["dimension"], frame["value"], strict=True)]
        frame = frame.assign(value=read)
    return sheet(_in(unit, frame), columns, words)
