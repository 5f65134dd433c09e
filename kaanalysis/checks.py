"""Contract rules over raw tables: every broken value is named, valid rows get their types.

One pass per table: each column becomes a typed column and a fault column (the key of the first rule it breaks, or null), as
Ibis expressions that run inside the engine; only the broken values reach Python.
"""

from __future__ import annotations

import datetime as dt
import re
from pathlib import PurePath

import ibis
import ibis.expr.types as ir

from kaanalysis.company_toml import CompanyInfo
from kaanalysis.contracts import INDISPENSABLE, RULES, TABLES, Action, Column, Fault, Table, UnusableData, nearest
from kaanalysis.intake import ROW, RawTables

_DATE = r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?( ?(Z|UTC|[+-]\d{2}(:?\d{2})?))?)?$"
_MONTH = r"^\d{4}-\d{2}$"
_MONEY = r"^\s*([A-Z]{3}|[$€£¥￥])?\s*-?[\d.,]+\s*([A-Z]{3}|[$€£¥￥元])?\s*$"
# Plain decimals and exponents only: the engine itself would also read 1_000 and take inf and nan for numbers.
_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
# Groups of three behind a comma, a blank or an apostrophe, perhaps decimals behind a point: a number but for its separators; "1,5" is none.
_GROUPED = r"^[+-]?\d{1,3}([,， '’\x{00A0}\x{202F}]\d{3})+(\.\d+)?$"
_EARLIEST, _LATEST = dt.date(1900, 1, 1), dt.date(2200, 1, 1)
CURRENCY_COLUMNS = ("currency", "currency_iso_code")

# What ends after the cut-off is still open at the cut-off: the row stays, its end is taken away (replays depend on it).
_CENSORED_ENDS = {("opportunities", "closed_at"), ("subscriptions", "ended_at")}


def _typed(column: Column, text: ir.StringValue) -> tuple[ir.Value, str]:
    """The typed value (null where the text does not read as the type) and the rule that a failing text breaks."""
    match column.type:
        case "id" | "text":
            return text, ""
        case "choice":
            return text.isin(column.choices).ifelse(text, ibis.null("string")), "unknown_choice"
        case "date" | "month":
            day = text.re_search(_DATE).ifelse(text.substr(0, 10).try_cast("date"), ibis.null("date"))
            if column.type == "month":
                month = text.re_search(_MONTH).ifelse((text + "-01").try_cast("date"), day)
                return month.truncate("M").cast("date"), "not_a_date"
            return day, "not_a_date"
        case "time":
            moment = text.try_cast(ibis.dtype("timestamp('UTC')")).cast("timestamp")
            return text.re_search(_DATE).ifelse(moment, ibis.null("timestamp")), "not_a_time"
        case "flag":
            low = text.lower()
            return low.isin(["true", "1"]).ifelse(
                True, low.isin(["false", "0"]).ifelse(False, ibis.null("boolean"))
            ), "not_a_flag"
        case "integer":
            number = text.re_search(_NUMBER).ifelse(text.try_cast("float64"), ibis.null("float64"))
            # Beyond 2^53 a whole number is no longer exact, and far beyond it does not fit 64 bits. (NaN is the largest number here.)
            number = (number.abs() <= 2.0**53).ifelse(number, ibis.null("float64"))
            ok = number == number.floor()
            return ok.ifelse(number, ibis.null("float64")).cast("int64"), "not_a_number"
        case _:
            number = text.re_search(_NUMBER).ifelse(text.try_cast("float64"), ibis.null("float64"))
            return (number.isnan() | number.isinf()).ifelse(ibis.null("float64"), number), "not_a_number"


_ENGINE_TYPES = {"id": "string", "text": "string", "choice": "string", "date": "date", "month": "date", "time": "timestamp",
                 "flag": "boolean", "integer": "int64"}  # fmt: skip


def _value_rules(
    table: Table, column: Column, text: ir.StringValue, value: ir.Value, as_of: dt.date
) -> list[tuple[ir.BooleanValue, str]]:
    """(condition, rule) pairs for a value that reads as its type; the first that holds names the fault."""
    rules: list[tuple[ir.BooleanValue, str]] = []
    if column.type in ("date", "time", "month"):
        day = value.cast("date")
        rules.append(((day < _EARLIEST) | (day >= _LATEST), "impossible_date"))
        if column.name in table.after_as_of:
            rules.append((day > as_of, "after_as_of"))
    if column.minimum is not None:
        rules.append((value < column.minimum, "below_minimum"))
    if column.type == "share":
        rules.append((value > 1, "above_one"))
    return rules


