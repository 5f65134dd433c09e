"""A semi-Markov flow with steps relieved: of their losses, of their delay, one or several together.

Relief of losses: a relieved step loses no more than the benchmark allows; what it loses less goes on along the step's own ways, in
their own time. Relief of delay: the times of the cases that pass a relieved step are scaled so that their median is the benchmark;
losses and ways out stay as they are. Both change rows of the flow of :mod:`kaanalysis.stats.semi_markov`, which is then put together
again, so that relieving two steps gives what both bring together: neither losses spared nor days gained add up over steps, since a
case spared at one step can still be lost, or come too late, at the next.

A step's times are scaled as if spread evenly over each day; a factor of 1 changes nothing. One changed row moves the solved flow by a
matrix of rank one (Sherman and Morrison 1950, Annals of Mathematical Statistics 21, 124–127).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kaanalysis.stats.semi_markov import (
    Array,
    StepCounts,
    Waves,
    cluster_draws,
    solve_flow,
    sub_distributions,
    transform_size,
    transition_waves,
    way_out_shares,
)

Flags = npt.NDArray[np.bool_]


def passing_median(counts: StepCounts, kernel: Array, loss: str = "lost") -> Array:
    """Median days in each step of the cases that go on from it, within a day by straight line, shape (draws, steps); NaN where none does.

    kernel: from :func:`sub_distributions`. What takes longer than the kernel's last day is not seen, so give it days enough."""
    found = np.full((len(kernel), len(counts.steps)), np.nan)
    for i, step in enumerate(counts.steps):
        own = [m for m, (source, goal) in enumerate(counts.moves) if source == step and goal != loss]
        grown = np.cumsum(kernel[:, own].sum(axis=1), axis=1)
        half = grown[:, -1:] / 2
        some = half[:, 0] > 0
        day = np.argmax(grown >= half, axis=1)
        rows = np.arange(len(kernel))
        there = grown[rows, day]
        before = np.where(day > 0, grown[rows, np.maximum(day - 1, 0)], 0.0)
        inside = np.divide(half[:, 0] - before, there - before, out=np.ones(len(kernel)), where=there > before)
        found[:, i] = np.where(some, np.where(day == 0, 0.0, day - 1 + inside), np.nan)
    return found


def sped_up(mass: Array, factor: Array, horizon: int) -> Array:
    """Mass per day (draws, moves, days) with every time multiplied by `factor` (draws,), 0 < factor <= 1, as mass per day 0 … horizon."""
    grown = np.cumsum(mass, axis=2)
    last = grown.shape[2] - 1
    place = np.minimum(np.arange(horizon + 1)[None, :] / factor[:, None], last)
    day = np.minimum(place.astype(np.int64), last)
    part = (place - day)[:, None, :]
    here = np.take_along_axis(grown, np.broadcast_to(day[:, None, :], (len(mass), mass.shape[1], horizon + 1)), axis=2)
    after = np.minimum(day + 1, last)[:, None, :]
    there = np.take_along_axis(grown, np.broadcast_to(after, (len(mass), mass.shape[1], horizon + 1)), axis=2)
    return np.diff(here + part * (there - here), axis=2, prepend=0.0)


def _factors(counts: StepCounts, kernel: Array, benchmark_days: float, loss: str) -> Array:
    """What each step's times are multiplied by, (draws, steps): benchmark / median, at most 1."""
    median = passing_median(counts, kernel, loss)
    slow = np.isfinite(median) & (median > benchmark_days)
    return np.where(slow, benchmark_days / np.where(slow, median, 1.0), 1.0)


def _sped_up_kernel(counts: StepCounts, kernel: Array, factors: Array, horizon: int, loss: str) -> Array:
    """The kernel's first days with the times of all passing moves multiplied by their step's factor."""
    made = kernel[:, :, : horizon + 1].copy()
    for i, step in enumerate(counts.steps):
        own = [m for m, (source, goal) in enumerate(counts.moves) if source == step and goal != loss]
        if own and (factors[:, i] < 1).any():
            made[:, own] = sped_up(kernel[:, own], factors[:, i], horizon)
    return made


