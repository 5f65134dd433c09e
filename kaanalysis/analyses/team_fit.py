"""Can today's team carry the new flow (M-3.6)? Judged capability against what the sales flow demands, a part of 03 sales flow.

What is demanded comes from the blank sheet (M-3.5): step × lane × item. An item weighs as much as its steps: the sum, over the steps that
demand it, of the step's relief plus the relief from which on a step is a bottleneck, so that steps where nothing is to be won still count.
Within a lane items count by weight; the lanes count alike, since a strong lane does not make up for a weak one. Without a sheet every
judged item counts once.

The interval says how far another list of such items, told by such judges, could have moved the fit: items are taken as a sample of what
their lane asks for. Where an item has several judges (rows of one team, lane and item) their mean is its level, and their disagreement
is part of what varies between items; it is also given by itself. One judge per item hides it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from scipy import stats as scipy_stats

from kaanalysis.analyses.verdicts import number
from kaanalysis.company import Company
from kaanalysis.contracts import LANES
from kaanalysis.policy import Policy
from kaanalysis.results import Number
from kaanalysis.selling import Catalogue, catalogue, item_key, item_names
from kaanalysis.stats import judged_items, stratified_mean, stratified_mean_draws

TEAM = "KA"  # segment of the numbers about the team that would carry key accounts
ITEM_COLUMNS = ["lane", "item", "item_zh", "demanded", "judged", "judges", "level", "low", "high", "required", "reached", "weight",
                "steps", "relief"]  # fmt: skip


def judged_levels(company: Company, sheet: pd.DataFrame) -> pd.DataFrame:
    """Every judgement: team, motion ("" where the teams are not known), lane, item (its key, as :func:`named_items` finds it), level
    (0 … 1). Several rows of one team, lane and item are several judges. No rows where no capability was judged."""
    if not company.has("capability"):
        return pd.DataFrame(columns=["team", "lane", "item", "level", "motion"])
    table = company.table("capability").select("team", "lane", "item", "level", "row__")
    levels = table.order_by(["team", "lane", "item", "row__"]).drop("row__").execute()
    motion: dict[str, str] = {}
    if "teams" in company.tables:
        teams = company.table("teams").execute()
        motion = dict(zip(teams["team"], teams["motion"], strict=True))
    levels = levels.assign(motion=[str(motion.get(t, "")) for t in levels["team"]])
    return named_items(levels, sheet, catalogue(company.selling))


def named_items(levels: pd.DataFrame, sheet: pd.DataFrame, known: Catalogue) -> pd.DataFrame:
    """The judgements with their items called by their keys: those of the sheet first, then the catalogue's."""
    told = sheet.dropna(subset=["item"])
    named = item_names(zip(told["lane"], told["item"], strict=True), known)
    return levels.assign(
        item=[named(str(lane), str(item)) for lane, item in zip(levels["lane"], levels["item"], strict=True)]
    )


def carriers(levels: pd.DataFrame) -> pd.DataFrame:
    """The judgements of the team that would carry key accounts: today's KA teams, all teams where there is none."""
    key = levels[levels["motion"] == "KA"]
    return key if len(key) else levels


def reached(levels: pd.DataFrame, required: float, level: float = 0.95) -> pd.DataFrame:
    """One row per lane and item: level (mean of the teams' means), judges (rows), low, high (Student's t over the judges' pooled
    disagreement, cut at 0 and 1; NaN where no item has two judges) and reached = min(level / required, 1) averaged over teams: 1 =
    at what is required or above in every team, 0 = nothing there. A team above it does not make up for another below.
    `spread` holds the judges' standard deviation, the same in every row."""
    label = levels["team"].astype(str) + "\0" + levels["lane"].astype(str) + "\0" + levels["item"].astype(str)
    found = judged_items(levels["level"].to_numpy(float), label.to_numpy(object))
    told = pd.DataFrame([str(i).split("\0") for i in found.items], columns=["team", "lane", "item"])
    error = np.full(len(told), np.nan) if found.error is None else found.error
    told = told.assign(
        level=found.mean, judges=found.count, variance=error**2, reached=np.minimum(found.mean / required, 1.0)
    )
    grouped = told.groupby(["lane", "item"], sort=True)
    items = grouped.agg(level=("level", "mean"), judges=("judges", "sum"), reached=("reached", "mean")).reset_index()
    variance = grouped["variance"].mean().to_numpy() / grouped.size().to_numpy()
    half = scipy_stats.t.ppf((1 + level) / 2, max(found.freedom, 1)) * np.sqrt(variance)
    mean = items["level"].to_numpy(float)
    return items.assign(low=np.clip(mean - half, 0, 1), high=np.clip(mean + half, 0, 1), error=np.sqrt(variance),
                        spread=np.nan if found.spread is None else found.spread, several=found.several, freedom=found.freedom)  # fmt: skip


