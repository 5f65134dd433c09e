"""What M-F measures on a day: the KA teams' attainment, quotas and support costs beyond their trend, the blurring line, disputes."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from kaanalysis.aggregates import DAYS_PER_MONTH, months_before
from kaanalysis.analyses.pattern_days import day_number, day_of
from kaanalysis.policy import Policy
from kaanalysis.stats import ClusteredShare, Effect, Estimate, cluster_regression, clustered_share, log_ratio
from kaanalysis.stats.inputs import check_level

FEWEST_MONTHS = 3  # for a spread between months
YEAR_OF_MONTHS = 12  # a trend needs a year at least, or the season is taken for it
ROUNDING = 1e-4  # in logs: planned figures move without noise, and are not known better than they are rounded
Flags = npt.NDArray[np.bool_]

ATTAINMENT = "ratio of sums over months, t on the log scale"
NOTHING_BOOKED = "nothing booked, exact Poisson at the mean won key account"
BEYOND_TREND = "change of mean logs beyond the teams' linear trend before the launch, clustered by quarter (CR2)"
BLUR = "linear regression on time, clustered by customer (CR2)"
DISPUTES = "ratio of rates with half a dispute added to each, limits exact given their sum"


@dataclass(frozen=True)
class Gathered:
    """deals: one row per deal of a key account opened since the launch by a KA or SMB team: cluster, opened (day), by_smb (bool).
    months: one row per team and month: opened, ended (its first and last day), team, motion, sellers, support_cost, quota, bookings.
    won: one row per won deal of a key account, whoever won it: closed (day), amount.
    disputes: one row per dispute between KA and SMB teams about a key account since the launch: cluster, opened, hours. launch, as_of;
    days are numbers since 1970. needs: what each sign misses. kept: what was measured before, by day and the policy values read."""

    deals: pd.DataFrame
    months: pd.DataFrame
    disputes: pd.DataFrame
    launch: int | None
    as_of: int
    needs: dict[str, tuple[str, ...]]
    won: pd.DataFrame
    kept: dict[tuple[Any, ...], dict[str, Effect | RateRatio | NothingBooked | None]] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )


def ka_attainment(gathered: Gathered, cut: int, policy: Policy) -> Effect | NothingBooked | None:
    """Log of bookings over quota (0: the target) of the KA teams, over the full months from ``shortfall.ramp_months`` after the launch
    on. The months are its units: a month's bookings are a handful of deals. Where nothing was booked at all, see :class:`NothingBooked`."""
    assert gathered.launch is not None
    start = months_after(gathered.launch, policy["shortfall.ramp_months"])
    months = gathered.months
    use = (months["motion"] == "KA") & (months["opened"] >= start) & (months["ended"] <= cut)
    both = months[use & months["quota"].notna() & months["bookings"].notna()]
    sums = both.groupby("opened")[["bookings", "quota"]].sum()
    if len(sums) < FEWEST_MONTHS:
        return None
    if not sums["bookings"].any() and sums["quota"].sum() > 0:
        sizes = gathered.won["amount"].to_numpy()[gathered.won["closed"].to_numpy() <= cut]
        enough = len(sizes) >= policy["evidence.minimum_units"] and sizes.mean() > 0
        return NothingBooked(len(sums), float(sums["quota"].sum() / sizes.mean()) if enough else None)
    return log_ratio(sums["bookings"], sums["quota"], ATTAINMENT)


def months_after(day: int, months: int) -> int:
    """The same day so many calendar months later."""
    return day_number(months_before(day_of(day), -months))


def smb_fills(gathered: Gathered, cut: int, policy: Policy) -> Effect | None:
    """Log of quota per SMB seller beyond its trend before the launch."""
    months = gathered.months[gathered.months["motion"] == "SMB"]
    return _beyond_trend(months, months["quota"], gathered.launch, cut, policy)


def support_cost_growth(gathered: Gathered, cut: int, policy: Policy) -> Effect | None:
    """Log of support cost per seller beyond its trend before the launch, in teams of any motion that were there then."""
    return _beyond_trend(gathered.months, gathered.months["support_cost"], gathered.launch, cut, policy)


def _beyond_trend(
    months: pd.DataFrame, amount: pd.Series, launch: int | None, cut: int, policy: Policy
) -> Effect | None:
    """How much log(amount per seller) lies above the line that the teams were on before the launch, on average over the last
    ``shortfall.window_months`` months (or those since the launch, where they are fewer). Each team has a level of its own, all share the
    trend; the window may have a slope of its own, so that a steady rise is no noise. Calendar quarters are the clusters, since what one
    month has, the next one has too. Only teams with a year before the launch
    and a month in the window count; None without any."""
    assert launch is not None
    heads = months["sellers"]
    y = np.log((amount / heads).where((amount > 0) & (heads > 0)).to_numpy("float64"))
    opened, ended = months["opened"].to_numpy(), months["ended"].to_numpy()
    late = (opened >= max(launch, months_after(cut, -policy["shortfall.window_months"]))) & (ended <= cut)
    before, told = ended < launch, np.isfinite(y)
    team, names = pd.factorize(months["team"])
    past = np.bincount(team[before & told], minlength=len(names)) >= YEAR_OF_MONTHS
    now = np.bincount(team[late & told], minlength=len(names)) > 0
    use = (before | late) & told & (past & now)[team] if len(names) else told
    if not use.any():
        return None
    of_team = team[use][:, None] == np.flatnonzero(past & now)
    years = (opened[use] - launch) / (12 * DAYS_PER_MONTH)
    inside = late[use]
    slope = np.where(inside, years - years[inside].mean(), 0.0)
    x = np.column_stack([of_team, years, slope, inside]).astype(np.float64)
    quarter = np.floor((opened[use] + 15) / (3 * DAYS_PER_MONTH))
    found = cluster_regression(y[use], x, quarter).effect(np.eye(x.shape[1])[-1], BEYOND_TREND)
    if found.standard_error is None:
        return found
    return replace(found, standard_error=max(found.standard_error, ROUNDING))


