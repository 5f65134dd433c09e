"""The planted truth, integrated from the latent process; nothing here is estimated from the company's own tables.

Within a kind of deals (:mod:`kaanalysis.simulate.kinds`) the days of the steps are independent and whole, so their sum is an exact
discrete convolution, and independent of the passing, so the two multiply.
"""

from __future__ import annotations

import copy
import functools
from typing import Any

import numpy as np
from scipy.integrate import quad
from scipy.stats import norm

from kaanalysis.policy import load_policy
from kaanalysis.simulate.core import CAPABILITY_SPREAD, DISCOUNT, Deals, Flags, Floats, day, rng, sellers
from kaanalysis.simulate.customers import Customers, draw_customers, product_mixes, with_own_levels
from kaanalysis.simulate.deals import draw_deals
from kaanalysis.simulate.kinds import Kind, SkillCounts, above_limit, averaged, cells, kinds
from kaanalysis.simulate.world import Segment, Team, World

LONGEST = 4000  # days followed in the convolution
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


def discount() -> float:
    """One minus what is paid over the list amount of the same lines: with discounts d from a Beta distribution, the same in both segments
    and independent of the amounts, E[paid] / E[listed] = 1 / E[1 / (1 − d)] = (b − 1) / (a + b − 1)."""
    a, b = DISCOUNT
    return a / (a + b - 1)


def team_fit(team: Team, required: float) -> float:
    """Expected fit of one team: mean over items of min(level / required, 1), levels as `capability` draws them."""
    grid = np.arange(0, 101) / 100
    upper = np.where(grid < 1, norm.cdf((grid + 0.005 - team.capability) / CAPABILITY_SPREAD), 1.0)
    return float(np.diff(upper, prepend=0.0) @ np.minimum(grid / required, 1))


def fit(world: World, required: float) -> float:
    """Expected fit of the KA teams. Every item of every lane is drawn alike, so no weighting of items changes it."""
    return float(np.mean([team_fit(team, required) for team in world.teams if team.motion == "KA"]))


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
    deals or between accounts, all is counted in the replica."""
    crew = sellers(world, seed, REPLICA)
    deals = draw_deals(world, label, seed, REPLICA, crew)
    customers = draw_customers(world, deals, seed, REPLICA)
    deals = with_own_levels(world, deals, customers, seed)
    recent = _recent_wins(world, deals)
    wins = np.bincount(customers.account[recent], minlength=len(customers.start))
    per_account = np.bincount(wins[wins > 0])
    draws = 400_000
    g = rng(seed, f"spend {label}")
    uneven = segment.size_effect or segment.account_log_sd or world.ka_team.amount != world.smb_on_ka.amount
    if uneven or world.channel or world.rivalry:
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