def demanded(sheet: pd.DataFrame) -> pd.DataFrame:
    """What the sheet demands: one row per lane and item with item_zh and steps, the customer's steps that demand it, each once. A node
    without items demands nothing."""
    sheet = sheet[sheet["item"].notna()]
    if sheet.empty:
        return pd.DataFrame(columns=["lane", "item", "item_zh", "steps"])
    rows = sheet.assign(item=sheet["item"].map(item_key)).drop_duplicates(["lane", "item", "step"])
    grouped = rows.sort_values("node", kind="stable").groupby(["lane", "item"], sort=True)
    return grouped.agg(item_zh=("item_zh", "first"), steps=("step", tuple)).reset_index()


@dataclass(frozen=True)
class Fit:
    """numbers of M-3.6 about the team; draws: of the contract's fit, (draws,), NaN where there is none; items: one row per item demanded
    or judged; lanes: one row per lane; teams: one row per team and lane; error, freedom: how well the judges know an item's level, see
    :func:`reached`; term: which sentence answers whether the team can carry the flow."""

    numbers: tuple[Number, ...] = ()
    draws: np.ndarray = field(default_factory=lambda: np.zeros(0))
    items: pd.DataFrame = field(default_factory=pd.DataFrame)
    lanes: pd.DataFrame = field(default_factory=pd.DataFrame)
    teams: pd.DataFrame = field(default_factory=pd.DataFrame)
    freedom: int = 0
    term: str = "unknown"


def item_weights(steps: pd.Series, relief: Mapping[str, np.ndarray], minimum: float, draws: int) -> np.ndarray:
    """Weight of each item under every draw of the reliefs, (draws, items): Σ over its steps of (relief + minimum). A step that the seller's
    stages do not know by name has no measured relief."""
    nothing = np.zeros(draws)
    return np.column_stack([
        sum((np.asarray(relief.get(s, nothing)) + minimum for s in mine), np.zeros(draws)) for mine in steps
    ]).reshape(draws, len(steps))  # fmt: skip


def measure_fit(
    levels: pd.DataFrame,
    sheet: pd.DataFrame,
    steps: tuple[str, ...],
    relief: np.ndarray,
    draws: np.ndarray,
    policy: Policy,
) -> Fit:
    """Fit of the team in `levels` (:func:`judged_levels`) to what `sheet` demands, given each step's relief (steps,) and its draws
    (draws, steps) in wins per 100 deals."""
    count = len(draws)
    if levels.empty:
        return Fit(draws=np.full(count, np.nan))
    required, minimum = policy["fit.required_level"], policy["bottleneck.minimum_relief"]
    told = reached(carriers(levels), required, policy["evidence.level"])
    wanted = demanded(sheet)
    on_sheet = len(wanted) > 0
    if not on_sheet:
        wanted = told[["lane", "item"]].assign(item_zh=None, steps=pd.Series([()] * len(told), dtype=object))
    items = wanted.merge(told, on=["lane", "item"], how="outer", indicator=True)
    items = items.assign(
        demanded=items["_merge"] != "right_only", judged=items["_merge"] != "left_only", required=required
    )
    items["judges"] = items["judges"].fillna(0).astype(int)
    items["steps"] = [s if isinstance(s, tuple) else () for s in items["steps"]]
    asked = items["demanded"].to_numpy(bool)
    raw, drawn = np.zeros(len(items)), np.zeros((count, len(items)))
    if on_sheet:
        point = {s: np.array([r]) for s, r in zip(steps, relief, strict=True)}
        raw[asked] = item_weights(items["steps"][asked], point, minimum, 1)[0]
        drawn[:, asked] = item_weights(items["steps"][asked], dict(zip(steps, draws.T, strict=True)), minimum, count)
    else:
        raw[asked], drawn[:, asked] = 1.0, 1.0
    lane_total = pd.Series(raw).groupby(items["lane"].to_numpy()).transform("sum").to_numpy()
    known = dict(zip(steps, relief, strict=True))
    items = items.assign(weight=np.divide(raw, lane_total, out=np.zeros_like(raw), where=lane_total > 0),
                         relief=[float(sum(known.get(s, 0.0) for s in mine)) for mine in items["steps"]])  # fmt: skip
    used = asked & items["judged"].to_numpy(bool)
    numbers, made = _numbers(items, used, raw, drawn if on_sheet else None, policy)
    teams, of_teams = _teams(levels, items, required, policy)
    answer = _answer(numbers, policy)
    shown = items.assign(steps=[", ".join(s) for s in items["steps"]])
    return Fit((*numbers, *of_teams), made, shown[[*ITEM_COLUMNS, "error"]], _lanes(items, numbers), teams,
               int(told["freedom"].iloc[0]), answer)  # fmt: skip


def _bounds(items: pd.DataFrame) -> pd.DataFrame:
    """Per lane with demands: share of the weight that nobody judged, fit if what is not judged is absent, and if it is all there."""
    asked = items[items["demanded"]]
    there = (asked["weight"] * asked["reached"].fillna(0.0)).groupby(asked["lane"]).sum()
    open_share = asked["weight"].where(~asked["judged"], 0.0).groupby(asked["lane"]).sum()
    return pd.DataFrame({"unjudged": open_share, "absent": there, "present": there + open_share}).rename_axis("lane")


