"""What a drawing function sees: the frames, the words, the numbers behind the verdict; and what a figure is."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pandas as pd
from babel.numbers import format_decimal, format_percent, get_currency_symbol
from matplotlib.figure import Figure

from kaanalysis.figures.style import replaced
from kaanalysis.results import Finding, Number, Result
from kaanalysis.text import Words

if TYPE_CHECKING:
    from kaanalysis.policy import Policy


class DrawnWords(Words):
    """Words for a figure: in names from the data, □ stands for characters that the fonts lack; `replaced` counts."""

    def __init__(self, language: str) -> None:
        super().__init__(language)
        self.replaced = 0

    def term(self, group: str, name: str) -> str:
        text, count = replaced(super().term(group, str(name)))
        self.replaced += count
        return text


def _rounded(value: float) -> float:
    """At most three significant digits, as numbers beside each other are read."""
    return float(f"{value:.3g}") if abs(value) < 1000 else float(round(value))


@dataclass
class Scene:
    """One figure's material. words: texts and formats; policy: thresholds to draw; launch: start of the KA business."""

    name: str
    result: Result
    words: Words
    policy: Policy
    launch: dt.date | None = None
    notes: list[str] = field(default_factory=list)

    def frame(self, name: str) -> pd.DataFrame:
        return self.result.frames[name]

    def text(self, key: str, **terms: object) -> str:
        """A text of this figure, or one that all figures share (``figures.shared``)."""
        own = f"figures.{self.name}.{key}"
        return self.words(own if self.words.has(own) else f"figures.shared.{key}", **terms)

    def note(self, key: str, **terms: object) -> None:
        """Add a sentence to the note under the figure."""
        self.notes.append(self.text(key, **terms))

    def named(self, group: str, name: str) -> str:
        """A name in the reader's language: the catalogue's term, else the figures' own, else as in the data."""
        own = f"figures.{group}.{name}"
        if not self.words.has(f"terms.{group}.{name}") and self.words.has(own):
            return self.words(own)
        return self.words.term(group, name)

    def segment(self, name: str) -> str:
        return self.named("segment", name)

    def step(self, name: str) -> str:
        return self.words.term("step", name)

    def number(self, name: str, segment: str | None = None) -> Number | None:
        """The first number of that name (and segment) in any finding."""
        for finding in self.result.findings:
            number = finding.number(name, segment)
            if number is not None:
                return number
        return None

    def finding(self, id: str) -> Finding | None:
        return next((f for f in self.result.findings if f.id == id), None)

    @property
    def currency(self) -> str:
        """The currency of the result's amounts (first three-letter unit among its numbers)."""
        for finding in self.result.findings:
            for number in finding.numbers:
                if re.fullmatch(r"[A-Z]{3}", number.unit):
                    return number.unit
        return "XXX"

    def level(self, default: float = 0.95) -> str:
        """The level of the result's intervals, as text."""
        levels = [n.level for f in self.result.findings for n in f.numbers if n.level and n.low is not None]
        return format_percent(levels[0] if levels else default, locale=self.words.locale)

    def amount(self, value: float, _position: object = None) -> str:
        """An amount, compact in the language; also a tick formatter."""
        if abs(value) < 1e-9:
            return "0"
        return self.words.value(value, self.currency)

    def compact(self, value: float, _position: object = None) -> str:
        """An amount without its currency, for axes and labels whose axis names it; also a tick formatter."""
        if abs(value) < 1e-9:
            return "0"
        symbol = get_currency_symbol(self.currency, locale=self.words.locale)
        return (
            self.words.value(value, self.currency).replace(symbol, "").replace("\u00a0", "").replace("-", "−").strip()
        )

    def signed(self, value: float, _position: object = None) -> str:
        """An amount without its currency and with its sign."""
        return ("+" if value > 0 else "−" if value < 0 else "") + self.compact(abs(value))

    def between(self, low: float | None, high: float | None, unit: str = "", like: float | None = None) -> str:
        """An interval without its unit ("1.2 to 3.4"); one end with "at least" or "at most"; empty where there is none."""

        def end(value: float) -> str:
            if unit.startswith("share"):
                return self.words.value(value, "share", like=like).replace("-", "−")
            return self.compact(value) if re.fullmatch(r"[A-Z]{3}", unit) else self.count(_rounded(value))

        known = [end(float(v)) if v is not None and math.isfinite(v) else None for v in (low, high)]
        if known == [None, None]:
            return ""
        if known[0] is None:
            return self.words("numbers.at_most", value=known[1])
        if known[1] is None:
            return self.words("numbers.at_least", value=known[0])
        return self.words("numbers.span", low=known[0], high=known[1])

    def share(self, value: float, _position: object = None) -> str:
        """A share in whole percent; also a tick formatter."""
        return format_percent(value, "#,##0%", locale=self.words.locale)

    def exact_share(self, value: float) -> str:
        return self.words.value(value, "share")

    def count(self, value: float, _position: object = None) -> str:
        """A number with few digits; also a tick formatter."""
        pattern = (
            "#,##0" if float(value).is_integer() or abs(value) >= 100 else "#,##0.0" if abs(value) >= 10 else "#,##0.0#"
        )
        return format_decimal(value, pattern, locale=self.words.locale)

    def span(self, days: float) -> str:
        """A duration in days, hours or minutes, short."""
        for unit, size in (("days", 1.0), ("hours", 24.0)):
            if abs(days) * size >= 0.95 or (unit == "days" and days == 0):
                return self.words(f"figures.shared.short_{unit}", n=self._short(days * size))
        minutes = days * 1440
        key = "short_minutes" if minutes >= 1 else "short_moment"
        return self.words(f"figures.shared.{key}", n=self._short(minutes))

    def _short(self, value: float) -> str:
        return format_decimal(
            value, "#,##0" if value >= 9.5 or float(value).is_integer() else "#,##0.0", locale=self.words.locale
        )


@dataclass(frozen=True)
class FigureSpec:
    """A figure of an analysis. frames: what it needs; draw: fills an empty figure from a scene; size: inches; findings:
    whose states and numbers its title claims, in this order; terms: computed from the scene, for a title without (`variant`: which of
    the texts ``claim_<variant>``); worth: whether there is anything to see in frames that are there."""

    name: str
    frames: tuple[str, ...]
    draw: Callable[[Scene, Figure], None]
    size: tuple[float, float]
    findings: tuple[str, ...] = ()
    terms: Callable[[Scene], dict[str, str]] | None = None
    worth: Callable[[Result], bool] | None = None
