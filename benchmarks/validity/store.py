"""What is kept between runs: rows of drawn companies and truths, each under a hash of all that it depends on."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import kaanalysis
from kaanalysis.simulate.world import World

FOLDER = Path(".validity")
PACKAGE = Path(kaanalysis.__file__).parent
# What decides how a company is drawn, and what decides what is found in it.
DRAWS_FROM = ("simulate",)
FINDS_WITH = (
    *DRAWS_FROM,
    "analyses",
    "aggregates",
    "stats",
    "company.py",
    "company_toml.py",
    "contracts.py",
    "policy.py",
    "results.py",
)


@functools.cache
def code_hash(parts: tuple[str, ...]) -> str:
    """Hash of the package's files named, folders with all their modules."""
    digest = hashlib.sha256()
    for part in parts:
        path = PACKAGE / part
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            digest.update(str(file.relative_to(PACKAGE)).encode() + file.read_bytes())
    return digest.hexdigest()[:16]


def world_hash(world: World) -> str:
    """Hash of all latent parameters."""
    return hashlib.sha256(json.dumps(dataclasses.asdict(world), default=str, sort_keys=True).encode()).hexdigest()[:16]


def short_hash(*parts: object) -> str:
    return hashlib.sha256("|".join(map(str, parts)).encode()).hexdigest()[:12]


def remembered(kind: str, key: str, make: Callable[[], Any]) -> Any:
    """`make()`, computed once and kept as JSON under its kind and key."""
    path = FOLDER / "truths" / f"{kind}-{key}.json"
    if path.is_file():
        return json.loads(path.read_text(encoding="utf-8"))
    made = make()
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(made), encoding="utf-8")
    part.replace(path)
    return json.loads(path.read_text(encoding="utf-8"))


class Rows:
    """The rows of one cell at one size, appended chunk by chunk; a line cut off by a stop is dropped."""

    def __init__(self, name: str, key: str) -> None:
        self.path = FOLDER / "rows" / f"{name}-{key}.jsonl"

    def read(self) -> list[dict[str, Any]]:
        if not self.path.is_file():
            return []
        rows = []
        for line in self.path.read_text(encoding="utf-8").splitlines():
            try:
                rows.append(json.loads(line))
            except json.JSONDecodeError:
                continue
        return rows

    def append(self, rows: Iterable[dict[str, Any]]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        cut = self.path.is_file() and not self.path.read_bytes().endswith(b"\n")
        with self.path.open("a", encoding="utf-8") as file:
            file.write(("\n" if cut else "") + "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows))

    def forget(self) -> None:
        self.path.unlink(missing_ok=True)
