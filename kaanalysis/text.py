"""Keys and numbers in, sentences out, per language. Sentences live in ``text/<language>*.toml``, number formats come from Babel.

A template names numbers as ``{name@segment}`` (value with interval), ``{name@segment|value}`` (value alone) and terms as ``{term}``.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from typing import Any

from babel import Locale
from babel.numbers import format_compact_currency, format_currency, format_decimal, format_percent

from kaanalysis.paths import PACKAGE
from kaanalysis.results import Finding, Number

LANGUAGES = ("en", "zh")
_LOCALES = {"en": Locale("en"), "zh": Locale("zh", script="Hans")}
_PLACE = re.compile(r"\{([a-z0-9_]+)(?:@([^}|]+))?(?:\|(value))?\}")


class MissingText(KeyError):
    """A key that a language does not have; the message names both."""


@cache
def catalogue(language: str) -> dict[str, str]:
    """All texts of a language by dotted key, merged from ``text/<language>.toml`` and ``text/<language>.*.toml``."""
    if language not in LANGUAGES:
        raise ValueError(f"language must be one of {', '.join(LANGUAGES)}; not {language!r}")
    flat: dict[str, str] = {}

    def walk(prefix: str, node: Mapping[str, Any]) -> None:
        for key, value in node.items():
            name = f"{prefix}.{key}" if prefix else key
            if isinstance(value, dict):
                walk(name, value)
            elif name in flat:
                raise ValueError(f"text key {name} is there twice in language {language}")
            else:
                flat[name] = str(value).strip()

    for path in sorted((PACKAGE / "text").glob(f"{language}*.toml")):
        walk("", tomllib.loads(path.read_text(encoding="utf-8")))
    return flat


class Words:
    """The texts and number formats of one language."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.texts = catalogue(language)
        self.locale = _LOCALES[language]

    def has(self, key: str) -> bool:
        return key in self.texts

    def __call__(self, key: str, **terms: object) -> str:
        """The text of `key` with ``{term}`` places filled. Raises :class:`MissingText` for an unknown key or an unfilled place."""
        if key not in self.texts:
            raise MissingText(f"no text {key!r} in language {self.language}")

        def fill(match: re.Match[str]) -> str:
            name = match.group(1)
            if name not in terms:
                raise MissingText(f"text {key!r} ({self.language}) needs the term {name!r}")
            return str(terms[name])

        return _PLACE.sub(fill, self.texts[key])

    def term(self, group: str, name: str) -> str:
        """A name in this language where the catalogue has one (``terms.<group>.<name>``), else the name as it stands in the data."""
        return self.texts.get(f"terms.{group}.{name}", name)

    def segment(self, name: str) -> str:
        return self.term("segment", name)

    def value(self, value: float | int | None, unit: str) -> str:
        """A value in its unit, rounded for reading: shares as percent, money compact, at most three significant digits otherwise."""
        if value is None:
            return self("numbers.none")
        if unit.startswith("share") or unit == "probability":
            digits = "#,##0.0%" if abs(value) < 0.1 else "#,##0%"
            if unit == "probability" and 0 < value < 0.001:
                return self("numbers.less_than", value=format_percent(0.001, "0.0%", locale=self.locale))
            return format_percent(value, digits, locale=self.locale)
        if re.fullmatch(r"[A-Z]{3}", unit):
            if abs(value) < 1000:
                return format_currency(value, unit, "¤#,##0", locale=self.locale, currency_digits=False)
            return format_compact_currency(_three_digits(value), unit, locale=self.locale, fraction_digits=_fraction(value, self.language))
        number = self._decimal(value)
        key = f"units.{unit}"
        if unit and not self.has(key):
            raise MissingText(f"no text {key!r} in language {self.language}")
        return self(key, n=number) if unit else number

    def _decimal(self, value: float | int) -> str:
        if float(value).is_integer() and abs(value) < 1e15:
            return format_decimal(int(value), locale=self.locale)
        size = abs(value)
        pattern = "#,##0" if size >= 100 else "#,##0.0" if size >= 10 else "#,##0.00"
        return format_decimal(value, pattern, locale=self.locale)

    def interval(self, number: Number) -> str:
        """The number's interval with its level, or why there is none."""
        if number.low is None and number.high is None:
            return ""
        low, high = (self.value(v, number.unit) for v in (number.low, number.high))
        return self("numbers.interval", low=low, high=high, level=format_percent(number.level or 0, locale=self.locale))

    def number(self, number: Number) -> str:
        """Value, interval and level of a number as one phrase."""
        value, interval = self.value(number.value, number.unit), self.interval(number)
        return self("numbers.value_with_interval", value=value, interval=interval) if interval else value

    def name_of(self, number: Number) -> str:
        """What a number is called, with its segment."""
        name = self(f"number_names.{number.name}")
        if number.segment in ("all",):
            return name
        return self("numbers.of_segment", name=name, segment=self.term("step", self.segment(number.segment)))

    def fill(self, key: str, finding: Finding, **terms: object) -> str:
        """A sentence about a finding: places are its numbers and terms. Raises :class:`MissingText` where one is not there."""
        if key not in self.texts:
            raise MissingText(f"no text {key!r} in language {self.language}")
        known = {**{k: self.term(k, self.term("step", v)) for k, v in finding.terms.items()}, **terms}

        def place(match: re.Match[str]) -> str:
            name, segment, bare = match.groups()
            if segment is None and name in known:
                return str(known[name])
            at = (segment or "").replace("$", "")
            if segment and segment.startswith("$"):
                at = str(finding.terms.get(at, terms.get(at, at)))
            number = finding.number(name, at or None)
            if number is None:
                raise MissingText(f"text {key!r} needs the number {name}@{at}, which finding {finding.id} does not carry")
            return self.value(number.value, number.unit) if bare else self.number(number)

        return _PLACE.sub(place, self.texts[key])


def _three_digits(value: float) -> float:
    return float(f"{value:.3g}")


def _fraction(value: float, language: str) -> int:
    """Digits after the point in a compact amount, so that three digits are significant (万/亿 steps in Chinese)."""
    size = abs(value)
    step = 10_000 if language == "zh" else 1000
    while size >= step:
        size /= step
    return 2 if size < 10 else 1 if size < 100 else 0


@cache
def words(language: str) -> Words:
    return Words(language)
