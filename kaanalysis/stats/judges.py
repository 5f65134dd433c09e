"""Several judges of the same thing: how far they differ, and what their mean is worth.

One-way random effects: what a judge says of an item is the item's level plus a judge's own error. Judges are anonymous (nobody says
which of them judged what), so a judge who is lenient throughout cannot be told from one who errs item by item.
Sources: Shrout and Fleiss 1979, Psychological Bulletin 86, 420–428 (case 1); Searle, Casella and McCulloch 1992, Variance Components,
section 3.6 (analysis of variance of unbalanced data).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from kaanalysis.stats.inputs import FloatArray, IntArray, labels, numbers


@dataclass(frozen=True)
class Judged:
    """items: their labels, in order of appearance; mean, count: of the judgements of each, shapes (items,). spread: standard deviation of
    judges about one item, in the unit of the levels, 0 = of one mind; None where no item has two judges. freedom: its degrees of
    freedom. between: standard deviation of the items' true levels (0 where their means differ no more than the judges make them; None
    where `spread` is None or there is one item). several: items with two judges or more."""

    items: list[Any]
    mean: FloatArray
    count: IntArray
    spread: float | None
    freedom: int
    between: float | None
    several: int

    @property
    def error(self) -> FloatArray | None:
        """Standard error of every item's mean, shape (items,): spread / √judges; None where the judges' spread cannot be seen."""
        return None if self.spread is None else self.spread / np.sqrt(self.count)

    @property
    def reliability(self) -> float | None:
        """The share of the variance of the items' means that is not judges' disagreement, 0 … 1: intraclass correlation of the mean of
        as many judges as an item has on average (ICC(1, k))."""
        if self.spread is None or self.between is None:
            return None
        noise = float((self.spread**2 / self.count).mean())
        whole = self.between**2 + noise
        return self.between**2 / whole if whole > 0 else None


def judged_items(levels: Any, items: Any) -> Judged:
    """Items with their judges. ``levels``: shape (n,), one judgement each; ``items``: one label per judgement.

    Raises ValueError for missing levels or labels."""
    array = numbers(levels, "levels")
    code, names = labels(items, "items", len(array))
    count = np.bincount(code, minlength=len(names))
    mean = np.bincount(code, weights=array, minlength=len(names)) / np.maximum(count, 1)
    freedom = int((count - 1).sum()) if len(names) else 0
    several = int((count > 1).sum())
    if freedom == 0:
        return Judged(names, mean, count, None, 0, None, several)
    within = float(((array - mean[code]) ** 2).sum()) / freedom
    between = None
    if len(names) > 1:
        square = float((count * (mean - array.mean()) ** 2).sum()) / (len(names) - 1)
        typical = (count.sum() - (count**2).sum() / count.sum()) / (len(names) - 1)
        between = float(np.sqrt(max(0.0, (square - within) / typical)))
    return Judged(names, mean, count, float(np.sqrt(within)), freedom, between, several)
