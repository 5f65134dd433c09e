"""What selling does at a node of the customer's flow (M-3.5): the catalogue ``data/lanes/selling.toml`` of items in five lanes by role and
part, and what a company adds to it or changes in its own ``lanes/*.toml`` (read by :mod:`kaanalysis.lanes`).

``[items.<lane>]`` names the items: ``"account plan" = { zh = "客户计划", aliases = [...] }``. ``[sheet.<role>.<part>]`` lists them by lane.
In a company's file an item replaces the catalogue's field by field, and a list replaces the catalogue's list of that role, part and lane.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from kaanalysis.contracts import LANES, PARTS, ROLES, UnusableData
from kaanalysis.paths import workbook_file

STEP_PARTS = (*PARTS, "do")
DEFAULT = "default"
TABLES = ("items", "sheet")
ITEM_FIELDS = ("en", "zh", "aliases")
Raw = Mapping[str, Any]


def item_key(name: str) -> str:
    """The key of an item's name: lower case, without blanks around it, line ends alike."""
    return "\n".join(str(name).splitlines()).strip().lower()


@dataclass(frozen=True)
class Item:
    """One thing that selling does, tells, uses, must be able to do, or whom it brings along. key: its English name in lower case."""

    lane: str
    key: str
    en: str
    zh: str
    aliases: tuple[str, ...] = ()

    def name(self, language: str) -> str:
        return self.zh if language == "zh" else self.en


@dataclass(frozen=True)
class Catalogue:
    """items: (lane, key) → item; sheet: role → part → lane → keys of the items demanded there."""

    items: Mapping[tuple[str, str], Item]
    sheet: Mapping[str, Mapping[str, Mapping[str, tuple[str, ...]]]]
    _named: dict[tuple[str, str], str] = field(default_factory=dict, init=False, compare=False)

    def __post_init__(self) -> None:
        for (lane, key), item in self.items.items():
            for name in (key, item.en, item.zh, *item.aliases):
                self._named.setdefault((lane, item_key(name)), key)

    def find(self, lane: str, name: str) -> Item | None:
        """The item that a table or sheet calls `name`: by its key, its names, or an alias; None where none is called so."""
        key = item_key(name) if (lane, item_key(name)) in self.items else self._named.get((lane, item_key(name)))
        return None if key is None else self.items[(lane, key)]

    def knows(self, role: str | None) -> bool:
        """Whether the role is listed, so that its nodes do not take the default."""
        return role is not None and role in self.sheet and role != DEFAULT

    def demanded(self, role: str | None, part: str) -> list[Item]:
        """The items of a node, lane by lane; those of the part's default where the role, or its part or lane, is not listed."""
        default = self.sheet[DEFAULT][part]
        mine = self.sheet[role].get(part, {}) if role is not None and self.knows(role) else {}
        return [self.items[(lane, key)] for lane in LANES for key in mine.get(lane, default.get(lane, ()))]


def item_names(sheet: Iterable[tuple[str, str]], known: Catalogue) -> Callable[[str, str], str]:
    """named(lane, name) → the key of what a table calls `name`: of the sheet's own items (lane, item) first, since a name that the analyst
    put there means that item; then of the catalogue's by name or alias; else the name's own key."""
    own = {(lane, item_key(item)) for lane, item in sheet}

    def named(lane: str, name: str) -> str:
        key = item_key(name)
        there = None if (lane, key) in own else known.find(lane, name)
        return key if there is None else there.key

    return named


