"""The biggest bottleneck of the KA flow (M-3.6), a part of 03 sales flow.

Relief of a step = wins gained per 100 deals within the horizon if that step lost no more than the benchmark allows, from a
semi-Markov model of the stages (:mod:`kaanalysis.stats.semi_markov`), resampling sellers. What its delay costs is in
:mod:`kaanalysis.analyses.delay_relief`, whether the team can carry the flow in :mod:`kaanalysis.analyses.team_fit`, and what its
gaps cost in :mod:`kaanalysis.analyses.lane_relief`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from kaanalysis import aggregates
from kaanalysis.analyses.bottleneck_sets import candidates, count_bottlenecks, flag_bottlenecks
from kaanalysis.analyses.delay_relief import METHOD, DelayReliefs, flow_stays, measure_delays
from kaanalysis.analyses.lane_relief import LaneReliefs, measure_lanes
from kaanalysis.analyses.sales_sheet import blank_sheet
from kaanalysis.analyses.team_fit import Fit, judged_levels, measure_fit
from kaanalysis.analyses.verdicts import find_flips, percentile_number, share_of_draws
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.results import Finding, Number, no_data
from kaanalysis.stats import jeffreys
from kaanalysis.stats.relieved_flow import draw_joint_reliefs, joint_relief
from kaanalysis.stats.semi_markov import StepCounts, draw_reliefs, estimate_flow


@dataclass(frozen=True)
class Bottlenecks:
    """Point estimate and draws of reliefs in wins per 100 deals, by step; counts: the flow they come from (None in tests of the rule)."""

    steps: tuple[str, ...]
    relief: np.ndarray
    draws: np.ndarray
    deals: int
    table: pd.DataFrame
    clusters: int = 0
    counts: StepCounts | None = None


def _measure_bottlenecks(company: Company, policy: Policy) -> tuple[Bottlenecks, DelayReliefs] | None:
    flow = flow_stays(company, policy)
    if flow is None:
        return None
    stays, order = flow.stays, flow.order
    counts = flow.followed(flow.horizon)
    benchmark, draws, seed = policy["bottleneck.benchmark_pass"], policy["evidence.draws"], policy["evidence.seed"]
    point = estimate_flow(counts, benchmark)
    entered = stays.groupby("stage").size()
    dwell = stays.groupby("stage")["days"].median()
    delays = measure_delays(flow, counts, policy)
    table = pd.DataFrame(
        {
            "step": order,
            "entered": [int(entered[s]) for s in order],
            "lost_share": point.lost[0],
            "median_days": [float(dwell[s]) for s in order],
        }
    )
    found = Bottlenecks(
        tuple(order),
        point.relief[0] * 100,
        draw_reliefs(counts, benchmark, draws, seed) * 100,
        stays["opportunity_id"].nunique(),
        pd.concat([table, delays.table], axis=1),
        counts.clusters,
        counts,
    )
    return found, delays


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


def _rivals(found: Bottlenecks, finding: Finding, maybe: np.ndarray, policy: Policy) -> tuple[Number, dict[str, str]]:
    """How many steps may be the biggest, and which is the next after the leading one; terms only where none could be named."""
    method = "subset selection over cluster resamples"
    count = Number("bottleneck_candidates", "KA", int(maybe.sum()), None, None, None, len(found.steps), "steps", method)
    if finding.reason != "rank_unsure" or maybe.sum() < 2:
        return count, {}
    others = np.where(maybe & (np.arange(len(maybe)) != int(np.argmax(found.relief))), found.relief, -1.0)
    return count, {"rival": found.steps[int(others.argmax())], "rivals": "some"}


def _severity(found: Bottlenecks, policy: Policy) -> tuple[Number, np.ndarray]:
    """Wins gained per 100 deals if all steps counted as bottlenecks were relieved together, and that in each resample for the steps counted
    there. Never the sum of their reliefs: a case spared at one step may be lost at the next, or be won only because both are spared."""
    settled, drawn = flag_bottlenecks(found.draws, policy)
    value = float(found.relief[settled].sum())
    draws = (found.draws * drawn).sum(axis=1)
    if found.counts is not None and (drawn.sum(axis=1) > 1).any():
        benchmark, seed = policy["bottleneck.benchmark_pass"], policy["evidence.seed"]
        value = 100 * float(joint_relief(found.counts, settled[None, :], np.ones((1, found.clusters)), benchmark)[0])
        together = 100 * draw_joint_reliefs(found.counts, drawn, benchmark, len(drawn), seed)
        draws = np.where(drawn.sum(axis=1) > 1, together, draws)
    method = "steps counted relieved together; " + METHOD
    made = percentile_number("severity", "KA", value, draws, policy["evidence.level"], int(settled.sum()), "wins per 100 deals", method,
                             clusters=found.clusters or None, horizon_months=policy["success.horizon_months"])  # fmt: skip
    return made, draws


@dataclass(frozen=True)
class _Measured:
    """What M-3.6 reports of its steps, whatever the minimum relief and the certainties asked for. relief, rank: a number per step; highs:
    upper limit of each step's relief; first_share: share of resamples in which the step with the largest estimate is first."""

    relief: tuple[Number, ...]
    rank: tuple[Number, ...]
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
    highs = tuple(_highest_relief(found, i, relief[i].high, policy) for i in range(len(found.steps)))
    return _Measured(relief, rank, highs, float(((first == int(np.argmax(found.relief))) & some).mean()))


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
    numbers = (*measured.relief, *measured.rank, number_of)
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


