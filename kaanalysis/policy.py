"""The analyst's file: every threshold of the workbook, with its value, unit, allowed range and source.

``policy.toml`` holds one table per value, named ``group.name``::

    [lifecycle.horizon_months]
    value = 36
    unit = "months"
    range = [12, 60]
    source = "…"

A value whose truth is uncertain also holds ``spread = [low, high]``: the span in which the analyst believes it to lie
(the ledger draws from it). Text values hold ``choices`` in place of ``range``; with no choices (``choices = []``) any text will do.
"""

from __future__ import annotations

import hashlib
import json
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from kaanalysis.contracts import UnusableData, nearest
from kaanalysis.paths import workbook_file

Value = float | int | str


class PolicyError(UnusableData):
    """A policy file or override that cannot be used; one sentence."""


@dataclass(frozen=True)
class Threshold:
    """One value of the policy. range: smallest and largest value allowed; spread: 90 % span of belief, if uncertain."""

    name: str
    value: Value
    unit: str
    source: str
    range: tuple[float, float] | None = None
    choices: tuple[str, ...] = ()
    spread: tuple[float, float] | None = None

    def accept(self, value: object) -> Value:
        """`value` in this threshold's type; :class:`PolicyError` where it is of another type or outside the range."""
        if self.range is None:
            if self.choices and value not in self.choices:
                raise PolicyError(f"policy {self.name} = {value!r} must be one of {', '.join(self.choices)}.")
            if not isinstance(value, str):
                raise PolicyError(f"policy {self.name} = {value!r} must be a text.")
            return value
        whole = isinstance(self.value, int)
        if isinstance(value, str):
            try:
                value = float(value)
            except ValueError:
                raise PolicyError(f"policy {self.name} = {value!r} must be a number ({self.unit}).") from None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise PolicyError(f"policy {self.name} = {value!r} must be a number ({self.unit}).")
        if not math.isfinite(value):
            raise PolicyError(f"policy {self.name} = {value!r} must be a finite number ({self.unit}).")
        if whole and float(value) != int(value):
            raise PolicyError(f"policy {self.name} = {value!r} must be a whole number ({self.unit}).")
        low, high = self.range
        unit = f" ({self.unit})" if self.unit else ""
        if not low <= value <= high:
            raise PolicyError(f"policy {self.name} = {value!r} must lie between {low:g} and {high:g}{unit}.")
        return int(value) if whole else float(value)


_KEYS = {"value", "unit", "range", "choices", "source", "spread"}


def _threshold(name: str, raw: Mapping[str, Any]) -> Threshold:
    unknown = sorted(set(raw) - _KEYS)
    if unknown:
        raise PolicyError(f"policy {name}: unknown key {', '.join(unknown)}; known are {', '.join(sorted(_KEYS))}.")
    for key in ("value", "unit", "source"):
        if key not in raw or (raw[key] == "" and key == "source"):
            raise PolicyError(f"policy {name}: {key} is missing.")
    has_choices = "choices" in raw
    if has_choices == ("range" in raw):
        raise PolicyError(f"policy {name}: needs either a range (numbers) or choices (text).")
    threshold = Threshold(
        name, raw["value"], str(raw["unit"]), str(raw["source"]),
        range=None if has_choices else (float(raw["range"][0]), float(raw["range"][1])),
        choices=tuple(raw.get("choices", ())),
        spread=(float(raw["spread"][0]), float(raw["spread"][1])) if "spread" in raw else None,
    )  # fmt: skip
    threshold.accept(threshold.value)
    if threshold.spread and not threshold.spread[0] <= float(threshold.value) <= threshold.spread[1]:
        raise PolicyError(
            f"policy {name}: value {threshold.value} lies outside its own spread {list(threshold.spread)}."
        )
    return threshold


# The smaller of each pair must not exceed the larger: otherwise the cells of the rule overlap.
ORDERED_PAIRS = (
    ("path.few_bottlenecks", "path.some_bottlenecks"),
    ("path.medium_fit", "path.high_fit"),
    ("match.consider", "match.accept"),
)


