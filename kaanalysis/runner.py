"""Runs the notebooks of the registry with Papermill into a run folder: strict parameters, parallel, resumed, published at once.

A run is built beside its target, in ``.<run>.partial``, and takes the target's place when all steps have ended: a run that dies
leaves the last good run untouched and its own steps to go on from. A step counts as done only under the same stamp: data,
policy, code and notebooks.
"""

from __future__ import annotations

import concurrent.futures
import datetime as dt
import os
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from kaanalysis.account_groups import label, resolved
from kaanalysis.analyses.registry import REGISTRY, Analysis, select, with_upstream
from kaanalysis.company import Company, hand_on, open_company
from kaanalysis.compared_runs import CAUSES, PREVIOUS, keep_previous, read_run
from kaanalysis.contracts import UnusableData
from kaanalysis.explore import FILE as OVERRIDES
from kaanalysis.kernel_server import KernelServer
from kaanalysis.manifest import Manifest, Step, code_hash, holds_report, versions
from kaanalysis.notebook_run import check_parameters, execute, notebook_path
from kaanalysis.opened import OPENED
from kaanalysis.policy import Policy, load_policy
from kaanalysis.pseudonymise import Pseudonymiser
from kaanalysis.pseudonymised_run import (
    KEY,
    as_it_leaves,
    refuse_mixing,
    refuse_other_names,
    save_faults,
    stamped,
    tidy_sheets,
)
from kaanalysis.pseudonyms import read_or_make_key
from kaanalysis.results import Result
from kaanalysis.run_lock import Holder, locked, refuse_as_run
from kaanalysis.run_notes import RunNotes
from kaanalysis.runfolder import DRAWN, DRAWN_FOR, HEADLESS, result_path, save_result, write_text
from kaanalysis.sales_sheets import FOLDER as SHEETS


def partial_of(out: Path) -> Path:
    return out.parent / f".{out.name}.partial"


def _prepare(out: Path, stamp: dict[str, str]) -> tuple[Path, dict[str, Step]]:
    """The partial run folder and the steps in it that can be kept."""
    if out.exists() and Manifest.read(out) is None and any(out.iterdir()):
        raise UnusableData(f"{out} is not empty and is no run folder of this workbook; choose another --out.")
    _refuse_grouped(out)
    partial = partial_of(out)
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


def _refuse_grouped(out: Path) -> None:
    """A folder of runs by group holds an analyst's work in every one of them: a single run does not take its place."""
    last = Manifest.read(out)
    if last is not None and "by" in last.stamp:
        raise UnusableData(f"{out} holds runs by {last.stamp['by']}; choose another --out.")


def held(run: Path) -> set[str]:
    """The analyses whose results a run folder holds."""
    last = Manifest.read(run)
    return {s.id for s in last.steps if s.status in ("done", "kept")} if last is not None else set()


def left_out(
    out: Path, found: set[str], stamp: Mapping[str, str], chosen: list[Analysis]
) -> tuple[list[str], list[str]]:
    """What is in the last run at `out` (`found`: analyses) and will not be in this one, which makes only `chosen` and takes over nothing
    that was made from other data, policy or code; and which of these are others."""
    last = Manifest.read(out)
    if last is None or last.stamp == stamp:
        return [], []
    others = [cause for cause in CAUSES if last.stamp.get(f"{cause}_hash") != stamp.get(f"{cause}_hash")]
    return sorted(found - {a.id for a in chosen}), others


def publish(partial: Path, out: Path) -> None:
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
                "ka_launch": str(info.ka_launch) if info.ka_launch else ""}, label(data),
        {n: t.value for n, t in sorted(policy.thresholds.items())}, dict(policy.overrides), versions(), languages, command, now(),
        rows={n: [company.rows_valid[n], company.rows_read[n]] for n in company.tables}, faults=len(company.faults),
    )  # fmt: skip
    return company, policy, chosen, manifest


def _pseudonymised(
    company: Company, manifest: Manifest, data: str, out: Path, key: Path | None, since: Path | None = None
) -> Pseudonymiser | None:
    """What replaces the names of a run (None: they stay); the manifest is made ready for it. Runs of the two kinds are kept apart."""
    made = Pseudonymiser.of(company, read_or_make_key(key, out)) if key is not None else None
    refuse_mixing(out, made)
    if made is not None and key is not None:
        said = {str(out): "RUN", out.name: "RUN", str(key): "KEY", key.name: "KEY"}
        said |= {str(since): "RUN", since.name: "RUN"} if since is not None else {}
        stamped(manifest, made, said | {data: "DATA", Path(data).name: "DATA"})
    return made


