"""Tables of 04 path selection for a reader: the rule to go on or to stop beside other readings, and what the first wins prove."""

from __future__ import annotations

import pandas as pd

from kaanalysis.display.parts import Rows, as_frame, bare
from kaanalysis.results import Result
from kaanalysis.text import Words

HEADINGS = (
    "reading",
    "projects_up_to",
    "go_on_from",
    "stop_up_to",
    "wrongly_on",
    "wrongly_stopped",
    "takes_if_poor",
    "takes_if_good",
)

NONE = "–"  # the reading has no such number


def _count(value: object, words: Words) -> str:
    return NONE if pd.isna(value) else words.value(round(float(str(value)), 1), "")  # type: ignore[call-overload]


def continuation_rule(result: Result, words: Words) -> pd.DataFrame:
    """The rule's stages, then the readings it is held against: what each asks for, its exact errors, the projects it takes."""
    rows: Rows = []
    for _, row in result.frames["continuation_rule"].iterrows():
        name = f"{row['plan']}_first" if row["stage"] == "first" else str(row["plan"])
        asks = [_count(row[c], words) for c in ("n", "go_on_from", "stop_up_to")]
        if row["plan"] in ("sequence", "repeated_tests"):  # a boundary that moves with every look has no single number
            asks[1:] = [NONE, NONE]
        errors = [words.value(float(row[c]), "share") for c in ("false_go", "false_stop")]
        takes = [_count(row[c], words) for c in ("expected_if_poor", "expected_if_good")]
        if row["stage"] == "first":  # errors are those of the whole plan
            errors, takes = [NONE, NONE], [NONE, NONE]
        rows.append((words.term("plan", name), *asks, *errors, *takes))
    return as_frame(rows, HEADINGS, words)


def early_wins(result: Result, words: Words) -> pd.DataFrame:
    """What the first wins prove: by then decided projects, how often so many wins come where success is poor and where it is good."""
    rows: Rows = []
    for _, row in result.frames["early_wins"].iterrows():
        chances = (words.value(float(row[c]), "probability") for c in ("chance_if_poor", "chance_if_good"))
        rows.append((
            _count(row["win"], words), bare(row["date"], words), _count(row["closed"], words), *chances,
            words.value(float(row["likelihood_ratio"]), "ratio"), words.value(float(row["still_poor"]), "probability"),
        ))  # fmt: skip
    headings = ("win", "date", "projects", "chance_if_poor", "chance_if_good", "evidence_for_good", "still_poor")
    return as_frame(rows, headings, words)
