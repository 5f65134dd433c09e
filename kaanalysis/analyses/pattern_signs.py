"""The signs of a failure pattern: measured effects that must occur together, and what all of them say of the pattern.

A pattern needs at least u of its n signs. That so many are there is tested by partial conjunction over the p-values of presence, that
fewer are by the same test over those of absence; a sign that cannot be measured counts as evidence for neither.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from scipy import stats

from kaanalysis.results import Number
from kaanalysis.stats import Measured, clopper_pearson, partial_conjunction

Beyond = Literal["above", "below"]


@dataclass(frozen=True)
class Sign:
    """One measured effect. name: that of its number. value, low, high: the effect with its interval at `level`, in `unit`, over n units.

    margin: the smallest effect that counts, in the same unit; beyond: on which side of it the sign is. p_present: p-value of "not beyond
    the margin"; p_absent: of "beyond it" (None: not to be had; `needs` names what is missing, if anything is). comparison: key of what
    the effect is held against. segment: that of its number. counts: whether the sign that this one counts only together with is there
    (None: not measured); its p-values are then those of "both are there"."""

    name: str
    value: float | None
    low: float | None
    high: float | None
    level: float
    n: int
    unit: str
    method: str
    margin: float
    beyond: Beyond
    p_present: float | None
    p_absent: float | None
    comparison: str
    needs: tuple[str, ...] = ()
    segment: str = "all"
    counts: bool | None = True

    def number(self) -> Number:
        return Number(
            self.name, self.segment, self.value, self.low, self.high, self.level, self.n, self.unit, self.method
        )


def sign_of(
    effect: Measured,
    name: str,
    margin: float,
    beyond: Beyond,
    unit: str,
    comparison: str,
    level: float,
    transform: Callable[[float], float] | None = None,
    segment: str = "all",
) -> Sign:
    """A sign from an effect. transform: increasing, from the effect's scale to that of `margin` and of the number
    (``math.exp`` where the effect is a difference of logs); the margin is then asked for on the effect's own scale by its inverse."""
    estimate = effect.interval(level)
    turn = transform if transform is not None else float
    at = _inverse(turn, margin) if transform is not None else margin
    present, absent = effect.p_above(at), effect.p_below(at)
    if beyond == "below":
        present, absent = absent, present
    value, low, high = (None if x is None else float(turn(x)) for x in (estimate.value, estimate.low, estimate.high))
    return Sign(
        name, value, low, high, level, effect.n, unit, effect.method, margin, beyond, present, absent, comparison,
        segment=segment,
    )  # fmt: skip


def _inverse(transform: Callable[[float], float], value: float) -> float:
    """Where the increasing `transform` takes `value`, by bisection to 1e-12."""
    low, high = -60.0, 60.0
    if not transform(low) <= value <= transform(high):
        raise ValueError(f"the margin {value} is not among the values that the transform takes")
    while high - low > 1e-12:
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if transform(middle) < value else (low, middle)
    return (low + high) / 2


def sign_of_number(
    number: Number, name: str, margin: float, beyond: Beyond, comparison: str, level: float = 0.95
) -> Sign:
    """A sign from a number that another analysis estimated: the half of its interval that faces the margin is read as a normal one.

    Nothing can be said (p-values None) where the number has no interval."""
    value, low, high = number.value, number.low, number.high
    at = (value, low, high, level, number.n, number.unit, number.method, margin, beyond)
    if value is None or low is None or high is None or number.level is None:
        return Sign(name, *at, None, None, comparison)
    reach = stats.norm.isf((1 - number.level) / 2)

    def distance(limit: float) -> float:
        """From the value to the margin in standard errors of that side; 0 error: as far as one likes."""
        error = abs(value - limit) / reach
        return math.copysign(math.inf, value - margin) if error == 0 else (value - margin) / error

    p_above, p_below = float(stats.norm.sf(distance(low))), float(stats.norm.cdf(distance(high)))
    there, gone = (p_above, p_below) if beyond == "above" else (p_below, p_above)
    return Sign(name, *at, there, gone, comparison)


def share_sign(
    count: int, n: int, name: str, margin: float, beyond: Beyond, comparison: str, level: float, method: str
) -> Sign:
    """A sign from a share of independent units, tested exactly (binomial), its interval Clopper and Pearson's. n = 0: not measured."""
    if n == 0:
        return missing_sign(
            name, (), margin=margin, beyond=beyond, unit="share", level=level, method=method, comparison=comparison
        )
    found = clopper_pearson(count, n, level)
    p_above, p_below = float(stats.binom.sf(count - 1, n, margin)), float(stats.binom.cdf(count, n, margin))
    there, gone = (p_above, p_below) if beyond == "above" else (p_below, p_above)
    return Sign(
        name, found.value, found.low, found.high, level, n, "share", method, margin, beyond, there, gone, comparison
    )


def missing_sign(
    name: str, needs: Sequence[str], *, margin: float, beyond: Beyond, unit: str, level: float, method: str, comparison: str,
    n: int = 0, segment: str = "all",
) -> Sign:  # fmt: skip
    """A sign that cannot be measured. needs: the table.columns missing; empty where the tables are there and hold too little."""
    return Sign(
        name, None, None, None, level, n, unit, method, margin, beyond, None, None, comparison, tuple(needs), segment
    )


def presence(signs: Sequence[Sign], at_least: int) -> float:
    """P-value (0 … 1) of "fewer than `at_least` of the signs are there"; 1 where nothing is measured."""
    return partial_conjunction([1.0 if s.p_present is None else s.p_present for s in signs], at_least)


def absence(signs: Sequence[Sign], at_least: int) -> float:
    """P-value (0 … 1) of "at least `at_least` of the signs are there": small where too few surely are; 1 where nothing is measured."""
    return partial_conjunction([1.0 if s.p_absent is None else s.p_absent for s in signs], len(signs) - at_least + 1)


def seen(sign: Sign) -> bool | None:
    """Whether the sign rather shows than not; None where it is not measured.

    By its own test (p_present below one half) where it has one: an estimate that was chosen for being extreme, or that counts only together
    with another, is not seen for lying beyond its margin. Else by the estimate alone."""
    if sign.value is None:
        return None
    if sign.p_present is not None:
        return bool(sign.p_present < 0.5)
    return bool(sign.value > sign.margin if sign.beyond == "above" else sign.value < sign.margin)


def score(signs: Sequence[Sign], significance: float) -> tuple[float, float, float]:
    """(share of the signs whose estimate lies beyond the margin, share surely beyond, share not surely within): 0 … 1.

    Surely: its own p-value at most `significance`. Not measured: not seen, not sure, and not excluded. A sign
    that counts only together with another is counted where that one is there too, as its p-values are: the share then lies between the
    other two."""
    n = len(signs)
    there = sum(seen(s) is True and s.counts is True for s in signs)
    surely = sum(s.p_present is not None and s.p_present <= significance for s in signs)
    excluded = sum(s.p_absent is not None and s.p_absent <= significance for s in signs)
    return there / n, surely / n, (n - excluded) / n
