"""What the operating system refuses, in one sentence: a file that cannot be read, a folder that cannot be written, a disk that is full.

Such an error can come from any line that opens a file, so it is put into words where a command ends and not where it arises. What is
written in several pieces is written beside its place (:func:`drafted`), so that a refusal leaves nothing half-written.
"""

from __future__ import annotations

import errno
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kaanalysis.contracts import UnusableData

# Errors of writing come without the name of a file; every other error without one is none of a file (a lost connection, a process).
_OF_WRITING = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG, errno.EIO}
_OF_A_PLACE = {errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENAMETOOLONG, errno.ELOOP}


def refusal(error: BaseException, out: Path | None = None) -> UnusableData | None:
    """What is to be told of an error of reading or writing a file; None for every other error, which is a fault of the program.

    out: what was being written, named where the error names no file."""
    where = str(out) if out is not None else "a file"
    duckdb = sys.modules.get("duckdb")  # only what has been imported can have raised
    if duckdb is not None and isinstance(error, duckdb.IOException):
        said = str(error).splitlines()[0].removeprefix("IO Error: ").rstrip(".")
        return UnusableData(f"{where} cannot be written: {said}.")
    if isinstance(error, shutil.Error):  # of a folder copied: (source, target, reason) for each file
        _, target, reason = error.args[0][0]
        return UnusableData(f"{target} cannot be written: {reason}.")
    if not isinstance(error, OSError) or error.errno not in _OF_WRITING | _OF_A_PLACE:
        return None
    reason = os.strerror(error.errno)
    named = error.filename2 or error.filename  # of a renaming, what it would have become
    if named is None or isinstance(named, int):
        return UnusableData(f"{where} cannot be written: {reason}.") if error.errno in _OF_WRITING else None
    path = Path(os.fsdecode(named))
    if path.name.startswith(".") and not _there(path):  # a draft or a lock: the reader knows the folder, not its name
        path = path.parent
        return UnusableData(f"{path} cannot be written: {reason}.")
    return UnusableData(f"{path} cannot be {_wanted(path, error.errno)}: {reason}.")


def _wanted(path: Path, number: int) -> str:
    """What was wanted of a file that was refused. What is there is opened to be read: the workbook writes beside it and renames."""
    if number in _OF_WRITING or number == errno.EEXIST:
        return "written"
    if not os.access(path.parent, os.X_OK):  # nobody can tell whether it is there
        return "opened"
    return "read" if _there(path) else "written"


def _there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False


@contextmanager
def writing(out: Path) -> Iterator[None]:
    """While `out` is being written: what the operating system refuses is raised as :class:`UnusableData`."""
    try:
        yield
    except Exception as error:
        refused = refusal(error, out)
        if refused is None:
            raise
        raise refused from error


@contextmanager
def drafted(path: Path) -> Iterator[Path]:
    """A draft beside `path` that takes its place at the end; of one that fails nothing is left."""
    draft = path.with_name(f".{path.name}.partial")
    try:
        yield draft
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
