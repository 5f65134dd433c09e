"""M-1.2: do key accounts stay longer than small customers?

Customer lives by Kaplan–Meier with late entry (customers older than observed_from) and censoring at as_of; restricted means up
to the horizon and their difference with Greenwood variance. The log-rank test asks the same without a horizon. The difference within
industry and region, from each life's share in the restricted mean, shows what is left of it among customers of the same kind.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from kaanalysis import aggregates
from kaanalysis.aggregates import DAYS_PER_MONTH
from kaanalysis.analyses.verdicts import above, find_flips, number, strata_of
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.results import Finding, Number, no_data
from kaanalysis.stats import (
    kaplan_meier,
    log_rank,
    restricted_mean,
    restricted_mean_difference,
    restricted_mean_shares,
    stratified_difference,
    survival_quantile,
)

FEEDS = ("accounts.segment", "subscriptions.started_at|opportunities.closed_at")
MONTHS = 1 / DAYS_PER_MONTH
Groups = dict[str, pd.DataFrame]


def _columns(lives: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return lives["duration"].to_numpy(), lives["ended"].to_numpy(), lives["entry"].to_numpy()


def _curve(lives: pd.DataFrame, level: float) -> pd.DataFrame:
    return kaplan_meier(*_columns(lives), level)


def _within(groups: Groups, policy: Policy) -> Number:
    """The difference of restricted means among lives of the same industry and region."""
    horizon = policy["lifecycle.horizon_months"]
    shares, strata, clusters = [], [], []
    for lives in (groups["KA"], groups["SMB"]):
        duration, ended, entry = _columns(lives)
        shares.append(restricted_mean_shares(duration, ended, horizon * DAYS_PER_MONTH, entry))
        strata.append(strata_of(lives))
        clusters.append(lives["cluster"].to_numpy(object))
    # Where one of the means is not determined at this horizon there is nothing to compare.
    known = slice(0 if any(np.isnan(s).any() for s in shares) else None)
    shares, strata = [s[known] for s in shares], [s[known] for s in strata]
    clusters = [c[known] for c in clusters]
    # As for the means themselves: what is known rests on the lives seen to end, of which key accounts have few.
    ended_in_time = [int((g["ended"] & (g["duration"] <= horizon * DAYS_PER_MONTH)).sum()) for g in groups.values()]
    freedom = max(1, min(ended_in_time) - 1)
    found = stratified_difference(*shares, *strata, *clusters, level=policy["evidence.level"], freedom=freedom)
    found = replace(found, method="restricted mean shares, " + found.method)
    return number("rmst_difference_stratified", "KA-SMB", found, "months", scale=MONTHS, horizon_months=horizon)


def _followed(curve: pd.DataFrame, segment: str, horizon: float) -> Number:
    """How many customers are still followed at the horizon: the far end of the curve rests on them."""
    beyond = curve.loc[curve["time"] >= horizon * DAYS_PER_MONTH, "at_risk"]
    n, count = int(curve["entered"].sum()), int(beyond.iloc[0]) if len(beyond) else 0
    method = "customers at risk at the horizon"
    return Number("followed_at_horizon", segment, count, None, None, None, n, "customers", method, horizon)


def _numbers(curves: dict[str, pd.DataFrame], policy: Policy) -> list[Number]:
    horizon = policy["lifecycle.horizon_months"]
    numbers = []
    for segment, curve in curves.items():
        median = survival_quantile(curve, 0.5, policy["evidence.minimum_units"])
        numbers.append(number("lifetime_median", segment, median, "months", scale=MONTHS))
        mean = restricted_mean(curve, horizon * DAYS_PER_MONTH)
        numbers.append(number("rmst", segment, mean, "months", scale=MONTHS, horizon_months=horizon))
        numbers.append(_followed(curve, segment, horizon))
    if {"SMB", "KA"} <= set(curves):
        difference = restricted_mean_difference(curves["KA"], curves["SMB"], horizon * DAYS_PER_MONTH)
        numbers.append(number("rmst_difference", "KA-SMB", difference, "months", scale=MONTHS, horizon_months=horizon))
    return numbers


def _log_rank(groups: Groups) -> Number:
    both = pd.concat([groups["SMB"], groups["KA"]])
    duration, ended, entry = _columns(both)
    test = log_rank(duration, ended, both["segment"].to_numpy(object), entry)
    return Number("log_rank_p_value", "KA-SMB", test.p_value, None, None, None, test.n, "probability", test.method)


def judge(curves: dict[str, pd.DataFrame], groups: Groups, test: Number, policy: Policy) -> list[Finding]:
    """M-1.2: supported if key accounts' restricted mean life exceeds SMB's by more than the policy's minimum, and does so among customers
    of the same industry and region too (where both kinds meet).

    Wrong if the difference were chance: then its interval would reach down to the minimum."""
    numbers = _numbers(curves, policy)
    difference = next(n for n in numbers if n.name == "rmst_difference")
    within = _within(groups, policy)
    kept = (*numbers, within, test)
    # Lives under way when records began say nothing of those that ended before: only lives seen from their start count as units.
    units = [int(c["at_risk"].iloc[0]) for c in curves.values()]
    if min(units) < policy["evidence.minimum_units"]:
        return [Finding("M-1.2", "lifecycle", "undecided", "too_few", kept)]
    if difference.value is None:
        return [Finding("M-1.2", "lifecycle", "undecided", "follow_up_too_short", kept)]
    least = policy["lifecycle.minimum_difference"]
    state = above(difference.low, difference.high, least)
    if state == "supported" and within.value is not None and within.value <= least:
        return [Finding("M-1.2", "lifecycle", "undecided", "lifecycle_mix", kept)]
    return [Finding("M-1.2", "lifecycle", state, f"lifecycle_{state}", kept)]


def find(company: Company, policy: Policy) -> tuple[Finding, dict[str, pd.DataFrame]]:
    """The finding M-1.2; frame `survival` (time in days, months, survival, low, high, at_risk, events …, by segment)."""
    source = ["subscriptions.started_at"] if not company.has("subscriptions") else []
    deals = company.missing("opportunities.closed_at") if source else []
    if source and deals:
        return no_data("M-1.2", "lifecycle", source + deals), {}
    lives = aggregates.customer_lives(company, policy)
    level = policy["evidence.level"]
    missing = aggregates.segment_missing(company, policy)
    groups = {s: lives[lives["segment"] == s] for s in ("SMB", "KA")}
    # With segments known but no life in one of them, it is that segment's customers who are not on record.
    absent = missing or (
        ["subscriptions.started_at" if not source else "opportunities.closed_at"]
        if any(g.empty for g in groups.values())
        else []
    )
    if absent:
        numbers: list[Number] = []
        if not lives.empty:
            numbers = _numbers({aggregates.ALL: _curve(lives, level)}, policy)
        return no_data("M-1.2", "lifecycle", absent, numbers, reason="no_segments"), {}
    curves = {s: _curve(g, level) for s, g in groups.items()}
    test = _log_rank(groups)
    finding = judge(curves, groups, test, policy)[0]
    names = ["lifecycle.horizon_months", "lifecycle.minimum_difference"]
    flips = find_flips(lambda p: judge(curves, groups, test, p), "M-1.2", policy, names)
    frame = pd.concat([c.assign(segment=s, months=c["time"] * MONTHS) for s, c in curves.items()], ignore_index=True)
    source_term = "subscriptions" if company.has("subscriptions") else "deals"
    return replace(finding, flips=flips, terms={"source": source_term}), {"survival": frame}
