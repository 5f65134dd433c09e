"""Lead time of the failure patterns: how many months before the total revenue shows it does a pattern's own evidence?

The judgement is replayed at the end of each month since the launch, each time on what was known then. An alarm counts from the
month on from which it holds without a break until as_of; the revenue is replayed by the same rule, so that neither side is helped
by it.

Repeated looks. Whoever tests every month at a level of 5 % is wrong more often than in 5 % of the companies at some month: with
accumulating normal data in 8 % after two looks, 14 % after five, 19 % after ten, 25 % after twenty (Armitage, McPherson and Rowe
1969, Journal of the Royal Statistical Society A 132, 235–244). The adjustment is for the patterns read at once, not for the looks.
Asking that an alarm holds until as_of makes it one look at as_of (an alarm that holds then is one by the last look, whatever the
others said), so the verdict keeps its level; the month from which it held does not, and may be early by luck. A reader who acts on
the first alarm runs the higher risk: :func:`repeated_looks` counts both over companies without a pattern.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from kaanalysis.policy import Policy
from kaanalysis.results import Number, State
from kaanalysis.stats import Effect, benjamini_yekutieli, cluster_regression, wilson

REVENUE = "revenue"  # the pattern name of the total revenue's own rows
PValues = Callable[[dt.date], Mapping[str, float | None]]
MONTHS = "datetime64[M]"
METHOD = "mean since the launch against the trend before it, quarters as clusters, CR2 t"
LEAD_METHOD = "replay at month ends; an alarm counts from where it holds until as_of"


def month_number(day: dt.date | pd.Timestamp) -> int:
    """Calendar months since January of year 0."""
    return day.year * 12 + day.month - 1


def cuts(launch: dt.date, as_of: dt.date, policy: Policy) -> list[dt.date]:
    """The days of the replay: the last of every month from ``early_warning.first_months`` whole months after the launch on, and as_of."""
    begin = pd.Timestamp(launch) + pd.DateOffset(months=policy["early_warning.first_months"]) - pd.Timedelta(days=1)
    days = [d.date() for d in pd.date_range(begin, as_of, freq="ME")]
    return [*days, as_of] if begin.date() <= as_of and as_of not in days else days


def monthly_won(deals: pd.DataFrame, first: dt.date, cut: dt.date) -> pd.DataFrame:
    """Won amount of all teams by closing month: month (its first day), won; every whole month from `first` up to day `cut`, with
    zeros. deals: as :func:`kaanalysis.aggregates.patterns.pattern_deals` gives them; a won deal is known from its closing day."""
    begin = np.datetime64(first, "M") + (0 if first.day == 1 else 1)
    end = np.datetime64(cut + dt.timedelta(days=1), "M")  # the month in which the next day lies is not over
    won = deals[(deals["outcome"] == "won") & deals["closed_at"].notna() & deals["amount"].notna()]
    month = won["closed_at"].to_numpy().astype(MONTHS)
    inside = (month >= begin) & (month < end)
    sums = np.bincount(
        (month[inside] - begin).astype(int),
        weights=won["amount"].to_numpy(float)[inside],
        minlength=max(int((end - begin).astype(int)), 0),
    )
    return pd.DataFrame({"month": pd.date_range(str(begin), periods=len(sums), freq="MS"), "won": sums})


def revenue_gap(months: pd.DataFrame, launch: dt.date, cut: dt.date) -> Effect:
    """Mean monthly won amount since the launch less what the linear trend before it forecasts for those months, as known on day `cut`
    (currency per month; below 0: less than the trend).

    months: as :func:`monthly_won` gives them for all of the records; those that end after `cut` are left out. The month of a launch
    on another day than the first is on neither side. Each side has a mean and a spread of its own, so larger deals after the launch
    make the test more careful, not bolder; months of a calendar quarter are one cluster, for what is put off within a quarter. No
    effect with fewer than two quarters after or four before (a spread must be seen). Yearly ups and downs are not modelled: they widen
    the interval. Sources: Wagner and others 2002, Journal of Clinical Pharmacy and Therapeutics 27, 299–309 (interrupted time
    series); Bell and McCaffrey 2002 for the errors."""
    month = months["month"].to_numpy().astype(MONTHS)
    known = month + 1 <= np.datetime64(cut + dt.timedelta(days=1), "M")
    month, won = month[known], months["won"].to_numpy(float)[known]
    start = np.datetime64(launch, "M")
    before, after = month < start, month >= start + (0 if launch.day == 1 else 1)
    kept = before | after
    month, won, after = month[kept], won[kept], after[kept]
    time = (month - start).astype(float)
    quarter = month.astype(int) // 3
    if len(set(quarter[after])) < 2 or len(set(quarter[~after])) < 4:
        return Effect(None, None, 0.0, len(won), METHOD)
    columns = np.column_stack([~after, ~after * time, after]).astype(float)
    # A quarter cut by the launch is two clusters: one side must not borrow the other's spread.
    made = cluster_regression(won, columns, quarter * 2 + after)
    return made.effect([-1.0, -float(time[after].mean()), 1.0], METHOD)


def replay(p_at: PValues, days: Sequence[dt.date], level: float) -> pd.DataFrame:
    """The family of patterns judged on each of `days`: month (the day), pattern, p_adjusted (Benjamini–Yekutieli over the patterns of
    that day; null where the pattern has no p-value), state (supported where p_adjusted is at most 1 - `level`, undecided, no_data).

    p_at: the p-values by pattern on what was known on a day; None is not in the adjustment, as for the finding itself."""
    rows = []
    for day in days:
        found = p_at(day)
        measured = [p for p in found.values() if p is not None]
        adjusted = iter(benjamini_yekutieli(measured))
        for pattern, raw in found.items():
            p = 1.0 if raw is None else float(next(adjusted))
            rows.append((pd.Timestamp(day), pattern, None if raw is None else p, _state(raw, p, level)))
    return _frame(rows)


def replay_revenue(months: pd.DataFrame, launch: dt.date, days: Sequence[dt.date], level: float) -> pd.DataFrame:
    """The total revenue's own alarm in the form of :func:`replay`, pattern "revenue": one test a day, not adjusted, so the revenue is given
    every chance to be the first."""
    rows = []
    for day in days:
        p = revenue_gap(months, launch, day).p_below(0.0)
        rows.append((pd.Timestamp(day), REVENUE, p, _state(p, 1.0 if p is None else p, level)))
    return _frame(rows)


def _state(raw: float | None, p: float, level: float) -> State:
    # 1 - 0.95 is a little more than a twentieth: without the slack a p-value on the line would hang on that.
    return "no_data" if raw is None else "supported" if p <= 1 - level + 1e-12 else "undecided"


def _frame(rows: list[tuple[pd.Timestamp, str, float | None, State]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["month", "pattern", "p_adjusted", "state"])
    return frame.astype({"month": "datetime64[s]", "p_adjusted": "float64"})


def marked(frame: pd.DataFrame, hold_months: int) -> pd.DataFrame:
    """The frame of :func:`replay` with `holds`: whether the row belongs to an alarm that holds without a break until the pattern's last
    day, over at least `hold_months` days of the replay."""
    out = frame.sort_values(["pattern", "month"], kind="stable").assign(holds=False)
    for _, mine in out.groupby("pattern", sort=False):
        run = 0
        for state in reversed(mine["state"].tolist()):
            if state != "supported":
                break
            run += 1
        if run >= max(hold_months, 1):
            out.loc[mine.index[len(mine) - run :], "holds"] = True
    return out.sort_index()


def alarm(frame: pd.DataFrame, pattern: str) -> dt.date | None:
    """The first day of the pattern's lasting alarm in a frame of :func:`marked`; None where there is none."""
    days = frame.loc[(frame["pattern"] == pattern) & frame["holds"], "month"]
    return None if days.empty else pd.Timestamp(days.min()).date()


