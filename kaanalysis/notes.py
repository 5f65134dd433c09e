"""An analyst's notes, kept beside a company's data: ``<data>.notes/<notebook>/<anchor>.md`` (docs/notes.md).

One Markdown file per anchor, several notes in it parted by a line that holds nothing but ``<!-- note -->``. The store is no part of the
company: it does not enter the hash of its data, and no analysis reads it. What stands in a copy of a notebook and what stands here are
merged three ways (:func:`merge`); what cannot be decided is kept on both sides.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kaanalysis.account_groups import selection
from kaanalysis.note_cells import Base, Note, mark, plain

Texts = dict[str, list[str]]  # notes by anchor

PART = "<!-- note -->"
GROUPS, HIDDEN = "groups", "pseudonyms"  # folders of the store that are no notebooks
MOST_BYTES = 10_000_000  # of one file: pictures pasted into notes are part of them
_PART = re.compile(r"<!-- \\*note -->")
_ESCAPED = re.compile(r"<!-- \\+note -->")
_ANCHOR = re.compile(r"[A-Za-z0-9_-]{1,64}")
_PLAIN_VALUE = re.compile(r"[a-z0-9][a-z0-9_-]{0,40}")


def notes_folder(data: str) -> Path:
    """Where the notes on a company lie: beside its folder or DuckDB file; those on one group of its accounts in a folder of their own in
    there. A company in a database named by company.toml is known by the folder of that file."""
    whole, column, value = selection(data)
    path = Path(whole).resolve()
    name = path.stem if path.is_file() else path.name
    folder = path.parent / f"{name}.notes"
    if column is None:
        return folder
    shown = value or ""
    if value and not _PLAIN_VALUE.fullmatch(value):  # file systems may not tell East from east, nor hold a slash
        digest = hashlib.sha256(value.encode("utf-8", "replace")).hexdigest()[:8]
        shown = "-".join(filter(None, [re.sub(r"[\W_]+", "-", value).strip("-")[:20], digest]))
    return folder / GROUPS / f"{column}={shown}"


def parse(content: str) -> list[str]:
    """The notes of one file."""
    parts: list[list[str]] = [[]]
    for line in plain(content).split("\n"):
        if line.strip() == PART:
            parts.append([])
        else:
            parts[-1].append(line.replace("\\", "", 1) if _ESCAPED.fullmatch(line.strip()) else line)
    return [text for text in map(plain, map("\n".join, parts)) if text]


def written(texts: Iterable[str]) -> str:
    """The file of these notes; :func:`parse` gives them back."""

    def line(said: str) -> str:
        return said.replace("<!-- ", "<!-- \\", 1) if _PART.fullmatch(said.strip()) else said

    parts = ["\n".join(map(line, text.split("\n"))) for text in map(plain, texts) if text]
    return f"\n\n{PART}\n\n".join(parts) + "\n" if parts else ""


def decoded(content: bytes) -> str:
    """Text of a file written by hand: UTF-8, else GB18030. Raises UnicodeDecodeError."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("gb18030")


@dataclass
class Shelf:
    """The notes on one notebook. closed: anchors whose file cannot be read, and is left as it is. said: what is wrong, a sentence each."""

    texts: Texts = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)
    said: list[str] = field(default_factory=list)

    def copy(self) -> Texts:
        return {anchor: list(texts) for anchor, texts in self.texts.items()}

    @property
    def count(self) -> int:
        return sum(map(len, self.texts.values()))


