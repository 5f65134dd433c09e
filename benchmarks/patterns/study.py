"""Companies with known failure patterns, and what 05 says of each: rows kept on disk, so that a study goes on where it stopped."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks.validity.engine import Engine
from benchmarks.validity.store import FINDS_WITH, Rows, code_hash, remembered, short_hash, world_hash
from kaanalysis.analyses import failure_patterns
from kaanalysis.analyses.bottlenecks import bottleneck
from kaanalysis.analyses.verdicts import only_numbers
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.results import Result
from kaanalysis.simulate import draw_company
from kaanalysis.simulate.parameters import load
from kaanalysis.simulate.replica import FIRST_SEED

PLANTED = {
    "hatching": "M-A",
    "channel": "M-B",
    "rival_team": "M-C",
    "siphon": "M-D",
    "starved_product": "M-E",
    "shortfall": "M-F",
}
# No failure pattern is planted in these, but something that may look like one: a base that stopped growing, a market worked empty, the
# method's three fits, needs all alike, key accounts that leave, deals lost late, a programme of eight months.
OTHERS = ("stalled_base", "exhausted_market", "part_time_fits", "split_fits", "rebuild_fits", "alike_needs", "fickle_key_accounts",
          "late_to_the_table", "stingy_key_accounts", "merged_roles", "slow_decoy", "young_programme")  # fmt: skip
WORLDS = ("healthy", *PLANTED, *OTHERS)
Task = tuple[str, float, tuple[int, ...], Policy]  # world, size, seeds, policy
# A company so large that chance is nearly gone from its signs.
LARGE = 24.0
CHANCE_FREE = 4_000_000  # added to the seeds of large companies


def health(company: Company, policy: Policy, *, fit: bool = True) -> Result:
    """05 of a company, with what it reads of 03 (fit: else without)."""
    with only_numbers():
        found = [bottleneck(company, policy)[0]] if fit else []
        sales = Result("03_sales_flow", "drawn", policy.hash, str(company.info.as_of), found)
        return failure_patterns.analyse(company, policy, {"03_sales_flow": sales})


def row(result: Result) -> dict[str, Any]:
    """What is kept of a company: per finding state, adjusted p-value, share of signs seen, lead; the signs with their intervals; and the
    states of the monthly replay."""
    findings, signs = {}, {}
    for finding in result.findings:
        numbers = {n.name: n for n in finding.numbers}
        held = {
            name: numbers[name].value if name in numbers else None for name in ("p_adjusted", "score", "lead_months")
        }
        lead = numbers.get("lead_months")
        findings[finding.id] = {
            "state": finding.state,
            **held,
            "lead_at_least": lead is not None and lead.low is not None,
        }
        signs |= {
            n.name: [n.value, n.low, n.high]
            for n in finding.numbers
            if n.name not in ("p_adjusted", "score", "lead_months")
        }
    return {"findings": findings, "signs": signs}


def drawn(engine: Engine, world: str, seed: int, size: float, policy: Policy, *, fit: bool = True) -> dict[str, Any]:
    """The row of one company; of a healthy one also `replay`: by pattern the states of the monthly replay, oldest first."""
    company = open_drawn(engine, world, seed, size)
    made = {"seed": seed, **row(health(company, policy, fit=fit))}
    if world == "healthy":
        held, _ = failure_patterns.replayed(company, policy, failure_patterns.gather(company, policy, None))
        made["replay"] = {str(p): mine["state"].tolist() for p, mine in held.sort_values("month").groupby("pattern")}
    return made


def open_drawn(engine: Engine, world: str, seed: int, size: float) -> Company:
    made = load(world)
    return engine.open(made, draw_company(made, seed, size))


@functools.cache
def _engine() -> Engine:
    return Engine()


def some(task: Task) -> tuple[str, float, list[dict[str, Any]]]:
    """The rows of one task (world, size, seeds, policy), in a process of its own engine."""
    world, size, seeds, policy = task
    return world, size, [drawn(_engine(), world, seed, size, policy) for seed in seeds]


def rows_of(world: str, size: float, policy: Policy) -> Rows:
    key = short_hash(code_hash(FINDS_WITH), policy.hash, world_hash(load(world)), size)
    return Rows(f"patterns {world} {size:g}", key)


def open_tasks(
    worlds: Sequence[str], sizes: Sequence[float], companies: int, policy: Policy, at_once: int = 4
) -> Iterator[Task]:
    """What is still to be drawn: `companies` of every world and size."""
    for size in sizes:
        for world in worlds:
            there = {r["seed"] for r in rows_of(world, size, policy).read()}
            wanted = [FIRST_SEED + i for i in range(companies) if FIRST_SEED + i not in there]
            for begin in range(0, len(wanted), at_once):
                yield world, size, tuple(wanted[begin : begin + at_once]), policy


def truth(world: str, policy: Policy) -> dict[str, float]:
    """The signs of one very large company of the world, in which chance is nearly gone; kept on disk."""
    key = short_hash(code_hash(FINDS_WITH), policy.hash, world_hash(load(world)), LARGE)

    def make() -> dict[str, float]:
        made = drawn(Engine(), world, FIRST_SEED + CHANCE_FREE, LARGE, policy, fit=False)
        return {name: value for name, (value, _, _) in made["signs"].items() if value is not None}

    return dict(remembered("patterns", key, make))
