"""Companies in memory: drawn tables become an open company without files, and an expression is compiled once per process.

A study of thousands of companies asks the same questions of each. Writing CSV, reading it back and checking it would cost more than
the answers, and so would translating the same Ibis expressions to SQL again and again. Both are left out here and nowhere else: the
analyses are the workbook's own, called as the workbook calls them.
"""

from __future__ import annotations

from typing import Any

import duckdb
import ibis.backends.duckdb as ibis_duckdb
import ibis.expr.types as ir
import pyarrow as pa

from kaanalysis.company import Company
from kaanalysis.company_toml import CompanyInfo
from kaanalysis.contracts import TABLES
from kaanalysis.simulate.world import World


class CompilingOnce(ibis_duckdb.Backend):
    """The DuckDB backend, which remembers the SQL of an expression; expressions over tables of the same names and types are equal."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._known: dict[tuple[Any, Any], str] = {}
        self._ready: set[Any] = set()
        self._made: dict[tuple[str, Any], ir.Table] = {}

    def _run_pre_execute_hooks(self, expr: ir.Expr) -> None:
        # Registers what the expression needs in the engine (nothing, for plain tables): once is enough.
        if expr.op() not in self._ready:
            super()._run_pre_execute_hooks(expr)
            self._ready.add(expr.op())

    def compile(self, expr: ir.Expr, /, *, limit: Any = None, params: Any = None, pretty: bool = False) -> str:
        if params is not None or pretty:
            return super().compile(expr, limit=limit, params=params, pretty=pretty)
        key = (expr.op(), limit)
        if key not in self._known:
            self._known[key] = super().compile(expr, limit=limit)
        return self._known[key]

    def create_table(self, name: str, /, obj: Any = None, **options: Any) -> ir.Table:
        """As ever; a table of an expression met before is filled by the SQL known for it."""
        if options or not isinstance(obj, ir.Table):
            return super().create_table(name, obj, **options)
        if (name, obj.op()) not in self._made:
            self._known[(obj.op(), None)] = super().compile(obj)
            self._made[(name, obj.op())] = super().create_table(name, obj)
        else:
            self.con.execute(f'CREATE TABLE "{name}" AS {self.compile(obj)}')
        return self._made[(name, obj.op())]


class Engine:
    """One DuckDB connection of one thread, used for one company after the other. It stands in for the tables as read
    (:class:`kaanalysis.intake.RawTables`), of which an analysis uses `connection` and `raw_sql` only."""

    def __init__(self) -> None:
        self.connection = CompilingOnce()
        self.connection.do_connect(database=":memory:")
        self.raw_sql("SET threads = 1")
        self._schemas: dict[str, Any] = {}
        self._tables: dict[str, ir.Table] = {}

    def raw_sql(self, query: str) -> duckdb.DuckDBPyConnection:
        return self.connection.con.execute(query)

    def open(self, world: World, tables: dict[str, pa.Table]) -> Company:
        """`tables` as an open company; what was opened before is gone. `has` is answered from Arrow's null counts."""
        filled: dict[str, bool] = {}
        there: dict[str, ir.Table] = {}
        for name, table in tables.items():
            typed = _typed(name, table)
            self.connection.con.register("incoming", typed)
            self.raw_sql(f'CREATE OR REPLACE TABLE "{name}" AS SELECT * FROM incoming')
            self.connection.con.unregister("incoming")
            if self._schemas.get(name) != typed.schema:
                self._schemas[name], self._tables[name] = typed.schema, self.connection.table(name)
            there[name] = self._tables[name]
            filled[name] = table.num_rows > 0
            for column in TABLES[name].columns:
                here = column.name in table.column_names
                filled[f"{name}.{column.name}"] = here and table[column.name].null_count < table.num_rows
        info = CompanyInfo(
            name=world.name,
            currency=world.currency,
            as_of=world.as_of,
            observed_from=world.observed_from,
            ka_launch=world.ka_launch,
            language=world.language,
        )
        rows = {name: table.num_rows for name, table in tables.items()}
        return Company(info, there, [], "drawn", rows, dict(rows), raw=self, _filled=filled)  # type: ignore[arg-type]


def _typed(name: str, table: pa.Table) -> pa.Table:
    """Row numbers added and days cast to times where the contract holds times, as checking a folder does."""
    for column in TABLES[name].columns:
        if column.type == "time" and column.name in table.column_names:
            at = table.column_names.index(column.name)
            table = table.set_column(at, column.name, table[column.name].cast(pa.timestamp("us")))
    return table.append_column("row__", pa.array(range(table.num_rows), pa.int64()))
