"""Where the rule (M-4) and the ledger disagree, why, and which input or decision would reconcile them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from kaanalysis.analyses.ledger import LINES, PATHS, Outcome, expected_npv, expected_payoff
from kaanalysis.analyses.ledger_lines import discount_factors
from kaanalysis.analyses.path_rule import agreement
from kaanalysis.analyses.uncertain_inputs import Array, Input, Inputs
from kaanalysis.analyses.verdicts import figures_wanted
from kaanalysis.policy import Policy
from kaanalysis.results import Finding, Number
from kaanalysis.stats import fit_means, natural_spline, normal_scores
from kaanalysis.stats.inputs import normal_quantile

_INSIDE, _REACH = normal_quantile(0.9), normal_quantile(0.99)
_GRID = np.linspace(-_REACH, _REACH, 1031)
_LEVER_DRAWS, _LEVER_POINTS = 512, 9
_COLUMNS = [
    "kind",
    "input",
    "origin",
    "unit",
    "now",
    "low",
    "high",
    "at",
    "distance",
    "inside",
    "lead_now",
    "lead_low",
    "lead_high",
]


def lead(payoff: Array, path: int) -> Array:
    """What the path brings more than the best of the others, per row: below 0 where it is not the best. payoff: (n, paths)."""
    return np.asarray(payoff[:, path] - np.delete(payoff, path, axis=1).max(axis=1))


def nearest_turn(places: Array, leads: Array, start: float, wanted: bool) -> float | None:
    """The place nearest to `start` at which the lead has the wanted sign (at or above 0 if `wanted`), by linear interpolation between
    neighbours; `start` itself where it has; None where no place has."""
    now = float(np.interp(start, places, leads))
    if (now >= 0) == wanted:
        return start
    crossings = [
        float(places[i] - leads[i] * (places[i + 1] - places[i]) / (leads[i + 1] - leads[i]))
        for i in range(len(places) - 1)
        if (leads[i] >= 0) != (leads[i + 1] >= 0)
    ]
    return min(crossings, key=lambda c: abs(c - start), default=None)


def _belief_row(item: Input, values: Array, payoff: Array, path: int, wanted: bool) -> tuple[object, ...]:
    def basis(z: Array) -> Array:
        return np.hstack([np.ones((len(z), 1)), natural_spline(z)])

    scores = normal_scores(values)[:, 0]
    # Read at the scores that the draws have at these values: an input that cannot pass its own value has half of them at one place.
    known, first = np.unique(values, return_index=True)
    seen = np.interp(item.at(_GRID), known, scores[first])
    leads = lead(basis(seen) @ fit_means(basis(scores), payoff), path)
    turn = nearest_turn(_GRID, leads, 0.0, wanted)
    low, high = (float(v) for v in item.at(np.array([-_INSIDE, _INSIDE])))
    at = None if turn is None else float(item.at(np.array([turn]))[0])
    middle, *ends = (float(v) for v in np.interp([0.0, -_INSIDE, _INSIDE], _GRID, leads))
    inside = turn is not None and abs(turn) <= _INSIDE
    return ("belief", item.name, item.origin, item.unit, item.value, low, high, at, turn, inside, middle, *ends)


def _lever_rows(path: str, best: str, x: Mapping[str, Array], policy: Policy, wanted: bool) -> list[tuple[object, ...]]:
    """Policy values that management decides on, one at a time through their ranges, on the first points of the Sobol sequence."""
    some = {name: values[:_LEVER_DRAWS] for name, values in x.items()}
    months, rate, place = policy["ledger.horizon_months"], policy["ledger.discount_rate"], PATHS.index(path)
    rows: list[tuple[object, ...]] = []
    for name in dict.fromkeys(("ledger.horizon_months", "ledger.discount_rate", f"{path}.sellers", f"{best}.sellers")):
        threshold = policy.threshold(name)
        if threshold.range is None:
            continue
        now, (low, high) = float(threshold.value), threshold.range
        grid = np.unique(np.append(np.linspace(low, high, _LEVER_POINTS), now))
        if name == "ledger.horizon_months":
            grid = np.unique(np.round(grid))

        def mean_lead(value: float, name: str = name) -> float:
            world = {**some, name: np.array([value])} if name in some else some
            length = round(value) if name == "ledger.horizon_months" else months
            made = expected_npv(world, length, value if name == "ledger.discount_rate" else rate)
            return float(lead(made.mean(axis=0, keepdims=True), place)[0])

        leads = np.array([mean_lead(v) for v in grid])
        turn = nearest_turn(grid, leads, now, wanted)
        distance = None if turn is None else (turn - now) / (high - low)
        ends = float(np.interp(now, grid, leads)), leads[0], leads[-1]
        rows.append(
            ("decision", name, "policy", threshold.unit, now, low, high, turn, distance, turn is not None, *ends)
        )
    return rows


def reconcile_frame(inputs: Inputs, x: Mapping[str, Array], payoff: Array, path: str, policy: Policy) -> pd.DataFrame:
    """One row per uncertain input and per decision, nearest first within its kind.

    kind (belief, decision), input, origin, unit, now (its value), low, high (90 % belief, or range of the policy), at: the nearest value at
    which the rule's path becomes the best in expectation, or, where it is the best already, stops being so (None: at none); distance: to
    there, of a belief in its own standard deviations (normal scores; searched to ±2.58), of a decision as a share of its range;
    inside: whether it lies within low … high; lead_now, lead_low, lead_high: what the path brings more than the best other at now,
    low and high.

    A belief is moved with the others at what is expected given it (the mean by regression on one sample, which dependence is in); a
    decision with all beliefs as they are."""
    place = PATHS.index(path)
    means = payoff.mean(axis=0)
    wanted = int(means.argmax()) != place
    best = PATHS[int(means.argmax())] if wanted else PATHS[int(np.argsort(-means, kind="stable")[1])]
    rows = [
        _belief_row(item, x[item.name], payoff, place, wanted)
        for item in inputs.items
        if item.uncertain and np.ptp(x[item.name]) > 0
    ]
    rows += _lever_rows(path, best, x, policy, wanted)
    made = pd.DataFrame(rows, columns=_COLUMNS)
    order = made["distance"].astype(float).abs().fillna(np.inf)
    # Of those that never turn it, the one that comes nearest in money first.
    side = made[["lead_low", "lead_high"]].max(axis=1) * (-1 if wanted else 1)
    made = made.assign(order=order, side=side).sort_values(["kind", "order", "side"], kind="stable", ignore_index=True)
    return made.drop(columns=["order", "side"])


def difference_frame(outcomes: Mapping[str, Outcome], one: str, other: str, rate: float) -> pd.DataFrame:
    """Which lines of the ledger make the difference of two paths: one, other, line, amount (expected present value of the line in `one`
    minus that in `other`), largest first. The amounts add up to the difference of the expected net present values."""
    rows = []
    for line in LINES:
        values = [outcomes[p].lines[line] for p in (one, other)]
        factor = discount_factors(len(values[0]), rate)
        rows.append((one, other, line, float((values[0] - values[1]) @ factor)))
    made = pd.DataFrame(rows, columns=["one", "other", "line", "amount"])
    return made.sort_values("amount", key=lambda a: -a.abs(), kind="stable", ignore_index=True)


def judge(frame: pd.DataFrame, agree: bool) -> tuple[str, pd.Series | None]:
    """Key and row of what would reconcile the rule and the ledger, or part them where they agree.

    Disagreement: ``inside``: an input, within its 90 % belief; ``beyond``: one, but outside; ``nothing``: none. Agreement: ``turns``: an
    input within its belief would part them; ``holds``: none does alone. Wrong if several inputs are off together: each is moved alone."""
    beliefs = frame[(frame["kind"] == "belief") & frame["at"].notna()]
    first = beliefs.iloc[0] if len(beliefs) else None
    if agree:
        return ("turns", first) if first is not None and first["inside"] else ("holds", None)
    return ("nothing", None) if first is None else ("inside" if first["inside"] else "beyond", first)


def whole_sellers(lever: pd.Series, policy: Policy) -> dict[str, str]:
    """Terms for a number of sellers that reconciles: `persons`, whole ones beyond the turn, and `decision` ``sellers``, or ``same_size``
    where it is within a tenth of the size of the other path that `like` names. Nothing for other decisions."""
    path, _, setting = str(lever["input"]).rpartition(".")
    if setting != "sellers":
        return {}
    at = float(lever["at"])
    whole = int(np.ceil(at) if at > float(lever["now"]) else np.floor(at))
    near = [p for p in PATHS if p != path and abs(at - policy[f"{p}.sellers"]) <= 0.1 * policy[f"{p}.sellers"]]
    said = {"decision": "same_size", "like": near[0]} if near else {"decision": "sellers"}
    return {**said, "persons": str(whole)}


def _turn(name: str, row: pd.Series, n: int, method: str) -> Number:
    """Where a row of :func:`reconcile_frame` turns, as a number; without an interval, which a root of one regression has none of."""
    return Number(name, str(row["input"]), float(row["at"]), None, None, None, n, str(row["unit"]), method)


def find(
    rule: Finding, outcomes: Mapping[str, Outcome], inputs: Inputs, x: Mapping[str, Array], policy: Policy
) -> tuple[list[Number], dict[str, str], dict[str, pd.DataFrame]]:
    """Numbers and terms for M-4 and the frames ``reconcile`` and ``difference``; nothing where the rule names no path."""
    if rule.reason not in PATHS:
        return [], {}, {}
    payoff = expected_payoff(outcomes)
    order = [PATHS[i] for i in np.argsort(-payoff.mean(axis=0), kind="stable")]
    best, agree = order[0], order[0] == rule.reason
    terms = {"best": best, **agreement(rule, best, policy)}
    undecided = terms["money"] == "open"  # nothing to reconcile where the rule leaves the ledger's path open
    frame = reconcile_frame(inputs, x, payoff, rule.reason, policy)
    key, row = judge(frame, agree)
    numbers = []
    if not undecided:
        terms["reconcile"] = key
    if row is not None and not undecided:
        terms["input"] = str(row["input"])
        method = "value of one input at which the best path in expectation changes, regression"
        numbers.append(_turn("reconciled_at", row, len(payoff), method))
    frames = {}
    if figures_wanted():
        frames["reconcile"] = frame
        other = order[1] if agree else rule.reason
        difference = difference_frame(outcomes, best, other, policy["ledger.discount_rate"])
        frames["difference"] = difference
        terms["line"] = str(difference["line"].iloc[0])
    levers = frame[(frame["kind"] == "decision") & frame["at"].notna()]
    if not agree and not undecided and len(levers):
        lever = levers.iloc[0]
        terms |= {"decision": "found", "lever": str(lever["input"]), **whole_sellers(lever, policy)}
        method = "policy value at which the best path in expectation changes, beliefs as they are"
        numbers.append(_turn("decided_at", lever, _LEVER_DRAWS, method))
    return numbers, terms, frames
