"""Tables of 04 path selection for a reader: the ledger by line, and what went into it."""

from __future__ import annotations

import pandas as pd

from kaanalysis.analyses.ledger import LINES, PATHS, SMB_LOSS
from kaanalysis.display.parts import Rows, as_frame, currency
from kaanalysis.results import Number, Result
from kaanalysis.text import Words

CASH = "cash"


def line_name(line: str, words: Words) -> str:
    return words(f"figures.line.{line}")


def ledger_lines(result: Result, words: Words) -> pd.DataFrame:
    """Expected cash over the whole horizon, one row per line and one column per path, then cash and the SMB loss in it."""
    frame, unit = result.frames["ledger_lines"], currency(result)
    sums = frame.groupby(["path", "line"])["amount"].sum()

    def cell(path: str, lines: tuple[str, ...]) -> str:
        return words.value(float(sum(sums.get((path, line), 0.0) for line in lines)), unit)

    rows = [(line_name(line, words), *(cell(path, (line,)) for path in PATHS)) for line in LINES]
    rows.append((line_name(CASH, words), *(cell(path, LINES) for path in PATHS)))
    rows.append((line_name("smb_loss", words), *(cell(path, SMB_LOSS) for path in PATHS)))
    return pd.DataFrame(rows, columns=[words("table.line"), *(words.term("path", p) for p in PATHS)])


def inputs(result: Result, words: Words) -> pd.DataFrame:
    """All inputs of the ledger: value with the interval it is drawn from, and whether data or policy say so."""
    rows: Rows = []
    for _, row in result.frames["inputs"].iterrows():
        low, high = (None if row["high"] <= row["low"] else float(row[c]) for c in ("low", "high"))
        number = Number("", "", float(row["value"]), low, high, float(row["level"]), 0, str(row["unit"]), "")
        rows.append(
            (words.input_name(str(row["input"])), words.number(number), words(f"display.origin.{row['origin']}"))
        )
    return as_frame(rows, ("input", "value", "origin"), words)


def ledger_sheet(result: Result, words: Words) -> pd.DataFrame:
    """Every month of every path with one column per line, their sum and its running sum: amounts to the cent, to be summed."""
    frame = result.frames["ledger_lines"]
    made = []
    for path in PATHS:
        rows = frame[frame["path"] == path]
        table = rows.pivot_table(index=["year", "month"], columns="line", values="amount", aggfunc="sum").reindex(
            columns=list(LINES)
        )
        cents = (table * 100).round().astype("int64")
        cash = cents.sum(axis=1)
        table = table.assign(cash=cash / 100, cumulative=cash.cumsum() / 100).reset_index()
        table.insert(0, "path", words.term("path", path))
        made.append(table)
    table = pd.concat(made, ignore_index=True).assign(unit=currency(result))
    named = {line: line_name(line, words) for line in (*LINES, CASH, "cumulative")}
    heads = {c: words(f"table.{c}") for c in ("path", "year", "month", "unit")}
    return table.rename(columns={**named, **heads}).astype(object)
