"""Customers: how long they stayed, who they are, what they ordered."""

from __future__ import annotations

import datetime as dt

import ibis
import ibis.expr.types as ir
import pandas as pd

from kaanalysis.aggregates.common import DAYS_PER_MONTH, day_number, deals_with_customer, months_before, read_once
from kaanalysis.aggregates.rankings import ranking_matches
from kaanalysis.aggregates.segments import account_segments
from kaanalysis.company import Company
from kaanalysis.policy import Policy


@read_once
def customer_lives(company: Company, policy: Policy) -> pd.DataFrame:
    """One row per customer life: account_id, cluster, segment, industry, region, entry and duration (days since the life began), ended,
    since (days from its beginning to as_of).

    A life is the union of an account's subscriptions; a pause of at most ``lifecycle.gap_months`` does not end it. Without
    subscriptions it runs from the first won deal to the last plus ``lifecycle.silence_months``. A life that began before
    observed_from enters late (`entry` > 0); one that ended before it was never seen and is left out.
    """
    if company.has("subscriptions"):
        source = company.table("subscriptions")
        spans = source.select("account_id", start=source.started_at, end=source.ended_at)
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
        "industry",
        "region",
        "life",
        "ended",
        entry=ibis.greatest(watched - lives["first"], 0),
        duration=lives.end - lives["first"],
        since=as_of - lives["first"],
    )
    return frame.order_by(["account_id", "life"]).execute()


@read_once
def account_register(company: Company, policy: Policy) -> pd.DataFrame:
    """One row per account in the register: account_id, name, cluster, segment, industry, region, employees, annual_revenue, reach,
    ranked_on (null where neither the column nor a list beside the company names it), worked (recorded by the company's own hand: a date
    of entry, a deal, an order or a contract; an account known from a ranking alone has none), customer (won or under contract at any
    time), present (won within ``spend.window_months`` or under contract at as_of), won (amount of all won deals), spend (that of the
    window; 0 without)."""
    accounts = company.table("accounts")
    known = accounts.select("account_id", "name", "employees", "annual_revenue", "reach", "ranked_on", "created_at")
    frame = account_segments(company, policy).inner_join(known, "account_id")
    start = months_before(company.info.as_of, policy["spend.window_months"])
    deals = deals_with_customer(company, policy)
    won = deals.outcome == "won"
    recent = won & (deals.closed_at > start).fill_null(False)
    by_deals = deals.group_by(deal_id="account_id").aggregate(
        deals=deals.count(), wins=won.ifelse(1, 0).sum(), recent=recent.ifelse(1, 0).sum(),
        won=won.ifelse(deals.amount.fill_null(0.0), 0.0).sum(), spend=recent.ifelse(deals.amount.fill_null(0.0), 0.0).sum(),
    )  # fmt: skip
    frame = frame.left_join(by_deals, frame.account_id == by_deals.deal_id).drop("deal_id")
    frame = frame.mutate(contract=ibis.null("int64"), order=ibis.null("int64"))
    if company.has("subscriptions"):  # contract: 1 under contract at as_of, 0 before
        contracts = company.table("subscriptions")
        contracts = contracts.mutate(open_now=contracts.ended_at.isnull().ifelse(1, 0))
        by_contract = contracts.group_by(contract_id="account_id").aggregate(running=contracts.open_now.max())
        frame = frame.left_join(by_contract, frame.account_id == by_contract.contract_id)
        frame = frame.mutate(contract=frame.running.cast("int64")).drop("contract_id", "running")
    if company.has("order_lines"):
        ordering = company.table("order_lines").select(order_id="account_id").distinct()
        frame = frame.left_join(ordering, frame.account_id == ordering.order_id)
        frame = frame.mutate(order=frame.order_id.notnull().ifelse(1, 0).cast("int64")).drop("order_id")
    frame = frame.mutate(
        customer=(frame.wins > 0).fill_null(False) | frame.contract.notnull(),
        present=(frame.recent > 0).fill_null(False) | (frame.contract == 1).fill_null(False),
        worked=frame.created_at.notnull()
        | frame.deals.notnull()
        | (frame.order == 1).fill_null(False)
        | frame.contract.notnull(),
    )
    out = frame.select(
        "account_id", "name", "cluster", "segment", "industry", "region", "employees", "annual_revenue", "reach", "ranked_on",
        "worked", "customer", "present", won=frame.won.fill_null(0.0), spend=frame.spend.fill_null(0.0),
    )  # fmt: skip
    register = out.order_by("account_id").execute()
    if len(company.rankings):  # a list beside the company says it as well as a column
        matches = ranking_matches(company, policy)
        listed = matches[matches["state"] == "accepted"].groupby("account_id")["list"].first()
        register["ranked_on"] = register["ranked_on"].where(
            register["ranked_on"].notna(), register["account_id"].map(listed)
        )
    return register


