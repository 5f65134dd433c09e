"""The months behind M-F: what the KA teams booked of their quota, what SMB teams were asked for and brought, who worked key accounts."""

from __future__ import annotations

import pandas as pd

from kaanalysis.analyses.pattern_days import month_of
from kaanalysis.analyses.shortfall_effects import YEAR_OF_MONTHS, Gathered

COLUMNS = ("month", "series", "value", "n", "after")


def monthly(gathered: Gathered) -> pd.DataFrame:
    """See :func:`kaanalysis.analyses.shortfall.frames`."""
    if gathered.launch is None:
        return pd.DataFrame(columns=list(COLUMNS))
    launch = pd.Timestamp(0) + pd.Timedelta(days=gathered.launch)
    months = gathered.months[gathered.months["ended"] <= gathered.as_of]
    past = months[months["ended"] < gathered.launch].groupby("team").size()
    there = months["team"].isin(past[past >= YEAR_OF_MONTHS].index)
    ka, smb = months[months["motion"] == "KA"], months[months["motion"] == "SMB"]
    parts = [
        _ratio(ka, "bookings", "quota", "attainment"),
        _ratio(smb, "quota", "sellers", "smb_quota"),
        _ratio(smb, "bookings", "sellers", "smb_bookings"),
        _ratio(months[there], "support_cost", "sellers", "support_cost"),
        _share(gathered),
        *_disputes(gathered, launch),
    ]
    out = pd.concat([p for p in parts if len(p)] or parts, ignore_index=True)
    out = out[out["month"] + pd.offsets.MonthEnd(0) <= pd.Timestamp(0) + pd.Timedelta(days=gathered.as_of)]
    return out.assign(after=out["month"] >= launch.to_period("M").to_timestamp())[list(COLUMNS)].reset_index(drop=True)


def _named(month: pd.Index, name: str, value: pd.Series, n: pd.Series) -> pd.DataFrame:
    return pd.DataFrame({
        "month": month, "series": name, "value": value.to_numpy("float64"), "n": n.to_numpy("int64"),
    })  # fmt: skip


def _ratio(months: pd.DataFrame, above: str, below: str, name: str) -> pd.DataFrame:
    """Sums of teams whose month has both."""
    both = months[months[above].notna() & (months[below] > 0)]
    sums = both.groupby("opened")[[above, below]].sum().assign(n=both.groupby("opened").size())
    return _named(month_of(pd.Series(sums.index)), name, sums[above] / sums[below], sums["n"])


def _share(gathered: Gathered) -> pd.DataFrame:
    by = gathered.deals.groupby(month_of(gathered.deals["opened"]))["by_smb"].agg(["mean", "size"])
    return _named(by.index, "border_blur", by["mean"], by["size"])


def _disputes(gathered: Gathered, launch: pd.Timestamp) -> list[pd.DataFrame]:
    """Every month since the launch, also those without a dispute; nothing where no disputes are on record."""
    if gathered.needs["key_account_disputes"]:
        return []
    end = pd.Timestamp(0) + pd.Timedelta(days=gathered.as_of)
    every = pd.date_range(launch.to_period("M").to_timestamp(), end, freq="MS")
    by = gathered.disputes.groupby(month_of(gathered.disputes["opened"]))["hours"].agg(["size", "sum"])
    by = by.reindex(every, fill_value=0)
    return [_named(every, "disputes", by["size"], by["size"]), _named(every, "dispute_hours", by["sum"], by["size"])]
