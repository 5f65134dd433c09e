"""An effect with its standard error and degrees of freedom: what a test against any margin and an interval at any level are read from."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

from scipy import stats

from kaanalysis.stats.estimate import Estimate
from kaanalysis.stats.inputs import check_level


class Measured(Protocol):
    """What a sign is read from: an interval at any level and one-sided p-values against any margin (None: not determined)."""

    @property
    def n(self) -> int: ...

    @property
    def method(self) -> str: ...

    def interval(self, level: float) -> Estimate: ...

    def p_above(self, margin: float) -> float | None: ...

    def p_below(self, margin: float) -> float | None: ...


@dataclass(frozen=True)
class Effect:
    """value ± standard_error, approximately t with `freedom` degrees of freedom, over n units.

    value and standard_error are None where the data do not determine them (and then all that is read from them); a standard error of 0
    says that nothing varied, which is no certainty, and is treated as None."""

    value: float | None
    standard_error: float | None
    freedom: float
    n: int
    method: str

    def _known(self) -> tuple[float, float] | None:
        if self.value is None or self.standard_error is None or not math.isfinite(self.value):
            return None
        if not (math.isfinite(self.standard_error) and self.standard_error > 0 and self.freedom > 0):
            return None
        return self.value, self.standard_error

    def interval(self, level: float) -> Estimate:
        """The effect with its two-sided t interval."""
        check_level(level)
        known = self._known()
        if known is None:
            return Estimate(self.value, None, None, level, self.n, self.method)
        value, error = known
        half = error * float(stats.t.isf((1 - level) / 2, self.freedom))
        return Estimate(value, value - half, value + half, level, self.n, self.method)

    def p_above(self, margin: float) -> float | None:
        """One-sided p-value (0 … 1) of the null hypothesis that the effect is at most `margin`: small where it is surely above."""
        known = self._known()
        return None if known is None else float(stats.t.sf((known[0] - margin) / known[1], self.freedom))

    def p_below(self, margin: float) -> float | None:
        """One-sided p-value (0 … 1) of the null hypothesis that the effect is at least `margin`: small where it is surely below."""
        known = self._known()
        return None if known is None else float(stats.t.cdf((known[0] - margin) / known[1], self.freedom))
