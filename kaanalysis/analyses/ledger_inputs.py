"""The ledger's inputs: from the company's own data where it estimates them, with their uncertainty, else from the policy's spreads."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import optimize

from kaanalysis import aggregates
from kaanalysis.analyses.ledger import PATHS
from kaanalysis.analyses.uncertain_inputs import Input as Input
from kaanalysis.analyses.uncertain_inputs import Inputs as Inputs
from kaanalysis.analyses.uncertain_inputs import at_normal_scores as at_normal_scores
from kaanalysis.analyses.uncertain_inputs import draw_inputs as draw_inputs
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.results import Result
from kaanalysis.stats import bootstrap

# What sets a path apart, each a policy value "<path>.<setting>".
SETTINGS = (
    "sellers",
    "leader_multiple",
    "pay_uplift",
    "support_multiple",
    "setup_multiple",
    "ramp_months",
    "productivity",
    "relief_factor",
    "smb_loss",
)
NEEDS_ECONOMICS = (
    "teams.motion",
    "team_months.sellers",
    "team_months.cost",
    "team_months.bookings",
    "opportunities.amount",
    "opportunities.created_at",
)


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


def gather_inputs(company: Company, policy: Policy, base: Result, sales: Result) -> Inputs | list[str]:
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
    # One window for all: the last two years, so that today's costs are not set against bookings of long ago.
    recent_from = months["month"].max() - pd.DateOffset(months=24)
    ka, smb = (m[(m["sellers"] > 0) & (m["month"] > recent_from)] for m in (ka, smb))
    cost_base = ka if len(ka) else smb
    currency = company.info.currency
    opened = aggregates.key_account_deals_by_month(company, policy)
    joined = (
        ka.groupby("month", as_index=False)["sellers"].sum().merge(opened, on="month", how="left").fillna({"opened": 0})
    )
    sizes = aggregates.key_account_deal_sizes(company, policy)
    unit = f"{currency} per seller and month"

    def per_seller(name: str, months: pd.DataFrame, values: pd.Series) -> Input | None:
        # Rows of one month hang together, whatever the team.
        sellers, month = months["sellers"].to_numpy(float), months["month"].to_numpy()
        return _bootstrap_mean(name, values.to_numpy(float), sellers, month, policy, unit)

    inputs = [
        per_seller("seller_cost", cost_base, cost_base["cost"]),
        per_seller("smb_bookings", smb, smb["bookings"]),
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
    support = per_seller("support_cost", cost_base, cost_base["support_cost"].fillna(0))
    found.append(support or Input("support_cost", 0.0, 0.0, 0.0, 0.9, unit, "data", "linear"))
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
        for setting in SETTINGS:
            found.append(
                _policy_input(
                    f"{path}.{setting}",
                    policy,
                    f"{path}.{setting}",
                    "linear" if policy[f"{path}.{setting}"] == 0 else "log",
                )
            )
    return Inputs(tuple(found), np.eye(len(found)))
