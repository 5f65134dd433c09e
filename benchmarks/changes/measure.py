"""From rows to what is told: false alarms of the comparison of runs, how numbers of two runs go together, verdicts that tip by chance."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import stats

from benchmarks.changes.study import COMPANY, months_before, numbers, policy
from benchmarks.validity.truths import exact_numbers
from kaanalysis.compared_runs import ComparedRun
from kaanalysis.diff import Diff, compare
from kaanalysis.joint_uncertainty import BETWEEN_PERIODS, kind_of
from kaanalysis.results import Finding, Number, Result
from kaanalysis.simulate import list_companies
from kaanalysis.stats import wilson

Row = dict[str, Any]
DOUBT = 0.001  # one-sided, for a correlation below 0 among hundreds of numbers


@dataclass(frozen=True)
class Alarms:
    """Pairs of runs in which nothing has changed. any: pairs with a number called changed; names: which, how often; moved: verdicts that
    moved, of `verdicts`; family: numbers tested, the median pair."""

    pairs: int
    any: int
    names: Counter[str]
    moved: int
    verdicts: int
    family: int

    @property
    def share(self) -> tuple[float, float, float]:
        """Share of pairs with a false alarm and its 95 % limits (Wilson)."""
        found = wilson(self.any, self.pairs)
        return float(found.value or 0), float(found.low or 0), float(1 if found.high is None else found.high)


def as_run(row: Row, name: str, company: str, data: str) -> ComparedRun:
    """What :func:`benchmarks.changes.study.read` found, as a run to be compared."""
    findings: dict[str, dict[str, list[Number]]] = {}
    for key, number in numbers(row).items():
        analysis, finding = key.split("|")[:2]
        findings.setdefault(analysis, {}).setdefault(finding, []).append(number)
    results = {}
    for key, said in row.items():
        if "state" not in said:
            continue
        analysis, finding = key.split("|")
        held = tuple(findings.get(analysis, {}).get(finding, ()))
        needs = ("unknown.column",) if said["state"] == "no_data" else ()
        made = Finding(finding, finding, said["state"], said["reason"], held, (), needs)
        results.setdefault(analysis, Result(analysis, data, "p", "", [])).findings.append(made)
    stamp = {"data_hash": data, "policy_hash": "p", "code_hash": "c"}
    return ComparedRun(name, {"stamp": stamp, "company": {"name": company}}, results)


def standing(months: int) -> frozenset[tuple[str, str]]:
    """Numbers (name, segment) whose integrated truth is the same on both days, to a thousandth."""
    world, quick = list_companies()[COMPANY], policy()
    now = exact_numbers(world, quick)
    then = exact_numbers(replace(world, as_of=months_before(world.as_of, months)), quick)
    same = [k for k, v in now.items() if k in then and abs(v - then[k]) <= 1e-3 * abs(v)]
    return frozenset((k.split("|")[0], k.split("|")[1]) for k in same)


def alarms(diffs: list[Diff], only: frozenset[tuple[str, str]] | None = None) -> Alarms:
    """only: count numbers among these alone (the family they were judged in stays the whole)."""
    found = [
        {n.number.name for _, n in d.numbers("changed") if only is None or (n.number.name, n.number.segment) in only}
        for d in diffs
    ]
    names = Counter(name for pair in found for name in pair)
    return Alarms(
        len(diffs), sum(map(bool, found)), names, sum(len(d.moved) for d in diffs),
        sum(len(d.verdicts) for d in diffs), int(np.median([d.family for d in diffs])) if diffs else 0,
    )  # fmt: skip


def later(rows: list[Row], months: int) -> list[Diff]:
    """Each company as of its last day against itself so many months before."""
    return [
        compare(as_run(r["at"][str(months)], "a", "same", "d1"), as_run(r["at"]["0"], "b", "same", "d2")) for r in rows
    ]


def independent(rows: list[Row], *, all_pairs: bool = False) -> list[Diff]:
    """Companies two by two, each in one pair only; all_pairs: every company with every other, pairs that are not independent."""
    pairs = itertools.combinations(rows, 2) if all_pairs else zip(rows[::2], rows[1::2], strict=False)
    return [compare(as_run(a["at"]["0"], "a", "one", "d1"), as_run(b["at"]["0"], "b", "other", "d2")) for a, b in pairs]


@dataclass(frozen=True)
class Together:
    """How a number of two runs goes together over companies. correlation: of its values; ratio: standard deviation of the difference over
    what it would be for independent estimates; below: one-sided p-value of a correlation of 0 or more."""

    name: str
    segment: str
    companies: int
    correlation: float
    ratio: float
    below: float


def together(rows: list[Row], months: int, least: int = 12) -> list[Together]:
    """Every number with a sampling interval in both runs of at least `least` companies, that varies."""
    values: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for row in rows:
        old, new = numbers(row["at"][str(months)]), numbers(row["at"]["0"])
        for key in set(old) & set(new):
            a, b = old[key], new[key]
            if kind_of(a) == kind_of(b) == "sampling" and a.value is not None and b.value is not None:
                values.setdefault((b.name, b.segment), []).append((float(a.value), float(b.value)))
    out = []
    for (name, segment), pairs in sorted(values.items()):
        x = np.array(pairs)
        if len(x) < least or (x.std(axis=0) < 1e-12).any():
            continue
        r = float(np.corrcoef(x.T)[0, 1])
        ratio = float((x[:, 1] - x[:, 0]).std() / np.hypot(*x.std(axis=0)))
        below = float(stats.norm.cdf(np.arctanh(np.clip(r, -0.999999, 0.999999)) * np.sqrt(len(x) - 3)))
        out.append(Together(name, segment, len(x), r, ratio, below))
    return out


def negative(found: list[Together]) -> list[Together]:
    """Numbers surely negatively related that the comparison takes not to be."""
    return [t for t in found if t.below < DOUBT and t.name not in BETWEEN_PERIODS]
