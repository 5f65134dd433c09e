"""A company opened once for many processes: its checked tables as a file that each of them attaches, read-only, in milliseconds.

Notebooks of one run are processes of their own, and each used to read and check the company's files again. The run now writes what it
opened (:func:`hand_on`), names it in the environment variable :data:`OPENED`, and :func:`kaanalysis.company.open_company` takes it from
there where the same place is asked for. All steps of a run thereby see the same data, also where the files change meanwhile.
"""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import ibis

from kaanalysis.intake import RawTables, quoted

OPENED = "KAANALYSIS_OPENED"  # folder of companies handed on; set by a run for its own processes alone
TABLES_FILE, REST_FILE = "tables.duckdb", "rest.pickle"


def place_key(data: str | Path) -> str:
    """One name for a place, however it is written: paths are made absolute, addresses of databases are left."""
    text = str(data)
    return text if "://" in text else os.path.abspath(text)  # noqa: PTH100 - links are left as they are


def hand_on(raw: RawTables, tables: list[str], place: str | Path, rest: dict[str, Any], folder: Path) -> None:
    """Write the checked tables and what else belongs to an opened company into a folder that nobody else may read.

    rest: whatever can be pickled. The last file written is the one that :func:`handed_on` looks for."""
    folder.mkdir(mode=0o700)
    raw.raw_sql(f"ATTACH {quoted(folder / TABLES_FILE)} AS handing_on")
    for table in tables:
        raw.raw_sql(f'CREATE TABLE handing_on."{table}" AS SELECT * FROM "{table}"')
    raw.raw_sql("DETACH handing_on")
    (folder / REST_FILE).write_bytes(pickle.dumps((place_key(place), tables, rest)))


def handed_on(
    place: str | Path, *, copy: bool = False
) -> tuple[RawTables, dict[str, ibis.Table], dict[str, Any]] | None:
    """(engine, tables, the rest) of a company that this run handed on for `place`; None where it handed on none.

    copy: tables that may be changed, not views of the file."""
    base = os.environ.get(OPENED)
    for folder in sorted(Path(base).iterdir()) if base and Path(base).is_dir() else ():
        if not (folder / REST_FILE).is_file():
            continue
        key, names, rest = pickle.loads((folder / REST_FILE).read_bytes())
        if key != place_key(place):
            continue
        raw = RawTables()
        raw.raw_sql(f"ATTACH {quoted(folder / TABLES_FILE)} AS handed_on (READ_ONLY)")
        for name in names:
            raw.raw_sql(f'CREATE {"TABLE" if copy else "VIEW"} "{name}" AS SELECT * FROM handed_on."{name}"')
        return raw, {name: raw.connection.table(name) for name in names}, rest
    return None
