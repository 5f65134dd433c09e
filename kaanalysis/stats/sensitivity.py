"""Which inputs make an output uncertain: shares of its variance, first and total order, for inputs that may depend on each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from kaanalysis.stats.copula import check_correlation
from kaanalysis.stats.estimate import Estimate
from kaanalysis.stats.inputs import FloatArray, check_level, normal_quantile

Model = Callable[[FloatArray], FloatArray]
_CHUNK = 16_384


@dataclass(frozen=True)
class VarianceShares:
    """first[s][i], total[s][i]: for output s and input (or group) i, estimates of shares of the output's variance. evaluations: rows
    that the model was asked for."""

    first: tuple[tuple[Estimate, ...], ...]
    total: tuple[tuple[Estimate, ...], ...]
    evaluations: int


def checked_correlation(correlation: npt.ArrayLike) -> FloatArray:
    """A correlation matrix of which no input determines another. Raises ValueError where it is none."""
    matrix = check_correlation(correlation)
    if not len(matrix) or np.linalg.eigvalsh(matrix)[0] < 1e-10:
        raise ValueError("correlation must be positive definite; not with inputs that determine each other")
    return matrix


def evaluated(model: Model, scores: FloatArray) -> FloatArray:
    """The model's outputs, shape (n, outputs), asked for in pieces so that memory stays small."""
    parts = [np.asarray(model(scores[i : i + _CHUNK]), dtype=np.float64) for i in range(0, len(scores), _CHUNK)]
    out = np.vstack([part[:, None] if part.ndim == 1 else part for part in parts])
    if not np.isfinite(out).all():
        raise ValueError("the model's outputs must be finite")
    return out


def base_points(inputs: int, base: int, seed: int) -> tuple[FloatArray, FloatArray]:
    """Two independent samples of standard normal scores, shape (base, inputs) each, halves of one scrambled Sobol sequence."""
    if base < 2 or base & (base - 1):
        raise ValueError(f"base must be a power of two, 2 or more; not {base}")
    points = stats.qmc.Sobol(2 * inputs, scramble=True, rng=np.random.default_rng(seed)).random(base)
    scores = stats.norm.ppf(np.clip(points, 1e-12, 1 - 1e-12))
    return scores[:, :inputs], scores[:, inputs:]


def checked_groups(groups: Sequence[Sequence[int]] | None, inputs: int) -> list[npt.NDArray[np.int64]]:
    """Columns that count as one (None: each on its own). Raises ValueError unless every column is in exactly one group."""
    parts = (
        [np.array([i]) for i in range(inputs)] if groups is None else [np.asarray(g, dtype=np.int64) for g in groups]
    )
    if not parts or sorted(np.concatenate(parts).tolist()) != list(range(inputs)):
        raise ValueError(f"groups must hold each of the {inputs} columns exactly once")
    return parts


