"""The planted truth, integrated from the latent process; nothing here is estimated from the company's own tables.

Duration: the days of the steps are independent and whole, so their sum is an exact discrete convolution. Passing: for a
given skill the product over steps, averaged over who holds which role, who is met and whether the amount passes the
authority limit; the skill by Gauss–Hermite quadrature.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.integrate import quad
from scipy.special import expit, logit
from scipy.stats import norm

from kaanalysis.simulate.core import (
    Deals,
    Floats,
    day,
    draw_deals,
    rng,
    role_persons,
    sellers,
)
from kaanalysis.simulate.customers import Customers, draw_customers
from kaanalysis.simulate.parameters import Segment, World

LONGEST = 4000  # days followed in the convolution
_SPEND: dict[tuple[str, str], dict[str, float]] = {}
REPLICA = 60.0  # size of the independent replica that the number of wins per account is counted in


def duration_cdf(segment: Segment, extra: bool, upto: int | None = None) -> Floats:
    """P(sum of step days <= d) for d = 0 … LONGEST, over the first `upto` steps."""
    total = np.zeros(LONGEST + 1)
    total[0] = 1.0
    for step in segment.steps[:upto]:
        if step.above_limit and not extra:
            continue
        cdf = norm.cdf(np.log(np.maximum(np.arange(LONGEST + 1), 1e-9) / step.days) / step.log_sd)
        total = np.convolve(total, np.diff(cdf, prepend=0.0))[: LONGEST + 1]
    return np.cumsum(total)


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


def above_limit(segment: Segment) -> float:
    """Share of deals with the extra approval."""
    if not any(s.above_limit for s in segment.steps):
        return 0.0
    return float(norm.sf(np.log(segment.authority_limit / segment.amount_median) / segment.amount_log_sd))


def incidence(
    segment: Segment, shift: Floats, weight: Floats, horizon: int, replace: tuple[int, float] | None = None
) -> float:
    """Cumulative incidence of `won` at `horizon` days, averaged over `shift` with `weight`.

    replace: (step, probability) sets one step's passing to a constant."""
    total = 0.0
    share = above_limit(segment)
    for extra, part in ((False, 1 - share), (True, share)):
        if part == 0:
            continue
        persons, table = pass_table(segment, shift, extra)
        if replace is not None and (extra or not segment.steps[replace[0]].above_limit):
            table[:, :, replace[0]] = replace[1]
        won = np.einsum("p,k,pk->", persons, weight, table.prod(axis=2))
        total += part * won * duration_cdf(segment, extra)[horizon]
    return float(total)


def lost_incidence(segment: Segment, shift: Floats, weight: Floats, horizon: int) -> float:
    """Cumulative incidence of `lost` at `horizon` days."""
    total = 0.0
    share = above_limit(segment)
    for extra, part in ((False, 1 - share), (True, share)):
        persons, table = pass_table(segment, shift, extra)
        before = np.cumprod(table, axis=2) / table
        falls = np.einsum("p,k,pks->s", persons, weight, before * (1 - table))
        cdf = [duration_cdf(segment, extra, s + 1)[horizon] for s in range(len(segment.steps))]
        total += part * float(falls @ np.array(cdf))
    return total


