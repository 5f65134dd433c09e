"""M-3.1 and M-3.2: do SMB deals convert near the mark and steadily, and do KA projects succeed?

Conversion and success are cumulative incidences of `won` among opportunities counted from their opening, all other exits competing, open
ones censored at as_of (Aalen–Johansen), read at the policy's horizon, with sellers as clusters (delete-one jackknife). They count
deals, never amounts. Where deals have no dates only the share won of the closed ones can be had: it is given as
`closed_won_share` and never judged, since it leaves out what is still open.

Whether conversion is steady over time is in :mod:`conversion_steadiness`, who counts in :mod:`rate_cards`.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from kaanalysis import aggregates
from kaanalysis.aggregates import DAYS_PER_MONTH
from kaanalysis.analyses import conversion_steadiness, rate_cards
from kaanalysis.analyses.verdicts import (
    above,
    below,
    clustered_share,
    find_flips,
    number,
    percentile_number,
    seller_clusters,
)
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.results import Finding, Number, State, no_data
from kaanalysis.stats import Estimate, clustered_incidence_at, cumulative_incidence, jeffreys
from kaanalysis.stats.semi_markov import cluster_draws, count_steps, median_time

FEEDS = {
    "M-3.1": ("accounts.segment", "opportunities.created_at", "opportunities.closed_at"),
    "M-3.2": ("accounts.segment", "opportunities.created_at", "opportunities.closed_at"),
}
RATES = {"M-3.1": ("SMB", "conversion"), "M-3.2": ("KA", "success")}


def _outcomes(deals: pd.DataFrame) -> np.ndarray:
    """Outcomes as the estimators take them: None, not the frame's missing value, where a deal is open."""
    return deals["outcome"].astype(object).where(deals["outcome"].notna(), None).to_numpy(dtype=object)


def _cycle_median(
    deals: pd.DataFrame, clusters: np.ndarray, horizon: int, policy: Policy, segment: str, months: float
) -> Number:
    """Days by which half of the deals won within the horizon are won: the median of the won sub-distribution, so that open deals
    count as censored and quick wins do not stand for all."""
    outcome = [o if o in (None, "won") else "lost" for o in _outcomes(deals)]
    ones = ["deal"] * len(deals)
    counts = count_steps(ones, outcome, deals["days"].to_numpy(), np.ones(len(deals), bool), clusters.tolist(), horizon, order=["deal"],
                         entry=deals["entry"].to_numpy())  # fmt: skip
    method = "median of the won sub-distribution, cluster bootstrap (percentile)"
    level = policy["evidence.level"]
    wins = int(((deals["outcome"] == "won") & (deals["days"] <= horizon)).sum())
    if ("deal", "won") not in counts.moves:
        return Number("cycle_median", segment, None, None, None, level, wins, "days", method + "; no wins", months)
    move = ("deal", "won")
    draws = np.concatenate(
        [median_time(counts, move, w) for w in cluster_draws(counts, policy["evidence.draws"], policy["evidence.seed"])]
    )
    point = float(median_time(counts, move, np.ones((1, counts.clusters)))[0])
    made = percentile_number(
        "cycle_median",
        segment,
        point if np.isfinite(point) else None,
        draws,
        level,
        wins,
        "days",
        method,
        clusters=counts.clusters,
    )
    return replace(made, horizon_months=months)


def _clock(deals: pd.DataFrame) -> tuple[np.ndarray, np.ndarray | None]:
    """Days to closing and late entries. A day is taken as its middle, so that a deal closed on the day it came under observation
    was at risk that day; without late entries nothing has to enter."""
    entry = deals["entry"].to_numpy(float)
    return deals["days"].to_numpy(float) + 0.5, entry if (entry > 0).any() else None


def _count(name: str, segment: str, value: float, n: int, method: str, unit: str = "deals") -> Number:
    return Number(name, segment, value, None, None, None, n, unit, method)


@dataclass(frozen=True)
class Rate:
    """A conversion or success rate with what it takes to judge it. mature: share of deals followed to the horizon; unsegmented:
    share of all deals that belong to accounts without a segment."""

    numbers: tuple[Number, ...]
    mature: float
    deals: int
    unsegmented: float = 0.0


