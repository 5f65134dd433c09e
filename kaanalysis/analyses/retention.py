"""Gross and net revenue retention: what last period's customers under contract still pay, by segment and by cohort; and what all contracts
bring a year, beside which won amounts are to be read."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kaanalysis import aggregates
from kaanalysis.analyses.verdicts import number
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.results import Number
from kaanalysis.stats import Estimate, ratio_of_totals, share_of_total, total

MONTHS = 12  # of annual recurring revenue


def revenue_retention(company: Company, policy: Policy) -> tuple[list[Number], pd.DataFrame]:
    """By segment annual recurring revenue (twelve times the monthly fees running at as_of), gross and net revenue retention; retention by
    segment and cohort of first contract as a frame: segment, cohort, measure, value, low, high, n (customer groups), accounts."""
    every, level = aggregates.recurring_fees(company, policy), policy["evidence.level"]
    fees = every[every["before"] > 0]
    numbers: list[Number] = []
    rows: list[tuple[object, ...]] = []

    def ratios(mine: pd.DataFrame) -> dict[str, Estimate]:
        before, now, groups = (
            mine["before"].to_numpy(float),
            mine["now"].to_numpy(float),
            mine["cluster"].to_numpy(object),
        )
        kept = np.minimum(before, now)
        return {
            "gross_revenue_retention": share_of_total(kept, before - kept, groups, level=level),
            "net_revenue_retention": ratio_of_totals(now, before, groups, level=level),
        }

    def add(segment: str, cohort: str, mine: pd.DataFrame) -> dict[str, Estimate]:
        found = ratios(mine)
        rows.extend((segment, cohort, k, e.value, e.low, e.high, e.n, len(mine)) for k, e in found.items())
        return found

    def of(segment: str, frame: pd.DataFrame) -> pd.DataFrame:
        return frame if segment == aggregates.ALL else frame[frame["segment"] == segment]

    for segment in [s for s in ("SMB", "KA") if (every["segment"] == s).any()] + [aggregates.ALL]:
        running, mine = of(segment, every), of(segment, fees)
        yearly = total(MONTHS * running["now"].to_numpy(float), running["cluster"].to_numpy(object), level=level)
        numbers.append(number("annual_recurring_revenue", segment, yearly, company.info.currency))
        if len(mine):
            numbers += [number(name, segment, e, "share") for name, e in add(segment, "all", mine).items()]
        for cohort, born in mine.groupby("cohort", sort=True):
            add(segment, str(cohort), born)
    columns = ["segment", "cohort", "measure", "value", "low", "high", "n", "accounts"]
    return numbers, pd.DataFrame(rows, columns=columns)
