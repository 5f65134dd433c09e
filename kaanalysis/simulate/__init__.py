"""Synthetic companies with planted, recorded truth.

``simulate`` draws a company from the latent parameters in ``data/companies/<name>.toml`` and writes a company folder;
the truth goes into ``<folder>.truth.json`` beside it, where no analysis reads it.
"""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import pyarrow as pa

from kaanalysis.contracts import UnusableData
from kaanalysis.simulate import deal_tables, tables, team_tables
from kaanalysis.simulate.core import draw_deals, sellers
from kaanalysis.simulate.customers import draw_customers
from kaanalysis.simulate.parameters import World, load, names
from kaanalysis.simulate.truth import truth
from kaanalysis.simulate.write import MARK, refuse, truth_path, write_company

__all__ = ["list_companies", "simulate", "truth_path"]


def list_companies() -> dict[str, tuple[str, str]]:
    """Every company's name with one line about it in English and one in Chinese."""
    return {name: (world.about_en, world.about_zh) for name in names() for world in [load(name)]}


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
    made, planted = generate(world, seed + world.history, size)
    parameters = json.loads(json.dumps(dataclasses.asdict(world), default=str))
    record = {"schema": 1, "company": company, "seed": seed, "size": size, "as_of": world.as_of.isoformat(),
              "planted": {"bottleneck": world.bottleneck, "slowest": world.slowest, "benchmark": world.benchmark},
              "segments": planted, "parameters": parameters}  # fmt: skip
    write_company(out, company_toml(world, company, seed, size), made, record)
    return out


def generate(world: World, seed: int, size: float) -> tuple[dict[str, pa.Table], dict[str, Any]]:
    """(contract tables by name, truth by segment)."""
    crew = sellers(world, seed, size)
    drawn = {}
    for label, _ in world.segments():
        deals = draw_deals(world, label, seed, size, crew)
        drawn[label] = (deals, draw_customers(world, deals, seed, size))
    parts = tables.parts(world, seed, drawn)
    w = tables.Widths(parts)
    made = {
        "accounts": tables.accounts(world, seed, parts, w),
        "opportunities": deal_tables.opportunities(world, seed, size, parts, w, crew),
        "teams": team_tables.teams(world),
        "stage_history": deal_tables.stage_history(world, parts, w),
        "activities": deal_tables.activities(world, seed, parts, w, crew),
        "stakeholders": deal_tables.stakeholders(world, seed, parts, w),
        "buying_steps": deal_tables.buying_steps(world, seed, parts, w),
        "value_items": deal_tables.value_items(world, seed),
        "order_lines": deal_tables.order_lines(world, seed, parts, w),
        "subscriptions": tables.subscriptions(world, seed, parts, w),
        "ownership": tables.ownership(world, seed, parts, w),
        "disputes": tables.disputes(world, seed, size, parts, w),
        "team_months": team_tables.team_months(world, seed, size, parts, crew),
        "capability": team_tables.capability(world, seed),
    }
    return made, truth(world, {label: deals for label, (deals, _) in drawn.items()})


def company_toml(world: World, company: str, seed: int, size: float) -> str:
    """The folder's company.toml; its first line marks it as simulate's own."""
    return (
        f"{MARK}: {company}, seed {seed}, size {size:g}. Everything in this folder is invented.\n"
        f"name = {json.dumps(world.name, ensure_ascii=False)}\n"
        f'currency = "{world.currency}"\n'
        f"as_of = {world.as_of}\nobserved_from = {world.observed_from}\nka_launch = {world.ka_launch}\n"
        f'language = "{world.language}"\n'
    )
