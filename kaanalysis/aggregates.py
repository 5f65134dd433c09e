"""Small frames out of big tables: the only code that sees tables of any size. Ibis expressions, run inside the engine.

Every function takes an open company and the policy, says what one row of its frame is, and does no statistics.
Dates are subtracted as whole days. A month is 365.25 / 12 days.
"""

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


def _day_number(value: ir.Value) -> ir.IntegerValue:
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


def _deals(company: Company, policy: Policy) -> ibis.Table:
    """Opportunities with segment and account cluster; optional columns that are missing are null."""
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


def deal_times(company: Company, policy: Policy) -> pd.DataFrame:
    """One row per deal that can be timed: segment, owner, account, category, days, outcome (won, lost, drifted or null = open at
    as_of), follow_up (days from opening to as_of), entry (days from opening to observed_from where that is later, else 0: such a deal is
    seen only because it was still open then, so it enters late).

    Which deals count is a policy value (``conversion.deals``). A won deal that was later refunded or
    litigated was won; it is counted as won here and told apart by its exit elsewhere. Deals without an opening date, and closed
    deals without a closing date, cannot be timed; `untimed_deals` counts them.
    """
    deals = _deals(company, policy)
    as_of = ibis.literal(company.info.as_of)
    watched = ibis.literal(company.info.observed_from) if company.info.observed_from else None
    timed = counted_deals(deals, policy)
    timed = timed.filter(timed.created_at.notnull() & ((timed.outcome == "open") | timed.closed_at.notnull()))
    end = (timed.outcome != "open").ifelse(timed.closed_at, as_of)
    lost_as = (timed["exit"] == "drifted").fill_null(False).ifelse("drifted", "lost")
    frame = timed.select(
        "opportunity_id", "segment", "owner", "category", account=timed.cluster,
        days=_day_number(end) - _day_number(timed.created_at),
        outcome=ibis.cases((timed.outcome == "won", "won"), (timed.outcome == "lost", lost_as), else_=ibis.null("string")),
        follow_up=_day_number(as_of) - _day_number(timed.created_at),
        entry=ibis.greatest(_day_number(watched) - _day_number(timed.created_at), 0) if watched is not None else ibis.literal(0, "int64"),
    )  # fmt: skip
    frame = frame.filter(frame.days >= frame.entry)
    return frame.order_by("opportunity_id").execute()


def closed_deals(company: Company, policy: Policy) -> pd.DataFrame:
    """One row per closed deal, dated or not: opportunity_id, segment, category, owner, account, won."""
    deals = _deals(company, policy)
    deals = counted_deals(deals, policy)
    closed = deals.filter(deals.outcome != "open")
    frame = closed.select(
        "opportunity_id", "segment", "category", "owner", account=closed.cluster, won=closed.outcome == "won"
    )
    return frame.order_by("opportunity_id").execute()


