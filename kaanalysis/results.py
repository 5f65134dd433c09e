"""What an analysis says: numbers with intervals, findings with a state, no sentences.

``results/<id>.json`` is versioned (``schema``); text is made from keys and numbers by :mod:`kaanalysis.text`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from kaanalysis.contracts import UnusableData

SCHEMA = 1
State = Literal["supported", "contradicted", "undecided", "no_data"]
LISTED = " | "  # between names of which a finding's term holds several
STATES: tuple[State, ...] = ("supported", "contradicted", "undecided", "no_data")


class StaleResult(UnusableData):
    """A result on disk was made from other data or another policy; the message names the command that renews it."""


def finite(value: float | int | None) -> float | int | None:
    """`value`, or None where it is missing, NaN or infinite: JSON results hold neither NaN nor infinity."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return None
    if isinstance(value, bool | int | float):
        return value
    number = float(value)
    return number if math.isfinite(number) else None


@dataclass(frozen=True)
class Number:
    """One estimate. low/high: interval at `level` (None: not to be had, `method` says why); n: units it rests on.

    horizon_months: for a number read at a horizon of a time-to-event curve.
    """

    name: str
    segment: str
    value: float | int | None
    low: float | int | None
    high: float | int | None
    level: float | None
    n: int
    unit: str
    method: str
    horizon_months: float | None = None

    def to_dict(self) -> dict[str, Any]:
        out: dict[str, Any] = {
            "name": self.name, "segment": self.segment, "value": finite(self.value), "low": finite(self.low),
            "high": finite(self.high), "level": finite(self.level), "n": int(self.n), "unit": self.unit,
            "method": self.method,
        }  # fmt: skip
        if self.horizon_months is not None:
            out["horizon_months"] = finite(self.horizon_months)
        return out


@dataclass(frozen=True)
class Flip:
    """A policy value moved through its range with the data fixed. at: nearest value at which the state changes, None
    where it changes nowhere in `range`; to: the state beyond that value."""

    policy: str
    now: float | int
    at: float | None
    range: tuple[float, float]
    to: str | None = None

    def to_dict(self) -> dict[str, Any]:
        return {
            "policy": self.policy,
            "now": finite(self.now),
            "at": finite(self.at),
            "range": list(self.range),
            "to": self.to,
        }


@dataclass(frozen=True)
class Finding:
    """One element of the method with its verdict. id: M-number; key: text key; reason: key of why the state is what it is;
    needs: ``table.column`` names that would feed what is missing; terms: names to put into sentences (a step, a policy
    definition), never numbers."""

    id: str
    key: str
    state: State
    reason: str
    numbers: tuple[Number, ...] = ()
    flips: tuple[Flip, ...] = ()
    needs: tuple[str, ...] = ()
    terms: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.state not in STATES:
            raise ValueError(f"state must be one of {', '.join(STATES)}; not {self.state!r}")
        if self.state == "no_data" and not self.needs:
            raise ValueError(f"finding {self.id} has no data but does not name what it needs")

    def number(self, name: str, segment: str | None = None) -> Number | None:
        """The number of that name (and segment), None where the finding does not carry it."""
        for number in self.numbers:
            if number.name == name and segment in (None, number.segment):
                return number
        return None

    def to_dict(self) -> dict[str, Any]:
        out: dict[str, Any] = {
            "id": self.id, "key": self.key, "state": self.state, "reason": self.reason,
            "numbers": [n.to_dict() for n in self.numbers], "flips": [f.to_dict() for f in self.flips],
            "needs": list(self.needs),
        }  # fmt: skip
        if self.terms:
            out["terms"] = dict(self.terms)
        return out


@dataclass
class Result:
    """All findings of one analysis, with the frames behind them (`frames`, saved as Parquet) and figure names.

    tables, figures: name → path relative to the run folder, filled by :mod:`kaanalysis.runfolder` on saving.
    """

    id: str
    data_hash: str
    policy_hash: str
    as_of: str
    findings: list[Finding]
    frames: dict[str, pd.DataFrame] = field(default_factory=dict)
    tables: dict[str, str] = field(default_factory=dict)
    figures: dict[str, str] = field(default_factory=dict)

    def finding(self, id: str) -> Finding:
        for finding in self.findings:
            if finding.id == id:
                return finding
        raise KeyError(f"result {self.id} has no finding {id!r}; it has: {', '.join(f.id for f in self.findings)}")

    def to_json(self) -> str:
        """The JSON document of the contract: sorted nowhere, stable order, no NaN (refused by the encoder)."""
        document = {
            "schema": SCHEMA, "id": self.id, "data_hash": self.data_hash, "policy_hash": self.policy_hash,
            "as_of": self.as_of, "findings": [f.to_dict() for f in self.findings],
            "tables": self.tables, "figures": self.figures,
        }  # fmt: skip
        return json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False) + "\n"

    @staticmethod
    def from_json(text: str) -> Result:
        raw = json.loads(text)
        if raw.get("schema") != SCHEMA:
            raise StaleResult(
                f"result {raw.get('id')} has schema {raw.get('schema')}, this version reads {SCHEMA}: run it again."
            )
        findings = [
            Finding(
                f["id"], f["key"], f["state"], f["reason"], tuple(Number(**n) for n in f["numbers"]),
                tuple(Flip(p["policy"], p["now"], p["at"], (p["range"][0], p["range"][1]), p.get("to")) for p in f["flips"]),
                tuple(f["needs"]), dict(f.get("terms", {})),
            )
            for f in raw["findings"]
        ]  # fmt: skip
        return Result(
            raw["id"], raw["data_hash"], raw["policy_hash"], raw["as_of"], findings, {}, raw["tables"], raw["figures"]
        )


def load_result(path: Path) -> Result:
    """Read one results file; :class:`UnusableData` where it is missing or broken."""
    if not path.is_file():
        raise UnusableData(f"{path} is missing: run `kaanalysis analyse` or `kaanalysis report` first.")
    try:
        return Result.from_json(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        raise UnusableData(f"{path} is not a result of this workbook ({error}).") from None


def no_data(
    id: str, key: str, needs: Iterable[str], numbers: Iterable[Number] = (), reason: str = "missing"
) -> Finding:
    """A finding that the data cannot feed, naming the ``table.column`` entries that would."""
    return Finding(id, key, "no_data", reason, tuple(numbers), (), tuple(needs))
