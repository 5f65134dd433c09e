"""The decision explored: at the start it says what the analysis says, a state written back gives the analysis the same verdict, what-ifs are
kept apart, and only what changed is computed again."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from explored import upstream_by_hand

from kaanalysis import explore, workbook
from kaanalysis.analyses.ledger_inputs import Input
from kaanalysis.analyses.registry import REGISTRY
from kaanalysis.company import Company, open_company
from kaanalysis.explore import Explorer, what_if
from kaanalysis.policy import Policy, PolicyError, read_overrides
from kaanalysis.results import Finding, Result
from kaanalysis.text import words

ID = "04_path_selection"


@pytest.fixture(scope="module")
def company(small_demo: Path) -> Company:
    return open_company(small_demo)


@pytest.fixture(scope="module")
def upstream(company: Company, policy: Policy) -> dict[str, Result]:
    return upstream_by_hand(company, policy)


@pytest.fixture(scope="module")
def made(company: Company, policy: Policy, upstream: dict[str, Result]) -> Explorer:
    return Explorer(company, policy, upstream, words("en"), policy["ledger.draws"])


@pytest.fixture
def explorer(made: Explorer) -> Explorer:
    made.reset()
    return made


def said(findings: list[Finding]) -> dict[str, tuple[str, str]]:
    return {f.id: (f.state, f.reason) for f in findings}


def numbers(result: Result) -> dict[tuple[str, str, str], tuple[object, ...]]:
    return {(f.id, n.name, n.segment): (n.value, n.low, n.high) for f in result.findings for n in f.numbers}


def same(explored: Result, analysed: Result) -> None:
    assert said(explored.findings) == {k: v for k, v in said(analysed.findings).items() if k in said(explored.findings)}
    mine, theirs = numbers(explored), numbers(analysed)
    assert {("M-4", "p_rule", "split"), ("M-4.2", "npv", "split"), ("M-4.4", "p_breach", "rebuild")} <= set(mine)
    for key, values in mine.items():
        assert values == theirs[key], key


def test_at_the_start_it_says_what_the_analysis_says_number_by_number(
    explorer: Explorer, company: Company, policy: Policy, upstream: dict[str, Result]
) -> None:
    analysed = REGISTRY[ID].analyse(company, policy, upstream)
    made = explorer.result()
    same(made, analysed)
    curve = made.frames["ledger"].set_index(["path", "line", "month"])["median"]
    assert curve.equals(analysed.frames["ledger"].set_index(["path", "line", "month"])["median"])
    line = explorer.verdict(made)[1]
    # The rule of this company leaves several paths open, so the ledger neither agrees nor disagrees.
    assert line.startswith("The rule leaves several paths open") and "to bring most" in line
    assert explorer.state() == ["Nothing moved: this is what the analysis says, on fewer draws."]


def test_a_state_written_back_gives_the_analysis_the_explorer_s_verdict(
    explorer: Explorer, company: Company, policy: Policy, upstream: dict[str, Result], tmp_path: Path
) -> None:
    before = said(explorer.result().findings)
    for name, value in (("path.few_bottlenecks", 3), ("path.high_fit", 0.61), ("ledger.horizon_months", 36), ("ledger.loss_cap_share", 0.02),
                        ("split.sellers", 12), ("rebuild.ramp_months", 30.0), ("ledger.gross_margin", 0.5)):  # fmt: skip
        explorer.set(name, value)
    explored = explorer.result()
    assert said(explored.findings) != before
    back = read_overrides(explorer.write(tmp_path))
    assert back == explorer.as_overrides() and back["split.sellers"] == 12
    same(explored, REGISTRY[ID].analyse(company, policy.override(back), upstream))


def test_moving_back_leaves_nothing_behind(explorer: Explorer) -> None:
    start = numbers(explorer.result())
    explorer.set("split.sellers", 12)
    explorer.set("success", 0.9)
    assert numbers(explorer.result()) != start and len(explorer.state()) == 2
    explorer.set("split.sellers", 6)
    explorer.set("success", next(c.value for c in explorer.controls if c.name == "success"))
    assert (explorer.overrides, explorer.what_ifs) == ({}, {}) and numbers(explorer.result()) == start
    explorer.set("ledger.discount_rate", 0.3)
    explorer.reset()
    assert explorer.as_overrides() == dict(explorer.base.overrides) and numbers(explorer.result()) == start


def test_a_what_if_is_said_to_be_one_and_never_written_back(explorer: Explorer, tmp_path: Path) -> None:
    explorer.set("success", 0.9)
    explorer.set("split.sellers", 12)
    assert set(explorer.as_overrides()) - set(explorer.base.overrides) == {"split.sellers"}
    lines = explorer.state()
    assert (
        lines[0].startswith("split: sellers: 12")
        and lines[1].startswith("What if, not from the data")
        and "90%" in lines[1]
    )
    assert "success" not in explorer.command("data/demo", "run") and "--set split.sellers=12.0" in explorer.command(
        "d", "r"
    )
    path = explorer.write(tmp_path / "new")
    assert path.name == "overrides.toml" and "[what_if]" in path.read_text()
    assert set(read_overrides(tmp_path / "new")) == set(explorer.as_overrides()), "a run folder is read by name"


@pytest.mark.parametrize(("scale", "value", "to", "low", "high"), [
    ("log", 10.0, 20.0, 16.0, 30.0),  # twice of everything
    ("linear", 10.0, 4.0, 2.0, 9.0),
])  # fmt: skip
def test_an_interval_moves_along_by_hand(scale: str, value: float, to: float, low: float, high: float) -> None:
    made = what_if(Input("x", value, 8.0, 15.0, 0.9, "u", "data", scale), to)
    assert (made.value, made.low, made.high, made.origin) == (to, pytest.approx(low), pytest.approx(high), "what_if")


def test_what_cannot_be_below_zero_or_above_one_is_not_moved_there() -> None:
    assert what_if(Input("x", 10.0, 1.0, 15.0, 0.9, "u", "data", "linear"), 4.0).low == 0
    moved = what_if(Input("x", 0.2, 0.0, 0.5, 0.9, "share", "data", "linear_share"), 0.9)
    assert (moved.low, moved.high) == (pytest.approx(0.7), 1)


def test_a_share_moves_in_log_odds_and_stays_a_share() -> None:
    made = what_if(Input("x", 0.5, 0.2, 0.8, 0.9, "share", "data", "logit"), 0.8)
    assert (made.low, made.high) == (pytest.approx(0.5), pytest.approx(16 / 17))  # odds 1/4 and 4, times 4


def test_only_what_changed_is_computed_again(explorer: Explorer, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    explorer._kept.clear()
    real = explore.evaluate
    monkeypatch.setattr(explore, "evaluate", lambda path, *a, **k: asked.append(path) or real(path, *a, **k))
    steps: list[tuple[str, float, list[str]]] = [
        ("path.high_fit", 0.9, ["part_time", "split", "rebuild"]),  # the first look
        ("ledger.loss_cap_share", 0.5, []),
        ("split.sellers", 8, ["split"]),
        ("success", 0.6, ["part_time", "split", "rebuild"]),
        ("split.sellers", 6, ["split"]),  # the others are as they were
        ("split.sellers", 8, []),  # kept
        ("ledger.discount_rate", 0.2, ["part_time", "split", "rebuild"]),
    ]
    for name, value, wanted in steps:
        asked.clear()
        explorer.set(name, value)
        explorer.result()
        assert asked == wanted, name


def test_draws_are_common_so_that_a_move_shows_the_move_alone(explorer: Explorer) -> None:
    before = {n: explorer._items[n].at(explorer._scores[n]) for n in explorer._items}
    explorer.set("ledger.gross_margin", 0.78)
    explorer.set("success", 0.7)
    after = {n: explorer._item(n, explorer.policy).at(explorer._scores[n]) for n in explorer._items}
    moved = {"gross_margin", "success"}
    assert {n for n in before if not np.array_equal(before[n], after[n])} == moved
    for name in moved:  # a world that was no worse than another still is not
        assert (np.diff(after[name][before[name].argsort()]) >= -1e-12).all(), name


@pytest.mark.parametrize(("name", "value", "message"), [
    ("ledger.draws", 300, "ledger.draws cannot be moved here"),
    ("nonsense", 1, "nonsense cannot be moved here"),
    ("ledger.horizon_months", 500, "must lie between 24 and 120"),
    ("path.few_bottlenecks", 1.5, "must be a whole number"),
    ("success", 1.5, "must lie between"),
    ("path.some_bottlenecks", 1, None),
])  # fmt: skip
def test_what_cannot_be_is_refused_and_changes_nothing(
    explorer: Explorer, name: str, value: float, message: str | None
) -> None:
    explorer.set("path.few_bottlenecks", 2)
    held = dict(explorer.overrides)
    with pytest.raises(
        PolicyError, match=message or "path.few_bottlenecks = 2 must not exceed path.some_bottlenecks = 1"
    ):
        explorer.set(name, value)
    assert (explorer.overrides, explorer.what_ifs) == (held, {})


def test_further_settings_can_be_moved_and_only_such(
    company: Company, policy: Policy, upstream: dict[str, Result]
) -> None:
    made = Explorer(company, policy, upstream, words("en"), 64, ["split.leader_multiple", "split.sellers"])
    names = [c.name for c in made.controls]
    assert names.count("split.sellers") == 1 and "split.leader_multiple" in names
    made.set("split.leader_multiple", 3.0)
    with pytest.raises(PolicyError, match=r"evidence.level is not one to explore"):
        Explorer(company, policy, upstream, words("en"), 64, ["evidence.level"])


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_control_stands_inside_its_range_and_has_a_name(
    company: Company, policy: Policy, upstream: dict[str, Result], language: str
) -> None:
    made = Explorer(company, policy, upstream, words(language), 64)
    assert {c.group for c in made.controls} == set(explore.GROUPS)
    for control in made.controls:
        assert control.low <= control.value <= control.high and control.step > 0, control
        assert not set("_.") & set(made.label(control.name)) and made.shown(control.name, control.value), control
    assert made.verdict()[0].startswith("M-4 ") and made.alt()


def test_a_redraw_is_well_under_a_second(explorer: Explorer) -> None:
    explorer.figure()
    spent = []
    for sellers in (7, 8, 9):
        explorer.set("split.sellers", sellers)
        begun = time.process_time()  # of this process: colleagues' work does not count
        explorer.figure(explorer.result())
        spent.append(time.process_time() - begun)
    assert min(spent) < 0.7


def test_without_judged_capability_there_is_no_map_and_without_costs_no_cash(
    company: Company, policy: Policy, upstream: dict[str, Result]
) -> None:
    fitless = upstream_by_hand(company, policy, fit=False)
    made = Explorer(company, policy, fitless, words("en"), 64)
    assert set(made.result().frames) == {"ledger"} and len(made.figure().axes) == 1
    poor = open_company_without(company)
    made = Explorer(poor, policy, upstream, words("en"), 64)
    assert {c.group for c in made.controls} == {"rule"} and made.result().finding("M-4.4").state == "no_data"
    assert len(made.figure().axes) == 1
    neither = Explorer(poor, policy, fitless, words("en"), 64)
    assert not neither.drawable(neither.result())


def open_company_without(company: Company) -> Any:
    """The company as it were without its team months."""
    return SimpleNamespace(info=company.info, data_hash="x", missing=lambda *names: ["team_months.cost"])


def test_overrides_are_read_back_only_from_a_file_of_theirs(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=r"overrides.toml is missing"):
        workbook.read_overrides(tmp_path)
    path = tmp_path / "overrides.toml"
    for text, message in (
        ("[overrides", "not valid TOML"),
        ("a = 1", r"must hold the table \[overrides\]"),
        ('[overrides]\n"path.nothing" = 1', "policy has no value 'path.nothing'"),
        ('[overrides]\n"path.high_fit" = 9', "must lie between"),
    ):
        path.write_text(text)
        with pytest.raises(PolicyError, match=message):
            read_overrides(path)
