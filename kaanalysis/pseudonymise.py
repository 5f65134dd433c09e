"""A run that is to leave the house: every name that a company's tables know, replaced where a result leaves its analysis.

Analyses see the original names (they match by name); their results pass through one :class:`Pseudonymiser` before anything is
shown, drawn or written. A cell of a column that holds names is replaced whole; in any other text of a result (segments, terms, remarks)
known names are looked for as whole words. What is no name of the company is not recognised: a person who only occurs in free text
stays (docs/pseudonyms.md).
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from kaanalysis.company import Company
from kaanalysis.company_names import CONTRACT, kept_words, names_of
from kaanalysis.contracts import UnusableData
from kaanalysis.pseudonyms import CODE_WORD, COLUMNS, Pseudonyms, read_or_make_key
from kaanalysis.results import Finding, Number, Result

# In these a result has other things too (a name of a study, who sees to a measure): only known names are replaced there.
SHARED = ("name", "owner", "seller", "cluster")
_NO_WORD = re.compile(r"[\d\W_]*")  # figures and signs alone
_FIGURES = re.compile(r"[-+]?[\d.,:/ TZ%-]*")


@dataclass
class Pseudonymiser:
    """Replaces the names of one company under one secret; what it has replaced it leaves alone the second time.

    words: by kind, name → code word. anywhere: names looked for in texts, of any kind. kept: whole texts that are never touched outside
    columns of names. ambiguous: names that are also such texts, or too short to be told from others; they are replaced in columns of names
    only."""

    pseudonyms: Pseudonyms
    company: str
    words: dict[str, dict[str, str]]
    kept: frozenset[str] = frozenset()
    anywhere: dict[str, str] = field(init=False)
    ambiguous: tuple[str, ...] = field(init=False)
    _lengths: dict[str, list[int]] = field(init=False, repr=False)
    _made: frozenset[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        every = {n: w for names in reversed(self.words.values()) for n, w in names.items()}
        short = {n for n in every if len(n) < 2 or _NO_WORD.fullmatch(n)}
        clear = {n: w for n, w in every.items() if n not in short and n not in self.kept}
        self.anywhere, self.ambiguous = clear, tuple(sorted(set(every) - set(clear)))
        lengths: dict[str, set[int]] = {}
        for name in clear:
            lengths.setdefault(name[:2], set()).add(len(name))
        self._lengths = {start: sorted(found, reverse=True) for start, found in lengths.items()}
        self._made = frozenset(every.values())

    @staticmethod
    def of(company: Company, secret: bytes) -> Pseudonymiser:
        """For all names of a company (:func:`names_of`)."""
        pseudonyms, known = Pseudonyms(secret), dict[str, dict[str, str]]()
        for kind, name, id in names_of(company).itertuples(index=False):
            known.setdefault(kind, {})[name] = pseudonyms.of(kind, id)
        return Pseudonymiser(
            pseudonyms, pseudonyms.of("company", company.info.name), known, frozenset(kept_words(company))
        )

    def text(self, said: str) -> str:
        """A text with every known name in it replaced, the longest first; a name that begins or ends with a letter or figure of ASCII only
        where no other goes on there."""
        if said in self.kept or said in self._made:
            return said
        if said in self.anywhere:
            return self.anywhere[said]
        out, at, begun = list[str](), 0, 0
        while at < len(said) - 1:
            for length in self._lengths.get(said[at : at + 2], ()):
                word = self.anywhere.get(said[at : at + length])
                if word is not None and _whole(said, at, at + length):
                    out += [said[begun:at], word]
                    at = begun = at + length
                    break
            else:
                at += 1
        return said if not out else "".join([*out, said[begun:]])

    def value(self, cell: Any) -> Any:
        """A cell: texts, also in lists and dicts; anything else as it is."""
        if isinstance(cell, str):
            return self.text(cell)
        if isinstance(cell, dict):
            return {self.value(k): self.value(v) for k, v in cell.items()}
        if isinstance(cell, list | tuple | set):
            return type(cell)(self.value(v) for v in cell)
        if isinstance(cell, np.ndarray) and cell.dtype == object:
            return np.array([self.value(v) for v in cell], dtype=object)
        return cell

    def _named(self, kind: str, cell: Any, *, strict: bool) -> Any:
        """A cell of a column of names. strict: what is not known is a name too."""
        if not isinstance(cell, str):
            return self.value(cell)
        known = self.words.get(kind, {}).get(cell)
        if known is not None:
            return known
        if strict and cell and cell not in self._made and not CODE_WORD.fullmatch(cell):
            return self.anywhere.get(cell) or self.pseudonyms.of(kind, cell)
        return self.text(cell)

    def frame(self, frame: pd.DataFrame) -> pd.DataFrame:
        """A frame of a result, a copy: columns of names by :data:`kaanalysis.pseudonyms.COLUMNS`, texts elsewhere, column names; rows and
        their order, numbers and what is missing stay."""
        out = frame.copy()
        for i, column in enumerate(frame.columns):
            cells = frame.iloc[:, i]
            if not (cells.dtype == object or isinstance(cells.dtype, pd.StringDtype | pd.CategoricalDtype)):
                continue
            kind, source = COLUMNS.get(str(column), ("", ""))
            strict = bool(kind) and (column not in SHARED or (column == "name" and "account_id" in frame.columns))
            if kind and source != column and source in frame.columns:  # a name gets the code word of its id
                cells = cells.astype(object).where(cells.isna() | frame[source].isna(), frame[source])
            seen: dict[str, Any] = {}

            def put(cell: Any, kind: str = kind, strict: bool = strict, seen: dict[str, Any] = seen) -> Any:
                if not isinstance(cell, str):
                    return self.value(cell)
                if cell not in seen:
                    seen[cell] = self._named(kind, cell, strict=strict) if kind else self.text(cell)
                return seen[cell]

            made = pd.Series([put(c) for c in cells], index=frame.index, dtype=object)
            if isinstance(cells.dtype, pd.StringDtype):
                made = made.astype(cells.dtype)
            out.isetitem(i, made.array)
        out.columns = pd.Index([self.value(c) for c in frame.columns], name=frame.columns.name)
        out.attrs = self.value(dict(frame.attrs))
        return out

    def result(self, result: Result) -> Result:
        """A result as it may leave: numbers, states and reasons as they are, names in frames, segments and terms replaced."""

        def number(n: Number) -> Number:
            return replace(n, segment=self.text(n.segment))

        def finding(f: Finding) -> Finding:
            return replace(
                f, numbers=tuple(map(number, f.numbers)), terms={k: self.value(v) for k, v in f.terms.items()}
            )

        frames = {name: self.frame(frame) for name, frame in result.frames.items()}
        return replace(result, findings=[finding(f) for f in result.findings], frames=frames)

    def faults(self, faults: pd.DataFrame, *, imported: bool = False) -> pd.DataFrame:
        """Faults of the data as they may leave. A broken value may be a name that no table knows: it stays only where it is figures alone,
        in a column that holds no names; of an import (whose columns are the source's own) none stays."""
        out = faults.copy()

        def put(column: Any, value: Any) -> Any:
            if not isinstance(value, str) or value == "":
                return value
            column = str(column).rpartition(".")[2]
            kind = CONTRACT.get(column, "")
            if kind:
                return self._named(kind, value, strict=True)
            if not imported and column and column != "name" and _FIGURES.fullmatch(value):
                return value
            return self.pseudonyms.of("value", value)

        out["value"] = pd.Series(
            [put(c, v) for c, v in zip(faults["column"], faults["value"], strict=True)],
            index=faults.index,
            dtype=object,
        )
        for column in ("file", "table", "column"):
            if column in out:
                out[column] = out[column].map(self.value)
        return out

    def counts(self) -> dict[str, int]:
        """How many names of each kind there are, and how many of all are ambiguous (:attr:`ambiguous`)."""
        found = Counter({kind: len(names) for kind, names in self.words.items()})
        return {**dict(sorted(found.items())), "ambiguous": len(self.ambiguous)}


def _whole(said: str, begin: int, end: int) -> bool:
    def word(c: str) -> bool:
        return c.isascii() and (c.isalnum() or c == "_")

    before, after = said[begin - 1 : begin], said[end : end + 1]
    return not (before and word(before) and word(said[begin])) and not (after and word(after) and word(said[end - 1]))


def translation(company: Company, key: Path) -> pd.DataFrame:
    """The way back for who has data and key: kind, name, word, one row per name. Raises :class:`UnusableData` where no key is."""
    if not key.is_file():
        raise UnusableData(f"{key} is missing: without its key no code word can be read.")
    made = Pseudonymiser.of(company, read_or_make_key(key))
    rows = [(kind, name, word) for kind, names in made.words.items() for name, word in names.items()]
    return pd.DataFrame(rows, columns=["kind", "name", "word"])
