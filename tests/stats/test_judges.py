"""One-way random effects: Shrout and Fleiss's example, by hand, and what is planted comes back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaanalysis.stats import judged_items

# Six targets, four judges each: Shrout and Fleiss 1979, table 2.
RATINGS = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]


def test_against_shrout_and_fleiss_table_4() -> None:
    found = judged_items(np.array(RATINGS, dtype=float).ravel(), np.repeat(list("abcdef"), 4))
    assert found.freedom == 18 and found.several == 6
    assert found.spread**2 == pytest.approx(6.26, abs=0.005)  # type: ignore[operator] # within mean square
    # ICC(1, 1) = 0.17 and ICC(1, 4) = 0.44 as printed.
    single = found.between**2 / (found.between**2 + found.spread**2)  # type: ignore[operator]
    assert single == pytest.approx(0.17, abs=0.005) and found.reliability == pytest.approx(0.44, abs=0.005)


def test_one_judge_each_shows_no_disagreement() -> None:
    found = judged_items([0.2, 0.4, 0.9], ["a", "b", "c"])
    assert found.spread is None and found.error is None and found.reliability is None and found.several == 0
    assert judged_items([], []).items == []


def test_unbalanced_by_hand() -> None:
    """a: 0.2, 0.4; b: 0.9. Within: 2 · 0.1² on one degree of freedom."""
    found = judged_items([0.2, 0.9, 0.4], ["a", "b", "a"])
    assert found.items == ["a", "b"] and found.mean == pytest.approx([0.3, 0.9]) and found.several == 1
    assert found.spread == pytest.approx(np.sqrt(0.02)) and found.error == pytest.approx([0.1, np.sqrt(0.02)])
    # Between mean square: 2 (0.3 - 0.5)² + (0.9 - 0.5)² = 0.24; n0 = 3 - 5 / 3 = 4 / 3.
    assert found.between == pytest.approx(np.sqrt((0.24 - 0.02) / (4 / 3)))


def test_planted_components_come_back_without_bias() -> None:
    g, squares = np.random.default_rng(3), []
    for _ in range(400):
        count = g.integers(1, 6, 30)
        items = np.repeat(np.arange(30), count)
        levels = 0.2 * g.standard_normal(30)[items] + 0.1 * g.standard_normal(len(items))
        found = judged_items(levels, items)
        squares.append((found.spread**2, found.between**2))  # type: ignore[operator]
    assert np.mean(squares, axis=0) == pytest.approx([0.01, 0.04], rel=0.04)


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.floats(0, 1)), min_size=2, max_size=30))
def test_judges_of_one_mind_have_no_spread_and_reliability_lies_between_0_and_1(said: list[tuple[str, float]]) -> None:
    items, levels = zip(*said, strict=True)
    found = judged_items(levels, items)
    assert found.count.sum() == len(said) and (found.reliability is None or 0 <= found.reliability <= 1)
    same = judged_items([ord(i) / 200 for i in items], items)
    assert same.spread is None or same.spread == pytest.approx(0, abs=1e-9)
