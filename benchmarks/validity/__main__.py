"""``python -m benchmarks.validity``: measure and write VALIDITY.md. Stopped and started again, it goes on where it was."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from benchmarks.validity import cells as worlds
from benchmarks.validity import document, study
from kaanalysis.policy import load_policy

LEDGER_DRAWS = (
    1024  # a quarter of the policy's: states of M-4.1 to M-4.4 are shares of them, Monte-Carlo error below 2 points
)
TARGET = Path(__file__).parents[1] / "VALIDITY.md"


def main(
    companies: Annotated[int, typer.Option(help="Healthy companies per size.")] = 1000,
    others: Annotated[
        int, typer.Option(help="Companies per world in which a finding holds, fails or is borderline.")
    ] = 300,
    sizes: Annotated[str, typer.Option(help="Sizes of the healthy companies.")] = "0.5,1,2",
    jobs: Annotated[int, typer.Option(help="Processes.")] = 2,
    only: Annotated[str, typer.Option(help="Cells whose names begin so, separated by commas; all if empty.")] = "",
    draws: Annotated[int, typer.Option(help="Bootstrap draws of an interval (the workbook's own policy: 1000).")] = 400,
    fresh: Annotated[bool, typer.Option(help="Forget the rows of earlier runs of these cells.")] = False,
    draw: Annotated[bool, typer.Option(help="Draw what is missing, or write from the rows at hand.")] = True,
    out: Annotated[Path, typer.Option(help="Where the tables go.")] = TARGET,
) -> None:
    """Measure coverage, bias and verdicts on companies with known truth."""
    begun = time.perf_counter()
    policy = load_policy().override({"evidence.draws": draws, "ledger.draws": LEDGER_DRAWS})
    console = Console(stderr=True)
    with console.status("Finding the worlds and their truths (kept in .validity)"):
        chosen = [worlds.healthy_cell(), *worlds.verdict_cells(policy, only, jobs)]
    names = tuple(n for n in only.split(",") if n)
    chosen = [c for c in chosen if not names or c.name.startswith(names)]
    if not chosen:
        raise typer.BadParameter(f"no cell begins with {only!r}")
    plan = document.Plan(chosen, tuple(float(s) for s in sizes.split(",")), companies, others, policy)
    if fresh:
        for cell in chosen:
            for size in plan.sizes_of(cell):
                study.rows_of(cell, size, policy).forget()
    tasks = [t for c in chosen if draw for t in study.open_tasks([c], plan.sizes_of, plan.count_of(c), policy)]
    left = sum(len(t.seeds) for t in tasks)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bar:
        shown = bar.add_task("companies", total=left)
        for task, _ in study.run(tasks, jobs):
            bar.update(shown, advance=len(task.seeds), description=f"{task.cell.name} {task.size:g}")
    elapsed = time.perf_counter() - begun
    command = "python -m benchmarks.validity " + " ".join(sys.argv[1:])
    out.write_text(document.write(plan, command.strip()), encoding="utf-8")
    console.print(f"{left} companies in {elapsed:.0f} s; tables in {out.name}")


if __name__ == "__main__":
    typer.run(main)