def account_holders(company: Company) -> pd.DataFrame:
    """One row per account that a team holds or that has a deal: account_id, team (by ownership under way, else of its latest deal),
    seller (of its latest deal; null without), open_deals, lost_deals."""
    deals = company.table("opportunities")
    latest = ibis.window(group_by="account_id", order_by=[ibis.desc("at", nulls_first=False), "opportunity_id"])
    columns = deals.select("account_id", "opportunity_id", "team", "owner", "outcome", at=deals.created_at)
    placed = columns.mutate(place=ibis.row_number().over(latest))
    found = placed.group_by("account_id").aggregate(
        deal_team=(placed.place == 0).ifelse(placed.team, ibis.null("string")).max(),
        seller=(placed.place == 0).ifelse(placed.owner, ibis.null("string")).max(),
        open_deals=(placed.outcome == "open").ifelse(1, 0).sum(), lost_deals=(placed.outcome == "lost").ifelse(1, 0).sum(),
    )  # fmt: skip
    claims = company.table("ownership") if company.has("ownership.team") else None
    if claims is None:
        both = found.rename(team="deal_team")
    else:
        last = ibis.window(group_by="account_id", order_by=[ibis.desc("from_at", nulls_first=False), "team"])
        held = claims.filter(claims.to_at.isnull()).mutate(place=ibis.row_number().over(last))
        held = held.filter(held.place == 0).select(held_id="account_id", held_team="team")
        both = held.outer_join(found, held.held_id == found.account_id)
        both = both.mutate(
            account_id=both.account_id.fill_null(both.held_id), team=both.held_team.fill_null(both.deal_team),
            open_deals=both.open_deals.fill_null(0), lost_deals=both.lost_deals.fill_null(0),
        )  # fmt: skip
    both = both.select("account_id", "team", "seller", "open_deals", "lost_deals")
    return both.order_by("account_id").execute()


@read_once
def product_lines(company: Company, policy: Policy) -> pd.DataFrame:
    """One row per account, order and product: cluster, segment, lines (number of order lines).

    An order is a deal; lines without one are an order a day. Without order lines a won deal's product is one line.
    """
    segments = account_segments(company, policy).select("account_id", "cluster", "segment")
    if company.has("order_lines.product"):
        lines = company.table("order_lines")
        day = "day " + lines["at"].cast("string")
        lines = lines.mutate(order=lines.opportunity_id.fill_null(day).fill_null("row " + lines.row__.cast("string")))
    else:
        deals = company.table("opportunities")
        lines = deals.filter((deals.outcome == "won") & deals["product"].notnull()).mutate(order=ibis._.opportunity_id)
    grouped = lines.group_by(["account_id", "order", "product"]).aggregate(lines=ibis._.count())
    return grouped.inner_join(segments, "account_id").order_by(["account_id", "order", "product"]).execute()


@read_once
def order_amounts(company: Company, policy: Policy) -> pd.DataFrame:
    """One row per account with order lines: cluster, segment, amount, custom (amount made to measure; null where not recorded at all),
    listed (list amount of the lines that have one), paid (amount of those lines)."""
    lines = company.table("order_lines")
    null = ibis.null("float64")
    made = lines.custom.fill_null(False).ifelse(lines.amount, 0.0) if company.has("order_lines.custom") else null
    lines = lines.mutate(made=made, listed=lines.list_amount)
    priced = lines.listed.notnull() & (lines.listed > 0)
    grouped = lines.group_by("account_id").aggregate(
        amount=lines.amount.sum(), custom=lines.made.sum(), listed=priced.ifelse(lines.listed, 0.0).sum(),
        paid=priced.ifelse(lines.amount, 0.0).sum(),
    )  # fmt: skip
    segments = account_segments(company, policy).select("account_id", "cluster", "segment")
    return grouped.inner_join(segments, "account_id").order_by("account_id").execute()


@read_once
def won_amounts(company: Company, policy: Policy) -> pd.DataFrame:
    """One row per won deal with an amount above 0: account_id, cluster, segment, industry, category (null where not recorded), amount."""
    deals = deals_with_customer(company, policy)
    won = deals.filter((deals.outcome == "won") & (deals.amount > 0))
    frame = won.select("opportunity_id", "account_id", "cluster", "segment", "industry", "category", "amount")
    return frame.order_by("opportunity_id").execute()


def recurring_fees(company: Company, policy: Policy) -> pd.DataFrame:
    """One row per account under contract ``growth.period_months`` before as_of or at as_of: cluster, segment, cohort (year its first
    contract began), before and now (monthly fee under contract on the two days; 0 where it came later or left)."""
    fees = company.table("subscriptions")
    fees = fees.mutate(last=fees.ended_at, fee=fees.monthly_fee.fill_null(0.0))
    then, now = months_before(company.info.as_of, policy["growth.period_months"]), company.info.as_of

    def running(on: dt.date) -> ir.FloatingValue:
        there = (fees.started_at <= on) & (fees["last"].isnull() | (fees["last"] > on))
        return there.ifelse(fees.fee, 0.0).sum()

    grouped = fees.group_by("account_id").aggregate(
        cohort=fees.started_at.min().year(), before=running(then), now=running(now)
    )
    segments = account_segments(company, policy).select("account_id", "cluster", "segment")
    frame = grouped.filter((grouped.before > 0) | (grouped.now > 0)).inner_join(segments, "account_id")
    return frame.order_by("account_id").execute()
