"""The report: results, tables and manifest of a run folder → ``report.<language>.html``, self-contained, no notebook re-run; its tables in
full as ``report.<language>.xlsx`` beside it."""

from __future__ import annotations

import base64
import datetime as dt
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from babel.dates import format_date, format_datetime
from babel.numbers import format_percent
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from kaanalysis import display, sheets, tables
from kaanalysis.aggregates import segment_version
from kaanalysis.analyses.registry import REGISTRY
from kaanalysis.contracts import UnusableData
from kaanalysis.export import write_workbook
from kaanalysis.figures import alt_text, available, draw_figure, figure_bytes, figure_title
from kaanalysis.manifest import Manifest, Step
from kaanalysis.paths import PACKAGE
from kaanalysis.policy import Policy, load_policy
from kaanalysis.results import Finding, Result
from kaanalysis.runfolder import read_result, write_text
from kaanalysis.text import Words, words

FAULTS_SHOWN = 30
NOTE_ROWS = 100  # row numbers listed per note of the import; the rest are in the table


@dataclass(frozen=True)
class Card:
    """A finding as the report shows it."""

    id: str
    title: str
    state: str
    state_text: str
    sentence: str
    brief: str
    numbers: list[list[str]]
    flips: list[str]
    cannot: str


@dataclass(frozen=True)
class Picture:
    title: str
    alt: str
    source: str


@dataclass(frozen=True)
class Shown:
    """A table as the report shows it; more: what is said of rows left out."""

    title: str
    columns: list[str]
    rows: list[list[str]]
    more: str


@dataclass(frozen=True)
class Section:
    """One analysis in the report. tables: the display tables as far as shown; sheets: the result in full for the workbook, by name."""

    id: str
    title: str
    question: str
    cards: list[Card]
    pictures: list[Picture]
    failure: str
    notebook: str
    skipped: bool = False
    tables: tuple[Shown, ...] = ()
    sheets: dict[str, pd.DataFrame] = field(default_factory=dict)


def _card(finding: Finding, words_: Words, units: dict[str, str]) -> Card:
    numbers = tables.numbers_table(finding, words_)
    return Card(
        finding.id, tables.title(finding, words_), finding.state, words_(f"states.{finding.state}"), tables.sentence(finding, words_),
        tables.sentence(finding, words_, brief=True),
        numbers.astype(str).to_numpy().tolist(), [tables.flip_sentence(f, finding, words_, units) for f in finding.flips],
        words_(f"findings.{finding.key}.cannot"),
    )  # fmt: skip


def _pictures(result: Result, language: str, policy: Policy, launch: dt.date | None) -> list[Picture]:
    pictures = []
    for spec in available(result):
        encoded = base64.b64encode(figure_bytes(draw_figure(spec, result, language, policy, launch), "svg")).decode(
            "ascii"
        )
        pictures.append(
            Picture(
                figure_title(spec, result, language, policy, launch),
                alt_text(spec, result, language, policy, launch),
                f"data:image/svg+xml;base64,{encoded}",
            )
        )
    return pictures


def _section(run: Path, step: Step, language: str, policy: Policy, launch: dt.date | None) -> Section:
    w, analysis = words(language), REGISTRY[step.id]
    title, question = w(f"analyses.{analysis.name}.title"), w(f"analyses.{analysis.name}.question")
    notebook = f"notebooks/{step.id}.ipynb" if (run / "notebooks" / f"{step.id}.ipynb").is_file() else ""
    if step.status == "failed":
        return Section(
            step.id, title, question, [], [], w("report.failed_text", id=step.id, error=step.error), notebook
        )
    if step.status == "skipped":
        return Section(step.id, title, question, [], [], w("report.skipped_text", needs=step.needs), "", True)
    result = read_result(run, step.id)
    cards = [_card(f, w, tables.units_of(policy)) for f in result.findings]
    pictures = _pictures(result, language, policy, launch)
    shown = _tables(result, w)
    return Section(
        step.id, title, question, cards, pictures, "", notebook, tables=shown, sheets=sheets.of_result(result, w)
    )


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
        shown.append(Shown(w(f"display.title.{name}"), [str(c) for c in frame.columns], rows, more))
    return tuple(shown)


