"""M-4.1 … M-4.3: what does each path bring? From the ROI ledger (:mod:`kaanalysis.analyses.ledger`): intervals there are spans of belief
over inputs, not sampling error.

Two readings of the net present value, and every method says which. What a path *will* bring has the chance of single deals in it: npv and
its span, payback_month, p_gain. Which path is *better* has not: p_best and regret compare values expected over that chance: nobody can
choose luck.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from kaanalysis.analyses.ledger import PATHS, Outcome, expected_payoff
from kaanalysis.analyses.verdicts import find_flips, number, share_of_draws
from kaanalysis.policy import Policy
from kaanalysis.results import Finding, Number, State
from kaanalysis.stats import expected_regret, probability_best

IDS = ("M-4.1", "M-4.2", "M-4.3")
NEEDS = ("team_months.cost", "team_months.sellers", "team_months.bookings", "teams.motion", "opportunities.amount")
FEEDS = dict.fromkeys(IDS, NEEDS)
SPAN = "ledger, median and 90 % span of scrambled Sobol draws; chance of single deals included"
EXPECTED = "expected over the chance of single deals"


def span(name: str, path: str, values: np.ndarray, unit: str, method: str) -> Number:
    good = values[np.isfinite(values)]
    if len(good) < len(values) / 2:  # in most worlds it never happens: there is no middle value to give
        return Number(
            name, path, None, None, None, 0.9, len(values), unit, method + "; not within the horizon in most draws"
        )
    # Worlds in which it never happens lie beyond the horizon, above all others; leaving them out would flatter the path.
    ordered = np.where(np.isfinite(values), values, np.inf)
    low, middle, high = np.quantile(
        ordered, [0.05, 0.5, 0.95], method="linear" if len(good) == len(values) else "inverted_cdf"
    )
    limit = None if np.isinf(high) else float(high)
    return Number(
        name,
        path,
        float(middle),
        float(low),
        limit,
        0.9,
        len(values),
        unit,
        method + ("" if limit is not None else "; upper limit beyond the horizon"),
    )


def _path_numbers(outcomes: Mapping[str, Outcome], currency: str, horizon: int) -> dict[str, list[Number]]:
    payoff = expected_payoff(outcomes)
    best = [replace(e, method=f"{e.method}; {EXPECTED}") for e in probability_best(payoff)]
    regret = [replace(e, method=f"{e.method}; {EXPECTED}") for e in expected_regret(payoff)]
    numbers: dict[str, list[Number]] = {}
    for i, path in enumerate(PATHS):
        npv = span("npv", path, outcomes[path].npv, currency, SPAN)
        numbers[path] = [
            npv,
            span("payback_month", path, outcomes[path].payback, "months", SPAN),
            number("p_best", path, best[i], "probability"),
            number("regret", path, regret[i], currency),
        ]
    return {path: [replace(n, horizon_months=horizon) for n in made] for path, made in numbers.items()}


def judge_economics(outcomes: Mapping[str, Outcome], numbers: dict[str, list[Number]], policy: Policy) -> list[Finding]:
    """M-4.1 … M-4.3: supported if the path earns its cost in at least `ledger.certainty` of the draws, contradicted if it
    fails to in as many.

    Wrong if a spread in the policy is wrong: the ledger knows no more than its inputs."""
    findings = []
    for id, path in zip(("M-4.1", "M-4.2", "M-4.3"), PATHS, strict=True):
        gains = float((outcomes[path].npv > 0).mean())
        state = state_of_share(gains, policy["ledger.certainty"])
        p_gain = share_of_draws(
            "p_gain", path, outcomes[path].npv > 0, "share of draws with npv above 0; chance of single deals included"
        )
        findings.append(Finding(id, f"path_{path}", state, f"pays_{state}", (*numbers[path], p_gain)))
    return findings


def state_of_share(share: float, certainty: float) -> State:
    """Supported where something holds in at least `certainty` of the draws, contradicted where it fails in as many."""
    return "supported" if share >= certainty else "contradicted" if 1 - share >= certainty else "undecided"


def find(outcomes: Mapping[str, Outcome], policy: Policy, currency: str) -> list[Finding]:
    """M-4.1 … M-4.3 with their flips."""
    numbers = _path_numbers(outcomes, currency, policy["ledger.horizon_months"])

    def judge(p: Policy) -> list[Finding]:
        return judge_economics(outcomes, numbers, p)

    return [replace(f, flips=find_flips(judge, f.id, policy, ["ledger.certainty"])) for f in judge(policy)]
