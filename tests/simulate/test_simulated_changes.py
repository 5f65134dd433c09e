"""The change log of a synthetic company: prepared where nothing is planted, hasty and often changed where a pattern is."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from kaanalysis.company import open_company
from kaanalysis.decision_log import KINDS, read_changes
from kaanalysis.simulate import list_companies, simulate
from kaanalysis.simulate.change_log import OF_PATTERN, change_log
from kaanalysis.simulate.world import PATTERNS, World

WORLDS = list_companies()


@pytest.mark.parametrize("name", sorted(WORLDS))
@pytest.mark.parametrize("seed", [1, 2])
def test_every_company_has_a_log_in_order_with_one_launch_and_nothing_after_as_of(name: str, seed: int) -> None:
    world = WORLDS[name]
    log = change_log(world, seed).to_pydict()
    assert log["at"] == sorted(log["at"]) and max(log["at"]) <= world.as_of
    assert [at for at, kind in zip(log["at"], log["kind"], strict=True) if kind == "launch"] == [world.ka_launch]
    assert set(log["kind"]) <= set(KINDS) and all(log["what"]) and all(log["who"])
    assert all(
        (kind == "reversal") == (back is not None) for kind, back in zip(log["kind"], log["reverses"], strict=True)
    )
    assert change_log(world, seed).equals(change_log(world, seed))


def test_a_planted_pattern_means_less_preparation_and_more_changes() -> None:
    def months_and_changes(world: World) -> tuple[float, int]:
        log = change_log(world, 1).to_pydict()
        first = log["at"][log["kind"].index("decision")]
        return (world.ka_launch - first).days / 30.4375, sum(at > world.ka_launch for at in log["at"])

    healthy = months_and_changes(WORLDS["healthy"])
    assert healthy[0] == pytest.approx(9, abs=0.4) and healthy[1] == 2
    for world in WORLDS.values():
        planted = [name for id, name in PATTERNS.items() if world.patterns[id]]
        if planted:
            months, changes = months_and_changes(world)
            assert months < 2 and changes == 2 + sum(len(OF_PATTERN[name]) for name in planted)


def test_a_takes_back_names_a_kind_that_was_decided_before() -> None:
    for decisions in OF_PATTERN.values():
        for month, kind, *_, back in decisions:
            if kind == "reversal":
                assert any(other[1] == back and other[0] < month for other in decisions)


def test_what_simulate_writes_is_read_without_a_fault(tmp_path: Path) -> None:
    out = simulate("shortfall", tmp_path / "company", seed=1, size=0.2)
    company = open_company(out)
    assert company.faults == [] and len(company.changes) == len(change_log(WORLDS["shortfall"], 1))
    assert read_changes(out, (), company.info.as_of)[0].equals(company.changes)


def test_a_company_that_speaks_chinese_logs_in_chinese() -> None:
    log = change_log(dataclasses.replace(WORLDS["rival_team"], language="zh"), 1).to_pydict()
    assert all(not text.isascii() for text in (*log["what"], *log["who"]))
