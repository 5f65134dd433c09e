"""03 Sales flow: do SMB deals convert near the mark (M-3.1), do KA projects succeed (M-3.2), and where is the biggest bottleneck
(M-3.6)?

Conversion and success are cumulative incidences of `won` among opportunities counted from their opening, all other exits competing, open
ones censored at as_of (Aalen–Johansen), read at the policy's horizon, with sellers as clusters (delete-one jackknife). They count
deals, never amounts. Where deals have no dates only the share won of the closed ones can be had: it is given as
`closed_won_share` and never judged, since it leaves out what is still open.

M-3.6 relief of a step = wins gained per 100 deals within the horizon if that step lost no more than the benchmark allows, from
a semi-Markov model of the stages (:mod:`kaanalysis.stats.semi_markov`), resampling sellers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from kaanalysis import aggregates
from kaanalysis.aggregates import DAYS_PER_MONTH
from kaanalysis.analyses.verdicts import above, find_flips, number, percentile_number, share_of_draws
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.results import Finding, Number, Result, State, no_data
from kaanalysis.stats import (
    clustered_incidence_at,
    cumulative_incidence,
    jeffreys,
)
from kaanalysis.stats.semi_markov import cluster_draws, count_steps, draw_reliefs, estimate_flow, median_time

ID = "03_sales_flow"
FEEDS = {
    "M-3.1": ("accounts.segment", "opportunities.created_at", "opportunities.closed_at"),
    "M-3.2": ("accounts.segment", "opportunities.created_at", "opportunities.closed_at"),
    "M-3.6": ("accounts.segment", "stage_history.stage", "opportunities.closed_at"),
}
RATES = {"M-3.1": ("SMB", "conversion"), "M-3.2": ("KA", "success")}


def _clusters(deals: pd.DataFrame) -> tuple[np.ndarray, str]:
    """Sellers as clusters; customer groups where no seller is recorded. A deal without a seller is a cluster of its own."""
    if deals["owner"].notna().any():
        return deals["owner"].fillna("deal " + deals["opportunity_id"].astype(str)).to_numpy(), "seller"
    return deals["account"].to_numpy(), "account"


def _cycle_median(deals: pd.DataFrame, clusters: np.ndarray, horizon: int, policy: Policy, segment: str, months: float) -> Number:
    """Days by which half of the deals won within the horizon are won: the median of the won sub-distribution, so that open deals
    count as censored and quick wins do not stand for all."""
    outcome = [None if o is None or o != o else ("won" if o == "won" else "lost") for o in deals["outcome"]]
    ones = ["deal"] * len(deals)
    counts = count_steps(ones, outcome, deals["days"].to_numpy(), np.ones(len(deals), bool), clusters.tolist(), horizon, order=["deal"],
                         entry=deals["entry"].to_numpy())  # fmt: skip
    method = "median of the won sub-distribution, cluster bootstrap (percentile)"
    level = policy["evidence.level"]
    wins = int(((deals["outcome"] == "won") & (deals["days"] <= horizon)).sum())
    if ("deal", "won") not in counts.moves:
        return Number("cycle_median", segment, None, None, None, level, wins, "days", method + "; no wins", months)
    move = ("deal", "won")
    draws = np.concatenate([median_time(counts, move, w) for w in cluster_draws(counts, policy["evidence.draws"], policy["evidence.seed"])])
    point = float(median_time(counts, move, np.ones((1, counts.clusters)))[0])
    made = percentile_number("cycle_median", segment, point if np.isfinite(point) else None, draws, level, wins, "days", method)
    return replace(made, horizon_months=months)


def _clock(deals: pd.DataFrame) -> tuple[np.ndarray, np.ndarray | None]:
    """Days to closing and late entries. A day is taken as its middle, so that a deal closed on the day it came under observation
    was at risk that day; without late entries nothing has to enter."""
    entry = deals["entry"].to_numpy(float)
    return deals["days"].to_numpy(float) + 0.5, entry if (entry > 0).any() else None


@dataclass(frozen=True)
class Rate:
    """A conversion or success rate with what it takes to judge it. mature: share of deals followed to the horizon."""

    numbers: tuple[Number, ...]
    mature: float
    deals: int


def _rate(deals: pd.DataFrame, name: str, segment: str, months: int, untimed: int, policy: Policy) -> Rate:
    horizon = round(months * DAYS_PER_MONTH)
    clusters, _ = _clusters(deals)
    outcome = deals["outcome"].to_numpy(dtype=object)
    outcome = np.array([None if o is None or o != o else o for o in outcome], dtype=object)
    level = policy["evidence.level"]
    time, entry = _clock(deals)
    rate = number(name, segment, clustered_incidence_at(time, outcome, clusters, "won", horizon + 0.5, level, entry), "share", horizon_months=months)
    followed = int((deals["follow_up"] >= horizon).sum())
    mature = number("followed_to_horizon", segment, jeffreys(followed, len(deals), level), "share", horizon_months=months)
    open_deals = int(deals["outcome"].isna().sum())
    still_open = Number("open_deals", segment, open_deals, None, None, None, len(deals), "deals", "count")
    dateless = Number("untimed_deals", segment, untimed, None, None, None, len(deals) + untimed, "deals", "count of deals without the dates it takes")
    return Rate((rate, _cycle_median(deals, clusters, horizon, policy, segment, months), mature, still_open, dateless), followed / len(deals), len(deals))


def judge_rate(id: str, rate: Rate, policy: Policy) -> list[Finding]:
    """M-3.1: near the mark, i.e. the whole interval within the tolerance. M-3.2: the whole interval above the mark.

    Undecided where too few deals could be followed to the horizon: the curve's end then rests on a handful of early deals.
    Wrong if the deals seen were not like the others, or if sellers differed more than the clusters show."""
    segment, name = RATES[id]
    main = rate.numbers[0]
    if rate.deals < policy["evidence.minimum_units"]:
        return [Finding(id, name, "undecided", "too_few", rate.numbers)]
    if main.low is None or main.high is None:
        return [Finding(id, name, "undecided", "follow_up_too_short" if main.value is None else "no_interval", rate.numbers)]
    if rate.mature < policy["conversion.mature_share"]:
        return [Finding(id, name, "undecided", "immature", rate.numbers)]
    if id == "M-3.2":
        state = above(main.low, main.high, policy["success.target"])
        return [Finding(id, name, state, f"success_{state}", rate.numbers)]
    low, high = (policy["conversion.target"] + side * policy["conversion.tolerance"] for side in (-1, 1))
    if low <= main.low and main.high <= high:
        return [Finding(id, name, "supported", "conversion_supported", rate.numbers)]
    if main.high < low or main.low > high:
        return [Finding(id, name, "contradicted", "conversion_below" if main.high < low else "conversion_above", rate.numbers)]
    return [Finding(id, name, "undecided", "conversion_undecided", rate.numbers)]


def _closed_shares(closed: pd.DataFrame, level: float, segment: str) -> list[Number]:
    """Share won of the closed deals, for the segment and for each category of deals in it, with sellers as clusters."""
    mine = closed if segment == aggregates.ALL else closed[closed["segment"] == segment]
    numbers = []
    for label, group in [(segment, mine), *[(str(c), g) for c, g in mine.groupby("category")]]:
        if group.empty:
            continue
        clusters, kind = _clusters(group)
        outcome = np.where(group["won"], "won", "lost").astype(object)
        # All are closed, so the incidence at any time after closing is the plain share; what it adds is the clustering.
        estimate = clustered_incidence_at(np.zeros(len(group)), outcome, clusters, "won", 1.0, level)
        if estimate.low is None:
            estimate = jeffreys(int(group["won"].sum()), len(group), level)
        else:
            estimate = replace(estimate, method=f"share of closed deals, {kind}s as clusters (jackknife)")
        numbers.append(number("closed_won_share", label, estimate, "share"))
    return numbers


def _rates(company: Company, policy: Policy) -> tuple[list[Finding], dict[str, pd.DataFrame]]:
    level = policy["evidence.level"]
    counts = aggregates.untimed_deals(company, policy)
    closed = aggregates.closed_deals(company, policy)
    deals = aggregates.deal_times(company, policy)
    missing_dates = company.missing("opportunities.created_at", "opportunities.closed_at")
    no_segments = aggregates.segment_missing(company, policy)
    findings: list[Finding] = []
    curves: list[pd.DataFrame] = []
    for id, (segment, name) in RATES.items():
        months = policy[f"{name}.horizon_months"]
        use = aggregates.ALL if no_segments else segment
        chosen = deals if no_segments else deals[deals["segment"] == segment]
        there = counts if no_segments else counts[counts["segment"] == segment]
        if there.empty:
            findings.append(no_data(id, name, [*aggregates.segment_needs(policy), "opportunities"], reason="no_deals"))
            continue
        if missing_dates or chosen.empty:
            numbers = _closed_shares(closed, level, use)
            if not numbers:
                findings.append(no_data(id, name, missing_dates or ["opportunities.closed_at"]))
                continue
            # Deals without dates say nothing about when they were won, nor about those still open: numbers yes, verdict no.
            state: State = "no_data" if no_segments else "undecided"
            findings.append(Finding(id, name, state, "closed_deals_only", tuple(numbers), (), tuple([*no_segments, *missing_dates] or ["opportunities.created_at"])))
            continue
        rate = _rate(chosen, name, use, months, int(there["untimed"].sum()), policy)
        curve = cumulative_incidence(_clock(chosen)[0], chosen["outcome"].where(chosen["outcome"].notna(), None).to_numpy(dtype=object), _clock(chosen)[1], level)
        curves.append(curve.assign(segment=use, name=name, days=(curve["time"] - 0.5).clip(lower=0), horizon_days=round(months * DAYS_PER_MONTH)))
        if no_segments:
            findings.append(no_data(id, name, no_segments, rate.numbers, reason="no_segments"))
            continue
        finding = judge_rate(id, rate, policy)[0]
        names = ["success.target"] if id == "M-3.2" else ["conversion.target", "conversion.tolerance"]
        flips = find_flips(lambda p, id=id, rate=rate: judge_rate(id, rate, p), id, policy, names)
        findings.append(replace(finding, flips=flips))
    frames = {"incidence": pd.concat(curves, ignore_index=True)} if curves else {}
    if not frames and findings and any(n.name == "closed_won_share" for f in findings for n in f.numbers):
        rows = {(n.segment): (n.segment, n.value, n.low, n.high, n.n) for f in findings for n in f.numbers}
        frames["closed_won"] = pd.DataFrame(list(rows.values()), columns=["group", "value", "low", "high", "n"])
    return findings, frames


def fit_index(levels: pd.DataFrame, required: float) -> float:
    """Fit 0–1: mean over lanes of the mean over items of min(level / required, 1). 1 = every item at the required level or above,
    0 = nothing there. A strong item cannot make up for a missing one in the same lane by more than the required level."""
    if levels.empty:
        return float("nan")
    capped = np.minimum(levels["level"].to_numpy(float) / required, 1.0)
    return float(pd.Series(capped).groupby(levels["lane"].to_numpy()).mean().mean())


def _fit_draws(levels: pd.DataFrame, required: float, draws: int, seed: int) -> np.ndarray:
    """Fit under resampling of the judged items within each lane: how far it hangs on which items were judged."""
    generator = np.random.default_rng(seed)
    total = np.zeros(draws)
    lanes = list(levels.groupby("lane"))
    for _, lane in lanes:
        capped = np.minimum(lane["level"].to_numpy(float) / required, 1.0)
        total += capped[generator.integers(0, len(capped), size=(draws, len(capped)))].mean(axis=1)
    return total / len(lanes)


def _capability(company: Company) -> pd.DataFrame:
    """Judged levels of the team that would carry key accounts: today's KA teams, all teams where there is none."""
    levels = company.table("capability").select("team", "lane", "item", "level").order_by(["team", "lane", "item"]).execute()
    if "teams" in company.tables:
        teams = company.table("teams").execute()
        ka = set(teams.loc[teams["motion"] == "KA", "team"])
        if levels["team"].isin(ka).any():
            return levels[levels["team"].isin(ka)]
    return levels


