"""What a path asks to be set, by whom, by when and how it is measured (M-4.1 to M-4.3): the catalogue ``data/lanes/path_settings.toml``,
and what a company adds to it or changes in its own ``lanes/*.toml`` (read by :mod:`kaanalysis.lanes`).

``[owners]`` names functions, never persons. ``[settings.<path>.<item>]`` is one item of a path's checklist; of ``undecided`` one that is
to be found out before a path is chosen. In a company's file an item replaces the catalogue's field by field; ``off = true`` leaves it out.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from kaanalysis.contracts import UnusableData
from kaanalysis.paths import workbook_file

PATHS = ("part_time", "split", "rebuild")
UNDECIDED = "undecided"
TABLES = ("owners", "settings")
# What an item can be measured by; the analysis fills them in from the run's own results.
MEASURES = (
    "sellers", "named_accounts", "leader_multiple", "pay_uplift", "support_multiple", "ramp_months", "wins_first_year", "loss_budget",
    "stop_month", "payback_month", "relief", "continuation_first", "continuation_total", "p_bottleneck", "fit", "to_border",
    "information_worth",
)  # fmt: skip
DATES = ("stop_month", "ramp_months")  # measures in months that can set an item's date
# An item is listed once per counted bottleneck, step that may be one, study worth making, column that is missing, or
# value for management to set that is still the workbook's own.
EACH = ("bottleneck", "uncertain_step", "study", "missing", "unset")
FIELDS = ("en", "zh", "owner", "after", "measure", "done", "each", "source", "off")
LATEST = 120  # months after the decision
_PLACE = re.compile(r"\{([^{}]*)\}")
Raw = Mapping[str, Any]


@dataclass(frozen=True)
class Setting:
    """One item of a checklist. en, zh: what is to be set, ``{name}`` for what it is listed `each` of; owner: key of a function; after:
    months after the decision, or the measure that says so; measure: key out of :data:`MEASURES` or empty; done_en, done_zh: what
    shows that it is done, or empty; source: where it comes from."""

    path: str
    key: str
    en: str
    zh: str
    owner: str
    after: int | str
    measure: str = ""
    done_en: str = ""
    done_zh: str = ""
    each: str = ""
    source: str = ""


@dataclass(frozen=True)
class Settings:
    """owners: key → language → name of the function; items: in the order of the catalogue, a company's own behind them."""

    owners: Mapping[str, Mapping[str, str]]
    items: tuple[Setting, ...]

    def of(self, path: str) -> tuple[Setting, ...]:
        return tuple(item for item in self.items if item.path == path)


def _check_text(place: str, said: object) -> None:
    if not isinstance(said, str) or not said.strip():
        raise UnusableData(f"{place} must be a text.")


def _check_both(place: str, said: object) -> None:
    if not isinstance(said, dict) or not said or not set(said) <= {"en", "zh"}:
        raise UnusableData(f'{place} must be a table such as {{ en = "…", zh = "…" }}.')
    for language, text in said.items():
        _check_text(f"{place}.{language}", text)


def _one_of(place: str, value: object, known: Iterable[str]) -> None:
    if value not in tuple(known):
        raise UnusableData(f"{place} = {value!r} must be one of {', '.join(known)}.")


def _check_item(place: str, said: object) -> None:
    if not isinstance(said, dict):
        raise UnusableData(f"{place} must be a table of the fields {', '.join(FIELDS)}.")
    for field, value in said.items():
        at = f"{place}.{field}"
        if field not in FIELDS:
            raise UnusableData(f"{place} has unknown field {field}; known are {', '.join(FIELDS)}.")
        if field == "off":
            if not isinstance(value, bool):
                raise UnusableData(f"{at} must be true or false.")
        elif field == "done":
            _check_both(at, value)
        elif field == "after":
            whole = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LATEST
            if not whole and value not in DATES:
                raise UnusableData(
                    f"{at} = {value!r} must be a whole number of months, 0 to {LATEST}, or one of {', '.join(DATES)}."
                )
        elif field in ("measure", "each"):
            _one_of(at, value, MEASURES if field == "measure" else EACH)
        else:
            _check_text(at, value)


