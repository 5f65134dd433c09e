"""Simon's two-stage plans: stop early where little promises to come of it, else look at as many again and decide."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from scipy import stats

from kaanalysis.stats.inputs import FloatArray
from kaanalysis.stats.stopping import StoppingRule, check_errors


@dataclass(frozen=True)
class TwoStage:
    """After ``first`` units stop with ``stop_first`` successes or fewer, else decide ``total`` units in all and go on with more than
    ``stop_total`` (Simon writes r1/n1 and r/n). expected: mean units at the poor share without stopping inside a stage; ends_early:
    chance at the poor share to stop after the first stage."""

    stop_first: int
    first: int
    stop_total: int
    total: int
    expected: float
    ends_early: float

    def rule(self) -> StoppingRule:
        """The plan as boundaries after every unit. It decides as soon as its decision is certain (curtailment): the decision and so both
        error rates are those of the plan, only reached earlier; one may look after every unit."""
        k = np.arange(1, self.total + 1)
        losses = np.where(k <= self.first, self.first - self.stop_first, self.total - self.stop_total)
        return StoppingRule(np.full(self.total, self.stop_total + 1), np.minimum(k - losses, self.stop_total))


def go_on_chances(total: int, first: int, share: float) -> FloatArray:
    """Chance to go on under every plan with these stages, shape (first + 1, total + 1): stop_first × stop_total."""
    second = total - first
    passed = stats.binom.pmf(np.arange(first + 1), first, share)
    # Successes wanted of the second stage: more than stop_total − those of the first.
    wanted = np.arange(total + 1)[None, :] - np.arange(first + 1)[:, None]
    rest = stats.binom.sf(np.arange(-first - 1, total + 1), second, share)[wanted + first + 1]
    reached = passed[:, None] * rest
    above = np.cumsum(reached[::-1], axis=0)[::-1] - reached  # over first-stage successes > stop_first
    return np.asarray(above, dtype=np.float64)


@cache
def two_stage(
    poor: float,
    good: float,
    false_go: float,
    false_stop: float,
    kind: Literal["optimal", "minimax"] = "optimal",
    most: int = 150,
) -> TwoStage | None:
    """Simon's plan for a chance to go on of at most ``false_go`` at the share ``poor`` and to stop of at most ``false_stop`` at ``good``.

    ``optimal``: fewest expected units at ``poor``; ``minimax``: fewest units at most, and among those plans fewest expected. All plans
    are looked at: the search for the optimal one ends where even a plan that ignored ``false_go`` could not be better. None where
    no plan has ``most`` units or fewer (poor and good too near each other).

    Raises ValueError unless 0 < poor < good < 1, both errors lie in 0 … 1 and the kind is known.
    Source: Simon, Controlled Clinical Trials 10 (1989) 1–10."""
    check_errors(poor, good, false_go, false_stop)
    if kind not in ("optimal", "minimax"):
        raise ValueError(f"kind must be one of optimal, minimax; not {kind!r}")
    best: TwoStage | None = None
    for total in range(2, most + 1):
        if best is not None and (
            kind == "minimax" or _least(total, best.expected, poor, good, false_stop) > best.expected
        ):
            break
        if _most_power(total, poor, good, false_go) < 1 - false_stop:
            continue
        for first in range(1, total):
            if best is not None and first >= best.expected and kind == "optimal":
                break
            found = _best_split(total, first, poor, good, false_go, false_stop)
            if found is not None and (best is None or found.expected < best.expected - 1e-12):
                best = found
    return best


def _best_split(
    total: int, first: int, poor: float, good: float, false_go: float, false_stop: float
) -> TwoStage | None:
    """The plan with these stages and the fewest expected units at the poor share; None where none keeps both errors."""
    kept = (go_on_chances(total, first, poor) <= false_go) & (go_on_chances(total, first, good) >= 1 - false_stop)
    rows = np.flatnonzero(kept.any(axis=1))
    if not len(rows):
        return None
    # The higher the first hurdle, the earlier a poor programme stops.
    stop_first = int(rows[-1])
    stop_total = int(np.flatnonzero(kept[stop_first])[0])
    early = float(stats.binom.cdf(stop_first, first, poor))
    return TwoStage(stop_first, first, stop_total, total, first + (1 - early) * (total - first), early)


def _least(total: int, best: float, poor: float, good: float, false_stop: float) -> float:
    """Fewer expected units than this no plan of so many or more units can have: stopping at the first hurdle alone must not cost more than
    ``false_stop`` at the good share. It does not fall as ``total`` grows."""
    first = np.arange(1, min(total, int(np.ceil(best)) + 1))
    hurdle = stats.binom.ppf(false_stop, first, good).astype(np.int64)
    hurdle = np.where(stats.binom.cdf(hurdle, first, good) > false_stop, hurdle - 1, hurdle)
    early = stats.binom.cdf(hurdle, first, poor)  # cdf of −1 is 0
    return float((first + (1 - early) * (total - first)).min())


def _most_power(total: int, poor: float, good: float, false_go: float) -> float:
    """Power that no plan of so many units can exceed: that of the randomised one-stage test (lemma of Neyman and Pearson)."""
    edge = float(stats.binom.isf(false_go, total, poor))
    left = (false_go - stats.binom.sf(edge, total, poor)) / stats.binom.pmf(edge, total, poor)
    return float(stats.binom.sf(edge, total, good) + left * stats.binom.pmf(edge, total, good))
