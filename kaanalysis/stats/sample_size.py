"""How many closed projects would decide a question about a share."""

from __future__ import annotations

import math

import numpy as np
from scipy import stats

# Beyond this the teeth of the exact power are finer than 0.1 % of it, and searching them costs seconds.
EXACT_UP_TO = 50_000


def closed_needed(true_share: float, threshold: float, level: float = 0.95, power: float = 0.8) -> int | None:
    """The number of closed projects needed to show that a share lies above ``threshold`` when it is ``true_share``.

    Design: the one-sided exact binomial test of share <= ``threshold`` at significance 1 - ``level`` (equally: the
    lower one-sided Clopper–Pearson limit at ``level`` exceeds the threshold), which must succeed with at least
    ``power``. The power of an exact test is saw-toothed in n: adding a project can lower it. The answer is therefore
    the smallest n from which on the power is enough for every larger n as well (Chernick and Liu 2002), not the first
    n that is lucky: 60 % against 50 % needs 169 (the first lucky n is 158; the normal formula gives 153).

    A ``true_share`` below the threshold gives the number to show that it is below. Equal to it: None, no number shows a
    difference that is not there. The nearer the two, the more are needed, as 1 / distance²; above 50,000 the answer is
    Fleiss' normal formula with continuity correction. Projects of one seller are worth less than independent ones:
    multiply by the design effect.

    Raises ValueError for shares outside 0 … 1, a threshold of 0 or 1, and level or power outside 0 … 1 or power
    not above 1 - level.
    Sources: Chernick and Liu, The American Statistician 56 (2002) 149–155; Fleiss, Levin and Paik 2003, section 2.5.
    """
    for name, number in (("threshold", threshold), ("level", level), ("power", power)):
        if not 0 < number < 1:
            raise ValueError(f"{name} must be between 0 and 1, both excluded; not {number}")
    if not 0 <= true_share <= 1:
        raise ValueError(f"true_share must be between 0 and 1; not {true_share}")
    if power <= 1 - level:
        raise ValueError(f"power must be above 1 - level = {1 - level:g}; not {power}")
    if true_share == threshold:
        return None
    if true_share < threshold:
        true_share, threshold = 1 - true_share, 1 - threshold
    distance = true_share - threshold
    z_level, z_power = float(stats.norm.ppf(level)), float(stats.norm.ppf(power))
    spread = z_level * math.sqrt(threshold * (1 - threshold)) + z_power * math.sqrt(true_share * (1 - true_share))
    plain = (max(spread, 0.0) / distance) ** 2
    corrected = plain / 4 * (1 + math.sqrt(1 + 2 / (plain * distance))) ** 2 if plain > 0 else 1 / distance
    if corrected > EXACT_UP_TO:
        return math.ceil(corrected)
    # Over this range power grows well past what a tooth takes away, so that no failure lies beyond it; very uneven
    # thresholds need about log(1 - level) / log(threshold) units before the test can succeed at all.
    able = math.log(1 - level) / math.log(threshold)
    n = np.arange(1, math.ceil(1.6 * max(corrected, able)) + 200)
    needed = stats.binom.isf(1 - level, n, threshold) + 1
    failing = n[stats.binom.sf(needed - 1, n, true_share) < power]
    return int(failing[-1]) + 1 if len(failing) else 1
