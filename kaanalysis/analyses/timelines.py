"""The monthly series behind the six patterns as one frame: for each pattern the two in which its mechanism would show first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

COLUMNS = ("pattern", "series", "month", "value", "low", "high", "unit")
CURRENCY = "currency"  # stands for the company's


@dataclass(frozen=True)
class Source:
    """Where a series comes from. frame, series: of the pattern's own frames; where: the values that other columns must have; counted: a
    month without a row is one with none; chance: its range by chance has series of its own,
    `<chance>_low` and `<chance>_high`."""

    pattern: str
    frame: str
    series: str
    unit: str
    where: tuple[tuple[str, str], ...] = ()
    counted: bool = False
    chance: str = ""


SOURCES = (
    Source("M-A", "hatching_monthly", "cycle_days", "days", (("segment", "KA"),)),
    Source("M-A", "hatching_monthly", "cost_of_sales", "ratio"),
    Source("M-B", "channel", "partner_registrations", "deals", counted=True),
    Source("M-B", "channel", "unregistered_purchases", "orders", counted=True),
    Source("M-C", "timeline", "double_pursuit", "deals", (("pattern", "M-C"),), chance="chance"),
    Source("M-C", "timeline", "dispute_hours", "hours", (("pattern", "M-C"),)),
    Source("M-D", "timeline", "first_wins", "customers", (("pattern", "M-D"),), counted=True),
    Source("M-D", "timeline", "ka_moved", CURRENCY, (("pattern", "M-D"),), counted=True),
    Source("M-E", "starved_product", "product_capacity", "person-days"),
    Source("M-E", "starved_product", "competitor_losses", "share"),
    Source("M-F", "shortfall_monthly", "attainment", "share"),
    Source("M-F", "shortfall_monthly", "border_blur", "share"),
)


def timelines(frames: Mapping[str, pd.DataFrame], currency: str) -> pd.DataFrame:
    """One row per pattern, series and month of :data:`SOURCES` that the patterns' own frames hold: pattern, series, month, value, low and
    high (what chance would give, where the pattern measures that; else null: the figure then draws the band of placebo launches),
    unit. Series of regions are summed over those that ``channel_regions`` calls in conflict (over all where none is)."""
    made = [part for source in SOURCES if len(part := _series(source, frames, currency))]
    if not made:
        return pd.DataFrame(columns=list(COLUMNS))
    return pd.concat(made, ignore_index=True)


def _series(source: Source, frames: Mapping[str, pd.DataFrame], currency: str) -> pd.DataFrame:
    rows = frames.get(source.frame)
    if rows is None or not {"month", "series", "value"} <= set(rows.columns):
        return pd.DataFrame(columns=list(COLUMNS))
    for column, wanted in source.where:
        rows = rows[rows[column] == wanted]
    if "region" in rows:
        rows = _in_conflict(rows, frames)
    values = _by_month(rows, source.series)
    if source.counted and len(values):
        every = pd.to_datetime(rows["month"])
        values = values.reindex(pd.date_range(every.min(), every.max(), freq="MS")).fillna(0.0)
    band = [_by_month(rows, f"{source.chance}_{end}").reindex(values.index) for end in ("low", "high")]
    unit = currency if source.unit == CURRENCY else source.unit
    low, high = (end.to_numpy() for end in band)
    made = pd.DataFrame({"month": values.index, "value": values.to_numpy(), "low": low, "high": high})
    return made.assign(pattern=source.pattern, series=source.series, unit=unit)[list(COLUMNS)]


def _by_month(rows: pd.DataFrame, series: str) -> pd.Series:
    mine = rows[rows["series"] == series]
    return mine.groupby(pd.to_datetime(mine["month"]))["value"].sum(min_count=1).astype("float64")


def _in_conflict(rows: pd.DataFrame, frames: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    regions = frames.get("channel_regions")
    if regions is None or "conflict" not in regions or not regions["conflict"].any():
        return rows
    return rows[rows["region"].isin(regions.loc[regions["conflict"].astype(bool), "region"])]
