"""M-0: what another unit of small-customer business costs, which is the reflex's own argument for key accounts.

"Raise deal size, find big customers" is the answer to a ceiling: more small business takes more sellers, and with them managers, training
and support. The ceiling is measured: by how much the won amount per seller has risen a year within the small-customer teams. The price of
another unit won is put together along the chain, from what a seller costs and brings today, and set beside what it costs in the
key-account teams, whose further seller needs managers and training just as well. Won amounts are bookings: a contract whose fees go on
brings more than is booked in the year, so a cost above 1 is no loss yet. Key accounts' deals of small-customer teams do not count: they
leave with the launch, and the won amount per seller would seem to fall though nothing else changed.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from kaanalysis import aggregates
from kaanalysis.analyses.verdicts import below, find_flips, number
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.results import Finding, Number, no_data
from kaanalysis.stats import Estimate, common_slope, total

FEEDS = (
    "team_months.sellers",
    "team_months.cost",
    "teams.motion",
    "opportunities.team",
    "opportunities.amount",
    "opportunities.closed_at",
)


def _trend(years: pd.DataFrame, policy: Policy) -> Number:
    """Yearly change of the won amount per seller within SMB teams, as a share."""
    mine = years[(years["motion"] == "SMB") & (years["heads"] > 0) & (years["won"] > 0)]
    per_head = np.log(mine["won"].to_numpy(float) / mine["heads"].to_numpy(float))
    slope = common_slope(
        mine["year"].to_numpy(float), per_head, mine["team"].to_numpy(object), level=policy["evidence.level"]
    )
    value, low, high = (None if x is None else float(np.expm1(x)) for x in (slope.value, slope.low, slope.high))
    method = "log won amount per seller, " + slope.method
    return number(
        "revenue_per_head_growth",
        "SMB",
        replace(slope, value=value, low=low, high=high, method=method),
        "share per year",
    )


def _scaled(estimate: Estimate, factor: float, method: str) -> Estimate:
    value, low, high = (None if x is None else x * factor for x in (estimate.value, estimate.low, estimate.high))
    return replace(estimate, value=value, low=low, high=high, method=method)


def _inverse(estimate: Estimate, factor: float, method: str) -> Estimate:
    low, value, high = (None if not x else factor / x for x in (estimate.high, estimate.value, estimate.low))
    return replace(estimate, value=value, low=low, high=high, method=method)


def chain_cost(cost: float, support: float, policy: Policy) -> dict[str, float]:
    """What one more seller costs in the first year, link by link (currency): seller, manager, training, support."""
    return {
        "seller": cost,
        "manager": cost * policy["growth.manager_multiple"] / policy["growth.manager_span"],
        "training": cost * policy["growth.training_months"] / 12,
        "support": support,
    }


def _prices(years: pd.DataFrame, won: pd.DataFrame, policy: Policy, currency: str) -> tuple[list[Number], pd.DataFrame]:
    numbers, rows, level = [], [], policy["evidence.level"]
    now = years[years["year"] == 0]
    for motion in ("SMB", "KA"):
        mine, deals = now[now["motion"] == motion], won[won["motion"] == motion]
        if motion == "SMB":
            deals = deals[deals["segment"] != "KA"]
        heads, cost, support = (float(mine[c].sum()) for c in ("heads", "cost", "support_cost"))
        if heads <= 0 or cost <= 0 or not len(deals):
            continue
        brought = total(deals["amount"].to_numpy(float), deals["cluster"].to_numpy(object), level=level)
        numbers.append(
            number(
                "revenue_per_head",
                motion,
                _scaled(brought, 1 / heads, "won in a year per seller, compound Poisson"),
                currency,
            )
        )
        links = chain_cost(cost / heads, support / heads, policy)
        method = "first-year cost along the chain over what a seller brings, compound Poisson"
        numbers.append(
            number(
                "cost_of_growth",
                motion,
                _inverse(brought, sum(links.values()) * heads, method),
                "currency per currency",
            )
        )
        rows += [(motion, link, value) for link, value in links.items()]
    return numbers, pd.DataFrame(rows, columns=["motion", "link", "cost_per_head"])


def judge(numbers: list[Number], policy: Policy) -> list[Finding]:
    """M-0: supported (the won amount per seller has a ceiling) if its yearly rise within teams surely lies below `growth.head_rate`.

    Wrong if the years on record are no usual ones: prices, product and territory changed with the heads."""
    trend = next(n for n in numbers if n.name == "revenue_per_head_growth")
    priced = {n.segment for n in numbers if n.name == "cost_of_growth" and n.value is not None}
    terms = {"price": "both" if priced >= {"SMB", "KA"} else "smb" if "SMB" in priced else ""}
    if trend.value is None:
        return [Finding("M-0", "growth_by_heads", "undecided", "history_too_short", tuple(numbers), terms=terms)]
    state = below(trend.low, trend.high, policy["growth.head_rate"])
    return [Finding("M-0", "growth_by_heads", state, f"heads_{state}", tuple(numbers), terms=terms)]


def find(company: Company, policy: Policy) -> tuple[Finding, dict[str, pd.DataFrame]]:
    """The finding M-0; frames `head_years` (team, motion, year, heads, won, per_head) and `chain_cost` (motion, link,
    cost_per_head)."""
    missing = company.missing(*FEEDS)
    if missing:
        return no_data("M-0", "growth_by_heads", missing), {}
    years = aggregates.team_years(company, policy)
    if not (years["motion"] == "SMB").any():
        return no_data("M-0", "growth_by_heads", ["team_months.sellers"], reason="no_team_years"), {}
    prices, chain = _prices(years, aggregates.won_by_motion(company, policy), policy, company.info.currency)
    numbers = [_trend(years, policy), *prices]
    flips = find_flips(lambda p: judge(numbers, p), "M-0", policy, ["growth.head_rate"])
    seen = years[years["heads"] > 0]
    frames = {"head_years": seen.assign(per_head=seen["won"] / seen["heads"]), "chain_cost": chain}
    return replace(judge(numbers, policy)[0], flips=flips), frames
