"""Raw tables of a company folder, a DuckDB file or a database, as text columns with row numbers, in one DuckDB.

Everything is read as text first, so that a value that breaks a rule can be named as it was written; types are given in
:mod:`kaanalysis.checks`. Big tables stay in the engine.
"""

from __future__ import annotations

import csv
import hashlib
import shutil
import tempfile
from pathlib import Path
from typing import Any

import duckdb
import ibis

from kaanalysis.contracts import TABLES, Fault, UnusableData
from kaanalysis.source_files import detect_encoding

# Files that stand beside the tables and are not tables. A spreadsheet's or editor's leftovers are reported, not read.
COMPANIONS = {"company.toml", "import_report.csv", "import.json", "README.md", "truth.json"}
EXCEL = (".xlsx", ".xlsm", ".xls")
ROW = "row__"


class RawTables:
    """A DuckDB connection with one raw table ``raw_<name>`` per contract table found."""

    def __init__(self) -> None:
        self.connection = ibis.duckdb.connect()
        self.raw_sql("SET TimeZone = 'UTC'")
        self.found: dict[str, str] = {}  # contract table → where it came from
        self.faults: list[Fault] = []
        self.digest = hashlib.sha256()

    def raw_sql(self, sql: str) -> list[tuple[Any, ...]]:
        """Run one statement in the engine and return its rows."""
        return self.connection.raw_sql(sql).fetchall()

    def table(self, name: str) -> ibis.Table:
        return self.connection.table(f"raw_{name}")

    def columns(self, name: str) -> list[str]:
        return [c for c in self.table(name).columns if c != ROW]


def quoted(path: Path | str) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def _utf8_copy(path: Path, folder: Path) -> Path:
    """`path` itself where it is UTF-8, else a UTF-8 copy of a GB18030 or UTF-16 file; :class:`UnusableData` where it is none."""
    encoding = detect_encoding(path)
    if encoding == "utf-8":
        return path
    copy = folder / path.name
    with path.open(encoding=encoding, newline="") as source, copy.open("w", encoding="utf-8", newline="") as target:
        shutil.copyfileobj(source, target)
    return copy


