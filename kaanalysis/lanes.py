"""What interests whom on the customer's side: the catalogue ``data/lanes/interests.toml``, and what a company adds to it or changes.

A company's own files ``lanes/*.toml`` have the same form, in one language or both: a role named there replaces the catalogue's field
by field, another name adds a role. No code is needed. The tables ``items`` and ``sheet`` of the same files are what selling does at a
node of the customer's flow (:mod:`kaanalysis.selling`); ``owners`` and ``settings`` are the checklists of the paths
(:mod:`kaanalysis.path_settings`).
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from kaanalysis import path_settings
from kaanalysis.contracts import ROLES, UnusableData
from kaanalysis.paths import workbook_file
from kaanalysis.selling import TABLES as SELLING
from kaanalysis.selling import catalogue, check_lists, check_selling, merged

FOLDER = "lanes"
LANGUAGES = ("en", "zh")
TABLES = (*SELLING, *path_settings.TABLES)
FIELDS = ("interests", "message", "avoid")
Interests = dict[str, dict[str, Any]]


def _checked(path: Path) -> dict[str, Any]:
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UnusableData(f"{path.name} is not valid TOML: {error}.") from None
    check_selling(path.name, raw)
    path_settings.check_settings(path.name, raw)
    for role, entry in raw.items():
        if role in TABLES:
            continue
        if not isinstance(entry, dict):
            raise UnusableData(f"{path.name}: {role} must be a table, [{role}.en] or [{role}.zh].")
        for language, said in entry.items():
            if language not in LANGUAGES or not isinstance(said, dict):
                raise UnusableData(
                    f"{path.name}: {role}.{language} must be one of {', '.join(LANGUAGES)}, with fields."
                )
            for field, value in said.items():
                if field not in FIELDS:
                    raise UnusableData(
                        f"{path.name}: {role}.{language} has unknown field {field}; known are {', '.join(FIELDS)}."
                    )
                listed = field == "interests"
                if not (
                    isinstance(value, list) and all(isinstance(x, str) for x in value)
                    if listed
                    else isinstance(value, str)
                ):
                    kind = "a list of texts" if listed else "a text"
                    raise UnusableData(f"{path.name}: {role}.{language}.{field} must be {kind}.")
    return raw


@cache
def _catalogue() -> Interests:
    found = _checked(workbook_file("data/lanes/interests.toml"))
    if missing := [r for r in ROLES if set(found.get(r, {})) != set(LANGUAGES)]:
        raise UnusableData(f"interests.toml must hold every role in both languages; not {', '.join(missing)}.")
    return found


def read_lanes(folder: Path) -> tuple[Interests, dict[str, Any], bytes]:
    """(what the company's own ``lanes/*.toml`` say of interests, its own tables ``items`` and ``sheet``, digest of these files); empty
    without such a folder. A later file wins over an earlier. Raises :class:`UnusableData` naming file and place of a mistake."""
    place, digest = folder / FOLDER, hashlib.sha256()
    own: Interests = {}
    files = sorted(place.glob("*.toml")) if place.is_dir() else []
    read = {path: _checked(path) for path in files}
    for path, raw in read.items():
        own = _over(own, {role: entry for role, entry in raw.items() if role not in TABLES})
        digest.update(path.name.encode() + path.read_bytes())
    selling = merged({}, read.values())
    if not selling["items"] and not selling["sheet"]:
        return own, {}, digest.digest() if files else b""
    known = catalogue(selling)
    for path, raw in read.items():
        check_lists(path.name, raw, known)
    return own, selling, digest.digest()


def read_path_settings(folder: Path) -> dict[str, Any]:
    """What the company's own ``lanes/*.toml`` say of owners and settings of the paths, the later file over the earlier; empty where they
    say nothing. Raises :class:`UnusableData` naming place and mistake. Their digest is :func:`read_lanes`'s."""
    place = folder / FOLDER
    files = sorted(place.glob("*.toml")) if place.is_dir() else []
    own = path_settings.merged({}, [_checked(path) for path in files])
    if not own["owners"] and not own["settings"]:
        return {}
    path_settings.path_settings(own, FOLDER)
    return own


def _over(base: Mapping[str, Any], own: Mapping[str, Any]) -> Interests:
    merged = {role: {language: dict(said) for language, said in entry.items()} for role, entry in base.items()}
    for role, entry in own.items():
        for language, said in entry.items():
            merged.setdefault(role, {}).setdefault(language, {}).update(said)
    return merged


def interests(own: Mapping[str, Any] | None = None) -> Interests:
    """What interests each role: role → language → {interests (list), message, avoid}. own: a company's changes; what it gives in one
    language only stands for both, so that no reader finds an empty cell."""
    merged = _over(_catalogue(), own or {})
    for role, entry in (own or {}).items():
        for language, other in zip(LANGUAGES, reversed(LANGUAGES), strict=True):
            said, given = merged[role].setdefault(language, {}), entry.get(language, {})
            for field, value in entry.get(other, {}).items():
                if field not in given and role not in _catalogue():
                    said[field] = value
    return merged
