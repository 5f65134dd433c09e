"""M-1.4: do key accounts pay better, and small customers very differently?

Spend of the window before as_of: medians with binomial limits, their ratio with a cluster-bootstrap interval, the standard deviations of
log spend and their difference by cluster jackknife; customer groups are the clusters. The ratio within industry and region, of geometric
means, shows what is left of it among customers of the same kind. Where list prices are on record, discounts say what the level cost.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd

from kaanalysis import aggregates
from kaanalysis.analyses.verdicts import above, below, both, find_flips, number, strata_of
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.results import Finding, Number, no_data
from kaanalysis.stats import (
    Estimate,
    brown_forsythe,
    difference_of_dispersion,
    difference_of_estimates,
    dispersion,
    median_interval,
    ratio_of_medians,
    ratio_of_totals,
    stratified_difference,
)

FEEDS = ("accounts.segment", "opportunities.amount", "opportunities.closed_at")


def _levels(groups: dict[str, pd.DataFrame], policy: Policy, currency: str) -> list[Number]:
    level, draws, seed = policy["evidence.level"], policy["evidence.draws"], policy["evidence.seed"]
    numbers = []
    for segment, group in groups.items():
        spend, clusters = group["spend"].to_numpy(float), group["cluster"].to_numpy(object)
        numbers.append(number("spend_median", segment, median_interval(spend, level), currency))
        numbers.append(number("spend_dispersion", segment, dispersion(spend, clusters, level=level), "log units"))
    ka, smb = groups["KA"], groups["SMB"]
    pair = (
        ka["spend"].to_numpy(float),
        smb["spend"].to_numpy(float),
        ka["cluster"].to_numpy(),
        smb["cluster"].to_numpy(),
    )
    ratio = ratio_of_medians(*pair, level=level, draws=draws, seed=seed)
    within = stratified_difference(
        np.log(pair[0]), np.log(pair[1]), strata_of(ka), strata_of(smb), pair[2], pair[3], level=level
    )
    test = brown_forsythe(np.concatenate([pair[0], pair[1]]), ["KA"] * len(ka) + ["SMB"] * len(smb))
    return [
        *numbers,
        number("spend_ratio", "KA-SMB", ratio, "ratio"),
        number("spend_ratio_stratified", "KA-SMB", _exponential(within), "ratio"),
        number("dispersion_difference", "KA-SMB", difference_of_dispersion(*pair, level=level), "log units"),
        Number("dispersion_p_value", "KA-SMB", test.p_value, None, None, None, test.n, "probability", test.method),
    ]


def _exponential(logs: Estimate) -> Estimate:
    value, low, high = (None if x is None else math.exp(x) for x in (logs.value, logs.low, logs.high))
    return replace(logs, value=value, low=low, high=high, method="ratio of geometric means, " + logs.method)


def _discounts(amounts: pd.DataFrame, level: float) -> list[Number]:
    """One minus what was paid over the list amount of the same lines, by segment, and the difference."""
    found = {}
    for segment in ("SMB", "KA"):
        mine = amounts[(amounts["segment"] == segment) & (amounts["listed"] > 0)]
        ratio = ratio_of_totals(
            mine["paid"].clip(lower=0.0).to_numpy(float),
            mine["listed"].to_numpy(float),
            mine["cluster"].to_numpy(object),
            level=level,
        )
        high, value, low = (None if x is None else 1 - x for x in (ratio.low, ratio.value, ratio.high))
        found[segment] = replace(ratio, value=value, low=low, high=high, method="1 − " + ratio.method)
    if any(e.value is None for e in found.values()):
        return []
    difference = difference_of_estimates(found["KA"], found["SMB"], "difference of discounts, MOVER")
    numbers = [number("discount", s, e, "share") for s, e in found.items()]
    return [*numbers, number("discount_difference", "KA-SMB", difference, "share difference")]


def judge(numbers: list[Number], policy: Policy) -> list[Finding]:
    """M-1.4: supported if KA's median spend is at least `spend.ratio` times SMB's, more than once among customers of the same industry
    and region too, and SMB's log spend is the more dispersed.

    Wrong if level or evenness were chance: then an interval would reach its threshold."""
    by_name = {(n.name, n.segment): n for n in numbers}
    ratio, difference = by_name[("spend_ratio", "KA-SMB")], by_name[("dispersion_difference", "KA-SMB")]
    within = by_name[("spend_ratio_stratified", "KA-SMB")]
    units = [by_name[("spend_median", s)].n for s in ("SMB", "KA")]
    if min(units) < policy["evidence.minimum_units"]:
        return [Finding("M-1.4", "willingness_to_pay", "undecided", "too_few", tuple(numbers))]
    level = above(ratio.low, ratio.high, policy["spend.ratio"])
    evenness = below(difference.low, difference.high, -policy["spend.dispersion"])
    state = both(level, evenness)
    if state == "supported" and within.value is not None and within.value <= 1:
        return [Finding("M-1.4", "willingness_to_pay", "undecided", "spend_mix", tuple(numbers))]
    reason = (
        f"spend_{state}"
        if state != "contradicted"
        else ("spend_level_contradicted" if level == "contradicted" else "spend_evenness_contradicted")
    )
    return [Finding("M-1.4", "willingness_to_pay", state, reason, tuple(numbers))]


def find(company: Company, policy: Policy) -> tuple[Finding, dict[str, pd.DataFrame]]:
    """The finding M-1.4; frame `spend` (account_id, segment, spend)."""
    missing = company.missing("opportunities.amount", "opportunities.closed_at")
    if missing:
        return no_data("M-1.4", "willingness_to_pay", missing), {}
    spend = aggregates.spend_by_account(company, policy)
    level, currency = policy["evidence.level"], company.info.currency
    groups = {s: spend[spend["segment"] == s] for s in ("SMB", "KA")}
    missing = aggregates.segment_missing(company, policy)
    one_empty = not missing and len(spend) > 0 and any(g.empty for g in groups.values())
    if one_empty and aggregates.account_segments(company, policy).segment.nunique().execute() > 1:
        # Both kinds are told apart, but one has no amount that can be read: no column is missing, and there are too few.
        whole = number("spend_median", aggregates.ALL, median_interval(spend["spend"].to_numpy(), level), currency)
        return Finding("M-1.4", "willingness_to_pay", "undecided", "too_few", (whole,)), {}
    if missing or any(g.empty for g in groups.values()):
        needs = missing or ([*aggregates.segment_needs(policy)] if not spend.empty else ["opportunities.amount"])
        numbers = (
            [number("spend_median", aggregates.ALL, median_interval(spend["spend"].to_numpy(), level), currency)]
            if len(spend)
            else []
        )
        return no_data("M-1.4", "willingness_to_pay", needs, numbers, reason="no_segments"), {}
    numbers = _levels(groups, policy, currency)
    if company.has("order_lines.list_amount"):
        numbers += _discounts(aggregates.order_amounts(company, policy), level)
    finding = judge(numbers, policy)[0]
    flips = find_flips(lambda p: judge(numbers, p), "M-1.4", policy, ["spend.ratio", "spend.dispersion"])
    return replace(finding, flips=flips), {"spend": spend[["account_id", "segment", "spend"]]}
