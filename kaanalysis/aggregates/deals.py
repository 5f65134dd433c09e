"""Deals and amounts: how long they took, how they ended, what accounts bought, which stages deals went through."""

from __future__ import annotations

import datetime as dt

import ibis
import pandas as pd

from kaanalysis.aggregates.common import counted_deals, day_number, deals_with_customer, months_before, read_once
from kaanalysis.company import Company
from kaanalysis.policy import Policy


def deal_times(company: Company, policy: Policy) -> pd.DataFrame:
    """One row per deal that can be timed: segment, owner, account, category, days, outcome (won, lost, drifted or null = open at
    as_of), follow_up (days from opening to as_of), entry (days from opening to observed_from where that is later, else 0: such a deal is
    seen only because it was still open then, so it enters late), undone (won, then refunded or litigated).

    Which deals count is a policy value (``conversion.deals``). A won deal that was later refunded or
    litigated was won; it is counted as won here and told apart by `undone`. Deals without an opening date, and closed
    deals without a closing date, cannot be timed; `untimed_deals` counts them.
    """
    deals = deals_with_customer(company, policy)
    as_of = ibis.literal(company.info.as_of)
    watched = ibis.literal(company.info.observed_from) if company.info.observed_from else None
    timed = counted_deals(deals, policy)
    timed = timed.filter(timed.created_at.notnull() & ((timed.outcome == "open") | timed.closed_at.notnull()))
    end = (timed.outcome != "open").ifelse(timed.closed_at, as_of)
    lost_as = (timed["exit"] == "drifted").fill_null(False).ifelse("drifted", "lost")
    frame = timed.select(
        "opportunity_id", "segment", "owner", "category", account=timed.cluster,
        days=day_number(end) - day_number(timed.created_at),
        outcome=ibis.cases((timed.outcome == "won", "won"), (timed.outcome == "lost", lost_as), else_=ibis.null("string")),
        undone=((timed.outcome == "won") & timed["exit"].isin(["refunded", "litigated"])).fill_null(False),
        follow_up=day_number(as_of) - day_number(timed.created_at),
        entry=ibis.greatest(day_number(watched) - day_number(timed.created_at), 0) if watched is not None else ibis.literal(0, "int64"),
    )  # fmt: skip
    frame = frame.filter(frame.days >= frame.entry)
    return frame.order_by("opportunity_id").execute()


def closed_deals(company: Company, policy: Policy) -> pd.DataFrame:
    """One row per closed deal, dated or not: opportunity_id, segment, category, owner, account, won."""
    deals = deals_with_customer(company, policy)
    deals = counted_deals(deals, policy)
    closed = deals.filter(deals.outcome != "open")
    frame = closed.select(
        "opportunity_id", "segment", "category", "owner", account=closed.cluster, won=closed.outcome == "won"
    )
    return frame.order_by("opportunity_id").execute()


def untimed_deals(company: Company, policy: Policy) -> pd.DataFrame:
    """One row per segment: deals and untimed, those among them that lack a date and are not in `deal_times`."""
    deals = deals_with_customer(company, policy)
    deals = counted_deals(deals, policy)
    timed = deals.created_at.notnull() & ((deals.outcome == "open") | deals.closed_at.notnull())
    return (
        deals.group_by("segment")
        .aggregate(deals=deals.count(), untimed=(~timed).ifelse(1, 0).sum())
        .order_by("segment")
        .execute()
    )


def history_start(company: Company) -> dt.date | None:
    """From when won deals are on record: observed_from, else the earliest closing date; None without either."""
    if company.info.observed_from:
        return company.info.observed_from
    if not company.has("opportunities.closed_at"):
        return None
    first = company.table("opportunities").closed_at.min().execute()
    return None if first is None or first != first else pd.Timestamp(first).date()


