"""The page of changes in the report: where a reader looks for it, its figures proven, and nothing of it without --since."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from kaanalysis.compared_runs import PREVIOUS, keep_previous
from kaanalysis.manifest import Manifest
from kaanalysis.report import build, misfits
from kaanalysis.report.changed import diff_since
from kaanalysis.runfolder import write_text

ID = "00_problem_framing"


@pytest.fixture(scope="module")
def since(report_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of one analysis set against one of other data in which its first verdict was open and its numbers a fifth lower."""
    base = tmp_path_factory.mktemp("since")
    last, run = base / "last", base / "run"
    shutil.copytree(report_run, run)
    manifest = Manifest.read(run)
    assert manifest is not None
    manifest.steps = [s for s in manifest.steps if s.id == ID]
    write_text(run / "manifest.json", manifest.to_json())
    for path in (run / "results").glob("*.json"):
        if path.stem != ID:
            path.unlink()
    shutil.copytree(run, last)
    changed = json.loads((last / "results" / f"{ID}.json").read_text(encoding="utf-8"))
    changed["as_of"], changed["data_hash"] = "2026-05-31", "another"
    finding = next(f for f in changed["findings"] if f["state"] != "no_data" and any(n["level"] for n in f["numbers"]))
    finding["state"] = "contradicted" if finding["state"] == "supported" else "supported"
    for number in (n for n in finding["numbers"] if n["level"] and None not in (n["low"], n["value"], n["high"])):
        number |= {k: 0.8 * number[k] for k in ("low", "value", "high")}
    write_text(last / "results" / f"{ID}.json", json.dumps(changed))
    told = json.loads((last / "manifest.json").read_text(encoding="utf-8"))
    told["stamp"]["data_hash"], told["rows"]["accounts"] = "another", [1400, 1401]
    write_text(last / "manifest.json", json.dumps(told))
    keep_previous(last, run)
    for language in ("en", "zh"):
        build(run, language)
    return run


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_changes_stand_after_the_questions_and_every_figure_of_them_is_proven(since: Path, language: str) -> None:
    page = (since / f"report.{language}.html").read_text(encoding="utf-8")
    assert page.index('id="verdicts"') < page.index('<section id="changes"') < page.index(f'<section id="{ID}"')
    assert '<li><a href="#changes">' in page and ".changes-sentences" in page.split("</style>")[0]
    assert misfits(since, language, page) == []
    moved = diff_since(since).moved
    assert len(moved) == 1 and f'data-said="changes:{moved[0].id}"' in page
    # The smallest change of a figure in any paragraph of it is seen.
    start, end = page.index('<section id="changes"'), page.index("</section>", page.index('<section id="changes"'))
    prose = re.sub(r"<table.*?</table>", "", page[start:end], flags=re.S)
    told = re.findall(r"<(?:p|li|dd)>([^<]*[0-9]{2}[^<]*)<", prose)
    assert len(told) >= 3
    for line in told:
        wrong = page.replace(line, re.sub(r"[0-9]{2}", lambda m: str(int(m[0]) + 777), line, count=1))
        assert misfits(since, language, wrong), line


def test_a_run_made_without_says_nothing_of_it(report_run: Path) -> None:
    page = (report_run / "report.en.html").read_text(encoding="utf-8")
    assert not (report_run / PREVIOUS).exists()
    assert "#changes" not in page and "changes-sentences" not in page
