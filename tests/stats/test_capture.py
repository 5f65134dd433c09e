"""Capture–recapture: closed forms, a published example, coverage, and what tells that the lists prefer the same strata."""

import numpy as np
import pytest

from kaanalysis.stats import Overlap, overlap, overlaps, population_size, shared_unevenness, stratified_size


def test_overlap_counts():
    assert overlap([1, 1, 0, 0], [1, 0, 1, 0]) == Overlap(1, 1, 1)
    with pytest.raises(ValueError, match="first must be true or false"):
        overlap([2], [1])


def test_chapman_by_hand_and_the_textbook_turtles():
    """Ten turtles marked, fifteen caught, five of them marked: (11 · 16) / 6 - 1 = 28.3 (the standard example of Chapman's estimate),
    and Sadinle's limits for it, 22 to 65 (Sadinle 2009, as worked in encyclopaedias)."""
    found = population_size(Overlap(5, 5, 10))
    assert found.value == pytest.approx(11 * 16 / 6 - 1)
    assert (round(found.low), round(found.high)) == (22, 65)


def test_dependence_multiplies_those_on_neither_list():
    counts = Overlap(20, 80, 30)
    missing = population_size(counts).value - counts.known
    assert population_size(counts, dependence=2.0).value - counts.known == pytest.approx(2 * missing)
    assert "odds ratio 2" in population_size(counts, dependence=2.0).method
    with pytest.raises(ValueError, match="dependence must be above 0"):
        population_size(counts, dependence=0)


def test_a_list_within_the_other_says_nothing():
    for counts in (Overlap(5, 20, 0), Overlap(5, 0, 7), Overlap(0, 0, 0)):
        found = population_size(counts)
        assert found.value is None and "within the other" in found.method
    assert (
        population_size(Overlap(0, 5, 5)).value == 35
    )  # no overlap: Chapman still gives a number, and a wide interval
    assert population_size(Overlap(0, 5, 5)).high > 300


@pytest.mark.parametrize(("size", "first", "second"), [(9000, 0.14, 0.004), (310, 0.4, 0.22), (100, 0.3, 0.2)])
def test_coverage_in_small_and_large_markets(size, first, second):
    g, hits = np.random.default_rng(1), []
    for _ in range(2000):
        found = population_size(overlap(g.random(size) < first, g.random(size) < second))
        if found.value is not None:
            hits.append(found.low <= size <= found.high)
    assert np.mean(hits) == pytest.approx(0.955, abs=0.02)


def test_lists_that_prefer_the_same_industries_are_found_out_and_honest_ones_are_not():
    g = np.random.default_rng(3)
    strata = np.repeat(["a", "b"], 500)
    uneven, even = np.where(strata == "a", 0.5, 0.1), np.full(1000, 0.3)
    found = shared_unevenness(g.random(1000) < uneven, g.random(1000) < uneven, strata, draws=299)
    assert found.p_value < 0.02 and found.statistic > 0.2
    levels = [
        shared_unevenness(g.random(1000) < uneven, g.random(1000) < even, strata, draws=99, seed=i).p_value
        for i in range(60)
    ]
    assert np.mean(np.array(levels) <= 0.05) < 0.15 and np.mean(levels) > 0.35
    assert shared_unevenness([1, 1], [1, 0], ["a", "b"]).p_value is None


def test_sizes_within_strata_by_hand_and_their_coverage_where_both_lists_lean():
    """Strata of (both, first only, second only) = (1, 2, 3) and (0, 4, 1): 11 known, 2 · 3 / 2 + 4 · 1 / 1 = 7 missing."""
    first = np.array([1, 1, 1, 0, 0, 0, 1, 1, 1, 1, 0])
    second = np.array([1, 0, 0, 1, 1, 1, 0, 0, 0, 0, 1])
    strata = np.array(["a"] * 6 + ["b"] * 5)
    found = stratified_size(overlaps(first, second, strata))
    assert (found.value, found.n) == (18, 11) and 11 < found.low < 18 < found.high
    assert stratified_size(overlaps(first, second, strata), dependence=2.0).value == 11 + 14
    assert stratified_size(overlaps(first, second, np.zeros(11))).value == pytest.approx(
        population_size(overlap(first, second)).value
    )
    assert stratified_size(overlaps([1, 1], [1, 0], ["a", "b"])).value is None
    g, hits, plain = np.random.default_rng(4), [], []
    places = np.repeat(["a", "b"], 600)
    for _ in range(1500):
        a, b = (g.random(1200) < np.where(places == "a", 0.4, 0.1) for _ in range(2))
        inside, whole = stratified_size(overlaps(a, b, places)), population_size(overlap(a, b))
        hits.append(inside.low <= 1200 <= inside.high)
        plain.append(whole.low <= 1200 <= whole.high)
    assert np.mean(hits) == pytest.approx(0.95, abs=0.02) and np.mean(plain) < 0.5
