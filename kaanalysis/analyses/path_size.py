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

_COLUMNS = ["sellers", "path", "mean", "low", "high", "p_best", "n"]


def size_frame(x: Mapping[str, npt.ArrayLike], policy: Policy) -> pd.DataFrame:
    """Number of sellers × path: `mean`, `low` and `high` (5 % and 95 % of the draws) of the net present value expected over the chance of
    single deals, `p_best`, `n` draws. sellers: each path's own number in turn, for all paths alike; one of 0 is left out."""
    rows: list[tuple[object, ...]] = []
    for sellers in sorted({float(policy[f"{path}.sellers"]) for path in PATHS} - {0.0}):
        alike = {**x, **{f"{path}.sellers": np.array([sellers]) for path in PATHS}}
        payoff = expected_npv(alike, policy["ledger.horizon_months"], policy["ledger.discount_rate"])
        best = probability_best(payoff)
        for i, path in enumerate(PATHS):
            low, high = np.quantile(payoff[:, i], [0.05, 0.95])
            rows.append((sellers, path, float(payoff[:, i].mean()), low, high, best[i].value, len(payoff)))
    return pd.DataFrame(rows, columns=_COLUMNS)


def find(x: Mapping[str, npt.ArrayLike], payoff: Array, policy: Policy) -> tuple[dict[str, str], pd.DataFrame]:
    """Terms and the frame of :func:`size_frame`. payoff: (draws, 3) with the paths' own numbers of sellers.

    Term `size`: stays where the path that leads at the own sizes, in expectation, leads at each common size too; turns where with as
    many sellers as it has another leads (`same_size` names that one); mixed where it leads at its own size alone, or not at all of the
    others. Wrong where a number of sellers would change more than the lines it multiplies: how one manages twelve part-time sellers."""
    leader = PATHS[int(np.argmax(payoff.mean(axis=0)))]
    frame = size_frame(x, policy)
    if frame.empty:
        return {}, frame
    ahead = frame.loc[frame.groupby("sellers")["mean"].idxmax()].set_index("sellers")["path"]
    at_its_size = str(ahead.get(float(policy[f"{leader}.sellers"]), leader))
    if at_its_size != leader:
        return {"size": "turns", "same_size": at_its_size}, frame
    return {"size": "stays" if bool((ahead == leader).all()) else "mixed"}, frame
