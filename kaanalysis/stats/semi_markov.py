"""A process of steps as a semi-Markov model: chance of a target by a horizon, and what relieving one step would gain.

From each step a case passes to another step, is won, or is lost, after a time whose distribution may be anything. Within a step
the competing ways out are estimated by Aalen–Johansen from the moment of entering, cases still inside are censored. The
steps are then put together by convolution. Assumes that the time and the way out of a step do not depend on how the case came there
(Howard 1971, "Dynamic Probabilistic Systems", vol. 2; Pyke 1961).

Convolutions are done in the frequency domain, so loops (rework) need no special care; a damping factor keeps what lies beyond
the transform's length from wrapping around.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Waves = npt.NDArray[np.complex128]
_DAMPING = 1e-9  # what wraps around once is this much smaller than what it wraps onto


@dataclass(frozen=True)
class StepCounts:
    """Departures by cluster of cases.

    steps: names, in the order of the flow. moves: (from, to) with `to` a step, ``won`` or ``lost``.
    events: (clusters, moves, horizon + 1), departures per day since entering; leaves: (clusters, steps, horizon + 1), all
    departures, censored ones included (last day holds everything later); arrivals: (clusters, steps, horizon + 1), cases by the day since
    entering from which they are under observation (0 unless they enter late); starts: (clusters, steps).
    """

    steps: tuple[str, ...]
    moves: tuple[tuple[str, str], ...]
    events: Array
    leaves: Array
    arrivals: Array
    starts: Array

    @property
    def clusters(self) -> int:
        return len(self.starts)


def count_steps(
    step: Sequence[str],
    following: Sequence[str | None],
    days: npt.ArrayLike,
    first: npt.ArrayLike,
    cluster: Sequence[object],
    horizon: int,
    *,
    order: Sequence[str],
    entry: npt.ArrayLike | None = None,
    most_clusters: int = 400,
) -> StepCounts:
    """Count departures of cases from steps.

    step, following (None = still inside), days (whole, >= 0), first (True on a case's first step), cluster: one entry per stay
    in a step. order: the steps in flow order. entry: days since entering the step at which observation began (late entry; a stay that
    ended before it must not be in the data). Beyond `most_clusters` clusters, whole clusters are joined into that many
    groups by hash order, which keeps cases of one cluster together and memory bounded.
    """
    if horizon < 1:
        raise ValueError(f"horizon must be at least 1 day; not {horizon}")
    days = np.asarray(days, dtype=np.int64)
    if days.size and days.min() < 0:
        raise ValueError(f"days must not be negative; row {int(days.argmin())} is {days.min()}")
    index = {s: i for i, s in enumerate(order)}
    names = sorted({str(c) for c in cluster})
    groups = {c: i % most_clusters for i, c in enumerate(names)}
    size = min(len(names), most_clusters)
    group = np.array([groups[str(c)] for c in cluster], dtype=np.int64)
    row = np.array([index[s] for s in step], dtype=np.int64)
    missing = [f is None or f != f for f in following]
    pairs = sorted(
        {(s, str(f)) for s, f, m in zip(step, following, missing, strict=True) if not m},
        key=lambda p: (index[p[0]], index.get(p[1], 10**6), p[1]),
    )
    move_index = {p: i for i, p in enumerate(pairs)}
    move = np.array(
        [-1 if m else move_index[(s, str(f))] for s, f, m in zip(step, following, missing, strict=True)], dtype=np.int64
    )
    events = np.zeros((size, len(pairs), horizon + 1))
    leaves = np.zeros((size, len(order), horizon + 1))
    arrivals = np.zeros((size, len(order), horizon + 1))
    starts = np.zeros((size, len(order)))
    seen = (move >= 0) & (days <= horizon)
    np.add.at(events, (group[seen], move[seen], days[seen]), 1.0)
    late = np.zeros(len(days), dtype=np.int64) if entry is None else np.asarray(entry, dtype=np.int64)
    if (late > days).any():
        raise ValueError(f"entry must not lie after the end of a stay; row {int((late > days).argmax())} does")
    within = late <= horizon
    np.add.at(arrivals, (group[within], row[within], late[within]), 1.0)
    np.add.at(leaves, (group[within], row[within], np.minimum(days, horizon)[within]), 1.0)
    is_first = np.asarray(first, dtype=bool)
    np.add.at(starts, (group[is_first], row[is_first]), 1.0)
    return StepCounts(tuple(order), tuple(pairs), events, leaves, arrivals, starts)


def sub_distributions(counts: StepCounts, weights: Array) -> tuple[Array, Array]:
    """Aalen–Johansen sub-distribution of each move, per day since entering the step, and where cases start.

    weights: multiplicity per cluster, (draws, clusters). Returns (draws, moves, horizon + 1), whose sum over days is the chance to leave
    that way by the horizon, and (draws, steps), the share of cases that start in each step.
    """
    draws, days = len(weights), counts.events.shape[2]
    events = (weights @ counts.events.reshape(counts.clusters, -1)).reshape(draws, -1, days)
    leaves = (weights @ counts.leaves.reshape(counts.clusters, -1)).reshape(draws, -1, days)
    arrivals = (weights @ counts.arrivals.reshape(counts.clusters, -1)).reshape(draws, -1, days)
    starts = weights @ counts.starts
    gone = np.concatenate([np.zeros((*leaves.shape[:2], 1)), np.cumsum(leaves, axis=2)[:, :, :-1]], axis=2)
    at_risk = np.cumsum(arrivals, axis=2) - gone
    row = np.array([counts.steps.index(a) for a, _ in counts.moves], dtype=np.int64)
    below = at_risk[:, row]
    hazard = np.divide(events, below, out=np.zeros_like(events), where=below > 0)
    total = np.zeros_like(at_risk)
    for m, r in enumerate(row):
        total[:, r] += hazard[:, m]
    survival = np.cumprod(1.0 - np.minimum(total, 1.0), axis=2)
    before = np.concatenate([np.ones((*survival.shape[:2], 1)), survival[:, :, :-1]], axis=2)
    return hazard * before[:, row], starts / np.maximum(starts.sum(axis=1, keepdims=True), 1e-300)


@dataclass(frozen=True)
class FlowEstimate:
    """won: chance of the target within the horizon, per case (draws,). relief: what it would rise by if that step's losses fell to
    the benchmark (draws, steps). lost, passed: share of the cases entering a step that is lost from it, that goes on (draws, steps)."""

    won: Array
    relief: Array
    lost: Array
    passed: Array


def transform_size(horizon: int) -> tuple[int, Array]:
    """(length of the transform for days 0 … horizon, damping factor per day)."""
    length = 1 << int(np.ceil(np.log2(2 * (horizon + 1))))
    return length, _DAMPING ** (np.arange(horizon + 1) / length)


def way_out_shares(counts: StepCounts, kernel: Array, loss: str = "lost") -> tuple[Array, Array]:
    """Share of the cases entering each step that is lost from it, that goes on, within the kernel's days: shapes (draws, steps)."""
    mass = kernel.sum(axis=2)
    lost, passed = np.zeros((len(kernel), len(counts.steps))), np.zeros((len(kernel), len(counts.steps)))
    for m, (source, goal) in enumerate(counts.moves):
        (lost if goal == loss else passed)[:, counts.steps.index(source)] += mass[:, m]
    return lost, passed


def transition_waves(counts: StepCounts, kernel: Array, target: str = "won", loss: str = "lost") -> tuple[Waves, Waves]:
    """Transforms of a kernel (draws, moves, horizon + 1): of the moves between steps (draws, steps, steps, f) and of those to the target
    (draws, steps, f)."""
    length, damp = transform_size(kernel.shape[2] - 1)
    steps = len(counts.steps)
    index = {s: i for i, s in enumerate(counts.steps)}
    spectrum = np.fft.rfft(kernel * damp, n=length, axis=2)
    matrix = np.zeros((len(kernel), steps, steps, spectrum.shape[2]), dtype=np.complex128)
    to_target = np.zeros((len(kernel), steps, spectrum.shape[2]), dtype=np.complex128)
    for m, (source, goal) in enumerate(counts.moves):
        if goal == target:
            to_target[:, index[source]] += spectrum[:, m]
        elif goal != loss:
            matrix[:, index[source], index[goal]] += spectrum[:, m]
    return matrix, to_target


def solve_flow(matrix: Waves, to_target: Waves, starts: Array) -> tuple[Waves, Waves, Waves]:
    """reach = (I - Q)^-1 q, visits = starts (I - Q)^-1 and the diagonal of (I - Q)^-1, per frequency: shapes (draws, steps, f)."""
    steps = matrix.shape[1]
    if not any(np.any(matrix[:, i, j]) for i in range(steps) for j in range(i + 1)):
        # No way leads back, so substitution in flow order solves the system without an inverse.
        reach, visits = to_target.copy(), np.broadcast_to(starts[:, :, None].astype(complex), to_target.shape).copy()
        for i in range(steps - 1, -1, -1):
            for j in range(i + 1, steps):
                reach[:, i] += matrix[:, i, j] * reach[:, j]
        for j in range(steps):
            for i in range(j):
                visits[:, j] += visits[:, i] * matrix[:, i, j]
        return reach, visits, np.ones_like(reach)
    inverse = np.linalg.inv(np.eye(steps) - np.moveaxis(matrix, 3, 1))
    reach = np.einsum("dfij,djf->dif", inverse, to_target)
    visits = np.einsum("di,dfij->djf", starts, inverse)
    return reach, visits, np.moveaxis(np.diagonal(inverse, axis1=2, axis2=3), 2, 1)


def estimate_flow(
    counts: StepCounts, benchmark_pass: float, weights: Array | None = None, *, target: str = "won", loss: str = "lost"
) -> FlowEstimate:
    """Chance of the target within the horizon and the relief of every step.

    benchmark_pass: a relieved step loses at most ``1 - benchmark_pass`` of its cases; what it loses less goes on along the step's
    own ways, in their own time. A step that loses no more than the benchmark has relief 0. weights: multiplicity per cluster,
    (draws, clusters); all clusters once where None.
    """
    weights = np.ones((1, counts.clusters)) if weights is None else np.asarray(weights, dtype=np.float64)
    kernel, starts = sub_distributions(counts, weights)
    lost, passed = way_out_shares(counts, kernel, loss)
    length, damp = transform_size(kernel.shape[2] - 1)
    matrix, to_target = transition_waves(counts, kernel, target, loss)
    horizon = kernel.shape[2] - 1
    reach, visits, returns = solve_flow(matrix, to_target, starts)

    def by_horizon(wave: Waves) -> Array:
        return (np.fft.irfft(wave, n=length, axis=-1)[..., : horizon + 1] / damp).sum(axis=-1)

    spare = lost - np.minimum(lost, 1.0 - benchmark_pass)
    gain = np.divide(spare, passed, out=np.zeros_like(spare), where=passed > 1e-12)[:, :, None]
    # Only one row of Q changes, so Sherman–Morrison gives each relieved flow from the one solution.
    relief = by_horizon(visits * gain * reach / (1.0 - gain * (returns - 1.0)))
    return FlowEstimate(
        by_horizon(np.einsum("di,dif->df", starts, reach)), np.where(gain[:, :, 0] > 0, relief, 0.0), lost, passed
    )


def cluster_draws(counts: StepCounts, draws: int, seed: int) -> Iterator[Array]:
    """Multiplicities of whole clusters drawn with replacement, in chunks of (up to 64, clusters), `draws` in all."""
    generator = np.random.default_rng(seed)
    for begin in range(0, draws, 64):
        picks = generator.integers(0, counts.clusters, size=(min(64, draws - begin), counts.clusters))
        yield np.array([np.bincount(p, minlength=counts.clusters) for p in picks], dtype=np.float64)


def draw_reliefs(counts: StepCounts, benchmark_pass: float, draws: int, seed: int) -> Array:
    """Reliefs under resampling of whole clusters, (draws, steps)."""
    return np.concatenate(
        [estimate_flow(counts, benchmark_pass, weights).relief for weights in cluster_draws(counts, draws, seed)]
    )


def median_time(counts: StepCounts, move: tuple[str, str], weights: Array) -> Array:
    """Days by which half of those who leave by `move` within the horizon have left, per draw; NaN where nobody leaves that way."""
    if move not in counts.moves:
        return np.full(len(weights), np.nan)
    grown = np.cumsum(sub_distributions(counts, weights)[0][:, counts.moves.index(move)], axis=1)
    half = np.argmax(grown >= grown[:, -1:] / 2, axis=1).astype(float)
    return np.where(grown[:, -1] > 0, half, np.nan)
