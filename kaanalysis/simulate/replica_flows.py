"""How alike purchases are within and between cells of the library (M-2.6), counted pair by pair in one company after the other and
pooled.

Part of :mod:`kaanalysis.simulate.replica`: plain Python on the tables as drawn, nothing of what analyses a company is used. The mean
similarity is a ratio of sums over pairs, so its truth is the ratio of their expectations over companies of that size.
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from kaanalysis.simulate.replica_base import Drawn, frame
from kaanalysis.simulate.tables import BAND_NAMES, BANDS

STEPS = ("flow_id", "opportunity_id", "part", "role", "category", "industry", "size_band", "step_no", "at", "source")


@cache
def _alike(a: tuple[str, ...], b: tuple[str, ...]) -> float:
    """1 − edit distance / longer length, by the textbook's table."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, start=1):
        before, row[0] = row[0], i
        for j, y in enumerate(b, start=1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (x != y))
    return 1 - row[-1] / max(len(a), len(b))


def _likeness(drawn: Drawn) -> dict[str, Any]:
    """Sums of similarity and pairs of purchases of different customers, within cells and between them: won KA deals, and interviews where
    an industry and size hold no fewer key accounts than others."""
    steps = frame(drawn.tables["buying_steps"], *STEPS).sort_values(["flow_id", "at", "step_no"], kind="stable")
    won = drawn.deals[(drawn.deals["outcome"] == "won") & (drawn.deals["segment"] == "KA")].set_index("opportunity_id")
    bands = np.array(BAND_NAMES)[np.searchsorted(BANDS, drawn.accounts["employees"].to_numpy(), side="right")]
    lives = pd.crosstab([drawn.accounts["industry"].to_numpy(), bands], (drawn.accounts["segment"] == "KA").to_numpy())
    ours = set(lives.index[(lives[True] >= lives[False]).to_numpy()])
    kinds: Counter[tuple[tuple[str, ...], str, str]] = Counter()
    for flow, mine in steps.groupby("flow_id", sort=False):
        first = mine.iloc[0]
        told = first["source"] == "interview"
        if (first["industry"], first["size_band"]) not in ours if told else first["opportunity_id"] not in won.index:
            continue
        cell = "/".join((first["category"], first["industry"], first["size_band"]))
        who = f"flow {flow}" if told else won.loc[first["opportunity_id"], "group"]
        kinds[(tuple(mine["role"] + "/" + mine["part"]), cell, str(who))] += 1
    sums = np.zeros(4)
    entries = list(kinds.items())
    for i, ((a, cell, who), n) in enumerate(entries):
        for (b, other, whom), m in entries[i + 1 :]:
            if who != whom:
                sums[0 if cell == other else 2] += n * m * _alike(a, b)
                sums[1 if cell == other else 3] += n * m
    return {"sums": sums}


def _pool_likeness(gathered: list[dict[str, Any]], count: int, drawn: Drawn) -> dict[str, float]:
    within, pairs, between, others = (float(x) for x in np.sum([g["sums"] for g in gathered], axis=0))
    out = {}
    if pairs and others:
        out = {"flow_similarity_within|all": within / pairs, "flow_similarity_between|all": between / others}
        out["flow_similarity_difference|all"] = within / pairs - between / others
    return out


COUNTED = {"likeness": (_likeness, _pool_likeness)}
