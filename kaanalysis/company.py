"""A company folder or database, opened once: valid typed tables, what was wrong, and what is there to work with."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import ibis
import pandas as pd

from kaanalysis import opened
from kaanalysis.account_groups import cut, selection
from kaanalysis.checks import check_tables
from kaanalysis.company_toml import CompanyInfo, read_company_toml
from kaanalysis.contracts import TABLES, Fault, UnusableData
from kaanalysis.deal_facts import empty_facts, read_deal_facts
from kaanalysis.decision_log import empty_changes, read_changes
from kaanalysis.intake import RawTables, read_database, read_folder
from kaanalysis.interviews import empty_interviews, read_interviews
from kaanalysis.lanes import read_lanes, read_path_settings
from kaanalysis.rankings import COLUMNS as RANKING_COLUMNS
from kaanalysis.rankings import read_rankings
from kaanalysis.sales_sheets import read_saved

# What of an opened company other processes of a run are handed besides its tables.
HANDED_ON = ("info", "faults", "data_hash", "rows_read", "rows_valid", "import_faults", "rankings", "interviews", "deal_facts", "changes",
             "interests", "selling", "path_settings", "sheet", "selected")  # fmt: skip
FAULT_COLUMNS = ["table", "column", "row", "value", "rule", "action"]


@dataclass
class Company:
    """tables: valid rows by contract table, in the engine. faults: what broke a rule of the contract.
    import_faults: what the import of the source already found. rankings: ranking lists beside the tables; interviews: who was asked,
    by whom and when, by flow; interests: what the company says interests a role, selling: what it says selling does at a node of the
    customer's flow, path_settings: what it says of the paths' checklists (empty: as the catalogue has it); sheet: the sales sheet that
    the analyst saved (None: none); deal_facts: what sellers note of deals; changes: the dated decisions of the programme. selected:
    column and value of the accounts that it was cut down to ((None, None): the whole company). rows_read, rows_valid: counts by table.
    expressions: what aggregates have built over these tables, frames: what they have read from them, by policy; a copy with other tables
    starts with none."""

    info: CompanyInfo
    tables: dict[str, ibis.Table]
    faults: list[Fault]
    data_hash: str
    rows_read: dict[str, int]
    rows_valid: dict[str, int]
    import_faults: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=["file", *FAULT_COLUMNS[1:]]))
    raw: RawTables | None = None
    rankings: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(RANKING_COLUMNS)))
    interviews: pd.DataFrame = field(default_factory=empty_interviews)
    deal_facts: pd.DataFrame = field(default_factory=empty_facts)
    changes: pd.DataFrame = field(default_factory=empty_changes)
    interests: dict[str, dict[str, Any]] = field(default_factory=dict)
    selling: dict[str, Any] = field(default_factory=dict)
    path_settings: dict[str, Any] = field(default_factory=dict)
    sheet: pd.DataFrame | None = None
    selected: tuple[str | None, str | None] = (None, None)
    _filled: dict[str, bool] = field(default_factory=dict)
    expressions: dict[Any, ibis.Table] = field(default_factory=dict, init=False)
    frames: dict[Any, pd.DataFrame] = field(default_factory=dict, init=False)

    @property
    def refused(self) -> list[Fault]:
        """Faults that stop the run before anything is computed."""
        return [f for f in self.faults if f.action == "refuse"]

    def table(self, name: str) -> ibis.Table:
        if name not in self.tables:
            raise KeyError(f"table {name} is not there; ask missing() first")
        return self.tables[name]

    def has(self, name: str) -> bool:
        """Whether ``table`` has rows, ``table.column`` has any value, or ``company.key`` is given in company.toml; ``a|b``: either."""
        if "|" in name:
            return any(self.has(part) for part in name.split("|"))
        if name not in self._filled:
            table, _, column = name.partition(".")
            if name == "company.changes":
                return not self.changes.empty  # in company.toml or beside the tables
            if table == "company":
                return getattr(self.info, column) is not None
            if table not in TABLES:
                raise KeyError(f"the contract has no table {table!r}")
            if column:
                TABLES[table].column(column)
            if table not in self.tables or (column and column not in self.tables[table].columns):
                self._filled[name] = False
            else:
                source = self.tables[table]
                filled = source.filter(source[column].notnull()) if column else source
                self._filled[name] = bool(filled.limit(1).count().execute())
        return self._filled[name]

    def missing(self, *names: str) -> list[str]:
        """Those of ``table`` / ``table.column`` that hold nothing, in the order asked."""
        return [n for n in names if not self.has(n)]

    def fault_frame(self) -> pd.DataFrame:
        """All faults, one row each: table, column, row (1-based), value, rule, action."""
        rows = [(f.table, f.column, f.row, f.value, f.rule, f.action) for f in self.faults]
        frame = pd.DataFrame(rows, columns=FAULT_COLUMNS)
        return frame.astype({"row": "Int64"})


def _location(data: str | Path) -> tuple[Path, str | None]:
    """The folder that holds company.toml, and the database if the company lies in one."""
    path = Path(data)
    if path.is_dir():
        return path, None
    if path.is_file() and path.suffix.lower() in (".duckdb", ".db", ".ddb"):
        return path.parent, str(path)
    if path.is_file():
        raise UnusableData(f"{path} is neither a company folder nor a DuckDB file.")
    raise UnusableData(f"{path} does not exist.")


def _import_faults(folder: Path) -> pd.DataFrame | None:
    path = folder / "import_report.csv"
    if not path.is_file():
        return None
    try:
        frame = pd.read_csv(path, dtype=str, keep_default_na=False)
        return frame[["file", "row", "column", "value", "rule", "action"]]
    except (KeyError, ValueError, UnicodeDecodeError) as error:
        raise UnusableData(f"{path} is not an import report ({error}); import the source again or remove it.") from None


def _count(raw: RawTables, table: str) -> int:
    return int(raw.raw_sql(f'SELECT count(*) FROM "{table}"')[0][0])


def open_company(data: str | Path, *, refuse: bool = True) -> Company:
    """Open a company folder (or a DuckDB file with ``company.toml`` beside it) and check it, or one group of its accounts
    (``folder#region=east``, :mod:`kaanalysis.account_groups`). What the present run handed on for the place is taken from there.

    refuse: raise :class:`UnusableData` where a key rule is broken, naming the first rows; ``False`` returns the company with
    ``refused`` filled (for `check`, which lists them all).
    """
    whole, column, value = selection(str(data))
    company = _handed_on(data) or _handed_on(whole, copy=column is not None)
    if company is not None and company.selected == (column, value):
        return company
    company = company or _open(whole, refuse)
    return company if column is None else _group(company, column, value)


def hand_on(company: Company, place: str, folder: Path) -> None:
    """Write an opened company into `folder` for the other processes of this run (:mod:`kaanalysis.opened`); place: as they will ask for
    it."""
    assert company.raw is not None
    rest = {n: getattr(company, n) for n in HANDED_ON}
    opened.hand_on(company.raw, list(company.tables), place, rest, folder)


def _handed_on(place: str | Path, *, copy: bool = False) -> Company | None:
    found = opened.handed_on(place, copy=copy)
    if found is None:
        return None
    raw, tables, rest = found
    return Company(tables=tables, raw=raw, **rest)


def _group(company: Company, column: str, value: str | None) -> Company:
    """The company cut down to one group, in place: its engine holds nothing else any more. Faults are those of the whole folder: of a
    row set aside nobody can say where it belongs."""
    assert company.raw is not None
    raw, names = company.raw, set(company.tables)
    cut(raw, names, column, value)
    flows = set(company.table("buying_steps").flow_id.execute()) if "buying_steps" in names else set()
    deals = set(company.table("opportunities").opportunity_id.execute())
    rows = {n: _count(raw, n) for n in company.tables}
    digest = hashlib.sha256(f"{company.data_hash} {column} {value!r}".encode()).hexdigest()[:16]
    return replace(
        company, data_hash=digest, rows_read=rows, rows_valid=rows, rankings=company.rankings.head(0),
        interviews=company.interviews[company.interviews["flow_id"].isin(flows)].reset_index(drop=True),
        deal_facts=company.deal_facts[company.deal_facts["opportunity_id"].isin(deals)].reset_index(drop=True),
        selected=(column, value), _filled={},
    )  # fmt: skip


def _open(data: str | Path, refuse: bool) -> Company:
    folder, database = _location(data)
    info = read_company_toml(folder / "company.toml")
    database = database or info.database
    if database:
        location = (
            database
            if "://" in database or Path(database).is_absolute()
            else str(folder / Path(database).name if Path(data).is_file() else folder / database)
        )
        raw = read_database(location, folder / "company.toml")
    else:
        raw = read_folder(folder)
    tables = check_tables(raw, info)
    lists, list_faults, digest = read_rankings(folder)
    raw.faults += list_faults
    raw.digest.update(digest)
    asked, asked_faults, asked_digest = read_interviews(folder)
    interests, selling, lanes_digest = read_lanes(folder)
    sheet, sheet_digest = read_saved(folder)
    deals = tables["opportunities"].opportunity_id
    facts, fact_faults, facts_digest = read_deal_facts(folder, lambda: set(deals.execute()))
    decisions, change_faults, change_digest = read_changes(folder, info.changes, info.as_of)
    raw.faults += asked_faults + fact_faults + change_faults
    raw.digest.update(asked_digest + lanes_digest + sheet_digest + facts_digest + change_digest)
    imported = _import_faults(folder)
    company = Company(
        info, tables, raw.faults, raw.digest.hexdigest()[:16],
        {n: _count(raw, f"raw_{n}") + sum(f.table == n and f.rule == "ragged_row" for f in raw.faults) for n in tables},
        {n: _count(raw, n) for n in tables},
        raw=raw, rankings=lists, interviews=asked, interests=interests, selling=selling, sheet=sheet,
        path_settings=read_path_settings(folder), deal_facts=facts, changes=decisions,
    )  # fmt: skip
    if imported is not None:
        company.import_faults = imported
    for name in tables:
        raw.raw_sql(f"DROP TABLE raw_{name}")
    if refuse and company.refused:
        first = company.refused[0]
        more = f" ({len(company.refused)} such rows; `kaanalysis check` lists them)" if len(company.refused) > 1 else ""
        raise UnusableData(first.sentence() + more)
    return company
