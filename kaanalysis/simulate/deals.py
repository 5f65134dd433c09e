"""The latent process of deals: when they open, who works them, how they pass their steps, what the failure patterns do to them.

A deal passes its steps one after the other. Each takes a lognormal number of days, rounded up, and is then passed or
not; the chance depends on the step, the seller's skill and on whether the acting person was ever met. Durations and
passing are independent, so the truth can be integrated exactly (:mod:`kaanalysis.simulate.truth`).
"""

from __future__ import annotations

import dataclasses

import numpy as np
from scipy.special import expit, logit

from kaanalysis.simulate.core import (
    KEY_PERSON,
    MONTH,
    Deals,
    Flags,
    Floats,
    Ints,
    Sellers,
    day,
    motions,
    region_shares,
    rng,
    role_persons,
    scaled,
)
from kaanalysis.simulate.world import Manner, Segment, World


def created_days(world: World, segment: Segment, u: Floats) -> Ints:
    """Opening days from uniforms: exponential growth, another since the launch if given (`growth_after`), with the share
    before the launch held if given."""
    lo, mid, hi = day(world.observed_from), day(world.ka_launch), day(world.as_of)
    rate = np.log1p(segment.growth) / 365.25
    later = rate if segment.growth_after is None else np.log1p(segment.growth_after) / 365.25

    def mass(r: float, span: int) -> float:
        return float(np.expm1(r * span) / r) if abs(r) > 1e-9 else float(span)

    def quantile(v: Floats, a: float, b: float, r: float) -> Floats:
        span = b - a
        return a + (np.log1p(v * np.expm1(r * span)) / r if abs(r) > 1e-9 else v * span)

    if segment.before_launch is None and segment.growth_after is None:
        return np.floor(quantile(u, lo, hi, rate)).astype(np.int64)
    share = segment.before_launch
    if share is None:
        before, after = mass(rate, mid - lo), np.exp(rate * (mid - lo)) * mass(later, hi - mid)
        share = before / (before + after)
    days = np.empty(len(u))
    early = u < share
    days[early] = quantile(u[early] / max(share, 1e-12), lo, mid, rate)
    days[~early] = quantile((u[~early] - share) / (1 - share), mid, hi, later)
    return np.floor(days).astype(np.int64)


def ramp(world: World, at: Ints, months: float, after_months: float = 0.0) -> Floats:
    """0 until `after_months` after the launch, rising evenly to 1 over `months` more."""
    since = (at - day(world.ka_launch)) / MONTH - after_months
    return np.clip(since / max(months, 1e-9), 0.0, 1.0)


def shortfall_ramp(world: World, at: Ints) -> Floats:
    """0 until the shortfall (M-F) shows, rising evenly to 1 at as_of; all 0 where none is planted."""
    if world.shortfall is None:
        return np.zeros(len(at))
    rest = (day(world.as_of) - day(world.ka_launch)) / MONTH - world.shortfall.after_months
    return ramp(world, at, rest, world.shortfall.after_months)


def worked_by_smb(world: World, at: Ints) -> Floats:
    """Share of KA deals opened on days `at` that SMB sellers work: all before the launch, `ka_by_smb` since, more as the line blurs."""
    share = np.where(at < day(world.ka_launch), 1.0, world.ka_by_smb)
    if world.shortfall is not None:
        blurred = (world.shortfall.blur - world.ka_by_smb) * shortfall_ramp(world, at)
        share = np.minimum(share + np.where(at < day(world.ka_launch), 0.0, blurred), 1.0)
    return share


def affected_regions(world: World) -> Flags:
    """Which regions (in their order) the channel conflict touches."""
    chosen = world.channel.regions if world.channel is not None else ()
    return np.array([name in chosen for name in world.regions])


def draw_deals(world: World, label: str, seed: int, size: float, crew: Sellers) -> Deals:
    """All deals of a segment with their steps, oldest first; two teams' deals with one customer side by side."""
    segment = world.segment(label)
    g = rng(seed, f"deals {label}")
    n = scaled(segment.opportunities, size)
    created = np.sort(created_days(world, segment, g.random(n)))
    region = g.choice(len(world.regions), n, p=region_shares(world))
    team = _teams(world, label, created, region, g)
    pair, rival = _contested(world, label, seed, created, team)
    owner = crew.draw(team, created, g.random(n))
    motion = motions(world)[team]
    manner = (
        [world.ka_team if m == "KA" else world.smb_on_ka for m in ("KA", "SMB")] if label == "KA" else [Manner()] * 2
    )
    theirs = motion == "KA"
    gap, pace, factor = (
        np.where(theirs, getattr(manner[0], f), getattr(manner[1], f)) for f in ("gap", "days", "amount")
    )
    shift = segment.skill_sd * crew.skill[owner]
    z = g.standard_normal(n)
    amount = np.round(segment.amount_median * factor * np.exp(segment.amount_log_sd * z), 2)
    odds = shift + gap + segment.size_effect * segment.amount_log_sd * z - burden(world, label, created, region)
    if segment.sway:
        quarter = created.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) // 3
        odds = odds + np.where(quarter % 2 == 0, segment.sway, -segment.sway)
    extra = (amount > segment.authority_limit) & any(s.above_limit for s in segment.steps)
    persons = 1 + g.choice(len(segment.persons), n, p=np.array(segment.persons))
    person = role_persons(segment, persons, extra)
    everyone = g.random((n, len(segment.roles) + 1)) >= segment.unmet  # by person number
    if segment.alone:  # a stream of its own, so that it changes nothing else
        everyone &= rng(seed, f"alone {label}").random((n, 1)) >= segment.alone
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
        chance = expit(logit(step.pass_probability) + odds + np.where(acting_met, 0.0, segment.unmet_effect))
        spread = np.exp(step.log_sd * g.standard_normal(n))
        failed = present[:, s] & (g.random(n) >= chance) & (fails == steps)
        took = np.ceil(step.days * pace * np.where(failed, segment.linger, 1.0) * spread).astype(np.int64)
        fails[failed] = s
        begins[:, s] = clock
        clock = clock + np.where(present[:, s], took, 0)
        ends[:, s] = clock
    repeat = g.random(n) < segment.repeat
    none = np.zeros(n, bool)
    deals = Deals(label, created, region, team, owner, shift, amount, extra, repeat, persons, person, met, present, begins, ends, fails,
                  created, fails, ~none, none.copy(), pair, none.copy())  # fmt: skip
    if world.channel is not None and label == "SMB":
        deals = _partners(world, deals, seed)
    deals = _settled(world, deals)
    if (pair >= 0).any():
        deals = _with_shadows(world, deals, rival, crew, segment, seed)
    return deals


