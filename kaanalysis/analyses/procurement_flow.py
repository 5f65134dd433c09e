"""02 Procurement flow: are the interested parties one person or several (M-2.2), how do they take part (M-2.3), and how does the
process run?

M-2.2 role-merge index of a deal = 1 − (persons − 1) / (roles − 1): 1 where one person holds every role, 0 where each role has its own
person (contract.md). Several persons in one role cannot take it below 0; a deal with one role and one person is 1. Means per
segment with cluster-bootstrap intervals, customer groups as clusters. M-2.3 parties per deal by part. The process itself is read
from the transitions table: steps, directly-follows pairs, durations.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from kaanalysis import aggregates
from kaanalysis.analyses.verdicts import below, clustered_share, figures_wanted, find_flips, number
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.results import Finding, Number, Result, State, no_data
from kaanalysis.stats import bootstrap, median_interval

ID = "02_procurement_flow"
FEEDS = {"M-2.2": ("accounts.segment", "stakeholders.person_id"), "M-2.3": ("stakeholders.part|buying_steps.part",)}
PARTS = ("approve", "inform", "influence")


def role_merge_index(persons: np.ndarray, roles: np.ndarray) -> np.ndarray:
    """Role-merge index per deal, 0 (each role its own person) to 1 (one person holds every role); see the module's docstring."""
    persons, roles = np.asarray(persons, dtype=float), np.asarray(roles, dtype=float)
    many = np.divide(persons - 1, roles - 1, out=np.where(persons > 1, 1.0, 0.0), where=roles > 1)
    return np.clip(1 - many, 0, 1)


def _mean(name: str, segment: str, values: np.ndarray, clusters: np.ndarray, policy: Policy, unit: str) -> Number:
    values = np.asarray(values, dtype=float)
    estimate = bootstrap(
        lambda w: (w @ values) / np.maximum(w.sum(axis=1), 1), clusters, draws=policy["evidence.draws"], seed=policy["evidence.seed"],
        level=policy["evidence.level"], method="mean",
    )  # fmt: skip
    return number(name, segment, estimate, unit)


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


