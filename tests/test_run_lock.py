"""One run at a time: a live holder locks out, a dead one does not, whatever killed it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from kaanalysis.contracts import UnusableData
from kaanalysis.manifest import Manifest
from kaanalysis.run_lock import RunBusy, is_held, lock_path, locked, refuse_as_run

HOLDER = """
import sys, time
from pathlib import Path
from kaanalysis.run_lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def holder(run: Path) -> subprocess.Popen[str]:
    """Another process that holds the lock."""
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(run)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    return process


def test_a_second_run_is_refused_in_a_sentence_that_names_the_holder(tmp_path: Path) -> None:
    other = holder(tmp_path / "run")
    try:
        said = f"run is being written by process {other.pid} on .* since 20"
        with pytest.raises(RunBusy, match=said) as refused, locked(tmp_path / "run"):
            pytest.fail("two runs at once")
        assert "\n" not in str(refused.value) and is_held(tmp_path / "run")
        with locked(tmp_path / "another"):
            pass
    finally:
        other.kill()
        other.wait()


def test_a_lock_left_by_kill_9_is_recognised_and_taken_over(tmp_path: Path) -> None:
    other = holder(tmp_path / "run")
    os.kill(other.pid, signal.SIGKILL)
    other.wait()
    assert lock_path(tmp_path / "run").is_file() and not is_held(tmp_path / "run")
    with locked(tmp_path / "run") as stale:
        assert stale is not None and stale.pid == other.pid
        assert is_held(tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


def test_the_lock_is_given_back_and_its_file_removed_when_the_run_fails(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), locked(tmp_path / "run") as stale:
        assert stale is None
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == [] and not is_held(tmp_path / "run")


def test_a_lock_file_that_says_nothing_is_not_in_the_way(tmp_path: Path) -> None:
    lock_path(tmp_path / "run").write_text("not json")
    with locked(tmp_path / "run") as stale:
        assert stale is None


def test_a_child_process_does_not_hold_the_lock_after_its_parent(tmp_path: Path) -> None:
    with locked(tmp_path / "run"):
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], close_fds=False)
    try:
        with locked(tmp_path / "run") as stale:
            assert stale is None
    finally:
        child.kill()
        child.wait()


def test_a_run_is_refused_in_a_file_and_inside_a_run_folder_finished_or_being_written(tmp_path: Path) -> None:
    run = tmp_path / "run"
    (tmp_path / "some.csv").write_text("")
    for out, said in ((tmp_path / "some.csv", "is a file"), (tmp_path / "some.csv" / "run", "some.csv is a file")):
        with pytest.raises(UnusableData, match=said):
            refuse_as_run(out)
    refuse_as_run(run)
    refuse_as_run(run / "sub")
    with locked(run), pytest.raises(UnusableData, match="lies in the run folder"):
        refuse_as_run(run / "deep" / "sub")
    manifest = Manifest({}, {}, "", {}, {}, {}, [], "", "")
    for folder in (run, tmp_path / ".all.partial"):
        folder.mkdir()
        (folder / "manifest.json").write_text(manifest.to_json(), encoding="utf-8")
    with pytest.raises(UnusableData, match="lies in the run folder"):
        refuse_as_run(run / "sub")
    refuse_as_run(run)  # made again
    refuse_as_run(tmp_path / ".all.partial" / "east")  # a group of a run that is being built
