"""What it would be worth to know: expected value of perfect information, regret, the chance to be best."""

from __future__ import annotations

from typing import Any

import numpy as np

from kaanalysis.stats.estimate import Estimate
from kaanalysis.stats.inputs import FloatArray, check_level, normal_quantile


def checked_payoff(payoff: Any) -> FloatArray:
    """The payoff as a finite array of the shape (draws, options). Raises ValueError where it is none."""
    array = np.asarray(payoff, dtype=np.float64)
    if array.ndim != 2 or array.shape[1] < 1:
        raise ValueError(f"payoff must have the shape (draws, options) with 1 or more options; not {array.shape}")
    if not np.isfinite(array).all():
        draw, option = (int(place) for place in np.argwhere(~np.isfinite(array))[0])
        raise ValueError(f"payoff must be finite; not {array[draw, option]} at draw {draw}, option {option}")
    return array


def mean_of_gains(losses: FloatArray, level: float, method: str) -> Estimate:
    """The mean of what a choice gains or loses per draw, 0 or more, with the central limit theorem's interval; None of none."""
    n = len(losses)
    if n == 0:
        return Estimate(None, None, None, level, 0, method)
    mean = float(losses.mean())
    if n < 2:
        return Estimate(max(0.0, mean), None, None, level, n, method)
    reach = normal_quantile(level) * float(losses.std(ddof=1)) / np.sqrt(n)
    return Estimate(max(0.0, mean), max(0.0, mean - reach), max(0.0, mean + reach), level, n, method)


def expected_value_of_perfect_information(payoff: Any, level: float = 0.95) -> Estimate:
    """What knowing everything before choosing would add on average, in the unit of the payoff: 0 or more.

    ``payoff``: shape (draws, options), what each option brings in each simulated state of the world; more is better.
    Value: mean of the best option per draw minus the best mean. 0: one option is best in every draw, nothing is worth
    finding out; it is an upper limit on what any study may cost. The interval is the central limit theorem's for the
    simulation alone (``n`` = draws): more draws narrow it, more data do not. It takes the option with the best mean as
    known; where two are nearly level the estimate leans slightly low. No draws: None.

    Raises ValueError for another shape or a payoff that is not finite. Source: Raiffa and Schlaifer 1961; Briggs,
    Claxton and Sculpher 2006, chapter 6.
    """
    check_level(level)
    array = checked_payoff(payoff)
    method = "expected value of perfect information, Monte Carlo"
    best = int(array.mean(axis=0).argmax()) if len(array) else 0
    return mean_of_gains(array.max(axis=1) - array[:, best], level, method)


def expected_regret(payoff: Any, level: float = 0.95) -> tuple[Estimate, ...]:
    """Per option, what choosing it loses on average against the best of each draw: 0 or more, unit of the payoff.

    ``payoff`` as in ``expected_value_of_perfect_information``, which is the smallest of these. 0: best in every draw.
    The interval is the simulation's alone. Raises ValueError as there. Source: Savage 1951.
    """
    check_level(level)
    array = checked_payoff(payoff)
    losses = array.max(axis=1, keepdims=True) - array
    return tuple(mean_of_gains(column, level, "expected regret, Monte Carlo") for column in losses.T)


def probability_best(payoff: Any, level: float = 0.95) -> tuple[Estimate, ...]:
    """Per option, the share of draws in which it brings the most; options that tie share the draw, so the sum is 1.

    ``payoff`` as in ``expected_value_of_perfect_information``. 0: never best, 1: always. Wilson's interval, for the
    simulation alone (``n`` = draws). No draws: None. Raises ValueError as there.
    """
    z = normal_quantile(level)
    array = checked_payoff(payoff)
    n, method = len(array), "share of draws, Wilson"
    if n == 0:
        return tuple(Estimate(None, None, None, level, 0, method) for _ in range(array.shape[1]))
    top = array == array.max(axis=1, keepdims=True)
    shares = (top / top.sum(axis=1, keepdims=True)).mean(axis=0)
    centre = (shares + z**2 / (2 * n)) / (1 + z**2 / n)
    reach = z / (1 + z**2 / n) * np.sqrt(shares * (1 - shares).clip(0) / n + z**2 / (4 * n**2))
    low = np.where(shares <= 0, 0.0, (centre - reach).clip(0, None))
    high = np.where(shares >= 1, 1.0, (centre + reach).clip(None, 1))
    return tuple(Estimate(*row, level, n, method) for row in zip(shares, low, high, strict=True))
