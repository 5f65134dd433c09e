"""Gaussian copula: uncertain quantities that hang together, by the correlation of their normal scores, whatever their marginals.

A quantity X with distribution F has the normal score Z = Φ⁻¹(F(X)); the scores are jointly normal with a correlation matrix. Values at
given scores are F⁻¹(Φ(Z)), so marginals are kept whatever the correlation. Sources: Nelsen 2006, An Introduction to Copulas, section 2;
Cario and Nelson 1997 (NORTA); Iman and Conover 1982.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import special, stats

from kaanalysis.stats.inputs import FloatArray

_EDGE = 1e-12  # a score beyond ±7 says nothing that the ledger could use, and would be infinite at 0 and 1
_LEAST = 1e-8  # smallest eigenvalue kept: below it a factor of the matrix is noise


def check_correlation(correlation: Any, dimensions: int | None = None) -> FloatArray:
    """The matrix itself, (d, d). ValueError unless it is finite, symmetric, with ones on the diagonal and no negative eigenvalue."""
    matrix = np.asarray(correlation, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"correlation must be square; not {matrix.shape}")
    if dimensions is not None and len(matrix) != dimensions:
        raise ValueError(f"correlation must have {dimensions} rows like the inputs; not {len(matrix)}")
    if not np.isfinite(matrix).all():
        raise ValueError("correlation must be finite")
    if not np.allclose(matrix, matrix.T, atol=1e-9) or not np.allclose(np.diag(matrix), 1.0, atol=1e-9):
        raise ValueError("correlation must be symmetric with ones on its diagonal")
    if len(matrix) and np.linalg.eigvalsh(matrix)[0] < -1e-9:
        raise ValueError("correlation must have no negative eigenvalue; nearest_correlation mends it")
    return matrix


def nearest_correlation(matrix: Any, steps: int = 200) -> FloatArray:
    """The correlation matrix nearest to a symmetric matrix in the Frobenius norm, positive definite: alternating projections with Dykstra's
    correction (Higham 2002, IMA Journal of Numerical Analysis 22, 329–343). A correlation matrix comes back as it is.

    Estimates pair by pair, or blocks put together, need not fit together; this is the smallest change that makes them."""
    wanted = np.asarray(matrix, dtype=np.float64)
    if wanted.ndim != 2 or wanted.shape[0] != wanted.shape[1] or not np.isfinite(wanted).all():
        raise ValueError(f"matrix must be square and finite; not of shape {wanted.shape}")
    made = (wanted + wanted.T) / 2
    if not len(made) or (np.allclose(np.diag(made), 1.0, atol=1e-12) and np.linalg.eigvalsh(made)[0] >= _LEAST):
        return made
    correction = np.zeros_like(made)
    for _ in range(steps):
        shifted = made - correction
        values, vectors = np.linalg.eigh(shifted)
        projected = (vectors * np.maximum(values, _LEAST)) @ vectors.T
        correction = projected - shifted
        before, made = made, projected.copy()
        np.fill_diagonal(made, 1.0)
        if np.abs(made - before).max() < 1e-10:
            break
    # A last step onto the cone, brought back to ones on the diagonal by scaling, leaves no eigenvalue at zero.
    values, vectors = np.linalg.eigh(made)
    made = (vectors * np.maximum(values, _LEAST)) @ vectors.T
    scale = 1 / np.sqrt(np.diag(made))
    made = made * scale[:, None] * scale[None, :]
    np.fill_diagonal(made, 1.0)
    return np.asarray((made + made.T) / 2)


def score_correlation(draws: Any) -> FloatArray:
    """Correlation of the normal scores of jointly drawn quantities, (d, d): of Φ⁻¹((rank − 1/2) / n) by column.

    draws: (n, d), rows are joint draws (bootstrap resamples); rows with a value that is not finite are left out. A column that does not
    vary is taken as independent of all others. −1 … 1: 1 where two quantities rise and fall in the same order. Fewer than three
    rows: independent. Source: van der Waerden 1952; Klaassen and Wellner 1997, Bernoulli 3, 55–77 (normal copula)."""
    table = np.asarray(draws, dtype=np.float64)
    if table.ndim != 2:
        raise ValueError(f"draws must have the shape (n, d); not {table.shape}")
    table = table[np.isfinite(table).all(axis=1)]
    made = np.eye(table.shape[1])
    varied = np.flatnonzero(np.ptp(table, axis=0) > 0) if len(table) > 2 else np.array([], dtype=np.int64)
    if len(varied) > 1:
        scores = special.ndtri((stats.rankdata(table[:, varied], axis=0) - 0.5) / len(table))
        made[np.ix_(varied, varied)] = np.corrcoef(scores, rowvar=False)
    np.fill_diagonal(made, 1.0)
    return made


def sobol_scores(draws: int, dimensions: int, seed: int) -> FloatArray:
    """Independent standard normal scores, (draws, dimensions), from one scrambled Sobol sequence (Owen 1998; scipy.stats.qmc).

    draws a power of two keeps the sequence's balance; of another number the next power is drawn and cut."""
    if draws < 1 or dimensions < 0:
        raise ValueError(f"draws must be 1 or more and dimensions 0 or more; not {draws} and {dimensions}")
    if not dimensions:
        return np.zeros((draws, 0))
    sequence = stats.qmc.Sobol(d=dimensions, scramble=True, rng=np.random.default_rng(seed))
    points = sequence.random_base2(max(0, int(draws - 1).bit_length()))[:draws]
    return np.asarray(special.ndtri(np.clip(points, _EDGE, 1 - _EDGE)))


