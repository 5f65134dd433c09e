"""Which account each deal belongs to, and how long an account stays a customer.

Outcomes come first (:mod:`kaanalysis.simulate.deals`): a first win makes an account a customer for the length
of its life; deals meant for present customers go to one whose life spans the deal, the others to accounts that are no
customers meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from kaanalysis.simulate.core import MONTH, NEVER, Deals, Flags, Floats, Ints, day, motions, region_shares, rng, scaled
from kaanalysis.simulate.world import Segment, World


@dataclass(frozen=True)
class Customers:
    """The accounts of one segment. start, end: first and last day of the customer's life (NEVER: no customer; end may
    lie after as_of). account: each deal's account; first: the deal made the account a customer; repeat: the account was
    one already. region: the account's."""

    start: Ints
    end: Ints
    region: Ints
    account: Ints
    first: Flags
    repeat: Flags

    def pick(self, deals: Flags | Ints) -> Customers:
        """The same accounts with only some of the deals."""
        return replace(self, account=self.account[deals], first=self.first[deals], repeat=self.repeat[deals])


def life_days(segment: Segment, g: np.random.Generator, n: int) -> Floats:
    """Customer lives in days: Weibull with the segment's median and shape."""
    scale = segment.life_median_months / np.log(2) ** (1 / segment.life_shape)
    return scale * g.weibull(segment.life_shape, n) * MONTH


def product_mixes(world: World, segment: Segment, accounts: int, g: np.random.Generator) -> Floats:
    """Latent product mix of every account (accounts × products, rows add up to 1): Dirichlet around a falling base."""
    base = 1 / np.arange(1, len(world.products) + 1)
    shape = segment.product_spread * base / base.sum()
    raw = g.standard_gamma(shape, (accounts, len(shape))) + 1e-12
    return raw / raw.sum(axis=1, keepdims=True)


def draw_customers(world: World, deals: Deals, seed: int, size: float) -> Customers:
    """Give each deal an account of its region and each customer a life; deals keep their outcomes. A rival's deal shares the account."""
    if deals.shadow.any():
        return _with_rivals(deals, draw_customers(world, deals.pick(~deals.shadow), seed, size))
    segment = world.segment(deals.label)
    g = rng(seed, f"customers {deals.label}")
    shares = region_shares(world)
    edges = np.concatenate([[0], np.cumsum(shares)])
    legacy = np.maximum(np.diff(np.round(edges * scaled(segment.legacy, size))), 1)
    accounts = np.maximum(np.diff(np.round(edges * scaled(segment.accounts, size))), legacy + 2)
    n = len(deals.created)
    account, first, repeat = np.full(n, -1), np.zeros(n, bool), deals.repeat.copy()
    moved = _moved(world, deals, seed)
    repeat |= moved
    starts, ends, regions = [], [], []
    base = 0
    for r in range(len(shares)):
        mine = np.flatnonzero(deals.region == r)
        size_of = int(accounts[r]), int(legacy[r])
        start, end, chosen, first[mine], repeat[mine] = _region(
            world, segment, deals, mine, repeat[mine], moved[mine], *size_of, g
        )
        account[mine] = base + chosen
        starts.append(start)
        ends.append(end)
        regions.append(np.full(len(start), r))
        base += len(start)
    return Customers(np.concatenate(starts), np.concatenate(ends), np.concatenate(regions), account, first, repeat)


def with_own_levels(world: World, deals: Deals, customers: Customers, seed: int) -> Deals:
    """The deals with amounts that an account's own level shows in (``account_log_sd``); their spread over all deals stays the segment's."""
    segment = world.segment(deals.label)
    if segment.account_log_sd == 0:
        return deals
    own = rng(seed, f"account level {deals.label}").standard_normal(len(customers.start))[customers.account]
    anew = np.sqrt(1 - (segment.account_log_sd / segment.amount_log_sd) ** 2) * np.log(
        deals.amount / segment.amount_median
    )
    amount = np.round(segment.amount_median * np.exp(segment.account_log_sd * own + anew), 2)
    return replace(deals, amount=np.maximum(amount, 0.01))


def _with_rivals(deals: Deals, real: Customers) -> Customers:
    """The customers of the deals that count, with every shadow on the account of its pair."""
    n = len(deals.created)
    account, first, repeat = np.empty(n, np.int64), np.zeros(n, bool), np.zeros(n, bool)
    counts, shadows = ~deals.shadow, np.flatnonzero(deals.shadow)
    account[counts], first[counts], repeat[counts] = real.account, real.first, real.repeat
    paired = np.flatnonzero(counts & (deals.pair >= 0))
    other = np.empty(deals.pair.max() + 1, np.int64)
    other[deals.pair[paired]] = paired
    account[shadows], repeat[shadows] = account[other[deals.pair[shadows]]], repeat[other[deals.pair[shadows]]]
    return replace(real, account=account, first=first, repeat=repeat)


