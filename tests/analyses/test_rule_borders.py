"""M-4: the distance to every border by hand, in the case's units and in the cloud's, and what a move over one leads to."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaanalysis.analyses import rule_borders
from kaanalysis.analyses.ledger import PATHS
from kaanalysis.analyses.path_rule import rule
from kaanalysis.policy import Policy, load_policy
from kaanalysis.results import Number

POLICY = load_policy()


def borders(
    steps: int, level: float, counts: list[int], fits: list[float], policy: Policy = POLICY
) -> rule_borders.Borders:
    case = [Number(n, "KA", v, None, None, 0.95, 50, n, "m") for n, v in (("bottlenecks", steps), ("fit", level))]
    return rule_borders.find(*case, np.array(counts), np.array(fits), policy, rule, PATHS)


def test_four_borders_by_hand(policy: Policy) -> None:
    # Borders at 1 | 2 and 3 | 4 bottlenecks, fit 0.8 and 0.6. Of four resamples one has 2 bottlenecks, one 4; one a fit below 0.8.
    found = borders(1, 0.9, [1, 1, 2, 4], [0.9, 0.9, 0.9, 0.7], policy)
    table = found.table.set_index("border")
    assert table["at"].tolist() == [1.5, 3.5, 0.8, 0.6]
    assert table["distance"].tolist() == pytest.approx([-0.5, -2.5, 0.1, 0.3])
    assert table["move"].tolist() == ["more", "more", "lower", "lower"]
    assert table["need"].tolist() == pytest.approx([1, 3, 0.1, 0.3])
    assert table["beyond"].tolist() == [0.5, 0.25, 0.25, 0.0]
    assert table["then"].tolist() == ["split", "rebuild", "split", "rebuild"]
    assert table["spreads"].tolist()[0] == pytest.approx(0.5 / np.std([1, 1, 2, 4]))
    assert table["nearest"].tolist() == [True, False, False, False]
    assert found.terms == {"border": "more", "beyond": "split"}
    assert [(n.name, n.value, n.unit) for n in found.numbers] == [
        ("to_border", 1, "bottlenecks"),
        ("beyond_border", 0.5, "probability"),
    ]


def test_the_cloud_ranks_the_borders_not_their_units(policy: Policy) -> None:
    # One bottleneck more is a whole step, fit must fall by only 0.02; but no resample has the one and most have the other.
    found = borders(1, 0.82, [1] * 10, [0.82] * 4 + [0.79] * 6, policy)
    assert found.terms == {"border": "lower", "beyond": "split"}
    assert found.numbers[0].value == pytest.approx(0.02) and found.numbers[1].value == 0.6
    assert found.table["spreads"].isna().tolist() == [True, True, False, False]  # all resamples have one bottleneck


def test_a_case_held_by_both_needs_both_for_an_easier_path(policy: Policy) -> None:
    both = borders(2, 0.7, [2], [0.7], policy)
    assert both.terms["easier"] == "together" and both.terms["beyond"] == "rebuild"
    assert both.table["then"].tolist() == ["split", "rebuild", "split", "rebuild"]
    worst = borders(5, 0.3, [5], [0.3], policy)  # no border alone changes anything
    assert (worst.numbers, worst.terms) == ((), {"easier": "together"}) and not worst.table["nearest"].any()
    one = borders(2, 0.9, [2], [0.9], policy)
    assert "easier" not in one.terms and one.terms["border"] == "fewer" and one.terms["beyond"] == "part_time"


def test_a_resample_without_fit_counts_for_neither_side(policy: Policy) -> None:
    found = borders(1, 0.9, [1, 1, 1], [0.9, np.nan, 0.7], policy)
    assert found.table.set_index("border").loc["path.high_fit", "beyond"] == 0.5


@given(
    st.integers(0, 8), st.floats(0, 1), st.lists(st.tuples(st.integers(0, 8), st.floats(0, 1)), min_size=1, max_size=30)
)
def test_the_move_named_is_enough_and_less_is_not(steps: int, level: float, cloud: list[tuple[int, float]]) -> None:
    found = borders(steps, level, [c for c, _ in cloud], [f for _, f in cloud])
    for _, row in found.table.iterrows():
        sign = 1 if row["move"] in ("more", "higher") else -1
        if row["axis"] == "bottlenecks":
            assert PATHS[rule(np.array([steps + sign * row["need"]]), np.array([level]), POLICY)[0]] == row["then"]
            assert (steps + sign * row["need"] > row["at"]) != (steps > row["at"])
            assert (steps + sign * (row["need"] - 1) > row["at"]) == (steps > row["at"])
        else:
            over = level + sign * (row["need"] + 1e-9)
            assert (over >= row["at"]) != (level >= row["at"])
        assert 0 <= row["beyond"] <= 1
    chosen = found.table[found.table["nearest"]]
    changing = found.table[found.table["then"] != found.table["now"]]
    assert len(chosen) == min(1, len(changing))
    assert chosen["beyond"].tolist() == [changing["beyond"].max()] * len(chosen)