def variance_shares(
    model: Model,
    correlation: npt.ArrayLike,
    groups: Sequence[Sequence[int]] | None = None,
    base: int = 1024,
    seed: int = 0,
    level: float = 0.95,
) -> VarianceShares:
    """First-order and total-order indices of every output and group of inputs.

    ``model``: from standard normal scores, shape (n, inputs), to outputs, shape (n,) or (n, outputs); ``correlation``: of the scores (a
    Gaussian copula), shape (inputs, inputs); ``groups``: columns that count as one, every column in one of them (default: each on its
    own); ``base``: a power of two; the model is asked for base × (groups + 2) rows, and base more for every group that depends on another.

    First order: the share of the variance that knowing the input removes on average, Var E[y | x_i] / Var y. Total order: the share that
    stays while all others are known, E Var[y | all but x_i] / Var y. Both 0: the output does not move with the input. Independent inputs:
    first ≤ total, and they differ by what the input does together with others (Sobol 1993; Saltelli et al. 2010, by
    :func:`scipy.stats.sobol_indices`). Dependent ones: the same estimator on conditional draws (Kucherenko, Tarantola and Annoni 2012);
    the first order then holds what an input says through others, and may exceed the total. Values lie in 0 … 1 by clipping. The
    interval is that of a ratio of means for the simulation alone (``n`` = base); for Sobol points it is wide. An output without
    variance: 0 throughout.

    Raises ValueError for a matrix that is no correlation, groups that do not hold every column once, another base, or outputs that are
    not finite.
    """
    check_level(level)
    matrix = checked_correlation(correlation)
    parts = checked_groups(groups, len(matrix))
    a, b = (e @ np.linalg.cholesky(matrix).T for e in base_points(len(matrix), base, seed))
    f_a, f_b = evaluated(model, a), evaluated(model, b)
    precision = np.linalg.inv(matrix)
    known, left = (np.empty((len(parts), f_a.shape[1], base)) for _ in range(2))
    asked = 2 * base
    for i, g in enumerate(parts):
        others = np.setdiff1d(np.arange(len(matrix)), g)
        # The group from b, the others from their law given it: what they hold beyond it stays that of a.
        known[i] = evaluated(model, a + (b[:, g] - a[:, g]) @ np.linalg.solve(matrix[np.ix_(g, g)], matrix[g])).T
        asked += base
        if not matrix[np.ix_(g, others)].any():
            left[i] = known[i]
            continue
        # The group drawn anew given all others, which stay those of a: its residual on them comes from b.
        mixed = a.copy()
        mixed[:, g] += np.linalg.solve(precision[np.ix_(g, g)], precision[g] @ (b - a).T).T
        left[i] = evaluated(model, mixed).T
        asked += base
    first = _indices(f_a.T, f_b.T, known, level, base)[0]
    total = _indices(f_a.T, f_b.T, left, level, base)[1]
    return VarianceShares(first, total, asked)


Estimates = tuple[tuple[Estimate, ...], ...]


def _indices(
    f_a: FloatArray, f_b: FloatArray, f_ab: FloatArray, level: float, base: int
) -> tuple[Estimates, Estimates]:
    """First and total order by scipy, with the intervals of ratios of means; f_a, f_b: (outputs, base), f_ab: (inputs, outputs, base)."""
    shape = (f_a.shape[0], f_ab.shape[0])
    # scipy 1.17 fails where the index is a single number: one output of one input goes in twice.
    twice = 2 if shape == (1, 1) else 1
    func = {"f_A": f_a.repeat(twice, axis=0), "f_B": f_b.repeat(twice, axis=0), "f_AB": f_ab.repeat(twice, axis=1)}
    found = stats.sobol_indices(func=func, n=base)
    values = found.first_order.reshape(-1, shape[1])[: shape[0]], found.total_order.reshape(-1, shape[1])[: shape[0]]
    middle = (f_a.mean(axis=1) + f_b.mean(axis=1))[:, None] / 2
    at_a, at_b = f_a - middle, f_b - middle
    squares = (at_a**2 + at_b**2) / 2
    variance = squares.mean(axis=1)[:, None, None]
    parts = at_b[:, None] * (f_ab.swapaxes(0, 1) - f_a[:, None]), (f_a[:, None] - f_ab.swapaxes(0, 1)) ** 2 / 2
    made = []
    for value, part, name in zip(values, parts, ("first", "total"), strict=True):
        # The index is a ratio of two means over the same points: the delta method for it (Janon et al. 2014).
        with np.errstate(divide="ignore", invalid="ignore"):
            error = (
                (part - value[:, :, None] * squares[:, None]).std(axis=2, ddof=1) / variance[:, :, 0] / np.sqrt(base)
            )
        reach = normal_quantile(level) * np.nan_to_num(error)
        method = f"{name}-order index, Sobol points"
        made.append(tuple(
            tuple(
                Estimate(_share(v), _share(v - r), _share(v + r), level, base, method) for v, r in zip(vs, rs, strict=True)
            )
            for vs, rs in zip(value, reach, strict=True)
        ))  # fmt: skip
    return made[0], made[1]


def _share(value: float) -> float:
    return min(max(float(value), 0.0), 1.0)
