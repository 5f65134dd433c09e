"""From the latent process to the contract's tables, as Arrow tables; each table draws from a stream of its own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kaanalysis.simulate.core import (
    KEY_PERSON,
    NEVER,
    Deals,
    Flags,
    Floats,
    Ints,
    day,
    lists_lean,
    region_shares,
    rng,
)
from kaanalysis.simulate.customers import Customers, product_mixes
from kaanalysis.simulate.world import Segment, World

SYLLABLES = "岚朔榆渡汐屿桐砚澜霁栎沅琢陌葵筠湛峤蘅畔苇瀚祺垚"
LATIN = ("Lanyu", "Shuohe", "Tongxi", "Yanlan", "Qizhan", "Weiyuan", "Heng", "Moqiao")
TRADES = {"manufacturing": "制造", "retail": "商贸", "logistics": "物流", "healthcare": "医疗", "finance": "金融服务"}
REACHES = ("global", "national", "regional", "local")
RANKINGS = ("样例五百强", "样例行业百强", "Sample Global 2000")
ACTIONS = {"SMB": ("call", "demo", "quote", "visit"),
           "KA": ("visit", "discovery interview", "value workshop", "call", "proposal", "negotiation")}  # fmt: skip
TOPICS = ("need", "value", "price", "risk", "integration", "terms")
# What a seller notes where the customer does the sums, by kind (M-2.1): action, topic.
RECKONING = {"compare_offers": ("offer comparison", "price"), "discount": ("discount request", "price"),
             "extras": ("extras request", "terms"), "value_case": ("value calculation", "value")}  # fmt: skip
BANDS = (100, 1000, 5000)
BAND_NAMES = ("1-99", "100-999", "1000-4999", "5000+")
PERSON_WIDTH = 16  # persons per account in an id


@dataclass
class Part:
    """One segment's share of the company: parameters, deals, customers, and what the tables share about them.

    base: number of its first account; number: company-wide number of each deal; main: product of each deal. listed: number of
    accounts known from a list alone, numbered from `listed_base`. silent: won deals that were never registered."""

    label: str
    segment: Segment
    deals: Deals
    customers: Customers
    base: int
    number: Ints
    main: Ints
    employees: Floats
    listed: int
    listed_base: int
    silent: tuple[Deals, Ints]

    @property
    def account(self) -> Ints:
        return self.base + self.customers.account

    def role(self, name: str) -> int:
        """Column of a role."""
        return [r.role for r in self.segment.roles].index(name)

    def seen_as(self, person: Ints, role: Ints) -> Ints:
        """The role whose department and part a person shows: the key person keeps its own, whatever else it holds."""
        return np.where(person == KEY_PERSON, self.role(self.segment.key_role), role)


@dataclass(frozen=True)
class Numbers:
    """Where a share of a company (a shard) begins to count its accounts and deals."""

    account: int = 1
    deal: int = 1


def parts(
    world: World, seed: int, size: float, made: dict[str, tuple[Deals, Customers]], first: Numbers = Numbers()
) -> list[Part]:
    """The segments side by side, registered deals numbered by opening day over the whole company."""
    created = np.concatenate([d.created[d.seen] for d, _ in made.values()])
    number = np.empty(len(created), np.int64)
    number[np.argsort(created, kind="stable")] = first.deal + np.arange(len(created))
    out: list[Part] = []
    base, at = first.account, 0
    worked = first.account + sum(len(c.start) for _, c in made.values())
    for label, segment in world.segments():
        deals, customers = made[label]
        g = rng(seed, f"products {label}")
        mixes = product_mixes(world, segment, len(customers.start), g)
        main = draw_product(mixes, customers.account, g)
        seen, silent = deals.seen, np.flatnonzero(~deals.seen & deals.won)
        n = int(seen.sum())
        normal = rng(seed, f"employees {label}").standard_normal(len(customers.start))
        employees = np.ceil(segment.employees_median * np.exp(segment.employees_log_sd * normal))
        unworked = max(0, segment.market - segment.accounts) * segment.ranked
        listed = round((unworked if world.leaning is None else sum(lists_lean(world, segment).listed)) * size)
        out.append(Part(label, segment, deals.pick(seen), customers.pick(seen), base, number[at : at + n], main[seen], employees,
                        listed, worked, (deals.pick(silent), customers.account[silent])))  # fmt: skip
        base, at, worked = base + len(customers.start), at + n, worked + listed
    return out


def draw_product(mixes: Floats, account: Ints, g: np.random.Generator) -> Ints:
    """A product's number for each entry of `account` (an account's number), by the accounts' `product_mixes`."""
    mix = np.cumsum(mixes, axis=1)
    return np.minimum((mix[account] < g.random(len(account))[:, None]).sum(axis=1), mix.shape[1] - 1)


