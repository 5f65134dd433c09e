"""Run folders made by hand, for tests that compare runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from kaanalysis.results import Finding, Flip, Number, Result
from kaanalysis.runfolder import save_result

SALES = "03_sales_flow"


def success(
    value: float, low: float, high: float, *, state="undecided", reason="success_undecided", mark=0.5, n=300
) -> Finding:
    """M-3.2 as the workbook gives it: the share, and the mark that it is held against."""
    numbers = (
        Number("success", "KA", value, low, high, 0.95, n, "share", "Aalen–Johansen", 12.0),
        Number("mark", "KA", mark, None, None, None, n, "share", "policy success.target"),
    )
    flips = (Flip("success.target", mark, None, (0.2, 0.8)),)
    return Finding("M-3.2", "success", state, reason, numbers, flips, (), {"definition": "label"})


def write_run(
    folder: Path,
    findings: dict[str, list[Finding]],
    *,
    data: str = "d1",
    policy: str = "p1",
    code: str = "c1",
    values: dict[str, Any] | None = None,
    company: str = "Test",
    as_of: str = "2026-06-30",
    **more: Any,
) -> Path:
    """A run folder with results and manifest; `more` goes into the manifest as it is."""
    for id, found in findings.items():
        save_result(folder, Result(id, data, policy, as_of, found))
    manifest = {
        "schema": 1,
        "stamp": {"data_hash": data, "policy_hash": policy, "code_hash": code},
        "company": {"name": company, "as_of": as_of},
        "policy": {"success.target": 0.5, "evidence.level": 0.95, **(values or {})},
        "overrides": values or {},
        "versions": {"scipy": "1.17"},
        "steps": [{"id": id, "status": "done"} for id in findings],
        **more,
    }
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder
