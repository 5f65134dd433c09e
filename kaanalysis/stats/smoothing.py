"""Conditional means by least squares on splines of normal scores: what is expected of an outcome where one input, or several, are known."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
from scipy import stats

from kaanalysis.stats.inputs import FloatArray

SINGLE_KNOTS, GROUP_KNOTS = 7, 5
ROWS_PER_COLUMN = 20
_REACH = 2.5  # outer knots: one draw in eighty lies beyond them, where the fit is straight


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


def spline_basis(scores: FloatArray) -> FloatArray:
    """Columns for the conditional mean given all columns of `scores`, shape (n, 1 + …), the constant first.

    One input: a natural spline with 7 knots. Several: a spline with 5 knots each and the products of every two scores; the products are
    left out where that would leave fewer than 20 rows for a column, and of inputs too many even for that only the lines stay.
    """
    n, width = scores.shape
    constant = np.ones((n, 1))
    if width == 1:
        return np.hstack([constant, natural_spline(scores[:, 0])])
    parts = [constant, *(natural_spline(scores[:, j], GROUP_KNOTS) for j in range(width))]
    pairs = list(combinations(range(width), 2))
    columns = 1 + width * (GROUP_KNOTS - 1)
    if columns * ROWS_PER_COLUMN > n:
        return np.hstack([constant, scores])
    if (columns + len(pairs)) * ROWS_PER_COLUMN <= n:
        parts.append(np.column_stack([scores[:, a] * scores[:, b] for a, b in pairs]))
    return np.hstack(parts)


def fit_means(basis: FloatArray, outcome: FloatArray) -> FloatArray:
    """Least-squares coefficients, shape (columns, outcomes); the shortest of them where columns hang together."""
    return np.asarray(np.linalg.lstsq(basis, outcome, rcond=None)[0], dtype=np.float64)


def cross_fitted_means(basis: FloatArray, outcome: FloatArray, folds: int = 10, seed: int = 0) -> FloatArray:
    """Fitted means of the rows of each fold by the coefficients of the other folds, shape of `outcome`: no row has a part in its own.

    Rows are dealt to the folds at random: the order of Sobol points is not without meaning. Source: Stone 1974.
    """
    n = len(basis)
    folds = max(2, min(folds, n))
    # Orthonormal columns make the normal equations as safe as the least squares themselves.
    left, size, _ = np.linalg.svd(basis, full_matrices=False)
    q = left[:, size > size[0] * 1e-10]
    fold = np.empty(n, dtype=np.int64)
    fold[np.random.default_rng(seed).permutation(n)] = np.arange(n) % folds
    whole = q.T @ outcome
    out = np.empty_like(outcome)
    for k in range(folds):
        rows = q[fold == k]
        gram = np.eye(q.shape[1]) - rows.T @ rows
        slope = np.linalg.lstsq(gram, whole - rows.T @ outcome[fold == k], rcond=None)[0]
        out[fold == k] = rows @ slope
    return out
