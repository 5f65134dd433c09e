"""What if several steps were relieved at once? The KA flow put together again with the losses of some steps and the delay of others at the
benchmark: for notebooks and for planning, no verdict rests on it.

    relieve(company, policy, losses=["budget approval"], delays=["contract review"])

The answer is no sum of reliefs: two steps relieved bring more than both alone where each spares deals that the other would lose, and
where only both together bring a win inside the horizon.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd

from kaanalysis.analyses.delay_relief import METHOD, days_to_follow, flow_stays
from kaanalysis.analyses.verdicts import percentile_number
from kaanalysis.company import Company
from kaanalysis.contracts import UnusableData
from kaanalysis.policy import Policy
from kaanalysis.results import Number
from kaanalysis.stats.relieved_flow import crossing, relieved_curve
from kaanalysis.stats.semi_markov import StepCounts, cluster_draws

POINTS = 61  # days at which the curves are given


@dataclass(frozen=True)
class WhatIf:
    """won_now, won_then: share won by the horizon; gained: wins per 100 deals by which they differ; sooner: days by which today's median
    win comes sooner; curve: days, now, then, and gain with low and high, in shares."""

    won_now: Number
    won_then: Number
    gained: Number
    sooner: Number
    curve: pd.DataFrame


def relieve(
    company: Company, policy: Policy, *, losses: Collection[str] = (), delays: Collection[str] = (), segment: str = "KA"
) -> WhatIf:
    """The flow with the losses of the steps `losses` and the delay of the steps `delays` at the policy's benchmarks, sellers resampled.

    Raises :class:`UnusableData` where there is no stage history of such deals, ValueError for a step that the flow does not have."""
    if missing := company.missing("stage_history.stage", "stage_history.entered_at", "opportunities.closed_at"):
        raise UnusableData(f"What relief would bring needs {', '.join(missing)}.")
    flow = flow_stays(company, policy, segment)
    if flow is None:
        raise UnusableData(f"No deal of the segment {segment} has stages.")
    reach = days_to_follow(flow.stays, flow.horizon, policy["bottleneck.benchmark_days"])
    return what_if(flow.followed(reach), flow.horizon, policy, losses, delays, segment)


def what_if(
    counts: StepCounts, horizon: int, policy: Policy, losses: Collection[str], delays: Collection[str], segment: str = "KA"
) -> WhatIf:  # fmt: skip
    """The same from counted stays (deals of all clusters), followed to the horizon or beyond."""
    marks = {k: policy[f"bottleneck.{k}"] for k in ("benchmark_pass", "benchmark_days")}

    def curves(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        now = relieved_curve(counts, horizon, weights, **marks)
        return now, relieved_curve(counts, horizon, weights, losses=losses, delays=delays, **marks)

    now, then = (c[0] for c in curves(np.ones((1, counts.clusters))))
    made = [curves(w) for w in cluster_draws(counts, policy["evidence.draws"], policy["evidence.seed"])]
    drawn_now, drawn_then = (np.concatenate([m[side] for m in made]) for side in (0, 1))
    level, n = policy["evidence.level"], int(counts.starts.sum())

    def number(name: str, value: float, draws: np.ndarray, unit: str) -> Number:
        return percentile_number(name, segment, value, draws, level, n, unit, METHOD, clusters=counts.clusters,
                                 horizon_months=policy["success.horizon_months"])  # fmt: skip

    half = np.array([now[-1] / 2])
    value = float((crossing(now[None], half) - crossing(then[None], half))[0])
    earlier = crossing(drawn_now, drawn_now[:, -1] / 2) - crossing(drawn_then, drawn_now[:, -1] / 2)
    days = np.unique(np.linspace(0, horizon, POINTS).round().astype(int))
    gain = drawn_then[:, days] - drawn_now[:, days]
    low, high = np.quantile(gain, [(1 - level) / 2, (1 + level) / 2], axis=0)
    curve = pd.DataFrame(
        {"days": days, "now": now[days], "then": then[days], "gain": then[days] - now[days], "low": low, "high": high}
    )
    return WhatIf(
        number("success", float(now[-1]), drawn_now[:, -1], "share"),
        number("success", float(then[-1]), drawn_then[:, -1], "share"),
        number("severity", 100 * float(then[-1] - now[-1]), 100 * (drawn_then - drawn_now)[:, -1], "wins per 100 deals"),
        number("win_sooner", value, earlier, "days"),
        curve,
    )  # fmt: skip
