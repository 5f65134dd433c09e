"""What the report rests on: faults of the data, the policy with its overrides, and where to find it again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from kaanalysis.aggregates import segment_version
from kaanalysis.manifest import Manifest
from kaanalysis.policy import Policy, Threshold, load_policy
from kaanalysis.text import Words

FAULTS_SHOWN = 30
NOTE_ROWS = 100  # row numbers listed per note of the import; the rest are in the table


@dataclass(frozen=True)
class Faults:
    """Broken values (the first of them), how many there are in all and beyond these, and the import's notes counted by rule."""

    rows: list[list[str]]
    count: int
    more: int
    imported: list[list[str]]


@dataclass(frozen=True)
class PolicyRow:
    """One policy value as shown. before: the file's value where this run changed it, else empty. english: which of unit and source stand as
    in the policy file, for want of a text in the report's language."""

    name: str
    said: str
    value: str
    before: str
    unit: str
    range: str
    source: str
    english: tuple[str, ...] = ()


def definition(policy: Policy, w: Words) -> str:
    """How SMB and KA are told apart, with the version where thresholds belong to it."""
    name, version = w.term("definition", policy["segment.definition"]), segment_version(policy).partition(" ")[2]
    return w("report.version", name=name, version=version) if version else name


def _rule_text(rule: str, w: Words) -> str:
    return w(f"rules.{rule}") if w.has(f"rules.{rule}") else rule


def faults(run: Path, w: Words) -> Faults:
    """The faults of the data and the notes of its import, from the run folder."""
    found = pd.read_parquet(run / "tables" / "data_faults.parquet")
    rows = []
    for fault in found.head(FAULTS_SHOWN).to_dict("records"):
        where = w("report.row_none") if pd.isna(fault["row"]) else str(int(fault["row"]))
        value = "" if pd.isna(fault["value"]) else str(fault["value"])
        said = (_rule_text(fault["rule"], w), w(f"actions.{fault['action']}"))
        rows.append([str(fault["table"]), str(fault["column"]), where, value, *said])
    notes = pd.read_parquet(run / "tables" / "import_faults.parquet")
    counted = (
        notes.groupby(["file", "column", "rule", "action"])
        .agg(
            n=("row", "size"),
            rows=("row", lambda r: ", ".join(map(str, r[:NOTE_ROWS])) + (" …" if len(r) > NOTE_ROWS else "")),
        )
        .reset_index()
    )
    imported = [
        [str(r.file), str(r.column), str(r.rule), str(r.action), str(r.n), str(r.rows)] for r in counted.itertuples()
    ]
    return Faults(rows, len(found), max(0, len(found) - FAULTS_SHOWN), imported)


def _plain(value: object) -> str:
    """A policy value as it stands in the file, so that it can be set again."""
    return f"{value:,.15g}".replace(",", "") if isinstance(value, float) else str(value)


def _row(threshold: Threshold, value: object, file: Threshold | None, w: Words) -> PolicyRow:
    changed = file is not None and file.value != value
    name, (low, high) = threshold.name, threshold.range or ("", "")
    allowed = f"{_plain(low)} – {_plain(high)}" if threshold.range else ", ".join(threshold.choices)
    unit, source = w.policy_unit(threshold.unit), w.policy_source(name, threshold.source)
    same = {"unit": unit == threshold.unit != "", "source": source == threshold.source}
    return PolicyRow(
        name, w(f"policy_names.{name}") if w.has(f"policy_names.{name}") else "", _plain(value),
        _plain(file.value) if changed and file is not None else "", unit, allowed, source,
        tuple(column for column, left in same.items() if left and w.language != "en"),
    )  # fmt: skip


def policy_rows(manifest: Manifest, policy: Policy, w: Words) -> list[PolicyRow]:
    """Every value of the run's policy, those changed from the file first. The values are the manifest's: what the run was made with."""
    file = load_policy().thresholds
    rows = [_row(t, manifest.policy.get(n, t.value), file.get(n), w) for n, t in sorted(policy.thresholds.items())]
    return sorted(rows, key=lambda r: not r.before)
