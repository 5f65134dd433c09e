"""What relieving delay, or several steps together, would win in a synthetic company: integrated over the kinds of deals, as the relief of
one step's losses is in :mod:`kaanalysis.simulate.truth`."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from scipy import optimize
from scipy.stats import norm

from kaanalysis.simulate.core import Floats
from kaanalysis.simulate.kinds import Kind, averaged, cells, kinds
from kaanalysis.simulate.world import Segment, World


@dataclass(frozen=True)
class DelayTruth:
    """median: days of the deals that pass the step; relief_per_100: wins gained per 100 deals by the horizon if that were the benchmark;
    sooner: days by which the median win by the horizon would come sooner."""

    median: float
    relief_per_100: float
    sooner: float


def _taken(segment: Segment, kind: Kind, extra: bool) -> list[int]:
    """Which steps a deal of a kind goes through."""
    last = len(segment.steps) - 1
    return [
        i for i, s in enumerate(segment.steps) if (extra or not s.above_limit) and (not kind.last_only or i == last)
    ]


def _won_by(segment: Segment, kind: Kind, extra: bool, factor: dict[int, float], horizon: int) -> Floats:
    """P(a won deal of a kind takes at most d days), d = 0 … horizon, with some steps' durations multiplied; days are rounded up."""
    days = np.arange(horizon + 1)
    total = np.zeros(horizon + 1)
    total[0] = 1.0
    for i in _taken(segment, kind, extra):
        step = segment.steps[i]
        cdf = norm.cdf(np.log(np.maximum(days, 1e-9) / (step.days * kind.days * factor.get(i, 1.0))) / step.log_sd)
        total = np.convolve(total, np.diff(cdf, prepend=0.0))[: horizon + 1]
    return np.cumsum(total)


def _curve(world: World, label: str, horizon: int, factor: dict[int, float], spared: Collection[int] = ()) -> Floats:
    """Cumulative incidence of `won` by day, with some steps' durations multiplied and others passing with the benchmark's probability."""
    segment, out = world.segment(label), np.zeros(horizon + 1)
    made: dict[tuple[float, bool, bool], Floats] = {}
    for weight, persons, nodes, table, (kind, extra) in cells(world, segment, kinds(world, label)):
        if kind.lost:
            continue
        for s in spared:
            if s in _taken(segment, kind, extra):
                table[:, :, s] = world.benchmark
        key = (kind.days, extra, kind.last_only)
        if key not in made:
            made[key] = _won_by(segment, kind, extra, factor, horizon)
        out += weight * averaged(persons, nodes, table.prod(axis=2)) * made[key]
    return out


def _passing_median(world: World, label: str, step: int) -> float:
    """Median days in a step over the deals that pass it."""
    segment = world.segment(label)
    one = segment.steps[step]
    paces: dict[float, float] = {}
    for weight, persons, nodes, table, (kind, extra) in cells(world, segment, kinds(world, label)):
        if not kind.lost and step in _taken(segment, kind, extra):
            passing = weight * averaged(persons, nodes, table[:, :, : step + 1].prod(axis=2))
            paces[kind.days] = paces.get(kind.days, 0.0) + passing
    pace, share = np.array(list(paces)), np.array(list(paces.values()))
    ends = one.days * pace.min() * 0.99, one.days * pace.max() * 1.01
    return float(
        optimize.brentq(
            lambda d: share @ norm.cdf(np.log(d / (one.days * pace)) / one.log_sd) / share.sum() - 0.5, *ends
        )
    )


def _reaches(curve: Floats, level: float) -> float:
    """Day at which a curve by day reaches a level, by straight line within the day."""
    return float(np.interp(level, curve, np.arange(len(curve))))


def delay_truth(world: World, label: str, horizon: int, benchmark_days: float) -> dict[str, DelayTruth]:
    """Relief of delay of every step by itself, by step name."""
    now = _curve(world, label, horizon, {})
    out = {}
    for s, step in enumerate(world.segment(label).steps):
        median = _passing_median(world, label, s)
        factor = min(1.0, benchmark_days / median)
        then = now if factor == 1 else _curve(world, label, horizon, {s: factor})
        sooner = _reaches(now, now[-1] / 2) - _reaches(then, now[-1] / 2)
        out[step.name] = DelayTruth(median, 100 * float(then[-1] - now[-1]), sooner)
    return out


def joint_relief_truth(world: World, label: str, horizon: int, steps: Collection[str]) -> float:
    """Wins gained per 100 deals by the horizon if all these steps passed with the benchmark's probability."""
    names = [s.name for s in world.segment(label).steps]
    spared = [names.index(s) for s in steps]
    return 100 * float(_curve(world, label, horizon, {}, spared)[-1] - _curve(world, label, horizon, {})[-1])
