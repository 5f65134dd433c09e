"""What all aggregates share: days, months, and deals joined with their customer."""

from __future__ import annotations

import datetime as dt
import functools
import re
from collections.abc import Callable, Iterable

import ibis
import ibis.expr.types as ir
import pandas as pd

from kaanalysis.aggregates.segments import account_segments, segment_version
from kaanalysis.company import Company
from kaanalysis.policy import Policy

DAYS_PER_MONTH = 365.25 / 12
ALL = "all"
Aggregate = Callable[[Company, Policy], pd.DataFrame]


def months_before(day: dt.date, months: int) -> dt.date:
    """The same day `months` calendar months earlier (the month's last day where it has no such day)."""
    return (pd.Timestamp(day) - pd.DateOffset(months=months)).date()


def day_number(value: ir.Value) -> ir.IntegerValue:
    """Whole days since 1970-01-01, so that differences are integers on every backend."""
    return value.cast("date").epoch_days()


def microseconds(moment: ir.TimestampValue) -> ir.IntegerValue:
    """Whole microseconds since 1970-01-01. `epoch_seconds` is fractional on DuckDB and truncated on Spark, so they are put together from
    whole parts."""
    return (
        moment.truncate("s").epoch_seconds().cast("int64") * 1_000_000 + moment.microsecond().cast("int64") % 1_000_000
    )


def deals_with_customer(company: Company, policy: Policy) -> ibis.Table:
    """Opportunities with segment and account cluster.

    The expression is built once per open company and definition: a dozen aggregates start from it, and building it costs more than
    running most of them."""
    definition = segment_version(policy)
    if definition not in company.expressions:
        company.expressions[definition] = _deals_with_customer(company, policy)
    return company.expressions[definition]


def _deals_with_customer(company: Company, policy: Policy) -> ibis.Table:
    return company.table("opportunities").inner_join(account_segments(company, policy), "account_id")


def read_once(aggregate: Aggregate) -> Aggregate:
    """An aggregate of accounts that several analyses ask for is read once per open company and policy; each caller gets a copy of its own.

    It must have the columns account_id and segment: under another definition of a segment only that column is made anew."""

    @functools.wraps(aggregate)
    def remembered(company: Company, policy: Policy) -> pd.DataFrame:
        labelled = (
            policy if policy["segment.definition"] == "label" else policy.override({"segment.definition": "label"})
        )
        key = (aggregate.__name__, labelled.hash)
        if key not in company.frames:
            company.frames[key] = aggregate(company, labelled)
        frame = company.frames[key].copy()
        if labelled is not policy:
            frame["segment"] = frame["account_id"].map(_segment_of_account(company, policy))
        return frame

    return remembered


def _segment_of_account(company: Company, policy: Policy) -> pd.Series:
    key = ("segments", segment_version(policy))
    if key not in company.frames:
        company.frames[key] = account_segments(company, policy).select("account_id", "segment").execute()
    return company.frames[key].set_index("account_id")["segment"]


def counted_deals(deals: ibis.Table, policy: Policy) -> ibis.Table:
    """The deals that conversion, success and the flow count: all (the contract's reading), or all but renewals."""
    if policy["conversion.deals"] == "all":
        return deals
    return deals.filter((deals.origin != "renewal") | deals.origin.isnull())


def word_pattern(english: Iterable[str], chinese: Iterable[str]) -> str:
    """One regular expression for text in lower case: English words whole, Chinese ones anywhere. A border by letters and digits, not by
    \\b: to Python Chinese letters are word characters, to RE2 they are not."""
    whole = "|".join(re.escape(w.lower()).replace(r"\ ", r"\s+") for w in sorted(english, key=len, reverse=True))
    return rf"(?:^|[^a-z0-9])(?:{whole})(?:$|[^a-z0-9])|{'|'.join(re.escape(w) for w in chinese)}"


def materialised(company: Company, name: str, expression: ibis.Table | pd.DataFrame) -> ibis.Table:
    """`expression` computed once into a table of the company's engine, so that several views are group-bys over it."""
    assert company.raw is not None
    company.raw.raw_sql(f'DROP TABLE IF EXISTS "view_{name}"')
    connection = company.raw.connection
    if isinstance(expression, pd.DataFrame):  # Ibis's own way in ends in a statement that DuckDB 2 does not parse
        connection.con.register("incoming", expression)
        company.raw.raw_sql(f'CREATE TABLE "view_{name}" AS SELECT * FROM incoming')
        connection.con.unregister("incoming")
        return connection.table(f"view_{name}")
    return connection.create_table(f"view_{name}", expression)
