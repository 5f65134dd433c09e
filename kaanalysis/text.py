"""Keys and numbers in, sentences out, per language. Sentences live in ``text/<language>*.toml``, number formats come from Babel.

A template names numbers as ``{name@segment}`` (value with interval), ``{name@segment|value}`` (value alone), ``{name@segment|n}`` (what it
rests on) and terms as ``{term}``; a term that is an ISO 8601 date is written as the language does.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import math
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_compact_currency, format_currency, format_decimal, format_percent

from kaanalysis.paths import PACKAGE
from kaanalysis.results import LISTED, Finding, Number

LANGUAGES = ("en", "zh")
_LOCALES = {"en": Locale("en"), "zh": Locale("zh", script="Hans")}
_BETWEEN_CHINESE = re.compile(r"(?<=[\u4e00-\u9fff，。：；、（）“”]) +(?=[\u4e00-\u9fff，。：；、（）“”])")
SEQUENCE = " > "  # between the steps of a sequence in a finding's term
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_DIGITS = re.compile(r"\d+(?:[.,]\d+)*")
_PLACE = re.compile(r"\{([a-z0-9_]+)(?:@([^}|]+))?(?:\|(value|horizon|n))?\}")


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


def fingerprint(source: str) -> str:
    """The first eight hexadecimal digits of the SHA-256 of a policy value's English reason: which one a translation belongs to."""
    return hashlib.sha256(source.strip().encode()).hexdigest()[:8]


