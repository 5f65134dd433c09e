"""Least squares with clustered errors that stay honest with few clusters, and the difference in differences read from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from kaanalysis.stats.effect import Effect
from kaanalysis.stats.inputs import FloatArray, IntArray, flags, labels, numbers

_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Regression:
    """Least squares of (n,) values on (n, k) columns, its residuals adjusted by cluster (CR2). Columns that others determine have no
    effect of their own: what is read along them is None."""

    coefficients: FloatArray
    bread: FloatArray
    x: FloatArray
    residuals: FloatArray
    cluster: IntArray
    clusters: int
    determined: FloatArray

    def effect(self, contrast: Any, method: str) -> Effect:
        """The linear combination `contrast` (k,) of the coefficients, with its bias-reduced standard error and Satterthwaite's degrees of
        freedom (Bell and McCaffrey 2002, Survey Methodology 28, 169–181; Imbens and Kolesár 2016)."""
        c = numbers(contrast, "contrast", len(self.coefficients))
        n = len(self.residuals)
        # A combination outside the row space of x is not determined by the data.
        if not n or np.abs(self.determined @ c - c).max() > 1e-6:
            return Effect(None, None, 0.0, n, method)
        value = float(c @ self.coefficients)
        if self.clusters < 2:
            return Effect(value, None, 0.0, n, method)
        direction = self.x @ (self.bread @ c)
        adjusted = self._adjusted(direction)
        pulls = self._by_cluster(adjusted * self.residuals)
        variance, squares = float(pulls @ pulls), self._by_cluster(adjusted**2)
        through = np.column_stack([self._by_cluster(column * adjusted) for column in self.x.T])
        # The quadratic form's trace and that of its square, for errors alike and independent; never a matrix of clusters by clusters.
        bent = through @ self.bread
        hidden = (bent * through).sum(axis=1)
        trace = float((squares - hidden).sum())
        crossed = self.bread @ (through.T @ through)
        whole = float((squares**2 - 2 * squares * hidden).sum() + np.trace(crossed @ crossed))
        freedom = trace**2 / whole if whole > 0 else 0.0
        return Effect(value, float(np.sqrt(variance)), freedom, n, method)

    def _by_cluster(self, values: FloatArray) -> FloatArray:
        return np.bincount(self.cluster, weights=values, minlength=self.clusters).astype(np.float64)

    def _adjusted(self, direction: FloatArray) -> FloatArray:
        """(I − H)^(−1/2) · direction (n,) within each cluster, H = x · root · rootᵀ · xᵀ its hat matrix; k × k matrices of all clusters
        at once. Directions in which H is 1 (the cluster alone determines a coefficient) carry no residual and are left as they are."""
        turned = self.x @ _root(self.bread)
        k = turned.shape[1]
        gram = np.empty((self.clusters, k, k))
        for i in range(k):
            for j in range(i + 1):
                gram[:, i, j] = gram[:, j, i] = self._by_cluster(turned[:, i] * turned[:, j])
        leverage, vectors = np.linalg.eigh(gram)
        factor = np.where(
            (leverage > _TOLERANCE) & (leverage < 1 - _TOLERANCE),
            (1 / np.sqrt(np.clip(1 - leverage, _TOLERANCE, 1.0)) - 1) / np.maximum(leverage, _TOLERANCE),
            0.0,
        )
        pulled = np.column_stack([self._by_cluster(column * direction) for column in turned.T])
        along = np.einsum("gij,gj->gi", vectors, factor * np.einsum("gji,gj->gi", vectors, pulled))
        return np.asarray(direction + (turned * along[self.cluster]).sum(axis=1))


def _root(bread: FloatArray) -> FloatArray:
    values, vectors = np.linalg.eigh(bread)
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)))


def cluster_regression(y: Any, x: Any, clusters: Any) -> Regression:
    """Ordinary least squares with the cluster-robust variance CR2.

    y (n,), x (n, k) with its constant given, clusters (n,) labels of any kind. Raises ValueError for lengths that differ or missing
    values. With every unit a cluster of its own this is HC2, and a difference of two means has Welch's standard error."""
    values = numbers(y, "y")
    columns = np.asarray(x, dtype=np.float64)
    if columns.ndim != 2 or len(columns) != len(values):
        raise ValueError(f"x must have shape ({len(values)}, k); not {columns.shape}")
    if not np.isfinite(columns).all():
        raise ValueError("x must be finite")
    code, names = labels(clusters, "clusters", len(values))
    # Columns are brought to one scale first: months beside flags would make the rank a matter of units.
    scale = np.abs(columns).max(axis=0, initial=0.0)
    scale[scale == 0] = 1.0
    scaled = columns / scale
    gram = scaled.T @ scaled
    inverse = np.linalg.pinv(gram, rcond=1e-10, hermitian=True)
    bread = inverse / np.outer(scale, scale)
    determined = (inverse @ gram) * (scale[None, :] / scale[:, None])
    coefficients = bread @ (columns.T @ values)
    return Regression(coefficients, bread, columns, values - columns @ coefficients, code, len(names), determined.T)


def difference_in_differences(y: Any, treated: Any, after: Any, clusters: Any, method: str, time: Any = None) -> Effect:
    """How much more y changed among the treated than among the others: the coefficient of treated × after.

    y (n,), treated and after (n,) flags, clusters (n,) labels. time (n,): lets the treated have a linear trend of their own besides, and
    with it the others theirs. Where none is untreated: before against after (with time: beside the linear trend). The value is None
    where one of the groups is empty. Source: Angrist and Pischke 2009, section 5.2."""
    values = numbers(y, "y")
    t, a = flags(treated, "treated", len(values)), flags(after, "after", len(values))
    constant = np.ones(len(values))
    everyone = bool(t.all())
    columns = [constant, a] if everyone else [constant, t, a, t & a]
    at = len(columns) - 1
    if time is not None:
        moment = numbers(time, "time", len(values))
        moment = moment - (moment.mean() if len(moment) else 0.0)
        columns += [moment] if everyone else [moment, t * moment]
    x = np.column_stack([np.asarray(c, dtype=np.float64) for c in columns])
    contrast = np.zeros(x.shape[1])
    contrast[at] = 1.0
    return cluster_regression(values, x, clusters).effect(contrast, method)
