"""How the customer's process runs: steps, directly-follows pairs and durations, all read from the transitions table."""

from __future__ import annotations

import pandas as pd

from kaanalysis import aggregates
from kaanalysis.analyses.verdicts import figures_wanted
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.results import Number
from kaanalysis.stats import median_interval


def find(company: Company, policy: Policy) -> tuple[list[Number], dict[str, pd.DataFrame]]:
    """The median days of a flow by kind; frames `directly_follows`, `buying_nodes`, `flow_durations`."""
    moves = aggregates.materialised(company, "transitions", aggregates.transitions(company, policy))
    durations = aggregates.flow_durations(moves)
    rows = []
    for kind, group in durations.groupby("kind"):
        median = median_interval(group["days"].to_numpy(), policy["evidence.level"])
        rows.append((kind, len(group), int(group["events"].sum()), median.value, median.low, median.high))
    summary = pd.DataFrame(rows, columns=["kind", "flows", "events", "median_days", "low", "high"])
    maps = {}
    if figures_wanted():
        maps = {"directly_follows": aggregates.directly_follows(moves), "buying_nodes": aggregates.buying_nodes(moves)}
    method = "median, binomial limits; unfinished flows up to their last logged step"
    numbers = [
        Number(
            "flow_days_median",
            str(r["kind"]),
            r["median_days"],
            r["low"],
            r["high"],
            policy["evidence.level"],
            int(r["flows"]),
            "days",
            method,
        )
        for r in summary.to_dict("records")
    ]
    return numbers, {**maps, "flow_durations": summary}
