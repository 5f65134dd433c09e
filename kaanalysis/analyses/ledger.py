"""The ROI ledger: each path as monthly cash from first spending to last return, for every draw of the uncertain inputs.

What it holds of each path is in :mod:`ledger_lines`, its expected value in :mod:`ledger_value`, the chance of single deals in
:mod:`ledger_chance`; this module is the door to them, and the tables made of them. Inputs: :mod:`ledger_inputs`. Page: docs/ledger.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from kaanalysis.analyses.ledger_chance import Outcome as Outcome
from kaanalysis.analyses.ledger_chance import evaluate as evaluate
from kaanalysis.analyses.ledger_lines import LINES as LINES
from kaanalysis.analyses.ledger_lines import PATHS as PATHS
from kaanalysis.analyses.ledger_lines import RETURNS as RETURNS
from kaanalysis.analyses.ledger_lines import SMB_LOSS as SMB_LOSS
from kaanalysis.analyses.ledger_lines import Array
from kaanalysis.analyses.ledger_lines import path_cash as path_cash
from kaanalysis.analyses.ledger_value import expected_npv as expected_npv


def expected_payoff(outcomes: Mapping[str, Outcome]) -> Array:
    """Net present values expected over the chance of single deals, (draws, 3), in the order of :data:`PATHS`."""
    return np.column_stack([outcomes[path].expected_npv for path in PATHS])


def best_in_expectation(outcomes: Mapping[str, Outcome], among: Sequence[str] = PATHS) -> str:
    """The path with the highest mean of :func:`expected_payoff`, among those named."""
    return max(among, key=lambda path: float(outcomes[path].expected_npv.mean()))


def ledger_frame(outcomes: Mapping[str, Outcome]) -> pd.DataFrame:
    """Long frame: path, month, line (cash, cumulative), mean, median, low, high (5 % and 95 % of the draws), with the chance of single
    deals."""
    frames = []
    for path, outcome in outcomes.items():
        for name, values in (("cash", outcome.cash), ("cumulative", outcome.cumulative)):
            low, middle, high = np.quantile(values, [0.05, 0.5, 0.95], axis=0)
            held = {"path": path, "month": np.arange(values.shape[1]), "line": name, "mean": values.mean(axis=0)}
            frames.append(pd.DataFrame({**held, "median": middle, "low": low, "high": high}))
    return pd.concat(frames, ignore_index=True)


def to_cents(lines: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Amounts (lines, months) as whole cents that add up, in every month, to the cash rounded to the cent: each is rounded down, and the
    cents then missing go to the largest remainders (Hamilton's method). No amount is off by a cent or more."""
    cents = np.asarray(lines, dtype=np.float64) * 100
    floor = np.floor(cents)
    missing = np.rint(cents.sum(axis=0)) - floor.sum(axis=0)
    place = np.argsort(np.argsort(-(cents - floor), axis=0, kind="stable"), axis=0, kind="stable")
    return np.asarray(floor + (place < missing[None, :]), dtype=np.int64)


def lines_frame(outcomes: Mapping[str, Outcome]) -> pd.DataFrame:
    """Expected cash by line: path, month, year (1 the first twelve months), line in ledger order, amount to the cent. In every month the
    amounts add up exactly to the path's expected cash to the cent."""
    frames = []
    for path, outcome in outcomes.items():
        cents = to_cents([outcome.lines[name] for name in LINES])
        month = np.tile(np.arange(cents.shape[1]), len(LINES))
        held = {"path": path, "month": month, "year": month // 12 + 1, "line": np.repeat(LINES, cents.shape[1])}
        frames.append(pd.DataFrame({**held, "amount": cents.ravel() / 100}))
    return pd.concat(frames, ignore_index=True)


def mean_cash(outcome: Outcome) -> Array:
    """Expected cash by month, mean over the draws of the inputs, (months,)."""
    return np.sum([outcome.lines[name] for name in LINES], axis=0)
