"""``company.toml``: whose tables these are, in which currency, and between which dates they were recorded."""

from __future__ import annotations

import datetime as dt
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kaanalysis.contracts import UnusableData, did_you_mean


@dataclass(frozen=True)
class CompanyInfo:
    """What ``company.toml`` says. as_of: cut-off at which open things are censored; observed_from: nothing before it is
    recorded; ka_launch: start of the KA programme (None: not given); changes: its decisions as they stand there, unchecked
    (:mod:`kaanalysis.decision_log` reads them)."""

    name: str
    currency: str
    as_of: dt.date
    observed_from: dt.date | None = None
    ka_launch: dt.date | None = None
    language: str = "en"
    database: str | None = None
    source: dict[str, Any] = field(default_factory=dict)
    changes: tuple[dict[str, Any], ...] = ()


_INFO_KEYS = {"name", "currency", "as_of", "observed_from", "ka_launch", "language", "database", "source", "changes"}


def _as_date(path: Path, key: str, value: object) -> dt.date:
    if isinstance(value, dt.datetime):
        return value.date()
    if isinstance(value, dt.date):
        return value
    try:
        return dt.date.fromisoformat(str(value))
    except ValueError:
        raise UnusableData(f"{path}: {key} = {value!r} must be an ISO 8601 date, such as 2026-06-30.") from None


def read_company_toml(path: Path) -> CompanyInfo:
    """Read ``company.toml``; raise :class:`UnusableData` with a sentence for whatever is wrong with it."""
    if not path.is_file():
        raise UnusableData(f"{path} is missing: a company folder needs it, with name, currency and as_of.")
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (
        UnicodeDecodeError
    ):  # TOML is UTF-8 by its own rules, so a Chinese editor's GBK is not guessed at as it is in tables
        raise UnusableData(f"{path} is not UTF-8; save it as UTF-8.") from None
    except tomllib.TOMLDecodeError as error:
        # By far the most frequent slip, and the parser's word for it, "Invalid value", does not lead there.
        quotes = ' Texts need quotes: name = "…".' if "Invalid value" in str(error) else ""
        raise UnusableData(f"{path} is not valid TOML: {error}.{quotes}") from None
    if unknown := [f"{key}{did_you_mean(key, _INFO_KEYS)}" for key in sorted(set(raw) - _INFO_KEYS)]:
        raise UnusableData(f"{path}: unknown key {', '.join(unknown)}; known are {', '.join(sorted(_INFO_KEYS))}.")
    for key in ("name", "currency", "as_of"):
        if key not in raw:
            raise UnusableData(f"{path}: {key} is missing.")
    currency = str(raw["currency"])
    if len(currency) != 3 or not (currency.isascii() and currency.isalpha() and currency.isupper()):
        raise UnusableData(f"{path}: currency = {currency!r} must be an ISO 4217 code, such as CNY or EUR.")
    language = str(raw.get("language", "en"))
    if language not in ("en", "zh"):
        raise UnusableData(f"{path}: language = {language!r} must be one of en, zh.")
    as_of = _as_date(path, "as_of", raw["as_of"])
    dates: dict[str, dt.date | None] = {"observed_from": None, "ka_launch": None}
    for key in dates:
        if key in raw:
            dates[key] = _as_date(path, key, raw[key])
            if dates[key] > as_of:  # type: ignore[operator]
                raise UnusableData(f"{path}: {key} = {dates[key]} lies after as_of = {as_of}.")
    changes = raw.get("changes", [])
    if not isinstance(changes, list) or not all(isinstance(entry, dict) for entry in changes):
        raise UnusableData(f"{path}: changes must be written as [[changes]], one entry per decision.")
    return CompanyInfo(str(raw["name"]), currency, as_of, dates["observed_from"], dates["ka_launch"], language,
                       raw.get("database"), dict(raw.get("source", {})), tuple(changes))  # fmt: skip
