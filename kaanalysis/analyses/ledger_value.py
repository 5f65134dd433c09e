"""Expected net present value of all paths in every world, in closed form over months: for sensitivities and widgets.

The same model as :func:`kaanalysis.analyses.ledger_lines.path_cash`, discounted and summed without writing its months down: the present
value of wins is a sum over opening months of what they open times the discounted share won until the end, so a world costs some
hundreds of operations in place of thousands. That both agree is a test.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from kaanalysis.analyses.ledger_lines import (
    PATHS,
    YEAR,
    Array,
    World,
    columns_of,
    discount_factors,
    endless,
    monthly_costs,
    moved_share,
    win_lags,
    wins_by_opening,
    world_of,
    yearly_retention,
)

_AT_ONCE = 4096  # worlds at a time: their months stay in the processor's cache, and memory is bounded


def expected_npv(x: Mapping[str, npt.ArrayLike], months: int, discount_rate: float) -> Array:
    """Net present value of every path of :data:`PATHS` in every world, (draws, 3), expected over the chance of single deals.

    x: all inputs, (draws,) each or one value for all worlds, as :func:`path_cash` takes them. discount_rate: per year,
    above −1. Month m is discounted by (1 + rate)^(−m / 12)."""
    columns, draws = columns_of(x)
    made = np.empty((draws, len(PATHS)))
    for begin in range(0, draws, _AT_ONCE):
        some = {name: values[begin : begin + _AT_ONCE] for name, values in columns.items()}
        lags = win_lags(world_of(PATHS[0], some), months)  # the same for all paths
        for i, path in enumerate(PATHS):
            made[begin : begin + _AT_ONCE, i] = _present_value(world_of(path, some), lags, months, discount_rate)
    return made


def _until(flow: Array, grown: Array, last: int) -> Array:
    """Σ over opening months m ≤ last of flow[m] × grown[last − m]: what is won until month `last`, (draws,)."""
    if last < 0:
        return np.zeros(len(flow))
    return np.asarray(np.einsum("ij,ij->i", flow[:, : last + 1], grown[:, last::-1]))


def _present_value(world: World, lags: Array, months: int, rate: float) -> Array:
    discount = discount_factors(months, rate)
    annuity = np.concatenate([[0.0], np.cumsum(discount)])
    opened = wins_by_opening(world, months)
    flow, grown = opened * discount, np.cumsum(lags * discount, axis=1)
    flow, grown = np.broadcast_arrays(flow, grown)
    keep, recurring = yearly_retention(world)[:, 0], world["recurring_share"][:, 0]
    # Discounted wins of which at least so many years lie before the end; the last of them is 0.
    won = [_until(flow, grown, months - 1 - YEAR * year) for year in range((months - 1) // YEAR + 2)]
    kept = keep / (1 + rate)  # of a year's renewals, discounted
    units = won[0]
    for year, earlier in enumerate(won[1:-1], 1):
        units = units + recurring * kept**year * earlier
    worth = (world["deal_size"] * world["gross_margin"])[:, 0]
    stays = 1 - moved_share(world)[:, 0]
    value = worth * units * stays
    counted = world["remaining_share"][:, 0]
    if (counted > 0).any():
        beyond = sum((a - b) * kept**year for year, (a, b) in enumerate(itertools.pairwise(won), 1))
        value = value + counted * stays * worth * recurring * endless(keep, rate) * beyond
    steady = sum(line[:, 0] for line in monthly_costs(world).values()) * annuity[-1]
    wage = (world["sellers"] * world["seller_cost"])[:, 0]
    one_off = (world["training_multiple"] + world["systems_multiple"])[:, 0] * _spread(world, annuity, months)
    return np.asarray(value + steady - wage * (one_off + world["review_multiple"][:, 0] * discount[-1]))


def _spread(world: World, annuity: Array, months: int) -> Array:
    """Present value of a one-off cost of 1 spread evenly over the ramp, (draws,)."""
    span = np.maximum(world["ramp_months"][:, 0], 1.0)
    whole = np.minimum(np.floor(span).astype(np.int64), months)
    discount = np.diff(annuity, append=annuity[-1])
    part = np.where(whole < months, (span - whole) * discount[whole], 0.0)
    return np.asarray((annuity[whole] + part) / span)
