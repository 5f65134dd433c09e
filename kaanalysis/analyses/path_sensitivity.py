"""Which inputs make the paths' values uncertain, and does one path dominate another (M-4.1 … M-4.4)."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pandas as pd

from kaanalysis.analyses.ledger import PATHS, expected_npv
from kaanalysis.analyses.studies import by_setting, origin_of
from kaanalysis.analyses.uncertain_inputs import Array, Inputs, at_normal_scores
from kaanalysis.policy import Policy
from kaanalysis.stats import Estimate, dominance, shapley_effects, variance_shares

DIFFERENCE = "difference"


def best_two(payoff: Array) -> tuple[str, str]:
    """The path with the largest expected net present value and the next."""
    order = np.argsort(-payoff.mean(axis=0), kind="stable")
    return PATHS[order[0]], PATHS[order[1]]


def sensitivity_frame(inputs: Inputs, pair: tuple[str, str], policy: Policy) -> pd.DataFrame:
    """One row per output and setting, largest Shapley effect first: output (a path's expected net present value, or ``difference``),
    one, other (the paths that the difference is of), input (setting, of all paths that have it), origin, and first order, total order
    and Shapley effect, each with its interval (``_low``, ``_high``), level, n (base points). Shares of the output's variance; Shapley
    effects sum to 1 by output."""
    months, rate = policy["ledger.horizon_months"], policy["ledger.discount_rate"]
    base, seed = policy["ledger.sensitivity_base"], policy["evidence.seed"]
    groups = by_setting(inputs)
    uncertain = sorted(i for columns in groups.values() for i in columns)
    place = {column: k for k, column in enumerate(uncertain)}
    parts = [[place[i] for i in columns] for columns in groups.values()]
    one, other = (PATHS.index(p) for p in pair)

    def model(scores: Array) -> Array:
        z = np.zeros((len(scores), len(inputs.items)))
        z[:, uncertain] = scores
        value = expected_npv(at_normal_scores(inputs, z), months, rate)
        return np.column_stack([value, value[:, one] - value[:, other]])

    matrix = inputs.correlation[np.ix_(uncertain, uncertain)]
    shares = variance_shares(model, matrix, parts, base, seed)
    effects = shapley_effects(model, matrix, parts, base, seed)
    rows = []
    for s, output in enumerate((*PATHS, DIFFERENCE)):
        named = pair if output == DIFFERENCE else (output, None)
        for g, (setting, columns) in enumerate(groups.items()):
            three = shares.first[s][g], shares.total[s][g], effects[s][g]
            limits = [v for e in three for v in (e.value, e.low, e.high)]
            rows.append((output, *named, setting, origin_of(inputs, columns), *limits, three[0].level, base))
    measures = [f"{m}{end}" for m in ("first", "total", "shapley") for end in ("", "_low", "_high")]
    made = pd.DataFrame(rows, columns=["output", "one", "other", "input", "origin", *measures, "level", "n"])
    made["order"] = made["output"].map({o: i for i, o in enumerate((*PATHS, DIFFERENCE))})
    made = made.sort_values(["order", "shapley"], ascending=[True, False], kind="stable", ignore_index=True)
    return made.drop(columns="order")


def dominance_frame(npv: Array, payoff: Array, policy: Policy) -> pd.DataFrame:
    """One row per ordered pair of paths: one, other, reading (first, second, almost, none: the strongest that holds), first, second
    (dominance of that order), violation (ε of almost first-order dominance), better (share of draws in which `one` is expected to
    bring more) with low, high, level, n.

    npv: (draws, paths) with the chance of single deals, which is risk as well; payoff: expected over it, as the paths are compared
    elsewhere."""
    rows = []
    for a, b in permutations(range(len(PATHS)), 2):
        law = dominance(npv[:, a], npv[:, b])
        better: Estimate = dominance(payoff[:, a], payoff[:, b]).better
        almost = law.violation is not None and law.violation <= policy["ledger.almost_dominance"]
        reading = "first" if law.first else "second" if law.second else "almost" if almost else "none"
        held = (PATHS[a], PATHS[b], reading, law.first, law.second, law.violation)
        rows.append((*held, better.value, better.low, better.high, better.level, better.n))
    columns = ["one", "other", "reading", "first", "second", "violation", "better", "low", "high", "level", "n"]
    return pd.DataFrame(rows, columns=columns)


def odds_frame(npv: Array) -> pd.DataFrame:
    """Distribution functions of the paths' net present values: path, share (of draws at or below), npv."""
    shares = np.linspace(0.005, 0.995, 199)
    values = np.quantile(npv, shares, axis=0)
    parts = [pd.DataFrame({"path": p, "share": shares, "npv": values[:, i]}) for i, p in enumerate(PATHS)]
    return pd.concat(parts, ignore_index=True)
