"""A share of clustered units: exact binomial where units are independent, by hand where they are not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from kaanalysis.stats import clopper_pearson
from kaanalysis.stats.clustered_share import clustered_share


def test_independent_units_are_scipys_exact_binomial() -> None:
    # 13 of 20, each its own cluster: between-cluster variance is n / (n − 1) of the binomial one, so the size is 19.
    kind = [1] * 13 + [0] * 7
    found = clustered_share(kind, range(20), "m")
    assert found.value == 0.65 and found.size == pytest.approx(19)


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 60), st.floats(0.05, 0.95))
def test_all_and_none_are_clopper_and_pearson(n: int, margin: float) -> None:
    every, none = clustered_share([1] * n, range(n), "m"), clustered_share([0] * n, range(n), "m")
    for found, hits in ((every, n), (none, 0)):
        peer, mine = clopper_pearson(hits, n), found.interval(0.95)
        assert (mine.low, mine.high) == pytest.approx((peer.low, peer.high))
        assert found.p_above(margin) == pytest.approx(stats.binomtest(hits, n, margin, "greater").pvalue)
        assert found.p_below(margin) == pytest.approx(stats.binomtest(hits, n, margin, "less").pvalue)


def test_a_whole_cluster_of_one_kind_counts_once() -> None:
    # Four clusters of five deals, each all of one kind: sums of (x − 1/2) are ±2.5; variance 4/3 · 25 / 400 = 1/12 against 1/80.
    kind = np.repeat([1, 1, 0, 0], 5)
    found = clustered_share(kind, np.repeat(list("abcd"), 5), "m")
    assert found.size == pytest.approx(20 / (80 / 12)) and found.standard_error == pytest.approx(12**-0.5)


def test_clusters_never_add_units() -> None:
    # One of either kind in every cluster: less spread than by chance, yet no more than the 20 units.
    assert clustered_share([1, 0] * 10, np.repeat(range(10), 2), "m").size == 20


def test_nobody_is_no_share() -> None:
    found = clustered_share([], [], "m")
    assert found.value is None and found.p_above(0.5) is None and found.p_below(0.5) is None
    assert found.interval(0.95).low is None
