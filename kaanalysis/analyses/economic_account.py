"""M-2.1: does the purchase pay, and for every role that takes part in it?

A role's account of a purchase: what it gains (income, saving) less what it gives up (money, time, learning, change, the substitute
forgone). Where the accounts of all roles together are above zero and one is below, the purchase fails at that role.

Every amount is told, so it is a guess. Half of the guess (in log variance) is shared: who tells of a role's saving overrates it in
every purchase alike, which no number of purchases shows. That half is drawn by Monte Carlo from the policy's spread, one factor per
role and item. The other half differs from purchase to purchase, and the spread between purchases holds it already; so it is drawn only
where there is a single purchase. The purchases themselves are a sample: their mean is drawn from Student's t, as the few there are ask
for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats as scipy_stats

from kaanalysis import aggregates
from kaanalysis.analyses.verdicts import above, find_flips, number, percentile_number
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.results import Finding, Number, State, no_data
from kaanalysis.stats import bootstrap

FEEDS = ("value_items.amount",)
GAINS = ("income", "saving")
COSTS = ("money", "time", "learning", "change", "substitute")
TOTAL = aggregates.ALL
Floats = npt.NDArray[np.float64]


def balance_if_told(items: pd.DataFrame, told_roles: Iterable[str]) -> pd.DataFrame:
    """What each role sees of its own account when only some were told what interests them: an untold role sees its costs and no gain.

    items: flow_id, role, item, amount. Returns one row per flow and role: flow_id, role, gains, costs, balance (gains − costs), told,
    seen
    (balance if told, else −costs). Roles in ``told_roles`` that have no account are passed over. ValueError for an unknown item."""
    unknown = sorted(set(items["item"]) - {*GAINS, *COSTS})
    if unknown:
        raise ValueError(f"item must be one of {', '.join((*GAINS, *COSTS))}; not {unknown[0]!r}")
    gain = items["item"].isin(GAINS)
    split = items.assign(gains=items["amount"].where(gain, 0.0), costs=items["amount"].where(~gain, 0.0))
    frame = split.groupby(["flow_id", "role"], as_index=False)[["gains", "costs"]].sum()
    told = frame["role"].isin(set(told_roles))
    balance = frame["gains"] - frame["costs"]
    return frame.assign(balance=balance, told=told, seen=balance.where(told, -frame["costs"]))


@dataclass(frozen=True)
class Account:
    """Monte-Carlo draws of the accounts. roles: names; flows: ids; told: balance (flows, roles), NaN where a role has no account in a
    flow; balances: (draws, flows, roles) with the guesses' errors alone; means: (draws, roles + 1) of the mean balance per purchase,
    the last column all roles together, with the sampling of purchases; purchase: amounts (flows,), NaN where unknown."""

    roles: list[str]
    flows: list[str]
    told: Floats
    balances: Floats
    means: Floats
    shares: Floats
    purchase: Floats

    def columns(self) -> list[tuple[str, Floats]]:
        """(role, told balances of the flows that have it), all roles together last."""
        return [*((r, self.told[:, i]) for i, r in enumerate(self.roles)), (TOTAL, np.nansum(self.told, axis=1))]


def draw_account(items: pd.DataFrame, policy: Policy) -> Account:
    """items: flow_id, role, item, amount, purchase; one row per told line."""
    roles, flows = sorted(items["role"].unique()), sorted(items["flow_id"].unique())
    draws, generator = policy["evidence.draws"], np.random.default_rng(policy["evidence.seed"])
    role, flow = items["role"].map(roles.index).to_numpy(), items["flow_id"].map(flows.index).to_numpy()
    signed = items["amount"].to_numpy(float) * np.where(items["item"].isin(GAINS), 1.0, -1.0)
    # ± spread holds nine of ten guesses: log(1 + spread) is 1.645 standard deviations.
    half = np.log1p(policy["account.spread"]) / float(scipy_stats.norm.isf(0.05)) * np.sqrt(0.5)
    kind, kinds = pd.factorize(items["role"] + " " + items["item"])
    error = half * generator.standard_normal((draws, len(kinds)))[:, kind]
    own = half * generator.standard_normal((draws, len(items)))
    cell = flow * len(roles) + role
    place = np.zeros((len(items), len(flows) * len(roles)))
    place[np.arange(len(items)), cell] = 1.0
    shape = (draws, len(flows), len(roles))
    known = np.bincount(cell, minlength=place.shape[1]).reshape(shape[1:]) > 0
    told = np.where(known, (signed @ place).reshape(shape[1:]), np.nan)
    shared = np.where(known, ((np.exp(error) * signed) @ place).reshape(shape), np.nan)
    each = np.where(known, ((np.exp(error + own) * signed) @ place).reshape(shape), np.nan)
    purchase = items.groupby("flow_id")["purchase"].max().reindex(flows).to_numpy(float)
    means, shares = np.empty((draws, len(roles) + 1)), np.full((draws, len(roles) + 1), np.nan)
    for i in range(len(roles) + 1):
        mine = known[:, i] if i < len(roles) else np.ones(len(flows), dtype=bool)
        source = shared if mine.sum() > 1 else each
        values = source[:, mine, i] if i < len(roles) else np.nansum(source, axis=2)
        n = int(mine.sum())
        chance = generator.standard_t(max(1, n - 1), draws)
        means[:, i] = _sampled(values, np.ones(n), chance)
        if np.isfinite(purchase[mine]).all() and (purchase[mine] > 0).all():
            shares[:, i] = _sampled(values, purchase[mine], chance)
    return Account(roles, flows, told, each, means, shares, purchase)


def _sampled(values: Floats, size: Floats, chance: Floats) -> Floats:
    """Σ values / Σ size per draw, moved by `chance` (Student's t) times the ratio's standard error over purchases; values:
    (draws, flows)."""
    n = values.shape[1]
    ratio = values.sum(axis=1) / size.sum()
    if n < 2:
        return np.asarray(ratio)
    rest = values - ratio[:, None] * size
    error = np.sqrt((rest**2).sum(axis=1) * n / (n - 1)) / size.sum()
    return np.asarray(ratio + error * chance)


def measure(account: Account, currency: str, policy: Policy) -> list[Number]:
    """account_balance and account_balance_share per role, account_total and its share, roles_negative."""
    level = policy["evidence.level"]
    out = []
    about = "gains − costs; Monte Carlo over shared errors of the guesses"
    for i, (role, told) in enumerate(account.columns()):
        there = np.isfinite(told)
        n = int(there.sum())
        method = (
            f"{about}, t over {n} purchases"
            if n > 1
            else f"{about} and own ones; one purchase, so without their variation"
        )
        name = "account_total" if role == TOTAL else "account_balance"
        out.append(
            percentile_number(name, role, float(told[there].mean()), account.means[:, i], level, n, currency, method)
        )
        size = account.purchase[there]
        if np.isfinite(size).all() and (size > 0).all():
            share = float(told[there].sum() / size.sum())
            out.append(
                percentile_number(
                    f"{name}_share", role, share, account.shares[:, i], level, n, "share of amount", method
                )
            )
    negative = (account.means[:, :-1] < 0).sum(axis=1)
    value = sum(float(np.nanmean(t)) < 0 for _, t in account.columns()[:-1])
    low, high = (float(v) for v in np.quantile(negative, [(1 - level) / 2, (1 + level) / 2], method="nearest"))
    n = len(account.flows)
    method = "roles with a mean balance below 0, Monte Carlo"
    out.append(Number("roles_negative", TOTAL, value, min(low, value), max(high, value), level, n, "roles", method))
    return out


def likely_opponents(account: Account, policy: Policy) -> pd.DataFrame:
    """One row per role: role, purchases, negative (purchases with a told balance below 0), p_negative (share of draws in which its mean
    balance is below 0), p_adjusted (chance that it is not, times the number of roles, Bonferroni), opponent, the surest first. A role
    is a likely opponent if that adjusted chance is at most half of 1 − level (one side of the interval)."""
    rows = []
    for i, (role, told) in enumerate(account.columns()[:-1]):
        there = np.isfinite(told)
        p_negative = float((account.means[:, i] < 0).mean())
        rows.append((role, int(there.sum()), int((told[there] < 0).sum()), float(told[there].mean()), p_negative))
    frame = pd.DataFrame(rows, columns=["role", "purchases", "negative", "balance", "p_negative"])
    adjusted = ((1 - frame["p_negative"]) * len(frame)).clip(upper=1.0)
    frame = frame.assign(p_adjusted=adjusted, opponent=adjusted <= (1 - policy["evidence.level"]) / 2)
    return frame.sort_values(["p_negative", "balance"], ascending=[False, True], ignore_index=True)


def accounts_by_purchase(items: pd.DataFrame, account: Account, policy: Policy) -> pd.DataFrame:
    """One row per purchase and role: flow_id, role, gains, costs, balance, share (of the purchase's amount), total (of all roles in that
    purchase), p_negative (share of draws of the guesses' errors with a balance below 0), opponent (the purchase pays in total and this
    role is surely below zero)."""
    frame = balance_if_told(items, items["role"].unique()).drop(columns=["told", "seen"])
    flow, role = frame["flow_id"].map(account.flows.index).to_numpy(), frame["role"].map(account.roles.index).to_numpy()
    total = np.nansum(account.told, axis=1)[flow]
    p_negative = (account.balances[:, flow, role] < 0).mean(axis=0)
    return frame.assign(
        share=frame["balance"] / account.purchase[flow], total=total, p_negative=p_negative,
        opponent=(total > 0) & (p_negative >= policy["evidence.level"]),
    )  # fmt: skip


def judge(account: Account, currency: str, more: list[Number], policy: Policy) -> list[Finding]:
    """M-2.1: supported if the account of all roles together is surely above zero and so is every single role's; contradicted if the total
    is surely below, or a role surely gives up more than it gains, told for as many roles as there are (Bonferroni).

    Wrong if the accounts were told by whom the purchase suits, or a role that loses was never asked: then the sum is too fair. Wrong
    the other way if a role counts no gain because nobody told it of one, which is what M-2.4 is for. The errors of the guesses are a
    belief
    (`account.spread`), which no data here can correct."""
    numbers = (*measure(account, currency, policy), *more)
    if len(account.flows) < policy["account.minimum_purchases"]:
        return [Finding("M-2.1", "economic_account", "undecided", "too_few", numbers)]
    total = next(n for n in numbers if n.name == "account_total")
    roles = [n for n in numbers if n.name == "account_balance"]
    opponents = likely_opponents(account, policy)
    named = list(opponents.loc[opponents["opponent"], "role"])
    whole = above(total.low, total.high, 0.0)
    terms = {"party": str(named[0])} if named else {}
    if whole == "contradicted":
        return [Finding("M-2.1", "economic_account", whole, "account_total_negative", numbers)]
    if named and whole == "supported":
        return [Finding("M-2.1", "economic_account", "contradicted", "account_opponent", numbers, terms=terms)]
    if named:
        return [Finding("M-2.1", "economic_account", "contradicted", "account_opponent_open", numbers, terms=terms)]
    surely = all(n.low is not None and n.low > 0 for n in roles)
    state: State = "supported" if whole == "supported" and surely else "undecided"
    return [Finding("M-2.1", "economic_account", state, f"account_{state}", numbers)]


def against_difference(people: pd.DataFrame, balances: Mapping[str, float], policy: Policy) -> Number | None:
    """`opponent_against_difference`: share against the purchase among persons in roles with a negative account, less that in roles with a
    positive one; None where one of the two has nobody. people: role, cluster, told, against; the key person is not among them."""
    sign = people["role"].map(dict(balances))
    known = people[sign.notna() & (sign != 0)]
    loses = (known["role"].map(dict(balances)) < 0).to_numpy()
    told, against = known["told"].to_numpy(float), known["against"].to_numpy(float)
    if not told[loses].sum() or not told[~loses].sum():
        return None

    def statistic(weights: np.ndarray) -> np.ndarray:
        w = weights.astype(float)
        with np.errstate(invalid="ignore", divide="ignore"):
            shares = [(w[:, s] @ against[s]) / (w[:, s] @ told[s]) for s in (loses, ~loses)]
        return shares[0] - shares[1]

    estimate = bootstrap(
        statistic, known["cluster"].to_numpy(object), draws=policy["evidence.draws"], seed=policy["evidence.seed"],
        level=policy["evidence.level"], method="difference of shares against, key persons left out",
    )  # fmt: skip
    return number("opponent_against_difference", TOTAL, replace(estimate, n=int(told.sum())), "share difference")


def find(company: Company, policy: Policy) -> tuple[Finding, dict[str, pd.DataFrame]]:
    """The finding M-2.1; frames `economic_account` (:func:`accounts_by_purchase`) and `opponents` (:func:`likely_opponents`)."""
    missing = company.missing("value_items.amount")
    if missing:
        return no_data("M-2.1", "economic_account", missing), {}
    items, currency = aggregates.value_accounts(company, policy), company.info.currency
    drawn: dict[float, Account] = {}

    def account(p: Policy) -> Account:
        spread = p["account.spread"]
        if spread not in drawn:
            drawn[spread] = draw_account(items, p)
        return drawn[spread]

    opponents = likely_opponents(account(policy), policy)
    more: list[Number] = []
    if company.has("stakeholders.stance"):
        people = aggregates.stances(company, policy)
        if (people["segment"] == "KA").any():
            people = people[people["segment"] == "KA"]
        balances = dict(zip(opponents["role"], opponents["balance"], strict=True))
        more = [n for n in (against_difference(people, balances, policy),) if n is not None]
    finding = judge(account(policy), currency, more, policy)[0]
    moved = ["account.spread", "account.minimum_purchases"]
    flips = find_flips(lambda p: judge(account(p), currency, more, p), "M-2.1", policy, moved)
    purchases = accounts_by_purchase(items, account(policy), policy)
    # What the account foresees is held against what is on record of these roles: a reader acts on an opponent.
    borne_out = "shown" if more and more[0].low is not None and more[0].low > 0 else "unseen"
    terms = {"stance": borne_out} if more and "party" in finding.terms else {}
    finding = replace(finding, flips=flips, terms={**finding.terms, **terms})
    return finding, {"economic_account": purchases, "opponents": opponents}