def _moved(world: World, deals: Deals, seed: int) -> Flags:
    """The KA team's deals that go to customers whom other teams had won before the launch (M-D)."""
    if world.siphon is None or deals.label != "KA":
        return np.zeros(len(deals.created), bool)
    theirs = motions(world)[deals.team] == "KA"
    return theirs & (rng(seed, "siphon").random(len(deals.created)) < world.siphon.moved)


def _region(
    world: World, segment: Segment, deals: Deals, mine: Ints, repeat: Flags, moved: Flags, accounts: int, legacy: int,
    g: np.random.Generator,
) -> tuple[Ints, Ints, Ints, Flags, Flags]:  # fmt: skip
    created, closed = deals.created[mine], np.minimum(deals.end[mine], day(world.as_of))
    won = deals.won[mine]
    makers = np.flatnonzero(won & ~repeat)
    makers = makers[np.argsort(closed[makers], kind="stable")]
    repeat[makers[max(accounts - legacy - 1, 0) :]] = True  # more first wins than accounts: the last repeat
    makers = makers[: max(accounts - legacy - 1, 0)]
    customers = legacy + len(makers)
    start, end = np.full(accounts, NEVER), np.full(accounts, NEVER)
    start[:legacy], end[:legacy] = _legacy(world, segment, legacy, g)
    start[legacy:customers] = closed[makers]
    end[legacy:customers] = closed[makers] + np.ceil(life_days(segment, g, len(makers))).astype(np.int64)
    account = np.full(len(mine), -1)
    account[makers] = np.arange(legacy, customers)
    # moved from other teams: customers since before the launch, by a deal on record
    launch = day(world.ka_launch)
    todo = np.flatnonzero(moved & repeat)
    _place(account, todo, lambda c, i: (start[c] < launch) & (end[c] > closed[i]), len(makers), legacy, g)
    # meant for present customers: one whose life spans the deal
    todo = np.flatnonzero(repeat & (account < 0))
    _place(account, todo, lambda c, i: (start[c] < created[i]) & (end[c] > closed[i]), customers, 0, g)
    stuck = todo[account[todo] < 0]
    repeat[stuck[~won[stuck]]] = False
    # Won, but nobody's life spans it: it makes a new customer instead. Stretching a life would bend the planted lifetimes.
    late = stuck[won[stuck]]
    room = max(accounts - 1 - customers, 0)
    fresh = late[:room]
    account[fresh] = np.arange(customers, customers + len(fresh))
    start[account[fresh]] = closed[fresh]
    end[account[fresh]] = closed[fresh] + np.ceil(life_days(segment, g, len(fresh))).astype(np.int64)
    repeat[fresh] = False
    customers += len(fresh)
    makers = np.concatenate([makers, fresh])
    for i in late[room:]:  # no account left: a customer's life is stretched to span the deal
        options = np.flatnonzero(start[:customers] < created[i])
        account[i] = options[g.integers(len(options))] if len(options) else 0
        end[account[i]] = max(end[account[i]], closed[i] + 1)
    # new: an account that is no customer while the deal runs
    todo = np.flatnonzero((account < 0) & ~repeat)
    _place(account, todo, lambda c, i: start[c] > closed[i], accounts - legacy, legacy, g)
    stuck = todo[account[todo] < 0]
    account[stuck] = g.integers(customers, accounts, len(stuck))
    is_first = np.zeros(len(mine), bool)
    is_first[makers] = True
    return start, end, account, is_first, repeat


def _place(
    account: Ints, todo: Ints, fits: Callable[[Ints, Ints], Flags], count: int, base: int, g: np.random.Generator
) -> None:
    """Draw an account from base … base+count for every deal in `todo` until it fits; at most 60 draws."""
    for _ in range(60):
        if not len(todo) or not count:
            return
        candidate = base + g.integers(count, size=len(todo))
        good = fits(candidate, todo)
        account[todo[good]] = candidate[good]
        todo = todo[~good]


def _legacy(world: World, segment: Segment, count: int, g: np.random.Generator) -> tuple[Ints, Ints]:
    """Customers from before the records that were still there on the first day: starts spread evenly over the years
    before, kept with the chance of having stayed."""
    since = day(world.observed_from)
    start, end = np.empty(0, np.int64), np.empty(0, np.int64)
    while len(start) < count:
        tries = 4 * count + 50
        born = since - 1 - np.floor(g.random(tries) * segment.legacy_years * 365.25).astype(np.int64)
        dies = born + np.ceil(life_days(segment, g, tries)).astype(np.int64)
        stayed = dies >= since
        start, end = np.concatenate([start, born[stayed]]), np.concatenate([end, dies[stayed]])
    return start[:count], end[:count]