# A difference of two shares is read in points: 5 % more of 10 % would be another number.
POINTS = "share difference"


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

        return self._tidy(_PLACE.sub(fill, self.texts[key]))

    def term(self, group: str, name: str) -> str:
        """A name in this language where the catalogue has one (``terms.<group>.<name>``), else the name as it stands in the data."""
        return self.texts.get(f"terms.{group}.{name}", name)

    def segment(self, name: str) -> str:
        return self.term("segment", name)

    def value(self, value: float | int | None, unit: str, *, like: float | None = None, fine: bool = False) -> str:
        """A value in its unit, rounded for reading: shares as percent, money compact, at most three significant digits otherwise.

        like: round as this larger number is rounded, so that the ends of an interval read like its middle. fine: one digit more.
        """
        if value is None:
            return self("numbers.none")
        if unit == "probability":
            # Shares of simulated worlds: none of 4,096 is not never, all of them is not always.
            for bound, key in ((0.001, "numbers.less_than"), (0.999, "numbers.more_than")):
                if value < bound if key.endswith("less_than") else value > bound:
                    return self(key, value=format_percent(bound, "0.0%", locale=self.locale))
        if unit == POINTS:
            return self._with_unit(self._points(value, like), unit)
        if unit == "accounts":
            value = round(value)  # an estimate of a number of companies
        if unit.startswith("share") or unit == "probability":
            size = abs(like if like is not None else value)
            # Close to nothing and close to all a whole per cent says too little: 99.9 % of the draws are not all of them.
            close = 0 < size < 0.1 or (unit == "probability" and 0.99 < size < 1)
            digits = "#,##0.0%" if fine or close else "#,##0%"
            return _no_minus_zero(format_percent(value, digits, locale=self.locale))
        if re.fullmatch(r"[A-Z]{3}", unit):
            if abs(value) < 1000:
                return format_currency(value, unit, "¤#,##0", locale=self.locale, currency_digits=False)
            return format_compact_currency(
                _three_digits(value), unit, locale=self.locale, fraction_digits=_fraction(value, self.language)
            )
        number = format_decimal(value, "#,##0.0##", locale=self.locale) if fine else self._decimal(value, like)
        return self._with_unit(number, unit, one=number == "1")

    def margin(self, margin: float, unit: str) -> str:
        """The smallest effect that counts, in its unit and as exact as the policy has it; one of -0.0 is none."""
        return self.value(margin + 0.0, unit, fine=unit == "ratio")

    def _with_unit(self, number: str, unit: str, *, one: bool = False) -> str:
        if not unit:
            return number
        key = f"units_one.{unit}" if one and self.has(f"units_one.{unit}") else f"units.{unit}"
        return self(key, n=number)

    def _points(self, value: float, like: float | None = None) -> str:
        """A difference of shares in hundredths."""
        digits = "#,##0.0" if abs(like if like is not None else value) < 0.1 else "#,##0"
        return _no_minus_zero(format_decimal(100 * value, digits, locale=self.locale))

    def _decimal(self, value: float | int, like: float | None = None) -> str:
        size = abs(value if like is None else like)
        if _whole(value) and (like is None or _whole(like)) and abs(value) < 1e15:
            return format_decimal(round(value), locale=self.locale)
        pattern = "#,##0" if size >= 100 else "#,##0.0" if size >= 10 else "#,##0.00"
        return _no_minus_zero(format_decimal(value, pattern, locale=self.locale))

    def interval(self, number: Number) -> str:
        """The number's interval with its level; empty where there is none. The unit is named once."""
        span = self.span(number)
        if not span:
            return ""
        if not _plain(number.unit):
            span = self._with_unit(span, number.unit)
        return self("numbers.interval", span=span, level=format_percent(number.level or 0, locale=self.locale))

    def span(self, number: Number) -> str:
        """The ends of the number's interval alone, as precise as its value, without level and unit (percent and currency stay); empty
        where there is none."""
        if number.low is None and number.high is None:
            return ""

        def end(value: float | int) -> str:
            if number.unit == "probability":
                return format_percent(value, "#,##0.#%", locale=self.locale)
            if _plain(number.unit):
                return self.value(value, number.unit, like=number.value)
            if number.unit == POINTS:
                return self._points(value, number.value)
            return self._decimal(round(value) if number.unit == "accounts" else value, number.value)

        if number.low is None or number.high is None:
            key, known = ("numbers.at_most", number.high) if number.low is None else ("numbers.at_least", number.low)
            assert known is not None
            return self(key, value=end(known))
        return self("numbers.span", low=end(number.low), high=end(number.high))

    def estimate(self, number: Number) -> str:
        """A number's value alone, as precise as its interval; the limit that is known where there is no value."""
        number = rounded(number)
        if number.value is None and number.low is not None and number.high is None:
            return self("numbers.at_least", value=self.value(number.low, number.unit))
        if number.value is None and number.high is not None and number.low is None:
            return self("numbers.at_most", value=self.value(number.high, number.unit))
        return self.value(number.value, number.unit)

    def number(self, number: Number) -> str:
        """Value, interval and level of a number as one phrase."""
        value, interval = self.estimate(number), self.interval(rounded(number))
        if number.value is None and interval and (number.low is None or number.high is None):  # the value is the limit
            level = format_percent(number.level or 0, locale=self.locale)
            interval = self("numbers.level_alone", level=level)
        return self("numbers.value_with_interval", value=value, interval=interval) if interval else value

    def name_of(self, number: Number) -> str:
        """What a number is called, with its segment."""
        name = self(f"number_names.{number.name}")
        if number.segment in ("all",):
            return name
        return self("numbers.of_segment", name=name, segment=self._segment_of(number))

    def _segment_of(self, number: Number) -> str:
        """A number's segment may be a customer segment, an input of the ledger or a study of some, a path, an industry, a category of
        purchases, a step of the flow, a role, a lane or a cell of the library (category / industry / size)."""
        if " / " in number.segment:
            return self.cell(number.segment.split(" / "))
        name = self.term("industry", self.segment(self.term("study", self.input_name(number.segment))))
        return self.term("lane", self.term("party", self.term("step", self.term("category", name))))

    def input_name(self, name: str) -> str:
        """An input of the ledger ("success", "split.ramp_months") or a policy value by name; any other name as it stands."""
        if self.has(f"policy_names.{name}"):
            return self(f"policy_names.{name}")
        path, _, setting = name.rpartition(".")
        known = self.texts.get(f"figures.input.{setting}")
        if known is None or not path:
            return known or name
        return self("figures.inputs.of_path", path=self.term("path", path), name=known)

    def cell(self, parts: Iterable[str]) -> str:
        """A cell of the library (category, industry, size) as one name."""
        named = [
            self.term(group, str(part)) for group, part in zip(("category", "industry", "size"), parts, strict=False)
        ]
        return " / ".join(named)

    def group_of(self, number: Number) -> str:
        """A number's segment in words, on its own."""
        return self._segment_of(number)

    def unit(self, unit: str) -> str:
        """What a unit is called on its own, for the head of a column; a currency by its code, nothing for a bare number."""
        if unit.startswith("share") or unit == "probability":
            return self("units_alone.share")
        alone = self(f"units.{unit}", n="").strip() if unit and self.has(f"units.{unit}") else unit
        return self.policy_unit(unit) if alone and self.has(f"policy_units.{unit}") else alone

    def policy_unit(self, unit: str) -> str:
        """A unit of the policy by name; one that has none here as the policy has it, which is the English name."""
        return self.texts.get(f"policy_units.{unit}", unit)

    def policy_source(self, name: str, source: str) -> str:
        """Why a policy value is what it is: this language's text for the reason that policy.toml gives, else that reason as it stands (in
        English always, in Chinese where the analyst has written another)."""
        known = self.texts.get(f"policy_sources_of.{name}") == fingerprint(source)
        return self.texts.get(f"policy_sources.{name}", source) if known else source

    def method(self, method: str) -> str:
        """A method in this language: phrase by phrase (``terms.method``, numbers as ``{n}``), those without a text as they stand."""
        own = {"; ": "；", ", ": "，"} if self.language == "zh" else {}
        parts = [own.get(part, part) for part in re.split(r"(; |, )", method)]
        said = []
        for part in parts:
            found = _DIGITS.findall(part)
            name = self.texts.get(f"terms.method.{_DIGITS.sub('{n}', part)}")
            for n in found if name is not None else ():
                name = name.replace("{n}", n, 1)  # type: ignore[union-attr]
            said.append(part if name is None else name)
        return self._tidy("".join(said))

    def fill(self, key: str, finding: Finding, **terms: object) -> str:
        """A sentence about a finding: places are its numbers (``|value`` alone, ``|horizon`` in months, ``|n``) and terms.

        Raises :class:`MissingText` where one is not there."""
        if key not in self.texts:
            raise MissingText(f"no text {key!r} in language {self.language}")
        known = {**{k: self.term_name(k, v) for k, v in finding.terms.items()}, **terms}

        def place(match: re.Match[str]) -> str:
            name, segment, bare = match.groups()
            if segment is None and name in known:
                return str(known[name])
            at = (segment or "").replace("$", "")
            if segment and segment.startswith("$"):
                at = str(finding.terms.get(at, terms.get(at, at)))
            number = finding.number(name, at or None)
            if number is None:
                raise MissingText(
                    f"text {key!r} needs the number {name}@{at}, which finding {finding.id} does not carry"
                )
            if bare == "n":
                return self.value(number.n, "")
            if bare == "horizon":
                return self.value(number.horizon_months, "months")
            said = self.estimate(number) if bare else self.number(number)
            before = match.string[: match.start()]
            inside = before.count("(") + before.count("（") > before.count(")") + before.count("）")
            return _without_brackets(said) if inside else said

        return self._tidy(_PLACE.sub(place, self.texts[key]))

    def term_name(self, group: str, name: str) -> str:
        """A finding's term in this language: a date written out, else a name of its own group, of an industry or of a step; of a sequence
        every one."""
        if _DATE.fullmatch(name):
            return format_date(dt.date.fromisoformat(name), "long", locale=self.locale)
        if group in ("seen", "gone", "left", "alone"):
            return self.list_of(self.term("sign", part) for part in name.split(LISTED))
        if SEQUENCE in name:
            return SEQUENCE.join(self.term_name(group, part) for part in name.split(SEQUENCE))
        if group in ("input", "lever"):
            return self.input_name(name)
        if group == "line":
            return self.texts.get(f"figures.line.{name}", name)
        return self.term(group, self.term("industry" if group.startswith("industry") else "step", name))

    def list_of(self, names: Iterable[str]) -> str:
        """Names in a row, with the language's own separator."""
        return ("、" if self.language == "zh" else ", ").join(names)

    def _tidy(self, text: str) -> str:
        """No space between two Chinese characters or marks, where filling a place has left one."""
        return _BETWEEN_CHINESE.sub("", text) if self.language == "zh" else text


