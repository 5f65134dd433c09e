"""00 Problem framing: where did growth come from, and has the present customer base stopped growing (M-0.1)?

Won amount of the last period against the period before, decomposed exactly in two ways:

* by factors, amount = customers × deals per customer × amount per deal, with the logarithmic-mean Divisia index (LMDI-I), whose
  parts add up to the change without a rest (Ang 2004, Energy Policy 32, 1131–1139). Where a segment had no won amount in one
  of the periods the index takes its limit: the whole change is customers (Ang and Choi 1997).
* by customers: those of both periods (retained), those only in the earlier (lost), those only in the later (new).

Customer groups (an account with its head office) are the units, since the deals of a group hang together, and how many there are is
chance as well: factors are resampled with Poisson frequencies, sums and growth rate are compound Poisson (:mod:`kaanalysis.stats.totals`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from kaanalysis import aggregates
from kaanalysis.analyses.verdicts import below, find_flips, number, percentile_number
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.results import Finding, Number, Result, no_data
from kaanalysis.stats import poisson_weights, ratio_of_totals, signed_total, total

ID = "00_problem_framing"
FEEDS = {"M-0.1": ("opportunities.amount", "opportunities.closed_at")}
FACTORS = ("customers", "deals_per_customer", "price")
MOVES = ("new", "retained", "lost")
METHOD_FACTORS = "logarithmic-mean Divisia index, Poisson cluster bootstrap (percentile)"

Array = npt.NDArray[np.float64]


def log_mean(a: Array, b: Array) -> Array:
    """Logarithmic mean of two non-negative arrays: (a − b) / ln(a / b); a where a = b; 0 where either is 0."""
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    positive = (a > 0) & (b > 0)
    ratio = np.divide(a, b, out=np.ones_like(a), where=positive)
    near = np.abs(ratio - 1) < 1e-8
    log = np.log(np.where(positive & ~near, ratio, np.e))
    return np.where(~positive, 0.0, np.where(near, (a + b) / 2, (a - b) / log))


def factor_parts(
    amount: tuple[Array, Array], deals: tuple[Array, Array], customers: tuple[Array, Array]
) -> dict[str, Array]:
    """Parts of the change amount[1] − amount[0] by :data:`FACTORS`; they add up to the change."""
    weight = log_mean(amount[1], amount[0])

    def log_ratio(up: Array, down: Array) -> Array:
        return np.log(np.divide(up, down, out=np.ones_like(up), where=(up > 0) & (down > 0)))

    both = (amount[0] > 0) & (amount[1] > 0)
    change = amount[1] - amount[0]
    per_customer = [np.divide(d, c, out=np.zeros_like(d), where=c > 0) for d, c in zip(deals, customers, strict=True)]
    price = [np.divide(a, d, out=np.zeros_like(a), where=d > 0) for a, d in zip(amount, deals, strict=True)]
    return {
        "customers": np.where(both, weight * log_ratio(customers[1], customers[0]), change),
        "deals_per_customer": np.where(both, weight * log_ratio(per_customer[1], per_customer[0]), 0.0),
        "price": np.where(both, weight * log_ratio(price[1], price[0]), 0.0),
    }


def _factors(frame: pd.DataFrame, weights: Array) -> dict[str, Array]:
    """Factors for each row of weights (draws, accounts)."""
    a0, a1 = frame["amount_0"].to_numpy(float), frame["amount_1"].to_numpy(float)
    d0, d1 = frame["deals_0"].to_numpy(float), frame["deals_1"].to_numpy(float)
    customers = (weights @ (d0 > 0).astype(float), weights @ (d1 > 0).astype(float))
    return factor_parts((weights @ a0, weights @ a1), (weights @ d0, weights @ d1), customers)


def _resampled(frame: pd.DataFrame, segment: str, policy: Policy, currency: str) -> list[Number]:
    """Factors, by resampling customer groups whose number is chance too."""
    point = _factors(frame, np.ones((1, len(frame))))
    clusters, level = frame["cluster"], policy["evidence.level"]
    weights = poisson_weights(clusters.to_numpy(), policy["evidence.draws"], policy["evidence.seed"]).astype(float)
    draws = _factors(frame, weights)
    return [
        percentile_number(part, segment, float(point[part][0]), draws[part], level, len(frame), currency, METHOD_FACTORS,
                          clusters=clusters.nunique())
        for part in FACTORS
    ]  # fmt: skip


def _summed(frame: pd.DataFrame, segment: str, level: float, currency: str) -> list[Number]:
    """What was won in each period and its growth; what was won from customers new, retained and lost: sums over customer groups whose
    number is chance too."""
    a0, a1 = frame["amount_0"].to_numpy(float), frame["amount_1"].to_numpy(float)
    d0, d1, clusters = frame["deals_0"].to_numpy(), frame["deals_1"].to_numpy(), frame["cluster"].to_numpy()
    gone = total(np.where(d1 == 0, a0, 0.0), clusters, level=level)
    turned = (None if gone.high is None else -gone.high, None if gone.low is None else -gone.low)
    parts = {
        "revenue_before": total(a0, clusters, level=level),
        "revenue_now": total(a1, clusters, level=level),
        "new": total(np.where(d0 == 0, a1, 0.0), clusters, level=level),
        "retained": signed_total(np.where((d0 > 0) & (d1 > 0), a1 - a0, 0.0), clusters, level=level),
        "lost": replace(gone, value=-(gone.value or 0.0), low=turned[0], high=turned[1]),
    }
    ratio = ratio_of_totals(a1, a0, clusters, level=level)
    below, middle, above = (None if v is None else v - 1 for v in (ratio.low, ratio.value, ratio.high))
    growth = replace(ratio, value=middle, low=below, high=above, n=len(frame))
    return [
        *(number(name, segment, replace(part, n=len(frame)), currency) for name, part in parts.items()),
        number("growth_rate", segment, growth, "share per period"),
    ]


def measure(company: Company, policy: Policy) -> tuple[list[Number], pd.DataFrame]:
    """Numbers of the growth bridge by segment and for all, and the bridge as a frame (segment, part, value, low, high)."""
    accounts = aggregates.growth_by_account(company, policy)
    currency, level = company.info.currency, policy["evidence.level"]
    numbers: list[Number] = []
    segments = [s for s in ("SMB", "KA") if (accounts["segment"] == s).any()] + [aggregates.ALL]
    for segment in segments:
        frame = accounts if segment == aggregates.ALL else accounts[accounts["segment"] == segment]
        numbers += _resampled(frame, segment, policy, currency)
        numbers += _summed(frame, segment, level, currency)
    order = [*FACTORS, *MOVES, "revenue_before", "revenue_now", "growth_rate"]
    numbers.sort(key=lambda n: (segments.index(n.segment), order.index(n.name)))
    rows = [(n.segment, n.name, n.value, n.low, n.high, n.n) for n in numbers]
    return numbers, pd.DataFrame(rows, columns=["segment", "part", "value", "low", "high", "n"])


def judge(numbers: list[Number], policy: Policy) -> list[Finding]:
    """M-0.1 on the present customer base: the SMB business, or all customers where segments are not known.

    Supported (it has stopped growing) if its growth from period to period surely lies below the stall rate, contradicted if surely
    above. Wrong if two periods do not stand for the trend: a single large contract in one of them shows in the interval."""
    segments = {n.segment for n in numbers}
    base = next(
        n for n in numbers if n.name == "growth_rate" and n.segment == ("SMB" if "SMB" in segments else aggregates.ALL)
    )
    if base.n < policy["evidence.minimum_units"]:
        return [
            Finding("M-0.1", "base_stalled", "undecided", "too_few", tuple(numbers), terms={"segment": base.segment})
        ]
    state = below(base.low, base.high, policy["growth.stall_rate"])
    return [Finding("M-0.1", "base_stalled", state, f"base_{state}", tuple(numbers), terms={"segment": base.segment})]


def analyse(company: Company, policy: Policy, upstream: Mapping[str, Result]) -> Result:
    """The growth bridge and M-0.1. Needs won amounts with closing dates in the two periods before as_of."""
    result = Result(ID, company.data_hash, policy.hash, str(company.info.as_of), [])
    missing = company.missing(*FEEDS["M-0.1"])
    if missing:
        result.findings = [no_data("M-0.1", "base_stalled", missing)]
        return result
    covered = aggregates.history_start(company)
    if covered is None or covered > aggregates.months_before(company.info.as_of, 2 * policy["growth.period_months"]):
        # The earlier period is on record in part or not at all: comparing with it would show growth that is none.
        result.findings = [
            Finding("M-0.1", "base_stalled", "undecided", "history_too_short", needs=("company.observed_from",))
        ]
        return result
    numbers, bridge = measure(company, policy)
    if not next(n for n in numbers if n.segment == aggregates.ALL).n:
        result.findings = [no_data("M-0.1", "base_stalled", ["opportunities.closed_at"], reason="no_wins_in_periods")]
        return result
    finding = judge(numbers, policy)[0]
    flips = find_flips(lambda p: judge(numbers, p), "M-0.1", policy, ["growth.stall_rate"])
    result.findings = [replace(finding, flips=flips)]
    result.frames = {"growth_bridge": bridge}
    return result
