"""The notes of analysts in the report: read from the run's executed notebooks, set beside the figure or table that they were written under.

They are the analyst's words: nothing in them is computed, so the proof of the report's figures leaves them out
(:mod:`kaanalysis.report.prose`), and the report says whose words they are. Code that an analyst ran stays in the notebook.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from pathlib import Path

from kaanalysis.note_cells import LOST, cells_of, is_code, is_shipped, notes_in, source, tags
from kaanalysis.note_copies import headings_of, read_notebook
from kaanalysis.paths import workbook_file
from kaanalysis.report.note_html import rendered
from kaanalysis.report.parts import Remark

_SHOWS = re.compile(r"""\.(?:show|table)\(\s*["']([\w.-]+)["']""")


def remarks_of(run: Path, id: str, language: str) -> list[Remark]:
    """The notes in an executed notebook of the run, in its order, each with the heading in the report's language that it was written under.
    None where there is no notebook that can be read."""
    notebook = read_notebook(run / "notebooks" / f"{id}.ipynb")
    if notebook is None:
        return []
    shown: dict[str, str] = {}
    for cell in filter(is_shipped, cells_of(notebook)):
        found = _SHOWS.search(source(cell)) if cell.get("cell_type") == "code" else None
        shown[str(cell["id"])] = found[1] if found else ""
    ended = [str(c.get("id")) for c in cells_of(notebook)]
    ended = ended[next((i for i, c in enumerate(cells_of(notebook)) if LOST in tags(c)), len(ended)) :]
    headings = headings_of(read_notebook(workbook_file("notebooks") / f"{id}.ipynb") or notebook, language)
    made = list[Remark]()
    for note in notes_in(notebook):
        if not is_code(note.text):
            lost = note.anchor if note.id in ended and note.anchor not in shown else ""
            about, under = shown.get(note.anchor, ""), headings.get(note.anchor, "")
            made.append(Remark(f"note-{id}-{len(made) + 1}", rendered(note.text), about, under, lost))
    return made


def placed(remarks: Iterable[Remark], names: Collection[str]) -> tuple[dict[str, list[Remark]], list[Remark]]:
    """(those that were written under a figure, table or finding among `names`, by that name; the others)."""
    beside, others = dict[str, list[Remark]](), list[Remark]()
    for remark in remarks:
        (beside.setdefault(remark.about, []) if remark.about in names else others).append(remark)
    return beside, others
