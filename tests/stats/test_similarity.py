"""Likeness of sequences and groups: by hand, against the analysis of variance, and intervals held to their level by simulation."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from kaanalysis.stats import pair_similarity, permutation_manova, sequence_similarity, similarity_decay


def test_edit_distance_by_hand() -> None:
    """kitten → sitting takes 3 edits of 7 (Levenshtein's textbook pair); a b c → a c one of 3; nothing in common: 0."""
    table = sequence_similarity(["kitten", "sitting", [], ["a", "b", "c"], ["a", "c"], ["x"]])
    assert table[0, 1] == pytest.approx(1 - 3 / 7) and table[3, 4] == pytest.approx(2 / 3)
    assert table[2, 5] == 0 and table[4, 5] == 0 and (np.diag(table) == 1).all() and (table == table.T).all()


def test_members_are_whole_labels_not_letters() -> None:
    table = sequence_similarity([["finance/approve", "legal/approve"], ["finance/approve", "owner/approve"]])
    assert table[0, 1] == 0.5


@given(st.lists(st.lists(st.sampled_from("abc"), max_size=5), min_size=3, max_size=6))
def test_distances_obey_the_triangle_in_edits(sequences: list[list[str]]) -> None:
    table = sequence_similarity(sequences)
    edits = np.array(
        [[(1 - table[i, j]) * max(len(a), len(b)) for j, b in enumerate(sequences)] for i, a in enumerate(sequences)]
    )
    for i, j, k in itertools.permutations(range(len(sequences)), 3):
        assert edits[i, j] <= edits[i, k] + edits[k, j] + 1e-9


def test_pairs_by_hand() -> None:
    """Customers 1 … 4, customer 1 with two flows in cell a (their own pair never counts): within (0.8 + 0.6 + 0.4) / 3, between the
    other six."""
    s = np.eye(5)
    for i, j, value in (
        (0, 1, 0.99), (0, 2, 0.8), (1, 2, 0.6), (3, 4, 0.4),
        (0, 3, 0.1), (0, 4, 0.2), (1, 3, 0.3), (1, 4, 0.1), (2, 3, 0.2), (2, 4, 0.3),
    ):  # fmt: skip
        s[i, j] = s[j, i] = value
    found = pair_similarity(s, list("aaabb"), [1, 1, 2, 3, 4])
    assert found.within.value == pytest.approx(1.8 / 3) and found.between.value == pytest.approx(1.2 / 6)
    assert found.difference.value == pytest.approx(0.4) and (found.customers, found.groups) == (4, 2)
    # Without customer 1: 0.4 and (0.2 + 0.3) / 2; without 2: 0.4 and 0.7 / 4; without 3: 1.4 / 2 and 0.6 / 3; without 4: 0.7 and 0.2.
    left = np.array([0.4 - 0.25, 0.4 - 0.175, 0.7 - 0.2, 0.7 - 0.2])
    error = np.sqrt(3 / 4 * ((left - left.mean()) ** 2).sum())
    assert found.difference.value - found.difference.low == pytest.approx(stats.t.ppf(0.975, 3) * error, rel=1e-9)


def test_without_pairs_or_spread_there_is_no_interval() -> None:
    assert pair_similarity(np.eye(2), ["a", "b"], [1, 2]).within.value is None
    same = pair_similarity(np.ones((6, 6)), list("aaabbb"), range(6))
    assert same.within.value == 1 and same.within.low is None and same.difference.value == 0
    one = pair_similarity(np.ones((3, 3)), list("aaa"), [1, 1, 1])
    assert one.within.value is None and one.customers == 0
    with pytest.raises(ValueError, match="shape"):
        pair_similarity(np.ones((2, 2)), list("aaa"), [1, 2, 3])


def drawn(
    generator: np.random.Generator, customers: int, cells: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Flows of ten entries, three of them the cell's own, each spoilt with chance 0.1: likeness 0.81 within, 0.567 between, for ever."""
    who = np.repeat(np.arange(customers), generator.integers(1, 4, customers))
    cell = generator.integers(cells, size=customers)[who]
    entries = np.where(np.arange(10) < 3, cell[:, None] + 100, 0) + np.arange(10) * 1000
    spoilt = generator.random(entries.shape) < 0.1
    entries = np.where(spoilt, generator.integers(10**6, 10**12, entries.shape), entries)
    return (entries[:, None, :] == entries[None, :, :]).mean(axis=2), cell, who, generator.uniform(0, 60, len(who))


def test_intervals_hold_what_was_planted_by_simulation() -> None:
    """At least 91 of 100 intervals at 95 % (six too few at the 1 % level would be 89); likeness that never changes has decay 0."""
    generator, held = np.random.default_rng(5), np.zeros(3)
    for _ in range(100):
        s, cell, who, time = drawn(generator, 40, 8)
        pairs, decay = pair_similarity(s, cell, who), similarity_decay(s, time, cell, who)
        for place, (estimate, truth) in enumerate(
            ((pairs.within, 0.81), (pairs.difference, 0.3 * 0.81), (decay.rate, 0.0))
        ):
            held[place] += estimate.low <= truth <= estimate.high  # type: ignore[operator]
    assert (held >= 91).all(), held


def test_decay_of_a_noiseless_exponential_is_found_exactly() -> None:
    """Likeness a · 2^(−distance / 24) with another a in each group: the half-life is 24, whatever the groups' levels."""
    generator = np.random.default_rng(0)
    time, group = generator.uniform(0, 50, 30), np.arange(30) % 3
    s = np.where(group[:, None] == group[None, :], (0.5 + 0.2 * group)[:, None], 0.3) * 0.5 ** (
        np.abs(time[:, None] - time[None, :]) / 24
    )
    decay = similarity_decay(s, time, group, range(30))
    assert decay.rate.value == pytest.approx(np.log(2) / 24, rel=1e-8) and decay.half_life.value == pytest.approx(
        24, rel=1e-8
    )
    assert decay.pairs == 3 * 45


def test_half_life_is_found_where_processes_change_and_unbounded_where_not() -> None:
    """Every entry of a cell's flow is renewed as a Poisson process: two flows share it with chance exp(−rate · distance)."""
    generator, rate, values = np.random.default_rng(3), np.log(2) / 24, []
    for _ in range(30):
        customers, cells = 60, 10
        cell, time = generator.integers(cells, size=customers), generator.uniform(0, 60, customers)
        renewed = [
            [np.sort(generator.uniform(0, 60, generator.poisson(rate * 60))) for _ in range(20)] for _ in range(cells)
        ]
        state = np.array(
            [[np.searchsorted(renewed[c][e], t) for e in range(20)] for c, t in zip(cell, time, strict=True)]
        )
        s = (state[:, None, :] == state[None, :, :]).mean(axis=2)
        values.append(similarity_decay(s, time, cell, range(customers)).half_life.value)
    assert np.median(values) == pytest.approx(24, rel=0.15)
    s, cell, who, time = drawn(np.random.default_rng(8), 60, 8)
    steady = similarity_decay(s, time, cell, who)
    assert steady.half_life.high is None and (steady.half_life.low is None or steady.half_life.low > 60)


def test_no_distance_in_time_is_no_decay() -> None:
    s, cell, who, _ = drawn(np.random.default_rng(8), 10, 2)
    assert similarity_decay(s, np.zeros(len(s)), cell, who).rate.value is None


def test_pseudo_f_is_the_f_of_the_analysis_of_variance_against_scipy() -> None:
    """Anderson 2001: with Euclidean distances of one variable the pseudo-F is Fisher's F."""
    generator = np.random.default_rng(2)
    x, group = generator.normal(size=24), np.repeat([0, 1, 2], [6, 8, 10])
    x[group == 1] += 1
    f, p = stats.f_oneway(*(x[group == g] for g in range(3)))
    found = permutation_manova(np.abs(x[:, None] - x[None, :]), group, draws=1999, seed=1)
    assert found.statistic == pytest.approx(f, rel=1e-9) and found.p_value == pytest.approx(p, abs=0.02)


def test_p_values_are_valid_where_groups_say_nothing() -> None:
    generator, small = np.random.default_rng(4), 0
    for seed in range(200):
        x = generator.normal(size=16)
        small += permutation_manova(np.abs(x[:, None] - x), np.arange(16) % 4, draws=99, seed=seed).p_value <= 0.1  # type: ignore[operator]
    assert 8 <= small <= 34  # 20 expected; 0.1 % tails of the binomial


def test_no_groups_to_compare_is_no_test() -> None:
    d = np.abs(np.arange(4)[:, None] - np.arange(4))
    assert permutation_manova(d, list("aaaa")).p_value is None and permutation_manova(d, list("abcd")).p_value is None
    assert permutation_manova(np.zeros((4, 4)), list("aabb")).p_value is None
