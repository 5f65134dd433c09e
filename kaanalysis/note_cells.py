"""An analyst's notes as cells of a notebook: which cells they are, where they stand, and how kept notes are put in (docs/notes.md).

Every cell that the workbook ships has a tag. A Markdown cell without one is a note, a code cell without one is the analyst's own code,
kept as the text of a fenced block. A note stands under the last shipped cell above it, its anchor, named by that cell's id.
Notebooks are dicts as in their JSON files (nbformat 4.5).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Notebook = dict[str, Any]
Base = dict[
    str, tuple[str, str]
]  # by id of a note's cell: its anchor, and the mark of its text when it was put in or seen last

TOP = "top"  # anchor of what stands above all shipped cells
NOTE = "note"  # tag of a note that a run has put in
LOST = "note-lost"  # tag of the sentence before notes whose anchor the notebook no longer has
# Cells with a tag that the workbook does not ship, so that no note can stand under them.
MADE = frozenset({NOTE, LOST, "injected-parameters", "papermill-error-cell-tag"})
FIELD = "kaanalysis"  # of a notebook's or cell's metadata
_FENCED = re.compile(r"(`{3,})python\n.*\n\1", re.S)


@dataclass(frozen=True)
class Note:
    """One note as it stands in a copy of a notebook. id: of its cell, empty where that has none."""

    id: str
    anchor: str
    text: str


def plain(text: str) -> str:
    """A note's text as it is kept: line ends evened out, no blank lines around it, nothing that UTF-8 cannot hold."""
    even = text.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace").decode("utf-8")
    lines = even.split("\n")
    while lines and not lines[0].strip():
        lines.pop(0)
    while lines and not lines[-1].strip():
        lines.pop()
    return "\n".join(lines)


def mark(text: str) -> str:
    """What a text is recognised by: the first 16 hexadecimal digits of its SHA-256."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def fenced(code: str) -> str:
    """A cell's code as a fenced block of Markdown, which nobody executes."""
    fence = "`" * max([3, *(len(run) + 1 for run in re.findall(r"`{3,}", code))])
    return f"{fence}python\n{code}\n{fence}"


def is_code(text: str) -> bool:
    """Whether a note is nothing but a block of code."""
    return _FENCED.fullmatch(text) is not None


def source(cell: Mapping[str, Any]) -> str:
    said = cell.get("source", "")
    return said if isinstance(said, str) else "".join(said)


