"""What to do next: the settings of the chosen path as a checklist with owner, date and measure; a part of 04 path selection.

What is to be set stands in the catalogue (:mod:`kaanalysis.path_settings`); every measure is filled in here from this run's own
results, so that no number stands in a text. While the rule (M-4) leaves the path open, the list begins with what to find out first, and
the settings of every path still open follow as proposals.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from kaanalysis.analyses.ledger import PATHS
from kaanalysis.analyses.next_step_measures import (
    BY_PATH,
    Known,
    Measure,
    bottlenecks,
    named_accounts,
    unset_values,
    worthwhile_studies,
)
from kaanalysis.path_settings import UNDECIDED, Setting, path_settings
from kaanalysis.results import Finding

COLUMNS = ["status", "path", "setting", "about", "text_en", "text_zh", "owner", "owner_en", "owner_zh", "months", "due", "measure",
           "value", "low", "high", "level", "n", "unit", "done_en", "done_zh", "source"]  # fmt: skip
ACCOUNT = ["account_id", "name", "persona", "industry", "region", "annual_revenue", "team", "seller", "worked", "open_deals",
           "lost_deals", "expected", "low", "high"]  # fmt: skip


def _months_on(day: dt.date, months: int) -> dt.date:
    return (pd.Timestamp(day) + pd.DateOffset(months=months)).date()


def _rows(
    item: Setting, path: str, status: str, known: Known, listed: Mapping[str, Mapping[str, Measure]]
) -> list[dict[str, Any]]:
    about = dict(listed[item.each]) if item.each else {"": Measure()}
    after = item.after if isinstance(item.after, int) else BY_PATH[item.after](known, path).value
    made = []
    for name, measure in about.items():
        if item.measure in BY_PATH:  # of the path itself; others are of what the item is listed for
            measure = BY_PATH[item.measure](known, path)
        made.append({
            "status": status, "path": path, "setting": item.key, "about": name, "text_en": item.en, "text_zh": item.zh,
            "owner": item.owner, "months": None if after is None else int(np.ceil(after)), "measure": measure.key or item.measure,
            "value": measure.value, "low": measure.low, "high": measure.high, "level": measure.level, "n": measure.n,
            "unit": measure.unit, "done_en": item.done_en, "done_zh": item.done_zh, "source": item.source,
        })  # fmt: skip
    return made


def candidates(chosen: Finding, still_open: tuple[str, ...]) -> tuple[str, ...]:
    """The paths whose settings are listed: those that the rule leaves open; none where it could not be read."""
    return still_open if chosen.reason in PATHS else ()


def find(
    known: Known, still_open: tuple[str, ...], white: pd.DataFrame, as_of: dt.date, own: Mapping[str, object]
) -> dict[str, pd.DataFrame]:
    """Frames `next_steps` and `named_accounts`; an empty one is left out. own: the company's changes to the catalogue.

    next_steps, a row per thing to be set: status (``find_out``, ``set``, ``provisional``: of a path that is only a candidate), path
    (empty: of none), setting, about (step, study or column that it is listed for), text in both languages with ``{name}`` for that,
    owner (a function) and its name, months after the decision, due (the decision falls `next_steps.decision_months` after as_of),
    measure with value, low, high, level, n, unit (missing where this run cannot give it), what shows that it is done, source.
    named_accounts: the first accounts of the white space, as many as the sellers of the largest path listed can hold: rank, the
    account, who holds it, what to expect, paths (those whose list it is on, with commas between).
    Wrong as the ledger is wrong, and where today's work is not what the catalogue takes it to be.
    """
    settings = path_settings(own)
    listed: dict[str, Mapping[str, Measure]] = {
        **bottlenecks(known), "study": worthwhile_studies(known), "missing": {need: Measure() for need in known.chosen.needs},
        "unset": unset_values(known),
    }  # fmt: skip
    sure = known.chosen.state == "supported"
    paths = candidates(known.chosen, still_open)
    # What management has to say belongs to every list; what else is to be found out, to an open question.
    asked = [item for item in settings.of(UNDECIDED) if not sure or item.each == "unset"]
    rows = [r for item in asked for r in _rows(item, "", "find_out", known, listed)]
    for path in paths:
        status = "set" if sure else "provisional"
        mine = [r for item in settings.of(path) for r in _rows(item, path, status, known, listed)]
        rows += sorted(mine, key=lambda r: np.inf if r["months"] is None else r["months"])
    decided = _months_on(as_of, known.policy["next_steps.decision_months"])
    table = pd.DataFrame(rows)
    frames = {}
    if len(table):
        for language in ("en", "zh"):
            table[f"owner_{language}"] = [settings.owners[o][language] for o in table["owner"]]
        table["due"] = [None if pd.isna(m) else str(_months_on(decided, int(m))) for m in table["months"]]
        for column in ("months", "value", "low", "high", "level", "n"):
            table[column] = pd.to_numeric(table[column])
        frames["next_steps"] = table[COLUMNS]
    held = {p: int(named_accounts(known, p).value or 0) for p in paths}
    if held and len(white):
        first = white.head(max(held.values()))
        names = [c for c in ACCOUNT if c in first.columns]
        on = [",".join(p for p in paths if place < held[p]) for place in range(len(first))]
        frames["named_accounts"] = (
            first[names].assign(rank=np.arange(1, len(first) + 1), paths=on).reset_index(drop=True)
        )
    return frames
