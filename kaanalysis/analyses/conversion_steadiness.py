"""M-3.1, its second half: is SMB conversion steady from period to period?

Deals are taken by the period in which they were opened, and each is followed equally long (``steadiness.follow_up_months``), so that a
young period is neither better nor worse than an old one and nothing is open to guess: a deal counts if it was won within that time. Deals
opened before the records begin are left out, since they are seen only if they lasted. The chart and the number allow for sellers
who differ and for who worked when (:mod:`kaanalysis.stats.steadiness`).

`conversion_stability` is the standard deviation between periods of the true share won within the follow-up, beyond chance and sellers,
in percentage points: 0: every period has the same share; 50: half of them win nothing, half everything.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd

from kaanalysis import aggregates
from kaanalysis.analyses.verdicts import number, seller_clusters
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.results import Number
from kaanalysis.stats import between_period_sd, between_period_test, period_chart, period_trend

COLUMNS = [
    "segment",
    "start",
    "until",
    "deals",
    "won",
    "sellers",
    "share",
    "centre",
    "lower",
    "upper",
    "outside",
    "follow_up_days",
]
NAMES = ("conversion_stability", "conversion_trend", "periods_outside", "conversion_periods_p_value")


def borders(as_of: dt.date, first: dt.date, months: int, follow_up: int) -> list[dt.date]:
    """Days on which periods of so many months begin, oldest first, and the day after the last: the last period ends so that even its
    last day's deals could be followed for `follow_up` months; none begins before `first`. Calendar quarters where as_of ends one."""
    after = as_of + dt.timedelta(days=1)
    out = [aggregates.months_before(after, follow_up)]
    while (start := aggregates.months_before(after, follow_up + len(out) * months)) >= first:
        out.append(start)
    return out[::-1]


def _periods(company: Company, deals: pd.DataFrame, policy: Policy) -> tuple[pd.DataFrame, list[dt.date], int]:
    """Deals of whole periods with `period` (its first day) and `success`; the borders; days of follow-up."""
    as_of = company.info.as_of
    opened = pd.Timestamp(as_of) - pd.to_timedelta(deals["follow_up"], unit="D")
    first = company.info.observed_from or opened.min().date()
    edges = borders(as_of, first, policy["steadiness.period_months"], policy["steadiness.follow_up_months"])
    days = (as_of - edges[-1]).days + 1
    place = np.searchsorted(pd.DatetimeIndex(edges), opened, side="right") - 1
    chosen = (place >= 0) & (place < len(edges) - 1) & (deals["entry"] == 0).to_numpy()
    kept = deals[chosen].assign(period=place[chosen])
    return kept.assign(success=((kept["outcome"] == "won") & (kept["days"] <= days)).to_numpy(bool)), edges, days


def _nothing(segment: str, deals: int, level: float, months: float, why: str) -> list[Number]:
    return [Number("conversion_stability", segment, None, None, None, level, deals, "share difference", why, months)]


def measure(
    company: Company, deals: pd.DataFrame, segment: str, policy: Policy
) -> tuple[list[Number], dict[str, pd.DataFrame]]:
    """Numbers conversion_stability (percentage points), conversion_trend (rise of the share per year), periods_outside (periods beyond the
    control limits, of n) and conversion_periods_p_value; frame `steadiness` (a row per period: segment, start, until, deals, won,
    sellers, share, centre, lower, upper (control limits), outside, follow_up_days). deals: `deal_times` of one segment. A period with
    fewer deals than ``evidence.minimum_units`` is left out and counted in the method."""
    level, months = policy["evidence.level"], policy["steadiness.follow_up_months"]
    kept, edges, days = _periods(company, deals, policy)
    count = kept.groupby("period").size().reindex(range(len(edges) - 1), fill_value=0)
    small = count[count < policy["evidence.minimum_units"]].index
    told = kept[~kept["period"].isin(small)]
    clusters, _ = seller_clusters(told) if len(told) else (np.array([], dtype=object), "")
    chart = period_chart(told["success"].to_numpy(), told["period"].to_numpy(), clusters) if len(told) else None
    if chart is None:
        why = "too few periods followed long enough" if told["period"].nunique() < 2 else "no deal is won or all are"
        return _nothing(segment, len(told), level, months, why), {}
    left = f"; {len(small)} periods with too few deals left out" if len(small) else ""
    spread = between_period_sd(chart, level)
    spread = replace(spread, n=len(told), method=f"{spread.method}; {len(chart.n)} periods{left}")
    middle = [edges[p] + (edges[p + 1] - edges[p]) / 2 for p in chart.periods]
    years = np.array([(m - edges[0]).days for m in middle]) / 365.25
    trend = period_trend(chart, years, level)
    test = between_period_test(chart)
    lower, upper = chart.limits(policy["steadiness.limit_width"])
    outside = (chart.share < lower) | (chart.share > upper)
    sellers = told.assign(seller=clusters).groupby("period")["seller"].nunique()
    won = told.groupby("period")["success"].sum()
    frame = pd.DataFrame({
        "segment": segment, "start": [str(edges[p]) for p in chart.periods],
        "until": [str(edges[p + 1] - dt.timedelta(days=1)) for p in chart.periods],
        "deals": chart.n.astype(int), "won": [int(won[p]) for p in chart.periods], "sellers": [int(sellers[p]) for p in chart.periods],
        "share": chart.share, "centre": chart.centre, "lower": lower, "upper": upper, "outside": outside, "follow_up_days": days,
    })[COLUMNS]  # fmt: skip
    numbers = [
        number("conversion_stability", segment, spread, "share difference", horizon_months=months),
        number("conversion_trend", segment, trend, "share per year", horizon_months=months),
        Number("periods_outside", segment, int(outside.sum()), None, None, None, len(outside), "periods",
               "count of periods beyond the control limits", months),
        Number("conversion_periods_p_value", segment, test.p_value, None, None, None, test.n, "probability", test.method, months),
    ]  # fmt: skip
    return numbers, {"steadiness": frame}
