"""The latent process: deals with their steps, and the customers they make. Days are whole days since 1970-01-01.

A deal passes its steps one after the other. Each takes a lognormal number of days, rounded up, and is then passed or
not; the chance depends on the step, the seller's skill and on whether the acting person was ever met. Durations and
passing are independent, so the truth can be integrated exactly (:mod:`kaanalysis.simulate.truth`).
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from kaanalysis.contracts import UnusableData
from kaanalysis.simulate.parameters import Segment, World

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
MONTH = 365.25 / 12  # days
NEVER = np.int64(2**40)
KEY_PERSON = 0


def rng(seed: int, name: str) -> np.random.Generator:
    """The random numbers of one table or mechanism: a stream of its own, so that adding another shifts none."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(zlib.crc32(name.encode()),)))


def day(value: date) -> int:
    """Days since 1970-01-01."""
    return (value - date(1970, 1, 1)).days


def scaled(count: float, size: float) -> int:
    return max(1, round(count * size))


@dataclass(frozen=True)
class Sellers:
    """All sellers, team after team. offset: first seller of each team (one entry more than teams); skill: standard
    normal; starts: first day, ascending within a team."""

    offset: Ints
    skill: Floats
    starts: Ints

    def draw(self, team: Ints, at: Ints, u: Floats) -> Ints:
        """For each deal a seller of `team` who was there on day `at`; u: uniform numbers."""
        chosen = np.empty(len(team), np.int64)
        for t in range(len(self.offset) - 1):
            mine = team == t
            starts = self.starts[self.offset[t] : self.offset[t + 1]]
            there = np.maximum(np.searchsorted(starts, at[mine], side="right"), 1)
            chosen[mine] = self.offset[t] + (u[mine] * there).astype(np.int64)
        return chosen

    def present(self, team: int, at: Ints) -> Ints:
        """Number of sellers of `team` on the days `at`."""
        return np.searchsorted(self.starts[self.offset[team] : self.offset[team + 1]], at, side="right")


def sellers(world: World, seed: int, size: float) -> Sellers:
    """Draw the sellers' skills and first days (those not there at the start join evenly over the team's time)."""
    g = rng(seed, "sellers")
    counts = [scaled(t.owners, size) for t in world.teams]
    starts = []
    for team, count in zip(world.teams, counts, strict=True):
        begin = day(world.ka_launch if team.motion == "KA" else world.observed_from)
        initial = max(1, round(team.at_start * count))
        rest = count - initial
        later = begin + (np.arange(1, rest + 1) / (rest + 1) * (day(world.as_of) - begin)).astype(np.int64)
        starts.append(np.concatenate([np.full(initial, begin), later]).astype(np.int64))
    return Sellers(np.cumsum([0, *counts]), g.standard_normal(sum(counts)), np.concatenate(starts))


@dataclass(frozen=True)
class Deals:
    """The deals of one segment, oldest first. Matrices are deals x steps or deals x roles.

    person: number of the person who holds a role (0 the key person, -1 nobody); met: the person is met in time.
    begins, ends: days on which a step is entered and left (ends counts on as if nothing failed); reached: last step index
    entered by as_of; fails: index of the step that fails (number of steps: none); end: day of the outcome (also if after
    as_of); outcome: 1 won, 0 lost, -1 open.
    """

    label: str
    created: Ints
    region: Ints
    team: Ints
    owner: Ints
    shift: Floats
    amount: Floats
    extra: Flags
    repeat: Flags
    persons: Ints
    person: Ints
    met: Flags
    present: Flags
    begins: Ints
    ends: Ints
    fails: Ints
    end: Ints
    outcome: Ints

    @property
    def won(self) -> Flags:
        return self.outcome == 1


def role_persons(segment: Segment, persons: Ints, extra: Flags) -> Ints:
    """Who holds each role: roles in merge order go to the key person until `persons` persons are left."""
    roles = [r.role for r in segment.roles]
    beyond = {s.role for s in segment.steps if s.above_limit}
    base = [r for r in roles if r not in beyond]
    order = [segment.key_role, *reversed(segment.merge_order)]
    order = [segment.key_role, *(r for r in base if r not in order), *reversed(segment.merge_order)]
    held = np.empty((len(persons), len(roles)), np.int64)
    for i, role in enumerate(roles):
        if role in beyond:
            held[:, i] = np.where(extra, len(base), -1)
        else:
            place = order.index(role)
            held[:, i] = np.where(place < persons, place, KEY_PERSON)
    return held


