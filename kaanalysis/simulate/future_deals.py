"""The deals of a path's futures, one by one: opened as planned, worked by sellers of their own skill, passed through the world's own steps.

:mod:`kaanalysis.simulate.futures` makes cash of them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit

from kaanalysis.simulate.core import KEY_PERSON, MONTH, Flags, Floats, Ints, role_persons
from kaanalysis.simulate.customers import life_days
from kaanalysis.simulate.kinds import kinds
from kaanalysis.simulate.world import Manner, World

YEAR = 12


@dataclass(frozen=True)
class Contracts:
    """Signed contracts of all futures. future: which one; month: of signing, counted from the decision (may lie beyond the end); amount
    (currency); life: months that the customer stays; moved: SMB would have brought it anyway; undone: refunded or litigated."""

    future: Ints
    month: Ints
    amount: Floats
    life: Floats
    moved: Flags
    undone: Flags


@dataclass(frozen=True)
class Settings:
    """The inputs that one path uses, (futures,) each: common ones, and its own without its name before them."""

    path: str
    values: Mapping[str, Floats]
    futures: int

    @classmethod
    def of(cls, path: str, x: Mapping[str, npt.ArrayLike]) -> Settings:
        own = f"{path}."
        mine = {
            n.removeprefix(own): np.ravel(np.asarray(v, float))
            for n, v in x.items()
            if n.startswith(own) or "." not in n
        }
        futures = max(len(v) for v in mine.values())
        return cls(path, {n: np.broadcast_to(v, (futures,)) for n, v in mine.items()}, futures)

    def __getitem__(self, name: str) -> Floats:
        return self.values[name]


def planned(s: Settings, months: int) -> tuple[Floats, Floats]:
    """(share of the full rate reached, deals expected to be opened) by month, (futures, months) each. Opened is what the sellers can
    open, or what the accounts they may sell to buy, whichever is less."""
    reached = np.empty((s.futures, months))
    opened = np.empty((s.futures, months))
    accounts = s["potential_accounts"]
    if "named_accounts" in s.values:
        accounts = np.minimum(accounts, s["sellers"] * s["named_accounts"])
    for month in range(months):
        reached[:, month] = np.minimum((month + 1) / np.maximum(s["ramp_months"], 1.0), 1.0)
        can = s["sellers"] * s["deals_per_seller"] * s["productivity"] * reached[:, month]
        opened[:, month] = np.minimum(can, accounts * s["deals_per_account"] / YEAR)
    return reached, opened


def _manners(world: World, works_as: Manner | None, n: int, g: np.random.Generator) -> tuple[Floats, Floats, Floats]:
    """(log-odds, factor on days, factor on amount) of every deal: of `works_as`, or of the kinds that KA deals in the records are of."""
    if works_as is not None:
        return np.full(n, works_as.gap), np.full(n, works_as.days), np.full(n, works_as.amount)
    known = [k for k in kinds(world, "KA") if not k.lost]
    weight = np.array([k.weight for k in known])
    which = g.choice(len(known), n, p=weight / weight.sum())
    gap, days, amount = (np.array([getattr(k, f) for k in known])[which] for f in ("gap", "days", "amount"))
    return gap, days, amount


def _passed(
    world: World,
    shift: Floats,
    pace: Floats,
    amount: Floats,
    lift: Floats,
    relieved: Collection[str],
    g: np.random.Generator,
) -> tuple[Flags, Floats]:
    """Whether each deal passes all its steps, and the days that takes. shift: log-odds on every step; lift: how much of the way to the
    world's benchmark the relieved steps go."""
    ka, n = world.ka, len(shift)
    extra = (amount > ka.authority_limit) & any(step.above_limit for step in ka.steps)
    persons = 1 + g.choice(len(ka.persons), n, p=np.array(ka.persons))
    person = role_persons(ka, persons, extra)
    met_all = g.random((n, len(ka.roles) + 1)) >= ka.unmet
    if ka.alone:
        met_all &= g.random((n, 1)) >= ka.alone
    met = np.where(person == KEY_PERSON, True, np.take_along_axis(met_all, np.maximum(person, 0), 1))
    roles = [role.role for role in ka.roles]
    alive, days = np.ones(n, bool), np.zeros(n)
    for step in ka.steps:
        taken = extra if step.above_limit else np.ones(n, bool)
        odds = logit(step.pass_probability) + shift + np.where(met[:, roles.index(step.role)], 0.0, ka.unmet_effect)
        chance = expit(odds)
        if step.name in relieved:
            chance = chance + lift * (world.benchmark - chance)
        alive &= ~taken | (g.random(n) < chance)
        days += np.where(taken, np.ceil(step.days * pace * np.exp(step.log_sd * g.standard_normal(n))), 0.0)
    return alive, days


def signed(
    world: World,
    s: Settings,
    reached: Floats,
    opened: Ints,
    relieved: Collection[str],
    works_as: Manner | None,
    g: np.random.Generator,
) -> Contracts:
    """Every deal opened, followed through its steps; the contracts of those that pass them all. opened: number by future and month."""
    ka = world.ka
    future, month = (np.repeat(i, opened.ravel()) for i in np.indices(opened.shape).reshape(2, -1))
    n = len(future)
    crew = np.maximum(np.ceil(s["sellers"]).astype(np.int64), 1)
    skill = g.standard_normal((s.futures, int(crew.max())))
    owner = (g.random(n) * crew[future]).astype(np.int64)
    gap, pace, factor = _manners(world, works_as, n, g)
    z = g.standard_normal(n)
    amount = ka.amount_median * factor * np.exp(ka.amount_log_sd * z)
    shift = ka.skill_sd * skill[future, owner] + gap + ka.size_effect * ka.amount_log_sd * z
    lift = (s["relief_reached"] * s["relief_factor"])[future] * reached[future, month]
    won, days = _passed(world, shift, pace, amount, lift, relieved, g)
    at = np.floor(month + g.random(n) + days / MONTH).astype(np.int64)
    future, at, amount = future[won], at[won], amount[won]
    anyway = np.clip(s["accounts_moved"] * s["accounts_factor"], 0.0, 1.0)[future]
    life = life_days(ka, g, len(future)) / MONTH
    return Contracts(
        future, at, amount, life, g.random(len(future)) < anyway, g.random(len(future)) < ka.refunded + ka.litigated
    )
