"""Which of several places have fallen furthest below what was expected of them: the expectation-based scan over all subsets."""

from __future__ import annotations

from dataclasses import dataclass
from math import comb
from typing import Any

import numpy as np

from kaanalysis.stats.inputs import IntArray, numbers

FEW_PLACES = 5  # up to so many every subset has the same weight


@dataclass(frozen=True)
class FallenSubset:
    """members: indices of the places chosen, those furthest below first; score: log likelihood ratio (0: nothing lies below); hypotheses:
    what a p-value of the chosen subset is to be multiplied with, so that the choice is paid for."""

    members: IntArray
    score: float
    hypotheses: int


def fallen_subset(observed: Any, expected: Any) -> FallenSubset:
    """The subset of places whose counts together lie furthest below expectation, by the likelihood ratio of Poisson counts.

    observed, expected: shape (places,), counts 0 or more and their expectations above 0. Score of a subset with sums C and B:
    C log(C / B) + B − C where C < B, else 0. The best subset holds the places with the smallest ratios, so only as many subsets as places
    are tried, and no other subset of the 2^places scores higher (linear-time subset scanning). Where no place lies below, all are
    returned with score 0. hypotheses, by Bonferroni over all subsets: their number, 2^places − 1, up to five places; beyond, places ×
    (number of subsets as large), which gives every size the same weight and does not drown small ones. Raises ValueError for unequal
    lengths, negative counts and expectations not above 0.
    Source: Neill 2012, Journal of the Royal Statistical Society B 74, 337–360.
    """
    count = numbers(observed, "observed")
    base = numbers(expected, "expected", len(count))
    if (count < 0).any() or (base <= 0).any():
        raise ValueError("observed must be 0 or more and expected above 0")
    places = len(count)
    if not places:
        return FallenSubset(np.zeros(0, dtype=np.int64), 0.0, 1)
    order = np.argsort(count / base, kind="stable")
    c, b = np.cumsum(count[order]), np.cumsum(base[order])
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(c > 0, c * np.log(c / b), 0.0) + b - c
    scores = np.where(c < b, ratio, 0.0)
    size = int(scores.argmax()) + 1 if scores.max() > 0 else places
    hypotheses = 2**places - 1 if places <= FEW_PLACES else places * comb(places, size)
    return FallenSubset(order[:size].astype(np.int64), float(scores[size - 1]), hypotheses)
