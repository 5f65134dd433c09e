"""The proof that no figure in the report's prose differs from its results.

Every piece of prose says in ``data-said`` where its numbers come from: findings (``M-4 M-4.1``), a figure or table of an analysis
(``figure:01_base_assumptions/spend``), the ``changes`` since another run, all of them or of one verdict (``changes:M-4``), the
``manifest``, or a count of rows (``count:12``). The numbers are taken out of the page again, as written with sign, currency, scale and
percent sign, and each must be among those that this source gives when its numbers are formatted from the results anew. A number in prose
that names no source is a misfit too. Tables, code and style sheets are not prose, and an analyst's note (``data-analyst``) is not the
report's: its figures are the analyst's own, and it says so.

It cannot see a sentence that names the wrong number of the right finding: which number a place takes is the text's, and its key says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from html.parser import HTMLParser
from pathlib import Path

from kaanalysis.report.sources import Sources

_VOID = frozenset({"img", "br", "hr", "meta", "link", "input", "col", "wbr"})
_NOT_PROSE = frozenset({"style", "script", "table", "code", "title"})
# Ids of the method's findings and of analyses are names.
_ID = re.compile(r"M-(?:\d(?:\.\d+[a-d]?)?|[A-F]|X\d)(?![\w])|\b0\d_[a-z_]+")
_FIGURE = re.compile(
    r"(?<![A-Za-z0-9.,])(?:[-−+](?=[A-Z¥$€£\d]))?(?:[A-Z]{0,3}[¥$€£₩₹])?\d+(?:[.,]\d+)*(?:[\s\u00a0]?(?:%|‰|万亿|亿|万|[KMBT](?![A-Za-z])))?"
)


@dataclass(frozen=True)
class Misfit:
    """A figure in the prose that its source does not give. source: what the prose says it comes from; empty where it says nothing."""

    figure: str
    source: str
    text: str


@lru_cache(maxsize=65536)
def figures_in(text: str) -> frozenset[str]:
    """All figures of a text as written: "−3.4%", "CN¥10.7M", "1074万", "12"; blanks within one and kinds of minus evened out."""
    found = _FIGURE.findall(_ID.sub(" ", text))
    return frozenset(re.sub(r"[\s\u00a0]", "", f).replace("−", "-").lstrip("+") for f in found)


class _Prose(HTMLParser):
    """Collects the page's prose by the element that names its source; alternative texts too."""

    def __init__(self, page: str) -> None:
        super().__init__()
        # Tag, piece that its text goes to, whether it is prose, whether the words are an analyst's.
        self.open: list[tuple[str, int | None, bool, bool]] = []
        self.pieces: list[tuple[str, list[str]]] = []
        self.feed(page)

    def _begin(self, source: str) -> int:
        self.pieces.append((source, []))
        return len(self.pieces) - 1

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        _, piece, prose, analyst = self.open[-1] if self.open else ("", None, True, False)
        analyst = analyst or "data-analyst" in given
        source = given.get("data-said")
        if analyst:
            prose = False
        elif source is not None:
            piece, prose = self._begin(source), True
        elif tag in _NOT_PROSE:
            prose = False
        for attribute in ("alt", "title"):
            if given.get(attribute) and prose:
                self.pieces[self._begin("") if piece is None else piece][1].append(str(given[attribute]))
        if tag not in _VOID:
            self.open.append((tag, piece, prose, analyst))

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        _, piece, prose, _ = self.open[-1] if self.open else ("", None, True, False)
        if prose and data.strip():
            self.pieces[self._begin("") if piece is None else piece][1].append(data)


def check(page: str, sources: Mapping[str, Iterable[str]]) -> list[Misfit]:
    """The figures of a page's prose that none of the sources it names gives. sources: source → texts whose figures it gives."""
    found = []
    for source, texts in _Prose(page).pieces:
        text = " ".join(" ".join(texts).split())
        figures = figures_in(text)
        if not figures:
            continue
        given: set[str] = set()
        for name in source.split():
            for phrase in sources.get(name, ()):
                given |= figures_in(phrase)
        found += [Misfit(figure, source, text) for figure in sorted(figures - given)]
    return found


def misfits(run: Path, language: str, page: str | None = None) -> list[Misfit]:
    """The figures in the prose of ``report.<language>.html`` that no result of the run gives: none, or the report is wrong.

    page: its text, if it is not to be read from the folder."""
    if page is None:
        page = (run / f"report.{language}.html").read_text(encoding="utf-8")
    return check(page, Sources(run, language))
