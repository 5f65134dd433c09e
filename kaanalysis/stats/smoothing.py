"""Conditional means by least squares on splines of normal scores: what is expected of an outcome where one input, or several, are known."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
from scipy import stats

from kaanalysis.stats.inputs import FloatArray

SINGLE_KNOTS, GROUP_KNOTS = 7, 4
ROWS_PER_COLUMN = 40
_REACH = 2.5  # outer knots: one draw in eighty lies beyond them, where the fit is straight
_RANK = 1e-12  # of the largest eigenvalue: below it a direction is rounding
_ROWS = 256
FOLDS = 5


def normal_scores(values: Any) -> FloatArray:
    """Standard normal quantiles of the mid-ranks, column by column; shape (n, k) as given, or (n, 1) for one column.

    A monotone transform of an input carries the same information, and the scores have no outliers. Ties share their score.
    Source: van der Waerden 1952; Conover 1999, section 5.10.
    """
    array = np.asarray(values, dtype=np.float64)
    array = array[:, None] if array.ndim == 1 else array
    if array.ndim != 2 or not np.isfinite(array).all():
        raise ValueError(f"inputs must be finite numbers of the shape (draws,) or (draws, inputs); not {array.shape}")
    return np.asarray(stats.norm.ppf((stats.rankdata(array, axis=0) - 0.5) / max(len(array), 1)), dtype=np.float64)


def natural_spline(scores: FloatArray, knots: int = SINGLE_KNOTS) -> FloatArray:
    """Natural cubic spline basis without its constant, shape (n, knots − 1): cubic between knots, a straight line beyond the outer ones.

    scores: (n,) standard normal scores; the knots lie evenly from −2.5 to 2.5, the same for every sample, so that a fit can be read
    at other scores. Source: Hastie, Tibshirani and Friedman 2009, section 5.2.1.
    """
    places = np.linspace(-_REACH, _REACH, knots)

    def cubic(j: int) -> FloatArray:
        bent = np.maximum(scores - places[j], 0.0) ** 3 - np.maximum(scores - places[-1], 0.0) ** 3
        return np.asarray(bent / (places[-1] - places[j]), dtype=np.float64)

    last = cubic(knots - 2)
    return np.column_stack([scores, *(cubic(j) - last for j in range(knots - 2))])


def candidate_bases(scores: FloatArray) -> list[FloatArray]:
    """Columns for the conditional mean given all columns of `scores`, each (n, 1 + …) with the constant first, plainest first.

    One input: a natural spline with 7 knots. Several: straight lines; a spline with 4 knots each; and, where that leaves 40 rows or more
    for each column, the products of every two scores besides. Which is best depends on how many inputs and draws there are.
    """
    n, width = scores.shape
    constant = np.ones((n, 1))
    if width == 1:
        return [np.hstack([constant, natural_spline(scores[:, 0])])]
    made = [np.hstack([constant, scores])]
    pairs = list(combinations(range(width), 2))
    columns = 1 + width * (GROUP_KNOTS - 1)
    if columns * ROWS_PER_COLUMN <= n:
        made.append(np.hstack([constant, *(natural_spline(scores[:, j], GROUP_KNOTS) for j in range(width))]))
        if (columns + len(pairs)) * ROWS_PER_COLUMN <= n:
            made.append(np.hstack([made[-1], *(scores[:, [a]] * scores[:, [b]] for a, b in pairs)]))
    return made


def best_cross_fit(scores: FloatArray, outcome: FloatArray, folds: int = FOLDS, seed: int = 0) -> FloatArray:
    """Cross-fitted means by the candidate with the smallest squared error in the rows left out, shape of `outcome`."""
    fits = [cross_fitted_means(basis, outcome, folds, seed) for basis in candidate_bases(scores)]
    return min(fits, key=lambda fitted: float(((outcome - fitted) ** 2).sum()))


def _product(a: FloatArray, b: FloatArray) -> FloatArray:
    """aᵀ b, some rows at a time: pieces too small for the linear algebra library to wake other threads for, which on a busy machine
    wait for each other longer than the sum takes."""
    return np.asarray(sum(a[i : i + _ROWS].T @ b[i : i + _ROWS] for i in range(0, len(a), _ROWS)), dtype=np.float64)


def _orthonormal(basis: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Orthonormal columns that span those of `basis`, and the matrix that makes them of it; columns that hang together lose the rest."""
    gram = _product(basis, basis)
    scale = np.sqrt(np.where(np.diag(gram) > 0, np.diag(gram), 1.0))
    values, vectors = np.linalg.eigh(gram / np.outer(scale, scale))
    kept = values > values[-1] * _RANK
    turn = vectors[:, kept] / np.sqrt(values[kept]) / scale[:, None]
    return np.vstack([basis[i : i + _ROWS] @ turn for i in range(0, len(basis), _ROWS)]), turn


def fit_means(basis: FloatArray, outcome: FloatArray) -> FloatArray:
    """Least-squares coefficients, shape (columns, outcomes); of columns that hang together, some that fit as well."""
    q, turn = _orthonormal(basis)
    return np.asarray(turn @ _product(q, outcome), dtype=np.float64)


def cross_fitted_means(basis: FloatArray, outcome: FloatArray, folds: int = FOLDS, seed: int = 0) -> FloatArray:
    """Fitted means of the rows of each fold by the coefficients of the other folds, shape of `outcome`: no row has a part in its own.

    Rows are dealt to the folds at random: the order of Sobol points is not without meaning. Source: Stone 1974.
    """
    n = len(basis)
    q, _ = _orthonormal(basis)
    whole = _product(q, outcome)
    out = np.empty_like(outcome)
    for rows in np.array_split(np.random.default_rng(seed).permutation(n), max(2, min(folds, n))):
        some = q[rows]
        gram = np.eye(q.shape[1]) - some.T @ some
        out[rows] = some @ np.linalg.lstsq(gram, whole - some.T @ outcome[rows], rcond=None)[0]
    return out
