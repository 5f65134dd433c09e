"""Rules that stop or go on by counts: what they do, exactly, at any true share of successes.

A rule is a pair of boundaries: after k decided units it goes on from ``go_on[k - 1]`` successes, stops at ``stop[k - 1]`` or fewer, and
looks on between them. Everything a rule does at a true share p follows from the recursion over (k, successes); no simulation, no
normal approximation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from kaanalysis.stats.inputs import FloatArray

DECISIONS = ("go_on", "stop", "continue")
Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class StoppingRule:
    """go_on, stop: shape (n,), successes after 1 … n decided units from which the rule goes on, and up to which it stops.

    Out of reach: go_on[k - 1] > k (never yet), stop[k - 1] < 0. Decisions are final: the first one counts. Raises ValueError where
    both would hold at once, or where the lengths differ."""

    go_on: Counts
    stop: Counts

    def __post_init__(self) -> None:
        go_on, stop = np.asarray(self.go_on, dtype=np.int64), np.asarray(self.stop, dtype=np.int64)
        if go_on.ndim != 1 or go_on.shape != stop.shape or not len(go_on):
            raise ValueError(
                f"go_on and stop must have the same shape (n,), n 1 or more; not {go_on.shape}, {stop.shape}"
            )
        if (stop >= go_on).any():
            k = int(np.argmax(stop >= go_on)) + 1
            raise ValueError(f"after {k} units stop must lie below go_on; not {stop[k - 1]} and {go_on[k - 1]}")
        object.__setattr__(self, "go_on", go_on)
        object.__setattr__(self, "stop", stop)

    @property
    def most(self) -> int:
        """Units after which the rule says no more than it has said."""
        return len(self.go_on)

    def decide(self, successes: Any) -> tuple[npt.NDArray[np.int8], Counts]:
        """(decision, units it took) for sequences of outcomes.

        ``successes``: shape (sequences, units), cumulative successes after 1, 2 … units. Decision: index into ``DECISIONS``; units:
        those decided at the decision, all there are (at most ``most``) where it is still to come."""
        counts = np.atleast_2d(np.asarray(successes, dtype=np.int64))[:, : self.most]
        length = counts.shape[1]
        up, down = counts >= self.go_on[:length], counts <= self.stop[:length]
        any_ = up | down
        decided = any_.any(axis=1) if length else np.zeros(len(counts), dtype=bool)
        at = any_.argmax(axis=1) if length else np.zeros(len(counts), dtype=np.int64)
        went = up[np.arange(len(counts)), at] if length else decided
        return (
            np.where(decided, np.where(went, 0, 1), 2).astype(np.int8),
            np.where(decided, at + 1, length).astype(np.int64),
        )


@dataclass(frozen=True)
class Characteristic:
    """What a rule does at true shares ``share`` (shape (m,)): chance to go on, to stop, and to have decided nothing after all its
    units (they add up to 1); units: expected number decided until then, 1 … ``most``."""

    share: FloatArray
    go_on: FloatArray
    stop: FloatArray
    open: FloatArray
    units: FloatArray


def characteristic(rule: StoppingRule, share: Any) -> Characteristic:
    """The operating characteristic, exact by recursion over (units, successes). Units are independent with one and the same share.

    Raises ValueError for shares outside 0 … 1. Source: Armitage, McPherson and Rowe, Journal of the Royal Statistical Society A 132
    (1969) 235–244 (the recursion for repeated tests); Schultz et al., Biometrics 29 (1973) 293–300 (for multi-stage plans)."""
    p = np.atleast_1d(np.asarray(share, dtype=np.float64))
    if not ((p >= 0) & (p <= 1)).all():
        raise ValueError(f"shares must be between 0 and 1; not {p.min()} … {p.max()}")
    n = rule.most
    going = np.zeros((len(p), n + 2))  # chance to be undecided with so many successes
    going[:, 0] = 1.0
    chance_on, chance_stop, units = np.zeros(len(p)), np.zeros(len(p)), np.zeros(len(p))
    wins = np.arange(n + 2)
    for k in range(n):
        units += going.sum(axis=1)  # one more is decided wherever nothing was concluded before
        moved = going * (1 - p[:, None])
        moved[:, 1:] += going[:, :-1] * p[:, None]
        up, down = wins >= rule.go_on[k], wins <= rule.stop[k]
        chance_on += moved[:, up].sum(axis=1)
        chance_stop += moved[:, down].sum(axis=1)
        moved[:, up | down] = 0.0
        going = moved
    return Characteristic(p, chance_on, chance_stop, going.sum(axis=1), units)


def wins_of_first(wins: int, units: int) -> StoppingRule:
    """'So many successes among the first so many units': goes on with the wanted success, stops once it is out of reach.

    A single-stage binomial rule, decided as early as its decision is certain, which changes no error rate. Raises ValueError unless
    1 <= wins <= units."""
    if not 1 <= wins <= units:
        raise ValueError(f"wins must be between 1 and units = {units}; not {wins}")
    k = np.arange(1, units + 1)
    # Out of reach: even if all the rest succeeded, there would be fewer than `wins`.
    return StoppingRule(np.full(units, wins), np.minimum(wins - 1, wins - 1 - (units - k)))


def single_stage(poor: float, good: float, false_go: float, false_stop: float, most: int = 500) -> StoppingRule | None:
    """The smallest exact binomial plan "from k of n on" with chance to go on at most ``false_go`` at the share ``poor`` and chance to stop
    at most ``false_stop`` at ``good``; None beyond ``most`` units.

    Raises ValueError unless 0 < poor < good < 1 and both errors lie in 0 … 1. Source: A'Hern, Statistics in Medicine 20 (2001)
    859–866."""
    check_errors(poor, good, false_go, false_stop)
    n = np.arange(1, most + 1)
    needed = stats.binom.isf(false_go, n, poor).astype(np.int64) + 1
    fits = (stats.binom.sf(needed - 1, n, good) >= 1 - false_stop) & (needed <= n)
    return wins_of_first(int(needed[fits.argmax()]), int(n[fits.argmax()])) if fits.any() else None


def check_errors(poor: float, good: float, false_go: float, false_stop: float) -> None:
    """ValueError unless 0 < poor < good < 1 and 0 < false_go, false_stop < 1."""
    if not 0 < poor < good < 1:
        raise ValueError(f"poor and good must be shares with 0 < poor < good < 1; not {poor}, {good}")
    for name, value in (("false_go", false_go), ("false_stop", false_stop)):
        if not 0 < value < 1:
            raise ValueError(f"{name} must be between 0 and 1, both excluded; not {value}")
