"""What was on record of key accounts on the day the programme was staffed: which base assumptions could have been checked by then."""

from __future__ import annotations

import datetime as dt

import pandas as pd

from kaanalysis.aggregates.common import deals_with_customer
from kaanalysis.aggregates.segments import account_segments, segment_missing
from kaanalysis.company import Company
from kaanalysis.policy import Policy

# Finding of the method, what its units are, and what has to be on record to count them.
CHECKS = (
    ("M-1.2", "customers", ("subscriptions.started_at|opportunities.closed_at",)),
    ("M-1.3", "order_customers", ("order_lines.at",)),
    ("M-2.2", "deals_with_parties", ("stakeholders.person_id", "opportunities.closed_at")),
    ("M-2.6", "flows", ()),
    ("M-3.2", "decided_deals", ("opportunities.closed_at",)),
)


def launch_evidence(company: Company, policy: Policy, day: dt.date) -> pd.DataFrame:
    """One row per finding of :data:`CHECKS`: finding, units (what is counted), count (key accounts', on record before `day`; null where the
    table that would say it is missing), needs (what is missing, commas between).

    Counts by the dates in the tables: what was entered later about earlier days counts as known then, so this is the most that could
    have been checked."""
    rows = []
    blind = segment_missing(company, policy)
    for finding, units, wants in CHECKS:
        needs = [*blind, *company.missing(*wants)] if units != "flows" else []
        count = None if needs else _count(company, policy, units, day)
        if count is None and not needs:
            needs = ["buying_steps.at"]
        rows.append((finding, units, count, ",".join(needs)))
    frame = pd.DataFrame(rows, columns=["finding", "units", "count", "needs"])
    return frame.astype({"count": "Int64"})


def _count(company: Company, policy: Policy, units: str, day: dt.date) -> int | None:
    if units == "flows":
        return _flows(company, day)
    deals = deals_with_customer(company, policy)
    deals = deals.filter((deals.segment == "KA") & (deals.closed_at < day))
    if units == "decided_deals":
        return int(deals.count().execute())
    if units == "deals_with_parties":
        met = company.table("stakeholders").select("opportunity_id").distinct()
        return int(deals.semi_join(met, "opportunity_id").count().execute())
    accounts = account_segments(company, policy)
    key = accounts.filter(accounts.segment == "KA").select("account_id")
    won = deals.filter(deals.outcome == "won").select("account_id")
    if units == "order_customers":
        lines = company.table("order_lines")
        return int(key.semi_join(lines.filter(lines.at < day), "account_id").count().execute())
    known = won
    if company.has("subscriptions.started_at"):
        fees = company.table("subscriptions")
        known = won.union(fees.filter(fees.started_at < day).select("account_id")).distinct()
    return int(key.semi_join(known, "account_id").count().execute())


def _flows(company: Company, day: dt.date) -> int | None:
    """Customers' purchase flows on record before `day`: interviews by their date, logged flows by their last event; None where no flow
    on record has a date."""
    asked = company.interviews["interviewed_at"].dropna()
    count = int((asked < pd.Timestamp(day)).sum())
    if company.has("buying_steps.at"):
        steps = company.table("buying_steps")
        last = steps.filter(steps["at"].notnull()).group_by("flow_id").aggregate(last=steps["at"].max())
        return count + int(last.filter(last.last < day).count().execute())
    return count if len(asked) else None
