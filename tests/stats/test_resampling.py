import numpy as np
import pytest
from scipy import stats

from kaanalysis.stats import bootstrap, cluster_weights, permutation_test, poisson_weights, resampling

SELLERS = np.repeat(["a", "b", "c", "d"], [3, 1, 2, 4])


def mean_of(values):
    return lambda weights: weights @ values / weights.sum(axis=1)


def test_weights_keep_clusters_whole_and_their_number():
    weights = cluster_weights(SELLERS, 500, 1)
    assert weights.shape == (500, 10) and weights.dtype.kind == "i"
    first = [0, 3, 4, 6]
    assert (weights[:, first].sum(axis=1) == 4).all()
    for start, end in ((0, 3), (4, 6), (6, 10)):
        assert (weights[:, start:end] == weights[:, [start]]).all()
    # A cluster is drawn once on average, with variance 4 x 1/4 x 3/4.
    assert weights[:, first].mean(axis=0) == pytest.approx(np.ones(4), abs=0.12)
    assert weights[:, first].var(axis=0) == pytest.approx(np.full(4, 0.75), abs=0.2)


def test_weights_are_deterministic_and_strata_are_kept():
    assert (cluster_weights(SELLERS, 9, 3) == cluster_weights(list(SELLERS), 9, 3)).all()
    assert (cluster_weights(SELLERS, 9, 3) != cluster_weights(SELLERS, 9, 4)).any()
    weights = cluster_weights(SELLERS, 50, 3, strata=np.where(SELLERS == "d", "x", "y"))
    assert (weights[:, 6:] == 1).all() and (weights[:, [0, 3, 4]].sum(axis=1) == 3).all()
    with pytest.raises(ValueError, match="strata must be one per cluster"):
        cluster_weights(["a", "a"], 5, 1, strata=[1, 2])
    assert cluster_weights([], 5, 1).shape == (5, 0)


def test_percentile_by_enumeration():
    # Two clusters 0 and 1: the mean of two draws is 0, 1/2, 1 with chances 1/4, 1/2, 1/4. Expanded tails at level 0.1:
    # t(1) 0.1584 x sqrt(2) = 0.2240, normal tail 0.411: inside the middle; at 0.6: 1.3764 x sqrt(2), 0.026: outside.
    at = bootstrap(mean_of(np.array([0.0, 1.0])), ["a", "b"], draws=4000, seed=2, level=0.1)
    assert (at.value, at.low, at.high) == (0.5, 0.5, 0.5)
    at = bootstrap(mean_of(np.array([0.0, 1.0])), ["a", "b"], draws=4000, seed=2, level=0.6)
    assert (at.low, at.high) == (0, 1)


def test_chunks_and_forms_give_the_same_numbers(monkeypatch):
    values = np.random.default_rng(18).normal(size=10)
    strata = SELLERS == "d"
    whole = bootstrap(mean_of(values), SELLERS, draws=300, seed=5)
    rows = bootstrap(lambda index: values[index].mean(), SELLERS, draws=300, seed=5, form="indices")
    assert (rows.low, rows.high) == (pytest.approx(whole.low), pytest.approx(whole.high))
    layered = bootstrap(mean_of(values), SELLERS, draws=300, seed=5, strata=strata, interval="bca")
    monkeypatch.setattr(resampling, "CELLS_AT_ONCE", 70)
    again = bootstrap(mean_of(values), SELLERS, draws=300, seed=5)
    assert (again.low, again.high) == (pytest.approx(whole.low), pytest.approx(whole.high))
    again = bootstrap(mean_of(values), SELLERS, draws=300, seed=5, strata=strata, interval="bca")
    # Sums over other chunks may differ in the last place.
    assert (again.low, again.high) == (pytest.approx(layered.low), pytest.approx(layered.high))


def test_bca_against_scipy():
    values = np.random.default_rng(19).exponential(size=60)
    peer = stats.bootstrap((values,), np.mean, n_resamples=20_000, rng=np.random.default_rng(1), method="BCa")
    ours = bootstrap(mean_of(values), np.arange(60), draws=20_000, seed=1, interval="bca")
    assert ours.low == pytest.approx(peer.confidence_interval.low, abs=0.01)
    assert ours.high == pytest.approx(peer.confidence_interval.high, abs=0.015)


def test_clusters_widen_the_interval():
    rng = np.random.default_rng(20)
    cluster = np.repeat(np.arange(40), 10)
    values = rng.normal(size=40)[cluster] + rng.normal(size=400)
    whole = bootstrap(mean_of(values), cluster, seed=1)
    rows = bootstrap(mean_of(values), np.arange(400), seed=1)
    # Variance of the mean: 1/40 + 1/400 against 2/400, a ratio of 5.5.
    assert (whole.high - whole.low) / (rows.high - rows.low) == pytest.approx(5.5**0.5, rel=0.25)


