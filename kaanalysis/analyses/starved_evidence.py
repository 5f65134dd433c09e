"""What a starved product (M-E) is read from: deals of small customers and key accounts, product capacity and releases of the SMB teams."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import pandas as pd

from kaanalysis.aggregates.patterns import pattern_deals
from kaanalysis.aggregates.teams import team_economics
from kaanalysis.company import Company
from kaanalysis.policy import Policy

KEY = "starved_product"
NO_LAUNCH = dt.date(2200, 1, 1)  # stands for a launch that is not on record: nothing lies after it


@dataclass(frozen=True)
class StarvedProduct:
    """What the signs are read from.

    small, key: deals of small customers and of key accounts, oldest first: created_at, closed_at, outcome, amount, seller (none recorded:
    one of its own) and cluster (customer group) as whole numbers, of small ones lost_to_competitor (1, 0 or NaN).
    months: one row per SMB team and month: month, team, product_capacity, releases. missing: columns that are not there."""

    launch: dt.date
    small: pd.DataFrame
    key: pd.DataFrame
    months: pd.DataFrame
    missing: tuple[str, ...]


def gather(company: Company, policy: Policy) -> StarvedProduct:
    """Deals and team months of a company. Deals of small customers are those that no KA team works, whose own way of selling is another
    matter. Which deals count (renewals or not) is ``conversion.deals``, as for success elsewhere."""
    deals = pattern_deals(company, policy)
    counted = deals["origin"].ne("renewal").fillna(True) | (policy["conversion.deals"] == "all")
    deals = deals[counted.astype(bool) & deals["created_at"].notna()]
    deals = deals.assign(
        seller=pd.factorize(deals["owner"], use_na_sentinel=False)[0], cluster=pd.factorize(deals["cluster"])[0],
        outcome=deals["outcome"].astype("category"),
    )  # fmt: skip
    columns = ["created_at", "closed_at", "outcome", "amount", "seller", "cluster"]
    at_ka = deals["motion"].eq("KA").fillna(False).astype(bool)
    small = deals[deals["segment"].eq("SMB").fillna(False).astype(bool) & ~at_ka]
    key = deals[deals["segment"].eq("KA").fillna(False).astype(bool)]
    competitor = pd.to_numeric(small["lost_to_competitor"], errors="coerce").astype("float64")
    months = pd.DataFrame(columns=["month", "team", "product_capacity", "releases"])
    if company.has("team_months.product_capacity|team_months.releases") and company.has("teams.motion"):
        table = team_economics(company)
        table = table[table["motion"].eq("SMB").fillna(False).astype(bool)]
        months = table[["month", "team", "product_capacity", "releases"]].assign(month=pd.to_datetime(table["month"]))
    return StarvedProduct(
        company.info.ka_launch or NO_LAUNCH,
        small[columns].assign(lost_to_competitor=competitor).reset_index(drop=True),
        key[columns].reset_index(drop=True),
        months.astype({"product_capacity": "float64", "releases": "float64"}).reset_index(drop=True),
        tuple(company.missing("team_months.product_capacity", "team_months.releases", "opportunities.lost_to_competitor",
                              "accounts.segment", "company.ka_launch")),
    )  # fmt: skip


def frames(gathered: StarvedProduct, policy: Policy) -> dict[str, pd.DataFrame]:
    """``starved_product``: month (its first day), series, value. Series, of small customers' business but for the last: product_capacity
    (of all SMB teams, person-days), releases, won_amount (currency), competitor_losses (share of the deals lost in the month), success
    and ka_success (of all deals opened in the month, the share won by now; only months that ended at least ``conversion.horizon_months``
    or ``success.horizon_months`` ago, as younger ones look worse than they are)."""
    parts = []
    month = gathered.months.groupby("month")
    for column in ("product_capacity", "releases"):
        if gathered.months[column].notna().any():
            parts.append(month[column].sum().rename(column))
    small = gathered.small
    ended = small["closed_at"].dt.to_period("M").dt.to_timestamp()
    won = small["outcome"].eq("won")
    parts.append(small["amount"][won].groupby(ended[won]).sum().rename("won_amount"))
    told = small["outcome"].eq("lost") & small["lost_to_competitor"].notna()
    parts.append(small["lost_to_competitor"][told].groupby(ended[told]).mean().rename("competitor_losses"))
    last = pd.concat([small["created_at"], gathered.key["created_at"], small["closed_at"]]).max()
    for name, deals, horizon in (("success", small, "conversion"), ("ka_success", gathered.key, "success")):
        opened = deals["created_at"].dt.to_period("M")
        settled = opened.dt.end_time <= last - pd.DateOffset(months=policy[f"{horizon}.horizon_months"])
        share = deals["outcome"].eq("won")[settled].astype(float).groupby(opened[settled].dt.to_timestamp()).mean()
        parts.append(share.rename(name))
    rows = [p.rename_axis("month").reset_index(name="value").assign(series=str(p.name)) for p in parts]
    made = pd.concat(rows, ignore_index=True)[["month", "series", "value"]]
    return {KEY: made.dropna().reset_index(drop=True)}
