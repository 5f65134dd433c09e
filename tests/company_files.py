"""Small companies written as files, for tests."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

AS_OF = dt.date(2025, 12, 31)
Rows = str | bytes | Sequence[Mapping[str, Any]]
ACCOUNTS = [{"account_id": "A1", "segment": "SMB"}, {"account_id": "A2", "segment": "KA"}]
# Two segments, a subsidiary (A3 of A2), and an account of which nothing is known.
FOUR_ACCOUNTS = "account_id,segment,parent_account_id,employees,annual_revenue\nA1,SMB,,10,\nA2,KA,,900,\nA3,KA,A2,,60000000\nA4,,,,\n"
DEAL_HEAD = "opportunity_id,account_id,team,owner,origin,created_at,closed_at,outcome,amount,exit\n"
DEALS = [{"opportunity_id": "O1", "account_id": "A1", "outcome": "open", "created_at": "2025-12-01", "closed_at": ""}]


def csv_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as CSV; the columns are all keys that occur, None is an empty value."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([["" if row.get(c) is None else row.get(c) for c in columns] for row in rows])
    return out.getvalue()


def write_company(folder: Path, tables: Mapping[str, Rows], toml: Mapping[str, Any] | None = None) -> Path:
    """A company folder. tables: CSV text, bytes, or rows as dicts; accounts and opportunities are added where not given."""
    folder.mkdir(parents=True, exist_ok=True)
    info = {"name": "Test", "currency": "CNY", "as_of": AS_OF, **(toml or {})}
    lines = [f"{k} = {v}" if isinstance(v, dt.date) else f'{k} = "{v}"' for k, v in info.items() if v is not None]
    (folder / "company.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for name, rows in {"accounts": ACCOUNTS, "opportunities": DEALS, **tables}.items():
        data = rows if isinstance(rows, str | bytes) else csv_text(rows)
        (folder / f"{name}.csv").write_bytes(data if isinstance(data, bytes) else data.encode())
    return folder


def day(ago: int) -> str:
    """The date so many days before as_of."""
    return str(AS_OF - dt.timedelta(days=ago))


def deals(rows: list[tuple[str, str, int, int | None, str]]) -> str:
    """Opportunities as CSV: account, owner, opened so many days before as_of, closed after so many days (None: open), outcome."""
    lines = [f"O{i},{a},{o},{day(opened)},{'' if after is None else day(opened - after)},{outcome}\n"
             for i, (a, o, opened, after, outcome) in enumerate(rows)]  # fmt: skip
    return "opportunity_id,account_id,owner,created_at,closed_at,outcome\n" + "".join(lines)


def deal_rows(*rows: str) -> str:
    """Opportunities O1, O2 … as CSV, each row the values after the id in the order of :data:`DEAL_HEAD`."""
    return DEAL_HEAD + "".join(f"O{i},{row}\n" for i, row in enumerate(rows, 1))


def records(frame: pd.DataFrame, *columns: str) -> list[tuple[Any, ...]]:
    """The rows of these columns as tuples, None where a value is missing."""
    picked = frame[list(columns)].astype(object)
    return [tuple(picked.where(picked.notna(), None).iloc[i]) for i in range(len(picked))]
