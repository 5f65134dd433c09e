"""Import maps: ``data/imports/<source>.toml`` read and checked against the contract, each mistake named with its place."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kaanalysis.contracts import TABLES, UnusableData
from kaanalysis.paths import workbook_file

KEYS = {
    "map": {"title", "reads", "cannot_feed", "citation", "licence", "company", "sources", "views", "tables",
            "companions", "corrections", "faults"},
    "company": {"name", "currency", "as_of", "observed_from", "ka_launch", "language"},
    "sources": {"files", "columns", "format", "delimiter", "encoding", "optional", "types"},
    "tables": {"from", "columns"},
    "companions": {"from", "columns"},
    "corrections": {"source", "column", "values"},
    "faults": {"source", "rule", "from", "when", "column", "action", "detail", "en", "zh"},
}  # fmt: skip
ACTIONS = ("kept", "set_aside", "merged")


@dataclass(frozen=True)
class ImportMap:
    """One map. title, reads, cannot_feed: sentences by language; companions: files beside the tables, ``<name>/<source file>.csv``,
    with their columns; the rest as written in the file, its keys checked."""

    name: str
    title: dict[str, str]
    reads: dict[str, str]
    cannot_feed: dict[str, str]
    citation: str
    licence: str
    company: dict[str, Any]
    sources: dict[str, dict[str, Any]]
    tables: dict[str, dict[str, Any]]
    companions: dict[str, dict[str, Any]]
    views: dict[str, str]
    corrections: list[dict[str, Any]]
    faults: list[dict[str, Any]]

    def explain(self, lang: str = "en") -> str:
        """What the map reads, what it cannot feed, licence and citation, in one paragraph."""
        return f"{self.title[lang]} {self.reads[lang]} {self.cannot_feed[lang]} [{self.licence}] {self.citation}"


def load_maps(folder: Path | None = None) -> dict[str, ImportMap]:
    """Every map of the folder (default: the workbook's data/imports), by name. UnusableData names a map's mistake."""
    folder = folder or workbook_file("data/imports")
    return {path.stem: _load_map(path) for path in sorted(folder.glob("*.toml"))}


def list_sources() -> list[ImportMap]:
    """The maps, for ``kaanalysis import --list``: each explains itself in both languages."""
    return list(load_maps().values())


def _load_map(path: Path) -> ImportMap:
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UnusableData(f"{path.name} is not valid TOML: {error}.") from None

    def known(where: str, given: dict[str, Any], kind: str) -> None:
        if unknown := sorted(set(given) - KEYS[kind]):
            raise UnusableData(
                f"{path.name}: {where} has unknown key {', '.join(unknown)}; known are {', '.join(sorted(KEYS[kind]))}."
            )

    known("the map", raw, "map")
    for key in ("title", "reads", "cannot_feed"):
        if set(raw.get(key, {})) != {"en", "zh"}:
            raise UnusableData(f"{path.name}: {key} must be given in en and zh.")
    if missing := sorted({"citation", "licence", "company", "sources", "tables"} - set(raw)):
        raise UnusableData(f"{path.name}: {', '.join(missing)} is missing.")
    known("company", raw["company"], "company")
    for kind in ("sources", "tables", "companions"):
        for name, given in raw.get(kind, {}).items():
            known(f"{kind}.{name}", given, kind)
    for kind in ("corrections", "faults"):
        for number, given in enumerate(raw.get(kind, []), 1):
            known(f"{kind} {number}", given, kind)
            choices = {"source": tuple(raw["sources"])} | ({"action": ACTIONS} if kind == "faults" else {})
            for key, allowed in choices.items():
                if given.get(key) not in allowed:
                    raise UnusableData(f"{path.name}: {kind} {number}: {key} must be one of {', '.join(allowed)}.")
    for name, given in raw["tables"].items():
        if name not in TABLES:
            raise UnusableData(f"{path.name}: the contract has no table {name}; it has {', '.join(TABLES)}.")
        columns, has = set(given["columns"]), {column.name for column in TABLES[name].columns}
        if wrong := sorted(columns - has):
            raise UnusableData(
                f"{path.name}: {name} has no column {', '.join(wrong)}; it has {', '.join(sorted(has))}."
            )
        if missing := sorted(set(TABLES[name].required) - columns):
            raise UnusableData(f"{path.name}: {name} must have column {', '.join(missing)}.")
    return ImportMap(path.stem, **{"companions": {}, "views": {}, "corrections": [], "faults": [], **raw})
