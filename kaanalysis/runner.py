"""Runs the notebooks of the registry with Papermill into a run folder: strict parameters, parallel, resumed, published at once.

A run is built beside its target, in ``.<run>.partial``, and takes the target's place when all steps have ended: a run that dies
leaves the last good run untouched and its own steps to go on from. A step counts as done only under the same stamp: data,
policy, code and notebooks.
"""

from __future__ import annotations

import concurrent.futures
import datetime as dt
import json
import os
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from kaanalysis.analyses.registry import REGISTRY, Analysis, select, with_upstream
from kaanalysis.company import Company, open_company
from kaanalysis.contracts import UnusableData
from kaanalysis.explore import FILE as OVERRIDES
from kaanalysis.manifest import Manifest, Step, code_hash, versions
from kaanalysis.paths import workbook_file
from kaanalysis.policy import Policy, load_policy
from kaanalysis.runfolder import HEADLESS, result_path, save_frame, save_result, write_text
from kaanalysis.sales_sheets import FOLDER as SHEETS

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


def _partial_of(out: Path) -> Path:
    return out.parent / f".{out.name}.partial"


def _prepare(out: Path, stamp: dict[str, str]) -> tuple[Path, dict[str, Step]]:
    """The partial run folder and the steps in it that can be kept."""
    if out.exists() and Manifest.read(out) is None and any(out.iterdir()):
        raise UnusableData(f"{out} is not empty and is no run folder of this workbook; choose another --out.")
    partial = _partial_of(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    earlier = Manifest.read(partial)
    if earlier is None or earlier.stamp != stamp:
        shutil.rmtree(partial, ignore_errors=True)
        last = Manifest.read(out)
        if last is not None and last.stamp == stamp:
            shutil.copytree(out, partial)
            earlier = last
        else:
            partial.mkdir()
            earlier = None
            if (out / SHEETS).is_dir():  # an analyst may have edited them
                shutil.copytree(out / SHEETS, partial / SHEETS)
            if (out / OVERRIDES).is_file():  # a state that an analyst wrote back
                shutil.copy2(out / OVERRIDES, partial / OVERRIDES)
    kept = {s.id: s for s in earlier.steps if s.status in ("done", "kept")} if earlier else {}
    return partial, {
        id: s
        for id, s in kept.items()
        if result_path(partial, id).is_file() and (partial / "notebooks" / f"{id}.ipynb").is_file()
    }


def _publish(partial: Path, out: Path) -> None:
    """Put the finished run in its place: two renames, so that at any moment either the old or the new run is whole."""
    old = out.parent / f".{out.name}.old"
    shutil.rmtree(old, ignore_errors=True)
    if out.exists():
        out.replace(old)
    partial.replace(out)
    shutil.rmtree(old, ignore_errors=True)


def start(
    data: str, out: Path, only: list[str] | None, overrides: Mapping[str, object], languages: list[str], command: str
) -> tuple[Company, Policy, list[Analysis], Manifest]:
    """Everything that can be refused is refused here, before any notebook starts."""
    policy = load_policy().override(overrides).consistent()
    chosen = with_upstream(select(only))
    company = open_company(data)
    stamp = {"data_hash": company.data_hash, "policy_hash": policy.hash, "code_hash": code_hash()}
    info = company.info
    manifest = Manifest(
        stamp, {"name": info.name, "currency": info.currency, "as_of": str(info.as_of), "language": info.language,
                "ka_launch": str(info.ka_launch) if info.ka_launch else ""}, Path(data).name if "://" not in data else data.split("@")[-1],
        {n: t.value for n, t in sorted(policy.thresholds.items())}, dict(policy.overrides), versions(), languages, command, _now(),
        rows={n: [company.rows_valid[n], company.rows_read[n]] for n in company.tables}, faults=len(company.faults),
    )  # fmt: skip
    return company, policy, chosen, manifest


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")


def run_notebooks(
    data: str,
    out: Path,
    *,
    only: list[str] | None = None,
    overrides: Mapping[str, object] | None = None,
    languages: list[str],
    jobs: int = 2,
    command: str = "",
    tell: Callable[[Step, int, int], None] = lambda step, done, total: None,
    finish: Callable[[Path], None] = lambda run: None,
) -> Manifest:
    """Execute the notebooks asked for and what they rest on, `jobs` at a time, and publish the run folder.

    tell: called after each step with the step, steps ended and steps in all. finish: called on the complete run folder before it is
    published (the report is written there). Raises :class:`UnusableData` before anything runs; a failing notebook only shows in
    the manifest.
    """
    out = Path(out).resolve()
    company, _policy, chosen, manifest = start(data, out, only, overrides or {}, languages, command)
    for analysis in chosen:
        check_parameters(notebook_path(analysis.id))
    partial, kept = _prepare(out, manifest.stamp)
    write_text(partial / "manifest.json", manifest.to_json())
    save_frame(partial, "tables/data_faults.parquet", company.fault_frame())
    save_frame(partial, "tables/import_faults.parquet", company.import_faults)
    location = data if "://" in data else str(Path(data).resolve())
    parameters = {"data": location, "run": str(partial), "lang": languages[0], "overrides": dict(overrides or {})}
    ended: dict[str, Step] = {}

    def end(step: Step) -> None:
        ended[step.id] = step
        manifest.steps = [ended[a.id] for a in chosen if a.id in ended]
        write_text(partial / "manifest.json", manifest.to_json())
        tell(step, len(ended), len(chosen))

    waiting = {a.id for a in chosen}
    pool = concurrent.futures.ThreadPoolExecutor(max_workers=max(1, jobs))
    before = os.environ.get(HEADLESS)
    os.environ[HEADLESS] = "1"  # the kernels inherit it: nobody is there to move a slider
    try:
        running: dict[concurrent.futures.Future[Step], str] = {}
        while waiting or running:
            for id in [a.id for a in chosen if a.id in waiting]:
                upstream = REGISTRY[id].upstream
                broken = [u for u in upstream if u in ended and ended[u].status in ("failed", "skipped")]
                if id in kept and not broken:
                    waiting.remove(id)
                    end(Step(id, "kept", kept[id].seconds))
                elif broken:
                    waiting.remove(id)
                    end(Step(id, "skipped", needs=broken[0]))
                elif all(u in ended for u in upstream):
                    waiting.remove(id)
                    running[pool.submit(execute, id, partial, parameters)] = id
            if running:
                done, _ = concurrent.futures.wait(running, return_when=concurrent.futures.FIRST_COMPLETED)
                for future in done:
                    del running[future]
                    end(future.result())
    finally:
        # After Ctrl-C nobody waits for notebooks under way: their kernels end with this process.
        pool.shutdown(wait=False, cancel_futures=True)
        if before is None:
            os.environ.pop(HEADLESS, None)
        else:
            os.environ[HEADLESS] = before
    manifest.ended = _now()
    write_text(partial / "manifest.json", manifest.to_json())
    finish(partial)
    _publish(partial, out)
    return manifest


def analyse_in_process(
    data: str,
    out: Path,
    *,
    only: list[str] | None = None,
    overrides: Mapping[str, object] | None = None,
    command: str = "",
) -> Manifest:
    """The same results and tables without a kernel: no notebooks, figures or report. Files are written one by one, each atomically."""
    from kaanalysis.analyses.registry import analyse_all

    company, policy, _chosen, manifest = start(data, out, only, overrides or {}, [], command)
    if (
        out.exists()
        and Manifest.read(out) is None
        and any(p.name not in ("results", "tables", "figures") for p in out.iterdir())
    ):
        raise UnusableData(f"{out} is not empty and is no run folder of this workbook; choose another --out.")
    begun = time.monotonic()
    results = analyse_all(company, policy, only)
    for id, result in results.items():
        save_result(out, result)
        manifest.steps.append(Step(id, "done", time.monotonic() - begun))
    save_frame(out, "tables/data_faults.parquet", company.fault_frame())
    save_frame(out, "tables/import_faults.parquet", company.import_faults)
    manifest.ended = _now()
    write_text(out / "manifest.json", manifest.to_json())
    return manifest
