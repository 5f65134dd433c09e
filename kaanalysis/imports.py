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
import re
import shutil
import tempfile
from codecs import BOM_UTF8
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from kaanalysis import xes
from kaanalysis.contracts import INDISPENSABLE, TABLES, UnusableData
from kaanalysis.import_maps import ImportMap, list_sources, load_maps
from kaanalysis.source_files import detect_encoding, find_file, read_file

__all__ = ["ImportReport", "detect_encoding", "find_file", "import_source", "list_sources", "load_maps"]

BUILT_IN = {
    "corrected_value": {"en": "a known misspelling was corrected", "zh": "已更正的已知拼写错误"},
    "unreadable_value": {"en": "the value could not be read and was left out", "zh": "该值无法读取，已留空"},
    "wrong_number_of_fields": {"en": "the row has not as many fields as the header", "zh": "该行字段数与表头不符"},
}
REPORT = ("file", "row", "column", "value", "rule", "action")
SQL_TYPE = {"date": "DATE", "month": "DATE", "time": "TIMESTAMP", "amount": "DOUBLE", "number": "DOUBLE",
            "share": "DOUBLE", "integer": "BIGINT", "flag": "BOOLEAN"}  # fmt: skip


@dataclass(frozen=True)
class ImportReport:
    """What an import did. rows: rows written per table; faults: reported source rows per rule; notes: rule → sentence
    by language; company: the values of company.toml; out: the company folder."""

    source: str
    out: Path
    rows: dict[str, int]
    faults: dict[str, int]
    notes: dict[str, dict[str, str]]
    company: dict[str, Any]


