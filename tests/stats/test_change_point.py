"""Change points: by hand, against least squares over all splits, and by simulation: coverage, level of the test, band, sharpness."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kaanalysis.stats import change_point, change_point_test, largest_jump, step_weight
from kaanalysis.stats.change_point import _cluster_variance, _shuffled


def test_a_clean_step_by_hand() -> None:
    """Two approvals up to 4, three from 6 on: any limit between fits without error and none outside does."""
    x, y = np.array([1.0, 2, 3, 4, 6, 7, 8, 9]), np.array([2.0] * 4 + [3] * 4)
    found = change_point(x, y, least=2)
    assert (found.value, found.low, found.high) == (5.0, 4.0, 6.0)
    jump = largest_jump(x, y, least=2, draws=200)
    assert jump.value == 1.0
    # 1 / (1 + 1 / √8): as sharp as eight units can tell.
    assert step_weight(x, y, least=2) == pytest.approx(1 / (1 + 8**-0.5))


def test_the_p_value_of_a_clean_step_by_counting() -> None:
    """Of the 70 ways to deal out four threes, one puts them all on top: p is 1 in 70 but for the draws."""
    x, y = np.arange(8.0), np.array([2.0] * 4 + [3] * 4)
    test = change_point_test(x, y, least=4, draws=20_000)[0]
    assert test.statistic == pytest.approx(1.0)
    assert test.p_value == pytest.approx(1 / 70, abs=0.004)


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 5)), min_size=6, max_size=40), st.integers(1, 4))
@settings(max_examples=60, deadline=None)
def test_equals_least_squares_over_all_splits(rows: list[tuple[int, int]], least: int) -> None:
    x, y = np.array(rows, dtype=float).T
    best = None
    for cut in np.unique(x)[:-1]:
        low, high = y[x <= cut], y[x > cut]
        if min(len(low), len(high)) >= least and high.mean() > low.mean():
            rest = ((low - low.mean()) ** 2).sum() + ((high - high.mean()) ** 2).sum()
            if best is None or rest < best - 1e-9:
                best = rest
    found = change_point(x, y, least=least, draws=20)
    if best is None:
        assert found.value is None
        return
    assert found.value is not None
    low, high = y[x <= found.value], y[x > found.value]
    assert ((low - low.mean()) ** 2).sum() + ((high - high.mean()) ** 2).sum() == pytest.approx(best, abs=1e-8)
    assert (found.low is None or found.low < found.value) and (found.high is None or found.high > found.value)
    test = change_point_test(x, y, least=least, draws=19)[0]
    assert test.statistic == pytest.approx(1 - best / ((y - y.mean()) ** 2).sum())
    # Neither place nor scale of x matter, only its order.
    moved = change_point(3 * x - 7, y, least=least, draws=20)
    assert moved.value == pytest.approx(3 * found.value - 7)


def test_nothing_to_split_says_nothing() -> None:
    for x, y in (([], []), ([1.0] * 9, [1, 2, 3] * 3), ([1, 2, 3], [1, 1, 2]), (range(20), [4] * 20)):
        assert change_point(x, y, least=4).value is None
        assert largest_jump(x, y, least=4).high is None
        assert step_weight(x, y, least=4) is None
        assert change_point_test(x, y, least=4)[0].p_value is None
    falling = change_point(np.arange(20), -np.arange(20), least=4)
    assert falling.value is None and falling.method.endswith("no rise")
    with pytest.raises(ValueError, match="least"):
        change_point([1, 2], [1, 2], least=0)


def test_shuffles_keep_clusters_together() -> None:
    cluster = np.array([0, 0, 1, 2, 2, 3, 4, 4, 4])
    whose = _shuffled(cluster, 200, np.random.default_rng(1))
    assert (np.sort(whose, axis=1) == np.arange(9)).all()
    for pair in ([0, 1], [3, 4]):  # a pair gets a pair's values, the three keep their own
        assert all(set(row) in ({0, 1}, {3, 4}) for row in whose[:, pair])
    assert all(set(row) == {6, 7, 8} for row in whose[:, 6:])
    assert len({tuple(row) for row in whose}) > 50


def test_cluster_variance_is_that_of_the_sums(seed: int = 3) -> None:
    g = np.random.default_rng(seed)
    error, owner, below = g.normal(size=30), g.integers(0, 8, 30), np.array([5, 11, 25])
    for cut, found in zip(below, _cluster_variance(error, owner, below, 8), strict=True):
        weight = np.where(np.arange(30) < cut, -1 / cut, 1 / (30 - cut))
        assert found == pytest.approx((np.bincount(owner, weight * error, 8) ** 2).sum())


LIMIT = 0.4


def _sample(kind: str, n: int, g: np.random.Generator, jump: float = 1.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Log amounts with about a fifth above the limit, counts, customers with two flows each on average."""
    x, cluster = g.normal(0, 0.5, n), g.integers(0, max(2, n // 2), n)
    above, own = x > LIMIT, g.normal(size=n)[cluster]
    if kind == "presence":  # an approval that is sometimes there below and sometimes missing above
        return x, 6.0 + (g.random(n) < np.where(above, 0.9, 0.05)), cluster
    if kind == "uneven":  # as many more as it takes, but only above
        return x, 6 + jump * above * (1 + g.normal(size=n)), cluster
    y = 6 + jump * above + 0.5 * own + 0.5 * g.normal(size=n)
    return x, (np.round(y) if kind == "counts" else y), cluster


@pytest.mark.parametrize("kind", ["presence", "counts", "plain", "uneven"])
@pytest.mark.parametrize("n", [60, 150])
def test_the_interval_covers_by_simulation(kind: str, n: int) -> None:
    """Nominal 95 %; 150 samples: a true 95 % falls below 0.90 in one run of a hundred."""
    g, held = np.random.default_rng([n, len(kind)]), 0
    for seed in range(150):
        x, y, _ = _sample(kind, n, g)
        found = change_point(x, y, draws=150, seed=seed)
        low, high = -np.inf if found.low is None else found.low, np.inf if found.high is None else found.high
        held += low <= LIMIT <= high
    assert held / 150 >= 0.90


def test_percentiles_of_the_estimate_would_not_cover() -> None:
    """Seijo and Sen 2011: the bootstrap's own percentiles fall short, which is why they are not used."""
    g, held = np.random.default_rng(5), 0
    for _ in range(150):
        x, y, _ = _sample("presence", 150, g)
        drawn = []
        for _ in range(60):
            rows = g.integers(0, 150, 150)
            drawn.append(change_point(x[rows], y[rows], draws=1).value)
        low, high = np.quantile(np.array(drawn, dtype=float), [0.025, 0.975])
        held += low <= LIMIT <= high
    assert held / 150 < 0.93


def test_the_test_keeps_its_level_and_the_band_its_zero_by_simulation() -> None:
    g, alarms, held = np.random.default_rng(7), 0, 0
    for seed in range(200):
        x, y, cluster = _sample("counts", 80, g, jump=0.0)
        p = change_point_test(x, y, cluster, draws=99, seed=seed)[0].p_value
        alarms += p is not None and p <= 0.05
        band = largest_jump(x, y, cluster, draws=150, seed=seed)
        held += band.low is not None and band.high is not None and band.low <= 0 <= band.high
    assert alarms / 200 <= 0.09 and held / 200 >= 0.91


def test_rows_of_one_customer_are_not_as_many_customers() -> None:
    """Each customer has its own amounts and its own number of approvals: rows alone would find a limit far too often."""
    g, alarms = np.random.default_rng(9), {"clusters": 0, "rows": 0}
    for seed in range(120):
        cluster = np.repeat(np.arange(20), 6)
        x = g.normal(size=20)[cluster] + 0.1 * g.normal(size=120)
        y = np.round(6 + 1.5 * g.normal(size=20)[cluster])
        for name, own in (("clusters", cluster), ("rows", None)):
            p = change_point_test(x, y, own, least=6, draws=99, seed=seed)[0].p_value
            alarms[name] += p is not None and p <= 0.05
    assert alarms["clusters"] / 120 <= 0.11 < 0.4 < alarms["rows"] / 120


def test_columns_are_tested_with_the_same_shuffles() -> None:
    x, y, cluster = _sample("counts", 60, np.random.default_rng(2))
    both = change_point_test(x, np.stack([y, np.ones(60)], axis=1), cluster, draws=99, seed=4)
    assert both[0] == change_point_test(x, y, cluster, draws=99, seed=4)[0]
    assert both[1].p_value is None


def test_a_gradual_rise_is_told_from_a_step_by_simulation() -> None:
    g = np.random.default_rng(11)
    steps, ramps = [], []
    for _ in range(40):
        x, y, _ = _sample("presence", 120, g)
        steps.append(step_weight(x, y))
        chance = np.clip((x + 0.8) / 1.6, 0.02, 0.98)  # each customer its own limit, anywhere
        ramps.append(step_weight(x, 6.0 + (g.random(120) < chance)))
    assert np.median(np.array(steps, float)) > 0.5 > np.median(np.array(ramps, float))
    assert np.mean(np.array(steps, float) > 0.5) > 0.8


@pytest.mark.parametrize(
    ("n", "share", "below", "above"), [(20, 0.5, 0.25, 0.75), (20, 0.25, 0.0, 0.5), (60, 0.1, 0.0, 0.5)]
)
def test_a_step_of_half_an_approval_is_not_excluded_where_it_is(
    n: int, share: float, below: float, above: float
) -> None:
    """What a verdict of "no limit" rests on: the band's upper end may fall below the true step in 5 % of samples at most."""
    g, excluded = np.random.default_rng(n), 0
    for seed in range(150):
        y = g.random(n) < np.where(np.arange(n) >= n - round(share * n), above, below)
        high = largest_jump(np.arange(n), y, draws=150, seed=seed).high
        excluded += high is not None and high < above - below
    assert excluded / 150 <= 0.09
