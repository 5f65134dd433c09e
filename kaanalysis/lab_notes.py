"""An analyst's notes as a notebook in JupyterLab tells of them: what was kept, and what is there (docs/notes.md)."""

from __future__ import annotations

import os
from pathlib import Path

from kaanalysis.note_copies import headings_of, keep_session, read_notebook
from kaanalysis.notes import Store, notes_folder
from kaanalysis.paths import workbook_file
from kaanalysis.text import Words


class Markdown(str):
    """Text that a notebook shows as Markdown, and a terminal as it is."""

    def _repr_markdown_(self) -> str:
        return str(self)

    __repr__ = str.__str__


def kept_lines(id: str, data: str, words: Words) -> list[str]:
    """Keep the notes of the notebook that this kernel works for, and say so; no line where there are none or it is no such notebook. What
    goes wrong is a line too: results are saved whatever a file may hold."""
    try:
        kept = keep_session(id, data)
    except Exception as error:
        return [words("notes.failed", error=f"{type(error).__name__}: {error}")]
    if kept is None:
        return []
    said, merged = list[str](), kept.merged
    if kept.shelf.count or merged.removed:
        folder = _short(notes_folder(data) / id)
        said.append(words("notes.kept", n=words.value(kept.shelf.count, "notes"), folder=folder))
    for key, count in (("both", merged.both), ("elsewhere", kept.elsewhere)):
        if count:
            said.append(words(f"notes.{key}", n=words.value(count, "notes")))
    return [*said, *kept.said]


def told(id: str, data: str, words: Words) -> str:
    """How many notes are kept on a question; empty where there are none."""
    count = Store(notes_folder(data)).read(id).count
    return words("notes.there", n=words.value(count, "notes")) if count else ""


def shown(id: str, data: str, words: Words) -> Markdown:
    """All notes kept on a question, in the order of its notebook, each under the heading that it was written under; what cannot be read is
    said."""
    shelf = Store(notes_folder(data)).read(id)
    headings = headings_of(read_notebook(workbook_file("notebooks") / f"{id}.ipynb") or {}, words.language)
    order = {anchor: i for i, anchor in enumerate(headings)}
    said = [
        f"**{headings.get(a) or words('notes.cell', cell=a)}**\n\n" + "\n\n".join(shelf.texts[a])
        for a in sorted(shelf.texts, key=lambda a: (order.get(a, len(order)), a))
    ]
    return Markdown("\n\n".join([*(said or [words("notes.none")]), *shelf.said]))


def _short(folder: Path) -> str:
    """A folder as a notebook may print it: from where the kernel works, where that leads there."""
    try:
        return Path(os.path.relpath(folder)).as_posix()
    except ValueError:  # another drive
        return str(folder)
