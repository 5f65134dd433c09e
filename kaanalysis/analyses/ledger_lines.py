"""The lines of the ROI ledger: each path as expected monthly cash, for every world of the uncertain inputs.

All amounts in the company's currency, spending negative; months counted from the decision (month 0 … months − 1). Formulas, units and where
every input comes from: docs/ledger.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

PATHS = ("part_time", "split", "rebuild")
LINES = (
    "sellers",
    "leader",
    "pay_change",
    "presales",
    "support",
    "product",
    "training",
    "systems",
    "first_contracts",
    "renewals",
    "smb_people",
    "smb_product",
    "smb_accounts",
    "conflict",
    "review",
)
SMB_LOSS = ("smb_people", "smb_product", "smb_accounts")
RETURNS = ("first_contracts", "renewals")
# What sets a path apart, each a policy value and an input "<path>.<setting>"; the split alone has a list of named accounts.
SETTINGS = (
    "sellers",
    "leader_multiple",
    "pay_uplift",
    "support_multiple",
    "product_multiple",
    "training_multiple",
    "systems_multiple",
    "ramp_months",
    "productivity",
    "relief_factor",
    "smb_people",
    "smb_product",
    "accounts_factor",
    "conflict_factor",
    "review_multiple",
)
NAMED = "named_accounts"
NAMED_PATHS = ("split",)
RELIEVED = "relieved_steps"
YEAR = 12
# Smallest ramp and spread that are not taken as none at all: a ramp below a month is done in its first month.
_SHORTEST_RAMP, _LEAST_SPREAD = 1.0, 1e-6

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class World:
    """The inputs of one path as columns (draws, 1); by name: common ones, and those of the path without its prefix."""

    path: str
    columns: Mapping[str, Array]

    def __getitem__(self, name: str) -> Array:
        return self.columns[name]

    def get(self, name: str, default: float) -> Array:
        return self.columns.get(name, np.array([[default]]))

    @property
    def draws(self) -> int:
        return max(len(c) for c in self.columns.values())


def columns_of(x: Mapping[str, npt.ArrayLike]) -> tuple[dict[str, Array], int]:
    """All inputs as (draws,) and their number: a single value serves all worlds. ValueError where lengths do not fit together."""
    columns = {name: np.asarray(values, dtype=np.float64).reshape(-1) for name, values in x.items()}
    draws = max((len(values) for values in columns.values()), default=0)
    for name, values in columns.items():
        if len(values) not in (1, draws):
            raise ValueError(f"{name} must have {draws} values like the other inputs, or one; not {len(values)}")
    return {name: np.broadcast_to(values, (draws,)) for name, values in columns.items()}, draws


def world_of(path: str, x: Mapping[str, npt.ArrayLike]) -> World:
    """The columns that `path` uses out of all inputs; ValueError for a path that there is not."""
    if path not in PATHS:
        raise ValueError(f"path must be one of {', '.join(PATHS)}; not {path!r}")
    own = f"{path}."
    columns = {
        name.removeprefix(own): np.asarray(values, dtype=np.float64).reshape(-1, 1)
        for name, values in x.items()
        if name.startswith(own) or "." not in name
    }
    return World(path, columns)


def ramp_of(world: World, months: int) -> Array:
    """Share of the full rate in every month, (draws, months): from the first month's 1 / ramp in a straight line to 1."""
    month = np.arange(1.0, months + 1)[None, :]
    return np.minimum(month / np.maximum(world["ramp_months"], _SHORTEST_RAMP), 1.0)


def deals_opened(world: World, ramp: Array) -> Array:
    """Deals opened per month, (draws, months): what the sellers can open, but no more than the accounts they may sell to do buy."""
    can = world["sellers"] * world["deals_per_seller"] * world["productivity"] * ramp
    accounts = world["potential_accounts"]
    named = world.get(NAMED, np.inf)
    if np.isfinite(named).all():
        accounts = np.minimum(accounts, world["sellers"] * named)
    return np.minimum(can, accounts * world["deals_per_account"] / YEAR)


