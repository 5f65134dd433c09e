"""Small companies written as CSV into a temporary folder, and a small cut of data/demo for tests over whole analyses."""

from __future__ import annotations

import csv
import datetime as dt
import io
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import settings

from kaanalysis.company import Company, open_company
from kaanalysis.policy import Policy, load_policy

# In CI the same examples every time: a red build is to mean a change, not a lucky draw. Elsewhere they keep searching.
settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("ci")

ROOT = Path(__file__).parents[1]
AS_OF = dt.date(2025, 12, 31)
Rows = str | bytes | Sequence[Mapping[str, Any]]
ACCOUNTS = [{"account_id": "A1", "segment": "SMB"}, {"account_id": "A2", "segment": "KA"}]
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


@pytest.fixture(scope="session", name="write_company")
def _write_company() -> Callable[..., Path]:
    """The plain writer, for tests that make many companies of their own."""
    return write_company


@pytest.fixture
def company_folder(tmp_path: Path) -> Callable[..., Path]:
    """company_folder(as_of=…, observed_from=…, ka_launch=…, **tables) → the folder; each call makes a new one."""
    made: list[Path] = []

    def build(toml: Mapping[str, Any] | None = None, **tables: Rows) -> Path:
        made.append(write_company(tmp_path / f"company{len(made)}", tables, toml))
        return made[-1]

    return build


@pytest.fixture
def company(company_folder: Callable[..., Path]) -> Callable[..., Company]:
    """As company_folder, opened without refusing, so that faults can be read."""
    return lambda toml=None, **tables: open_company(company_folder(toml, **tables), refuse=False)


@pytest.fixture(scope="session")
def policy() -> Policy:
    """The workbook's own policy with few draws, so that bootstraps are fast."""
    return load_policy().override({"evidence.draws": 200, "ledger.draws": 256})


@pytest.fixture(scope="session")
def small_demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """data/demo cut to every sixth small customer and every second key account, with all that hangs on them."""
    source, target = ROOT / "data" / "demo", tmp_path_factory.mktemp("demo") / "demo"
    target.mkdir()
    read = {p.stem: pd.read_csv(p, dtype=str, keep_default_na=False) for p in source.glob("*.csv")}
    accounts = read["accounts"]
    number = accounts["account_id"].str[1:].astype(int)
    kept = accounts[
        ((accounts["segment"] == "KA") & (number % 2 == 0)) | ((accounts["segment"] == "SMB") & (number % 6 == 0))
    ]
    ids = set(kept["account_id"])
    kept = kept.assign(parent_account_id=kept["parent_account_id"].where(kept["parent_account_id"].isin(ids), ""))
    deals = read["opportunities"][read["opportunities"]["account_id"].isin(ids)]
    cut = {"accounts": kept, "opportunities": deals}
    for name, frame in read.items():
        if name not in cut:
            if "account_id" in frame:
                frame = frame[frame["account_id"].isin(ids | {""})]
            if "opportunity_id" in frame:
                frame = frame[frame["opportunity_id"].isin({*deals["opportunity_id"], ""})]
            cut[name] = frame
    for name, frame in cut.items():
        frame.to_csv(target / f"{name}.csv", index=False)
    shutil.copy(source / "company.toml", target)
    return target
