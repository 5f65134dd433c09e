"""M-1.5a to d: which outside personas find key accounts, who belongs to them, and who of these is no customer yet.

a global, b national: the reach, and a place on a ranking (by record, by name on a list beside the company, or that of the head office).
c regional: known beyond its town, annual revenue at or above the limit. d: smaller than that, but pays far more than others of its size.
Who pays far more is a matter of several deals, not of one lucky amount: what an account pays beyond what its size predicts is shrunk
toward 0 by as much as its few deals deserve (empirical Bayes), and only then held against the limit.

The inside view (the largest customers that together bring a large share of revenue) is kept apart: it cannot find prospects. A persona is
worth its name where its customers are key accounts by revenue more often than the other customers are.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from kaanalysis import aggregates
from kaanalysis.analyses.persona_profile import learn_profile, with_prospects
from kaanalysis.analyses.verdicts import above, find_flips, number
from kaanalysis.analyses.white_space import COLUMNS, white_space
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.results import Finding, Number, no_data
from kaanalysis.stats import Estimate, newcombe_difference, wilson

PERSONAS = ("M-1.5a", "M-1.5b", "M-1.5c", "M-1.5d")
KEYS = {
    "M-1.5a": "persona_global",
    "M-1.5b": "persona_national",
    "M-1.5c": "persona_regional",
    "M-1.5d": "persona_paying",
}
FEEDS = {
    "M-1.5a": ("accounts.reach", "accounts.ranked_on"),
    "M-1.5b": ("accounts.reach", "accounts.ranked_on"),
    "M-1.5c": ("accounts.annual_revenue",),
    "M-1.5d": ("opportunities.amount", "accounts.employees|accounts.annual_revenue"),
}


def _heads(register: pd.DataFrame, values: pd.Series) -> pd.Series:
    """The value of each account's head office (by account_id), aligned with the register."""
    by_id = pd.Series(values.to_numpy(), index=register["account_id"])
    return pd.Series(by_id.reindex(register["cluster"]).to_numpy(), index=register.index)


def _excess(company: Company, policy: Policy, register: pd.DataFrame) -> pd.Series:
    """By account_id: how many times what its size predicts an account pays per deal, shrunk; only accounts with a deal and a known size.

    Log amount on log size by least squares over the deals; the accounts' part of what is left by the analysis-of-variance estimator, each
    account's mean shrunk with weight n τ² / (n τ² + σ²) (Robinson 1991, Statistical Science 6, 15–32)."""
    size = register["employees"].where(register["employees"] > 0)
    if size.notna().sum() == 0:
        size = register["annual_revenue"].where(register["annual_revenue"] > 0)
    sizes = pd.Series(np.log(size.to_numpy(float)), index=register["account_id"]).dropna()
    deals = aggregates.won_amounts(company, policy)
    deals = deals[deals["account_id"].isin(sizes.index)]
    if deals["account_id"].nunique() < 3 or len(deals) == deals["account_id"].nunique():
        return pd.Series(dtype="float64")  # with one deal each, paying more and a lucky deal cannot be told apart
    x, y = sizes.loc[deals["account_id"]].to_numpy(), np.log(deals["amount"].to_numpy(float))
    slope = np.cov(x, y)[0, 1] / x.var(ddof=1) if x.var() > 0 else 0.0
    rest = pd.Series(y - y.mean() - slope * (x - x.mean()), index=deals["account_id"].to_numpy())
    groups = rest.groupby(level=0)
    count, mean = groups.size(), groups.mean()
    k, n = len(count), len(rest)
    within = float(((rest - mean.reindex(rest.index)) ** 2).sum() / (n - k))
    between = float((count * mean**2).sum() / (k - 1))
    tau = max(0.0, (between - within) / ((n - (count**2).sum() / n) / (k - 1)))
    return pd.Series(np.exp(count * tau / (count * tau + within) * mean), index=count.index) if tau else mean * 0 + 1.0


def assign(company: Company, policy: Policy) -> pd.DataFrame:
    """The register with persona (M-1.5a … d or null), borderline, excess (times; null where not to be told), inside (key account by
    revenue), and the evidence: list, year, rank, listed_name, field, score."""
    register = aggregates.account_register(company, policy)
    matches = aggregates.ranking_matches(company, policy)
    sure = matches[matches["state"] == "accepted"].drop_duplicates("account_id").set_index("account_id")
    unsure = set(matches.loc[matches["state"] != "accepted", "account_id"]) - set(sure.index)
    # A subsidiary stands where its head office stands; the evidence then names the head office's entry.
    bearer = register["account_id"].where(register["account_id"].isin(sure.index), register["cluster"])
    for column in ("list", "year", "rank", "listed_name", "field", "score"):
        register[column] = sure[column].reindex(bearer).to_numpy() if len(sure) else None
    register["field"] = register["field"].where(
        bearer.eq(register["account_id"]) | register["field"].isna(), "parent_account_id"
    )
    register["ranked"] = bearer.isin(sure.index)
    register["unsure"] = register["account_id"].isin(unsure)
    register["reach"] = register["reach"].where(register["reach"].notna(), _heads(register, register["reach"]))
    register["excess"] = register["account_id"].map(_excess(company, policy, register)).astype("float64")
    register["inside"] = _inside(register, policy)
    return classified(register, policy)


