"""The names that a notebook's ``book.show`` knows, for completion, and what is nearest to one that it does not know."""

from __future__ import annotations

import difflib

from kaanalysis import display
from kaanalysis.figures import FIGURES
from kaanalysis.results import Result
from kaanalysis.text import Words

NEAREST = 3  # names that are offered for one that is not known


def known(id: str, result: Result | None = None) -> list[str]:
    """Names of the analysis's figures and tables in the order they are shown, then of the result's other frames; without a result those
    that the analysis can show on some data: nothing is computed to complete a name."""
    names = [s.name for s in FIGURES.get(id, ())] + list(display.TABLES.get(id, ()))
    return list(dict.fromkeys([*names, *(result.frames if result is not None else ())]))


def nearest(name: str, names: list[str]) -> list[str]:
    """The known names most like `name`, the nearest first: those that hold it, or that its letters are mostly those of."""
    said = name.strip().lower().replace(" ", "_").replace("-", "_")
    holding = [n for n in names if said and said in n]
    alike = difflib.get_close_matches(said, names, NEAREST, cutoff=0.5)
    return list(dict.fromkeys([*holding, *alike]))[:NEAREST]


def unknown_lines(name: str, id: str, result: Result | None, words: Words) -> list[str]:
    """What is said of a name that the analysis never shows: the nearest names, then all (figures and tables, without the frames behind)."""
    lines = [words("lab.names.unknown", name=name)]
    if near := nearest(name, known(id, result)):
        lines.append(words("lab.names.nearest", names=words.list_of(near)))
    return [*lines, words("lab.names.there", names=words.list_of(known(id)))]
