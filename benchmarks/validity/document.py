"""VALIDITY.md: the tables with what one must know to read and to repeat them."""

from __future__ import annotations

import datetime as dt
import platform
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import pandas as pd

from benchmarks.validity import report, study
from benchmarks.validity.cells import BORDER, Cell
from benchmarks.validity.truths import NO_COVERAGE, PIECES, all_numbers, ledger_states
from kaanalysis.policy import Policy

FINDINGS = ("M-0.1", "M-1.2", "M-1.4", "M-2.2", "M-2.3", "M-3.1", "M-3.2", "M-3.6", "M-4", "M-D")
PATTERNS = ("M-A", "M-B", "M-C", "M-D", "M-E", "M-F")


@dataclass(frozen=True)
class Plan:
    """What was asked for: cells, sizes of the healthy companies, companies per size and per other world, policy."""

    cells: list[Cell]
    sizes: tuple[float, ...]
    companies: int
    others: int
    policy: Policy

    def sizes_of(self, cell: Cell) -> tuple[float, ...]:
        return cell.sizes if cell.finding else self.sizes

    def count_of(self, cell: Cell) -> int:
        return self.others if cell.finding else self.companies

    def rows(self, cell: Cell, size: float) -> list[dict[str, Any]]:
        return study.rows(cell, size, self.count_of(cell), self.policy)


def write(plan: Plan, command: str, elapsed: float, drawn: int, spent: float) -> str:
    """The whole document."""
    parts = [_head(plan, command, elapsed, drawn, spent)]
    healthy = next((c for c in plan.cells if not c.finding), None)
    if healthy is not None:
        parts += [_coverage(plan, healthy), _alarms(plan, healthy)]
    others = [c for c in plan.cells if c.finding]
    if others:
        parts.append(_verdicts(plan, others))
    return "\n\n".join(p for p in parts if p) + "\n"


def _head(plan: Plan, command: str, elapsed: float, drawn: int, spent: float) -> str:
    used = ", ".join(f"{name} {version(name)}" for name in ("numpy", "scipy", "pandas", "duckdb", "ibis-framework"))
    sizes = ", ".join(f"{s:g}" for s in plan.sizes)
    each = f", {spent / drawn:.2f} s of processor time each" if drawn else " (all rows were kept from earlier runs)"
    return f"""# Are the numbers right?
Measured on synthetic companies whose truth is known: how often an interval holds it, how far off the estimates are, and how
often a verdict is right, wrong or undecided. It says how the workbook does where its model of the world is right; a real company
may differ from it.

`{command}`, {dt.date.today()}, Python {platform.python_version()}, {used},
{platform.machine()}. {drawn} companies drawn in {elapsed:.0f} s{each}.
{plan.companies} healthy companies at each of the sizes {sizes} (size 1: 3,600 small and 320 large deals), {plan.others} in every
other world; {plan.policy["evidence.draws"]} bootstrap draws; policy {plan.policy.hash}. Shares are in percent, with Wilson's 95 %
interval for the number of companies. Seeds are consecutive from the first one given."""


def _coverage(plan: Plan, cell: Cell) -> str:
    frames, classed, first = [], set(), []
    for size in plan.sizes:
        rows = plan.rows(cell, size)
        if rows:
            frames.append(report.coverage(rows, all_numbers(cell.world, size, plan.policy), size))
            first.append(f"{rows[0]['seed']} (size {size:g})")
            names = {tuple(key.split("|")[:2]) for row in rows for key in row["numbers"]}
            classed |= {(analysis, name) for analysis, name in names if name in NO_COVERAGE}
    if not frames:
        return ""
    frame = pd.concat(frames, ignore_index=True)
    shown = pd.DataFrame(
        {
            "analysis": frame["analysis"],
            "number": frame["number"],
            "segment": frame["segment"],
            "size": [f"{s:g}" for s in frame["size"]],
            "truth": [f"{t:.4g}" for t in frame["truth"]],
            "covered": [str(c) for c in frame["covered"]],
            "": [report.mark(c) for c in frame["covered"]],
            "ends below": [_percent(x) for x in frame["too_low"]],
            "begins above": [_percent(x) for x in frame["too_high"]],
            "bias": [_plain(x) for x in frame["bias"]],
            "error": [_plain(x) for x in frame["error_sd"]],
            "no interval": [_percent(c.value) for c in frame["without"]],
        }
    ).sort_values(["analysis", "number", "segment", "size"], kind="stable")
    marks = shown[""].value_counts()
    with_interval = sum(c.of > 0 for c in frame["covered"])
    outside = int(marks.get("below", 0) + marks.get("above", 0))
    reasons = "\n".join(f"- {analysis} {name}: {NO_COVERAGE[name]}" for analysis, name in sorted(classed))
    return f"""## Intervals
{with_interval} intervals of nominal 95 %, company `healthy`, first seeds {", ".join(first)}. Target 93–97 %: `below` and `above`
lie outside it beyond their Monte-Carlo error ({outside}), in brackets by their value alone. ends below, begins above: share of
intervals that miss the truth on that side. bias: mean error, error: standard deviation of the estimates, both over the mean half
width (a normal interval that fits has 0 and 0.51). Truths are integrated, or read from {PIECES} companies of the same size. Where the
truth lies on the edge of what can be (a share of 0 or 1, a relief of 0) an interval that reaches the edge always holds it.

{report.table(shown)}

Intervals that are not about where a truth lies, so that no coverage can be asked of them:
{reasons}"""