def classified(register: pd.DataFrame, policy: Policy) -> pd.DataFrame:
    """The register with `persona` and `borderline` by the policy's limits; reads reach, ranked, unsure, annual_revenue and excess."""
    register, reach, ranked = register.copy(), register["reach"], register["ranked"]
    limit, margin = policy["persona.regional_revenue"], policy["persona.margin"]
    revenue = register["annual_revenue"]
    known_there = (reach != "local") | reach.isna()
    register["persona"] = pd.Series(pd.NA, index=register.index, dtype="string")
    small = register["excess"] >= policy["persona.excess"]
    rules = {"M-1.5d": small, "M-1.5c": known_there & (revenue >= limit), "M-1.5b": (reach == "national") & ranked,
             "M-1.5a": (reach == "global") & ranked}  # fmt: skip
    for persona, holds in rules.items():  # the last one that holds stays: a before b before c before d
        register["persona"] = register["persona"].mask(holds.fillna(False), persona)
    near = (
        known_there
        & revenue.between(limit * (1 - margin), limit * (1 + margin))
        & ~register["persona"].isin(["M-1.5a", "M-1.5b"])
    )
    waiting = reach.isin(["global", "national"]) & ~ranked & register["unsure"]
    unknown = (revenue >= limit) & reach.isna()
    close = register["excess"].between(policy["persona.excess"] * (1 - margin), policy["persona.excess"] * (1 + margin))
    close &= register["persona"].isna() | register["persona"].eq("M-1.5d")
    # For which persona an account is borderline: the one it would fall into or out of.
    register["borderline"] = pd.Series(pd.NA, index=register.index, dtype="string")
    for persona, holds in (("M-1.5d", close), ("M-1.5c", near | unknown), ("M-1.5b", waiting & (reach == "national")),
                           ("M-1.5a", waiting & (reach == "global"))):  # fmt: skip
        register["borderline"] = register["borderline"].mask(holds.fillna(False), persona)
    return register


def _inside(register: pd.DataFrame, policy: Policy) -> pd.Series:
    """The largest customers of the spend window that together bring the policy's share."""
    order = register["spend"].sort_values(ascending=False, kind="stable")
    before = order.cumsum() - order
    return ((before < policy["persona.inside_share"] * order.sum()) & (order > 0)).reindex(register.index)


def _numbers(register: pd.DataFrame, persona: str, policy: Policy) -> list[Number]:
    mine = register["persona"].eq(persona).fillna(False)
    paying, level = register["spend"] > 0, policy["evidence.level"]
    ours, outside = mine & paying, register["persona"].isna() & paying  # the other personas are compared with these too
    counts = {
        "persona_accounts": int(mine.sum()),
        "persona_not_customers": int((mine & ~register["customer"]).sum()),
        "persona_borderline": int(register["borderline"].eq(persona).fillna(False).sum()),
        "persona_paid": int(ours.sum()),
    }
    # Who paid is read in the spend window, whose months the sentence names.
    window = {"persona_paid": float(policy["spend.window_months"])}
    numbers = [
        Number(n, persona, v, None, None, None, len(register), "accounts", "accounts counted", window.get(n))
        for n, v in counts.items()
    ]
    hits = [int((side & register["inside"]).sum()) for side in (ours, outside)]
    sizes = [int(side.sum()) for side in (ours, outside)]
    shares = [_told(wilson(h, n, level), [n], policy) for h, n in zip(hits, sizes, strict=True)]
    gap = _told(newcombe_difference(hits[0], sizes[0], hits[1], sizes[1], level), sizes, policy)
    return [
        *numbers,
        number("persona_hit_share", persona, shares[0], "share"),
        number("no_persona_hit_share", persona, shares[1], "share"),
        number("persona_hit_difference", persona, replace(gap, n=sizes[0]), "share difference"),
    ]


def _told(estimate: Estimate, sizes: list[int], policy: Policy) -> Estimate:
    """The estimate, or none where one of the groups is smaller than a verdict asks for: a share of two customers is no share."""
    least = policy["evidence.minimum_units"]
    if min(sizes) >= least:
        return estimate
    return replace(estimate, value=None, low=None, high=None, method=f"{estimate.method}; fewer than {least} customers")