def untimed_deals(company: Company, policy: Policy) -> pd.DataFrame:
    """One row per segment: deals and untimed, those among them that lack a date and are not in `deal_times`."""
    deals = _deals(company, policy)
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
    amount_0, deals_0 (earlier period), amount_1, deals_1 (period up to as_of)."""
    months = policy["growth.period_months"]
    end = company.info.as_of
    middle, start = months_before(end, months), months_before(end, 2 * months)
    deals = _deals(company, policy)
    won = deals.filter(
        (deals.outcome == "won") & deals.amount.notnull() & (deals.closed_at > start) & (deals.closed_at <= end)
    )
    later = won.closed_at > middle
    frame = won.group_by(["account_id", "cluster", "segment", "industry", "region"]).aggregate(
        amount_0=(~later).ifelse(won.amount, 0.0).sum(), deals_0=(~later).ifelse(1, 0).sum(),
        amount_1=later.ifelse(won.amount, 0.0).sum(), deals_1=later.ifelse(1, 0).sum(),
    )  # fmt: skip
    return frame.order_by("account_id").execute()


def spend_by_account(company: Company, policy: Policy) -> pd.DataFrame:
    """One row per account with won amount above 0 in the spend window before as_of: account_id, cluster, segment, spend."""
    start = months_before(company.info.as_of, policy["spend.window_months"])
    deals = _deals(company, policy)
    won = deals.filter((deals.outcome == "won") & deals.amount.notnull() & (deals.closed_at > start))
    frame = won.group_by(["account_id", "cluster", "segment", "industry", "region"]).aggregate(spend=won.amount.sum())
    return frame.filter(frame.spend > 0).order_by("account_id").execute()


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
        deals = _deals(company, policy)
        won = deals.filter((deals.outcome == "won") & deals.closed_at.notnull())
        silence = round(policy["lifecycle.silence_months"] * DAYS_PER_MONTH)
        end = won.closed_at + ibis.interval(days=silence)
        end = end.cast("date")
        spans = won.select(
            "account_id", start=won.closed_at, end=(end > company.info.as_of).ifelse(ibis.null("date"), end)
        )
        gap = 0
    far = _day_number(ibis.literal(dt.date(2200, 1, 1)))
    spans = spans.mutate(first=_day_number(spans.start), last=spans.end.isnull().ifelse(far, _day_number(spans.end)))
    before = ibis.window(group_by="account_id", order_by=["first", "last"], preceding=(None, 1))
    spans = spans.mutate(reach=spans["last"].max().over(before))
    spans = spans.mutate(begins=(spans.reach.isnull() | (spans["first"] > spans.reach + gap)).cast("int64"))
    spans = spans.mutate(
        life=spans.begins.sum().over(
            ibis.window(group_by="account_id", order_by=["first", "last"], preceding=None, following=0)
        )
    )
    lives = spans.group_by(["account_id", "life"]).aggregate(first=spans["first"].min(), last=spans["last"].max())
    as_of = _day_number(ibis.literal(company.info.as_of))
    watched = (
        _day_number(ibis.literal(company.info.observed_from)) if company.info.observed_from else ibis.literal(-(10**6))
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
    deals = _deals(company, policy).select("opportunity_id", "segment", "cluster", "outcome")
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


def parties_by_flow(company: Company) -> pd.DataFrame:
    """One row per buying flow: category, amount (largest), steps, approve, inform, influence (distinct acting parties by part: the
    role, or the department where no role is given)."""
    steps = _steps(company)
    frame = steps.group_by(["flow_id", "category"]).aggregate(
        steps=steps.count(), amount=steps.amount.max(),
        **{p: (steps.part == p).ifelse(steps.party, ibis.null("string")).nunique() for p in ("approve", "inform", "influence")},
    )  # fmt: skip
    return frame.order_by("flow_id").execute()


def _steps(company: Company) -> ibis.Table:
    """Buying steps with `party` and `category`, optional columns that are missing null; flows of deals carry their segment as
    category where the table has none."""
    steps = company.table("buying_steps")
    kinds = {"at": "timestamp", "started_at": "timestamp", "amount": "float64", "step_no": "int64", "days": "float64"}
    for column in (
        "role",
        "department",
        "category",
        "at",
        "started_at",
        "amount",
        "step_no",
        "days",
        "opportunity_id",
        "source",
    ):
        if column not in steps.columns:
            steps = steps.mutate(**{column: ibis.null(kinds.get(column, "string"))})
    return steps.mutate(party=steps.role.fill_null(steps.department).fill_null("?"))


def transitions(company: Company, policy: Policy) -> ibis.Table:
    """The transitions table: one row per logged buying step, with the step that follows it in the same flow.

    Columns: flow_id, kind (segment of the deal, else category), step, party, part, at_us (int64 microseconds), next_step, next_party,
    next_us. Steps are in the order of `at`, ties by step_no, then by row. Interview flows have no times and are left out.
    """
    steps = _steps(company)
    logged = steps.filter(steps["at"].notnull() & ((steps.source != "interview") | steps.source.isnull()))
    segments = _deals(company, policy).select("opportunity_id", "segment")
    logged = logged.left_join(segments, "opportunity_id")
    logged = logged.mutate(
        kind=logged.segment.fill_null(logged.category).fill_null(ALL),
        at_us=logged["at"].truncate("s").epoch_seconds().cast("int64") * 1_000_000
        + logged["at"].microsecond() % 1_000_000,
    )
    order = ibis.window(group_by="flow_id", order_by=["at_us", "step_no", "row__"])
    return logged.select(
        "flow_id", "kind", "step", "party", "part", "at_us", "row__", "step_no",
    ).mutate(
        next_step=ibis._.step.lead().over(order), next_party=ibis._.party.lead().over(order), next_us=ibis._.at_us.lead().over(order),
        place=ibis.row_number().over(order),
    )  # fmt: skip


def materialised(company: Company, name: str, expression: ibis.Table) -> ibis.Table:
    """`expression` computed once into a table of the company's engine, so that several views are group-bys over it."""
    assert company.raw is not None
    company.raw.raw_sql(f'DROP TABLE IF EXISTS "view_{name}"')
    return company.raw.connection.create_table(f"view_{name}", expression)