def _definition(policy: Policy, w: Words) -> str:
    """How SMB and KA are told apart, with the version where thresholds belong to it."""
    name, version = w.term("definition", policy["segment.definition"]), segment_version(policy).partition(" ")[2]
    return w("report.version", name=name, version=version) if version else name


def _rule_text(rule: str, w: Words) -> str:
    return w(f"rules.{rule}") if w.has(f"rules.{rule}") else rule


def _faults(run: Path, w: Words) -> tuple[list[list[str]], int, list[list[str]]]:
    """Rows of broken values (the first of them), how many there are in all, and the import's notes counted by rule."""
    faults = pd.read_parquet(run / "tables" / "data_faults.parquet")
    rows = []
    for fault in faults.head(FAULTS_SHOWN).to_dict("records"):
        where = w("report.row_none") if pd.isna(fault["row"]) else str(int(fault["row"]))
        value = "" if pd.isna(fault["value"]) else str(fault["value"])
        rows.append(
            [
                str(fault["table"]),
                str(fault["column"]),
                where,
                value,
                _rule_text(fault["rule"], w),
                w(f"actions.{fault['action']}"),
            ]
        )
    notes = pd.read_parquet(run / "tables" / "import_faults.parquet")
    counted = (
        notes.groupby(["file", "column", "rule", "action"])
        .agg(
            n=("row", "size"),
            rows=("row", lambda r: ", ".join(map(str, r[:NOTE_ROWS])) + (" …" if len(r) > NOTE_ROWS else "")),
        )
        .reset_index()
    )
    imported = [
        [str(r.file), str(r.column), str(r.rule), str(r.action), str(r.n), str(r.rows)] for r in counted.itertuples()
    ]
    return rows, len(faults), imported


def build(run: Path, language: str, policy: Policy | None = None) -> Path:
    """Write ``report.<language>.html`` into the run folder from its files alone and return its path.

    Raises :class:`UnusableData` where the folder holds no manifest. A figure's claim, every sentence and every number in it come from the
    results by key. Names from the data are escaped."""
    manifest = Manifest.read(run)
    if manifest is None:
        raise UnusableData(f"{run} has no manifest.json: it is no run folder of this workbook.")
    policy = policy or load_policy().override(manifest.overrides)
    w, launched = words(language), manifest.company.get("ka_launch")
    launch = dt.date.fromisoformat(launched) if launched else None
    sections = [_section(run, step, language, policy, launch) for step in manifest.steps]
    faults, fault_count, imported = _faults(run, w)
    pages: dict[str, pd.DataFrame] = {}
    for section in sections:  # the numbers of all analyses stand on one sheet
        for name, frame in section.sheets.items():
            pages[name] = pd.concat([pages[name], frame], ignore_index=True) if name in pages else frame
    if pages:
        write_workbook(run / f"report.{language}.xlsx", pages)
    context: dict[str, Any] = {
        "t": w, "language": language, "manifest": manifest, "sections": sections, "cards": [(s, c) for s in sections for c in s.cards],
        "states": ("supported", "contradicted", "undecided", "no_data"), "faults": faults, "fault_count": fault_count,
        "faults_more": max(0, fault_count - FAULTS_SHOWN), "imported": imported,
        "as_of": format_date(pd.Timestamp(manifest.company["as_of"]).date(), "long", locale=w.locale),
        "made": format_datetime(pd.Timestamp(manifest.ended or manifest.started).to_pydatetime(), "long", locale=w.locale),
        "level": format_percent(policy["evidence.level"], locale=w.locale),
        "definition": _definition(policy, w),
        "workbook": f"report.{language}.xlsx" if pages else "",
        "other": [x for x in manifest.languages if x != language],
    }  # fmt: skip
    environment = Environment(
        loader=FileSystemLoader(PACKAGE / "templates"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    path = run / f"report.{language}.html"
    write_text(path, environment.get_template("report.html").render(context))
    return path
