"""One run at a time in a run folder: a lock that the operating system takes back when its holder dies, by ``kill -9`` too.

The lock is ``flock`` on ``.<run>.lock`` beside the run folder, not the file's being there: a file left by a process that died is stale,
is recognised (nobody holds it) and taken over. What stands in the file only says who holds it. Child processes do not inherit the lock
(the descriptor closes on exec). On a network file system it holds as far as that system's ``flock`` reaches; where the platform has no
``flock`` (Windows) runs are not locked.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from kaanalysis.contracts import UnusableData
from kaanalysis.manifest import Manifest

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows
    fcntl = None  # type: ignore[assignment]


class RunBusy(UnusableData):
    """Another run is being written to the same folder; nothing was computed."""


@dataclass(frozen=True)
class Holder:
    """Who holds a lock, or held it last: process id, host, and when it took it (UTC, ISO 8601)."""

    pid: int
    host: str
    since: str

    @staticmethod
    def read(descriptor: int) -> Holder | None:
        """What an open lock file says; None where it says nothing that can be read."""
        try:
            return Holder(**json.loads(os.pread(descriptor, 4096, 0)))
        except (ValueError, TypeError):
            return None


def lock_path(run: Path) -> Path:
    """The lock file of a run folder, beside it (the folder itself is renamed when a run is published)."""
    return run.parent / f".{run.name}.lock"


def _taken(path: Path) -> int:
    """An open descriptor that holds the lock on the file that is at `path` now; :class:`RunBusy` where somebody else holds it."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = Holder.read(descriptor)
            os.close(descriptor)
            who = f" by process {holder.pid} on {holder.host} since {holder.since}" if holder else ""
            run = path.with_name(path.name.removeprefix(".").removesuffix(".lock"))
            raise RunBusy(
                f"{run} is being written{who}; nothing was run. Wait for it, or choose another --out."
            ) from None
        try:
            # A holder that ended between opening and locking has removed its file: a lock on a file without a name locks nobody out.
            if os.fstat(descriptor).st_ino == path.stat().st_ino:
                return descriptor
        except FileNotFoundError:
            pass
        os.close(descriptor)


def is_held(run: Path) -> bool:
    """Whether a run is being written to this folder now."""
    path = lock_path(run)
    if fcntl is None or not path.exists():
        return False
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def refuse_inside_run(out: Path) -> None:
    """Refuse a folder in what is no folder, and one inside a run folder, finished or being written: a run folder is replaced as a whole
    when its run is made again, and what else lies in it goes with it. Groups of a run that is being built (``.<run>.partial``) are parts
    of it."""
    for above in out.resolve().parents:
        if above.is_file():
            raise UnusableData(f"{out} cannot be made: {above} is a file.")
        built = above.name.startswith(".") and above.name.endswith(".partial")
        if not built and (Manifest.read(above) is not None or is_held(above)):
            raise UnusableData(
                f"{out} lies in the run folder {above}, which is replaced as a whole; choose another --out."
            )


def refuse_as_run(out: Path) -> None:
    """Refuse a place that no run can be written to, before anything is made there: a file, or a folder inside a run folder."""
    if out.exists() and not out.is_dir():
        raise UnusableData(f"{out} is a file; name a folder.")
    refuse_inside_run(out)


@contextmanager
def locked(run: Path) -> Iterator[Holder | None]:
    """Hold the lock of a run folder. Yields who left a stale lock there (a process that died), None where there was none; raises
    :class:`RunBusy` where a live process holds it."""
    if fcntl is None:  # pragma: no cover - Windows
        yield None
        return
    path = lock_path(run)
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = _taken(path)
    try:
        stale = Holder.read(descriptor)
        me = Holder(os.getpid(), socket.gethostname(), dt.datetime.now(dt.UTC).isoformat(timespec="seconds"))
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(asdict(me)).encode(), 0)
        yield stale
    finally:
        path.unlink(missing_ok=True)  # still held: nobody else can have taken it meanwhile
        os.close(descriptor)
