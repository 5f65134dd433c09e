"""What all of the drawing shares: random numbers, days, sellers, and the deals' form. Days are whole days since 1970-01-01."""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kaanalysis.simulate.world import Segment, World

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
MONTH = 365.25 / 12  # days
NEVER = np.int64(2**40)
KEY_PERSON = 0
CAPABILITY_SPREAD = 0.08  # standard deviation of an item's level (0–1) about its team's mean
DISCOUNT = (2.0, 18.0)  # Beta distribution of an order line's discount on the list price, whatever the customer


def rng(seed: int, name: str) -> np.random.Generator:
    """The random numbers of one table or mechanism: a stream of its own, so that adding another shifts none."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(zlib.crc32(name.encode()),)))


def day(value: date) -> int:
    """Days since 1970-01-01."""
    return (value - date(1970, 1, 1)).days


def scaled(count: float, size: float) -> int:
    return max(1, round(count * size))


def motions(world: World) -> NDArray[np.str_]:
    """Motion (SMB, KA or channel) of every team, in the teams' order."""
    return np.array([t.motion for t in world.teams])


def region_shares(world: World) -> Floats:
    """Share of the deals in every region, in the regions' order; they add up to 1."""
    return np.array(list(world.regions.values())) / sum(world.regions.values())


@dataclass(frozen=True)
class ListsLean:
    """What lists that lean (:class:`kaanalysis.simulate.world.Leaning`) come to in one segment, each for the industries they lean to
    and for the others. worked: share of the worked accounts; unworked: potential customers nobody works, at size 1; ranked: chance
    to be on a ranking."""

    worked: tuple[float, float]
    unworked: tuple[float, float]
    ranked: tuple[float, float]

    @property
    def listed(self) -> tuple[float, float]:
        """Potential customers known from a ranking alone, at size 1."""
        return self.unworked[0] * self.ranked[0], self.unworked[1] * self.ranked[1]


def lists_lean(world: World, segment: Segment) -> ListsLean:
    """The potential customers are even over industries; the totals of worked and of ranked ones are as without leaning."""
    assert world.leaning is not None
    part = len(world.leaning.industries) / len(world.industries)
    market = max(segment.market, segment.accounts)
    mine = part * world.leaning.worked / (part * world.leaning.worked + 1 - part)
    unworked = part * market - mine * segment.accounts, (1 - part) * market - (1 - mine) * segment.accounts
    chance = segment.ranked / (part * world.leaning.ranked + 1 - part)
    return ListsLean((mine, 1 - mine), unworked, (chance * world.leaning.ranked, chance))


@dataclass(frozen=True)
class Sellers:
    """All sellers, team after team. offset: first seller of each team (one entry more than teams); skill: standard
    normal; starts: first day, ascending within a team. leavers: how many of each team, the first in it, leave on day `leaving`
    (hatching); was: number that a seller had before (its own where it is new), so that it keeps its name."""

    offset: Ints
    skill: Floats
    starts: Ints
    leavers: Ints
    leaving: int
    was: Ints

    def draw(self, team: Ints, at: Ints, u: Floats) -> Ints:
        """For each deal a seller of `team` who was there on day `at`; u: uniform numbers."""
        chosen = np.empty(len(team), np.int64)
        for t in range(len(self.offset) - 1):
            mine = team == t
            starts = self.starts[self.offset[t] : self.offset[t + 1]]
            there = np.maximum(np.searchsorted(starts, at[mine], side="right"), 1)
            gone = np.where(at[mine] >= self.leaving, np.minimum(self.leavers[t], there - 1), 0)
            chosen[mine] = self.offset[t] + gone + (u[mine] * (there - gone)).astype(np.int64)
        return chosen

    def present(self, team: int, at: Ints) -> Ints:
        """Number of sellers of `team` on the days `at`."""
        there = np.searchsorted(self.starts[self.offset[team] : self.offset[team + 1]], at, side="right")
        return there - np.where(at >= self.leaving, np.minimum(self.leavers[team], there), 0)


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
    offset, skill = np.cumsum([0, *counts]), g.standard_normal(sum(counts))
    leavers, was = np.zeros(len(counts), np.int64), np.arange(sum(counts))
    if world.hatching is not None:
        _hatch(world, counts, offset, skill, leavers, was)
    return Sellers(offset, skill, np.concatenate(starts), leavers, day(world.ka_launch), was)


def best_leave(world: World, initial: list[int]) -> int:
    """How many SMB sellers become KA sellers (at least one stays in every team). initial: sellers of each team on its first day."""
    assert world.hatching is not None
    smb = sum(n - 1 for n, t in zip(initial, world.teams, strict=True) if t.motion == "SMB")
    return min(
        smb, sum(round(world.hatching.share * n) for n, t in zip(initial, world.teams, strict=True) if t.motion == "KA")
    )


def _hatch(world: World, counts: list[int], offset: Ints, skill: Floats, leavers: Ints, was: Ints) -> None:
    """Sort each SMB team's first sellers by skill and let the best of all teams go to the KA team; fills leavers and was."""
    initial = [max(1, round(t.at_start * n)) for t, n in zip(world.teams, counts, strict=True)]
    best: list[tuple[float, int, int]] = []
    for t, team in enumerate(world.teams):
        if team.motion == "SMB":
            first = slice(offset[t], offset[t] + initial[t])
            skill[first] = np.sort(skill[first])[::-1]
            best += [(-skill[k], t, k) for k in range(offset[t], offset[t] + initial[t] - 1)]
    best = sorted(best)[: best_leave(world, initial)]
    for _, t, _ in best:
        leavers[t] += 1
    going = [k for _, _, k in best]
    for t, team in enumerate(world.teams):
        if team.motion == "KA":
            for k in range(offset[t], offset[t] + initial[t]):
                if going:
                    was[k] = going.pop(0)


@dataclass(frozen=True)
class Deals:
    """The deals of one segment, oldest first. Matrices are deals x steps or deals x roles.

    person: number of the person who holds a role (0 the key person, -1 nobody); met: the person is met in time.
    begins, ends: days on which a step is entered and left (counting on as if nothing failed). fails: index of the step
    that fails (number of steps: none). end: day of the outcome (also if after as_of). outcome: 1 won, 0 lost, -1 open.
    shift: log-odds of the seller's skill. seen: the deal is registered. diverted: a partner took it to a competitor.
    pair: number shared by two teams' deals with the same customer at the same time (-1: none); shadow: the one that does not count.
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
    seen: Flags
    diverted: Flags
    pair: Ints
    shadow: Flags

    def pick(self, which: Flags | Ints) -> Deals:
        """The deals at `which`, in that order."""
        return self.map(lambda _, values: values[which])

    def map(self, change: Callable[[str, Any], Any]) -> Deals:
        """Every array by name through `change`; the label stays."""
        arrays = {f.name: change(f.name, getattr(self, f.name)) for f in dataclasses.fields(self) if f.name != "label"}
        return Deals(label=self.label, **arrays)

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
