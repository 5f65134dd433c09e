"""What the page of changes may say in figures: both runs set against each other anew, formatted without that page's own sentences."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from babel.numbers import format_percent

from kaanalysis.changes_words import SHOWN, once
from kaanalysis.compared_runs import PREVIOUS, read_run
from kaanalysis.diff import Diff, compare
from kaanalysis.report.phrases import number_texts
from kaanalysis.results import Finding
from kaanalysis.text import MissingText, Words


def diff_since(run: Path) -> Diff:
    """The run of a folder against the one that it was made with ``--since``."""
    return compare(read_run(run / PREVIOUS), read_run(run))


def page_texts(diff: Diff, words_: Words) -> Iterator[str]:
    """Counts, level, days and names of the two runs, and what differs in what they were made from."""
    shared = [v for v in diff.verdicts if v.moved not in ("added", "removed")]
    counts = (len(diff.moved), len(shared), diff.family, len(diff.numbers("untested")), *(
        len(once(diff.numbers(outcome))) for outcome in ("changed", "differs")
    ))  # fmt: skip
    yield from map(str, counts)
    yield format_percent(1 - diff.level, locale=words_.locale)
    for made in (diff.before, diff.after):
        yield from (made.name, made.as_of)
    s = diff.sources
    for held in (s.values, s.rows, s.versions):
        yield from (f"{name} {before} {after}" for name, (before, after) in held.items())
    for name in (*s.values, *s.only_before, *s.only_after):
        yield words_(f"policy_names.{name}") if words_.has(f"policy_names.{name}") else name
    for names in (s.only_before, s.only_after):
        yield str(max(0, len(names) - SHOWN))
    for verdict in diff.verdicts:
        if verdict.moved in ("added", "removed"):
            yield from _finding(verdict.finding, words_)


def verdict_texts(diff: Diff, id: str, words_: Words) -> Iterator[str]:
    """The numbers and terms of one verdict in both runs, and the names of the policy values that moved it."""
    for verdict in diff.verdicts:
        if verdict.id == id:
            for finding in filter(None, (verdict.before, verdict.after)):
                yield from _finding(finding, words_)
            yield from (words_(f"policy_names.{p}") for p in verdict.policy if words_.has(f"policy_names.{p}"))


def _finding(finding: Finding, words_: Words) -> Iterator[str]:
    """As this version can say it: what it has no words for (a run of another version) it does not write either."""
    for number in finding.numbers:
        try:
            yield from number_texts(number, words_)
        except MissingText:
            continue
    for group, name in finding.terms.items():
        try:
            yield words_.term_name(group, name)
        except MissingText:
            yield name
    yield from finding.needs
