"""Gross and net revenue retention: what last period's customers under contract still pay, by segment and by cohort."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kaanalysis import aggregates
from kaanalysis.analyses.verdicts import number
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.results import Number
from kaanalysis.stats import Estimate, ratio_of_totals, share_of_total


def revenue_retention(company: Company, policy: Policy) -> tuple[list[Number], pd.DataFrame]:
    """Gross and net revenue retention by segment and by cohort of first contract."""
    fees, level = aggregates.recurring_fees(company, policy), policy["evidence.level"]
    numbers, rows = [], []

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

    segments = [s for s in ("SMB", "KA") if (fees["segment"] == s).any()] + [aggregates.ALL]
    for segment in segments:
        mine = fees if segment == aggregates.ALL else fees[fees["segment"] == segment]
        for name, estimate in ratios(mine).items():
            numbers.append(number(name, segment, estimate, "share"))
            rows.append((segment, "all", name, estimate.value, estimate.low, estimate.high, estimate.n))
        for cohort, born in mine.groupby("cohort", sort=True):
            for name, estimate in ratios(born).items():
                rows.append((segment, str(cohort), name, estimate.value, estimate.low, estimate.high, estimate.n))
    return numbers, pd.DataFrame(rows, columns=["segment", "cohort", "measure", "value", "low", "high", "n"])
