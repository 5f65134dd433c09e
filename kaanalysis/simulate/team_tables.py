"""The tables about the selling teams: who they are, what they cost and bring month by month, what they can do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from kaanalysis.simulate.core import CAPABILITY_SPREAD, Ints, Sellers, day, rng
from kaanalysis.simulate.deals import ramp, shortfall_ramp
from kaanalysis.simulate.tables import Part, dates, join, money
from kaanalysis.simulate.world import World


def teams(world: World) -> pa.Table:
    return pa.table({
        "team": [t.team for t in world.teams], "motion": [t.motion for t in world.teams],
        "region": pa.array([t.region or None for t in world.teams], pa.string()),
        "mode": pa.array([t.mode for t in world.teams], pa.string()),
    })  # fmt: skip


@dataclass
class Tally:
    """What team_months is made of, summed over the shards of a company: teams × months matrices of won cents and of sellers."""

    cents: Ints
    sellers: Ints

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.cents + other.cents, self.sellers + other.sellers)


def months_of(world: World) -> tuple[Any, Ints, Ints]:
    """(months since observed_from, their first days, their last days up to as_of)."""
    months = np.arange(np.datetime64(world.observed_from, "M"), np.datetime64(world.as_of, "M") + 1)
    first = months.astype("datetime64[D]").astype(np.int64)
    return months, first, np.minimum((months + 1).astype("datetime64[D]").astype(np.int64) - 1, day(world.as_of))


def tally(world: World, made: list[Part], crew: Sellers) -> Tally:
    """Registered won amounts and sellers by team and month."""
    months, _, month_end = months_of(world)
    cents = np.zeros((len(world.teams), len(months)), np.int64)
    for part in made:
        d = part.deals
        won = np.flatnonzero(d.won)
        month = d.end[won].astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) - months[0].astype(np.int64)
        np.add.at(cents, (d.team[won], month), np.round(d.amount[won] * 100).astype(np.int64))
    return Tally(cents, np.stack([crew.present(t, month_end) for t in range(len(world.teams))]))


def team_months(world: World, seed: int, size: float, total: Tally) -> pa.Table:
    """Month by month what a team has, costs and brings; bookings are the sums of its won amounts, to the cent."""
    g = rng(seed, "team_months")
    months, first_day, month_end = months_of(world)
    years = (months - months[0]).astype(np.int64) / 12
    pulled = (
        ramp(world, month_end, world.starving.ramp_months) * world.starving.capacity
        if world.starving
        else np.zeros(len(months))
    )
    filled = shortfall_ramp(world, month_end)
    given = sum(t.capacity for t in world.teams if t.motion == "SMB") / sum(t.motion == "KA" for t in world.teams)
    out = []
    for t, team in enumerate(world.teams):
        n = len(months)
        smb, key = team.motion == "SMB", team.motion == "KA"
        noise = 1 + 0.03 * g.standard_normal((3, n))
        releases = g.poisson(team.releases * (1 - pulled * smb), n)
        begins = day(world.ka_launch) if key else day(world.observed_from)
        there = np.flatnonzero((month_end >= begins) | (total.cents[t] > 0))
        sellers = total.sellers[t]
        wage = (1 + world.wage_growth) ** years
        capacity = (team.capacity * (1 - pulled * smb) + given * pulled * key) * size
        friction = 1 + (world.shortfall.friction * filled if world.shortfall else 0.0)
        quota = team.quota * (1 + ((world.shortfall.quota - 1) * filled * smb if world.shortfall else 0.0))
        out.append({
            "team": pa.repeat(team.team, len(there)),
            "month": dates(first_day[there]),
            "sellers": pa.array(sellers[there]),
            "cost": money((sellers * team.cost * wage * noise[0])[there]),
            "support_cost": money((sellers * team.support_cost * wage * noise[1] * friction)[there]),
            "product_capacity": pa.array(np.round((capacity * np.maximum(noise[2], 0))[there], 1)),
            "releases": pa.array(releases[there]),
            "quota": money((sellers * quota)[there].astype(float)),
            "bookings": pa.array(total.cents[t][there] / 100),
        })  # fmt: skip
    return join(out)


def capability(world: World, seed: int) -> pa.Table:
    g = rng(seed, "capability")
    lanes = [(lane, item) for lane, items in world.capability.items() for item in items]
    rows = [(t.team, lane, item) for t in world.teams for lane, item in lanes]
    mean = np.repeat([t.capability for t in world.teams], len(lanes))
    level = np.round(np.clip(mean + CAPABILITY_SPREAD * g.standard_normal(len(rows)), 0, 1), 2)
    names = {key: [row[k] for row in rows] for k, key in enumerate(("team", "lane", "item"))}
    return pa.table({**names, "level": level})
