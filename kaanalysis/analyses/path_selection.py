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
from scipy import optimize

from kaanalysis import aggregates
from kaanalysis.analyses.ledger import PATHS, Input, Outcome, draw_inputs, evaluate, ledger_frame
from kaanalysis.analyses.verdicts import find_flips, number, share_of_draws
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.results import Finding, Number, Result, no_data
from kaanalysis.stats import bootstrap, expected_regret, expected_value_of_perfect_information, probability_best

ID = "04_path_selection"
FEEDS = {
    "M-4": ("stage_history.stage", "capability.level", "accounts.segment"),
    **dict.fromkeys(
        ("M-4.1", "M-4.2", "M-4.3", "M-4.4"),
        ("team_months.cost", "team_months.sellers", "team_months.bookings", "teams.motion", "opportunities.amount"),
    ),
}
NEEDS_ECONOMICS = (
    "teams.motion",
    "team_months.sellers",
    "team_months.cost",
    "team_months.bookings",
    "opportunities.amount",
    "opportunities.created_at",
)


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
    counts = (reliefs > policy["bottleneck.minimum_relief"]).sum(axis=1)
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
    cloud = pd.DataFrame({"bottlenecks": counts, "fit": draws["fit"].to_numpy()})
    return replace(finding, flips=flips), {"rule_cloud": cloud.groupby(["bottlenecks", "fit"], as_index=False).size()}


def _lifetime_months(base: Result) -> tuple[float, float, float] | None:
    """KA lifetime as the mean of the exponential law with the same restricted mean (01): value, low, high in months."""
    mean = base.finding("M-1.2").number("rmst", "KA")
    if mean is None or mean.value is None or mean.low is None or mean.high is None or not mean.horizon_months:
        return None
    horizon = float(mean.horizon_months)

    def solve(target: float) -> float:
        share = min(max(target / horizon, 0.02), 0.995)
        # (1 − exp(−h / m)) · m / h = share has one root in m.
        return float(
            optimize.brentq(lambda m: m / horizon * -np.expm1(-horizon / m) - share, 1e-3 * horizon, 1e4 * horizon)
        )

    return solve(mean.value), solve(mean.low), solve(mean.high)


def _bootstrap_mean(
    name: str, values: np.ndarray, weights: np.ndarray | None, clusters: np.ndarray, policy: Policy, unit: str
) -> Input | None:
    """A mean (or ratio of sums) estimated from the company's data, with its bootstrap interval, as an input on the log scale."""
    below = np.ones(len(values)) if weights is None else weights
    there = np.isfinite(values) & np.isfinite(below)  # a month without the value says nothing, for or against
    values, below, clusters = values[there], below[there], clusters[there]
    if len(values) < 2:
        return None
    estimate = bootstrap(
        lambda w: (w @ values) / np.maximum(w @ below, 1e-12),
        clusters,
        draws=policy["evidence.draws"],
        seed=policy["evidence.seed"],
        level=policy["evidence.level"],
    )
    if estimate.value is None or estimate.value <= 0:
        return None
    low, high = estimate.low or estimate.value, estimate.high or estimate.value
    return Input(name, estimate.value, max(low, 1e-9), high, estimate.level, unit, "data", "log")


def _policy_input(name: str, policy: Policy, setting: str, scale: str) -> Input:
    threshold = policy.threshold(setting)
    low, high = threshold.spread or (float(threshold.value), float(threshold.value))
    return Input(name, float(threshold.value), low, high, 0.9, threshold.unit, "policy", scale)