def border_blur(gathered: Gathered, cut: int, policy: Policy) -> Effect | None:
    """Growth a year (share per year) of the share of key accounts' new deals that SMB teams work, since the launch: the slope of a line.

    A line where the share rises late understates the growth at the end."""
    assert gathered.launch is not None
    deals = gathered.deals[gathered.deals["opened"].to_numpy() <= cut]
    if len(deals) < policy["evidence.minimum_units"]:
        return None
    years = (deals["opened"].to_numpy() - gathered.launch) / (12 * DAYS_PER_MONTH)
    x = np.column_stack([np.ones(len(deals)), years])
    return cluster_regression(deals["by_smb"].to_numpy(np.float64), x, deals["cluster"]).effect([0, 1], BLUR)


@dataclass(frozen=True)
class NothingBooked:
    """An attainment of 0 (no log has it): not one deal was won in `n` months, in which the quota stood for `expected` deals of the size
    that key accounts' won deals have had (None: too few of them to say). Wins taken as Poisson, none has probability exp(−attainment ·
    expected); deals larger than those of the past, or won in clusters, would make it say too much."""

    n: int
    expected: float | None
    value: float = 0.0
    method: str = NOTHING_BOOKED

    def interval(self, level: float) -> Estimate:
        """0 with the attainment up to which no deal at all is no surprise; without limits where `expected` is None."""
        high = None if self.expected is None else -math.log((1 - check_level(level)) / 2) / self.expected
        return Estimate(self.value, None if high is None else 0.0, high, level, self.n, self.method)

    def p_above(self, margin: float) -> float | None:
        """P-value of "the attainment is at most `margin`" (0 or more): 1, as nothing booked never speaks for more."""
        return None if self.expected is None else 1.0

    def p_below(self, margin: float) -> float | None:
        """P-value of "the attainment is at least `margin`" (0 or more): the chance of no deal at the margin itself."""
        return None if self.expected is None else math.exp(-margin * self.expected)


@dataclass(frozen=True)
class RateRatio:
    """A ratio of two rates of events, late over early. Given how many there were in all, how many were late is binomial (Przyborowski and
    Wilenski 1940, Biometrika 31, 313–323); late: that share, at the effective size where disputes come in clusters. value: with half an
    event added to each count, so that it is finite; early_days, late_days: how long each was watched."""

    value: float | None
    late: ClusteredShare
    early_days: float
    late_days: float

    @property
    def n(self) -> int:
        return self.late.n

    def _share(self, ratio: float) -> float:
        """The share of late events at which the rates have this ratio."""
        return ratio * self.late_days / (ratio * self.late_days + self.early_days)

    def p_above(self, ratio: float) -> float | None:
        """P-value of "the ratio is at most `ratio`"."""
        return self.late.p_above(self._share(ratio))

    def p_below(self, ratio: float) -> float | None:
        """P-value of "the ratio is at least `ratio`"."""
        return self.late.p_below(self._share(ratio))

    def limits(self, level: float) -> tuple[float | None, float | None]:
        """Two-sided limits; the upper one is None where there was no early event."""
        share = self.late.interval(level)
        per = self.early_days / self.late_days
        low, high = (None if s is None or s >= 1 else s / (1 - s) * per for s in (share.low, share.high))
        return low, high


def key_account_disputes(gathered: Gathered, cut: int, policy: Policy) -> RateRatio | None:
    """Disputes a day in the last ``shortfall.window_months`` months over those a day from the launch until then (1: as many). None while
    the earlier time is shorter than three months or there was no dispute at all."""
    assert gathered.launch is not None
    border = months_after(cut, -policy["shortfall.window_months"])
    early_days, late_days = border - gathered.launch, cut - border
    opened = gathered.disputes["opened"].to_numpy()
    known = opened <= cut
    if early_days < FEWEST_MONTHS * DAYS_PER_MONTH or not known.any():
        return None
    late = opened[known] > border
    share = clustered_share(late, gathered.disputes["cluster"].to_numpy()[known], DISPUTES)
    value = (late.sum() + 0.5) / ((~late).sum() + 0.5) * early_days / late_days
    return RateRatio(float(value), share, float(early_days), float(late_days))


MEASURES = {
    "ka_attainment": ka_attainment,
    "smb_fills": smb_fills,
    "border_blur": border_blur,
    "key_account_disputes": key_account_disputes,
    "support_cost_growth": support_cost_growth,
}
READ = (
    "shortfall.ramp_months",
    "shortfall.window_months",
    "evidence.minimum_units",
)  # policy values that a measure hangs on


def measured(gathered: Gathered, cut: int, policy: Policy) -> dict[str, Effect | RateRatio | NothingBooked | None]:
    """Every measure for which nothing is missing, as of the day `cut`; None where too little is known. Before the launch nothing is."""
    if gathered.launch is None or cut <= gathered.launch:
        return {}
    key = (cut, *(policy[name] for name in READ))
    if key not in gathered.kept:
        ready = {name: measure for name, measure in MEASURES.items() if not gathered.needs[name]}
        gathered.kept[key] = {name: measure(gathered, cut, policy) for name, measure in ready.items()}
    return gathered.kept[key]