@dataclass(frozen=True)
class Store:
    """The notes of one company or group; nothing in here raises for what an analyst, a disc or a colleague may have done to the files."""

    folder: Path

    def read(self, notebook: str) -> Shelf:
        """All notes on a notebook, by anchor."""
        shelf, place = Shelf(), self.folder / notebook
        try:
            paths = sorted(p for p in place.iterdir() if p.suffix == ".md" and not p.name.startswith("."))
        except FileNotFoundError:
            return shelf
        except OSError as error:
            shelf.said.append(f"{place} cannot be read: {error.strerror}.")
            return shelf
        for path in paths:
            if not _ANCHOR.fullmatch(path.stem):
                shelf.said.append(f"{path} is named after no cell of a notebook; its notes are not shown.")
                continue
            try:
                if path.stat().st_size > MOST_BYTES:
                    raise ValueError(f"has more than {MOST_BYTES // 1_000_000} MB")
                texts = parse(decoded(path.read_bytes()))
            except (OSError, ValueError) as error:  # UnicodeDecodeError is a ValueError
                why = "is no text in UTF-8 or GB18030" if isinstance(error, UnicodeDecodeError) else str(error)
                why = f"cannot be read: {error.strerror}" if isinstance(error, OSError) else why
                shelf.said.append(f"{path} {why}; its notes are not shown, and it is left as it is.")
                shelf.closed.add(path.stem)
                continue
            if texts:
                shelf.texts[path.stem] = texts
        return shelf

    def strangers(self, notebooks: Iterable[str]) -> list[str]:
        """Sentences on folders of notes that belong to no notebook of the workbook."""
        known = {*notebooks, GROUPS, HIDDEN}
        try:
            there = sorted(p for p in self.folder.iterdir() if p.is_dir() and not p.name.startswith("."))
        except OSError:
            return []
        return [
            f"{p} is named after no notebook of this workbook; its notes are not shown."
            for p in there
            if p.name not in known
        ]

    def write(self, notebook: str, before: Texts, after: Texts, closed: Iterable[str] = ()) -> tuple[Texts, list[str]]:
        """Write what differs; what the store then holds, and a sentence for each file that could not be written."""
        held, said, shut = {a: list(t) for a, t in before.items()}, list[str](), set(closed)
        for anchor in sorted({*before, *after}):
            texts = after.get(anchor, [])
            if texts == before.get(anchor, []):
                continue
            path, content = self.folder / notebook / f"{anchor}.md", written(texts).encode("utf-8", "replace")
            try:
                if anchor in shut:
                    raise ValueError("it could not be read before")
                if len(content) > MOST_BYTES:
                    raise ValueError(f"it would have more than {MOST_BYTES // 1_000_000} MB")
                write_or_remove(path, content)
            except (OSError, ValueError) as error:
                why = error.strerror if isinstance(error, OSError) else str(error)
                said.append(f"{path} was not written, so these notes are kept in the notebook alone: {why}.")
            else:
                held[anchor] = texts
        return {a: t for a, t in held.items() if t}, said


def write_or_remove(path: Path, content: bytes) -> None:
    """Put a file in place atomically; one without content is removed. Raises OSError."""
    if not content:
        path.unlink(missing_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


@dataclass
class Merged:
    """What a merge came to. added, changed, removed: notes of the store; both: edited notes that the store had changed
    or given up meanwhile, kept beside what it has."""

    texts: Texts
    added: int = 0
    changed: int = 0
    removed: int = 0
    both: int = 0


def merge(store: Mapping[str, list[str]], copy: Iterable[Note], base: Base, *, deletes: bool) -> Merged:
    """Notes of a copy brought into those of the store, by what the copy held when the two last agreed (`base`).

    ==============  =====================  ==========================
    in the copy     in the store           then
    ==============  =====================  ==========================
    as it was       anything               the store stands
    edited          as it was              the store is given the copy's
    edited          changed or removed     both are kept
    new             anything               added, unless it is there already
    removed         as it was              removed, where `deletes`
    removed         changed or removed     the store stands
    ==============  =====================  ==========================

    A note that only moved under another cell moves in the store. deletes: whether a note that the copy has no more was taken out of it on
    purpose; not where something else than the analyst may have replaced the copy."""
    notes, done = list(copy), Merged({})
    there = {n.id for n in notes if n.id}
    slots: dict[str, list[str | None]] = {a: list(t) for a, t in store.items()}
    # Which text of the store each known note is, before any is changed: one of equal texts each.
    places, taken = dict[str, tuple[str, int]](), set[tuple[str, int]]()
    for id, (anchor, wanted) in sorted(base.items(), key=lambda known: known[0] not in there):
        at = ((anchor, i) for i, text in enumerate(slots.get(anchor, ())) if text is not None and mark(text) == wanted)
        place = next((p for p in at if p not in taken), None)
        if place is not None:
            places[id] = place
            taken.add(place)
    new: list[Note] = []
    for note in notes:
        was = base.get(note.id) if note.id else None
        if was is None:
            new.append(note)
        elif was != (note.anchor, mark(note.text)):
            anchor, i = places.get(note.id, ("", 0))
            if anchor == note.anchor:
                slots[anchor][i] = note.text
                done.changed += 1
            elif anchor:
                slots[anchor][i] = None
                new.append(note)
            elif mark(note.text) != was[1]:
                done.both += note.text not in slots.get(note.anchor, ())
                new.append(note)
    for id, (anchor, i) in places.items() if deletes else ():
        if id not in there:
            slots[anchor][i] = None
            done.removed += 1
    for note in new:
        here = slots.setdefault(note.anchor, [])
        if note.text not in here:
            here.append(note.text)
            done.added += 1
    kept = {anchor: [t for t in texts if t is not None] for anchor, texts in slots.items()}
    done.texts = {anchor: texts for anchor, texts in kept.items() if texts}
    return done
