"""Cumulative incidence under competing risks (Aalen–Johansen), read at a horizon, and how far follow-up reaches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from kaanalysis.stats.estimate import Estimate
from kaanalysis.stats.inputs import FloatArray, check_horizon, check_level, observation, outcomes
from kaanalysis.stats.risk_table import greenwood_terms, hazard_of, log_log_limits, risk_table
from kaanalysis.stats.survival import kaplan_meier, level_of

METHOD = "Aalen–Johansen"
BEYOND = "; horizon beyond the last time at risk"


def _variance(incidence: FloatArray, before: FloatArray, events: FloatArray, at_risk: FloatArray,
              greenwood: FloatArray) -> FloatArray:  # fmt: skip
    """The sum over j of the docstring below, its squares multiplied out so that one pass serves all times t."""
    square = np.divide(before**2 * events * (at_risk - events), at_risk**3.0, out=np.zeros(len(events)),
                       where=at_risk > 0)  # fmt: skip
    cross = np.divide(before * events, at_risk**2.0, out=np.zeros(len(events)), where=at_risk > 0)
    first = incidence**2 * np.cumsum(greenwood) - 2 * incidence * np.cumsum(incidence * greenwood)
    last = incidence * np.cumsum(cross) - np.cumsum(incidence * cross)
    total = first + np.cumsum(incidence**2 * greenwood) + np.cumsum(square) - 2 * last
    # Multiplied out, a variance of exactly 0 can end a rounding error below it.
    return np.maximum(total, 0.0)


def cumulative_incidence(
    duration: Any,
    outcome: Any,
    entry: Any = None,
    level: float = 0.95,
    censored: Any = None,
    causes: Sequence[Any] | None = None,
) -> pd.DataFrame:
    """The share that has left by each cause up to each time, all other causes competing.

    ``duration``, ``entry`` as in ``kaplan_meier``; ``outcome``: one cause per unit (strings or integers); None, NaN,
    "" and the label ``censored`` mean censored (a 0 is a cause unless named there). ``causes``: all causes that get
    rows, also those that never occurred; by default those that occur, sorted.

    Returns a long frame, one block per cause and in it one row per distinct time, the first at 0: ``cause``, ``time``,
    ``at_risk``, ``events`` (of the cause), ``incidence`` (0 … 1, never falling; the incidences of all causes and the
    share still open add up to 1), ``se``, ``low``, ``high``. 0: nobody has left by that cause; 1: all have. The limits
    are 1 - (1 - F) ** exp(±z se / ((1 - F) |log(1 - F)|)), so with a single cause they are Kaplan–Meier's log-log ones;
    where F is 0 after time 0, ``high`` is Clopper–Pearson's for none among the units whose state was then known.
    ``attrs``: level, n, last_time, open_share (the share still open after the last time). Empty input: a row at 0 for
    each of ``causes``.

    Variance (delta method over the multinomial steps: Dinse and Larson 1986; Marubini and Valsecchi 1995, 10.2.2;
    equals the Greenwood-type one of Andersen, Borgan, Gill and Keiding 1993, IV.4; with one cause it is Greenwood's):
    sum over t_j <= t of (F(t) - F_j)² d_j / (r_j (r_j - d_j)) + S_(j-1)² k_j (r_j - k_j) / r_j³
    - 2 (F(t) - F_j) S_(j-1) k_j / r_j², where r are at risk, d leave by any cause, k by this one.

    Raises ValueError as ``kaplan_meier``, and where ``causes`` omits one that occurs.
    Sources: Aalen and Johansen 1978; Kalbfleisch and Prentice, 2nd ed. 2002, chapter 8.
    """
    check_level(level)
    length, start = observation(duration, entry)
    code, names = outcomes(outcome, len(length), censored, causes)
    table = risk_table(length, start, code, len(names))
    at_risk = table.at_risk.astype(float)
    left = table.events.sum(axis=1)
    survival = np.cumprod(1 - hazard_of(left, table.at_risk))
    before = np.append(1.0, survival[:-1])
    greenwood = greenwood_terms(left, table.at_risk)
    blocks = []
    for position, name in enumerate(names):
        events = table.events[:, position]
        # Rounding may carry a sum of many small steps a unit in the last place above 1.
        incidence = np.minimum(np.cumsum(before * hazard_of(events, table.at_risk)), 1.0)
        if len(names) == 1:
            incidence = 1 - survival  # the same number, free of the rounding of a sum
        se = np.sqrt(_variance(incidence, before, events.astype(float), at_risk, greenwood))
        low, high = log_log_limits(1 - incidence, se, table.time, table.known, level)
        columns = {"cause": name, "time": table.time, "at_risk": table.at_risk, "events": events}
        blocks.append(pd.DataFrame({**columns, "incidence": incidence, "se": se, "low": 1 - high, "high": 1 - low}))
    wanted = ["cause", "time", "at_risk", "events", "incidence", "se", "low", "high"]
    curve = pd.concat(blocks, ignore_index=True) if blocks else pd.DataFrame({name: [] for name in wanted})
    curve.attrs.update(level=float(level), n=len(length), last_time=float(length.max(initial=0.0)),
                       open_share=float(survival[-1]))  # fmt: skip
    return curve


def incidence_at(curve: pd.DataFrame, cause: Any, horizon: float) -> Estimate:
    """The cumulative incidence of ``cause`` at ``horizon`` (unit of the curve), 0 … 1, from ``cumulative_incidence``.

    None where the horizon lies beyond the last time at risk while some units are still open: what they will do is not
    in the data (``method`` says so); None also for empty input. ``n`` counts all units of the curve, open ones too.
    Raises ValueError for a cause that the curve does not have (pass ``causes`` when making it) and for a horizon not
    above 0.
    """
    check_horizon(horizon)
    level, n = level_of(curve), int(curve.attrs["n"])
    if n == 0:
        return Estimate(None, None, None, level, 0, METHOD + "; no units")
    rows = curve[(curve["cause"] == cause) & (curve["time"] <= horizon)]
    if rows.empty:
        raise ValueError(f"cause must be one of {list(curve['cause'].unique())}; not {cause!r}")
    if horizon > curve.attrs["last_time"] and curve.attrs["open_share"] > 0:
        return Estimate(None, None, None, level, n, METHOD + BEYOND)
    last = rows.iloc[-1]
    return Estimate(last["incidence"], last["low"], last["high"], level, n, METHOD)


def follow_up_share(
    duration: Any, outcome: Any, horizon: float, entry: Any = None, censored: Any = None, level: float = 0.95
) -> Estimate:
    """The share of units whose potential follow-up reaches ``horizon``: had nothing happened, they would be seen then.

    Arguments as in ``cumulative_incidence``. For a closed unit the potential follow-up is not in its duration, so the
    share is the reverse Kaplan–Meier estimate (censoring counts as the event, an outcome as censored) just before the
    horizon. Range 0 … 1. 1: nobody was cut off before the horizon, incidence there is mature; 0: all that had no
    outcome were cut off before it. A low share marks an incidence as immature. None for empty input.

    Raises ValueError as ``cumulative_incidence``. Source: Schemper and Smith 1996.
    """
    check_horizon(horizon)
    length, start = observation(duration, entry)
    code, _ = outcomes(outcome, len(length), censored)
    method = "reverse Kaplan–Meier"
    if len(length) == 0:
        return Estimate(None, None, None, check_level(level), 0, method)
    # Order instead of time: at one moment outcomes come first, then censorings, then entries.
    late = np.isfinite(start)
    time = np.unique(np.concatenate([length, start[late]]))
    order = 3.0 * np.searchsorted(time, length) + np.where(code < 0, 2, 1)
    begin = np.where(late, 3.0 * np.searchsorted(time, start) + 2.5, 0.0)
    curve = kaplan_meier(order, code < 0, begin, level)
    last = curve[curve["time"] < 3.0 * np.searchsorted(time, horizon) + 1].iloc[-1]
    return Estimate(last["survival"], last["low"], last["high"], level, len(length), method)
