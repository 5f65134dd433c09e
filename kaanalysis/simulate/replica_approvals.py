"""Truth of what an authority limit costs in days, counted in pooled companies around the limit planted (see :mod:`replica`)."""

from __future__ import annotations

from typing import Any

import numpy as np

from kaanalysis.simulate.replica_base import Drawn, frame


def count(drawn: Drawn) -> np.ndarray:
    """Of won KA deals from limit / window to limit × window: number and days from first beginning to last end, below and above the
    limit; of all won KA deals with approvals above the limit: number and days in those."""
    segment, window = drawn.world.ka, drawn.marks.authority_window
    extra = {s.buying or s.name for s in segment.steps if s.above_limit and s.part == "approve"}
    steps = frame(drawn.tables["buying_steps"], "opportunity_id", "step", "at", "started_at", "days", "source")
    deals = drawn.deals[(drawn.deals["segment"] == "KA") & (drawn.deals["outcome"] == "won")].set_index(
        "opportunity_id"
    )
    steps = steps[(steps["source"] == "log") & steps["opportunity_id"].isin(deals.index)]
    ends = steps.groupby("opportunity_id").agg(first=("started_at", "min"), last=("at", "max"))
    days = (ends["last"] - ends["first"]).dt.days
    amount, limit = deals["amount"].reindex(days.index), segment.authority_limit
    out = []
    for side in ((amount >= limit / window) & (amount <= limit), (amount > limit) & (amount <= limit * window)):
        out += [float(side.sum()), float(days[side].sum())]
    spent = steps[steps["step"].isin(extra)].groupby("opportunity_id")["days"].sum()
    return np.array([*out, len(spent), spent.sum()], dtype=float)


def pool(gathered: list[Any], count: int, drawn: Drawn) -> dict[str, float]:
    """Days added all in all around the limit, and days in the added approvals; nothing where no limit is planted."""
    below, days_below, above, days_above, flows, spent = (float(x) for x in np.sum(gathered, axis=0))
    if not min(below, above, flows):
        return {}
    return {"limit_days|KA": days_above / above - days_below / below, "limit_step_days|KA": spent / flows}


COUNTED = {"limit": (count, pool)}
