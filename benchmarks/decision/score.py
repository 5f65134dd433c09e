"""Scores of predicted chances, spans and recommendations, with intervals that resample companies: all that is said of a company, its three
paths and all its futures, hangs together."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kaanalysis.analyses.ledger import PATHS

Array = npt.NDArray[np.float64]
EDGES = (0.0, 0.05, 0.2, 0.4, 0.6, 0.8, 0.95, 1.0)
RESAMPLES, LEVEL = 2000, 0.95
Judged = Mapping[str, Sequence[Mapping[str, Any]]]  # world → its companies, as judge() gives them


@dataclass(frozen=True)
class Chances:
    """Predicted chances and how often what they are about came true, (n,) each; company: which company said so."""

    predicted: Array
    frequency: Array
    company: npt.NDArray[np.int64]

    def pick(self, which: npt.NDArray[np.bool_]) -> Chances:
        return Chances(self.predicted[which], self.frequency[which], self.company[which])


def chances(judged: Judged, name: str, real: str, paths: Sequence[str] = PATHS) -> Chances:
    """The number `name` (or several in a list) of every company and path against the share of futures `real`."""
    rows, at = [], 0
    for companies in judged.values():
        for made in companies:
            for path in paths:
                told, found = (np.atleast_1d(v) for v in (made["paths"][path][name], made["paths"][path]["real"][real]))
                rows += [(p, f, at) for p, f in zip(told, found, strict=True)]
            at += 1
    predicted, frequency, company = (np.array(column) for column in zip(*rows, strict=True))
    return Chances(predicted, frequency, company)


def interval(values: Callable[[Array], float], company: npt.NDArray[np.int64], seed: int = 1) -> tuple[float, float]:
    """Percentile interval of `values` (of the rows' weights) over resamples of companies."""
    _, place = np.unique(company, return_inverse=True)
    count, generator = int(place.max()) + 1, np.random.default_rng(seed)
    drawn = [values(w[place].astype(float)) for w in generator.multinomial(count, np.full(count, 1 / count), RESAMPLES)]
    low, high = np.nanquantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def mean_with_interval(values: Array, company: npt.NDArray[np.int64]) -> tuple[float, float, float]:
    low, high = interval(lambda w: float(w @ values / w.sum()), company)
    return float(values.mean()), low, high


@dataclass(frozen=True)
class Bin:
    """Predictions between two edges: how many, of how many companies, their mean, how often it came true with its interval."""

    low: float
    high: float
    n: int
    companies: int
    predicted: float
    frequency: float
    interval: tuple[float, float]


def reliability(held: Chances) -> list[Bin]:
    """Reliability table (Murphy and Winkler 1977): predicted chance by bin against the frequency; empty bins left out."""
    made = []
    place = np.clip(np.searchsorted(EDGES, held.predicted, side="left") - 1, 0, len(EDGES) - 2)
    for i, (low, high) in enumerate(itertools.pairwise(EDGES)):
        some = held.pick(place == i)
        if len(some.predicted):
            value, *limits = mean_with_interval(some.frequency, some.company)
            count = len(np.unique(some.company))
            made.append(
                Bin(low, high, len(some.predicted), count, float(some.predicted.mean()), value, (limits[0], limits[1]))
            )
    return made


def brier(predicted: npt.ArrayLike, frequency: npt.ArrayLike) -> Array:
    """Brier score (1950) of each prediction over its futures: mean of (p − 1)² where it came true and p² where not. 0 best, 1 worst."""
    p, f = np.asarray(predicted, float), np.asarray(frequency, float)
    return np.asarray(f * (1 - p) ** 2 + (1 - f) * p**2)


def brier_scores(held: Chances) -> dict[str, tuple[float, float, float]]:
    """`score`; `climatology`: of one chance for all, how often it came true over all; `skill`: 1 − score / climatology (1 perfect, 0 no
    better than that one chance, below it worse); `limit`: the skill of who knows every company's true frequency."""

    def climate(w: Array) -> float:
        base = w @ held.frequency / w.sum()
        return float(w @ brier(np.full(len(w), base), held.frequency) / w.sum())

    mine, perfect = brier(held.predicted, held.frequency), brier(held.frequency, held.frequency)
    scores: dict[str, Callable[[Array], float]] = {
        "score": lambda w: float(w @ mine / w.sum()),
        "climatology": climate,
        "skill": lambda w: 1 - float(w @ mine / w.sum()) / max(climate(w), 1e-12),
        "limit": lambda w: 1 - float(w @ perfect / w.sum()) / max(climate(w), 1e-12),
    }
    ones = np.ones(len(mine))
    return {name: (value(ones), *interval(value, held.company)) for name, value in scores.items()}


def coverage(companies: Sequence[Mapping[str, Any]], path: str, name: str) -> tuple[float, float, float, int] | None:
    """Share of futures within the predicted span, its interval, and how many companies gave a span; None where none did."""
    found = [made["paths"][path]["real"]["within"][name] for made in companies]
    told = np.array([f for f in found if f is not None], float)
    if not len(told):
        return None
    return *mean_with_interval(told, np.arange(len(told))), len(told)


def named_by_money(made: Mapping[str, Any]) -> str:
    """The path with the best mean of expected net present values."""
    return max(PATHS, key=lambda p: float(made["paths"][p]["expected"]))


STAGED, NOTHING = "staged", "nothing"


def named_within(made: Mapping[str, Any], chance: float) -> str:
    """The path with the best mean of expected net present values among those predicted to break the agreed loss with at most that chance;
    nothing where none is."""
    held = [p for p in PATHS if made["paths"][p]["p_breach"] <= chance]
    return max(held, key=lambda p: float(made["paths"][p]["expected"])) if held else NOTHING


def named_staged(made: Mapping[str, Any]) -> str:
    """Staging where 04 calls it a gain, else the path with the best mean of expected net present values."""
    return STAGED if made["staged"]["stage"] == "gain" else named_by_money(made)


def regrets(companies: Sequence[Mapping[str, Any]], worth: Mapping[str, float]) -> dict[str, Array]:
    """What is lost against the best, by company, for what is named by the rule, by the money, by the money or staging, and always the same.
    worth: the expected net present value where the data inputs are known, of each path and of `staged` (part-time first, split by the
    fixed rule); doing nothing is worth 0 and may be the best."""
    best = max(*worth.values(), 0.0)
    chosen = {
        "rule": [made["rule"][1] for made in companies],
        "money": [named_by_money(made) for made in companies],
        "money or staged": [named_staged(made) for made in companies],
        **{f"always {p}": [p] * len(companies) for p in worth},
    }
    out = {who: np.array([best - worth[p] for p in paths]) for who, paths in chosen.items()}
    return out | {"always nothing": np.full(len(companies), best)}


@dataclass(frozen=True)
class Capped:
    """Choices under the agreed loss. breaks: share of companies whose path breaks it in more futures than agreed; lost: by company, against
    the best path that keeps it (below 0: won by breaking it); nothing: share of companies told to do nothing."""

    breaks: float
    lost: Array
    nothing: float


def capped(
    companies: Sequence[Mapping[str, Any]], worth: Mapping[str, float], chance: float
) -> tuple[str, dict[str, Capped]]:
    """The best path among those (and nothing) that break the agreed loss in at most the share `chance` of all futures, and how the rule,
    the money, and the money within the agreed loss do against it."""
    broken = {p: float(np.mean([made["paths"][p]["real"]["breach"] for made in companies])) for p in PATHS} | {
        NOTHING: 0.0
    }
    value = {p: worth[p] for p in PATHS} | {NOTHING: 0.0}
    best = max((p for p in value if broken[p] <= chance), key=lambda p: value[p])
    chosen = {
        "rule": [made["rule"][1] for made in companies],
        "money": [named_by_money(made) for made in companies],
        "money within the loss": [named_within(made, chance) for made in companies],
    }
    return best, {
        who: Capped(
            float(np.mean([broken[p] > chance for p in paths])),
            np.array([value[best] - value[p] for p in paths]),
            float(np.mean([p == NOTHING for p in paths])),
        )
        for who, paths in chosen.items()
    }
