"""One report per group of accounts, side by side, with a page that reads them together (``kaanalysis report … --by region``).

The company is opened once, kernels are forked from one process, and as many groups as there are jobs run at a time, each as an
ordinary run folder ``<run>/<group>``. The whole is built beside its target and published at once; groups that are done under the same stamp
are kept.

Reading many groups at once finds differences by chance. So each analysis is computed a second time at the level 1 − (1 − level) / groups
(Bonferroni): these are the intervals and verdicts of the page. They hold together over the groups of one finding, not over all findings,
and what an analysis judges by a probability of its own (the ledger's certainty) is not moved by it.
"""

from __future__ import annotations

import concurrent.futures
import hashlib
import multiprocessing
import os
import re
import shutil
import threading
import time
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from multiprocessing.connection import wait
from pathlib import Path

from kaanalysis import report, runner
from kaanalysis.account_groups import groups_of, place_of, resolved, selection
from kaanalysis.analyses.registry import select, with_upstream
from kaanalysis.company import Company, hand_on, open_company
from kaanalysis.contracts import UnusableData
from kaanalysis.group_index import Group, GroupRun, build_index, level_together
from kaanalysis.kernel_server import KERNELS, KernelServer
from kaanalysis.manifest import Manifest, Step
from kaanalysis.opened import OPENED
from kaanalysis.policy import Policy, load_policy
from kaanalysis.results import Finding, Result
from kaanalysis.run_lock import Holder, locked, refuse_as_run
from kaanalysis.run_notes import RunNotes, dated_beside
from kaanalysis.runfolder import write_text
from kaanalysis.unattended import RunLog

NO_VALUE = "no-value"
# Names that some system gives a meaning of its own.
RESERVED = re.compile(r"^(con|prn|aux|nul|com\d|lpt\d)$", re.IGNORECASE)
LONGEST = 60  # bytes of a folder's name


def folder_name(value: str | None, taken: set[str]) -> str:
    """A folder's name for a group: letters and digits of any script, everything else a hyphen; never empty, hidden, reserved, over-long or
    one of `taken` (compared without capitals, as some file systems do), to which it is added. What two values would share, or what
    had to be cut, carries a short digest of the value, so that the name does not depend on the other groups' order."""
    if value is None:
        name = NO_VALUE
    else:
        name = re.sub(r"[\W_]+", "-", unicodedata.normalize("NFKC", value)).strip("-")
    whole = bool(name) and len(name.encode()) <= LONGEST and not RESERVED.match(name)
    if not whole or name.casefold() in taken:
        digest = hashlib.sha256((value or "").encode()).hexdigest()[:8]
        cut = name.encode()[: LONGEST - 9].decode(errors="ignore").strip("-")
        name = f"{cut}-{digest}" if cut else digest
    taken.add(name.casefold())
    return name


def groups_in(company: Company, column: str, policy: Policy) -> list[Group]:
    """The groups of a company; :class:`UnusableData` where there are more than the policy allows to be read together."""
    counted, taken = groups_of(company.table("accounts"), column), set[str]()
    most = policy["groups.most"]
    if len(counted) > most:
        raise UnusableData(
            f"accounts.{column} makes {len(counted)} groups, more than {most} (policy groups.most); choose another column."
        )
    pairs = zip(counted["value"].tolist(), counted["accounts"].tolist(), strict=True)
    return [Group(value, folder_name(value, taken), int(accounts)) for value, accounts in pairs]


def _at_level(policy: Policy, level: float) -> Policy:
    """The policy at a level that may lie beyond what an analyst may set."""
    name = "evidence.level"
    return Policy({**policy.thresholds, name: replace(policy.threshold(name), value=level)}, policy.overrides)


@dataclass(frozen=True)
class _Order:
    """What a worker needs to know to run one group."""

    group: Group
    groups: int
    data: str
    by: str
    run: Path
    only: list[str] | None
    overrides: Mapping[str, object]
    languages: list[str]
    jobs: int
    command: str
    log: RunLog


