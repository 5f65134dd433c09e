"""The biggest bottleneck of the KA flow and the fit of the team that carries it (M-3.6), a part of 03 sales flow.

Relief of a step = wins gained per 100 deals within the horizon if that step lost no more than the benchmark allows, from a
semi-Markov model of the stages (:mod:`kaanalysis.stats.semi_markov`), resampling sellers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from kaanalysis import aggregates
from kaanalysis.aggregates import DAYS_PER_MONTH
from kaanalysis.analyses.verdicts import find_flips, number, percentile_number, seller_clusters, share_of_draws
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.results import Finding, Number, no_data
from kaanalysis.stats import Estimate, jeffreys, stratified_mean, stratified_mean_draws
from kaanalysis.stats.semi_markov import count_steps, draw_reliefs, estimate_flow

METHOD = "semi-Markov flow, cluster bootstrap (percentile)"


def capped_levels(levels: pd.DataFrame, required: float) -> tuple[np.ndarray, np.ndarray]:
    """(min(level / required, 1), lane) of every judged item. Fit is the mean over lanes of the lanes' means: 1 = every item at the
    required level or above, 0 = nothing there. A strong item cannot make up for a missing one by more than the required level."""
    return np.minimum(levels["level"].to_numpy(float) / required, 1.0), levels["lane"].to_numpy(str)


def _capability(company: Company) -> pd.DataFrame:
    """Judged levels of the team that would carry key accounts: today's KA teams, all teams where there is none."""
    levels = (
        company.table("capability").select("team", "lane", "item", "level").order_by(["team", "lane", "item"]).execute()
    )
    if "teams" in company.tables:
        teams = company.table("teams").execute()
        ka = set(teams.loc[teams["motion"] == "KA", "team"])
        if levels["team"].isin(ka).any():
            return levels[levels["team"].isin(ka)]
    return levels


@dataclass(frozen=True)
class Bottlenecks:
    """Point estimate and draws of reliefs in wins per 100 deals, by step; fit and its draws (None, NaN without capability)."""

    steps: tuple[str, ...]
    relief: np.ndarray
    draws: np.ndarray
    fit: Estimate | None
    fit_draws: np.ndarray
    deals: int
    table: pd.DataFrame
    clusters: int = 0


def _measure_bottlenecks(company: Company, policy: Policy) -> Bottlenecks | None:
    stays = aggregates.stage_sojourns(company, policy)
    stays = stays[stays["segment"] == "KA"].reset_index(drop=True)
    if stays.empty:
        return None
    order = stays.groupby("stage")["place"].mean().sort_values(kind="stable").index.tolist()
    clusters, _ = seller_clusters(stays)
    horizon = round(policy["success.horizon_months"] * DAYS_PER_MONTH)
    counts = count_steps(stays["stage"].tolist(), stays["next"].where(stays["next"].notna(), None).tolist(), stays["days"].to_numpy(),
                         stays["first"].to_numpy(), clusters.tolist(), horizon, order=order, entry=stays["entry"].to_numpy())  # fmt: skip
    benchmark, draws, seed = policy["bottleneck.benchmark_pass"], policy["evidence.draws"], policy["evidence.seed"]
    point = estimate_flow(counts, benchmark)
    reliefs = draw_reliefs(counts, benchmark, draws, seed)
    fit, fit_draws = None, np.full(draws, np.nan)
    if company.has("capability"):
        levels = _capability(company)
        capped, lanes = capped_levels(levels, policy["fit.required_level"])
        fit = stratified_mean(capped, lanes, level=policy["evidence.level"], low=0.0, high=1.0)
        fit_draws = stratified_mean_draws(capped, lanes, draws, seed, 0.0, 1.0)
    entered = stays.groupby("stage").size()
    dwell = stays.groupby("stage")["days"].median()
    table = pd.DataFrame(
        {
            "step": order,
            "entered": [int(entered[s]) for s in order],
            "lost_share": point.lost[0],
            "median_days": [float(dwell[s]) for s in order],
        }
    )
    return Bottlenecks(
        tuple(order),
        point.relief[0] * 100,
        reliefs * 100,
        fit,
        fit_draws,
        stays["opportunity_id"].nunique(),
        table,
        counts.clusters,
    )


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


def count_bottlenecks(draws: np.ndarray, policy: Policy) -> tuple[int, np.ndarray]:
    """How many steps are bottlenecks, and that number in each resample.

    draws: reliefs in wins per 100 deals, (draws, steps). Relief cannot be negative, so noise alone gives a harmless step some relief, and
    counting steps above the minimum in each resample counts that noise twice. A step is therefore settled where it is above the
    minimum in at least ``bottleneck.certainty`` of the resamples (counted) or in at most ``bottleneck.dismissal`` (not counted); only steps
    between the two make the number uncertain.
    """
    above = draws > policy["bottleneck.minimum_relief"]
    share = above.mean(axis=0)
    settled = share >= policy["bottleneck.certainty"]
    unsure = ~settled & (share > policy["bottleneck.dismissal"])
    return int(settled.sum()), settled.sum() + (above & unsure).sum(axis=1)


