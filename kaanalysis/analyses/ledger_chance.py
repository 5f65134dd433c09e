"""The ledger with the chance of single deals in it: how deep and how long the loss is, when it is paid back.

A path wins about twenty deals a year. Expected cash alone would be falsely sure of its deepest point and of its payback, so wins come one
by one here: their number per month is Poisson (openings at random, each won by itself), contract sizes are gamma with the data's
coefficient of variation, and every contract is renewed or lost by itself. Paths are compared by the expected value
(:func:`kaanalysis.analyses.ledger_value.expected_npv`): luck is no reason to prefer one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kaanalysis.analyses.ledger_lines import (
    LINES,
    PATHS,
    YEAR,
    Array,
    World,
    columns_of,
    discount_factors,
    endless,
    moved_share,
    path_cash,
    to_last_month,
    world_of,
    yearly_retention,
    years_to_come,
)

_AT_ONCE = 2048
_LEAST_VARIATION = 1e-3  # contracts that vary less than this are all alike


@dataclass(frozen=True)
class Outcome:
    """One path over all draws of the inputs.

    lines: expected cash by line, mean over the draws, (months,) each; cash: (draws, months), with the chance of single deals; cumulative:
    its running sum, undiscounted; npv: (draws,), of cash; expected_npv: (draws,), expected over that chance; loss: deepest point of
    cumulative as a positive amount; loss_months: months below zero; payback: first month from which cumulative stays at or above zero
    to the end (NaN where never)."""

    lines: dict[str, Array]
    cash: Array
    cumulative: Array
    npv: Array
    expected_npv: Array
    loss: Array
    loss_months: Array
    payback: Array


def evaluate(
    path: str, x: Mapping[str, npt.ArrayLike], months: int, discount_rate: float, seed: int, *, chance: bool = True
) -> Outcome:
    """Cash, net present value, strategic loss and payback of one path.

    seed: of the chance of single deals; paths draw from streams of their own. chance False: every month brings what is expected."""
    columns, draws = columns_of(x)
    factor = discount_factors(months, discount_rate)
    sums = {name: np.zeros(months) for name in LINES}
    cash, expected = np.empty((draws, months)), np.empty(draws)
    for part, begin in enumerate(range(0, draws, _AT_ONCE)):
        some = {name: values[begin : begin + _AT_ONCE] for name, values in columns.items()}
        lines = path_cash(path, some, months, discount_rate)
        for name in LINES:
            sums[name] += lines[name].sum(axis=0)
        total = np.sum([lines[name] for name in LINES], axis=0)
        expected[begin : begin + len(total)] = total @ factor
        if chance:
            generator = np.random.default_rng([seed, PATHS.index(path), part])
            total = total + _by_chance(world_of(path, some), lines, months, discount_rate, generator)
        cash[begin : begin + len(total)] = total
    return outcome_of({name: value / draws for name, value in sums.items()}, cash, expected, factor)


def outcome_of(lines: dict[str, Array], cash: Array, expected_npv: Array, factor: Array) -> Outcome:
    """What follows from monthly cash (draws, months). factor: discount factor by month."""
    months = cash.shape[1]
    cumulative = np.cumsum(cash, axis=1)
    # A running sum of cash that cancels exactly may end a hair below zero.
    under = cumulative < -1e-9 * np.maximum(np.abs(cash).sum(axis=1, keepdims=True), 1e-300)
    last_under = np.where(under.any(axis=1), months - 1 - np.argmax(under[:, ::-1], axis=1), -1)
    return Outcome(
        lines,
        cash,
        cumulative,
        cash @ factor,
        expected_npv,
        np.maximum(-cumulative.min(axis=1), 0.0),
        under.sum(axis=1).astype(float),
        np.where(last_under < months - 1, last_under + 1.0, np.nan),
    )


def contract_sums(
    expected_wins: Array, size: Array, variation: Array, generator: np.random.Generator
) -> tuple[npt.NDArray[np.int64], Array]:
    """Number of wins and sum of their sizes in each cell of `expected_wins` (draws, months): Poisson, and gamma with the mean `size` and
    the coefficient of variation `variation` of one contract (draws, 1); k contracts together are gamma with k times the shape."""
    wins = generator.poisson(expected_wins)
    shape = 1 / np.maximum(variation, _LEAST_VARIATION) ** 2
    return wins, generator.standard_gamma(wins * shape) / shape * size


def renewed(
    contracts: npt.NDArray[np.int64], amounts: Array, keep: Array, variation: Array, generator: np.random.Generator
) -> tuple[npt.NDArray[np.int64], Array]:
    """Contracts that stay for another year, each with the chance `keep`, and the sum of their sizes. Of k gamma contracts that add up to an
    amount, k' make a beta share of it with k' and k − k' times the shape: exact, whatever the amount."""
    stay = generator.binomial(contracts, np.broadcast_to(keep, contracts.shape))
    shape = np.broadcast_to(1 / np.maximum(variation, _LEAST_VARIATION) ** 2, contracts.shape)
    share = (stay == contracts).astype(float)
    some = (stay > 0) & (stay < contracts)
    share[some] = generator.beta(stay[some] * shape[some], (contracts - stay)[some] * shape[some])
    return stay, amounts * share


def _by_chance(
    world: World, lines: Mapping[str, Array], months: int, rate: float, generator: np.random.Generator
) -> Array:
    """What single deals bring in place of what is expected of them, as a difference in cash (draws, months)."""
    worth = world["deal_size"] * world["gross_margin"]
    expected_wins = lines["first_contracts"] / np.where(worth > 0, worth, 1.0)
    contracts, first = contract_sums(expected_wins, worth, world["deal_variation"], generator)
    keep, recurring = yearly_retention(world), world["recurring_share"]
    brought, amounts, beyond = first.copy(), first, np.zeros(len(first))
    to_come, factor = years_to_come(months), to_last_month(months, rate)
    for year in range(1, int(to_come.max()) + 1):
        # Cohorts whose renewal number `year` lies beyond the end: what they are still expected to bring from it on.
        ending = to_come[: amounts.shape[1]] == year
        due = amounts[:, ending] @ factor[: amounts.shape[1]][ending]
        beyond += due * (recurring * keep * endless(keep, rate))[:, 0]
        left = months - YEAR * year
        if left <= 0:
            break
        contracts, amounts = renewed(contracts[:, :left], amounts[:, :left], keep, world["deal_variation"], generator)
        brought[:, YEAR * year :] += amounts * recurring
    stays = 1 - moved_share(world)
    planned = lines["first_contracts"] + lines["renewals"] + lines["smb_accounts"]
    made = brought * stays - planned
    counted = world["remaining_share"]
    if (counted > 0).any():
        review = lines["review"][:, -1] + (world["sellers"] * world["seller_cost"] * world["review_multiple"])[:, 0]
        made[:, -1] += beyond * (counted * stays)[:, 0] - review
    return np.asarray(made)