def _percent(share: float) -> str:
    return "–" if share != share else f"{100 * share:.1f}"


def _plain(value: float) -> str:
    return "–" if value != value else f"{value:+.2f}"


def healthy_truth(plan: Plan, cell: Cell, size: float) -> dict[str, tuple[str, str]]:
    """True states of all findings in the healthy company of this size."""
    truth = report.states_of(all_numbers(cell.world, size, plan.policy), FINDINGS, plan.policy)
    return {**truth, **ledger_states(cell.world, size, plan.policy)}


def _alarms(plan: Plan, cell: Cell) -> str:
    lines, family = [], []
    for size in plan.sizes:
        rows = plan.rows(cell, size)
        if not rows:
            continue
        truth = healthy_truth(plan, cell, size)
        frame, alarmed = report.healthy_states(rows, truth)
        lines.append(frame.assign(size=f"{size:g}"))
        present = [p for p in PATTERNS if p in rows[0]["states"]]
        accused = sum(any(r["states"][p][0] == "supported" for p in present) for r in rows)
        patterns = f"any failure pattern ({', '.join(present)})"
        family.append(
            {"size": f"{size:g}", "any finding": str(alarmed), patterns: str(report.Share(accused, len(rows)))}
        )
    if not lines:
        return ""
    frame = pd.concat(lines, ignore_index=True)
    frame = frame[["finding", "truth", "size", "right", "wrong", "undecided"]].sort_values(["finding", "size"], kind="stable")  # fmt: skip
    return f"""## False alarms in healthy companies
Share of companies in which at least one finding says boldly what is not so; target at most 5 %.

{report.table(pd.DataFrame(family))}

By finding (for M-3.6 and M-4 a verdict is right only if it names the right step or path):

{report.table(frame)}"""


def _verdicts(plan: Plan, cells: list[Cell]) -> str:
    out = []
    for cell in cells:
        for size in cell.sizes:
            rows = plan.rows(cell, size)
            if rows:
                out.append(report.verdicts(cell, size, rows))
    if not out:
        return ""
    frame = pd.DataFrame(out)
    shown = pd.DataFrame(
        {
            "world": frame["cell"],
            "what was moved": frame["moved"],
            "truth": frame["kind"],
            "companies": frame["companies"],
            "right": [("–" if k == BORDER else str(r)) for k, r in zip(frame["kind"], frame["right"], strict=True)],
            "wrong": [str(w) + _flag(w) for w in frame["wrong"]],
            "undecided": [f"{100 * u.value:.1f}" for u in frame["undecided"]],
            "bold yes": [f"{100 * s.value:.1f}" for s in frame["supported"]],
            "bold no": [f"{100 * s.value:.1f}" for s in frame["contradicted"]],
            "right name first": ["" if f is None else f"{100 * f.value:.1f}" for f in frame["first"]],
            "first seed": frame["seed"],
        }
    )
    return f"""## Verdicts where the truth is moved
Each world is `healthy` with few parameters moved until the finding holds, fails, or lies exactly at its threshold (border), where any bold
verdict counts as wrong. Target: wrong at most 5 %; **above** beyond its Monte-Carlo error. right name first: the step with the largest
estimate, or the path of the point estimate, is the true one, whatever the verdict.

{report.table(shown)}"""


def _flag(wrong: report.Share) -> str:
    return " **above**" if wrong.limits[0] > report.WRONG else " (above)" if wrong.value > report.WRONG else ""
