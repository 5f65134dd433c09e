"""00 Problem framing: which of the four problem statements do the company's own numbers support (M-0.1 to M-0.4)?

Growth from one period to the next is taken apart exactly (:mod:`growth_bridge`), and each statement is bound to one number of it:

* M-0.1 the present customer base has stopped growing: growth of small customers' won amount, new and existing ones.
* M-0.2 one industry is to be worked deeper: how far an industry's share of customers among known accounts lies behind the others' of the
  same segment (:mod:`penetration`).
* M-0.3 leading customers are wanted as showcases: how far those on rankings lie behind the other accounts in the company's own register.
* M-0.4 the whole base is to be moved up: growth of the won amount per customer with the mix of segments held (:mod:`value_per_customer`).

What each could bring (`shortfall`) is the won amount of a period that is missing against the company's own target or its own rate
elsewhere; the chance to be the largest of the four, and above 0, ranks them. Each that is not contradicted carries its stop rule
(:mod:`stop_rules`). The reflex behind the wish for key accounts, that small business grows only by heads, is M-0
(:mod:`growth_by_heads`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from kaanalysis import aggregates
from kaanalysis.analyses import growth_bridge, growth_by_heads
from kaanalysis.analyses.customer_counts import customer_counts
from kaanalysis.analyses.known_accounts import Array, Units, known_accounts
from kaanalysis.analyses.penetration import (
    as_far_as_it_counts,
    behind_columns,
    behind_shortfall,
    counting,
    coverage,
    industry_gaps,
    judge_industry,
    judge_leading,
    key_account_numbers,
    largest_industry,
    leading_numbers,
    missing_by_industry,
)
from kaanalysis.analyses.retention import revenue_retention
from kaanalysis.analyses.stop_rules import Periods, stop_rule
from kaanalysis.analyses.value_per_customer import (
    judge_value,
    parts_of,
    value_columns,
    value_numbers,
    value_shortfall,
)
from kaanalysis.analyses.verdicts import (
    above,
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
from kaanalysis.stats import poisson_sums

ID = "00_problem_framing"
FEEDS = {
    "M-0": growth_by_heads.FEEDS,
    "M-0.1": ("opportunities.amount", "opportunities.closed_at"),
    "M-0.2": ("opportunities.amount", "opportunities.closed_at", "accounts.industry"),
    "M-0.3": ("opportunities.amount", "opportunities.closed_at", "accounts.ranked_on"),
    "M-0.4": ("opportunities.amount", "opportunities.closed_at"),
}
KEYS = {"M-0.1": "base_stalled", "M-0.2": "industry_behind", "M-0.3": "leading_behind", "M-0.4": "value_stalled"}
NOBODY = "none"  # in the ranking: no statement misses anything


# Each shortfall: columns to add up over accounts, and what follows from the sums (draws, columns).


def _base_shortfall(units: Units, target: float) -> tuple[Array, Array]:
    frame = units.frame
    mine = np.ones(len(frame)) if units.base == aggregates.ALL else units.flag(frame["segment"].eq(units.base))
    return np.column_stack([mine * units.column("amount_0"), mine * units.column("amount_1")]), np.array(
        [1 + target, -1.0]
    )


def _shortfall(name: str, point: Array, draws: Array, units: Units, level: float, currency: str) -> Number:
    method = "missing won amount per period, Poisson cluster bootstrap (percentile)"
    return percentile_number("shortfall", name, float(point[0]), draws, level, len(units.frame), currency, method,
                             clusters=units.frame["cluster"].nunique())  # fmt: skip


def judge_base(numbers: list[Number], policy: Policy) -> list[Finding]:
    """M-0.1 on the small business, new and existing customers: SMB, or all customers where segments are not known.

    Supported (it has stopped growing) if its growth from period to period surely lies below the stall rate, contradicted if surely
    above. Wrong if two periods do not stand for the trend: a single large contract in one of them shows in the interval. Terms beside the
    segment say which sentences go with it: of the whole company against the target, and of what the customers of a period ago still pay."""
    segments = {n.segment for n in numbers}
    rates = {n.segment: n for n in numbers if n.name == "growth_rate"}
    base, whole = rates["SMB" if "SMB" in segments else aggregates.ALL], rates[aggregates.ALL]
    found = above(whole.low, whole.high, policy["growth.target_rate"])
    terms = {"segment": base.segment, "whole": {"supported": "above", "contradicted": "short"}.get(found, "open")}
    terms |= {"share": "shown" if any(n.name == "won_share" for n in numbers) else "", "missing": "shown"}
    net = next((n for n in numbers if n.name == "net_revenue_retention" and n.segment == base.segment), None)
    if net is not None and net.value is not None:
        terms["kept"] = {"supported": "shrinks", "contradicted": "grows"}.get(below(net.low, net.high, 1.0), "open")
    if base.n < policy["evidence.minimum_units"]:
        return [Finding("M-0.1", "base_stalled", "undecided", "too_few", tuple(numbers), terms=terms)]
    state = below(base.low, base.high, policy["growth.stall_rate"])
    return [Finding("M-0.1", "base_stalled", state, f"base_{state}", tuple(numbers), terms=terms)]


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


@dataclass(frozen=True)
class _Missing:
    """What a statement misses in a period: value, resamples, the level of its interval; value and resamples as far as they count."""

    value: float
    sample: Array
    level: float
    counted: float
    counted_sample: Array


def _ranks(
    missing: Mapping[str, _Missing], units: Units, currency: str
) -> tuple[dict[str, list[Number]], pd.DataFrame]:
    """By statement its shortfall and its chance to be the largest that is one at all (above 0); and the ranking as a frame: statement
    (`none`: that none misses anything), shortfall, low, high, level, counted (as far as it counts), p_first.

    The industry of M-0.2 was picked for its lag, so chance alone makes it look large: its interval is that of all industries at once, and
    in the ranking it counts only as far as industries differ beyond chance."""
    table = np.column_stack([m.counted_sample for m in missing.values()])
    largest = np.where(table.max(axis=1) > 0, table.argmax(axis=1), -1)
    method = "share of resamples in which this shortfall is the largest and above 0"
    numbers: dict[str, list[Number]] = {}
    rows: list[tuple[object, ...]] = []
    for place, (id, m) in enumerate(missing.items()):
        lack = _shortfall(id, np.array([m.value]), m.sample, units, m.level, currency)
        first = share_of_draws("p_first", id, largest == place, method)
        numbers[id] = [lack, first]
        rows.append((id, lack.value, lack.low, lack.high, lack.level, m.counted, first.value))
    rows.append((NOBODY, None, None, None, None, None, float((largest == -1).mean())))
    columns = ["statement", "shortfall", "low", "high", "level", "counted", "p_first"]
    return numbers, pd.DataFrame(rows, columns=columns)


def _statements(
    company: Company, policy: Policy, units: Units, bridge: list[Number]
) -> tuple[list[Finding], dict[str, pd.DataFrame]]:
    target, drawn, gap_flips = policy["growth.target_rate"], _Drawn(units, policy), ["growth.penetration_gap"]
    whole, least = policy["evidence.level"], policy["growth.penetration_gap"]
    missing: dict[str, _Missing] = {}

    def plain(id: str, sums: tuple[Array, Array], lack: Callable[[Array], Array]) -> None:
        value, sample = float(lack(sums[0])[0]), lack(sums[1])
        missing[id] = _Missing(value, sample, whole, value, sample)

    columns, weights = _base_shortfall(units, target)
    plain("M-0.1", drawn(columns), lambda s: s @ weights)
    value = drawn(value_columns(units))
    plain("M-0.4", value, lambda s: value_shortfall(parts_of(s), target))
    gaps = industry_gaps(units, policy) if company.has("accounts.industry") else {}
    industry = largest_industry(missing_by_industry(units, gaps), gaps, least)
    if industry is not None:
        group, known = (units.flag(f) for f in (units.frame["industry"].eq(industry), units.frame["industry"].notna()))
        point, sample = (behind_shortfall(s) for s in drawn(behind_columns(units, group, known)))
        counted = as_far_as_it_counts(point, sample, counting(units, policy))
        missing["M-0.2"] = _Missing(float(point.sum()), sample.sum(axis=1), gaps[industry].level, *counted)
    ranked, same = _leading(units)
    if ranked.any():
        worked = units.flag(units.frame["worked"]) * same
        plain("M-0.3", drawn(behind_columns(units, ranked, worked)), lambda s: behind_shortfall(s).sum(axis=1))
    shared, ranking = _ranks(missing, units, company.info.currency)

    base = _judged(judge_base, "M-0.1", bridge, shared, policy, ["growth.stall_rate"])
    growth = next(n for n in bridge if n.name == "growth_rate" and n.segment == base.terms["segment"])
    findings = {"M-0.1": _stopped(base, growth, target, policy)}
    findings["M-0.2"] = judge_industry(gaps, [], policy)[0]
    if not company.has("accounts.industry"):
        findings["M-0.2"] = no_data("M-0.2", "industry_behind", ["accounts.industry"])
    elif industry is not None:
        gap = number("industry_gap", industry, gaps[industry], "share difference")
        found = [gap, *key_account_numbers(units, policy)]
        judged = _judged(lambda n, p: judge_industry(gaps, n, p), "M-0.2", found, shared, policy, gap_flips)
        findings["M-0.2"] = _stopped(judged, gap, max(gap.value or 0.0, least), policy)
    findings["M-0.3"] = no_data("M-0.3", "leading_behind", ["accounts.ranked_on"])
    if ranked.any():
        found = leading_numbers(units, ranked, same, whole)
        who = "KA" if units.frame["segment"].eq("KA").any() else aggregates.ALL
        judged = _judged(lambda n, p: judge_leading(n, p, who), "M-0.3", found, shared, policy, gap_flips)
        findings["M-0.3"] = _stopped(judged, found[0], max(-(found[0].value or 0.0), least), policy)
    found = value_numbers(*value, units, policy)
    judged = _judged(judge_value, "M-0.4", found, shared, policy, ["growth.stall_rate"])
    findings["M-0.4"] = _stopped(judged, found[0], target, policy)
    states = {id: f.state for id, f in findings.items()}
    ranking = ranking.assign(state=ranking["statement"].map(states))
    frames = {"problem_ranking": ranking.sort_values("p_first", ascending=False, ignore_index=True, kind="stable")}
    if company.has("accounts.industry"):
        frames["penetration"] = coverage(units, whole)
    days = Periods.before(company.info.as_of, policy["growth.period_months"]).terms()
    return [replace(f, terms={**f.terms, **days}) if f.numbers else f for f in findings.values()], frames


def _stopped(finding: Finding, metric: Number, wanted: float, policy: Policy) -> Finding:
    numbers, terms = stop_rule(finding, metric, wanted, policy)
    return replace(_with(finding, numbers), terms={**finding.terms, **terms})


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
    rate = policy["growth.target_rate"]
    target = Number(
        "growth_target", aggregates.ALL, rate, None, None, None, len(accounts), "share per period", "policy"
    )
    fees = None
    if company.has("subscriptions.monthly_fee"):
        kept, frames["retention"] = revenue_retention(company, policy)
        fees, bridge = aggregates.recurring_fees(company, policy), [*bridge, *kept]
    units = known_accounts(company, policy, accounts)
    findings, made = _statements(company, policy, units, [*bridge, target])
    result.findings += findings
    result.frames |= {"growth_bridge": frame, "customer_counts": customer_counts(units, fees), **made}
    if figures_wanted():
        result.frames["growth_by"] = growth_bridge.by_group(accounts, policy, company.info.currency)
    result.frames = {name: f for name, f in result.frames.items() if len(f)}
    return result
