"""The tables of who holds which account and who quarrels about it: ownership and disputes between the teams."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kaanalysis.simulate.core import Flags, Ints, day, motions, rng
from kaanalysis.simulate.deals import affected_regions, ramp
from kaanalysis.simulate.tables import Part, Widths, account_created, by, dates, join, words
from kaanalysis.simulate.world import World


def handovers(world: World, seed: int, part: Part) -> tuple[Flags, Ints]:
    """(accounts taken over from SMB, day of the take-over): KA accounts known before the launch."""
    created = account_created(world, seed, part)
    launch = day(world.ka_launch)
    after = rng(seed, f"handover {part.label}").integers(0, 121, size=len(created))
    return (created < launch) & (part.label == "KA"), np.minimum(launch + after, day(world.as_of))


def holders(world: World, part: Part) -> tuple[Ints, Ints]:
    """(regional SMB team or channel, KA team) of every account; the channel holds what it sold first."""
    direct = {t.region: i for i, t in reversed(list(enumerate(world.teams))) if t.motion == "SMB"}
    local = np.array([direct[region] for region in world.regions])
    team = local[part.customers.region]
    if part.label == "SMB":
        held = np.flatnonzero(motions(world)[part.deals.team] != "KA")  # a rival does not hold by pursuing
        account, at = np.unique(part.customers.account[held], return_index=True)
        team[account] = part.deals.team[held[at]]
    ka = [i for i, t in enumerate(world.teams) if t.motion == "KA"]
    return team, np.array(ka)[np.arange(len(team)) % len(ka)]


def ownership(world: World, seed: int, made: list[Part], w: Widths) -> pa.Table:
    out = []
    teams = [t.team for t in world.teams]
    for part in made:
        created = account_created(world, seed, part)
        first, ka = holders(world, part)
        moved, at = handovers(world, seed, part)
        begin = np.flatnonzero(moved | (part.label == "SMB"))
        then = np.flatnonzero(moved | (part.label == "KA"))
        out.append({
            "account_id": w.accounts(part.base + np.concatenate([begin, then])),
            "team": words(teams, np.concatenate([first[begin], ka[then]])),
            "from_at": dates(np.concatenate([created[begin], np.where(moved, at, created)[then]])),
            "to_at": dates(np.concatenate([at[begin] - 1, at[then]]),
                           np.concatenate([~moved[begin], np.ones(len(then), bool)])),
        })  # fmt: skip
        out += rival_claims(world, part, w)
    table = by(join(out), "account_id", "from_at")
    backwards = pc.fill_null(pc.less(table["to_at"], table["from_at"]), False)
    return table.filter(pc.invert(backwards))


def rival_claims(world: World, part: Part, w: Widths) -> list[dict[str, pa.Array]]:
    """From its first deal with a customer of another team on, the KA team holds the customer too: nobody lets go."""
    d = part.deals
    theirs = np.flatnonzero((d.pair >= 0) & (motions(world)[d.team] == "KA"))
    if not len(theirs):
        return []
    account, at = np.unique(part.customers.account[theirs], return_index=True)
    first = theirs[at]  # deals are oldest first
    return [{
        "account_id": w.accounts(part.base + account),
        "team": words([t.team for t in world.teams], d.team[first]),
        "from_at": dates(d.created[first]),
        "to_at": pa.nulls(len(first), pa.date32()),
    }]  # fmt: skip


@dataclass(frozen=True)
class Quarrels:
    """Disputes: number of the account, day of opening, the two teams."""

    account: Ints
    opened: Ints
    team_a: Ints
    team_b: Ints


def disputes(world: World, seed: int, size: float, made: list[Part], w: Widths) -> pa.Table:
    """Quarrels between teams about accounts: taken over, contested, obstructed by partners, claimed in a shortfall."""
    g = rng(seed, "disputes")
    taken_over = handover_quarrels(world, seed, size, made, g)
    n = len(taken_over.account)
    hours = world.dispute_hours * np.exp(0.6 * g.standard_normal(n))
    quarrels = [taken_over, *(q for part in made for q in deal_quarrels(world, seed, part))]
    more = sum(len(q.account) for q in quarrels[1:])
    hours = np.concatenate(
        [hours, world.dispute_hours * np.exp(0.6 * rng(seed, "dispute hours").standard_normal(more))]
    )
    teams = [t.team for t in world.teams]
    return by(pa.table({
        "account_id": w.accounts(np.concatenate([q.account for q in quarrels])),
        "opened_at": dates(np.concatenate([q.opened for q in quarrels])),
        "team_a": words(teams, np.concatenate([q.team_a for q in quarrels])),
        "team_b": words(teams, np.concatenate([q.team_b for q in quarrels])),
        "hours": pa.array(np.round(hours, 1)),
    }), "opened_at", "account_id")  # fmt: skip


def handover_quarrels(world: World, seed: int, size: float, made: list[Part], g: np.random.Generator) -> Quarrels:
    """About accounts taken over, in the months after."""
    part = next(p for p in made if p.label == "KA")
    first, ka = holders(world, part)
    moved, at = handovers(world, seed, part)
    who = np.flatnonzero(moved)
    n = round(world.disputes * size) if len(who) else 0
    account = g.choice(who, n) if n else np.empty(0, np.int64)
    opened = np.minimum(at[account] + g.integers(0, 200, size=n), day(world.as_of))
    return Quarrels(part.base + account, opened, first[account], ka[account])


def deal_quarrels(world: World, seed: int, part: Part) -> list[Quarrels]:
    """About single deals: contested by two teams (M-C), obstructed by the channel (M-B), worked by SMB in a shortfall (M-F)."""
    d = part.deals
    first, ka = holders(world, part)
    motion = motions(world)
    local = first[part.customers.account]
    chosen: list[tuple[Flags, float, Ints, Ints]] = []
    if world.rivalry is not None:
        chosen.append(((d.pair >= 0) & (motion[d.team] == "KA"), world.rivalry.disputed, local, d.team))
    if part.label == "KA" and world.channel is not None:
        channel = np.full(len(d.team), int(np.flatnonzero(motion == "channel")[0]))
        there = affected_regions(world)[d.region] & (motion[d.team] == "KA")
        chosen.append((there, world.channel.disputed, channel, d.team))
    if part.label == "KA" and world.shortfall is not None:
        late = ramp(world, d.created, 1e-9, world.shortfall.after_months) > 0
        chosen.append((late & (motion[d.team] != "KA"), world.shortfall.disputed, d.team, ka[part.customers.account]))
    out = []
    for k, (which, share, a, b) in enumerate(chosen):
        g = rng(seed, f"quarrels {part.label} {k}")
        i = np.flatnonzero(which & (g.random(len(which)) < share))
        opened = np.minimum(d.created[i] + g.integers(0, 30, size=len(i)), day(world.as_of))
        out.append(Quarrels(part.account[i], opened, a[i], b[i]))
    return out
