"""M-2.3: in which ways do the parties of a deal take part, and whom do we know without having met them?

Key person and key opinion are two things (M-2.2, M-2.3): the key person is marked as such (``stakeholders.key_person``), a key opinion is a
person who influences from outside the process and is not marked. How many parties nobody has found yet is the matter of
:mod:`unseen_parties`, who should have been met by now that of :mod:`missing_parties`.
"""

from __future__ import annotations

from dataclasses import replace
from functools import reduce

import pandas as pd

from kaanalysis import aggregates
from kaanalysis.analyses.verdicts import above, both, clustered_mean, clustered_share, find_flips
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.results import Finding, Number, State, no_data

FEEDS = ("stakeholders.part|buying_steps.part",)
PARTS = ("approve", "inform", "influence")
SHOWN = (*(f"{part}_parties" for part in PARTS), "key_persons", "key_opinion_persons", "parties_unmet")


def _presence(frame: pd.DataFrame, segment: str, policy: Policy) -> list[Number]:
    clusters, level = frame["cluster"].to_numpy(), policy["evidence.level"]
    method = "share of deals, customer groups as clusters (jackknife)"
    return [
        clustered_share(f"{part}_share", segment, frame[part].to_numpy() > 0, clusters, level, method) for part in PARTS
    ]


def _keys(group: pd.DataFrame, segment: str, policy: Policy) -> list[Number]:
    """Key persons and key opinions per deal, and the share of deals in which nobody is marked as key person."""
    clusters, level = group["cluster"].to_numpy(), policy["evidence.level"]
    method = "share of deals, customer groups as clusters (jackknife)"
    return [
        *(clustered_mean(name, segment, group[column].to_numpy(), clusters, policy, "persons") for name, column in
          (("key_persons", "key_persons"), ("key_opinion_persons", "key_opinions"))),
        clustered_share("no_key_person_share", segment, group["key_persons"].to_numpy() == 0, clusters, level, method),
    ]  # fmt: skip


def _unmet(group: pd.DataFrame, segment: str, policy: Policy) -> Number:
    """Persons known but never met, over closed deals: in an open one they may yet be met."""
    closed = group[group["closed"].astype(bool)]
    return clustered_mean(
        "parties_unmet", segment, closed["unmet"].to_numpy(), closed["cluster"].to_numpy(), policy, "persons"
    )


def _by_part(numbers: list[Number]) -> dict[str, pd.DataFrame]:
    """Frame `parties_by_part`: segment, kind (a number's name), value, low, high, n, level; persons per deal."""
    rows = [(n.segment, n.name, n.value, n.low, n.high, n.n, n.level) for n in numbers if n.name in SHOWN]
    frame = pd.DataFrame(rows, columns=["segment", "kind", "value", "low", "high", "n", "level"])
    return {"parties_by_part": frame.astype({"value": float, "low": float, "high": float})} if rows else {}


def judge_kinds(numbers: list[Number], segment: str, units: int, policy: Policy) -> list[Finding]:
    """M-2.3: supported if each of approving, being informed and influencing occurs in more than `roles.presence_share` of KA deals.

    Wrong if one of the three were rare: then its interval would reach below that share."""
    limit = policy["roles.presence_share"]
    shares = [next(n for n in numbers if n.name == f"{part}_share" and n.segment == segment) for part in PARTS]
    if units < policy["evidence.minimum_units"]:
        return [Finding("M-2.3", "node_kinds", "undecided", "too_few", tuple(numbers))]
    state: State = reduce(both, (above(share.low, share.high, limit) for share in shares))
    return [Finding("M-2.3", "node_kinds", state, f"kinds_{state}", tuple(numbers))]


def find(
    company: Company, policy: Policy, deals: pd.DataFrame | None, logged: bool
) -> tuple[Finding, dict[str, pd.DataFrame]]:
    """The finding M-2.3; frame `parties_by_part` (segment, kind, value, low, high, n, level: persons per deal). deals: parties by deal,
    None where nobody is recorded; logged: whether there is an event log to read instead (frame `parties_by_flow`)."""
    if deals is None:
        if not company.has("buying_steps.part"):
            return no_data("M-2.3", "node_kinds", ["stakeholders.part", "buying_steps.part"]), {}
        # A log shows who acted in the process. Who was only told, or had a say outside it, leaves no trace there. Interviews name them,
        # but a few told purchases are no sample of deals.
        flows = aggregates.parties_by_flow(company)
        numbers = []
        for kind, group in flows.groupby(flows["category"].fillna(aggregates.ALL)):
            own = group["flow_id"].to_numpy()
            numbers += [
                clustered_mean(f"{p}_parties", str(kind), group[p].to_numpy(), own, policy, "parties")
                for p in PARTS
                if group[p].any()
            ]
        needs = ("stakeholders.part",)
        return Finding(
            "M-2.3", "node_kinds", "undecided", "log_only" if logged else "told_only", tuple(numbers), (), needs
        ), {"parties_by_flow": flows}
    numbers = []
    for segment in [s for s in ("SMB", "KA") if (deals["segment"] == s).any()] or [aggregates.ALL]:
        group = deals if segment == aggregates.ALL else deals[deals["segment"] == segment]
        clusters = group["cluster"].to_numpy()
        numbers += [
            clustered_mean(f"{p}_parties", segment, group[p].to_numpy(), clusters, policy, "persons") for p in PARTS
        ]
        if company.has("stakeholders.engaged_at"):
            numbers.append(_unmet(group, segment, policy))
        if company.has("stakeholders.key_person"):
            numbers += _keys(group, segment, policy)
        numbers += _presence(group, segment, policy)
    units = int((deals["segment"] == "KA").sum())
    if not units:
        return no_data(
            "M-2.3",
            "node_kinds",
            aggregates.segment_missing(company, policy) or aggregates.segment_needs(policy),
            numbers,
            "no_segments",
        ), _by_part(numbers)
    finding = judge_kinds(numbers, "KA", units, policy)[0]
    flips = find_flips(lambda p: judge_kinds(numbers, "KA", units, p), "M-2.3", policy, ["roles.presence_share"])
    return replace(finding, flips=flips), _by_part(numbers)
