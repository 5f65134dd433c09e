"""What a report is made of: small records of ready text, filled in one module and set by the templates.

said: the results that a piece of prose takes its numbers from, as ``data-said`` of its element (:mod:`kaanalysis.report.prose`).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd
from markupsafe import Markup


@dataclass(frozen=True)
class Lead:
    """The number that carries a verdict, as text: what it is called, its value, interval and the units it rests on."""

    name: str
    value: str
    interval: str
    n: str


@dataclass(frozen=True)
class Picture:
    """A figure as data URI; name: as in the result, anchor of the page; title: its claim."""

    name: str
    title: str
    alt: str
    source: str
    said: str
    findings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Card:
    """A finding as the report shows it. pictures: the figures that claim it; elsewhere: title and anchor of one that stands above."""

    id: str
    title: str
    state: str
    state_text: str
    sentence: str
    brief: str
    lead: Lead | None
    numbers: list[list[str]]
    flips: list[str]
    cannot: str
    pictures: tuple[Picture, ...] = ()
    elsewhere: tuple[Picture, ...] = ()


@dataclass(frozen=True)
class Remark:
    """An analyst's note, made harmless. anchor: of the page; about: name of the figure, table or finding that it was written under, empty
    where there is none; under: the notebook's heading above it; lost: the cell that it was written under where the notebook no longer
    has it."""

    anchor: str
    html: Markup
    about: str = ""
    under: str = ""
    lost: str = ""


@dataclass(frozen=True)
class Shown:
    """A table as the report shows it; more: what is said of rows left out; name: as in the result."""

    title: str
    columns: list[str]
    rows: list[list[str]]
    more: str
    name: str = ""


@dataclass(frozen=True)
class Section:
    """One analysis in the report. pictures: those of no finding's card; tables: the display tables as far as shown; sheets: the result in
    full for the workbook, by name; notebook: page of the executed notebook, source: its file, relative to the run folder; beside: analysts'
    notes by the figure, table or finding that they stand at, remarks: the others."""

    id: str
    title: str
    question: str
    cards: list[Card]
    pictures: list[Picture]
    failure: str
    notebook: str
    source: str = ""
    skipped: bool = False
    tables: tuple[Shown, ...] = ()
    sheets: dict[str, pd.DataFrame] = field(default_factory=dict)
    beside: dict[str, list[Remark]] = field(default_factory=dict)
    remarks: list[Remark] = field(default_factory=list)

    @property
    def notes(self) -> int:
        return len(self.remarks) + sum(map(len, self.beside.values()))

    @property
    def first_note(self) -> str:
        """Anchor of the note that comes first on the page: those at the section's head do."""
        return next(r.anchor for held in (self.remarks, *self.beside.values()) for r in held)


@dataclass(frozen=True)
class Question:
    """The card of one analysis: its question, the finding that answers it first, one figure, and how the others stand."""

    id: str
    title: str
    question: str
    card: Card | None
    picture: Picture | None
    others: list[Card]
    failure: str = ""
    skipped: bool = False


@dataclass(frozen=True)
class Margin:
    """How far one policy value is from changing one verdict. share: of the range that the policy allows, 0 to 1."""

    finding: str
    title: str
    policy: str
    name: str
    now: str
    at: str
    then: str
    share: float
    share_text: str
    sentence: str


@dataclass(frozen=True)
class Path:
    """What one path costs and brings: a cell (value, interval) per number; named: whether the rule asks for it, best: whether the money
    does, today: whether the company is set up so now."""

    name: str
    cells: list[tuple[str, str]]
    named: bool
    best: bool
    today: bool = False


@dataclass(frozen=True)
class Decision:
    """The first page. state: of the rule's finding, or failed; said: see above."""

    state: str
    state_text: str
    headline: str
    sure: list[str]
    paths: list[Path]
    columns: list[str]
    money: str
    margins: list[Margin]
    steps: list[list[str]]
    more_steps: int
    said: str