def chance_to_win(world: World, ramp: Array) -> Array:
    """Chance of a deal to be won by the ramp at its opening, as `ramp`, 0 … 1.

    Bottlenecks are relieved as the ramp goes on, as far as share reached × the path's part of it goes. What relieving them would win
    together is won step by step: each of `relieved_steps` passes in a straight line better, and the chance is their product. So half
    of the way through five steps brings less than half of what the whole way brings; with one step it brings half. Exact where the
    steps are alike."""
    steps = np.maximum(world.get(RELIEVED, 1.0), 1.0)
    now = np.maximum(world["success"], 0.0)
    then = now + np.maximum(world["relief"], 0.0)
    way = world["relief_reached"] * world["relief_factor"] * ramp
    straight = now ** (1 / steps) + way * (then ** (1 / steps) - now ** (1 / steps))
    return np.asarray(np.clip(straight**steps, 0.0, 1.0))


def wins_by_opening(world: World, months: int) -> Array:
    """Expected wins among the deals opened in each month, whenever they are won: (draws, months)."""
    ramp = ramp_of(world, months)
    return np.asarray(deals_opened(world, ramp) * chance_to_win(world, ramp))


def win_lags(world: World, months: int) -> Array:
    """Share of the wins that comes j months after the opening, (draws, months) for j = 0 … months − 1: a lognormal time from opening to win
    with median `cycle_months` and spread of its logarithm `cycle_spread`, deals opened in the middle of their month."""
    edges = np.log(np.arange(months) + 0.5)
    spread = np.maximum(world["cycle_spread"], _LEAST_SPREAD)
    grown = special.ndtr((edges[None, :] - np.log(np.maximum(world["cycle_months"], 1e-9))) / spread)
    return np.diff(grown, axis=1, prepend=0.0)


def wins_by_month(world: World, months: int) -> Array:
    """Expected wins in the month in which they are won, (draws, months); what would be won beyond the horizon is not counted."""
    opened, lags = np.broadcast_arrays(wins_by_opening(world, months), win_lags(world, months))
    won = np.zeros(opened.shape)
    for lag in range(months):
        won[:, lag:] += lags[:, lag : lag + 1] * opened[:, : months - lag]
    return won


def yearly_retention(world: World) -> Array:
    """Chance that a customer renews after another year, (draws, 1): of an exponential lifetime with the given mean."""
    return np.exp(-YEAR / np.maximum(world["lifetime_months"], 1e-6))


def one_off_share(world: World, months: int) -> Array:
    """Share of a one-off cost that falls into each month, (draws, months): spread evenly over the ramp, the last part in its fraction."""
    span = np.maximum(world["ramp_months"], _SHORTEST_RAMP)
    return np.asarray(np.clip(span - np.arange(months)[None, :], 0.0, 1.0) / span)


def monthly_costs(world: World) -> dict[str, Array]:
    """Lines that are the same in every month, (draws, 1) each: spending, and SMB margin lost with people and product capacity."""
    sellers, cost = world["sellers"], world["seller_cost"]
    service = sellers * world["support_cost"] * world["support_multiple"]
    smb = sellers * world["smb_bookings"] * world["gross_margin"]
    hours = sellers * np.maximum(world["conflict_hours"], 0.0) * world["conflict_factor"]
    # Today's sellers are paid anyway: part-time adds only its bonus; what they no longer sell to SMB is smb_people.
    paid = 0.0 if world.path == "part_time" else 1.0
    return {
        "sellers": -paid * sellers * cost,
        "leader": -np.where(sellers > 0, 1.0, 0.0) * cost * world["leader_multiple"],
        "pay_change": -sellers * cost * world["pay_uplift"],
        "presales": -service * world["presales_share"],
        "support": -service * (1 - world["presales_share"]),
        "product": -sellers * cost * world["product_multiple"],
        "smb_people": -smb * world["smb_people"],
        "smb_product": -smb * world["smb_product"],
        "conflict": -hours * cost * world["hour_multiple"] / world["month_hours"],
    }


