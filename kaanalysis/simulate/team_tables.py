"""The tables about the selling teams: who they are, what they cost and bring month by month, what they can do."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from kaanalysis.simulate.core import Sellers, day, rng
from kaanalysis.simulate.parameters import World
from kaanalysis.simulate.tables import Part, dates, join, money


def teams(world: World) -> pa.Table:
    return pa.table({
        "team": [t.team for t in world.teams], "motion": [t.motion for t in world.teams],
        "region": pa.array([t.region or None for t in world.teams], pa.string()),
        "mode": pa.array([t.mode for t in world.teams], pa.string()),
    })  # fmt: skip


def team_months(world: World, seed: int, size: float, made: list[Part], crew: Sellers) -> pa.Table:
    """Month by month what a team has, costs and brings; bookings are the sums of its won amounts, to the cent."""
    g = rng(seed, "team_months")
    first, last = np.datetime64(world.observed_from, "M"), np.datetime64(world.as_of, "M")
    months = np.arange(first, last + 1)
    day_of = months.astype("datetime64[D]").astype(np.int64)
    month_end = np.minimum((months + 1).astype("datetime64[D]").astype(np.int64) - 1, day(world.as_of))
    cents = np.zeros((len(world.teams), len(months)), np.int64)
    for part in made:
        d = part.deals
        won = np.flatnonzero(d.won)
        month = d.end[won].astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) - first.astype(np.int64)
        np.add.at(cents, (d.team[won], month), np.round(d.amount[won] * 100).astype(np.int64))
    years = (months - first).astype(np.int64) / 12
    out = []
    for t, team in enumerate(world.teams):
        n = len(months)
        noise, releases = 1 + 0.03 * g.standard_normal((3, n)), g.poisson(team.releases, n)
        begins = day(world.ka_launch) if team.motion == "KA" else day(world.observed_from)
        there = np.flatnonzero((month_end >= begins) | (cents[t] > 0))
        sellers = crew.present(t, month_end)
        wage = (1 + world.wage_growth) ** years
        out.append({
            "team": pa.repeat(team.team, len(there)),
            "month": dates(day_of[there]),
            "sellers": pa.array(sellers[there]),
            "cost": money((sellers * team.cost * wage * noise[0])[there]),
            "support_cost": money((sellers * team.support_cost * wage * noise[1])[there]),
            "product_capacity": pa.array(np.round((team.capacity * size * np.maximum(noise[2], 0))[there], 1)),
            "releases": pa.array(releases[there]),
            "quota": money((sellers * team.quota)[there].astype(float)),
            "bookings": pa.array(cents[t][there] / 100),
        })  # fmt: skip
    return join(out)


def capability(world: World, seed: int) -> pa.Table:
    g = rng(seed, "capability")
    lanes = [(lane, item) for lane, items in world.capability.items() for item in items]
    rows = [(t.team, lane, item) for t in world.teams for lane, item in lanes]
    mean = np.repeat([t.capability for t in world.teams], len(lanes))
    level = np.round(np.clip(mean + 0.08 * g.standard_normal(len(rows)), 0, 1), 2)
    names = {key: [row[k] for row in rows] for k, key in enumerate(("team", "lane", "item"))}
    return pa.table({**names, "level": level})
