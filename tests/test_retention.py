"""Old runs: which may go, and all that may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from kaanalysis.manifest import Manifest, Step
from kaanalysis.retention import is_dated, prune
from kaanalysis.run_lock import locked
from kaanalysis.runfolder import write_text


def run(folder: Path, *, good: bool = True, company: str = "Ours", started: str = "", by: str = "") -> Path:
    """A run folder as far as retention reads it."""
    stamp = {"data_hash": "d"} | ({"by": by} if by else {})
    steps = [Step("01_base_assumptions", "done" if good else "failed")]
    manifest = Manifest(
        stamp, {"name": company}, "demo", {}, {}, {}, ["en"], "kaanalysis report", started or folder.name, "end", steps
    )
    write_text(folder / "manifest.json", manifest.to_json())
    write_text(folder / "results" / "01_base_assumptions.json", "{}")
    write_text(folder / "report.en.html", "<p>")
    return folder


def left(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def test_the_newest_stay_and_the_oldest_go(tmp_path: Path) -> None:
    runs = [run(tmp_path / f"2026-06-0{d}") for d in range(1, 6)]
    assert prune(runs[-1], 2) == runs[2::-1]
    assert left(tmp_path) == ["2026-06-04", "2026-06-05"]


def test_the_last_good_run_stays_however_old(tmp_path: Path) -> None:
    run(tmp_path / "2026-06-01")
    run(tmp_path / "2026-06-02")
    for day in (3, 4, 5):
        run(tmp_path / f"2026-06-0{day}", good=False)
    prune(tmp_path / "2026-06-05", 1)
    assert left(tmp_path) == ["2026-06-02", "2026-06-05"]


def test_what_is_not_such_a_run_stays(tmp_path: Path) -> None:
    run(tmp_path / "baseline")  # ours, but not dated
    run(tmp_path / "2026-06-01", company="Theirs")
    run(tmp_path / "2026-06-02", by="region")  # grouped: another series
    (tmp_path / "2026-06-03").mkdir()
    (tmp_path / "2026-06-03" / "thesis.txt").write_text("years of work")
    (tmp_path / "2026-06-04").write_text("a file")
    target = run(tmp_path.parent / f"{tmp_path.name}-elsewhere" / "2026-06-05")
    (tmp_path / "2026-06-05").symlink_to(target)
    before = left(tmp_path)
    run(tmp_path / "2026-06-09")
    assert prune(tmp_path / "2026-06-09", 1) == []
    assert left(tmp_path) == [*before[:-1], "2026-06-09", "baseline"] and (target / "manifest.json").is_file()


@pytest.mark.parametrize("own", ["notes.md", "overrides.toml", "sheets/sales_sheet.xlsx"])
def test_a_run_that_holds_somebodys_own_work_stays(tmp_path: Path, own: str) -> None:
    write_text(run(tmp_path / "2026-06-01") / own, "an evening's work")
    run(tmp_path / "2026-06-02")
    run(tmp_path / "2026-06-03")
    prune(tmp_path / "2026-06-03", 1)
    assert left(tmp_path) == ["2026-06-01", "2026-06-03"]


def test_own_work_within_a_group_keeps_the_grouped_run(tmp_path: Path) -> None:
    for day in (1, 2, 3):
        grouped = run(tmp_path / f"2026-06-0{day}", by="region")
        run(grouped / "01_base_assumptions")  # the step's id is the group's folder
    write_text(tmp_path / "2026-06-01" / "01_base_assumptions" / "overrides.toml", "")
    prune(tmp_path / "2026-06-03", 1)
    assert left(tmp_path) == ["2026-06-01", "2026-06-03"]


def test_a_run_that_is_being_written_stays(tmp_path: Path) -> None:
    run(tmp_path / "2026-06-01")
    run(tmp_path / "2026-06-02")
    with locked(tmp_path / "2026-06-01"):
        assert prune(tmp_path / "2026-06-02", 1) == []
    assert prune(tmp_path / "2026-06-02", 1) == [tmp_path / "2026-06-01"]


def test_age_is_when_a_run_began_not_its_name(tmp_path: Path) -> None:
    run(tmp_path / "2026-06-01", started="2026-06-09")  # the first of June run again
    run(tmp_path / "2026-06-02")
    run(tmp_path / "2026-06-03", started="2026-06-10")
    prune(tmp_path / "2026-06-03", 2)
    assert left(tmp_path) == ["2026-06-01", "2026-06-03"]


def test_nothing_goes_beside_a_run_without_a_date(tmp_path: Path) -> None:
    run(tmp_path / "2026-06-01")
    assert prune(run(tmp_path / "now"), 1) == []
    with pytest.raises(ValueError, match="at least 1"):
        prune(tmp_path / "2026-06-01", 0)


@pytest.mark.parametrize(("name", "dated"), [("2026-06-30", True), ("2026-06-30T0200", True), ("2026-06-30_night", True),
                                             ("2026-02-30", False), ("2026-06-300", False), ("run-2026-06-30", False), ("20260630", False)])  # fmt: skip
def test_a_dated_name_begins_with_a_day_of_the_calendar(name: str, dated: bool) -> None:
    assert is_dated(Path(name)) is dated