def _spared_kernel(counts: StepCounts, kernel: Array, which: Flags, benchmark_pass: float, loss: str) -> Array:
    """The kernel with the losses of the steps flagged in `which` (draws, steps) cut to the benchmark."""
    lost, passed = way_out_shares(counts, kernel, loss)
    spare = np.where(which, np.maximum(lost - (1.0 - benchmark_pass), 0.0), 0.0)
    gain = np.divide(spare, passed, out=np.zeros_like(spare), where=passed > 1e-12)
    made = kernel.copy()
    for m, (source, goal) in enumerate(counts.moves):
        i = counts.steps.index(source)
        if goal == loss:
            made[:, m] *= np.divide(
                lost[:, i] - spare[:, i], lost[:, i], out=np.ones(len(kernel)), where=lost[:, i] > 0
            )[:, None]
        else:
            made[:, m] *= 1.0 + gain[:, i, None]
    return made


def won_curve(counts: StepCounts, kernel: Array, starts: Array, target: str = "won", loss: str = "lost") -> Array:
    """Share of cases won by day 0 … horizon since they began, (draws, horizon + 1), of a flow put together from its kernel."""
    matrix, to_target = transition_waves(counts, kernel, target, loss)
    reach, _, _ = solve_flow(matrix, to_target, starts)
    return _cumulative(np.einsum("di,dif->df", starts, reach), kernel.shape[2] - 1)


def _cumulative(wave: Waves, horizon: int) -> Array:
    length, damp = transform_size(horizon)
    return np.asarray(np.cumsum(np.fft.irfft(wave, n=length, axis=-1)[..., : horizon + 1] / damp, axis=-1))


def _flags(counts: StepCounts, steps: Collection[str]) -> Flags:
    if unknown := sorted(set(steps) - set(counts.steps)):
        raise ValueError(f"steps must be among {', '.join(counts.steps)}; not {', '.join(unknown)}")
    return np.array([s in steps for s in counts.steps])


def relieved_curve(
    counts: StepCounts, horizon: int, weights: Array, *, losses: Collection[str] = (), delays: Collection[str] = (),
    benchmark_pass: float, benchmark_days: float, target: str = "won", loss: str = "lost",
) -> Array:  # fmt: skip
    """Share of cases won by day 0 … horizon, (draws, horizon + 1), with the steps in `losses` and `delays` relieved together.

    counts: may reach beyond the horizon, for stays that only relief brings inside it. weights: multiplicity per cluster, (draws, clusters).
    Nothing relieved gives the flow as it is. Raises ValueError for steps that the flow does not have."""
    spared, quick = _flags(counts, losses), _flags(counts, delays)
    kernel, starts = sub_distributions(counts, weights)
    factors = np.where(quick, _factors(counts, kernel, benchmark_days, loss), 1.0)
    made = _sped_up_kernel(counts, kernel, factors, horizon, loss)
    which = np.broadcast_to(spared, (len(made), len(spared)))
    return won_curve(counts, _spared_kernel(counts, made, which, benchmark_pass, loss), starts, target, loss)


def joint_relief(counts: StepCounts, which: Flags, weights: Array, benchmark_pass: float) -> Array:
    """What relieving the losses of all flagged steps together would win, as share of the cases: (draws,). which: (draws, steps)."""
    kernel, starts = sub_distributions(counts, weights)
    spared = _spared_kernel(counts, kernel, which, benchmark_pass, "lost")
    return won_curve(counts, spared, starts)[:, -1] - won_curve(counts, kernel, starts)[:, -1]


@dataclass(frozen=True)
class DelayRelief:
    """gain: rise of the share won by the horizon if that step alone took the benchmark's time (draws, steps), 0 where it takes no longer;
    sooner: days by which today's median win would come sooner (draws, steps), NaN where nothing is won; median: median days of the
    cases that pass (draws, steps)."""

    gain: Array
    sooner: Array
    median: Array