@dataclass(frozen=True)
class _Measured:
    """What M-3.6 reports of its steps, whatever the minimum relief and the certainties asked for. relief, rank: a number per step;
    fit: one number or none; highs: upper limit of each step's relief; first_share: share of resamples in which the step with the largest
    estimate is first."""

    relief: tuple[Number, ...]
    rank: tuple[Number, ...]
    fit: tuple[Number, ...]
    highs: tuple[float, ...]
    first_share: float


def _measured(found: Bottlenecks, policy: Policy) -> _Measured:
    level, months = policy["evidence.level"], policy["success.horizon_months"]
    first = np.argmax(found.draws, axis=1)
    some = found.draws.max(axis=1) > 0
    relief = tuple(
        percentile_number(
            "relief", step, float(found.relief[i]), found.draws[:, i], level, int(found.table["entered"].iloc[i]),
            "wins per 100 deals", METHOD, clusters=found.clusters or None, horizon_months=months,
        )
        for i, step in enumerate(found.steps)
    )  # fmt: skip
    rank = tuple(
        replace(
            share_of_draws("p_rank_1", step, (first == i) & some, "share of cluster resamples"), horizon_months=months
        )
        for i, step in enumerate(found.steps)
    )
    fit: tuple[Number, ...] = ()
    if found.fit is not None:
        fit = (number("fit", "KA", found.fit, "fit"),)
    highs = tuple(_highest_relief(found, i, relief[i].high, policy) for i in range(len(found.steps)))
    return _Measured(relief, rank, fit, highs, float(((first == int(np.argmax(found.relief))) & some).mean()))


def judge_bottleneck(found: Bottlenecks, policy: Policy, measured: _Measured | None = None) -> list[Finding]:
    """M-3.6: supported (there is a biggest bottleneck, named) if one step is first in at least `bottleneck.rank_1_probability` of the
    resamples and its relief is surely above the minimum; contradicted if every step's relief is surely below the minimum.

    measured: computed here where None; given by a caller that moves only thresholds on which it does not depend.
    Wrong if losses came from the kind of deal that reaches a step, not from the step: relief is an association."""
    level, minimum = policy["evidence.level"], policy["bottleneck.minimum_relief"]
    measured = measured or _measured(found, policy)
    count, counts = count_bottlenecks(found.draws, policy)
    number_of = percentile_number("bottlenecks", "KA", count, counts, level, found.deals, "steps", METHOD,
                                  clusters=found.clusters or None, horizon_months=policy["success.horizon_months"])  # fmt: skip
    numbers = (*measured.relief, *measured.rank, number_of, *measured.fit)
    top = int(np.argmax(found.relief))
    relief = measured.relief[top]
    terms = {"step": found.steps[top], "slowest": found.steps[int(found.table["median_days"].to_numpy().argmax())]}
    if found.deals < policy["evidence.minimum_units"] or 0 < found.clusters < policy["evidence.minimum_sellers"]:
        return [Finding("M-3.6", "bottleneck", "undecided", "too_few", numbers, terms=terms)]
    if found.clusters != 1 and all(h < minimum for h in measured.highs):
        return [Finding("M-3.6", "bottleneck", "contradicted", "no_bottleneck", numbers, terms=terms)]
    sure = measured.first_share >= policy["bottleneck.rank_1_probability"]
    if relief.low is not None and relief.low > minimum and sure:
        return [Finding("M-3.6", "bottleneck", "supported", "bottleneck_found", numbers, terms=terms)]
    return [Finding("M-3.6", "bottleneck", "undecided", "rank_unsure", numbers, terms=terms)]


def bottleneck(company: Company, policy: Policy) -> tuple[Finding, dict[str, pd.DataFrame]]:
    """M-3.6 with the table of steps and the resampled reliefs and fit behind it."""
    missing = [
        *aggregates.segment_missing(company, policy),
        *company.missing("stage_history.stage", "stage_history.entered_at", "opportunities.closed_at"),
    ]
    if missing:
        return no_data("M-3.6", "bottleneck", missing), {}
    found = _measure_bottlenecks(company, policy)
    if found is None:
        return no_data("M-3.6", "bottleneck", ["stage_history.stage"], reason="no_deals"), {}
    measured = _measured(found, policy)
    finding = judge_bottleneck(found, policy, measured)[0]
    flips = find_flips(
        lambda p: judge_bottleneck(found, p, measured),
        "M-3.6",
        policy,
        ["bottleneck.minimum_relief", "bottleneck.rank_1_probability"],
    )
    reliefs = {n.segment: n for n in finding.numbers if n.name == "relief"}
    ranks = {n.segment: n.value for n in finding.numbers if n.name == "p_rank_1"}
    table = found.table.assign(
        relief=np.array([reliefs[s].value for s in found.steps], dtype=float),
        low=np.array([reliefs[s].low for s in found.steps], dtype=float),
        high=np.array([reliefs[s].high for s in found.steps], dtype=float),
        p_rank_1=np.array([ranks[s] for s in found.steps], dtype=float),
    )
    draws = pd.DataFrame({"first_relief": found.draws.max(axis=1), "fit": found.fit_draws})
    for i, step in enumerate(found.steps):
        draws[f"relief:{step}"] = found.draws[:, i]
    return replace(finding, flips=flips), {"bottlenecks": table, "bottleneck_draws": draws}
