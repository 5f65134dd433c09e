"""What a limit of authority does (M-2.5): which approvals it adds, what they cost in days, and whether the data itself names it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kaanalysis.analyses.verdicts import clustered_share, number
from kaanalysis.policy import Policy
from kaanalysis.results import Number
from kaanalysis.stats import Estimate, bootstrap, change_point_test, difference_of_estimates, holm

STEPS = ["step", "flows", "below", "above", "difference", "low", "high", "p_value", "p_adjusted", "added", "days"]
RECORDED = ["source", "recorded_limit", "flows", "within"]


def _share(flags: np.ndarray, clusters: np.ndarray, level: float) -> Estimate:
    n = clustered_share("", "", flags, clusters, level, "share of flows, customer groups as clusters (jackknife)")
    return Estimate(n.value, n.low, n.high, level, n.n, n.method)


def added_steps(
    flows: pd.DataFrame, steps: pd.DataFrame, above: np.ndarray, least: int, policy: Policy
) -> pd.DataFrame:
    """One row per approval: flows with it, share of flows below and above the limit that have it, their difference with interval, p-value
    and Holm's adjustment over approvals, added, days (mean where it took place). Added first, then by difference.

    The p-value is that of the largest step over all amounts, permuted as for the limit: it does not take the limit, which was found in the
    same flows, as given. An approval is added if that is small and its share is higher above."""
    level, clusters = policy["evidence.level"], flows["cluster"].to_numpy(object)
    mine = steps[steps["flow_id"].isin(flows["flow_id"])]
    names = sorted(mine["step"].unique())
    there = np.stack(
        [flows["flow_id"].isin(mine.loc[mine["step"] == s, "flow_id"]).to_numpy(float) for s in names], axis=1
    )
    tests = change_point_test(
        np.log(flows["amount"].to_numpy(float)), there, clusters, least=least,
        draws=policy["authority.permutations"], seed=policy["evidence.seed"],
    )  # fmt: skip
    p_values = np.array([1.0 if t.p_value is None else t.p_value for t in tests])  # an approval that is always there
    rows = []
    for i, (name, adjusted) in enumerate(zip(names, holm(p_values), strict=True)):
        sides = [_share(there[s, i] > 0, clusters[s], level) for s in (above, ~above)]
        gap = difference_of_estimates(sides[0], sides[1], "MOVER")
        added = bool(adjusted <= 1 - level and (gap.value or 0.0) > 0)
        days = mine.loc[mine["step"] == name, "days"].mean()
        shares = (sides[1].value, sides[0].value, gap.value, gap.low, gap.high)
        rows.append((name, int(there[:, i].sum()), *shares, p_values[i], adjusted, added, days))
    frame = pd.DataFrame(rows, columns=STEPS)
    return frame.sort_values(["added", "difference", "step"], ascending=[False, False, True], ignore_index=True)


def added_days(
    flows: pd.DataFrame, steps: pd.DataFrame, added: set[str], limit: Estimate, segment: str, policy: Policy
) -> list[Number]:
    """`limit_days`: how much longer finished flows just above the limit took than those just below it, `authority.window` times to either
    side; `limit_step_days`: mean days of the added approvals themselves, in flows that have them. The first also holds what else dearer
    purchases bring with them, the second only the time in the step; flows still open are in neither, so long ones are missing."""
    assert limit.value is not None
    out, draws = (
        [],
        {"draws": policy["evidence.draws"], "seed": policy["evidence.seed"], "level": policy["evidence.level"]},
    )
    window = policy["authority.window"]
    near = flows[flows["days"].notna() & flows["amount"].between(limit.value / window, limit.value * window)]
    values, above = near["days"].to_numpy(float), near["amount"].to_numpy(float) > limit.value
    if min(above.sum(), (~above).sum()) >= policy["authority.side_units"]:

        def difference(weights: np.ndarray) -> np.ndarray:
            w = weights.astype(float)
            with np.errstate(invalid="ignore"):
                return (w[:, above] @ values[above]) / w[:, above].sum(axis=1) - (w[:, ~above] @ values[~above]) / w[
                    :, ~above
                ].sum(axis=1)

        clusters = near["cluster"].to_numpy(object)
        gap = bootstrap(difference, clusters, method="difference of means, finished flows", **draws)
        out.append(number("limit_days", segment, gap, "days"))
    spent = steps[steps["step"].isin(added) & steps["days"].notna()].groupby("flow_id")["days"].sum()
    taken = flows[flows["flow_id"].isin(spent.index)]
    if len(taken):
        took = taken["flow_id"].map(spent).to_numpy(float)
        mean = bootstrap(
            lambda w: (w @ took) / np.maximum(w.sum(axis=1), 1),
            taken["cluster"].to_numpy(object),
            method="mean",
            **draws,
        )
        out.append(number("limit_step_days", segment, mean, "days"))
    return out


def recorded_share(
    flows: pd.DataFrame, limit: Estimate, segment: str, policy: Policy
) -> tuple[list[Number], pd.DataFrame]:
    """`limit_recorded_share`: share of the segment's flows with a recorded limit whose limit lies in the interval of the estimate; and
    a frame of all recorded limits, told ones too (source, recorded_limit, flows, within)."""
    low = -np.inf if limit.low is None else limit.low
    high = np.inf if limit.high is None else limit.high
    named = flows[flows["recorded_limit"].notna()]
    named = named.assign(within=named["recorded_limit"].between(low, high), source=named["source"].fillna("log"))
    told = named[(named["segment"] == segment) | (named["source"] == "interview")]
    frame = told.groupby(["source", "recorded_limit"], as_index=False).agg(
        flows=("flow_id", "size"), within=("within", "first")
    )
    mine = named[named["segment"] == segment]
    if mine.empty:
        return [], frame.reindex(columns=RECORDED)
    share = clustered_share(
        "limit_recorded_share", segment, mine["within"].to_numpy(bool), mine["cluster"].to_numpy(object),
        policy["evidence.level"], "share of flows with a recorded limit, customer groups as clusters (jackknife)",
    )  # fmt: skip
    return [share], frame.reindex(columns=RECORDED)
