"""Measure the decision of 04 on companies with known truth and write benchmarks/DECISION.md. Resumable: companies once seen and judged stay
on disk under a hash of the code, the policy and the world. ``python -m benchmarks.decision --help``."""

from __future__ import annotations

import argparse
import datetime as dt
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.decision import judge as judging
from benchmarks.decision.companies import LARGE, MADE_WITH, Kept, large_company, worlds
from benchmarks.decision.document import document
from benchmarks.decision.score import STAGED
from benchmarks.validity.engine import Engine
from benchmarks.validity.store import FINDS_WITH, Rows, code_hash, short_hash, world_hash
from kaanalysis.policy import load_policy
from kaanalysis.simulate.replica import FIRST_SEED

OUT = Path(__file__).parent.parent / "DECISION.md"


def options(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.decision", description=__doc__)
    parser.add_argument("--companies", type=int, default=40, help="companies of every world (40)")
    parser.add_argument(
        "--futures", type=int, default=128, help="futures of every company and path, a power of two (128)"
    )
    parser.add_argument("--draws", type=int, default=400, help="resamples behind the intervals of 01 and 03 (400)")
    parser.add_argument("--worlds", default="", help="names of worlds, separated by commas; all if empty")
    parser.add_argument("--out", type=Path, default=OUT, help="where to write the tables")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    asked = options(argv)
    policy, engine, begin = load_policy().override({"evidence.draws": asked.draws}), Engine(), time.perf_counter()
    wanted = {n: w for n, w in worlds().items() if not asked.worlds or n in asked.worlds.split(",")}
    kept = {name: Kept(engine, name, world, policy) for name, world in wanted.items()}
    known = {name: judging.known_inputs(large_company(engine, world, policy)) for name, world in wanted.items()}
    judged: dict[str, list[Any]] = {name: [] for name in wanted}
    by = code_hash(FINDS_WITH), Path(judging.__file__).read_text(encoding="utf-8"), policy.hash, asked.futures, LARGE
    rows = {name: Rows(f"decision judged {name}", short_hash(*by, world_hash(w))) for name, w in wanted.items()}
    done = {name: {row["number"]: row["made"] for row in held.read()} for name, held in rows.items()}
    for number in range(asked.companies):
        for name, world in wanted.items():
            if number not in done[name]:
                seen = kept[name].company(number)
                made = judging.judge(world, known[name], seen, number, asked.futures, policy)
                rows[name].append([{"number": number, "made": made}])
                done[name][number] = made
                print(f"{time.perf_counter() - begin:6.0f} s  {name} {number}", flush=True)
            judged[name].append(done[name][number])
    command = "python -m benchmarks.decision" + "".join(f" {word}" for word in (argv or sys.argv[1:]))
    stamp = {
        "command": f"`{command}`",
        "date": dt.date.today().isoformat(),
        "worlds": ", ".join(wanted),
        "companies of each": f"{asked.companies}, at the demo's size, seeds {FIRST_SEED} to {FIRST_SEED + asked.companies - 1}",
        "futures of each company and path": asked.futures,
        "resamples behind the intervals of 01 and 03": asked.draws,
        "the ledger's draws, horizon": f"{policy['ledger.draws']}, {policy['ledger.horizon_months']} months",
        "data inputs known from": f"one company {LARGE:g} times the size",
        "code": f"{code_hash(FINDS_WITH)} (companies seen with {code_hash(MADE_WITH)})",
    }
    values = {name: judging.expected_values(inputs, policy) for name, inputs in known.items()}
    staged = {name: judging.staging(inputs, policy) for name, inputs in known.items()}
    for name, found in staged.items():
        # Staging is valued against the best commitment, nothing (worth 0) among them.
        values[name][STAGED] = max(*values[name].values(), 0.0) + found["option_value"]
    told = document(judged, values, staged, 1 - policy["ledger.certainty"], stamp)
    asked.out.write_text(told, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