@dataclass(frozen=True)
class Bottlenecks:
    """Point estimate and draws of reliefs in wins per 100 deals, by step; fit and its draws (NaN without capability)."""

    steps: tuple[str, ...]
    relief: np.ndarray
    draws: np.ndarray
    fit: float
    fit_draws: np.ndarray
    judged: int
    deals: int
    table: pd.DataFrame
    clusters: int = 0


def _measure_bottlenecks(company: Company, policy: Policy) -> Bottlenecks | None:
    stays = aggregates.stage_sojourns(company, policy)
    stays = stays[stays["segment"] == "KA"].reset_index(drop=True)
    if stays.empty:
        return None
    order = stays.groupby("stage")["place"].mean().sort_values(kind="stable").index.tolist()
    clusters, _ = _clusters(stays)
    horizon = round(policy["success.horizon_months"] * DAYS_PER_MONTH)
    counts = count_steps(stays["stage"].tolist(), stays["next"].where(stays["next"].notna(), None).tolist(), stays["days"].to_numpy(),
                         stays["place"].to_numpy() == 0, clusters.tolist(), horizon, order=order)  # fmt: skip
    benchmark, draws, seed = policy["bottleneck.benchmark_pass"], policy["evidence.draws"], policy["evidence.seed"]
    point = estimate_flow(counts, benchmark)
    reliefs = draw_reliefs(counts, benchmark, draws, seed)
    judged = 0
    fit, fit_draws = float("nan"), np.full(draws, np.nan)
    if company.has("capability"):
        levels = _capability(company)
        judged = len(levels)
        fit = fit_index(levels, policy["fit.required_level"])
        fit_draws = _fit_draws(levels, policy["fit.required_level"], draws, seed)
    entered = stays.groupby("stage").size()
    dwell = stays.groupby("stage")["days"].median()
    table = pd.DataFrame({"step": order, "entered": [int(entered[s]) for s in order], "lost_share": point.lost[0], "median_days": [float(dwell[s]) for s in order]})
    return Bottlenecks(tuple(order), point.relief[0] * 100, reliefs * 100, fit, fit_draws, judged, stays["opportunity_id"].nunique(), table, counts.clusters)


