"""Expected net present value of all paths in every world, in closed form over months: for sensitivities and widgets.

The same model as :func:`kaanalysis.analyses.ledger_lines.path_cash`, discounted and summed without writing its months down: the present
value of wins is a sum over opening months of what they open times the discounted share won until the end, so a world costs some
hundreds of operations in place of thousands. That both agree is a test.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from kaanalysis.analyses.ledger_lines import (
    PATHS,
    YEAR,
    Array,
    World,
    columns_of,
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
    month = np.arange(months)
    discount = (1 + rate) ** (-month / YEAR)
    annuity = np.concatenate([[0.0], np.cumsum(discount)])
    opened = wins_by_opening(world, months)
    flow, grown = opened * discount, np.cumsum(lags * discount, axis=1)
    flow, grown = np.broadcast_arrays(flow, grown)
    keep, recurring = yearly_retention(world)[:, 0], world["recurring_share"][:, 0]
    units = _until(flow, grown, months - 1)
    for year in range(1, (months - 1) // YEAR + 1):
        later = _until(flow, grown, months - 1 - YEAR * year) * discount[YEAR * year]
        units = units + recurring * keep**year * later
    worth = (world["deal_size"] * world["gross_margin"])[:, 0]
    stays = 1 - moved_share(world)[:, 0]
    value = worth * units * stays
    counted = world["remaining_share"][:, 0]
    if (counted > 0).any():
        value = value + counted * stays * worth * _remaining_units(opened, lags, keep, recurring, months) * discount[-1]
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


def _remaining_units(opened: Array, lags: Array, keep: Array, recurring: Array, months: int) -> Array:
    """First contracts whose renewals lie beyond the end, weighted by what these are expected to bring, (draws,), as
    :func:`remaining_value` of contracts worth 1."""
    opened, grown = np.broadcast_arrays(opened, np.cumsum(lags, axis=1))
    made, before = np.zeros(len(opened)), _until(opened, grown, months - 1)
    for year in range(
        1, (months - 1) // YEAR + 2
    ):  # won in the last year: its first renewal is the first beyond the end …
        earlier = _until(opened, grown, months - 1 - YEAR * year)
        made, before = made + (before - earlier) * keep**year, earlier
    return np.asarray(made * recurring / np.maximum(1 - keep, 1e-12))
