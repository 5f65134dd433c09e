"""M-2.2, beside its verdict: are deals with merged roles won more often, and faster, than separate ones of the same size?

In each segment the deals with two roles or more are split at the middle of their role-merge index and compared within bands of equally
many deals by amount. Winning is read at the success horizon, open deals censored (pseudo-values of the cumulative incidence); the
cycle over won deals that could all be followed that long. Customer groups are the clusters.

It is an association and never called a cause. The likeliest artefact is registration: a deal that lives longer has more persons on
record, and a lost one fewer. `…_early` therefore looks at the persons met within ``roles.early_days`` only, among deals still open then
(a landmark; Anderson, Cain and Gelber 1983): where the difference is gone there, it may come from the recording alone.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from kaanalysis import aggregates
from kaanalysis.analyses.verdicts import amount_bands, number
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.results import Number
from kaanalysis.stats import Estimate, pseudo_incidence, stratified_difference

METHOD = "merged minus separate roles within bands of amount; an association"
COLUMNS = ["segment", "number", "value", "low", "high", "n", "level", "unit"]


def merged_half(index: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Which deals count as merged: those at or above the median index, or above it, whichever halves are nearer to equal. All False
    where every deal has the same index."""
    middle = np.median(index) if len(index) else 0.0
    choices = [index >= middle, index > middle]
    halves = [c for c in choices if c.any() and not c.all()]
    return min(halves, key=lambda c: abs(c.mean() - 0.5)) if halves else np.zeros(len(index), bool)


def _compared(
    values: npt.NDArray[np.float64], deals: pd.DataFrame, index: npt.NDArray[np.float64], policy: Policy
) -> Estimate:
    """Merged minus separate deals within bands of amount; nothing where either has fewer than the policy's minimum of deals."""
    merged, level = merged_half(index), policy["evidence.level"]
    if min(merged.sum(), (~merged).sum()) < policy["evidence.minimum_units"]:
        return Estimate(None, None, None, level, len(values), f"{METHOD}; too few deals on either side")
    if not np.isfinite(values).all():
        return Estimate(
            None, None, None, level, len(values), f"{METHOD}; no deal is followed to the horizon, some are open"
        )
    band = amount_bands(deals["amount"].to_numpy(float), policy["roles.amount_bands"])
    group = deals["cluster"].to_numpy(object)
    found = stratified_difference(
        values[merged], values[~merged], band[merged], band[~merged], group[merged], group[~merged], level=level
    )  # fmt: skip
    return replace(found, method=f"{METHOD}; {found.method}")


def _won(deals: pd.DataFrame, horizon: float, since: float = 0.0) -> npt.NDArray[np.float64]:
    """Pseudo-values of winning by the horizon, among deals open at `since` (days after opening)."""
    outcome = deals["outcome"].astype(object).where(deals["outcome"].notna(), None).to_numpy(object)
    return pseudo_incidence(deals["days"].to_numpy(float) - since, outcome, "won", horizon - since)


def _segment(deals: pd.DataFrame, segment: str, policy: Policy) -> list[Number]:
    months = policy["success.horizon_months"]
    horizon = months * aggregates.DAYS_PER_MONTH
    known = deals[deals["roles"] > 1]
    win = _compared(_won(known, horizon), known, known["merge"].to_numpy(float), policy)
    numbers = [number("merge_win_difference", segment, win, "share difference", horizon_months=months)]
    day = policy["roles.early_days"]
    early = deals[(deals["days"] > day) & (deals["early_roles"] > 1)]
    seen = _compared(_won(early, horizon, day), early, early["early_merge"].to_numpy(float), policy)
    numbers.append(number("merge_win_difference_early", segment, seen, "share difference", horizon_months=months))
    # Of younger deals only the fast ones could have been won by now.
    won = known[(known["outcome"] == "won") & (known["follow_up"] >= horizon) & (known["days"] <= horizon)]
    cycle = _compared(np.log(np.maximum(won["days"].to_numpy(float), 1)), won, won["merge"].to_numpy(float), policy)
    value, low, high = (None if v is None else float(np.exp(v)) for v in (cycle.value, cycle.low, cycle.high))
    ratio = Estimate(value, low, high, cycle.level, cycle.n, f"ratio of geometric means, {cycle.method}")
    numbers.append(number("merge_cycle_ratio", segment, ratio, "ratio", horizon_months=months))
    return numbers


def measure(company: Company, policy: Policy, deals: pd.DataFrame) -> tuple[list[Number], dict[str, pd.DataFrame]]:
    """Numbers merge_win_difference, merge_win_difference_early (percentage points, at the success horizon) and merge_cycle_ratio by
    segment; frame `merge_outcome` (segment, number, value, low, high, n, level, unit). deals: parties by deal with `merge` and
    `early_merge`. Deals without dates, or opened before the records begin (seen only if they lasted), are left out."""
    timed = aggregates.deal_times(company, policy)[["opportunity_id", "days", "outcome", "follow_up", "entry"]]
    both = deals.merge(timed[timed["entry"] == 0], on="opportunity_id")
    groups = {s: both[both["segment"] == s] for s in ("SMB", "KA")}
    numbers = [n for segment, group in groups.items() if len(group) for n in _segment(group, segment, policy)]
    rows = [(n.segment, n.name, n.value, n.low, n.high, n.n, n.level, n.unit) for n in numbers]
    frame = pd.DataFrame(rows, columns=COLUMNS).astype({"value": float, "low": float, "high": float})
    return numbers, {"merge_outcome": frame} if frame["value"].notna().any() else {}
