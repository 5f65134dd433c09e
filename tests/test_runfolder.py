"""Results go through files: stamped, refused when stale, never half-written."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from kaanalysis.contracts import UnusableData
from kaanalysis.paths import workbook_file
from kaanalysis.results import Finding, Result, StaleResult
from kaanalysis.runfolder import (
    CHECKED,
    DEFAULT_RUN,
    read_result,
    result_path,
    run_folder,
    save_result,
    write_atomically,
    write_text,
)


def a_result() -> Result:
    frame = pd.DataFrame({"step": ["a", "b"], "relief": [1.5, None]})
    return Result(
        "03_sales_flow",
        "d1",
        "p1",
        "2026-06-30",
        [Finding("M-3.6", "bottleneck", "undecided", "rank_unsure")],
        {"bottlenecks": frame},
    )


def test_result_comes_back_with_its_frames(tmp_path: Path) -> None:
    save_result(tmp_path, a_result())
    back = read_result(tmp_path, "03_sales_flow", data_hash="d1", policy_hash="p1")
    assert back.findings == a_result().findings
    pd.testing.assert_frame_equal(back.frames["bottlenecks"], a_result().frames["bottlenecks"])
    assert back.tables == {"bottlenecks": "tables/03_sales_flow/bottlenecks.parquet"}


def test_frames_carry_the_stamp_too(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    save_result(tmp_path, a_result())
    metadata = pq.read_schema(tmp_path / "tables/03_sales_flow/bottlenecks.parquet").metadata
    assert (metadata[b"data_hash"], metadata[b"policy_hash"]) == (b"d1", b"p1")


@pytest.mark.parametrize(
    ("hashes", "what"), [({"data_hash": "d2"}, "other data"), ({"policy_hash": "p2"}, "other policy")]
)
def test_stale_result_is_refused_with_the_command_that_renews_it(
    tmp_path: Path, hashes: dict[str, str], what: str
) -> None:
    save_result(tmp_path, a_result())
    with pytest.raises(StaleResult, match=f"{what}.*kaanalysis analyse x"):
        read_result(tmp_path, "03_sales_flow", renew="kaanalysis analyse x", **hashes)


def test_missing_result_and_missing_table_are_named(tmp_path: Path) -> None:
    with pytest.raises(UnusableData, match=r"03_sales_flow\.json is missing"):
        read_result(tmp_path, "03_sales_flow")
    save_result(tmp_path, a_result())
    (tmp_path / "tables/03_sales_flow/bottlenecks.parquet").unlink()
    with pytest.raises(UnusableData, match=r"bottlenecks\.parquet is missing"):
        read_result(tmp_path, "03_sales_flow")


def test_a_write_that_dies_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    write_text(target, "old")

    def dies(path: Path) -> None:
        path.write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_atomically(target, dies)
    assert target.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_a_result_that_cannot_be_written_as_json_leaves_the_old_one(tmp_path: Path) -> None:
    save_result(tmp_path, a_result())
    before = result_path(tmp_path, "03_sales_flow").read_text()
    broken = a_result()
    broken.as_of = float("nan")  # type: ignore[assignment]
    with pytest.raises(ValueError, match="JSON"):
        save_result(tmp_path, broken)
    assert result_path(tmp_path, "03_sales_flow").read_text() == before


def test_each_company_has_a_folder_of_its_own_in_the_default_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(CHECKED, raising=False)
    home = workbook_file("data").resolve()
    assert run_folder(str(home / "demo"), DEFAULT_RUN) == Path("../reports/lab/demo")
    monkeypatch.chdir(home)
    assert run_folder("demo/", DEFAULT_RUN) == run_folder("../data/demo", DEFAULT_RUN) == Path("../reports/lab/demo")
    places = [
        "demo",
        "demo.duckdb",
        "demo#region=east",
        "demo#region=",
        str(tmp_path / "demo"),
        str(tmp_path / "other" / "demo"),
        "postgres://reader:secret@host/demo?sslmode=require",
        "我的公司",
    ]
    folders = [run_folder(place, DEFAULT_RUN) for place in places]
    assert len(set(folders)) == len(places)
    assert all(f.parent == Path(DEFAULT_RUN) and f.name and not f.name.startswith(".") for f in folders)
    assert not any("secret" in str(f) or "#" in str(f) for f in folders) and folders[-1].name == "我的公司"


def test_a_run_folder_that_is_named_stays_as_it_is_and_checks_are_led_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CHECKED, str(tmp_path / "check"))
    assert run_folder("data/demo", DEFAULT_RUN) == tmp_path / "check"
    assert run_folder("data/demo", "reports/mine") == Path("reports/mine")
