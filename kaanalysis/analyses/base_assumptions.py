"""01 Base assumptions: do small customers and key accounts differ the way the method assumes?

Four axes, each a file of its own: how many there are (:mod:`market`, M-1.1), how long they stay (:mod:`lifecycle`, M-1.2), what they need
(:mod:`needs`, M-1.3), how they pay (:mod:`spending`, M-1.4). Each finding compares the two businesses; :mod:`assumptions` reads the eight
statements of the method one by one from the same numbers, and how far the two groups overlap (M-1). :mod:`personas` asks
who could be a key account, from outside (M-1.5).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd

from kaanalysis import aggregates
from kaanalysis.analyses import lifecycle, market, needs, personas, spending
from kaanalysis.analyses.assumptions import (
    moves_between_definitions,
    overlap_finding,
    overlap_of_looks,
    principles,
    statements,
)
from kaanalysis.analyses.verdicts import figures_wanted, only_numbers
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.results import Finding, Result, no_data

ID = "01_base_assumptions"
AXES = {"M-1.1": market, "M-1.2": lifecycle, "M-1.3": needs, "M-1.4": spending}
FEEDS = {"M-1": ("accounts.segment",)} | {id: axis.FEEDS for id, axis in AXES.items()} | personas.FEEDS


def find_axes(company: Company, policy: Policy) -> tuple[list[Finding], dict[str, pd.DataFrame]]:
    """M-1 and the findings of the four axes under the policy's definition of a segment, with their frames."""
    looks = overlap_of_looks(company, policy)
    findings, frames = [_overlap(company, policy, looks)], {"looks": looks}
    for axis in AXES.values():
        finding, made = axis.find(company, policy)
        findings.append(finding)
        frames.update(made)
    terms = {"definition": policy["segment.definition"], "version": aggregates.segment_version(policy)}
    return [replace(f, terms={**f.terms, **terms}) for f in findings], frames


def _overlap(company: Company, policy: Policy, looks: pd.DataFrame) -> Finding:
    missing = aggregates.segment_missing(company, policy)
    if missing or looks["segment"].nunique() < 2:
        return no_data("M-1", "two_businesses", missing or aggregates.segment_needs(policy), reason="no_segments")
    return overlap_finding(looks, policy)


def analyse(company: Company, policy: Policy, upstream: Mapping[str, Result]) -> Result:
    """M-1, M-1.1 to M-1.4 and the personas M-1.5a to d. Customers are told apart by the policy's segment definition, its version named in
    the findings' terms."""
    axes, frames = find_axes(company, policy)
    found, made = personas.find(company, policy)
    findings = axes + found
    frames |= made
    frames["statements"] = statements(findings, policy)
    frames["principles"] = principles(frames["statements"])
    if figures_wanted():
        with only_numbers():  # the states alone: flips of a definition not in use are nobody's question
            frames["definitions"] = moves_between_definitions(company, policy, axes, lambda p: find_axes(company, p)[0])
    frames = {name: frame for name, frame in frames.items() if len(frame)}
    return Result(ID, company.data_hash, policy.hash, str(company.info.as_of), findings, frames)