def test_coverage_of_the_cluster_bootstrap():
    rng = np.random.default_rng(21)
    cluster, hits = np.repeat(np.arange(40), 5), 0
    for seed in range(300):
        values = rng.normal(size=40)[cluster] + rng.normal(size=200)
        at = bootstrap(mean_of(values), cluster, draws=400, seed=seed)
        hits += at.low <= 0 <= at.high
    assert 0.90 <= hits / 300 <= 0.98


def test_what_cannot_be_resampled_has_no_limits():
    assert bootstrap(mean_of(np.array([])), []).value is None
    one = bootstrap(mean_of(np.array([1.0, 2.0])), ["a", "a"])
    assert one.value == 1.5 and one.low is None
    same = bootstrap(mean_of(np.ones(3)), [1, 2, 3])
    assert same.value == 1 and same.low is None
    often_undefined = bootstrap(lambda w: np.where(w[:, 0] > 0, w[:, 0], np.nan), [1, 2, 3])
    assert often_undefined.value == 1 and often_undefined.high is None


def test_wrong_input_is_refused():
    for arguments, sentence in (
        ({"interval": "t"}, "interval must be"),
        ({"form": "x"}, "form must be"),
        ({"draws": 0}, "draws must be 1 or more"),
        ({"level": 1}, "level must be"),
    ):
        with pytest.raises(ValueError, match=sentence):
            bootstrap(mean_of(np.ones(2)), [1, 2], **arguments)
    with pytest.raises(ValueError, match="clusters must not be missing"):
        cluster_weights([1, None], 2, 0)


def difference(values, groups):
    return values[groups == "a"].mean() - values[groups == "b"].mean()


def test_permutation_test_by_enumeration():
    # Values 1 2 3 | 4 5 6: one of 20 ways is as low, one as high: p = 0.05 each side, 0.1 two-sided.
    groups = np.array(list("aaabbb"))
    less = permutation_test(difference, np.arange(6.0), groups, draws=4000, seed=1, alternative="less")
    assert less.statistic == -3 and less.p_value == pytest.approx(0.05, abs=0.012)
    assert permutation_test(difference, np.arange(6.0), groups, draws=4000, seed=1).p_value == 2 * less.p_value
    greater = permutation_test(difference, np.arange(6.0), groups, draws=50, alternative="greater")
    assert greater.p_value == 1


def test_permutation_of_whole_clusters_holds_its_level():
    rng = np.random.default_rng(22)
    cluster = np.repeat(np.arange(12), 8)
    groups = np.where(cluster % 2, "a", "b")
    alarms = {"clusters": 0, "rows": 0}
    for seed in range(200):
        values = rng.normal(size=12)[cluster] + rng.normal(size=96)
        alarms["clusters"] += (
            permutation_test(difference, values, groups, draws=99, seed=seed, clusters=cluster).p_value <= 0.05
        )
        alarms["rows"] += permutation_test(difference, values, groups, draws=99, seed=seed).p_value <= 0.05
    assert alarms["clusters"] / 200 <= 0.095
    assert alarms["rows"] / 200 > 0.2


def test_permutation_edges():
    assert permutation_test(difference, [], []).p_value is None
    assert permutation_test(difference, [1, 2], ["a", "a"]).statistic is None
    with pytest.raises(ValueError, match="clusters must lie in one group each"):
        permutation_test(difference, [1, 2], ["a", "b"], clusters=[1, 1])
    with pytest.raises(ValueError, match="alternative must be"):
        permutation_test(difference, [1, 2], ["a", "b"], alternative="both")


def test_poisson_weights_keep_clusters_whole_and_let_their_number_vary():
    weights = poisson_weights(["a", "b", "a", "c"], 20_000, seed=3)
    assert weights.shape == (20_000, 4) and (weights[:, 0] == weights[:, 2]).all()
    assert weights.mean(axis=0) == pytest.approx(np.ones(4), abs=0.03) and weights.var(axis=0) == pytest.approx(
        np.ones(4), abs=0.06
    )
    clusters = weights[:, [0, 1, 3]].sum(axis=1)
    assert clusters.std() == pytest.approx(np.sqrt(3), abs=0.05)
    assert (weights == poisson_weights(["a", "b", "a", "c"], 20_000, seed=3)).all()
    assert poisson_weights([], 3, seed=1).shape == (3, 0)