def import_source(
    source: str, from_path: Path, out: Path, *, maps: Path | None = None, as_csv: bool = False
) -> ImportReport:
    """Read the files of ``from_path`` (a folder, or the file of a map that needs only one) into a new company folder.

    out: that folder; maps: another folder of maps; as_csv: tables as CSV, which a spreadsheet opens, instead of Parquet. Raises
    UnusableData naming file, column or rule for an unknown source, a missing file or column, an unreadable file, a map that does not
    fit, an ``out`` that holds something; then nothing is written."""
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
            report = _Import(known[source], from_path, engine).write(partial, out, as_csv)
        partial.chmod(0o755)
        if out.exists():
            out.rmdir()
        partial.replace(out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return report


class _Import:
    """One import: sources become tables of the engine, step by step; broken rows collect in the table ``_report``."""

    def __init__(self, plan: ImportMap, folder: Path, engine: duckdb.DuckDBPyConnection) -> None:
        self.plan, self.folder, self.engine = plan, folder, engine
        self.files: dict[str, dict[str, Any]] = {}
        engine.execute("CREATE SEQUENCE _order")
        named = ", ".join(f"{_q(column)} {'BIGINT' if column == 'row' else 'VARCHAR'}" for column in REPORT)
        engine.execute(f"CREATE TABLE _report (n BIGINT DEFAULT nextval('_order'), {named})")
        for name, source in plan.sources.items():
            self.read(name, source)
        for fault in plan.faults:
            self.judge(fault)
        for name, query in plan.views.items():
            self.sql(f"view {name}", f"CREATE TEMP VIEW {_q(name)} AS {query}")

    def sql(self, where: str, query: str) -> list[Any]:
        """All rows of a query out of the map; ``where`` names its place in the map if it does not run."""
        try:
            return self.engine.execute(query).fetchall()
        except duckdb.Error as error:
            raise UnusableData(f"Map {self.plan.name}, {where}: {str(error).splitlines()[0]}") from error

    def report(self, source: str, column: str, value: str, rule: str, action: str, rows: str) -> None:
        """Name rows; value, action: SQL expressions; rows: what follows FROM."""
        said = f"{_s(self.files[source]['file'])}, _row, {_s(column)}, ({value})::VARCHAR, {_s(rule)}, {action}"
        into = ", ".join(map(_q, REPORT))
        self.sql(f"rule {rule}", f"INSERT INTO _report ({into}) SELECT {said} FROM {rows} ORDER BY _row")

    def read(self, name: str, source: dict[str, Any]) -> None:
        path = find_file(self.folder, name, source)
        named = [text.partition("=")[::2] for text in source["columns"]]
        wanted = {name.strip(): [alias.strip() for alias in (said or name).split("|")] for name, said in named}
        skipped: list[tuple[int, str]] = []
        if path is None:
            nothing = {column.rstrip("?"): pa.array([], pa.string()) for column in wanted}
            table = pa.table({"_row": pa.array([], pa.int64())} | nothing)
        else:
            table, skipped = read_file(path, source, wanted)
        self.files[name] = {"file": path.name if path else "", "rows": table.num_rows + len(skipped)}
        self.engine.register("_incoming", table)
        self.engine.execute(f"CREATE TABLE {_q(name)} AS FROM _incoming")
        self.engine.unregister("_incoming")
        if skipped:
            untimed = source.get("format") == "xes"
            rule, action = ("unreadable_value", "blank") if untimed else ("wrong_number_of_fields", "set_aside")
            self.engine.register("_skipped", pa.table(list(zip(*skipped, strict=True)), names=["_row", "said"]))
            self.report(name, xes.TIME if untimed else "", "said", rule, _s(action), "_skipped")
            self.engine.unregister("_skipped")
        for fix in (fix for fix in self.plan.corrections if fix["source"] == name):
            for wrong, right in fix["values"].items():
                column, where = _q(fix["column"]), f"WHERE {_q(fix['column'])} = {_s(wrong)}"
                action = _s(f"corrected: {right}")
                self.report(name, fix["column"], _s(wrong), "corrected_value", action, f"{_q(name)} {where}")
                self.sql("corrections", f"UPDATE {_q(name)} SET {column} = {_s(right)} {where}")
        changed = {}
        for kind, columns in source.get("types", {}).items():
            for column in columns:
                changed[column] = _parse(column, kind)
                rows = f"{_q(name)} WHERE trim({_q(column)}) <> '' AND ({changed[column]}) IS NULL"
                self.report(name, column, _q(column), "unreadable_value", "'blank'", rows)
        if changed:
            new = ", ".join(f"{expression} AS {_q(column)}" for column, expression in changed.items())
            typed = f"SELECT * REPLACE ({new}) FROM {_q(name)}"
            self.sql(f"types of {name}", f"CREATE OR REPLACE TABLE {_q(name)} AS {typed}")

    def judge(self, fault: dict[str, Any]) -> None:
        """Name the rows of a fault; ``set_aside`` also takes them out of the source, for every table."""
        source, column = fault["source"], fault.get("column", "")
        rows = f"({fault.get('from', f'FROM {_q(source)}')}) WHERE {fault['when']}"
        action = _s(fault["action"]) + (f" || ': ' || ({fault['detail']})" if "detail" in fault else "")
        self.report(source, column, _q(column) if column else "NULL", fault["rule"], action, rows)
        if fault["action"] == "set_aside":
            self.sql(fault["rule"], f"DELETE FROM {_q(source)} WHERE _row IN (SELECT _row FROM {rows})")

    def write(self, folder: Path, out: Path, as_csv: bool) -> ImportReport:
        tables = {name: self.write_table(name, given, folder, as_csv) for name, given in self.plan.tables.items()}
        tables = {name: given for name, given in tables.items() if given}
        for name, given in self.plan.companions.items():
            self.write_companion(name, given, folder)
        company = {key: self.constant(key, value) for key, value in self.plan.company.items()}
        for key, value in company.items():
            if value is None:
                raise UnusableData(f"The files of {self.plan.name} hold nothing that {key} of company.toml could be.")
        counts = dict(self.sql("report", "SELECT rule, count(*) FROM _report GROUP BY 1 ORDER BY 1"))
        said = BUILT_IN | {fault["rule"]: {"en": fault["en"], "zh": fault["zh"]} for fault in self.plan.faults}
        notes = {rule: said[rule] for rule in counts}
        lines = [f"{key} = {_toml(value)}" for key, value in company.items()]
        origin = {"map": self.plan.name, "citation": self.plan.citation, "licence": self.plan.licence}
        lines += ["", "[source]", *(f"{key} = {_toml(value)}" for key, value in origin.items()), ""]
        (folder / "company.toml").write_text("\n".join(lines), encoding="utf-8")
        with (folder / "import_report.csv").open("w", encoding="utf-8-sig", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(REPORT)
            writer.writerows(self.sql("report", f"SELECT {', '.join(map(_q, REPORT))} FROM _report ORDER BY n"))
        summary = origin | {"title": self.plan.title, "reads": self.plan.reads, "cannot_feed": self.plan.cannot_feed,
                            "files": [given for given in self.files.values() if given["file"]], "tables": tables,
                            "reported": counts, "rules": notes}  # fmt: skip
        (folder / "import.json").write_text(json.dumps(summary, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        rows_written = {name: given["rows"] for name, given in tables.items()}
        return ImportReport(self.plan.name, out, rows_written, counts, notes, company)

    def write_companion(self, name: str, given: dict[str, Any], folder: Path) -> None:
        """A file beside the tables, ``<name>/<first source file>.csv``; none where the source has nothing for it."""
        columns = ", ".join(
            f"({expression})::VARCHAR AS {_q(column)}" for column, expression in given["columns"].items()
        )
        rows = self.sql(f"companion {name}", f"SELECT {columns} FROM ({given['from']})")
        if not rows:
            return
        stem = Path(next(f["file"] for f in self.files.values() if f["file"])).stem
        (folder / name).mkdir()
        with (folder / name / f"{stem}.csv").open("w", encoding="utf-8-sig", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(given["columns"])
            writer.writerows(rows)

    def constant(self, key: str, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        found = self.sql(f"company.{key}", value["sql"])[0][0]
        return found.date() if isinstance(found, dt.datetime) else found

    def write_table(self, name: str, given: dict[str, Any], folder: Path, as_csv: bool) -> dict[str, Any]:
        """Write what the source can feed: no column that is null throughout (unless required), no empty table (unless
        indispensable)."""
        source = given["from"]
        columns = [
            f"CAST({expression} AS {SQL_TYPE.get(TABLES[name].column(column).type, 'VARCHAR')}) AS {_q(column)}"
            for column, expression in given["columns"].items()
        ]
        rows_from = source if re.search(r"\s", source) else f"FROM {_q(source)}"
        self.sql(f"table {name}", f"CREATE TEMP TABLE _out AS SELECT {', '.join(columns)} FROM ({rows_from})")
        counts = ", ".join(f"count({_q(column)})" for column in given["columns"])
        rows, *filled = self.sql(name, f"SELECT count(*), {counts} FROM _out")[0]
        required = TABLES[name].required
        keep = [column for column, n in zip(given["columns"], filled, strict=True) if n or column in required]
        if rows or name in INDISPENSABLE:
            batches = self.engine.sql(f"SELECT {', '.join(map(_q, keep))} FROM _out").to_arrow_reader()
            if as_csv:
                # The mark at the start tells a spreadsheet that the text is UTF-8; Chinese names come out right.
                with (folder / f"{name}.csv").open("wb") as stream:
                    stream.write(BOM_UTF8)
                    with pa_csv.CSVWriter(stream, batches.schema) as table:
                        for batch in batches:
                            table.write_batch(batch)
            else:
                with pq.ParquetWriter(folder / f"{name}.parquet", batches.schema, compression="zstd") as writer:
                    for batch in batches:
                        writer.write_batch(batch)
        self.sql(name, "DROP TABLE _out")
        return {"rows": rows, "columns": keep} if rows or name in INDISPENSABLE else {}


def _parse(column: str, kind: str) -> str:
    """SQL that reads a text column as a number, a flag, an ISO date or time (the day as written: an offset is not
    applied), or a date in the strptime form ``kind``."""
    text = f"trim({_q(column)})"
    if kind == "number":
        return f"CASE WHEN isfinite(TRY_CAST({text} AS DOUBLE)) THEN TRY_CAST({text} AS DOUBLE) END"
    if kind == "flag":
        yes, no = (f"lower({text}) IN {words}" for words in (("true", "1", "yes"), ("false", "0", "no")))
        return f"CASE WHEN {yes} THEN true WHEN {no} THEN false END"
    return f"TRY_CAST({text} AS TIMESTAMP)" if kind == "date" else f"try_strptime({text}, {_s(kind)})"


def _q(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _s(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _toml(value: Any) -> str:
    return value.isoformat() if isinstance(value, dt.date) else json.dumps(value, ensure_ascii=False)