def now() -> str:
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
    since: Path | None = None,
    key: Path | None = None,
    tell: Callable[[Step, int, int], None] = lambda step, done, total: None,
    finish: Callable[[Path], None] = lambda run: None,
    stale: Callable[[Holder], None] = lambda holder: None,
    warn: Callable[[str], None] = lambda said: None,
    dropped: Callable[[list[str], list[str]], None] = lambda analyses, causes: None,
) -> Manifest:
    """Execute the notebooks asked for and what they rest on, `jobs` at a time, and publish the run folder.

    since: an earlier run that the report sets this one against; what that takes is kept in this run's folder. It may be `out` itself, the
    run about to be replaced. tell: called after each step with the step, steps ended and steps in all. finish: called on the complete
    run folder before it is published (the report is written there). stale: called where a run of the same folder died and left its
    lock. key: file of the secret under which names are replaced in everything that is written, made where it is missing (None: names
    stay). warn: called with a sentence for each thing that kept an analyst's notes from being kept (docs/notes.md), which fails no run.
    dropped: called where the last run in the folder holds analyses that this one does not (`only`) and may not take over, with these and
    with what they were made from that is other now (data, policy, code).
    Raises :class:`UnusableData` before anything runs (:class:`~kaanalysis.run_lock.RunBusy` where another run is being written to
    the folder); a failing notebook only shows in the manifest.
    """
    out, jobs = Path(out).resolve(), max(1, jobs)
    refuse_as_run(out)
    with locked(out) as left, KernelServer():
        if left is not None:
            stale(left)
        try:
            return _run_locked(
                data, out, only, overrides, languages, jobs, command, since, key, tell, finish, warn, dropped
            )
        except (
            OSError
        ):  # a disk that is full, say: steps that have ended are gone on from, a folder without any is only in the way
            begun = Manifest.read(partial_of(out))
            if begun is None or not begun.steps:
                shutil.rmtree(partial_of(out), ignore_errors=True)
            raise


def _run_locked(
    data: str,
    out: Path,
    only: list[str] | None,
    overrides: Mapping[str, object] | None,
    languages: list[str],
    jobs: int,
    command: str,
    since: Path | None,
    key: Path | None,
    tell: Callable[[Step, int, int], None],
    finish: Callable[[Path], None],
    warn: Callable[[str], None],
    dropped: Callable[[list[str], list[str]], None],
) -> Manifest:
    company, _policy, chosen, manifest = start(data, out, only, overrides or {}, languages, command)
    for analysis in chosen:
        check_parameters(notebook_path(analysis.id))
    pseudonymiser = _pseudonymised(company, manifest, data, out, key, since)
    if since is not None:
        read_run(since)  # refused before anything is computed
        refuse_other_names(since, manifest.stamp)
    partial, kept = _prepare(out, manifest.stamp)
    analyses, causes = left_out(out, held(out), manifest.stamp, chosen)
    if analyses:
        dropped(analyses, causes)
    if since is None:
        shutil.rmtree(partial / PREVIOUS, ignore_errors=True)  # a run kept from last time may have been set against one
    else:
        manifest.since = keep_previous(since, partial)
    if pseudonymiser is not None:
        tidy_sheets(partial / SHEETS, pseudonymiser)
    write_text(partial / "manifest.json", manifest.to_json())
    save_faults(partial, company, pseudonymiser)
    location = resolved(data)
    data_hash, code_word = manifest.stamp["data_hash"], pseudonymiser.company if pseudonymiser is not None else ""
    notes = RunNotes(location, data_hash, languages[0], warn, pseudonymiser, code_word)
    notes.take(out)
    parameters = {"data": location, "run": str(partial), "lang": languages[0], "overrides": dict(overrides or {})}
    ended: dict[str, Step] = {}

    def end(step: Step) -> None:
        ended[step.id] = step
        notes.put_into(partial, step.id)
        manifest.steps = [ended[a.id] for a in chosen if a.id in ended]
        write_text(partial / "manifest.json", manifest.to_json())
        tell(step, len(ended), len(chosen))

    waiting = {a.id for a in chosen}
    # Chains first: what is rested on and what rests on it decide when the run ends, the others fill the gaps.
    chained = {u for a in chosen for u in (*a.upstream, *([a.id] if a.upstream else []))}
    ordered = sorted(chosen, key=lambda a: a.id not in chained)
    pool = concurrent.futures.ThreadPoolExecutor(max_workers=jobs)
    given = partial / ".opened"  # within the run: what a killed run leaves is cleared away by the next
    shutil.rmtree(given, ignore_errors=True)
    given.mkdir(mode=0o700)
    hand_on(company, location, given / "company")
    # The kernels inherit it: nobody is there to move a slider, the company is open already, and the path of the key, not the secret.
    told = {
        HEADLESS: "1",
        OPENED: str(given),
        DRAWN_FOR: ",".join(languages),
        KEY: str(key.resolve()) if key is not None else "",
    }
    before = {name: os.environ.get(name) for name in told}
    os.environ.update(told)
    try:
        running: dict[concurrent.futures.Future[Step], str] = {}
        while waiting or running:
            for id in [a.id for a in ordered if a.id in waiting]:
                upstream = REGISTRY[id].upstream
                broken = [u for u in upstream if u in ended and ended[u].status in ("failed", "skipped")]
                if id in kept and not broken:
                    waiting.remove(id)
                    end(Step(id, "kept", kept[id].seconds))
                elif broken:
                    waiting.remove(id)
                    end(Step(id, "skipped", needs=broken[0]))
                elif len(running) < jobs and all(u in ended for u in upstream):
                    waiting.remove(id)
                    running[pool.submit(execute, id, partial, parameters)] = id
            if running:
                done, _ = concurrent.futures.wait(running, return_when=concurrent.futures.FIRST_COMPLETED)
                for future in done:
                    del running[future]
                    end(as_it_leaves(future.result(), partial, pseudonymiser, location))
    finally:
        # After Ctrl-C nobody waits for notebooks under way: their kernels end with this process.
        pool.shutdown(wait=False, cancel_futures=True)
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        shutil.rmtree(given, ignore_errors=True)
    manifest.ended = now()
    write_text(partial / "manifest.json", manifest.to_json())
    finish(partial)
    shutil.rmtree(partial / DRAWN, ignore_errors=True)
    notes.take(out)  # what was written into the last run while this one was made
    publish(partial, out)
    return manifest


