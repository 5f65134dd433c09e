"""Effects over periods: a ratio of sums, how it changed, and what two effects differ by."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kaanalysis.stats.effect import Effect
from kaanalysis.stats.inputs import flags, numbers


def difference_of_effects(a: Effect, b: Effect, method: str) -> Effect:
    """a minus b, two independent effects in one unit; variances add, degrees of freedom by Welch and Satterthwaite. Without a value or a
    standard error where either has none; an error of 0 is none that is known."""
    n = a.n + b.n
    if a.value is None or b.value is None:
        return Effect(None, None, 0.0, n, method)
    value = a.value - b.value
    if not a.standard_error or not b.standard_error or a.freedom <= 0 or b.freedom <= 0:
        return Effect(value, None, 0.0, n, method)
    parts = a.standard_error**2, b.standard_error**2
    freedom = sum(parts) ** 2 / (parts[0] ** 2 / a.freedom + parts[1] ** 2 / b.freedom)
    return Effect(value, math.sqrt(sum(parts)), freedom, n, method)


def log_ratio(above: Any, below: Any, method: str) -> Effect:
    """log(Σ above / Σ below) over n periods taken as independent draws (0: equal sums; log 2: twice as much).

    above, below: shape (n,), 0 or more, the two sums of each period. On the log scale, since the sums are often of a few large deals: the
    plain ratio's error shrinks with the ratio, and a test that it is low would be right less often than it says. Standard error by
    linearisation (Cochran 1977, Sampling Techniques, section 2.11), n − 1 degrees of freedom, none from fewer than two periods. None
    where a sum is not above 0. Raises ValueError for lengths that differ or missing values."""
    a, b = numbers(above, "above"), numbers(below, "below")
    if len(a) != len(b):
        raise ValueError(f"above and below must have the same length; not {len(a)} and {len(b)}")
    n, top, bottom = len(a), float(a.sum()), float(b.sum())
    if top <= 0 or bottom <= 0:
        return Effect(None, None, 0.0, n, method)
    if n < 2:
        return Effect(math.log(top / bottom), None, 0.0, n, method)
    left = a / top - b / bottom
    return Effect(math.log(top / bottom), float(np.sqrt(n / (n - 1) * (left @ left))), n - 1.0, n, method)


def log_ratio_change(above: Any, below: Any, after: Any, method: str) -> Effect:
    """How much log(Σ above / Σ below) is larger after than before (0: unchanged; log 2: the ratio has doubled).

    above, below as in :func:`log_ratio`, after (n,) flags. None where one of the four sums is not above 0."""
    a, b = numbers(above, "above"), numbers(below, "below")
    late = flags(after, "after", len(a))
    found = [log_ratio(a[side], b[side], method) for side in (late, ~late)]
    return difference_of_effects(found[0], found[1], method)
