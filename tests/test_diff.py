"""Two runs compared: verdicts that moved, what became of each number, and the family that they are judged in."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from run_folders import SALES, success, write_run

from kaanalysis.compared_runs import read_run
from kaanalysis.diff import OUTCOMES, Diff, compare, equal, how_moved
from kaanalysis.results import Finding, Number


def diff_of(tmp_path: Path, before: list[Finding], after: list[Finding], **changed) -> Diff:
    a = write_run(tmp_path / "a", {SALES: before})
    b = write_run(tmp_path / "b", {SALES: after}, **({"data": "d2"} | changed))
    return compare(read_run(a), read_run(b))


def numbers(diff: Diff) -> dict[str, str]:
    return {n.number.name: n.outcome for v in diff.verdicts for n in v.numbers}


def finding(*found: Number, **changes) -> Finding:
    return dataclasses.replace(success(0.5, 0.4, 0.6), numbers=found, **changes)


def n(name: str, value, low=None, high=None, level=0.95, **changes) -> Number:
    return Number(name, "KA", value, low, high, level, 100, changes.pop("unit", "share"), "m", **changes)


def test_a_verdict_moves_by_state_by_reason_or_by_what_a_decided_one_names() -> None:
    plain = success(0.5, 0.4, 0.6)
    assert how_moved(plain, plain) == ""
    assert how_moved(plain, dataclasses.replace(plain, state="supported")) == "state"
    assert how_moved(plain, dataclasses.replace(plain, reason="immature")) == "reason"
    a, b = (dataclasses.replace(plain, state="supported", terms={"step": s}) for s in ("quote", "demo"))
    assert how_moved(a, b) == "named"
    # Which step an undecided verdict happens to name is chance by its own word.
    assert how_moved(*(dataclasses.replace(f, state="undecided") for f in (a, b))) == ""
    dates = (
        dataclasses.replace(plain, state="supported", terms={"later_until": d}) for d in ("2026-05-31", "2026-06-30")
    )
    assert how_moved(*dates) == ""


def test_one_month_more_of_the_same_moves_nothing(tmp_path: Path) -> None:
    diff = diff_of(tmp_path, [success(0.50, 0.44, 0.56)], [success(0.51, 0.45, 0.57, n=310)])
    assert diff.moved == () and numbers(diff) == {"success": "within", "mark": "same"} and diff.family == 1


def test_a_move_without_a_number_beyond_its_uncertainty_says_so(tmp_path: Path) -> None:
    after = success(0.57, 0.51, 0.63, state="supported", reason="success_supported")
    diff = diff_of(tmp_path, [success(0.55, 0.49, 0.61)], [after])
    assert [v.id for v in diff.moved] == ["M-3.2"] and not diff.moved[0].beyond_noise


def test_a_number_beyond_joint_uncertainty_is_changed(tmp_path: Path) -> None:
    diff = diff_of(tmp_path, [success(0.30, 0.25, 0.35)], [success(0.60, 0.55, 0.65)])
    assert numbers(diff)["success"] == "changed" and diff.verdicts[0].beyond_noise


def test_holm_over_all_numbers_of_both_runs(tmp_path: Path) -> None:
    """Alone the difference is beyond 5 %; among thirty that did not move it is not."""
    before = [n("success", 0.40, 0.33, 0.47)] + [n("success", 0.5, 0.4, 0.6) for _ in range(30)]
    after = [n("success", 0.52, 0.45, 0.59)] + [n("success", 0.5, 0.4, 0.6) for _ in range(30)]
    named = [[dataclasses.replace(x, segment=f"s{i}") for i, x in enumerate(side)] for side in (before, after)]
    alone = diff_of(tmp_path / "one", [finding(named[0][0])], [finding(named[1][0])])
    many = diff_of(tmp_path / "all", [finding(*named[0])], [finding(*named[1])])
    assert (alone.family, many.family) == (1, 31)
    first = many.verdicts[0].numbers[0]
    assert alone.verdicts[0].numbers[0].outcome == "changed" and first.outcome == "within"
    assert first.p_adjusted == pytest.approx(31 * first.change.p_value)


def test_a_number_that_two_findings_repeat_counts_once(tmp_path: Path) -> None:
    again = dataclasses.replace(success(0.30, 0.25, 0.35), id="M-4")
    later = dataclasses.replace(success(0.60, 0.55, 0.65), id="M-4")
    diff = diff_of(tmp_path, [success(0.30, 0.25, 0.35), again], [success(0.60, 0.55, 0.65), later])
    assert diff.family == 1 and [v.numbers[0].outcome for v in diff.verdicts] == ["changed", "changed"]


@pytest.mark.parametrize(
    ("before", "after", "outcome"),
    [
        (n("mark", 0.5, level=None), n("mark", 0.5000000000001, level=None), "same"),
        (n("mark", 0.5, level=None), n("mark", 0.500001, level=None), "differs"),
        (n("npv", 5.0, 1.0, 9.0, unit="CNY"), n("npv", 8.0, 2.0, 12.0, unit="CNY"), "inside"),
        (n("npv", 5.0, 1.0, 9.0, unit="CNY"), n("npv", 10.0, 2.0, 12.0, unit="CNY"), "outside"),
        (n("p_best", 0.5, 0.48, 0.52), n("p_best", 0.9, 0.88, 0.92), "computed"),
        (n("success", 0.5, 0.4, 0.6), n("success", 0.9), "untested"),
        (n("success", None, 0.4), n("success", None, 0.6), "untested"),
        (n("success", None, 0.4), n("success", None, 0.4), "same"),
        (
            n("success", 0.5, 0.4, 0.6, horizon_months=12),
            n("success", 0.9, 0.8, 0.95, horizon_months=18),
            "other_quantity",
        ),
        (n("spend_median", 5.0, 4, 6, unit="CNY"), n("spend_median", 5.0, 4, 6, unit="EUR"), "other_quantity"),
        (n("success", 0.5, 0.4, 0.6), n("success", 0.5, 0.4, 0.6), "within"),
    ],
)
def test_outcome_of_a_number(tmp_path: Path, before: Number, after: Number, outcome: str) -> None:
    diff = diff_of(tmp_path, [finding(before)], [finding(after)])
    assert diff.verdicts[0].numbers[0].outcome == outcome and outcome in OUTCOMES


def test_numbers_of_one_run_only_are_said_not_compared(tmp_path: Path) -> None:
    diff = diff_of(tmp_path, [finding(n("success", 0.5, 0.4, 0.6))], [finding(n("mark", 0.5, level=None))])
    assert numbers(diff) == {"mark": "added", "success": "removed"} and diff.family == 0


def test_over_the_same_data_nothing_is_chance(tmp_path: Path) -> None:
    """Another policy on the same rows: however wide the intervals, a difference is a difference."""
    diff = diff_of(
        tmp_path,
        [success(0.50, 0.2, 0.8)],
        [success(0.51, 0.2, 0.8, mark=0.6)],
        data="d1",
        policy="p2",
        values={"success.target": 0.6},
    )
    assert numbers(diff) == {"success": "differs", "mark": "differs"} and diff.family == 0
    assert diff.sources.cause == "policy" and diff.verdicts[0].policy == ("success.target",)


def test_two_companies_are_taken_as_independent_and_an_unknown_one_as_anything(tmp_path: Path) -> None:
    other = diff_of(tmp_path / "1", [success(0.5, 0.4, 0.6)], [success(0.6, 0.5, 0.7)], company="Other")
    same = diff_of(tmp_path / "2", [success(0.5, 0.4, 0.6)], [success(0.6, 0.5, 0.7)])
    unknown = diff_of(tmp_path / "3", [success(0.5, 0.4, 0.6)], [success(0.6, 0.5, 0.7)], company=None)
    found = [d.verdicts[0].numbers[0].change for d in (other, same, unknown)]
    assert [c.dependence for c in found] == ["independent", "not_negative", "any"]
    assert found[0].p_value == found[1].p_value < found[2].p_value


def test_analyses_and_findings_of_one_run_are_named(tmp_path: Path) -> None:
    a = write_run(tmp_path / "a", {SALES: [success(0.5, 0.4, 0.6)], "00_problem_framing": []})
    second = dataclasses.replace(success(0.5, 0.4, 0.6), id="M-9")
    b = write_run(tmp_path / "b", {SALES: [success(0.5, 0.4, 0.6), second]}, data="d2")
    diff = compare(read_run(a), read_run(b))
    assert diff.unread == (("00_problem_framing", "", "missing"),)
    assert [(v.id, v.moved) for v in diff.verdicts] == [("M-3.2", ""), ("M-9", "added")]
    assert diff.moved == ()  # a finding that is new says nothing else than before


def test_the_level_is_the_later_runs_own(tmp_path: Path) -> None:
    diff = diff_of(tmp_path, [success(0.5, 0.4, 0.6)], [success(0.6, 0.5, 0.7)], values={"evidence.level": 0.8})
    assert diff.level == 0.8 and diff.verdicts[0].numbers[0].change.level == 0.8
    odd = diff_of(
        tmp_path / "odd", [success(0.5, 0.4, 0.6)], [success(0.6, 0.5, 0.7)], values={"evidence.level": "high"}
    )
    assert odd.level == 0.95


def test_the_document_is_json_without_sentences(tmp_path: Path) -> None:
    diff = diff_of(
        tmp_path,
        [success(0.30, 0.25, 0.35)],
        [success(0.60, 0.55, 0.65, state="supported", reason="success_supported")],
    )
    document = json.loads(json.dumps(diff.to_dict(), allow_nan=False))
    assert document["schema"] == 1 and document["cause"] == "data" and document["moved"] == ["M-3.2"]
    verdict = document["verdicts"][0]
    assert verdict["before"]["state"] == "undecided" and verdict["after"]["reason"] == "success_supported"
    change = verdict["numbers"][0]["change"]
    assert change["dependence"] == "not_negative" and change["low"] < change["value"] < change["high"]


def test_equal_but_for_the_last_digits() -> None:
    assert equal(0.1 + 0.2, 0.3) and equal(None, None) and not equal(0.0, None) and not equal(1.0, 1.0001)