def _numbers(
    items: pd.DataFrame, used: np.ndarray, raw: np.ndarray, drawn: np.ndarray | None, policy: Policy
) -> tuple[tuple[Number, ...], np.ndarray]:
    level, seed, count = policy["evidence.level"], policy["evidence.seed"], policy["evidence.draws"]
    bounds = _bounds(items)
    asked = int(items["demanded"].sum())
    plain = [
        Number(name, TEAM, float(bounds[column].mean()), None, None, None, asked, unit, method)
        for name, column, unit, method in (
            ("fit_unjudged", "unjudged", "share", "share of the demanded weight, lanes alike"),
            ("fit_if_absent", "absent", "fit", "what nobody judged taken as absent"),
            ("fit_if_present", "present", "fit", "what nobody judged taken as there"),
        )
    ]
    extra = items.loc[~items["demanded"], "item"]
    plain.append(
        Number("fit_not_demanded", TEAM, len(extra), None, None, None, int(items["judged"].sum()), "items", "count")
    )
    if not used.any():
        return tuple(plain), np.full(count, np.nan)
    mine = items[used]
    several, spread = int(mine["several"].iloc[0]), float(mine["spread"].iloc[0])
    if several:
        plain.append(Number("judge_spread", TEAM, spread, None, None, None, several, "level", "one-way random effects"))
    said = "items weighted by relief" if drawn is not None else "items alike"
    said += "" if several else "; one judge an item"
    values, lanes = mine["reached"].to_numpy(float), mine["lane"].to_numpy(object)
    weights = raw[used]
    weight_draws = None if drawn is None else drawn[:, used]

    def fit(name: str, segment: str, some: np.ndarray) -> Number:
        moving = None if weight_draws is None else weight_draws[:, some]
        estimate = stratified_mean(
            values[some], lanes[some], level=level, low=0.0, high=1.0, weights=weights[some], weight_draws=moving
        )
        made = number(name, segment, estimate, "fit")
        return replace(made, method=f"{made.method}; {said}")

    found = [fit("fit", TEAM, np.ones(len(values), bool))]
    found += [fit("fit_lane", lane, lanes == lane) for lane in LANES if (lanes == lane).any()]
    made = stratified_mean_draws(
        values, lanes, count if weight_draws is None else len(weight_draws), seed, 0.0, 1.0, weights, weight_draws
    )
    return (*found, *plain), made


def _lanes(items: pd.DataFrame, numbers: tuple[Number, ...]) -> pd.DataFrame:
    """lane, fit, low, high, n (items judged), demanded (items), unjudged, absent, present, in the order of the lanes."""
    fits = {n.segment: n for n in numbers if n.name == "fit_lane"}
    bounds = _bounds(items)
    counts = items[items["demanded"]].groupby("lane").size()
    rows = []
    for lane in LANES:
        if lane in bounds.index:
            n = fits.get(lane)
            ends = (n.value, n.low, n.high, n.n) if n else (None, None, None, 0)
            rows.append((lane, *ends, int(counts[lane]), *bounds.loc[lane]))
    columns = ["lane", "fit", "low", "high", "n", "demanded", "unjudged", "absent", "present"]
    return pd.DataFrame(rows, columns=columns).astype(dict.fromkeys(["fit", "low", "high"], "float64"))


def _teams(
    levels: pd.DataFrame, items: pd.DataFrame, required: float, policy: Policy
) -> tuple[pd.DataFrame, tuple[Number, ...]]:
    """Every team's own fit to the same demands with the same weights: (team, motion, lane, fit, n), and one number per team."""
    weights = items.loc[items["demanded"], ["lane", "item", "weight"]]
    rows, numbers = [], []
    for team, own in levels.groupby("team", sort=True):
        mine = reached(own, required).merge(weights, on=["lane", "item"])
        if mine.empty:
            continue
        estimate = stratified_mean(mine["reached"].to_numpy(float), mine["lane"].to_numpy(object), level=policy["evidence.level"],
                                   low=0.0, high=1.0, weights=mine["weight"].to_numpy(float))  # fmt: skip
        numbers.append(number("fit_team", str(team), estimate, "fit"))
        for lane, part in mine.groupby("lane"):
            value = float((part["weight"] * part["reached"]).sum() / part["weight"].sum())
            rows.append((team, own["motion"].iloc[0], lane, value, len(part)))
    return pd.DataFrame(rows, columns=["team", "motion", "lane", "fit", "n"]), tuple(numbers)


def _answer(numbers: tuple[Number, ...], policy: Policy) -> str:
    """Which sentence answers "can today's team carry it": carries (whole interval at or above the mark of a high fit), carries_not (whole
    interval below), open; unjudged where more of the demand is unjudged than the policy allows; unknown without judgements.

    Wrong if all judges err alike, or if the items judged are those that the team is known to be good at."""
    fit = next((n for n in numbers if n.name == "fit"), None)
    share = next(float(n.value or 0) for n in numbers if n.name == "fit_unjudged")
    if fit is None:
        return "nothing_matches"
    if share > policy["fit.unjudged_share"]:
        return "unjudged"
    if fit.low is None or fit.high is None:
        return "open"
    mark = policy["path.high_fit"]
    return "carries" if fit.low >= mark else "carries_not" if fit.high < mark else "open"