def _highest_relief(found: Bottlenecks, step: int, high: float | None, policy: Policy) -> float:
    """Upper limit of a step's relief, in wins per 100 deals: that of the resamples, but no less than what few cases leave open.

    A resample cannot show losses that the few cases at hand happened not to have. Were the step's loss at Jeffreys' upper limit for
    the cases that entered it, at most the losses beyond the benchmark, times the cases that get there, could become wins."""
    entered = int(found.table["entered"].iloc[step])
    losses = round(float(found.table["lost_share"].iloc[step]) * entered)
    worst = jeffreys(min(losses, entered), entered, policy["evidence.level"]).high or 1.0
    if high is not None and losses:
        return high
    return 100 * min(1.0, entered / max(found.deals, 1)) * max(0.0, worst - (1 - policy["bottleneck.benchmark_pass"]))


def judge_bottleneck(found: Bottlenecks, policy: Policy) -> list[Finding]:
    """M-3.6: supported (there is a biggest bottleneck, named) if one step is first in at least `bottleneck.rank_1_probability` of the
    resamples and its relief is surely above the minimum; contradicted if every step's relief is surely below the minimum.

    Wrong if losses came from the kind of deal that reaches a step, not from the step: relief is an association."""
    level, minimum = policy["evidence.level"], policy["bottleneck.minimum_relief"]
    method = "semi-Markov flow, cluster bootstrap (percentile)"
    first = np.argmax(found.draws, axis=1)
    some = found.draws.max(axis=1) > 0
    numbers: list[Number] = []
    for i, step in enumerate(found.steps):
        numbers.append(percentile_number("relief", step, float(found.relief[i]), found.draws[:, i], level, int(found.table["entered"].iloc[i]), "wins per 100 deals", method, clusters=found.clusters or None, horizon_months=policy["success.horizon_months"]))
    for i, step in enumerate(found.steps):
        numbers.append(share_of_draws("p_rank_1", step, (first == i) & some, "share of cluster resamples"))
    count = int((found.relief > minimum).sum())
    numbers.append(percentile_number("bottlenecks", "KA", count, (found.draws > minimum).sum(axis=1), level, found.deals, "steps", method, clusters=found.clusters or None))
    if np.isfinite(found.fit):
        numbers.append(percentile_number("fit", "KA", found.fit, found.fit_draws, level, found.judged, "fit", "mean of lanes, resampled items (percentile)"))
    top = int(np.argmax(found.relief))
    relief, share = numbers[top], float(((first == top) & some).mean())
    highs = [_highest_relief(found, i, numbers[i].high, policy) for i in range(len(found.steps))]
    terms = {"step": found.steps[top], "slowest": str(found.table.loc[found.table["median_days"].idxmax(), "step"])}
    if found.deals < policy["evidence.minimum_units"]:
        return [Finding("M-3.6", "bottleneck", "undecided", "too_few", tuple(numbers), terms=terms)]
    if found.clusters != 1 and all(h < minimum for h in highs):
        return [Finding("M-3.6", "bottleneck", "contradicted", "no_bottleneck", tuple(numbers), terms=terms)]
    if relief.low is not None and relief.low > minimum and share >= policy["bottleneck.rank_1_probability"]:
        return [Finding("M-3.6", "bottleneck", "supported", "bottleneck_found", tuple(numbers), terms=terms)]
    return [Finding("M-3.6", "bottleneck", "undecided", "rank_unsure", tuple(numbers), terms=terms)]


