"""Every named company has a trap that closes: the naive reading misleads, the right one agrees with what was planted (benchmarks/traps.py)."""

from __future__ import annotations

import pytest

from benchmarks.traps import TRAPS, beyond, read
from benchmarks.validity.engine import Engine
from kaanalysis.policy import Policy
from kaanalysis.simulate import parameters


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine()


def test_every_company_has_a_trap() -> None:
    assert set(TRAPS) == set(parameters.names())


@pytest.mark.parametrize("company", parameters.names())
def test_the_trap_closes(company: str, policy: Policy, engine: Engine) -> None:
    trap, reading = TRAPS[company], read(company, policy, engine)
    naive, right, truth = trap.read_naively(reading), trap.read_rightly(reading), trap.planted(reading)
    assert trap.misleads(naive, truth), (naive, truth)
    assert trap.agrees(right, truth), (right, truth)


def test_a_trap_that_does_not_close_is_seen() -> None:
    trap = TRAPS["lingering_losses"]
    assert not trap.misleads(0.4, 0.386) and not trap.agrees(0.55, 0.386) and not trap.agrees(0.4, 0.55)
    assert beyond(1.0, (0.5, 1)) and not beyond(0.5, (0.5, 1)) and not beyond("a step", (0.5, 1))
    assert not TRAPS["slow_decoy"].misleads("value case", "value case") and not TRAPS["slow_decoy"].agrees(
        "contract review", "value case"
    )
