"""Chao2: closed forms, a published example with a known truth, and what its interval covers where units are alike and where they are not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaanalysis.stats import chao2, chao2_by_site, unseen_units

# Edwards and Eberhardt (1967): cottontails marked in an enclosure that held 135; times caught on 18 nights.
COTTONTAILS = [1] * 43 + [2] * 16 + [3] * 8 + [4] * 6 + [6] * 2 + [7]


def test_by_hand():
    """m = 4, Q1 = 5, Q2 = 2: unseen = 3/4 · 5 · 4 / (2 · 3) = 2.5."""
    found = chao2([1] * 5 + [2] * 2 + [3], 4)
    assert (found.value, found.n) == (10.5, 8)
    # Variance: 2.5 + 0.5625 · 5 · 81 / (4 · 9) + 0.5625 · 25 · 2 · 16 / (4 · 81) = 2.5 + 6.328125 + 1.388…
    variance = 2.5 + 0.5625 * 405 / 36 + 0.5625 * 800 / 324
    k = np.exp(1.959964 * np.sqrt(np.log(1 + variance / 2.5**2)))
    assert (found.low, found.high) == pytest.approx((8 + 2.5 / k, 8 + 2.5 * k), rel=1e-6)


def test_the_cottontails_of_edwards_and_eberhardt_were_135():
    """The classic form gives 76 + 43² / (2 · 16) = 134 (Chao 1987, her first example); the bias-corrected one lies a little lower."""
    found = chao2(COTTONTAILS, 18)
    assert found.n == 76 and pytest.approx(133.8, abs=0.1) == 76 + 43**2 / 32
    assert found.value == pytest.approx(76 + 17 / 18 * 43 * 42 / 34)
    assert found.low < 135 < found.high


def test_two_occasions_are_near_lincoln_and_petersen():
    """30 met both times, 20 only the first, 20 only the second: Lincoln–Petersen misses 20 · 20 / 30, Chao2 40 · 39 / (4 · 31)."""
    assert unseen_units(40, 30, 2) == pytest.approx(40 * 39 / 124) and abs(40 * 39 / 124 - 400 / 30) < 1


def test_nobody_missing_where_all_were_met_often():
    found = chao2([5, 5, 4, 5], 5)
    assert found.value == 4 and found.low == 4 and 4 < found.high < 4.5


def test_what_it_refuses_and_what_it_leaves_open():
    assert chao2([1, 1], 1).value is None and chao2([], 5).value is None
    with pytest.raises(ValueError, match="whole numbers from 1 to 3"):
        chao2([4], 3)
    with pytest.raises(ValueError, match="occasions must be 1 or more"):
        unseen_units(1, 1, 0)


@given(st.lists(st.integers(1, 6), min_size=1, max_size=40), st.integers(6, 20))
def test_never_below_those_found_and_sites_together_as_alone(times: list[int], occasions: int):
    alone = chao2(times, occasions)
    assert alone.n <= alone.low <= alone.value + 1e-9 and alone.value <= alone.high + 1e-9  # type: ignore[operator]
    t = np.array(times)
    counts = [[len(t)] * 2, [t.sum()] * 2, [(t == 1).sum()] * 2, [(t == 2).sum()] * 2, [occasions] * 2]
    both = chao2_by_site(*counts)
    assert both.low.tolist() == [alone.low] * 2 and both.high.tolist() == [alone.high] * 2


def drawn(chances: np.ndarray, occasions: int, seed: int):
    times = np.random.default_rng(seed).binomial(occasions, chances)
    return chao2(times[times > 0], occasions)


def test_coverage_where_all_are_as_easy_to_meet():
    results = [drawn(np.full(60, 0.25), 6, seed) for seed in range(800)]
    hits = [r.low <= 60 <= r.high for r in results]
    assert np.mean(hits) == pytest.approx(0.95, abs=0.025)
    assert np.mean([r.value for r in results]) == pytest.approx(60, abs=1.0)


def test_a_lower_bound_where_some_are_hard_to_meet():
    """Half are met one time in two, half one time in fifty: what is missed is mostly the latter, and the estimate stays below them.
    Its lower limit must hardly ever lie above the truth; its upper one is no promise."""
    chances = np.repeat([0.5, 0.02], 40)
    results = [drawn(chances, 6, seed) for seed in range(400)]
    assert np.mean([r.value for r in results]) < 65
    assert np.mean([r.low > 80 for r in results]) < 0.01
    assert np.mean([r.high < 80 for r in results]) > 0.2
