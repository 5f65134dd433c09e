"""What all analyses share: from interval and threshold to a state, from an estimate to a number, and the search for flips."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from functools import reduce
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats as scipy_stats

from kaanalysis.policy import Policy
from kaanalysis.results import Finding, Flip, Number, State
from kaanalysis.stats import Estimate, bootstrap, clustered_incidence_at, jeffreys, wilson

Judge = Callable[[Policy], list[Finding]]
_ONLY_NUMBERS: ContextVar[bool] = ContextVar("only_numbers", default=False)


@contextmanager
def only_numbers() -> Iterator[None]:
    """Inside this context an analysis gives its states and numbers, the same as ever, but looks for no flips and leaves out frames
    that only figures read: for studies over thousands of companies."""
    token = _ONLY_NUMBERS.set(True)
    try:
        yield
    finally:
        _ONLY_NUMBERS.reset(token)


def figures_wanted() -> bool:
    """Whether frames that only figures read are to be made (not inside :func:`only_numbers`)."""
    return not _ONLY_NUMBERS.get()


def number(
    name: str, segment: str, estimate: Estimate, unit: str, *, scale: float = 1.0, horizon_months: float | None = None
) -> Number:
    """An estimate as a number of a result; `scale` turns its unit (days into months …)."""

    def scaled(value: float | None) -> float | None:
        return None if value is None else value * scale

    return Number(
        name,
        segment,
        scaled(estimate.value),
        scaled(estimate.low),
        scaled(estimate.high),
        estimate.level,
        estimate.n,
        unit,
        estimate.method,
        horizon_months,
    )


def percentile_number(
    name: str, segment: str, value: float | None, draws: npt.ArrayLike, level: float, n: int, unit: str, method: str, *,
    clusters: int | None = None, horizon_months: float | None = None,
) -> Number:  # fmt: skip
    """A number whose interval is the middle `level` of resampled values; no interval where fewer than half of the draws gave one, or
    where all draws are equal (nothing varied, which is no certainty). clusters: how many were resampled; the interval is then
    widened for few of them as in :func:`kaanalysis.stats.bootstrap` (Hesterberg 2015)."""
    array = np.asarray(draws, dtype=np.float64)
    good = array[np.isfinite(array)]
    if value is None or len(good) < max(2, len(array) / 2) or np.ptp(good) == 0:
        return Number(name, segment, value, None, None, level, n, unit, method, horizon_months)
    tail = (1 - level) / 2
    if clusters is not None:
        freedom = max(1, clusters - 1)
        tail = float(scipy_stats.norm.sf(np.sqrt(clusters / freedom) * scipy_stats.t.isf(tail, freedom)))
    low, high = np.quantile(good, [tail, 1 - tail])
    return Number(name, segment, value, float(low), float(high), level, n, unit, method, horizon_months)


def share_of_draws(name: str, segment: str, flags: npt.ArrayLike, method: str) -> Number:
    """The share of resamples or simulated worlds in which something holds, with Wilson's interval for the number of draws (`n`)."""
    array = np.asarray(flags, dtype=bool)
    return number(name, segment, replace(wilson(int(array.sum()), len(array)), method=method), "probability")


def clustered_share(
    name: str,
    segment: str,
    flags: npt.ArrayLike,
    clusters: Sequence[object] | npt.NDArray[np.object_],
    level: float,
    method: str,
) -> Number:
    """A share of units with an interval that is honest about clusters (sellers, customer groups): the delete-one-cluster jackknife of
    :func:`kaanalysis.stats.clustered_incidence_at`, where all is known at once. One cluster, or clusters all alike: Jeffreys."""
    array = np.asarray(flags, dtype=bool)
    outcome = np.where(array, "yes", "no").astype(object)
    estimate = clustered_incidence_at(np.zeros(len(array)), outcome, clusters, "yes", 1.0, level)
    estimate = (
        jeffreys(int(array.sum()), len(array), level) if estimate.low is None else replace(estimate, method=method)
    )
    return number(name, segment, estimate, "share")


def clustered_mean(
    name: str, segment: str, values: np.ndarray, clusters: np.ndarray, policy: Policy, unit: str
) -> Number:
    """A mean with the cluster-bootstrap interval of the policy (Davison and Hinkley 1997, section 3.8)."""
    values = np.asarray(values, dtype=float)
    estimate = bootstrap(
        lambda w: (w @ values) / np.maximum(w.sum(axis=1), 1), clusters, draws=policy["evidence.draws"], seed=policy["evidence.seed"],
        level=policy["evidence.level"], method="mean",
    )  # fmt: skip
    return number(name, segment, estimate, unit)


