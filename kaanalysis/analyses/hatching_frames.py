"""Frames behind M-A: the months before and since the launch, and the KA teams' sellers by where they came from."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kaanalysis.aggregates import DAYS_PER_MONTH
from kaanalysis.analyses.hatching_effects import Flags, Gathered, Known, known_on, won_by_month
from kaanalysis.analyses.pattern_days import month_of
from kaanalysis.policy import Policy
from kaanalysis.stats import wilson

MONTHLY = ("month", "series", "segment", "value", "n", "after")
SELLERS = (
    "owner", "origin", "past_deals", "standing", "sellers_compared", "deals", "followed", "won", "cycle_days", "deal_size",
)  # fmt: skip
ORIGINS = (
    "origin", "sellers", "deals", "followed", "won", "success", "low", "high", "level", "cycle_days", "deal_size", "standing",
)  # fmt: skip


def hatching_frames(gathered: Gathered, policy: Policy) -> dict[str, pd.DataFrame]:
    """hatching_monthly: month (of opening), series (cycle_days and deal_size: medians of deals won within the horizon; success: share won
    within it; cost_of_sales; hatched_share), segment, value, n (deals), after (since the launch). hatching_sellers: one row per seller of
    the KA teams since the launch: owner, origin (smb_team, outside), past_deals (for SMB teams), standing (share of the SMB teams' sellers
    before the launch who had won less a month; of `sellers_compared`), deals, followed (to the horizon), won (within it), cycle_days,
    deal_size. hatching_origins: both origins side by side, success with Wilson's limits. Empty without a launch or deals."""
    empty = {
        "hatching_monthly": pd.DataFrame(columns=list(MONTHLY)),
        "hatching_sellers": pd.DataFrame(columns=list(SELLERS)),
        "hatching_origins": pd.DataFrame(columns=list(ORIGINS)),
    }
    if gathered.launch is None or gathered.deals.empty:
        return empty
    known = known_on(gathered, gathered.as_of, policy)
    sellers = _sellers(gathered, known, policy)
    origins = _origins(known, sellers, policy) if len(sellers) else empty["hatching_origins"]
    monthly = _monthly(gathered, known)
    return {"hatching_monthly": monthly, "hatching_sellers": sellers, "hatching_origins": origins}


def _series(known: Known, values: np.ndarray, which: Flags, name: str, segment: str, how: str) -> pd.DataFrame:
    month = month_of(known.deals["opened"][which])
    found = pd.Series(values[which], index=month).groupby(level=0).agg([how, "size"])
    return pd.DataFrame({
        "month": found.index, "series": name, "segment": segment, "value": found[how].to_numpy("float64"),
        "n": found["size"].to_numpy("int64"),
    })  # fmt: skip


def _monthly(gathered: Gathered, known: Known) -> pd.DataFrame:
    deals, amount = known.deals, known.deals["amount"].to_numpy()
    won = known.quick & known.followed
    small = deals["small"].to_numpy() & ~deals["ka_team"].to_numpy() & ~known.hatched
    parts = []
    for segment, mine in (("KA", deals["key"].to_numpy()), ("SMB", small)):
        parts.append(_series(known, known.days, mine & won, "cycle_days", segment, "median"))
        parts.append(_series(known, amount, mine & won & (amount > 0), "deal_size", segment, "median"))
        parts.append(_series(known, known.quick.astype(float), mine & known.followed, "success", segment, "mean"))
    ours = deals["ka_team"].to_numpy() & known.after & deals["owner"].notna().to_numpy()
    parts.append(_series(known, known.hatched.astype(float), ours, "hatched_share", "KA", "mean"))
    months = gathered.months[gathered.months["ended"].to_numpy() + known.horizon <= known.cut]
    brought = won_by_month(known, months["opened"].to_numpy(), months["ended"].to_numpy())
    cost = months["cost"].to_numpy()[brought > 0] / brought[brought > 0]
    parts.append(
        pd.DataFrame({
            "month": month_of(months["opened"][brought > 0]), "series": "cost_of_sales", "segment": "all", "value": cost, "n": 1,
        })
    )  # fmt: skip
    out = pd.concat([p for p in parts if len(p)] or parts, ignore_index=True)
    assert gathered.launch is not None
    start = pd.Timestamp(0) + pd.Timedelta(days=gathered.launch)
    return out.assign(after=out["month"] >= start.to_period("M").to_timestamp())[list(MONTHLY)]


