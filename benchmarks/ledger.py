"""How fast the ROI ledger is, and that it is right: the vectorised ledger against the plain loop written from docs/ledger.md, in one run.

``python -m benchmarks.ledger [company]``; prints a table and writes nothing. The plain loop is timed on a few worlds and scaled up, which
its row says; differences are the largest over those worlds, relative to the sum of the amounts' sizes.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks.plain_ledger import plain_cash, plain_npv
from kaanalysis.analyses.ledger import LINES, PATHS, evaluate, expected_npv, path_cash
from kaanalysis.analyses.ledger_inputs import Inputs, draw_inputs, gather_inputs
from kaanalysis.analyses.registry import REGISTRY
from kaanalysis.company import open_company
from kaanalysis.policy import Policy, load_policy

WORLDS, PLAIN_WORLDS = 1 << 16, 24
SEED = 20261122


@dataclass(frozen=True)
class Timed:
    """What was done, on how many worlds, in how many seconds; of the plain loop fewer are run and `scaled` says what all would take."""

    name: str
    worlds: int
    seconds: float

    @property
    def scaled(self) -> float:
        return self.seconds * WORLDS / self.worlds


def timed(name: str, worlds: int, work: Callable[[], object]) -> Timed:
    begin = time.perf_counter()
    work()
    return Timed(name, worlds, time.perf_counter() - begin)


def company_inputs(data: str, policy: Policy) -> Inputs:
    """The ledger's inputs of a company, with 01 and 03 computed first."""
    company = open_company(data)
    base, sales = (REGISTRY[id].analyse(company, policy, {}) for id in ("01_base_assumptions", "03_sales_flow"))
    inputs = gather_inputs(company, policy, base, sales)
    if isinstance(inputs, list):
        raise SystemExit(f"the ledger of {data} needs {', '.join(inputs)}")
    return inputs


def differences(x: dict[str, np.ndarray], months: int, rate: float) -> dict[str, float]:
    """Largest relative differences between the vectorised ledger and the plain loop: of any line in any month, and of the value."""
    value = expected_npv(x, months, rate)
    lines, values = 0.0, 0.0
    for i, path in enumerate(PATHS):
        fast = path_cash(path, x, months, rate)
        for world in range(PLAIN_WORLDS):
            numbers = {name: float(column[world]) for name, column in x.items()}
            slow = plain_cash(path, numbers, months, rate)
            size = sum(sum(abs(v) for v in line) for line in slow.values())
            lines = max(lines, *(float(np.abs(fast[n][world] - slow[n]).max()) / size for n in LINES))
            values = max(values, abs(value[world, i] - plain_npv(path, numbers, months, rate)) / size)
    return {"any line in any month": lines, "net present value": values}


def main(data: str = "data/demo") -> None:
    policy = load_policy().override({"evidence.draws": 200})
    inputs = company_inputs(data, policy)
    months, rate = policy["ledger.horizon_months"], policy["ledger.discount_rate"]
    x = draw_inputs(inputs, WORLDS, SEED)
    few = {name: column[:PLAIN_WORLDS] for name, column in x.items()}

    def plain() -> None:
        for world in range(PLAIN_WORLDS):
            numbers = {name: float(column[world]) for name, column in few.items()}
            for path in PATHS:
                plain_npv(path, numbers, months, rate)

    rows = [
        timed("inputs: scrambled Sobol points through the copula", WORLDS, lambda: draw_inputs(inputs, WORLDS, SEED)),
        timed("expected value, closed form over months", WORLDS, lambda: expected_npv(x, months, rate)),
        timed("cash, loss and payback with single deals by chance", WORLDS,
              lambda: [evaluate(path, x, months, rate, SEED) for path in PATHS]),
        timed("plain loop: expected value", PLAIN_WORLDS, plain),
    ]  # fmt: skip
    print(f"{len(PATHS)} paths, {months} months, {len(inputs.items)} inputs; seconds for {WORLDS:,} worlds")
    for row in rows:
        print(
            f"  {row.name:<52} {row.scaled:>10.2f}"
            + ("" if row.worlds == WORLDS else f"  ({row.seconds:.2f} for {row.worlds})")
        )
    print("largest difference between the vectorised ledger and the plain loop, relative to the path's amounts")
    for name, gap in differences(few, months, rate).items():
        print(f"  {name:<52} {gap:>10.1e}")
    print(f"memory at its highest: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main(*sys.argv[1:2])