def _own_money(currency: str) -> str:
    """Pattern of the company's own currency in a text: such an amount is no number, but it is in the right currency."""
    signs = {"CNY": "|[¥￥元]", "JPY": "|[¥￥]", "EUR": "|€", "GBP": "|£", "USD": r"|\$"}
    return currency + signs.get(currency, "")


def _action(table: Table, column: Column, rule: str) -> Action:
    if rule == "after_as_of" and (table.name, column.name) in _CENSORED_ENDS:
        return "censor"
    if column.name in table.key and rule in ("required", "key_missing"):
        return "refuse"
    # What is recorded after the cut-off is not known at the cut-off: such a row is not part of the picture.
    return "set_aside" if column.required or rule == "after_as_of" else "blank"


def _check_table(raw: RawTables, table: Table, info: CompanyInfo, typed: dict[str, ibis.Table]) -> ibis.Table:
    """The valid, typed rows of one table with all columns of the contract, materialised; faults are added to ``raw.faults``."""
    source = raw.table(table.name)
    present = [c for c in table.columns if c.name in source.columns]
    known = {c.name for c in table.columns}
    for name in raw.columns(table.name):
        if name not in known and name not in CURRENCY_COLUMNS:
            raw.faults.append(Fault(table.name, name, None, None, "unknown_column", "ignore"))
    there = raw.columns(table.name)
    missing = [c for c in table.required if c not in there]
    if missing:
        hint = (
            " Its values seem to be separated by another sign than a comma."
            if len(there) == 1 and re.search(r"[;\t|]", there[0])
            else "".join(
                f" Is {near!r} meant to be {column}? Column names must match exactly."
                for column in missing
                for near in nearest(column, set(there) - {c.name for c in table.columns})
            )
        )
        raise UnusableData(
            f"table {table.name} ({raw.found[table.name]}) has no column {', '.join(missing)}; required are "
            f"{', '.join(table.required)}; there are {', '.join(there)}.{hint}"
        )

    values: dict[str, ir.Value] = {}
    faults: dict[str, ir.Value] = {}
    for column in present:
        text = source[column.name].cast("string").strip().nullif("")
        value, type_rule = _typed(column, text)
        branches: list[tuple[ir.BooleanValue, ir.Value]] = []
        if column.required:
            branches.append((text.isnull(), ibis.literal("key_missing" if column.name in table.key else "required")))
        if column.type == "amount":
            foreign = (
                text.re_search(_MONEY)
                & text.re_search(r"[A-Z]{3}|[$€£¥￥元]")
                & ~text.re_search(_own_money(info.currency))
            )
            branches.append((text.notnull() & value.isnull() & foreign, ibis.literal("mixed_currency")))
        if type_rule == "not_a_number":
            branches.append(
                (text.notnull() & value.isnull() & text.re_search(_GROUPED), ibis.literal("thousands_separator"))
            )
        if type_rule:
            branches.append((text.notnull() & value.isnull(), ibis.literal(type_rule)))
        branches += [
            (condition, ibis.literal(rule)) for condition, rule in _value_rules(table, column, text, value, info.as_of)
        ]
        values[column.name] = value
        faults[column.name] = ibis.cases(*branches, else_=ibis.null("string")) if branches else ibis.null("string")
    staged = source.select(
        ROW,
        *[v.name(n) for n, v in values.items()],
        *[f.name(f"fault_{n}") for n, f in faults.items()],
        *[source[c.name].cast("string").name(f"text_{c.name}") for c in present],
        *[source[c].cast("string").name(f"text_{c}") for c in CURRENCY_COLUMNS if c in source.columns],
    )
    if any(c.references for c in present):
        typed_only = raw.connection.create_table(f"typed_{table.name}", staged)
        staged = raw.connection.create_table(f"staged_{table.name}", _references(table, present, typed_only, typed))
        raw.raw_sql(f"DROP TABLE typed_{table.name}")
    else:
        staged = raw.connection.create_table(f"staged_{table.name}", staged)
    aside: list[ir.BooleanValue] = []
    keep: dict[str, ir.Value] = {ROW: staged[ROW]}
    # One scan says which columns hold any fault at all; most hold none and cost nothing more.
    counts = raw.raw_sql(
        "SELECT " + ", ".join(f'count("fault_{c.name}")' for c in present) + f" FROM staged_{table.name}"
    )[0]
    faulty = {c.name for c, n in zip(present, counts, strict=True) if n}
    for column in present:
        if column.name not in faulty:
            keep[column.name] = staged[column.name]
            continue
        fault = staged[f"fault_{column.name}"]
        broken = sorted(staged.filter(fault.notnull()).select(rule=fault).distinct().execute()["rule"])
        actions = {rule: _action(table, column, rule) for rule in broken}
        _record(raw, table, column.name, staged, fault, actions)
        for rule, action in actions.items():
            if action in ("set_aside", "refuse"):
                aside.append(fault == rule)
        keep[column.name] = fault.notnull().ifelse(ibis.null(staged[column.name].type()), staged[column.name])
    aside += _row_rules(raw, table, staged, info)
    for order in table.orders:
        if order.action == "blank" and {order.earlier, order.later} <= keep.keys():
            backwards = (staged[order.later] < staged[order.earlier]).fill_null(False)
            keep[order.earlier] = backwards.ifelse(ibis.null(staged[order.earlier].type()), keep[order.earlier])
    if table.name == "opportunities" and "closed_at" in keep:
        ends_later = (staged.fault_closed_at == "after_as_of").fill_null(False)
        keep["outcome"] = ends_later.ifelse("open", keep["outcome"])
        keep["closed_at"] = (keep["outcome"] == "open").ifelse(ibis.null("date"), keep["closed_at"])
    valid = staged
    for condition in aside:
        valid = valid.filter(~condition.fill_null(False))
    columns = [ibis.expr.types.Value.name(v, n) for n, v in keep.items()]
    # What is not recorded is a column of nulls: whoever reads the table need not ask which columns came with it.
    columns += [
        ibis.null(_ENGINE_TYPES.get(c.type, "float64")).name(c.name) for c in table.columns if c.name not in keep
    ]
    result = raw.connection.create_table(table.name, valid.select(*columns))
    raw.raw_sql(f"DROP TABLE staged_{table.name}")
    return result


