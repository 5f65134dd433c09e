"""The page over the reports of all groups: verdicts and main numbers side by side, at a level that holds over the groups of a finding."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from babel.dates import format_date
from babel.numbers import format_decimal, format_percent
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from kaanalysis import tables
from kaanalysis.account_groups import DIVIDED
from kaanalysis.analyses.registry import REGISTRY
from kaanalysis.company import Company
from kaanalysis.manifest import Manifest, Step
from kaanalysis.paths import PACKAGE
from kaanalysis.policy import Policy
from kaanalysis.results import Finding, Number
from kaanalysis.runfolder import read_result, result_path, write_text
from kaanalysis.text import Words, words
from kaanalysis.unattended import said_of

COMPARED = "KA-SMB"


@dataclass(frozen=True)
class Group:
    """One group. value: None for accounts without one; folder: its run folder's name; accounts: their number."""

    value: str | None
    folder: str
    accounts: int


@dataclass
class GroupRun:
    """What became of one group. together: findings at the level that holds over all groups, by analysis."""

    group: Group
    manifest: Manifest | None = None
    together: dict[str, list[Finding]] = field(default_factory=dict)
    seconds: float = 0.0
    error: str = ""

    @property
    def step(self) -> Step:
        """The group as a step of the whole."""
        said = self.error
        if self.manifest is not None and self.manifest.failed:
            said = said_of(self.manifest)
        return Step(self.group.folder, "failed" if said else "done", self.seconds, said)


def level_together(level: float, groups: int) -> float:
    """The level of each interval at which all groups' intervals hold together with `level` (Bonferroni)."""
    return 1 - (1 - level) / max(groups, 1)


@dataclass(frozen=True)
class Cell:
    """One finding in one group. own: the verdict of the group's own report where it is another one; missing: nothing was computed."""

    state: str = ""
    state_text: str = ""
    number: str = ""
    n: str = ""
    own: str = ""

    @property
    def missing(self) -> bool:
        return not self.state


@dataclass(frozen=True)
class Row:
    """One finding over all groups. name: of the number shown, the same one in every group."""

    id: str
    title: str
    name: str
    cells: list[Cell]


def main_number(findings: list[Finding]) -> Number | None:
    """The number that all groups of one finding are shown by: the first one with an interval in the first group that has any (groups come
    by falling size), a comparison of key accounts with small customers before either of them alone; without intervals the first that has a
    value; None where no group has numbers."""
    numbers = [n for f in findings for n in f.numbers if n.value is not None]
    sure = [n for n in numbers if n.low is not None or n.high is not None] or numbers
    return next((n for n in sure if n.segment == COMPARED), sure[0] if sure else None)


def _same(finding: Finding, like: Number) -> Number | None:
    return next((n for n in finding.numbers if (n.name, n.segment) == (like.name, like.segment)), None)


def rows_of(runs: list[GroupRun], own: list[dict[str, Finding]], w: Words) -> list[Row]:
    """One row per finding that any group has. own: per group the findings of its own report, by id."""
    by_group = [{f.id: f for fs in run.together.values() for f in fs} for run in runs]
    order = [f.id for id in REGISTRY for run in runs for f in run.together.get(id, [])]
    rows = []
    for id in dict.fromkeys(order):
        there = [found[id] for found in by_group if id in found]
        main = main_number(there)
        cells = [_cell(found.get(id), alone.get(id), main, w) for found, alone in zip(by_group, own, strict=True)]
        rows.append(Row(id, tables.title(there[0], w), w.name_of(main) if main else "", cells))
    return rows


def _cell(finding: Finding | None, own: Finding | None, main: Number | None, w: Words) -> Cell:
    if finding is None:
        return Cell()
    number = _same(finding, main) if main else None
    differs = own is not None and own.state != finding.state
    return Cell(
        finding.state, w(f"states.{finding.state}"),
        w.number(number) if number is not None and number.value is not None else "",
        w("by_groups.n", n=format_decimal(number.n, locale=w.locale)) if number is not None and number.value is not None else "",
        w("by_groups.own", state=w(f"states.{own.state}")) if differs and own is not None else "",
    )  # fmt: skip


def left_out(company: Company, runs: list[GroupRun]) -> dict[str, int]:
    """Valid rows by table that hang on no account of any group; tables without such rows are not named. Only where every group could be
    opened."""
    manifests = [run.manifest for run in runs]
    if any(m is None for m in manifests):
        return {}
    counted = {
        t: company.rows_valid[t] - sum(m.rows[t][0] for m in manifests if m) for t in DIVIDED if t in company.tables
    }
    return {table: rows for table, rows in counted.items() if rows}


def _own_findings(run: Path, done: GroupRun) -> dict[str, Finding]:
    folder = run / done.group.folder
    ids = [s.id for s in done.manifest.steps if s.status in ("done", "kept")] if done.manifest else []
    return {f.id: f for id in ids if result_path(folder, id).is_file() for f in read_result(folder, id).findings}


def build_index(
    run: Path, language: str, by: str, runs: list[GroupRun], manifest: Manifest, company: Company, policy: Policy
) -> Path:
    """Write ``index.<language>.html`` over the groups' run folders within `run`; returns its path. Names from the data are escaped."""
    w = words(language)
    level, each = policy["evidence.level"], level_together(policy["evidence.level"], len(runs))

    def percent(share: float) -> str:
        return format_percent(share, "0.###%", locale=w.locale)

    names = [run_.group.value if run_.group.value is not None else w("by_groups.no_value") for run_ in runs]
    least = policy["evidence.minimum_units"]
    small = [name for name, r in zip(names, runs, strict=True) if r.group.accounts < least]
    nowhere = [f"{table} {format_decimal(n, locale=w.locale)}" for table, n in left_out(company, runs).items()]
    context: dict[str, Any] = {
        "t": w, "language": language, "manifest": manifest, "by": by, "groups": list(zip(names, runs, strict=True)),
        "rows": rows_of(runs, [_own_findings(run, r) for r in runs], w), "least": least,
        "as_of": format_date(pd.Timestamp(manifest.company["as_of"]).date(), "long", locale=w.locale),
        "reading": w("by_groups.reading" if len(runs) > 1 else "by_groups.one", n=len(runs), each=percent(each), level=percent(level)),
        "small": w("by_groups.small", names=w.list_of(small), least=least) if small else "",
        "left_out": w("by_groups.left_out", rows=w.list_of(nowhere)) if nowhere else "",
        "other": [x for x in manifest.languages if x != language],
    }  # fmt: skip
    environment = Environment(
        loader=FileSystemLoader(PACKAGE / "templates"), autoescape=select_autoescape(["html"]), undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    path = run / f"index.{language}.html"
    write_text(path, environment.get_template("group_index.html").render(context))
    return path
