"""What partners' registrations are held against: when a deal was first registered, from when on it stood, and what end customers bought."""

from __future__ import annotations

import ibis
import pandas as pd

from kaanalysis.aggregates.common import deals_with_customer
from kaanalysis.aggregates.segments import account_segments
from kaanalysis.company import Company
from kaanalysis.policy import Policy

PURCHASES = ("account_id", "cluster", "region", "at", "amount", "registered_at")


def standing_stages(company: Company, policy: Policy) -> pd.DataFrame:
    """One row per stage that small customers' deals opened before the launch went through: stage, deals (closed ones that entered it), won
    (share of them, 0 … 1), standing (share at least ``channel.standing_share``). Stages of fewer than ``evidence.minimum_units`` deals do
    not stand."""
    deals = deals_with_customer(company, policy)
    before = deals.filter((deals.segment != "KA").fill_null(True) & (deals.created_at < company.info.ka_launch))
    before = before.filter(before.outcome != "open").select(
        "opportunity_id", won=(before.outcome == "won").ifelse(1.0, 0.0)
    )
    entries = company.table("stage_history").select("opportunity_id", "stage").distinct()
    joined = entries.inner_join(before, "opportunity_id")
    found = joined.group_by("stage").aggregate(deals=joined.count(), won=joined.won.mean()).order_by("stage").execute()
    enough = found["deals"] >= policy["evidence.minimum_units"]
    return found.assign(standing=enough & (found["won"] >= policy["channel.standing_share"]))


def registrations(company: Company, policy: Policy) -> pd.DataFrame:
    """One row per deal with a stage on record: opportunity_id, first_stage, stood_at (day on which it first entered a stage that stands,
    missing where it never did), late (its first stage is one: it was registered only when it stood)."""
    stages = standing_stages(company, policy)
    standing = stages["stage"][stages["standing"]].tolist()
    history = company.table("stage_history")
    order = [history.entered_at, history.row__]
    first = ibis.row_number().over(ibis.window(group_by=history.opportunity_id, order_by=order))
    history = history.select("opportunity_id", "stage", "entered_at", place=first, stands=history.stage.isin(standing))
    found = history.group_by("opportunity_id").aggregate(
        first_stage=history.stage.max(where=history.place == 0), stood_at=history.entered_at.min(where=history.stands)
    )
    frame = found.order_by("opportunity_id").execute()
    frame["stood_at"] = pd.to_datetime(frame["stood_at"]).dt.normalize()
    return frame.assign(late=frame["first_stage"].isin(standing))


def purchases(company: Company, policy: Policy) -> pd.DataFrame:
    """One row per day on which a customer other than a key account bought: account_id, cluster (customer group), region, at (day), amount,
    registered_at (day on which the deal behind it was won; missing where there is none).

    Bought: order lines of a day; a subscription that starts more than ``channel.match_days`` from any of them is a purchase of its own,
    without amount. The deal behind it: the won deal that a line names, else the nearest one of the customer group that closed at most so
    many days from it. What was bought before observed_from is left out: deals were not on record then."""
    accounts = account_segments(company, policy)
    accounts = accounts.filter((accounts.segment != "KA").fill_null(True)).select("account_id", "cluster", "region")
    won = deals_with_customer(company, policy).filter(lambda t: t.outcome == "won")
    parts = []
    if company.has("order_lines.at"):
        lines = company.table("order_lines").filter(lambda t: t.at.notnull())
        deals = won.select("opportunity_id", named=won.closed_at.cast("date"))
        lines = lines.left_join(deals, "opportunity_id").drop("opportunity_id_right").inner_join(accounts, "account_id")
        days = lines.mutate(at=lines.at.cast("date")).group_by(["account_id", "cluster", "region", "at"])
        parts.append(days.aggregate(amount=ibis._.amount.sum(), registered_at=ibis._.named.min()).execute())
    if company.has("subscriptions.started_at"):
        contracts = (
            company.table("subscriptions").filter(lambda t: t.started_at.notnull()).inner_join(accounts, "account_id")
        )
        starts = contracts.select("account_id", "cluster", "region", at=contracts.started_at.cast("date")).distinct()
        parts.append(starts.mutate(amount=ibis.null("float64"), registered_at=ibis.null("date")).execute())
    closed = won.filter(won.closed_at.notnull()).select("cluster", at=won.closed_at.cast("date")).distinct().execute()
    parts = [p.assign(at=_days(p["at"]), registered_at=_days(p["registered_at"])) for p in parts]
    closed = closed.assign(at=_days(closed["at"]))
    tolerance = pd.Timedelta(days=policy["channel.match_days"])
    if len(parts) == 2:
        parts[1] = parts[1][_nearest(parts[1], parts[0], tolerance).isna()]
    found = pd.concat(parts, ignore_index=True)
    if company.info.observed_from:
        found = found[found["at"] >= pd.Timestamp(company.info.observed_from)]
    found = found.assign(registered_at=found["registered_at"].fillna(_nearest(found, closed, tolerance)))
    return found[list(PURCHASES)].sort_values(["at", "account_id"], ignore_index=True)


def _days(column: pd.Series) -> pd.Series:
    return pd.to_datetime(column).astype("datetime64[ns]")


def _nearest(events: pd.DataFrame, others: pd.DataFrame, tolerance: pd.Timedelta) -> pd.Series:
    """The day of the nearest entry of `others` of the same cluster, at most `tolerance` from each event; missing where there is none."""
    if events.empty or others.empty:  # pandas 3 cannot join on a text column without a value
        return pd.Series(pd.NaT, index=events.index, dtype=others["at"].dtype)
    left = events[["cluster", "at"]].assign(row=events.index).sort_values("at")
    right = others[["cluster", "at"]].assign(found=others["at"]).sort_values("at")
    joined = pd.merge_asof(left, right, on="at", by="cluster", direction="nearest", tolerance=tolerance)
    return joined.set_index("row")["found"].reindex(events.index)