def created_days(world: World, segment: Segment, u: Floats) -> Ints:
    """Opening days from stratified uniforms: exponential growth, with the share before the launch held if given."""
    lo, mid, hi = day(world.observed_from), day(world.ka_launch), day(world.as_of)
    rate = np.log1p(segment.growth) / 365.25

    def quantile(v: Floats, a: float, b: float) -> Floats:
        span = b - a
        return a + (np.log1p(v * np.expm1(rate * span)) / rate if abs(rate) > 1e-9 else v * span)

    if segment.before_launch is None:
        days = quantile(u, lo, hi)
    else:
        share = segment.before_launch
        early = u < share
        days = np.empty(len(u))
        days[early] = quantile(u[early] / max(share, 1e-12), lo, mid)
        days[~early] = quantile((u[~early] - share) / (1 - share), mid, hi)
    return np.floor(days).astype(np.int64)


def draw_deals(world: World, label: str, seed: int, size: float, crew: Sellers) -> Deals:
    """All deals of a segment with their steps."""
    segment = dict(world.segments())[label]
    g = rng(seed, f"deals {label}")
    n = scaled(segment.opportunities, size)
    created = np.sort(created_days(world, segment, (np.arange(n) + g.random(n)) / n))
    region = g.choice(len(world.regions), n, p=np.array(list(world.regions.values())) / sum(world.regions.values()))
    team = _teams(world, label, created, region, g)
    owner = crew.draw(team, created, g.random(n))
    theirs = np.array([t.motion == "KA" for t in world.teams])[team]
    shift = segment.skill_sd * crew.skill[owner] + np.where((label == "KA") & ~theirs, world.seller_gap, 0.0)
    amount = np.round(segment.amount_median * np.exp(segment.amount_log_sd * g.standard_normal(n)), 2)
    extra = (amount > segment.authority_limit) & any(s.above_limit for s in segment.steps)
    persons = 1 + g.choice(len(segment.persons), n, p=np.array(segment.persons))
    person = role_persons(segment, persons, extra)
    everyone = g.random((n, len(segment.roles) + 1)) >= segment.unmet  # by person number
    met = np.where(person == KEY_PERSON, True, np.take_along_axis(everyone, np.maximum(person, 0), 1))
    roles = [r.role for r in segment.roles]
    steps = len(segment.steps)
    present = np.ones((n, steps), bool)
    ends = np.empty((n, steps), np.int64)
    fails = np.full(n, steps)
    clock = created.copy()
    begins = np.empty((n, steps), np.int64)
    for s, step in enumerate(segment.steps):
        if step.above_limit:
            present[:, s] = extra
        acting_met = met[:, roles.index(step.role)]
        chance = expit(logit(step.pass_probability) + shift + np.where(acting_met, 0.0, segment.unmet_effect))
        took = np.ceil(step.days * np.exp(step.log_sd * g.standard_normal(n))).astype(np.int64)
        failed = present[:, s] & (g.random(n) >= chance) & (fails == steps)
        fails[failed] = s
        begins[:, s] = clock
        clock = clock + np.where(present[:, s], took, 0)
        ends[:, s] = clock
    end = ends[np.arange(n), np.minimum(fails, steps - 1)]
    outcome = np.where(end > day(world.as_of), -1, np.where(fails == steps, 1, 0))
    repeat = g.random(n) < segment.repeat
    return Deals(label, created, region, team, owner, shift, amount, extra, repeat, persons, person, met, present,
                 begins, ends, fails, end, outcome)  # fmt: skip


def _teams(world: World, label: str, created: Ints, region: Ints, g: np.random.Generator) -> Ints:
    n = len(created)
    u, v = g.random(n), g.random(n)
    team = np.empty(n, np.int64)
    for r, name in enumerate(world.regions):
        local = np.array([i for i, t in enumerate(world.teams) if t.motion == "SMB" and t.region == name])
        mine = region == r
        team[mine] = local[(v[mine] * len(local)).astype(np.int64)]
    motion = "channel" if label == "SMB" else "KA"
    others = np.array([i for i, t in enumerate(world.teams) if t.motion == motion])
    if label == "SMB":
        theirs = u < world.channel_share
    else:
        theirs = (created >= day(world.ka_launch)) & (u >= world.ka_by_smb)
    team[theirs] = others[(v[theirs] * len(others)).astype(np.int64)]
    return team


@dataclass(frozen=True)
class Customers:
    """The accounts of one segment. start, end: first and last day of the customer's life (NEVER: no customer; end may
    lie after as_of). account: each deal's account; first: the deal made the account a customer; repeat: the account was
    one already. region: the account's."""

    start: Ints
    end: Ints
    region: Ints
    account: Ints
    first: Flags
    repeat: Flags


def life_days(segment: Segment, g: np.random.Generator, n: int) -> Floats:
    """Customer lives in days: Weibull with the segment's median and shape."""
    scale = segment.life_median_months / np.log(2) ** (1 / segment.life_shape)
    return scale * g.weibull(segment.life_shape, n) * MONTH


