"""What is different since another run, in words: lines for the command line, a page for the report.

The report's page is a partial (``templates/changes.html``) with rules of its own for the style sheet (``templates/changes.css``):
:func:`changes_since` is what a report asks for, :func:`changes_page` the same for any two run folders.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from kaanalysis.attribution import Split, open_as, policy_of, split
from kaanalysis.changes_words import (
    HEADINGS,
    ChangedNumber,
    ChangedVerdict,
    notes,
    number,
    once,
    sources,
    summary,
    title,
    unread,
    verdict,
)
from kaanalysis.compared_runs import PREVIOUS, read_run
from kaanalysis.contracts import UnusableData
from kaanalysis.diff import Diff, compare
from kaanalysis.paired_runs import Paired, resample
from kaanalysis.paths import PACKAGE
from kaanalysis.text import words


@dataclass(frozen=True)
class ChangesPage:
    """What the page says. summary: the first lines; sources: what the two runs were made from; moved: verdicts that moved; numbers: those
    beyond their joint uncertainty, with the title of their finding; notes: how it was told, and what could not be compared."""

    title: str
    summary: tuple[str, ...]
    sources: tuple[str, ...]
    moved: tuple[ChangedVerdict, ...]
    numbers: tuple[tuple[str, ChangedNumber], ...]
    unread: tuple[str, ...]
    notes: tuple[str, ...]
    headings: Mapping[str, str]

    @property
    def html(self) -> Markup:
        """The partial, everything from the runs escaped."""
        environment = Environment(
            loader=FileSystemLoader(PACKAGE / "templates"), autoescape=select_autoescape(["html"]), undefined=StrictUndefined,
            trim_blocks=True, lstrip_blocks=True,
        )  # fmt: skip
        return Markup(environment.get_template("changes.html").render(page=self))

    @property
    def style(self) -> str:
        """The rules that the partial needs beside the report's own."""
        return (PACKAGE / "templates" / "changes.css").read_text(encoding="utf-8")


def changes_since(run: Path, language: str) -> ChangesPage | None:
    """The page of a run made with ``--since``, from the run folder alone; None where it was made without."""
    return changes_page(run / PREVIOUS, run, language) if (run / PREVIOUS).is_dir() else None


def changes_page(previous_run: Path, run: Path, language: str) -> ChangesPage:
    """What is different in `run` from `previous_run`, from the two run folders alone.

    Raises :class:`~kaanalysis.contracts.UnusableData` where one of them holds no result that can be read."""
    return Compared(compare(read_run(previous_run), read_run(run))).page(language)


@dataclass(frozen=True)
class Compared:
    """Two runs compared. split: the states between them, where they were computed; paired: both resampled together, where they were."""

    runs: Diff
    split: Split | None = None
    paired: Paired | None = None

    @property
    def diff(self) -> Diff:
        return self.paired.diff if self.paired else self.runs

    def to_dict(self) -> dict[str, Any]:
        out = self.diff.to_dict()
        if self.split:
            out["attribution"] = self.split.to_dict()
        return out

    def page(self, language: str) -> ChangesPage:
        w, diff = words(language), self.diff
        moved = tuple(verdict(v, diff, w, self.split) for v in diff.moved)
        beyond = once(diff.numbers("changed"))
        before = ["", *(v.id for v, _ in beyond)]  # a finding's title stands once, beside the first of its numbers
        told = tuple(
            (v.id if v.id == last else f"{v.id} {title(v, w)}", number(n, w))
            for last, (v, n) in zip(before, beyond, strict=False)
        )
        return ChangesPage(
            w("changes.title"), tuple(summary(diff, w)), tuple(sources(diff, w, self.split)), moved, told, tuple(unread(diff, w)),
            tuple(notes(diff, w, self.paired)), {k: w(f"changes.{k}") for k in HEADINGS},
        )  # fmt: skip


def compare_runs(
    run_a: Path,
    run_b: Path,
    data_a: str | None = None,
    data_b: str | None = None,
    *,
    attribute: bool = False,
    paired: bool = False,
) -> Compared:
    """Two run folders compared, the earlier first. attribute, paired: with what the runs were made from at hand (`data_b` None: the same as
    `data_a`), compute the states between them (:mod:`kaanalysis.attribution`), resample both together (:mod:`kaanalysis.paired_runs`).

    Raises :class:`~kaanalysis.contracts.UnusableData` for a folder without readable results and for data that are not the runs' own."""
    before, after = read_run(run_a), read_run(run_b)
    diff = compare(before, after)
    if not attribute and not paired:
        return Compared(diff)
    if data_a is None:
        raise UnusableData(
            "--attribute and --paired compute the runs again: they need --data-a DATA (and --data-b DATA if other)."
        )
    data_b = data_a if data_b is None else data_b
    between = split(before, after, data_a, data_b) if attribute else None
    if not paired:
        return Compared(diff, between)
    if diff.sources.same_company is not True or not diff.family:
        raise UnusableData(
            "--paired needs two runs of one company with different data: otherwise there is nothing that they share in part."
        )
    old, new = ((open_as(r, d), policy_of(r)[0]) for r, d in ((before, data_a), (after, data_b)))
    return Compared(diff, between, resample(diff, old, new))


def lines(page: ChangesPage) -> list[str]:
    """The page as plain text."""
    h = page.headings
    to = h["colon"] if h["colon"] != ":" else ": "
    out = [page.title, *page.summary, "", h["sources"], *(f"  {s}" for s in page.sources), "", h["moved"]]
    for v in page.moved:
        out += [f"  {v.id} {v.title}{to}{v.before_state_text} → {v.after_state_text}", f"    {h['before']}{to}{v.before}",
                f"    {h['after']}{to}{v.after}", *(f"    {line}" for line in v.why)]  # fmt: skip
        out += [f"    · {_line(n, to)}" for n in v.numbers]
    out += [] if page.moved else [f"  {h['none_moved']}"]
    out += ["", h["beyond"], *(f"  {finding}{to}{_line(n, to)}" for finding, n in page.numbers)]
    out += [] if page.numbers else [f"  {h['none_beyond']}"]
    if page.unread:
        out += ["", h["unread"], *(f"  {u}" for u in page.unread)]
    return [*out, "", h["notes"], *(f"  {n}" for n in page.notes)]


def _line(n: ChangedNumber, to: str) -> str:
    change = f" [{n.change}]" if n.change else ""
    return f"{n.name}{to}{n.before} → {n.after}{change}; {n.note}"