@dataclass(frozen=True)
class Policy:
    """All thresholds by name. ``policy["group.name"]`` is the value; ``overrides`` records what was changed from the file."""

    thresholds: Mapping[str, Threshold]
    overrides: Mapping[str, Value] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Any:
        return self.threshold(name).value

    def threshold(self, name: str) -> Threshold:
        if name not in self.thresholds:
            # All names are far too many for a line; they are only for who is nowhere near one.
            if near := nearest(name, self.thresholds, 3):
                raise PolicyError(f"policy has no value {name!r}; did you mean {' or '.join(near)}?")
            raise PolicyError(f"policy has no value {name!r}; known are: {', '.join(sorted(self.thresholds))}.")
        return self.thresholds[name]

    def override(self, changes: Mapping[str, object]) -> Policy:
        """A policy with `changes` applied, each checked against its type and range, and recorded."""
        thresholds, overrides = dict(self.thresholds), dict(self.overrides)
        for name, value in changes.items():
            accepted = self.threshold(name).accept(value)
            old = thresholds[name]
            # An uncertain input that the analyst pins moves its span along, so that value and span stay consistent.
            spread = old.spread
            if spread and not spread[0] <= float(accepted) <= spread[1]:
                spread = (min(spread[0], float(accepted)), max(spread[1], float(accepted)))
            thresholds[name] = replace(old, value=accepted, spread=spread)
            overrides[name] = accepted
        return Policy(thresholds, overrides)

    def consistent(self) -> Policy:
        """The policy itself; :class:`PolicyError` where two values contradict each other (:data:`ORDERED_PAIRS`)."""
        for small, large in ORDERED_PAIRS:
            if small in self.thresholds and large in self.thresholds and self[small] > self[large]:
                raise PolicyError(f"policy {small} = {self[small]} must not exceed {large} = {self[large]}.")
        return self

    @property
    def hash(self) -> str:
        """Short SHA-256 over all values and spreads: equal policies give equal hashes, whatever the file's order."""
        content = {n: [t.value, t.spread] for n, t in sorted(self.thresholds.items())}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def load_policy(path: Path | None = None) -> Policy:
    """Read a policy file (the workbook's own ``policy.toml`` by default)."""
    path = path or workbook_file("policy.toml")
    if not path.is_file():
        raise PolicyError(f"{path} is missing: the policy file holds every threshold of the workbook.")
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(f"{path} is not valid TOML: {error}.") from None
    thresholds: dict[str, Threshold] = {}
    for group, entries in raw.items():
        if not isinstance(entries, dict) or not all(isinstance(e, dict) for e in entries.values()):
            raise PolicyError(f"policy {group}: must be a table of tables, [{group}.<name>].")
        for name, entry in entries.items():
            thresholds[f"{group}.{name}"] = _threshold(f"{group}.{name}", entry)
    return Policy(thresholds).consistent()


def parse_assignments(assignments: list[str]) -> dict[str, str]:
    """``["a.b=1", …]`` from the command line → ``{"a.b": "1"}``; :class:`PolicyError` for anything else."""
    changes: dict[str, str] = {}
    for assignment in assignments:
        name, sign, value = assignment.partition("=")
        if not sign or not name or not value:
            raise PolicyError(f"--set {assignment!r} must read name=value, such as lifecycle.horizon_months=24.")
        if name.strip() in changes:  # the last one would win, and nobody would hear of the first
            raise PolicyError(f"--set {name.strip()} is given more than once; name one value.")
        changes[name.strip()] = value.strip()
    return changes


def overrides_text(overrides: Mapping[str, Value], what_ifs: Mapping[str, float] | None = None) -> str:
    """A TOML document of overrides, to be read by :func:`read_overrides`; what-ifs of data in a table of their own, which that leaves
    alone."""

    def lines(values: Mapping[str, Value]) -> list[str]:
        return [f"{json.dumps(n)} = {json.dumps(v, ensure_ascii=False)}" for n, v in values.items()]

    made = [
        "# Policy values that a run can be repeated with; read back by workbook.read_overrides.",
        "[overrides]",
        *lines(overrides),
    ]
    if what_ifs:
        made += [
            "",
            "# Inputs from data that were moved to see what if: no policy values, never read back.",
            "[what_if]",
            *lines(what_ifs),
        ]
    return "\n".join(made) + "\n"


def read_overrides(path: Path | str) -> dict[str, Value]:
    """The overrides of a file that the explorer wrote, checked against the policy; of a run folder, its ``overrides.toml``. None there,
    or a file that cannot be used: :class:`PolicyError`."""
    file = Path(path) / "overrides.toml" if Path(path).is_dir() else Path(path)
    if not file.is_file():
        raise PolicyError(f"{file} is missing: the explorer of 04_path_selection writes it.")
    try:
        raw = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PolicyError(f"{file} is not valid TOML: {error}.") from None
    held = raw.get("overrides")
    if not isinstance(held, dict) or set(raw) - {"overrides", "what_if"}:
        raise PolicyError(f"{file} must hold the table [overrides], and [what_if] if anything.")
    return dict(load_policy().override(held).consistent().overrides)
