"""M-2.2: are the interested parties one person or several?

Role-merge index of a deal = 1 − (persons − 1) / (roles − 1): 1 where one person holds every role, 0 where each role has its own
person (contract.md). Several persons in one role cannot take it below 0; a deal with one role and one person is 1. Means per
segment with cluster-bootstrap intervals, customer groups as clusters.

A deal with one role on record says nothing about merging: the index is therefore read twice, over all deals (the contract's) and over
those with two roles or more (`…_known`), and the verdict abstains where the two readings disagree. What the index has to do with winning
is the matter of :mod:`merge_outcome`.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from kaanalysis import aggregates
from kaanalysis.analyses.verdicts import below, clustered_mean, clustered_share, difference_of_means, find_flips, number
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.results import Finding, Number, no_data

FEEDS = ("accounts.segment", "stakeholders.person_id")
Groups = dict[str, pd.DataFrame]


def role_merge_index(persons: np.ndarray, roles: np.ndarray) -> np.ndarray:
    """Role-merge index per deal, 0 (each role its own person) to 1 (one person holds every role); see the module's docstring."""
    persons, roles = np.asarray(persons, dtype=float), np.asarray(roles, dtype=float)
    many = np.divide(persons - 1, roles - 1, out=np.where(persons > 1, 1.0, 0.0), where=roles > 1)
    return np.clip(1 - many, 0, 1)


def _difference(name: str, groups: Groups, policy: Policy) -> Number:
    ka, smb = groups["KA"], groups["SMB"]
    values = np.concatenate([ka["merge"], smb["merge"]]).astype(float)
    is_ka = np.arange(len(values)) < len(ka)
    clusters = np.concatenate([ka["cluster"], smb["cluster"]])
    return number(name, "KA-SMB", difference_of_means(values, is_ka, clusters, policy, "difference of means"), "index")


def judge_merge(numbers: list[Number], units: int, policy: Policy) -> list[Finding]:
    """M-2.2: supported if the index of KA deals lies below that of SMB deals by more than the policy's difference, whether deals with one
    role on record count as merged or are left out. units: deals with two roles or more in the smaller segment.

    Wrong if the gap were chance or a matter of a few customers: then the interval would reach the difference. Wrong too if small customers
    only look merged because nobody wrote down a second role: then the reading without such deals says something else, and it
    abstains."""
    kept, limit = tuple(numbers), -policy["roles.merge_difference"]
    gaps = [n for n in kept if n.name in ("role_merge_difference", "role_merge_difference_known")]
    if units < policy["evidence.minimum_units"]:
        return [Finding("M-2.2", "role_merge", "undecided", "too_few", kept)]
    states = {below(gap.low, gap.high, limit) for gap in gaps}
    if len(states) > 1:
        return [Finding("M-2.2", "role_merge", "undecided", "merge_one_role", kept)]
    state = states.pop()
    return [Finding("M-2.2", "role_merge", state, f"merge_{state}", kept)]


def _measure(groups: Groups, policy: Policy) -> list[Number]:
    numbers = []
    share_of = "share of deals, customer groups as clusters (jackknife)"
    for segment, group in groups.items():
        clusters = group["cluster"].to_numpy()
        numbers.append(
            clustered_mean("role_merge_index", segment, group["merge"].to_numpy(), clusters, policy, "index")
        )
        one = group["roles"].to_numpy() == 1
        numbers.append(clustered_share("one_role_share", segment, one, clusters, policy["evidence.level"], share_of))
        numbers.append(
            clustered_mean("parties_per_deal", segment, group["persons"].to_numpy(), clusters, policy, "persons")
        )
    numbers.append(_difference("role_merge_difference", groups, policy))
    known = {s: g[g["roles"] > 1] for s, g in groups.items()}
    numbers += [
        clustered_mean(
            "role_merge_index_known", s, g["merge"].to_numpy(), g["cluster"].to_numpy(), policy, "index"
        )
        for s, g in known.items()
        if len(g)
    ]  # fmt: skip
    if all(len(g) for g in known.values()):
        numbers.append(_difference("role_merge_difference_known", known, policy))
    return numbers


def find(company: Company, policy: Policy, deals: pd.DataFrame | None) -> tuple[Finding, dict[str, pd.DataFrame]]:
    """The finding M-2.2; frame `role_merge` (segment, persons, roles, deals, index). deals: parties by deal with the index `merge`, None
    where nobody is recorded."""
    if deals is None:
        return no_data("M-2.2", "role_merge", ["stakeholders.person_id", "stakeholders.role"]), {}
    groups = {s: deals[deals["segment"] == s] for s in ("SMB", "KA")}
    if any(g.empty for g in groups.values()):
        everything = (aggregates.ALL, deals["merge"].to_numpy(), deals["cluster"].to_numpy())
        numbers = [clustered_mean("role_merge_index", *everything, policy, "index")] if len(deals) else []
        return no_data(
            "M-2.2",
            "role_merge",
            aggregates.segment_missing(company, policy) or aggregates.segment_needs(policy),
            numbers,
            "no_segments",
        ), {}
    numbers = _measure(groups, policy)
    units = min(int((g["roles"] > 1).sum()) for g in groups.values())
    finding = judge_merge(numbers, units, policy)[0]
    flips = find_flips(lambda p: judge_merge(numbers, units, p), "M-2.2", policy, ["roles.merge_difference"])
    frame = deals.groupby(["segment", "persons", "roles"], as_index=False).size().rename(columns={"size": "deals"})
    return replace(finding, flips=flips), {
        "role_merge": frame.assign(index=role_merge_index(frame["persons"].to_numpy(), frame["roles"].to_numpy()))
    }
