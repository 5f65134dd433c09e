"""CRM exports and event logs → a company folder, by the maps in ``data/imports/<source>.toml``.

A map is data: which files to read, corrections of known misspellings, faults as named SQL conditions, and for each
contract table where its rows come from and a DuckDB expression per column. Everything is read as text, so no sniffing
loses a value; ``types`` then say which columns are numbers, flags or dates and in what form, and a value that cannot be
read is left out and named. Every source row that is corrected, set aside or doubtful is in ``import_report.csv``.
Whether the result meets the contract is not judged here: :mod:`kaanalysis.company` does that, for every folder alike.
"""

from __future__ import annotations

import csv
import datetime as dt
import json
import os
import re
import shutil
import tempfile
import tomllib
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE, getincrementaldecoder
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from kaanalysis import xes
from kaanalysis.contracts import INDISPENSABLE, TABLES, UnusableData
from kaanalysis.paths import workbook_file

KEYS = {
    "map": {"title", "reads", "cannot_feed", "citation", "licence", "company", "sources", "views", "tables",
            "corrections", "faults"},
    "company": {"name", "currency", "as_of", "observed_from", "ka_launch", "language"},
    "sources": {"files", "columns", "format", "delimiter", "encoding", "optional", "types"},
    "tables": {"from", "columns"},
    "corrections": {"source", "column", "values"},
    "faults": {"source", "rule", "from", "when", "column", "action", "detail", "en", "zh"},
}  # fmt: skip
ACTIONS = ("kept", "set_aside")
BUILT_IN = {
    "corrected_value": {"en": "a known misspelling was corrected", "zh": "已更正的已知拼写错误"},
    "unreadable_value": {"en": "the value could not be read and was left out", "zh": "该值无法读取，已留空"},
    "wrong_number_of_fields": {"en": "the row does not have as many fields as the header", "zh": "该行的字段数与表头不符"},
}
REPORT = ("file", "row", "column", "value", "rule", "action")
SQL_TYPE = {"date": "DATE", "month": "DATE", "time": "TIMESTAMP", "amount": "DOUBLE", "number": "DOUBLE",
            "share": "DOUBLE", "integer": "BIGINT", "flag": "BOOLEAN"}  # fmt: skip


@dataclass(frozen=True)
class ImportMap:
    """One map. title, reads, cannot_feed: sentences by language; the rest as written in the file, its keys checked."""

    name: str
    title: dict[str, str]
    reads: dict[str, str]
    cannot_feed: dict[str, str]
    citation: str
    licence: str
    company: dict[str, Any]
    sources: dict[str, dict[str, Any]]
    tables: dict[str, dict[str, Any]]
    views: dict[str, str]
    corrections: list[dict[str, Any]]
    faults: list[dict[str, Any]]

    def explain(self, lang: str = "en") -> str:
        """What the map reads, what it cannot feed, licence and citation, in one paragraph."""
        return f"{self.title[lang]} {self.reads[lang]} {self.cannot_feed[lang]} [{self.licence}] {self.citation}"


@dataclass(frozen=True)
class ImportReport:
    """What an import did. rows: rows written per table; faults: reported source rows per rule; notes: rule → sentence by
    language; company: the values of company.toml; out: the company folder."""

    source: str
    out: Path
    rows: dict[str, int]
    faults: dict[str, int]
    notes: dict[str, dict[str, str]]
    company: dict[str, Any]


def load_maps(folder: Path | None = None) -> dict[str, ImportMap]:
    """Every map of the folder (default: the workbook's data/imports), by name. UnusableData names a map's mistake."""
    folder = folder or workbook_file("data/imports")
    return {path.stem: _load_map(path) for path in sorted(folder.glob("*.toml"))}


def list_sources() -> list[ImportMap]:
    """The maps, for ``kaanalysis import --list``: each explains itself in both languages."""
    return list(load_maps().values())


