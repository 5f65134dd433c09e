"""First and total order: the published test function, closed forms for dependent normals, and scipy's own bootstrap."""

from typing import Any

import numpy as np
import pytest
from scipy import stats

from kaanalysis.stats import variance_shares


def ishigami(z: np.ndarray) -> np.ndarray:
    x = np.pi * (2 * stats.norm.cdf(z) - 1)
    return np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])


# Ishigami and Homma 1990 with a = 7, b = 0.1; values as in Saltelli et al. 2008, table 4.3 ff.
FIRST, TOTAL = [0.3139, 0.4424, 0.0], [0.5576, 0.4424, 0.2437]


def test_ishigami_published_indices():
    found = variance_shares(ishigami, np.eye(3), base=4096, seed=1)
    assert [e.value for e in found.first[0]] == pytest.approx(FIRST, abs=0.02)
    assert [e.value for e in found.total[0]] == pytest.approx(TOTAL, abs=0.02)
    for estimates, truth in ((found.first[0], FIRST), (found.total[0], TOTAL)):
        assert all(e.low <= t <= e.high for e, t in zip(estimates, truth, strict=True))
    assert found.evaluations == 4096 * 5


def test_independent_inputs_equal_scipy_and_its_bootstrap():
    def by_scipy(n: int) -> Any:
        uniform = [stats.uniform()] * 3
        return stats.sobol_indices(
            func=lambda u: ishigami(stats.norm.ppf(u.T)), n=n, dists=uniform, rng=np.random.default_rng(2)
        )

    ours = variance_shares(ishigami, np.eye(3), base=4096, seed=2)
    assert [e.value for e in ours.total[0]] == pytest.approx(by_scipy(4096).total_order, abs=0.03)
    theirs = by_scipy(1024).bootstrap(n_resamples=199).total_order.confidence_interval
    width = [e.high - e.low for e in variance_shares(ishigami, np.eye(3), base=1024, seed=2).total[0]]
    assert width == pytest.approx(theirs.high - theirs.low, rel=0.4)


RHO = np.array([[1, 0.0, 0.0], [0.0, 1, 0.8], [0.0, 0.8, 1]])


def test_closed_form_of_dependent_normals_kucherenko_tarantola_and_annoni():
    # y = x1 + x2 + 2 x3 with correlation 0.8 of x2 and x3: a first order is Cov(x, y)^2 / Var y, a total order b^2 (1 - 0.8^2) / Var y.
    beta = np.array([1.0, 1.0, 2.0])
    variance = beta @ RHO @ beta
    found = variance_shares(lambda z: z @ beta, RHO, base=4096, seed=3)
    assert [e.value for e in found.first[0]] == pytest.approx((RHO @ beta) ** 2 / variance, abs=0.01)
    assert [e.value for e in found.total[0]] == pytest.approx(beta**2 * [1, 0.36, 0.36] / variance, abs=0.01)
    assert found.first[0][1].value > found.total[0][1].value  # what x2 says, it says mostly through x3
    assert found.evaluations == 4096 * (2 + 3 + 2)


def test_several_outputs_at_once_are_those_of_each_alone():
    two = variance_shares(lambda z: np.column_stack([ishigami(z), z[:, 0]]), np.eye(3), base=256, seed=4)
    one = variance_shares(ishigami, np.eye(3), base=256, seed=4)
    assert [e.value for e in two.first[0]] == pytest.approx([e.value for e in one.first[0]])
    assert [e.value for e in two.total[1]] == pytest.approx([1, 0, 0], abs=0.02)


def test_interval_covers_in_independent_repeats():
    hits = 0
    for seed in range(40):
        e = variance_shares(ishigami, np.eye(3), base=256, seed=seed).total[0][0]
        hits += e.low <= TOTAL[0] <= e.high
    assert hits >= 36


def test_edges_and_wrong_input():
    still = variance_shares(lambda z: np.zeros(len(z)), np.eye(2), base=64)
    assert [e.value for e in still.first[0] + still.total[0]] == [0] * 4
    one = variance_shares(lambda z: z[:, 0] ** 3, np.eye(1), base=2048)
    assert one.first[0][0].value == pytest.approx(1, abs=0.05) and one.total[0][0].value == pytest.approx(1, abs=0.05)
    for bad, message in (([[1, 0.5], [0.4, 1]], "symmetric"), ([[1, 1], [1, 1]], "positive definite")):
        with pytest.raises(ValueError, match=message):
            variance_shares(ishigami, bad, base=64)
    with pytest.raises(ValueError, match="base must be a power of two"):
        variance_shares(ishigami, np.eye(3), base=100)
    with pytest.raises(ValueError, match="outputs must be finite"):
        variance_shares(lambda z: np.full(len(z), np.nan), np.eye(3), base=64)


def test_groups_of_dependent_normals_in_closed_form():
    # Independent groups (x1) and (x2, x3): shares of the variance are theirs alone, first and total order alike.
    beta = np.array([1.0, 1.0, 2.0])
    share = 1 / (beta @ RHO @ beta)
    found = variance_shares(lambda z: z @ beta, RHO, [[0], [1, 2]], base=4096, seed=5)
    for estimates in (found.first[0], found.total[0]):
        assert [e.value for e in estimates] == pytest.approx([share, 1 - share], abs=0.01)
    # Groups that cut through the dependence, (x1, x2) and (x3): x3 explains Cov(x3, y)^2; without it 4 (1 - 0.64) stays.
    cut = variance_shares(lambda z: z @ beta, RHO, [[0, 1], [2]], base=4096, seed=6)
    assert cut.first[0][1].value == pytest.approx(2.8**2 * share, abs=0.01)
    assert cut.total[0][1].value == pytest.approx(4 * 0.36 * share, abs=0.01)
    # Of two groups, what one explains and what the other leaves are the whole.
    assert cut.first[0][0].value + cut.total[0][1].value == pytest.approx(1, abs=0.02)
    with pytest.raises(ValueError, match="groups must hold each of the 3 columns exactly once"):
        variance_shares(ishigami, np.eye(3), [[0, 1]])
