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

FINDINGS = ("M-0", "M-0.1", "M-0.2", "M-0.3", "M-0.4", "M-1", "M-1.1", "M-1.2", "M-1.3", "M-1.4", "M-1.5a", "M-1.5b", "M-1.5c", "M-1.5d",
            "M-2.2", "M-2.3", "M-2.5", "M-2.6", "M-3.1", "M-3.2", "M-3.3a", "M-3.3b", "M-3.3c", "M-3.5", "M-3.6", "M-4", "M-D")  # fmt: skip
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


def write(plan: Plan, command: str) -> str:
    """The whole document."""
    healthy = next((c for c in plan.cells if not c.finding), None)
    others = [c for c in plan.cells if c.finding]
    judged = _judged(plan, others)
    intervals = _intervals(plan, healthy) if healthy is not None else pd.DataFrame()
    parts = [_head(plan, command), _summary(plan, healthy, intervals, judged)]
    if healthy is not None:
        parts += [_coverage(plan, healthy, intervals), _alarms(plan, healthy)]
    parts.append(_verdicts(judged))
    return "\n\n".join(p for p in parts if p) + "\n"


def _head(plan: Plan, command: str) -> str:
    used = ", ".join(f"{name} {version(name)}" for name in ("numpy", "scipy", "pandas", "duckdb", "ibis-framework"))
    sizes = ", ".join(f"{s:g}" for s in plan.sizes)
    rows = [row for cell in plan.cells for size in plan.sizes_of(cell) for row in plan.rows(cell, size)]
    healthy = ", ".join(
        f"{len(plan.rows(cell, size)):,}" for cell in plan.cells if not cell.finding for size in plan.sizes
    )
    hours = sum(row["seconds"] for row in rows) / 3600
    return f"""# Are the numbers right?
Measured on synthetic companies whose truth is known: how often an interval holds it, how far off the estimates are, and how
often a verdict is right, wrong or undecided. It says how the workbook does where its model of the world is right; a real company
may differ from it.

`{command}`, {dt.date.today()}, Python {platform.python_version()}, {used},
{platform.machine()}. {len(rows):,} companies, {hours:.1f} hours of processor time.
{healthy} healthy companies at the sizes {sizes} (size 1: 3,600 small and 320 large deals), up to {plan.others} in every
other world; {plan.policy["evidence.draws"]} bootstrap draws, {plan.policy["ledger.draws"]:,} of the ledger; policy
{plan.policy.hash}. Shares are in percent, with Wilson's 95 % interval for the number of companies. Seeds are consecutive from the
first one given."""


def _intervals(plan: Plan, cell: Cell) -> pd.DataFrame:
    """Coverage of every interval at every size."""
    frames = [
        report.coverage(rows, all_numbers(cell.world, size, plan.policy), size)
        for size in plan.sizes
        if (rows := plan.rows(cell, size))
    ]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def _summary(plan: Plan, healthy: Cell | None, intervals: pd.DataFrame, judged: pd.DataFrame) -> str:
    """What the tables come to, in a few lines."""
    lines = []
    if len(intervals):
        marks = pd.Series([report.mark(c).strip("()") or "inside" for c in intervals["covered"] if c.of]).value_counts()
        sure = pd.Series([report.mark(c) for c in intervals["covered"] if c.of]).value_counts()
        lines.append(
            f"- Of {marks.sum()} intervals {marks.get('inside', 0)} cover 93–97 %, {marks.get('below', 0)} less "
            f"({sure.get('below', 0)} beyond Monte-Carlo error), {marks.get('above', 0)} more ({sure.get('above', 0)} beyond it: too wide, "
            "never too bold)."
        )
    if healthy is not None:
        shares = {size: _family(plan, healthy, size) for size in plan.sizes}
        told = ", ".join(f"{share} at size {size:g}" for size, share in shares.items() if share is not None)
        lines.append(f"- Any finding boldly wrong about a healthy company, in percent of companies: {told}.")
    if len(judged):
        above = [f"{r.cell} {r.wrong}" for r in judged.itertuples() if r.wrong.limits[0] > report.WRONG]
        over = ", ".join(above) if above else "none beyond Monte-Carlo error"
        lines.append(f"- Worlds in which more than 5 % of verdicts are boldly wrong: {over}.")
        ranked = judged[judged["cell"].str.fullmatch(r"M-3\.6-(pass-0\.84|relief-10)-200")]
        for r in ranked.itertuples():
            lines.append(
                f"- Bottleneck at 200 KA deals ({r.cell.split('-', 2)[2]}): the planted step ranks first in {r.first}, "
                f"is named as the biggest in {r.right}, another is named in {r.wrong}."
            )
    return "## In short\n" + "\n".join(lines) if lines else ""