def difference_of_means(
    values: npt.ArrayLike, first: npt.NDArray[np.bool_], clusters: npt.NDArray[np.object_], policy: Policy, method: str
) -> Estimate:
    """Mean of the units in `first` minus that of the others, with the cluster-bootstrap interval of the policy; a cluster may have units on
    both sides."""
    numbers = np.asarray(values, dtype=np.float64)

    def statistic(weights: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        w = weights.astype(float)
        with np.errstate(invalid="ignore"):
            means = [(w[:, side] @ numbers[side]) / w[:, side].sum(axis=1) for side in (first, ~first)]
        return np.asarray(means[0] - means[1])

    return bootstrap(
        statistic, clusters, draws=policy["evidence.draws"], seed=policy["evidence.seed"], level=policy["evidence.level"], method=method
    )  # fmt: skip


def above(low: float | None, high: float | None, threshold: float) -> State:
    """``supported`` where the whole interval lies above the threshold, ``contradicted`` where it lies below, else ``undecided``."""
    if low is None or high is None:
        return "undecided"
    if low > threshold:
        return "supported"
    return "contradicted" if high < threshold else "undecided"


def below(low: float | None, high: float | None, threshold: float) -> State:
    """The mirror of :func:`above`: supported where the whole interval lies below the threshold."""
    return {"supported": "contradicted", "contradicted": "supported"}.get(above(low, high, threshold), "undecided")  # type: ignore[return-value]


def both(first: State, second: State) -> State:
    """A claim of two parts: supported if both hold, contradicted if one is contradicted, else undecided."""
    if "contradicted" in (first, second):
        return "contradicted"
    return "supported" if first == second == "supported" else "undecided"


def strata_of(frame: pd.DataFrame, *columns: str) -> npt.NDArray[np.object_]:
    """The columns (default: industry and region) of every row as one label; what is not recorded is a stratum of its own."""
    parts = [
        frame[c].astype(object).where(frame[c].notna(), "?").astype(str) for c in columns or ("industry", "region")
    ]
    return reduce(lambda a, b: a + " / " + b, parts).to_numpy(object)


def amount_bands(amount: npt.NDArray[np.float64], bands: int) -> npt.NDArray[np.str_]:
    """Band of every deal by amount, of equally many deals each (ties together); "?" where no amount is on record."""
    known = np.isfinite(amount)
    out = np.full(len(amount), "?", dtype="<U4")
    if known.any():
        borders = np.quantile(amount[known], np.linspace(0, 1, bands + 1)[1:-1])
        out[known] = np.searchsorted(borders, amount[known], side="left").astype(str)
    return out


def seller_clusters(deals: pd.DataFrame) -> tuple[np.ndarray, str]:
    """Sellers as clusters; customer groups where no seller is recorded. A deal without a seller is a cluster of its own."""
    if deals["owner"].notna().any():
        return deals["owner"].fillna("deal " + deals["opportunity_id"].astype(str)).to_numpy(), "seller"
    return deals["account"].to_numpy(), "account"


def find_flips(
    judge: Judge, finding: str, policy: Policy, names: Iterable[str], *, points: int = 24
) -> tuple[Flip, ...]:
    """Move one policy value at a time through its range, the data fixed, and report the nearest value at which the state changes.

    The range is scanned at `points` places and the crossing nearest to the present value is refined by bisection to 1/1000 of
    the range (whole numbers to the number). ``at`` None: the state is the same over the whole range, as far as the scan sees.
    Nothing is looked for inside :func:`only_numbers`.
    """
    if _ONLY_NUMBERS.get():
        return ()
    flips = []
    now_state = next(f for f in judge(policy) if f.id == finding).state
    for name in names:
        threshold = policy.threshold(name)
        assert threshold.range is not None
        low, high = threshold.range
        now, whole = float(threshold.value), isinstance(threshold.value, int)

        def state(value: float, name: str = name, whole: bool = whole) -> str:
            changed = policy.override({name: round(value) if whole else value})
            return next(f for f in judge(changed) if f.id == finding).state

        grid = np.unique(np.round(np.linspace(low, high, points))) if whole else np.linspace(low, high, points)
        best: tuple[float, str] | None = None
        for side in (sorted(g for g in grid if g > now), sorted((g for g in grid if g < now), reverse=True)):
            same = now
            for value in side:
                there = state(float(value))
                if there == now_state:
                    same = float(value)
                    continue
                other, tolerance = float(value), (1.0 if whole else (high - low) / 1000)
                while abs(other - same) > tolerance:
                    middle = float(round((other + same) / 2)) if whole else (other + same) / 2
                    if middle in (other, same):
                        break
                    found = state(middle)
                    if found == now_state:
                        same = middle
                    else:
                        other, there = middle, found
                if best is None or abs(other - now) < abs(best[0] - now):
                    best = (other, there)
                break
        at, to = best if best is not None else (None, None)
        flips.append(Flip(name, threshold.value, at, (low, high), to))  # type: ignore[arg-type]
    return tuple(flips)
