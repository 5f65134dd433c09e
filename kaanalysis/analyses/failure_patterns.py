"""05 Failure patterns: the health check of a running KA programme (M-A to M-F), and the four conflicts behind what is found (M-X1 to M-X4).

Each pattern is a small set of signs that must occur together (one module each); all are judged as a family (:mod:`pattern_family`), on
what is known today and, for the lead time, on what was known at the end of every month since the launch (:mod:`early_warning`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import pandas as pd

from kaanalysis import aggregates
from kaanalysis.aggregates.patterns import known_at, pattern_deals
from kaanalysis.analyses import (
    change_log,
    channel_conflict,
    collision_ledger,
    conflicts,
    early_warning,
    hatching,
    rival_team,
    shortfall,
    siphon,
    starved_product,
)
from kaanalysis.analyses.look_next import look_next
from kaanalysis.analyses.pattern_family import Member, judge, presences, signs_frame
from kaanalysis.analyses.timelines import timelines
from kaanalysis.analyses.verdicts import figures_wanted, find_flips
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.results import Finding, Number, Result

ID = "05_failure_patterns"
PATTERNS: tuple[ModuleType, ...] = (hatching, channel_conflict, rival_team, siphon, starved_product, shortfall)
LAUNCH = "company.ka_launch"
FEEDS = {m.ID: m.FEEDS for m in PATTERNS} | conflicts.FEEDS
# What the won amount by month and motion is read from.
MONTHLY = (
    "opportunities.team",
    "opportunities.amount",
    "opportunities.closed_at",
    "opportunities.outcome",
    "teams.motion",
)
FLIP_POINTS = 8  # places at which a policy value is tried: every one measures the signs anew


@dataclass(frozen=True)
class Evidence:
    """All that the health check reads, gathered once. gathered: by pattern, what its module gathered; lacking: by pattern or conflict that
    cannot be measured at all, the tables and columns missing; deals: all of them; log: the change log; sales: the result of 03
    (None: not there)."""

    gathered: Mapping[str, Any]
    lacking: Mapping[str, tuple[str, ...]]
    deals: pd.DataFrame
    log: change_log.ChangeLog
    sales: Result | None


def gather(company: Company, policy: Policy, sales: Result | None) -> Evidence:
    """Everything once. A pattern without the columns that it cannot do without is not gathered."""
    lacking = {id: tuple(company.missing(*feeds)) for id, feeds in FEEDS.items()}
    if company.has("teams.motion") and not aggregates.has_key_account_team(company):
        # Nobody to check the health of; what partners do can be seen all the same.
        lacking |= {id: ("teams.motion",) for id in lacking if id != channel_conflict.ID and not lacking[id]}
    gathered = {m.ID: m.gather(company, policy) for m in PATTERNS if not lacking[m.ID]}
    return Evidence(
        gathered, {k: v for k, v in lacking.items() if v}, pattern_deals(company, policy), change_log.gather(company, policy), sales
    )  # fmt: skip


@dataclass(frozen=True)
class Families:
    """What is judged together: the patterns, and the conflicts behind them."""

    patterns: list[Member]
    conflicts: list[Member]

    @property
    def members(self) -> list[Member]:
        return [*self.patterns, *self.conflicts]

    def judge(self, policy: Policy) -> list[Finding]:
        return [*judge(self.patterns, policy), *judge(self.conflicts, policy)]


def families(evidence: Evidence, cut: dt.date, policy: Policy) -> Families:
    """Patterns and conflicts with their signs as known on day `cut`."""
    signs = {m.ID: m.signs(evidence.gathered[m.ID], cut, policy) for m in PATTERNS if m.ID in evidence.gathered}
    patterns = [
        Member(
            m.ID,
            m.KEY,
            tuple(signs.get(m.ID, ())),
            policy[f"{m.KEY}.signs"],
            evidence.lacking.get(m.ID, ()),
            getattr(m, "REQUIRED", ()),
        )
        for m in PATTERNS
    ]
    own = [
        conflicts.team_fit(evidence.sales, policy),
        conflicts.winless_sellers(known_at(evidence.deals, cut), cut, policy),
        *change_log.signs(evidence.log, cut, policy),
    ]
    named = conflicts.by_name([*signs.values(), own])
    return Families(patterns, conflicts.conflict_members(named, evidence.lacking, policy))


def _flips(evidence: Evidence, cut: dt.date, policy: Policy, now: Families, finding: Finding) -> Finding:
    """The finding with the policy values at which its state changes: how many signs must be there, and its pattern's own margins. The
    other patterns' signs stay as they are."""
    if finding.state == "no_data":
        return finding
    module = next((m for m in PATTERNS if finding.id == m.ID), None)
    family = now.patterns if module is not None else now.conflicts

    def by_count(p: Policy) -> list[Finding]:
        return judge([replace(m, at_least=p[f"{m.key}.signs"]) for m in family], p)

    flips = find_flips(by_count, finding.id, policy, [f"{finding.key}.signs"])
    if module is not None:
        gathered, measure = evidence.gathered[finding.id], module.signs

        def by_margin(p: Policy) -> list[Finding]:
            return judge(
                [m if m.id != finding.id else replace(m, signs=tuple(measure(gathered, cut, p))) for m in family], p
            )

        flips += find_flips(by_margin, finding.id, policy, module.FLIPS, points=FLIP_POINTS)
    return replace(finding, flips=flips)