def growth_by_account(company: Company, policy: Policy) -> pd.DataFrame:
    """One row per account with a won amount in either of the two periods before as_of: cluster, segment, industry, region,
    amount_0, deals_0 (earlier period), amount_1, deals_1 (period up to as_of), running (1 under contract at as_of, 0 not; null without
    subscriptions)."""
    months = policy["growth.period_months"]
    end = company.info.as_of
    middle, start = months_before(end, months), months_before(end, 2 * months)
    deals = deals_with_customer(company, policy)
    won = deals.filter(
        (deals.outcome == "won") & deals.amount.notnull() & (deals.closed_at > start) & (deals.closed_at <= end)
    )
    later = won.closed_at > middle
    frame = won.group_by(["account_id", "cluster", "segment", "industry", "region"]).aggregate(
        amount_0=(~later).ifelse(won.amount, 0.0).sum(), deals_0=(~later).ifelse(1, 0).sum(),
        amount_1=later.ifelse(won.amount, 0.0).sum(), deals_1=later.ifelse(1, 0).sum(),
    )  # fmt: skip
    if not company.has("subscriptions"):
        return frame.mutate(running=ibis.null("int64")).order_by("account_id").execute()
    contracts = company.table("subscriptions")
    held = contracts.filter(contracts.ended_at.isnull()).select(held_id="account_id").distinct()
    frame = frame.left_join(held, frame.account_id == held.held_id)
    frame = frame.mutate(running=frame.held_id.notnull().ifelse(1, 0).cast("int64")).drop("held_id")
    return frame.order_by("account_id").execute()


@read_once
def spend_by_account(company: Company, policy: Policy) -> pd.DataFrame:
    """One row per account with won amount above 0 in the spend window before as_of: account_id, cluster, segment, industry,
    region, spend."""
    start = months_before(company.info.as_of, policy["spend.window_months"])
    deals = deals_with_customer(company, policy)
    won = deals.filter((deals.outcome == "won") & deals.amount.notnull() & (deals.closed_at > start))
    frame = won.group_by(["account_id", "cluster", "segment", "industry", "region"]).aggregate(spend=won.amount.sum())
    return frame.filter(frame.spend > 0).order_by("account_id").execute()


def stage_sojourns(company: Company, policy: Policy) -> pd.DataFrame:
    """One row per stay of a deal in a stage: segment, owner, account, opportunity_id, stage, place, days (in the stage), next (the next
    stage; won, lost; null = still in it when last seen), entry (days in the stage before observed_from, 0 unless it enters late) and
    first (the deal's first stage, seen from its start).

    Stays that ended before observed_from were never under observation and are left out. A closed deal without a closing date leaves its
    last stage at an unknown time: it is censored on entering, neither a loss nor dropped.
    """
    deals = counted_deals(deals_with_customer(company, policy), policy)
    history = company.table("stage_history").select("opportunity_id", "stage", "entered_at", "row__")
    order = ibis.window(group_by="opportunity_id", order_by=["entered_at", "row__"])
    history = history.mutate(
        next_stage=ibis._.stage.lead().over(order),
        next_at=ibis._.entered_at.lead().over(order),
        place=ibis.row_number().over(order),
    )
    joined = history.inner_join(
        deals.select("opportunity_id", "segment", "owner", "cluster", "outcome", "closed_at", "created_at"),
        "opportunity_id",
    )
    as_of = ibis.literal(company.info.as_of)
    last = joined.next_stage.isnull()
    end = last.ifelse((joined.outcome == "open").ifelse(as_of, joined.closed_at), joined.next_at.cast("date"))
    outcome = (joined.outcome == "open").ifelse(ibis.null("string"), joined.outcome)
    following = last.ifelse(outcome, joined.next_stage)
    entered = day_number(joined.entered_at)
    # The engine's greatest() would make 0 days of an end that is not known; here that is meant.
    days = end.isnull().ifelse(0, ibis.greatest(day_number(end) - entered, 0))
    watched = company.info.observed_from
    entry = ibis.greatest(day_number(ibis.literal(watched)) - entered, 0) if watched else ibis.literal(0, "int64")
    began = (
        (joined.created_at.fill_null(joined.entered_at.cast("date")) >= ibis.literal(watched))
        if watched
        else ibis.literal(True)
    )
    frame = joined.select(
        "opportunity_id", "segment", "owner", "stage", "place", account=joined.cluster, days=days,
        next=end.isnull().ifelse(ibis.null("string"), following), entry=entry, first=(joined.place == 0) & began,
    )  # fmt: skip
    return frame.filter(frame.days >= frame.entry).order_by(["opportunity_id", "place"]).execute()
