"""The planted truth, integrated from the latent process; nothing here is estimated from the company's own tables.

Deals are of several kinds (whose sellers work them, since when, under which conflict). Within a kind the days of the steps are
independent and whole, so their sum is an exact discrete convolution; passing is, for a given skill and deal size, the product over
steps, averaged over who holds which role, who is met and whether the amount passes the authority limit. Skill is integrated by
Gauss–Hermite, deal size by Gauss–Legendre quadrature (Davis and Rabinowitz 1984, Methods of Numerical Integration).
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from scipy.integrate import quad
from scipy.special import expit, logit
from scipy.stats import norm

from kaanalysis.policy import load_policy
from kaanalysis.simulate.core import (
    CAPABILITY_SPREAD,
    Deals,
    Flags,
    Floats,
    Sellers,
    affected_regions,
    best_leave,
    created_days,
    day,
    draw_deals,
    motions,
    ramp,
    region_shares,
    rng,
    role_persons,
    sellers,
    worked_by_smb,
)
from kaanalysis.simulate.customers import Customers, draw_customers, product_mixes
from kaanalysis.simulate.parameters import Manner, Segment, World

LONGEST = 4000  # days followed in the convolution
GRID = 4000  # opening days that a share over time is averaged on
REPLICA = 60.0  # size of the independent replica that the number of wins per account is counted in
_INTEGRATED: dict[str, dict[str, Any]] = {}  # by repr(world): worlds hold dictionaries and are not hashable themselves


# Durations -------------------------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=512)
def _sum_cdf(steps: tuple[tuple[float, float], ...]) -> Floats:
    """P(sum of whole days <= d) for d = 0 … LONGEST over steps of (median days, log standard deviation)."""
    total = np.zeros(LONGEST + 1)
    total[0] = 1.0
    for days, log_sd in steps:
        cdf = norm.cdf(np.log(np.maximum(np.arange(LONGEST + 1), 1e-9) / days) / log_sd)
        total = np.convolve(total, np.diff(cdf, prepend=0.0))[: LONGEST + 1]
    return np.cumsum(total)


def duration_cdf(
    segment: Segment, extra: bool, upto: int | None = None, pace: float = 1.0, only: int | None = None
) -> Floats:
    """P(sum of step days <= d) for d = 0 … LONGEST, over the first `upto` steps; pace: factor on durations; only: that step alone.

    Up to a step short of all, the last one counted is the one that fails and lingers."""
    taken = [
        (i, step)
        for i, step in enumerate(segment.steps[:upto])
        if (extra or not step.above_limit) and only in (None, i)
    ]
    return _sum_cdf(tuple(
        (step.days * pace * (segment.linger if upto is not None and i == upto - 1 else 1.0), step.log_sd) for i, step in taken
    ))  # fmt: skip


# Kinds of deals --------------------------------------------------------------------------------------------------


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


def incidence(
    world: World,
    label: str,
    horizon: int,
    replace_step: tuple[int, float] | None = None,
    given: SkillCounts | None = None,
) -> float:
    """Cumulative incidence of `won` at `horizon` days over registered deals. replace_step: (step, probability) sets its passing."""
    segment = world.segment(label)
    total = 0.0
    for weight, persons, nodes, table, (kind, extra) in cells(world, segment, kinds(world, label), given):
        if kind.lost:
            continue
        if replace_step is not None and (extra or not segment.steps[replace_step[0]].above_limit):
            table[:, :, replace_step[0]] = replace_step[1]
        won = averaged(persons, nodes, table.prod(axis=2))
        total += weight * won * won_cdf(segment, kind, extra)[horizon]
    return float(total)


def won_cdf(segment: Segment, kind: Kind, extra: bool) -> Floats:
    """Distribution of the days that a won deal of a kind takes from its registration."""
    return duration_cdf(segment, extra, None, kind.days, len(segment.steps) - 1 if kind.last_only else None)


def won_days_median(world: World, label: str) -> int:
    """Median days of won deals, all followed to their end."""
    segment = world.segment(label)
    curve = np.zeros(LONGEST + 1)
    for weight, persons, nodes, table, (kind, extra) in cells(world, segment, kinds(world, label)):
        if not kind.lost:
            curve += weight * averaged(persons, nodes, table.prod(axis=2)) * won_cdf(segment, kind, extra)
    return int(np.searchsorted(curve / curve[-1], 0.5))


def lost_incidence(world: World, label: str, horizon: int) -> float:
    """Cumulative incidence of `lost` at `horizon` days. Rivals' deals that do not count are lost too, at steps drawn for them: they
    are left out here, so this is the incidence among the deals that count."""
    segment = world.segment(label)
    total = counted = 0.0
    for weight, persons, nodes, table, (kind, extra) in cells(world, segment, kinds(world, label)):
        if kind.lost:
            continue
        counted += weight
        before = np.cumprod(table, axis=2) / table
        falls = np.einsum("p,k,pks->s", persons, nodes, before * (1 - table))
        steps = len(segment.steps)
        for s in range(steps):
            if falls[s] > 0:
                only = steps - 1 if kind.last_only else None
                total += weight * float(falls[s]) * duration_cdf(segment, extra, s + 1, kind.days, only)[horizon]
    return total / counted


def steps_truth(world: World, label: str, horizon: int) -> list[dict[str, Any]]:
    """Per step: marginal passing, losses per 100 deals, median days, relief.

    Relief: wins gained per 100 deals at `horizon` days if the step passed with the benchmark's probability (for every
    seller, met or not), all else as it is; 0 where it already does."""
    segment = world.segment(label)
    now = incidence(world, label, horizon)
    reached, passing = np.zeros(len(segment.steps)), np.zeros(len(segment.steps))
    for weight, persons, nodes, table, (kind, extra) in cells(world, segment, kinds(world, label)):
        for s, step in enumerate(segment.steps):
            if kind.lost or (step.above_limit and not extra) or (kind.last_only and s < len(segment.steps) - 1):
                continue
            before = table[:, :, :s].prod(axis=2)
            reached[s] += weight * averaged(persons, nodes, before)
            passing[s] += weight * averaged(persons, nodes, before * table[:, :, s])
    out = []
    for s, step in enumerate(segment.steps):
        marginal = float(passing[s] / reached[s]) if reached[s] else 1.0
        relief = 0.0
        if marginal < world.benchmark:
            relief = 100 * (incidence(world, label, horizon, (s, world.benchmark)) - now)
        out.append({"step": step.name, "role": step.role, "pass_probability": marginal,
                    "reached_per_100": float(100 * reached[s]), "lost_per_100": float(100 * (reached[s] - passing[s])),
                    "median_days": step.days, "mean_days": float(step.days * np.exp(step.log_sd**2 / 2)),
                    "relief_per_100": max(relief, 0.0)})  # fmt: skip
    return out


# Persons, lives, money -------------------------------------------------------------------------------------------


def role_merge(world: World, label: str) -> dict[str, float]:
    """Expected role-merge index of a deal and expected number of persons (with the extra approval's own person)."""
    segment = world.segment(label)
    beyond = {s.role for s in segment.steps if s.above_limit}
    roles = len(segment.roles) - len(beyond)
    share = sum(k.weight * above_limit(segment, k.amount) for k in kinds(world, label))
    persons = np.arange(1, len(segment.persons) + 1)
    weight = np.array(segment.persons)
    index = (1 - share) * (1 - (persons - 1) / (roles - 1)) + share * (1 - persons / roles)
    return {"role_merge_index": float(weight @ index), "parties_per_deal": float(weight @ persons + share),
            "above_authority_limit": float(share)}  # fmt: skip


def need_divergence(world: World, label: str, pairs: int = 20_000) -> float:
    """Mean Jensen–Shannon divergence (bits, 0 = alike, 1 = nothing in common) between the latent product mixes of two accounts."""
    segment = world.segment(label)
    g = rng(20_000, f"need {label}")
    mix = product_mixes(world, segment, 2 * pairs, g)
    a, b = mix[:pairs], mix[pairs:]
    middle = (a + b) / 2
    return float(0.5 * ((a * np.log2(a / middle)).sum(axis=1) + (b * np.log2(b / middle)).sum(axis=1)).mean())


def fit(world: World, required: float) -> float:
    """Expected fit of the KA teams: mean over items of min(level / required, 1), levels as `capability` draws them."""
    grid = np.arange(0, 101) / 100
    values = []
    for team in world.teams:
        if team.motion == "KA":
            upper = np.where(grid < 1, norm.cdf((grid + 0.005 - team.capability) / CAPABILITY_SPREAD), 1.0)
            values.append(float(np.diff(upper, prepend=0.0) @ np.minimum(grid / required, 1)))
    return float(np.mean(values))


def lifetime(world: World, segment: Segment) -> dict[str, float]:
    """Median and restricted mean of the customer's life in months."""
    scale = segment.life_median_months / np.log(2) ** (1 / segment.life_shape)
    horizon = world.lifetime_horizon_months
    mean = quad(lambda t: float(np.exp(-((t / scale) ** segment.life_shape))), 0, horizon)[0]
    return {"median_months": segment.life_median_months, "rmst_months": float(mean), "horizon_months": horizon,
            "scale_months": float(scale), "shape": segment.life_shape}  # fmt: skip


def _recent_wins(world: World, deals: Deals) -> Flags:
    """Which deals are registered and won in the twelve months before as_of."""
    start = day(world.as_of.replace(year=world.as_of.year - 1))
    return deals.won & deals.seen & (deals.end > start) & (deals.end <= day(world.as_of))


def last_year(world: World, deals: Deals, customers: Customers) -> Floats:
    """Won amount per account in the twelve months before as_of, over accounts with any."""
    recent = _recent_wins(world, deals)
    total: Floats = np.bincount(customers.account[recent], weights=deals.amount[recent]).astype(np.float64)
    return total[total > 0]


def spend(world: World, label: str, segment: Segment, seed: int = 1) -> dict[str, float]:
    """Distribution of spend: the number of wins per account is counted in an independent large replica, the amounts are
    integrated over the amounts of won deals (the extra approval wins fewer of the large ones); where deal size differs between kinds of
    deals, all is counted in the replica."""
    crew = sellers(world, seed, REPLICA)
    deals = draw_deals(world, label, seed, REPLICA, crew)
    customers = draw_customers(world, deals, seed, REPLICA)
    recent = _recent_wins(world, deals)
    wins = np.bincount(customers.account[recent], minlength=len(customers.start))
    per_account = np.bincount(wins[wins > 0])
    draws = 400_000
    g = rng(seed, f"spend {label}")
    if segment.size_effect or world.ka_team.amount != world.smb_on_ka.amount or world.channel or world.rivalry:
        sums = last_year(world, deals, customers)
        return {"median": float(np.median(sums)), "log_sd": float(np.log(sums).std()), "mean": float(sums.mean()),
                "accounts_in_replica": len(sums), "wins_per_account": float(wins[wins > 0].mean())}  # fmt: skip
    odds = 1.0
    if above_limit(segment) > 0:
        won = {False: [0.0, 0.0], True: [0.0, 0.0]}
        for weight, persons, nodes, table, (_, extra) in cells(world, segment, kinds(world, label)):
            won[extra][0] += weight * averaged(persons, nodes, table.prod(axis=2))
            won[extra][1] += weight
        odds = (won[True][0] / won[True][1]) / (won[False][0] / won[False][1])
    total = np.zeros(draws)
    count = np.searchsorted(np.cumsum(per_account) / per_account.sum(), (np.arange(draws) + 0.5) / draws)
    for k in range(1, len(per_account)):
        more = count >= k
        total[more] += _won_amounts(segment, odds, int(more.sum()), g)
    logs = np.log(total)
    return {"median": float(np.exp(np.median(logs))), "log_sd": float(logs.std()), "mean": float(total.mean()),
            "accounts_in_replica": int((wins > 0).sum()), "wins_per_account": float(wins[wins > 0].mean())}  # fmt: skip


def _won_amounts(segment: Segment, odds: float, n: int, g: np.random.Generator) -> Floats:
    """Amounts of won deals: lognormal, above the authority limit thinned by `odds`."""
    if odds == 1.0:
        z = g.standard_normal(n)
    else:
        cut = norm.ppf(1 - above_limit(segment))
        low, high = norm.cdf(cut), norm.sf(cut) * odds
        above = g.random(n) < high / (low + high)
        u = g.random(n)
        z = np.where(above, norm.isf(u * norm.sf(cut)), norm.ppf(u * low))
    return segment.amount_median * np.exp(segment.amount_log_sd * z)


def _integrate(world: World) -> dict[str, Any]:
    """What :func:`population_truth` returns, computed anew."""
    out: dict[str, Any] = {}
    longest = max(world.horizons)
    for label, segment in world.segments():
        steps = steps_truth(world, label, longest)
        relief = [step["relief_per_100"] for step in steps]
        out[label] = {
            "won": {str(h): incidence(world, label, h) for h in world.horizons},
            "lost": {str(h): lost_incidence(world, label, h) for h in world.horizons},
            "won_ever": incidence(world, label, LONGEST),
            "won_deal_days_median": won_days_median(world, label),
            "lifetime": lifetime(world, segment),
            "spend": spend(world, label, segment),
            "custom_share": segment.custom,
            "need_divergence_bits": need_divergence(world, label),
            "market": max(segment.market, segment.accounts),
            "authority_limit": segment.authority_limit,
            **role_merge(world, label),
            "relief_horizon_days": longest,
            "steps": steps,
            "bottleneck": steps[int(np.argmax(relief))]["step"] if max(relief) > 0 else "",
            "largest_losses": max(steps, key=lambda s: s["lost_per_100"])["step"],
            "slowest": max(steps, key=lambda s: s["median_days"])["step"],
        }
    policy = load_policy()
    minimum = policy["bottleneck.minimum_relief"]
    planted = {
        "bottleneck": world.bottleneck,
        "slowest": world.slowest,
        "benchmark": world.benchmark,
        "bottlenecks": sum(step["relief_per_100"] > minimum for step in out["KA"]["steps"]),
        "fit": fit(world, policy["fit.required_level"]),
        "path": world.path,
        "patterns": world.patterns,
    }
    return {"planted": planted, "segments": out}


def population_truth(world: World) -> dict[str, Any]:
    """{"planted": …, "segments": {label: …}}: what a company of any size and seed estimates; integrated once per process.

    `won`, `lost`: cumulative incidence by horizon in days; relief in wins per 100 deals; lifetime in months; spend in the company's
    currency; the number of bottlenecks and the fit as the default policy defines them."""
    key = repr(world)
    if key not in _INTEGRATED:
        _INTEGRATED[key] = _integrate(world)
    return copy.deepcopy(_INTEGRATED[key])


def given_sellers(world: World, label: str, given: SkillCounts) -> dict[str, float]:
    """`won` by horizon for a company's own sellers instead of all it could have."""
    return {str(h): incidence(world, label, h, given=given) for h in world.horizons}
