"""What M-A measures on a day: which sellers came from SMB teams, and how cycle, deal size, success and cost changed since the launch.

Each measure is an :class:`Effect` over the deals as they were known on that day; :mod:`kaanalysis.analyses.hatching` holds them against
the policy.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from kaanalysis.aggregates import DAYS_PER_MONTH
from kaanalysis.policy import Policy
from kaanalysis.stats import (
    Effect,
    cluster_regression,
    clustered_share,
    difference_in_differences,
    log_ratio_change,
    pseudo_incidence,
)

PAST_DAYS = 365  # of records before the launch, for what a seller sold before to be on them
FEWEST_MONTHS = 3  # on either side of the launch, for a ratio over months to have a spread
Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

SHARE = "share of deals, Clopper–Pearson at the effective size"
CYCLE = "difference in differences of mean log days, clustered by customer (CR2)"
SIZE = "difference of mean log amounts, clustered by customer (CR2)"
SUCCESS = "difference in differences of pseudo-values of cumulative incidence, clustered by customer (CR2)"
COST = "change of log cost per won amount, months of opening"
ALONE = "; no small customers to compare with"


@dataclass(frozen=True)
class Gathered:
    """deals: one row per deal of SMB and KA teams that can be timed: cluster, key (bool: a key account's), ka_team (bool), owner, opened,
    ended (days since 1970; NaN: open), won (bool: in the end), amount, log_size (log employees; NaN: not known). months: one row per
    month under observation, of all SMB and KA teams together: opened (its first day), ended (its last), cost (with support). launch, as_of:
    days since 1970. needs: what each sign misses. kept: what was measured before, by day and the policy values read (a flip moves a
    margin and measures the same again)."""

    deals: pd.DataFrame
    months: pd.DataFrame
    launch: int | None
    as_of: int
    needs: dict[str, tuple[str, ...]]
    kept: dict[tuple[Any, ...], dict[str, Effect | None]] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )


@dataclass(frozen=True)
class Known:
    """What is known on a day: the deals opened by then with opening, end and outcome as of that day, and who among the sellers came from
    SMB teams. after: opened since the launch; followed: the horizon has passed; days: to the end or the day; quick: won within it."""

    deals: pd.DataFrame
    after: Flags
    followed: Flags
    days: Floats
    ended: Flags
    quick: Flags
    hatched: Flags
    horizon: float
    cut: int


def known_on(gathered: Gathered, cut: int, policy: Policy) -> Known:
    assert gathered.launch is not None
    deals = gathered.deals[gathered.deals["opened"].to_numpy() <= cut]
    opened, end = deals["opened"].to_numpy(), deals["ended"].to_numpy()
    horizon = round(policy["success.horizon_months"] * DAYS_PER_MONTH)
    ended = end <= cut
    days = np.where(ended, end, cut) - opened
    quick = ended & deals["won"].to_numpy() & (days <= horizon)
    hatched = _hatched(deals, policy["sellers.past_deals"])
    return Known(deals, opened >= gathered.launch, opened + horizon <= cut, days, ended, quick, hatched, horizon, cut)


def _hatched(deals: pd.DataFrame, past_deals: int) -> Flags:
    """Deals (of any team) of sellers of a KA team who, before their first deal for it, had opened so many deals for SMB teams."""
    owner, names = pd.factorize(deals["owner"])
    ours, opened, named = deals["ka_team"].to_numpy(), deals["opened"].to_numpy(), owner >= 0
    first = np.full(len(names), np.inf)
    np.minimum.at(first, owner[named & ours], opened[named & ours])
    past = named & ~ours & (opened < first[owner])
    held = np.bincount(owner[past], minlength=len(names)) >= past_deals
    return np.asarray(named & held[owner] & np.isfinite(first[owner])) if len(names) else named


def hatched_share(gathered: Gathered, known: Known, policy: Policy) -> Effect | None:
    """Share (0 … 1) of the KA teams' deals since the launch that people worked who had sold for SMB teams; deals without a seller's name
    do not count. Customer groups are the clusters: the share describes this team, its chance is in which deals came its way.

    None where the sellers' past is not on record: with less than a year of records before the launch, and where KA teams have as many deals
    from before it as ``evidence.minimum_units``. Then either the programme did not begin at the launch, or the deals carry their
    sellers' team of today, and whoever was hatched would look like one who never sold for anybody else."""
    assert gathered.launch is not None
    deals = known.deals
    past = int((deals["ka_team"].to_numpy() & ~known.after).sum())
    if past >= policy["evidence.minimum_units"] or deals["opened"].min() > gathered.launch - PAST_DAYS:
        return None
    mine = deals["ka_team"].to_numpy() & known.after & deals["owner"].notna().to_numpy()
    if mine.sum() < policy["evidence.minimum_units"]:
        return None
    return clustered_share(known.hatched[mine], deals["cluster"].to_numpy()[mine], SHARE)


def _change(y: Floats, known: Known, which: Flags, policy: Policy, method: str) -> Effect | None:
    """How y changed since the launch among key accounts at the same customer size, less its change among small customers whom SMB teams
    serve with sellers who stayed. y: one per deal, read at `which`. None where too few key-account deals lie on either side; without the
    small customers where too few of them do."""
    deals, fewest = known.deals, policy["evidence.minimum_units"]
    key, small = deals["key"].to_numpy(), deals["small"].to_numpy() & ~deals["ka_team"].to_numpy() & ~known.hatched
    mine = which & key
    if min((mine & known.after).sum(), (mine & ~known.after).sum()) < fewest:
        return None
    others = which & small
    compared = min((others & known.after).sum(), (others & ~known.after).sum()) >= fewest
    use = mine | others if compared else mine
    key, after, size = key[use], known.after[use], deals["log_size"].to_numpy()[use]
    told = key & np.isfinite(size)
    centred = np.where(told, size - (size[told].mean() if told.any() else 0.0), 0.0)
    columns = [np.ones(use.sum()), key, after, key & after] if compared else [np.ones(use.sum()), after]
    at = len(columns) - 1
    x = np.column_stack([*columns, centred, key & ~told]).astype(np.float64)
    clusters = deals["cluster"].to_numpy()[use]
    said = method if compared else method + ALONE
    return cluster_regression(y[use], x, clusters).effect(np.eye(x.shape[1])[at], said)


def cycle_ratio(gathered: Gathered, known: Known, policy: Policy) -> Effect | None:
    """Log of the ratio of cycles: days from opening to winning, among deals won within the horizon and followed that long. Both sides
    are cut off at the horizon alike, so a cycle that grows beyond it is understated."""
    return _change(np.log(np.maximum(known.days, 1.0)), known, known.quick & known.followed, policy, CYCLE)


def deal_size_ratio(gathered: Gathered, known: Known, policy: Policy) -> Effect | None:
    """Log of the ratio of won amounts, over the deals of :func:`cycle_ratio`."""
    deals, amount = known.deals, known.deals["amount"].to_numpy()
    mine = known.quick & known.followed & deals["key"].to_numpy() & (amount > 0)
    if min((mine & known.after).sum(), (mine & ~known.after).sum()) < policy["evidence.minimum_units"]:
        return None
    treated = np.ones(mine.sum(), dtype=bool)
    clusters = deals["cluster"].to_numpy()[mine]
    return difference_in_differences(np.log(amount[mine]), treated, known.after[mine], clusters, SIZE)


def success_change(gathered: Gathered, known: Known, policy: Policy) -> Effect | None:
    """Change of the share won within the horizon (−1 … 1). Open deals are censored on the day: their pseudo-values carry what is known of
    them. None before so many deals since the launch as ``evidence.minimum_units`` were followed to the horizon."""
    deals = known.deals
    key, small = deals["key"].to_numpy(), deals["small"].to_numpy() & ~deals["ka_team"].to_numpy() & ~known.hatched
    if (key & known.after & known.followed).sum() < policy["evidence.minimum_units"]:
        return None
    y = np.full(len(deals), np.nan)
    outcome = np.where(known.ended, np.where(deals["won"].to_numpy(), "won", "lost"), "open")
    for side in (known.after, ~known.after):
        for group in (key, small):
            mine = side & group
            if mine.any():
                # Where nobody is under observation at the horizon any more, it is read where somebody last is.
                at = min(float(known.horizon), float(known.days[mine].max()))
                y[mine] = (
                    pseudo_incidence(known.days[mine], outcome[mine], "won", at, censored="open") if at > 0 else 0.0
                )
    return _change(y, known, np.isfinite(y), policy, SUCCESS)


def cost_of_sales_ratio(gathered: Gathered, known: Known, policy: Policy) -> Effect | None:
    """Log of the ratio of selling cost per won amount. Months are taken by the deals opened in them: their cost against what these deals
    brought within the horizon. The month of a launch in mid-month belongs to neither side."""
    assert gathered.launch is not None
    months = gathered.months[gathered.months["ended"].to_numpy() + known.horizon <= known.cut]
    starts, ends = months["opened"].to_numpy(), months["ended"].to_numpy()
    after, before = starts >= gathered.launch, ends < gathered.launch
    if min(after.sum(), before.sum()) < FEWEST_MONTHS:
        return None
    won = won_by_month(known, starts, ends)
    use = after | before
    return log_ratio_change(months["cost"].to_numpy()[use], won[use], after[use], COST)


def won_by_month(known: Known, starts: Floats, ends: Floats) -> Floats:
    """Amount won within the horizon by the deals opened in each month (its first and last day)."""
    opened, amount = known.deals["opened"].to_numpy(), known.deals["amount"].to_numpy()
    if not len(starts):
        return np.zeros(0)
    brought = np.where(known.quick & (amount > 0), amount, 0.0)
    at = np.searchsorted(starts, opened, side="right") - 1
    inside = (at >= 0) & (opened <= ends[np.maximum(at, 0)])
    return np.bincount(at[inside], weights=brought[inside], minlength=len(starts)).astype(np.float64)


MEASURES = {
    "hatched_share": hatched_share,
    "cycle_ratio": cycle_ratio,
    "deal_size_ratio": deal_size_ratio,
    "success_change": success_change,
    "cost_of_sales_ratio": cost_of_sales_ratio,
}
READ = (
    "success.horizon_months",
    "sellers.past_deals",
    "evidence.minimum_units",
)  # policy values that a measure hangs on


def measured(gathered: Gathered, cut: int, policy: Policy) -> dict[str, Effect | None]:
    """Every measure for which nothing is missing, as of the day `cut`; None where too little is known. Before the launch nothing is."""
    if gathered.launch is None or gathered.deals.empty or cut <= gathered.launch:
        return {}
    key = (cut, *(policy[name] for name in READ))
    if key not in gathered.kept:
        known = known_on(gathered, cut, policy)
        ready = {name: measure for name, measure in MEASURES.items() if not gathered.needs[name]}
        gathered.kept[key] = {name: measure(gathered, known, policy) for name, measure in ready.items()}
    return gathered.kept[key]
