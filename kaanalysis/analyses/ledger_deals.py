"""Inputs of the ledger that come from the same key-account deals: success, time to win, relief of the bottlenecks, contract size.

A seller who wins more often may win smaller contracts, or later, and relief is larger where success is lower: drawn apart, a ledger would
mix worlds that the deals rule out. So sellers are resampled with all their deals, in the same resamples in which 03 drew the reliefs, and
the correlation of what each resample gives is handed on. The intervals themselves stay those that 03 reports.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from kaanalysis import aggregates
from kaanalysis.aggregates import DAYS_PER_MONTH
from kaanalysis.analyses.uncertain_inputs import Array, Input
from kaanalysis.analyses.verdicts import percentile_number, seller_clusters
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.results import Number, Result
from kaanalysis.stats.copula import score_correlation
from kaanalysis.stats.semi_markov import StepCounts, cluster_draws, count_steps, sub_distributions

NAMES = ("success", "cycle_months", "cycle_spread", "relief", "deal_size", "deal_variation")
# ± one quartile of the normal law: half of a lognormal's wins fall within exp(± 0.6745 σ) of its median.
_QUARTILES_APART = 2 * 0.674489750196082


@dataclass(frozen=True)
class DealDraws:
    """What each resample of sellers gives, (draws, 6) in the order of :data:`NAMES` (NaN where it gives nothing), and the same from all
    deals, (6,) without relief. clusters: sellers resampled; wins: won deals with an amount."""

    draws: Array
    point: Array
    clusters: int
    wins: int

    def column(self, name: str) -> Array:
        return np.asarray(self.draws[:, NAMES.index(name)])

    def correlation(self) -> Array:
        """Correlation of their normal scores; a quantity that no resample gives, or that never varies, is independent."""
        table = self.draws.copy()
        table[:, ~np.isfinite(table).any(axis=0)] = 0.0
        return score_correlation(table)


def draw_deals(company: Company, policy: Policy, sales: Result) -> DealDraws | None:
    """Resample the sellers of key-account deals; None where no deal can be timed or none was won."""
    deals = aggregates.deal_times(company, policy)
    deals = deals[deals["segment"] == "KA"].reset_index(drop=True)
    if deals.empty or not (deals["outcome"] == "won").any():
        return None
    horizon = round(policy["success.horizon_months"] * DAYS_PER_MONTH)
    clusters = seller_clusters(deals)[0].astype(str)
    reliefs = sales.frames.get("bottleneck_draws")
    shared = _stage_clusters(company, policy) if reliefs is not None and "severity" in reliefs else None
    kept = np.isin(clusters, list(shared)) if shared else np.zeros(len(deals), bool)
    # Draws are those of 03 only where every seller of its flow is here too; else its reliefs are of other resamples.
    together = shared is not None and set(clusters[kept]) == shared
    chosen, groups = (deals[kept], clusters[kept]) if together else (deals, clusters)
    counts = _counts(chosen, groups, horizon)
    if ("deal", "won") not in counts.moves:
        return None
    sizes = aggregates.key_account_deal_sizes(company, policy)
    sums, wins = _size_sums(sizes, chosen, groups, counts.clusters)
    draws, seed = policy["evidence.draws"], policy["evidence.seed"]
    made = np.concatenate([_measured(counts, sums, w) for w in cluster_draws(counts, draws, seed)])
    if together and reliefs is not None and len(reliefs) == len(made):
        made[:, NAMES.index("relief")] = reliefs["severity"].to_numpy(float)
    whole = _counts(deals, clusters, horizon)
    every, wins = _size_sums(sizes, deals, clusters, whole.clusters)
    point = _measured(whole, every, np.ones((1, whole.clusters)))[0]
    return DealDraws(made, point, whole.clusters, wins)


def _stage_clusters(company: Company, policy: Policy) -> set[str]:
    """The sellers that 03 resampled for its reliefs."""
    stays = aggregates.stage_sojourns(company, policy)
    stays = stays[stays["segment"] == "KA"].reset_index(drop=True)
    return set(seller_clusters(stays)[0].astype(str)) if len(stays) else set()


def _counts(deals: pd.DataFrame, clusters: np.ndarray, horizon: int) -> StepCounts:
    outcome = [None if o is None or o != o else "won" if o == "won" else "lost" for o in deals["outcome"]]
    first, days = np.ones(len(deals), bool), deals["days"].to_numpy()
    return count_steps(["deal"] * len(deals), outcome, days, first, clusters.tolist(), horizon, order=["deal"],
                       entry=deals["entry"].to_numpy())  # fmt: skip


def _size_sums(sizes: pd.DataFrame, deals: pd.DataFrame, clusters: np.ndarray, groups: int) -> tuple[Array, int]:
    """Number, sum and sum of squares of contract sizes by group of sellers, (groups, 3), grouped as :func:`count_steps` does."""
    names = {name: i % groups for i, name in enumerate(sorted(set(clusters)))}
    of_deal = dict(zip(deals["opportunity_id"], (names[c] for c in clusters), strict=True))
    place = sizes["opportunity_id"].map(of_deal)
    here = place.notna().to_numpy()
    at, amount = place[here].to_numpy(int), sizes["amount"].to_numpy(float)[here]
    columns = [np.bincount(at, amount**power, groups) for power in (0, 1, 2)]
    return np.column_stack(columns), int(here.sum())


def _measured(counts: StepCounts, sums: Array, weights: Array) -> Array:
    """(draws, 6): success by the horizon, median months and lognormal spread of the time to win, NaN for relief, mean and coefficient of
    variation of contract sizes."""
    grown = np.cumsum(sub_distributions(counts, weights)[0][:, counts.moves.index(("deal", "won"))], axis=1)
    total = grown[:, -1:]
    lower, median, upper = ((np.argmax(grown >= total * q, axis=1) + 0.5) for q in (0.25, 0.5, 0.75))
    number, amount, squares = (weights @ sums).T
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = amount / number
        variance = np.where(number > 1, (squares - number * mean**2) / (number - 1), np.nan)
        variation = np.sqrt(np.maximum(variance, 0.0)) / mean
    made = np.column_stack([
        total[:, 0], median / DAYS_PER_MONTH, np.log(upper / lower) / _QUARTILES_APART, np.full(len(weights), np.nan), mean, variation,
    ])  # fmt: skip
    made[total[:, 0] <= 0, :3] = np.nan
    return made


def spread_inputs(drawn: DealDraws | None, policy: Policy) -> list[Input]:
    """cycle_spread and deal_variation with their percentile intervals; taken as none at all where the data cannot tell."""
    made = []
    for name in ("cycle_spread", "deal_variation"):
        if drawn is None or not np.isfinite(drawn.point[NAMES.index(name)]):
            made.append(Input(name, 0.0, 0.0, 0.0, policy["evidence.level"], "share", "data", "linear"))
            continue
        number = percentile_number(name, "KA", float(drawn.point[NAMES.index(name)]), drawn.column(name), policy["evidence.level"],
                                   drawn.wins, "share", "", clusters=drawn.clusters)  # fmt: skip
        made.append(from_number(name, number, "share", "linear"))
    return made


def from_number(name: str, number: Number, unit: str, scale: str, factor: float = 1.0, least: float = 0.0) -> Input:
    """A number of an earlier notebook as an input, times `factor` (days into months …), no limit below `least`."""
    assert number.value is not None
    middle = max(float(number.value) * factor, least)
    low, high = (middle if v is None else max(float(v) * factor, least) for v in (number.low, number.high))
    return Input(name, middle, min(low, middle), max(high, middle), float(number.level or 0.95), unit, "data", scale)
