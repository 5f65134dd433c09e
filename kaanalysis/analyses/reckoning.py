"""M-2.1 as events, beside M-2.2's verdict: who buys like a consumer, and who does the sums?

An organisation compares offers, presses for discounts and extras, and works out what it gains. Each leaves events: steps of the customer,
actions and topics of ours, told by the words of ``reckoning.toml``. The shares are of closed deals with anything on record at all; what
nobody recorded is not absent, so the share of deals with a record (`events_recorded_share`) stands beside them. Where more is
written down of key accounts than of small customers, part of a difference is that. No verdict hangs on it: a share of words on
record cannot tell a customer who did no sums from one who did them unseen.
"""

from __future__ import annotations

import pandas as pd

from kaanalysis import aggregates
from kaanalysis.analyses.verdicts import clustered_share, number
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.results import Number
from kaanalysis.stats import stratified_difference

KINDS = ("compare_offers", "discount", "extras", "value_case")
METHOD = "share of closed deals with events on record, customer groups as clusters (jackknife)"
COLUMNS = ["segment", "kind", "value", "low", "high", "n", "level"]


def _segment(deals: pd.DataFrame, segment: str, level: float) -> list[Number]:
    recorded = deals["events"].to_numpy() > 0
    of_all = "share of closed deals, customer groups as clusters (jackknife)"
    out = [
        clustered_share("events_recorded_share", segment, recorded, deals["cluster"].to_numpy(object), level, of_all)
    ]
    told = deals[recorded]
    cluster = told["cluster"].to_numpy(object)
    if len(told):
        any_kind = told[list(KINDS)].to_numpy(bool).any(axis=1)
        out.append(clustered_share("sums_share", segment, any_kind, cluster, level, METHOD))
        out += [clustered_share(f"{k}_share", segment, told[k].to_numpy(bool), cluster, level, METHOD) for k in KINDS]
    return out


def _difference(smb: pd.DataFrame, ka: pd.DataFrame, level: float) -> Number:
    values = [d[list(KINDS)].to_numpy(bool).any(axis=1).astype(float) for d in (ka, smb)]
    same, groups = [["all"] * len(v) for v in values], [d["cluster"].to_numpy(object) for d in (ka, smb)]
    found = stratified_difference(*values, *same, *groups, level=level)
    return number("sums_share_difference", "KA-SMB", found, "share difference")


def measure(company: Company, policy: Policy) -> tuple[list[Number], dict[str, pd.DataFrame]]:
    """Numbers events_recorded_share, sums_share (any kind) and by kind compare_offers_share, discount_share, extras_share,
    value_case_share for SMB and KA, and sums_share_difference (KA-SMB, percentage points); frame `reckoning` (segment, kind, value, low,
    high, n, level; kind `any` first). Nothing where no event of a closed deal is on record."""
    deals, level = aggregates.reckoning_by_deal(company, policy), policy["evidence.level"]
    groups = {s: deals[deals["segment"] == s] for s in ("SMB", "KA")}
    groups = {s: g for s, g in groups.items() if (g["events"] > 0).any()}
    numbers = [n for s, g in groups.items() for n in _segment(g, s, level)]
    if len(groups) == 2:
        told = {s: g[g["events"] > 0] for s, g in groups.items()}
        numbers.append(_difference(told["SMB"], told["KA"], level))
    kinds = {"sums_share": "any", **{f"{k}_share": k for k in KINDS}}
    rows = [(n.segment, kinds[n.name], n.value, n.low, n.high, n.n, n.level) for n in numbers if n.name in kinds]
    frame = pd.DataFrame(rows, columns=COLUMNS)
    return numbers, {"reckoning": frame} if rows else {}
