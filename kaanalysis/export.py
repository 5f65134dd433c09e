"""Tables as an Excel workbook, one sheet each; text that looks like a formula stays text."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import openpyxl
import pandas as pd
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter

from kaanalysis.runfolder import write_atomically

WIDEST = 60  # characters
FORBIDDEN = str.maketrans(dict.fromkeys("[]:*?/\\", " "))  # in the names of sheets
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def _sheet_name(title: str, taken: set[str]) -> str:
    """At most 31 characters, none that Excel forbids, told apart by number where two begin alike."""
    base = title.translate(FORBIDDEN).strip().strip("'")[:31] or "table"
    name, count = base, 1
    while name.casefold() in taken:
        count += 1
        name = f"{base[: 31 - len(str(count)) - 1]} {count}"
    taken.add(name.casefold())
    return name


def write_workbook(path: Path, tables: Mapping[str, pd.DataFrame]) -> Path:
    """Write ``path`` with one sheet per table (title → frame), complete or not at all, and return it.

    The first row holds the headings and stays in view; columns are as wide as their text. A cell's text is never taken for a formula,
    whatever it begins with: names come from the data (CSV injection, OWASP). Raises ValueError for no table."""
    if not tables:
        raise ValueError("there must be at least one table to write")
    book, taken = openpyxl.Workbook(), set[str]()
    book.remove(book.worksheets[0])
    for title, frame in tables.items():
        sheet = book.create_sheet(_sheet_name(title, taken))
        for row, values in enumerate([list(frame.columns), *frame.to_numpy(dtype=object).tolist()], start=1):
            for column, value in enumerate(values, start=1):
                cell = sheet.cell(row, column)
                cell.value = None if value is None or (not isinstance(value, str) and pd.isna(value)) else value
                if isinstance(value, str) and value.startswith(FORMULA):
                    cell.data_type, cell.quotePrefix = "s", True
                cell.alignment = Alignment(vertical="top", wrap_text=True)
                if row == 1:
                    cell.font = Font(bold=True)
        for column, name in enumerate(frame.columns, start=1):
            longest = max([len(str(name)), *(len(str(v)) for v in frame.iloc[:, column - 1])])
            sheet.column_dimensions[get_column_letter(column)].width = min(longest + 2, WIDEST)
        sheet.freeze_panes = "A2"
        sheet.auto_filter.ref = sheet.dimensions
    write_atomically(path, lambda partial: book.save(partial))
    return path
