"""Futures of a path to key accounts in a world whose truth is known, deal by deal: what the ledger of 04 predicts, drawn by other means.

The ledger (docs/ledger.md) multiplies rates. Here sellers with skills of their own open deals one by one, each passes the world's
own steps with whoever decides there, lasts its own days, is signed over its own amount and may be undone, and each customer lives
its own life and renews (:mod:`kaanalysis.simulate.future_deals`). Only what is spent follows the page line by line, since it is
planned and not drawn. What the plan says (a path's settings, beliefs) and what the company's months show (costs, bookings,
openings) is given; all that hangs on deals and customers comes from the world.

Where both must differ, because the ledger simplifies: the chance to be won is lifted step by step and not in one sum; a path's sellers
differ; lives are Weibull and not exponential; signed contracts are sometimes undone; deals won after the horizon of `success` count.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kaanalysis.simulate.core import Floats, Ints
from kaanalysis.simulate.future_deals import YEAR, Contracts, Settings, planned, signed
from kaanalysis.simulate.world import Manner, World

_DISPUTES_SPREAD = 0.6  # of the logarithm of a dispute's hours, as the simulated companies have it


@dataclass(frozen=True)
class Futures:
    """Cash by line, (futures, months) each, in the words of docs/ledger.md; opened: deals opened by month; contracts: all signed ones."""

    lines: dict[str, Floats]
    opened: Ints
    contracts: Contracts

    @property
    def cash(self) -> Floats:
        return np.asarray(np.sum(list(self.lines.values()), axis=0), dtype=np.float64)


def _earned(s: Settings, contracts: Contracts, months: int, rate: float) -> dict[str, Floats]:
    """What contracts bring: first contracts, renewals, what SMB would have brought of both anyway, and the review's remaining value,
    discounted to the last month. A contract that is undone brings nothing, now or later."""
    counted = ~contracts.undone & (contracts.month < months)
    future, month = contracts.future[counted], contracts.month[counted]
    life, moved = contracts.life[counted], contracts.moved[counted]
    margin = contracts.amount[counted] * s["gross_margin"][future]
    made = {name: np.zeros((s.futures, months)) for name in ("first_contracts", "renewals", "smb_accounts", "review")}
    yearly = margin * s["recurring_share"][future]
    renewals = np.ceil(life / YEAR) - 1  # one for every whole year that the customer outlives
    for year in range((months - 1) // YEAR + 1):
        pays, name = (margin, "first_contracts") if year == 0 else (yearly, "renewals")
        at = month + YEAR * year
        now = (renewals >= year) & (at < months)
        np.add.at(made[name], (future[now], at[now]), pays[now])
        np.add.at(made["smb_accounts"], (future[now & moved], at[now & moved]), -pays[now & moved])
    paid = (
        months - 1 - month
    ) // YEAR  # renewals within the horizon, of one who stays; the next is due so many months after its end
    left, wait = np.maximum(renewals - paid, 0), month + YEAR * (paid + 1) - (months - 1)
    yearly_factor = 1 / (1 + rate)
    count = left if rate == 0 else (1 - yearly_factor**left) / (1 - yearly_factor)
    beyond = count * yearly_factor ** (wait / YEAR) * ~moved
    np.add.at(made["review"][:, -1], future, yearly * beyond * s["remaining_share"][future])
    return made


def _spent(s: Settings, months: int) -> dict[str, Floats]:
    """What is planned, month by month: docs/ledger.md from `sellers` to `systems`, and SMB margin lost with people and product."""
    n, wage = s["sellers"], s["seller_cost"]
    service = n * s["support_cost"] * s["support_multiple"]
    smb = n * s["smb_bookings"] * s["gross_margin"]
    names = (
        "sellers",
        "leader",
        "pay_change",
        "presales",
        "support",
        "product",
        "training",
        "systems",
        "smb_people",
        "smb_product",
    )
    made = {name: np.zeros((s.futures, months)) for name in names}
    ramp = np.maximum(s["ramp_months"], 1.0)
    for month in range(months):
        if s.path != "part_time":  # today's sellers are paid anyway
            made["sellers"][:, month] = -n * wage
        made["leader"][:, month] = np.where(n > 0, -wage * s["leader_multiple"], 0.0)
        made["pay_change"][:, month] = -n * wage * s["pay_uplift"]
        made["presales"][:, month] = -service * s["presales_share"]
        made["support"][:, month] = -service * (1 - s["presales_share"])
        made["product"][:, month] = -n * wage * s["product_multiple"]
        part = np.clip(ramp - month, 0.0, 1.0) / ramp
        made["training"][:, month] = -n * wage * s["training_multiple"] * part
        made["systems"][:, month] = -n * wage * s["systems_multiple"] * part
        made["smb_people"][:, month] = -smb * s["smb_people"]
        made["smb_product"][:, month] = -smb * s["smb_product"]
    return made


def _quarrels(world: World, s: Settings, months: int, g: np.random.Generator) -> Floats:
    """Disputes one by one, each of its own length, until the hours that the plan expects are reached on average."""
    typical = world.dispute_hours * np.exp(_DISPUTES_SPREAD**2 / 2)
    rate = s["sellers"] * np.maximum(s["conflict_hours"], 0.0) * s["conflict_factor"] / typical
    count = g.poisson(np.broadcast_to(rate[:, None], (s.futures, months)))
    where = np.repeat(np.arange(count.size), count.ravel())
    each = world.dispute_hours * np.exp(_DISPUTES_SPREAD * g.standard_normal(len(where)))
    hours = np.bincount(where, each, count.size).reshape(count.shape)
    return np.asarray(-hours * (s["seller_cost"] * s["hour_multiple"] / s["month_hours"])[:, None])


def draw_futures(
    world: World,
    path: str,
    x: Mapping[str, npt.ArrayLike],
    months: int,
    g: np.random.Generator,
    relieved: Collection[str] = (),
    works_as: Manner | None = None,
    discount_rate: float = 0.0,
) -> Futures:
    """One future of `path` for every value of the inputs.

    x: inputs by the names of docs/ledger.md, (futures,) each or one for all; those that the world itself knows (success, relief, cycle_…,
    deal_…, lifetime_months) are not read. relieved: KA steps that the path relieves as its ramp goes on. works_as: how the path's sellers
    work key accounts; None: as those in the records do. discount_rate: per year, of
    what the review counts beyond the end (0: none). Raises KeyError for an input that is missing."""
    s = Settings.of(path, x)
    reached, rate = planned(s, months)
    opened = g.poisson(rate)
    contracts = signed(world, s, reached, opened, relieved, works_as, g)
    lines = {
        **_spent(s, months),
        **_earned(s, contracts, months, discount_rate),
        "conflict": _quarrels(world, s, months, g),
    }
    lines["review"][:, -1] -= s["sellers"] * s["seller_cost"] * s["review_multiple"]
    return Futures(lines, opened, contracts)


@dataclass(frozen=True)
class Course:
    """How each future goes, (futures,) each. npv; loss: deepest point of the running sum as a positive amount; loss_months: months in which
    it is below zero; payback: first month from which it stays at or above zero to the end (inf: never)."""

    npv: Floats
    loss: Floats
    loss_months: Floats
    payback: Floats


def course(cash: npt.ArrayLike, discount_rate: float) -> Course:
    """Monthly cash (futures, months), walked through month by month."""
    flow = np.asarray(cash, float)
    futures, months = flow.shape
    tiny = 1e-9 * np.maximum(np.abs(flow).sum(axis=1), 1e-300)
    npv, balance, deepest = np.zeros(futures), np.zeros(futures), np.zeros(futures)
    under, back = np.zeros(futures), np.zeros(futures)
    for month in range(months):
        npv += flow[:, month] / (1 + discount_rate) ** (month / YEAR)
        balance = balance + flow[:, month]
        deepest = np.minimum(deepest, balance)
        below = balance < -tiny
        under += below
        back = np.where(below, month + 1, back)
    return Course(npv, -deepest, under, np.where(back < months, back, np.inf))