# Arrow helpers ----------------------------------------------------------------------------------------------------


def ids(prefix: str, number: Ints, width: int) -> pa.Array:
    text = pc.utf8_lpad(pa.array(number).cast(pa.string()), width, "0")
    return pc.binary_join_element_wise(prefix, text, "")


def dates(days: Ints, missing: Flags | None = None) -> pa.Array:
    return pa.array(days.astype(np.int32), pa.int32(), mask=missing).cast(pa.date32())


def words(names: tuple[str, ...] | list[str], index: Ints, missing: Flags | None = None) -> pa.Array:
    taken = pa.array(index, mask=missing) if missing is not None else pa.array(index)
    return pa.array(list(names), pa.string()).take(taken)


def money(amount: Floats, missing: Flags | None = None) -> pa.Array:
    return pa.array(np.round(amount, 2), mask=missing)


def join(tables: list[dict[str, pa.Array]]) -> pa.Table:
    return pa.concat_tables([pa.table(t) for t in tables]).combine_chunks()


def by(table: pa.Table, *columns: str) -> pa.Table:
    return table.sort_by([(c, "ascending") for c in columns])


class Widths:
    """Digits of ids, from the most accounts and deals that a company of this size can have."""

    def __init__(self, world: World, size: float) -> None:
        accounts = sum(max(s.accounts, s.accounts + (s.market - s.accounts) * s.ranked) for _, s in world.segments())
        deals = sum(s.opportunities for _, s in world.segments()) * (2 if world.rivalry is not None else 1)
        self.account = max(4, len(str(round(1.02 * accounts * size) + 20)))
        self.deal = max(5, len(str(round(1.01 * deals * size) + 20)))

    def accounts(self, number: Ints) -> pa.Array:
        return ids("A", number, self.account)

    def deals(self, number: Ints) -> pa.Array:
        return ids("O", number, self.deal)

    def persons(self, account: Ints, person: Ints) -> pa.Array:
        letters = words([chr(97 + i) for i in range(PERSON_WIDTH)], person)
        return pc.binary_join_element_wise(ids("P", account, self.account), letters, "")


# Customers --------------------------------------------------------------------------------------------------------


def account_created(world: World, seed: int, part: Part) -> Ints:
    """Day on which each account was recorded: before its first deal and its first contract.

    Accounts with neither: spread evenly over the records, KA accounts over the time since the launch (its target list).
    """
    g = rng(seed, f"account created {part.label}")
    n = len(part.customers.start)
    earliest = np.minimum(part.customers.start, NEVER)
    np.minimum.at(earliest, part.customers.account, part.deals.created)
    lo, hi = day(world.observed_from), day(world.as_of)
    since = day(world.ka_launch) if part.label == "KA" else lo
    idle = since + (g.random(n) * (hi - since)).astype(np.int64)
    lead = np.floor(g.exponential(40, n)).astype(np.int64)
    known = np.where(earliest < lo, earliest - lead, np.maximum(earliest - lead, lo))
    return np.where(earliest == NEVER, idle, known)


