"""What each source of the report's prose gives: its numbers, formatted from the results anew, without the sentences' templates."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path

import pandas as pd
from babel.dates import format_date, format_datetime
from babel.numbers import format_percent

from kaanalysis import display, figures
from kaanalysis.diff import Diff
from kaanalysis.figures.scene import Scene
from kaanalysis.manifest import Manifest
from kaanalysis.policy import load_policy
from kaanalysis.report.changed import diff_since, page_texts, verdict_texts
from kaanalysis.report.phrases import finding_texts
from kaanalysis.results import Finding, Result
from kaanalysis.runfolder import read_result
from kaanalysis.text import words

# The ends of an index and the base of "per 100", by which a text says how to read a scale.
ENDS = ("0", "1", "100")


class Sources(Mapping[str, list[str]]):
    """Source → texts, made when asked for. run: a run folder with its report; language: of the report."""

    def __init__(self, run: Path, language: str) -> None:
        manifest = Manifest.read(run)
        if manifest is None:
            raise FileNotFoundError(f"{run} has no manifest.json")
        self.run, self.manifest, self.words = run, manifest, words(language)
        self.policy = load_policy().override(manifest.overrides)
        self._made: dict[str, list[str]] = {}

    @cached_property
    def results(self) -> dict[str, Result]:
        there = (s.id for s in self.manifest.steps if s.status not in ("failed", "skipped"))
        return {id: read_result(self.run, id) for id in there}

    @cached_property
    def since(self) -> Diff:
        return diff_since(self.run)

    @cached_property
    def findings(self) -> dict[str, Finding]:
        return {f.id: f for r in self.results.values() for f in r.findings}

    def __getitem__(self, source: str) -> list[str]:
        if source not in self._made:
            self._made[source] = list(self._texts(source))
        return self._made[source]

    def __iter__(self) -> Iterator[str]:
        return iter(["manifest", *self.findings])

    def __len__(self) -> int:
        return 1 + len(self.findings)

    def _texts(self, source: str) -> Iterator[str]:
        kind, _, name = source.partition(":")
        if source == "manifest":
            yield from self._manifest()
        elif kind == "count":
            yield name
        elif kind == "table":
            yield from self._table(*name.partition("/")[::2])
        elif kind == "changes":
            yield from verdict_texts(self.since, name, self.words) if name else page_texts(self.since, self.words)
        elif kind == "figure":
            yield from self._figure(*name.partition("/")[::2])
        else:
            yield from finding_texts(self.findings[source], self.words, self.policy)

    def _table(self, id: str, name: str) -> Iterator[str]:
        """The cells of a display table, or of all of an analysis; how many rows are left out."""
        result = self.results[id]
        for table in [name] if name else display.available(result):
            frame = display.display_table(result, table, self.words)
            yield from (str(cell) for row in frame.to_numpy().tolist() for cell in row)
            yield str(len(frame) - display.SHOWN)

    def _figure(self, id: str, name: str) -> Iterator[str]:
        """The findings that a figure claims; for one that claims none, the terms of its title, computed from its frames, and all findings
        of its analysis. What a picture shows may name the ends of a scale."""
        result, spec = self.results[id], figures.spec(id, name)
        for finding in result.findings:
            if finding.id in spec.findings or not spec.findings:
                yield from finding_texts(finding, self.words, self.policy)
        if spec.terms is not None and not spec.findings:
            yield from spec.terms(Scene(name, result, self.words, self.policy, self.launch)).values()
        yield from ENDS

    @cached_property
    def launch(self) -> dt.date | None:
        return (
            dt.date.fromisoformat(self.manifest.company["ka_launch"])
            if self.manifest.company.get("ka_launch")
            else None
        )

    def _manifest(self) -> Iterator[str]:
        """Dates, counts, versions and names of the run, as the report writes them."""
        m, locale = self.manifest, self.words.locale
        yield format_date(dt.date.fromisoformat(m.company["as_of"]), "long", locale=locale)
        yield format_datetime(pd.Timestamp(m.ended or m.started).to_pydatetime(), "long", locale=locale)
        yield format_percent(self.policy["evidence.level"], locale=locale)
        yield from m.company.values()
        yield from m.stamp.values()
        yield from (f"{name} {version}" for name, version in m.versions.items())
        yield from (f"{name} {valid} {read}" for name, (valid, read) in m.rows.items())
        yield from (f"{s.id} {s.error} {s.needs}" for s in m.steps)
        yield str(m.faults)
        yield from (str(self.policy[n]) for n in ("segment.size_employees", "segment.size_revenue"))