def _bottleneck(company: Company, policy: Policy) -> tuple[Finding, dict[str, pd.DataFrame]]:
    missing = [*aggregates.segment_missing(company, policy), *company.missing("stage_history.stage", "stage_history.entered_at", "opportunities.closed_at")]
    if missing:
        return no_data("M-3.6", "bottleneck", missing), {}
    found = _measure_bottlenecks(company, policy)
    if found is None:
        return no_data("M-3.6", "bottleneck", ["stage_history.stage"], reason="no_deals"), {}
    finding = judge_bottleneck(found, policy)[0]
    flips = find_flips(lambda p: judge_bottleneck(found, p), "M-3.6", policy, ["bottleneck.minimum_relief", "bottleneck.rank_1_probability"])
    reliefs = {n.segment: n for n in finding.numbers if n.name == "relief"}
    ranks = {n.segment: n.value for n in finding.numbers if n.name == "p_rank_1"}
    table = found.table.assign(relief=[reliefs[s].value for s in found.steps], low=np.array([reliefs[s].low for s in found.steps], dtype=float), high=np.array([reliefs[s].high for s in found.steps], dtype=float), p_rank_1=[ranks[s] for s in found.steps])
    draws = pd.DataFrame({"first_relief": found.draws.max(axis=1), "fit": found.fit_draws})
    for i, step in enumerate(found.steps):
        draws[f"relief:{step}"] = found.draws[:, i]
    return replace(finding, flips=flips), {"bottlenecks": table, "bottleneck_draws": draws}


def analyse(company: Company, policy: Policy, upstream: Mapping[str, Result]) -> Result:
    """M-3.1, M-3.2 and M-3.6, with the incidence curves and the table of steps behind them."""
    findings, frames = _rates(company, policy)
    bottleneck, made = _bottleneck(company, policy)
    frames.update(made)
    definition = {"definition": policy["segment.definition"]}
    findings = [replace(f, terms={**f.terms, **definition}) for f in (*findings, bottleneck)]
    return Result(ID, company.data_hash, policy.hash, str(company.info.as_of), findings, frames)
