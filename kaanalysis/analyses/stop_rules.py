"""When to stop a programme against a problem statement: by when, at what change of its number, and whether one period can show that.

A stop rule that chance alone would trigger is none. What the next, equally long period can tell from chance with 80 % power is set beside
the change that the programme is asked for; where it is more, the rule says so, and how many accounts it would take.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from kaanalysis.policy import Policy
from kaanalysis.results import Finding, Number

POWER = 0.8
SHARED = "next period against chance, 80 % power"


@dataclass(frozen=True)
class Periods:
    """The two periods compared and the one that comes next; dates are the first and last day of each."""

    earlier: tuple[dt.date, dt.date]
    later: tuple[dt.date, dt.date]
    next: tuple[dt.date, dt.date]

    @staticmethod
    def before(as_of: dt.date, months: int) -> Periods:
        """The periods of `months` calendar months around as_of, the later one ending with it."""

        def end(k: int) -> dt.date:
            return (pd.Timestamp(as_of) + pd.DateOffset(months=k * months)).date()

        def period(k: int) -> tuple[dt.date, dt.date]:
            return end(k - 1) + dt.timedelta(days=1), end(k)

        return Periods(period(-1), period(0), period(1))

    def terms(self) -> dict[str, str]:
        """First and last days by name, ISO 8601: sentences write them as the language does."""
        names = {"earlier": self.earlier, "later": self.later, "next": self.next}
        return {
            f"{name}_{k}": d.isoformat()
            for name, days in names.items()
            for k, d in zip(("from", "until"), days, strict=True)
        }


def _errors(level: float) -> float:
    """Standard errors that a change must span to be seen with 80 % power at the level: 2.8 at 0.95."""
    return float(stats.norm.isf((1 - level) / 2) + stats.norm.isf(1 - POWER))


def _spread(metric: Number, low: float, high: float) -> float:
    """Standard error from an interval at the metric's own level."""
    assert metric.level is not None
    return (high - low) / (2 * float(stats.norm.isf((1 - metric.level) / 2)))


def detectable_growth(metric: Number, stall: float, level: float) -> float | None:
    """The smallest growth of the next period that can be told from `stall`, where it is known as well as `metric`, a growth rate: its
    error on the log scale, taken once, for the next rate is held against a fixed mark. None without an interval."""
    if metric.low is None or metric.high is None or metric.low <= -1:
        return None
    return float(
        (1 + stall) * np.exp(_errors(level) * _spread(metric, np.log1p(metric.low), np.log1p(metric.high))) - 1
    )


def detectable_difference(metric: Number, level: float) -> float | None:
    """The smallest change of `metric`, a difference of shares, that a second reading shows: a difference of two readings, so √2."""
    if metric.low is None or metric.high is None:
        return None
    return float(_errors(level) * np.sqrt(2) * _spread(metric, metric.low, metric.high))


def stop_rule(finding: Finding, metric: Number, wanted: float, policy: Policy) -> tuple[list[Number], dict[str, str]]:
    """Numbers and terms of a statement's stop rule; nothing where the statement is contradicted or its number has no interval.

    wanted: what a programme is asked for in the next period, a growth rate where the metric is one, else a change of shares. Numbers:
    change_wanted, detectable_change, cases_needed (accounts like those of today that would show the wanted change, two digits). Term
    `stop`: shown where one period can show the wanted change, unseen where it cannot."""
    if finding.state == "contradicted":
        return [], {}
    level, stall, growth = policy["evidence.level"], policy["growth.stall_rate"], metric.unit.startswith("share per")
    seen = detectable_growth(metric, stall, level) if growth else detectable_difference(metric, level)
    if seen is None or wanted <= (stall if growth else 0.0) or not np.isfinite(seen):
        return [], {}
    far = np.log((1 + seen) / (1 + stall)) / np.log((1 + wanted) / (1 + stall)) if growth else seen / wanted
    needed = float(f"{metric.n * float(far) ** 2:.2g}")
    unit = metric.unit

    def fixed(name: str, value: float, unit: str, method: str) -> Number:
        return Number(name, finding.id, value, None, None, None, metric.n, unit, method)

    numbers = [
        fixed("change_wanted", wanted, unit, "policy" if growth else "policy, or the gap where that is wider"),
        fixed("detectable_change", seen, unit, SHARED),
        fixed("cases_needed", max(needed, 1.0), "accounts", SHARED),
    ]
    return numbers, {"stop": "shown" if seen <= wanted else "unseen"}
