"""Files of a source as tables of text: CSV in any common encoding, Excel, XES. No value is guessed at, no row dropped silently."""

from __future__ import annotations

import csv
import hashlib
import re
import zipfile
from codecs import BOM_UTF16_BE, BOM_UTF16_LE, getincrementaldecoder
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pa_csv

from kaanalysis import xes
from kaanalysis.contracts import RULES, Fault, UnusableData


def find_file(folder: Path, name: str, source: dict[str, Any]) -> Path | None:
    """The one file of a source: ``files`` are name patterns, read without regard to case. None: absent and optional."""
    files = [folder] if folder.is_file() else [path for path in folder.iterdir() if path.is_file()]
    patterns = [pattern.casefold() for pattern in source["files"]]
    found = sorted(p for p in files if any(Path(p.name.casefold()).match(pattern) for pattern in patterns))
    if len(found) > 1:
        raise UnusableData(f"{folder} has more than one file for {name}: {', '.join(p.name for p in found)}; keep one.")
    if not found and not source.get("optional", False):
        expected = " or ".join(source["files"])
        if folder.is_file():
            raise UnusableData(f"{folder} is one file, and {expected} is needed for {name}: give the folder of them.")
        raise UnusableData(f"{folder} has no file for {name}: expected {expected}.")
    return found[0] if found else None


def _is_excel(path: Path) -> bool:
    """Whether a file is an Excel workbook by its bytes, whatever its name says: the old form, or a zip archive with a workbook in it."""
    with path.open("rb") as stream:
        if stream.read(8) == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
            return True
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return "xl/workbook.xml" in archive.namelist()


def detect_encoding(path: Path) -> str:
    """``utf-8`` (also with BOM), ``utf-16`` (with BOM) or ``gb18030``; UnusableData if the bytes are none of them."""
    if _is_excel(path):  # some of its bytes may even pass for text: it must be known before any decoding
        raise UnusableData(f"{path.name} {RULES['excel_file']}.")
    with path.open("rb") as stream:
        if stream.read(2) in (BOM_UTF16_LE, BOM_UTF16_BE):
            return "utf-16"
        for encoding in ("utf-8", "gb18030"):
            stream.seek(0)
            decoder = getincrementaldecoder(encoding)()
            try:
                while block := stream.read(1 << 20):
                    decoder.decode(block)
                decoder.decode(b"", True)
                return encoding
            except UnicodeDecodeError:
                continue
    raise UnusableData(f"{path.name} is neither UTF-8 nor GB18030 text; save it as UTF-8.")


def read_file(
    path: Path, source: dict[str, Any], wanted: dict[str, list[str]], rest: bool = False
) -> tuple[pa.Table, list[tuple[int, str]]]:
    """The wanted columns of a file as text with ``_row``, and the rows that could not be read (number, text). rest: all other columns
    too, by the names that they have."""
    skipped: list[tuple[int, str]] = []
    if source.get("format") == "xes":
        log = xes.read_xes(path, [key for aliases in wanted.values() for key in aliases])
        used = [
            key
            for key, values in zip(log.table.column_names, log.table.columns, strict=True)
            if values.null_count < len(values)
        ]
        table = log.table.select(used)
        skipped = [(number, said or "") for number, said in log.untimed]
        gone: set[int] = set()
    else:
        table = _read_excel(path) if path.suffix.casefold() == ".xlsx" else _read_csv(path, source, skipped)
        gone = {number for number, _ in skipped}
    rows = (n for n in range(1, table.num_rows + len(gone) + 1) if n not in gone)
    names = table.column_names
    if repeated := sorted({column for column in names if names.count(column) > 1}):
        raise UnusableData(f"{path.name} has the column {', '.join(repeated)} more than once.")
    plain = {_plain(column): column for column in reversed(names)}
    columns: dict[str, Any] = {"_row": pa.array(rows, pa.int64())}
    for name, aliases in wanted.items():
        found = next((plain[_plain(alias)] for alias in aliases if _plain(alias) in plain), None)
        if found is None and not name.endswith("?"):
            have = ", ".join(names[:20]) + (" …" if len(names) > 20 else "")
            raise UnusableData(f"{path.name} has no column {' or '.join(aliases)}; it has: {have}.")
        columns[name.rstrip("?")] = pa.nulls(table.num_rows, pa.string()) if found is None else table.column(found)
        names = [other for other in names if other != found]
    if rest:
        columns |= {name: table.column(name) for name in names if name not in columns}
    return pa.table(columns), skipped


