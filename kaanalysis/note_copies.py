"""Copies of notebooks that an analyst may have written notes into, and what of them goes into the store (docs/notes.md)."""

from __future__ import annotations

import ast
import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kaanalysis.account_groups import resolved
from kaanalysis.contracts import UnusableData
from kaanalysis.note_cells import TOP, Base, Note, Notebook, base_of, cells_of, is_shipped, mark, notes_in, source, tags
from kaanalysis.notes import Merged, Shelf, Store, merge, notes_folder, write_or_remove

# Set by jupyter_server for the kernel of a session: the file of its notebook.
SESSION = "JPY_SESSION_NAME"
_OPENS = re.compile(r"""\bworkbook\.open\(\s*["'](\w+)["']""")


@dataclass(frozen=True)
class Seen:
    """What copies of notebooks held when their notes were last kept, and for which company: a hidden file beside them, since a notebook
    that is open in JupyterLab cannot be written to. Without it (a folder that cannot be written) an edited note is kept beside its old
    text."""

    path: Path

    @staticmethod
    def beside(notebook: Path) -> Seen:
        return Seen(notebook.parent / ".notes.json")

    def _all(self) -> dict[str, dict[str, Base]]:
        try:
            raw = json.loads(self.path.read_text(encoding="utf-8"))
            return {
                file: {store: {id: (str(a), str(m)) for id, (a, m) in base.items()} for store, base in stores.items()}
                for file, stores in raw.items()
            }
        except (OSError, ValueError, AttributeError, TypeError):
            return {}

    def of(self, notebook: Path, store: Path) -> tuple[Base, Base]:
        """(what this copy held for this store, what for any other)."""
        stores = self._all().get(notebook.name, {})
        others = {id: v for place, base in stores.items() if place != str(store) for id, v in base.items()}
        return stores.get(str(store), {}), others

    def remember(self, notebook: Path, store: Path, notes: Iterable[Note]) -> None:
        """Add what the copy holds now; what it no longer holds stays known, since another company may be open in it meanwhile."""
        everything = self._all()
        stores = everything.setdefault(notebook.name, {})
        known = stores.get(str(store), {})
        stores[str(store)] = known | {n.id: (n.anchor, mark(n.text)) for n in notes if n.id}
        if stores[str(store)] == known:
            return
        content = json.dumps(everything, ensure_ascii=False, indent=1).encode()
        try:
            write_or_remove(self.path, content)
        except OSError:
            return


def read_notebook(path: Path) -> Notebook | None:
    """A notebook's JSON; None where the file is none."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return raw if isinstance(raw, dict) and isinstance(raw.get("cells"), list) else None


def opened_in(notebook: Mapping[str, Any]) -> str:
    """The analysis that a notebook opens, by the call of ``workbook.open`` in its first cell that has one; empty where none has."""
    for cell in cells_of(notebook):
        found = _OPENS.search(source(cell)) if cell.get("cell_type") == "code" else None
        if found:
            return found[1]
    return ""


def data_of(path: Path, notebook: Mapping[str, Any]) -> str | None:
    """Which company a copy is about: of an executed one the parameter that it ran with, of another the one that its parameters cell sets,
    seen from its folder. None where neither is to be had, or where it was replaced (a run under pseudonyms)."""
    ran = (notebook.get("metadata") or {}).get("papermill")
    given = (ran.get("parameters") or {}).get("data") if isinstance(ran, dict) else None
    for cell in cells_of(notebook) if given is None else ():
        if "parameters" in tags(cell):
            given = _assigned(source(cell), "data")
    if not isinstance(given, str):
        return None
    try:
        found = resolved(str(path.parent / given))
    except (UnusableData, OSError, ValueError):
        return None
    return found if Path(found.partition("#")[0]).exists() or Path(found).exists() else None


def _assigned(code: str, name: str) -> Any:
    """The constant that the code last gives to a name; None where it gives none."""
    value = None
    try:
        statements = ast.parse(code).body
    except (SyntaxError, ValueError):
        return None
    for s in statements:
        targets = s.targets if isinstance(s, ast.Assign) else [s.target] if isinstance(s, ast.AnnAssign) else []
        if any(isinstance(t, ast.Name) and t.id == name for t in targets):
            held = getattr(s, "value", None)
            value = held.value if isinstance(held, ast.Constant) else None
    return value


def headings_of(notebook: Mapping[str, Any], language: str) -> dict[str, str]:
    """For each shipped cell the heading in a language that it stands under, in the notebook's order; empty where there is none above it."""
    found, heading = {TOP: ""}, ""
    for cell in cells_of(notebook):
        if not is_shipped(cell):
            continue
        first = source(cell).lstrip().partition("\n")[0]
        spoken = {t for t in tags(cell) if t.startswith("lang-")}
        if cell.get("cell_type") == "markdown" and first.startswith("#") and spoken <= {f"lang-{language}"}:
            heading = first.lstrip("#").strip()
        found[str(cell["id"])] = heading
    return found


def session_file() -> Path | None:
    """The notebook of this kernel's JupyterLab session, as last saved; None elsewhere."""
    told = os.environ.get(SESSION, "")
    for path in (Path(told), Path(Path(told).name)) if told else ():
        if path.suffix == ".ipynb" and path.is_file():
            return path.absolute()
    return None


@dataclass
class Harvest:
    """What one copy gave to the store. shelf: the store's notes with it; elsewhere: notes left out since they were kept for another
    company; said: sentences on what could not be read or written."""

    merged: Merged
    shelf: Shelf
    elsewhere: int = 0
    said: list[str] = field(default_factory=list)


def taken_from(
    path: Path, notebook: Mapping[str, Any], shelf: Shelf, store: Path, *, ran: bool
) -> tuple[Merged, int, list[Note]]:
    """The notes of one copy merged with a shelf, without anything being written: (what came of it, how many were left out for another
    company, the copy's notes). ran: the copy was made by a run, which remembered what it put in; a note that it has no more was taken
    out on purpose."""
    notes, (own, others) = notes_in(notebook), Seen.beside(path).of(path, store)
    theirs = {n.id for n in notes if n.id not in own and n.id in others and others[n.id][1] == mark(n.text)}
    notes = [n for n in notes if n.id not in theirs]
    base = base_of(notebook) | own if ran else own
    return merge(shelf.texts, notes, base, deletes=ran), len(theirs), notes


def keep_session(id: str, data: str) -> Harvest | None:
    """Keep the notes of the notebook that this kernel works for. None where that cannot be told, or another analysis is opened in it."""
    path = session_file()
    notebook = read_notebook(path) if path is not None else None
    if path is None or notebook is None or opened_in(notebook) != id:
        return None
    store = Store(notes_folder(data))
    shelf = store.read(id)
    merged, elsewhere, notes = taken_from(path, notebook, shelf, store.folder, ran=bool(base_of(notebook)))
    held, said = store.write(id, shelf.texts, merged.texts, shelf.closed)
    if held == merged.texts:
        Seen.beside(path).remember(path, store.folder, notes)
    return Harvest(merged, Shelf(held, shelf.closed), elsewhere, [*shelf.said, *said])
