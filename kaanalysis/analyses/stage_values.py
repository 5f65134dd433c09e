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
    monthly_costs,
    moved_share,
    one_off_share,
    win_lags,
    wins_by_opening,
    world_of,
    yearly_retention,
    years_to_come,
)


@dataclass(frozen=True)
class StageValues:
    """Net present values at month 0, (draws, months + 1) each, by the month T = 0 … months in which the stage ends.

    stopped: part-time in the months before T and then no more; deals opened before T are still won and renewed. T = months: the whole
    part-time path. split_from: what a split team adds that starts in month T and ends with the horizon (0 at T = months)."""

    stopped: Array
    split_from: Array

    @property
    def months(self) -> int:
        return self.stopped.shape[1] - 1


def stage_values(x: Mapping[str, npt.ArrayLike], months: int, rate: float, learned: float) -> StageValues:
    """x: the ledger's inputs, (draws,) each; rate: discount per year; learned: share of the split's ramp that the part-time sellers have
    behind them already (0: a split after a stage ramps up like one today; 1: no ramp at all)."""
    columns = {name: np.asarray(values, dtype=np.float64).reshape(-1) for name, values in x.items()}
    part_time = world_of("part_time", columns)
    later = world_of("split", columns | {"split.ramp_months": columns["split.ramp_months"] * (1 - learned)})
    discount = (1 + rate) ** (-np.arange(months) / YEAR)
    worth = _worth_by_opening(part_time, months, discount)
    return StageValues(_stopped(part_time, worth, discount), _split_from(later, worth, discount))


def _worth_by_opening(world: World, months: int, discount: Array) -> Array:
    """Present value of one win by the month in which its deal was opened, (draws, months), before SMB's share of it is taken off.

    Inputs that paths share: the same for all paths."""
    keep, recurring = yearly_retention(world), world["recurring_share"]
    by_win = discount[None, :] * np.ones((world.draws, months))
    for year in range(1, (months - 1) // YEAR + 1):
        by_win[:, : months - YEAR * year] += recurring * keep**year * discount[None, YEAR * year :]
    beyond = keep ** years_to_come(months)[None, :] * recurring / np.maximum(1 - keep, 1e-12)
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


def _split_from(world: World, worth: Array, discount: Array) -> Array:
    months = len(discount)
    opened = wins_by_opening(world, months) * (1 - moved_share(world))
    spent = _from_zero((_steady(world) + _one_off(world, months)) * discount)
    value = np.zeros((len(worth), months + 1))
    for start in range(months):
        left = months - start
        won = np.einsum("ij,ij->i", *np.broadcast_arrays(opened[:, :left], worth[:, start:]))
        value[:, start] = won + discount[start] * spent[:, left]
    value[:, :-1] += _review(world) * discount[-1]
    return value
