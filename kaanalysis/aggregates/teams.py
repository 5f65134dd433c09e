"""Teams: what they cost and bring, and what key-account teams won from whom."""

from __future__ import annotations

import ibis
import pandas as pd

from kaanalysis.aggregates.common import deals_with_customer, months_before
from kaanalysis.aggregates.segments import account_segments
from kaanalysis.company import Company
from kaanalysis.policy import Policy


def team_economics(company: Company) -> pd.DataFrame:
    """One row per team and month, with the team's motion (null where teams does not name it) and null for columns not given."""
    months = company.table("team_months")
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


def has_key_account_team(company: Company) -> bool:
    """Whether `teams` names a team whose motion is KA."""
    teams = company.table("teams")
    return bool(teams.filter(teams.motion == "KA").limit(1).count().execute())


def key_account_revenue(company: Company, policy: Policy) -> pd.DataFrame:
    """One row per customer group (head office with its subsidiaries) that a KA team won anything from since ka_launch: cluster,
    won (by KA teams since the launch), other_won
    (by other teams since the launch), before (won by other teams in ``siphon.before_months`` before the launch), known_before (any
    won deal by another team before the launch). By group: a subsidiary of an old customer is no new customer."""
    launch = company.info.ka_launch
    assert launch is not None
    start = months_before(launch, policy["siphon.before_months"])
    # A deal of a team that `teams` does not name was won all the same: leaving it out would make its account look new.
    deals = deals_with_customer(company, policy).left_join(company.table("teams").select("team", "motion"), "team")
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
    deals = deals_with_customer(company, policy).inner_join(company.table("teams").select("team", "motion"), "team")
    opened = deals.filter(
        (deals.motion == "KA") & deals.created_at.notnull() & ((deals.origin != "renewal") | deals.origin.isnull())
    )
    opened = opened.mutate(month=opened.created_at.truncate("M").cast("date"))
    return opened.group_by("month").aggregate(opened=opened.count()).order_by("month").execute()


def key_account_deal_sizes(company: Company, policy: Policy) -> pd.DataFrame:
    """One row per won deal of a KA customer that is no renewal: cluster, amount above 0, owner, opportunity_id."""
    deals = deals_with_customer(company, policy)
    won = deals.filter(
        (deals.segment == "KA")
        & (deals.outcome == "won")
        & (deals.amount > 0)
        & ((deals.origin != "renewal") | deals.origin.isnull())
    )
    chosen = won.select("cluster", "amount", "owner", "opportunity_id")
    return chosen.order_by(["cluster", "amount", "opportunity_id"]).execute()


def key_account_fees(company: Company, policy: Policy) -> pd.DataFrame:
    """One row per contract won from a KA customer, no renewal, with a subscription beside it: opportunity_id, cluster, amount
    (above 0), fee (monthly fees of the subscriptions beside it, above 0).

    A subscription is beside the won deal of its account, of whatever origin, that closed nearest to its start and at most
    ``ledger.start_days`` days from it (one that is no renewal where two are as near). Contracts without one are left out, and so are
    subscriptions without a fee."""
    deals = deals_with_customer(company, policy)
    won = deals.filter((deals.segment == "KA") & (deals.outcome == "won") & deals.closed_at.notnull())
    won = won.select(
        "opportunity_id",
        "account_id",
        "cluster",
        "amount",
        "closed_at",
        again=(won.origin == "renewal").fill_null(False),
    )
    fees = company.table("subscriptions").filter(lambda t: t.monthly_fee.notnull() & t.started_at.notnull())
    fees = fees.mutate(subscription=ibis.row_number().over(order_by=["account_id", "started_at", "monthly_fee"]))
    pairs = (
        fees.select("subscription", "account_id", "started_at", "monthly_fee").inner_join(won, "account_id").execute()
    )
    days = (pd.to_datetime(pairs["started_at"]) - pd.to_datetime(pairs["closed_at"])).dt.days.abs()
    pairs = pairs.assign(days=days, again=pairs["again"].astype(bool))[days <= policy["ledger.start_days"]]
    nearest = pairs.sort_values(["subscription", "days", "again", "opportunity_id"]).drop_duplicates("subscription")
    chosen = nearest[~nearest["again"] & (nearest["amount"] > 0)]
    made = chosen.groupby(["opportunity_id", "cluster", "amount"], as_index=False, sort=True)["monthly_fee"].sum()
    return made[made["monthly_fee"] > 0].rename(columns={"monthly_fee": "fee"}).reset_index(drop=True)


def key_account_openings(company: Company, policy: Policy, months: int) -> pd.DataFrame:
    """One row per KA account that had opened a deal before the last `months` months began: cluster, opened (deals opened in them; no
    renewals).

    Accounts first met in that time are left out: that they opened a deal is why they are known, and would make all look quicker."""
    deals = deals_with_customer(company, policy)
    start = months_before(company.info.as_of, months)
    new = deals.filter(
        (deals.segment == "KA") & deals.created_at.notnull() & ((deals.origin != "renewal") | deals.origin.isnull())
    )
    found = new.group_by(["account_id", "cluster"]).aggregate(
        known=(new.created_at <= start).ifelse(1, 0).max(), opened=(new.created_at > start).ifelse(1, 0).sum()
    )
    return found.filter(found.known == 1).order_by("account_id").select("account_id", "cluster", "opened").execute()


