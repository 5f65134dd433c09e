"""The ledger's inputs: from the company's own data where it estimates them, with their uncertainty and dependence, else from the policy's
spreads. Every input says which; docs/ledger.md lists them all."""

from __future__ import annotations

import numpy as np
from scipy import optimize

from kaanalysis import aggregates
from kaanalysis.aggregates import DAYS_PER_MONTH
from kaanalysis.analyses.ledger_deals import NAMES as DEAL_NAMES
from kaanalysis.analyses.ledger_deals import DealDraws, draw_deals, from_number, spread_inputs
from kaanalysis.analyses.ledger_lines import NAMED, NAMED_PATHS, PATHS, RELIEVED, SETTINGS
from kaanalysis.analyses.ledger_months import (
    SMALLEST_PART,
    WINDOW_MONTHS,
    Ratio,
    mean_input,
    month_correlation,
    month_ratios,
    ratio_input,
)
from kaanalysis.analyses.revenue_bridge import bridge_parts
from kaanalysis.analyses.uncertain_inputs import Array
from kaanalysis.analyses.uncertain_inputs import Input as Input
from kaanalysis.analyses.uncertain_inputs import Inputs as Inputs
from kaanalysis.analyses.uncertain_inputs import at_normal_scores as at_normal_scores
from kaanalysis.analyses.uncertain_inputs import draw_inputs as draw_inputs
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.results import Result
from kaanalysis.stats import share_of_total
from kaanalysis.stats.copula import nearest_correlation

NEEDS_ECONOMICS = (
    "teams.motion",
    "team_months.sellers",
    "team_months.cost",
    "team_months.bookings",
    "opportunities.amount",
    "opportunities.created_at",
)
# Common inputs that the policy gives (recurring_share only where subscriptions cannot); those without a spread are settled by the analyst.
COMMON = (
    ("gross_margin", "logit"),
    ("recurring_share", "logit"),
    ("relief_reached", "logit"),
    ("presales_share", "logit"),
    ("hour_multiple", "log"),
    ("month_hours", "log"),
    ("remaining_share", "linear"),
)
_FEWEST_ACCOUNTS = _FEWEST_CONTRACTS = 5


def policy_input(name: str, policy: Policy, scale: str, setting: str | None = None) -> Input:
    """An input that the policy states: its value, and its spread as the span of 90 % belief; no spread: a decision, or settled."""
    threshold = policy.threshold(setting or name)
    value = float(threshold.value)
    low, high = threshold.spread or (value, value)
    return Input(name, value, low, high, 0.9, threshold.unit, "policy", scale)


def lifetime_months(base: Result) -> tuple[float, float, float] | None:
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


