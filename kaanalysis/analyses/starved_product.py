"""M-E: product capacity is pulled from small customers to key accounts; small deals go to competitors, key accounts do not break through.

Four signs, each against something that could fail: product capacity of the SMB teams beside its own trend (their releases where capacity is
not on record); the share of lost small deals that a competitor won, beside its own trend; the success of small deals, every seller against
the own time before; and the success of key-account deals against the method's mark. A market that turns (more competitors, fewer wins, a
hard start with key accounts) shows three of them, so competitors and success count only together with the pull: their p-values are those
of "and product capacity was pulled". Asking for three of four then asks for the pull and two of its three consequences.
That the company turns back, the end of the method's story, is read from its change log, not from these tables.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy import stats as scipy_stats

from kaanalysis.aggregates.common import DAYS_PER_MONTH
from kaanalysis.analyses.pattern_signs import Sign, missing_sign, seen, sign_of
from kaanalysis.analyses.starved_evidence import KEY, StarvedProduct, frames, gather
from kaanalysis.policy import Policy
from kaanalysis.stats import Effect, cluster_regression, clustered_incidence_at, difference_in_differences

__all__ = ["FEEDS", "FLIPS", "ID", "KEY", "frames", "gather", "signs"]

ID = "M-E"
FEEDS = (
    "opportunities.created_at", "opportunities.closed_at", "teams.motion", "accounts.segment",
    "team_months.product_capacity|team_months.releases", "company.ka_launch",
)  # fmt: skip
FLIPS = ("starved_product.capacity_ratio", "starved_product.competitor_change", "starved_product.success_change", "success.target",
         "starved_product.window_months")  # fmt: skip
# Share of the wins before the launch that the time in which a small deal's success is read must hold.
SETTLED = 0.98
FEWEST_TEAMS = 3  # clusters; below it calendar quarters stand in for teams
FEWEST_MONTHS = 3  # since the launch
CAPACITY_METHOD = "log of product capacity in the last months, linear trend, CR2 by team"
QUARTER_METHOD = "log of product capacity in the last months, linear trend, CR2 by quarter"
RELEASE_METHOD = "releases a month, ratio of means, delta method"
COMPETITOR_METHOD = "share of lost deals, linear trend, CR2 by seller"
SUCCESS_METHOD = "share won in time, within sellers, CR2 by customer group"


def signs(gathered: StarvedProduct, cut: dt.date, policy: Policy) -> list[Sign]:
    """The four signs as known on day `cut`, always in this order: smb_capacity_ratio (of the last months to what the trend would have
    made; 1: as before, 0: nothing left), competitor_loss_change and smb_success_change (differences of shares, −1 … 1),
    ka_no_breakthrough (success of key-account deals, 0 … 1).

    Wrong if a change of the market, of prices or of how losses are noted falls on the launch and product capacity is cut for a reason of
    its own: the effects are associations."""
    capacity = _capacity(gathered, cut, policy)
    follows = (_with(capacity, part(gathered, cut, policy)) for part in (_competitors, _success))
    return [capacity, *follows, _key_accounts(gathered, cut, policy)]


def _with(first: Sign, second: Sign) -> Sign:
    """`second` with the p-values of "both are there": of presence the larger (an intersection–union test), of absence twice the smaller
    (Bonferroni). Its value and interval stay its own; the score counts it only where `first` is seen."""
    present, absent = ((first.p_present, second.p_present), (first.p_absent, second.p_absent))
    return replace(
        second,
        counts=seen(first),
        p_present=None if None in present else max(present),  # type: ignore[type-var]
        p_absent=None if None in absent else min(1.0, 2 * min(absent)),  # type: ignore[operator, type-var]
    )


def _team_months(gathered: StarvedProduct, cut: dt.date, column: str, policy: Policy) -> tuple[pd.DataFrame, bool]:
    """(SMB teams' whole months up to `cut` with a value: those before the launch and the last of those since, flag `recent`; whether
    both have enough months)."""
    months = gathered.months
    over = months["month"] + pd.offsets.MonthEnd(0) <= pd.Timestamp(cut)
    known = months[over & months[column].notna()]
    first = pd.Timestamp(gathered.launch) + pd.offsets.MonthBegin(0)
    last = pd.Timestamp(cut) - pd.DateOffset(months=policy["starved_product.window_months"])
    recent = known["month"].ge(first) & (known["month"] + pd.offsets.MonthEnd(0) > last)
    before = known["month"] + pd.offsets.MonthEnd(0) < pd.Timestamp(gathered.launch)
    chosen = known[recent | before].assign(recent=recent[recent | before])
    counts = chosen.groupby("recent")["month"].nunique()
    enough = counts.get(True, 0) >= FEWEST_MONTHS and counts.get(False, 0) >= policy["evidence.minimum_units"]
    return chosen, bool(enough)


def _capacity(gathered: StarvedProduct, cut: dt.date, policy: Policy) -> Sign:
    """Product capacity of the SMB teams in the last months to what their linear trend from before the launch on would have made it. Every
    team is compared with itself (one that joins late has no past and says nothing) and is one cluster, so that what one team does
    counts once. Without capacity on record: releases of all SMB teams a month against their own past, which are too few for a trend."""
    name, level, margin = "smb_capacity_ratio", policy["evidence.level"], policy["starved_product.capacity_ratio"]
    by_releases = "team_months.product_capacity" in gathered.missing
    column = "releases" if by_releases else "product_capacity"
    chosen, enough = _team_months(gathered, cut, column, policy) if len(gathered.months) else (gathered.months, False)
    against = "own_past" if by_releases else "trend"
    if not enough or (chosen[column][~chosen["recent"]] <= 0).all():
        both = {"team_months.product_capacity", "team_months.releases"} <= set(gathered.missing)
        needs = _needs(gathered, *(("team_months.product_capacity",) if both else ()))
        return missing_sign(name, needs, margin=margin, beyond="below", unit="ratio", level=level, comparison=against, n=len(chosen),
                            method=RELEASE_METHOD if by_releases else CAPACITY_METHOD)  # fmt: skip
    effect = _release_effect(chosen) if by_releases else _capacity_effect(chosen)
    sign = sign_of(effect, name, margin, "below", "ratio", against, level, math.exp)
    ripe = pd.Timestamp(gathered.launch) + pd.DateOffset(months=policy["starved_product.window_months"])
    # A pull takes its time: that it has not begun yet is no evidence of absence before a whole window since the launch is over.
    return sign if pd.Timestamp(cut) + pd.Timedelta(days=1) >= ripe else replace(sign, p_absent=None)


def _capacity_effect(chosen: pd.DataFrame) -> Effect:
    amount = chosen["product_capacity"].to_numpy()
    # A capacity of nothing at all has no logarithm: half of the smallest amount on record stands for it.
    value = pd.Series(np.log(np.maximum(amount, amount[amount > 0].min() / 2)), index=chosen.index)
    by_team = chosen["team"]
    kept = chosen["recent"].groupby(by_team).transform("nunique").eq(2)
    value = (value - value.groupby(by_team).transform("mean"))[kept]
    chosen = chosen[kept]
    month = (chosen["month"].dt.year * 12 + chosen["month"].dt.month).to_numpy()
    by_teams = chosen["team"].nunique() >= FEWEST_TEAMS
    return difference_in_differences(
        value.to_numpy(), np.ones(len(chosen)), chosen["recent"].to_numpy(), chosen["team"].to_numpy() if by_teams else (month - 1) // 3,
        CAPACITY_METHOD if by_teams else QUARTER_METHOD, time=month.astype(float),
    )  # fmt: skip


def _release_effect(chosen: pd.DataFrame) -> Effect:
    total = chosen.groupby(["recent", "month"])["releases"].sum()
    now, then = (total.xs(side, level="recent").to_numpy() for side in (True, False))
    return _log_ratio(now, then)


def _log_ratio(now: np.ndarray, then: np.ndarray) -> Effect:
    """log of the ratio of two means of counts, months as units; nothing at all in one of them counts as half a release. The variances
    are at least those of Poisson counts, so that a run of equal months is no certainty."""
    means, parts = [], []
    for counts in (now, then):
        mean = max(counts.sum(), 0.5) / len(counts)
        variance = max(float(counts.var(ddof=1)), mean)
        means.append(mean)
        parts.append((variance / len(counts) / mean**2, len(counts) - 1))
    squared = sum(v for v, _ in parts)
    freedom = squared**2 / sum(v**2 / f for v, f in parts)
    return Effect(math.log(means[0] / means[1]), math.sqrt(squared), freedom, len(now) + len(then), RELEASE_METHOD)


def _competitors(gathered: StarvedProduct, cut: dt.date, policy: Policy) -> Sign:
    """Of the small deals lost, the share that a competitor won: how far it jumped at the launch beside its linear trend. Deals whose file
    does not say are left out; sellers are the clusters, as each has a way of noting it."""
    name, level = "competitor_loss_change", policy["evidence.level"]
    margin = policy["starved_product.competitor_change"]
    deals, launch = gathered.small, pd.Timestamp(gathered.launch)
    needs = _needs(gathered, "opportunities.lost_to_competitor")
    lost = deals[
        deals["outcome"].eq("lost") & (deals["closed_at"] <= pd.Timestamp(cut)) & deals["lost_to_competitor"].notna()
    ]
    after = (lost["created_at"] >= launch).to_numpy()
    if needs or min(after.sum(), (~after).sum()) < policy["evidence.minimum_units"]:
        return missing_sign(name, needs, margin=margin, beyond="above", unit="share difference", level=level, method=COMPETITOR_METHOD,
                            comparison="trend", n=len(lost))  # fmt: skip
    months = (lost["created_at"] - launch).dt.days.to_numpy() / DAYS_PER_MONTH
    effect = difference_in_differences(
        lost["lost_to_competitor"].to_numpy(),
        np.ones(len(lost)),
        after,
        lost["seller"].to_numpy(),
        COMPETITOR_METHOD,
        time=months,
    )
    return sign_of(effect, name, margin, "above", "share difference", "trend", level)


def _success(gathered: StarvedProduct, cut: dt.date, policy: Policy) -> Sign:
    """Of the small deals opened long enough ago, the share won in time: of those opened in the last months minus of those before the
    launch, every seller against himself, so that who joins or leaves moves nothing. In time: within the days that held nearly all wins
    before the launch; deals opened later than so many days before `cut` are not settled. Customer groups are the clusters: the sellers
    are the company's own, not a sample. No trend: with one, the change of a rate near 15 % drowns in its error; that success had
    been falling all along is what this sign alone cannot tell."""
    name, level, margin = "smb_success_change", policy["evidence.level"], policy["starved_product.success_change"]
    deals, launch = gathered.small, pd.Timestamp(gathered.launch)
    days = (deals["closed_at"] - deals["created_at"]).dt.days
    won, least = deals["outcome"].eq("won"), policy["evidence.minimum_units"]
    earlier = days[won & (deals["closed_at"] < launch)]
    settled, after = deals.iloc[:0], np.zeros(0, dtype=bool)
    if len(earlier) >= least:
        limit = float(np.quantile(earlier, SETTLED))
        last = pd.Timestamp(cut) - pd.Timedelta(days=limit)
        since = max(launch, last - pd.DateOffset(months=policy["starved_product.window_months"]))
        opened = deals["created_at"]
        settled = deals[(opened < launch) | (opened.between(since, last))]
        after = (settled["created_at"] >= launch).to_numpy()
    if min(after.sum(), (~after).sum()) < least:
        return missing_sign(name, _needs(gathered), margin=margin, beyond="below", unit="share difference", level=level,
                            method=SUCCESS_METHOD, comparison="before_after", n=len(settled))  # fmt: skip
    frame = pd.DataFrame({"y": (won & (days <= limit))[settled.index].astype(float), "after": after.astype(float)})
    within = (frame - frame.groupby(settled["seller"]).transform("mean")).to_numpy()
    regression = cluster_regression(within[:, 0], within[:, 1:], settled["cluster"].to_numpy())
    return sign_of(
        regression.effect([1.0], SUCCESS_METHOD), name, margin, "below", "share difference", "before_after", level
    )


def _key_accounts(gathered: StarvedProduct, cut: dt.date, policy: Policy) -> Sign:
    """Success of the key-account deals opened since the launch (cumulative incidence of a win at ``success.horizon_months``, open deals
    censored on day `cut`) against ``success.target``; customer groups are the clusters, as the sellers are the company's own. Missing while
    no deal could be followed so long."""
    name, level, target = "ka_no_breakthrough", policy["evidence.level"], policy["success.target"]
    deals, day = gathered.key, pd.Timestamp(cut)
    launch = pd.Timestamp(gathered.launch)
    opened = deals[deals["created_at"].between(launch, day)]
    closed = opened["outcome"].ne("open") & (opened["closed_at"] <= day)
    end = opened["closed_at"].where(closed, day)
    outcome = opened["outcome"].where(closed, None).to_numpy(object)
    horizon = policy["success.horizon_months"] * DAYS_PER_MONTH
    estimate = clustered_incidence_at(
        (end - opened["created_at"]).dt.days.to_numpy(),
        outcome,
        opened["cluster"].to_numpy(),
        "won",
        horizon,
        level,
    )
    value, low, high = estimate.value, estimate.low, estimate.high
    if value is None or low is None or high is None or len(opened) < policy["evidence.minimum_units"]:
        return missing_sign(name, _needs(gathered), margin=target, beyond="below", unit="share", level=level, method=estimate.method,
                            comparison="target", n=len(opened))  # fmt: skip
    groups = opened["cluster"].nunique()
    if value in (0.0, 1.0):
        # The limit is exact: with so many deals' worth of evidence, the chance that none (all) would be won at the target.
        worth = math.log((1 - level) / 2) / math.log(1 - high if value == 0 else low)
        there, gone = ((1 - target) ** worth, 1.0) if value == 0 else (1.0, target**worth)
        return Sign(
            name, value, low, high, level, estimate.n, "share", estimate.method, target, "below", there, gone, "target"
        )
    # The interval is t on the scale log(−log(1 − F)); its half width gives back the standard error there.
    wide = min(high, 1 - 1e-12)
    error = (_log_log(wide) - _log_log(low)) / 2 / float(scipy_stats.t.isf((1 - level) / 2, groups - 1))
    effect = Effect(_log_log(value), error, groups - 1, estimate.n, estimate.method)
    return sign_of(effect, name, target, "below", "share", "target", level, _from_log_log)


def _log_log(share: float) -> float:
    return math.log(-math.log1p(-share))


def _from_log_log(x: float) -> float:
    return -math.expm1(-math.exp(min(x, 30.0)))


def _needs(gathered: StarvedProduct, *names: str) -> tuple[str, ...]:
    """Which of `names`, of the segment and of the launch are missing."""
    return tuple(n for n in gathered.missing if n in (*names, "accounts.segment", "company.ka_launch"))