def bottleneck(
    company: Company, policy: Policy, sheet: pd.DataFrame | None = None, levels: pd.DataFrame | None = None
) -> tuple[Finding, dict[str, pd.DataFrame]]:
    """M-3.6 with the table of steps and the resampled reliefs and fit behind it. sheet, levels: :func:`blank_sheet` and
    :func:`judged_levels`, computed here where None."""
    missing = [
        *aggregates.segment_missing(company, policy),
        *company.missing("stage_history.stage", "stage_history.entered_at", "opportunities.closed_at"),
    ]
    if missing:
        return no_data("M-3.6", "bottleneck", missing), {}
    both = _measure_bottlenecks(company, policy)
    if both is None:
        return no_data("M-3.6", "bottleneck", ["stage_history.stage"], reason="no_deals"), {}
    found, delays = both
    measured = _measured(found, policy)
    finding = judge_bottleneck(found, policy, measured)[0]
    flips = find_flips(
        lambda p: judge_bottleneck(found, p, measured),
        "M-3.6",
        policy,
        ["bottleneck.minimum_relief", "bottleneck.rank_1_probability"],
    )
    severity, severe = _severity(found, policy)
    maybe = candidates(found.relief, found.draws, found.clusters, policy)
    count, rivals = _rivals(found, finding, maybe, policy)
    sheet = blank_sheet(company, policy) if sheet is None else sheet
    levels = judged_levels(company, sheet) if levels is None else levels
    fit, lanes = _carried(levels, sheet, found, policy)
    reliefs = {n.segment: n for n in finding.numbers if n.name == "relief"}
    ranks = {n.segment: n.value for n in finding.numbers if n.name == "p_rank_1"}
    table = found.table.assign(
        relief=np.array([reliefs[s].value for s in found.steps], dtype=float),
        low=np.array([reliefs[s].low for s in found.steps], dtype=float),
        high=np.array([reliefs[s].high for s in found.steps], dtype=float),
        p_rank_1=np.array([ranks[s] for s in found.steps], dtype=float),
        candidate=maybe,
    )
    draws = pd.DataFrame({"first_relief": found.draws.max(axis=1), "fit": fit.draws, "severity": severe})
    for i, step in enumerate(found.steps):
        draws[f"relief:{step}"] = found.draws[:, i]
    numbers = (*finding.numbers, count, severity, *delays.numbers, *fit.numbers, *lanes.numbers)
    terms = {**finding.terms, **rivals, **delays.terms, **lanes.terms, "carry": fit.term}
    frames = {"bottlenecks": table, "bottleneck_draws": draws, "fit_items": fit.items, "fit_lanes": fit.lanes, "fit_teams": fit.teams,
              "lane_reliefs": lanes.items}  # fmt: skip
    return replace(finding, numbers=numbers, terms=terms, flips=flips), {k: v for k, v in frames.items() if len(v)}


def _carried(levels: pd.DataFrame, sheet: pd.DataFrame, found: Bottlenecks, policy: Policy) -> tuple[Fit, LaneReliefs]:
    """Fit of today's team and what its lanes' shortfalls cost; both without numbers where no capability was judged."""
    fit = measure_fit(levels, sheet, found.steps, found.relief, found.draws, policy)
    if levels.empty:
        return fit, LaneReliefs()
    lanes = measure_lanes(fit.items, sheet, found.steps, found.relief, found.draws, fit.freedom, found.clusters, policy)
    return fit, lanes