def gather_inputs(company: Company, policy: Policy, base: Result, sales: Result) -> Inputs | list[str]:
    """All inputs of the ledger with the correlation of their normal scores; or the names of what is missing, where the company's data
    cannot feed one that the policy has no belief about."""
    missing = company.missing(*NEEDS_ECONOMICS)
    success, cycle = sales.finding("M-3.2").number("success", "KA"), sales.finding("M-3.2").number("cycle_median", "KA")
    if success is None or success.low is None:
        missing += [n for n in sales.finding("M-3.2").needs or ("opportunities.closed_at",) if n not in missing]
    lifetime = lifetime_months(base)
    if lifetime is None:
        missing += [n for n in base.finding("M-1.2").needs or ("subscriptions.started_at",) if n not in missing]
    if missing or success is None or cycle is None or cycle.value is None or lifetime is None:
        return missing or ["opportunities.closed_at"]
    ratios = month_ratios(company, policy)
    by_month = {ratio.name: ratio_input(ratio, policy) for ratio in ratios}
    sizes = aggregates.key_account_deal_sizes(company, policy)
    unit = company.info.currency
    size = mean_input("deal_size", sizes["amount"].to_numpy(float), sizes["cluster"].to_numpy(), policy, unit)
    needed = {
        "seller_cost": "team_months.cost",
        "smb_bookings": "team_months.bookings",
        "deals_per_seller": "opportunities.team",  # a KA team's months are there, and not one deal of its
    }
    rate = next(r for r in ratios if r.name == "deals_per_seller")
    if not len(rate.above):  # no KA team yet: the company whose path is to be chosen
        by_month[rate.name] = policy_input(rate.name, policy, "log", "ledger.deals_per_seller")
    lacking = [column for name, column in needed.items() if by_month[name] is None]
    if lacking or size is None:
        return [*lacking, *([] if size else ["opportunities.amount"])]
    if by_month["support_cost"] is None:  # not on record: no support cost is known, and none is made up
        of = next(r.unit for r in ratios if r.name == "support_cost")
        by_month["support_cost"] = Input("support_cost", 0.0, 0.0, 0.0, 0.9, of, "data", "linear")
    if by_month.get("conflict_hours") is None:
        by_month["conflict_hours"] = policy_input("conflict_hours", policy, "log", "ledger.conflict_hours")
    drawn = draw_deals(company, policy, sales)
    days = from_number("cycle_months", cycle, "months", "log", 1 / DAYS_PER_MONTH, 1 / DAYS_PER_MONTH)
    items = [item for item in by_month.values() if item is not None]
    signed, kept = success, sales.finding("M-3.2").number("success_kept", "KA")
    # A contract that is refunded or litigated brings no money: where the records tell, success is that of those that last.
    success = signed if kept is None or kept.low is None else kept
    kept_share = float(success.value or 0) / max(float(signed.value or 0), 1e-9)
    items += [from_number("success", success, "share", "logit"), days, size, *spread_inputs(drawn, policy)]
    items += [
        *_relief(sales, kept_share),
        Input("lifetime_months", *lifetime, policy["evidence.level"], "months", "data", "log"),
    ]
    items += [_potential_accounts(base, policy), _deals_per_account(company, policy), _accounts_moved(company, policy)]
    recurring = _recurring_share(company, policy)
    items += [
        recurring if recurring and name == recurring.name else policy_input(name, policy, scale, f"ledger.{name}")
        for name, scale in COMMON
    ]
    for path in PATHS:
        settings = (*SETTINGS, NAMED) if path in NAMED_PATHS else SETTINGS
        named = [f"{path}.{setting}" for setting in settings]
        items += [policy_input(n, policy, "linear" if policy[n] == 0 else "log") for n in named]
    return Inputs(tuple(items), _dependence(items, ratios, drawn, policy))


def _relief(sales: Result, kept_share: float) -> list[Input]:
    """Wins per deal gained that last, if all steps counted as bottlenecks were relieved together (03's severity; 0 where none could be
    measured), and how many steps those are. kept_share: part of the wins that last."""
    severity = sales.finding("M-3.6").number("severity", "KA")
    steps = max(1.0, float(severity.n)) if severity is not None and severity.value else 1.0
    relieved = Input(RELIEVED, steps, steps, steps, 0.9, "steps", "data", "linear")
    if severity is None or severity.value is None:
        return [Input("relief", 0.0, 0.0, 0.0, 0.9, "share", "data", "linear"), relieved]
    return [from_number("relief", severity, "share", "linear", 0.01 * kept_share), relieved]


def _potential_accounts(base: Result, policy: Policy) -> Input:
    """Potential key accounts: estimated from both lists where that can be done (01), else those in the register: at least so many."""
    counts = base.finding("M-1.1")
    estimated, known = counts.number("accounts_estimated", "KA"), counts.number("accounts_known", "KA")
    if estimated is not None and estimated.value is not None:
        return from_number("potential_accounts", estimated, "accounts", "log", least=1.0)
    value = 1.0 if known is None or known.value is None else max(float(known.value), 1.0)
    return Input("potential_accounts", value, value, value, policy["evidence.level"], "accounts", "data", "log")