def _run_group(order: _Order) -> GroupRun:
    """One group in a process of its own: notebooks, report, and the analyses at the level for reading groups together."""
    begun, group = time.monotonic(), order.group
    done = GroupRun(group)
    place = place_of(order.data, order.by, group.value)

    def finish(run: Path) -> None:
        for language in order.languages:
            report.build(run, language)

    try:
        done.manifest = runner.run_notebooks(
            place, order.run / group.folder, only=order.only, overrides=order.overrides, languages=order.languages,
            jobs=order.jobs, command=order.command, finish=finish,
            tell=lambda step, _done, _total: order.log.step(step, group=group.value),
            warn=lambda said: order.log.write("notes", "failed", error=said, group=group.value),
        )  # fmt: skip
        done.together = _together(place, order)
    except Exception as error:  # the other groups' reports are worth having
        done.error = str(error) if isinstance(error, UnusableData) else f"{type(error).__name__}: {error}"
    done.seconds = time.monotonic() - begun
    return done


def _together(place: str, order: _Order) -> dict[str, list[Finding]]:
    policy = load_policy().override(order.overrides).consistent()
    policy = _at_level(policy, level_together(policy["evidence.level"], order.groups))
    company, results = open_company(place), dict[str, Result]()
    for analysis in with_upstream(select(order.only)):
        if all(u in results for u in analysis.upstream):
            try:
                results[analysis.id] = analysis.analyse(company, policy, {u: results[u] for u in analysis.upstream})
            except Exception:  # its notebook has failed too, and says why
                continue
    return {id: result.findings for id, result in results.items()}


def _begin(environment: dict[str, str | None]) -> None:
    """At the start of a worker. Its environment is that of the process it was forked from, maybe for an earlier run: what this run
    tells its processes is told again. A worker whose run was killed ends at once: the run that takes over its lock must be alone in
    the folder."""
    for name, value in environment.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=lambda: (wait([parent.sentinel]), os._exit(1)), daemon=True).start()


def _prepare(out: Path, groups: list[Group], by: str) -> Path:
    """The folder in which the whole is built, with what earlier runs of these groups left: each group's run goes on from it, or
    discards it but for an analyst's own work."""
    last = Manifest.read(out)
    if out.exists() and any(out.iterdir()) and (last is None or last.stamp.get("by") != by):
        raise UnusableData(f"{out} is not empty and holds no run by {by}; choose another --out.")
    partial = runner.partial_of(out)
    known = {g.folder for g in groups}
    earlier = Manifest.read(partial)
    if earlier is None or earlier.stamp.get("by") != by:
        shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True, exist_ok=True)
    for path in partial.iterdir():
        if (
            path.is_dir()
            and path.name not in known
            and path.name.removeprefix(".").removesuffix(".partial") not in known
        ):
            shutil.rmtree(path)
    for name in known:
        if (out / name).is_dir() and not (partial / name).exists():
            shutil.copytree(out / name, partial / name)
    return partial