def _as_written(value: object) -> str | None:
    """A value as it stood in the source; None where it was empty (the frame's NaN is not equal to itself)."""
    return None if value is None or value != value else str(value)


def _record(
    raw: RawTables, table: Table, column: str, staged: ibis.Table, fault: ir.Value, actions: dict[str, Action]
) -> None:
    rows = (
        staged.filter(fault.notnull()).select(ROW, value=staged[f"text_{column}"], rule=fault).order_by(ROW).execute()
    )
    for row, value, rule in rows.itertuples(index=False):
        raw.faults.append(Fault(table.name, column, int(row), _as_written(value), rule, actions[rule]))


def _references(table: Table, present: list[Column], staged: ibis.Table, typed: dict[str, ibis.Table]) -> ibis.Table:
    """Mark values that do not occur in the table they refer to (its valid rows; its own rows for a self-reference)."""
    for column in present:
        if not column.references:
            continue
        target, key = column.references.split(".")
        if target not in typed and target != table.name:
            continue
        known = (staged if target == table.name else typed[target]).select(known=key).distinct()
        known = known.filter(known.known.notnull())  # NOT IN is never true where the list holds a null
        fault = staged[f"fault_{column.name}"]
        value = staged[column.name]
        orphan = value.notnull() & value.notin(known.known)
        marked = ibis.cases((fault.notnull(), fault), (orphan, ibis.literal("orphan")), else_=ibis.null("string"))
        if target == table.name:
            marked = ibis.cases(
                (marked.notnull(), marked),
                (value == staged[key], ibis.literal("own_parent")),
                else_=ibis.null("string"),
            )
        staged = staged.mutate(**{f"fault_{column.name}": marked})
    return staged


def _rows_breaking(
    raw: RawTables, table: Table, column: str, staged: ibis.Table, condition: ir.BooleanValue, rule: str, action: Action
) -> bool:
    text = staged[f"text_{column}"] if f"text_{column}" in staged.columns else ibis.null("string")
    rows = staged.filter(condition).select(ROW, value=text).order_by(ROW).execute()
    for row, value in rows.itertuples(index=False):
        raw.faults.append(Fault(table.name, column, int(row), _as_written(value), rule, action))
    return len(rows) > 0


