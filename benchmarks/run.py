"""Speed against named peers in the same run, and what a report costs over its own floor. ``make bench`` writes RESULTS.md beside this file.

Peers: lifelines for Kaplan–Meier and Aalen–Johansen (same data, same result asserted). The floor of a report is one kernel start with the
workbook's imports plus the analyses computed in one process; what is above it is Papermill, drawing and writing."""

from __future__ import annotations

import datetime as dt
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent


def best_of(times: int, work: Callable[[], object]) -> tuple[float, float]:
    """Fastest and median of several runs, in seconds."""
    took = []
    for _ in range(times):
        begun = time.perf_counter()
        work()
        took.append(time.perf_counter() - begun)
    return min(took), statistics.median(took)


def command(*words: str) -> None:
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT)


def survival_rows(n: int) -> list[str]:
    from lifelines import AalenJohansenFitter, KaplanMeierFitter

    from kaanalysis.stats import cumulative_incidence, incidence_at, kaplan_meier

    generator = np.random.default_rng(1)
    entry = generator.uniform(0, 5, n)
    duration = entry + generator.exponential(20, n) + 1e-6
    event = generator.random(n) < 0.7
    ours, theirs = kaplan_meier(duration, event, entry), KaplanMeierFitter().fit(duration, event, entry=entry)
    at = np.quantile(duration, [0.2, 0.5, 0.8])
    step = ours["survival"].to_numpy()[np.searchsorted(ours["time"].to_numpy(), at, side="right") - 1]
    assert np.allclose(step, theirs.survival_function_at_times(at).to_numpy(), atol=1e-9)
    rows = [
        row(
            "Kaplan–Meier with late entry",
            n,
            best_of(3, lambda: kaplan_meier(duration, event, entry)),
            best_of(3, lambda: KaplanMeierFitter().fit(duration, event, entry=entry)),
        )
    ]
    kind = np.where(event, generator.integers(1, 3, n), 0)
    outcome = np.array([None, "won", "lost"], dtype=object)[kind]
    curve = cumulative_incidence(duration, outcome)
    fitted = AalenJohansenFitter(calculate_variance=True).fit(duration, kind, event_of_interest=1)
    there = float(fitted.cumulative_density_.loc[: at[1]].iloc[-1, 0])
    assert abs(float(incidence_at(curve, "won", at[1]).value or 0) - there) < 1e-9
    rows.append(row("Aalen–Johansen with variance", n, best_of(3, lambda: cumulative_incidence(duration, outcome)),
                    best_of(1, lambda: AalenJohansenFitter(calculate_variance=True).fit(duration, kind, event_of_interest=1))))  # fmt: skip
    return rows


def row(what: str, n: int, ours: tuple[float, float], theirs: tuple[float, float]) -> str:
    return f"| {what} | {n:,} | {ours[0]:.3f} | {theirs[0]:.3f} | {theirs[0] / ours[0]:.1f} × |"


def main() -> None:
    lines = ["# Measured", "", f"`make bench`, {dt.date.today()}, Python {platform.python_version()}, {platform.machine()}, {len(__import__('os').sched_getaffinity(0))} cores. Seconds, fastest of the runs.", "",
             "| estimator (same data, results equal to 1e-9) | rows | kaanalysis | lifelines | ratio |", "|---|---|---|---|---|"]  # fmt: skip
    for n in (1_000, 5_000):
        lines += survival_rows(n)
    with tempfile.TemporaryDirectory() as folder:
        report = best_of(
            2,
            lambda: command(
                str(BIN / "kaanalysis"),
                "report",
                "data/demo",
                "--out",
                f"{folder}/r{time.monotonic_ns()}",
                "--jobs",
                "2",
            ),
        )
        analyse = best_of(2, lambda: command(str(BIN / "kaanalysis"), "analyse", "data/demo", "--out", f"{folder}/a"))
        start = best_of(2, lambda: command(sys.executable, "-c", "import kaanalysis.workbook"))
    lines += ["", "| command on data/demo | seconds |", "|---|---|", f"| `kaanalysis report`, six notebooks, two languages, two at a time | {report[0]:.1f} |",
              f"| `kaanalysis analyse`, the same results in one process | {analyse[0]:.1f} |", f"| start of Python with the workbook's imports | {start[0]:.1f} |"]  # fmt: skip
    (Path(__file__).parent / "RESULTS.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
