"""A run folder → ``report.<language>.html``: everything read once, drawn once, set by the templates in ``templates/``."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pandas as pd
from babel.dates import format_date, format_datetime
from babel.numbers import format_percent
from markupsafe import Markup

from kaanalysis.changes import changes_since
from kaanalysis.contracts import UnusableData
from kaanalysis.export import write_workbook
from kaanalysis.manifest import Manifest, Step
from kaanalysis.policy import Policy, load_policy
from kaanalysis.report.decision import decision
from kaanalysis.report.margins import margins, unmoved
from kaanalysis.report.notebooks import convert_notebooks
from kaanalysis.report.parts import Section
from kaanalysis.report.provenance import definition, faults, policy_rows
from kaanalysis.report.questions import question
from kaanalysis.report.sections import Reading, pictures_of, section
from kaanalysis.report.typesetting import FONTS, environment, signed, tag, typeset
from kaanalysis.results import STATES, Result
from kaanalysis.runfolder import read_result, write_text
from kaanalysis.text import words

MARGINS_SHOWN = 12  # the others are folded


def _read(run: Path, step: Step) -> Result | None:
    return None if step.status in ("failed", "skipped") else read_result(run, step.id)


def _write_tables(run: Path, language: str, sections: list[Section]) -> str:
    """``report.<language>.xlsx``; its name, empty where there is no table. The numbers of all analyses stand on one sheet."""
    pages: dict[str, pd.DataFrame] = {}
    for made in sections:
        for name, frame in made.sheets.items():
            pages[name] = pd.concat([pages[name], frame], ignore_index=True) if name in pages else frame
    if not pages:
        return ""
    write_workbook(run / f"report.{language}.xlsx", pages)
    return f"report.{language}.xlsx"


def build(run: Path, language: str, policy: Policy | None = None) -> Path:
    """Write ``report.<language>.html`` into the run folder from its files alone and return its path.

    Raises :class:`UnusableData` where the folder holds no manifest. A figure's claim, every sentence and every number in it come from the
    results by key (:func:`kaanalysis.report.misfits` proves it). Names from the data are escaped."""
    manifest = Manifest.read(run)
    if manifest is None:
        raise UnusableData(f"{run} has no manifest.json: it is no run folder of this workbook.")
    policy = policy or load_policy().override(manifest.overrides)
    w, launched = words(language), manifest.company.get("ka_launch")
    reading = Reading(w, policy, dt.date.fromisoformat(launched) if launched else None)
    convert_notebooks(run, manifest)
    results = {step.id: _read(run, step) for step in manifest.steps}
    there = {id: r for id, r in results.items() if r is not None}
    drawn = {id: pictures_of(run, r, reading, manifest.languages) for id, r in there.items()}
    sections, questions = [], []
    for step in manifest.steps:
        result, pictures = results[step.id], drawn.get(step.id, [])
        asked = question(step, result, reading, pictures)
        above = [asked.picture.name] if asked.picture else []
        sections.append(section(run, step, result, reading, pictures, above))
        questions.append(asked)
    findings = [f for r in there.values() for f in r.findings]
    moved = margins(findings, w, policy)
    heads = {
        kind: [w(f"table.{c}") for c in columns]
        for kind, columns in (
            ("number_heads", ("number", "value", "interval", "n", "method")),
            ("fault_heads", ("table", "column", "row", "value", "rule", "action")),
            ("import_heads", ("source", "column", "rule", "action", "count", "row")),
        )
    }
    since = changes_since(run, language)
    context: dict[str, Any] = {
        "t": w, "language": language, "colon": "：" if language == "zh" else ": ", "manifest": manifest, "states": STATES,
        "decision": decision(manifest.steps, there, reading, moved), "questions": questions, "sections": sections,
        "notes": [s for s in sections if s.notes],
        "margins": moved, "margins_shown": MARGINS_SHOWN, "unmoved": unmoved(findings), "faults": faults(run, w),
        "policy": policy_rows(manifest, policy, w), **heads, "fonts": FONTS,
        "running": f"{w('report.title')} · {manifest.company['name']}",
        "as_of": format_date(pd.Timestamp(manifest.company["as_of"]).date(), "long", locale=w.locale),
        "made": format_datetime(pd.Timestamp(manifest.ended or manifest.started).to_pydatetime(), "long", locale=w.locale),
        "level": format_percent(policy["evidence.level"], locale=w.locale), "definition": definition(policy, w),
        "changes": Markup(signed(since.html)) if since else "", "changes_title": since.title if since else "",
        "changes_style": since.style if since else "",
        "workbook": _write_tables(run, language, sections), "other": [x for x in manifest.languages if x != language],
        "notebook_language": tag((manifest.languages or [language])[0]),
    }  # fmt: skip
    path = run / f"report.{language}.html"
    write_text(path, typeset(environment().get_template("report.html").render(context), language))
    return path
