"""01 Base assumptions: do key accounts stay longer (M-1.2), and do they pay better and more evenly (M-1.4)?

M-1.2 Customer lives by Kaplan–Meier with late entry (customers older than observed_from) and censoring at as_of; restricted means up
to the horizon, their difference with Greenwood variance. M-1.4 spend of the window before as_of: medians with binomial limits, their
ratio with a cluster-bootstrap interval, the standard deviations of log spend and their difference by cluster jackknife; customer groups
are the clusters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from kaanalysis import aggregates
from kaanalysis.aggregates import DAYS_PER_MONTH
from kaanalysis.analyses.verdicts import above, below, both, find_flips, number
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.results import Finding, Number, Result, no_data
from kaanalysis.stats import (
    brown_forsythe,
    difference_of_dispersion,
    dispersion,
    kaplan_meier,
    median_interval,
    ratio_of_medians,
    restricted_mean,
    restricted_mean_difference,
    survival_quantile,
)

ID = "01_base_assumptions"
FEEDS = {
    "M-1.2": ("accounts.segment", "subscriptions.started_at|opportunities.closed_at"),
    "M-1.4": ("accounts.segment", "opportunities.amount", "opportunities.closed_at"),
}
MONTHS = 1 / DAYS_PER_MONTH


def _curve(lives: pd.DataFrame, level: float) -> pd.DataFrame:
    curve = kaplan_meier(lives["duration"].to_numpy(), lives["ended"].to_numpy(), lives["entry"].to_numpy(), level)
    return curve


def _lifecycle_numbers(curves: dict[str, pd.DataFrame], policy: Policy) -> list[Number]:
    horizon = policy["lifecycle.horizon_months"]
    numbers = []
    for segment, curve in curves.items():
        numbers.append(
            number(
                "lifetime_median",
                segment,
                survival_quantile(curve, 0.5, policy["evidence.minimum_units"]),
                "months",
                scale=MONTHS,
            )
        )
        mean = restricted_mean(curve, horizon * DAYS_PER_MONTH)
        numbers.append(number("rmst", segment, mean, "months", scale=MONTHS, horizon_months=horizon))
    if {"SMB", "KA"} <= set(curves):
        difference = restricted_mean_difference(curves["KA"], curves["SMB"], horizon * DAYS_PER_MONTH)
        numbers.append(number("rmst_difference", "KA-SMB", difference, "months", scale=MONTHS, horizon_months=horizon))
    return numbers


def judge_lifecycle(curves: dict[str, pd.DataFrame], policy: Policy) -> list[Finding]:
    """M-1.2: supported if key accounts' restricted mean life exceeds SMB's by more than the policy's minimum.

    Wrong if the difference were chance: then its interval would reach down to the minimum."""
    numbers = tuple(_lifecycle_numbers(curves, policy))
    difference = next(n for n in numbers if n.name == "rmst_difference")
    # Lives under way when records began say nothing of those that ended before: only lives seen from their start count as units.
    units = [int(c["at_risk"].iloc[0]) for c in curves.values()]
    if min(units) < policy["evidence.minimum_units"]:
        return [Finding("M-1.2", "lifecycle", "undecided", "too_few", numbers)]
    if difference.value is None:
        return [Finding("M-1.2", "lifecycle", "undecided", "follow_up_too_short", numbers)]
    state = above(difference.low, difference.high, policy["lifecycle.minimum_difference"])
    return [Finding("M-1.2", "lifecycle", state, f"lifecycle_{state}", numbers)]


def _lifecycle(company: Company, policy: Policy) -> tuple[Finding, dict[str, pd.DataFrame]]:
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
            numbers = _lifecycle_numbers({aggregates.ALL: _curve(lives, level)}, policy)
        return no_data("M-1.2", "lifecycle", absent, numbers, reason="no_segments"), {}
    curves = {s: _curve(g, level) for s, g in groups.items()}
    finding = judge_lifecycle(curves, policy)[0]
    flips = find_flips(
        lambda p: judge_lifecycle(curves, p),
        "M-1.2",
        policy,
        ["lifecycle.horizon_months", "lifecycle.minimum_difference"],
    )
    frame = pd.concat([c.assign(segment=s, months=c["time"] * MONTHS) for s, c in curves.items()], ignore_index=True)
    source_term = "subscriptions" if company.has("subscriptions") else "deals"
    return replace(finding, flips=flips, terms={"source": source_term}), {"survival": frame}


def _dispersion(spend: pd.DataFrame, policy: Policy) -> Number:
    estimate = dispersion(spend["spend"].to_numpy(float), spend["cluster"].to_numpy(), level=policy["evidence.level"])
    return number("spend_dispersion", str(spend["segment"].iloc[0]), estimate, "log units")


def judge_spend(numbers: list[Number], policy: Policy) -> list[Finding]:
    """M-1.4: supported if KA's median spend is at least `spend.ratio` times SMB's and SMB's log spend is the more dispersed.

    Wrong if level or evenness were chance: then an interval would reach its threshold."""
    by_name = {(n.name, n.segment): n for n in numbers}
    ratio, difference = by_name[("spend_ratio", "KA-SMB")], by_name[("dispersion_difference", "KA-SMB")]
    units = [by_name[("spend_median", s)].n for s in ("SMB", "KA")]
    if min(units) < policy["evidence.minimum_units"]:
        return [Finding("M-1.4", "willingness_to_pay", "undecided", "too_few", tuple(numbers))]
    level = above(ratio.low, ratio.high, policy["spend.ratio"])
    evenness = below(difference.low, difference.high, -policy["spend.dispersion"])
    state = both(level, evenness)
    reason = (
        f"spend_{state}"
        if state != "contradicted"
        else ("spend_level_contradicted" if level == "contradicted" else "spend_evenness_contradicted")
    )
    return [Finding("M-1.4", "willingness_to_pay", state, reason, tuple(numbers))]


def _spend(company: Company, policy: Policy) -> tuple[Finding, dict[str, pd.DataFrame]]:
    missing = company.missing("opportunities.amount", "opportunities.closed_at")
    if missing:
        return no_data("M-1.4", "willingness_to_pay", missing), {}
    spend = aggregates.spend_by_account(company, policy)
    level, draws, seed = policy["evidence.level"], policy["evidence.draws"], policy["evidence.seed"]
    currency = company.info.currency
    groups = {s: spend[spend["segment"] == s] for s in ("SMB", "KA")}
    missing = aggregates.segment_missing(company, policy)
    if missing or any(g.empty for g in groups.values()):
        needs = missing or ([*aggregates.segment_needs(policy)] if not spend.empty else ["opportunities.amount"])
        numbers = (
            [number("spend_median", aggregates.ALL, median_interval(spend["spend"].to_numpy(), level), currency)]
            if len(spend)
            else []
        )
        return no_data("M-1.4", "willingness_to_pay", needs, numbers, reason="no_segments"), {}
    numbers = []
    for segment, group in groups.items():
        numbers.append(number("spend_median", segment, median_interval(group["spend"].to_numpy(), level), currency))
        numbers.append(_dispersion(group, policy))
    ka, smb = groups["KA"], groups["SMB"]
    pair = (ka["spend"].to_numpy(), smb["spend"].to_numpy(), ka["cluster"].to_numpy(), smb["cluster"].to_numpy())
    numbers.append(
        number("spend_ratio", "KA-SMB", ratio_of_medians(*pair, level=level, draws=draws, seed=seed), "ratio")
    )
    numbers.append(
        number(
            "dispersion_difference",
            "KA-SMB",
            difference_of_dispersion(*pair, level=level),
            "log units",
        )
    )
    test = brown_forsythe(np.concatenate([pair[0], pair[1]]), ["KA"] * len(ka) + ["SMB"] * len(smb))
    numbers.append(
        Number("dispersion_p_value", "KA-SMB", test.p_value, None, None, None, test.n, "probability", test.method)
    )
    finding = judge_spend(numbers, policy)[0]
    flips = find_flips(lambda p: judge_spend(numbers, p), "M-1.4", policy, ["spend.ratio", "spend.dispersion"])
    return replace(finding, flips=flips), {"spend": spend[["account_id", "segment", "spend"]]}


def analyse(company: Company, policy: Policy, upstream: Mapping[str, Result]) -> Result:
    """M-1.2 and M-1.4. Customers are told apart by the policy's segment definition, named in the findings' terms."""
    findings, frames = [], {}
    for build in (_lifecycle, _spend):
        finding, made = build(company, policy)
        findings.append(replace(finding, terms={**finding.terms, "definition": policy["segment.definition"]}))
        frames.update(made)
    return Result(ID, company.data_hash, policy.hash, str(company.info.as_of), findings, frames)
