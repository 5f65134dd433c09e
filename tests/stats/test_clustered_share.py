"""A share of clustered units: exact binomial where units are independent, by hand where they are not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from kaanalysis.stats import clopper_pearson
from kaanalysis.stats.clustered_share import clustered_share, share_beyond_expected


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


def test_an_excess_by_hand() -> None:
    # Four customers of five deals; of the first two's, all; each was expected by one half: the spread is that of the share itself.
    kind, customers = np.repeat([1, 1, 0, 0], 5), np.repeat(list("abcd"), 5)
    found, share = (
        share_beyond_expected(kind, [0.5] * 20, customers, range(20), "m"),
        clustered_share(kind, customers, "m"),
    )
    assert found.value == 0 and found.share.size == pytest.approx(share.size) and found.n == 20
    # The crossing clusters count as well as the others.
    crossed = share_beyond_expected(kind, [0.5] * 20, range(20), customers, "m")
    assert crossed.share.size == pytest.approx(share.size)
    # What was expected of each explains all that differs between the customers: as good as 20 deals, never better.
    told = share_beyond_expected(kind, np.repeat([0.9, 0.9, 0.1, 0.1], 5), customers, range(20), "m")
    assert told.value == pytest.approx(0) and told.share.size == 20
    peer = clopper_pearson(10, 20)
    assert peer.low is not None and peer.high is not None
    assert (told.interval(0.95).low, told.interval(0.95).high) == pytest.approx((peer.low - 0.5, peer.high - 0.5))


def test_two_ways_of_clustering_add_up() -> None:
    # Two customers × two sellers, two deals each; one customer always, and one seller always: of the other two, none.
    kind = [1, 1, 1, 1, 1, 1, 0, 0]
    customer, seller = [0, 0, 0, 0, 1, 1, 1, 1], [0, 0, 1, 1, 0, 0, 1, 1]
    # Away from 3/4 in sums of customers (1, −1) and sellers (1, −1): 2 · 2 / 64 each; in cells (½, ½, ½, −3/2): 4/3 · 3 / 64.
    found = share_beyond_expected(kind, [0.0] * 8, customer, seller, "m")
    assert found.share.standard_error == pytest.approx(((4 + 4 - 4) / 64) ** 0.5)


def test_none_of_a_kind_still_leaves_what_could_be() -> None:
    # Forty deals with thirty customers, none met, one in fifty expected: up to 1 − 0.025^(1/30) less the expectation.
    found = share_beyond_expected([0] * 40, [0.02] * 40, [i % 30 for i in range(40)], [i % 4 for i in range(40)], "m")
    assert found.value == pytest.approx(-0.02)
    assert found.interval(0.95).high == pytest.approx(1 - 0.025 ** (1 / 30) - 0.02)
    assert found.interval(0.95).low == pytest.approx(-0.02)
    assert found.p_above(0.05) == 1 and found.p_below(0.05) == pytest.approx(0.93**30)
    # Beyond what any share can be: kept at its edges.
    assert found.p_above(-1) == 1 and found.p_below(1) == 0


def test_an_excess_of_nobody_is_none_and_chances_are_chances() -> None:
    found = share_beyond_expected([], [], [], [], "m")
    assert found.value is None and found.p_above(0.1) is None and found.interval(0.95).low is None
    with pytest.raises(ValueError, match="between 0 and 1"):
        share_beyond_expected([1], [1.5], ["a"], ["a"], "m")


@pytest.mark.parametrize("excess", [0.01, 0.1])
@pytest.mark.parametrize("spread", [0.3, 2.0])
def test_excess_covers(excess: float, spread: float) -> None:
    # 280 deals of 90 customers of very different size and readiness (gamma with this coefficient of variation), eight sellers.
    rng, held, runs = np.random.default_rng(20260630), 0, 600
    for _ in range(runs):
        customer = rng.choice(90, 280, p=rng.dirichlet(np.full(90, 1.0)))
        chance = rng.beta(1, 30, 280)
        ready = np.minimum(rng.gamma(1 / spread**2, spread**2, 90), 0.7 / excess)
        truth = excess * float(np.mean(np.minimum(rng.gamma(1 / spread**2, spread**2, 200_000), 0.7 / excess)))
        kind = rng.random(280) < chance + excess * ready[customer]
        found = share_beyond_expected(kind, chance, customer, rng.integers(0, 8, 280), "m").interval(0.95)
        held += found.low <= truth <= found.high  # type: ignore[operator]
    assert held / runs > 0.95 - 2.6 * (0.95 * 0.05 / runs) ** 0.5
