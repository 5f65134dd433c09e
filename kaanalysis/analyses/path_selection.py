"""04 Path selection: which path do bottlenecks and fit ask for (M-4), what does each path bring (M-4.1 … M-4.3), and what does
the way there cost (M-4.4)?

The rule reads the number of bottlenecks and the fit of 03 and takes the more demanding of the two: few and high → part-time, some
or medium → split, many or poor → rebuild. Its cloud are the cluster resamples of 03. The economics come from the ROI
ledger (:mod:`kaanalysis.analyses.ledger`): intervals there are spans of belief over inputs, not sampling error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from kaanalysis import aggregates
from kaanalysis.aggregates import ALL
from kaanalysis.analyses import rule_borders
from kaanalysis.analyses.bottleneck_sets import count_bottlenecks
from kaanalysis.analyses.ledger import PATHS, Input, Outcome, draw_inputs, evaluate, ledger_frame
from kaanalysis.analyses.ledger_inputs import gather_inputs
from kaanalysis.analyses.verdicts import figures_wanted, find_flips, number, share_of_draws
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.results import Finding, Number, Result, State, no_data
from kaanalysis.stats import expected_regret, expected_value_of_perfect_information, probability_best

ID = "04_path_selection"
FEEDS = {
    "M-4": ("stage_history.stage", "capability.level", "accounts.segment"),
    **dict.fromkeys(
        ("M-4.1", "M-4.2", "M-4.3", "M-4.4"),
        ("team_months.cost", "team_months.sellers", "team_months.bookings", "teams.motion", "opportunities.amount"),
    ),
}


def rule(bottlenecks: np.ndarray, fit: np.ndarray, policy: Policy) -> np.ndarray:
    """Index into :data:`PATHS` for each pair: the more demanding of what the bottlenecks and the fit ask for."""
    by_count = np.where(
        bottlenecks <= policy["path.few_bottlenecks"], 0, np.where(bottlenecks <= policy["path.some_bottlenecks"], 1, 2)
    )
    by_fit = np.where(fit >= policy["path.high_fit"], 0, np.where(fit >= policy["path.medium_fit"], 1, 2))
    return np.maximum(by_count, by_fit)


def judge_rule(
    bottlenecks: Number, fit: Number, draws: pd.DataFrame, counts: np.ndarray, policy: Policy
) -> list[Finding]:
    """M-4: the path of the point estimate, supported if at least `path.certainty` of the cloud asks for the same path.

    Wrong if the cloud left something out: judges of capability who all err alike, deals to come that differ from past ones."""
    point = int(rule(np.array([bottlenecks.value]), np.array([fit.value]), policy)[0])
    cloud = rule(counts, draws["fit"].to_numpy(), policy)
    numbers: list[Number] = [bottlenecks, fit]
    for i, path in enumerate(PATHS):
        numbers.append(share_of_draws("p_rule", path, cloud == i, "share of cluster resamples"))
    fits = sorted((policy["path.high_fit"], policy["path.medium_fit"]), key=lambda b: abs(b - float(fit.value or 0)))
    counts_at = sorted(
        (policy["path.few_bottlenecks"] + 0.5, policy["path.some_bottlenecks"] + 0.5),
        key=lambda b: abs(b - float(bottlenecks.value or 0)),
    )
    numbers.append(
        Number(
            "fit_border_distance",
            "KA",
            float(fit.value or 0) - fits[0],
            None,
            None,
            None,
            fit.n,
            "fit",
            "fit minus the nearest border",
        )
    )
    numbers.append(
        Number(
            "bottleneck_border_distance",
            "KA",
            float(bottlenecks.value or 0) - counts_at[0],
            None,
            None,
            None,
            bottlenecks.n,
            "steps",
            "bottlenecks minus the nearest border",
        )
    )
    sure = (
        float((cloud == point).mean()) >= policy["path.certainty"]
        and min(bottlenecks.n, fit.n) >= policy["evidence.minimum_units"]
    )
    return [Finding("M-4", "path_rule", "supported" if sure else "undecided", PATHS[point], tuple(numbers))]


def _rule_finding(sales: Result, policy: Policy) -> tuple[Finding, dict[str, pd.DataFrame]]:
    bottleneck = sales.finding("M-3.6")
    count, fit = bottleneck.number("bottlenecks"), bottleneck.number("fit")
    if count is None or "bottleneck_draws" not in sales.frames:
        return no_data("M-4", "path_rule", bottleneck.needs or ["stage_history.stage"], reason="none"), {}
    if fit is None:
        return no_data("M-4", "path_rule", ["capability.level"], [count], reason="none"), {}
    draws = sales.frames["bottleneck_draws"]
    reliefs = draws[[c for c in draws.columns if c.startswith("relief:")]].to_numpy()
    _, counts = count_bottlenecks(reliefs, policy)
    names = ["path.few_bottlenecks", "path.some_bottlenecks", "path.high_fit", "path.medium_fit"]

    def judge(p: Policy) -> list[Finding]:
        return judge_rule(count, fit, draws, counts, p)

    finding = judge(policy)[0]
    if bottleneck.reason == "too_few":
        finding = replace(finding, state="undecided")

    # A border may change the path without changing the state: for the rule, the path is what must not flip.
    def as_state(p: Policy) -> list[Finding]:
        now = judge(p)[0]
        return [replace(now, state="supported" if now.reason == finding.reason else "contradicted")]

    flips = find_flips(as_state, "M-4", policy, names)
    flips = tuple(
        replace(f, to=None if f.at is None else judge(policy.override({f.policy: f.at}))[0].reason) for f in flips
    )
    severity = bottleneck.number("severity")
    if severity is not None:  # how many steps stand in the way says nothing of what they cost together
        finding = replace(finding, numbers=(*finding.numbers, severity))
    cloud = pd.DataFrame({"bottlenecks": counts, "fit": draws["fit"].to_numpy()})
    borders = rule_borders.find(count, fit, counts, draws["fit"].to_numpy(float), policy, rule, PATHS)
    finding = replace(finding, numbers=(*finding.numbers, *borders.numbers), terms={**finding.terms, **borders.terms})
    frames = {"rule_cloud": cloud.groupby(["bottlenecks", "fit"], as_index=False).size(), "rule_borders": borders.table}
    return replace(finding, flips=flips), frames


def _span(name: str, path: str, values: np.ndarray, unit: str, method: str) -> Number:
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
    payoff = np.column_stack([outcomes[p].npv for p in PATHS])
    method = "ledger, median and 90 % span of scrambled Sobol draws"
    best, regret = probability_best(payoff), expected_regret(payoff)
    numbers: dict[str, list[Number]] = {}
    for i, path in enumerate(PATHS):
        npv = _span("npv", path, outcomes[path].npv, currency, method)
        numbers[path] = [
            npv,
            _span("payback_month", path, outcomes[path].payback, "months", method),
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
        state = _state_of_share(gains, policy["ledger.certainty"])
        p_gain = share_of_draws("p_gain", path, outcomes[path].npv > 0, "share of draws with npv above 0")
        findings.append(Finding(id, f"path_{path}", state, f"pays_{state}", (*numbers[path], p_gain)))
    return findings


def _open_paths(rule_finding: Finding, policy: Policy) -> tuple[str, ...]:
    """Paths that the rule leaves open: the recommended one, and while it is undecided every other that the cloud asks for in more than
    1 − `path.certainty` of the resamples; all where the rule cannot be read."""
    if rule_finding.reason not in PATHS:
        return PATHS
    if rule_finding.state == "supported":
        return (rule_finding.reason,)
    shares = {n.segment: float(n.value or 0) for n in rule_finding.numbers if n.name == "p_rule"}
    return tuple(p for p in PATHS if p == rule_finding.reason or shares.get(p, 0) > 1 - policy["path.certainty"])


def _state_of_share(share: float, certainty: float) -> State:
    """Supported where something holds in at least `certainty` of the draws, contradicted where it fails in as many."""
    return "supported" if share >= certainty else "contradicted" if 1 - share >= certainty else "undecided"


def _loss_numbers(outcomes: Mapping[str, Outcome], cap: float, currency: str) -> list[Number]:
    """Depth and length of the strategic loss and the chance to breach the cap, per path; the cap; what perfect information is worth."""
    method = "ledger, median and 90 % span of scrambled Sobol draws"
    made: list[Number] = []
    for path in PATHS:
        made.append(_span("strategic_loss", path, outcomes[path].loss, currency, method))
        made.append(_span("strategic_loss_months", path, outcomes[path].loss_months, "months", method))
        made.append(share_of_draws("p_breach", path, outcomes[path].loss > cap, "share of draws beyond the cap"))
    made.append(
        Number("loss_cap", ALL, cap, None, None, None, 1, currency, "policy share of the last year's won amount")
    )
    worth = expected_value_of_perfect_information(np.column_stack([outcomes[p].npv for p in PATHS]))
    made.append(number("evpi", ALL, worth, currency))
    return made


def _economics(
    company: Company, policy: Policy, base: Result, sales: Result, rule_finding: Finding
) -> tuple[list[Finding], dict[str, pd.DataFrame]]:
    inputs = gather_inputs(company, policy, base, sales)
    ids = ("M-4.1", "M-4.2", "M-4.3")
    if inputs and isinstance(inputs[0], str):
        needs = [str(i) for i in inputs]
        absent = [no_data(id, f"path_{p}", needs) for id, p in zip(ids, PATHS, strict=True)]
        return [*absent, no_data("M-4.4", "strategic_loss", needs)], {}
    known = [i for i in inputs if isinstance(i, Input)]
    horizon, rate = policy["ledger.horizon_months"], policy["ledger.discount_rate"]
    x = draw_inputs(known, policy["ledger.draws"], policy["evidence.seed"])
    outcomes = {p: evaluate(p, x, horizon, rate) for p in PATHS}
    currency = company.info.currency
    numbers = _path_numbers(outcomes, currency, horizon)
    findings = [
        replace(
            f, flips=find_flips(lambda p: judge_economics(outcomes, numbers, p), f.id, policy, ["ledger.certainty"])
        )
        for f in judge_economics(outcomes, numbers, policy)
    ]
    year = aggregates.won_in_last_year(company, policy)
    cap = policy["ledger.loss_cap_share"] * year
    loss = tuple(replace(n, horizon_months=horizon) for n in _loss_numbers(outcomes, cap, currency))
    open_paths = _open_paths(rule_finding, policy)
    named = (
        rule_finding.reason if rule_finding.reason in PATHS else max(PATHS, key=lambda p: float(outcomes[p].npv.mean()))
    )

    def judge_loss(p: Policy) -> list[Finding]:
        # Claim: the path stays within the agreed loss. While the rule leaves several paths open, all of them must say the same.
        cap_now = p["ledger.loss_cap_share"] * year
        states = {
            _state_of_share(float((outcomes[path].loss <= cap_now).mean()), p["ledger.certainty"])
            for path in open_paths
        }
        state = states.pop() if len(states) == 1 else "undecided"
        return [Finding("M-4.4", "strategic_loss", state, f"loss_{state}", loss, terms={"path": named})]

    flips = find_flips(judge_loss, "M-4.4", policy, ["ledger.loss_cap_share", "ledger.certainty"])
    findings.append(replace(judge_loss(policy)[0], flips=flips))
    if not figures_wanted():
        return findings, {}
    table = pd.DataFrame(
        [(i.name, i.value, i.low, i.high, i.level, i.unit, i.origin) for i in known],
        columns=["input", "value", "low", "high", "level", "unit", "origin"],
    )
    return findings, {"ledger": ledger_frame(outcomes), "inputs": table}


def _with_money(rule_finding: Finding, economics: list[Finding]) -> Finding:
    """The rule's finding with what the ledger says beside it: the chance of each path to be the best, the path that most likely is, and
    whether the two agree. The rule knows no money; where they disagree a reader must see it in the same place."""
    best = [n for f in economics for n in f.numbers if n.name == "p_best"]
    if not best or rule_finding.reason not in PATHS:
        return rule_finding
    leader = max(best, key=lambda n: float(n.value or 0)).segment
    terms = {"best": leader, "money": "agree" if leader == rule_finding.reason else "disagree"}
    return replace(rule_finding, numbers=(*rule_finding.numbers, *best), terms={**rule_finding.terms, **terms})


def analyse(company: Company, policy: Policy, upstream: Mapping[str, Result]) -> Result:
    """M-4, M-4.1 … M-4.4 from the results of 01 and 03 and the company's team months."""
    base, sales = upstream["01_base_assumptions"], upstream["03_sales_flow"]
    chosen, frames = _rule_finding(sales, policy)
    findings, made = _economics(company, policy, base, sales, chosen)
    chosen = _with_money(chosen, findings)
    return Result(ID, company.data_hash, policy.hash, str(company.info.as_of), [chosen, *findings], {**frames, **made})
