"""How many times as likely with as without, within strata, where units come in clusters and some are censored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from kaanalysis.stats.estimate import Estimate, Significance
from kaanalysis.stats.inputs import FloatArray, check_level, flags, labels, numbers

METHOD = "Mantel–Haenszel risk ratio, delete-one-cluster jackknife on the log scale"


def _parts(tables: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(numerator, denominator) of tables of shape (…, strata, 4): events with, units with, events without, units without."""
    with_events, with_units, events, units = np.moveaxis(tables, -1, 0)
    both = (with_units > 0) & (units > 0)
    size = np.where(both, with_units + units, 1.0)
    weigh = np.where(both, 1 / size, 0.0)
    return (with_events * units * weigh).sum(axis=-1), (events * with_units * weigh).sum(axis=-1)


@dataclass(frozen=True)
class _Ratio:
    """value: the risk ratio; error: of its logarithm, None where it cannot be told, for the reason."""

    value: float | None
    error: float | None
    clusters: int
    n: int
    reason: str


def _ratio(event: Any, exposed: Any, strata: Any, clusters: Any) -> _Ratio:
    happened = numbers(event, "event")
    with_it = flags(exposed, "exposed", len(happened))
    stratum, names = labels(strata, "strata", len(happened))
    cluster, _ = labels(clusters, "clusters", len(happened))
    if not len(happened):
        return _Ratio(None, None, 0, 0, "")
    sides = [np.bincount(stratum[side], minlength=len(names)) for side in (with_it, ~with_it)]
    used = ((sides[0] > 0) & (sides[1] > 0))[stratum]
    n = int(used.sum())
    if not n:
        return _Ratio(None, None, 0, 0, "; no stratum with both")
    happened, with_it, stratum = happened[used], with_it[used], stratum[used]
    cluster, groups = labels(cluster[used].tolist(), "clusters", n)
    tables = np.zeros((len(groups), len(names), 4))
    for place, (side, weight) in enumerate(
        ((with_it, happened), (with_it, np.ones(n)), (~with_it, happened), (~with_it, np.ones(n)))
    ):
        np.add.at(tables[..., place], (cluster[side], stratum[side]), weight[side])
    whole = tables.sum(axis=0)
    above, below = (float(x) for x in _parts(whole))
    if below <= 0:
        return _Ratio(None, None, 0, n, "; no event without it")
    ratio = max(above, 0.0) / below
    if ratio == 0 or len(groups) < 3:
        return _Ratio(ratio, None, len(groups), n, "")
    left_above, left_below = _parts(whole - tables)
    if (left_above <= 0).any() or (left_below <= 0).any():
        return _Ratio(ratio, None, len(groups), n, "; all hangs on one cluster")
    logs = np.log(left_above / left_below)
    k = len(groups)
    error = float(np.sqrt((k - 1) / k * ((logs - logs.mean()) ** 2).sum()))
    if error <= 1e-12:
        return _Ratio(ratio, None, k, n, "; clusters do not vary")
    return _Ratio(ratio, error, k, n, "")


def clustered_risk_ratio(event: Any, exposed: Any, strata: Any, clusters: Any, *, level: float = 0.95) -> Estimate:
    """The risk of units with an exposure divided by that of units without, common to all strata: 0 or more; 1: equal risks.

    ``event``: shape (n,), 1 or 0, or pseudo-values of an incidence (which may lie a little outside), so that censored units enter;
    ``exposed``: true or false; ``strata``, ``clusters``: one label per unit, none missing. The value is Mantel and Haenszel's; strata
    where all or none are exposed say nothing, and ``n`` counts the units in the others. The interval is the delete-one-cluster
    jackknife of its logarithm with Student's t on clusters - 1 degrees of freedom, clusters counted among those units: it allows for
    customers with several deals, which Greenland and Robins' variance (:func:`mantel_haenszel_relative_risk`) does not.

    Value None where no stratum holds both or nothing happens without the exposure; limits None with fewer than three clusters, where
    nothing happens with it, or where all hangs on one cluster. Raises ValueError for missing or unequally long input.
    Sources: Mantel and Haenszel 1959; Greenland and Robins 1985; Efron and Tibshirani 1993, chapter 11; Andersen, Klein and Rosthøj 2003.
    """
    check_level(level)
    found = _ratio(event, exposed, strata, clusters)
    if found.value is None or found.error is None:
        return Estimate(found.value, None, None, level, found.n, METHOD + found.reason)
    reach = float(stats.t.isf((1 - level) / 2, found.clusters - 1)) * found.error
    return Estimate(
        found.value, found.value * float(np.exp(-reach)), found.value * float(np.exp(reach)), level, found.n, METHOD
    )


def clustered_risk_test(event: Any, exposed: Any, strata: Any, clusters: Any) -> Significance:
    """Whether the risk ratio of :func:`clustered_risk_ratio` is 1: Student's t of its logarithm over its jackknife error on
    clusters - 1 degrees of freedom, two-sided, so that p < 1 - level just where the interval at that level leaves out 1. p None where that
    interval has no limits. ``n`` and what raises: as there."""
    found = _ratio(event, exposed, strata, clusters)
    if found.value is None or found.error is None:
        return Significance(None, None, found.n, METHOD + found.reason)
    t = float(np.log(found.value)) / found.error
    return Significance(t, 2 * float(stats.t.sf(abs(t), found.clusters - 1)), found.n, METHOD)
