"""A simulated company as its systems would have shown it on an earlier day: nothing that happened later, and open what closed later."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pyarrow as pa

# Rows that are there from a day on; null: there always.
BEGINS = {
    "accounts": "created_at", "opportunities": "created_at", "stage_history": "entered_at", "activities": "at", "buying_steps": "at",
    "order_lines": "at", "subscriptions": "started_at", "ownership": "from_at", "disputes": "opened_at", "team_months": "month",
}  # fmt: skip
# What was not known yet: columns that are empty as long as the first of them lies ahead.
AHEAD = {
    "opportunities": ("closed_at", "loss_reason", "lost_to_competitor", "exit"), "subscriptions": ("ended_at",),
    "ownership": ("to_at",), "stakeholders": ("engaged_at",),
}  # fmt: skip


def earlier(tables: dict[str, pa.Table], day: dt.date) -> dict[str, pa.Table]:
    """The tables of the contract as of `day`, with the same columns and types. Tables without dates stay as they are."""
    end, out = pd.Timestamp(day), {}
    for name, table in tables.items():
        frame = table.to_pandas(types_mapper=pd.ArrowDtype)
        if name in AHEAD:
            first, *rest = AHEAD[name]
            ahead = _later(frame[first], end)
            for column in (first, *rest):
                if column in frame:
                    frame[column] = frame[column].mask(ahead)
            if name == "opportunities":
                frame["outcome"] = frame["outcome"].mask(ahead, "open")
        if name in BEGINS:
            frame = frame[~_later(frame[BEGINS[name]], end)]
        out[name] = pa.Table.from_pandas(frame, schema=table.schema, preserve_index=False)
    return _without_orphans(out)


def _later(column: pd.Series, end: pd.Timestamp) -> pd.Series:
    """Whether a day lies after `end`; a time on that day does not."""
    return (pd.to_datetime(column.astype(object)) >= end + pd.Timedelta(days=1)).fillna(False).astype(bool)


def _without_orphans(tables: dict[str, pa.Table]) -> dict[str, pa.Table]:
    """Rows of deals and accounts that are not there yet go with them; a head office that is not there yet is not known."""
    keys = {
        "account_id": set(tables["accounts"]["account_id"].to_pylist()),
        "opportunity_id": set(tables["opportunities"]["opportunity_id"].to_pylist()),
    }
    for name, table in tables.items():
        for key, there in keys.items():
            if key in table.column_names and name != "accounts":
                known = [v is None or v in there for v in table[key].to_pylist()]
                table = table.filter(pa.array(known, pa.bool_()))
        tables[name] = table.combine_chunks()
    at = tables["accounts"].column_names.index("parent_account_id")
    parents = [p if p in keys["account_id"] else None for p in tables["accounts"]["parent_account_id"].to_pylist()]
    tables["accounts"] = tables["accounts"].set_column(at, "parent_account_id", pa.array(parents, pa.string()))
    return tables
