"""The ROI ledger: each path as monthly cash from first spending to last return, for every draw of the uncertain inputs.

All amounts in the company's currency, months counted from the decision (month 0). Per path and month the lines are

    pay, leader, support, setup (spending, negative) · first_contracts, renewals (gross margin of KA business, positive)
    smb_loss (gross margin of SMB business lost because people and support go to KA, negative)

and ``cash`` is their sum, to the cent. Inputs that the company's own data estimate are drawn from their intervals, others from the spread
in the policy; every input says which (`origin`). Draws come from a scrambled Sobol sequence (Owen 1998; scipy.stats.qmc), the same point
for all paths, so that paths are compared in the same world. Uncertain shares are drawn on the logit scale, amounts on the log scale,
with the spread as the 5 % and 95 % points (90 % of belief inside).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

PATHS = ("part_time", "split", "rebuild")
LINES = ("pay", "leader", "support", "setup", "first_contracts", "renewals", "smb_loss")

Array = npt.NDArray[np.float64]


def path_cash(path: str, x: Mapping[str, Array], months: int) -> dict[str, Array]:
    """All :data:`LINES` of one path, shape (draws, months) each.

    x: common inputs and ``<path>.<setting>`` inputs, shape (draws,). A seller opens ``deals_per_seller`` deals a month at full rate; the
    rate grows from 0 over the ramp in a straight line. A deal opened in month m is decided in month m + cycle (rounded down; the
    fraction falls into the next month) and is won with ``success`` plus the path's part of the bottleneck's relief, which builds up over
    the ramp too. A customer renews every twelve months with the retention that follows from its lifetime.
    """
    column = {k: np.asarray(v, dtype=np.float64)[:, None] for k, v in x.items()}

    def setting(name: str) -> Array:
        return column[f"{path}.{name}"]

    month = np.arange(months, dtype=np.float64)[None, :]
    sellers = setting("sellers")
    ramp = np.clip((month + 1) / np.maximum(setting("ramp_months"), 1.0), 0.0, 1.0)
    seller_cost = column["seller_cost"]
    pay = -sellers * seller_cost * (1 + setting("pay_uplift")) * np.ones_like(month)
    if path == "part_time":
        # Today's sellers are paid anyway: the path's own spending is the uplift; what they no longer sell to SMB is smb_loss.
        pay = -sellers * seller_cost * setting("pay_uplift") * np.ones_like(month)
    leader = -seller_cost * setting("leader_multiple") * np.ones_like(month)
    support = -sellers * column["support_cost"] * setting("support_multiple") * np.ones_like(month)
    setup_span = np.maximum(setting("ramp_months"), 1.0)
    share = np.clip(setup_span - month, 0.0, 1.0) / setup_span
    setup = -sellers * seller_cost * setting("setup_multiple") * share
    opened = sellers * column["deals_per_seller"] * setting("productivity") * ramp
    relief = column["relief"] * column["relief_reached"] * setting("relief_factor") * ramp
    chance = np.clip(column["success"] + relief, 0.0, 1.0)
    won = _delayed(opened * chance, column["cycle_months"])
    margin = column["gross_margin"]
    first = won * column["deal_size"] * margin
    keep = np.exp(-12.0 / np.maximum(column["lifetime_months"], 1e-6))
    renewals = np.zeros_like(first)
    for year in range(1, (months - 1) // 12 + 1):
        renewals[:, 12 * year :] += first[:, : months - 12 * year] * keep**year * column["recurring_share"]
    smb_loss = -sellers * column["smb_bookings"] * setting("smb_loss") * margin * np.ones_like(month)
    return {
        "pay": pay,
        "leader": leader,
        "support": support,
        "setup": setup,
        "first_contracts": first,
        "renewals": renewals,
        "smb_loss": smb_loss,
    }


def _delayed(flow: Array, months: Array) -> Array:
    """`flow` (draws, months) moved later by a fractional number of months per draw; what falls beyond the end is not counted."""
    draws, length = flow.shape
    whole = np.floor(months).astype(np.int64)
    part = months - whole
    index = np.arange(length)[None, :] - whole
    rows = np.arange(draws)[:, None]

    def shifted(at: npt.NDArray[np.int64]) -> Array:
        return np.where((at >= 0) & (at < length), flow[rows, np.clip(at, 0, length - 1)], 0.0)

    return (1 - part) * shifted(index) + part * shifted(index - 1)


@dataclass(frozen=True)
class Outcome:
    """One path over all draws. npv: (draws,); cumulative: (draws, months) undiscounted; loss: deepest point of the cumulative cash as a
    positive amount; loss_months: months spent below zero before payback; payback: first month from which cumulative cash stays at or
    above zero to the end (NaN where never)."""

    lines: dict[str, Array]
    cash: Array
    npv: Array
    cumulative: Array
    loss: Array
    loss_months: Array
    payback: Array


def expected_npv(x: Mapping[str, Array], months: int, discount_rate: float) -> Array:
    """Net present value of every path of :data:`PATHS` in every world, (draws, 3), expected over the chance of single deals."""
    factor = (1 + discount_rate) ** (-np.arange(months) / 12)
    draws, step = len(next(iter(x.values()))), 8192
    made = np.empty((draws, len(PATHS)))
    for begin in range(0, draws, step):
        some = {name: np.asarray(values)[begin : begin + step] for name, values in x.items()}
        for i, path in enumerate(PATHS):
            made[begin : begin + step, i] = sum(path_cash(path, some, months).values()) @ factor
    return made


def evaluate(path: str, x: Mapping[str, Array], months: int, discount_rate: float, seed: int = 0) -> Outcome:
    """Cash, net present value, strategic loss and payback of one path. seed: of the chance of single deals."""
    lines = path_cash(path, x, months)
    cash = np.sum([lines[name] for name in LINES], axis=0)
    factor = (1 + discount_rate) ** (-np.arange(months) / 12)
    cumulative = np.cumsum(cash, axis=1)
    under = cumulative < 0
    last_under = np.where(under.any(axis=1), months - 1 - np.argmax(under[:, ::-1], axis=1), -1)
    payback = np.where(last_under < months - 1, last_under + 1.0, np.nan)
    return Outcome(
        lines,
        cash,
        cash @ factor,
        cumulative,
        np.maximum(-cumulative.min(axis=1), 0.0),
        under.sum(axis=1).astype(float),
        payback,
    )


def ledger_frame(outcomes: Mapping[str, Outcome]) -> pd.DataFrame:
    """Long frame: path, month, line (cash lines, cash, cumulative), median, low, high (5 % and 95 % of the draws)."""
    frames = []
    for path, outcome in outcomes.items():
        series = {**outcome.lines, "cash": outcome.cash, "cumulative": outcome.cumulative}
        for name, values in series.items():
            low, middle, high = np.quantile(values, [0.05, 0.5, 0.95], axis=0)
            frames.append(
                pd.DataFrame(
                    {
                        "path": path,
                        "month": np.arange(values.shape[1]),
                        "line": name,
                        "mean": values.mean(axis=0),
                        "median": middle,
                        "low": low,
                        "high": high,
                    }
                )
            )
    return pd.concat(frames, ignore_index=True)
