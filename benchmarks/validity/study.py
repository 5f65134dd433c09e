"""From cells to rows: every company is drawn, analysed and reduced to its states and numbers, in parallel processes, resumable."""

from __future__ import annotations

import hashlib
import multiprocessing
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

from benchmarks.validity.cells import Cell
from benchmarks.validity.engine import Engine
from benchmarks.validity.store import FINDS_WITH, Rows, code_hash, short_hash, world_hash
from kaanalysis.analyses.registry import select
from kaanalysis.analyses.verdicts import only_numbers
from kaanalysis.policy import Policy
from kaanalysis.results import Result
from kaanalysis.simulate import draw_company

CHUNK = 10  # companies a process works through before it hands in their rows
OF_NAMED_INDUSTRY = (
    "industry_gap",
    "industry_gap_key_accounts",
    "industry_share_key_accounts",
    "others_share_key_accounts",
)
_ENGINE: Engine | None = None


@dataclass(frozen=True)
class Task:
    """Some companies of one cell at one size, by their seeds."""

    cell: Cell
    size: float
    seeds: tuple[int, ...]
    policy: Policy


def seeds(cell: Cell, size: float, count: int) -> list[int]:
    """The seeds of a cell's companies: consecutive from a place that the name and the size fix, far below the replicas' seeds."""
    start = int.from_bytes(hashlib.sha256(f"{cell.name} {size}".encode()).digest()[:4], "big") % 1_900_000_000
    return list(range(start, start + count))


def company_row(engine: Engine, cell: Cell, size: float, seed: int, policy: Policy) -> dict[str, Any]:
    """One company: states as {finding: [state, reason, what it names]}, intervals as {"analysis|number|segment": [value, low,
    high]} for the whole workbook, seconds of processor time it took."""
    begun = time.process_time()
    tables = {n: t for n, t in draw_company(cell.world, seed, size).items() if n not in cell.without}
    company = engine.open(cell.world, tables)
    results: dict[str, Result] = {}
    with only_numbers():
        for analysis in select(list(cell.analyses)):
            results[analysis.id] = analysis.analyse(company, policy, {id: results[id] for id in analysis.upstream})
    states: dict[str, list[str]] = {}
    numbers: dict[str, list[float | None]] = {}
    for id, result in results.items():
        for finding in result.findings:
            named = {
                "M-3.6": finding.terms.get("step", ""),
                "M-4": finding.reason,
                "M-4.4": finding.terms.get("path", ""),
                "M-1.1": finding.reason,
                "M-1.5d": finding.reason,
                "M-0.2": finding.terms.get("industry", ""),
            }
            states[finding.id] = [finding.state, finding.reason, named.get(finding.id, "")]
            for number in finding.numbers:
                # M-4 repeats numbers of 03 beside its own; each is measured where it is made.
                if finding.id == "M-4" and number.name in ("bottlenecks", "fit", "p_best", "severity"):
                    continue
                if number.level is not None:
                    values = (number.value, number.low, number.high)
                    # The industry that a company names is its own; in all of them it is the one they name.
                    segment = "named" if number.name in OF_NAMED_INDUSTRY else number.segment
                    numbers[f"{id[:2]}|{number.name}|{segment}"] = [None if v is None else float(v) for v in values]
    row: dict[str, Any] = {"seed": seed, "states": states, "seconds": round(time.process_time() - begun, 3)}
    if not cell.finding:
        row["numbers"] = numbers
    return row


def work(task: Task) -> list[dict[str, Any]]:
    """All rows of a task, in this process's own engine."""
    global _ENGINE
    if _ENGINE is None:
        _ENGINE = Engine()
    return [company_row(_ENGINE, task.cell, task.size, seed, task.policy) for seed in task.seeds]


def rows_of(cell: Cell, size: float, policy: Policy) -> Rows:
    """Where the rows of a cell lie, under a hash of the code, the policy (draws included), the world, the size and what is run."""
    key = short_hash(code_hash(FINDS_WITH), policy.hash, world_hash(cell.world), size, cell.analyses, cell.without)
    return Rows(f"{cell.name}-{size:g}", key)


def open_tasks(cells: list[Cell], sizes: Callable[[Cell], tuple[float, ...]], count: int, policy: Policy) -> list[Task]:
    """What is still to be done, cell by cell."""
    tasks = []
    for cell in cells:
        for size in sizes(cell):
            done = {row["seed"] for row in rows_of(cell, size, policy).read()}
            todo = [s for s in seeds(cell, size, max(1, round(count * cell.share))) if s not in done]
            tasks += [Task(cell, size, tuple(todo[i : i + CHUNK]), policy) for i in range(0, len(todo), CHUNK)]
    return tasks


def run(tasks: list[Task], jobs: int) -> Iterator[tuple[Task, float]]:
    """Work through the tasks; yields each with the seconds it took once its rows are on disk. Stopped and started again, only
    what is missing is done."""
    pool = ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn"))
    try:
        waiting: dict[Future[list[dict[str, Any]]], Task] = {}
        queue = iter(tasks)
        while True:
            while len(waiting) < 2 * jobs and (task := next(queue, None)) is not None:
                waiting[pool.submit(work, task)] = task
            if not waiting:
                return
            for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                task = waiting.pop(future)
                rows = future.result()
                rows_of(task.cell, task.size, task.policy).append(rows)
                yield task, sum(row["seconds"] for row in rows)
    finally:
        pool.shutdown(cancel_futures=True)


def rows(cell: Cell, size: float, count: int, policy: Policy) -> list[dict[str, Any]]:
    """The rows of a cell at a size, in the order of their seeds."""
    wanted = set(seeds(cell, size, max(1, round(count * cell.share))))
    return sorted((r for r in rows_of(cell, size, policy).read() if r["seed"] in wanted), key=lambda r: r["seed"])
