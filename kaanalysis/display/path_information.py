"""Tables of 04 for a reader: what to find out first, what would reconcile rule and ledger, which lines make the difference of paths."""

from __future__ import annotations

import pandas as pd

from kaanalysis.display.parts import Rows, as_frame, currency
from kaanalysis.results import Number, Result
from kaanalysis.text import Words


def information(result: Result, words: Words) -> pd.DataFrame:
    """Studies, the one worth most first: what knowing its answer before choosing is worth, and how it would be found out."""
    frame, unit = result.frames["information"], currency(result)
    rows: Rows = []
    for _, row in frame[frame["kind"] == "study"].iterrows():
        value, low, high = (float(row[c]) for c in ("evppi", "low", "high"))
        worth = words.number(Number("", "", value, low, high, float(row["level"]), int(row["n"]), unit, ""))
        study = str(row["name"])
        origin = words(f"display.origin.{row['origin']}")
        rows.append((words.term("study", study), worth, origin, words.term("study_how", study)))
    return as_frame(rows, ("study", "worth", "origin", "found_out"), words)


def reconcile(result: Result, words: Words) -> pd.DataFrame:
    """Decisions and inputs, one at a time, at which the best path in expectation changes; those that change it nowhere stand last."""
    frame = result.frames["reconcile"].copy()
    frame["order"] = frame["kind"].map({"decision": 0, "belief": 1}) + 2 * frame["at"].isna()
    rows: Rows = []
    for _, row in frame.sort_values("order", kind="stable").iterrows():
        unit = str(row["unit"])
        now, low, high = (words.value(float(row[c]), unit) for c in ("now", "low", "high"))
        nowhere = "display.nowhere_in_range" if row["kind"] == "decision" else "display.nowhere_believed"
        at = words(nowhere) if pd.isna(row["at"]) else words.value(float(row["at"]), unit)
        kind = words(f"display.moved.{row['kind']}")
        rows.append((words.input_name(str(row["input"])), kind, now, words("numbers.span", low=low, high=high), at))
    return as_frame(rows, ("input", "kind_moved", "now", "range", "at"), words)


def paths_by_size(result: Result, words: Words) -> pd.DataFrame:
    """The paths with the same number of sellers each: expected net present value with its span, and how often each is the best."""
    frame, unit = result.frames["paths_by_size"], currency(result)
    paths = list(dict.fromkeys(str(p) for p in frame["path"]))
    rows: Rows = []
    for sellers, same in frame.groupby("sellers"):
        held = same.set_index("path")
        cells = []
        for path in paths:
            value, low, high, best = (float(held.loc[path, c]) for c in ("mean", "low", "high", "p_best"))  # type: ignore[arg-type]
            worth = words.number(Number("", "", value, low, high, 0.9, int(held.loc[path, "n"]), unit, ""))  # type: ignore[arg-type]
            cells.append(words("display.by_size", worth=worth, share=words.value(best, "probability")))
        rows.append((words.value(float(sellers), "sellers"), *cells))  # type: ignore[arg-type]
    return pd.DataFrame(rows, columns=[words("table.sellers_each"), *(words.term("path", p) for p in paths)])


def difference(result: Result, words: Words) -> pd.DataFrame:
    """Lines of the ledger by what they add to the difference of two paths, present values, largest first; the sum last."""
    frame, unit = result.frames["difference"], currency(result)
    rows: Rows = [
        (words(f"figures.line.{r['line']}"), words.value(float(r["amount"]), unit)) for _, r in frame.iterrows()
    ]
    first = frame.iloc[0]
    rows.append((words("display.sum"), words.value(float(frame["amount"].sum()), unit)))
    pair = {c: words.term("path", str(first[c])) for c in ("one", "other")}
    return pd.DataFrame(rows, columns=[words("table.line"), words("display.less", **pair)])
