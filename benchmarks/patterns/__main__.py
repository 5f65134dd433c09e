"""Measure the health check of 05 on companies whose failure patterns are known and write benchmarks/PATTERNS.md. Resumable: companies once
judged stay on disk under a hash of the code, the policy and the world. ``python -m benchmarks.patterns --help``."""

from __future__ import annotations

import datetime as dt
import multiprocessing
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.patterns import document, looks, study
from benchmarks.validity.store import FINDS_WITH, code_hash
from kaanalysis.policy import load_policy
from kaanalysis.simulate.replica import FIRST_SEED

OUT = Path(__file__).parent.parent / "PATTERNS.md"


def main(
    companies: Annotated[int, typer.Option(help="Companies of every world and size.")] = 200,
    sizes: Annotated[str, typer.Option(help="Sizes of the companies, separated by commas.")] = "0.5,1",
    worlds: Annotated[str, typer.Option(help="Worlds, separated by commas.")] = ",".join(study.WORLDS),
    jobs: Annotated[int, typer.Option(help="Processes.")] = 2,
    draws: Annotated[int, typer.Option(help="Bootstrap draws behind the fit of 03.")] = 200,
    draw: Annotated[bool, typer.Option(help="Draw what is missing, or write from the rows at hand.")] = True,
    out: Annotated[Path, typer.Option(help="Where the tables go.")] = OUT,
) -> None:
    """Measure what is found where, how early, and whether the signs' intervals hold the truth."""
    policy, begin = load_policy().override({"evidence.draws": draws}), time.perf_counter()
    wanted, measured = worlds.split(","), [float(s) for s in sizes.split(",")]
    tasks = list(study.open_tasks(wanted, measured, companies, policy)) if draw else []
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        for i, coming in enumerate(as_completed([pool.submit(study.some, task) for task in tasks]), 1):
            world, size, made = coming.result()
            study.rows_of(world, size, policy).append(made)
            print(f"{time.perf_counter() - begin:6.0f} s  {i} of {len(tasks)}  {world} {size:g}", flush=True)
    rows = {}
    for size in measured:
        found = {world: study.rows_of(world, size, policy).read()[:companies] for world in wanted}
        rows[size] = {world: there for world, there in found.items() if there}
    truths = {world: study.truth(world, policy) for world in rows[max(measured)]}
    command = "python -m benchmarks.patterns" + "".join(f" {word}" for word in sys.argv[1:])
    stamp = {
        "command": f"`{command}`",
        "date": dt.date.today().isoformat(),
        "companies": f"up to {companies} of every world and size, seeds from {FIRST_SEED} on",
        "large": f"{study.LARGE:g}",
        "policy": policy.hash,
        "code": code_hash(FINDS_WITH),
    }
    text = document.document(rows, truths, looks.monthly_looks(rows[max(measured)].get("healthy", []), policy), stamp)
    out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