def accounts(world: World, seed: int, made: list[Part], w: Widths) -> pa.Table:
    out = []
    for part in made:
        g = rng(seed, f"accounts {part.label}")
        s, n = part.segment, len(part.customers.start)
        number = part.base + np.arange(n)
        industry = industries(world, seed, part)
        name = company_names(world, industry, g)
        head = np.floor(g.random(n) * np.maximum(np.arange(n), 1)).astype(np.int64)
        child = g.random(n) < s.subsidiaries
        child &= (np.arange(n) > 0) & ~child[head]
        parent = w.accounts(part.base + head)
        revenue = s.revenue_median * np.exp(s.revenue_log_sd * g.standard_normal(n))
        english = g.random(n) < 0.15
        out.append({
            "account_id": w.accounts(number),
            "name": pc.if_else(pa.array(english), name[1], name[0]),
            "parent_account_id": pc.if_else(pa.array(child), parent, pa.scalar(None, pa.string())),
            "industry": words(world.industries, industry),
            "region": words(list(world.regions), part.customers.region),
            "employees": pa.array(part.employees.astype(np.int64)),
            "annual_revenue": pa.array(np.round(revenue, -3)),
            "reach": words(REACHES, g.choice(len(s.reach), n, p=np.array(s.reach))),
            "ranked_on": words(RANKINGS, g.integers(len(RANKINGS), size=n), g.random(n) >= ranked_chance(world, part, industry)),
            "segment": pa.repeat(part.label, n),
            "created_at": dates(account_created(world, seed, part)),
        })  # fmt: skip
    return join(out + [listed(world, seed, part, w) for part in made if part.listed])


def company_names(world: World, industry: Ints, g: np.random.Generator) -> tuple[pa.Array, pa.Array]:
    """(Chinese, English) invented names."""
    n = len(industry)
    pick = g.integers(len(SYLLABLES), size=(n, 2))
    latin = g.integers(len(LATIN), size=n)
    trade = words([TRADES.get(i, i) for i in world.industries], industry)
    chinese = pc.binary_join_element_wise(
        words(list(SYLLABLES), pick[:, 0]), words(list(SYLLABLES), pick[:, 1]), trade, "（样例）", "")  # fmt: skip
    english = pc.binary_join_element_wise(
        words(LATIN, latin), words(list(world.industries), industry), "(sample)", " ")  # fmt: skip
    return chinese, english


def listed(world: World, seed: int, part: Part, w: Widths) -> dict[str, pa.Array]:
    """Accounts that nobody has worked yet: they stand on a ranking and are in the company's register for that alone. Worked ones
    stand on it with the same chance, so that the two lists are independent and the market can be estimated from their overlap."""
    g = rng(seed, f"listed {part.label}")
    s, n = part.segment, part.listed
    industry = g.integers(len(world.industries), size=n)
    if world.leaning is not None:
        share = lists_lean(world, s).listed
        industry = _leaning_industries(world, share[0] / sum(share), n, rng(seed, f"leaning listed {part.label}"))
    employees = np.ceil(s.employees_median * np.exp(s.employees_log_sd * g.standard_normal(n)))
    shares = region_shares(world)
    return {
        "account_id": w.accounts(part.listed_base + np.arange(n)),
        "name": company_names(world, industry, g)[0],
        "parent_account_id": pa.nulls(n, pa.string()),
        "industry": words(world.industries, industry),
        "region": words(list(world.regions), g.choice(len(shares), n, p=shares)),
        "employees": pa.array(employees.astype(np.int64)),
        "annual_revenue": pa.array(np.round(s.revenue_median * np.exp(s.revenue_log_sd * g.standard_normal(n)), -3)),
        "reach": words(REACHES, g.choice(len(s.reach), n, p=np.array(s.reach))),
        "ranked_on": words(RANKINGS, g.integers(len(RANKINGS), size=n)),
        "segment": pa.repeat(part.label, n),
        "created_at": pa.nulls(n, pa.date32()),
    }  # fmt: skip


