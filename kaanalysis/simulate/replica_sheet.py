"""At how many nodes of the customer's flow most key-account deals saw no contact (M-3.5), counted in pooled companies.

Part of :mod:`kaanalysis.simulate.replica`: plain pandas on the tables as drawn, nothing of what analyses a company is used.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from kaanalysis.simulate.replica_base import Drawn, frame


def count(drawn: Drawn) -> dict[str, pd.Series]:
    """By step of key accounts' flows: deals past it (closed, or at a later step), and those in which the seller met its role."""
    known = drawn.deals[drawn.deals["segment"] == "KA"].set_index("opportunity_id")["outcome"]
    log = frame(drawn.tables["buying_steps"], "opportunity_id", "step", "role", "at", "source")
    log = log[(log["source"] == "log") & log["opportunity_id"].isin(known.index)]
    role = log.groupby("step")["role"].agg(lambda r: r.value_counts().index[0])
    stages = frame(drawn.tables["stage_history"], "opportunity_id", "stage", "entered_at")
    stages = stages.rename(columns={"stage": "step", "entered_at": "at"})
    stages = stages[stages["step"].isin(role.index) & stages["opportunity_id"].isin(known.index)]
    both = pd.concat([log[["opportunity_id", "step", "at"]], stages])
    seen = both.groupby(["opportunity_id", "step"], as_index=False)["at"].max()
    newest = seen.groupby("opportunity_id")["at"].transform("max")
    seen = seen[(seen["opportunity_id"].map(known) != "open") | (seen["at"] < newest)]
    did = frame(drawn.tables["activities"], "opportunity_id", "person_id").drop_duplicates()
    people = frame(drawn.tables["stakeholders"], "opportunity_id", "person_id", "role", "engaged_at")
    met = did.merge(people, on=["opportunity_id", "person_id"])
    met = pd.concat([met, people.dropna(subset=["engaged_at"])])[["opportunity_id", "role"]].drop_duplicates()
    seen = seen.assign(role=seen["step"].map(role)).merge(
        met.assign(met=1.0), how="left", on=["opportunity_id", "role"]
    )
    return {"past": seen.groupby("step").size(), "met": seen.groupby("step")["met"].sum()}


def pool(gathered: list[dict[str, pd.Series]], count: int, drawn: Drawn) -> dict[str, float]:
    """The nodes where fewer than the mark's share of deals had a contact. Every step that key accounts' flows have is a node: at least half
    of the purchases take it, or half of those above the limit."""
    past, met = (pd.concat([g[k] for g in gathered]).groupby(level=0).sum() for k in ("past", "met"))
    return {"steps_uncovered|KA": float((met / past < drawn.marks.covered_share).sum())}


COUNTED: dict[str, Any] = {"sheet": (count, pool)}
