"""Runs that nobody watches: what the log says, when notice is given, and that neither changes how the run ends."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kaanalysis import unattended
from kaanalysis.contracts import UnusableData
from kaanalysis.manifest import Manifest, Step
from kaanalysis.unattended import RunLog, Watch

HOOK = 'printf "%s|%s|%s|%s|%s" "$KAANALYSIS_FAILED_RUN" "$KAANALYSIS_STATUS" "$KAANALYSIS_EXIT" "$KAANALYSIS_ERROR" "$KAANALYSIS_LOG" > "{file}"'


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def manifest(*steps: Step) -> Manifest:
    return Manifest({}, {}, "demo", {}, {}, {}, ["en"], "", "2026-06-30", "2026-06-30", list(steps))


DONE, FAILED = Step("01_base_assumptions", "done", 4.1234), Step("03_sales_flow", "failed", 2.0, "ValueError: told to")
SKIPPED = Step("04_path_selection", "skipped", needs="03_sales_flow")


def test_the_log_has_one_json_line_per_step_and_ends_with_the_run(tmp_path: Path) -> None:
    with Watch(Path("nightly/2026-06-30"), tmp_path / "logs" / "kaanalysis.jsonl") as watch:
        for step in (DONE, FAILED, SKIPPED):
            watch.log.step(step)
        watch.manifest = manifest(DONE, FAILED, SKIPPED)
    written = lines(tmp_path / "logs" / "kaanalysis.jsonl")
    assert [(x["step"], x["status"]) for x in written] == [
        ("begin", "started"),
        ("01_base_assumptions", "done"),
        ("03_sales_flow", "failed"),
        ("04_path_selection", "skipped"),
        ("run", "failed"),
    ]
    assert {x["run"] for x in written} == {"nightly/2026-06-30"}
    assert written[1]["seconds"] == 4.123 and "error" not in written[1]
    assert written[2]["error"] == "ValueError: told to" and written[3]["error"] == "needs 03_sales_flow"
    assert written[-1]["exit"] == 1 and watch.exit_code == 1
    assert written[-1]["error"] == "03_sales_flow: ValueError: told to; 04_path_selection: needs 03_sales_flow"


def test_runs_that_share_a_log_append_to_it_and_a_line_break_in_an_error_stays_one_line(tmp_path: Path) -> None:
    for name in ("a", "b"):
        RunLog(tmp_path / "log", name).write("03_sales_flow", "failed", 1.0, "two\nlines, 两行")
    assert [(x["run"], x["error"]) for x in lines(tmp_path / "log")] == [
        ("a", "two\nlines, 两行"),
        ("b", "two\nlines, 两行"),
    ]


@pytest.mark.parametrize(
    ("raised", "status", "code", "said"),
    [
        (UnusableData("accounts is missing."), "refused", 2, "accounts is missing."),
        (KeyboardInterrupt(), "interrupted", 130, "stopped by Ctrl-C"),
        (ZeroDivisionError("by zero"), "error", 1, "ZeroDivisionError: by zero"),
    ],
)
def test_whatever_ends_a_run_is_logged_noticed_and_goes_on(
    tmp_path: Path, raised: BaseException, status: str, code: int, said: str
) -> None:
    hook, log = HOOK.format(file=tmp_path / "told"), tmp_path / "log"
    with pytest.raises(type(raised)), Watch(tmp_path / "run", log, hook):
        raise raised
    assert (tmp_path / "told").read_text() == f"{tmp_path / 'run'}|{status}|{code}|{said}|{log}"
    last = lines(log)[-1]
    assert (last["status"], last["exit"], last["error"]) == (status, code, said)


def test_a_failed_notebook_gives_notice_and_a_good_run_none(tmp_path: Path) -> None:
    hook = HOOK.format(file=tmp_path / "told")
    with Watch(tmp_path / "run", None, hook) as watch:
        watch.manifest = manifest(DONE)
    assert watch.exit_code == 0 and not (tmp_path / "told").exists()
    with Watch(tmp_path / "run", None, hook) as watch:
        watch.manifest = manifest(FAILED)
    assert (tmp_path / "told").read_text() == f"{tmp_path / 'run'}|failed|1|03_sales_flow: ValueError: told to|"


@pytest.mark.parametrize(("command", "said"), [("exit 7", "ended with exit code 7"), ("no-such-command-here", "exit code 127"), ("sleep 60", "was ended after")])  # fmt: skip
def test_a_notice_that_fails_is_reported_and_changes_no_exit_code(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: str, said: str
) -> None:
    monkeypatch.setattr(unattended, "HOOK_SECONDS", 0.5)
    with Watch(tmp_path / "run", tmp_path / "log", command) as watch:
        watch.manifest = manifest(FAILED)
    assert watch.exit_code == 1
    assert said in capfd.readouterr().err
    hook, run = lines(tmp_path / "log")[-2:]
    assert hook["step"] == "on_failure" and hook["status"] == "failed" and said in hook["error"] and run["exit"] == 1


def test_sigterm_ends_the_run_like_ctrl_c_and_is_left_as_it_was(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), Watch(tmp_path / "run", tmp_path / "log"):
        os.kill(os.getpid(), signal.SIGTERM)
        pytest.fail("not stopped")
    assert signal.getsignal(signal.SIGTERM) == before
    assert lines(tmp_path / "log")[-1]["error"] == "stopped by SIGTERM"


@pytest.fixture
def ctrl_c_heard() -> Iterator[None]:
    """A shell starts what runs in the background with Ctrl-C ignored, the tests too."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_that_a_library_makes_an_error_of_is_still_an_interruption(
    tmp_path: Path, number: signal.Signals, ctrl_c_heard: None
) -> None:
    with pytest.raises(KeyboardInterrupt), Watch(tmp_path / "run", tmp_path / "log"):
        try:
            os.kill(os.getpid(), number)
            pytest.fail("not stopped")
        except KeyboardInterrupt:
            raise RuntimeError("Query interrupted") from None  # as DuckDB does
    last = lines(tmp_path / "log")[-1]
    assert (last["status"], last["exit"]) == ("interrupted", 130)
    assert last["error"] == ("stopped by SIGTERM" if number == signal.SIGTERM else "stopped by Ctrl-C")


def test_sigterm_is_handled_without_a_log_or_a_notice_too(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), Watch(tmp_path / "run"):
        assert signal.getsignal(signal.SIGTERM) not in (signal.SIG_DFL, None)
        os.kill(os.getpid(), signal.SIGTERM)


def test_a_run_that_is_told_to_ignore_ctrl_c_goes_on_ignoring_it(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Watch(tmp_path / "run"):
            os.kill(os.getpid(), signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_log_that_cannot_be_written_is_refused_before_the_run(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    with pytest.raises(UnusableData, match=r"--log .* cannot be written"), Watch(tmp_path / "run", tmp_path / "log"):
        pytest.fail("run began")


def test_keep_without_a_date_says_that_it_does_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Watch(tmp_path / "run", tmp_path / "log") as watch:
        watch.manifest = manifest(DONE)
        watch.keep(3)
        watch.keep(None)
    assert "does not begin with a date" in capsys.readouterr().err
    assert [x["step"] for x in lines(tmp_path / "log")] == ["begin", "run"]
