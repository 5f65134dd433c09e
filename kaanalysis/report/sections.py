"""A section of the report for each analysis: a card for each finding, with the figures that claim it, and the tables no figure shows."""

from __future__ import annotations

import base64
import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from kaanalysis import display, sheets, tables
from kaanalysis.analyses.registry import REGISTRY
from kaanalysis.figures import alt_text, available, draw_figure, figure_bytes, figure_title
from kaanalysis.manifest import Step
from kaanalysis.policy import Policy
from kaanalysis.report.lead import lead
from kaanalysis.report.notes import placed as placed_notes
from kaanalysis.report.notes import remarks_of
from kaanalysis.report.parts import Card, Picture, Section, Shown
from kaanalysis.results import Finding, Result
from kaanalysis.runfolder import drawn_path
from kaanalysis.text import Words


@dataclass(frozen=True)
class Reading:
    """What all of a report is read with. launch: start of the key-account business, marked in figures."""

    words: Words
    policy: Policy
    launch: dt.date | None


def pictures_of(run: Path, result: Result, reading: Reading, languages: Sequence[str]) -> list[Picture]:
    """All figures of a result in the language, those that its notebook has drawn taken as they are. languages: the run's; the notebooks
    save their figures in the first of them, and for as long as the run is being made in the others too."""
    language, policy, launch = reading.words.language, reading.policy, reading.launch
    pictures = []
    for spec in available(result):
        own = list(languages[:1]) == [language]
        saved = run / result.figures.get(spec.name, "") if own else drawn_path(run, result.id, spec.name, language)
        if saved.is_file():
            content = saved.read_bytes()
        else:
            content = figure_bytes(draw_figure(spec, result, language, policy, launch), "svg")
        pictures.append(
            Picture(
                spec.name,
                figure_title(spec, result, language, policy, launch),
                alt_text(spec, result, language, policy, launch),
                f"data:image/svg+xml;base64,{base64.b64encode(content).decode('ascii')}",
                f"figure:{result.id}/{spec.name}",
                spec.findings,
            )
        )
    return pictures


def failure_of(step: Step, words: Words) -> str:
    """Why an analysis has no result; empty where it has one."""
    if step.status == "failed":
        return words("report.failed_text", id=step.id, error=step.error)
    return words("report.skipped_text", needs=step.needs) if step.status == "skipped" else ""


def card(finding: Finding, reading: Reading, pictures: Collection[Picture] = (), above: Collection[str] = ()) -> Card:
    """One finding. pictures: of its analysis; above: names of those that stand further up already and are only pointed to."""
    words = reading.words
    own = [p for p in pictures if p.findings and p.findings[0] == finding.id]
    units = tables.units_of(reading.policy)
    return Card(
        finding.id,
        tables.title(finding, words),
        finding.state,
        words(f"states.{finding.state}"),
        tables.sentence(finding, words),
        tables.sentence(finding, words, brief=True),
        lead(finding, words),
        tables.numbers_table(finding, words).astype(str).to_numpy().tolist(),
        [tables.flip_sentence(f, finding, words, units) for f in finding.flips],
        words(f"findings.{finding.key}.cannot"),
        tuple(p for p in own if p.name not in above),
        tuple(p for p in own if p.name in above),
    )


def section(
    run: Path,
    step: Step,
    result: Result | None,
    reading: Reading,
    pictures: Collection[Picture],
    above: Collection[str],
) -> Section:
    """One analysis; its failure in its place where it has no result."""
    w, analysis = reading.words, REGISTRY[step.id]
    title, question = w(f"analyses.{analysis.name}.title"), w(f"analyses.{analysis.name}.question")
    notebook, source = (_beside(run, f"notebooks/{step.id}.{kind}") for kind in ("html", "ipynb"))
    remarks = remarks_of(run, step.id, w.language)
    if result is None:
        failure, skipped = failure_of(step, w), step.status == "skipped"
        return Section(step.id, title, question, [], [], failure, notebook, source, skipped, remarks=remarks)
    cards = [card(f, reading, pictures, above) for f in result.findings]
    placed = {p.name for c in cards for p in c.pictures} | set(above)
    others, shown = [p for p in pictures if p.name not in placed], _tables(result, w)
    pointed = {p.name for c in cards for p in (*c.pictures, *c.elsewhere)}
    names = pointed | {p.name for p in others} | {t.name for t in shown} | {c.id for c in cards}
    beside, left = placed_notes(remarks, names)
    return Section(
        step.id, title, question, cards, others, "", notebook, source, tables=shown, sheets=sheets.of_result(result, w),
        beside=beside, remarks=left,
    )  # fmt: skip


def _beside(run: Path, relative: str) -> str:
    return relative if (run / relative).is_file() else ""


def _tables(result: Result, w: Words) -> tuple[Shown, ...]:
    """The display tables that no figure shows already."""
    shown, drawn = [], {spec.name for spec in available(result)}
    for name in display.available(result):
        if display.DRAWN.get(name, name) in drawn:
            continue
        frame = display.display_table(result, name, w)
        most = len(frame) if name in display.WHOLE else display.SHOWN
        left = len(frame) - most
        more = w("display.more", n=left, id=result.id, name=name) if left > 0 else ""
        rows = frame.head(most).astype(str).to_numpy().tolist()
        shown.append(Shown(w(f"display.title.{name}"), [str(c) for c in frame.columns], rows, more, name))
    return tuple(shown)
