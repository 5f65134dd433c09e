"""What a part-time stage that ends in a given month is worth, and a split team that starts in it: for every month at once.

The same model as :func:`kaanalysis.analyses.ledger_lines.path_cash`, discounted and expected over the chance of single deals. A win's worth
depends only on the month in which its deal was opened, so that every sum over opening months is a value of stopping: no path is computed
twice. That the ends agree with the ledger's own paths is a test.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kaanalysis.analyses.ledger_lines import (
    YEAR,
    Array,
    World,
    discount_factors,
    endless,
    monthly_costs,
    moved_share,
    one_off_share,
    to_last_month,
    win_lags,
    wins_by_opening,
    world_of,
    yearly_retention,
    years_to_come,
)


@dataclass(frozen=True)
class StageValues:
    """Net present values at month 0 by the month T in which the stage ends.

    stopped: (draws, months + 1), part-time in the months before T and then no more; deals opened before T are still won and renewed.
    T = months: the whole part-time path. split_from: (draws, latest + 1), what a split team adds that starts in month T ≤ latest and
    ends with the horizon, or has a full horizon of its own (:func:`stage_values`)."""

    stopped: Array
    split_from: Array

    @property
    def months(self) -> int:
        return self.stopped.shape[1] - 1


def stage_values(
    x: Mapping[str, npt.ArrayLike], months: int, rate: float, learned: float, latest: int, own_horizon: bool = False
) -> StageValues:
    """x: the ledger's inputs, (draws,) each; rate: discount per year; learned: share of the split's ramp that part-time sellers who have
    ramped up themselves save it (0: none; 1: all); those still ramping up save as much of it as they have behind them; latest: last
    month in which a split may start; own_horizon: a split team that starts in month T has all the months of the horizon from then on,
    not only those left until month `months`."""
    columns = {name: np.asarray(values, dtype=np.float64).reshape(-1) for name, values in x.items()}
    part_time = world_of("part_time", columns)
    discount = discount_factors(months, rate)
    worth = _worth_by_opening(part_time, months, rate)
    behind = np.minimum(np.arange(latest + 1) / np.maximum(part_time["ramp_months"], 1.0), 1.0)
    later = np.zeros((part_time.draws, latest + 1))
    for start in range(min(latest, months - 1) + 1):
        ramp = columns["split.ramp_months"] * (1 - learned * behind[:, start])
        team = world_of("split", columns | {"split.ramp_months": ramp})
        if own_horizon:  # today's split, begun later: nothing in the ledger hangs on the calendar
            later[:, start] = discount[start] * _split_from(team, worth, discount, 0)
        else:
            later[:, start] = _split_from(team, worth, discount, start)
    return StageValues(_stopped(part_time, worth, discount), later)


def _worth_by_opening(world: World, months: int, rate: float) -> Array:
    """Present value of one win by the month in which its deal was opened, (draws, months), before SMB's share of it is taken off.

    Inputs that paths share: the same for all paths."""
    keep, recurring = yearly_retention(world), world["recurring_share"]
    discount = discount_factors(months, rate)
    by_win = discount[None, :] * np.ones((world.draws, months))
    for year in range(1, (months - 1) // YEAR + 1):
        by_win[:, : months - YEAR * year] += recurring * keep**year * discount[None, YEAR * year :]
    beyond = keep ** years_to_come(months)[None, :] * to_last_month(months, rate) * recurring * endless(keep, rate)
    by_win = by_win + world["remaining_share"] * beyond * discount[-1]
    lags = np.broadcast_to(win_lags(world, months), by_win.shape)
    out = np.zeros(by_win.shape)
    for lag in range(months):
        out[:, : months - lag] += lags[:, lag : lag + 1] * by_win[:, lag:]
    return np.asarray(out * world["deal_size"] * world["gross_margin"])


def _from_zero(flow: Array) -> Array:
    """Running sums with a zero before them, (draws, months + 1)."""
    return np.concatenate([np.zeros((len(flow), 1)), np.cumsum(flow, axis=1)], axis=1)


def _steady(world: World) -> Array:
    return np.asarray(sum(monthly_costs(world).values()))


def _one_off(world: World, months: int) -> Array:
    wage = world["sellers"] * world["seller_cost"]
    return np.asarray(-wage * (world["training_multiple"] + world["systems_multiple"]) * one_off_share(world, months))


def _review(world: World) -> Array:
    return np.asarray(-world["sellers"] * world["seller_cost"] * world["review_multiple"])


def _stopped(world: World, worth: Array, discount: Array) -> Array:
    months = len(discount)
    brought = wins_by_opening(world, months) * worth * (1 - moved_share(world))
    spent = (_steady(world) + _one_off(world, months)) * discount
    value = _from_zero(brought + spent)
    value[:, 1:] += _review(world) * discount  # wound up in the last month worked; nothing where nothing was begun
    return value


def _split_from(world: World, worth: Array, discount: Array, start: int) -> Array:
    """What a split team adds that starts in that month, (draws,)."""
    left = len(discount) - start
    opened = wins_by_opening(world, left) * (1 - moved_share(world))
    won = np.einsum("ij,ij->i", *np.broadcast_arrays(opened, worth[:, start:]))
    spent = (_steady(world) + _one_off(world, left)) @ discount[:left]
    return np.asarray(won + discount[start] * spent + _review(world)[:, 0] * discount[-1])
