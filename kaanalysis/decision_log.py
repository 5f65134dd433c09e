"""The change log of the KA programme: dated decisions beside a company.

Two places, read together: ``[[changes]]`` in ``company.toml`` and files in the folder ``changes`` (``.csv``, ``.tsv`` or ``.xlsx``, UTF-8
or GB18030), one row per decision. Keys and columns: at (日期), kind (类别), what (内容), optionally who (决定人) and reverses (撤回类别:
the kind of decision that this one takes back). The contract has no table for decisions, so they lie beside the tables, as
ranking lists do, and count as data.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pandas as pd

from kaanalysis.contracts import Fault, UnusableData
from kaanalysis.source_files import read_beside

FOLDER = "changes"
KEY = "company.toml"  # what faults of [[changes]] call their table
COLUMNS = ("at", "kind", "what", "who", "reverses", "source")
# decision: the programme is decided on (before it starts); territory: accounts, regions, who sells to whom; rules: how teams work together,
# attribution, disputes. A reversal takes an earlier decision back.
KINDS = {
    "decision": "立项", "launch": "启动", "team": "团队", "pay": "薪酬", "target": "目标", "territory": "客户划分", "product": "产品",
    "channel": "渠道", "rules": "协作规则", "reversal": "撤回", "other": "其他",
}  # fmt: skip
WANTED = {
    "at": ["at", "date", "日期", "时间"],
    "kind": ["kind", "类别", "类型"],
    "what": ["what", "decision", "内容", "决定"],
    "who?": ["who", "决定人", "负责人"],
    "reverses?": ["reverses", "撤回类别"],
}
_KIND_OF = {name: kind for kind, chinese in KINDS.items() for name in (kind, chinese)}


def empty_changes() -> pd.DataFrame:
    """No decision on record, with the columns and types of :func:`read_changes`."""
    return pd.DataFrame(columns=list(COLUMNS), dtype=object).astype({"at": "datetime64[s]"})


def read_changes(folder: Path, entries: tuple[dict[str, Any], ...], as_of: dt.date) -> tuple[pd.DataFrame, list[Fault], bytes]:  # fmt: skip
    """(decisions by date with :data:`COLUMNS`, faults, digest of the files) of a company's folder and of `entries`, the ``[[changes]]``
    of its company.toml (whose digest is company.toml's own).

    A row without date, kind or text, with a date that cannot be read, lies outside 1900 … 2200 or after `as_of`, or with an unknown
    kind is set aside; an unknown `reverses`, or one in a row that is no reversal, is left out; an exact repeat counts once. Each is a
    fault with table, column, row (1-based), value and rule. Raises :class:`UnusableData` for a file that cannot be read or lacks a
    column, and for an entry with a key that is none of the columns."""
    tables, faults, digest = read_beside(folder / FOLDER, WANTED)
    parts = [frame.assign(source=table) for table, frame in tables.items()]
    if entries:
        parts.insert(0, _entries(entries))
    if not parts:
        return empty_changes(), faults, digest
    frame = pd.concat([p.astype(object) for p in parts], ignore_index=True)
    frame = frame.where(frame.notna(), None)
    for column in ("at", "kind", "what", "who", "reverses"):
        said = [None if v is None or not str(v).strip() else str(v).strip() for v in frame[column]]
        frame[column] = pd.Series(said, index=frame.index, dtype=object)  # object: text columns turn None into NaN
    at = pd.to_datetime(frame["at"], errors="coerce", format="ISO8601", utc=True).dt.tz_localize(None)
    day = at.dt.normalize()
    kind, back = (pd.Series([_KIND_OF.get(v) for v in frame[c]], frame.index, object) for c in ("kind", "reverses"))
    given = frame["at"].notna()
    aside = {
        "at": {
            "required": ~given, "not_a_date": given & at.isna(),
            "impossible_date": (day < pd.Timestamp(1900, 1, 1)) | (day > pd.Timestamp(2200, 1, 1)),
            "after_as_of": (day > pd.Timestamp(as_of)) & (day <= pd.Timestamp(2200, 1, 1)),
        },
        "kind": {"required": frame["kind"].isna(), "unknown_choice": frame["kind"].notna() & kind.isna()},
        "what": {"required": frame["what"].isna()},
    }  # fmt: skip
    gone = pd.Series(False, index=frame.index)
    for column, rules in aside.items():
        for rule, broken in rules.items():
            faults += _faults(frame, column, broken & ~gone, rule, "set_aside")
            gone |= broken
    stray = frame["reverses"].notna() & (back.isna() | (kind != "reversal")) & ~gone
    faults += _faults(frame, "reverses", stray, "unknown_choice", "blank")
    clean = frame.assign(at=day.astype("datetime64[s]"), kind=kind, reverses=back.mask(stray, None))
    again = clean.duplicated(["at", "kind", "what", "who", "reverses"]) & ~gone
    faults += _faults(frame, "", again, "repeated_row", "set_aside")
    kept = clean[~gone & ~again].sort_values("at", kind="stable")
    return kept[list(COLUMNS)].reset_index(drop=True), faults, digest


def _entries(entries: tuple[dict[str, Any], ...]) -> pd.DataFrame:
    keys = [name.rstrip("?") for name in WANTED]
    for number, entry in enumerate(entries, 1):
        unknown = sorted(set(entry) - set(keys))
        if unknown:
            raise UnusableData(
                f"{KEY}: entry {number} of changes has the unknown key {', '.join(unknown)}; known are {', '.join(keys)}."
            )
    rows = [{k: None if e.get(k) is None else str(e[k]) for k in keys} for e in entries]
    return pd.DataFrame(rows, columns=keys, dtype=object).assign(_row=range(1, len(rows) + 1), source=KEY)


def _faults(frame: pd.DataFrame, column: str, rows: pd.Series, rule: str, action: Any) -> list[Fault]:
    said = frame.loc[rows.fillna(False).astype(bool)]
    values = said[column] if column else [None] * len(said)
    return [
        Fault(str(table), f"changes.{column}" if table == KEY and column else column, int(row), value, rule, action)
        for table, row, value in zip(said["source"], said["_row"], values, strict=True)
    ]
