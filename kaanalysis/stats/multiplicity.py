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


def partial_conjunction(p_values: Any, at_least: int) -> float:
    """P-value (0 … 1) of "fewer than `at_least` of these hypotheses are false": small where at least so many effects are there.

    p_values shape (m,); with at_least = m all must be there (the largest p-value: an intersection–union test), with 1 any. The m -
    at_least + 1 largest p-values are combined by Simes' rule, valid for independent and positively dependent tests. Raises ValueError
    for values outside 0 … 1 or missing, and for `at_least` outside 1 … m.
    Source: Benjamini and Heller 2008, Biometrics 64, 1215–1222; Simes 1986.
    """
    array = np.sort(_p_values(p_values))
    if not 1 <= at_least <= len(array):
        raise ValueError(f"at_least must be between 1 and the number of p-values, {len(array)}; not {at_least}")
    largest = array[at_least - 1 :]
    count = len(largest)
    return float(min(1.0, (count / np.arange(1, count + 1) * largest).min()))