def _recurring_share(company: Company, policy: Policy) -> Input | None:
    """What a contract that stays brings in a later year, as a share of the contract: twelve monthly fees of the subscriptions that began
    with won contracts (no renewals), over the amounts of these; customer groups resampled. May exceed 1. None where fewer than five match.
    An expansion is a contract of its own, with a stream of its own: nothing is counted twice. Contracts with no subscription beside
    them are left out; where these are one-off sales the share leans high."""
    if company.missing("subscriptions.started_at", "subscriptions.monthly_fee", "opportunities.closed_at"):
        return None
    fees = aggregates.key_account_fees(company, policy)
    if len(fees) < _FEWEST_CONTRACTS:
        return None
    yearly, amounts, clusters = 12 * fees["fee"].to_numpy(float), fees["amount"].to_numpy(float), fees["cluster"]
    unit = policy.threshold("ledger.recurring_share").unit
    return ratio_input(Ratio("recurring_share", unit, yearly, amounts, clusters.to_numpy()), policy)


def _deals_per_account(company: Company, policy: Policy) -> Input:
    opened = aggregates.key_account_openings(company, policy, WINDOW_MONTHS)
    if len(opened) >= _FEWEST_ACCOUNTS:
        years = np.full(len(opened), WINDOW_MONTHS / 12)
        above, clusters = opened["opened"].to_numpy(float), opened["cluster"].to_numpy()
        ratio = Ratio("deals_per_account", "deals per account and year", above, years, clusters)
        found = ratio_input(ratio, policy)
        if found is not None and found.uncertain:
            return found
    return policy_input("deals_per_account", policy, "log", "ledger.deals_per_account")


def _accounts_moved(company: Company, policy: Policy) -> Input:
    """Share of KA revenue that other teams brought anyway before the launch (the bridge of 05), where all that is on record."""
    launch, covered = company.info.ka_launch, aggregates.history_start(company)
    before = policy["siphon.before_months"]
    known = launch is not None and not company.missing("opportunities.team", "opportunities.closed_at")
    if known and launch is not None and covered is not None and covered <= aggregates.months_before(launch, before):
        accounts = aggregates.key_account_revenue(company, policy)
        since = (company.info.as_of - launch).days / DAYS_PER_MONTH
        parts = bridge_parts(accounts, since, before)
        share = share_of_total(parts["carried_on"], parts["new"] + parts["on_top"], level=policy["evidence.level"])
        if len(accounts) >= _FEWEST_ACCOUNTS and share.value is not None and None not in (share.low, share.high):
            low, high = min(float(share.low or 0), share.value), max(float(share.high or 0), share.value)
            # As in log_input: next to nothing has no log odds to speak of.
            scale = "logit" if low > SMALLEST_PART * share.value else "linear_share"
            return Input("accounts_moved", share.value, low, high, share.level, "share", "data", scale)
    return policy_input("accounts_moved", policy, "logit", "ledger.accounts_moved")


def _dependence(items: list[Input], ratios: list[Ratio], drawn: DealDraws | None, policy: Policy) -> Array:
    """Correlation of the normal scores of all inputs: of those from the same months, from the same deals, and of beliefs about the same
    setting of different paths; independent else."""
    place = {item.name: i for i, item in enumerate(items)}
    made = np.eye(len(items))

    def put(names: list[str], block: Array) -> None:
        at = [place[n] for n in names]
        made[np.ix_(at, at)] = block

    from_data = [i for i, r in enumerate(ratios) if items[place[r.name]].origin == "data"]
    put([ratios[i].name for i in from_data], month_correlation(ratios, policy)[np.ix_(from_data, from_data)])
    if drawn is not None:
        put(list(DEAL_NAMES), drawn.correlation())
    beliefs = policy["ledger.belief_correlation"]
    for setting in SETTINGS:
        block = np.full((len(PATHS), len(PATHS)), beliefs)
        np.fill_diagonal(block, 1.0)
        put([f"{path}.{setting}" for path in PATHS], block)
    return nearest_correlation(made)
