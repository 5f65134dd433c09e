"""The notes of an analyst over a run: taken from the run that is about to be replaced and from the notebooks themselves, kept beside the
company, and put into the notebooks that the run executes (docs/notes.md).

Nothing here fails a run: what cannot be read or written is said, and stays in the notebooks of the new run.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from kaanalysis.account_groups import resolved
from kaanalysis.analyses.registry import REGISTRY
from kaanalysis.manifest import Manifest
from kaanalysis.note_cells import Note, Notebook, base_of, insert, mark, notes_in, shipped_ids
from kaanalysis.note_copies import Seen, data_of, read_notebook, taken_from
from kaanalysis.notes import HIDDEN, Merged, Shelf, Store, Texts, merge, notes_folder
from kaanalysis.paths import workbook_file
from kaanalysis.pseudonymise import Pseudonymiser
from kaanalysis.retention import is_dated
from kaanalysis.runfolder import write_text
from kaanalysis.text import words

_PICTURE = re.compile(r"data:[\w.+-]+/[\w.+-]+;base64,[A-Za-z0-9+/=]+")


@dataclass
class RunNotes:
    """The notes of one run. data: place of its company; data_hash: of its data. language: of its notebooks. warn: is told a sentence for
    each thing that kept notes from being read or written.

    Under pseudonyms the store's notes pass the pseudonymiser on their way into the run. What an analyst writes into such a run is kept with
    its code words, in a folder of the store named by the key's fingerprint, and shown only in runs under the same key: no code
    word gets into the notes under original names."""

    data: str
    data_hash: str
    language: str
    warn: Callable[[str], None]
    pseudonymiser: Pseudonymiser | None = None
    company: str = ""
    _shelves: dict[tuple[Path, str], Shelf] = field(default_factory=dict)
    _read: dict[tuple[Path, str], Texts] = field(default_factory=dict)
    _times: dict[Path, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.store = Store(notes_folder(self.data))
        made = self.pseudonymiser
        self.hidden = Store(self.store.folder / HIDDEN / made.pseudonyms.fingerprint()) if made is not None else None
        for said in self.store.strangers(REGISTRY):
            self.warn(said)

    def _shelf(self, store: Store, id: str) -> Shelf:
        key = (store.folder, id)
        if key not in self._shelves:
            shelf = self._shelves[key] = store.read(id)
            self._read[key] = shelf.copy()
            for said in shelf.said:
                self.warn(said)
        return self._shelves[key]

    def _put(self, store: Store, id: str, merged: Merged) -> bool:
        """Take what a merge came to; whether the store holds all of it."""
        key, shelf = (store.folder, id), self._shelf(store, id)
        shelf.texts = merged.texts
        self._read[key], said = store.write(id, self._read[key], merged.texts, shelf.closed)
        for sentence in said:
            self.warn(sentence)
        return self._read[key] == merged.texts

    def take(self, out: Path) -> None:
        """Keep what analysts wrote into the notebooks of the workbook, into those of the run at `out`, if there is one, and, where `out` is
        named by a date, into those of dated runs beside it, of which the oldest may be removed soon. Called again before that run is
        replaced, it reads those again that were saved meanwhile."""
        try:
            self._take(out)
            for path in dated_beside(out):
                self._take_folder(path, since=True)
        except (
            Exception
        ) as error:  # of a file that is no notebook after all; a run is worth more than what it might have held
            self.warn(f"notes could not be kept: {type(error).__name__}: {error}")

    def _take(self, out: Path) -> None:
        for id in REGISTRY:
            path = workbook_file("notebooks") / f"{id}.ipynb"
            notebook = read_notebook(path) if self._changed(path) else None
            if notebook is None or data_of(path, notebook) != resolved(self.data):
                continue
            merged, _, notes = taken_from(path, notebook, self._shelf(self.store, id), self.store.folder, ran=False)
            if self._put(self.store, id, merged):
                Seen.beside(path).remember(path, self.store.folder, notes)
        self._take_folder(out)

    def _take_folder(self, run: Path, *, since: bool = False) -> None:
        """The notebooks of one run. since: only those that somebody saved after the run had ended."""
        last = Manifest.read(run)
        if last is None:
            return
        ended = (run / "manifest.json").stat().st_mtime_ns
        for id in REGISTRY:
            path = run / "notebooks" / f"{id}.ipynb"
            if self._changed(path) and not (since and path.stat().st_mtime_ns <= ended):
                self._take_run(path, id, last)

    def _changed(self, path: Path) -> bool:
        now = path.stat().st_mtime_ns if path.is_file() else 0
        return now != self._times.get(path, 0) and self._times.update({path: now}) is None

    def _take_run(self, path: Path, id: str, last: Manifest) -> None:
        notebook = read_notebook(path)
        if notebook is None:
            return
        if "pseudonyms" in last.stamp:
            self._take_hidden(path, id, notebook, last)
            return
        place = data_of(path, notebook)
        mine = place == resolved(self.data) or (place is None and last.stamp.get("data_hash") == self.data_hash)
        if place is None and not mine:
            if _edited(notebook):
                self.warn(f"{path} is about a company that is no longer where it was; its notes were not kept.")
            return
        store = self.store if mine else Store(notes_folder(place or self.data))
        merged, _, notes = taken_from(path, notebook, self._shelf(store, id), store.folder, ran=True)
        if self._put(store, id, merged):
            Seen.beside(path).remember(path, store.folder, notes)

    def _take_hidden(self, path: Path, id: str, notebook: Notebook, last: Manifest) -> None:
        """Of a run under pseudonyms: what is new or edited in it is kept among the notes under its key. A note that came from those under
        original names is only shown there: edited, it is kept beside it, and taken out, it comes again."""
        if self.hidden is None or (last.stamp["pseudonyms"], last.data) != (self.hidden.folder.name, self.company):
            if _edited(notebook):
                self.warn(f"{path} is of a run under another key or of another company; its notes were not kept.")
            return
        shelf, base = self._shelf(self.hidden, id), base_of(notebook)
        own = {(anchor, mark(text)) for anchor, texts in shelf.texts.items() for text in texts}
        there, edited = {n.id for n in notes_in(notebook)}, _edited(notebook)
        known = {i: v for i, v in base.items() if v in own and (i not in there or i in {n.id for n in edited})}
        self._put(self.hidden, id, merge(shelf.texts, edited, known, deletes=True))

    def put_into(self, run: Path, id: str) -> None:
        """Put the notes into an executed notebook of the run, in place of those that it holds. The file is left alone where nothing
        changes."""
        path = run / "notebooks" / f"{id}.ipynb"
        notebook = read_notebook(path)
        (path.parent / ".notes.json").unlink(missing_ok=True)
        if notebook is None:
            return
        texts, held = self._shown(id)
        shipped = read_notebook(workbook_file("notebooks") / f"{id}.ipynb")
        w = words(self.language)
        made = insert(
            notebook,
            texts,
            shipped_ids(shipped or notebook),
            lambda anchor, text: text in held.get(anchor, ()),
            lambda anchor: w("notes.lost", cell=anchor),
        )
        if made != notebook:
            write_text(path, json.dumps(made, ensure_ascii=False, indent=1) + "\n")

    def _shown(self, id: str) -> tuple[Texts, Texts]:
        """(the notes as this run shows them, those of them that the store holds)."""
        shelf, key = self._shelf(self.store, id), (self.store.folder, id)
        if self.hidden is None:
            return shelf.texts, self._read[key]
        own, own_key = self._shelf(self.hidden, id), (self.hidden.folder, id)
        shown, held = Texts(), Texts()
        for into, texts, more in ((shown, shelf.texts, own.texts), (held, self._read[key], self._read[own_key])):
            for anchor in {**texts, **more}:
                into[anchor] = [self._hide(t) for t in (*texts.get(anchor, ()), *more.get(anchor, ()))]
        return shown, held

    def _hide(self, text: str) -> str:
        """A note as it may leave: known names replaced, and no pictures, in which nobody looks for names."""
        assert self.pseudonymiser is not None
        return self.pseudonymiser.text(_PICTURE.sub("", text))


def dated_beside(out: Path) -> list[Path]:
    """The other dated run folders beside one that is named by a date, the oldest first; none beside one that is not."""
    if not is_dated(out) or not out.parent.is_dir():
        return []
    return sorted(p for p in out.parent.iterdir() if p != out and p.is_dir() and not p.is_symlink() and is_dated(p))


def _edited(notebook: Notebook) -> list[Note]:
    """The notes of a copy that its run did not put in as they stand."""
    base = base_of(notebook)
    return [n for n in notes_in(notebook) if base.get(n.id, ("", ""))[1] != mark(n.text)]
