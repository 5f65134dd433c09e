"""``python -m benchmarks.changes``: measure and write CHANGES.md. Stopped and started again, it goes on where it was."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.changes import study
from benchmarks.changes.document import document

TARGET = Path(__file__).parents[1] / "CHANGES.md"


def main(
    companies: Annotated[int, typer.Option(help="Companies drawn, each read at three days.")] = 200,
    size: Annotated[float, typer.Option(help="Size of the companies.")] = 1.0,
    draw: Annotated[bool, typer.Option(help="Draw what is missing, or write from the rows at hand.")] = True,
    out: Annotated[Path, typer.Option(help="Where the tables go.")] = TARGET,
) -> None:
    """Measure how often two runs between which nothing has changed are said to differ."""
    console = Console(stderr=True)
    if draw:
        with console.status("drawing") as status:
            for seed in study.run(companies, size):
                status.update(f"company {seed - study.FIRST_SEED + 1} of {companies}")
    rows = sorted(study.rows_of(size).read(), key=lambda r: r["seed"])[:companies]
    if len(rows) < 2:
        raise typer.BadParameter("no rows are at hand; leave --no-draw away")
    out.write_text(document(rows, size), encoding="utf-8")
    console.print(out)


if __name__ == "__main__":
    typer.run(main)