def gather_inputs(company: Company, policy: Policy, base: Result, sales: Result) -> list[Input] | list[str]:
    """All inputs of the ledger; or the names of what is missing (strings) where the company's data cannot feed one."""
    missing = company.missing(*NEEDS_ECONOMICS)
    success, cycle = sales.finding("M-3.2").number("success", "KA"), sales.finding("M-3.2").number("cycle_median", "KA")
    if success is None or success.low is None:
        missing += [n for n in sales.finding("M-3.2").needs or ("opportunities.closed_at",) if n not in missing]
    lifetime = _lifetime_months(base)
    if lifetime is None:
        missing += [n for n in base.finding("M-1.2").needs or ("subscriptions.started_at",) if n not in missing]
    if missing or success is None or cycle is None or lifetime is None:
        return missing or ["opportunities.closed_at"]
    months = aggregates.team_economics(company)
    ka, smb = months[months["motion"] == "KA"], months[months["motion"] == "SMB"]
    ka, smb = ka[ka["sellers"] > 0], smb[smb["sellers"] > 0]
    cost_base = ka if len(ka) else smb
    currency = company.info.currency
    recent = ka[ka["month"] > ka["month"].max() - pd.DateOffset(months=24)] if len(ka) else ka
    opened = aggregates.key_account_deals_by_month(company, policy)
    joined = (
        recent.groupby("month", as_index=False)["sellers"]
        .sum()
        .merge(opened, on="month", how="left")
        .fillna({"opened": 0})
    )
    sizes = aggregates.key_account_deal_sizes(company, policy)
    inputs = [
        _bootstrap_mean(
            "seller_cost",
            cost_base["cost"].to_numpy(float),
            cost_base["sellers"].to_numpy(float),
            np.arange(len(cost_base)),
            policy,
            f"{currency} per seller and month",
        ),
        _bootstrap_mean(
            "smb_bookings",
            smb["bookings"].to_numpy(float),
            smb["sellers"].to_numpy(float),
            np.arange(len(smb)),
            policy,
            f"{currency} per seller and month",
        ),
        _bootstrap_mean(
            "deals_per_seller",
            joined["opened"].to_numpy(float),
            joined["sellers"].to_numpy(float),
            np.arange(len(joined)),
            policy,
            "deals per seller and month",
        ),
        _bootstrap_mean(
            "deal_size", sizes["amount"].to_numpy(float), None, sizes["cluster"].to_numpy(), policy, currency
        ),
    ]
    names = ["team_months.cost", "team_months.bookings", "teams.motion", "opportunities.amount"]
    lacking = [n for n, item in zip(names, inputs, strict=True) if item is None]
    if lacking:
        return lacking
    found = [item for item in inputs if item is not None]
    support = _bootstrap_mean(
        "support_cost",
        cost_base["support_cost"].fillna(0).to_numpy(float),
        cost_base["sellers"].to_numpy(float),
        np.arange(len(cost_base)),
        policy,
        f"{currency} per seller and month",
    )
    found.append(
        support or Input("support_cost", 0.0, 0.0, 0.0, 0.9, f"{currency} per seller and month", "data", "linear")
    )
    assert success.value is not None and success.high is not None and cycle.value is not None
    found.append(
        Input(
            "success",
            float(success.value),
            float(success.low or 0),
            float(success.high),
            float(success.level or 0.95),
            "share",
            "data",
            "logit",
        )
    )
    month = aggregates.DAYS_PER_MONTH
    low, high = (float(v) if v is not None else float(cycle.value) for v in (cycle.low, cycle.high))
    found.append(
        Input(
            "cycle_months",
            max(float(cycle.value), 1) / month,
            max(low, 1) / month,
            max(high, 1) / month,
            float(cycle.level or 0.95),
            "months",
            "data",
            "log",
        )
    )
    found.append(Input("lifetime_months", *lifetime, policy["evidence.level"], "months", "data", "log"))
    relief = max(
        (n for n in sales.finding("M-3.6").numbers if n.name == "relief"),
        key=lambda n: float(n.value or 0),
        default=None,
    )
    if relief is not None and relief.value and relief.low is not None and relief.high is not None:
        found.append(
            Input(
                "relief",
                relief.value / 100,
                relief.low / 100,
                relief.high / 100,
                float(relief.level or 0.95),
                "share",
                "data",
                "linear",
            )
        )
    else:
        found.append(Input("relief", 0.0, 0.0, 0.0, 0.9, "share", "data", "linear"))
    for name, scale in (("gross_margin", "logit"), ("recurring_share", "logit"), ("relief_reached", "logit")):
        found.append(_policy_input(name, policy, f"ledger.{name}", scale))
    for path in PATHS:
        for setting in (
            "sellers",
            "leader_multiple",
            "pay_uplift",
            "support_multiple",
            "setup_multiple",
            "ramp_months",
            "productivity",
            "relief_factor",
            "smb_loss",
        ):
            found.append(
                _policy_input(
                    f"{path}.{setting}",
                    policy,
                    f"{path}.{setting}",
                    "linear" if policy[f"{path}.{setting}"] == 0 else "log",
                )
            )
    return found


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
    method = "ledger, scrambled Sobol, 90 % span of the inputs"
    best, regret = probability_best(payoff), expected_regret(payoff)
    numbers: dict[str, list[Number]] = {}
    for i, path in enumerate(PATHS):
        npv = _span("npv", path, outcomes[path].npv, currency, method)
        numbers[path] = [
            replace(npv, horizon_months=horizon),
            _span("payback_month", path, outcomes[path].payback, "months", method),
            number("p_best", path, best[i], "probability"),
            number("regret", path, regret[i], currency),
        ]
    return numbers


