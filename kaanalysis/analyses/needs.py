"""M-1.3: do small customers need much the same, and key accounts each something else?

Two measures. Need distance: how far the product mixes of two customers of a segment lie apart, freed from how few order lines they have
(:mod:`kaanalysis.stats.composition`). Custom share: how much of the order amount is made to measure. Customer groups are the clusters.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from kaanalysis import aggregates
from kaanalysis.analyses.verdicts import above, both, find_flips, number
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.results import Finding, Number, no_data
from kaanalysis.stats import (
    difference_of_estimates,
    likeness_permutation,
    need_distance,
    need_distance_difference,
    share_of_total,
)

FEEDS = ("accounts.segment", "order_lines.product|opportunities.product")


Column = npt.NDArray[np.object_]


def _entries(lines: pd.DataFrame) -> tuple[Column, Column, Column, npt.NDArray[np.float64], Column]:
    """Account, order, product, number of lines and cluster of every entry."""
    account, order, product, cluster = (
        lines[c].to_numpy(object) for c in ("account_id", "order", "product", "cluster")
    )
    return account, order, product, lines["lines"].to_numpy(float), cluster


def _distances(lines: pd.DataFrame, policy: Policy) -> list[Number]:
    level, found = policy["evidence.level"], {}
    for segment in ("SMB", "KA"):
        mine = lines[lines["segment"] == segment]
        found[segment] = need_distance(*_entries(mine), level=level)
    numbers = [number("need_distance", s, d.estimate, "bits") for s, d in found.items()]
    numbers.append(
        number(
            "need_distance_difference",
            "KA-SMB",
            need_distance_difference(found["KA"], found["SMB"], level=level),
            "bits",
        )
    )
    # A group with customers on both sides belongs to neither in a permutation.
    sides = lines.groupby("cluster")["segment"].transform("nunique")
    clean = lines[(sides == 1) & lines["segment"].isin(["SMB", "KA"])]
    test = likeness_permutation(
        *_entries(clean), clean["segment"].to_numpy(object),
        draws=policy["needs.permutations"], seed=policy["evidence.seed"],
    )  # fmt: skip
    numbers.append(
        Number("need_distance_p_value", "KA-SMB", test.p_value, None, None, None, test.n, "probability", test.method)
    )
    return numbers


def _custom(amounts: pd.DataFrame, policy: Policy) -> list[Number]:
    level, found = policy["evidence.level"], {}
    for segment in ("SMB", "KA"):
        mine = amounts[(amounts["segment"] == segment) & (amounts["amount"] > 0)]
        rest = (mine["amount"] - mine["custom"]).clip(lower=0.0)
        found[segment] = share_of_total(
            mine["custom"].to_numpy(float), rest.to_numpy(float), mine["cluster"].to_numpy(object), level=level
        )
    difference = difference_of_estimates(found["KA"], found["SMB"], "difference of shares of a sum, MOVER")
    return [
        *(number("custom_share", s, e, "share") for s, e in found.items()),
        number("custom_share_difference", "KA-SMB", difference, "share difference"),
    ]


def judge(numbers: list[Number], policy: Policy) -> list[Finding]:
    """M-1.3: supported if key accounts' needs lie further apart than small customers' and markedly more of what they order is made
    to measure; the second part only where custom work is recorded.

    Wrong if the differences were chance: then an interval would reach down to its threshold."""
    by_name = {(n.name, n.segment): n for n in numbers}
    distance = by_name[("need_distance_difference", "KA-SMB")]
    units = [by_name[("need_distance", s)].n for s in ("SMB", "KA")]
    if min(units) < policy["evidence.minimum_units"]:
        return [Finding("M-1.3", "needs", "undecided", "too_few", tuple(numbers))]
    apart = above(distance.low, distance.high, policy["needs.distance_difference"])
    custom = by_name.get(("custom_share_difference", "KA-SMB"))
    if custom is None:
        return [Finding("M-1.3", "needs", apart, f"needs_products_{apart}", tuple(numbers))]
    made = above(custom.low, custom.high, policy["needs.custom_difference"])
    state = both(apart, made)
    reason = f"needs_{state}"
    if state == "contradicted":
        reason = "needs_custom_contradicted" if made == "contradicted" else "needs_distance_contradicted"
    return [Finding("M-1.3", "needs", state, reason, tuple(numbers))]


def find(company: Company, policy: Policy) -> tuple[Finding, dict[str, pd.DataFrame]]:
    """The finding M-1.3; frame `product_mix` (segment, product, share: mean of the accounts' mixes by order lines)."""
    if company.missing("order_lines.product") and company.missing("opportunities.product"):
        return no_data("M-1.3", "needs", ["order_lines.product"]), {}
    lines = aggregates.product_lines(company, policy)
    missing = aggregates.segment_missing(company, policy)
    if missing or any(not (lines["segment"] == s).any() for s in ("SMB", "KA")):
        return no_data("M-1.3", "needs", missing or aggregates.segment_needs(policy), reason="no_segments"), {}
    numbers = _distances(lines, policy)
    if company.has("order_lines.custom"):
        numbers += _custom(aggregates.order_amounts(company, policy), policy)
    names = ["needs.distance_difference", *(["needs.custom_difference"] if company.has("order_lines.custom") else [])]
    finding = judge(numbers, policy)[0]
    flips = find_flips(lambda p: judge(numbers, p), "M-1.3", policy, names)
    return replace(finding, flips=flips), {"product_mix": _mix(lines)}


def _mix(lines: pd.DataFrame) -> pd.DataFrame:
    by_account = lines.groupby(["segment", "account_id", "product"])["lines"].sum().reset_index()
    by_account["share"] = by_account["lines"] / by_account.groupby(["segment", "account_id"])["lines"].transform("sum")
    accounts = by_account.groupby("segment")["account_id"].nunique()
    mix = by_account.groupby(["segment", "product"])["share"].sum().reset_index()
    mix["share"] = mix["share"] / mix["segment"].map(accounts)
    return mix.sort_values(["segment", "share"], ascending=[True, False], ignore_index=True)
