"""M-2.2: are the interested parties one person or several?

Role-merge index of a deal = 1 − (persons − 1) / (roles − 1): 1 where one person holds every role, 0 where each role has its own
person (contract.md). Several persons in one role cannot take it below 0; a deal with one role and one person is 1. Means per
segment with cluster-bootstrap intervals, customer groups as clusters.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from kaanalysis import aggregates
from kaanalysis.analyses.verdicts import below, clustered_mean, clustered_share, find_flips, number
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.results import Finding, Number, no_data
from kaanalysis.stats import bootstrap

FEEDS = ("accounts.segment", "stakeholders.person_id")


def role_merge_index(persons: np.ndarray, roles: np.ndarray) -> np.ndarray:
    """Role-merge index per deal, 0 (each role its own person) to 1 (one person holds every role); see the module's docstring."""
    persons, roles = np.asarray(persons, dtype=float), np.asarray(roles, dtype=float)
    many = np.divide(persons - 1, roles - 1, out=np.where(persons > 1, 1.0, 0.0), where=roles > 1)
    return np.clip(1 - many, 0, 1)


def _difference(ka: pd.DataFrame, smb: pd.DataFrame, policy: Policy) -> Number:
    values = np.concatenate([ka["merge"], smb["merge"]]).astype(float)
    is_ka = np.arange(len(values)) < len(ka)
    clusters = np.concatenate([ka["cluster"], smb["cluster"]])

    def statistic(weights: np.ndarray) -> np.ndarray:
        w = weights.astype(float)
        with np.errstate(invalid="ignore"):
            return (w[:, is_ka] @ values[is_ka]) / w[:, is_ka].sum(axis=1) - (w[:, ~is_ka] @ values[~is_ka]) / w[
                :, ~is_ka
            ].sum(axis=1)

    estimate = bootstrap(
        statistic,
        clusters,
        draws=policy["evidence.draws"],
        seed=policy["evidence.seed"],
        level=policy["evidence.level"],
        method="difference of means",
    )
    return number("role_merge_difference", "KA-SMB", estimate, "index")


def judge_merge(numbers: list[Number], units: int, policy: Policy) -> list[Finding]:
    """M-2.2: supported if the index of KA deals lies below that of SMB deals by more than the policy's difference.

    Wrong if the gap were chance or a matter of a few customers: then the interval would reach the difference."""
    gap = next(n for n in numbers if n.name == "role_merge_difference")
    if units < policy["evidence.minimum_units"]:
        return [Finding("M-2.2", "role_merge", "undecided", "too_few", tuple(numbers))]
    state = below(gap.low, gap.high, -policy["roles.merge_difference"])
    return [Finding("M-2.2", "role_merge", state, f"merge_{state}", tuple(numbers))]


def find(company: Company, policy: Policy, deals: pd.DataFrame | None) -> tuple[Finding, dict[str, pd.DataFrame]]:
    """The finding M-2.2; frame `role_merge` (segment, persons, roles, deals, index). deals: parties by deal with the index `merge`, None
    where nobody is recorded."""
    if deals is None:
        return no_data("M-2.2", "role_merge", ["stakeholders.person_id", "stakeholders.role"]), {}
    groups = {s: deals[deals["segment"] == s] for s in ("SMB", "KA")}
    if any(g.empty for g in groups.values()):
        numbers = (
            [
                clustered_mean(
                    "role_merge_index",
                    aggregates.ALL,
                    deals["merge"].to_numpy(),
                    deals["cluster"].to_numpy(),
                    policy,
                    "index",
                )
            ]
            if len(deals)
            else []
        )
        return no_data(
            "M-2.2",
            "role_merge",
            aggregates.segment_missing(company, policy) or aggregates.segment_needs(policy),
            numbers,
            "no_segments",
        ), {}
    numbers = []
    for segment, group in groups.items():
        clusters = group["cluster"].to_numpy()
        numbers.append(
            clustered_mean("role_merge_index", segment, group["merge"].to_numpy(), clusters, policy, "index")
        )
        share = clustered_share(
            "one_role_share",
            segment,
            group["roles"].to_numpy() == 1,
            clusters,
            policy["evidence.level"],
            "share of deals, customer groups as clusters (jackknife)",
        )
        numbers.append(share)
        numbers.append(
            clustered_mean("parties_per_deal", segment, group["persons"].to_numpy(), clusters, policy, "persons")
        )
    numbers.append(_difference(groups["KA"], groups["SMB"], policy))
    units = min(len(g) for g in groups.values())
    finding = judge_merge(numbers, units, policy)[0]
    flips = find_flips(lambda p: judge_merge(numbers, units, p), "M-2.2", policy, ["roles.merge_difference"])
    frame = deals.groupby(["segment", "persons", "roles"], as_index=False).size().rename(columns={"size": "deals"})
    return replace(finding, flips=flips), {
        "role_merge": frame.assign(index=role_merge_index(frame["persons"].to_numpy(), frame["roles"].to_numpy()))
    }