def industries(world: World, seed: int, part: Part) -> Ints:
    """Industry of every worked account: even over industries, unless one lags among the customers or the lists lean."""
    n, count = len(part.customers.start), len(world.industries)
    even = rng(seed, f"industry {part.label}").integers(count, size=n)
    if world.leaning is not None:
        share = lists_lean(world, part.segment).worked[0]
        return _leaning_industries(world, share, n, rng(seed, f"leaning worked {part.label}"))
    if world.lagging is None:
        return even
    g = rng(seed, f"lagging {part.label}")
    behind = world.industries.index(world.lagging.industry)
    leaves = (even == behind) & present(world, part) & (g.random(n) >= world.lagging.factor)
    return np.where(leaves, (behind + 1 + g.integers(count - 1, size=n)) % count, even)


def _leaning_industries(world: World, share: float, n: int, g: np.random.Generator) -> Ints:
    """Industries of `n` accounts of which `share` lie in those that the lists lean to; even within both kinds."""
    assert world.leaning is not None
    named = np.array([i in world.leaning.industries for i in world.industries])
    u, v = g.random(n), g.random(n)
    chosen = [np.flatnonzero(kind)[(v * kind.sum()).astype(np.int64)] for kind in (named, ~named)]
    return np.where(u < share, chosen[0], chosen[1])


def present(world: World, part: Part) -> Flags:
    """Accounts that are customers at as_of: their life spans it, or they won something in the twelve months before."""
    end, start = day(world.as_of), day(world.as_of.replace(year=world.as_of.year - 1))
    there: Flags = (part.customers.start <= end) & (part.customers.end > end)
    there[part.customers.account[part.deals.won & (part.deals.end > start)]] = True
    return there


def ranked_chance(world: World, part: Part, industry: Ints) -> Floats | float:
    """Chance of every worked account to be on a ranking."""
    s = part.segment
    if world.leaning is not None:
        named = np.array([i in world.leaning.industries for i in world.industries])
        high, low = lists_lean(world, s).ranked
        return np.where(named[industry], high, low)
    return s.ranked if s.ranked_present is None else np.where(present(world, part), s.ranked_present, s.ranked)


def subscriptions(world: World, seed: int, made: list[Part], w: Widths) -> pa.Table:
    """The first contract spans the customer's life; a later win that adds a product runs to its end too."""
    out = []
    end = day(world.as_of)
    products = list(world.products)
    for part in made:
        g = rng(seed, f"subscriptions {part.label}")
        c, d = part.customers, part.deals
        who = np.flatnonzero(c.start < NEVER)
        fee = part.segment.amount_median * np.exp(part.segment.amount_log_sd * g.standard_normal(len(c.start))) / 12
        fee[c.account[c.first]] = d.amount[c.first] / 12
        product = g.integers(len(products), size=len(c.start))
        product[c.account[c.first]] = part.main[c.first]
        more = np.flatnonzero(d.won & c.repeat & (origins(world, seed, part) != ORIGINS.index("renewal")))
        account = np.concatenate([who, c.account[more]])
        started = np.concatenate([c.start[who], d.end[more]])
        out.append({
            "account_id": w.accounts(part.base + account),
            "product": words(products, np.concatenate([product[who], part.main[more]])),
            "started_at": dates(started),
            "ended_at": dates(np.minimum(c.end[account], end), c.end[account] > end),
            "monthly_fee": money(np.concatenate([fee[who], d.amount[more] / 12])),
        })  # fmt: skip
    return by(join(out), "account_id", "started_at", "product")


ORIGINS = ("new", "expansion", "upgrade", "renewal")


def origins(world: World, seed: int, part: Part) -> Ints:
    g = rng(seed, f"origins {part.label}")
    kind = 1 + g.choice(3, len(part.deals.created), p=np.array(part.segment.origin_mix))
    return np.where(part.customers.repeat, kind, 0)