def judge(numbers: list[Number], persona: str, policy: Policy) -> list[Finding]:
    """M-1.5: supported if this persona's paying customers are key accounts by revenue more often than customers without any persona, by
    more than the policy's difference.

    Wrong if it were chance: then the interval would reach down to it. For d the two views share the amounts: it must be read with
    care."""
    gap = next(n for n in numbers if n.name == "persona_hit_difference")
    if numbers[0].value == 0:
        return [Finding(persona, KEYS[persona], "undecided", "persona_nobody", tuple(numbers))]
    if gap.value is None or gap.n < policy["evidence.minimum_units"]:
        return [Finding(persona, KEYS[persona], "undecided", "too_few", tuple(numbers))]
    state = above(gap.low, gap.high, policy["persona.hit_difference"])
    return [Finding(persona, KEYS[persona], state, f"persona_{state}", tuple(numbers))]


def find(company: Company, policy: Policy) -> tuple[list[Finding], dict[str, pd.DataFrame]]:
    """The findings M-1.5a to d; frames `personas`, `white_space`, `persona_sensitivity`, `inside_outside`, `persona_profile`."""
    register = assign(company, policy)
    profile = learn_profile(company, policy, register)
    register = with_prospects(register, profile)
    findings = []
    for persona in PERSONAS:
        missing = _missing(company, persona)
        if missing:
            findings.append(no_data(persona, KEYS[persona], missing))
            continue
        numbers = _numbers(register, persona, policy)

        def judged(p: Policy, numbers: list[Number] = numbers, persona: str = persona) -> list[Finding]:
            return judge(numbers, persona, p)

        flips = find_flips(judged, persona, policy, ["persona.hit_difference"])
        findings.append(replace(judged(policy)[0], flips=flips))
    return findings, {
        **_frames(company, register, profile, policy),
        **({"persona_profile": profile} if len(profile) else {}),
    }


def _missing(company: Company, persona: str) -> list[str]:
    missing = []
    for column in FEEDS[persona]:
        if column == "accounts.ranked_on" and len(company.rankings):
            continue
        if not company.has(column):
            missing.append(column)
    return missing


def _frames(company: Company, register: pd.DataFrame, profile: pd.DataFrame, policy: Policy) -> dict[str, pd.DataFrame]:
    some = register["persona"].notna() | register["borderline"].notna() | register["inside"]
    people = register.loc[some, [*(c for c in COLUMNS if c != "worked"), "customer", "inside", "spend"]]
    order = ["persona", "annual_revenue", "account_id"]
    frames = {
        "personas": people.sort_values(order, ascending=[True, False, True], ignore_index=True),
        "white_space": white_space(company, register, PERSONAS, policy),
        "persona_sensitivity": _sensitivity(policy, register, profile),
        "inside_outside": _inside_outside(register),
    }
    return {name: frame for name, frame in frames.items() if len(frame)}


def _inside_outside(register: pd.DataFrame) -> pd.DataFrame:
    """Accounts and spend by persona or not (persona), and by kind: `customer` that paid in the spend window, key by revenue or not
    (inside); `earlier`, a customer that did not; `prospect`, never a customer. Of the last two nobody can say `inside`: null."""
    paying, rows = register["spend"] > 0, []
    kinds = {
        ("customer", False): paying & ~register["inside"], ("customer", True): paying & register["inside"],
        ("earlier", None): register["customer"] & ~paying, ("prospect", None): ~register["customer"],
    }  # fmt: skip
    for (kind, inside), there in kinds.items():
        for persona in (False, True):
            cell = register[there & register["persona"].notna().eq(persona)]
            rows.append((kind, inside, persona, len(cell), float(cell["spend"].sum())))
    frame = pd.DataFrame(rows, columns=["kind", "inside", "persona", "accounts", "spend"])
    return frame.astype({"inside": "boolean"})


def _sensitivity(policy: Policy, register: pd.DataFrame, profile: pd.DataFrame) -> pd.DataFrame:
    """One row per account whose persona changes as the revenue limit moves by the policy's margin: account_id, name, annual_revenue,
    limit (share of the policy's), now, then."""
    rows, margin = [], policy["persona.margin"]
    threshold = policy.threshold("persona.regional_revenue")
    assert threshold.range is not None
    for factor in (1 - margin, 1 + margin):
        limit = min(max(threshold.value * factor, threshold.range[0]), threshold.range[1])
        moved = classified(register, policy.override({"persona.regional_revenue": limit}))
        moved = with_prospects(moved, profile)
        then = moved.set_index("account_id")["persona"].reindex(register["account_id"])
        changed = register["persona"].fillna("").to_numpy() != then.fillna("").to_numpy()
        rows.append(
            register.loc[changed, ["account_id", "name", "annual_revenue", "customer"]].assign(
                limit=factor, now=register.loc[changed, "persona"], then=then.to_numpy()[changed]
            )
        )
    return pd.concat(rows, ignore_index=True)