def check_settings(name: str, raw: Raw) -> None:
    """Raise :class:`UnusableData` for what is wrong with the tables ``owners`` and ``settings`` of the file `name`; that every item is
    whole is left to :func:`made`."""
    for table in TABLES:
        if not isinstance(raw.get(table, {}), dict):
            raise UnusableData(f"{name}: {table} must be a table, [{table}.…].")
    for owner, said in raw.get("owners", {}).items():
        _check_both(f"{name}: owners.{owner}", said)
    for path, items in raw.get("settings", {}).items():
        _one_of(f"{name}: settings", path, (*PATHS, UNDECIDED))
        if not isinstance(items, dict):
            raise UnusableData(f"{name}: settings.{path} must be a table of items, [settings.{path}.…].")
        for key, said in items.items():
            _check_item(f"{name}: settings.{path}.{key}", said)


def merged(base: Raw, own: Iterable[Raw]) -> dict[str, Any]:
    """`base` with the tables of each of `own` put over it field by field, the later over the earlier."""
    owners: dict[str, dict[str, str]] = {}
    settings: dict[str, dict[str, dict[str, Any]]] = {}
    for raw in (base, *own):
        for owner, said in raw.get("owners", {}).items():
            owners.setdefault(owner, {}).update(said)
        for path, items in raw.get("settings", {}).items():
            for key, said in items.items():
                settings.setdefault(path, {}).setdefault(key, {}).update(said)
    return {"owners": owners, "settings": settings}


def _both(said: Mapping[str, str]) -> dict[str, str]:
    """A text of one language stands for both, so that no reader finds an empty cell."""
    first = next(iter(said.values()))
    return {"en": said.get("en", first).strip(), "zh": said.get("zh", first).strip()}


def made(name: str, raw: Raw) -> Settings:
    """The checklist that the merged tables hold. Raises :class:`UnusableData`, naming file `name` and item, for one that is not whole."""
    owners = {key: _both(said) for key, said in raw["owners"].items()}
    items = []
    for path in (*PATHS, UNDECIDED):
        for key, said in raw["settings"].get(path, {}).items():
            if said.get("off", False):
                continue
            place = f"{name}: settings.{path}.{key}"
            text = {language: said[language] for language in ("en", "zh") if language in said}
            if not text:
                raise UnusableData(f"{place} lacks en or zh: what is to be set.")
            if lacks := [f for f in ("owner", "after") if f not in said]:
                raise UnusableData(f"{place} lacks {' and '.join(lacks)}.")
            if not (said.get("measure") or said.get("done")):
                raise UnusableData(f"{place} lacks measure or done: what shows that it is set.")
            _one_of(f"{place}.owner", said["owner"], owners)
            each = said.get("each", "")
            for language, sentence in text.items():
                for named in _PLACE.findall(sentence):
                    if named != "name" or not each:
                        raise UnusableData(
                            f"{place}.{language}: {{{named}}} stands for nothing; only {{name}} of an item with each does."
                        )
            done = _both(said["done"]) if said.get("done") else {"en": "", "zh": ""}
            both = _both(text)
            items.append(
                Setting(path, key, both["en"], both["zh"], said["owner"], said["after"], said.get("measure", ""), done["en"],
                        done["zh"], each, said.get("source", ""))
            )  # fmt: skip
    return Settings(owners, tuple(items))


@cache
def _raw_catalogue() -> dict[str, Any]:
    raw = tomllib.loads(workbook_file("data/lanes/path_settings.toml").read_text(encoding="utf-8"))
    check_settings("path_settings.toml", raw)
    for place, said in (*raw["owners"].items(), *((k, i) for p in raw["settings"].values() for k, i in p.items())):
        if not {"en", "zh"} <= set(said):
            raise UnusableData(f"path_settings.toml: {place} must be there in both languages.")
    return merged(raw, ())


def path_settings(own: Raw | None = None, name: str = "lanes") -> Settings:
    """The catalogue with a company's own tables over it (as :func:`kaanalysis.lanes.read_path_settings` gives them)."""
    return made(name if own else "path_settings.toml", merged(_raw_catalogue(), [own] if own else []))