def _rate(deals: pd.DataFrame, name: str, segment: str, months: int, untimed: int, policy: Policy) -> Rate:
    horizon = round(months * DAYS_PER_MONTH)
    clusters, _ = seller_clusters(deals)
    outcome = _outcomes(deals)
    level = policy["evidence.level"]
    time, entry = _clock(deals)
    rate = number(
        name,
        segment,
        clustered_incidence_at(time, outcome, clusters, "won", horizon + 0.5, level, entry),
        "share",
        horizon_months=months,
    )
    followed = int((deals["follow_up"] >= horizon).sum())
    mature = number(
        "followed_to_horizon", segment, jeffreys(followed, len(deals), level), "share", horizon_months=months
    )
    still_open = _count("open_deals", segment, int(deals["outcome"].isna().sum()), len(deals), "count")
    said = "count of deals without the dates it takes"
    dateless = _count("untimed_deals", segment, untimed, len(deals) + untimed, said)
    return Rate(
        (rate, _cycle_median(deals, clusters, horizon, policy, segment, months), mature, still_open, dateless),
        followed / len(deals),
        len(deals),
    )


def _steadiness(rate: Rate, policy: Policy) -> State | None:
    """Whether periods differ by less than the policy allows; None where too few periods can tell."""
    spread = next((n for n in rate.numbers if n.name == "conversion_stability"), None)
    if spread is None or spread.low is None or spread.high is None:
        return None
    return below(spread.low, spread.high, policy["conversion.steady"])


def _judge_conversion(rate: Rate, policy: Policy) -> tuple[State, str]:
    main = rate.numbers[0]
    assert main.low is not None and main.high is not None
    low, high = (policy["conversion.target"] + side * policy["conversion.tolerance"] for side in (-1, 1))
    if main.high < low or main.low > high:
        return "contradicted", "conversion_below" if main.high < low else "conversion_above"
    steady = _steadiness(rate, policy)
    if steady == "contradicted":
        return "contradicted", "conversion_unsteady"
    if not (low <= main.low and main.high <= high):
        return "undecided", "conversion_undecided"
    if steady is None:
        return "undecided", "steadiness_unknown"
    return (steady, "conversion_supported") if steady == "supported" else (steady, "steadiness_undecided")


def _kept(deals: pd.DataFrame, horizon: int, level: float) -> Estimate:
    """The rate with wins that were later refunded or litigated taken for another exit."""
    clusters, _ = seller_clusters(deals)
    outcome = np.where(deals["undone"], "undone", _outcomes(deals))
    time, entry = _clock(deals)
    return clustered_incidence_at(time, outcome, clusters, "won", horizon + 0.5, level, entry)


def judge_rate(id: str, rate: Rate, policy: Policy) -> list[Finding]:
    """M-3.1: near the mark, i.e. the whole interval within the tolerance, and steady: periods surely differ by less than
    ``conversion.steady``; contradicted where either surely fails. M-3.2: the whole interval above the mark.

    Undecided where too few deals could be followed to the horizon (the curve's end then rests on a handful of early deals), and M-3.1
    where too few periods could be compared: a level is no steadiness. Wrong if the deals seen were not like the others, if sellers
    differed more than the clusters show, or if what counts as a deal changed over time: that looks like unsteadiness."""
    name = RATES[id][1]
    main = rate.numbers[0]
    if rate.deals < policy["evidence.minimum_units"]:
        return [Finding(id, name, "undecided", "too_few", rate.numbers)]
    if main.low is None or main.high is None:
        return [
            Finding(id, name, "undecided", "follow_up_too_short" if main.value is None else "no_interval", rate.numbers)
        ]
    if rate.mature < policy["conversion.mature_share"]:
        return [Finding(id, name, "undecided", "immature", rate.numbers)]
    if rate.unsegmented > policy["evidence.unsegmented_share"]:
        return [Finding(id, name, "undecided", "unsegmented", rate.numbers)]
    if id == "M-3.2":
        state = above(main.low, main.high, policy["success.target"])
        return [Finding(id, name, state, f"success_{state}", rate.numbers)]
    state, reason = _judge_conversion(rate, policy)
    return [Finding(id, name, state, reason, rate.numbers)]


