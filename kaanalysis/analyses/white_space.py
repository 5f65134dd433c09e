"""M-1.5: the accounts that a persona fits and who never bought, the most promising first, with who holds them.

What to expect of one in a spend window (``spend.window_months``): the share of the persona's accounts worked here that paid in it, times
the median of what those paid. It says what became of accounts like it, not what a further one will do: those worked so far were chosen.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from kaanalysis import aggregates
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.stats import Estimate, median_interval, wilson

COLUMNS = ["account_id", "name", "persona", "borderline", "segment", "industry", "region", "employees", "annual_revenue", "reach", "list",
           "year", "rank", "listed_name", "field", "score", "excess", "worked"]  # fmt: skip


@dataclass(frozen=True)
class Promise:
    """What an account of a persona may bring in a spend window. basis: the persona, or "all" where it has too few that paid."""

    share: Estimate
    median: Estimate
    basis: str

    @property
    def expected(self) -> tuple[float | None, float | None, float | None]:
        """Share times median with limits: the two are independent, so their distances add in squares on the log scale (MOVER; Zou and
        Donner 2008, Statistics in Medicine 27, 1693–1702). Limits are None where the median has none."""
        share, median = self.share, self.median
        if not share.value or not median.value:
            return (0.0 if share.value == 0 else None), None, None
        value = share.value * median.value
        if None in (share.low, share.high, median.low, median.high) or not share.low or not median.low:
            return value, None, None
        below = math.hypot(math.log(share.value / share.low), math.log(median.value / median.low))
        above = math.hypot(math.log(share.high / share.value), math.log(median.high / median.value))  # type: ignore[operator]
        return value, value * math.exp(-below), value * math.exp(above)


def _promise(mine: pd.DataFrame, basis: str, level: float) -> Promise:
    paid = mine.loc[mine["spend"] > 0, "spend"].to_numpy(float)
    return Promise(wilson(len(paid), len(mine), level), median_interval(paid, level), basis)


def promises(register: pd.DataFrame, personas: tuple[str, ...], policy: Policy) -> dict[str, Promise]:
    """By persona, from its accounts worked; from all personas together where fewer than ``evidence.minimum_units`` of its own paid."""
    level, worked = policy["evidence.level"], register[register["worked"] & register["persona"].notna()]
    together = _promise(worked, aggregates.ALL, level)
    found = {}
    for persona in personas:
        own = _promise(worked[worked["persona"].eq(persona)], persona, level)
        found[persona] = own if own.median.n >= policy["evidence.minimum_units"] else together
    return found


def white_space(company: Company, register: pd.DataFrame, personas: tuple[str, ...], policy: Policy) -> pd.DataFrame:
    """One row per account with a persona that is no customer: the register's columns, its evidence, team and seller (who holds it; null
    where nobody does), open_deals, lost_deals, paid_share and paid_n (of the worked accounts of `basis`), paid_median, expected, low, high
    (currency per spend window); the largest expected first, then the largest revenue."""
    white = register.loc[register["persona"].notna() & ~register["customer"], COLUMNS]
    white = white.merge(aggregates.account_holders(company), on="account_id", how="left")
    for column in ("open_deals", "lost_deals"):
        white[column] = white[column].fillna(0).astype("int64")
    found = promises(register, personas, policy)
    of_row = [found[str(p)] for p in white["persona"]]
    white["paid_share"] = [p.share.value for p in of_row]
    white["paid_n"] = [p.share.n for p in of_row]
    white["paid_median"] = [p.median.value for p in of_row]
    white["basis"] = [p.basis for p in of_row]
    ends = np.array([[np.nan if v is None else v for v in p.expected] for p in of_row], dtype=float).reshape(-1, 3)
    white["expected"], white["low"], white["high"] = ends.T
    order = ["expected", "annual_revenue", "persona", "account_id"]
    return white.sort_values(order, ascending=[False, False, True, True], ignore_index=True)