def dependent_scores(independent: Any, correlation: Any) -> FloatArray:
    """Scores with the given correlation out of independent ones, (n, d): each row times the Cholesky factor's transpose."""
    z = np.asarray(independent, dtype=np.float64)
    matrix = check_correlation(correlation, z.shape[1])
    if np.array_equal(matrix, np.eye(len(matrix))):
        return z
    return np.asarray(z @ _factor(matrix).T)


def conditional_scores(known_index: Sequence[int] | Any, known_z: Any, correlation: Any, fresh_z: Any) -> FloatArray:
    """All normal scores given some of them, (n, d): those at ``known_index`` are ``known_z``, the others are drawn from their normal
    distribution given these, in closed form.

    known_index: (k,) columns, 0 ≤ k ≤ d; known_z: (n, k) dependent scores; correlation: (d, d); fresh_z: (n, d − k) independent standard
    normal numbers for the others, in ascending order of their columns: of dimensions of their own in the same Sobol sequence, or of a
    pseudo-random generator (two Sobol sequences, row by row, are not independent). With R split into known (K) and other (O) rows: mean
    R_OK R_KK⁻¹ z_K, covariance R_OO − R_OK R_KK⁻¹ R_KO. Nothing known: plain dependent scores. Scores that the known ones settle fully
    (correlation ±1) follow them exactly.
    ValueError for indices that repeat or lie outside, or shapes that do not fit. Source: Anderson 2003, Multivariate Statistical
    Analysis, section 2.5."""
    matrix = check_correlation(correlation)
    d = len(matrix)
    known = np.asarray(known_index, dtype=np.int64).reshape(-1)
    if len(set(known.tolist())) != len(known) or ((known < 0) | (known >= d)).any():
        raise ValueError(f"known_index must name different columns 0 … {d - 1}; not {known.tolist()}")
    given, fresh = np.asarray(known_z, dtype=np.float64), np.asarray(fresh_z, dtype=np.float64)
    others = np.setdiff1d(np.arange(d), known)
    if given.ndim != 2 or given.shape[1] != len(known) or fresh.shape != (len(given), len(others)):
        raise ValueError(
            f"known_z and fresh_z must have the shapes (n, {len(known)}) and (n, {len(others)}); not {given.shape} and {fresh.shape}"
        )
    made = np.empty((len(given), d))
    made[:, known] = given
    if len(others):
        across = matrix[np.ix_(others, known)]
        weights = (
            np.linalg.lstsq(matrix[np.ix_(known, known)], across.T, rcond=1e-10)[0]
            if len(known)
            else np.zeros((0, len(others)))
        )
        left = matrix[np.ix_(others, others)] - across @ weights
        made[:, others] = given @ weights + fresh @ _factor(left).T
    return made


def _factor(covariance: FloatArray) -> FloatArray:
    """A factor F with F Fᵀ = covariance: Cholesky's, or where that fails (a singular matrix) the one of its eigenvectors."""
    try:
        return np.asarray(np.linalg.cholesky(covariance))
    except np.linalg.LinAlgError:
        values, vectors = np.linalg.eigh((covariance + covariance.T) / 2)
        return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)))
