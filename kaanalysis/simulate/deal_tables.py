"""The tables that follow the deals: opportunities, stages, persons, steps, activities, orders."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kaanalysis.simulate.core import DISCOUNT, KEY_PERSON, Flags, Floats, Ints, Sellers, day, motions, rng, scaled
from kaanalysis.simulate.customers import product_mixes
from kaanalysis.simulate.interviews import interviews
from kaanalysis.simulate.tables import (
    ACTIONS,
    BAND_NAMES,
    BANDS,
    ORIGINS,
    RECKONING,
    TOPICS,
    Part,
    Widths,
    by,
    dates,
    draw_product,
    industries,
    join,
    money,
    origins,
    words,
)
from kaanalysis.simulate.world import World


def owner_names(world: World, crew: Sellers, shard: int) -> list[str]:
    """Sellers' names in the order of their numbers; who was in another team before keeps the name. shard: earlier shards have as
    many sellers each."""
    counts = crew.offset[1:] - crew.offset[:-1]
    names = [f"{t.team}-{shard * n + k + 1:02d}" for t, n in zip(world.teams, counts, strict=True) for k in range(n)]
    return [names[before] for before in crew.was]


def opportunities(
    world: World, seed: int, size: float, made: list[Part], w: Widths, crew: Sellers, shard: int = 0
) -> pa.Table:
    out = []
    products, categories = list(world.products), list(world.products.values())
    owners, names = owner_names(world, crew, shard), [t.team for t in world.teams]
    for part in made:
        g = rng(seed, f"opportunities {part.label}")
        d, s = part.deals, part.segment
        n = len(d.created)
        lost, still = d.outcome == 0, d.outcome == -1
        reasons = [step.loss_reason for step in s.steps] + [""]
        u = g.random(n)
        exits = np.where(lost, np.where((u < s.drifted) & ~d.diverted, 1, 0), np.where(u < s.refunded, 2, 3))
        no_exit = still | (d.won & (u >= s.refunded + s.litigated))
        partner = motions(world)[d.team] == "channel"
        count = scaled(world.partners, size)
        partners = [f"partner-{shard * count + i + 1:02d}" for i in range(count)]
        rivals = np.where(
            d.created >= day(world.ka_launch),
            s.competitor if s.competitor_after is None else s.competitor_after,
            s.competitor,
        )
        out.append({
            "opportunity_id": w.deals(part.number),
            "account_id": w.accounts(part.account),
            "team": words(names, d.team),
            "owner": words(owners, d.owner),
            "channel": words(["direct", "partner"], partner.astype(np.int64)),
            "partner_id": words(partners, g.integers(len(partners), size=n), ~partner),
            "product": words(products, part.main),
            "category": words(categories, part.main),
            "origin": words(ORIGINS, origins(world, seed, part)),
            "created_at": dates(d.created),
            "closed_at": dates(d.end, still),
            "outcome": words(["lost", "won", "open"], np.where(still, 2, d.outcome)),
            "amount": money(d.amount),
            "loss_reason": words(reasons, d.fails, ~lost | (g.random(n) < 0.15)),
            "lost_to_competitor": pa.array(((g.random(n) < rivals) & (u >= s.drifted)) | d.diverted, mask=~lost),
            "exit": words(["lost", "drifted", "refunded", "litigated"], exits, no_exit),
        })  # fmt: skip
    return by(join(out), "opportunity_id")


def entered(part: Part, s: int, as_of: int) -> Flags:
    """Deals that entered step `s` by as_of."""
    d = part.deals
    return d.present[:, s] & (d.fails >= s) & (d.begins[:, s] <= as_of)


def _run(world: World, seed: int, part: Part) -> Flags:
    """Whether each deal's seller runs each stage, deals × steps: the first and the last always. Streams of their own, so that it changes
    nothing else."""
    d, steps = part.deals, len(part.segment.steps)
    run = np.ones((len(d.created), steps), bool)
    if part.segment.skips and steps > 2:
        habit = rng(seed, "skips of sellers").random(int(d.owner.max(initial=0)) + 1)
        u = rng(seed, f"skips {part.label}").random((len(d.created), steps - 2))
        run[:, 1:-1] = u >= 2 * part.segment.skips * habit[d.owner][:, None]
    return run


def stage_history(world: World, seed: int, made: list[Part], w: Widths) -> pa.Table:
    out = []
    for part in made:
        run = _run(world, seed, part)
        for s, step in enumerate(part.segment.steps):
            i = np.flatnonzero(entered(part, s, day(world.as_of)) & run[:, s])
            out.append({"opportunity_id": w.deals(part.number[i]), "stage": pa.repeat(step.name, len(i)),
                        "entered_at": dates(part.deals.begins[i, s])})  # fmt: skip
    return by(join(out), "opportunity_id", "entered_at")


def engaged(world: World, seed: int, part: Part) -> tuple[Ints, Flags]:
    """(day on which each role's person was first met, never met) per deal and role. Persons whom the seller meets are
    met within the segment's `engage_days` and before their own step; who was not met when the deal ended never was."""
    d, s = part.deals, part.segment
    n, roles = d.person.shape
    u = rng(seed, f"engaged {part.label}").random((n, roles + 1))
    person = np.maximum(d.person, 0)
    latest = np.full((n, roles + 1), s.engage_days)  # by person number
    for i, step in enumerate(s.steps):
        who = person[:, part.role(step.role)]
        own = np.flatnonzero(who != KEY_PERSON)
        wait = np.maximum(d.begins[own, i] - d.created[own], 0)  # steps before a late registration count as its day
        latest[own, who[own]] = np.minimum(latest[own, who[own]], wait)
    latest[:, KEY_PERSON] = 0
    planned = d.created[:, None] + np.floor(u * (latest + 1)).astype(np.int64)
    at = np.take_along_axis(planned, person, 1)
    last = np.minimum(d.end, day(world.as_of))[:, None]
    late = _surfaced(seed, part)
    at = np.where(late >= 0, late, at)
    return at, (~d.met & (late < 0)) | (at > last)


def _surfaced(seed: int, part: Part) -> Ints:
    """Day on which a person who was not met in time is met after all, deals × roles; -1 where that never happens. A person without a step
    to be late for does not surface. A stream of its own, so that it changes nothing else."""
    d, s = part.deals, part.segment
    day_of = np.full(d.person.shape, -1, dtype=np.int64)
    if not s.surfaces:
        return day_of
    g = rng(seed, f"surfaces {part.label}")
    shows, wait = g.random(d.person.shape), g.random(d.person.shape)
    for i, step in enumerate(s.steps):
        r = part.role(step.role)
        over = d.ends[:, i] + 1 + np.floor(wait[:, r] * s.engage_days).astype(np.int64)
        late = (
            ~d.met[:, r]
            & (d.person[:, r] != KEY_PERSON)
            & (d.person[:, r] >= 0)
            & d.present[:, i]
            & (shows[:, r] < s.surfaces)
        )
        day_of[:, r] = np.where(late, np.maximum(day_of[:, r], over), day_of[:, r])
    return day_of


def stakeholders(world: World, seed: int, made: list[Part], w: Widths) -> pa.Table:
    out = []
    for part in made:
        d, s = part.deals, part.segment
        g = rng(seed, f"stakeholders {part.label}")
        at, never = engaged(world, seed, part)
        mood = g.random((len(d.created), len(s.roles) + 1))
        stance = np.take_along_axis(mood, np.maximum(d.person, 0), 1)
        stance = np.where(stance < s.against, 2, np.where(stance < 0.5, 1, 0))
        stance = np.where(d.person == KEY_PERSON, 0, stance)
        i, r = np.nonzero(d.person >= 0)
        seen = part.seen_as(d.person[i, r], r)
        out.append({
            "opportunity_id": w.deals(part.number[i]),
            "person_id": w.persons(part.account[i], d.person[i, r]),
            "department": words([x.department for x in s.roles], seen),
            "role": words([x.role for x in s.roles], r),
            "part": words([x.part for x in s.roles], seen),
            "key_person": pa.array(d.person[i, r] == KEY_PERSON),
            "stance": words(["for", "neutral", "against"], stance[i, r].astype(np.int64), never[i, r]),
            "engaged_at": dates(at[i, r], never[i, r]),
        })  # fmt: skip
    return by(join(out), "opportunity_id", "person_id", "role")


def buying_steps(world: World, seed: int, made: list[Part], w: Widths, told: bool = True) -> pa.Table:
    """The customer's steps that are done: the step that ended a deal is in it, one still under way is not.

    told: with the interviews.
    """
    out = []
    as_of = day(world.as_of)
    categories = list(world.products.values())
    for part in made:
        d, s = part.deals, part.segment
        band = np.searchsorted(BANDS, part.employees, side="right")
        industry = industries(world, seed, part)

        def rows(i: Ints, step: str, role: str, kind: str, number: int, begins: Ints, ends: Ints, limit: float,
                 part: Part = part, band: Ints = band, industry: Ints = industry) -> dict[str, pa.Array]:  # fmt: skip
            r = part.role(role)
            account = part.customers.account[i]
            return {
                "flow_id": w.deals(part.number[i]),
                "step": pa.repeat(step, len(i)),
                "part": pa.repeat(kind, len(i)),
                "department": words(
                    [x.department for x in part.segment.roles],
                    part.seen_as(part.deals.person[i, r], np.full(len(i), r)),
                ),
                "role": pa.repeat(role, len(i)),
                "person_id": w.persons(part.account[i], part.deals.person[i, r]),
                "opportunity_id": w.deals(part.number[i]),
                "account_id": w.accounts(part.account[i]),
                "category": words(categories, part.main[i]),
                "industry": words(world.industries, industry[account]),
                "size_band": words(BAND_NAMES, band[account]),
                "step_no": pa.repeat(number, len(i)),
                "at": dates(ends),
                "started_at": dates(begins),
                "days": pa.array((ends - begins).astype(np.float64)),
                "amount": money(part.deals.amount[i]),
                "authority_limit": pa.array(np.full(len(i), limit), mask=np.full(len(i), limit <= 0)),
                "source": pa.repeat("log", len(i)),
            }

        number = 0
        for j, step in enumerate(s.steps):
            number += 1
            done = entered(part, j, as_of) & (d.ends[:, j] <= as_of)
            if step.buying != "-":
                seen = done & ((d.person[:, part.role(step.role)] != KEY_PERSON) | (not step.only_separate))
                i = np.flatnonzero(seen)
                limit = s.authority_limit if step.above_limit else 0.0
                name, span = step.buying or step.name, (d.begins[i, j], d.ends[i, j])
                out.append(rows(i, name, step.role, step.part, number, *span, limit))
            for inform in s.informs:
                if inform.after == step.name:
                    number += 1
                    i = np.flatnonzero(done & (d.fails > j))
                    out.append(rows(i, inform.name, inform.role, "inform", number, d.ends[i, j], d.ends[i, j], 0.0))
    if told:
        out.append(interviews(world, seed))
    return by(join(out), "flow_id", "step_no")


def activities(world: World, seed: int, made: list[Part], w: Widths, crew: Sellers, shard: int = 0) -> pa.Table:
    """What the sellers did until the deal ended, each time with a person already met; never the same twice a day.

    The first is on the day of opening, with the key person; the others come at a rate that the deal keeps all its life: so many on average
    (between the two `activities`) in the days that the whole flow takes. Were their number drawn from the life that a deal turned out
    to have, deals that end early would be worked harder on every day of it, and what was talked of by a given day would tell the outcome.
    """
    out = []
    owners = owner_names(world, crew, shard)
    for part in made:
        d, s = part.deals, part.segment
        g = rng(seed, f"activities {part.label}")
        met_at, never = engaged(world, seed, part)
        low, high = s.activities
        n = len(d.created)
        life = np.minimum(d.end, day(world.as_of)) - d.created
        others = (g.uniform(low, high, n) - 1) / max(sum(x.days for x in s.steps), 1)  # a day
        i = np.concatenate([np.arange(n), np.repeat(np.arange(n), g.poisson(others * (life + 1)))])
        begins = np.arange(len(i)) < n
        at = d.created[i] + np.where(begins, 0, np.floor(g.random(len(i)) * (life[i] + 1)).astype(np.int64))
        r = g.integers(d.person.shape[1], size=len(i))
        unmet = begins | (d.person[i, r] < 0) | never[i, r] | (met_at[i, r] > at)
        r = np.where(unmet, part.role(s.key_role), r)
        action = g.integers(len(ACTIONS[part.label]), size=len(i))
        key = np.stack([i, at, action, d.person[i, r]])
        keep = _first(key)
        i, r, at, action = i[keep], r[keep], at[keep], action[keep]
        out.append({
            "opportunity_id": w.deals(part.number[i]),
            "at": dates(at),
            "action": words(ACTIONS[part.label], action),
            "owner": words(owners, d.owner[i]),
            "person_id": w.persons(part.account[i], d.person[i, r]),
            "topic": words(TOPICS, g.integers(len(TOPICS), size=len(i))),
        })  # fmt: skip
        out += _reckoning(world, seed, part, w, owners)
    return by(join(out), "opportunity_id", "at", "action", "person_id")


def _reckoning(world: World, seed: int, part: Part, w: Widths, owners: list[str]) -> list[dict[str, pa.Array]]:
    """Where the customer does the sums: one activity with the key person per deal and kind that it shows, on any of the days that the
    whole flow takes as planned; what would come after the deal's end or after as_of is not there. A day within the life that a deal
    turned out to have would tell its outcome. A stream of its own, so that it changes nothing else."""
    d, out = part.deals, []
    g = rng(seed, f"reckoning {part.label}")
    planned = sum(step.days for step in part.segment.steps)
    last = np.minimum(d.end, day(world.as_of))
    for kind, (action, topic) in RECKONING.items():
        shows, place = g.random(len(d.created)), g.random(len(d.created))
        at = d.created + np.floor(place * planned).astype(np.int64)
        i = np.flatnonzero((shows < getattr(part.segment.reckons, kind)) & (at <= last))
        out.append({
            "opportunity_id": w.deals(part.number[i]),
            "at": dates(at[i]),
            "action": pa.repeat(action, len(i)),
            "owner": words(owners, d.owner[i]),
            "person_id": w.persons(part.account[i], np.full(len(i), KEY_PERSON)),
            "topic": pa.repeat(topic, len(i)),
        })  # fmt: skip
    return out


def _first(key: Ints) -> Ints:
    """Positions of the first of equal columns ."""
    order = np.lexsort(key[::-1])
    fresh = np.ones(key.shape[1], bool)
    fresh[1:] = (np.diff(key[:, order], axis=1) != 0).any(axis=0)
    return np.sort(order[fresh])


def order_lines(world: World, seed: int, made: list[Part], w: Widths) -> pa.Table:
    """The lines of every won deal; they add up to its amount, to the cent. A sale that was never registered as a deal has lines alone."""
    out = []
    products = list(world.products)
    for part in made:
        d, s = part.deals, part.segment
        g = rng(seed, f"order_lines {part.label}")
        mixes = product_mixes(world, s, len(part.customers.start), rng(seed, f"products {part.label}"))
        won = np.flatnonzero(d.won)
        lines = g.integers(s.lines[0], s.lines[1] + 1, len(won))
        i = np.repeat(np.arange(len(won)), lines)
        first = np.cumsum(lines) - lines
        weight = g.standard_gamma(2.0, len(i)) + 1e-9
        share = weight / np.add.reduceat(weight, first)[i] if len(i) else weight
        total = np.round(d.amount[won] * 100).astype(np.int64)
        cents = np.floor(share * total[i]).astype(np.int64)
        if len(i):
            cents[first] += total - np.add.reduceat(cents, first)
        product = draw_product(mixes, part.customers.account[won][i], g)
        product[first] = part.main[won]
        discount: Floats = g.beta(*DISCOUNT, len(i))
        out.append({
            "account_id": w.accounts(part.account[won][i]),
            "product": words(products, product),
            "amount": pa.array(cents / 100),
            "at": dates(d.end[won][i]),
            "custom": pa.array(g.random(len(i)) < s.custom),
            "list_amount": money(cents / 100 / (1 - discount)),
            "opportunity_id": w.deals(part.number[won][i]),
        })  # fmt: skip
        silent, account = part.silent
        out.append({
            "account_id": w.accounts(part.base + account),
            "product": words(products, draw_product(mixes, account, rng(seed, f"silent orders {part.label}"))),
            "amount": money(silent.amount),
            "at": dates(silent.end),
            "custom": pa.repeat(pa.scalar(False), len(account)),
            "list_amount": pa.nulls(len(account), pa.float64()),
            "opportunity_id": pa.nulls(len(account), pa.string()),
        })  # fmt: skip
    table = join(out)
    return table.take(pc.sort_indices(table, [("opportunity_id", "ascending"), ("product", "ascending")]))
