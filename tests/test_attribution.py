"""What moved a verdict where several things differ: the states between two runs, in every order."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from run_folders import SALES, success, write_run

from kaanalysis import attribution
from kaanalysis.attribution import policy_of, split
from kaanalysis.compared_runs import ComparedRun, read_run
from kaanalysis.contracts import UnusableData
from kaanalysis.manifest import code_hash, versions
from kaanalysis.policy import load_policy
from kaanalysis.results import Result
from kaanalysis.runner import analyse_in_process

BASE = "01_base_assumptions"


def stubbed(monkeypatch: pytest.MonkeyPatch, state) -> None:
    """Analyses replaced by a rule: state(data, policy) → the state of M-3.2."""
    monkeypatch.setattr(attribution, "open_as", lambda run, data: SimpleNamespace(name=data))
    monkeypatch.setattr(attribution, "policy_of", lambda run: (run.stamp("policy"), True))

    def analyse(company, policy: str, ids: list[str]) -> dict[str, Result]:
        return {
            id: Result(id, "", "", "2026-06-30", [success(0.5, 0.4, 0.6, state=state(company.name, policy))])
            for id in ids
        }

    monkeypatch.setattr(attribution, "analyse_all", analyse)


def runs(tmp_path: Path, first: str, last: str, **changed) -> tuple[ComparedRun, ComparedRun]:
    now = {"code": code_hash(), "versions": versions()}
    a = write_run(tmp_path / "a", {SALES: [success(0.5, 0.4, 0.6, state=first)]}, **now)
    b = write_run(
        tmp_path / "b",
        {SALES: [success(0.5, 0.4, 0.6, state=last)]},
        **(now | {"data": "d2", "policy": "p2"} | changed),
    )
    return read_run(a), read_run(b)


def moved(found) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    return [(p.causes, p.moved.get("M-3.2", ())) for p in found.paths]


def test_what_moves_it_alone_is_it_in_either_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stubbed(monkeypatch, lambda data, policy: "supported" if policy == "p2" else "undecided")
    found = split(*runs(tmp_path, "undecided", "supported"), "d1", "d2")
    assert moved(found) == [(("data", "policy"), ("policy",)), (("policy", "data"), ("policy",))]


def test_what_takes_both_is_moved_by_whichever_comes_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stubbed(monkeypatch, lambda data, policy: "supported" if (data, policy) == ("d2", "p2") else "undecided")
    found = split(*runs(tmp_path, "undecided", "supported"), "d1", "d2")
    assert moved(found) == [(("data", "policy"), ("policy",)), (("policy", "data"), ("data",))]


def test_what_one_moves_and_the_other_moves_back_is_told_though_the_verdict_stands(tmp_path: Path, monkeypatch) -> None:
    states = {
        ("d1", "p1"): "undecided",
        ("d2", "p1"): "supported",
        ("d1", "p2"): "undecided",
        ("d2", "p2"): "undecided",
    }
    stubbed(monkeypatch, lambda data, policy: states[data, policy])
    found = split(*runs(tmp_path, "undecided", "undecided"), "d1", "d2")
    assert moved(found) == [(("data", "policy"), ("data", "policy")), (("policy", "data"), ())]


def test_older_code_is_its_own_step_before_the_others_and_after_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The earlier run said contradicted; computed now on its own data and policy it says undecided: the code moved that."""
    stubbed(monkeypatch, lambda data, policy: "undecided")
    before, after = runs(tmp_path, "contradicted", "supported", code="older still", policy="p1")
    before = ComparedRun(before.name, {**before.manifest, "versions": {"scipy": "0.1"}}, before.results)
    found = split(before, after, "d1", "d2")
    assert moved(found) == [(("code", "data", "code"), ("code",))]
    assert found.paths[0].values["03_sales_flow|M-3.2|success|KA"] == (0.5, 0.5, 0.5, 0.5)


def test_runs_of_the_present_code_are_taken_as_they_lie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only data differ: both ends are there, nothing is computed."""
    stubbed(monkeypatch, lambda data, policy: pytest.fail("nothing is to be computed"))
    found = split(*runs(tmp_path, "undecided", "supported", policy="p1"), "d1", "d2")
    assert moved(found) == [(("data",), ("data",))]


def test_a_policy_is_rebuilt_to_its_hash_from_the_values_of_the_run() -> None:
    policy = load_policy().override(
        {"success.target": 0.7, "ledger.gross_margin": 0.95}
    )  # the second moves its spread along
    values = {n: t.value for n, t in policy.thresholds.items()}
    run = ComparedRun("a", {"policy": values, "stamp": {"policy_hash": policy.hash}})
    rebuilt, exact = policy_of(run)
    assert exact and rebuilt["success.target"] == 0.7
    older = ComparedRun(
        "a", {"policy": {**values, "gone.value": 3, "success.target": 99}, "stamp": {"policy_hash": policy.hash}}
    )
    rebuilt, exact = policy_of(older)
    assert (
        not exact
        and rebuilt["ledger.gross_margin"] == 0.95
        and rebuilt["success.target"] == load_policy()["success.target"]
    )


def customers(after: float) -> dict[str, list[dict[str, str]]]:
    """Thirty customers on each side, all from 2020-01-01 on; small ones leave after 200, 210 … days, key accounts stay `after` days longer."""
    begun, accounts, lives = dt.date(2020, 1, 1), [], []
    for segment, days in (("SMB", 200.0), ("KA", 200.0 + after)):
        for i in range(30):
            accounts.append({"account_id": f"{segment}{i}", "segment": segment})
            ended = begun + dt.timedelta(days=days + 10 * i)
            lives.append({"account_id": f"{segment}{i}", "started_at": str(begun), "ended_at": str(ended)})
    return {"accounts": accounts, "subscriptions": lives}


def test_two_real_runs_of_one_analysis(tmp_path: Path, company_folder: Callable[..., Path]) -> None:
    """Lives 100 and then 300 days apart (a mean of 3.3 and 9.9 months), marks of 0 and 6 months. With the old data the new mark decides
    otherwise; with the new data neither mark changes it: data first moves nothing, policy first moves it there and data back."""
    data = [str(company_folder(**customers(days))) for days in (100, 300)]
    marks = ({}, {"lifecycle.minimum_difference": 6.0})
    for folder, source, mark in zip("ab", data, marks, strict=True):
        analyse_in_process(source, tmp_path / folder, only=["01"], overrides={"evidence.draws": 200, **mark})
    before, after = read_run(tmp_path / "a"), read_run(tmp_path / "b")
    found = split(before, after, *data)
    assert found.inexact == () and [p.causes for p in found.paths] == [("data", "policy"), ("policy", "data")]
    key = f"{BASE}|M-1.2|rmst_difference|KA-SMB"
    values = [p.values[key] for p in found.paths]
    assert values[0] == pytest.approx((100 / 30.4375, 300 / 30.4375, 300 / 30.4375), abs=0.1)
    assert values[1] == pytest.approx((100 / 30.4375, 100 / 30.4375, 300 / 30.4375), abs=0.1)
    assert [p.moved.get("M-1.2", ()) for p in found.paths] == [(), ("policy", "data")]
    with pytest.raises(UnusableData, match="is not what run a was made from"):
        split(before, after, *data[::-1])