def check_selling(name: str, raw: Raw) -> None:
    """Raise :class:`UnusableData` for what is wrong with the tables ``items`` and ``sheet`` of the file `name`; that the items of a
    list are defined is left to :func:`check_lists`."""
    for table in TABLES:
        if not isinstance(raw.get(table, {}), dict):
            raise UnusableData(f"{name}: {table} must be a table, [{table}.…].")
    for lane, entries in raw.get("items", {}).items():
        if lane not in LANES or not isinstance(entries, dict):
            raise UnusableData(f"{name}: items.{lane} must be one of {', '.join(LANES)}, with items.")
        for item, said in entries.items():
            place = f"{name}: items.{lane}.{item!r}"
            if not isinstance(said, dict) or not item.strip():
                raise UnusableData(f'{place} must be a table, such as {{ zh = "…", aliases = ["…"] }}, with a name.')
            for key, value in said.items():
                if key not in ITEM_FIELDS:
                    raise UnusableData(f"{place} has unknown field {key}; known are {', '.join(ITEM_FIELDS)}.")
                if key == "aliases":
                    if not (isinstance(value, list) and all(isinstance(x, str) and x.strip() for x in value)):
                        raise UnusableData(f"{place}.aliases must be a list of texts.")
                elif not isinstance(value, str) or not value.strip():
                    raise UnusableData(f"{place}.{key} must be a text.")
    for role, parts in raw.get("sheet", {}).items():
        if not isinstance(parts, dict):
            raise UnusableData(f"{name}: sheet.{role} must be a table, [sheet.{role}.approve] or another part.")
        for part, lanes in parts.items():
            if part not in STEP_PARTS or not isinstance(lanes, dict):
                raise UnusableData(f"{name}: sheet.{role}.{part} must be one of {', '.join(STEP_PARTS)}, with lanes.")
            for lane, listed in lanes.items():
                place = f"{name}: sheet.{role}.{part}.{lane}"
                if lane not in LANES:
                    raise UnusableData(f"{place} is no lane; known are {', '.join(LANES)}.")
                if not (isinstance(listed, list) and all(isinstance(x, str) for x in listed)):
                    raise UnusableData(f"{place} must be a list of items.")


def merged(base: Raw, own: Iterable[Raw]) -> dict[str, Any]:
    """`base` with the tables of each of `own` put over it, the later over the earlier."""
    items: dict[str, dict[str, dict[str, Any]]] = {}
    sheet: dict[str, dict[str, dict[str, list[str]]]] = {}
    for raw in (base, *own):
        for lane, entries in raw.get("items", {}).items():
            for item, said in entries.items():
                items.setdefault(lane, {}).setdefault(item_key(item), {"en": item.strip()}).update(said)
        for role, parts in raw.get("sheet", {}).items():
            for part, lanes in parts.items():
                sheet.setdefault(role, {}).setdefault(part, {}).update(lanes)
    return {"items": items, "sheet": sheet}


def check_lists(name: str, raw: Raw, known: Catalogue) -> None:
    """Raise :class:`UnusableData` for an item that a list of the file `name` demands and nobody has defined."""
    for role, parts in raw.get("sheet", {}).items():
        for part, lanes in parts.items():
            for lane, listed in lanes.items():
                for item in listed:
                    if known.find(lane, item) is None:
                        raise UnusableData(
                            f"{name}: sheet.{role}.{part}.{lane} names {item!r}, which no [items.{lane}] defines."
                        )


def _made(raw: Raw) -> Catalogue:
    items = {}
    for lane in LANES:
        for key, said in raw["items"].get(lane, {}).items():
            aliases = tuple(a.strip() for a in said.get("aliases", ()))
            items[(lane, key)] = Item(lane, key, said["en"].strip(), said.get("zh", said["en"]).strip(), aliases)
    named = Catalogue(items, {})
    sheet = {
        role: {
            part: {
                lane: tuple(dict.fromkeys(found.key for x in listed if (found := named.find(lane, x)) is not None))
                for lane, listed in lanes.items()
            }
            for part, lanes in parts.items()
        }
        for role, parts in raw["sheet"].items()
    }
    return Catalogue(items, sheet)


@cache
def _raw_catalogue() -> dict[str, Any]:
    raw = tomllib.loads(workbook_file("data/lanes/selling.toml").read_text(encoding="utf-8"))
    check_selling("selling.toml", raw)
    whole = merged(raw, ())
    check_lists("selling.toml", raw, _made(whole))
    for role in (DEFAULT, *ROLES):
        for part in STEP_PARTS:
            lacks = [lane for lane in LANES if not whole["sheet"].get(role, {}).get(part, {}).get(lane)]
            if lacks:
                raise UnusableData(f"selling.toml: sheet.{role}.{part} holds nothing for {', '.join(lacks)}.")
    return whole


def catalogue(own: Raw | None = None) -> Catalogue:
    """The catalogue with a company's own tables over it (as :func:`kaanalysis.lanes.read_lanes` gives them)."""
    return _made(merged(_raw_catalogue(), [own] if own else []))
