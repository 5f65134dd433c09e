"""What a run was made from and what became of it: ``manifest.json`` of a run folder, and the hash and versions of the code."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import platform
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from kaanalysis.paths import PACKAGE, workbook_file

PACKAGES = ("kaanalysis", "pandas", "numpy", "scipy", "matplotlib", "ibis-framework", "duckdb", "pyarrow", "papermill")


@dataclass
class Step:
    """One notebook of a run. status: done, kept (done by an earlier run under the same stamp), failed, skipped; error: kind and message;
    needs: the failed step that a skipped one rests on."""

    id: str
    status: str
    seconds: float = 0.0
    error: str = ""
    needs: str = ""


@dataclass
class Manifest:
    """What a run was made from and what became of it."""

    stamp: dict[str, str]
    company: dict[str, str]
    data: str
    policy: dict[str, Any]
    overrides: dict[str, Any]
    versions: dict[str, str]
    languages: list[str]
    command: str
    started: str
    ended: str = ""
    steps: list[Step] = field(default_factory=list)
    rows: dict[str, list[int]] = field(default_factory=dict)
    faults: int = 0
    since: str = ""  # name of the run that this one is compared with (--since)
    pseudonyms: dict[str, int] = field(default_factory=dict)  # of a run under pseudonyms: how many names of each kind

    @property
    def failed(self) -> bool:
        return any(s.status in ("failed", "skipped") for s in self.steps)

    def to_json(self) -> str:
        return json.dumps({"schema": 1, **asdict(self)}, ensure_ascii=False, indent=1, default=str) + "\n"

    @staticmethod
    def read(run: Path) -> Manifest | None:
        """The manifest of a run folder; None where there is none that can be read."""
        try:
            raw = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
            raw.pop("schema")
            steps = [Step(**s) for s in raw.pop("steps")]
            return Manifest(**raw, steps=steps)
        except (OSError, ValueError, TypeError, KeyError):
            return None


def holds_report(run: Path) -> bool:
    """Whether a run folder was made by `kaanalysis report`: its notebooks and pages say what its results say."""
    last = Manifest.read(run)
    return bool(last is not None and last.languages) or (run / "notebooks").is_dir() or any(run.glob("report.*.html"))


def code_hash() -> str:
    """Short SHA-256 over the package's source, texts and the notebooks: results made by other code are not kept."""
    digest = hashlib.sha256()
    files = [
        p
        for p in PACKAGE.rglob("*")
        if p.suffix in (".py", ".toml", ".html", ".css", ".j2") and "_workbook" not in p.parts
    ]
    for path in sorted(files) + sorted(workbook_file("notebooks").glob("*.ipynb")):
        digest.update(path.name.encode())
        digest.update(_source(path))
    return digest.hexdigest()[:16]


def _source(path: Path) -> bytes:
    """File content; of a notebook only its cells' source, since running it in JupyterLab changes the rest, and of these not an analyst's
    notes (Markdown without a tag, docs/notes.md), which change no result."""
    if path.suffix != ".ipynb":
        return path.read_bytes()
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    shipped = [c for c in cells if c.get("cell_type") != "markdown" or c.get("metadata", {}).get("tags")]
    return "\n".join("".join(c["source"]) for c in shipped).encode()


def versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found
