"""How near the case is to every border of the path rule (M-4), and what would move it over one: a part of 04 path selection.

The map has four borders: few and some bottlenecks, high and medium fit. Steps and fit have no common scale, so the borders are ranked by
the cloud itself: the nearest is the one that most of the cluster resamples lie beyond. A border counts only where crossing it alone changes
the path; as the rule takes the more demanding of the two, an easier path may take both at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from kaanalysis.analyses.verdicts import share_of_draws
from kaanalysis.policy import Policy
from kaanalysis.results import Number

Rule = Callable[[np.ndarray, np.ndarray, Policy], np.ndarray]


@dataclass(frozen=True)
class Borders:
    """table: one row per border (:func:`find`); numbers, terms: what the sentence of M-4 takes from the nearest that changes the path."""

    table: pd.DataFrame
    numbers: tuple[Number, ...]
    terms: dict[str, str]


def find(
    count: Number, fit: Number, counts: np.ndarray, fits: np.ndarray, policy: Policy, rule: Rule, paths: tuple[str, ...]
) -> Borders:
    """The borders around the case (`count`, `fit`) and its cloud (counts, fits: (resamples,)).

    One row per border in `table`: border (the policy value's name), axis (bottlenecks, fit), at (where it runs; half a step above
    the policy value for bottlenecks), distance (case minus `at`: above 0 where the case is above it), move (more, fewer, higher,
    lower) and need, the least move over it (whole steps, at least 1; fit, 0 where the case lies on it), beyond (share of the
    resamples on the other side than the case; 0: none, 1: all), spreads (the distance in standard deviations of the cloud on
    that axis; NaN where the cloud has none), then (the path after that move alone), now (the case's own path), nearest. Wrong as
    the cloud is wrong: what all resamples share moves no dot over a border.
    """
    steps, level = float(count.value or 0), float(fit.value or 0)
    now = paths[int(rule(np.array([steps]), np.array([level]), policy)[0])]
    known = np.isfinite(fits)
    rows = []
    for name in ("path.few_bottlenecks", "path.some_bottlenecks"):
        limit = float(policy[name])
        above = steps > limit
        to = limit if above else limit + 1
        beyond = counts <= limit if above else counts > limit
        then = int(rule(np.array([to]), np.array([level]), policy)[0])
        move = "fewer" if above else "more"
        rows.append((name, "bottlenecks", limit + 0.5, steps - limit - 0.5, move, abs(to - steps), beyond, paths[then]))
    for name in ("path.high_fit", "path.medium_fit"):
        limit = float(policy[name])
        above = level >= limit
        beyond = fits < limit if above else fits >= limit
        # Just below the border where the case is above it: a fit at the border is still the better one.
        then = int(rule(np.array([steps]), np.array([np.nextafter(limit, 0) if above else limit]), policy)[0])
        move = "lower" if above else "higher"
        rows.append((name, "fit", limit, level - limit, move, abs(level - limit), beyond[known], paths[then]))
    columns = ["border", "axis", "at", "distance", "move", "need", "flags", "then"]
    table = pd.DataFrame(rows, columns=columns)
    shares = [share_of_draws("beyond_border", "KA", f, "share of cluster resamples") for f in table["flags"]]
    spread = {"bottlenecks": float(np.std(counts)), "fit": float(np.std(fits[known])) if known.any() else 0.0}
    widths = np.array([spread[a] for a in table["axis"]])
    table["beyond"] = [float(s.value or 0) for s in shares]
    table["spreads"] = np.divide(
        table["distance"].abs().to_numpy(float), widths, out=np.full(len(table), np.nan), where=widths > 0
    )
    table["now"] = now
    # Where the cloud reaches over no border and varies on no axis, a move counts as a share of the middle cell of its axis.
    middle = {
        "bottlenecks": max(1.0, policy["path.some_bottlenecks"] - policy["path.few_bottlenecks"]),
        "fit": max(0.01, policy["path.high_fit"] - policy["path.medium_fit"]),
    }
    changing = table[table["then"] != now]
    cells = [need / middle[axis] for need, axis in zip(changing["need"], changing["axis"], strict=True)]
    order = changing.assign(cells=np.array(cells, dtype=float)).sort_values(
        ["beyond", "spreads", "cells"], ascending=[False, True, True], kind="stable"
    )
    table["nearest"] = table.index == (order.index[0] if len(order) else -1)
    table = table.drop(columns="flags")
    easier = paths.index(now) > 0 and not (table["then"].map(paths.index) < paths.index(now)).any()
    terms = {"easier": "together"} if easier else {}
    if order.empty:
        return Borders(table, (), terms)
    first = order.iloc[0]
    unit = "bottlenecks" if first["axis"] == "bottlenecks" else "fit"
    measured = count if first["axis"] == "bottlenecks" else fit
    method = "least move over the nearest border"
    need = Number("to_border", "KA", float(first["need"]), None, None, None, measured.n, unit, method)
    return Borders(
        table,
        (need, shares[int(order.index[0])]),
        {"border": str(first["move"]), "beyond": str(first["then"]), **terms},
    )
