"""Kaplan–Meier survival with late entry, and the quantiles read from it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from kaanalysis.stats.estimate import Estimate
from kaanalysis.stats.inputs import FloatArray, check_level, flags, observation
from kaanalysis.stats.risk_table import greenwood_terms, hazard_of, log_log_limits, risk_table

# Products of fractions such as 1/2 end a few units in the last place off; a quantile must not hang on that.
ROUNDING = 1e-12


def kaplan_meier(duration: Any, event: Any, entry: Any = None, level: float = 0.95) -> pd.DataFrame:
    """The product-limit estimate of the share that survives beyond each time.

    ``duration``, ``event``, ``entry``: one value per unit, shape (n,). ``duration`` is the time from the origin to the
    event or to the last moment seen, in any one unit; ``event`` is true where the event was seen, false where the unit
    is censored; ``entry`` is the time from the origin at which observation began (late entry, left truncation; 0 =
    from the origin). At risk at t are the units with entry < t <= duration. Without ``entry`` a duration of 0 is
    allowed; with it, every duration must be longer than its entry.

    Returns one row per distinct time, the first at 0, with the columns ``time`` (unit of the durations), ``at_risk``
    (just before the time; at 0 those observed from the origin), ``events``, ``censored``, ``entered`` (counts at the
    time; those who enter are at risk from just after it; their sum is n), ``survival`` (0 … 1, never rising; 1:
    nothing has happened, 0: the last one at risk had the event), ``se`` (Greenwood; 0 where survival is 0 or 1, which
    is no certainty: read the limits), ``low`` and ``high`` (log-log limits, 0 … 1). Where survival is exactly 1 after
    time 0, ``low`` is Clopper–Pearson's limit for no event among the units then at risk; where it is exactly 0,
    ``high`` stays at its value before the drop. ``attrs["level"]`` holds the level.

    With late entry and few at risk early, an early event can bring the curve to 0 for good; and where nobody was seen
    from the origin, the curve is conditional on surviving to the first entry. Empty input gives the row at 0 alone.

    Raises ValueError for missing, negative or unequally long input, and for durations not longer than their entry.

    Sources: Kaplan and Meier 1958; Greenwood 1926; late entry and log-log limits: Klein and Moeschberger, Survival
    Analysis, 2nd ed. 2003, sections 4.2, 4.3 and 4.6.
    """
    check_level(level)
    length, start = observation(duration, entry)
    happened = flags(event, "event", len(length))
    table = risk_table(length, start, np.where(happened, 0, -1), 1)
    events = table.events[:, 0]
    survival: FloatArray = np.cumprod(1 - hazard_of(events, table.at_risk), dtype=np.float64)
    se: FloatArray = survival * np.sqrt(np.cumsum(greenwood_terms(events, table.at_risk), dtype=np.float64))
    # Those with the event are "known" in competing risks; for survival itself the risk set is what bears witness.
    low, high = log_log_limits(survival, se, table.time, table.at_risk, level)
    curve = pd.DataFrame(
        {
            "time": table.time,
            "at_risk": table.at_risk,
            "events": events,
            "censored": table.censored,
            "entered": table.entered,
            "survival": survival,
            "se": se,
            "low": low,
            "high": high,
        }
    )
    curve.attrs["level"] = float(level)
    return curve


def level_of(curve: pd.DataFrame) -> float:
    """The level that a curve was made with. Raises ValueError where the frame does not carry it."""
    if "level" not in curve.attrs:
        raise ValueError("curve must come from this package's estimator with its attrs; not a frame without a level")
    return float(curve.attrs["level"])


def survival_quantile(curve: pd.DataFrame, probability: float = 0.5, minimum_at_risk: int = 1) -> Estimate:
    """The first time at which survival has fallen to ``probability`` (0.5: the median), in the unit of the curve.

    ``curve`` is what ``kaplan_meier`` gives. The limits are Brookmeyer and Crowley's: the first times at which the
    lower and the upper log-log limit have fallen to ``probability``. Each of the three is ``None`` where the curve does
    not get that far: an unreached upper limit means "unbounded above as far as the data go". Where survival stays at
    exactly ``probability`` for a while the first moment is taken, not the middle (R takes the middle).

    ``minimum_at_risk``: the curve is read only as far as so many are at risk. Beyond, a handful without an event makes a flat tail whose
    limits know nothing of how few they are; a lower limit that lies there is moved back to the end of the part that is read.

    Raises ValueError if ``probability`` does not lie strictly between 0 and 1. Source: Brookmeyer and Crowley 1982.
    """
    if not 0 < probability < 1:
        raise ValueError(f"probability must be between 0 and 1, both excluded; not {probability}")
    level = level_of(curve)
    entered = int(curve["entered"].sum())
    carried = np.flatnonzero(curve["at_risk"].to_numpy() >= minimum_at_risk)
    reached_to = int(carried[-1]) + 1 if len(carried) else 0
    cut, curve = reached_to < len(curve), curve.iloc[:reached_to]
    time = curve["time"].to_numpy(dtype=float)
    # Before the first event the limits are not log-log ones, so that they are no part of Brookmeyer and Crowley's set.
    begun = curve["survival"].to_numpy(dtype=float) < 1

    def first(column: str) -> float | None:
        reached = begun & (curve[column].to_numpy(dtype=float) <= probability + ROUNDING)
        return float(time[reached.argmax()]) if reached.any() else None

    value, low, high = first("survival"), first("low"), first("high")
    method = "Kaplan–Meier quantile, Brookmeyer–Crowley log-log"
    if low is None and cut and len(time):
        low = float(time[-1])  # not fallen so far by then: all that can be said is "later"
    if value is None:
        method += "; not reached" + (f" with {minimum_at_risk} at risk" if cut else "")
    return Estimate(value, low, high, level, entered, method)