def _row_rules(raw: RawTables, table: Table, staged: ibis.Table, info: CompanyInfo) -> list[ir.BooleanValue]:
    """Rules over several columns or rows of one table; returns conditions of rows to set aside."""
    aside: list[ir.BooleanValue] = []
    columns = set(staged.columns)
    for order in table.orders:
        if {order.earlier, order.later} <= columns:
            backwards = staged[order.later] < staged[order.earlier]
            # Where the row stays, it is the beginning that is left out: the end is what everything else is counted from.
            named = order.earlier if order.action == "blank" else order.later
            if (
                _rows_breaking(raw, table, named, staged, backwards, "runs_backwards", order.action)
                and order.action == "set_aside"
            ):
                aside.append(backwards)
    for name in CURRENCY_COLUMNS:
        if f"text_{name}" in columns:
            other = staged[f"text_{name}"].strip().upper() != info.currency
            if _rows_breaking(raw, table, name, staged, other, "mixed_currency", "set_aside"):
                aside.append(other)
    if table.name == "opportunities" and "closed_at" in columns:
        closed = staged.closed_at.notnull()
        _rows_breaking(
            raw,
            table,
            "closed_at",
            staged,
            closed & (staged.outcome == "open") & (staged.closed_at <= info.as_of),
            "open_but_closed",
            "blank",
        )
        unclosed = staged.text_closed_at.strip().nullif("").isnull()
        _rows_breaking(
            raw, table, "closed_at", staged, unclosed & (staged.outcome != "open"), "closed_without_date", "keep"
        )
    if table.name == "opportunities" and "exit" in columns:
        _rows_breaking(
            raw,
            table,
            "exit",
            staged,
            (staged.outcome == "won") & staged.exit.isin(["lost", "drifted"]),
            "won_but_exit_lost",
            "keep",
        )
    if table.key:
        keys = [staged[k] for k in table.key]
        present = ibis.and_(*[k.notnull() for k in keys])
        numbered = staged.filter(present).mutate(
            repeat__=ibis.row_number().over(group_by=list(table.key), order_by=ROW)
        )
        rows = (
            numbered.filter(numbered.repeat__ > 0)
            .order_by(ROW)
            .select(ROW, *[f"text_{k}" for k in table.key])
            .execute()
        )
        for values in rows.itertuples(index=False):
            raw.faults.append(
                Fault(
                    table.name,
                    "+".join(table.key),
                    int(values[0]),
                    ", ".join(map(str, values[1:])),
                    "key_repeated",
                    "refuse",
                )
            )
    else:
        texts = [c for c in staged.columns if c.startswith("text_")]
        numbered = staged.mutate(repeat__=ibis.row_number().over(group_by=texts, order_by=ROW))
        rows = numbered.filter(numbered.repeat__ > 0).order_by(ROW).select(ROW).execute()
        raw.faults.extend(Fault(table.name, "", int(row), None, "repeated_row", "keep") for row in rows[ROW])
    return aside


def _missing(name: str, faults: list[Fault]) -> str:
    """What to say of an indispensable table that is not there: of a file that is it but for its form or its name, what is wrong with it."""
    said = f"table {name} is missing: a company folder needs {' and '.join(INDISPENSABLE)} (as .parquet or .csv)."
    for fault in faults:
        stem = PurePath(fault.table).stem
        if fault.rule == "excel_file" and stem.lower() == name:
            return f"table {name} is missing: {fault.table} {RULES['excel_file']}."
        if fault.rule == "unknown_table" and nearest(stem, TABLES) == [name]:
            said += f" Is {fault.table} meant to be {name}.csv?"
    return said


def check_tables(raw: RawTables, info: CompanyInfo) -> dict[str, ibis.Table]:
    """Check all tables in the order of the contract (accounts and deals first, since others refer to them).

    Returns the valid rows by table. Raises :class:`UnusableData` where an indispensable table or a required column is
    missing, or where a table breaks a rule of its keys.
    """
    for name in INDISPENSABLE:
        if name not in raw.found:
            raise UnusableData(_missing(name, raw.faults))
    typed: dict[str, ibis.Table] = {}
    for name, table in TABLES.items():
        if name not in raw.found:
            continue
        typed[name] = _check_table(raw, table, info, typed)
        if raw.raw_sql(f"SELECT count(*) FROM raw_{name}")[0][0] == 0:
            raw.faults.append(Fault(name, "", None, None, "empty_table", "keep"))
    return typed