def _coverage(plan: Plan, cell: Cell, frame: pd.DataFrame) -> str:
    if frame.empty:
        return ""
    first, classed = [], set()
    for size in plan.sizes:
        rows = plan.rows(cell, size)
        first += [f"{rows[0]['seed']} (size {size:g})"] if rows else []
        names = {tuple(key.split("|")[:2]) for row in rows for key in row["numbers"]}
        classed |= {(analysis, name) for analysis, name in names if name in NO_COVERAGE}
    shown = []
    for (analysis, name, segment), group in frame.groupby(["analysis", "number", "segment"], sort=True):
        row: dict[str, str] = {"interval": f"{analysis} {name} {segment}"}
        for r in group.itertuples():
            mark = report.mark(r.covered)
            row[f"size {r.size:g}"] = f"{r.covered} {mark}".strip()
        row["ends below / begins above"] = " · ".join(
            f"{_percent(r.too_low)} / {_percent(r.too_high)}" for r in group.itertuples()
        )
        row["bias"] = " · ".join(_plain(r.bias) for r in group.itertuples())
        row["no interval"] = " · ".join(_percent(r.without.value) for r in group.itertuples())
        shown.append(row)
    reasons = "\n".join(f"- {analysis} {name}: {NO_COVERAGE[name]}" for analysis, name in sorted(classed))
    return f"""## Intervals
Coverage of nominal 95 %, company `healthy`, first seeds {", ".join(first)}. `below` and `above` lie outside
93–97 % beyond their Monte-Carlo error, in brackets by their value alone. ends below / begins above: share of intervals that miss the
truth on that side; bias: mean error over the mean half width; no interval: share of companies; each by size. Truths are integrated, or
read from {PIECES} companies of the same size. Where the truth lies on the edge of what can be (a share of 0 or 1, a relief of 0) an
interval that reaches the edge always holds it.

{report.table(pd.DataFrame(shown))}

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


def _family(plan: Plan, cell: Cell, size: float) -> report.Share | None:
    """Share of healthy companies of a size about which any finding is boldly wrong."""
    rows = plan.rows(cell, size)
    return report.healthy_states(rows, healthy_truth(plan, cell, size))[1] if rows else None


def _alarms(plan: Plan, cell: Cell) -> str:
    lines, family = [], []
    for size in plan.sizes:
        rows = plan.rows(cell, size)
        if not rows:
            continue
        frame, alarmed = report.healthy_states(rows, healthy_truth(plan, cell, size))
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

By finding (for M-3.6 and M-4 a verdict is right only if it names the right step or path; M-4.4 is held to the path it names):

{report.table(frame)}"""


def _judged(plan: Plan, cells: list[Cell]) -> pd.DataFrame:
    """Verdicts of every other world."""
    return pd.DataFrame(
        [report.verdicts(cell, size, rows) for cell in cells for size in cell.sizes if (rows := plan.rows(cell, size))]
    )


def _verdicts(frame: pd.DataFrame) -> str:
    if frame.empty:
        return ""
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
Each world is `healthy` with few parameters moved until the finding holds, fails, or lies exactly at its threshold (border), where any
bold verdict counts as wrong. Target: wrong at most 5 %; **above** beyond its Monte-Carlo error. right name first: the step with the
largest estimate, the path of the point estimate, or the industry named is the true one, whatever the verdict; where the world says
"name: …", the verdict rests on that reason (lists that lean together: no verdict on the market; nobody in a persona).

{report.table(shown)}"""


def _flag(wrong: report.Share) -> str:
    return " **above**" if wrong.limits[0] > report.WRONG else " (above)" if wrong.value > report.WRONG else ""
