"""Which missing capability, system or support team costs most (M-3.6)? A part of 03 sales flow.

The relief of a step is shared out among the items that the sheet demands there and that today's team lacks, in proportion to what is
lacking: 1 − reached. That is an allocation by assumption, as costs are allocated to products, no effect measured: nobody has watched
what happens when a lane alone is mended. It says where the losses stand beside the gaps, so that the first thing to look at is known.
Steps without a gap, or which the sheet does not know, keep their relief unattributed; items that nobody judged cannot be given any.

The interval holds what the sellers' resamples move (reliefs) and, where items have several judges, what these leave open (levels).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from kaanalysis.analyses.verdicts import percentile_number, share_of_draws
from kaanalysis.contracts import LANES
from kaanalysis.policy import Policy
from kaanalysis.results import Number

METHOD = "relief shared by shortfall (an allocation); cluster bootstrap (percentile)"
COLUMNS = ["lane", "item", "item_zh", "level", "reached", "relief", "low", "high", "steps", "lane_relief", "lane_low", "lane_high",
           "p_rank_1"]  # fmt: skip


@dataclass(frozen=True)
class LaneReliefs:
    """numbers: lane_relief and p_rank_1_lane per lane, relief_unattributed; items: one row per item with its part, largest first within
    the lane that costs most; terms: which lane leads, and how sure that is."""

    numbers: tuple[Number, ...] = ()
    items: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=COLUMNS))
    terms: dict[str, str] = field(default_factory=dict)


def allocate(relief: np.ndarray, asked: np.ndarray, shortfall: np.ndarray) -> np.ndarray:
    """Relief by step and item, (draws, steps, items): each step's relief in proportion to the shortfall of the items asked for there.

    relief: (draws, steps), wins per 100 deals; asked: (steps, items), 1 where the step demands the item; shortfall: (draws, items), 0 =
    all that is required is there, 1 = nothing. A step whose items lack nothing is allotted nothing."""
    gap = asked[None, :, :] * shortfall[:, None, :]
    total = gap.sum(axis=2, keepdims=True)
    share = np.divide(gap, total, out=np.zeros_like(gap), where=total > 1e-12)
    return np.asarray(relief[:, :, None] * share)


def _levels(items: pd.DataFrame, draws: int, freedom: int, required: float, seed: int) -> np.ndarray:
    """Shortfall of every item under each draw of what the judges leave open, (draws, items); the same in all where that cannot be seen."""
    reached = items["reached"].to_numpy(float)
    error = items["error"].fillna(0.0).to_numpy(float)
    noise = np.random.default_rng([seed, 1]).standard_t(max(freedom, 1), (draws, len(items))) * error / required
    return 1.0 - np.clip(reached + noise, 0.0, 1.0)


def measure_lanes(
    items: pd.DataFrame, sheet: pd.DataFrame, steps: tuple[str, ...], relief: np.ndarray, draws: np.ndarray, freedom: int,
    clusters: int, policy: Policy,
) -> LaneReliefs:  # fmt: skip
    """Relief of every lane. items: from :class:`kaanalysis.analyses.team_fit.Fit`; sheet: node × lane × item; relief (steps,) and draws
    (draws, steps) in wins per 100 deals; freedom: of the judges' error; clusters: how many were resampled.

    A lane is named for sure only where it is first in as many resamples as the biggest bottleneck must be, and where items have several
    judges. Wrong if a gap does no harm where it stands, or if the same gap costs more at one step than at another: the allocation knows
    neither."""
    sheet = sheet[sheet["item"].notna()]
    if sheet.empty or items.empty:
        return LaneReliefs()
    mine = items[items["demanded"] & items["judged"]].reset_index(drop=True)
    if mine.empty:
        return LaneReliefs()
    wanted = set(zip(sheet["step"], sheet["lane"], sheet["item"].str.strip().str.lower(), strict=True))
    keys = list(zip(mine["lane"], mine["item"], strict=True))
    asked = np.array([[(s, *k) in wanted for k in keys] for s in steps], dtype=float)
    required, level = policy["fit.required_level"], policy["evidence.level"]
    point = allocate(relief[None, :], asked, 1.0 - mine["reached"].to_numpy(float)[None, :])[0]
    shortfall = _levels(mine, len(draws), freedom, required, policy["evidence.seed"])
    # (draws, steps, items) would hold a hundred megabytes of a large sheet: steps are added one by one.
    drawn = np.zeros((len(draws), len(mine)))
    for i in range(len(steps)):
        drawn += allocate(draws[:, [i]], asked[[i]], shortfall)[:, 0]
    lanes = [lane for lane in LANES if (mine["lane"] == lane).any()]
    member = np.column_stack([(mine["lane"] == lane).to_numpy(float) for lane in lanes])
    of_lane, lane_draws = point.sum(axis=0) @ member, drawn @ member
    months, n = policy["success.horizon_months"], len(mine)

    def made(name: str, segment: str, value: float, values: np.ndarray, units: int) -> Number:
        return percentile_number(name, segment, value, values, level, units, "wins per 100 deals", METHOD, clusters=clusters or None,
                                 horizon_months=months)  # fmt: skip

    numbers = [
        made("lane_relief", lane, float(of_lane[i]), lane_draws[:, i], int(member[:, i].sum()))
        for i, lane in enumerate(lanes)
    ]
    first, some = lane_draws.argmax(axis=1), lane_draws.max(axis=1) > 0
    ranks = [
        share_of_draws("p_rank_1_lane", lane, (first == i) & some, "share of cluster resamples")
        for i, lane in enumerate(lanes)
    ]
    rest = made(
        "relief_unattributed", "KA", float(relief.sum() - of_lane.sum()), draws.sum(axis=1) - lane_draws.sum(axis=1), n
    )
    top = int(of_lane.argmax())
    table = _table(mine, steps, point, drawn, numbers, ranks, made)
    if of_lane[top] <= 0:
        return LaneReliefs((*numbers, *ranks, rest), table, {})
    sure = float(ranks[top].value or 0) >= policy["bottleneck.rank_1_probability"]
    # One judgement an item does not show how far another judge would move it: no lane is then named for sure.
    terms = {"lane": lanes[top], "lane_cost": "one_judge" if freedom == 0 else "found" if sure else "open"}
    return LaneReliefs((*numbers, *ranks, rest), table, terms)


def _table(mine, steps, point, drawn, numbers, ranks, made) -> pd.DataFrame:  # type: ignore[no-untyped-def]
    """One row per item: its part with interval, the steps it comes from (largest first), and its lane's numbers."""
    by_lane = {n.segment: (n.value, n.low, n.high) for n in numbers}
    chance = {n.segment: n.value for n in ranks}
    rows = []
    for j, row in enumerate(mine.itertuples(index=False)):
        part = made("", "", float(point[:, j].sum()), drawn[:, j], 1)
        order = [i for i in np.argsort(-point[:, j], kind="stable") if point[i, j] > 0]
        rows.append((row.lane, row.item, row.item_zh, row.level, row.reached, part.value, part.low, part.high,
                     ", ".join(steps[i] for i in order), *by_lane[row.lane], chance[row.lane]))  # fmt: skip
    frame = pd.DataFrame(rows, columns=COLUMNS)
    floats = ["level", "reached", "relief", "low", "high", "lane_relief", "lane_low", "lane_high", "p_rank_1"]
    frame = frame.astype(dict.fromkeys(floats, "float64"))
    return frame.sort_values(
        ["lane_relief", "lane", "relief", "item"], ascending=[False, True, False, True], ignore_index=True
    )