def _merge(company: Company, policy: Policy, deals: pd.DataFrame | None) -> tuple[Finding, dict[str, pd.DataFrame]]:
    if deals is None:
        return no_data("M-2.2", "role_merge", ["stakeholders.person_id", "stakeholders.role"]), {}
    groups = {s: deals[deals["segment"] == s] for s in ("SMB", "KA")}
    if any(g.empty for g in groups.values()):
        numbers = (
            [
                _mean(
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
        numbers.append(_mean("role_merge_index", segment, group["merge"].to_numpy(), clusters, policy, "index"))
        share = clustered_share(
            "one_role_share",
            segment,
            group["roles"].to_numpy() == 1,
            clusters,
            policy["evidence.level"],
            "share of deals, customer groups as clusters (jackknife)",
        )
        numbers.append(share)
        numbers.append(_mean("parties_per_deal", segment, group["persons"].to_numpy(), clusters, policy, "persons"))
    numbers.append(_difference(groups["KA"], groups["SMB"], policy))
    units = min(len(g) for g in groups.values())
    finding = judge_merge(numbers, units, policy)[0]
    flips = find_flips(lambda p: judge_merge(numbers, units, p), "M-2.2", policy, ["roles.merge_difference"])
    frame = deals.groupby(["segment", "persons", "roles"], as_index=False).size().rename(columns={"size": "deals"})
    return replace(finding, flips=flips), {
        "role_merge": frame.assign(index=role_merge_index(frame["persons"].to_numpy(), frame["roles"].to_numpy()))
    }


def _presence(frame: pd.DataFrame, segment: str, policy: Policy) -> list[Number]:
    clusters, level = frame["cluster"].to_numpy(), policy["evidence.level"]
    method = "share of deals, customer groups as clusters (jackknife)"
    return [
        clustered_share(f"{part}_share", segment, frame[part].to_numpy() > 0, clusters, level, method) for part in PARTS
    ]


def _unmet(group: pd.DataFrame, segment: str, policy: Policy) -> Number:
    """Persons known but never met, over closed deals: in an open one they may yet be met."""
    closed = group[group["closed"].astype(bool)]
    return _mean("parties_unmet", segment, closed["unmet"].to_numpy(), closed["cluster"].to_numpy(), policy, "persons")


def judge_kinds(numbers: list[Number], segment: str, units: int, policy: Policy) -> list[Finding]:
    """M-2.3: supported if each of approving, being informed and influencing occurs in more than `roles.presence_share` of KA deals.

    Wrong if one of the three were rare: then its interval would reach below that share."""
    states: list[State] = []
    for part in PARTS:
        share = next(n for n in numbers if n.name == f"{part}_share" and n.segment == segment)
        low, high = share.low, share.high
        limit = policy["roles.presence_share"]
        states.append(
            "undecided"
            if low is None or high is None
            else "supported"
            if low > limit
            else "contradicted"
            if high < limit
            else "undecided"
        )
    if units < policy["evidence.minimum_units"]:
        return [Finding("M-2.3", "node_kinds", "undecided", "too_few", tuple(numbers))]
    state: State = (
        "contradicted" if "contradicted" in states else "supported" if set(states) == {"supported"} else "undecided"
    )
    return [Finding("M-2.3", "node_kinds", state, f"kinds_{state}", tuple(numbers))]


def _kinds(
    company: Company, policy: Policy, deals: pd.DataFrame | None, moves_there: bool
) -> tuple[Finding, dict[str, pd.DataFrame]]:
    if deals is None:
        if not moves_there:
            return no_data("M-2.3", "node_kinds", ["stakeholders.part", "buying_steps.part"]), {}
        # A log shows who acted in the process. Who was only told, or had a say outside it, leaves no trace there.
        flows = aggregates.parties_by_flow(company)
        numbers = []
        for kind, group in flows.groupby(flows["category"].fillna(aggregates.ALL)):
            own = group["flow_id"].to_numpy()
            numbers += [
                _mean(f"{p}_parties", str(kind), group[p].to_numpy(), own, policy, "parties")
                for p in PARTS
                if group[p].any()
            ]
        needs = ("stakeholders.part",)
        return Finding("M-2.3", "node_kinds", "undecided", "log_only", tuple(numbers), (), needs), {
            "parties_by_flow": flows
        }
    numbers = []
    for segment in [s for s in ("SMB", "KA") if (deals["segment"] == s).any()] or [aggregates.ALL]:
        group = deals if segment == aggregates.ALL else deals[deals["segment"] == segment]
        clusters = group["cluster"].to_numpy()
        numbers += [_mean(f"{p}_parties", segment, group[p].to_numpy(), clusters, policy, "persons") for p in PARTS]
        if company.has("stakeholders.engaged_at"):
            numbers.append(_unmet(group, segment, policy))
        numbers += _presence(group, segment, policy)
    units = int((deals["segment"] == "KA").sum())
    if not units:
        return no_data(
            "M-2.3",
            "node_kinds",
            aggregates.segment_missing(company, policy) or aggregates.segment_needs(policy),
            numbers,
            "no_segments",
        ), {}
    finding = judge_kinds(numbers, "KA", units, policy)[0]
    flips = find_flips(lambda p: judge_kinds(numbers, "KA", units, p), "M-2.3", policy, ["roles.presence_share"])
    return replace(finding, flips=flips), {}


def _process(company: Company, policy: Policy) -> dict[str, pd.DataFrame]:
    """The directly-follows map, its nodes, and the duration of flows by kind."""
    moves = aggregates.materialised(company, "transitions", aggregates.transitions(company, policy))
    durations = aggregates.flow_durations(moves)
    rows = []
    for kind, group in durations.groupby("kind"):
        median = median_interval(group["days"].to_numpy(), policy["evidence.level"])
        rows.append((kind, len(group), int(group["events"].sum()), median.value, median.low, median.high))
    summary = pd.DataFrame(rows, columns=["kind", "flows", "events", "median_days", "low", "high"])
    maps = {}
    if figures_wanted():
        maps = {"directly_follows": aggregates.directly_follows(moves), "buying_nodes": aggregates.buying_nodes(moves)}
    return {**maps, "flow_durations": summary}


def analyse(company: Company, policy: Policy, upstream: Mapping[str, Result]) -> Result:
    """M-2.2, M-2.3 and the directly-follows map of the buying process."""
    deals = None
    if not company.missing("stakeholders.person_id", "stakeholders.role", "stakeholders.part"):
        deals = aggregates.parties_by_deal(company, policy)
        deals["merge"] = role_merge_index(deals["persons"].to_numpy(), deals["roles"].to_numpy())
    logged = not company.missing("buying_steps.at")
    findings, frames = [], {}
    merged, made = _merge(company, policy, deals)
    frames.update(made)
    kinds, made = _kinds(company, policy, deals, logged)
    frames.update(made)
    if logged:
        frames.update(_process(company, policy))
        durations = frames["flow_durations"]
        level = policy["evidence.level"]
        method = "median, binomial limits; unfinished flows up to their last logged step"
        extra = [
            Number(
                "flow_days_median",
                str(r["kind"]),
                r["median_days"],
                r["low"],
                r["high"],
                level,
                int(r["flows"]),
                "days",
                method,
            )
            for r in durations.to_dict("records")
        ]
        kinds = replace(kinds, numbers=(*kinds.numbers, *extra))
    findings = [replace(f, terms={**f.terms, "definition": policy["segment.definition"]}) for f in (merged, kinds)]
    return Result(ID, company.data_hash, policy.hash, str(company.info.as_of), findings, frames)
