"""What KA teams won since the launch, taken apart: new customers, what accounts taken over would have brought anyway, what came on top;
and what the other teams lost meanwhile.

Nobody sees what accounts taken over would have brought without the KA team. So what the other teams lost, and with it the net increment,
lies between bounds: they would have left anyway, or grown as the other teams' customers did (worst-case bounds, Manski 1990, with the
sampling error added outside).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from kaanalysis.analyses.verdicts import number
from kaanalysis.results import Number
from kaanalysis.stats import Estimate, share_of_total, signed_total, total
from kaanalysis.stats.inputs import FloatArray, normal_quantile

if TYPE_CHECKING:
    from kaanalysis.analyses.siphon import Pool

PARTS = ("new", "carried_on", "on_top")
_BOUNDED = "sum over customers, compound Poisson, t; bounds over what moved customers would have done"


def bridge_parts(accounts: pd.DataFrame, months_since: float, months_before: int) -> pd.DataFrame:
    """KA revenue since the launch by account and part: new (no earlier win by another team), carried_on (taken over, up to the
    account's own monthly rate before the launch × months since), on_top (taken over, beyond that). Parts add up to `won`."""
    taken = accounts["known_before"].to_numpy() > 0
    won = accounts["won"].to_numpy(float)
    expected = accounts["before"].to_numpy(float) / months_before * months_since
    # What other teams still win from the account since the launch has used up part of what was expected anyway.
    left = np.maximum(expected - accounts["other_won"].to_numpy(float), 0.0)
    carried = np.where(taken, np.minimum(won, left), 0.0)
    return pd.DataFrame(
        {"new": np.where(taken, 0.0, won), "carried_on": carried, "on_top": np.where(taken, won - carried, 0.0)}
    )


def group_sums(won: Pool, launch: int, start: int) -> pd.DataFrame:
    """One row per customer group with any win: won (by KA teams since `launch`), other_won (by other teams since), before (by other
    teams from `start` to the launch), known_before (1: another team won something before the launch). Days since 1970-01-01."""
    groups = int(won.group.max(initial=-1)) + 1
    since = won.closed >= launch

    def by(which: np.ndarray) -> FloatArray:
        sums = np.bincount(won.group[which], weights=won.amount[which], minlength=groups)
        return np.asarray(sums, dtype=np.float64)

    known = np.bincount(won.group[~won.key & ~since], minlength=groups) > 0
    frame = pd.DataFrame({
        "won": by(won.key & since), "other_won": by(~won.key & since),
        "before": by(~won.key & ~since & (won.closed >= start)), "known_before": known.astype(np.int64),
    })  # fmt: skip
    return frame[np.bincount(won.group, minlength=groups) > 0].reset_index(drop=True)


@dataclass(frozen=True)
class Lost:
    """By customer group, shape (n,): what the other teams won less since the launch than expected (negative: more), if groups taken over
    would have left anyway (`least`), gone on at their own rate (`own`), or grown as the other teams' other groups did, if those
    grew (`most`); expected: what the groups not taken over were to bring, for the error of the trend."""

    least: FloatArray
    own: FloatArray
    most: FloatArray
    expected: float


def lost_by_others(groups: pd.DataFrame, months_since: float, months_before: int, growth: float) -> Lost:
    """What the other teams won less than expected: of groups not taken over, their rate before the launch × months since × `growth` (the
    factor of the trend before) less what they brought; of groups taken over, what is missing of their own rate.

    groups: as :func:`group_sums`. Taken over: known before the launch and won by a KA team since."""
    moved = ((groups["known_before"] > 0) & (groups["won"] > 0)).to_numpy(bool)
    after = groups["other_won"].to_numpy(float)
    rate = groups["before"].to_numpy(float) / months_before * months_since
    stayed = np.where(moved, 0.0, rate * growth - after)
    steady, kept = float(rate[~moved].sum()), float(after[~moved].sum())
    grown = max(kept / steady, 1.0) if steady > 0 else 1.0
    own, most = (np.where(moved, np.maximum(rate * f - after, 0.0), 0.0) for f in (1.0, grown))
    return Lost(stayed, stayed + own, stayed + most, steady * growth)


def bridge_numbers(
    groups: pd.DataFrame,
    months_since: float,
    months_before: int,
    trend: tuple[float, float],
    level: float,
    currency: str,
) -> tuple[list[Number], pd.DataFrame]:
    """(numbers, frame) of the bridge. Numbers: ka_revenue_new, ka_revenue_carried_on, ka_revenue_on_top, no_increment_share (KA); smb_lost
    (SMB), net_increment (KA: what KA teams won less what the others lost), whose limits hold both bounds with their sampling error.

    trend: (growth, its standard error) of the log expectation from the time before to that since. Frame: one row per part, smb_lost and
    net_increment (part, value, low, high; least and most: the two bounds without sampling error, equal to value for the parts)."""
    ours = groups[groups["won"] > 0]
    parts = bridge_parts(ours, months_since, months_before)
    sums = {p: replace(total(parts[p], level=level), n=len(ours)) for p in PARTS}
    share = share_of_total(parts["carried_on"], parts["new"] + parts["on_top"], level=level)
    lost = lost_by_others(groups, months_since, months_before, math.exp(trend[0]))
    won = groups["won"].to_numpy(float)
    losses = _between(lost.own, lost.least, lost.most, lost.expected * trend[1], level)
    net = _between(won - lost.own, won - lost.most, won - lost.least, lost.expected * trend[1], level)
    numbers = [
        *(number(f"ka_revenue_{p}", "KA", sums[p], currency) for p in PARTS),
        number("no_increment_share", "KA", replace(share, n=len(ours)), "share"),
        number("smb_lost", "SMB", losses, currency),
        number("net_increment", "KA", net, currency),
    ]
    rows = [(p, sums[p].value, sums[p].low, sums[p].high, sums[p].value, sums[p].value) for p in PARTS]
    rows += [
        ("smb_lost", losses.value, losses.low, losses.high, float(lost.least.sum()), float(lost.most.sum())),
        (
            "net_increment",
            net.value,
            net.low,
            net.high,
            float((won - lost.most).sum()),
            float((won - lost.least).sum()),
        ),
    ]
    return numbers, pd.DataFrame(rows, columns=["part", "value", "low", "high", "least", "most"])


def _between(value: FloatArray, low: FloatArray, high: FloatArray, trend_error: float, level: float) -> Estimate:
    """The sum of `value`, from the lower limit of the sum of `low` to the upper one of that of `high`."""
    ends = [signed_total(x, level=level) for x in (low, high)]
    n = int(((value != 0) | (low != 0) | (high != 0)).sum())
    if any(e.low is None or e.high is None or e.value is None for e in ends):
        return Estimate(float(value.sum()), None, None, level, n, _BOUNDED)
    below, above = ends
    assert below.value is not None and below.low is not None and above.value is not None and above.high is not None
    away = normal_quantile(level) * trend_error
    return Estimate(
        float(value.sum()),
        below.value - math.hypot(below.value - below.low, away),
        above.value + math.hypot(above.high - above.value, away),
        level,
        n,
        _BOUNDED,
    )
