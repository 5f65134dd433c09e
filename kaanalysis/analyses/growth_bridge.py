"""The growth bridge: the change of the won amount from one period to the next, taken apart exactly.

* by factors, amount = customers × deals per customer × amount per deal, with the logarithmic-mean Divisia index (LMDI-I), whose
  parts add up to the change without a rest (Ang 2004, Energy Policy 32, 1131–1139). Where a group had no won amount in one
  of the periods the index takes its limit: the whole change is customers (Ang and Choi 1997).
* by customers: those of both periods (retained), those only in the earlier (lost), those only in the later (new).

Both are made for segments, industries and regions; the groups' parts add up to the whole change again. Customer groups (an account
with its head office) are the units, since the deals of a group hang together, and how many there are is chance as well: factors are
resampled with Poisson frequencies, sums and growth rate are compound Poisson (:mod:`kaanalysis.stats.totals`).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from kaanalysis import aggregates
from kaanalysis.analyses.verdicts import number, percentile_number
from kaanalysis.policy import Policy
from kaanalysis.results import Number
from kaanalysis.stats import poisson_sums, ratio_of_totals, signed_total, total

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


def _sums(frame: pd.DataFrame) -> Array:
    """Won amount, deals and customers of either period for every account, shape (accounts, 6)."""
    a0, a1, d0, d1 = (frame[c].to_numpy(float) for c in ("amount_0", "amount_1", "deals_0", "deals_1"))
    return np.column_stack([a0, a1, d0, d1, d0 > 0, d1 > 0])


def _factors(sums: Array) -> dict[str, Array]:
    """Factors from :func:`_sums` added up, one row per draw."""
    a0, a1, d0, d1, c0, c1 = sums.T
    return factor_parts((a0, a1), (d0, d1), (c0, c1))


def _resampled(frame: pd.DataFrame, segment: str, policy: Policy, currency: str) -> list[Number]:
    """Factors, by resampling customer groups whose number is chance too."""
    units, clusters, level = _sums(frame), frame["cluster"].to_numpy(object), policy["evidence.level"]
    point = _factors(units.sum(axis=0, keepdims=True))
    draws = _factors(poisson_sums(units, clusters, policy["evidence.draws"], policy["evidence.seed"]))
    return [
        percentile_number(part, segment, float(point[part][0]), draws[part], level, len(frame), currency, METHOD_FACTORS,
                          clusters=frame["cluster"].nunique())
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


def _bridge(frame: pd.DataFrame, name: str, policy: Policy, currency: str) -> list[Number]:
    return _resampled(frame, name, policy, currency) + _summed(frame, name, policy["evidence.level"], currency)


def _rows(numbers: list[Number]) -> list[tuple[object, ...]]:
    return [(n.segment, n.name, n.value, n.low, n.high, n.n) for n in numbers]


def measure(accounts: pd.DataFrame, policy: Policy, currency: str) -> tuple[list[Number], pd.DataFrame]:
    """Numbers of the growth bridge by segment and for all, and the bridge as a frame (segment, part, value, low, high, n).

    accounts: as `aggregates.growth_by_account` gives them."""
    numbers: list[Number] = []
    segments = [s for s in ("SMB", "KA") if (accounts["segment"] == s).any()] + [aggregates.ALL]
    for segment in segments:
        frame = accounts if segment == aggregates.ALL else accounts[accounts["segment"] == segment]
        numbers += _bridge(frame, segment, policy, currency)
    order = [*FACTORS, *MOVES, "revenue_before", "revenue_now", "growth_rate"]
    numbers.sort(key=lambda n: (segments.index(n.segment), order.index(n.name)))
    return numbers, pd.DataFrame(_rows(numbers), columns=["segment", "part", "value", "low", "high", "n"])


def by_group(accounts: pd.DataFrame, policy: Policy, currency: str) -> pd.DataFrame:
    """The same bridge for every industry and region: dimension, group ("" where not recorded), part, value, low, high, n (accounts).

    Within a dimension the groups' parts add up to the whole change."""
    frames = []
    for dimension in ("segment", "industry", "region"):
        if not accounts[dimension].notna().any():
            continue
        for group, mine in accounts.groupby(accounts[dimension].fillna(""), sort=True):
            found = _rows(_bridge(mine, str(group), policy, currency))
            rows = pd.DataFrame(found, columns=["group", "part", "value", "low", "high", "n"])
            frames.append(rows.assign(dimension=dimension))
    columns = ["dimension", "group", "part", "value", "low", "high", "n"]
    return pd.concat(frames, ignore_index=True)[columns] if frames else pd.DataFrame(columns=columns)
