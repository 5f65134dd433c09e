"""Companies of one unchanging world, each read at several days: rows of numbers, kept on disk, resumable."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterator
from typing import Any

from benchmarks.changes.earlier import earlier
from benchmarks.validity.engine import Engine
from benchmarks.validity.store import FINDS_WITH, Rows, code_hash, short_hash, world_hash
from kaanalysis.analyses.registry import select
from kaanalysis.analyses.verdicts import only_numbers
from kaanalysis.policy import Policy, load_policy
from kaanalysis.results import Number
from kaanalysis.simulate import draw_company, list_companies
from kaanalysis.simulate.world import World

COMPANY = "healthy"  # no pattern is planted and nothing changes within its years
FIRST_SEED = 700_000_000
# Months before the last day at which the same company is read too: one more month, and a year.
MONTHS = (0, 1, 12)
QUICK = {"evidence.draws": 400, "ledger.draws": 256}


def policy() -> Policy:
    """The workbook's own with fewer draws: intervals a little rougher, so false alarms rather more."""
    return load_policy().override(QUICK)


def months_before(day: dt.date, months: int) -> dt.date:
    """The last day of the month so many months before a last day of a month."""
    first = dt.date(day.year, day.month, 1)
    for _ in range(months - 1):
        first = (first - dt.timedelta(days=1)).replace(day=1)
    return day if months == 0 else first - dt.timedelta(days=1)


def read(engine: Engine, world: World, seed: int, size: float, months: int) -> dict[str, dict[str, Any]]:
    """Every number of one company as of so many months before its last day, as "analysis|finding|name|segment" → the number; its states
    as "analysis|finding" → {"state", "reason"}."""
    day = months_before(world.as_of, months)
    tables = earlier(draw_company(world, seed, size), day)
    company, found, results = engine.open(dataclasses.replace(world, as_of=day), tables), {}, {}
    with only_numbers():
        for analysis in select(None):
            result = analysis.analyse(company, policy(), {id: results[id] for id in analysis.upstream})
            results[analysis.id] = result
            for finding in result.findings:
                found[f"{result.id}|{finding.id}"] = {"state": finding.state, "reason": finding.reason}
                for number in finding.numbers:
                    found[f"{result.id}|{finding.id}|{number.name}|{number.segment}"] = number.to_dict()
    return found


def rows_of(size: float) -> Rows:
    world = list_companies()[COMPANY]
    return Rows(f"changes-{size:g}", short_hash(code_hash(FINDS_WITH), policy().hash, world_hash(world), size, MONTHS))


def run(companies: int, size: float) -> Iterator[int]:
    """Draw and read what is missing; yields each seed when its rows are on disk."""
    world, rows, engine = list_companies()[COMPANY], rows_of(size), Engine()
    done = {row["seed"] for row in rows.read()}
    for seed in range(FIRST_SEED, FIRST_SEED + companies):
        if seed not in done:
            at = {str(m): read(engine, world, seed, size, m) for m in MONTHS}
            rows.append([{"seed": seed, "at": at}])
            yield seed


def numbers(row: dict[str, dict[str, Any]]) -> dict[str, Number]:
    """The numbers among what :func:`read` found, by key."""
    return {key: Number(**raw) for key, raw in row.items() if "name" in raw}
