"""A report that nobody watches (cron, systemd, CI): a log for machines, a notice of failure through a command, an exit code.

Log: JSON lines, appended, one object a line, each written at once (several runs may share a file)::

    {"at": "2026-06-30T02:00:04+00:00", "run": "nightly/2026-06-30", "step": "01_base_assumptions", "status": "done", "seconds": 4.1}

``at``: end of the step, UTC. ``run``: the run folder as given. ``step``: begin, lock, left_out (``analyses`` of the last run that
this one makes not and may not take over, ``other``: data, policy or code), notes (each line a sentence
on notes that could not be read or kept, which fails no run), an analysis, report.<language>, pdf.<language>, keep,
on_failure, and last run, whose line also has ``exit``. ``status``: started (of begin: a run without a last line was killed), done, kept,
failed, skipped, stale (a lock left by a process that died), and of run: done, failed (a notebook failed), refused (bad input, or the run
folder is being written), interrupted, error. ``seconds``: of the step. ``error``: what went wrong, else absent. ``group``: with --by, the
group.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

from kaanalysis.contracts import UnusableData
from kaanalysis.manifest import Manifest, Step
from kaanalysis.run_lock import Holder

HOOK_SECONDS = 300  # a notice that hangs must not hold up the night
INTERRUPTED = 130


@dataclass
class RunLog:
    """Lines of one run, appended to `path` (None: nowhere)."""

    path: Path | None
    run: str

    def write(self, step: str, status: str, seconds: float | None = None, error: str = "", **more: object) -> None:
        """Append one line. Raises :class:`UnusableData` where the file cannot be written."""
        if self.path is None:
            return
        at = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        line: dict[str, object] = {"at": at, "run": self.run, "step": step, "status": status}
        line |= {} if seconds is None else {"seconds": round(seconds, 3)}
        line |= ({"error": error} if error else {}) | more
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab", buffering=0) as file:  # one write: lines of runs that share the file stay whole
                file.write((json.dumps(line, ensure_ascii=False) + "\n").encode())
        except OSError as error_:
            raise UnusableData(f"--log {self.path} cannot be written: {error_.strerror}.") from None

    def step(self, step: Step, **more: object) -> None:
        """The line of a notebook."""
        self.write(
            step.id, step.status, step.seconds, step.error or (f"needs {step.needs}" if step.needs else ""), **more
        )


def said_of(manifest: Manifest) -> str:
    """The failed and skipped steps of a run in one line; empty where there are none."""
    told = [f"{s.id}: {s.error or 'needs ' + s.needs}" for s in manifest.steps if s.status in ("failed", "skipped")]
    return "; ".join(told)


def notify(command: str, run: Path, status: str, exit_code: int, error: str, log: Path | None) -> str:
    """Run the command of --on-failure in a shell; returns what went wrong with it, empty where nothing did.

    It finds in its environment KAANALYSIS_FAILED_RUN (absolute path of the run folder, which holds the last good run or none where
    nothing was published), KAANALYSIS_STATUS (failed, refused, interrupted, error), KAANALYSIS_EXIT, KAANALYSIS_ERROR and KAANALYSIS_LOG
    (absolute path or empty). What it prints goes to standard error; after :data:`HOOK_SECONDS` it is ended."""
    told = {"KAANALYSIS_FAILED_RUN": str(run.absolute()), "KAANALYSIS_STATUS": status, "KAANALYSIS_EXIT": str(exit_code),
            "KAANALYSIS_ERROR": error.replace("\0", ""), "KAANALYSIS_LOG": str(log.absolute()) if log else ""}  # fmt: skip
    try:
        hook = subprocess.Popen(
            command, shell=True, stdin=subprocess.DEVNULL, stdout=sys.stderr.fileno(), env={**os.environ, **told}, start_new_session=True
        )  # fmt: skip
    except OSError as failure:
        return f"--on-failure could not be started: {failure}"
    try:
        code = hook.wait(HOOK_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(hook.pid, signal.SIGKILL)
        hook.wait()
        return f"--on-failure was ended after {HOOK_SECONDS} s"
    return f"--on-failure ended with exit code {code}" if code else ""


@dataclass
class Watch:
    """Around one run: whatever its end, the log's last line says it and a failure gives notice. Used as a context manager; the exception
    that ended the run goes on unchanged, but for what a signal that stops it was made into on its way: that is a KeyboardInterrupt again.
    :attr:`exit_code` never depends on the notice.

    run: run folder. log, on_failure: as the options of `kaanalysis report`. manifest: set by the caller when the run has ended;
    unprinted: why a report could not be printed."""

    run: Path
    log_path: Path | None = None
    on_failure: str | None = None
    manifest: Manifest | None = None
    unprinted: str = ""
    _begun: float = field(default_factory=time.monotonic)
    _stopped: str = ""
    _before: dict[int, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.log = RunLog(self.log_path, str(self.run))

    @property
    def exit_code(self) -> int:
        return 1 if self.unprinted or (self.manifest is not None and self.manifest.failed) else 0

    def __enter__(self) -> Watch:
        # A service that is stopped gets SIGTERM: it ends like Ctrl-C, so that its exit code, the log and the notice still come.
        self._before = {signal.SIGTERM: signal.signal(signal.SIGTERM, self._stop)}
        if (
            signal.getsignal(signal.SIGINT) is signal.default_int_handler
        ):  # a job in the background may be told to ignore it
            self._before[signal.SIGINT] = signal.signal(signal.SIGINT, self._stop)
        try:
            self.log.write("begin", "started")  # a log that cannot be written is refused before anything is computed
        except UnusableData as error:
            self.__exit__(type(error), error, None)
            raise
        return self

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._stopped = "Ctrl-C" if number == signal.SIGINT else "SIGTERM"
        raise KeyboardInterrupt

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)
        # DuckDB makes "RuntimeError: Query interrupted" of a signal that comes while it computes, and whoever reads files may make
        # bad input of that: after a signal, every error is its doing.
        interrupted = error is not None and (isinstance(error, KeyboardInterrupt) or bool(self._stopped))
        if interrupted:
            status, code, said = "interrupted", INTERRUPTED, f"stopped by {self._stopped or 'Ctrl-C'}"
        elif isinstance(error, UnusableData):
            status, code, said = "refused", 2, str(error)
        elif error is not None:
            status, code, said = "error", 1, f"{type(error).__name__}: {error}"
        else:
            code = self.exit_code
            told = [said_of(self.manifest) if self.manifest else "", self.unprinted]
            status, said = ("failed" if code else "done"), "; ".join(filter(None, told))
        self._tell(status, code, said)
        if interrupted and not isinstance(error, KeyboardInterrupt):
            raise KeyboardInterrupt from error

    def stale(self, holder: Holder) -> None:
        """Say that an earlier run died and left its lock; its finished steps are gone on from."""
        self.log.write("lock", "stale", pid=holder.pid, host=holder.host, since=holder.since)

    def keep(self, keep: int | None) -> None:
        """Remove old runs beside this one (:func:`kaanalysis.retention.prune`); None: none. What fails is reported and changes nothing."""
        if keep is None:
            return
        from kaanalysis.retention import is_dated, prune

        if not is_dated(self.run.absolute()):
            print(
                f"kaanalysis: --keep {keep} does nothing: {self.run.name} does not begin with a date.", file=sys.stderr
            )
            return
        begun = time.monotonic()
        try:
            removed = prune(self.run.absolute(), keep)
        except OSError as error:
            print(f"kaanalysis: --keep could not remove {error.filename}: {error.strerror}.", file=sys.stderr)
            self.log.write("keep", "failed", time.monotonic() - begun, str(error))
            return
        self.log.write("keep", "done", time.monotonic() - begun, removed=[p.name for p in removed])

    def _tell(self, status: str, code: int, said: str) -> None:
        try:
            if code and self.on_failure:
                begun = time.monotonic()
                failure = notify(self.on_failure, self.run, status, code, said, self.log_path)
                if failure:
                    print(f"kaanalysis: {failure}.", file=sys.stderr)
                self.log.write("on_failure", "failed" if failure else "done", time.monotonic() - begun, failure)
            self.log.write("run", status, time.monotonic() - self._begun, said, exit=code)
        except UnusableData as failure:  # a log that cannot be written must not hide how the run ended
            print(f"kaanalysis: {failure}", file=sys.stderr)