BESIDE = {".csv": ",", ".tsv": "\t", ".xlsx": ","}  # kinds of files that may lie beside a company's tables


def read_beside(
    place: Path, wanted: dict[str, list[str]], rest: bool = False
) -> tuple[dict[str, pd.DataFrame], list[Fault], bytes]:
    """(tables of text with ``_row`` by ``folder/file``, faults, digest of names and bytes) of all files in a folder beside a company's
    tables; all empty where there is none. rest: columns that nobody asked for too.

    A file of another kind is a fault and not read, a row with too few or too many values is one and set aside. UnusableData for a file
    that cannot be read or lacks a wanted column."""
    files = sorted(p for p in place.iterdir() if p.is_file() and not p.name.startswith(".")) if place.is_dir() else []
    tables: dict[str, pd.DataFrame] = {}
    faults, digest = [], hashlib.sha256()
    for path in files:
        name, delimiter = f"{place.name}/{path.name}", BESIDE.get(path.suffix.casefold())
        if delimiter is None:
            faults.append(Fault(name, "", None, None, "unknown_table", "ignore"))
            continue
        found, skipped = read_file(path, {"delimiter": delimiter}, wanted, rest)
        faults += [Fault(name, "", row, text[:200], "ragged_row", "set_aside") for row, text in skipped]
        digest.update(path.name.encode() + path.read_bytes())
        tables[name] = found.to_pandas(strings_to_categorical=False)
    return tables, faults, digest.digest() if files else b""


def _read_csv(path: Path, source: dict[str, Any], skipped: list[tuple[int, str]]) -> pa.Table:
    def skip(row: pa_csv.InvalidRow) -> str:
        skipped.append((row.number - 1, row.text))  # number counts the header
        return "skip"

    encoding = source.get("encoding") or detect_encoding(path)
    delimiter = source.get("delimiter", ",")
    try:
        with path.open(encoding="utf-8-sig" if encoding == "utf-8" else encoding, newline="") as stream:
            header = next((cells for cells in csv.reader(stream, delimiter=delimiter) if cells), None)
        if header is None:
            raise UnusableData(f"{path.name} is empty: it needs at least a line of column names.")
        return pa_csv.read_csv(
            path,
            pa_csv.ReadOptions(use_threads=False, encoding=encoding),
            pa_csv.ParseOptions(delimiter=delimiter, newlines_in_values=True, invalid_row_handler=skip),
            pa_csv.ConvertOptions(
                column_types=dict.fromkeys(header, pa.string()), strings_can_be_null=True, null_values=[""]
            ),
        )
    except (pa.ArrowInvalid, UnicodeError, LookupError, StopIteration) as error:
        raise UnusableData(f"{path.name} cannot be read as {encoding} text: {error}.") from None


def _read_excel(path: Path) -> pa.Table:
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except Exception as error:
        raise UnusableData(f"{path.name} cannot be read as an Excel workbook: {error}.") from None
    cells = [
        [None if value in (None, "") else str(value) for value in row]
        for row in book.worksheets[0].iter_rows(values_only=True)
    ]
    header, *rows = cells or [[]]
    names = [column or f"column {number}" for number, column in enumerate(header, 1)]
    columns = [pa.array([row[at] if at < len(row) else None for row in rows], pa.string()) for at in range(len(names))]
    return pa.Table.from_arrays(columns, names)


def _plain(column: str) -> str:
    """A column name without case, spaces and underscores: ``AccountId`` is ``account_id``."""
    return re.sub(r"[\s_]+", "", column.rstrip("?").casefold())