def _load_map(path: Path) -> ImportMap:
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UnusableData(f"{path.name} is not valid TOML: {error}.") from None

    def known(where: str, given: dict[str, Any], kind: str) -> None:
        if unknown := sorted(set(given) - KEYS[kind]):
            raise UnusableData(
                f"{path.name}: {where} has unknown key {', '.join(unknown)}; known are {', '.join(sorted(KEYS[kind]))}."
            )

    known("the map", raw, "map")
    for key in ("title", "reads", "cannot_feed"):
        if set(raw.get(key, {})) != {"en", "zh"}:
            raise UnusableData(f"{path.name}: {key} must be given in en and zh.")
    if missing := sorted({"citation", "licence", "company", "sources", "tables"} - set(raw)):
        raise UnusableData(f"{path.name}: {', '.join(missing)} is missing.")
    known("company", raw["company"], "company")
    for kind in ("sources", "tables"):
        for name, given in raw[kind].items():
            known(f"{kind}.{name}", given, kind)
    for kind in ("corrections", "faults"):
        for number, given in enumerate(raw.get(kind, []), 1):
            known(f"{kind} {number}", given, kind)
            if given.get("source") not in raw["sources"]:
                raise UnusableData(f"{path.name}: {kind} {number} must name one of its sources: {', '.join(raw['sources'])}.")
            if kind == "faults" and given.get("action") not in ACTIONS:
                raise UnusableData(f"{path.name}: fault {given.get('rule')}: action must be one of {', '.join(ACTIONS)}.")
    for name, given in raw["tables"].items():
        if name not in TABLES:
            raise UnusableData(f"{path.name}: the contract has no table {name}; it has {', '.join(TABLES)}.")
        columns, allowed = set(given["columns"]), {column.name for column in TABLES[name].columns}
        if wrong := sorted(columns - allowed) or sorted(set(TABLES[name].required) - columns):
            problem = "unknown" if set(wrong) - allowed else "required, but missing,"
            raise UnusableData(f"{path.name}: {problem} column {name}.{', '.join(wrong)}; known are {', '.join(sorted(allowed))}.")
    return ImportMap(path.stem, **{"views": {}, "corrections": [], "faults": [], **raw})