def _sellers(gathered: Gathered, known: Known, policy: Policy) -> pd.DataFrame:
    deals = known.deals.assign(
        after=known.after, followed=known.followed, quick=known.quick & known.followed, days=known.days, hatched=known.hatched
    )  # fmt: skip
    ours = deals[deals["ka_team"] & deals["after"] & deals["owner"].notna()]
    if ours.empty:
        return pd.DataFrame(columns=list(SELLERS))
    standing, compared = _standing(gathered, deals, policy)
    won = ours[ours["quick"]].groupby("owner")
    first = deals[deals["ka_team"]].groupby("owner")["opened"].min()
    past = deals[~deals["ka_team"] & deals["owner"].notna()]
    past = past[past["opened"] < past["owner"].map(first)]
    by = ours.groupby("owner")
    out = pd.DataFrame({
        "origin": np.where(by["hatched"].max(), "smb_team", "outside"),
        "deals": by.size(), "followed": by["followed"].sum(), "won": by["quick"].sum(),
    }, index=by.size().index)  # fmt: skip
    out["past_deals"] = past.groupby("owner").size().reindex(out.index, fill_value=0)
    out["standing"], out["sellers_compared"] = standing.reindex(out.index), compared
    out["cycle_days"] = won["days"].median().reindex(out.index)
    out["deal_size"] = won["amount"].median().reindex(out.index)
    out = out.rename_axis("owner").reset_index().sort_values(["origin", "deals"], ascending=[False, False])
    return out[list(SELLERS)].reset_index(drop=True)


def _standing(gathered: Gathered, deals: pd.DataFrame, policy: Policy) -> tuple[pd.Series, int]:
    """By seller of an SMB team before the launch (with so many deals as make an SMB past): the share of the others who had won less a month
    by the launch, ties counted half; and how many sellers are compared."""
    assert gathered.launch is not None
    before = deals[~deals["ka_team"] & ~deals["after"] & deals["owner"].notna()]
    by = before.groupby("owner")["opened"].agg(["size", "min"])
    by = by[by["size"] >= policy["sellers.past_deals"]]
    closed = before[before["won"] & (before["ended"] < gathered.launch)]
    won = closed.groupby("owner")["amount"].sum().reindex(by.index, fill_value=0.0)
    months = np.maximum((gathered.launch - by["min"]) / DAYS_PER_MONTH, 1.0)
    rank = (won / months).rank(method="average")
    return (rank - 1) / max(len(by) - 1, 1), len(by)


def _origins(known: Known, sellers: pd.DataFrame, policy: Policy) -> pd.DataFrame:
    level, rows = policy["evidence.level"], []
    deals = known.deals.assign(quick=known.quick & known.followed, days=known.days)
    mine = deals[deals["ka_team"] & known.after & deals["quick"]]
    for origin, group in sellers.groupby("origin", sort=False):
        won = mine[mine["owner"].isin(group["owner"])]
        followed, hits = int(group["followed"].sum()), int(group["won"].sum())
        rate = wilson(hits, followed, level)
        rows.append((
            origin, len(group), int(group["deals"].sum()), followed, hits, rate.value, rate.low, rate.high, level,
            won["days"].median(), won["amount"].median(), group["standing"].mean(),
        ))  # fmt: skip
    return pd.DataFrame(rows, columns=list(ORIGINS))