def analyse_in_process(
    data: str,
    out: Path,
    *,
    only: list[str] | None = None,
    overrides: Mapping[str, object] | None = None,
    command: str = "",
    key: Path | None = None,
) -> Manifest:
    """The same results and tables without a kernel: no notebooks, figures or report. Files are written one by one, each atomically; an
    analysis that fails only shows in the manifest, as a failing notebook does. key: as of :func:`run_notebooks`."""
    refuse_as_run(Path(out))
    with locked(Path(out).resolve()):
        return _analyse_locked(data, out, only, overrides, command, key)


def _analyse_locked(
    data: str, out: Path, only: list[str] | None, overrides: Mapping[str, object] | None, command: str, key: Path | None
) -> Manifest:
    _refuse_grouped(out)
    if holds_report(out):
        raise UnusableData(
            f"{out} holds a report, whose notebooks and pages would not be those of the results; choose another --out, or make it again "
            "with `kaanalysis report`."
        )
    company, policy, chosen, manifest = start(data, out, only, overrides or {}, [], command)
    if (
        out.exists()
        and Manifest.read(out) is None
        and any(p.name not in ("results", "tables", "figures") for p in out.iterdir())
    ):
        raise UnusableData(f"{out} is not empty and is no run folder of this workbook; choose another --out.")
    pseudonymiser = _pseudonymised(company, manifest, data, Path(out).resolve(), key)
    if pseudonymiser is not None and Manifest.read(out) is None and out.exists() and any(out.iterdir()):
        raise UnusableData(f"{out} holds results of unknown make; choose another --out for --pseudonyms.")
    results: dict[str, Result] = {}
    for analysis in chosen:
        missing = [u for u in analysis.upstream if u not in results]
        if missing:
            manifest.steps.append(Step(analysis.id, "skipped", needs=missing[0]))
            continue
        begun = time.monotonic()
        try:
            result = analysis.analyse(company, policy, {u: results[u] for u in analysis.upstream})
        except Exception as error:  # as of a failing notebook: the other analyses' results are worth having
            if str(error) == "Query interrupted":  # what DuckDB makes of Ctrl-C
                raise KeyboardInterrupt from error
            step = Step(analysis.id, "failed", time.monotonic() - begun, f"{type(error).__name__}: {error}")
            manifest.steps.append(as_it_leaves(step, out, pseudonymiser, resolved(data)))
            continue
        results[analysis.id] = result
        save_result(out, pseudonymiser.result(result) if pseudonymiser is not None else result)
        manifest.steps.append(Step(analysis.id, "done", time.monotonic() - begun))
    save_faults(out, company, pseudonymiser)
    manifest.ended = now()
    write_text(out / "manifest.json", manifest.to_json())
    return manifest
