"""Customers: how long they stayed, and who takes part in their purchases."""

from __future__ import annotations

import datetime as dt

import ibis
import pandas as pd

from kaanalysis.aggregates.common import DAYS_PER_MONTH, account_segments, day_number, deals_with_customer
from kaanalysis.company import Company
from kaanalysis.policy import Policy


def customer_lives(company: Company, policy: Policy) -> pd.DataFrame:
    """One row per customer life: account_id, cluster, segment, entry and duration (days since the life began), ended.

    A life is the union of an account's subscriptions; a pause of at most ``lifecycle.gap_months`` does not end it. Without
    subscriptions it runs from the first won deal to the last plus ``lifecycle.silence_months``. A life that began before
    observed_from enters late (`entry` > 0); one that ended before it was never seen and is left out.
    """
    if company.has("subscriptions"):
        source = company.table("subscriptions")
        ended = source.ended_at if "ended_at" in source.columns else ibis.null("date")
        spans = source.select("account_id", start=source.started_at, end=ended)
        gap = round(policy["lifecycle.gap_months"] * DAYS_PER_MONTH)
    else:
        deals = deals_with_customer(company, policy)
        won = deals.filter((deals.outcome == "won") & deals.closed_at.notnull())
        silence = round(policy["lifecycle.silence_months"] * DAYS_PER_MONTH)
        end = won.closed_at + ibis.interval(days=silence)
        end = end.cast("date")
        spans = won.select(
            "account_id", start=won.closed_at, end=(end > company.info.as_of).ifelse(ibis.null("date"), end)
        )
        gap = 0
    far = day_number(ibis.literal(dt.date(2200, 1, 1)))
    spans = spans.mutate(first=day_number(spans.start), last=spans.end.isnull().ifelse(far, day_number(spans.end)))
    before = ibis.window(group_by="account_id", order_by=["first", "last"], preceding=(None, 1))
    spans = spans.mutate(reach=spans["last"].max().over(before))
    spans = spans.mutate(begins=(spans.reach.isnull() | (spans["first"] > spans.reach + gap)).cast("int64"))
    spans = spans.mutate(
        life=spans.begins.sum().over(
            ibis.window(group_by="account_id", order_by=["first", "last"], preceding=None, following=0)
        )
    )
    lives = spans.group_by(["account_id", "life"]).aggregate(first=spans["first"].min(), last=spans["last"].max())
    as_of = day_number(ibis.literal(company.info.as_of))
    watched = (
        day_number(ibis.literal(company.info.observed_from)) if company.info.observed_from else ibis.literal(-(10**6))
    )
    lives = lives.mutate(ended=lives["last"] < far, end=ibis.least(lives["last"], as_of))
    lives = lives.filter((lives.end > watched) & (lives.end > lives["first"]))
    frame = lives.inner_join(account_segments(company, policy), "account_id").select(
        "account_id",
        "cluster",
        "segment",
        "life",
        "ended",
        entry=ibis.greatest(watched - lives["first"], 0),
        duration=lives.end - lives["first"],
    )
    return frame.order_by(["account_id", "life"]).execute()


def parties_by_deal(company: Company, policy: Policy) -> pd.DataFrame:
    """One row per deal with stakeholders: segment, account, persons, roles, approve, inform, influence (distinct persons by
    part), unmet (persons never reached; null where engaged_at is not recorded), closed (an open deal may yet reach them)."""
    people = company.table("stakeholders")
    deals = deals_with_customer(company, policy).select("opportunity_id", "segment", "cluster", "outcome")
    met = people.engaged_at if "engaged_at" in people.columns else ibis.null("date")
    people = people.mutate(met=met.notnull())
    reached = people.met.ifelse(people.person_id, ibis.null("string")).nunique()  # met in one role is met
    unmet = people.person_id.nunique() - reached if company.has("stakeholders.engaged_at") else ibis.null("int64")
    frame = people.inner_join(deals, "opportunity_id").group_by(["opportunity_id", "segment", "cluster"]).aggregate(
        persons=people.person_id.nunique(), roles=people.role.nunique(),
        **{p: (people.part == p).ifelse(people.person_id, ibis.null("string")).nunique() for p in ("approve", "inform", "influence")},
        unmet=unmet, closed=(ibis._.outcome != "open").max(),
    )  # fmt: skip
    return frame.order_by("opportunity_id").execute()
