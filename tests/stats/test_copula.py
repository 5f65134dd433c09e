"""Gaussian copula: marginals and correlation kept, nearest correlation against a published matrix, conditional scores in closed form."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from kaanalysis.stats.copula import (
    check_correlation,
    conditional_scores,
    dependent_scores,
    nearest_correlation,
    score_correlation,
    sobol_scores,
)

THREE = np.array([[1.0, 0.6, -0.3], [0.6, 1.0, 0.2], [-0.3, 0.2, 1.0]])


def random_correlation(d: int, seed: int) -> np.ndarray:
    return np.eye(1) if d == 1 else stats.random_correlation.rvs(_eigenvalues(d, seed), random_state=seed)


def _eigenvalues(d: int, seed: int) -> np.ndarray:
    made = np.random.default_rng(seed).uniform(0.1, 1, d)
    return made / made.sum() * d


def test_sobol_scores_are_normal_repeat_by_seed_and_take_any_number() -> None:
    z = sobol_scores(4096, 5, 1)
    assert z.shape == (4096, 5) and np.isfinite(z).all()
    # Scrambled Sobol points: a tenth lies below the tenth, give or take one.
    assert (z < stats.norm.ppf(0.1)).mean(axis=0) == pytest.approx(0.1, abs=0.0005)
    assert z.mean(axis=0) == pytest.approx(0, abs=1e-3) and z.std(axis=0) == pytest.approx(1, abs=2e-3)
    assert (sobol_scores(100, 5, 1) == z[:100]).all()
    assert (sobol_scores(64, 2, 1) == sobol_scores(64, 2, 1)).all() and (
        sobol_scores(64, 2, 1) != sobol_scores(64, 2, 2)
    ).any()
    assert sobol_scores(1, 3, 0).shape == (1, 3) and sobol_scores(7, 0, 0).shape == (7, 0)
    for draws, dimensions in ((0, 1), (1, -1)):
        with pytest.raises(ValueError, match="draws must be 1 or more"):
            sobol_scores(draws, dimensions, 0)


def test_dependent_scores_keep_each_marginal_and_have_the_correlation() -> None:
    z = dependent_scores(sobol_scores(1 << 14, 3, 2), THREE)
    assert np.corrcoef(z, rowvar=False) == pytest.approx(THREE, abs=0.01)
    for column in z.T:
        assert stats.kstest(column, "norm").statistic < 0.01
    # The rank correlation of a normal copula: 6 / pi arcsin(r / 2) (Kruskal 1958).
    assert stats.spearmanr(z[:, 0], z[:, 1]).statistic == pytest.approx(6 / np.pi * np.arcsin(0.3), abs=0.01)
    same = sobol_scores(16, 3, 2)
    assert (dependent_scores(same, np.eye(3)) == same).all()


def test_a_singular_correlation_is_drawn_too() -> None:
    twins = np.array([[1.0, 1.0], [1.0, 1.0]])
    z = dependent_scores(sobol_scores(1024, 2, 1), twins)
    assert z[:, 0] == pytest.approx(z[:, 1], abs=1e-6) and z[:, 0].std() == pytest.approx(1, abs=0.02)


def test_nearest_correlation_is_the_published_one_of_higham() -> None:
    # Higham 2002, section 4: for this matrix the nearest correlation matrix, to four places.
    got = nearest_correlation(np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 1.0], [0.0, 1.0, 1.0]]))
    published = [[1.0, 0.7607, 0.1573], [0.7607, 1.0, 0.7607], [0.1573, 0.7607, 1.0]]
    assert got == pytest.approx(np.array(published), abs=1e-4)


@settings(max_examples=50, deadline=None)
@given(d=st.integers(2, 7), seed=st.integers(0, 10_000))
def test_nearest_correlation_is_one_and_leaves_one_alone(d: int, seed: int) -> None:
    good = random_correlation(d, seed)
    assert nearest_correlation(good) == pytest.approx(good, abs=1e-7)
    rough = np.clip(good + np.random.default_rng(seed).normal(0, 0.6, (d, d)), -1, 1)
    rough = np.triu(rough, 1) + np.triu(rough, 1).T + np.eye(d)
    mended = check_correlation(nearest_correlation(rough), d)
    assert np.linalg.eigvalsh(mended)[0] > 0
    # No correlation matrix at hand is nearer.
    assert np.linalg.norm(mended - rough) <= np.linalg.norm(good - rough) + 1e-6


def test_score_correlation_recovers_a_normal_copula_whatever_the_marginals() -> None:
    z = dependent_scores(sobol_scores(4096, 3, 5), THREE)
    drawn = np.column_stack([np.exp(3 * z[:, 0]), z[:, 1] ** 3, 1 / (1 + np.exp(-z[:, 2]))])
    assert score_correlation(drawn) == pytest.approx(THREE, abs=0.02)


def test_score_correlation_of_what_does_not_vary_or_is_unknown() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=200)
    table = np.column_stack([x, np.full(200, 3.0), 2 * x, -x])
    table[:5, 0] = np.nan  # these rows say nothing
    expected = np.array([[1, 0, 1, -1], [0, 1, 0, 0], [1, 0, 1, -1], [-1, 0, -1, 1]], float)
    assert score_correlation(table) == pytest.approx(expected, abs=1e-9)
    assert score_correlation(table[:2]).tolist() == np.eye(4).tolist()
    with pytest.raises(ValueError, match="shape"):
        score_correlation(x)


def test_conditional_scores_of_two_by_the_textbook() -> None:
    # Given z1, z2 is normal with mean r z1 and variance 1 - r² (Anderson 2003).
    r = 0.8
    fresh = np.array([[0.0], [1.0], [-2.0]])
    got = conditional_scores([0], np.array([[1.5], [1.5], [-1.0]]), [[1, r], [r, 1]], fresh)
    assert got[:, 0].tolist() == [1.5, 1.5, -1.0]
    assert got[:, 1] == pytest.approx([1.2, 1.2 + 0.6, -0.8 - 1.2])


@settings(max_examples=40, deadline=None)
@given(d=st.integers(1, 6), seed=st.integers(0, 10_000), data=st.data())
def test_conditional_scores_have_the_closed_form_mean_and_covariance(d: int, seed: int, data: st.DataObject) -> None:
    matrix = random_correlation(d, seed)
    known = data.draw(st.lists(st.sampled_from(range(d)), unique=True, max_size=d))
    others = [i for i in range(d) if i not in known]
    z = np.random.default_rng(seed).normal(size=(1, len(known)))
    # With unit vectors as fresh numbers, the answers are the mean and the columns of a factor of the covariance.
    fresh = np.vstack([np.zeros(len(others)), np.eye(len(others))])
    got = conditional_scores(known, np.repeat(z, len(fresh), axis=0), matrix, fresh)
    assert (got[:, known] == z).all()
    weights = matrix[np.ix_(others, known)] @ np.linalg.inv(matrix[np.ix_(known, known)])
    assert got[0, others] == pytest.approx(weights @ z[0], abs=1e-8)
    factor = (got[1:] - got[0])[:, others]
    left = matrix[np.ix_(others, others)] - weights @ matrix[np.ix_(known, others)]
    assert factor.T @ factor == pytest.approx(left, abs=1e-8)


def test_fresh_scores_given_drawn_ones_make_draws_of_the_whole() -> None:
    whole = dependent_scores(sobol_scores(1 << 13, 3, 1), THREE)
    again = conditional_scores([2, 0], whole[:, [2, 0]], THREE, np.random.default_rng(9).normal(size=(1 << 13, 1)))
    assert np.corrcoef(again, rowvar=False) == pytest.approx(THREE, abs=0.03)
    assert stats.kstest(again[:, 1], "norm").statistic < 0.02


def test_what_the_known_settle_follows_them_exactly() -> None:
    got = conditional_scores([0], [[0.7]], np.ones((2, 2)), [[5.0]])
    assert got[0].tolist() == pytest.approx([0.7, 0.7], abs=1e-6)
    all_known = conditional_scores([1, 0], [[3.0, 4.0]], np.eye(2), np.zeros((1, 0)))
    assert all_known.tolist() == [[4.0, 3.0]]


@pytest.mark.parametrize(("matrix", "said"), [
    ([[1.0, 0.2]], "square"), ([[1.0, 0.2], [0.3, 1.0]], "symmetric"), ([[2.0, 0.0], [0.0, 1.0]], "ones on its diagonal"),
    ([[1.0, np.nan], [np.nan, 1.0]], "finite"), ([[1.0, 1.5], [1.5, 1.0]], "no negative eigenvalue"),
])  # fmt: skip
def test_a_matrix_that_is_no_correlation_is_refused(matrix: list, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        check_correlation(matrix)


def test_shapes_and_indices_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="3 rows"):
        check_correlation(np.eye(2), 3)
    for known in ([0, 0], [3], [-1]):
        with pytest.raises(ValueError, match="known_index must name different columns"):
            conditional_scores(known, np.zeros((1, len(known))), np.eye(3), np.zeros((1, 3 - len(known))))
    with pytest.raises(ValueError, match="known_z and fresh_z"):
        conditional_scores([0], np.zeros((2, 1)), np.eye(3), np.zeros((2, 1)))
    with pytest.raises(ValueError, match="square and finite"):
        nearest_correlation([[np.inf]])
