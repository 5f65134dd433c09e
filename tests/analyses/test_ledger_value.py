"""Expected net present value in closed form: against months written down, and against the plain loop."""

import numpy as np
import pytest
from analyses.ledger_world import numbers, random_worlds, world
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.plain_ledger import plain_cash, plain_npv
from kaanalysis.analyses import ledger_value
from kaanalysis.analyses.ledger import LINES, PATHS, expected_npv, path_cash


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), months=st.integers(1, 70), rate=st.floats(0, 0.5))
def test_closed_form_equals_the_months_written_down(seed: int, months: int, rate: float) -> None:
    x = random_worlds(5, seed)
    factor = (1 + rate) ** (-np.arange(months) / 12)
    got = expected_npv(x, months, rate)
    assert got.shape == (5, 3)
    for i, path in enumerate(PATHS):
        lines = path_cash(path, x, months, rate)
        scale = sum(np.abs(v) @ factor for v in lines.values())
        assert np.abs(got[:, i] - sum(v @ factor for v in lines.values())).max() <= 1e-9 * scale.max()


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), months=st.integers(1, 40), path=st.sampled_from(PATHS))
def test_lines_equal_the_plain_loop_written_from_the_page(seed: int, months: int, path: str) -> None:
    x = random_worlds(1, seed)
    plain = {k: float(v[0]) for k, v in x.items()}
    fast, slow = path_cash(path, x, months, 0.1), plain_cash(path, plain, months, 0.1)
    assert set(slow) == set(LINES)
    for name in LINES:
        assert fast[name][0] == pytest.approx(slow[name], rel=1e-9, abs=1e-7), name
    value = expected_npv(x, months, 0.1)[0, PATHS.index(path)]
    assert value == pytest.approx(plain_npv(path, plain, months, 0.1), rel=1e-9, abs=1e-6)


def test_worlds_are_worked_in_chunks_with_the_same_result(monkeypatch: pytest.MonkeyPatch) -> None:
    x = random_worlds(50, 3)
    whole = expected_npv(x, 24, 0.1)
    monkeypatch.setattr(ledger_value, "_AT_ONCE", 7)
    assert expected_npv(x, 24, 0.1) == pytest.approx(whole, rel=1e-12)


def test_one_number_serves_all_worlds() -> None:
    x = random_worlds(6, 1)
    fixed = expected_npv({**x, "deal_size": np.array([700.0])}, 12, 0.1)
    assert fixed == pytest.approx(expected_npv({**x, "deal_size": np.full(6, 700.0)}, 12, 0.1), rel=1e-12)
    with pytest.raises(ValueError, match="deal_size must have 6 values like the other inputs, or one; not 2"):
        expected_npv({**x, "deal_size": np.array([700.0, 1.0])}, 12, 0.1)
    assert expected_npv(world(), 12, 0.1) == pytest.approx(
        np.array([[plain_npv(p, numbers(), 12, 0.1) for p in PATHS]]), rel=1e-9
    )