def skill_nodes(world: World, label: str, segment: Segment, gap_share: float) -> tuple[Floats, Floats]:
    """Quadrature nodes of a seller's shift in log-odds and their weights; gap_share: share worked by SMB sellers."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(21)
    weights = weights / weights.sum()
    own = segment.skill_sd * nodes
    if label != "KA":
        return own, weights
    return np.r_[own, own + world.seller_gap], np.r_[weights * (1 - gap_share), weights * gap_share]


def gap_share(world: World, segment: Segment) -> float:
    """Expected share of KA deals that SMB sellers work (all before the launch, `ka_by_smb` since)."""
    if segment.before_launch is not None:
        before = segment.before_launch
    else:
        lo, mid, hi = (day(d) for d in (world.observed_from, world.ka_launch, world.as_of))
        rate = np.log1p(segment.growth) / 365.25
        before = float(np.expm1(rate * (mid - lo)) / np.expm1(rate * (hi - lo))) if rate else (mid - lo) / (hi - lo)
    return before + (1 - before) * world.ka_by_smb


def steps_truth(world: World, segment: Segment, shift: Floats, weight: Floats, horizon: int) -> list[dict[str, Any]]:
    """Per step: marginal passing, losses per 100 deals, median days, relief.

    Relief: wins gained per 100 deals at `horizon` days if the step passed with the benchmark's probability (for every
    seller, met or not), all else as it is; 0 where it already does."""
    share = above_limit(segment)
    now = incidence(segment, shift, weight, horizon)
    out = []
    for s, step in enumerate(segment.steps):
        passing = reached = 0.0
        for extra, part in ((False, 1 - share), (True, share)):
            if part == 0 or (step.above_limit and not extra):
                continue
            persons, table = pass_table(segment, shift, extra)
            before = table[:, :, :s].prod(axis=2)
            arrive = np.einsum("p,k,pk->", persons, weight, before)
            reached += part * arrive
            passing += part * np.einsum("p,k,pk->", persons, weight, before * table[:, :, s])
        marginal = float(passing / reached)
        relief = 0.0
        if marginal < world.benchmark:
            relief = 100 * (incidence(segment, shift, weight, horizon, (s, world.benchmark)) - now)
        out.append({"step": step.name, "role": step.role, "pass_probability": marginal,
                    "reached_per_100": float(100 * reached), "lost_per_100": float(100 * (reached - passing)),
                    "median_days": step.days, "mean_days": float(step.days * np.exp(step.log_sd**2 / 2)),
                    "relief_per_100": max(relief, 0.0)})  # fmt: skip
    return out


def role_merge(segment: Segment) -> dict[str, float]:
    """Expected role-merge index of a deal and expected number of persons (with the extra approval's own person)."""
    beyond = {s.role for s in segment.steps if s.above_limit}
    roles = len(segment.roles) - len(beyond)
    share = above_limit(segment)
    persons = np.arange(1, len(segment.persons) + 1)
    weight = np.array(segment.persons)
    index = (1 - share) * (1 - (persons - 1) / (roles - 1)) + share * (1 - persons / roles)
    return {"role_merge_index": float(weight @ index), "parties_per_deal": float(weight @ persons + share)}


def lifetime(world: World, segment: Segment) -> dict[str, float]:
    """Median and restricted mean of the customer's life in months."""
    scale = segment.life_median_months / np.log(2) ** (1 / segment.life_shape)
    horizon = world.lifetime_horizon_months
    mean = quad(lambda t: float(np.exp(-((t / scale) ** segment.life_shape))), 0, horizon)[0]
    return {"median_months": segment.life_median_months, "rmst_months": float(mean), "horizon_months": horizon,
            "scale_months": float(scale), "shape": segment.life_shape}  # fmt: skip


def last_year(world: World, deals: Deals, customers: Customers) -> Floats:
    """Won amount per account in the twelve months before as_of, over accounts with any."""
    end = day(world.as_of)
    recent = deals.won & (deals.end > day(world.as_of.replace(year=world.as_of.year - 1))) & (deals.end <= end)
    total: Floats = np.bincount(customers.account[recent], weights=deals.amount[recent]).astype(np.float64)
    return total[total > 0]


def spend(world: World, label: str, segment: Segment) -> dict[str, float]:
    """Distribution of spend: the number of wins per account is counted in an independent large replica, the amounts are
    integrated over the amounts of won deals (the extra approval wins fewer of the large ones). The same for every seed
    and size; integrated once per process."""
    key = (repr(world), label)
    if key not in _SPEND:
        _SPEND[key] = _spend(world, label, segment, 1)
    return dict(_SPEND[key])


def _spend(world: World, label: str, segment: Segment, seed: int) -> dict[str, float]:
    crew = sellers(world, seed, REPLICA)
    deals = draw_deals(world, label, seed, REPLICA, crew)
    customers = draw_customers(world, deals, seed, REPLICA)
    end = day(world.as_of)
    recent = deals.won & (deals.end > day(world.as_of.replace(year=world.as_of.year - 1))) & (deals.end <= end)
    wins = np.bincount(customers.account[recent], minlength=len(customers.start))
    per_account = np.bincount(wins[wins > 0])
    draws = 400_000
    g = rng(seed, f"spend {label}")
    odds = 1.0
    if above_limit(segment) > 0:
        shift, weight = skill_nodes(world, label, segment, gap_share(world, segment))
        persons, plain = pass_table(segment, shift, False)
        odds = float(np.einsum("p,k,pk->", persons, weight, pass_table(segment, shift, True)[1].prod(axis=2))
                     / np.einsum("p,k,pk->", persons, weight, plain.prod(axis=2)))  # fmt: skip
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


def truth(world: World, made: dict[str, Deals]) -> dict[str, Any]:
    """The truth of both segments. `won`: over all sellers it could have; `won_given_sellers`: over its own."""
    out: dict[str, Any] = {}
    longest = max(world.horizons)
    for label, segment in world.segments():
        shift, weight = skill_nodes(world, label, segment, gap_share(world, segment))
        own, counts = np.unique(made[label].shift, return_counts=True)
        given = counts / counts.sum()
        steps = steps_truth(world, segment, shift, weight, longest)
        out[label] = {
            "won": {str(h): incidence(segment, shift, weight, h) for h in world.horizons},
            "won_given_sellers": {str(h): incidence(segment, own, given, h) for h in world.horizons},
            "lost": {str(h): lost_incidence(segment, shift, weight, h) for h in world.horizons},
            "won_ever": incidence(segment, shift, weight, LONGEST),
            "won_deal_days_median": int(np.searchsorted(duration_cdf(segment, False), 0.5)),
            "lifetime": lifetime(world, segment),
            "spend": spend(world, label, segment),
            "custom_share": segment.custom,
            **role_merge(segment),
            "above_authority_limit": above_limit(segment),
            "relief_horizon_days": longest,
            "steps": steps,
            "bottleneck": max(steps, key=lambda s: s["relief_per_100"])["step"],
            "largest_losses": max(steps, key=lambda s: s["lost_per_100"])["step"],
            "slowest": max(steps, key=lambda s: s["median_days"])["step"],
        }
    return out
