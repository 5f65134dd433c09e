"""What to find out before deciding on a path, and what it is worth (M-4.4)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from kaanalysis.aggregates import ALL
from kaanalysis.analyses.studies import by_setting, by_study, origin_of, study_of
from kaanalysis.analyses.uncertain_inputs import Array, Inputs
from kaanalysis.analyses.verdicts import figures_wanted, number
from kaanalysis.policy import Policy
from kaanalysis.results import Number
from kaanalysis.stats import (
    Estimate,
    expected_value_of_partial_information,
    expected_value_of_perfect_information,
    expected_value_of_sample,
)

PILOT_SIZES = (1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 100)
# Inputs that no expected value uses: what a regression finds in them is of others, correlated with them.
PROXIES = ("deal_variation",)
NAMED = 3  # studies that a number is made for
_COLUMNS = ["kind", "name", "study", "origin", "inputs", "evppi", "low", "high", "level", "share", "n"]


def information_frame(inputs: Inputs, x: Mapping[str, Array], payoff: Array, evpi: Estimate, seed: int) -> pd.DataFrame:
    """One row per study and per setting, largest first within its kind: kind (study, input), name, study it belongs to, origin (data,
    policy, both), inputs (how many), evppi with its interval, share of the value of perfect information, n (draws)."""
    rows = []
    kinds = {"study": by_study(inputs), "input": by_setting(inputs)}
    kinds["input"] = {name: columns for name, columns in kinds["input"].items() if name not in PROXIES}
    if not figures_wanted():
        del kinds["input"]
    for kind, groups in kinds.items():
        for name, columns in groups.items():
            values = np.column_stack([x[inputs.items[i].name] for i in columns])
            worth = expected_value_of_partial_information(payoff, values, evpi.level, seed)
            share = float(worth.value or 0) / evpi.value if evpi.value else 0.0
            study = name if kind == "study" else study_of(name)
            origin = origin_of(inputs, columns)
            rows.append(
                (
                    kind,
                    name,
                    study,
                    origin,
                    len(columns),
                    worth.value,
                    worth.low,
                    worth.high,
                    worth.level,
                    share,
                    worth.n,
                )
            )
    made = pd.DataFrame(rows, columns=_COLUMNS)
    order = {"study": 0, "input": 1}
    return made.sort_values(
        ["kind", "evppi"], key=lambda c: c.map(order) if c.name == "kind" else -c, kind="stable", ignore_index=True
    )


def pilot_frame(x: Mapping[str, Array], payoff: Array, level: float, seed: int) -> pd.DataFrame:
    """What closing so many more key-account deals before deciding would be worth through their wins and losses: deals, evsi, low, high,
    level, n (draws)."""
    found = expected_value_of_sample(payoff, x["success"], PILOT_SIZES, level, seed=seed)
    rows = [(m, e.value, e.low, e.high, e.level, e.n) for m, e in zip(PILOT_SIZES, found, strict=True)]
    return pd.DataFrame(rows, columns=["deals", "evsi", "low", "high", "level", "n"])


def waiting_cost(payoff: Array, months: float, rate: float) -> float:
    """What the best path loses in expected net present value if it begins `months` later and its whole horizon
    with it (were the end to stay where it is, waiting would cost more): 0 or more; 0 where no path is expected to
    gain."""
    return max(float(payoff.mean(axis=0).max()), 0.0) * (1 - (1 + rate) ** (-months / 12))


def judge(worth: pd.DataFrame, evpi: Estimate, cost: float) -> str:
    """Whether to look before deciding. ``decide``: knowing everything is worth less than waiting for a study costs (the whole interval
    below); ``no_study``: no single study is worth it; ``look``: the best study is, with its whole interval; ``open``: none of these.

    Wrong if a study takes longer than the policy says, costs much itself, or tells less than everything about its inputs; or if the belief
    that the ledger states is too narrow: who is too sure finds information worthless."""
    if evpi.high is not None and evpi.high <= cost:
        return "decide"
    studies = worth[worth["kind"] == "study"]
    if not len(studies) or float(studies["high"].max()) < cost:
        return "no_study"
    return "look" if float(studies["low"].iloc[0]) > cost else "open"


def find(
    inputs: Inputs, x: Mapping[str, Array], payoff: Array, policy: Policy, currency: str
) -> tuple[list[Number], dict[str, str], dict[str, pd.DataFrame]]:
    """Numbers and terms for M-4.4 and the frames ``information`` and ``pilot_value``. payoff: (draws, paths), expected net present values
    in the draws x of the inputs."""
    seed, rate = policy["evidence.seed"], policy["ledger.discount_rate"]
    evpi = expected_value_of_perfect_information(payoff)
    worth = information_frame(inputs, x, payoff, evpi, seed)
    studies = worth[worth["kind"] == "study"].head(NAMED)
    cost = waiting_cost(payoff, policy["ledger.study_months"], rate)
    method = "expected value of partial perfect information, regression, cross-fitted"
    numbers = []
    for r in studies.to_dict("records"):
        value, low, high, level = (float(r[c]) for c in ("evppi", "low", "high", "level"))
        numbers.append(
            number("evppi", str(r["name"]), Estimate(value, low, high, level, int(r["n"]), method), currency)
        )
    method = "expected gain of the best path, begun later by the length of a study, its whole horizon moved with it"
    delay = policy["ledger.study_months"]
    numbers.append(Number("waiting_cost", ALL, cost, None, None, None, len(payoff), currency, method, delay))
    terms = {"information": judge(worth, evpi, cost)}
    if len(studies):
        terms["study"] = str(studies["name"].iloc[0])
    frames = {"information": worth}
    if figures_wanted() and "success" in x:
        frames["pilot_value"] = pilot_frame(x, payoff, evpi.level, seed)
    return numbers, terms, frames
