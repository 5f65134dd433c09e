"""The series behind the patterns by hand: which are taken, summed over which regions, and what fills a month without a row."""

from __future__ import annotations

import pandas as pd

from kaanalysis.analyses.timelines import COLUMNS, timelines


def rows(*given: tuple[object, ...], columns: str = "month series value") -> pd.DataFrame:
    return pd.DataFrame(given, columns=columns.split()).assign(month=lambda f: pd.to_datetime(f["month"]))


def read(made: pd.DataFrame, series: str) -> pd.DataFrame:
    return made[made["series"] == series].set_index("month")


def test_the_segment_asked_for_is_taken_and_months_without_a_value_stay_away() -> None:
    monthly = rows(("2024-01-01", "cycle_days", "KA", 120), ("2024-01-01", "cycle_days", "SMB", 20), ("2024-03-01", "cycle_days", "KA", 150),
                   columns="month series segment value")  # fmt: skip
    made = read(timelines({"hatching_monthly": monthly}, "CNY"), "cycle_days")
    assert made["value"].tolist() == [120, 150] and set(made["unit"]) == {"days"} and set(made["pattern"]) == {"M-A"}
    assert made["low"].isna().all()


def test_regions_in_conflict_are_summed_and_a_month_without_a_row_is_one_with_none() -> None:
    channel = rows(("2024-01-01", "east", "partner_registrations", 3), ("2024-01-01", "north", "partner_registrations", 2),
                   ("2024-01-01", "south", "partner_registrations", 9), ("2024-03-01", "east", "partner_registrations", 1),
                   columns="month region series value")  # fmt: skip
    regions = pd.DataFrame({"region": ["east", "north", "south"], "conflict": [True, True, False]})
    made = read(timelines({"channel": channel, "channel_regions": regions}, "CNY"), "partner_registrations")
    assert made["value"].tolist() == [5, 0, 1]
    none = regions.assign(conflict=False)
    assert read(timelines({"channel": channel, "channel_regions": none}, "CNY"), "partner_registrations")[
        "value"
    ].tolist() == [14, 0, 1]


def test_what_chance_gives_comes_along_and_amounts_are_in_the_currency() -> None:
    series = [("double_pursuit", 5), ("chance_low", 0), ("chance_high", 3), ("chance", 1), ("dispute_hours", 8)]
    pursuit = rows(*(("2024-01-01", s, v, "M-C") for s, v in series), ("2024-01-01", "ka_moved", 9e4, "M-D"),
                   columns="month series value pattern")  # fmt: skip
    made = timelines({"timeline": pursuit}, "EUR")
    first = read(made, "double_pursuit").iloc[0]
    assert (first["value"], first["low"], first["high"]) == (5, 0, 3) and read(made, "dispute_hours")[
        "low"
    ].isna().all()
    assert read(made, "ka_moved")["unit"].tolist() == ["EUR"] and set(made["series"]) == {
        "double_pursuit",
        "dispute_hours",
        "ka_moved",
    }


def test_without_frames_there_is_an_empty_one_with_the_columns() -> None:
    assert list(timelines({}, "CNY").columns) == list(COLUMNS) and timelines({"channel": pd.DataFrame()}, "CNY").empty
