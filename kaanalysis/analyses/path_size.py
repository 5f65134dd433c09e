"""04: how much of a path's lead is its size? The paths again, with the same number of sellers each.

A path is a way to organise, its number of sellers a decision of its own. The policy gives the paths different ones, so a path may
bring more only because more people work on it. Here every path is given the sellers of each path in turn, all else as it is: who
leads then leads by the way it is organised.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from kaanalysis.analyses.ledger import PATHS, Array, expected_npv
from kaanalysis.policy import Policy
from kaanalysis.stats import probability_best

_COLUMNS = ["sellers", "path", "mean", "low", "high", "p_best", "n", "rival", "lead", "lead_error", "ahead"]
ERRORS = 2.0  # standard errors of the paired difference within which two paths are level: the usual 95 %
EVEN = 0.05  # how far from one half the share of draws ahead may be for the two to be level


def size_frame(x: Mapping[str, npt.ArrayLike], policy: Policy) -> pd.DataFrame:
    """Number of sellers × path: `mean`, `low` and `high` (5 % and 95 % of the draws) of the net present value expected over the chance of
    single deals, `p_best`, `n` draws; against `rival`, the best of the others in expectation: `lead` (mean of the paired difference),
    `lead_error` (its standard error over the draws), `ahead` (share of the draws above it). sellers: each path's own number in turn,
    for all paths alike; one of 0 is left out."""
    rows: list[tuple[object, ...]] = []
    for sellers in sorted({float(policy[f"{path}.sellers"]) for path in PATHS} - {0.0}):
        alike = {**x, **{f"{path}.sellers": np.array([sellers]) for path in PATHS}}
        payoff = expected_npv(alike, policy["ledger.horizon_months"], policy["ledger.discount_rate"])
        best = probability_best(payoff)
        for i, path in enumerate(PATHS):
            low, high = np.quantile(payoff[:, i], [0.05, 0.95])
            others = [j for j in range(len(PATHS)) if j != i]
            rival = max(others, key=lambda j: float(payoff[:, j].mean()))
            gap = payoff[:, i] - payoff[:, rival]
            error = float(gap.std(ddof=1)) / np.sqrt(len(gap)) if len(gap) > 1 else np.inf
            rows.append((sellers, path, float(payoff[:, i].mean()), low, high, best[i].value, len(payoff), PATHS[rival],
                         float(gap.mean()), error, float((gap > 0).mean())))  # fmt: skip
    return pd.DataFrame(rows, columns=_COLUMNS)


def standing(row: pd.Series) -> str:
    """``ahead``, ``behind`` or ``level`` with its rival, of a row of :func:`size_frame`: level within :data:`ERRORS` standard errors of the
    paired difference, or where either is ahead in about as many draws (:data:`EVEN`)."""
    if abs(row["lead"]) <= ERRORS * row["lead_error"] or abs(row["ahead"] - 0.5) <= EVEN:
        return "level"
    return "ahead" if row["lead"] > 0 else "behind"


def find(x: Mapping[str, npt.ArrayLike], payoff: Array, policy: Policy) -> tuple[dict[str, str], pd.DataFrame]:
    """Terms and the frame of :func:`size_frame`. payoff: (draws, 3) with the paths' own numbers of sellers.

    Term `size`: stays where the path that leads at the own sizes, in expectation, leads at each common size too; turns where with as
    many sellers as it has another leads; level where there two lead alike (:func:`standing`); mixed where it leads at its own size but at
    that of another path clearly does not; level_other where it leads at its own and at another is only level. `same_size` names the
    other path of turns, level and level_other. Wrong where a number of sellers would change more than the lines it multiplies: how one
    manages twelve part-time sellers."""
    leader = PATHS[int(np.argmax(payoff.mean(axis=0)))]
    frame = size_frame(x, policy)
    if frame.empty:
        return {}, frame
    own = frame[frame["path"] == leader].set_index("sellers")
    stands = {float(size): standing(row) for size, row in own.iterrows()}  # type: ignore[arg-type]
    size = float(policy[f"{leader}.sellers"])
    at_its_size = stands.get(size, "ahead")
    if at_its_size != "ahead":
        said = "level" if at_its_size == "level" else "turns"
        return {"size": said, "same_size": str(own["rival"].loc[size])}, frame
    if "behind" in stands.values():
        return {"size": "mixed"}, frame
    level = [s for s, stood in stands.items() if stood == "level"]
    if level:
        return {"size": "level_other", "same_size": str(own["rival"].loc[level[0]])}, frame
    return {"size": "stays"}, frame
