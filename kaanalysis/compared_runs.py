"""Run folders read to be compared: whatever can still be read of one, and a name for what cannot, also where other code wrote it."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kaanalysis.contracts import UnusableData
from kaanalysis.results import SCHEMA, Result

CAUSES = ("code", "data", "policy")
MAKING = ".partial"  # the end of the name of a run folder that is being made, which begins with a point
PREVIOUS = "previous"  # in a run folder made with --since: what the comparison needs of the run before


@dataclass(frozen=True)
class Unread:
    """An analysis that cannot be read. why: missing (the run has no result of it), failed (its notebook did), other_schema, broken."""

    analysis: str
    why: str


@dataclass(frozen=True)
class ComparedRun:
    """name: the folder's own name, without the folders before it. manifest: the raw document. results: by id;
    unread: those that the run names or holds and that cannot be read."""

    name: str
    manifest: dict[str, Any]
    results: dict[str, Result] = field(default_factory=dict)
    unread: tuple[Unread, ...] = ()

    def stamp(self, cause: str) -> str | None:
        """The hash of the data, policy or code, None where neither the manifest nor a result holds it."""
        known = self._table("stamp").get(f"{cause}_hash")
        if known is None and cause != "code":
            found = {str(getattr(r, f"{cause}_hash")) for r in self.results.values()}
            known = found.pop() if len(found) == 1 else None
        return None if known is None else str(known)

    @property
    def company(self) -> str | None:
        name = self._table("company").get("name")
        return None if name is None else str(name)

    @property
    def as_of(self) -> str:
        return next((r.as_of for r in self.results.values()), str(self._table("company").get("as_of", "")))

    @property
    def policy(self) -> dict[str, Any]:
        return self._table("policy")

    @property
    def overrides(self) -> dict[str, Any]:
        return self._table("overrides")

    @property
    def versions(self) -> dict[str, str]:
        return {str(k): str(v) for k, v in self._table("versions").items()}

    @property
    def made(self) -> str:
        return str(self.manifest.get("ended") or self.manifest.get("started") or "")

    @property
    def rows(self) -> dict[str, int]:
        """Valid rows by table."""
        return {str(k): int(v[0]) for k, v in self._table("rows").items() if isinstance(v, list) and v}

    def why_not(self, analysis: str) -> str:
        """Why the run has no result of that analysis."""
        return next((u.why for u in self.unread if u.analysis == analysis), "missing")

    def _table(self, name: str) -> dict[str, Any]:
        found = self.manifest.get(name)
        return dict(found) if isinstance(found, dict) else {}


def read_run(path: Path) -> ComparedRun:
    """What can be read of a run folder, without its frames. :class:`UnusableData` where it is none (a folder without a manifest that can be
    read is none: nobody could tell what its results were made from), holds runs by group, or holds no result that can be read."""
    path = Path(path)
    if not path.is_dir():
        raise UnusableData(f"{path} is no run folder.")
    manifest, results, unread = _manifest(path), {}, {}
    stamp = manifest.get("stamp")
    if isinstance(stamp, dict) and "by" in stamp:
        groups = [p.name for p in sorted(path.iterdir()) if (p / "manifest.json").is_file()]
        such = f", such as {path / groups[0]}" if groups else ""
        raise UnusableData(f"{path} holds a run for each {stamp['by']}; choose one of them{such}.")
    for file in sorted((path / "results").glob("*.json")):
        result, why = _result(file)
        if result is None:
            unread[file.stem] = why
        else:
            results[file.stem] = result
    for step in manifest.get("steps", ()):
        if isinstance(step, dict) and step.get("status") in ("failed", "skipped"):
            id = str(step.get("id"))
            results.pop(id, None)  # what lies there is of an earlier run
            unread[id] = "failed"
    if not results:
        raise UnusableData(
            f"{path} holds no result that this version can read (schema {SCHEMA}); there is nothing to compare."
        )
    kept = path / "name"  # a copy of another run's results says whose they are
    name = kept.read_text(encoding="utf-8").strip() if kept.is_file() else _called(path, manifest)
    return ComparedRun(name, manifest, results, tuple(Unread(k, v) for k, v in sorted(unread.items())))


def _called(path: Path, manifest: dict[str, Any]) -> str:
    """The folder's name, also while it is being made; RUN under pseudonyms, where no folder is named."""
    stamp = manifest.get("stamp")
    if isinstance(stamp, dict) and stamp.get("pseudonyms"):
        return "RUN"
    name = path.resolve().name
    return name[1 : -len(MAKING)] if name.startswith(".") and name.endswith(MAKING) else name


