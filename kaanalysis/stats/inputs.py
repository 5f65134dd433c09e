"""Turns what a caller passes into checked arrays, or says in one sentence what is wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


def check_level(level: float) -> float:
    """The level itself. Raises ValueError unless it lies strictly between 0 and 1."""
    if not 0 < level < 1:
        raise ValueError(f"level must be between 0 and 1, both excluded; not {level}")
    return float(level)


def normal_quantile(level: float) -> float:
    """The two-sided standard normal quantile of a level: 1.96 at 0.95."""
    return float(stats.norm.isf((1 - check_level(level)) / 2))


def numbers(values: Any, name: str, length: int | None = None) -> FloatArray:
    """A one-dimensional float array without missing values. ``length``: the length that it must have."""
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be numbers; not {type(values).__name__} with other content") from None
    if array.ndim != 1:
        raise ValueError(f"{name} must be one-dimensional; not {array.ndim}-dimensional")
    if length is not None and len(array) != length:
        raise ValueError(f"{name} must have {length} values like the rest; not {len(array)}")
    broken = ~np.isfinite(array)
    if broken.any():
        at = int(broken.argmax())
        raise ValueError(f"{name} must be finite; not {array[at]} at index {at}")
    return array


def counts_within(part: Any, count: Any, name: str) -> tuple[FloatArray, FloatArray]:
    """(part, count) as arrays of one length, such as successes and trials. Raises ValueError where a part is below 0 or above its count."""
    whole = numbers(count, "count")
    some = numbers(part, name, len(whole))
    if (some < 0).any() or (some > whole).any():
        raise ValueError(f"{name} must lie between 0 and count")
    return some, whole


def flags(values: Any, name: str, length: int) -> BoolArray:
    """A boolean array, made from booleans or 0 and 1."""
    array = numbers(values, name, length)
    broken = (array != 0) & (array != 1)
    if broken.any():
        at = int(broken.argmax())
        raise ValueError(f"{name} must be true or false (1 or 0); not {array[at]} at index {at}")
    return array == 1


def labels(values: Any, name: str, length: int) -> tuple[IntArray, list[Any]]:
    """Codes 0 … k-1 in order of appearance and the k labels. A missing label is refused."""
    array = np.asarray(values, dtype=object)
    if array.ndim != 1 or len(array) != length:
        raise ValueError(f"{name} must have {length} values in one dimension; not shape {array.shape}")
    codes, found = pd.factorize(array)
    if (codes < 0).any():
        raise ValueError(f"{name} must not be missing; not so at index {int((codes < 0).argmax())}")
    return codes.astype(np.int64), list(found)


def outcomes(values: Any, length: int, censored: Any, causes: Any = None) -> tuple[IntArray, list[Any]]:
    """Codes and the sorted causes; -1 stands for censored: None, NaN, "" and the label ``censored``."""
    array = np.asarray(values, dtype=object)
    if array.ndim != 1 or len(array) != length:
        raise ValueError(f"outcome must have {length} values in one dimension; not shape {array.shape}")
    is_open = np.asarray(pd.isna(array), dtype=bool)
    is_open[~is_open] = [label == "" or (censored is not None and label == censored) for label in array[~is_open]]
    array = array.copy()
    array[is_open] = None
    raw, found = pd.factorize(array)
    known = {label: position for position, label in enumerate(found)}
    names = list(causes) if causes is not None else sorted(found, key=lambda label: (str(type(label)), label))
    missing = [label for label in found if label not in names]
    if missing:
        raise ValueError(f"causes must name every outcome that occurs; not without {missing[0]!r}")
    # The last place stays -1, so that a censored row (code -1) maps to itself.
    new = np.full(len(found) + 1, -1, dtype=np.int64)
    for position, label in enumerate(names):
        if label in known:
            new[known[label]] = position
    return new[raw], names


def observation(duration: Any, entry: Any = None) -> tuple[FloatArray, FloatArray]:
    """Durations and starts of observation; a start at the origin is -inf, so that "start < time" always holds there.

    Without ``entry`` all are observed from the origin on and a duration of 0 is allowed (closed at the first moment).
    With it, a duration must be longer than its entry: otherwise the unit was never at risk.
    """
    length = numbers(duration, "duration")
    if (length < 0).any():
        at = int((length < 0).argmax())
        raise ValueError(f"duration must be 0 or more; not {length[at]} at index {at}")
    if entry is None:
        return length, np.full(len(length), -np.inf)
    start = numbers(entry, "entry", len(length))
    if (start < 0).any():
        at = int((start < 0).argmax())
        raise ValueError(f"entry must be 0 or more; not {start[at]} at index {at}")
    if (length <= start).any():
        at = int((length <= start).argmax())
        raise ValueError(f"duration must be longer than entry; not {length[at]} after entry {start[at]} at index {at}")
    return length, np.where(start == 0, -np.inf, start)


def check_horizon(horizon: float) -> float:
    """The horizon itself. Raises ValueError unless it is finite and above 0."""
    if not (np.isfinite(horizon) and horizon > 0):
        raise ValueError(f"horizon must be finite and above 0; not {horizon}")
    return float(horizon)
