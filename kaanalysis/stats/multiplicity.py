"""Adjusted p-values where several findings are read at once."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats

from kaanalysis.stats.inputs import FloatArray, numbers


def _p_values(p_values: Any) -> FloatArray:
    array = numbers(p_values, "p_values")
    broken = (array < 0) | (array > 1)
    if broken.any():
        at = int(broken.argmax())
        raise ValueError(f"p_values must be between 0 and 1; not {array[at]} at index {at}")
    return array


def holm(p_values: Any) -> FloatArray:
    """Holm's step-down adjustment: reject where it is at most alpha, and the chance of any false rejection is too.

    Shape (m,) in, shape (m,) out, in the same order; 0 … 1, never below the raw p-value. Valid under any dependence.
    Empty in, empty out. Raises ValueError for values outside 0 … 1 or missing. Source: Holm 1979.
    """
    array = _p_values(p_values)
    order = np.argsort(array, kind="stable")
    stepped = np.maximum.accumulate(array[order] * np.arange(len(array), 0, -1))
    adjusted = np.empty(len(array))
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def benjamini_yekutieli(p_values: Any) -> FloatArray:
    """The Benjamini–Yekutieli adjustment: the expected share of false ones among those at most alpha is at most alpha.

    Shape (m,) in, shape (m,) out, in the same order; 0 … 1. Valid under any dependence. Empty in, empty out. Raises
    ValueError for values outside 0 … 1 or missing. Source: Benjamini and Yekutieli 2001.
    """
    array = _p_values(p_values)
    return np.asarray(stats.false_discovery_control(array, method="by")) if len(array) else array
