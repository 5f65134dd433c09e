"""Notes of analysts in a report made by hand: where they stand, whose words they are, and that the proof of its figures passes over them."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from notebooks_noted import cell, notebook
from run_folders import SALES, success, write_run

from kaanalysis.note_cells import insert
from kaanalysis.paths import workbook_file
from kaanalysis.report import build, misfits
from kaanalysis.report.notes import _SHOWS, placed, remarks_of
from kaanalysis.report.parts import Remark
from kaanalysis.runfolder import save_frame

SHIPPED = [
    cell("markdown", "## The verdict", "c1", "lang-en"),
    cell("code", "book.verdict()", "c2", "evidence"),
    cell("code", "book.table('M-3.2')", "c3", "evidence"),
    cell("code", 'book.show( "conversion" )', "c4", "evidence"),
]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run whose notebook has a note at a finding, one at a picture that the report lacks, one of a lost cell, and code."""
    monkeypatch.setattr("kaanalysis.report.notes.workbook_file", lambda relative: tmp_path / relative)
    company = {"name": "Test", "currency": "CNY", "as_of": "2026-06-30", "ka_launch": ""}
    run = write_run(tmp_path / "run", {SALES: [success(0.4, 0.3, 0.5)]})
    raw = json.loads((run / "manifest.json").read_text())
    raw |= {
        "company": company,
        "data": "x",
        "languages": ["en", "zh"],
        "command": "",
        "started": "2026-06-30T00:00:00+00:00",
    }
    (run / "manifest.json").write_text(json.dumps(raw))
    for name, first in (("data_faults", "table"), ("import_faults", "file")):
        columns = [first, "row", "column", "value", "rule", "action"]
        save_frame(run, f"tables/{name}.parquet", pd.DataFrame(columns=columns, dtype=str))
    texts = {
        "c2": ["We counted **777** ourselves.</aside></section>"],
        "c3": ["At the finding, 888", "```python\nhidden = 999\n```"],
        "c4": ["At the picture"],
        "gone": ["Left over"],
        "top": ["First of all"],
    }
    made = insert(notebook(*SHIPPED), texts, [c["id"] for c in SHIPPED], lambda a, t: True, lambda a: "lost")
    (run / "notebooks").mkdir()
    (run / "notebooks" / f"{SALES}.ipynb").write_text(json.dumps(made), encoding="utf-8")
    return run


def test_notes_come_with_what_they_were_written_under(run: Path) -> None:
    found = remarks_of(run, SALES, "en")
    assert [(r.about, r.under, r.lost) for r in found] == [
        ("", "", ""),
        ("", "The verdict", ""),
        ("M-3.2", "The verdict", ""),
        ("conversion", "The verdict", ""),
        ("", "", "gone"),
    ]
    assert len({r.anchor for r in found}) == 5 and all("hidden" not in r.html for r in found)
    beside, others = placed(found, {"M-3.2"})
    assert beside == {"M-3.2": [found[2]]} and others == [*found[:2], *found[3:]]


def test_no_notebook_no_notes(tmp_path: Path) -> None:
    assert remarks_of(tmp_path, SALES, "en") == []
    assert placed([], {"x"}) == ({}, []) and placed([Remark("a", None, "")], set()) == ({}, [Remark("a", None, "")])


@pytest.mark.parametrize(
    ("language", "whose", "lost"),
    [
        ("en", "Analyst's note", "a cell that this notebook no longer has (gone)"),
        ("zh", "分析师批注", "以下批注原在单元格 gone 之下"),
    ],
)
def test_the_report_shows_them_in_their_place_and_its_figures_still_prove(
    run: Path, language: str, whose: str, lost: str
) -> None:
    page = build(run, language).read_text(encoding="utf-8")
    assert page.count("<aside") == page.count("</aside>") == 5 and page.count(whose.replace("'", "&#39;")) >= 5
    assert "<strong>777</strong>" in page and lost in page and "hidden = 999" not in page
    article = page.partition('<article class="card" id="M-3.2"')[2].partition("</article>")[0]
    assert "At the finding, 888" in article and "777" not in article
    header = page.partition("</header>")[0]
    assert "(5)</a>" in header and f'href="#note-{SALES}-1"' in header and f'id="note-{SALES}-1"' in page
    assert misfits(run, language) == []
    outside = page.replace(" data-analyst", "")
    assert {"777", "888"} <= {m.figure for m in misfits(run, language, outside)}
    (run / "notebooks" / f"{SALES}.ipynb").unlink()
    assert "<aside" not in build(run, language).read_text(encoding="utf-8")


def test_the_notebooks_page_says_whose_words_they_are(run: Path) -> None:
    build(run, "en")
    page = (run / "notebooks" / f"{SALES}.html").read_text(encoding="utf-8")
    assert page.count("Analyst&#39;s note</strong>") + page.count("Analyst's note</strong>") == 6
    assert "hidden = 999" in page and page.count("<aside") == page.count("</aside>")


def test_every_cell_that_shows_evidence_in_a_shipped_notebook_is_understood() -> None:
    """A way of showing that the report did not know would put its notes at the section's head."""
    for path in sorted(workbook_file("notebooks").glob("0*.ipynb")):
        for c in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            said = "".join(c["source"])
            if c["cell_type"] == "code" and ("book.show" in said or "book.table" in said):
                assert _SHOWS.search(said), said
