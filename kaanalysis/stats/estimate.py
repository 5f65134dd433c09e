"""What every estimator returns: a number with its limits, or a test with its p-value."""

from __future__ import annotations

import math
from dataclasses import dataclass


def _finite(number: float | None) -> float | None:
    if number is None:
        return None
    number = float(number)
    return number if math.isfinite(number) else None


@dataclass(frozen=True)
class Estimate:
    """A number, its two-sided interval, and what it rests on.

    ``value``, ``low`` and ``high`` carry the unit of the estimator that made them. ``None`` means that the data do not
    determine the number (or that limit of it); NaN and infinity are turned into ``None``, so an ``Estimate`` can go
    into a result file as it is. ``level`` is the nominal coverage of (``low``, ``high``), strictly between 0 and 1.
    ``n`` counts the units that the number rests on (0 for empty input). ``method`` names the estimator and, where the
    value is ``None``, the reason.

    Raises ValueError if ``level`` is not between 0 and 1 or ``n`` is negative.
    """

    value: float | None
    low: float | None
    high: float | None
    level: float
    n: int
    method: str

    def __post_init__(self) -> None:
        if not 0 < self.level < 1:
            raise ValueError(f"level must be between 0 and 1, both excluded; not {self.level}")
        if self.n < 0:
            raise ValueError(f"n must be 0 or more; not {self.n}")
        # The class is frozen, so that nobody edits a published number; construction is the one place that may.
        for name in ("value", "low", "high"):
            object.__setattr__(self, name, _finite(getattr(self, name)))
        object.__setattr__(self, "level", float(self.level))
        object.__setattr__(self, "n", int(self.n))


@dataclass(frozen=True)
class Significance:
    """A test: its statistic, its p-value (0 … 1), the number of units and the method.

    ``statistic`` and ``p_value`` are ``None`` where the data cannot carry the test (no units, one group only, nothing
    that varies); NaN and infinity are turned into ``None``.
    """

    statistic: float | None
    p_value: float | None
    n: int
    method: str

    def __post_init__(self) -> None:
        for name in ("statistic", "p_value"):
            object.__setattr__(self, name, _finite(getattr(self, name)))
        object.__setattr__(self, "n", int(self.n))


def difference_of_estimates(a: Estimate, b: Estimate, method: str) -> Estimate:
    """``a`` minus ``b``, two independent estimates in one unit, with the limits of MOVER: the distances of each value to its limits add
    in squares, which is the sum of the variances where both are normal.

    None where a value is None; limits None where a limit they need is. ``n`` counts both; ``level`` is that of ``a``.
    Source: Zou and Donner 2008, Statistics in Medicine 27, 1693–1702.
    """
    n = a.n + b.n
    if a.value is None or b.value is None:
        return Estimate(None, None, None, a.level, n, method)
    value = a.value - b.value
    if a.low is None or a.high is None or b.low is None or b.high is None:
        return Estimate(value, None, None, a.level, n, method)
    low = value - math.hypot(a.value - a.low, b.high - b.value)
    high = value + math.hypot(a.high - a.value, b.value - b.low)
    return Estimate(value, low, high, a.level, n, method)