def draw_customers(world: World, deals: Deals, seed: int, size: float) -> Customers:
    """Give each deal an account of its region and each customer a life; deals keep their outcomes."""
    segment = dict(world.segments())[deals.label]
    g = rng(seed, f"customers {deals.label}")
    shares = np.array(list(world.regions.values())) / sum(world.regions.values())
    accounts = np.diff(np.round(np.concatenate([[0], np.cumsum(shares)]) * scaled(segment.accounts, size)))
    legacy = np.diff(np.round(np.concatenate([[0], np.cumsum(shares)]) * scaled(segment.legacy, size)))
    n = len(deals.created)
    account, first, repeat = np.full(n, -1), np.zeros(n, bool), deals.repeat.copy()
    starts, ends, regions = [], [], []
    base = 0
    for r in range(len(shares)):
        mine = np.flatnonzero(deals.region == r)
        start, end, chosen, is_first, is_repeat = _region(world, segment, deals, mine, int(accounts[r]), int(legacy[r]), g)
        account[mine], first[mine], repeat[mine] = base + chosen, is_first, is_repeat
        starts.append(start)
        ends.append(end)
        regions.append(np.full(len(start), r))
        base += len(start)
    return Customers(np.concatenate(starts), np.concatenate(ends), np.concatenate(regions), account, first, repeat)


def _region(
    world: World, segment: Segment, deals: Deals, mine: Ints, accounts: int, legacy: int, g: np.random.Generator
) -> tuple[Ints, Ints, Ints, Flags, Flags]:
    created, closed = deals.created[mine], np.minimum(deals.end[mine], day(world.as_of))
    won, repeat = deals.won[mine], deals.repeat[mine].copy()
    makers = np.flatnonzero(won & ~repeat)
    makers = makers[np.argsort(closed[makers], kind="stable")]
    repeat[makers[max(accounts - legacy - 1, 0) :]] = True  # more first wins than accounts: the last come from customers
    makers = makers[: max(accounts - legacy - 1, 0)]
    customers = legacy + len(makers)
    if customers == 0:
        raise UnusableData("this size leaves a region without customers; choose a larger size.")
    start, end = np.full(accounts, NEVER), np.full(accounts, NEVER)
    start[:legacy], end[:legacy] = _legacy(world, segment, legacy, g)
    start[legacy:customers] = closed[makers]
    end[legacy:customers] = closed[makers] + np.ceil(life_days(segment, g, len(makers))).astype(np.int64)
    account = np.full(len(mine), -1)
    account[makers] = np.arange(legacy, customers)
    # meant for present customers: one whose life spans the deal
    todo = np.flatnonzero(repeat)
    _place(account, todo, lambda c, i: (start[c] < created[i]) & (end[c] > closed[i]), customers, 0, g)
    stuck = todo[account[todo] < 0]
    repeat[stuck[~won[stuck]]] = False
    for i in stuck[won[stuck]]:  # few: any customer, whose life is then stretched to span the deal
        options = np.flatnonzero(start[:customers] < created[i])
        account[i] = options[g.integers(len(options))] if len(options) else 0
        end[account[i]] = max(end[account[i]], closed[i] + 1)
    # new: an account that is no customer while the deal runs
    todo = np.flatnonzero((account < 0) & ~repeat)
    _place(account, todo, lambda c, i: start[c] > closed[i], accounts - legacy, legacy, g)
    stuck = todo[account[todo] < 0]
    account[stuck] = g.integers(customers, accounts, len(stuck))
    is_first = np.zeros(len(mine), bool)
    is_first[makers] = True
    return start, end, account, is_first, repeat


def _place(account, todo, fits, count, base, g) -> None:  # type: ignore[no-untyped-def]
    """Draw an account from base … base+count for every deal in `todo` until it fits; at most 60 draws."""
    for _ in range(60):
        if not len(todo):
            return
        candidate = base + g.integers(count, size=len(todo))
        good = fits(candidate, todo)
        account[todo[good]] = candidate[good]
        todo = todo[~good]


def _legacy(world: World, segment: Segment, count: int, g: np.random.Generator) -> tuple[Ints, Ints]:
    """Customers from before the records that were still there on the first day: starts spread evenly over the years
    before, kept with the chance of having stayed."""
    since = day(world.observed_from)
    start, end = np.empty(0, np.int64), np.empty(0, np.int64)
    while len(start) < count:
        tries = 4 * count + 50
        born = since - 1 - np.floor(g.random(tries) * segment.legacy_years * 365.25).astype(np.int64)
        dies = born + np.ceil(life_days(segment, g, tries)).astype(np.int64)
        stayed = dies >= since
        start, end = np.concatenate([start, born[stayed]]), np.concatenate([end, dies[stayed]])
    return start[:count], end[:count]
