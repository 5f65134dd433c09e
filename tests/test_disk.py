"""What the operating system refuses: one sentence, exit code 2, and nothing half-written. (Tests may run as root, whom no permission stops:
the refusals are raised by hand, a limit of the size of files stands in for a full disk.)"""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from kaanalysis import cli, disk, pseudonyms
from kaanalysis.contracts import UnusableData
from kaanalysis.disk import drafted, refusal, writing

ROOT = Path(__file__).parent.parent


def denied(path: Path, number: int = errno.EACCES, *more: object) -> OSError:
    return OSError(number, os.strerror(number), str(path), *more)


def test_a_refusal_names_the_file_what_was_wanted_of_it_and_the_reason(tmp_path: Path) -> None:
    there = tmp_path / "accounts.csv"
    there.write_text("account_id\n")
    full = OSError(errno.ENOSPC, "Error writing bytes to file. Detail: [errno 28]")
    for error, said in (
        (denied(there), f"{there} cannot be read: Permission denied."),
        (denied(tmp_path / "run"), f"{tmp_path / 'run'} cannot be written: Permission denied."),
        (denied(tmp_path / ".run.lock"), f"{tmp_path} cannot be written: Permission denied."),
        (denied(there / "run", errno.ENOTDIR), f"{there / 'run'} cannot be "),
        (denied(tmp_path / ".run.partial", errno.EROFS, None, str(tmp_path / "run")), f"{tmp_path / 'run'} cannot be written"),
        (full, "out cannot be written: No space left on device."),
        (duckdb.IOException('IO Error: Could not write file "x.tmp": No space left on device'), "out cannot be written: Could not"),
        (shutil.Error([("a", "b", "[Errno 28] No space left on device: 'b'")]), "b cannot be written: [Errno 28]"),
    ):  # fmt: skip
        told = refusal(error, Path("out"))
        assert told is not None and str(told).startswith(said)
    assert str(refusal(full)).startswith("a file cannot be written")


@pytest.mark.parametrize(
    "error",
    [ValueError("x"), FileNotFoundError(errno.ENOENT, "gone", "x"), ConnectionResetError(errno.ECONNRESET, "reset"), OSError("x"),
     PermissionError(errno.EPERM, "of a process"), KeyboardInterrupt()],
)  # fmt: skip
def test_what_no_file_is_the_reason_of_stays_a_fault_of_the_program(error: BaseException) -> None:
    assert refusal(error, Path("out")) is None
    with pytest.raises(type(error)), writing(Path("out")):
        raise error


def test_a_place_that_cannot_be_looked_into_is_opened_neither_to_read_nor_to_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk.os, "access", lambda path, mode: False)
    assert str(refusal(denied(tmp_path / "a"))) == f"{tmp_path / 'a'} cannot be opened: Permission denied."


def test_of_a_draft_that_fails_nothing_is_left_and_what_was_there_stays(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("before")
    with pytest.raises(UnusableData, match="cannot be written"), writing(path), drafted(path) as draft:
        draft.write_text("ha")
        raise OSError(errno.ENOSPC, "full")
    assert path.read_text() == "before" and list(tmp_path.iterdir()) == [path]


def test_of_a_pseudonym_key_that_cannot_be_written_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(count: int) -> str:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(pseudonyms.secrets, "token_hex", full)
    with pytest.raises(OSError, match="full"):
        pseudonyms.read_or_make_key(tmp_path / "key")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [("report", "{}", "--out", "{}/run", "--quiet"), ("report", "{}", "--out", "{}/run", "--by", "region"), ("analyse", "{}", "--out", "{}/run")],
)  # fmt: skip
def test_an_unwritable_folder_is_one_sentence_and_exit_code_2(
    tmp_path: Path,
    arguments: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    opened = os.open

    def refuse(path: str | Path, *more: object, **named: object) -> int:
        if str(path).endswith(".run.lock"):
            raise denied(Path(path))
        return opened(path, *more, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", refuse)
    monkeypatch.setattr(sys, "argv", ["kaanalysis", *(a.format(tmp_path) for a in arguments)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    assert capfd.readouterr().err == f"kaanalysis: {tmp_path} cannot be written: Permission denied.\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [("simulate", "healthy", "--out", "{}/c", "--size", "0.1"), ("import", "flow_sheet", "--template", "{}/file/t.xlsx"),
     ("analyse", "data/demo", "--out", "{}/run", "--pseudonym-key", "{}/file/key"),
     ("import", "flow_sheet", "data/flows/en/crm/sheet/crm.csv", "--out", "{}/file/c")],
)  # fmt: skip
def test_a_full_disk_or_a_file_in_place_of_a_folder_is_one_sentence_and_leaves_nothing(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    (tmp_path / "file").write_text("")

    resource = pytest.importorskip("resource")

    def small_files() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))

    done = subprocess.run(
        [sys.executable, "-B", "-m", "kaanalysis.cli", *(a.format(tmp_path) for a in arguments)],
        capture_output=True, text=True, cwd=ROOT, check=False, preexec_fn=small_files,
    )  # fmt: skip
    assert done.returncode == 2 and "cannot be " in done.stderr and len(done.stderr.splitlines()) == 1, done.stderr
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file"]
