"""M-D, siphon: the key-account business drains the pool of the other teams instead of adding customers.

Four signs. Most of what KA teams won since the launch comes from customer groups that other teams had won before (`moved_share`); most of
the KA teams' deals are upgrades, expansions and renewals (`upgrade_share`); new key-account groups are not won for the first time much
more often than the trend before the launch says (`new_customers_ratio`); and the other teams win less than their trend says
(`smb_won_ratio`). The revenue bridge says the same in money (:mod:`kaanalysis.analyses.revenue_bridge`).
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd

from kaanalysis.aggregates import DAYS_PER_MONTH, history_start, months_before
from kaanalysis.aggregates.patterns import pattern_deals
from kaanalysis.analyses.pattern_signs import Beyond, Sign, missing_sign, sign_of
from kaanalysis.analyses.pursuit import day_of, days_of
from kaanalysis.analyses.revenue_bridge import bridge_numbers, group_sums
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.results import Number
from kaanalysis.stats import Effect, Measured, log_linear_trend, log_ratio_of_totals, share_effect
from kaanalysis.stats.inputs import BoolArray, FloatArray, IntArray

ID, KEY = "M-D", "siphon"
FEEDS = (
    "company.ka_launch",
    "teams.motion",
    "opportunities.team",
    "opportunities.amount",
    "opportunities.closed_at",
)
FLIPS = ("siphon.moved_share", "siphon.upgrade_share", "siphon.new_customers", "siphon.drained_ratio")
REQUIRED = ("moved_share",)
SIGNS = ("moved_share", "upgrade_share", "new_customers_ratio", "smb_won_ratio")
_SHARE = "share of a sum over customers, Wilson, effective number"
_UPGRADES = "share of deals by customer group, Wilson, effective number"
_FIRST_WINS = "ratio of monthly first wins, beside the trend of deals opened before, t on the log scale"
_WON = "ratio of monthly sums over customers, beside the trend of deals opened before, t on the log scale"
_MEASURED: dict[str, tuple[str, Beyond, str, str]] = {
    "moved_share": ("siphon.moved_share", "above", "share", "target"),
    "upgrade_share": ("siphon.upgrade_share", "above", "share", "target"),
    "new_customers_ratio": ("siphon.new_customers", "below", "ratio", "trend"),
    "smb_won_ratio": ("siphon.drained_ratio", "below", "ratio", "trend"),
}


@dataclass(frozen=True)
class Pool:
    """Deals as numbers, shape (n,) each: opened, closed (days since 1970-01-01, OPEN where there is no day), won, amount (0 where not
    recorded), key (a KA team's), group (code of the customer group), of_key (its customer is a key account), fresh (no upgrade, expansion
    or renewal; also where the origin is not recorded), origin_known."""

    opened: IntArray
    closed: IntArray
    won: BoolArray
    amount: FloatArray
    key: BoolArray
    group: IntArray
    of_key: BoolArray
    fresh: BoolArray
    origin_known: BoolArray

    def pick(self, which: BoolArray | IntArray) -> Pool:
        """The deals at `which`."""
        return Pool(*(getattr(self, f.name)[which] for f in fields(self)))


@dataclass(frozen=True)
class Siphoned:
    """What the signs and the bridge are made of. begins: the day from which won deals are on record; missing: as in the contract."""

    pool: Pool | None
    launch: dt.date | None
    begins: dt.date | None
    as_of: dt.date
    currency: str
    missing: tuple[str, ...]


def gather(company: Company, policy: Policy) -> Siphoned:
    """Deals, read once. Without records of the year before the launch (``siphon.before_months``) accounts taken over would look new."""
    missing = [*company.missing(*FEEDS), *company.missing("opportunities.origin", "opportunities.created_at")]
    launch, begins = company.info.ka_launch, history_start(company)
    pool = None
    if not set(missing) & set(FEEDS) and launch is not None:
        if begins is None or begins > months_before(launch, policy["siphon.before_months"]):
            missing.append("company.observed_from")
        else:
            pool = pool_of(pattern_deals(company, policy))
    return Siphoned(pool, launch, begins, company.info.as_of, company.info.currency, tuple(missing))


def pool_of(deals: pd.DataFrame) -> Pool:
    """The deals of :func:`kaanalysis.aggregates.patterns.pattern_deals` as numbers."""
    origin = deals["origin"]
    return Pool(
        days_of(deals["created_at"]), days_of(deals["closed_at"]), (deals["outcome"] == "won").to_numpy(bool),
        pd.to_numeric(deals["amount"], errors="coerce").fillna(0.0).to_numpy(np.float64), (deals["motion"] == "KA").to_numpy(bool),
        pd.factorize(deals["cluster"])[0].astype(np.int64), (deals["segment"] == "KA").to_numpy(bool),
        (origin.isna() | (origin == "new")).to_numpy(bool), origin.notna().to_numpy(bool),
    )  # fmt: skip


@dataclass(frozen=True)
class Windows:
    """Days since 1970-01-01: records begin, launch, the day of the question; months of the two windows, and between their middles."""

    begins: int
    launch: int
    cut: int

    @property
    def before(self) -> float:
        return (self.launch - self.begins) / DAYS_PER_MONTH

    @property
    def since(self) -> float:
        return (self.cut - self.launch) / DAYS_PER_MONTH


def signs(gathered: Siphoned, cut: dt.date, policy: Policy) -> list[Sign]:
    """moved_share, upgrade_share, new_customers_ratio, smb_won_ratio as known on day `cut`.

    Wrong where accounts taken over would have left without the KA team (the bridge's bounds say how much hangs on that), where what holds
    back new customers or the other teams' sales began with the launch by chance, and where a group's first win lies before the records
    and its origin is not recorded either."""
    if gathered.pool is None or gathered.launch is None or gathered.begins is None or cut <= gathered.launch:
        lacking = [m for m in gathered.missing if m in FEEDS or m == "company.observed_from"]
        return [_missing(name, lacking, policy) for name in SIGNS]
    at = Windows(day_of(gathered.begins), day_of(gathered.launch), day_of(cut))
    known = gathered.pool.pick(np.minimum(gathered.pool.opened, gathered.pool.closed) <= at.cut)
    won = known.pick(known.won & (known.closed <= at.cut))
    trend = trend_before(known, at)
    return [
        _moved_share(won, at, policy),
        _upgrade_share(known, at, gathered, policy),
        _new_customers(won, at, trend, policy),
        _drained(won, at, trend, policy),
    ]


def _missing(name: str, needs: list[str] | tuple[str, ...], policy: Policy, n: int = 0) -> Sign:
    margin, beyond, unit, comparison = _MEASURED[name]
    return missing_sign(
        name, needs, margin=policy[margin], beyond=beyond, unit=unit, level=policy["evidence.level"],
        method="missing" if needs else "too few", comparison=comparison, n=n, segment=_segment(name),
    )  # fmt: skip


def _segment(name: str) -> str:
    return "SMB" if name == "smb_won_ratio" else "KA"


def _sign(effect: Measured, name: str, policy: Policy, transform: object = None) -> Sign:
    margin, beyond, unit, comparison = _MEASURED[name]
    return sign_of(
        effect, name, policy[margin], beyond, unit, comparison, policy["evidence.level"],
        transform=transform, segment=_segment(name),  # type: ignore[arg-type]
    )  # fmt: skip


def _moved_share(won: Pool, at: Windows, policy: Policy) -> Sign:
    """Share of what KA teams won since the launch that comes from groups that another team had won before it."""
    taken = np.unique(won.group[~won.key & (won.closed < at.launch)])
    ours = won.pick(won.key & (won.closed >= at.launch) & (won.amount > 0))
    groups = len(np.unique(ours.group))
    if groups < policy["evidence.minimum_units"]:
        return _missing("moved_share", (), policy, groups)
    moved = np.isin(ours.group, taken)
    part, rest = np.where(moved, ours.amount, 0.0), np.where(moved, 0.0, ours.amount)
    return _sign(share_effect(part, rest, ours.group, method=_SHARE), "moved_share", policy)


def _upgrade_share(known: Pool, at: Windows, gathered: Siphoned, policy: Policy) -> Sign:
    """Share of the KA teams' deals opened since the launch that are upgrades, expansions or renewals."""
    if "opportunities.origin" in gathered.missing:
        return _missing("upgrade_share", ["opportunities.origin"], policy)
    ours = known.pick(known.key & (known.opened >= at.launch) & (known.opened <= at.cut) & known.origin_known)
    groups = len(np.unique(ours.group))
    if groups < policy["evidence.minimum_units"]:
        return _missing("upgrade_share", (), policy, groups)
    effect = share_effect(~ours.fresh, ours.fresh, ours.group, method=_UPGRADES)
    return _sign(effect, "upgrade_share", policy)


def trend_before(known: Pool, at: Windows) -> tuple[float, float]:
    """(slope, its standard error) of the log expectation per month, by the deals opened before the launch.

    There are many more of them than wins: a trend of the wins themselves would be mostly noise over so long a way. Deals of unknown
    opening day are left out, and so is the first, broken month of the records."""
    months = int(at.before)
    back = (at.launch - 1 - known.opened[(known.opened < at.launch) & (known.opened >= at.begins)]) / DAYS_PER_MONTH
    counts = np.bincount(back.astype(np.int64), minlength=months)[:months][::-1]
    slope, error = log_linear_trend(counts)
    return (slope, error) if math.isfinite(error) else (0.0, 0.0)


def _new_customers(won: Pool, at: Windows, trend: tuple[float, float], policy: Policy) -> Sign:
    """Key-account groups won for the first time by any team, per month, since the launch over before, over what the trend before says.

    First: the group's first win on record, unless its origin says that it was a customer already. Counts are Poisson, or wider where the
    months differ more than that; half a win is added to either side, so that none is not infinitely few (Haldane 1956)."""
    order = np.argsort(won.closed, kind="stable")
    _, at_first = np.unique(won.group[order], return_index=True)
    first = won.pick(np.asarray(order[at_first], dtype=np.int64))
    first = first.pick(first.of_key & first.fresh & (first.closed >= at.begins))
    early, late = first.closed[first.closed < at.launch], first.closed[first.closed >= at.launch]
    if len(first.closed) < policy["evidence.minimum_units"] or at.since < policy["siphon.ripening_months"]:
        return _missing("new_customers_ratio", (), policy, len(first.closed))
    spread = _dispersion([(early, at.begins, at.launch), (late, at.launch, at.cut + 1)])
    a, b = len(late) + 0.5, len(early) + 0.5
    way = (at.before + at.since) / 2
    value = math.log(a / at.since) - math.log(b / at.before) - trend[0] * way
    error = math.hypot(math.sqrt(spread * (1 / a + 1 / b)), trend[1] * way)
    months = at.before + at.since
    return _sign(
        Effect(value, error, months - 2, len(first.closed), _FIRST_WINS), "new_customers_ratio", policy, np.exp
    )


def _dispersion(windows: list[tuple[IntArray, int, int]]) -> float:
    """Variance over mean of the monthly counts about the mean of each window, at least 1."""
    squares, freedom = 0.0, 0
    for days, start, end in windows:
        months = int((end - start) / DAYS_PER_MONTH)
        if months < 2 or not len(days):
            continue
        counts = np.bincount(((days - start) / DAYS_PER_MONTH).astype(np.int64), minlength=months)[:months]
        if counts.mean() > 0:
            squares += float(((counts - counts.mean()) ** 2).sum() / counts.mean())
            freedom += months - 1
    return max(1.0, squares / freedom) if freedom else 1.0


def _drained(won: Pool, at: Windows, trend: tuple[float, float], policy: Policy) -> Sign:
    """What teams other than KA teams won of small customers per month since the launch over before, over what the trend before says. Key
    accounts are left out: an orderly handover takes them from the other teams without draining anything."""
    others = won.pick(~won.key & ~won.of_key & (won.amount > 0) & (won.closed >= at.begins))
    late = others.closed >= at.launch
    groups = len(np.unique(others.group))
    if groups < policy["evidence.minimum_units"] or at.since < policy["siphon.ripening_months"]:
        return _missing("smb_won_ratio", (), policy, groups)
    now, before = np.where(late, others.amount, 0.0) / at.since, np.where(late, 0.0, others.amount) / at.before
    effect = log_ratio_of_totals(now, before, others.group, method=_WON)
    if effect.value is None or effect.standard_error is None:
        return _missing("smb_won_ratio", (), policy, groups)
    way = (at.before + at.since) / 2
    error = math.hypot(effect.standard_error, trend[1] * way)
    return _sign(
        Effect(effect.value - trend[0] * way, error, effect.freedom, effect.n, _WON), "smb_won_ratio", policy, np.exp
    )


def bridge(gathered: Siphoned, policy: Policy) -> tuple[list[Number], pd.DataFrame]:
    """Numbers and frame of the revenue bridge at as_of (:func:`kaanalysis.analyses.revenue_bridge.bridge_numbers`); none where the signs
    cannot be measured, or no KA team won anything."""
    if gathered.pool is None or gathered.launch is None or gathered.begins is None:
        return [], pd.DataFrame()
    at = Windows(day_of(gathered.begins), day_of(gathered.launch), day_of(gathered.as_of))
    won = gathered.pool.pick(gathered.pool.won & (gathered.pool.closed <= at.cut))
    months = policy["siphon.before_months"]
    groups = group_sums(won, at.launch, day_of(months_before(gathered.launch, months)))
    if not (groups["won"] > 0).any() or at.since <= 0:
        return [], pd.DataFrame()
    slope, error = trend_before(gathered.pool, at)
    way = (months + at.since) / 2
    return bridge_numbers(
        groups, at.since, months, (slope * way, error * way), policy["evidence.level"], gathered.currency
    )


def numbers(gathered: Siphoned, policy: Policy) -> list[Number]:
    """What the finding says beside its signs: the revenue bridge."""
    return bridge(gathered, policy)[0]


def frames(gathered: Siphoned, policy: Policy) -> dict[str, pd.DataFrame]:
    """revenue_bridge; timeline: one row per month and series (month, series, value): what KA teams won from new customer groups
    (ka_new) and from groups that others had won before the launch (ka_moved), what other teams won (others), first wins of key-account
    groups (first_wins)."""
    if gathered.pool is None or gathered.launch is None:
        return {}
    launch, cut = day_of(gathered.launch), day_of(gathered.as_of)
    won = gathered.pool.pick(gathered.pool.won & (gathered.pool.closed <= cut))
    taken = np.isin(won.group, np.unique(won.group[~won.key & (won.closed < launch)]))
    first = np.zeros(len(won.group), bool)
    order = np.argsort(won.closed, kind="stable")
    first[order[np.unique(won.group[order], return_index=True)[1]]] = True
    month = pd.to_datetime(won.closed, unit="D").to_period("M").to_timestamp()
    series = {
        "ka_new": (won.key & ~taken, won.amount), "ka_moved": (won.key & taken, won.amount), "others": (~won.key, won.amount),
        "first_wins": (first & won.of_key & won.fresh, np.ones(len(first))),
    }  # fmt: skip
    every = pd.date_range(month.min(), month.max(), freq="MS") if len(month) else pd.DatetimeIndex([])
    parts = []
    for name, (which, value) in series.items():
        sums = pd.Series(value[which], index=month[which]).groupby(level=0).sum().reindex(every, fill_value=0.0)
        parts.append(pd.DataFrame({"month": every, "series": name, "value": sums.to_numpy()}))
    return {"revenue_bridge": bridge(gathered, policy)[1], "timeline": pd.concat(parts, ignore_index=True)}