def _header(name: str, path: Path) -> list[str]:
    """Column names, which must be there once each: DuckDB would rename a second one silently."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        try:
            first = next((cells for cells in csv.reader(file) if cells), None)
        except csv.Error as error:
            raise UnusableData(f"{path} cannot be read as CSV: {error}.") from None
    if first is None:
        raise UnusableData(f"{path} is empty: it needs at least a line of column names.")
    header = [cell.strip() or f"column{position}" for position, cell in enumerate(first)]
    lowered = [c.lower() for c in header]  # the engine does not tell capital from small letters in names
    repeated = sorted({c for c in header if lowered.count(c.lower()) > 1})
    if repeated:
        raise UnusableData(f"{path}: column {', '.join(repeated)} occurs more than once in table {name}.")
    return header


def _blank_lines(path: Path, positions: list[int]) -> list[int]:
    """How many blank lines stand before each byte position (rising): the reader skips them, but counts them as lines."""
    counts, blank, offset, inside, wanted = [], 0, 0, False, iter([*positions, 1 << 62])
    at = next(wanted)
    with path.open("rb") as file:
        for line in file:
            while offset + len(line) > at:
                counts.append(blank)
                at = next(wanted)
            blank += not inside and not line.strip(b"\r\n")
            inside ^= line.count(b'"') % 2 == 1
            offset += len(line)
    return counts + [blank] * (len(positions) - len(counts))


def _load_csv(raw: RawTables, name: str, path: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        source = _utf8_copy(path, Path(folder))
        columns = ", ".join(f"{quoted(c)}: 'VARCHAR'" for c in _header(name, source))
        # Nothing is left for the reader to guess: one odd quote would make its guess, and with it the whole table, fail.
        options = (
            f"auto_detect=false, columns={{{columns}}}, header=true, delim=',', quote='\"', escape='\"', nullstr='', ignore_errors=true, "
            "store_rejects=true, rejects_table='rejects', rejects_scan='rejects_scan', rejects_limit=0, max_line_size=100000000"
        )
        create = f"CREATE OR REPLACE TABLE raw_{name} AS SELECT row_number() OVER () AS {ROW}, * FROM read_csv({quoted(source)}, {options}"
        try:
            try:
                raw.raw_sql(f"{create}, strict_mode=true)")
            except duckdb.InvalidInputException:  # mixed line endings: the strict reader refuses the whole file
                raw.raw_sql("DROP TABLE IF EXISTS rejects; DROP TABLE IF EXISTS rejects_scan")
                raw.raw_sql(f"{create}, strict_mode=false)")
        except Exception as error:  # DuckDB raises many kinds; all mean that the file is not a CSV it can read
            raise UnusableData(f"{path} cannot be read as CSV: {str(error).splitlines()[0]}") from None
        rejects = raw.raw_sql(
            "SELECT line, any_value(csv_line), min(line_byte_position) FROM rejects GROUP BY line ORDER BY line"
        )
        blank = _blank_lines(
            source,
            [int(r[2] or 0) + len((r[1] or "").encode()) - len((r[1] or "").encode().lstrip(b"\r\n")) for r in rejects],
        )
        raw.raw_sql("DROP TABLE rejects; DROP TABLE rejects_scan")
    if not rejects:
        return
    # A ragged line is left out by the reader, so later rows carry too small a number: count it in again.
    bad = [int(line) - 1 - before for (line, *_), before in zip(rejects, blank, strict=True)]
    for (_line, text, _), row in zip(rejects, bad, strict=True):
        raw.faults.append(Fault(name, "", row, (text or "").lstrip("\r\n")[:200], "ragged_row", "set_aside"))
    values = ", ".join(f"({r})" for r in bad)
    raw.raw_sql(
        f"CREATE OR REPLACE TABLE raw_{name} AS WITH bad(b) AS (VALUES {values}), n AS (SELECT count(*) AS c FROM raw_{name}), "
        f"good AS (SELECT r, row_number() OVER (ORDER BY r) AS k FROM range(1, (SELECT c FROM n) + {len(bad)} + 1) t(r) "
        f"WHERE r NOT IN (SELECT b FROM bad)) SELECT good.r AS {ROW}, t.* EXCLUDE ({ROW}) "
        f"FROM raw_{name} t JOIN good ON good.k = t.{ROW} ORDER BY 1"
    )


def _load_parquet(raw: RawTables, name: str, path: Path) -> None:
    try:
        raw.raw_sql(
            f"CREATE TABLE raw_{name} AS SELECT row_number() OVER () AS {ROW}, COLUMNS(*)::VARCHAR FROM read_parquet({quoted(path)})"
        )
    except Exception as error:
        raise UnusableData(f"{path} cannot be read as Parquet: {str(error).splitlines()[0]}") from None


def _add_file_to_digest(raw: RawTables, path: Path) -> None:
    raw.digest.update(path.name.encode())
    with path.open("rb") as file:
        raw.digest.update(hashlib.file_digest(file, "sha256").digest())


def read_folder(folder: Path) -> RawTables:
    """All contract tables of a folder. Two files for one table, or none for an indispensable one, are refused elsewhere
    with the table's name; other files are reported as unknown and left alone."""
    raw = RawTables()
    for path in sorted(p for p in folder.iterdir() if p.is_file() and not p.name.startswith(".")):
        if path.name in COMPANIONS:
            if path.name == "company.toml":
                _add_file_to_digest(raw, path)
            continue
        name = path.stem.lower()
        if path.suffix.lower() not in (".csv", ".parquet") or name not in TABLES:
            # A table as an Excel file is no unknown table: whoever put it there must hear what to do with it.
            rule = "excel_file" if path.suffix.lower() in EXCEL and name in TABLES else "unknown_table"
            raw.faults.append(Fault(path.name, "", None, None, rule, "ignore"))
            continue
        if name in raw.found:
            raise UnusableData(
                f"table {name} is there twice, as {raw.found[name]} and as {path.name}: keep one of them."
            )
        (_load_csv if path.suffix.lower() == ".csv" else _load_parquet)(raw, name, path)
        _add_file_to_digest(raw, path)
        raw.found[name] = path.name
    return raw


def read_database(location: str, toml: Path) -> RawTables:
    """All contract tables of a DuckDB file or of any database that Ibis connects to by URL.

    The hash of a database is taken over the rows of the contract tables, whatever their order in the engine.
    """
    raw = RawTables()
    _add_file_to_digest(raw, toml)
    is_file = "://" not in location
    if is_file and not Path(location).is_file():
        raise UnusableData(f"{location} is missing: company.toml names it as the database.")
    try:
        if is_file:
            raw.raw_sql(f"ATTACH {quoted(location)} AS source (READ_ONLY)")
            names = {r[0] for r in raw.raw_sql("SELECT table_name FROM duckdb_tables() WHERE database_name = 'source'")}
            names |= {r[0] for r in raw.raw_sql("SELECT view_name FROM duckdb_views() WHERE database_name = 'source'")}
        else:
            remote = ibis.connect(location)
            names = set(remote.list_tables())
    except Exception as error:
        raise UnusableData(f"{location.split('@')[-1]} cannot be opened: {str(error).splitlines()[0]}") from None
    for name in sorted(names & set(TABLES)):
        if is_file:
            origin = f'source."{name}"'
        else:
            # Batches go straight into the engine, so the frame never has to fit into memory twice.
            raw.connection.con.register("incoming", remote.table(name).to_pyarrow_batches())
            origin = "incoming"
        raw.raw_sql(
            f"CREATE TABLE raw_{name} AS SELECT row_number() OVER () AS {ROW}, COLUMNS(*)::VARCHAR FROM {origin}"
        )
        if not is_file:
            raw.connection.con.unregister("incoming")
        # A sum of row digests does not depend on the order in which the engine hands the rows out.
        digest_of_rows = f"SELECT count(*), sum(md5_number_lower(t::VARCHAR)::HUGEINT) FROM (SELECT * EXCLUDE ({ROW}) FROM raw_{name}) t"
        count, digest = raw.raw_sql(digest_of_rows)[0]
        raw.digest.update(f"{name} {count} {digest}".encode())
        raw.found[name] = name
    return raw
