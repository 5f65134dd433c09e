"""Days as numbers, as the patterns' small frames hold them: comparisons with a day are then comparisons of numbers, quick to replay."""

from __future__ import annotations

import datetime as dt

import pandas as pd


def day_number(day: dt.date) -> int:
    """Days since 1970-01-01."""
    return (day - dt.date(1970, 1, 1)).days


def day_of(number: float) -> dt.date:
    """The day so many days after 1970-01-01."""
    return dt.date(1970, 1, 1) + dt.timedelta(days=int(number))


def days_of(column: pd.Series) -> pd.Series:
    """A column of days as numbers of days since 1970-01-01; NaN where there is none."""
    return (pd.to_datetime(column) - pd.Timestamp(0)) / pd.Timedelta(days=1)


def month_of(days: pd.Series) -> pd.DatetimeIndex:
    """The first day of each day's month, for days as numbers since 1970-01-01."""
    return pd.DatetimeIndex(pd.Timestamp(0) + pd.to_timedelta(days, unit="D")).to_period("M").to_timestamp()