def import_source(source: str, from_path: Path, out: Path, *, maps: Path | None = None) -> ImportReport:
    """Read the files of ``from_path`` (a folder, or the only file of a source) into the new company folder ``out``.

    maps: another folder of maps. Raises UnusableData naming file, column or rule for an unknown source, a missing file or
    column, an unreadable file, a map that does not fit, an ``out`` that holds something; then nothing is written."""
    known = load_maps(maps)
    if source not in known:
        raise UnusableData(f"There is no import map named {source}; known are {', '.join(known)}.")
    if not from_path.exists():
        raise UnusableData(f"{from_path} does not exist: it should hold the files of {source}.")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UnusableData(f"{out} already holds something; name a folder that does not exist yet, or an empty one.")
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{out.name}.", suffix=".partial", dir=out.parent))
    try:
        with duckdb.connect() as engine:
            engine.execute("SET python_enable_replacements = false; SET enable_external_access = false")
            report = _Import(known[source], from_path, engine).write(partial, out)
        partial.chmod(0o755)
        if out.exists():
            out.rmdir()
        os.replace(partial, out)
    except duckdb.Error as error:
        raise UnusableData(f"The map {source} does not fit these files: {str(error).splitlines()[0]}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return report


class _Import:
    """One import: sources become tables of the engine, step by step; broken rows collect in the table ``_report``."""

    def __init__(self, plan: ImportMap, folder: Path, engine: duckdb.DuckDBPyConnection) -> None:
        self.plan, self.folder, self.engine = plan, folder, engine
        self.files: dict[str, dict[str, Any]] = {}
        engine.execute('CREATE SEQUENCE _order; CREATE TABLE _report (n BIGINT DEFAULT nextval(\'_order\'), file VARCHAR, '
                       '"row" BIGINT, "column" VARCHAR, "value" VARCHAR, rule VARCHAR, "action" VARCHAR)')  # fmt: skip
        for name, source in plan.sources.items():
            self.read(name, source)
        for fault in plan.faults:
            self.judge(fault)
        for name, query in plan.views.items():
            self.sql(f"view {name}", f"CREATE TEMP VIEW {_q(name)} AS {query}")

    def sql(self, where: str, query: str, values: object = None) -> duckdb.DuckDBPyConnection:
        try:
            return self.engine.execute(query, values)
        except duckdb.Error as error:
            raise UnusableData(f"Map {self.plan.name}, {where}: {str(error).splitlines()[0]}") from error

    def report(self, source: str, column: str, value: str, rule: str, action: str, rows: str) -> None:
        """Name rows; value, action: SQL expressions; rows: what follows FROM."""
        file = self.files[source]["file"]
        self.sql(f"rule {rule}", f'INSERT INTO _report (file, "row", "column", "value", rule, "action") '
                 f"SELECT {_s(file)}, _row, {_s(column)}, ({value})::VARCHAR, {_s(rule)}, {action} FROM {rows} ORDER BY _row")  # fmt: skip

    def read(self, name: str, source: dict[str, Any]) -> None:
        path = find_file(self.folder, name, source)
        wanted = {alias[0]: alias for alias in (re.split(r"\s*[=|]\s*", text) for text in source["columns"])}
        skipped: list[tuple[int, str]] = []
        if path is None:
            table = pa.table({"_row": pa.array([], pa.int64())} | {column: pa.array([], pa.string()) for column in wanted})
        else:
            table, skipped = _read_file(path, source, wanted)
        self.files[name] = {"file": path.name if path else "", "rows": table.num_rows + len(skipped)}
        self.engine.register("_incoming", table)
        self.engine.execute(f"CREATE TABLE {_q(name)} AS FROM _incoming")
        self.engine.unregister("_incoming")
        for row, text in skipped:
            blank = source.get("format") == "xes"
            rule, action = ("unreadable_value", "blank") if blank else ("wrong_number_of_fields", "set_aside")
            column = xes.TIME if blank else ""
            self.report(name, column, _s(text), rule, _s(action), f"(SELECT {row} AS _row)")
        for fix in (fix for fix in self.plan.corrections if fix["source"] == name):
            for wrong, right in fix["values"].items():
                rows = f"{_q(name)} WHERE {_q(fix['column'])} = {_s(wrong)}"
                self.report(name, fix["column"], _s(wrong), "corrected_value", _s(f"corrected: {right}"), rows)
                self.engine.execute(f"UPDATE {_q(name)} SET {_q(fix['column'])} = {_s(right)} WHERE {_q(fix['column'])} = {_s(wrong)}")
        changed = {}
        for kind, columns in source.get("types", {}).items():
            for column in columns:
                changed[column] = _parse(column, kind)
                rows = f"{_q(name)} WHERE trim({_q(column)}) <> '' AND ({changed[column]}) IS NULL"
                self.report(name, column, _q(column), "unreadable_value", "'blank'", rows)
        if changed:
            new = ", ".join(f"{expression} AS {_q(column)}" for column, expression in changed.items())
            self.sql(f"types of {name}", f"CREATE OR REPLACE TABLE {_q(name)} AS SELECT * REPLACE ({new}) FROM {_q(name)}")

    def judge(self, fault: dict[str, Any]) -> None:
        """Name the rows of a fault; ``set_aside`` also takes them out of the source, for every table."""
        source, column = fault["source"], fault.get("column", "")
        rows = f"({fault.get('from', f'FROM {_q(source)}')}) WHERE {fault['when']}"
        action = _s(fault["action"]) + (f" || ': ' || ({fault['detail']})" if "detail" in fault else "")
        self.report(source, column, _q(column) if column else "NULL", fault["rule"], action, rows)
        if fault["action"] == "set_aside":
            self.sql(fault["rule"], f"DELETE FROM {_q(source)} WHERE _row IN (SELECT _row FROM {rows})")

    def write(self, folder: Path, out: Path) -> ImportReport:
        tables = {name: self.write_table(name, given, folder) for name, given in self.plan.tables.items()}
        tables = {name: given for name, given in tables.items() if given}
        company = {key: self.constant(key, value) for key, value in self.plan.company.items()}
        for key, value in company.items():
            if value is None:
                raise UnusableData(f"The map {self.plan.name} finds no value for {key} of company.toml: the files hold no date for it.")
        counts: dict[str, int] = dict(self.engine.execute("SELECT rule, count(*) FROM _report GROUP BY 1 ORDER BY 1").fetchall())
        notes = {rule: BUILT_IN[rule] for rule in counts if rule in BUILT_IN}
        notes |= {fault["rule"]: {"en": fault["en"], "zh": fault["zh"]} for fault in self.plan.faults if fault["rule"] in counts}
        lines = [f"{key} = {_toml(value)}" for key, value in company.items()]
        origin = {"map": self.plan.name, "citation": self.plan.citation, "licence": self.plan.licence}
        lines += ["", "[source]", *(f"{key} = {_toml(value)}" for key, value in origin.items()), ""]
        (folder / "company.toml").write_text("\n".join(lines), encoding="utf-8")
        with (folder / "import_report.csv").open("w", encoding="utf-8-sig", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(REPORT)
            found = self.engine.execute('SELECT file, "row", "column", "value", rule, "action" FROM _report ORDER BY n')
            while rows := found.fetchmany(10_000):
                writer.writerows(rows)
        summary = origin | {"title": self.plan.title, "reads": self.plan.reads, "cannot_feed": self.plan.cannot_feed,
                            "files": [given for given in self.files.values() if given["file"]], "tables": tables,
                            "reported": counts, "rules": notes}  # fmt: skip
        (folder / "import.json").write_text(json.dumps(summary, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        rows_written = {name: given["rows"] for name, given in tables.items()}
        return ImportReport(self.plan.name, out, rows_written, counts, notes, company)

    def constant(self, key: str, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        found = (self.sql(f"company.{key}", value["sql"]).fetchone() or (None,))[0]
        return found.date() if isinstance(found, dt.datetime) else found

    def write_table(self, name: str, given: dict[str, Any], folder: Path) -> dict[str, Any]:
        """Write what the source can feed: no columns that are null throughout (unless required), no empty optional table."""
        source = given["from"]
        columns = [
            f"CAST({expression} AS {SQL_TYPE.get(TABLES[name].column(column).type, 'VARCHAR')}) AS {_q(column)}"
            for column, expression in given["columns"].items()
        ]
        rows_from = source if re.search(r"\s", source) else f"FROM {_q(source)}"
        self.sql(f"table {name}", f"CREATE TEMP TABLE _out AS SELECT {', '.join(columns)} FROM ({rows_from})")
        filled = self.engine.execute("SELECT count(*), " + ", ".join(f"count({_q(c)})" for c in given["columns"]) + " FROM _out").fetchone()
        assert filled is not None
        required = TABLES[name].required
        keep = [c for c, n in zip(given["columns"], filled[1:], strict=True) if n or c in required]
        if filled[0] or name in INDISPENSABLE:
            with self.engine.sql(f"SELECT {', '.join(map(_q, keep))} FROM _out").to_arrow_reader() as batches:
                with pq.ParquetWriter(folder / f"{name}.parquet", batches.schema, compression="zstd") as writer:
                    for batch in batches:
                        writer.write_batch(batch)
        self.engine.execute("DROP TABLE _out")
        return {"rows": filled[0], "columns": keep} if filled[0] or name in INDISPENSABLE else {}


def find_file(folder: Path, name: str, source: dict[str, Any]) -> Path | None:
    """The one file of a source: ``files`` are name patterns, read without regard to case. None: absent and optional."""
    if folder.is_file():
        return folder
    patterns = [pattern.casefold() for pattern in source["files"]]
    found = sorted({p for p in folder.iterdir() if any(Path(p.name.casefold()).match(pattern) for pattern in patterns)})
    if len(found) > 1:
        raise UnusableData(f"{folder} holds more than one file for {name}: {', '.join(p.name for p in found)}; keep one.")
    if not found and not source.get("optional", False):
        raise UnusableData(f"{folder} has no file for {name}: expected {' or '.join(source['files'])}.")
    return found[0] if found else None


def detect_encoding(path: Path) -> str:
    """``utf-8`` (also with BOM), ``utf-16`` (with BOM) or ``gb18030``; UnusableData if the bytes are none of them."""
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