def delay_relief(
    counts: StepCounts, horizon: int, benchmark_days: float, weights: Array | None = None, *, target: str = "won", loss: str = "lost"
) -> DelayRelief:  # fmt: skip
    """Relief of delay of every step by itself.

    Today's median win is the day by which half of the share won by the horizon is won. `sooner` says by how many days the relieved flow
    has won that same share earlier: a quantile of the cumulative incidence (Peng and Fine 2007, Journal of Nonparametric Statistics 19,
    49–65), so that wins which relief adds late do not hide those that it brings early."""
    weights = np.ones((1, counts.clusters)) if weights is None else np.asarray(weights, dtype=np.float64)
    kernel, starts = sub_distributions(counts, weights)
    median = passing_median(counts, kernel, loss)
    factors = _factors(counts, kernel, benchmark_days, loss)
    now = kernel[:, :, : horizon + 1]
    matrix, to_target = transition_waves(counts, now, target, loss)
    quick_matrix, quick_target = transition_waves(
        counts, _sped_up_kernel(counts, kernel, factors, horizon, loss), target, loss
    )
    reach, visits, _ = solve_flow(matrix, to_target, starts)
    curve = _cumulative(np.einsum("di,dif->df", starts, reach), horizon)
    forward = not any(np.any(matrix[:, i, j]) for i in range(len(counts.steps)) for j in range(i + 1))
    inverse = None if forward else np.linalg.inv(np.eye(len(counts.steps)) - np.moveaxis(matrix, 3, 1))
    today = crossing(curve, curve[:, -1] / 2)
    gain, sooner = np.zeros_like(factors), np.where(curve[:, -1:] > 0, np.zeros_like(factors), np.nan)
    for i in range(len(counts.steps)):
        if not (factors[:, i] < 1).any():
            continue
        row = quick_matrix[:, i] - matrix[:, i]
        moved = (row * reach).sum(axis=1) + quick_target[:, i] - to_target[:, i]
        back = 0.0 if inverse is None else np.einsum("djf,dfj->df", row, inverse[:, :, :, i])
        relieved = curve + _cumulative(visits[:, i] * moved / (1.0 - back), horizon)
        gain[:, i] = np.where(factors[:, i] < 1, relieved[:, -1] - curve[:, -1], 0.0)
        sooner[:, i] = today - crossing(relieved, curve[:, -1] / 2)
    return DelayRelief(gain, np.where(factors < 1, sooner, np.where(np.isnan(sooner), np.nan, 0.0)), median)


def crossing(curve: Array, level: Array) -> Array:
    """Day at which each curve (draws, days) reaches its level (draws,), within a day by straight line; NaN where the level is 0 or not
    reached."""
    rows = np.arange(len(curve))
    up = curve >= level[:, None]
    day = np.argmax(up, axis=1)
    there, before = curve[rows, day], curve[rows, np.maximum(day - 1, 0)]
    part = np.divide(level - before, there - before, out=np.ones(len(curve)), where=(there > before) & (day > 0))
    return np.where((level > 1e-12) & up.any(axis=1), np.where(day == 0, 0.0, day - 1 + part), np.nan)


def draw_delay_reliefs(
    counts: StepCounts, horizon: int, benchmark_days: float, draws: int, seed: int
) -> tuple[Array, Array]:
    """(gain, sooner) under resampling of whole clusters, shapes (draws, steps); the same seed draws the same clusters as
    :func:`kaanalysis.stats.semi_markov.draw_reliefs`."""
    made = [delay_relief(counts, horizon, benchmark_days, w) for w in cluster_draws(counts, draws, seed)]
    return np.concatenate([m.gain for m in made]), np.concatenate([m.sooner for m in made])


def draw_joint_reliefs(counts: StepCounts, which: Flags, benchmark_pass: float, draws: int, seed: int) -> Array:
    """:func:`joint_relief` of the steps flagged in each row of `which` (draws, steps), under the same resamples: (draws,). NaN for
    rows with fewer than two steps, which the step's own relief answers already."""
    begin, made = 0, np.full(draws, np.nan)
    for weights in cluster_draws(counts, draws, seed):
        rows = np.flatnonzero(which[begin : begin + len(weights)].sum(axis=1) > 1)
        if len(rows):
            made[begin + rows] = joint_relief(counts, which[begin + rows], weights[rows], benchmark_pass)
        begin += len(weights)
    return made
