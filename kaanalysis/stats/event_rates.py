"""Rates of events that each count for something (hours, number of disputes), per exposure, honest where events are few or none.

The sum of independent Poisson counts with weights is bracketed by two gamma distributions (Fay and Feuer 1997, Statistics in Medicine 16,
791–801): with all weights 1 these are Garwood's exact limits (Biometrika 28, 1936). What comes in bunches (several disputes of one
customer) goes in as one event with the bunch's weight, which widens the limits as it should.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from kaanalysis.stats.estimate import Estimate
from kaanalysis.stats.inputs import check_level, numbers

_STEPS = 50  # halvings in the search of a p-value: 2⁻⁵⁰ is finer than any verdict asks


@dataclass(frozen=True)
class EventRate:
    """A weighted count of events per exposure (0 and up). total, squares: sums of the events' weights and of their squares; largest: weight
    that one more event could have; n: events. Read like :class:`kaanalysis.stats.Effect`, with exact limits in place of t."""

    total: float
    squares: float
    largest: float
    exposure: float
    n: int
    method: str

    @property
    def value(self) -> float:
        return self.total / self.exposure

    def _below(self, tail: float) -> float:
        """The lower limit with the chance `tail` of lying above the truth; 0 where nothing happened."""
        if self.total <= 0:
            return 0.0
        scale = self.squares / self.total
        return float(special.gammaincinv(self.total / scale, tail) * scale / self.exposure)

    def _above(self, tail: float) -> float:
        """The upper limit with the chance `tail` of lying below the truth."""
        total, squares = self.total + self.largest, self.squares + self.largest**2
        scale = squares / total
        return float(special.gammainccinv(total / scale, tail) * scale / self.exposure)

    def interval(self, level: float) -> Estimate:
        """The rate with its two-sided limits."""
        tail = (1 - check_level(level)) / 2
        return Estimate(self.value, self._below(tail), self._above(tail), level, self.n, self.method)

    def p_above(self, margin: float) -> float:
        """One-sided p-value of the null hypothesis that the rate is at most `margin`."""
        if margin < 0:
            return 0.0
        if self.total <= 0:
            return 1.0
        scale = self.squares / self.total
        return float(special.gammainc(self.total / scale, margin * self.exposure / scale))

    def p_below(self, margin: float) -> float:
        """One-sided p-value of the null hypothesis that the rate is at least `margin`."""
        if margin <= 0:
            return 1.0
        total, squares = self.total + self.largest, self.squares + self.largest**2
        scale = squares / total
        return float(special.gammaincc(total / scale, margin * self.exposure / scale))


def event_rate(weights: Any, exposure: float, method: str, *, largest: float | None = None) -> EventRate:
    """The rate of independent events that count `weights` each, per unit of exposure.

    weights: shape (n,), 0 or more, one per event or bunch of events; events of weight 0 do not count. exposure: above 0. largest: what one
    more event could weigh, the largest seen if None (1 where none was). Raises ValueError for negative weights or an exposure not above 0.
    """
    w = numbers(weights, "weights")
    if (w < 0).any():
        raise ValueError(f"weights must be 0 or more; not {w.min()}")
    if not exposure > 0:
        raise ValueError(f"exposure must be above 0; not {exposure}")
    most = float(w.max(initial=0.0)) if largest is None else float(largest)
    return EventRate(
        float(w.sum()), float((w**2).sum()), most if most > 0 else 1.0, float(exposure), int((w > 0).sum()), method
    )


@dataclass(frozen=True)
class RateDifference:
    """One rate minus another, independent of it; limits by MOVER (Zou and Donner 2008: each side's distances to its own limits, added in
    squares), p-values by the level at which a limit meets the margin."""

    now: EventRate
    before: EventRate
    method: str

    @property
    def value(self) -> float:
        return self.now.value - self.before.value

    @property
    def n(self) -> int:
        return self.now.n + self.before.n

    def _below(self, tail: float) -> float:
        a, b = self.now, self.before
        return self.value - math.hypot(a.value - a._below(tail), b._above(tail) - b.value)

    def _above(self, tail: float) -> float:
        a, b = self.now, self.before
        return self.value + math.hypot(a._above(tail) - a.value, b.value - b._below(tail))

    def interval(self, level: float) -> Estimate:
        """The difference with its two-sided limits."""
        tail = (1 - check_level(level)) / 2
        return Estimate(self.value, self._below(tail), self._above(tail), level, self.n, self.method)

    def p_above(self, margin: float) -> float:
        """One-sided p-value of the null hypothesis that the difference is at most `margin`; 0.5 or more counts as 1."""
        return _crossing(lambda tail: self._below(tail) > margin)

    def p_below(self, margin: float) -> float:
        """One-sided p-value of the null hypothesis that the difference is at least `margin`; 0.5 or more counts as 1."""
        return _crossing(lambda tail: self._above(tail) < margin)


def _crossing(rejects: Any) -> float:
    """The smallest tail, on a log scale down to 1e-15, at which the limit passes the margin; 1 where it does not at one half."""
    if not rejects(0.5):
        return 1.0
    low, high = math.log(1e-15), math.log(0.5)
    if rejects(1e-15):
        return 1e-15
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if rejects(math.exp(middle)) else (middle, high)
    return math.exp(high)


def log_linear_trend(counts: Any) -> tuple[float, float]:
    """(slope, its standard error) of the logarithm of the expected count per step, by Poisson regression on 0 … n − 1 with the errors
    widened by the dispersion about the line (never narrowed).

    counts: shape (n,), 0 or more. (0, infinity) where fewer than four steps or no counts tell nothing of a trend. Raises ValueError for
    negative counts. Source: McCullagh and Nelder 1989, Generalized Linear Models, sections 6.2 and 9.2.
    """
    y = numbers(counts, "counts")
    if (y < 0).any():
        raise ValueError(f"counts must be 0 or more; not {y.min()}")
    n = len(y)
    if n < 4 or y.sum() <= 0:
        return 0.0, math.inf
    x = np.column_stack([np.ones(n), np.arange(n) - (n - 1) / 2])
    beta = np.array([math.log(y.mean()), 0.0])
    for _ in range(50):
        mean = np.exp(np.clip(x @ beta, -50, 50))
        step = np.linalg.solve((x * mean[:, None]).T @ x, x.T @ (y - mean))
        beta = beta + np.clip(step, -1, 1)
        if np.abs(step).max() < 1e-10:
            break
    mean = np.exp(np.clip(x @ beta, -50, 50))
    dispersion = max(1.0, float(((y - mean) ** 2 / np.maximum(mean, 1e-12)).sum() / (n - 2)))
    information = (x * mean[:, None]).T @ x
    return float(beta[1]), math.sqrt(dispersion * float(np.linalg.inv(information)[1, 1]))