def analyse(company: Company, policy: Policy, upstream: Mapping[str, Result]) -> Result:
    """M-A to M-F and M-X1 to M-X4, with the evidence behind them. Reads of 03 the team's fit (M-X1)."""
    result = Result(ID, company.data_hash, policy.hash, str(company.info.as_of), [])
    as_of = company.info.as_of
    evidence = gather(company, policy, upstream.get("03_sales_flow"))
    now = families(evidence, as_of, policy)
    findings = now.judge(policy)
    # An alarm that does not stand today has no lead time: without one there is nothing to replay but for the figure.
    alarmed = any(f.state == "supported" for f in findings)
    warned = replayed(company, policy, evidence) if alarmed or figures_wanted() else (_no_replay(), _no_replay())
    findings = [_with_lead(f, pd.concat(warned, ignore_index=True), company, policy) for f in findings]
    findings = [_with_own_numbers(f, evidence, policy) for f in findings]
    result.findings = [_flips(evidence, as_of, policy, now, f) for f in findings]
    if figures_wanted():
        result.frames = _frames(company, policy, evidence, now, warned[0], findings)
    return result


def replayed(company: Company, policy: Policy, evidence: Evidence) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The patterns, and the conflicts, judged as of the end of every month since the launch, each with the total revenue beside them
    (:func:`kaanalysis.analyses.early_warning.early_warning`); empty where nothing can be judged."""
    launch = company.info.ka_launch
    if launch is None or not evidence.gathered:
        return _no_replay(), _no_replay()
    known: dict[dt.date, Families] = {}

    def at(cut: dt.date) -> Families:
        if cut not in known:
            known[cut] = families(evidence, cut, policy)
        return known[cut]

    begun, as_of = aggregates.history_start(company), company.info.as_of
    patterns, conflicting = (
        early_warning.early_warning(p_at, evidence.deals, begun, launch, as_of, policy)
        for p_at in (lambda cut: presences(at(cut).patterns), lambda cut: presences(at(cut).conflicts))
    )
    return patterns, conflicting


def _no_replay() -> pd.DataFrame:
    return pd.DataFrame(columns=["month", "pattern", "p_adjusted", "state", "holds"])


def _with_own_numbers(finding: Finding, evidence: Evidence, policy: Policy) -> Finding:
    """M-C with the disputes that the handover explains; M-D with the money behind it, the revenue bridge; M-X4 with the months of
    preparation that the change log shows."""
    own: list[Number] = []
    if finding.state == "no_data":
        return finding
    if finding.id == siphon.ID:
        own = siphon.numbers(evidence.gathered[siphon.ID], policy)
        increment = next((n for n in own if n.name == "net_increment"), None)
        if finding.state == "supported" and increment is not None and increment.low is not None and increment.low > 0:
            # Signs of a siphon, and yet the company surely won more than the other teams lost: no left hand to right hand.
            finding = replace(finding, state="undecided", reason="siphon_increment")
    if finding.id == rival_team.ID:
        own, terms = rival_team.explained(evidence.gathered[rival_team.ID], policy)
        finding = replace(finding, terms={**finding.terms, **terms})
    if finding.id == "M-X4":
        own = [n for n in [change_log.preparation(evidence.log)] if n.value is not None]
    return replace(finding, numbers=(*finding.numbers, *own))


def _with_lead(finding: Finding, warned: pd.DataFrame, company: Company, policy: Policy) -> Finding:
    """The finding with its lead_months after score and p_adjusted."""
    launch, as_of = company.info.ka_launch, company.info.as_of
    if finding.state == "no_data" or launch is None or finding.number("p_adjusted") is None:
        return finding
    lead = early_warning.lead_months(warned, finding.id, as_of)
    lead = replace(lead, n=len(early_warning.cuts(launch, as_of, policy)))
    return replace(finding, numbers=(*finding.numbers[:2], lead, *finding.numbers[2:]))


def _frames(
    company: Company, policy: Policy, evidence: Evidence, now: Families, warned: pd.DataFrame, findings: list[Finding]
) -> dict[str, pd.DataFrame]:
    frames = {"signs": signs_frame(now.members), "early_warning": warned, **change_log.frames(evidence.log, policy)}
    parts = []
    for module in PATTERNS:
        if module.ID in evidence.gathered:
            made = module.frames(evidence.gathered[module.ID], policy)
            if "timeline" in made:
                parts.append(made.pop("timeline").assign(pattern=module.ID))
            frames |= made
    if parts:
        frames["timeline"] = pd.concat(parts, ignore_index=True)
        frames["timelines"] = timelines(frames, company.info.currency)
    if not company.missing(*MONTHLY):
        frames["monthly_revenue"] = aggregates.monthly_revenue_by_motion(company)
    ledger = collision_ledger.collision_ledger(company, policy)
    if ledger is not None:
        frames |= ledger.frames()
    frames["look_next"] = look_next(findings)
    return {name: frame for name, frame in frames.items() if len(frame)}
