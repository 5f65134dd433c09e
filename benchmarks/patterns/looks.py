"""What monthly looks do to false alarms, from the replays of healthy companies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from kaanalysis.analyses.early_warning import repeated_looks
from kaanalysis.policy import Policy

TOLD = {
    "last_look": "at the last look",
    "lasting": "one that holds until the last look",
    "held_once": "one that held {hold} months in a row at any time",
    "any_look": "at any look",
}


def monthly_looks(healthy: Sequence[Mapping[str, Any]], policy: Policy) -> str:
    """A table: share of healthy companies with a false alarm of any pattern, by how one looks."""
    if not healthy:
        return "No healthy companies drawn."
    replays = []
    for row in healthy:
        rows = [(i, pattern, state) for pattern, states in row["replay"].items() for i, state in enumerate(states)]
        replays.append(pd.DataFrame(rows, columns=["month", "pattern", "state"]))
    counted = repeated_looks(replays, policy)
    hold = policy["early_warning.hold_months"]
    lines = ["| false alarm | healthy companies | with one, percent (95 %) |", "|---|---|---|"]
    for found in counted.to_dict("records"):
        told = f"{100 * found['share']:.1f} [{100 * found['low']:.1f}, {100 * found['high']:.1f}]"
        lines.append(f"| {TOLD[found['alarm']].format(hold=hold)} | {found['companies']} | {told} |")
    return "\n".join(lines) + "\n"