def keep_previous(since: Path, run: Path) -> str:
    """Copy what a comparison needs of the run `since` into the folder `run`, so that the report can be made again when that run is
    gone, and return its name. The two may be one folder about to be replaced. :class:`UnusableData` as :func:`read_run`."""
    name = read_run(since).name
    target = run / PREVIOUS
    if target.exists():
        shutil.rmtree(target)
    (target / "results").mkdir(parents=True)
    for file in [*(Path(since) / "results").glob("*.json"), *Path(since).glob("manifest.json")]:
        shutil.copyfile(file, target / file.relative_to(since))
    (target / "name").write_text(name + "\n", encoding="utf-8")
    return name


def _manifest(path: Path) -> dict[str, Any]:
    """The manifest as it is, of any schema; :class:`UnusableData` where none can be read."""
    file = path / "manifest.json"
    if not file.is_file():
        raise UnusableData(f"{path} is no run folder: it holds no manifest.json, which says what a run was made from.")
    try:
        raw = json.loads(file.read_text(encoding="utf-8"))
    except ValueError:
        raw = None
    if not isinstance(raw, dict):
        raise UnusableData(f"{path} is no run folder that can be compared: its manifest.json is damaged.")
    return {**raw, "steps": raw["steps"] if isinstance(raw.get("steps"), list) else []}


def _result(file: Path) -> tuple[Result | None, str]:
    try:
        text = file.read_text(encoding="utf-8")
        raw = json.loads(text)
        if not isinstance(raw, dict):
            return None, "broken"
        if raw.get("schema") != SCHEMA:
            return None, "other_schema"
        return Result.from_json(text), ""
    except (OSError, UnicodeDecodeError, ValueError, KeyError, TypeError, AttributeError, IndexError):
        return None, "broken"


@dataclass(frozen=True)
class Sources:
    """What the runs were made from, held against each other. causes: those of code, data, policy that differ; unknown: those that one run
    does not tell. values: policy values that differ, (before, after); only_before, only_after: policy values that only one of the two
    has: they came or went with the code. spreads: the policies differ though no value does. versions, rows: that differ."""

    causes: tuple[str, ...]
    unknown: tuple[str, ...]
    same_company: bool | None
    values: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    only_before: tuple[str, ...] = ()
    only_after: tuple[str, ...] = ()
    spreads: bool = False
    versions: dict[str, tuple[str, str]] = field(default_factory=dict)
    rows: dict[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def cause(self) -> str:
        """data, policy or code where it alone differs; several; none; unknown where the one that is not told may have."""
        if self.unknown:
            return "unknown"
        return "none" if not self.causes else self.causes[0] if len(self.causes) == 1 else "several"


def sources(before: ComparedRun, after: ComparedRun) -> Sources:
    """What differs between what two runs were made from. Packages of another version count as other code."""
    differs, unknown = [], []
    old, new = before.versions, after.versions
    versions = {k: (old[k], new[k]) for k in sorted(set(old) & set(new)) if old[k] != new[k]}
    for cause in CAUSES:
        a, b = before.stamp(cause), after.stamp(cause)
        if a is None or b is None:
            unknown.append(cause)
        elif a != b or (cause == "code" and versions):
            differs.append(cause)
    p, q = before.policy, after.policy
    both = sorted(set(p) & set(q))
    values = {k: (p[k], q[k]) for k in both if p[k] != q[k]}
    only_before, only_after = tuple(sorted(set(p) - set(q))), tuple(sorted(set(q) - set(p)))
    same_company = None if before.company is None or after.company is None else before.company == after.company
    known_policies = bool(p) and bool(q)
    if known_policies and "policy" in differs and not values and (only_before or only_after) and "code" in differs:
        # Every value that both know is the same: what is new in the policy file came with the code.
        differs.remove("policy")
    spreads = known_policies and "policy" in differs and not values and not only_before and not only_after
    rows = {
        k: (before.rows[k], after.rows[k]) for k in after.rows if k in before.rows and before.rows[k] != after.rows[k]
    }
    return Sources(
        tuple(differs), tuple(unknown), same_company, values, only_before, only_after, spreads, versions, rows
    )