def cells_of(notebook: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Its cells; none where the file holds no notebook."""
    found = notebook.get("cells")
    return [c for c in found if isinstance(c, dict)] if isinstance(found, list) else []


def _metadata(document: Mapping[str, Any]) -> dict[str, Any]:
    found = document.get("metadata")
    return found if isinstance(found, dict) else {}


def tags(cell: Mapping[str, Any]) -> frozenset[str]:
    found = _metadata(cell).get("tags")
    return frozenset(map(str, found)) if isinstance(found, list) else frozenset()


def is_shipped(cell: Mapping[str, Any]) -> bool:
    return bool(tags(cell)) and not tags(cell) & MADE and bool(cell.get("id"))


def is_own(cell: Mapping[str, Any]) -> bool:
    """Whether the analyst wrote this cell: a note, also one that a run has put in, or code."""
    return not tags(cell) or NOTE in tags(cell)


def _own_field(document: Mapping[str, Any]) -> dict[str, Any]:
    found = _metadata(document).get(FIELD)
    return found if isinstance(found, dict) else {}


def text_of(cell: Mapping[str, Any]) -> str:
    """The text that a cell is kept as; pictures pasted into it become part of it."""
    said = source(cell)
    if cell.get("cell_type") == "code":
        return plain(fenced(said)) if said.strip() else ""
    for name, kinds in (cell.get("attachments") or {}).items():
        for kind, content in kinds.items() if isinstance(kinds, dict) else ():
            held = content if isinstance(content, str) else "".join(content)
            said = said.replace(f"attachment:{name}", f"data:{kind};base64,{''.join(held.split())}")
    return plain(said)


def notes_in(notebook: Mapping[str, Any]) -> list[Note]:
    """The notes of a copy, in its order; empty cells are none.

    One that a run put in keeps its anchor as long as it stands where the run had to put it: a cell of another language is an anchor
    that a run in this one does not show."""
    found, above = [], TOP
    for cell in cells_of(notebook):
        if is_shipped(cell):
            above = str(cell["id"])
        elif is_own(cell):
            put, text = _own_field(cell), text_of(cell)
            anchor = str(put["anchor"]) if put.get("anchor") and put.get("after") == above else above
            if text:
                found.append(Note(str(cell.get("id") or ""), anchor, text))
    return found


def base_of(notebook: Mapping[str, Any]) -> Base:
    """What a run put into this copy; empty where the copy does not remember any."""
    put = _own_field(notebook).get("notes")
    if not isinstance(put, dict):
        return {}
    return {str(id): (str(v[0]), str(v[1])) for id, v in put.items() if isinstance(v, list) and len(v) == 2}


def shipped_ids(notebook: Mapping[str, Any]) -> list[str]:
    return [str(c["id"]) for c in cells_of(notebook) if is_shipped(c)]


def insert(
    notebook: Notebook,
    texts: Mapping[str, Sequence[str]],
    order: Sequence[str],
    kept: Callable[[str, str], bool],
    lost: Callable[[str], str],
) -> Notebook:
    """A copy of the notebook with these notes under their anchors, in place of those that it held; the same notes put in twice change
    nothing. The analyst's own code cells stay, and are not repeated as text.

    texts: notes by anchor. order: ids of all cells that the notebook ships. An anchor that this copy lacks (a cell of another language)
    gives way to the nearest one above it; one that is not in `order` any more has its notes at the end, under the sentence
    `lost(anchor)`. kept: whether a note (anchor, text) is in the store; of the others the copy remembers nothing, so that the next run
    finds them to be new."""
    cells = [c for c in cells_of(notebook) if not (is_own(c) and c.get("cell_type") != "code") and LOST not in tags(c)]
    there, remembered = set(map(str, (c["id"] for c in cells if is_shipped(c)))), dict[str, list[str]]()
    own = {text_of(c) for c in cells if is_own(c)}
    taken = {str(c.get("id")) for c in cells}

    def free(stem: str) -> str:
        """An id that no cell has yet, of at most 64 signs."""
        n, id = 1, f"{stem[:54]}-1"
        while id in taken:
            n += 1
            id = f"{stem[:54]}-{n}"
        taken.add(id)
        return id

    def made(anchor: str, after: str) -> Iterable[dict[str, Any]]:
        for text in texts[anchor]:
            if text in own:
                continue
            id = free(f"note-{anchor}")
            if kept(anchor, text):
                remembered[id] = [anchor, mark(text)]
            metadata = {"tags": [NOTE], FIELD: {"anchor": anchor, "after": after}}
            yield {"cell_type": "markdown", "id": id, "metadata": metadata, "source": text.splitlines(keepends=True)}

    under: dict[str, list[str]] = {}
    above = TOP
    for id in (TOP, *order):
        above = id if id in there else above
        if id in texts:
            under.setdefault(above, []).append(id)
    out, last = [cell for anchor in under.get(TOP, ()) for cell in made(anchor, TOP)], TOP
    for cell in cells:
        out.append(cell)
        if is_shipped(cell):
            last = str(cell["id"])
            out += [note for anchor in under.get(last, ()) for note in made(anchor, last)]
    known = {TOP, *order}
    for anchor in sorted(a for a in texts if a not in known):
        put = list(made(anchor, last))
        if put:
            metadata = {"tags": [LOST]}
            said = {"cell_type": "markdown", "id": free(f"lost-{anchor}"), "metadata": metadata, "source": lost(anchor)}
            out += [said, *put]
    done: Notebook = {**notebook, "cells": out}
    code = {str(c.get("id")) for c in cells if is_own(c)}  # what the analyst's own cells held when they ran
    remembered |= {n.id: [n.anchor, mark(n.text)] for n in notes_in(done) if n.id in code}
    done["metadata"] = {**_metadata(notebook), FIELD: {**_own_field(notebook), "notes": remembered}}
    return done