def judge_economics(outcomes: Mapping[str, Outcome], numbers: dict[str, list[Number]], policy: Policy) -> list[Finding]:
    """M-4.1 … M-4.3: supported if the path earns its cost in at least `path.certainty` of the draws, contradicted if it
    fails to in as many.

    Wrong if a spread in the policy is wrong: the ledger knows no more than its inputs."""
    findings = []
    for id, path in zip(("M-4.1", "M-4.2", "M-4.3"), PATHS, strict=True):
        gains = float((outcomes[path].npv > 0).mean())
        state = (
            "supported"
            if gains >= policy["path.certainty"]
            else "contradicted"
            if 1 - gains >= policy["path.certainty"]
            else "undecided"
        )
        p_gain = share_of_draws("p_gain", path, outcomes[path].npv > 0, "share of draws with npv above 0")
        findings.append(Finding(id, f"path_{path}", state, f"pays_{state}", (*numbers[path], p_gain)))  # type: ignore[arg-type]
    return findings


def _economics(
    company: Company, policy: Policy, base: Result, sales: Result, recommended: str
) -> tuple[list[Finding], dict[str, pd.DataFrame]]:
    inputs = gather_inputs(company, policy, base, sales)
    ids = ("M-4.1", "M-4.2", "M-4.3")
    if inputs and isinstance(inputs[0], str):
        needs = [str(i) for i in inputs]
        return [no_data(id, f"path_{p}", needs) for id, p in zip(ids, PATHS, strict=True)] + [
            no_data("M-4.4", "strategic_loss", needs)
        ], {}
    known = [i for i in inputs if isinstance(i, Input)]
    horizon, rate = policy["ledger.horizon_months"], policy["ledger.discount_rate"]
    x = draw_inputs(known, policy["ledger.draws"], policy["evidence.seed"])
    outcomes = {p: evaluate(p, x, horizon, rate) for p in PATHS}
    currency = company.info.currency
    numbers = _path_numbers(outcomes, currency, horizon)
    findings = [
        replace(f, flips=find_flips(lambda p: judge_economics(outcomes, numbers, p), f.id, policy, ["path.certainty"]))
        for f in judge_economics(outcomes, numbers, policy)
    ]
    year = aggregates.won_in_last_year(company, policy)
    cap = policy["ledger.loss_cap_share"] * year
    method = "ledger, scrambled Sobol, 90 % span of the inputs"
    loss: list[Number] = []
    for path in PATHS:
        loss.append(_span("strategic_loss", path, outcomes[path].loss, currency, method))
        loss.append(_span("strategic_loss_months", path, outcomes[path].loss_months, "months", method))
        loss.append(share_of_draws("p_breach", path, outcomes[path].loss > cap, "share of draws beyond the cap"))
    loss.append(
        Number(
            "loss_cap", aggregates.ALL, cap, None, None, None, 1, currency, "policy share of the last year's won amount"
        )
    )
    loss.append(
        number(
            "evpi",
            aggregates.ALL,
            expected_value_of_perfect_information(np.column_stack([outcomes[p].npv for p in PATHS])),
            currency,
        )
    )
    chosen = recommended if recommended in PATHS else max(PATHS, key=lambda p: float(outcomes[p].npv.mean()))

    def judge_loss(p: Policy) -> list[Finding]:
        # Claim: the chosen path stays within the agreed loss. Wrong if a spread in the policy is wrong.
        inside = float((outcomes[chosen].loss <= p["ledger.loss_cap_share"] * year).mean())
        state = (
            "supported"
            if inside >= p["path.certainty"]
            else "contradicted"
            if 1 - inside >= p["path.certainty"]
            else "undecided"
        )
        return [Finding("M-4.4", "strategic_loss", state, f"loss_{state}", tuple(loss), terms={"path": chosen})]  # type: ignore[arg-type]

    flips = find_flips(judge_loss, "M-4.4", policy, ["ledger.loss_cap_share", "path.certainty"])
    findings.append(replace(judge_loss(policy)[0], flips=flips))
    table = pd.DataFrame(
        [(i.name, i.value, i.low, i.high, i.level, i.unit, i.origin) for i in known],
        columns=["input", "value", "low", "high", "level", "unit", "origin"],
    )
    return findings, {"ledger": ledger_frame(outcomes), "inputs": table}


def analyse(company: Company, policy: Policy, upstream: Mapping[str, Result]) -> Result:
    """M-4, M-4.1 … M-4.4 from the results of 01 and 03 and the company's team months."""
    base, sales = upstream["01_base_assumptions"], upstream["03_sales_flow"]
    chosen, frames = _rule_finding(sales, policy)
    findings, made = _economics(company, policy, base, sales, chosen.reason)
    return Result(ID, company.data_hash, policy.hash, str(company.info.as_of), [chosen, *findings], {**frames, **made})
