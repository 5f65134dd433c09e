"""What the health check of a running programme reads: deals with who worked them, and what was known of them on a day."""

from __future__ import annotations

import datetime as dt

import pandas as pd

from kaanalysis.aggregates.common import deals_with_customer
from kaanalysis.company import Company
from kaanalysis.policy import Policy

_OF_DEAL = (
    "opportunity_id", "account_id", "cluster", "segment", "team", "owner", "channel", "partner_id", "origin", "created_at", "closed_at",
    "outcome", "amount", "exit", "loss_reason", "lost_to_competitor",
)  # fmt: skip


def pattern_deals(company: Company, policy: Policy) -> pd.DataFrame:
    """One row per deal, oldest first: opportunity_id, account_id, cluster (customer group), account_name, segment, region,
    industry, employees (of the account), team, motion (null where teams does not name it), owner, channel, partner_id, origin,
    created_at, closed_at (days), outcome, amount, exit, loss_reason, lost_to_competitor.

    Read once per open company and policy, as all patterns start from it; every caller gets a copy of its own."""
    key = ("pattern_deals", policy.hash)
    if key not in company.frames:
        company.frames[key] = _pattern_deals(company, policy)
    return company.frames[key].copy()


def _pattern_deals(company: Company, policy: Policy) -> pd.DataFrame:
    deals = deals_with_customer(company, policy).select(*_OF_DEAL)
    accounts = company.table("accounts")
    deals = deals.left_join(
        accounts.select("account_id", "region", "industry", "employees", account_name=accounts.name), "account_id"
    )
    deals = deals.drop("account_id_right")
    if "teams" in company.tables:
        deals = deals.left_join(company.table("teams").select("team", "motion"), "team").drop("team_right")
    frame = deals.execute()
    if "motion" not in frame:
        frame["motion"] = None
    for column in ("created_at", "closed_at"):
        frame[column] = pd.to_datetime(frame[column]).dt.normalize()
    return frame.sort_values(["created_at", "opportunity_id"], ignore_index=True)


def known_at(deals: pd.DataFrame, cut: dt.date) -> pd.DataFrame:
    """The deals of :func:`pattern_deals` as they were known on day `cut`: those opened later are gone, those closed later are open again,
    without amount of exit or reason. A deal without an opening day is known from its closing on."""
    day = pd.Timestamp(cut)
    begun = deals["created_at"].fillna(deals["closed_at"])
    # Neither day on record: nothing says that it came later.
    known = deals[(begun <= day) | begun.isna()].copy()
    later = known["closed_at"] > day
    if later.any():
        known.loc[later, "outcome"] = "open"
        known.loc[later, ["closed_at", "exit", "loss_reason", "lost_to_competitor"]] = None
    return known