def directly_follows(moves: ibis.Table) -> pd.DataFrame:
    """One row per kind and pair of steps that follow each other directly: flows, count, median_days, p90_days (elapsed)."""
    pairs = moves.filter(moves.next_step.notnull()).mutate(days=(ibis._.next_us - ibis._.at_us) / 86_400_000_000)
    frame = pairs.group_by(["kind", "step", "next_step"]).aggregate(
        count=pairs.count(),
        flows=pairs.flow_id.nunique(),
        median_days=pairs.days.quantile(0.5),
        p90_days=pairs.days.quantile(0.9),
    )
    return frame.order_by(["kind", ibis.desc("count"), "step", "next_step"]).execute()


def buying_nodes(moves: ibis.Table) -> pd.DataFrame:
    """One row per kind and step: party (most frequent), part, count, flows, place (mean position in the flow, 0 = first) and
    median_wait_days (from the step before to this one)."""
    order = ibis.window(group_by="flow_id", order_by=["at_us", "step_no", "row__"])
    waits = moves.mutate(wait=(ibis._.at_us - ibis._.at_us.lag().over(order)) / 86_400_000_000)
    frame = waits.group_by(["kind", "step"]).aggregate(
        party=waits.party.mode(), part=waits.part.mode(), count=waits.count(), flows=waits.flow_id.nunique(),
        place=waits.place.mean(), median_wait_days=waits.wait.quantile(0.5), total_wait_days=waits.wait.sum(),
    )  # fmt: skip
    return frame.order_by(["kind", "place", "step"]).execute()


def flow_durations(moves: ibis.Table) -> pd.DataFrame:
    """One row per flow: kind, events, days from its first to its last event."""
    frame = moves.group_by(["flow_id", "kind"]).aggregate(
        events=moves.count(), days=(moves.at_us.max() - moves.at_us.min()) / 86_400_000_000
    )
    return frame.order_by("flow_id").execute()


def stage_sojourns(company: Company, policy: Policy) -> pd.DataFrame:
    """One row per stay of a deal in a stage: segment, owner, account, opportunity_id, stage, place, days (in the stage), next (the next
    stage; won, lost; null = still in it when last seen), entry (days in the stage before observed_from, 0 unless it enters late) and
    first (the deal's first stage, seen from its start).

    Stays that ended before observed_from were never under observation and are left out. A closed deal without a closing date leaves its
    last stage at an unknown time: it is censored on entering, neither a loss nor dropped.
    """
    deals = counted_deals(_deals(company, policy), policy)
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
    entered = _day_number(joined.entered_at)
    # The engine's greatest() would make 0 days of an end that is not known; here that is meant.
    days = end.isnull().ifelse(0, ibis.greatest(_day_number(end) - entered, 0))
    watched = company.info.observed_from
    entry = ibis.greatest(_day_number(ibis.literal(watched)) - entered, 0) if watched else ibis.literal(0, "int64")
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


