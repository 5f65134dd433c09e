"""Does one option bring more than another whatever one's taste for risk: stochastic dominance on common draws."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from kaanalysis.stats.estimate import Estimate
from kaanalysis.stats.inputs import numbers
from kaanalysis.stats.proportions import wilson


@dataclass(frozen=True)
class Dominance:
    """Of a first option over a second. first, second: first-order and second-order dominance; violation: ε of almost first-order
    dominance, 0 … 1 (0: first-order dominance; above 0.5: the second has the larger mean; None: the same law); better: the share of
    draws in which the first brings more, Wilson's interval for the number of draws."""

    first: bool
    second: bool
    violation: float | None
    better: Estimate


def dominance(one: Any, other: Any, level: float = 0.95) -> Dominance:
    """Whether ``one`` dominates ``other``; both shape (draws,), payoffs in the same draws, more is better.

    First order: every quantile is at least as high, so everybody who likes more prefers it. Second order: the mean of the worst share is
    at least as high for every share, so everybody who also dislikes risk prefers it. Both fail for a single draw in the tail. Almost
    dominance therefore weighs the crossing: ε is the area between the two distribution functions where ``one`` is worse, over the
    whole area between them. Where ε is small, whoever would not give up a large gain in most worlds for a tiny one in a few prefers
    ``one`` (people's choices: below 0.059, Levy, Leshno and Leibovitch 2010).

    Dominance compares laws, not draws: where it holds, the other may still be better in many single draws (``better``).
    Raises ValueError for different lengths, no draws, or what is not finite. Source: Hadar and Russell 1969; Hanoch and Levy 1969; Leshno
    and Levy 2002, Management Science 48, 1074–1085.
    """
    a = numbers(one, "one")
    b = numbers(other, "other", len(a))
    if not len(a):
        raise ValueError("one must hold at least one draw; not none")
    # The area between two distribution functions is the area between their quantile functions.
    gap = np.sort(a) - np.sort(b)
    area = float(np.abs(gap).sum())
    partial = np.cumsum(gap)
    tiny = 1e-12 * max(float(np.abs(a).sum()), float(np.abs(b).sum()))  # rounding in a sum of many
    return Dominance(
        bool((gap >= 0).all() and area > 0),
        bool((partial >= -tiny).all() and area > tiny),
        float(np.maximum(-gap, 0).sum() / area) if area > 0 else None,
        wilson(int((a > b).sum()), len(a), level),
    )
