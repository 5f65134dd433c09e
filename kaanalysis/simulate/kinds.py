"""Kinds of deals and how each passes its steps: what :mod:`kaanalysis.simulate.truth` integrates over.

Deals are of several kinds (whose sellers work them, since when, under which conflict). Passing is, for a given skill and deal size, the
product over steps, averaged over who holds which role, who is met and whether the amount passes the authority limit. Skill is
integrated by Gauss–Hermite, deal size by Gauss–Legendre quadrature (Davis and Rabinowitz 1984, Methods of Numerical Integration).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from scipy.special import expit, logit
from scipy.stats import norm

from kaanalysis.simulate.core import Deals, Floats, Sellers, best_leave, day, motions, region_shares, role_persons
from kaanalysis.simulate.deals import affected_regions, created_days, ramp, worked_by_smb
from kaanalysis.simulate.world import Manner, Segment, World

GRID = 4000  # opening days that a share over time is averaged on


@dataclass(frozen=True)
class Kind:
    """Deals that go the same way. weight: share of registered deals (before all are scaled to add up to 1); workers: whose skill
    counts; gap (log-odds), days, amount as in Manner; keep: share of won deals not diverted; last_only: registered before the last step;
    lost: never won (a rival's deal beside the one that counts)."""

    weight: float
    workers: str
    gap: float = 0.0
    days: float = 1.0
    amount: float = 1.0
    keep: float = 1.0
    last_only: bool = False
    lost: bool = False


def kinds(world: World, label: str) -> list[Kind]:
    """The kinds of deals of a segment; weights add up to 1."""
    segment = world.segment(label)
    days = created_days(world, segment, (np.arange(GRID) + 0.5) / GRID)
    since = days >= day(world.ka_launch)
    touched = float(region_shares(world)[affected_regions(world)].sum())
    found = (
        _ka_kinds(world, days, since, touched) if label == "KA" else _smb_kinds(world, segment, days, since, touched)
    )
    total = sum(k.weight for k in found)
    return [replace(k, weight=k.weight / total) for k in found if k.weight > 0]


def _ka_kinds(world: World, days: Any, since: Any, touched: float) -> list[Kind]:
    by_smb = worked_by_smb(world, days)
    loss = world.channel.obstruction if world.channel is not None else 0.0

    def kind(weight: float, workers: str, manner: Manner, burden: float) -> Kind:
        return Kind(weight, workers, manner.gap - burden, manner.days, manner.amount)

    found = [kind(float((by_smb * ~since).mean()), "others", world.smb_on_ka, 0.0)]
    for share, burden in ((1 - touched, 0.0), (touched, loss)):
        found.append(kind(share * float((by_smb * since).mean()), "others", world.smb_on_ka, burden))
        found.append(kind(share * float(((1 - by_smb) * since).mean()), "key", world.ka_team, burden))
    return found


def _smb_kinds(world: World, segment: Segment, days: Any, since: Any, touched: float) -> list[Kind]:
    after = "left" if world.hatching is not None else "others"
    found = [Kind(float((~since).mean()), "others")]
    late = float(since.mean())
    if world.starving is not None:
        pulled = world.starving.effect * ramp(world, days[since], world.starving.ramp_months)
        parts = [p for p in np.array_split(np.sort(pulled), 60) if len(p)]
        return found + [Kind(late * len(p) / since.sum(), after, -float(p.mean())) for p in parts]
    partners = world.channel_share * touched if world.channel is not None else 0.0
    found.append(Kind(late * (1 - partners), after))
    if world.channel is not None:
        c = world.channel
        kept = Kind(late * partners * (1 - c.withheld - c.hidden), "others", keep=1 - c.diverted)
        reach = sum(
            w * averaged(p, k, t[:, :, :-1].prod(axis=2))
            for w, p, k, t, _ in cells(world, segment, [replace(kept, weight=1.0)])
        )
        found += [kept, replace(kept, weight=late * partners * c.hidden * reach, last_only=True)]
    if world.rivalry is not None:
        found.append(Kind(late * (1 - world.channel_share) * world.rivalry.contested, "others", lost=True))
    return found


@dataclass
class SkillCounts:
    """The skills of a company's own sellers and how many deals each worked, by kind of worker; adds up over shards."""

    skill: dict[str, list[float]] = field(default_factory=dict)
    deals: dict[str, list[int]] = field(default_factory=dict)

    def __add__(self, other: SkillCounts) -> SkillCounts:
        keys = sorted({*self.skill, *other.skill})
        return SkillCounts({k: self.skill.get(k, []) + other.skill.get(k, []) for k in keys},
                           {k: self.deals.get(k, []) + other.deals.get(k, []) for k in keys})  # fmt: skip

    @classmethod
    def of(cls, world: World, deals: Deals, crew: Sellers) -> SkillCounts:
        key = (motions(world)[deals.team] == "KA") & (deals.label == "KA")
        late = (deals.created >= day(world.ka_launch)) if world.hatching is not None else np.zeros(len(key), bool)
        left = late & (deals.label == "SMB")
        found = cls()
        for workers, mine in (("key", key), ("left", left), ("others", ~key & ~left)):
            owner, count = np.unique(deals.owner[mine & deals.seen], return_counts=True)
            if len(owner):
                found = found + cls({workers: crew.skill[owner].tolist()}, {workers: count.tolist()})
        return found


def skill_nodes(
    world: World, segment: Segment, workers: str, given: SkillCounts | None = None
) -> tuple[Floats, Floats]:
    """Nodes of a seller's skill in log-odds and their weights. given: a company's own sellers in place of all it could have."""
    if given is not None and workers in given.skill:
        count = np.array(given.deals[workers], dtype=float)
        return segment.skill_sd * np.array(given.skill[workers]), count / count.sum()
    nodes, weights = np.polynomial.hermite_e.hermegauss(21)
    nodes, weights = segment.skill_sd * nodes, weights / weights.sum()
    if workers != "left":
        return nodes, weights
    # The best of those there at the start have left; who joined later is as good as anyone. In the limit of a large company.
    smb = [t for t in world.teams if t.motion == "SMB"]
    start = [max(1, round(t.at_start * t.owners)) if t.motion in ("SMB", "KA") else 1 for t in world.teams]
    first = sum(n for n, t in zip(start, world.teams, strict=True) if t.motion == "SMB")
    gone = best_leave(world, start)
    rest = norm.ppf((np.arange(40) + 0.5) / 40 * (1 - gone / first)) * segment.skill_sd
    joined = 0.5 * (sum(t.owners for t in smb) - first)
    stay = first - gone
    share = stay / (stay + joined)
    return np.r_[rest, nodes], np.r_[np.full(40, share / 40), (1 - share) * weights]


def pass_table(segment: Segment, shift: Floats, extra: bool) -> tuple[Floats, Floats]:
    """(weights of the number of persons, mean passing probability [persons, shift, step]); steps not taken hold 1."""
    roles = [r.role for r in segment.roles]
    counts = np.flatnonzero(np.array(segment.persons) > 0)
    held = role_persons(segment, counts + 1, np.full(len(counts), extra))
    table = np.ones((len(counts), len(shift), len(segment.steps)))
    for s, step in enumerate(segment.steps):
        if step.above_limit and not extra:
            continue
        base = logit(step.pass_probability) + shift
        own = (held[:, roles.index(step.role)] > 0)[:, None]
        unmet = segment.unmet * own
        table[:, :, s] = (1 - unmet) * expit(base) + unmet * expit(base + segment.unmet_effect)
    return np.array(segment.persons)[counts], table


def above_limit(segment: Segment, amount: float = 1.0) -> float:
    """Share of deals with the extra approval, where deal sizes are `amount` times the segment's."""
    if not any(s.above_limit for s in segment.steps):
        return 0.0
    return float(norm.sf(np.log(segment.authority_limit / (segment.amount_median * amount)) / segment.amount_log_sd))


def _sizes(segment: Segment, amount: float) -> Iterator[tuple[bool, float, Floats, Floats]]:
    """(extra approval, share of deals, nodes of standardised log deal size, weights adding up to 1)."""
    share = above_limit(segment, amount)
    for extra, low, part in ((False, 0.0, 1 - share), (True, 1 - share, share)):
        if part <= 0:
            continue
        if segment.size_effect == 0:
            yield extra, part, np.zeros(1), np.ones(1)
        else:
            x, w = np.polynomial.legendre.leggauss(24)
            yield extra, part, norm.ppf(low + part * (x + 1) / 2), w / 2


Cell = tuple[float, Floats, Floats, Floats, tuple[Kind, bool]]


def cells(world: World, segment: Segment, made: list[Kind], given: SkillCounts | None = None) -> Iterator[Cell]:
    """(weight, weights of persons, weights of skill × size nodes, passing [persons, node, step], (kind, extra approval))."""
    for kind in made:
        skill, weight = skill_nodes(world, segment, kind.workers, given)
        for extra, part, z, w in _sizes(segment, kind.amount):
            shift = (skill[:, None] + kind.gap + segment.size_effect * segment.amount_log_sd * z[None, :]).ravel()
            persons, table = pass_table(segment, shift, extra)
            if kind.last_only:
                table[:, :, :-1] = 1.0
            table[:, :, -1] *= kind.keep
            yield kind.weight * part, persons, (weight[:, None] * w[None, :]).ravel(), table, (kind, extra)


def averaged(persons: Floats, nodes: Floats, values: Floats) -> float:
    """Mean of `values` [persons, node] under a cell's weights of persons and of nodes."""
    return float(np.einsum("p,k,pk->", persons, nodes, values))
