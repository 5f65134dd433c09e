"""What the missing-party alarm reads: roles of the reference flows, key-account deals, and who of them was met when."""

from __future__ import annotations

import ibis
import pandas as pd

from kaanalysis.aggregates.common import day_number, deals_with_customer
from kaanalysis.aggregates.segments import account_segments
from kaanalysis.company import Company
from kaanalysis.policy import Policy

KEY = "KA"
OPTIONAL = {"role": "string", "opportunity_id": "string", "account_id": "string", "category": "string", "industry": "string",
            "size_band": "string", "at": "timestamp", "source": "string"}  # fmt: skip


def flow_roles(company: Company, policy: Policy) -> pd.DataFrame:
    """One row per role that takes part in a purchase of a key account, or in one that belongs to no deal (interviews, other logs): flow_id,
    role, opportunity_id, cluster, category, industry, size_band, told (an interview), outcome (of its deal; null without), first_day (of
    the role's first step, days since 1970-01-01; null where not dated). Steps without a role are left out."""
    steps = company.table("buying_steps")
    steps = steps.mutate(**{c: ibis.null(kind) for c, kind in OPTIONAL.items() if c not in steps.columns})
    deals = deals_with_customer(company, policy).select(
        "opportunity_id", "segment", "outcome", deal_category="category", deal_industry="industry", deal_group="cluster"
    )
    accounts = account_segments(company, policy).select(known_id="account_id", account_group="cluster")
    joined = steps.filter(steps.role.notnull()).left_join(deals, "opportunity_id")
    joined = joined.left_join(accounts, joined.account_id == accounts.known_id)
    joined = joined.filter((joined.segment == KEY).fill_null(False) | joined.opportunity_id.isnull())
    frame = joined.group_by(["flow_id", "role"]).aggregate(
        opportunity_id=joined.opportunity_id.max(),
        cluster=joined.deal_group.fill_null(joined.account_group).max(),
        category=joined.category.fill_null(joined.deal_category).max(),
        industry=joined.industry.fill_null(joined.deal_industry).max(),
        size_band=joined.size_band.max(),
        told=(joined.source == "interview").fill_null(False).max(),
        outcome=joined.outcome.max(),
        first_day=day_number(joined["at"]).min(),
    )  # fmt: skip
    return frame.order_by(["flow_id", "role"]).execute().astype({"first_day": "float64"})


def key_account_deals(company: Company, policy: Policy) -> pd.DataFrame:
    """One row per key-account deal with an opening date and stakeholders on record: opportunity_id, account_id, name, cluster, category,
    industry, outcome, opened, closed (days since 1970-01-01; closed null where open or not dated)."""
    accounts = company.table("accounts")
    deals = deals_with_customer(company, policy)
    deals = deals.filter((deals.segment == KEY) & deals.created_at.notnull())
    deals = deals.semi_join(company.table("stakeholders"), "opportunity_id")
    frame = deals.inner_join(accounts.select("account_id", "name"), "account_id")
    frame = frame.select(
        "opportunity_id", "account_id", "name", "cluster", "category", "industry", "outcome",
        opened=day_number(frame.created_at), closed=day_number(frame.closed_at),
    )  # fmt: skip
    return frame.order_by("opportunity_id").execute()


def role_meetings(company: Company, policy: Policy) -> pd.DataFrame:
    """One row per key-account deal and role on record: opportunity_id, role, met_day (when the first person who holds it was met, days
    since 1970-01-01; null: never)."""
    deals = deals_with_customer(company, policy)
    people = company.table("stakeholders").semi_join(deals.filter(deals.segment == KEY), "opportunity_id")
    frame = people.group_by(["opportunity_id", "role"]).aggregate(met_day=day_number(people.engaged_at).min())
    return frame.order_by(["opportunity_id", "role"]).execute().astype({"met_day": "float64"})
