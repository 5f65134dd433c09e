"""Tables that a reader can search and sort, in a notebook with itables (extra ``lab``); elsewhere plain frames.

>>> readable(tables.numbers_table(finding, words), words, of_numbers(finding))

The controls (DataTables, in itables' offline bundle, about 1 MB) go into the output of the cell that opens the analysis, once per notebook:
nothing is asked of a network, and the saved notebook works when it is opened again, also without a kernel. Where scripts do not run (a
notebook that is not trusted, a page on the web) the same table stands there whole, without controls.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import ClassVar, cast

import pandas as pd

from kaanalysis.results import Finding
from kaanalysis.runfolder import at_a_notebook
from kaanalysis.text import Words

PACKAGE = "itables"
PAGE = 25  # rows of a table before it is turned in pages
# Rows beyond which a frame is shown as pandas shows it: the cells of a table for a reader all stand in the notebook.
MOST = 2000
SHORT, LINE = 16, 40  # characters of a number as ready text with its unit; of one with its interval
# Texts of the controls (DataTables' `language`).
CONTROLS = ("search", "info", "infoEmpty", "infoFiltered", "zeroRecords", "emptyTable", "lengthMenu")

Keys = Mapping[int, Sequence[float | None]]
_SCALES = {"": 1.0, "K": 1e3, "M": 1e6, "B": 1e9, "T": 1e12, "万": 1e4, "亿": 1e8, "万亿": 1e12}
_NUMBER = re.compile(
    r"(?P<minus>[-−]?)(?:[A-Z]{0,3}[$¥€£₩₹]|[A-Z]{3}[\s\xa0])?[\s\xa0]?(?P<minus2>[-−]?)"
    r"(?P<digits>\d[\d,]*(?:\.\d+)?)(?P<scale>万亿|万|亿|[KMBT](?![A-Za-z]))?[\s\xa0]?(?P<percent>%)?"
)
_DATE = re.compile(r"(\d{4})[-年](\d{1,2})(?:[-月](\d{1,2})日?)?")


class ReaderTable(pd.DataFrame):
    """A frame that a notebook shows with a search box, and heads that sort when clicked. Everything done with it gives plain frames.

    Numbers that stand as ready text sort by what they say ("CN¥1.2M" above "CN¥900K"): :func:`sort_keys`."""

    # How pandas is told that these are attributes, not columns.
    _internal_names: ClassVar[list[str]] = [*pd.DataFrame._internal_names, "_reader_words", "_reader_keys"]  # type: ignore[attr-defined]
    _internal_names_set: ClassVar[set[str]] = set(_internal_names)
    _reader_words: Words
    _reader_keys: Keys

    def _repr_html_(self) -> str | None:
        if len(self) > MOST:
            return cast("str | None", pd.DataFrame._repr_html_(self))  # type: ignore[attr-defined]
        return table_html(pd.DataFrame(self), self._reader_words, self._reader_keys)


def can_show() -> bool:
    """Whether tables can be given controls here, and somebody is there to use them."""
    return at_a_notebook(PACKAGE)


def load_controls() -> None:
    """Put the controls into the output of the running cell, for all tables of the notebook; nothing where :func:`can_show` says no."""
    if not can_show():
        return
    from IPython.display import HTML, display
    from itables import options
    from itables.javascript import generate_init_offline_itables_html

    display(HTML(generate_init_offline_itables_html(options.dt_bundle)))


def readable(frame: pd.DataFrame, words: Words, keys: Keys | None = None) -> pd.DataFrame:
    """The frame as a reader of a notebook is shown it: with controls where :func:`can_show` allows, else as it is. keys: what columns (by
    position) sort by, one value per row, where it is known better than their text says it."""
    if not can_show():
        return frame
    table = ReaderTable(frame)
    table._reader_words = words
    table._reader_keys = {**sort_keys(frame, words), **(keys or {})}
    return table


def of_numbers(finding: Finding) -> Keys:
    """What :func:`kaanalysis.tables.numbers_table` sorts by: value, lower end of the interval (the upper where only that is known) and n
    themselves, without rounding."""
    numbers = finding.numbers
    ends = [n.low if n.low is not None else n.high for n in numbers]
    return {1: [n.value for n in numbers], 2: ends, 3: [n.n for n in numbers]}


def table_html(frame: pd.DataFrame, words: Words, keys: Keys) -> str:
    """The frame as a table with controls in the language; cells and heads are escaped. Requires itables."""
    import itables

    language = {name: words(f"lab.table.{name}") for name in CONTROLS}
    long = len(frame) > PAGE
    # A named index stands before the columns.
    shift = 0 if isinstance(frame.index, pd.RangeIndex) and frame.index.name is None else frame.index.nlevels
    columns: list[dict[str, object]] = []
    for at in range(frame.shape[1]):
        column: dict[str, object] = {"targets": at + shift, "className": _set(frame.iloc[:, at], at in keys)}
        if at in keys:
            column["render"] = itables.JavascriptFunction(
                "function (data, type, row, meta) { return type === 'sort' || type === 'type' ? "
                f"{json.dumps(list(keys[at]))}[meta.row] : data; }}"
            )
        columns.append(column)
    # The search box always, however short the table is; what turns pages only where there are any.
    layout = {
        "topStart": None,
        "topEnd": "search",
        "bottomStart": "info",
        "bottomEnd": "paging" if long else None,
    }
    return itables.to_html_datatable(
        frame, connected=False, layout=layout, paging=long, pageLength=PAGE, language=language, columnDefs=columns, maxBytes=0,
        maxColumns=0, showIndex=bool(shift), classes="display compact", style="table-layout:auto;width:auto;margin:0",
        text_in_header_can_be_selected=False, display_logo_when_loading=False,
    )  # fmt: skip


def _set(column: pd.Series, sorts: bool) -> str:
    """How the cells of a column are set (classes of DataTables): numbers, and ready text that is hardly more than one, to the right; a
    number with its interval in one piece ("-¥23.9万" never breaks before its unit); all else to the left."""
    longest = max((len(str(v)) for v in column.dropna()), default=0)
    if pd.api.types.is_numeric_dtype(column.dtype) or (sorts and longest <= SHORT):
        return "dt-right dt-nowrap"
    return "dt-left dt-nowrap" if sorts and longest <= LINE else "dt-left"


def sort_keys(frame: pd.DataFrame, words: Words) -> dict[int, list[float | None]]:
    """What columns of ready text sort by: position → the number that each cell begins with (None: none), where a column holds numbers.

    A column holds numbers where more than half of its filled cells begin with one and all others say the same ("not to be had"); other
    columns sort as text. Columns that are numbers sort as they are."""
    keys = {}
    for at in range(frame.shape[1]):
        column = frame.iloc[:, at]
        if pd.api.types.is_numeric_dtype(column.dtype) or not all(isinstance(v, str) for v in column.dropna()):
            continue
        read = [number_in(v, words) if isinstance(v, str) else None for v in column]
        others = [v for v, n in zip(column, read, strict=True) if n is None and isinstance(v, str) and v]
        if len(set(others)) <= 1 and sum(n is not None for n in read) > len(others):
            keys[at] = read
    return keys


def number_in(said: str, words: Words) -> float | None:
    """The number that a ready text begins with, in the base of its unit: "CN¥1.2M" 1,200,000, "3.4%" 0.034, "under 0.1%" 0.001,
    "12 months (9 to 15)" 12; a date as its digits (20260630), so that later ones are larger; None where it begins with no number."""
    text = said.strip()
    for before in _before_numbers(words):
        text = text.removeprefix(before).strip()
    if (date := _DATE.match(text)) is not None:
        year, month, day = (int(part or 0) for part in date.groups())
        return float(year * 10_000 + month * 100 + day)
    try:
        return float(dt.datetime.strptime(text, "%B %d, %Y").strftime("%Y%m%d"))
    except ValueError:
        found = _NUMBER.match(text)
    if found is None:
        return None
    value = float(found["digits"].replace(",", "")) * _SCALES[found["scale"] or ""]
    value = value / 100 if found["percent"] else value
    return -value if found["minus"] or found["minus2"] else value


@cache
def _before_numbers(words: Words) -> tuple[str, ...]:
    """What the language puts before a value that is a limit ("under", "at least")."""
    texts = (words(f"numbers.{k}", value="\0") for k in ("less_than", "more_than", "at_least", "at_most"))
    return tuple(before for text in texts if (before := text.split("\0")[0].strip()))
