"""M-4.1 to M-4.3: verdicts about paying, spans of what may never happen, and which chance is in which number."""

from types import SimpleNamespace

import numpy as np
import pytest

from kaanalysis.analyses import path_economics
from kaanalysis.analyses.ledger import PATHS
from kaanalysis.analyses.path_economics import judge_economics, span
from kaanalysis.policy import Policy


def test_worlds_that_never_pay_back_count_as_the_latest_not_as_none() -> None:
    # 60 of 100 worlds pay back in months 1 … 60, 40 never: half of all have by month 50, not by month 30.5.
    values = np.concatenate([np.arange(1.0, 61), np.full(40, np.nan)])
    made = span("payback_month", "split", values, "months", "m")
    assert (made.value, made.low, made.high) == (50, 5, None)
    assert span("payback_month", "split", np.where(np.arange(100) < 49, 3.0, np.nan), "months", "m").value is None
    assert span("npv", "split", np.arange(101.0), "CNY", "m").value == 50


@pytest.mark.parametrize(
    ("gains", "state"), [(80, "supported"), (79, "undecided"), (21, "undecided"), (20, "contradicted")]
)
def test_a_path_pays_if_enough_worlds_say_so(gains: int, state: str, policy: Policy) -> None:
    npv = np.where(np.arange(100) < gains, 1.0, -1.0)
    paths = ("part_time", "split", "rebuild")
    findings = judge_economics({p: SimpleNamespace(npv=npv) for p in paths}, {p: [] for p in paths}, policy)  # type: ignore[misc]
    assert [f.state for f in findings] == [state] * 3
    assert findings[0].number("p_gain").value == gains / 100  # type: ignore[union-attr]


def outcome(npv: list[float], expected: list[float]) -> SimpleNamespace:
    return SimpleNamespace(
        npv=np.array(npv), expected_npv=np.array(expected), payback=np.full(len(npv), 12.0), loss=np.zeros(len(npv))
    )


def test_paths_are_compared_without_luck_and_pay_with_it(policy: Policy) -> None:
    # Rebuild is expected to bring most in every world; by luck split brings more in each, and rebuild brings nothing in half of them.
    outcomes = {
        "part_time": outcome([1] * 10, [1] * 10),
        "split": outcome([50] * 10, [5] * 10),
        "rebuild": outcome([-1] * 5 + [40] * 5, [9] * 10),
    }
    found = path_economics.find(outcomes, policy, "CNY")  # type: ignore[arg-type]
    numbers = {(n.name, n.segment): n for f in found for n in f.numbers}
    assert [numbers["p_best", p].value for p in PATHS] == [0, 0, 1]
    assert [numbers["regret", p].value for p in PATHS] == [8, 4, 0]
    assert [numbers["p_gain", p].value for p in PATHS] == [1, 1, 0.5]
    assert [f.state for f in found] == ["supported", "supported", "undecided"]
    assert "expected over the chance of single deals" in numbers["p_best", "split"].method
    assert "chance of single deals included" in numbers["npv", "split"].method
    assert numbers["npv", "split"].horizon_months == policy["ledger.horizon_months"]
