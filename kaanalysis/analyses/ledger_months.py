"""Inputs of the ledger that come from the company's months: costs, bookings, deals opened and hours of peace-making per seller.

All are ratios of sums over the same last two years. Months are resampled, with all that happened in them: what hangs together (a month in
which many deals are opened may be one in which little is booked) stays together, and its correlation is handed on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from kaanalysis import aggregates
from kaanalysis.analyses.uncertain_inputs import Array, Input
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.stats import Estimate, bootstrap, cluster_weights
from kaanalysis.stats.copula import score_correlation

WINDOW_MONTHS = 24  # one window for all, so that today's costs are not set against bookings of long ago
_FEWEST_DISPUTES = 2
SMALLEST_PART = 0.05


@dataclass(frozen=True)
class Ratio:
    """A ratio of sums: above, below by row; month: the month of every row. Rows in which either is missing are left out: a month without
    the value says nothing, for or against."""

    name: str
    unit: str
    above: Array
    below: Array
    month: np.ndarray

    def known(self) -> Ratio:
        there = np.isfinite(self.above) & np.isfinite(self.below)
        return Ratio(self.name, self.unit, self.above[there], self.below[there], self.month[there])


def ratio_input(ratio: Ratio, policy: Policy) -> Input | None:
    """The ratio as an input on the log scale with its cluster-bootstrap interval; None where fewer than two rows know it or it is not
    above 0."""
    known = ratio.known()
    if len(known.above) < 2:
        return None
    estimate = bootstrap(
        lambda w: (w @ known.above) / np.maximum(w @ known.below, 1e-12),
        known.month,
        draws=policy["evidence.draws"],
        seed=policy["evidence.seed"],
        level=policy["evidence.level"],
    )
    return log_input(ratio.name, estimate, ratio.unit)


def log_input(name: str, estimate: Estimate, unit: str) -> Input | None:
    """An estimate as an input, on the log scale unless its lower limit is next to nothing; None where there is none above 0.
    Without an interval it is taken as known, which its equal limits say."""
    if estimate.value is None or estimate.value <= 0:
        return None
    low, high = (v if v is not None else estimate.value for v in (estimate.low, estimate.high))
    # A percentile interval may leave out its own value where the data are few; the split normal needs it inside.
    low, high = min(low, estimate.value), max(high, estimate.value)
    # A lower limit near zero has no logarithm to speak of: the other half of the interval would be drawn as practically nothing.
    scale = "log" if low > SMALLEST_PART * estimate.value else "linear"
    return Input(name, estimate.value, low, high, estimate.level, unit, "data", scale)


def mean_input(name: str, values: np.ndarray, clusters: np.ndarray, policy: Policy, unit: str) -> Input | None:
    """A mean over units in clusters, as an input on the log scale with its cluster-bootstrap interval."""
    return ratio_input(Ratio(name, unit, values.astype(float), np.ones(len(values)), clusters), policy)


def month_ratios(company: Company, policy: Policy) -> list[Ratio]:
    """seller_cost, support_cost, smb_bookings, deals_per_seller and, where disputes with a KA team are on record, conflict_hours."""
    months = aggregates.team_economics(company)
    recent = months["month"] > months["month"].max() - pd.DateOffset(months=WINDOW_MONTHS)
    worked = months[(months["sellers"] > 0) & recent]
    ka, smb = (worked[worked["motion"] == motion] for motion in ("KA", "SMB"))
    paid = ka if len(ka) else smb
    unit = company.info.currency  # per seller and month, as the inputs' names say
    opened = aggregates.key_account_deals_by_month(company, policy)
    made = [
        _per_seller("seller_cost", unit, paid, paid["cost"]),
        _per_seller("support_cost", unit, paid, paid["support_cost"]),
        _per_seller("smb_bookings", unit, smb, smb["bookings"]),
        _by_month("deals_per_seller", "deals per seller and month", ka, opened, "opened"),
    ]
    disputes = _dispute_hours(company)
    if disputes is not None:
        made.append(_by_month("conflict_hours", "hours per seller and month", ka, disputes, "hours"))
    return made


def _per_seller(name: str, unit: str, months: pd.DataFrame, values: pd.Series) -> Ratio:
    return Ratio(name, unit, values.to_numpy(float), months["sellers"].to_numpy(float), months["month"].to_numpy())


def _by_month(name: str, unit: str, teams: pd.DataFrame, counted: pd.DataFrame, column: str) -> Ratio:
    """A count per month against the sellers of all KA teams in that month; a month without any counts as none."""
    sellers = teams.groupby("month", as_index=False)["sellers"].sum()
    joined = sellers.merge(counted, on="month", how="left").fillna({column: 0.0})
    return Ratio(
        name, unit, joined[column].to_numpy(float), joined["sellers"].to_numpy(float), joined["month"].to_numpy()
    )


def _dispute_hours(company: Company) -> pd.DataFrame | None:
    """Hours of disputes with a KA team by month; None where too few are on record to say anything."""
    if not company.has("disputes.hours") or not company.has("teams.motion"):
        return None
    disputes = aggregates.key_account_disputes(company)
    if len(disputes) < _FEWEST_DISPUTES:
        return None
    return disputes.groupby("month")["hours"].sum().reset_index()


def month_correlation(ratios: list[Ratio], policy: Policy) -> Array:
    """Correlation of the normal scores of the ratios under resampling of the same months, (k, k)."""
    months = pd.Index(sorted({m for r in ratios for m in r.month}))
    if len(months) < 2:
        return np.eye(len(ratios))
    weights = cluster_weights(np.arange(len(months)), policy["evidence.draws"], policy["evidence.seed"])
    drawn = []
    for ratio in ratios:
        known = ratio.known()
        place = months.get_indexer(pd.Index(known.month))
        above, below = (np.bincount(place, values, len(months)) for values in (known.above, known.below))
        with np.errstate(invalid="ignore", divide="ignore"):
            drawn.append((weights @ above) / (weights @ below))
    table = np.column_stack(drawn)
    table[:, ~np.isfinite(table).any(axis=0)] = (
        0.0  # one that no month knows is independent, and takes no resample from the others
    )
    return score_correlation(table)