def moved_share(world: World) -> Array:
    """Share of the path's KA revenue that SMB would have brought anyway, 0 … 1, (draws, 1)."""
    return np.clip(world["accounts_moved"] * world["accounts_factor"], 0.0, 1.0)


def years_to_come(months: int) -> npt.NDArray[np.int64]:
    """For a contract won in month t, the number of its first renewal that falls beyond the end: smallest k with t + 12 k ≥ months."""
    return -((np.arange(months) - months) // YEAR)


def discount_factors(months: int, discount_rate: float) -> Array:
    """What an amount of month m = 0 … months − 1 is worth in month 0: (1 + rate)^(−m / 12), (months,); rate per year, above −1."""
    return np.asarray((1 + discount_rate) ** (-np.arange(months) / YEAR))


def to_last_month(months: int, discount_rate: float) -> Array:
    """Discount factor of a contract's first renewal beyond the end, by the month it was won in, (months,): from the month of that renewal
    to the last month, in which the review books it. Below 1 for a rate above 0: at least one month, at most twelve."""
    renewed = np.arange(months) + YEAR * years_to_come(months)
    return np.asarray((1 + discount_rate) ** (-(renewed - (months - 1)) / YEAR))


def endless(keep: Array, discount_rate: float) -> Array:
    """Σ over k ≥ 0 of (keep / (1 + rate))^k: what a renewal and all later ones are worth when the first is due, per unit of it. Finite
    for a rate above 0 however long customers stay; without discount it is the mean number of renewals, which has no bound."""
    return np.asarray(1 / np.maximum(1 - keep / (1 + discount_rate), 1e-12))


def remaining_value(world: World, first: Array, discount_rate: float) -> Array:
    """What contracts running at the end are still expected to bring beyond it, discounted to the last month, (draws,): renewals from the
    first that falls beyond the end on, for ever. first: (draws, months), margin of first contracts by month; discount_rate: per year."""
    keep, months = yearly_retention(world), first.shape[1]
    kept = keep ** years_to_come(months)[None, :] * to_last_month(months, discount_rate)
    later = world["recurring_share"] * endless(keep, discount_rate)
    return np.asarray((first * kept).sum(axis=1) * later[:, 0])


def path_cash(path: str, x: Mapping[str, npt.ArrayLike], months: int, discount_rate: float = 0.0) -> dict[str, Array]:
    """Expected cash of one path by line, (draws, months) each, in the order of :data:`LINES`.

    discount_rate: per year, of what the review counts beyond the end, which is booked in the last month as its value there; cash of
    months within the horizon is never discounted. 0: that value without discount.

    x: common inputs and ``<path>.<setting>`` inputs, (draws,) each. Expected over the chance of single deals:
    :func:`kaanalysis.analyses.ledger.evaluate` has that chance in it."""
    world = world_of(path, x)
    every = np.ones((world.draws, months))
    made = {name: value * every for name, value in monthly_costs(world).items()}
    wage = world["sellers"] * world["seller_cost"]
    share = one_off_share(world, months)
    made["training"] = -wage * world["training_multiple"] * share * every
    made["systems"] = -wage * world["systems_multiple"] * share * every
    first = wins_by_month(world, months) * world["deal_size"] * world["gross_margin"] * every
    keep = yearly_retention(world)
    renewals = np.zeros_like(first)
    for year in range(1, (months - 1) // YEAR + 1):
        renewals[:, YEAR * year :] += first[:, : months - YEAR * year] * keep**year * world["recurring_share"]
    moved = moved_share(world)
    made |= {"first_contracts": first, "renewals": renewals, "smb_accounts": -moved * (first + renewals)}
    review = np.zeros_like(first)
    worth = remaining_value(world, first, discount_rate)[:, None] * world["remaining_share"] * (1 - moved)
    review[:, -1:] = worth - wage * world["review_multiple"]
    made["review"] = review
    return {name: made[name] for name in LINES}