def team_economics(company: Company) -> pd.DataFrame:
    """One row per team and month, with the team's motion (null where teams does not name it) and null for columns not given."""
    months = company.table("team_months")
    for column in ("sellers", "cost", "support_cost", "product_capacity", "releases", "quota", "bookings"):
        if column not in months.columns:
            months = months.mutate(**{column: ibis.null("float64")})
    if "teams" in company.tables:
        months = months.left_join(company.table("teams").select("team", "motion"), "team")
    else:
        months = months.mutate(motion=ibis.null("string"))
    return (
        months.select(
            "team",
            "month",
            "motion",
            "sellers",
            "cost",
            "support_cost",
            "product_capacity",
            "releases",
            "quota",
            "bookings",
        )
        .order_by(["team", "month"])
        .execute()
    )


def key_account_revenue(company: Company, policy: Policy) -> pd.DataFrame:
    """One row per customer group (head office with its subsidiaries) that a KA team won anything from since ka_launch: cluster,
    won (by KA teams since the launch), other_won
    (by other teams since the launch), before (won by other teams in ``siphon.before_months`` before the launch), known_before (any
    won deal by another team before the launch). By group: a subsidiary of an old customer is no new customer."""
    launch = company.info.ka_launch
    assert launch is not None
    start = months_before(launch, policy["siphon.before_months"])
    # A deal of a team that `teams` does not name was won all the same: leaving it out would make its account look new.
    deals = _deals(company, policy).left_join(company.table("teams").select("team", "motion"), "team")
    won = deals.filter((deals.outcome == "won") & deals.closed_at.notnull())
    by_ka, since = (won.motion == "KA").fill_null(False), won.closed_at >= launch
    amount = won.amount.fill_null(0.0)
    frame = won.group_by("cluster").aggregate(
        won=(by_ka & since).ifelse(amount, 0.0).sum(), other_won=(~by_ka & since).ifelse(amount, 0.0).sum(),
        before=(~by_ka & ~since & (won.closed_at >= start)).ifelse(amount, 0.0).sum(),
        known_before=(~by_ka & ~since).ifelse(1, 0).max(),
    )  # fmt: skip
    return frame.filter(frame.won > 0).order_by("cluster").execute()


def monthly_revenue_by_motion(company: Company) -> pd.DataFrame:
    """One row per month and motion: won amount, deals, accounts."""
    deals = company.table("opportunities").inner_join(company.table("teams").select("team", "motion"), "team")
    won = deals.filter((deals.outcome == "won") & deals.amount.notnull() & deals.closed_at.notnull()).mutate(
        month=ibis._.closed_at.truncate("M").cast("date")
    )
    return (
        won.group_by(["month", "motion"])
        .aggregate(won=won.amount.sum(), deals=won.count(), accounts=won.account_id.nunique())
        .order_by(["month", "motion"])
        .execute()
    )


def key_account_deals_by_month(company: Company, policy: Policy) -> pd.DataFrame:
    """One row per month: new deals (no renewals) that KA teams opened."""
    deals = _deals(company, policy).inner_join(company.table("teams").select("team", "motion"), "team")
    opened = deals.filter(
        (deals.motion == "KA") & deals.created_at.notnull() & ((deals.origin != "renewal") | deals.origin.isnull())
    )
    opened = opened.mutate(month=opened.created_at.truncate("M").cast("date"))
    return opened.group_by("month").aggregate(opened=opened.count()).order_by("month").execute()


def key_account_deal_sizes(company: Company, policy: Policy) -> pd.DataFrame:
    """One row per won deal of a KA customer that is no renewal: cluster, amount above 0."""
    deals = _deals(company, policy)
    won = deals.filter(
        (deals.segment == "KA")
        & (deals.outcome == "won")
        & (deals.amount > 0)
        & ((deals.origin != "renewal") | deals.origin.isnull())
    )
    return won.select("cluster", "amount").order_by(["cluster", "amount"]).execute()


def won_in_last_year(company: Company, policy: Policy) -> float:
    """Won amount in the twelve months before as_of."""
    deals = _deals(company, policy)
    won = deals.filter(
        (deals.outcome == "won") & deals.amount.notnull() & (deals.closed_at > months_before(company.info.as_of, 12))
    )
    return float(won.amount.sum().fill_null(0.0).execute())
