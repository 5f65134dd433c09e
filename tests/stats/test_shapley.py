"""Shapley effects: closed forms of Owen and Prieur and of Iooss and Prieur, their axioms, and the place between first and total order."""

from itertools import combinations
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kaanalysis.stats import shapley_effects, variance_shares


def values(found, output: int = 0) -> list[float]:
    return [e.value for e in found[output]]


def linear_truth(beta: np.ndarray, sigma: np.ndarray, groups: list[list[int]]) -> np.ndarray:
    """Shapley values of u -> Var E[beta x | x_u] = beta S_.u S_uu^-1 S_u. beta, over all sets of groups."""

    def worth(chosen) -> float:
        u = [i for g in chosen for i in groups[g]]
        if not u:
            return 0.0
        c = sigma[u] @ beta
        return float(c @ np.linalg.solve(sigma[np.ix_(u, u)], c))

    k = len(groups)
    out = np.zeros(k)
    for g in range(k):
        rest = [h for h in range(k) if h != g]
        for size in range(k):
            for u in combinations(rest, size):
                out[g] += (worth((*u, g)) - worth(u)) / (k * comb(k - 1, size))
    return out / worth(range(k))


@pytest.mark.parametrize("rho", [-0.6, 0.0, 0.5, 0.95])
def test_two_dependent_normals_owen_and_prieur(rho: float):
    # Owen and Prieur 2017, section 3: b1^2 (1 - rho^2 / 2) + b2^2 rho^2 / 2 + b1 b2 rho, over the variance.
    b1, b2 = 1.0, 2.0
    shared = b1 * b2 * rho
    truth = np.array(
        [b1**2 * (1 - rho**2 / 2) + b2**2 * rho**2 / 2 + shared, b2**2 * (1 - rho**2 / 2) + b1**2 * rho**2 / 2 + shared]
    )
    found = shapley_effects(lambda z: z @ [b1, b2], [[1, rho], [rho, 1]], permutations=4096, seed=1)
    assert values(found) == pytest.approx(truth / truth.sum(), abs=0.02)
    assert all(e.low <= t <= e.high for e, t in zip(found[0], truth / truth.sum(), strict=True))


def test_linear_gaussian_model_of_five_inputs_iooss_and_prieur():
    rng = np.random.default_rng(2)
    factor = rng.normal(size=(5, 7))
    sigma = factor @ factor.T
    sigma /= np.sqrt(np.outer(np.diag(sigma), np.diag(sigma)))
    beta = np.array([1.0, -0.5, 0.0, 2.0, 0.7])
    single = shapley_effects(lambda z: z @ beta, sigma, permutations=4096, seed=3)
    assert values(single) == pytest.approx(linear_truth(beta, sigma, [[0], [1], [2], [3], [4]]), abs=0.025)
    groups = [[0, 3], [1], [2, 4]]
    grouped = shapley_effects(lambda z: z @ beta, sigma, groups, permutations=4096, seed=3)
    assert values(grouped) == pytest.approx(linear_truth(beta, sigma, groups), abs=0.025)


def bent(z: np.ndarray) -> np.ndarray:
    return z[:, 0] + z[:, 1] * z[:, 2] + 0.5 * np.maximum(z[:, 3], 0)


def test_independent_inputs_lie_between_first_and_total_order():
    found = shapley_effects(bent, np.eye(4), permutations=4096, seed=4)
    shares = variance_shares(bent, np.eye(4), base=4096, seed=5)
    for effect, first, total in zip(found[0], shares.first[0], shares.total[0], strict=True):
        assert first.value - 0.02 <= effect.value <= total.value + 0.02
    # z2 z3 is wholly an interaction: neither says anything alone, each gets half.
    variance = 1 + 1 + 0.25 * (0.5 - 1 / (2 * np.pi))
    assert values(found)[1:3] == pytest.approx([0.5 / variance] * 2, abs=0.03)


@given(st.integers(0, 10**6), st.floats(-0.9, 0.9))
@settings(max_examples=15, deadline=None)
def test_effects_sum_to_one_and_a_twin_gets_the_same(seed: int, rho: float):
    sigma = np.array([[1, rho, 0], [rho, 1, 0], [0, 0, 1]])
    found = shapley_effects(lambda z: np.exp((z[:, 0] + z[:, 1]) / 3) + z[:, 2], sigma, permutations=1024, seed=seed)
    assert sum(values(found)) == pytest.approx(1, abs=1e-9)
    assert abs(found[0][0].value - found[0][1].value) <= (found[0][0].high - found[0][0].low) * 2


def test_two_inputs_that_nearly_always_move_together_share_alike():
    sigma = [[1, 0.999], [0.999, 1]]
    # Only the first enters the model; the second tells as much.
    assert values(shapley_effects(lambda z: z[:, 0], sigma, permutations=4096, seed=6)) == pytest.approx(
        [0.5, 0.5], abs=0.02
    )


def test_interval_covers_in_repeats():
    truth = linear_truth(np.array([1.0, 2.0]), np.array([[1, 0.5], [0.5, 1]]), [[0], [1]])
    sigma, hits = [[1, 0.5], [0.5, 1]], 0
    for seed in range(60):
        e = shapley_effects(lambda z: z @ [1.0, 2.0], sigma, permutations=128, seed=seed)[0][0]
        hits += e.low <= truth[0] <= e.high
    assert hits >= 53


def test_several_outputs_edges_and_wrong_input():
    found = shapley_effects(lambda z: np.column_stack([z[:, 0], np.zeros(len(z))]), np.eye(2), permutations=256)
    assert values(found) == pytest.approx([1, 0], abs=1e-9) and values(found, 1) == [0, 0]
    for groups in ([[0]], [[0], [0, 1]], []):
        with pytest.raises(ValueError, match="groups must hold each of the 2 columns exactly once"):
            shapley_effects(bent, np.eye(2), groups)