def _settled(world: World, deals: Deals) -> Deals:
    """End and outcome from the step that fails."""
    steps = deals.present.shape[1]
    end = deals.ends[np.arange(len(deals.created)), np.minimum(deals.fails, steps - 1)]
    outcome = np.where(end > day(world.as_of), -1, np.where(deals.fails == steps, 1, 0))
    return dataclasses.replace(deals, end=end, outcome=outcome)


def burden(world: World, label: str, created: Ints, region: Ints) -> Floats:
    """Log-odds that every step loses: SMB's as product capacity is pulled (M-E), direct KA deals' where partners obstruct (M-B)."""
    if label == "SMB" and world.starving is not None:
        return world.starving.effect * ramp(world, created, world.starving.ramp_months)
    if label == "KA" and world.channel is not None:
        touched = affected_regions(world)[region] & (created >= day(world.ka_launch))
        return np.where(touched, world.channel.obstruction, 0.0)
    return np.zeros(len(created))


def _partners(world: World, deals: Deals, seed: int) -> Deals:
    """What partners do since the launch where the conflict is: withhold, hide until it stands before the last step, divert."""
    assert world.channel is not None
    g = rng(seed, f"channel {deals.label}")
    n, steps = deals.present.shape
    u, v = g.random(n), g.random(n)
    theirs = motions(world)[deals.team] == "channel"
    theirs &= affected_regions(world)[deals.region] & (deals.created >= day(world.ka_launch))
    last = steps - 1
    diverted = theirs & (deals.fails == steps) & (v < world.channel.diverted)
    fails = np.where(diverted, last, deals.fails)
    withheld = theirs & (u < world.channel.withheld)
    hidden = theirs & ~withheld & (u < world.channel.withheld + world.channel.hidden)
    created = np.where(hidden, deals.begins[:, last], deals.created)
    present = deals.present.copy()
    present[hidden, :last] = False
    seen = ~withheld & ~(hidden & ((fails < last) | (created > day(world.as_of))))
    return dataclasses.replace(deals, created=created, present=present, fails=fails, seen=seen, diverted=diverted)


def _contested(world: World, label: str, seed: int, created: Ints, team: Ints) -> tuple[Ints, Ints]:
    """(pair number or -1, the rival's team) per deal: SMB teams' deals since the launch that the KA team pursues too. Where the KA
    team's is the one that counts, `team` is changed in place and the SMB team is the rival."""
    pair, rival = np.full(len(created), -1), np.full(len(created), -1)
    if world.rivalry is None or label != "SMB":
        return pair, rival
    g = rng(seed, "rivalry")
    u, v = g.random(len(created)), g.random(len(created))
    motion = motions(world)
    both = np.flatnonzero((motion[team] == "SMB") & (created >= day(world.ka_launch)) & (u < world.rivalry.contested))
    pair[both] = np.arange(len(both))
    ka = np.flatnonzero(motion == "KA")
    rival[both] = ka[both % len(ka)]
    taken = both[v[both] < world.rivalry.taken]
    team[taken], rival[taken] = rival[taken], team[taken].copy()
    return pair, rival


def _with_shadows(world: World, deals: Deals, rival: Ints, crew: Sellers, segment: Segment, seed: int) -> Deals:
    """Beside every contested deal the rival's: opened within three days, lost at a step that the other reached."""
    g = rng(seed, "shadows")
    i = np.flatnonzero(deals.pair >= 0)
    shadow = deals.pick(i)
    k, steps = len(i), deals.present.shape[1]
    created = np.minimum(shadow.created + g.integers(0, 4, k), day(world.as_of))
    owner = crew.draw(rival[i], created, g.random(k))
    fails = (g.random(k) * (np.minimum(shadow.fails, steps - 1) + 1)).astype(np.int64)
    begins, ends, clock = shadow.begins.copy(), shadow.ends.copy(), created.copy()
    for s, step in enumerate(segment.steps):
        took = np.ceil(step.days * np.exp(step.log_sd * g.standard_normal(k))).astype(np.int64)
        begins[:, s] = clock
        clock = clock + np.where(shadow.present[:, s], took, 0)
        ends[:, s] = clock
    shadow = dataclasses.replace(shadow, created=created, team=rival[i], owner=owner, shift=segment.skill_sd * crew.skill[owner],
                                 fails=fails, begins=begins, ends=ends, shadow=np.ones(k, bool))  # fmt: skip
    shadow = _settled(world, shadow)
    both = deals.map(lambda name, values: np.concatenate([values, getattr(shadow, name)]))
    return both.pick(np.argsort(both.created, kind="stable"))


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
    theirs = u < world.channel_share if label == "SMB" else u >= worked_by_smb(world, created)
    team[theirs] = others[(v[theirs] * len(others)).astype(np.int64)]
    return team
