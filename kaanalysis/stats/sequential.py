"""Looking after every unit without inflating false alarms: evidence that holds at every look, and what repeated plain tests do instead.

Evidence against a share p0 after s successes of n is the likelihood averaged over other shares, divided by the likelihood at p0. At p0
it is a martingale that starts at 1, so that the chance ever to reach 1/α, at whatever look, is at most α (Ville 1939). All shares p0 not
refuted so far form the confidence sequence (Robbins 1970): it holds the true share at all looks at once with its level.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special, stats

from kaanalysis.stats.inputs import FloatArray, check_level
from kaanalysis.stats.stopping import StoppingRule

HALVINGS = 50  # of an interval of shares: to the last digits of a floating number


def _counts(successes: Any, units: Any) -> tuple[FloatArray, FloatArray]:
    s, n = np.broadcast_arrays(np.asarray(successes, dtype=np.float64), np.asarray(units, dtype=np.float64))
    if ((s < 0) | (s > n) | (s != np.floor(s)) | (n != np.floor(n))).any():
        raise ValueError("successes must be whole numbers from 0 to the units")
    return s, n


def log_evidence(successes: Any, units: Any, share: float, prior: tuple[float, float] = (1.0, 1.0)) -> FloatArray:
    """Logarithm of the evidence against exactly this share, with shares mixed by Beta(``prior``). 0 before the first unit; below 0 the data
    speak for the share. Shape: that of the counts. Raises ValueError for counts that are none and a share outside 0 … 1, both
    excluded. Source: Robbins, Annals of Mathematical Statistics 41 (1970) 1397–1409."""
    s, n = _counts(successes, units)
    if not 0 < share < 1:
        raise ValueError(f"share must be between 0 and 1, both excluded; not {share}")
    a, b = prior
    mixed = special.betaln(a + s, b + n - s) - special.betaln(a, b)
    return np.asarray(mixed - s * np.log(share) - (n - s) * np.log1p(-share))


def log_evidence_above(successes: Any, units: Any, share: float, prior: tuple[float, float] = (1.0, 1.0)) -> FloatArray:
    """Logarithm of the evidence that the true share lies above ``share``, against all shares up to it.

    Only shares above it are mixed (Beta cut off there); at every true share up to ``share`` the ratio then shrinks on the average, so
    Ville's bound holds for all of them. For evidence that it lies below, exchange successes and failures. Raises ValueError as
    ``log_evidence``."""
    s, n = _counts(successes, units)
    a, b = prior
    # So far below that no part of the shares above is left: no evidence, as a logarithm −∞.
    with np.errstate(divide="ignore"):
        cut = np.log(special.betaincc(a + s, b + n - s, share)) - np.log(special.betaincc(a, b, share))
    return np.asarray(log_evidence(s, n, share, prior) + cut)


def confidence_sequence(
    successes: Any, units: Any, level: float = 0.95, prior: tuple[float, float] = (1.0, 1.0)
) -> tuple[FloatArray, FloatArray]:
    """Shares (low, high) not refuted after so many successes of so many units, each of the shape of the counts; the sequence of these
    intervals holds the true share at all looks at once with chance ``level`` or more, whenever and why ever one looks or ends. Wider than
    a fixed-n interval: the price of looking. (0, 1) before the first unit. Raises ValueError for counts that are none."""
    check_level(level)
    s, n = _counts(successes, units)
    middle = np.divide(s, n, out=np.full(s.shape, 0.5), where=n > 0)
    wanted, (a, b) = -np.log1p(-level), prior
    mixed = special.betaln(a + s, b + n - s) - special.betaln(a, b)

    def refuted(p: FloatArray) -> npt.NDArray[np.bool_]:
        return np.asarray(mixed - special.xlogy(s, p) - special.xlog1py(n - s, -p) >= wanted)

    # Evidence falls from either end to the middle, so that each limit is found by halving.
    out = []
    for end in (0.0, 1.0):
        far, near = np.full(s.shape, end), middle.copy()
        for _ in range(HALVINGS):
            half = (far + near) / 2
            gone = refuted(half)
            far, near = np.where(gone, half, far), np.where(gone, near, half)
        stays = (s == 0) if end == 0 else (s == n)
        out.append(np.where(stays, end, far))
    return out[0], out[1]


@cache
def sequential_rule(poor: float, good: float, false_go: float, false_stop: float, looks: int) -> StoppingRule:
    """Go on once the evidence for more than ``poor`` reaches 1 / ``false_go``, stop once that for less than ``good`` reaches
    1 / ``false_stop``; looked at after each of ``looks`` units. Its errors are at most those, for any number of looks and any reason to end
    early. Raises ValueError unless 0 < poor < good < 1."""
    if not 0 < poor < good < 1:
        raise ValueError(f"poor and good must be shares with 0 < poor < good < 1; not {poor}, {good}")
    go_on, stop = np.empty(looks, dtype=np.int64), np.empty(looks, dtype=np.int64)
    for k in range(1, looks + 1):
        wins = np.arange(k + 1)
        up, down = evidence_reached(wins, k, poor, good, false_go, false_stop)
        go_on[k - 1] = wins[up][0] if up.any() else k + 1
        stop[k - 1] = wins[down][-1] if down.any() else -1
    return StoppingRule(go_on, stop)


def evidence_reached(
    successes: Any, units: Any, poor: float, good: float, false_go: float, false_stop: float
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """(go on, stop), of the shape of the counts: whether the evidence for more than ``poor`` has reached 1 / ``false_go``, else that for
    less than ``good`` 1 / ``false_stop``. For one long sequence in place of the boundaries of :func:`sequential_rule`."""
    s, n = _counts(successes, units)
    up = log_evidence_above(s, n, poor) >= -np.log(false_go)
    down = log_evidence_above(n - s, n, 1 - good) >= -np.log(false_stop)
    return np.asarray(up), np.asarray(down & ~up)


def repeated_tests(poor: float, false_go: float, looks: int) -> StoppingRule:
    """What looking again and again with a plain test does: after each of ``looks`` units the exact one-sided binomial test at level
    ``false_go``, going on at the first that is significant. Each look alone errs at most so often; together they do not: at a share of
    25 % and a level of 10 %, the chance of a false alarm within 100 looks is one in three
    (:func:`kaanalysis.stats.characteristic` tells exactly). Source: Armitage, McPherson and Rowe 1969."""
    k = np.arange(1, looks + 1)
    return StoppingRule(stats.binom.isf(false_go, k, poor).astype(np.int64) + 1, np.full(looks, -1))