def _closed_shares(closed: pd.DataFrame, level: float, segment: str) -> list[Number]:
    """Share won of the closed deals, for the segment and for each category of deals in it, with sellers as clusters."""
    mine = closed if segment == aggregates.ALL else closed[closed["segment"] == segment]
    numbers = []
    for label, group in [(segment, mine), *[(str(c), g) for c, g in mine.groupby("category")]]:
        if group.empty:
            continue
        clusters, kind = seller_clusters(group)
        method = f"share of closed deals, {kind}s as clusters (jackknife)"
        numbers.append(clustered_share("closed_won_share", label, group["won"].to_numpy(), clusters, level, method))
    return numbers


def find(company: Company, policy: Policy) -> tuple[list[Finding], dict[str, pd.DataFrame]]:
    level = policy["evidence.level"]
    counts = aggregates.untimed_deals(company, policy)
    closed = aggregates.closed_deals(company, policy)
    deals = aggregates.deal_times(company, policy)
    missing_dates = company.missing("opportunities.created_at", "opportunities.closed_at")
    no_segments = aggregates.segment_missing(company, policy)
    findings: list[Finding] = []
    curves: list[pd.DataFrame] = []
    frames: dict[str, pd.DataFrame] = {}
    cards: list[dict[str, object]] = []
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
            findings.append(
                Finding(
                    id,
                    name,
                    state,
                    "closed_deals_only",
                    tuple(numbers),
                    (),
                    tuple([*no_segments, *missing_dates] or ["opportunities.created_at"]),
                )
            )
            continue
        rate = _rate(chosen, name, use, months, int(there["untimed"].sum()), policy)
        time, entry = _clock(chosen)
        curve = cumulative_incidence(time, _outcomes(chosen), entry, level)
        curves.append(
            curve.assign(
                segment=use,
                name=name,
                days=(curve["time"] - 0.5).clip(lower=0),
                horizon_days=round(months * DAYS_PER_MONTH),
            )
        )
        kept = _kept(chosen, round(months * DAYS_PER_MONTH), level)
        untimed = int(there["untimed"].sum())
        decided, card = rate_cards.measure(company, chosen, name, rate.numbers[0], kept, untimed, policy)
        cards.append(card)
        steady, made = conversion_steadiness.measure(company, chosen, use, policy) if id == "M-3.1" else ([], {})
        frames |= made
        if no_segments:
            told = (*rate.numbers, *decided, *steady)
            findings.append(no_data(id, name, no_segments, told, reason="no_segments"))
            continue
        strays, total = int(counts.loc[counts["segment"].isna(), "deals"].sum()), int(counts["deals"].sum())
        said = "count of deals of accounts without a segment"
        stray = _count("unsegmented_deals", aggregates.ALL, strays, total, said)
        mark = _count("mark", use, policy[f"{name}.target"], rate.deals, f"policy {name}.target", "share")
        rate = replace(rate, numbers=(*rate.numbers, stray, mark, *decided, *steady), unsegmented=strays / total)
        finding = judge_rate(id, rate, policy)[0]
        names = (
            ["success.target"] if id == "M-3.2" else ["conversion.target", "conversion.tolerance", "conversion.steady"]
        )
        flips = find_flips(functools.partial(judge_rate, id, rate), id, policy, names)
        findings.append(replace(finding, flips=flips))
    frames |= rate_cards.frame(cards)
    if curves:
        frames["incidence"] = pd.concat(curves, ignore_index=True)
    elif any(n.name == "closed_won_share" for f in findings for n in f.numbers):
        rows = {(n.segment): (n.segment, n.value, n.low, n.high, n.n) for f in findings for n in f.numbers}
        frames["closed_won"] = pd.DataFrame(list(rows.values()), columns=["group", "value", "low", "high", "n"])
    return findings, frames
