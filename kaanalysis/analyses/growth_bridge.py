"""The growth bridge: the change of the won amount from one period to the next, taken apart exactly.

* by factors, amount = customers × deals per customer × amount per deal, with the logarithmic-mean Divisia index (LMDI-I), whose
  parts add up to the change without a rest (Ang 2004, Energy Policy 32, 1131–1139). Where a group had no won amount in one
  of the periods the index takes its limit: the whole change is customers (Ang and Choi 1997). It is made for every segment by itself,
  and what holds more than one is their sum (consistency in aggregation: Ang 2015, Energy Policy 86, 233–238): made of all deals at once
  it would read a larger share of key accounts as a higher price.
* by signatures: won from customers who signed in both periods (retained, by how much more or less), only in the later (new: first-time
  and returning ones) and only in the earlier (not_repeated). To sign nothing new is not to leave: where subscriptions are on record the
  last part is split into customers still under contract at as_of and customers gone.

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
from kaanalysis.stats import Estimate, poisson_sums, ratio_of_totals, share_of_total, signed_total, total

FACTORS = ("customers", "deals_per_customer", "price")
MOVES = ("new", "retained", "not_repeated")
LEFT = ("still_under_contract", "gone")  # what not_repeated is made of, where subscriptions are on record
METHOD_FACTORS = "logarithmic-mean Divisia index by segment, Poisson cluster bootstrap (percentile)"

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
    """Won amount, deals and customers of either period for every account, six columns for each segment in turn (one of them for
    accounts without a segment), shape (accounts, 6 × segments)."""
    a0, a1, d0, d1 = (frame[c].to_numpy(float) for c in ("amount_0", "amount_1", "deals_0", "deals_1"))
    values = np.column_stack([a0, a1, d0, d1, d0 > 0, d1 > 0])
    label = frame["segment"].astype(object).where(frame["segment"].notna(), "").to_numpy(object)
    return np.column_stack([values * (label == s)[:, None] for s in sorted(set(label))])


def _factors(sums: Array) -> dict[str, Array]:
    """Factors from :func:`_sums` added up, one row per draw: of every segment by itself, then summed over segments."""
    whole = {part: np.zeros(len(sums)) for part in FACTORS}
    for a0, a1, d0, d1, c0, c1 in sums.T.reshape(-1, 6, len(sums)):
        for part, value in factor_parts((a0, a1), (d0, d1), (c0, c1)).items():
            whole[part] += value
    return whole


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


def _minus(estimate: Estimate) -> Estimate:
    """The estimate with its sign turned."""
    low, value, high = (None if x is None else -x for x in (estimate.high, estimate.value, estimate.low))
    return replace(estimate, value=value, low=low, high=high)


def _summed(frame: pd.DataFrame, segment: str, level: float, currency: str) -> list[Number]:
    """What was won in each period and its growth; what was won from customers who signed in one of them or in both: sums over customer
    groups whose number is chance too. n: the accounts that a sum is made of."""
    a0, a1 = frame["amount_0"].to_numpy(float), frame["amount_1"].to_numpy(float)
    before, now = frame["deals_0"].to_numpy() > 0, frame["deals_1"].to_numpy() > 0
    clusters, parts = frame["cluster"].to_numpy(), []

    def part(
        name: str, values: Array, mine: npt.NDArray[np.bool_], *, lost: bool = False, signed: bool = False
    ) -> None:
        sums = signed_total if signed else total
        estimate = sums(np.where(mine, values, 0.0), clusters, level=level)
        estimate = replace(_minus(estimate) if lost else estimate, n=int(mine.sum()))
        parts.append(number(name, segment, estimate, currency))

    part("revenue_before", a0, before)
    part("revenue_now", a1, now)
    part("new", a1, now & ~before)
    part("retained", a1 - a0, now & before, signed=True)
    part("not_repeated", a0, before & ~now, lost=True)
    if frame["running"].notna().any():
        running = frame["running"].fillna(False).to_numpy(bool)
        part("still_under_contract", a0, before & ~now & running, lost=True)
        part("gone", a0, before & ~now & ~running, lost=True)
    ratio = ratio_of_totals(a1, a0, clusters, level=level)
    below, middle, above = (None if v is None else v - 1 for v in (ratio.low, ratio.value, ratio.high))
    growth = replace(ratio, value=middle, low=below, high=above, n=len(frame))
    return [*parts, number("growth_rate", segment, growth, "share per period")]


def _won_share(accounts: pd.DataFrame, segment: str, level: float) -> Number:
    """How much of what was won in the later period a segment brought."""
    won, mine = accounts["amount_1"].to_numpy(float), accounts["segment"].eq(segment).to_numpy(bool)
    share = share_of_total(
        np.where(mine, won, 0.0), np.where(mine, 0.0, won), accounts["cluster"].to_numpy(object), level=level
    )
    return number("won_share", segment, replace(share, n=int((won > 0).sum())), "share")


def _change(frame: pd.DataFrame, level: float) -> tuple[str, float | None, float | None, float | None, int]:
    """The change of the won amount as a row: what the parts of a group add up to."""
    change = (frame["amount_1"] - frame["amount_0"]).to_numpy(float)
    found = signed_total(change, frame["cluster"].to_numpy(object), level=level)
    return "change", found.value, found.low, found.high, len(frame)


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
    order = ["revenue_before", "revenue_now", "growth_rate", *FACTORS, *MOVES, *LEFT]
    numbers.sort(key=lambda n: (segments.index(n.segment), order.index(n.name)))
    frame = pd.DataFrame(_rows(numbers), columns=["segment", "part", "value", "low", "high", "n"])
    if "KA" in segments:
        numbers.append(_won_share(accounts, "KA", policy["evidence.level"]))
    return numbers, frame


def by_group(accounts: pd.DataFrame, policy: Policy, currency: str) -> pd.DataFrame:
    """The same bridge for every industry and region: dimension, group ("" where not recorded), part (as numbers are named, and `change`),
    value, low, high, n (accounts that a part is made of; all of the group for change, growth_rate and factors).

    Within a dimension the groups' parts add up to the whole change."""
    frames, names = [], ["part", "value", "low", "high", "n"]
    for dimension in ("segment", "industry", "region"):
        if not accounts[dimension].notna().any():
            continue
        for group, mine in accounts.groupby(accounts[dimension].fillna(""), sort=True):
            found = [row[1:] for row in _rows(_bridge(mine, str(group), policy, currency))]
            rows = pd.DataFrame([*found, _change(mine, policy["evidence.level"])], columns=names)
            frames.append(rows.assign(dimension=dimension, group=str(group)))
    columns = ["dimension", "group", *names]
    return pd.concat(frames, ignore_index=True)[columns] if frames else pd.DataFrame(columns=columns)
