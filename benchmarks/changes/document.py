"""CHANGES.md: what the study measured, in tables."""

from __future__ import annotations

import numpy as np

from benchmarks.changes import measure, study
from benchmarks.changes.measure import Alarms, Row, Together
from benchmarks.validity.store import FINDS_WITH, code_hash
from kaanalysis.joint_uncertainty import BETWEEN_PERIODS

HEAD = """# Change told apart from noise, measured
Written by `make bench-changes`; how it is done: [docs/diff.md](../docs/diff.md).

{companies} synthetic companies (`{company}`, size {size:g}) whose customers, sellers and deals keep to the same laws, each drawn once and read at
three days: its last, a month before, a year before, as its systems would have shown it then. All analyses run on each ({draws} resamples an
interval), and `kaanalysis diff` compares the runs by their intervals alone. Where nothing has changed, every number called changed is a
false alarm, and at most 5 % of pairs may hold any. Code of the analyses: `{code}`.
"""
MOST = 40  # companies of which every pair is compared
ALARMS = """
## False alarms
| runs | pairs | numbers tested | pairs with a number called changed | share (95 % limits) | which | verdicts that moved, a pair |
|---|---|---|---|---|---|---|
"""
AFTER_ALARMS = """
Within a year some quantities do change: the key-account programme is two years old on the last day, and totals and follow-up grow with the records.
The row of standing truths counts only the {standing} numbers whose integrated truth is the same on both days; there every alarm is false.
Of every company with every other, pairs share companies, so the limits of that row are too narrow.
The last column is why `diff` exists: verdicts near a border tip by chance, and of each it says whether a number behind it changed.
"""
TOGETHER = """
## How the numbers of two runs go together
Over companies, for every number with a sampling interval. Ratio: standard deviation of the difference over what independent estimates would
have; below 1 the widths used are too wide, above 1 too short. Numbers that set one period against another (`BETWEEN_PERIODS`) have their
widths added, so they are safe up to 1.41.

| runs | numbers | median correlation | median ratio | largest ratio, between periods | largest ratio, others | others surely negatively related |
|---|---|---|---|---|---|---|
"""


def _row(title: str, a: Alarms) -> str:
    share, low, high = a.share
    which = ", ".join(f"`{name}` {count}×" for name, count in a.names.most_common(5)) or "none"
    return (
        f"| {title} | {a.pairs} | {a.family} | {a.any} | {share:.1%} ({low:.1%} to {high:.1%}) | {which} | "
        f"{a.moved / max(1, a.pairs):.1f} of {a.verdicts / max(1, a.pairs):.0f} |"
    )


def document(rows: list[Row], size: float) -> str:
    text = HEAD.format(
        companies=len(rows),
        company=study.COMPANY,
        size=size,
        draws=study.QUICK["evidence.draws"],
        code=code_hash(FINDS_WITH),
    )
    text += ALARMS
    standing = measure.standing(12)
    year = measure.later(rows, 12)
    found = [
        ("one company, a month on", measure.alarms(measure.later(rows, 1))),
        ("two companies of one world", measure.alarms(measure.independent(rows))),
        ("the same, every company with every other", measure.alarms(measure.independent(rows[:MOST], all_pairs=True))),
        ("one company, a year on, standing truths", measure.alarms(year, standing)),
        ("one company, a year on, all numbers", measure.alarms(year)),
    ]
    text += "\n".join(_row(title, a) for title, a in found) + "\n"
    text += AFTER_ALARMS.format(standing=len(standing)) + TOGETHER
    for title, months in (("a month on", 1), ("a year on", 12)):
        all_ = measure.together(rows, months)
        between = [t for t in all_ if t.name in BETWEEN_PERIODS]
        others = [t for t in all_ if t.name not in BETWEEN_PERIODS]
        negative = ", ".join(sorted({f"`{t.name}`" for t in measure.negative(all_)})) or "none"
        text += (
            f"| {title} | {len(all_)} | {np.median([t.correlation for t in all_]):.2f} | {np.median([t.ratio for t in all_]):.2f} "
            f"| {_widest(between)} | {_widest(others)} | {negative} |\n"
        )
    return text


def _widest(found: list[Together]) -> str:
    widest = max(found, key=lambda t: t.ratio, default=None)
    return f"{widest.ratio:.2f} (`{widest.name}`)" if widest else "none"
