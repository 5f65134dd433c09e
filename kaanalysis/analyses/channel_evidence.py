"""What the channel conflict (M-B) is read from: registered deals, purchases and key-account deals by region, and where it lies."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd

from kaanalysis.aggregates.patterns import pattern_deals
from kaanalysis.aggregates.registrations import PURCHASES, purchases, registrations
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.stats import fallen_subset

KEY = "channel"
NO_LAUNCH = dt.date(2200, 1, 1)  # stands for a launch that is not on record: nothing lies after it
UNKNOWN = "?"  # region of accounts without one


@dataclass(frozen=True)
class ChannelConflict:
    """What the signs are read from.

    small: registered deals of customers other than key accounts: created_at, closed_at, region, partner (flag; the others are direct deals
    of teams that are no KA teams), cluster (partner in a region, seller, else customer group) and group (customer group) as whole
    numbers, won, diverted (lost to a competitor; NaN where not told), late (1, 0; NaN without stages), stood_at.
    key: direct deals of key accounts: created_at, closed_at, region, group, won.
    bought: :func:`kaanalysis.aggregates.registrations.purchases`. missing: columns that are not there."""

    launch: dt.date
    small: pd.DataFrame
    key: pd.DataFrame
    bought: pd.DataFrame
    missing: tuple[str, ...]


def gather(company: Company, policy: Policy) -> ChannelConflict:
    """Deals, stages and purchases of a company."""
    deals = pattern_deals(company, policy)
    deals = deals[deals["created_at"].notna()]
    partner = (
        deals["channel"].eq("partner").fillna(False)
        | deals["partner_id"].notna()
        | deals["motion"].eq("channel").fillna(False)
    )
    at_ka, of_ka = (deals[c].eq("KA").fillna(False).astype(bool) for c in ("motion", "segment"))
    region = deals["region"].where(deals["region"].notna(), UNKNOWN).astype(str)
    who = deals["partner_id"].where(partner & deals["partner_id"].notna(), deals["owner"])
    who = who.where(who.notna(), "group " + deals["cluster"].astype(str)).astype(str)
    told = pd.to_numeric(deals["lost_to_competitor"], errors="coerce").astype("float64")
    frame = pd.DataFrame({
        "opportunity_id": deals["opportunity_id"], "created_at": deals["created_at"], "closed_at": deals["closed_at"], "region": region,
        "partner": partner.astype(bool), "cluster": _codes(who.where(~partner.astype(bool), who + " / " + region)),
        "group": _codes(deals["cluster"]),
        "won": deals["outcome"].eq("won").astype(float), "diverted": told.where(deals["outcome"].eq("lost"), 0.0),
    })  # fmt: skip
    small = frame[~of_ka & (~at_ka | frame["partner"])]
    if company.has("stage_history.entered_at") and company.info.ka_launch:
        small = small.merge(registrations(company, policy), on="opportunity_id", how="left")
    else:
        small = small.assign(late=np.nan, stood_at=np.datetime64("NaT"))
    small = small[["created_at", "closed_at", "region", "partner", "cluster", "group", "won", "diverted"]].assign(
        late=small["late"].astype("float64"),
        stood_at=pd.to_datetime(small["stood_at"]),
        region=small["region"].astype("category"),
    )
    bought = pd.DataFrame(columns=list(PURCHASES)).astype({"at": "datetime64[ns]", "registered_at": "datetime64[ns]"})
    if company.has("order_lines.at|subscriptions.started_at"):
        bought = purchases(company, policy)
    return ChannelConflict(
        company.info.ka_launch or NO_LAUNCH,
        small.reset_index(drop=True),
        frame[of_ka & ~frame["partner"]].reset_index(drop=True),
        bought.assign(
            region=bought["region"].where(bought["region"].notna(), UNKNOWN).astype("category"), cluster=_codes(bought["cluster"])
        ),
        tuple(company.missing("stage_history.entered_at", "opportunities.lost_to_competitor", "order_lines.at", "accounts.region",
                              "company.ka_launch")),
    )  # fmt: skip


def _codes(labels: pd.Series) -> np.ndarray:
    """Whole numbers that tell labels apart: quicker than the labels, and the signs are asked for month by month."""
    return pd.factorize(labels)[0]


@dataclass(frozen=True)
class Conflict:
    """regions: those in which partner registrations fell furthest, furthest first; hypotheses: what that choice costs; elsewhere: whether
    there are others."""

    regions: tuple[str, ...]
    hypotheses: int
    elsewhere: bool


def regions_in_conflict(gathered: ChannelConflict, cut: dt.date, policy: Policy) -> Conflict:
    """The regions in which partner registrations since the launch fell furthest below what direct deals of the same regions let expect, as
    known on day `cut`; all regions where they fell nowhere."""
    table = _registered(gathered, cut)
    table = table[(table[["partner_before", "direct_before", "direct_after"]] > 0).all(axis=1)]
    if table.empty:
        return Conflict((), 1, False)
    expected = table["partner_before"] * table["direct_after"] / table["direct_before"]
    found = fallen_subset(table["partner_after"], expected)
    chosen = tuple(table.index[found.members])
    return Conflict(chosen, found.hypotheses, len(chosen) < len(table))


def _registered(gathered: ChannelConflict, cut: dt.date) -> pd.DataFrame:
    """Registered deals by region: partner_before, partner_after, direct_before, direct_after (the launch)."""
    known = gathered.small[gathered.small["created_at"] <= pd.Timestamp(cut)]
    after = known["created_at"] >= pd.Timestamp(gathered.launch)
    columns = {
        f"{kind}_{time}": known["region"][side & when].value_counts()
        for kind, side in (("partner", known["partner"]), ("direct", ~known["partner"]))
        for time, when in (("before", ~after), ("after", after))
    }
    return pd.DataFrame(columns, index=sorted(known["region"].unique())).fillna(0)


def frames(gathered: ChannelConflict, policy: Policy) -> dict[str, pd.DataFrame]:
    """``channel``: month (its first day), region, series, value. Series: partner_registrations, direct_registrations (deals opened),
    late_registrations (partners' deals of the month first registered when they stood), unregistered_purchases (purchases without a deal).

    ``channel_regions``, one row per region, as known now: conflict (flag: one of the regions chosen), partner_before, partner_after,
    direct_before, direct_after (registered deals, before and since the launch), expected (partner deals since the launch, had they gone
    as the direct ones), stood and late (partners' deals since the launch that stood; of these first registered then), unregistered and
    purchases (since the launch), partner_success_before, partner_success_after (share won of the partners' closed deals: the naive
    reading), early_success_after (the same without deals registered late), ka_deals, ka_success (closed direct key-account deals opened
    since the launch; share won). Shares are missing where there is no deal."""
    end = pd.Timestamp(
        max(gathered.small["created_at"].max(), gathered.bought["at"].max(), pd.Timestamp(gathered.launch))
    )
    return {KEY: _by_month(gathered), f"{KEY}_regions": _by_region(gathered, policy, end.date())}


def _by_month(gathered: ChannelConflict) -> pd.DataFrame:
    small, bought = gathered.small, gathered.bought
    late = small["partner"] & small["late"].eq(1)
    chosen = {
        "partner_registrations": (small, "created_at", small["partner"]),
        "direct_registrations": (small, "created_at", ~small["partner"]),
        "late_registrations": (small, "created_at", late),
        "unregistered_purchases": (bought, "at", bought["registered_at"].isna()),
    }
    parts = []
    for series, (frame, day, which) in chosen.items():
        rows = frame[which].assign(
            month=frame[day].dt.to_period("M").dt.to_timestamp(), region=frame["region"].astype(str)
        )
        parts.append(rows.groupby(["month", "region"]).size().reset_index(name="value").assign(series=series))
    return pd.concat(parts, ignore_index=True)[["month", "region", "series", "value"]]


def _by_region(gathered: ChannelConflict, policy: Policy, end: dt.date) -> pd.DataFrame:
    launch = pd.Timestamp(gathered.launch)
    small, key, bought = gathered.small, gathered.key, gathered.bought
    table = _registered(gathered, end)
    expected = (
        table["partner_before"] * table["direct_after"] / table["direct_before"].where(table["direct_before"] > 0)
    )
    table = table.assign(
        conflict=table.index.isin(regions_in_conflict(gathered, end, policy).regions), expected=expected
    )
    after, partner = small["created_at"] >= launch, small["partner"]
    closed = small["closed_at"].notna()
    since = bought[bought["at"] >= launch]
    opened = key[(key["created_at"] >= launch) & key["closed_at"].notna()]
    stood = small[partner & after & small["stood_at"].notna()]
    counts = {
        "stood": stood.groupby("region", observed=True).size(),
        "late": stood.groupby("region", observed=True)["late"].sum(),
        "unregistered": since[since["registered_at"].isna()].groupby("region", observed=True).size(),
        "purchases": since.groupby("region", observed=True).size(),
        "ka_deals": opened.groupby("region", observed=True).size(),
    }
    shares = {
        "partner_success_before": small[partner & ~after & closed].groupby("region", observed=True)["won"].mean(),
        "partner_success_after": small[partner & after & closed].groupby("region", observed=True)["won"].mean(),
        "early_success_after": small[partner & after & closed & ~small["late"].eq(1)]
        .groupby("region", observed=True)["won"]
        .mean(),
        "ka_success": opened.groupby("region", observed=True)["won"].mean(),
    }
    for name, found in counts.items():
        table[name] = found.reindex(table.index).fillna(0).astype(int)
    for name, found in shares.items():
        table[name] = found.reindex(table.index)
    return table.rename_axis("region").reset_index()
