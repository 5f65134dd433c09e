"""Working days between two moments, by the public holidays of a country; Chinese make-up days (调休) are working days.

The holidays come from the package ``holidays`` (Vacanza, MIT), which also knows the weekend days that are worked in exchange for a
bridge day. Nothing is guessed: where a country announces those days year by year, years without an announcement are left out.
"""

from __future__ import annotations

from functools import lru_cache

import holidays
import numpy as np
import pandas as pd

NONE = "none"
CALENDARS = (NONE, "CN", "JP", "KR", "SG", "US", "GB", "DE", "NL")
# Countries that move working days to weekends by an announcement each year: a year without one is not known yet.
ANNOUNCED = ("CN",)
# Countries whose currency is theirs alone: amounts in it say where the customers are.
OF_CURRENCY = {"CNY": "CN", "JPY": "JP", "KRW": "KR", "SGD": "SG", "USD": "US", "GBP": "GB"}
_ESTIMATED = "estimated"


def calendar_of(choice: str, currency: str) -> str:
    """The calendar meant: `choice` itself, or for ``currency`` that of the country whose currency (ISO 4217) it is, :data:`NONE` where
    several countries share it or none of :data:`CALENDARS` has it."""
    return OF_CURRENCY.get(currency, NONE) if choice == "currency" else choice


@lru_cache(maxsize=32)
def working_calendar(calendar: str, first_year: int, last_year: int) -> pd.DataFrame:
    """One row per day of the known years from `first_year` to `last_year`: ``day`` (days since 1970-01-01), ``working`` (0 or 1) and
    ``before`` (working days from the first day in the frame up to the day before this one, int64).

    calendar: ``none`` (Monday to Friday, no holidays) or a country of :data:`CALENDARS`. The working time between two moments is
    the difference of ``before``, plus what of a working day has passed; it needs no loop. The rows are consecutive days: of the
    known years the longest run without a gap is taken, since a gap would count as free days. No year known: an empty frame.
    Raises ValueError for an unknown calendar or years in the wrong order.
    """
    if calendar not in CALENDARS:
        raise ValueError(f"calendar must be one of {', '.join(CALENDARS)}; not {calendar!r}")
    if first_year > last_year:
        raise ValueError(f"first_year must not be after last_year; not {first_year} and {last_year}")
    known = known_years(calendar, first_year, last_year)
    if not known:
        return pd.DataFrame({name: np.zeros(0, np.int64) for name in ("day", "working", "before")})
    day = np.arange(np.datetime64(f"{known[0]}-01-01"), np.datetime64(f"{known[-1] + 1}-01-01"))
    number = day.astype(np.int64)
    weekday = (number + 3) % 7  # 1970-01-01 was a Thursday; Monday is 0
    if calendar == NONE:
        working = weekday < 5
    else:
        free = holidays.country_holidays(calendar, years=range(known[0], known[-1] + 1), language="en_US")
        working = ~np.isin(weekday, list(free.weekend)) & ~np.isin(day, np.array(list(free), "datetime64[D]"))
        working |= np.isin(day, np.array(sorted(free.weekend_workdays), "datetime64[D]"))
    worked = working.astype(np.int64)
    return pd.DataFrame({"day": number, "working": worked, "before": np.cumsum(worked) - worked})


def known_years(calendar: str, first_year: int, last_year: int) -> tuple[int, ...]:
    """The longest run of years from `first_year` to `last_year` whose working days are known (the later of equally long ones).

    Known is every year for ``none``; for a country, those that its calendar covers and in which no holiday is only estimated; for one
    that moves working days to weekends each year, only those with such days announced (China: 2001 to the year announced last)."""
    years = list(range(first_year, last_year + 1))
    if calendar != NONE:
        kind = type(holidays.country_holidays(calendar))
        years = [y for y in years if kind.start_year <= y <= kind.end_year]
        if years:
            found = holidays.country_holidays(calendar, years=years, language="en_US")
            guessed = {d.year for d, name in found.items() if _ESTIMATED in name}
            announced = {d.year for d in found.weekend_workdays} if calendar in ANNOUNCED else set(years)
            years = [y for y in years if y in announced - guessed]
    runs: list[list[int]] = []
    for year in years:
        if runs and runs[-1][-1] == year - 1:
            runs[-1].append(year)
        else:
            runs.append([year])
    best: list[int] = []
    for run in runs:
        best = run if len(run) >= len(best) else best
    return tuple(best)