def _plain(unit: str) -> bool:
    """Whether a unit is written at every end of an interval: a percent sign, a currency."""
    shares = unit.startswith("share") and unit != POINTS
    return shares or unit == "probability" or re.fullmatch(r"[A-Z]{3}", unit) is not None


def _whole(value: float | int) -> bool:
    """Whether a value is a whole number but for rounding in its computation, whose last digit depends on the processor."""
    return abs(value - round(value)) <= 1e-12 * max(1.0, abs(value)) if math.isfinite(value) else False


def _no_minus_zero(said: str) -> str:
    """A number that rounds to nothing without its sign."""
    return said if re.search("[1-9]", said) else said.replace("-", "")


def _without_brackets(said: str) -> str:
    """A number whose interval stands in brackets, for a place that is in brackets already: “5 days; 3 to 8 days, 95% interval”."""
    return re.sub(r" ?([(（])(.*)[)）]$", lambda m: ("；" if m[1] == "（" else "; ") + m[2], said)


def rounded(number: Number) -> Number:
    """The number as precise as its interval allows: an estimated count of companies to two significant digits where its limits lie
    further apart than a tenth of it, else to three; never below the units known (n). Other numbers as they are."""
    low, value, high = number.low, number.value, number.high
    if number.unit != "accounts" or (low is None and high is None):
        return number
    wide = low is None or high is None or high - low > 0.1 * abs(high if value is None else value)

    def short(x: float | int | None) -> float | int | None:
        if x is None:
            return None
        near = float(f"{x:.{2 if wide else 3}g}")
        return max(near, float(number.n)) if x >= number.n else near

    return replace(number, low=short(low), value=short(value), high=short(high))


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
