"""Uncertain inputs that hang together: marginals by value and interval, dependence by the correlation of their normal scores."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special

from kaanalysis.stats.copula import check_correlation, dependent_scores, sobol_scores
from kaanalysis.stats.inputs import normal_quantile

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Input:
    """An uncertain input. low, high: the `level` interval it is believed to lie in; origin: ``data`` or ``policy``; scale:
    ``log`` (amounts, times, multiples), ``logit`` (shares), ``linear``, ``linear_share`` (shares whose lower limit is 0, which has no log
    odds to speak of). low = high: known, or a decision.

    On the linear scales a wide interval's normal law reaches beyond what can be. No value is drawn below 0 where the interval says that
    there are none (low at or above 0), and no share above 1: what lies beyond is drawn as the limit itself."""

    name: str
    value: float
    low: float
    high: float
    level: float
    unit: str
    origin: str
    scale: str

    @property
    def uncertain(self) -> bool:
        return self.high > self.low

    def at(self, z: npt.ArrayLike) -> Array:
        """Values at normal scores: a split normal on the input's scale through low, value and high."""
        z = np.asarray(z, dtype=np.float64)
        if not self.uncertain:
            return np.full_like(z, self.value)
        forward, back = _SCALES[self.scale]
        tiny = 1e-6 * max(abs(self.value), abs(self.high), 1e-6)
        middle, low, high = (
            float(forward(np.array(max(v, tiny) if self.scale == "log" else v)))
            for v in (self.value, self.low, self.high)
        )
        reach = normal_quantile(self.level)
        spread = np.where(z < 0, (middle - low) / reach, (high - middle) / reach)
        made = np.asarray(back(middle + spread * z), dtype=np.float64)
        if not self.scale.startswith("linear") or self.low < 0:
            return made
        return np.clip(made, 0.0, 1.0 if self.scale == "linear_share" else np.inf)

    def quantile(self, u: npt.ArrayLike) -> Array:
        """Values of the input at the probabilities `u`, as :meth:`at` of their normal scores."""
        return self.at(special.ndtri(np.clip(u, 1e-9, 1 - 1e-9)))


def _logit(x: Array) -> Array:
    x = np.clip(x, 1e-6, 1 - 1e-6)
    return np.log(x / (1 - x))


_SCALES: Mapping[str, tuple[Callable[[Array], Array], Callable[[Array], Array]]] = {
    "log": (np.log, np.exp),
    "logit": (_logit, lambda y: 1 / (1 + np.exp(-y))),
    "linear": (lambda x: x, lambda y: y),
    "linear_share": (lambda x: x, lambda y: y),
}


@dataclass(frozen=True)
class Inputs:
    """All inputs of the ledger. correlation: (d, d), of their normal scores, in the order of the items; identity where independent.
    ValueError for a correlation that is none or names that repeat."""

    items: tuple[Input, ...]
    correlation: Array

    def __post_init__(self) -> None:
        check_correlation(self.correlation, len(self.items))
        if len(set(self.names)) != len(self.items):
            raise ValueError(f"names of inputs must differ; not {', '.join(self.names)}")

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(item.name for item in self.items)

    def frame(self) -> pd.DataFrame:
        """One row per input: input, value, low, high, level, unit, origin."""
        rows = [(i.name, i.value, i.low, i.high, i.level, i.unit, i.origin) for i in self.items]
        return pd.DataFrame(rows, columns=["input", "value", "low", "high", "level", "unit", "origin"])

    def correlations(self) -> pd.DataFrame:
        """One row per pair of uncertain inputs that are not independent: first, second, correlation (of their normal scores)."""
        varied = [i for i, item in enumerate(self.items) if item.uncertain]
        pairs = [(i, j) for i in varied for j in varied if i < j and abs(self.correlation[i, j]) > 1e-6]
        rows = [(self.items[i].name, self.items[j].name, float(self.correlation[i, j])) for i, j in pairs]
        return pd.DataFrame(rows, columns=["first", "second", "correlation"])


def at_normal_scores(inputs: Inputs, z: npt.ArrayLike) -> dict[str, Array]:
    """Values of the inputs at *dependent* normal scores, (n, d) in the order of the items: name → (n,)."""
    scores = np.asarray(z, dtype=np.float64)
    if scores.ndim != 2 or scores.shape[1] != len(inputs.items):
        raise ValueError(f"z must have the shape (n, {len(inputs.items)}); not {scores.shape}")
    return {item.name: item.at(scores[:, i]) for i, item in enumerate(inputs.items)}


def draw_inputs(inputs: Inputs, draws: int, seed: int) -> dict[str, Array]:
    """One value per input and draw, (draws,) each, from one scrambled Sobol sequence over all inputs, through the copula."""
    independent = sobol_scores(draws, len(inputs.items), seed)
    return at_normal_scores(inputs, dependent_scores(independent, inputs.correlation))
