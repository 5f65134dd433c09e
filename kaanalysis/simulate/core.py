"""The latent process: sellers, and deals with their steps. Days are whole days since 1970-01-01.

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
    begins, ends: days on which a step is entered and left (counting on as if nothing failed). fails: index of the step
    that fails (number of steps: none). end: day of the outcome (also if after as_of). outcome: 1 won, 0 lost, -1 open.
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
    order = [
        segment.key_role,
        *(r for r in base if r not in (segment.key_role, *segment.merge_order)),
        *reversed(segment.merge_order),
    ]
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
    launched = (created >= day(world.ka_launch)) & (u >= world.ka_by_smb)
    theirs = u < world.channel_share if label == "SMB" else launched
    team[theirs] = others[(v[theirs] * len(others)).astype(np.int64)]
    return team
