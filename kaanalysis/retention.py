"""Old runs of a folder of dated runs: the newest stay, and so does the last good one; nothing else than such runs is ever removed.

A run may go only if all of this holds: its folder's name begins with a date (``2026-06-30``, ``2026-06-30T0200``), it holds a manifest of
this workbook of the same company and grouping as the run just made, it has nothing in it that the workbook did not write or that an
analyst changed, and no run is being written to it. Whatever fails one of these is left alone.
"""

from __future__ import annotations

import datetime as dt
import re
import shutil
from pathlib import Path

from kaanalysis.manifest import Manifest
from kaanalysis.run_lock import is_held
from kaanalysis.sales_sheets import FOLDER as SHEETS
from kaanalysis.sales_sheets import is_edited
from kaanalysis.selling import catalogue

DATED = re.compile(r"^(\d{4}-\d{2}-\d{2})(?!\d)")
SHEET = "sales_sheet.xlsx"
# What a run writes at the top of its folder; anything else there is somebody's own.
WRITTEN = re.compile(r"^(results|tables|figures|notebooks|manifest\.json|(report|index)\.[a-z]+\.(html|xlsx|pdf))$")


def is_dated(run: Path) -> bool:
    """Whether a folder's name begins with a day of the calendar."""
    found = DATED.match(run.name)
    if not found:
        return False
    try:
        dt.date.fromisoformat(found[1])
    except ValueError:
        return False
    return True


def _own_work(run: Path, groups: set[str]) -> bool:
    """Whether somebody's own work lies in it: a file or folder that no run writes (a state written back, notes), or an edited sheet."""
    for path in run.iterdir():
        if path.name == SHEETS and path.is_dir():
            if any(p.name != SHEET or is_edited(p, catalogue({})) for p in path.iterdir()):
                return True
        elif not WRITTEN.match(path.name) and path.name not in groups:
            return True
    return False


def _same_kind(manifest: Manifest, like: Manifest) -> bool:
    """Whether two runs are of the same company, read from the same place and grouped by the same column."""
    one, other = ((m.company.get("name"), m.data, m.stamp.get("by")) for m in (manifest, like))
    return one == other


def _removable(run: Path, manifest: Manifest) -> bool:
    groups = {s.id for s in manifest.steps} if "by" in manifest.stamp else set()
    inside = [run / g for g in groups if (run / g).is_dir()]
    return not (is_held(run) or _own_work(run, groups) or any(_own_work(folder, set()) for folder in inside))


def prune(out: Path, keep: int) -> list[Path]:
    """Remove old runs beside `out`, the run just published, so that `keep` of them stay, `out` included; returns what was removed.

    Runs are ordered by the time at which they began (manifest). The newest run in which every notebook ran is kept whatever `keep`
    says. Nothing happens where `out` itself is not dated or has no manifest. keep: at least 1."""
    if keep < 1:
        raise ValueError(f"keep must be at least 1; not {keep}")
    like = Manifest.read(out)
    if like is None or not is_dated(out):
        return []
    runs = []
    for path in out.parent.iterdir():
        if path.is_symlink() or not path.is_dir() or not is_dated(path):
            continue
        manifest = Manifest.read(path)
        if manifest is not None and _same_kind(manifest, like):
            runs.append((manifest.started, path.name, path, manifest))
    runs.sort(key=lambda r: r[:2], reverse=True)
    good = next(
        (path for *_, path, manifest in runs if manifest.ended and manifest.steps and not manifest.failed), None
    )
    removed = []
    for *_, path, manifest in runs[keep:]:
        if path in (good, out) or not _removable(path, manifest):
            continue
        leaving = path.with_name(f".{path.name}.removed")
        shutil.rmtree(leaving, ignore_errors=True)
        path.replace(leaving)  # at once: a reader finds the whole run or none
        shutil.rmtree(leaving, ignore_errors=True)
        removed.append(path)
    return removed
