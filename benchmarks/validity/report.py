"""From rows to tables: coverage and bias of every interval, right, wrong and undecided verdicts, false alarms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.validity.cells import BORDER, Cell
from benchmarks.validity.truths import NO_COVERAGE, truth_state
from kaanalysis.policy import Policy
from kaanalysis.stats import wilson

LOW, HIGH = 0.93, 0.97  # target of coverage at nominal 95 %
WRONG = 0.05  # target of wrong verdicts, and of false alarms in a healthy company
Row = Mapping[str, Any]


class NoTruth(Exception):
    """An interval of the workbook has neither a truth nor a reason why it needs none."""


@dataclass(frozen=True)
class Share:
    """A share of companies with Wilson's 95 % interval: its Monte-Carlo error."""

    count: int
    of: int

    @property
    def value(self) -> float:
        return self.count / self.of if self.of else float("nan")

    @property
    def limits(self) -> tuple[float, float]:
        estimate = wilson(self.count, self.of)
        return float(estimate.low or 0.0), float(1.0 if estimate.high is None else estimate.high)

    def __str__(self) -> str:
        if not self.of:
            return "–"
        low, high = self.limits
        return f"{100 * self.value:.1f} [{100 * low:.1f}, {100 * high:.1f}]"


def coverage(rows: Iterable[Row], truth: Mapping[str, float], size: float) -> pd.DataFrame:
    """One row per interval of the workbook: analysis, number, segment, truth, companies, without (share with no interval), covered,
    too_low and too_high (shares of intervals that end below, begin above the truth), bias (mean error over mean half
    width), error_sd (standard deviation of the estimates over mean half width: 1 / 1.96 where a normal interval fits).

    A limit that was not reached leaves the interval open on that side ("at least"), as the workbook says it.

    Raises :class:`NoTruth` for an interval without a truth."""
    columns: dict[str, list[list[float | None]]] = {}
    for row in rows:
        for key, values in row["numbers"].items():
            columns.setdefault(key, []).append(values)
    out = []
    for key, values in columns.items():
        analysis, name, segment = key.split("|", 2)
        array = np.array([[np.nan if v is None else v for v in triple] for triple in values], dtype=float)
        point, low, high = array.T
        there, closed = np.isfinite(low) | np.isfinite(high), np.isfinite(low) & np.isfinite(high)
        low, high = np.where(there & np.isnan(low), -np.inf, low), np.where(there & np.isnan(high), np.inf, high)
        if name in NO_COVERAGE:
            continue
        target = truth.get(f"{name}|{segment}")
        if target is None:
            raise NoTruth(f"{key}: no truth is defined for this interval")
        # Rounding in the last places must not decide whether a limit that equals the truth covers it.
        slack = 1e-9 * max(1.0, abs(target))
        below, above = high[there] < target - slack, low[there] > target + slack
        half = float((high[closed] - low[closed]).mean() / 2) if closed.any() else float("nan")
        known = np.isfinite(point)
        error = point[known] - target
        out.append(
            {
                "analysis": analysis,
                "number": name,
                "segment": segment,
                "size": size,
                "truth": target,
                "companies": len(array),
                "without": Share(int((~there).sum()), len(array)),
                "covered": Share(int((~below & ~above).sum()), int(there.sum())),
                "too_low": float(below.mean()) if there.any() else float("nan"),
                "too_high": float(above.mean()) if there.any() else float("nan"),
                "bias": float(error.mean() / half) if known.any() and half > 0 else float("nan"),
                "error_sd": float(error.std() / half) if known.any() and half > 0 else float("nan"),
                "mean": float(point[known].mean()) if known.any() else float("nan"),
                "half": half,
            }
        )
    return pd.DataFrame(out)


def mark(covered: Share) -> str:
    """`below` or `above` where the coverage lies outside the target beyond its Monte-Carlo error, `(below)` or `(above)` where only
    the value does, "" inside."""
    if not covered.of:
        return ""
    low, high = covered.limits
    if high < LOW:
        return "below"
    if low > HIGH:
        return "above"
    return "(below)" if covered.value < LOW else "(above)" if covered.value > HIGH else ""


def verdict(found: list[str], truth: tuple[str, str]) -> str:
    """right, wrong or undecided. found: state, reason, step or path named. At the threshold every bold verdict is wrong."""
    state, _, named = found
    if state in ("undecided", "no_data"):
        return "undecided"
    if truth[0] == BORDER:
        return "wrong"
    if state != truth[0]:
        return "wrong"
    return "right" if not (truth[1] and state == "supported") or named == truth[1] else "wrong"


def verdicts(cell: Cell, size: float, rows: list[Row]) -> dict[str, Any]:
    """Shares of right, wrong and undecided verdicts of a cell's finding, and of the two bold states."""
    found = [row["states"][cell.finding] for row in rows]
    kinds = [verdict(f, cell.truth) for f in found]
    n = len(kinds)
    bold = {s: Share(sum(f[0] == s for f in found), n) for s in ("supported", "contradicted")}
    first = Share(sum(f[2] == cell.truth[1] for f in found), n) if cell.truth[1] else None
    about = {"cell": cell.name, "finding": cell.finding, "kind": cell.kind, "size": size, "companies": n}
    return {**about, "moved": cell.moved, "seed": rows[0]["seed"],
            **{k: Share(kinds.count(k), n) for k in ("right", "wrong", "undecided")}, **bold, "first": first}  # fmt: skip


def healthy_states(rows: list[Row], truth: Mapping[str, tuple[str, str]]) -> tuple[pd.DataFrame, Share]:
    """Per finding its verdicts in healthy companies; and the share of companies with any bold verdict that is not so."""
    out = []
    alarmed = np.zeros(len(rows), bool)
    by_name: dict[str, dict[str, tuple[str, str]]] = {}  # what a finding says is judged by what it names: "M-4.4|split"
    for key, expected in truth.items():
        finding, _, named = key.partition("|")
        by_name.setdefault(finding, {})[named] = expected
    for finding, expectations in by_name.items():
        found = [row["states"][finding] for row in rows]
        # A finding that names nothing (no data) has said nothing: any expectation will do, for it counts as undecided.
        default = expectations.get("") or next(iter(expectations.values()))
        kinds = [verdict(f, expectations.get(f[2]) or default) for f in found]
        expected = expectations.get("") or ("by the path named", "")
        alarmed |= np.array(kinds) == "wrong"
        shares = {k: Share(kinds.count(k), len(kinds)) for k in ("right", "wrong", "undecided")}
        out.append({"finding": finding, "truth": " ".join(x for x in expected if x), **shares})
    return pd.DataFrame(out), Share(int(alarmed.sum()), len(rows))


def states_of(numbers: Mapping[str, float], findings: Iterable[str], policy: Policy) -> dict[str, tuple[str, str]]:
    """The true state of each finding."""
    return {finding: truth_state(finding, numbers, policy) for finding in findings}


def table(frame: pd.DataFrame) -> str:
    """A frame as a markdown table."""
    lines = ["| " + " | ".join(map(str, frame.columns)) + " |", "|" + "---|" * len(frame.columns)]
    for row in frame.itertuples(index=False):
        lines.append("| " + " | ".join("" if v is None else str(v) for v in row) + " |")
    return "\n".join(lines)
