"""M-3.1 and M-3.2, beside their verdicts: the card that says what the rate is a rate of, when it will be mature, and how many closed
projects would decide it.

A deal that was won and later refunded or litigated was won (the contract counts `won`); the same rate with such wins taken out is
`conversion_kept` and `success_kept`, so that nobody has to guess what they would change. How many closed projects decide is asked of the
exact binomial test (:func:`kaanalysis.stats.closed_needed`) on the assumption that the true rate is the one found: at the mark itself no
number ever would.
"""

from __future__ import annotations

import datetime as dt
import math

import numpy as np
import pandas as pd
from scipy import stats as scipy_stats

from kaanalysis.aggregates import DAYS_PER_MONTH
from kaanalysis.analyses.verdicts import number
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.results import Number
from kaanalysis.stats import Estimate, closed_needed

COLUMNS = [
    "rate", "segment", "definition", "deals_counted", "horizon_months", "n", "won", "lost", "drifted", "open", "undone", "late_entries",
    "untimed", "value", "low", "high", "level", "kept", "followed", "mature_on", "complete_on", "mark_low", "mark_high",
    "projects_needed", "closed", "missing", "closed_last_year", "decided_on", "unit",
]  # fmt: skip
NEVER_AFTER_YEARS = 50  # a date further away says nothing


def projects_needed(rate: float, marks: tuple[float, ...]) -> int | None:
    """Closed projects that would show on which side of the marks a true rate lies (one mark), or that it lies between them (two marks,
    as two one-sided tests; outside, the nearer one decides). Level 95 %, power 80 %. None at a mark: never."""
    edges = [m for m in marks if 0 < m < 1]
    if not edges:
        return None
    if len(edges) == 2 and not edges[0] < rate < edges[1]:
        edges = [min(edges, key=lambda m: abs(m - rate))]
    found = [closed_needed(min(max(rate, 0.0), 1.0), mark) for mark in edges]
    return None if any(f is None for f in found) else max(f for f in found if f is not None)


def design_effect(rate: Number, closed: int) -> float:
    """How many closed deals are worth one independent one: the variance that the interval shows over that of as many independent closed
    deals; never below 1. More than 1 where sellers differ and where deals were censored."""
    if (
        rate.value is None
        or rate.low is None
        or rate.high is None
        or not 0 < rate.value < 1
        or not closed
        or not rate.level
    ):
        return 1.0
    error = (rate.high - rate.low) / 2 / float(scipy_stats.norm.isf((1 - rate.level) / 2))
    return max(1.0, error**2 * closed / (rate.value * (1 - rate.value)))


def _day(as_of: dt.date, days: float) -> str | None:
    return str(as_of + dt.timedelta(days=math.ceil(days))) if days <= 365.25 * NEVER_AFTER_YEARS else None


def _matures(as_of: dt.date, follow_up: np.ndarray, horizon: int, share: float) -> str:
    """The day on which `share` of these deals will have been followed to the horizon (as_of or earlier: they have)."""
    wanted = np.sort(follow_up)[::-1][max(math.ceil(share * len(follow_up)), 1) - 1]
    return str(as_of + dt.timedelta(days=int(horizon - wanted)))


def measure(
    company: Company, deals: pd.DataFrame, name: str, rate: Number, kept: Estimate, untimed: int, policy: Policy
) -> tuple[list[Number], dict[str, object]]:
    """(numbers, the rate's row of the frame `definition_cards`). Numbers: <name>_kept (wins that were not undone), projects_to_decide
    (closed projects that would decide if the true rate is the one found; none at the mark), projects_missing (those beyond the ones at
    hand, each of today's worth less than an independent one by the design effect). deals: `deal_times` of the segment."""
    months, as_of = policy[f"{name}.horizon_months"], company.info.as_of
    horizon = round(months * DAYS_PER_MONTH)
    mark, away = policy[f"{name}.target"], policy["conversion.tolerance"] if name == "conversion" else 0.0
    marks = (mark - away, mark + away) if away else (mark,)
    closed = int(deals["outcome"].notna().sum())
    since_closing = deals["follow_up"] - deals["days"]
    pace = int((deals["outcome"].notna() & (since_closing < 365)).sum())
    needed = None if rate.value is None else projects_needed(float(rate.value), marks)
    missing = None if needed is None else max(0, math.ceil(needed * design_effect(rate, closed)) - closed)
    assumed = "exact binomial test; true rate taken to be the one found; level 95 %; power 80 %"
    count = "needed times the design effect of sellers and censoring minus closed at hand"
    numbers = [
        number(f"{name}_kept", rate.segment, kept, "share", horizon_months=months),
        Number("projects_to_decide", rate.segment, needed, None, None, None, closed, "deals", assumed, months),
        Number("projects_missing", rate.segment, missing, None, None, None, closed, "deals", count, months),
    ]
    outcome = deals["outcome"]
    follow_up = deals["follow_up"].to_numpy(float)
    row: dict[str, object] = {
        "rate": name, "segment": rate.segment, "definition": policy["segment.definition"], "deals_counted": policy["conversion.deals"],
        "horizon_months": months, "n": len(deals), "won": int((outcome == "won").sum()), "lost": int((outcome == "lost").sum()),
        "drifted": int((outcome == "drifted").sum()), "open": int(outcome.isna().sum()), "undone": int(deals["undone"].sum()),
        "late_entries": int((deals["entry"] > 0).sum()), "untimed": untimed, "value": rate.value, "low": rate.low, "high": rate.high,
        "level": rate.level, "kept": kept.value, "followed": float((follow_up >= horizon).mean()),
        "mature_on": _matures(as_of, follow_up, horizon, policy["conversion.mature_share"]),
        "complete_on": _matures(as_of, follow_up, horizon, 1.0),
        "mark_low": marks[0], "mark_high": marks[-1], "projects_needed": needed, "closed": closed, "missing": missing,
        "closed_last_year": pace, "decided_on": _day(as_of, missing / pace * 365.25) if missing is not None and pace else None,
        "unit": "share",
    }  # fmt: skip
    return numbers, row


def frame(rows: list[dict[str, object]]) -> dict[str, pd.DataFrame]:
    """The rows as the frame `definition_cards`, one per rate; nothing without any."""
    if not rows:
        return {}
    counts = dict.fromkeys(("value", "low", "high", "kept", "projects_needed", "missing"), "float64")
    made = pd.DataFrame(rows, columns=COLUMNS).astype(counts)
    return {"definition_cards": made.astype({"mature_on": object, "complete_on": object, "decided_on": object})}
