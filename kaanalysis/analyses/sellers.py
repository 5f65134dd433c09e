"""M-3.2, beside its verdict: how do sellers with an SMB past and without one differ on key accounts, as spreads and not as averages?

Comparable is what both do: key-account deals. A seller has an SMB past if, before the first of their key-account deals, they had opened at
least ``sellers.past_deals`` deals with small customers. A seller's rate is the share of their key-account deals won within the success
horizon, among deals that could all be followed that long; it rests on few deals, so it is shrunk toward those of the seller's group with
the uncertainty of the group's spread in it (:mod:`kaanalysis.stats.rate_distribution`).

`seller_overlap`: common area of both spreads (0: no seller of one group is like any of the other; 1: same spread). `seller_superiority`:
chance that a seller with an SMB past, drawn at random, has a higher rate than one without. Sellers were not assigned to their deals by
lot: who gets which key account may be why they differ.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from kaanalysis import aggregates
from kaanalysis.aggregates import DAYS_PER_MONTH
from kaanalysis.analyses.verdicts import figures_wanted, number
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.results import Number
from kaanalysis.stats import compare_spreads, density, shrunk_rates

GROUPS = ("smb_past", "no_smb_past")
COLUMNS = ["owner", "group", "deals", "won", "rate", "low", "high", "past_deals", "tenure_months", "level"]


def seller_records(deals: pd.DataFrame, horizon: float) -> pd.DataFrame:
    """One row per seller with key-account deals followed to the horizon: owner, deals, won (by the horizon), past_deals (SMB deals opened
    before the first key-account deal of all), tenure_months (from the first deal on record to the last). deals: `deal_times`."""
    known = deals[deals["owner"].notna()].copy()
    known["opened"] = -known["follow_up"]
    key = known[known["segment"] == "KA"]
    first = key.groupby("owner")["opened"].min()
    small = known[known["segment"] == "SMB"]
    before = small[small["opened"] < small["owner"].map(first).astype("float64")]
    followed = key[(key["follow_up"] >= horizon) & (key["entry"] == 0)]
    won = (followed["outcome"] == "won") & (followed["days"] <= horizon)
    out = pd.DataFrame({"deals": followed.groupby("owner").size(), "won": won.groupby(followed["owner"]).sum()}).astype(
        int
    )
    span = known.groupby("owner")["opened"].agg(["min", "max"])
    past = before.groupby("owner").size().reindex(out.index, fill_value=0)
    tenure = ((span["max"] - span["min"]) / DAYS_PER_MONTH).reindex(out.index)
    return out.assign(past_deals=past, tenure_months=tenure).rename_axis("owner").reset_index()


def measure(company: Company, policy: Policy) -> tuple[list[Number], dict[str, pd.DataFrame], dict[str, str]]:
    """Numbers seller_overlap and seller_superiority (KA); frames `sellers` (owner, group, deals, won, rate = shrunk share won with low and
    high, past_deals, tenure_months) and `seller_spread` (group, rate, density: how the true rates of a group are spread). Nothing
    without sellers, segments or dates. No terms."""
    if company.missing("opportunities.owner", "opportunities.created_at", "opportunities.closed_at"):
        return [], {}, {}
    if aggregates.segment_missing(company, policy):
        return [], {}, {}
    months, level, seed = policy["success.horizon_months"], policy["evidence.level"], policy["evidence.seed"]
    records = seller_records(aggregates.deal_times(company, policy), months * DAYS_PER_MONTH)
    if records.empty:
        return [], {}, {}
    past = records["past_deals"] >= policy["sellers.past_deals"]
    records["group"] = np.where(past, *GROUPS)
    sides = [records[records["group"] == g] for g in GROUPS]
    both = compare_spreads(
        sides[0]["won"], sides[0]["deals"], sides[1]["won"], sides[1]["deals"], level=level, draws=policy["evidence.draws"], seed=seed
    )  # fmt: skip
    numbers = [
        number(name, "KA", found, unit, horizon_months=months)
        for name, found, unit in zip(
            ("seller_overlap", "seller_superiority"), both, ("share", "probability"), strict=True
        )
    ]
    if not figures_wanted():
        return numbers, {}, {}
    made, spreads = [], []
    for side in (s for s in sides if len(s)):
        rate, low, high = shrunk_rates(side["won"], side["deals"], level=level, seed=seed)
        made.append(side.assign(rate=rate, low=low, high=high, level=level))
        at, chance = density(side["won"], side["deals"], seed=seed)
        spreads.append(pd.DataFrame({"group": side["group"].iloc[0], "rate": at, "density": chance * len(at)}))
    frame = pd.concat(made)[COLUMNS].sort_values(["group", "rate", "owner"], ascending=[False, True, True])
    frames = {"sellers": frame.reset_index(drop=True), "seller_spread": pd.concat(spreads, ignore_index=True)}
    return numbers, frames, {}
