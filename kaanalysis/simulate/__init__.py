"""Synthetic companies with planted, recorded truth.

``simulate`` draws a company from the latent parameters in ``data/companies/<name>.toml`` and writes a company folder;
the truth goes into ``<folder>.truth.json`` beside it, where no analysis reads it. A large company is drawn shard by shard, each a
territory with accounts and sellers of its own, so that memory does not grow with it.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from kaanalysis.contracts import UnusableData
from kaanalysis.simulate import change_log, claims, deal_tables, interviews, tables, team_tables
from kaanalysis.simulate.core import Deals, Sellers, sellers
from kaanalysis.simulate.customers import draw_customers, with_own_levels
from kaanalysis.simulate.deals import draw_deals
from kaanalysis.simulate.kinds import SkillCounts
from kaanalysis.simulate.parameters import load, names
from kaanalysis.simulate.truth import given_sellers, population_truth
from kaanalysis.simulate.world import World
from kaanalysis.simulate.write import MARK, refuse, truth_path, write_company

__all__ = ["draw_company", "list_companies", "population_truth", "simulate", "truth_path"]

SHARD = 50_000  # opportunities in one shard at most: some 150 MB while it is made
LARGEST = 20_000_000  # opportunities; beyond it a slip of the pen is likelier than a wish


def list_companies() -> dict[str, World]:
    """Every company by name; `about_en` and `about_zh` say what it is in one line, `naive_*` which reading of it goes wrong."""
    return {name: load(name) for name in names()}


def simulate(company: str, out: Path, seed: int | None = None, size: float = 1.0) -> Path:
    """Write the synthetic company `company` into the folder `out` and its truth beside it; returns `out`.

    seed: the same seed gives the same bytes (None: the company's own). size: factor on every count (1: as in its file).
    Raises :class:`UnusableData` for an unknown name, a size that makes no company, or a folder that is not simulate's.
    """
    out = Path(out)
    world = load(company)
    if not (math.isfinite(size) and size > 0):
        raise UnusableData(f"size = {size} must be a number above 0.")
    refuse(out)
    seed = world.seed if seed is None else seed
    if seed < 0:
        raise UnusableData(f"seed = {seed} must not be negative.")
    deals = sum(segment.opportunities for _, segment in world.segments()) * size
    if deals > LARGEST:
        raise UnusableData(f"size = {size:g} would make {deals:,.0f} opportunities; {LARGEST:,} is the most.")
    counts: dict[str, SkillCounts] = {}

    def shards() -> Iterator[dict[str, pa.Table]]:
        for made, drawn, crew in _shards(world, seed + world.history, size):
            for label, latent in drawn.items():
                counts[label] = counts.get(label, SkillCounts()) + SkillCounts.of(world, latent, crew)
            yield made
        yield {
            change_log.FILE: change_log.change_log(world, seed + world.history)
        }  # beside the tables: not of the contract

    def record() -> dict[str, Any]:
        truth = population_truth(world)
        for label, found in counts.items():
            truth["segments"][label]["won_given_sellers"] = given_sellers(world, label, found)
        parameters = json.loads(json.dumps(dataclasses.asdict(world), default=str))
        return {"schema": 2, "company": company, "seed": seed, "size": size, "as_of": world.as_of.isoformat(), **truth,
                "parameters": parameters}  # fmt: skip

    write_company(out, company_toml(world, company, seed, size), shards(), record)
    return out


def draw_company(world: World, seed: int, size: float) -> dict[str, pa.Table]:
    """The contract's tables in memory, by name: what `simulate` writes for the same seed (which adds the company's `history`)."""
    found: dict[str, list[pa.Table]] = {}
    for made, _, _ in _shards(world, seed, size):
        for name, table in made.items():
            found.setdefault(name, []).append(table)
    return {name: pa.concat_tables(parts).combine_chunks() for name, parts in found.items()}


def _shards(world: World, seed: int, size: float) -> Iterator[tuple[dict[str, pa.Table], dict[str, Deals], Sellers]]:
    """(tables, latent deals by segment, sellers) of one shard after the other; the last brings the tables about whole teams."""
    total = sum(segment.opportunities for _, segment in world.segments()) * size
    count = max(1, math.ceil(total / SHARD))
    widths = tables.Widths(world, size)
    first, months = tables.Numbers(), None
    for k in range(count):
        own = seed if count == 1 else int(np.random.SeedSequence([seed, k]).generate_state(2, np.uint64)[0] >> 1)
        crew = sellers(world, own, size / count)
        latent, drawn = {}, {}
        for label, _ in world.segments():
            latent[label] = draw_deals(world, label, own, size / count, crew)
            customers = draw_customers(world, latent[label], own, size / count)
            drawn[label] = (with_own_levels(world, latent[label], customers, own), customers)
        parts = tables.parts(world, own, size / count, drawn, first)
        made = _deal_tables(world, own, size / count, parts, widths, crew, k)
        here = team_tables.tally(world, parts, crew)
        months = here if months is None else months + here
        if k == count - 1:
            made |= {
                "teams": team_tables.teams(world),
                "value_items": interviews.value_items(world, seed),
                "team_months": team_tables.team_months(world, seed, size, months),
                "capability": team_tables.capability(world, seed),
            }
        yield made, latent, crew
        deals, accounts = sum(len(p.number) for p in parts), sum(len(p.customers.start) + p.listed for p in parts)
        first = tables.Numbers(first.account + accounts, first.deal + deals)


def _deal_tables(
    world: World, seed: int, size: float, parts: list[tables.Part], w: tables.Widths, crew: Sellers, shard: int
) -> dict[str, pa.Table]:
    return {
        "accounts": tables.accounts(world, seed, parts, w),
        "opportunities": deal_tables.opportunities(world, seed, size, parts, w, crew, shard),
        "stage_history": deal_tables.stage_history(world, seed, parts, w),
        "activities": deal_tables.activities(world, seed, parts, w, crew, shard),
        "stakeholders": deal_tables.stakeholders(world, seed, parts, w),
        "buying_steps": deal_tables.buying_steps(world, seed, parts, w, told=shard == 0),
        "order_lines": deal_tables.order_lines(world, seed, parts, w),
        "subscriptions": tables.subscriptions(world, seed, parts, w),
        "ownership": claims.ownership(world, seed, parts, w),
        "disputes": claims.disputes(world, seed, size, parts, w),
    }


def company_toml(world: World, company: str, seed: int, size: float) -> str:
    """The folder's company.toml; its first line marks it as simulate's own."""
    return (
        f"{MARK}: {company}, seed {seed}, size {size:g}. Everything in this folder is invented.\n"
        f"name = {json.dumps(world.name, ensure_ascii=False)}\n"
        f'currency = "{world.currency}"\n'
        f"as_of = {world.as_of}\nobserved_from = {world.observed_from}\nka_launch = {world.ka_launch}\n"
        f'language = "{world.language}"\n'
    )
