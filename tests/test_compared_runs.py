"""Run folders read to be compared: what cannot be read is said, and what the runs were made from is held against each other."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from run_folders import SALES, success, write_run

from kaanalysis.compared_runs import PREVIOUS, keep_previous, read_run, sources
from kaanalysis.contracts import UnusableData

FOUND = {SALES: [success(0.5, 0.4, 0.6)]}


def edit(file: Path, **changes: object) -> None:
    raw = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps({**raw, **changes}), encoding="utf-8")


def test_a_run_is_read_without_its_frames(tmp_path: Path) -> None:
    run = read_run(write_run(tmp_path / "a", FOUND))
    assert run.name == "a" and run.company == "Test" and run.as_of == "2026-06-30"
    assert run.results[SALES].finding("M-3.2").state == "undecided" and run.unread == ()
    assert [run.stamp(c) for c in ("data", "policy", "code")] == ["d1", "p1", "c1"]


def test_what_cannot_be_read_is_named_and_the_rest_is_read(tmp_path: Path) -> None:
    ids = (SALES, "01_base_assumptions", "02_procurement_flow", "04_path_selection")
    folder = write_run(tmp_path / "a", dict.fromkeys(ids, FOUND[SALES]))
    edit(folder / "results" / "01_base_assumptions.json", schema=0)
    (folder / "results" / "02_procurement_flow.json").write_text("{", encoding="utf-8")
    edit(folder / "manifest.json", steps=[{"id": "04_path_selection", "status": "failed"}])
    run = read_run(folder)
    assert list(run.results) == [SALES]
    assert {u.analysis: u.why for u in run.unread} == {
        "01_base_assumptions": "other_schema", "02_procurement_flow": "broken", "04_path_selection": "failed",
    }  # fmt: skip
    assert run.why_not("05_failure_patterns") == "missing"


def test_a_folder_without_a_manifest_or_with_a_damaged_one_is_no_run_folder(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "a", FOUND)
    for damaged in ("", '{"schema": 1, "stamp"', "[]"):
        (folder / "manifest.json").write_text(damaged, encoding="utf-8")
        with pytest.raises(UnusableData, match=r"its manifest\.json is damaged"):
            read_run(folder)
    (folder / "manifest.json").unlink()
    with pytest.raises(UnusableData, match=r"is no run folder: it holds no manifest\.json"):
        read_run(folder)


def test_of_runs_by_group_one_is_to_be_chosen(tmp_path: Path) -> None:
    for group in ("KA", "SMB"):
        write_run(tmp_path / "all" / group, FOUND)
    (tmp_path / "all" / "manifest.json").write_text(json.dumps({"stamp": {"by": "segment"}, "steps": []}))
    with pytest.raises(UnusableData, match=r"a run for each segment; choose one of them, such as .*/all/KA\.$"):
        read_run(tmp_path / "all")


def test_without_a_stamp_the_results_tell_their_data_and_policy_and_the_code_is_unknown(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "a", FOUND)
    (folder / "manifest.json").write_text("{}")
    run = read_run(folder)
    assert (run.stamp("data"), run.stamp("policy"), run.stamp("code"), run.company) == ("d1", "p1", None, None)


def test_a_manifest_of_another_form_is_no_crash(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "a", FOUND)
    (folder / "manifest.json").write_text('{"stamp": 3, "policy": [], "steps": 7, "rows": {"a": 1}}', encoding="utf-8")
    run = read_run(folder)
    assert (run.policy, run.rows, run.made) == ({}, {}, "")


def test_a_folder_without_a_readable_result_is_unusable(tmp_path: Path) -> None:
    with pytest.raises(UnusableData, match="is no run folder"):
        read_run(tmp_path / "nowhere")
    folder = write_run(tmp_path / "a", FOUND)
    edit(folder / "results" / f"{SALES}.json", schema=99)
    with pytest.raises(UnusableData, match="holds no result that this version can read"):
        read_run(folder)


@pytest.mark.parametrize(
    ("changed", "cause"),
    [
        ({}, "none"),
        ({"data": "d2"}, "data"),
        ({"policy": "p2", "values": {"success.target": 0.6}}, "policy"),
        ({"code": "c2"}, "code"),
        ({"versions": {"scipy": "1.18"}}, "code"),
        ({"data": "d2", "code": "c2"}, "several"),
        ({"code": None}, "unknown"),
    ],
)
def test_what_alone_differs_is_the_cause(tmp_path: Path, changed: dict, cause: str) -> None:
    before, after = write_run(tmp_path / "a", FOUND), write_run(tmp_path / "b", FOUND, **changed)
    assert sources(read_run(before), read_run(after)).cause == cause


def test_policy_values_that_came_with_the_code_are_no_change_of_policy(tmp_path: Path) -> None:
    before = read_run(write_run(tmp_path / "a", FOUND))
    after = read_run(write_run(tmp_path / "b", FOUND, policy="p2", code="c2", values={"modes.minimum_share": 0.1}))
    found = sources(before, after)
    assert found.cause == "code" and found.only_after == ("modes.minimum_share",) and not found.spreads
    # With the same code the file was edited: that is policy.
    same_code = read_run(write_run(tmp_path / "c", FOUND, policy="p2", values={"modes.minimum_share": 0.1}))
    assert sources(before, same_code).cause == "policy"


def test_values_spreads_versions_and_rows_that_differ_are_named(tmp_path: Path) -> None:
    before = read_run(write_run(tmp_path / "a", FOUND, rows={"accounts": [10, 12], "teams": [2, 2]}))
    later = {"policy": "p2", "rows": {"accounts": [11, 12], "teams": [2, 2]}, "versions": {"scipy": "1.18"}}
    after = read_run(write_run(tmp_path / "b", FOUND, values={"success.target": 0.6}, **later))
    found = sources(before, after)
    assert found.values == {"success.target": (0.5, 0.6)} and found.rows == {"accounts": (10, 11)}
    assert found.versions == {"scipy": ("1.17", "1.18")}
    assert sources(before, read_run(write_run(tmp_path / "c", FOUND, policy="p2"))).spreads


def test_what_a_comparison_takes_is_kept_and_goes_by_the_name_of_its_run(tmp_path: Path) -> None:
    old, new = write_run(tmp_path / "last", FOUND), write_run(tmp_path / "now", FOUND)
    (new / PREVIOUS).mkdir()
    (new / PREVIOUS / "stale").write_text("of the time before")
    assert keep_previous(old, new) == "last"
    shutil.rmtree(old)
    kept = read_run(new / PREVIOUS)
    assert kept.name == "last" and kept.stamp("data") == "d1" and list(kept.results) == [SALES]
    assert not (new / PREVIOUS / "stale").exists()
    with pytest.raises(UnusableData):
        keep_previous(old, new)


def test_a_run_is_called_by_its_folder_also_while_it_is_made_and_by_no_folder_under_pseudonyms(tmp_path: Path) -> None:
    assert read_run(write_run(tmp_path / ".june.partial", {SALES: [success(0.5, 0.4, 0.6)]})).name == "june"
    assert read_run(write_run(tmp_path / ".june", {SALES: [success(0.5, 0.4, 0.6)]})).name == ".june"
    stamp = {"data_hash": "d1", "policy_hash": "p1", "code_hash": "c1", "pseudonyms": "0123"}
    hidden = write_run(tmp_path / "Alpha", {SALES: [success(0.5, 0.4, 0.6)]}, stamp=stamp)
    assert read_run(hidden).name == "RUN" and keep_previous(hidden, tmp_path / "next") == "RUN"
