"""The scan over subsets of places: the best of all subsets, and what its choice costs."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from kaanalysis.stats import fallen_subset


def score(count: float, base: float) -> float:
    """Log likelihood ratio of a Poisson count below its expectation, written down a second time."""
    if count >= base:
        return 0.0
    return (count * np.log(count / base) if count else 0.0) + base - count


@given(st.lists(st.tuples(st.integers(0, 60), st.floats(0.5, 60)), min_size=1, max_size=7))
def test_no_subset_scores_higher(places):
    count, base = (np.array(x, dtype=float) for x in zip(*places, strict=True))
    found = fallen_subset(count, base)
    subsets = itertools.chain.from_iterable(
        itertools.combinations(range(len(count)), k) for k in range(1, len(count) + 1)
    )
    best = max(score(count[list(s)].sum(), base[list(s)].sum()) for s in subsets)
    assert found.score == pytest.approx(best, abs=1e-9)
    chosen = list(found.members)
    assert score(count[chosen].sum(), base[chosen].sum()) == pytest.approx(found.score, abs=1e-9)


def test_two_places_of_four_by_hand():
    # 20 of 50 and 10 of 40 expected; the others as expected. Both together: 30 log(30/90) + 60.
    found = fallen_subset([20, 31, 10, 30], [50, 30, 40, 30])
    assert found.members.tolist() == [2, 0] and found.score == pytest.approx(30 * np.log(1 / 3) + 60)
    assert found.hypotheses == 15


def test_many_places_pay_by_size():
    base = np.full(31, 50.0)
    count = base.copy()
    count[[3, 7]] = 10
    found = fallen_subset(count, base)
    assert sorted(found.members) == [3, 7] and found.hypotheses == 31 * 31 * 30 // 2


def test_where_nothing_fell_all_places_are_there():
    found = fallen_subset([30, 40], [25, 40])
    assert sorted(found.members) == [0, 1] and found.score == 0
    assert fallen_subset([], []).members.tolist() == []


def test_the_choice_is_paid_for():
    """Four places, nothing fell. The chosen subset's own p-value times the number of choices is at or below 5 % in at most 5 % of 1,500
    draws; unpaid, it is in far more."""
    g, base = np.random.default_rng(3), np.array([60.0, 50, 40, 30])
    unpaid, paid = [], []
    for _ in range(1500):
        found = fallen_subset(count := g.poisson(base), base)
        p = stats.poisson.cdf(count[found.members].sum(), base[found.members].sum())
        unpaid.append(p <= 0.05)
        paid.append(p * found.hypotheses <= 0.05)
    assert np.mean(paid) <= 0.05 < np.mean(unpaid)


@pytest.mark.parametrize(("count", "base"), [([-1], [1]), ([1], [0]), ([1], [1, 2])])
def test_what_is_no_count_is_refused(count, base):
    with pytest.raises(ValueError):
        fallen_subset(count, base)
