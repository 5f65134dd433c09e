"""A run folder under pseudonyms: the kernel is told, the manifest, notebooks and sheets are made ready, the two kinds of run kept apart."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import openpyxl

from kaanalysis.company import Company
from kaanalysis.contracts import UnusableData
from kaanalysis.manifest import Manifest, Step
from kaanalysis.paths import PACKAGE, workbook_file
from kaanalysis.pseudonymise import Pseudonymiser
from kaanalysis.pseudonyms import read_or_make_key
from kaanalysis.runfolder import save_frame, write_atomically, write_text

# Path of the key: in the environment and not among a notebook's parameters, which are written into the notebook.
KEY = "KAANALYSIS_PSEUDONYM_KEY"


def from_environment(company: Company) -> Pseudonymiser | None:
    """What a notebook's kernel is told by :data:`KEY`; None where this run keeps its names."""
    path = os.environ.get(KEY)
    return Pseudonymiser.of(company, read_or_make_key(Path(path))) if path else None


def refuse_mixing(run: Path, pseudonymiser: Pseudonymiser | None) -> None:
    """A run folder holds either original names or code words: what one kind of run leaves in it must not be found in the other.
    Raises :class:`UnusableData`."""
    last = Manifest.read(run)
    if last is None or bool(last.stamp.get("pseudonyms")) == (pseudonymiser is not None):
        return
    if pseudonymiser is not None:
        raise UnusableData(f"{run} holds a run with original names; choose another --out for --pseudonyms.")
    raise UnusableData(f"{run} holds a run under pseudonyms; choose another --out, or run it with --pseudonyms.")


def refuse_other_names(since: Path, stamp: dict[str, str]) -> None:
    """A run is compared only with one that calls things by the same names: both by the original ones, or both under one key. Raises
    :class:`UnusableData`. stamp: of the run to be made."""
    last = Manifest.read(since)
    before, now = (last.stamp.get("pseudonyms") if last is not None else None), stamp.get("pseudonyms")
    if before == now:
        return
    if now is None:
        raise UnusableData(
            f"--since {since}: that run is under pseudonyms; name its key with --pseudonym-key, or another run."
        )
    why = "has original names" if before is None else "is under another key"
    raise UnusableData(
        f"--since {since}: that run {why}; under pseudonyms a run is compared only with one under the same key."
    )


def stamped(manifest: Manifest, pseudonymiser: Pseudonymiser, said: dict[str, str]) -> None:
    """Make a manifest ready to leave: the company's code word, no name of a folder, the key's fingerprint in the stamp. said: words of
    the command as typed (data, run folder, key) with what stands for them."""
    manifest.stamp["pseudonyms"] = pseudonymiser.pseudonyms.fingerprint()
    manifest.company["name"] = manifest.data = pseudonymiser.company
    manifest.pseudonyms = pseudonymiser.counts()

    def put(token: str) -> str:
        option, equals, value = token.partition("=")
        head, typed = (f"{option}=", value) if equals and option.startswith("--") else ("", token)
        for known in (typed, Path(typed).name):
            if typed and known in said:
                return head + said[known]
        return pseudonymiser.text(token)

    manifest.command = shlex.join(map(put, shlex.split(manifest.command)))


def tidy_sheets(folder: Path, pseudonymiser: Pseudonymiser) -> None:
    """Names in the texts of Excel sheets that an analyst has edited; a sheet without any is left as it is."""
    for path in sorted(folder.rglob("*.xlsx")) if folder.is_dir() else ():
        book, changed = openpyxl.load_workbook(path), False
        for cell in (c for sheet in book.worksheets for row in sheet.iter_rows() for c in row):
            if isinstance(cell.value, str) and (text := pseudonymiser.text(cell.value)) != cell.value:
                cell.value, changed = text, True
        if changed:
            write_atomically(path, book.save)


def without_places(document: Any, places: Iterable[tuple[str, str]]) -> Any:
    """A JSON document with folders replaced in every text (path, what stands for it; the longest first): where a run was made tells whose
    it is. Pictures are passed over."""
    ordered = sorted(((a, b) for a, b in places if a and a != "/"), key=lambda p: -len(p[0]))

    def walk(node: Any) -> Any:
        if isinstance(node, dict):
            return {k: v if k.startswith("image/") else walk(v) for k, v in node.items()}
        if isinstance(node, list):
            return [walk(v) for v in node]
        if isinstance(node, str):
            for place, stands in ordered:
                node = node.replace(place, stands)
        return node

    return walk(document)


def _texts(outputs: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], str]]:
    for output in outputs:
        if output.get("output_type") == "error":
            yield from ((output, key) for key in ("evalue", "traceback"))
        elif output.get("name") == "stderr":
            yield output, "text"


def tidy_notebook(
    notebook: dict[str, Any], pseudonymiser: Pseudonymiser, places: Iterable[tuple[str, str]]
) -> dict[str, Any]:
    """An executed notebook as it may leave: its folders replaced, and names in messages of errors, which no result has passed through."""
    for cell in notebook.get("cells", []):
        for output, key in _texts(cell.get("outputs", [])):
            if key in output:
                output[key] = pseudonymiser.value(output[key])
    found: dict[str, Any] = without_places(notebook, places)
    return found


def save_faults(run: Path, company: Company, pseudonymiser: Pseudonymiser | None) -> None:
    own, imported = company.fault_frame(), company.import_faults
    if pseudonymiser is not None:
        own, imported = pseudonymiser.faults(own), pseudonymiser.faults(imported, imported=True)
    save_frame(run, "tables/data_faults.parquet", own)
    save_frame(run, "tables/import_faults.parquet", imported)


def as_it_leaves(step: Step, run: Path, pseudonymiser: Pseudonymiser | None, location: str) -> Step:
    """A step of a run under pseudonyms, its notebook and its error without the names and folders that no result has passed through."""
    if pseudonymiser is None:
        return step
    home = str(workbook_file("notebooks"))
    places = [
        (location, "DATA"),
        (str(run), "RUN"),
        (home, "notebooks"),
        (str(PACKAGE.parent), "kaanalysis"),
        (str(Path.home()), "~"),
    ]
    places += [(run.name, "RUN")]
    places += [(repr(a)[1:-1], b) for a, b in places]  # as a folder of Windows stands in the parameters' cell
    path = run / "notebooks" / f"{step.id}.ipynb"
    if path.is_file():
        notebook = tidy_notebook(json.loads(path.read_text(encoding="utf-8")), pseudonymiser, places)
        write_text(path, json.dumps(notebook, ensure_ascii=False, indent=1) + "\n")
    error = without_places(pseudonymiser.text(step.error), places)
    return replace(step, error=error)