def run_groups(
    data: str,
    out: Path,
    by: str,
    *,
    only: list[str] | None = None,
    overrides: Mapping[str, object] | None = None,
    languages: list[str],
    jobs: int = 2,
    command: str = "",
    tell: Callable[[Step, int, int], None] = lambda step, done, total: None,
    stale: Callable[[Holder], None] = lambda holder: None,
    warn: Callable[[str], None] = lambda said: None,
    dropped: Callable[[list[str], list[str]], None] = lambda analyses, causes: None,
    log: RunLog | None = None,
) -> Manifest:
    """A run folder per group of accounts by their column `by`, and ``index.<language>.html`` over them; published at once.

    jobs: groups at a time, and notebooks at a time within a group as far as there are jobs left. tell: called after each group. warn,
    dropped: as of :func:`kaanalysis.runner.run_notebooks`, dropped once for all groups. The manifest returned has one step per group.
    Raises :class:`UnusableData` before anything runs."""
    if selection(data)[1] is not None:
        raise UnusableData(f"{data} is one group already; --by needs the whole company.")
    out = Path(out).resolve()
    refuse_as_run(out)
    with locked(out) as left, KernelServer():
        if left is not None:
            stale(left)
        company, policy, chosen, manifest = runner.start(data, out, only, overrides or {}, languages, command)
        for analysis in chosen:
            runner.check_parameters(runner.notebook_path(analysis.id))
        groups = groups_in(company, by, policy)
        manifest.stamp["by"] = by
        partial = _prepare(out, groups, by)
        found = {id for g in groups for id in runner.held(out / g.folder)}
        analyses, causes = runner.left_out(out, found, manifest.stamp, chosen)
        if analyses:
            dropped(analyses, causes)
        notes = RunNotes(resolved(data), manifest.stamp["data_hash"], languages[0], warn)
        _take_notes(notes, out)
        write_text(partial / "manifest.json", manifest.to_json())
        given = partial / ".opened"
        shutil.rmtree(given, ignore_errors=True)
        given.mkdir(mode=0o700)
        hand_on(company, resolved(data), given / "company")
        workers = min(jobs, len(groups))
        orders = [
            _Order(g, len(groups), resolved(data), by, partial, only, dict(overrides or {}), languages, max(1, jobs // workers), command,
                   log or RunLog(None, ""))
            for g in groups
        ]  # fmt: skip
        runs = _in_parallel(orders, given, workers, tell)
        shutil.rmtree(given)
        manifest.steps = [run.step for run in runs]
        manifest.ended = runner.now()
        write_text(partial / "manifest.json", manifest.to_json())
        for language in languages:
            build_index(partial, language, by, runs, manifest, company, policy)
        for path in partial.glob(".*"):  # what groups that could not be run left
            shutil.rmtree(path, ignore_errors=True)
        _take_notes(notes, out)
        runner.publish(partial, out)
    return manifest


def _take_notes(notes: RunNotes, out: Path) -> None:
    """Keep what analysts wrote into the runs about to be replaced, also of groups that there are no more; each notebook says of which group
    it is."""
    for whole in (*dated_beside(out), out):
        for path in sorted(p for p in whole.iterdir() if p.is_dir()) if whole.is_dir() else ():
            notes.take(path)


def _in_parallel(
    orders: list[_Order], given: Path, workers: int, tell: Callable[[Step, int, int], None]
) -> list[GroupRun]:
    """The groups, largest first, so that no long one is left for the end; in the order of `orders`."""
    context = multiprocessing.get_context("forkserver" if hasattr(os, "fork") else "spawn")
    if hasattr(os, "fork"):
        context.set_forkserver_preload(["kaanalysis.run_groups"])  # imported once for all workers
    told = {OPENED: str(given), KERNELS: os.environ.get(KERNELS)}
    ended: dict[str, GroupRun] = {}
    others = set(multiprocessing.active_children())
    pool = concurrent.futures.ProcessPoolExecutor(workers, context, initializer=_begin, initargs=(told,))
    try:
        futures = {pool.submit(_run_group, order): order.group for order in orders}
        for future in concurrent.futures.as_completed(futures):
            group = futures[future]
            try:
                ended[group.folder] = future.result()
            except concurrent.futures.process.BrokenProcessPool as error:  # a worker was killed, by want of memory say
                ended[group.folder] = GroupRun(group, error=f"the process ended: {error}")
            tell(ended[group.folder].step, len(ended), len(orders))
    except BaseException:
        # A run that is stopped waits neither for the groups under way nor for those that have not begun: they would take minutes.
        pool.shutdown(wait=False, cancel_futures=True)
        for worker in set(multiprocessing.active_children()) - others:
            worker.kill()
        raise
    pool.shutdown()
    return [ended[order.group.folder] for order in orders]
