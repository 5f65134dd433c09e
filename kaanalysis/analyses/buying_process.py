"""How the customer's process runs: views over the transitions table, and how long a flow takes with open flows censored."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from kaanalysis import aggregates
from kaanalysis.aggregates import process_views
from kaanalysis.analyses.verdicts import clustered_share, figures_wanted, number
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.results import Number
from kaanalysis.stats import kaplan_meier, share_of_total, survival_quantile
from kaanalysis.stats.working_time import calendar_of

MOMENT = 1 / 86_400_000_000  # a microsecond in days: what a flow of one step must outlast its entry by


def durations(kind: str, lives: pd.DataFrame, level: float) -> list[Number]:
    """Median and 90th percentile of the days from first to last step; open flows censored, late entries counted from their entry on.

    lives: :func:`kaanalysis.aggregates.flow_lives` of one kind. Wrong if flows that are still running had been told from finished ones
    falsely: too short a silence or too low an end share make flows shorter than they are."""
    seen = lives[lives["seen"]]
    days, late = seen["days"].to_numpy(float), seen["entry_days"].to_numpy(float)
    entry = late if late.any() else None
    # With late entries everyone must have been at risk for a moment, flows of a single step too.
    curve = kaplan_meier(
        days if entry is None else np.maximum(days, MOMENT), seen["finished"].to_numpy(bool), entry, level
    )
    found = []
    for name, share in (("flow_days_median", 0.5), ("flow_days_p90", 0.9)):
        at = survival_quantile(curve, 1 - share)
        value, low, high = (0.0 if v is not None and v <= MOMENT else v for v in (at.value, at.low, at.high))
        found.append(number(name, kind, replace(at, value=value, low=low, high=high), "days"))
    return found


def waiting_shares(process: aggregates.Transitions, kind: str | None, level: float) -> list[Number]:
    """The share of all waiting that falls on each party (segment: the party), waited for longest first; customer groups as clusters."""
    frame = aggregates.waiting_by_cluster(process, kind)
    parties = [c for c in frame.columns if c not in ("cluster", "rest")]
    whole = frame[[*parties, "rest"]].sum(axis=1).to_numpy(float)
    found = []
    for party in parties:
        own = frame[party].to_numpy(float)
        found.append(
            number("waiting_share", party, share_of_total(own, np.maximum(whole - own, 0), level=level), "share")
        )
    return [n for n in found if n.value is not None]


def find(company: Company, policy: Policy) -> tuple[list[Number], dict[str, pd.DataFrame]]:
    """Median and 90th percentile of a flow's days and its share of rework by kind, the share of waiting by party (of key accounts'
    flows where there are any, else of all); frames of all process views."""
    process = aggregates.transitions(company, policy)
    lives = aggregates.flow_lives(company, process, policy)
    level = policy["evidence.level"]
    numbers, rows = [], []
    for kind, group in lives.groupby("kind"):
        median, tail = durations(str(kind), group, level)
        clusters = group["cluster"].to_numpy(object)
        again = clustered_share(
            "rework_share", str(kind), group["repeated"].to_numpy(bool), clusters, level,
            "share of flows so far, customer groups as clusters (jackknife)",
        )  # fmt: skip
        numbers += [median, tail, again]
        finished = group["finished"].to_numpy(bool)
        rows.append((kind, len(group), int(group["events"].sum()), int(finished.sum()), int((~finished).sum()),
                     int((~group["seen"]).sum()), *(v for n in (median, tail) for v in (n.value, n.low, n.high))))  # fmt: skip
    columns = [
        "kind",
        "flows",
        "events",
        "finished",
        "open",
        "unseen",
        "median_days",
        "low",
        "high",
        "p90_days",
        "p90_low",
        "p90_high",
    ]
    summary = pd.DataFrame(rows, columns=columns).astype(dict.fromkeys(columns[6:], float))
    numbers += waiting_shares(process, "KA" if "KA" in process.kinds else None, level)
    frames = {"flow_durations": summary}
    if figures_wanted():
        frames |= _views(process)
        facts = {
            "calendar": calendar_of(policy["process.calendar"], company.info.currency),
            "events": int(summary["events"].sum()),
            "unknown_days": process.unknown_days,
        }
        frames["process_facts"] = pd.DataFrame([facts])
    return numbers, frames


def _views(process: aggregates.Transitions) -> dict[str, pd.DataFrame]:
    pair = ["kind", "step", "next_step"]
    follows = process_views.directly_follows(process)
    for more in (process_views.working_days(process, "step", "next_step"), process_views.returns(process)):
        follows = follows.merge(more, on=pair, how="left")
    sequences = process_views.variants(process)
    return {
        "directly_follows": follows.merge(
            process_views.working_days(process, "step", "next_step"), on=pair, how="left"
        ),
        "buying_nodes": process_views.buying_nodes(process),
        "variants": sequences,
        "rework": process_views.rework(process),
        "waiting_by_party": process_views.waiting_by_party(process),
        "handovers": process_views.handovers(process),
        "role_departments": process_views.role_departments(process),
        "spectrum": aggregates.performance_spectrum(process, sequences),
    }