def lead_months(frame: pd.DataFrame, pattern: str, as_of: dt.date) -> Number:
    """lead_months: calendar months from the pattern's lasting alarm to the revenue's (below 0: the revenue showed it first).

    Where the revenue shows nothing by as_of it is at least the months from the alarm to as_of: low = value, high None. Value None without
    an alarm of the pattern. Dates of a replay: no interval but that bound."""
    mine, revenue = alarm(frame, pattern), alarm(frame, REVENUE)
    looks = int((frame["pattern"] == pattern).sum())
    if mine is None:
        return Number("lead_months", "all", None, None, None, None, looks, "months", LEAD_METHOD)
    value = month_number(revenue or as_of) - month_number(mine)
    low = value if revenue is None else None
    method = LEAD_METHOD if revenue else f"{LEAD_METHOD}; revenue shows nothing, at least"
    return Number("lead_months", "all", value, low, None, None, looks, "months", method)


def early_warning(
    p_at: PValues, deals: pd.DataFrame, recorded_from: dt.date | None, launch: dt.date, as_of: dt.date, policy: Policy
) -> pd.DataFrame:
    """The replayed patterns and the revenue, marked: month, pattern, p_adjusted, state, holds. Empty where the launch is too recent.

    deals: all of the company's, as :func:`kaanalysis.aggregates.patterns.pattern_deals` gives them; recorded_from: since when won deals
    are on record (None: since the first)."""
    days = cuts(launch, as_of, policy)
    level, first = policy["evidence.level"], recorded_from
    if first is None:
        closed = deals["closed_at"].min()
        first = launch if pd.isna(closed) else closed.date()
    parts = [replay(p_at, days, level), replay_revenue(monthly_won(deals, first, as_of), launch, days, level)]
    return marked(pd.concat(parts, ignore_index=True), policy["early_warning.hold_months"])


def repeated_looks(replays: Sequence[pd.DataFrame], policy: Policy) -> pd.DataFrame:
    """What monthly looks do to false alarms, over the replays of companies without a pattern: alarm (last_look: any pattern at as_of;
    lasting: one that holds until then; held_once: one that held ``early_warning.hold_months`` days in a row at any time; any_look:
    one on any day), companies, alarms, share with Wilson's low and high at the policy's level. The revenue's rows are left out."""
    hold = max(int(policy["early_warning.hold_months"]), 1)
    seen = dict.fromkeys(("last_look", "lasting", "held_once", "any_look"), 0)
    for made in replays:
        longest = last = 0
        for _, mine in made[made["pattern"] != REVENUE].sort_values("month", kind="stable").groupby("pattern"):
            run = most = 0
            for state in mine["state"]:
                run = run + 1 if state == "supported" else 0
                most = max(most, run)
            longest, last = max(longest, most), max(last, run)
        for kind, there in (
            ("last_look", last > 0),
            ("lasting", last >= hold),
            ("held_once", longest >= hold),
            ("any_look", longest > 0),
        ):
            seen[kind] += there
    rows = []
    for kind, count in seen.items():
        share = wilson(count, len(replays), policy["evidence.level"])
        rows.append((kind, len(replays), count, share.value, share.low, share.high))
    return pd.DataFrame(rows, columns=["alarm", "companies", "alarms", "share", "low", "high"])
