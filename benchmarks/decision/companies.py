"""The companies whose decision is judged: their worlds, and what 04 sees of each, kept on disk.

Of 01 and 03 only those findings are asked for that 04 reads (which path: M-3.6; the ledger: M-1.1, M-1.2, M-3.2, M-3.6), by the functions
that the notebooks call.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from benchmarks.validity.cell import with_segment
from benchmarks.validity.cells import capable
from benchmarks.validity.engine import Engine
from benchmarks.validity.store import FINDS_WITH, PACKAGE, Rows, code_hash, remembered, short_hash, world_hash
from kaanalysis import aggregates
from kaanalysis.analyses import lifecycle, market, path_rule, rates
from kaanalysis.analyses.bottlenecks import bottleneck
from kaanalysis.analyses.ledger_inputs import Input, Inputs, gather_inputs
from kaanalysis.analyses.verdicts import only_numbers
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.results import Result
from kaanalysis.simulate import draw_company
from kaanalysis.simulate.parameters import load
from kaanalysis.simulate.replica import FIRST_SEED
from kaanalysis.simulate.world import World

FITS = ("part_time_fits", "split_fits", "rebuild_fits")
# Tables that none of the findings asked for reads; a test holds the answers with and without them against each other.
UNREAD = ("activities", "stakeholders", "buying_steps", "order_lines", "value_items")
# Companies as large as this know their data inputs nearly without error (as in benchmarks/validity/truths.py).
LARGE = 40.0
CHANCE_FREE = 3_000_000  # added to the seeds of large companies
# What decides how a company is drawn and what 04 sees of it: all that FINDS_WITH names, but for what is computed from what is seen (the
# ledger's money, and the futures).
COMPUTED = {"ledger.py", "ledger_chance.py", "ledger_lines.py", "ledger_value.py", "path_economics.py", "path_selection.py",
            "strategic_loss.py", "futures.py", "future_deals.py"}  # fmt: skip
MADE_WITH = tuple(
    f"{folder}/{file.name}"
    for folder in ("simulate", "analyses")
    for file in sorted((PACKAGE / folder).glob("*.py"))
    if file.name not in COMPUTED
) + tuple(part for part in FINDS_WITH if part not in ("simulate", "analyses"))


def between(first: World, second: World) -> World:
    """Half way: every KA step's passing and the KA teams' capability in the middle of two worlds."""
    passing = [
        (a.pass_probability + b.pass_probability) / 2 for a, b in zip(first.ka.steps, second.ka.steps, strict=True)
    ]
    levels = [
        np.mean([t.capability for t in world.teams if t.motion == "KA"]) for world in (first, second)
    ]  # every team of a motion alike
    steps = tuple(replace(s, pass_probability=p) for s, p in zip(first.ka.steps, passing, strict=True))
    moved = with_segment(first, "KA", steps=steps, unmet=(first.ka.unmet + second.ka.unmet) / 2)
    return capable(moved, float(np.mean(levels)))


def worlds() -> dict[str, World]:
    """By name: the company in which nothing fails, those for which one path was planted, and those half way between two of them."""
    part_time, split, rebuild = (load(name) for name in FITS)
    return {
        "healthy": load("healthy"),
        "part_time_fits": part_time,
        "between part-time and split": between(part_time, split),
        "split_fits": split,
        "between split and rebuild": between(split, rebuild),
        "rebuild_fits": rebuild,
    }


@dataclass(frozen=True)
class Seen:
    """What 04 has of a company. inputs: of the ledger; rule: state and path of M-4; year: won amount of the last twelve months."""

    inputs: Inputs
    rule: tuple[str, str]
    year: float

    def row(self) -> dict[str, Any]:
        items = [[i.name, i.value, i.low, i.high, i.level, i.unit, i.origin, i.scale] for i in self.inputs.items]
        off = [
            [i, j, float(self.inputs.correlation[i, j])]
            for i, j in np.argwhere(np.triu(self.inputs.correlation, 1)).tolist()
        ]
        return {"items": items, "correlation": off, "rule": list(self.rule), "year": self.year}

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> Seen:
        correlation = np.eye(len(row["items"]))
        for i, j, value in row["correlation"]:
            correlation[i, j] = correlation[j, i] = value
        return cls(Inputs(tuple(Input(*item) for item in row["items"]), correlation), tuple(row["rule"]), row["year"])


def see(company: Company, policy: Policy) -> Seen:
    """What 01 and 03 hand on to 04, and what 04's rule says."""
    with only_numbers():
        found, _ = rates.find(company, policy)
        stuck, frames = bottleneck(company, policy)
        counted = [market.find(company, policy)[0], lifecycle.find(company, policy)[0]]
        base, sales = (
            Result(id, "drawn", policy.hash, str(company.info.as_of), findings, handed)
            for id, findings, handed in (
                ("01_base_assumptions", counted, {}),
                ("03_sales_flow", [*found, stuck], frames),
            )
        )
        chosen, _ = path_rule.find(sales, policy)
        inputs = gather_inputs(company, policy, base, sales)
    assert isinstance(inputs, Inputs), inputs
    return Seen(inputs, (chosen.state, chosen.reason), aggregates.won_in_last_year(company, policy))


def drawn(engine: Engine, world: World, seed: int, size: float, policy: Policy) -> Seen:
    tables = draw_company(world, seed, size)
    # An absent table has no rows.
    kept = {name: table if name not in UNREAD else table.slice(0, 0) for name, table in tables.items()}
    return see(engine.open(world, kept), policy)


class Kept:
    """The companies of one world, those already seen read from disk."""

    def __init__(self, engine: Engine, name: str, world: World, policy: Policy) -> None:
        key = short_hash(code_hash(MADE_WITH), policy.hash, world_hash(world))
        self.rows = Rows(f"decision {name}", key)
        self.engine, self.world, self.policy = engine, world, policy
        self.known = {row["seed"]: row for row in self.rows.read()}

    def company(self, number: int) -> Seen:
        seed = FIRST_SEED + number
        if seed not in self.known:
            self.known[seed] = {"seed": seed, **drawn(self.engine, self.world, seed, 1.0, self.policy).row()}
            self.rows.append([self.known[seed]])
        return Seen.of_row(self.known[seed])


def large_company(engine: Engine, world: World, policy: Policy, size: float = LARGE) -> Seen:
    """One company so large that its data inputs are known nearly without error; its counts are those of a company of size 1."""
    quick = policy.override({"evidence.draws": 200})
    key = short_hash(code_hash(MADE_WITH), quick.hash, world_hash(world), size)
    row = remembered("decision", key, lambda: drawn(engine, world, FIRST_SEED + CHANCE_FREE, size, quick).row())
    return Seen.of_row(row)
