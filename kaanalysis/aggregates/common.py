"""What all aggregates share: days, months, segments, and deals joined with their customer."""

from __future__ import annotations

import datetime as dt

import ibis
import ibis.expr.types as ir
import pandas as pd

from kaanalysis.company import Company
from kaanalysis.policy import Policy

DAYS_PER_MONTH = 365.25 / 12
ALL = "all"


def months_before(day: dt.date, months: int) -> dt.date:
    """The same day `months` calendar months earlier (the month's last day where it has no such day)."""
    return (pd.Timestamp(day) - pd.DateOffset(months=months)).date()


def day_number(value: ir.Value) -> ir.IntegerValue:
    """Whole days since 1970-01-01, so that differences are integers on every backend."""
    return value.cast("date").epoch_days()


def segment_needs(policy: Policy) -> list[str]:
    """Columns that the policy's definition of a segment reads."""
    return {"label": ["accounts.segment"], "size": ["accounts.employees|accounts.annual_revenue"]}[
        policy["segment.definition"]
    ]


def segment_missing(company: Company, policy: Policy) -> list[str]:
    """What is missing to tell SMB from KA under the policy's definition; empty where nothing is."""
    if policy["segment.definition"] == "label":
        return company.missing("accounts.segment")
    both = company.missing("accounts.employees", "accounts.annual_revenue")
    return both if len(both) == 2 else []


def account_segments(company: Company, policy: Policy) -> ibis.Table:
    """One row per account: account_id, cluster (head office, else itself), segment (SMB, KA or null), industry, region."""
    accounts = company.table("accounts")
    columns = set(accounts.columns)
    null = ibis.null("string")
    if policy["segment.definition"] == "label":
        segment = accounts.segment if "segment" in columns else null
    else:
        big = [
            accounts[c] >= policy[f"segment.size_{n}"]
            for c, n in (("employees", "employees"), ("annual_revenue", "revenue"))
            if c in columns
        ]
        known = [accounts[c].notnull() for c in ("employees", "annual_revenue") if c in columns]
        if big:
            is_big = ibis.or_(*[b.fill_null(False) for b in big])
            segment = ibis.or_(*known).ifelse(is_big.ifelse("KA", "SMB"), null)
        else:
            segment = null
    parent = accounts.parent_account_id if "parent_account_id" in columns else null
    found = accounts.select(
        "account_id", parent=parent, segment=segment,
        industry=accounts.industry if "industry" in columns else null, region=accounts.region if "region" in columns else null,
    )  # fmt: skip
    if "parent_account_id" not in columns:
        return found.mutate(cluster=found.account_id).drop("parent")
    # A subsidiary of a subsidiary belongs to the same group: three levels up, which holds for nearly every register.
    up = accounts.select(up_id=accounts.account_id, up_parent=accounts.parent_account_id)
    for level in ("grand", "great"):
        found = found.left_join(up, found.parent == up.up_id).drop("up_id").rename({level: "up_parent"})
        found = found.mutate(parent=found[level].fill_null(found.parent)).drop(level)
    return found.mutate(cluster=found.parent.fill_null(found.account_id)).drop("parent")


def deals_with_customer(company: Company, policy: Policy) -> ibis.Table:
    """Opportunities with segment and account cluster; optional columns that are missing are null.

    The expression is built once per open company and definition: a dozen aggregates start from it, and building it costs more than
    running most of them."""
    definition = tuple(policy[f"segment.{name}"] for name in ("definition", "size_employees", "size_revenue"))
    if definition not in company.expressions:
        company.expressions[definition] = _deals_with_customer(company, policy)
    return company.expressions[definition]


def _deals_with_customer(company: Company, policy: Policy) -> ibis.Table:
    deals = company.table("opportunities")
    for column in ("team", "owner", "category", "origin", "created_at", "closed_at", "amount", "exit", "product"):
        if column not in deals.columns:
            kind = {"created_at": "date", "closed_at": "date", "amount": "float64"}.get(column, "string")
            deals = deals.mutate(**{column: ibis.null(kind)})
    return deals.inner_join(account_segments(company, policy), "account_id")


def counted_deals(deals: ibis.Table, policy: Policy) -> ibis.Table:
    """The deals that conversion, success and the flow count: all (the contract's reading), or all but renewals."""
    if policy["conversion.deals"] == "all":
        return deals
    return deals.filter((deals.origin != "renewal") | deals.origin.isnull())


def materialised(company: Company, name: str, expression: ibis.Table) -> ibis.Table:
    """`expression` computed once into a table of the company's engine, so that several views are group-bys over it."""
    assert company.raw is not None
    company.raw.raw_sql(f'DROP TABLE IF EXISTS "view_{name}"')
    return company.raw.connection.create_table(f"view_{name}", expression)
