"""M-2.3, beside its verdict: how many parties of a key account has nobody found yet?

Each deal of an account is an occasion on which persons get on record; who is on record in one deal only tells how many are in none
(capture–recapture with many occasions: Chao2). Read account by account, and as a mean over the key accounts with two deals or more,
customer groups resampled. What it assumes: some persons are harder to find than others, which makes the estimate a lower bound, never too
high for that reason; and the persons are the same throughout. People who leave and come break the latter and raise it, so the share of
an earlier deal's persons who are on record in the next one is compared between deals that follow soon and late
(``parties_return_difference``; surely above 0: people change, and part of the unseen are not there any more).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from kaanalysis import aggregates
from kaanalysis.analyses.verdicts import clustered_mean, number
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.results import Number
from kaanalysis.stats import chao2_by_site, stratified_difference

SEGMENT = "KA"
COLUMNS = ["account_id", "name", "deals", "found", "estimated", "low", "high"]


def _returning(company: Company, policy: Policy) -> list[Number]:
    """Share of persons on record again: after a short time minus after a long one (split at the median of the pairs)."""
    if not company.has("opportunities.created_at"):
        return []
    pairs = aggregates.returning_persons(company, policy)
    pairs = pairs[pairs["segment"] == SEGMENT]
    soon = pairs["days"].to_numpy(float) <= (pairs["days"].median() if len(pairs) else 0)
    if min(soon.sum(), (~soon).sum()) < policy["evidence.minimum_units"]:
        return []
    share, cluster, same = pairs["share"].to_numpy(float), pairs["cluster"].to_numpy(object), np.zeros(len(pairs))
    found = stratified_difference(
        share[soon], share[~soon], same[soon], same[~soon], cluster[soon], cluster[~soon],
        level=policy["evidence.level"],
    )  # fmt: skip
    return [number("parties_return_difference", SEGMENT, found, "share difference")]


def measure(company: Company, policy: Policy) -> tuple[list[Number], dict[str, pd.DataFrame]]:
    """Numbers parties_found, parties_estimated, parties_unseen (persons per key account with two deals or more) and
    parties_return_difference; frame `unseen_parties` (account_id, name, deals, found, estimated, low, high; most unseen first)."""
    accounts = aggregates.persons_by_account(company, policy)
    accounts = accounts[accounts["segment"] == SEGMENT]
    if accounts.empty:
        return [], {}
    counts = {c: accounts[c].to_numpy(float) for c in ("found", "met", "once", "twice")}
    size = chao2_by_site(**counts, occasions=accounts["deals"].to_numpy(float), level=policy["evidence.level"])
    clusters = accounts["cluster"].to_numpy(object)
    numbers = [
        clustered_mean(name, SEGMENT, values, clusters, policy, "persons")
        for name, values in (
            ("parties_found", size.found),
            ("parties_estimated", size.found + size.unseen),
            ("parties_unseen", size.unseen),
        )
    ]
    frame = accounts.assign(estimated=size.found + size.unseen, low=size.low, high=size.high, unseen=size.unseen)
    frame = frame.sort_values(["unseen", "high", "account_id"], ascending=[False, False, True])[COLUMNS]
    return numbers + _returning(company, policy), {"unseen_parties": frame.reset_index(drop=True)}
