"""One notebook executed with Papermill into a run folder: strict parameters, a failure recorded and never raised."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kaanalysis.contracts import UnusableData
from kaanalysis.kernel_server import kernel_manager
from kaanalysis.manifest import Step
from kaanalysis.paths import workbook_file
from kaanalysis.runfolder import result_path, write_text

PARAMETERS = ("data", "run", "lang", "overrides")


def notebook_path(id: str) -> Path:
    path = workbook_file("notebooks") / f"{id}.ipynb"
    if not path.is_file():
        raise UnusableData(f"{path} is missing: analysis {id} has no notebook.")
    return path


def check_parameters(path: Path) -> None:
    """Refuse a notebook that does not declare exactly the workbook's parameters: Papermill itself would only warn, and run with
    whatever stands in the notebook."""
    import papermill

    declared = set(papermill.inspect_notebook(str(path)))
    if declared != set(PARAMETERS):
        missing, extra = sorted(set(PARAMETERS) - declared), sorted(declared - set(PARAMETERS))
        said = [f"lacks {', '.join(missing)}"] * bool(missing) + [f"has unknown {', '.join(extra)}"] * bool(extra)
        raise UnusableData(
            f"{path}: its parameters cell {' and '.join(said)}; it must declare {', '.join(PARAMETERS)}."
        )


def execute(id: str, run: Path, parameters: Mapping[str, Any]) -> Step:
    """Execute one notebook with Papermill into the run folder; a failure is recorded, never raised."""
    import papermill

    target = run / "notebooks" / f"{id}.ipynb"
    target.parent.mkdir(parents=True, exist_ok=True)
    begun = time.monotonic()
    try:
        papermill.execute_notebook(
            str(notebook_path(id)), str(target), parameters=dict(parameters), kernel_name="python3", progress_bar=False,
            cwd=str(workbook_file("notebooks")), extra_arguments=["--log-level=CRITICAL"],
            **kernel_manager(),
        )  # fmt: skip
    except papermill.PapermillExecutionError as error:
        return Step(id, "failed", time.monotonic() - begun, f"{error.ename}: {error.evalue}")
    except Exception as error:  # a dead kernel, a broken notebook file: the run goes on and shows it in its place
        return Step(id, "failed", time.monotonic() - begun, f"{type(error).__name__}: {error}")
    _tidy_notebook(target, str(parameters.get("lang", "en")))
    if not result_path(run, id).is_file():
        return Step(id, "failed", time.monotonic() - begun, "NoResult: the notebook ended without saving its result")
    return Step(id, "done", time.monotonic() - begun)


def _tidy_notebook(path: Path, language: str) -> None:
    """An executed notebook is a record for one reader: cells of the other language and exercises are dropped."""
    notebook = json.loads(path.read_text(encoding="utf-8"))

    def kept(cell: dict[str, Any]) -> bool:
        tags = cell["metadata"].get("tags", [])
        return "exercise" not in tags and not any(t.startswith("lang-") and t != f"lang-{language}" for t in tags)

    notebook["cells"] = [c for c in notebook["cells"] if kept(c)]
    write_text(path, json.dumps(notebook, ensure_ascii=False, indent=1) + "\n")
