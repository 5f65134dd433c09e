"""How far a monthly series strays from its own forecast where nothing happened: a band for what it does after a launch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from kaanalysis.stats.inputs import FloatArray, check_level, numbers

LEAST_HISTORY = 12  # months that a trend is fitted to at least
LEAST_PLACEBOS = 6  # placebo launches that a width is read from at least


@dataclass(frozen=True)
class PlaceboBand:
    """trend: the line through the months before the launch, carried on (NaN with fewer than :data:`LEAST_HISTORY` of them); low, high:
    the band around it (NaN where too little is on record); all of shape (n,), in the unit of the series. placebos: how many placebo
    launches the width one month ahead rests on."""

    trend: FloatArray
    low: FloatArray
    high: FloatArray
    placebos: int


def placebo_band(values: object, launch: int, level: float = 0.95) -> PlaceboBand:
    """The forecast of a series after its `launch`-th month and how far the same forecast missed at earlier, placebo launches.

    values: shape (n,), one per month, NaN where a month has none. The forecast is the least-squares line through the months before the
    launch. Every earlier month with at least :data:`LEAST_HISTORY` values before it is a placebo launch: the line through what came
    before it is carried on to the real launch, and its errors are kept by how many months ahead they are. The half width h months
    ahead is Student's t quantile (placebo launches - 1) times the root mean square of those errors, never less than it was for fewer
    months ahead; beyond the months ahead with :data:`LEAST_PLACEBOS` errors it stays as wide as it was last. Before the launch it is
    that of one month ahead.

    A single month should lie in the band in about `level` of all months if the launch changed nothing; many months are read at once,
    so one outside proves nothing, a run of them says more. A series that never moved has a band without width. Errors of neighbouring
    placebo launches hang together, so the level is approximate. Raises ValueError for a launch outside 0 … n or infinite values.
    Sources: Abadie, Diamond and Hainmueller 2010, Journal of the American Statistical Association 105, 493–505 (placebo dates);
    Tashman 2000, International Journal of Forecasting 16, 437–450 (rolling forecast origins)."""
    check_level(level)
    y = np.asarray(values, dtype=np.float64)
    if y.ndim != 1 or np.isinf(y).any():
        raise ValueError("values must have shape (n,) and hold no infinity")
    if not 0 <= launch <= len(y):
        raise ValueError(f"launch must be between 0 and the number of months, {len(y)}; not {launch}")
    month = np.arange(len(y), dtype=float)
    none = np.full(len(y), np.nan)
    known = np.isfinite(y)
    if known[:launch].sum() < LEAST_HISTORY:
        return PlaceboBand(none, none.copy(), none.copy(), 0)
    trend = _line(month[:launch], y[:launch], month)
    errors: list[list[float]] = [[] for _ in range(launch)]
    for at in range(launch):
        if known[:at].sum() >= LEAST_HISTORY:
            missed = y[at:launch] - _line(month[:at], y[:at], month[at:launch])
            for ahead, error in enumerate(missed):
                if np.isfinite(error):
                    errors[ahead].append(float(error))
    widths: list[float] = []
    for found in errors:
        if len(found) < LEAST_PLACEBOS:
            break
        width = float(np.sqrt(np.mean(np.square(found))) * stats.t.isf((1 - level) / 2, len(found) - 1))
        widths.append(max(width, widths[-1]) if widths else width)
    if not widths:
        return PlaceboBand(trend, none, none.copy(), 0)
    months_ahead = np.clip(np.arange(len(y)) - launch, 0, len(widths) - 1)
    half = np.asarray(widths)[months_ahead]
    return PlaceboBand(trend, trend - half, trend + half, len(errors[0]))


def _line(x: FloatArray, y: FloatArray, at: FloatArray) -> FloatArray:
    """The least-squares line through the finite points, at `at`."""
    known = np.isfinite(y)
    a, b = numbers(x[known], "x"), numbers(y[known], "y")
    middle = a - a.mean()
    squares = float(middle @ middle)
    slope = float(middle @ b) / squares if squares > 0 else 0.0
    return np.asarray(b.mean() + slope * (at - a.mean()))
