"""What a step's delay costs (M-3.6), apart from its losses: a part of 03 sales flow.

Relief of delay of a step = wins gained per 100 deals within the horizon if the deals that pass it took the benchmark's median days, its
losses and ways out unchanged. A lost month need not cost a win within the horizon, only a later one: `win_sooner` says by how many days
today's median win would come sooner.

The benchmark is a number of days, not a share of today's: a step that takes its time for good reason and one that dawdles are then
held against the same mark, as the losses are (`bottleneck.benchmark_pass`), and a quick step has nothing to give.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from kaanalysis import aggregates
from kaanalysis.aggregates import DAYS_PER_MONTH
from kaanalysis.analyses.verdicts import percentile_number, seller_clusters
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.results import Number
from kaanalysis.stats.relieved_flow import delay_relief, draw_delay_reliefs
from kaanalysis.stats.semi_markov import StepCounts, count_steps

METHOD = "semi-Markov flow, cluster bootstrap (percentile)"
FLOATS = ["delay", "delay_low", "delay_high", "sooner", "sooner_low", "sooner_high"]


@dataclass(frozen=True)
class DelayReliefs:
    """numbers: relief_delay and win_sooner per step; table: per step passing_days (median of the deals that pass) and both numbers with
    their limits; terms: the step whose delay costs most time, none where no step is slower than the benchmark."""

    numbers: tuple[Number, ...] = ()
    table: pd.DataFrame = field(default_factory=pd.DataFrame)
    terms: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class FlowStays:
    """Stays of one segment in the company's stages. stays: rows of :func:`kaanalysis.aggregates.stage_sojourns`; order: stages by mean
    place; clusters: seller (or account) of each row; horizon: days."""

    stays: pd.DataFrame
    order: list[str]
    clusters: np.ndarray
    horizon: int

    def followed(self, days: int) -> StepCounts:
        """As counts of a flow followed for so many days."""
        rows = self.stays
        went = rows["next"].where(rows["next"].notna(), None).tolist()
        return count_steps(rows["stage"].tolist(), went, rows["days"].to_numpy(), rows["first"].to_numpy(), self.clusters.tolist(), days,
                           order=self.order, entry=rows["entry"].to_numpy())  # fmt: skip


def flow_stays(company: Company, policy: Policy, segment: str = "KA") -> FlowStays | None:
    """The stays of the segment's deals; None where none has stages."""
    stays = aggregates.stage_sojourns(company, policy)
    stays = stays[stays["segment"] == segment].reset_index(drop=True)
    if stays.empty:
        return None
    order = stays.groupby("stage")["place"].mean().sort_values(kind="stable").index.tolist()
    clusters, _ = seller_clusters(stays)
    return FlowStays(stays, order, clusters, round(policy["success.horizon_months"] * DAYS_PER_MONTH))


def days_to_follow(stays: pd.DataFrame, horizon: int, benchmark: float) -> int:
    """How long stays must be followed so that none is missed which relief brings inside the horizon: the horizon as many times as the
    slowest step is slower than the benchmark, but no longer than the longest stay that was passed."""
    passed = stays[stays["next"].notna() & (stays["next"] != "lost")]
    if passed.empty:
        return horizon
    slowest = float(passed.groupby("stage")["days"].median().max())
    return max(horizon, min(int(passed["days"].max()), int(np.ceil(horizon * slowest / benchmark))))


def unseen_gain(passed: int, deals: int, level: float) -> float:
    """Wins per 100 deals that stays longer than any seen could still cost: the share that may lie beyond the longest of so many stays (the
    upper limit of Clopper and Pearson 1934 for none in `passed`), times the share of deals that passed. All of it could be late, so no
    upper limit of a relief of delay lies lower: resamples of the stays at hand cannot show the long ones that happened not to be there."""
    if passed == 0 or deals == 0:
        return 0.0
    return 100 * min(1.0, passed / deals) * (1 - ((1 - level) / 2) ** (1 / passed))


def _allowing(made: Number, floor: float) -> Number:
    """The number with an upper limit no lower than the floor."""
    if made.high is None or made.high >= floor:
        return made
    return replace(made, high=floor, method=made.method + "; upper limit allows for stays longer than any seen")


def _cost(gained: Number, minimum: float) -> str:
    """What the delay costs: wins (surely as many as make a bottleneck), time (surely fewer), or both may be (open)."""
    if gained.low is None or gained.high is None:
        return "open"
    return "wins" if gained.low > minimum else "time" if gained.high < minimum else "open"


def measure_delays(flow: FlowStays, counts: StepCounts, policy: Policy) -> DelayReliefs:
    """Relief of delay of every step; counts: those of the losses, the flow followed to the horizon."""
    stays, order, horizon = flow.stays, flow.order, flow.horizon
    benchmark, draws, seed = policy["bottleneck.benchmark_days"], policy["evidence.draws"], policy["evidence.seed"]
    reach = days_to_follow(stays, horizon, benchmark)
    longer = counts if reach == horizon else flow.followed(reach)
    point = delay_relief(longer, horizon, benchmark)
    gains, sooner = draw_delay_reliefs(longer, horizon, benchmark, draws, seed)
    level, months = policy["evidence.level"], policy["success.horizon_months"]
    entered, deals = stays.groupby("stage").size(), stays["opportunity_id"].nunique()
    went_on = stays[stays["next"].notna() & (stays["next"] != "lost")].groupby("stage").size()
    gained, earlier = [], []
    for i, step in enumerate(order):
        n, days = int(entered[step]), float(point.sooner[0, i])
        made = percentile_number("relief_delay", step, float(point.gain[0, i]) * 100, gains[:, i] * 100, level, n, "wins per 100 deals",
                                 METHOD, clusters=counts.clusters, horizon_months=months)  # fmt: skip
        gained.append(_allowing(made, unseen_gain(int(went_on.get(step, 0)), deals, level)))
        earlier.append(percentile_number("win_sooner", step, days if np.isfinite(days) else None, sooner[:, i], level, n, "days", METHOD,
                                         clusters=counts.clusters, horizon_months=months))  # fmt: skip
    ends = [[getattr(n, end) for end in ("value", "low", "high")] for n in gained]
    later = [[getattr(n, end) for end in ("value", "low", "high")] for n in earlier]
    table = pd.DataFrame([[*a, *b] for a, b in zip(ends, later, strict=True)], columns=FLOATS).astype("float64")
    table.insert(0, "passing_days", point.median[0])
    most = table["sooner"].fillna(0.0).to_numpy()
    terms = {"delay": "none"}
    if most.max() > 0:
        top = int(most.argmax())
        terms = {"slow": order[top], "delay": _cost(gained[top], policy["bottleneck.minimum_relief"])}
    return DelayReliefs((*gained, *earlier), table, terms)
