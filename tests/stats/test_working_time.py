"""Working days: against the State Council's notices, and against a count day by day."""

import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaanalysis.policy import load_policy
from kaanalysis.stats.working_time import CALENDARS, NONE, OF_CURRENCY, calendar_of, known_years, working_calendar

EPOCH = dt.date(1970, 1, 1)


def days(calendar: str, year: int) -> dict[dt.date, bool]:
    frame = working_calendar(calendar, year, year)
    return {EPOCH + dt.timedelta(int(d)): bool(w) for d, w in zip(frame["day"], frame["working"], strict=True)}


# Notices of the General Office of the State Council on holidays: days off as (first, last), and weekend days worked.
NOTICES = {
    2020: ([(1, 1, 1, 1), (1, 24, 2, 2), (4, 4, 4, 6), (5, 1, 5, 5), (6, 25, 6, 27), (10, 1, 10, 8)],
           [(1, 19), (4, 26), (5, 9), (6, 28), (9, 27), (10, 10)]),  # Spring Festival prolonged to 2 February in the epidemic
    2024: ([(1, 1, 1, 1), (2, 10, 2, 17), (4, 4, 4, 6), (5, 1, 5, 5), (6, 10, 6, 10), (9, 15, 9, 17), (10, 1, 10, 7)],
           [(2, 4), (2, 18), (4, 7), (4, 28), (5, 11), (9, 14), (9, 29), (10, 12)]),
    2026: ([(1, 1, 1, 3), (2, 15, 2, 23), (4, 4, 4, 6), (5, 1, 5, 5), (6, 19, 6, 21), (9, 25, 9, 27), (10, 1, 10, 7)],
           [(1, 4), (2, 14), (2, 28), (5, 9), (9, 20), (10, 10)]),
}  # fmt: skip


@pytest.mark.parametrize("year", NOTICES)
def test_china_against_the_notices_of_the_state_council(year: int) -> None:
    free, worked = NOTICES[year]
    off = {
        dt.date(year, a, b) + dt.timedelta(i)
        for a, b, c, d in free
        for i in range((dt.date(year, c, d) - dt.date(year, a, b)).days + 1)
    }
    made_up = {dt.date(year, month, day) for month, day in worked}
    for day, working in days("CN", year).items():
        assert working == (day in made_up or (day.weekday() < 5 and day not in off)), day


def test_china_counts_251_working_days_in_2024_and_none_counts_weekdays() -> None:
    assert sum(days("CN", 2024).values()) == 251
    assert sum(days("none", 2024).values()) == np.busday_count("2024-01-01", "2025-01-01") == 262


@pytest.mark.parametrize(("calendar", "day"), [
    ("US", dt.date(2025, 7, 4)), ("GB", dt.date(2025, 12, 26)), ("DE", dt.date(2025, 10, 3)), ("NL", dt.date(2022, 4, 27)),
    ("JP", dt.date(2025, 5, 5)), ("KR", dt.date(2025, 3, 3)), ("SG", dt.date(2025, 5, 12)),
])  # fmt: skip
def test_a_public_holiday_of_each_country(calendar: str, day: dt.date) -> None:
    assert day.weekday() < 5
    assert not days(calendar, day.year)[day]


@given(calendar=st.sampled_from(CALENDARS), first=st.integers(2003, 2025), length=st.integers(0, 3))
def test_before_counts_the_working_days_before(calendar: str, first: int, length: int) -> None:
    frame = working_calendar(calendar, first, min(first + length, 2026))
    assert (np.diff(frame["day"]) == 1).all()
    assert frame["before"].iloc[0] == 0
    assert (np.diff(frame["before"]) == frame["working"].iloc[:-1]).all()
    years = len(frame) / 365.25
    assert 235 < frame["working"].sum() / years < 263


def test_china_is_known_from_2001_to_the_year_announced_last() -> None:
    known = known_years("CN", 1995, 2060)
    assert known[0] == 2001 and 2026 <= known[-1] < 2060
    assert known_years("CN", 2050, 2060) == () and not len(working_calendar("CN", 2050, 2060))
    assert known_years("none", 1995, 1996) == (1995, 1996)


def test_wrong_input_is_refused() -> None:
    with pytest.raises(ValueError, match="must be one of none, CN"):
        working_calendar("XX", 2020, 2021)
    with pytest.raises(ValueError, match="first_year"):
        working_calendar("CN", 2021, 2020)


def test_a_currency_names_a_calendar_only_where_one_country_has_it() -> None:
    assert calendar_of("currency", "CNY") == "CN" and calendar_of("currency", "EUR") == NONE
    assert calendar_of("NL", "CNY") == "NL" and calendar_of(NONE, "CNY") == NONE
    assert set(OF_CURRENCY.values()) <= set(CALENDARS)
    choices = load_policy().threshold("process.calendar").choices
    assert set(choices) == {"currency", *CALENDARS}
