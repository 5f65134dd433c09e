"""00 Problem framing: which of the four problem statements do the company's own numbers support (M-0.1 to M-0.4)?

Growth from one period to the next is taken apart exactly (:mod:`growth_bridge`), and each statement is bound to one number of it:

* M-0.1 the present customer base has stopped growing: growth of small customers' won amount.
* M-0.2 one industry is to be worked deeper: how far an industry's share of customers among known accounts lies behind the others'.
* M-0.3 leading customers are wanted as showcases: how far those on rankings lie behind the other accounts that were worked.
* M-0.4 the whole base is to be moved up: growth of the won amount per customer.

What each could bring (`shortfall`) is the won amount of a period that is missing against the company's own target or its own rate
elsewhere; the chance to be the largest of the four, and above 0, ranks them. Each carries what a next period could show
(`detectable_change`), which makes its stop rule. The reflex behind the wish for key accounts, that small business grows only by heads, is
M-0 (:mod:`growth_by_heads`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from kaanalysis import aggregates
from kaanalysis.analyses import growth_bridge, growth_by_heads
from kaanalysis.analyses.known_accounts import Array, Units, known_accounts, ratio
from kaanalysis.analyses.penetration import (
    behind_columns,
    behind_shortfall,
    beyond_chance,
    coverage,
    industry_gaps,
    judge_industry,
    judge_leading,
    largest_industry,
    leading_numbers,
)
from kaanalysis.analyses.retention import revenue_retention
from kaanalysis.analyses.verdicts import (
    below,
    figures_wanted,
    find_flips,
    number,
    percentile_number,
    share_of_draws,
)
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.results import Finding, Number, Result, no_data
from kaanalysis.stats import Estimate, poisson_sums

ID = "00_problem_framing"
FEEDS = {
    "M-0": growth_by_heads.FEEDS,
    "M-0.1": ("opportunities.amount", "opportunities.closed_at"),
    "M-0.2": ("opportunities.amount", "opportunities.closed_at", "accounts.industry"),
    "M-0.3": ("opportunities.amount", "opportunities.closed_at", "accounts.ranked_on"),
    "M-0.4": ("opportunities.amount", "opportunities.closed_at"),
}
KEYS = {"M-0.1": "base_stalled", "M-0.2": "industry_behind", "M-0.3": "leading_behind", "M-0.4": "value_stalled"}
POWER = 2.8  # 1.96 + 0.84: standard errors that a change must span to be seen with 80 % power at 95 %


# Each shortfall: columns to add up over accounts, and what follows from the sums (draws, columns).


def _base_shortfall(units: Units, target: float) -> tuple[Array, Array]:
    frame = units.frame
    mine = np.ones(len(frame)) if units.base == aggregates.ALL else units.flag(frame["segment"].eq(units.base))
    return np.column_stack([mine * units.column("amount_0"), mine * units.column("amount_1")]), np.array(
        [1 + target, -1.0]
    )


def _value_columns(units: Units) -> Array:
    d0, d1 = units.column("deals_0") > 0, units.column("deals_1") > 0
    return np.column_stack([units.column("amount_0"), units.column("amount_1"), d0, d1]).astype(float)


def _value_shortfall(sums: Array, target: float) -> Array:
    a0, a1, c0, c1 = sums.T
    return c1 * ((1 + target) * ratio(a0, c0) - ratio(a1, c1))


def _shortfall(name: str, point: Array, draws: Array, units: Units, level: float, currency: str) -> Number:
    method = "missing won amount per period, Poisson cluster bootstrap (percentile)"
    return percentile_number("shortfall", name, float(point[0]), draws, level, len(units.frame), currency, method,
                             clusters=units.frame["cluster"].nunique())  # fmt: skip


def _detectable(metric: Number, name: str) -> Number:
    """The smallest change of the metric that a next, equally long period shows with 80 % power: 2.8 standard errors of a difference."""
    value = None
    if metric.low is not None and metric.high is not None:
        value = float(POWER * np.sqrt(2) * (metric.high - metric.low) / (2 * 1.96))
    method = "2.8 standard errors of a difference of two periods"
    return Number("detectable_change", name, value, None, None, None, metric.n, metric.unit, method)


def judge_base(numbers: list[Number], policy: Policy) -> list[Finding]:
    """M-0.1 on the present customer base: the SMB business, or all customers where segments are not known.

    Supported (it has stopped growing) if its growth from period to period surely lies below the stall rate, contradicted if surely
    above. Wrong if two periods do not stand for the trend: a single large contract in one of them shows in the interval."""
    segments = {n.segment for n in numbers}
    base = next(
        n for n in numbers if n.name == "growth_rate" and n.segment == ("SMB" if "SMB" in segments else aggregates.ALL)
    )
    terms = {"segment": base.segment}
    if base.n < policy["evidence.minimum_units"]:
        return [Finding("M-0.1", "base_stalled", "undecided", "too_few", tuple(numbers), terms=terms)]
    state = below(base.low, base.high, policy["growth.stall_rate"])
    return [Finding("M-0.1", "base_stalled", state, f"base_{state}", tuple(numbers), terms=terms)]


def judge_value(numbers: list[Number], policy: Policy) -> list[Finding]:
    """M-0.4: supported if the won amount per customer surely grew by less than the stall rate. Wrong if the customers of the two periods
    are of other kinds: many small new ones lower the value per customer without anybody buying less."""
    growth = next(n for n in numbers if n.name == "value_growth")
    if growth.n < policy["evidence.minimum_units"]:
        return [Finding("M-0.4", "value_stalled", "undecided", "too_few", tuple(numbers))]
    state = below(growth.low, growth.high, policy["growth.stall_rate"])
    return [Finding("M-0.4", "value_stalled", state, f"value_{state}", tuple(numbers))]


def _value_growth(sums: Array, draws: Array, units: Units, policy: Policy) -> Number:
    def growth(s: Array) -> Array:
        a0, a1, c0, c1 = s.T
        before = ratio(a0, c0)
        return np.where(before > 0, ratio(a1, c1) / np.where(before > 0, before, 1.0) - 1, np.nan)

    buyers = units.frame[(units.frame["deals_0"] > 0) | (units.frame["deals_1"] > 0)]
    method = "won amount per customer, Poisson cluster bootstrap (percentile)"
    return percentile_number("value_growth", aggregates.ALL, float(growth(sums)[0]), growth(draws), policy["evidence.level"], len(buyers),
                             "share per period", method, clusters=buyers["cluster"].nunique())  # fmt: skip


@dataclass(frozen=True)
class _Drawn:
    """What the statements count, resampled: customer groups appear a Poisson number of times, the same in all of them."""

    units: Units
    policy: Policy

    def __call__(self, columns: Array) -> tuple[Array, Array]:
        """(sums of the company, sums of every resample) of columns of account values."""
        clusters = self.units.frame["cluster"].to_numpy(object)
        draws, seed = self.policy["evidence.draws"], self.policy["evidence.seed"]
        return columns.sum(axis=0, keepdims=True), poisson_sums(columns, clusters, draws, seed)


def _leading(units: Units) -> tuple[Array, Array]:
    """Flags: accounts on a ranking, and those they are compared with (key accounts where there are any); both sides."""
    keys = units.flag(units.frame["segment"].eq("KA"))
    same = keys if keys.any() else np.ones(len(units.frame))
    return units.flag(units.frame["ranked_on"].notna()) * same, same


def _ranks(
    shortfalls: Mapping[str, tuple[Array, Array]],
    gaps: Mapping[str, Estimate],
    units: Units,
    policy: Policy,
    currency: str,
) -> dict[str, list[Number]]:
    """By statement its shortfall and its chance to be the largest that is one at all (above 0).

    The industry of M-0.2 was picked for its lag, so chance alone makes it look large: its interval is that of all industries at once, and
    in the ranking it counts only as far as industries differ beyond chance."""
    whole = policy["evidence.level"]
    levels = {"M-0.2": min((gap.level for gap in gaps.values()), default=whole)}  # that at which all gaps hold at once
    parts = [sample * (beyond_chance(gaps) if id == "M-0.2" else 1.0) for id, (_, sample) in shortfalls.items()]
    table = np.column_stack(parts)
    largest = np.where(table.max(axis=1) > 0, table.argmax(axis=1), -1)
    method = "share of resamples in which this shortfall is the largest and above 0"
    return {
        id: [
            _shortfall(id, point, sample, units, levels.get(id, whole), currency),
            share_of_draws("p_first", id, largest == place, method),
        ]
        for place, (id, (point, sample)) in enumerate(shortfalls.items())
    }


def _statements(
    company: Company, policy: Policy, units: Units, bridge: list[Number]
) -> tuple[list[Finding], dict[str, pd.DataFrame]]:
    target, drawn, gap_flips = policy["growth.target_rate"], _Drawn(units, policy), ["growth.penetration_gap"]
    columns, weights = _base_shortfall(units, target)
    value = drawn(_value_columns(units))
    pairs: dict[str, Sequence[Array]] = {
        "M-0.1": [s @ weights for s in drawn(columns)],
        "M-0.4": [_value_shortfall(s, target) for s in value],
    }
    gaps = industry_gaps(units, policy) if company.has("accounts.industry") else {}
    industry = largest_industry(units, gaps, policy["growth.penetration_gap"])
    if industry is not None:
        group, known = (units.flag(f) for f in (units.frame["industry"].eq(industry), units.frame["industry"].notna()))
        pairs["M-0.2"] = [behind_shortfall(s) for s in drawn(behind_columns(units, group, known))]
    ranked, same = _leading(units)
    if ranked.any():
        worked = units.flag(units.frame["worked"]) * same
        pairs["M-0.3"] = [behind_shortfall(s) for s in drawn(behind_columns(units, ranked, worked))]
    shared = _ranks({id: (p[0], p[1]) for id, p in pairs.items()}, gaps, units, policy, company.info.currency)

    base = _judged(judge_base, "M-0.1", bridge, shared, policy, ["growth.stall_rate"])
    growth = next(n for n in bridge if n.name == "growth_rate" and n.segment == base.terms["segment"])
    moved = _value_growth(*value, units, policy)
    findings = {"M-0.1": _with(base, [_detectable(growth, "M-0.1")])}
    findings["M-0.2"] = judge_industry(gaps, [], policy)[0]
    if not company.has("accounts.industry"):
        findings["M-0.2"] = no_data("M-0.2", "industry_behind", ["accounts.industry"])
    elif industry is not None:
        gap = number("industry_gap", industry, gaps[industry], "share difference")
        found = [gap, _detectable(gap, "M-0.2")]
        findings["M-0.2"] = _judged(lambda n, p: judge_industry(gaps, n, p), "M-0.2", found, shared, policy, gap_flips)
    findings["M-0.3"] = no_data("M-0.3", "leading_behind", ["accounts.ranked_on"])
    if ranked.any():
        found = leading_numbers(units, ranked, same, policy["evidence.level"])
        found.append(_detectable(found[0], "M-0.3"))
        findings["M-0.3"] = _judged(judge_leading, "M-0.3", found, shared, policy, gap_flips)
    found = [moved, _detectable(moved, "M-0.4")]
    findings["M-0.4"] = _judged(judge_value, "M-0.4", found, shared, policy, ["growth.stall_rate"])
    frames = {"problem_ranking": _ranking(findings)}
    if company.has("accounts.industry"):
        frames["penetration"] = coverage(units, policy["evidence.level"])
    return list(findings.values()), frames


def _ranking(findings: Mapping[str, Finding]) -> pd.DataFrame:
    rows = []
    for id, finding in findings.items():
        missing, first = finding.number("shortfall", id), finding.number("p_first", id)
        if missing is not None and first is not None:
            rows.append((id, finding.state, missing.value, missing.low, missing.high, first.value))
    frame = pd.DataFrame(rows, columns=["statement", "state", "shortfall", "low", "high", "p_first"])
    return frame.sort_values("p_first", ascending=False, ignore_index=True, kind="stable")


def _with(finding: Finding, numbers: list[Number]) -> Finding:
    return replace(finding, numbers=(*finding.numbers, *numbers))


def _judged(
    judge: Callable[[list[Number], Policy], list[Finding]], id: str, numbers: list[Number], shared: dict[str, list[Number]], policy: Policy,
    names: list[str],
) -> Finding:  # fmt: skip
    """The finding of a judge with its flips, and the numbers by which the statements are ranked."""
    finding = judge(numbers, policy)[0]
    flips = find_flips(lambda p: judge(numbers, p), id, policy, names)
    return _with(replace(finding, flips=flips), shared.get(id, []))


def analyse(company: Company, policy: Policy, upstream: Mapping[str, Result]) -> Result:
    """M-0 and M-0.1 to M-0.4. The statements need won amounts with closing dates in the two periods before as_of."""
    result = Result(ID, company.data_hash, policy.hash, str(company.info.as_of), [])
    heads, frames = growth_by_heads.find(company, policy)
    result.findings, result.frames = [heads], frames
    missing = company.missing(*FEEDS["M-0.1"])
    if missing:
        result.findings += [no_data(id, key, missing) for id, key in KEYS.items()]
        return result
    covered = aggregates.history_start(company)
    if covered is None or covered > aggregates.months_before(company.info.as_of, 2 * policy["growth.period_months"]):
        # The earlier period is on record in part or not at all: comparing with it would show growth that is none.
        result.findings += [
            Finding(id, key, "undecided", "history_too_short", needs=("company.observed_from",))
            for id, key in KEYS.items()
        ]
        return result
    accounts = aggregates.growth_by_account(company, policy)
    if accounts.empty:
        result.findings += [
            no_data(id, key, ["opportunities.closed_at"], reason="no_wins_in_periods") for id, key in KEYS.items()
        ]
        return result
    bridge, frame = growth_bridge.measure(accounts, policy, company.info.currency)
    retained: list[Number] = []
    if company.has("subscriptions.monthly_fee"):
        retained, frames["retention"] = revenue_retention(company, policy)
    findings, made = _statements(company, policy, known_accounts(company, policy, accounts), bridge)
    findings[0] = _with(findings[0], retained)
    result.findings += findings
    result.frames |= {"growth_bridge": frame, **made}
    if figures_wanted():
        result.frames["growth_by"] = growth_bridge.by_group(accounts, policy, company.info.currency)
    result.frames = {name: f for name, f in result.frames.items() if len(f)}
    return result