def key_account_disputes(company: Company) -> pd.DataFrame:
    """One row per dispute between a KA team and another team: month (its first day), hours."""
    teams = company.table("teams").filter(lambda t: t.motion == "KA").select("team")
    disputes = company.table("disputes")
    ours = disputes.filter(disputes.team_a.isin(teams.team) | disputes.team_b.isin(teams.team))
    ours = ours.filter(ours.opened_at.notnull()).mutate(month=ours.opened_at.truncate("M").cast("date"))
    return ours.select("month", "hours").order_by(["month", "hours"]).execute()


def team_disputes(company: Company, policy: Policy) -> pd.DataFrame:
    """One row per dispute between teams, oldest first: account_id, cluster (customer group), segment, opened_at, hours, team_a, motion_a,
    team_b, motion_b (null where teams does not name them). Disputes without a day are left out: they cannot be held against any."""
    disputes, teams = company.table("disputes"), company.table("teams").select("team", "motion")
    found = disputes.filter(disputes.opened_at.notnull())
    customers = account_segments(company, policy).select("account_id", "cluster", "segment")
    named = [teams.rename({f"team_{side}": "team", f"motion_{side}": "motion"}) for side in "ab"]
    for key, table in (("account_id", customers), ("team_a", named[0]), ("team_b", named[1])):
        found = found.left_join(table, key).drop(f"{key}_right")
    columns = ("account_id", "cluster", "segment", "opened_at", "hours", "team_a", "motion_a", "team_b", "motion_b")
    return found.select(*columns).order_by(["opened_at", "account_id", "team_a", "team_b"]).execute()


def won_in_last_year(company: Company, policy: Policy) -> float:
    """Won amount in the twelve months before as_of."""
    deals = deals_with_customer(company, policy)
    won = deals.filter(
        (deals.outcome == "won") & deals.amount.notnull() & (deals.closed_at > months_before(company.info.as_of, 12))
    )
    return float(won.amount.sum().fill_null(0.0).execute())


def _years_back(months: pd.Series, as_of: pd.Timestamp) -> pd.Series:
    """The full year before as_of in which each month lies: 0 the twelve months up to as_of, −1 those before …; null for a month that is
    not over. The month of as_of itself counts only if as_of is its last day."""
    back = (as_of.year - months.dt.year) * 12 + as_of.month - months.dt.month
    if as_of != as_of + pd.offsets.MonthEnd(0):
        back -= 1
    return (-(back // 12)).where(back >= 0)


def team_years(company: Company, policy: Policy) -> pd.DataFrame:
    """One row per team and full year before as_of: team, motion, year (0: the twelve months up to as_of, −1 those before …), heads (mean
    sellers), cost, support_cost (sums; null where a month's is not given), won (amount won; of SMB teams without key accounts' deals, which
    are no small-customer business whoever works them). Only years of which the team has twelve months."""
    end, months = pd.Timestamp(company.info.as_of), team_economics(company)
    months = months.assign(year=_years_back(pd.to_datetime(months["month"]), end)).dropna(subset=["year"])
    years = months.groupby(["team", "motion", "year"], dropna=False, sort=True).agg(
        months=("month", "nunique"), heads=("sellers", "mean"), cost=("cost", lambda x: x.sum(min_count=len(x))),
        support_cost=("support_cost", lambda x: x.sum(min_count=len(x))),
    ).reset_index()  # fmt: skip
    deals = _with_motion(company, deals_with_customer(company, policy))
    won = deals.filter((deals.outcome == "won") & (deals.amount > 0) & deals.closed_at.notnull() & deals.team.notnull())
    won = won.filter((won.motion != "SMB").fill_null(True) | (won.segment != "KA").fill_null(True))
    won = won.mutate(month=won.closed_at.truncate("M").cast("date"))
    sums = won.group_by(["team", "month"]).aggregate(won=won.amount.sum()).execute()
    sums["year"] = _years_back(pd.to_datetime(sums["month"]), end)
    by_year = sums.dropna(subset=["year"]).groupby(["team", "year"], as_index=False)["won"].sum()
    years = years[years["months"] == 12].drop(columns="months").merge(by_year, on=["team", "year"], how="left")
    return years.assign(won=years["won"].fillna(0.0), year=years["year"].astype("int64")).reset_index(drop=True)


def _with_motion(company: Company, deals: ibis.Table) -> ibis.Table:
    """Deals with the motion of their team; null where teams does not name it."""
    if not company.has("teams.motion"):
        return deals.mutate(motion=ibis.null("string"))
    return deals.left_join(company.table("teams").select("team", "motion"), "team").drop("team_right")


def won_by_motion(company: Company, policy: Policy) -> pd.DataFrame:
    """One row per won deal of the twelve months before as_of: motion of its team (null where not named), segment, cluster, amount."""
    deals = _with_motion(company, deals_with_customer(company, policy))
    won = deals.filter(
        (deals.outcome == "won") & (deals.amount > 0) & (deals.closed_at > months_before(company.info.as_of, 12))
    )
    return won.select("opportunity_id", "motion", "segment", "cluster", "amount").order_by("opportunity_id").execute()
