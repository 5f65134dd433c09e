"""What the findings M-0 to M-1.5 rest on, counted account by account in one company after the other and pooled: the part of
:mod:`kaanalysis.simulate.replica` that is about sellers' heads, lists, industries, contracts, concentration, looks and personas.

Plain pandas on the tables as drawn, written down a second time; nothing of what analyses a company is used. Where a number could mean two
things, its truth is what the estimator aims at: the Gini coefficient that of the large population that the customers come from, the share
of the ten largest its mean over companies of that size (ten customers are ever fewer of a larger one), all else ratios and
functions of expected sums over companies of that size.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from kaanalysis.simulate.world import World

DAYS_PER_MONTH = 365.25 / 12
SEGMENTS = ("SMB", "KA", "all")
PERSONAS = ("M-1.5a", "M-1.5b", "M-1.5c", "M-1.5d")
ACCOUNT = ("account_id", "parent_account_id", "segment", "industry", "employees", "annual_revenue", "reach", "ranked_on",
           "created_at")  # fmt: skip
TOP = 10


@dataclass(frozen=True)
class Marks:
    """Policy values that the numbers' definitions contain, as the default policy has them (units there); periods and the spend window are
    the twelve months before as_of."""

    required_level: float = 0.8
    covered_share: float = 0.5
    siphon_before_months: int = 12
    horizon_days: int = 365
    target_rate: float = 0.1
    manager_multiple: float = 1.5
    manager_span: float = 8
    training_months: float = 3
    short_months: float = 24
    long_months: float = 24
    regional_revenue: float = 50_000_000.0
    excess: float = 2.0
    inside_share: float = 0.5
    early_days: int = 30
    amount_bands: int = 5
    authority_window: float = 2.0
    period_months: int = 3
    follow_up_months: int = 6


@dataclass(frozen=True)
class Drawn:
    """One company as drawn. deals: opportunities with segment, group and motion; accounts: the register (:func:`register`)."""

    world: World
    tables: dict[str, pa.Table]
    deals: pd.DataFrame
    accounts: pd.DataFrame
    marks: Marks

    @property
    def end(self) -> pd.Timestamp:
        return pd.Timestamp(self.world.as_of)


def frame(table: pa.Table, *columns: str) -> pd.DataFrame:
    """Columns of a drawn table, dates as timestamps."""
    return table.select(list(columns)).to_pandas(strings_to_categorical=False, date_as_object=False)


def register(world: World, tables: dict[str, pa.Table], deals: pd.DataFrame) -> pd.DataFrame:
    """One row per account: what it is, and whether it was worked, ever a customer, is one at as_of; amounts won in all and of late."""
    accounts = frame(tables["accounts"], *ACCOUNT).set_index("account_id")
    contracts = frame(tables["subscriptions"], "account_id", "ended_at")
    ordering = frame(tables["order_lines"], "account_id")["account_id"]
    won = deals[deals["outcome"] == "won"]
    late = won[won["closed_at"] > pd.Timestamp(world.as_of) - pd.DateOffset(years=1)]
    known = accounts.index
    held, running = known.isin(contracts["account_id"]), contracts.loc[contracts["ended_at"].isna(), "account_id"]
    accounts["worked"] = accounts["created_at"].notna() | held | known.isin(deals["account_id"]) | known.isin(ordering)
    accounts["customer"] = held | known.isin(won["account_id"])
    accounts["present"] = known.isin(running) | known.isin(late["account_id"])
    accounts["won"] = won.groupby("account_id")["amount"].sum().reindex(known).fillna(0.0)
    accounts["spend"] = late.groupby("account_id")["amount"].sum().reindex(known).fillna(0.0)
    accounts["ranked"] = accounts["ranked_on"].notna()
    return accounts


def of_segment(accounts: pd.DataFrame, label: str) -> pd.DataFrame:
    """The accounts of a segment, or all."""
    return accounts if label == "all" else accounts[accounts["segment"] == label]


# Heads ------------------------------------------------------------------------------------------------------------


def _heads(drawn: Drawn) -> dict[str, Any]:
    """By team and full year before as_of: mean sellers, cost, support, bookings; by motion what its won deals of the last year brought."""
    months = frame(drawn.tables["team_months"], "team", "month", "sellers", "cost", "support_cost")
    motion = frame(drawn.tables["teams"], "team", "motion").set_index("team")["motion"]
    end = drawn.end
    months["year"] = -(((end.year - months["month"].dt.year) * 12 + end.month - months["month"].dt.month) // 12)
    months["motion"] = months["team"].map(motion)
    by = months.groupby(["motion", "team", "year"])
    years = by[["sellers", "cost", "support_cost"]].sum()
    years["sellers"] /= 12
    years = years[by.size() == 12]
    # A small-customer team's key accounts are not its small-customer business.
    won = drawn.deals[
        (drawn.deals["outcome"] == "won") & ~((drawn.deals["motion"] == "SMB") & (drawn.deals["segment"] == "KA"))
    ]
    closed = won["closed_at"]
    year = (-(((end.year - closed.dt.year) * 12 + end.month - closed.dt.month) // 12)).rename("year")
    years["bookings"] = won.groupby(["motion", "team", year])["amount"].sum().reindex(years.index).fillna(0.0)
    late = won[closed > end - pd.DateOffset(years=1)]
    return {"years": years, "brought": late.groupby("motion")["amount"].sum()}


def _pool_heads(gathered: list[dict[str, Any]], count: int, drawn: Drawn) -> dict[str, float]:
    marks, out = drawn.marks, {}
    whole = pd.concat([g["years"] for g in gathered])
    years = whole.groupby(level=["motion", "team", "year"]).sum() / count
    brought = pd.concat([g["brought"] for g in gathered]).groupby(level=0).sum() / count
    smb = years.loc["SMB"]
    smb = smb[(smb["sellers"] > 0) & (smb["bookings"] > 0)]
    per_head = np.log(smb["bookings"] / smb["sellers"]).rename("log").reset_index()
    away = per_head[["year", "log"]] - per_head.groupby("team")[["year", "log"]].transform("mean")
    slope = float((away["year"] * away["log"]).sum() / (away["year"] ** 2).sum())
    out["revenue_per_head_growth|SMB"] = float(np.expm1(slope))
    chain = 1 + marks.manager_multiple / marks.manager_span + marks.training_months / 12
    now = years.xs(0, level="year").groupby(level="motion").sum()
    for motion in ("SMB", "KA"):
        if motion in now.index and brought.get(motion, 0.0) > 0:
            out[f"revenue_per_head|{motion}"] = float(brought[motion] / now.loc[motion, "sellers"])
            price = now.loc[motion, "cost"] * chain + now.loc[motion, "support_cost"]
            out[f"cost_of_growth|{motion}"] = float(price / brought[motion])
    return out


# Who is a customer ------------------------------------------------------------------------------------------------


def _shares(drawn: Drawn) -> dict[str, Any]:
    """Counts behind the shares of customers: by segment and industry known, present, won of late; of worked key accounts by ranking."""
    accounts = drawn.accounts
    grouped = accounts.groupby(["segment", "industry"])
    by = grouped.agg(known=("present", "size"), there=("present", "sum"), won=("spend", "sum"))
    rows = pd.MultiIndex.from_product([("SMB", "KA"), list(drawn.world.industries)])
    industries = by.reindex(rows).fillna(0.0).to_numpy(float).reshape(2, len(drawn.world.industries), 3)
    key = accounts[accounts["segment"] == "KA"]
    worked = key[key["worked"]]
    leading = []
    for group in (worked[~worked["ranked"]], worked[worked["ranked"]]):
        leading += [len(group), int(group["present"].sum()), float(group["spend"].sum())]
    return {
        "industries": industries,
        "leading": np.array(leading, dtype=float),
        "present": np.array([worked["present"].sum(), len(worked)], float),
    }


def _missing(known: float, there: float, won: float, others: float) -> float:
    """Accounts of the group × (share of customers elsewhere − its own) × won amount per customer in it."""
    return known * (others - there / known) * won / there if there > 0 else 0.0


def _pool_shares(gathered: list[dict[str, Any]], count: int, drawn: Drawn) -> dict[str, float]:
    out, missing = {}, []
    industries = np.sum([g["industries"] for g in gathered], axis=0) / count
    whole = industries.sum(axis=1)
    for place, name in enumerate(drawn.world.industries):
        gaps, lack = [], 0.0
        for segment, every in zip(industries, whole, strict=True):
            known, there, won = (float(x) for x in segment[place])
            others = float((every[1] - there) / (every[0] - known))
            gaps.append(others - there / known)
            lack += _missing(known, there, won, others)
        # Within segments, over those that the industry's own accounts belong to.
        out[f"industry_gap|{name}"] = float(np.average(gaps, weights=industries[:, place, 0]))
        out[f"industry_gap_key_accounts|{name}"] = gaps[1]
        missing.append(lack)
    out["shortfall|M-0.2"] = float(max(missing))
    n0, x0, _, n1, x1, won = (float(x) for x in np.sum([g["leading"] for g in gathered], axis=0) / count)
    if n0 and n1:
        out |= {"other_share|all": x0 / n0, "leading_share|all": x1 / n1, "leading_difference|all": x1 / n1 - x0 / n0}
        out["shortfall|M-0.3"] = _missing(n1, x1, won, x0 / n0)
    key, worked = (float(x) for x in np.sum([g["present"] for g in gathered], axis=0))
    for label, every in zip(("SMB", "KA"), whole, strict=True):
        out |= {f"present_share|{label}": float(every[1] / every[0]), f"known|{label}": float(every[0])}
    return out | {"present_share|KA worked": key / worked}


# Contracts and concentration --------------------------------------------------------------------------------------


def _retention(drawn: Drawn) -> dict[str, Any]:
    """By segment: monthly fees of the accounts under contract a year before as_of, what is left of these, and what they pay at as_of; what
    all pay then."""
    fees = frame(drawn.tables["subscriptions"], "account_id", "started_at", "ended_at", "monthly_fee")
    by_day = []
    for on in (drawn.end - pd.DateOffset(years=1), drawn.end):
        there = fees[(fees["started_at"] <= on) & (fees["ended_at"].isna() | (fees["ended_at"] > on))]
        by_day.append(there.groupby("account_id")["monthly_fee"].sum().reindex(drawn.accounts.index).fillna(0.0))
    before, now = by_day
    kept = np.minimum(before, now)
    out = {}
    for label in SEGMENTS:
        mine = of_segment(drawn.accounts, label).index
        then = mine[before[mine] > 0]
        out[label] = np.array([before[then].sum(), kept[then].sum(), now[then].sum(), now[mine].sum()])
    return out


def _pool_retention(gathered: list[dict[str, Any]], count: int, drawn: Drawn) -> dict[str, float]:
    out = {}
    for label in SEGMENTS:
        before, kept, now, running = np.sum([g[label] for g in gathered], axis=0)
        out[f"annual_recurring_revenue|{label}"] = float(12 * running / count)
        if before > 0:
            out[f"gross_revenue_retention|{label}"] = float(kept / before)
            out[f"net_revenue_retention|{label}"] = float(now / before)
    return out


def _won(drawn: Drawn) -> dict[str, Any]:
    """By segment: won amount of every customer that ever brought any."""
    won = {label: of_segment(drawn.accounts, label)["won"] for label in SEGMENTS}
    return {label: np.sort(amounts[amounts > 0].to_numpy()) for label, amounts in won.items()}


def _pool_won(gathered: list[dict[str, Any]], count: int, drawn: Drawn) -> dict[str, float]:
    out = {}
    for label in SEGMENTS:
        x = np.sort(np.concatenate([g[label] for g in gathered]))
        if not len(x):
            continue
        rank = np.arange(1, len(x) + 1)
        out[f"gini|{label}"] = float(2 * (rank * x).sum() / (len(x) * x.sum()) - (len(x) + 1) / len(x))
        shares = [g[label][-TOP:].sum() / g[label].sum() for g in gathered if len(g[label])]
        out[f"top10_share|{label}"] = float(np.mean(shares))
    return out


def _spend_logs(drawn: Drawn) -> dict[str, Any]:
    """By segment: sum of log spend of the last year and number of customers with any."""
    out = {}
    for label in ("SMB", "KA"):
        spend = of_segment(drawn.accounts, label)["spend"]
        out[label] = np.array([np.log(spend[spend > 0]).sum(), (spend > 0).sum()])
    return out


def _pool_spend_logs(gathered: list[dict[str, Any]], count: int, drawn: Drawn) -> dict[str, float]:
    (smb, n), (key, m) = (np.sum([g[label] for g in gathered], axis=0) for label in ("SMB", "KA"))
    return {"spend_ratio_stratified|KA-SMB": float(np.exp(key / m - smb / n))} if n and m else {}


# Looks ------------------------------------------------------------------------------------------------------------


def _middle(values: pd.Series, segment: pd.Series) -> float:
    positive = values[values > 0]
    medians = [positive[segment[positive.index] == s].median() for s in ("SMB", "KA")]
    return float(np.sqrt(medians[0] * medians[1]))


def looks(drawn: Drawn) -> pd.DataFrame:
    """One row per customer and a column per axis: 1 where it looks like a key account, 0 like a small one, NaN where not to be told."""
    people = drawn.accounts[drawn.accounts["customer"]]
    segment = people["segment"]
    out = pd.DataFrame(index=people.index)
    for axis, values in (("size", people["employees"].astype(float)), ("pay", people["spend"])):
        known = values > 0 if axis == "pay" else values.notna()
        out[axis] = (values > _middle(values, segment)).astype(float).where(known)
    lines = frame(drawn.tables["order_lines"], "account_id", "amount", "custom")
    ordered = lines.groupby("account_id")["amount"].sum()
    made = lines[lines["custom"].eq(True)].groupby("account_id")["amount"].sum().reindex(ordered.index).fillna(0.0)
    share = (made / ordered)[ordered > 0].reindex(people.index)
    cut = float(np.mean([share[segment == s].mean() for s in ("SMB", "KA")]))
    out["needs"] = (share > cut).astype(float).where(share.notna())
    # An account has one life of contracts. Only one that began on record, and long enough ago, can show either look.
    lives = frame(drawn.tables["subscriptions"], "account_id", "started_at", "ended_at")
    lives["ended_at"] = lives["ended_at"].fillna(drawn.end)
    spans = lives.groupby("account_id").agg(start=("started_at", "min"), last=("ended_at", "max")).reindex(people.index)
    cut = (drawn.marks.short_months + drawn.marks.long_months) / 2 * DAYS_PER_MONTH
    days, since = (spans["last"] - spans["start"]).dt.days, (drawn.end - spans["start"]).dt.days
    told = (spans["start"] >= pd.Timestamp(drawn.world.observed_from)) & (since >= cut)
    out["stay"] = (days >= cut).astype(float).where(told)
    return out.assign(segment=segment)


def _mixed(drawn: Drawn) -> dict[str, Any]:
    """By segment: customers of whom two axes are known, of these those that look small on one and key on another; the same of three."""
    seen = looks(drawn)
    axes = seen[["stay", "needs", "pay", "size"]]
    known, key = axes.notna().sum(axis=1), axes.eq(1).sum(axis=1)
    mixed = (key > 0) & (key < known)
    out = {}
    for label in SEGMENTS:
        mine = [(known >= axes) & (seen["segment"].eq(label) if label != "all" else True) for axes in (2, 3)]
        out[label] = np.array([[m.sum(), (m & mixed).sum()] for m in mine], dtype=float)
    for label in ("SMB", "KA"):
        mine_alone = axes[seen["segment"].eq(label)]
        out[f"axes {label}"] = np.array([mine_alone.notna().sum(), mine_alone.eq(1).sum()], dtype=float)
        out[f"customers {label}"] = np.array(len(mine_alone), dtype=float)
    return out


def _pool_mixed(gathered: list[dict[str, Any]], count: int, drawn: Drawn) -> dict[str, float]:
    sums = {label: np.sum([g[label] for g in gathered], axis=0) for label in SEGMENTS}
    names = ("mixed_share", "mixed_share_three_axes")
    total = {key: np.sum([g[key] for g in gathered], axis=0) for key in gathered[0] if " " in key}
    mixed = customers = 0.0
    for label in ("SMB", "KA"):  # as if every axis were known, and they were independent
        known, key = total[f"axes {label}"]
        share = (key / known)[known > 0]
        customers += float(total[f"customers {label}"])
        mixed += float(total[f"customers {label}"]) * (1 - share.prod() - (1 - share).prod())
    return {"mixed_share_all_axes|all": max(mixed, 0.0) / customers if customers else 0.0} | {
        f"{name}|{label}": float(mixed / n)
        for label, rows in sums.items()
        for name, (n, mixed) in zip(names, rows, strict=True)
        if n
    }


# Personas ---------------------------------------------------------------------------------------------------------


def excess(drawn: Drawn) -> pd.Series:
    """How many times what its size predicts an account pays per deal, the mean shrunk by one-way analysis of variance; by account."""
    won = drawn.deals[(drawn.deals["outcome"] == "won") & (drawn.deals["amount"] > 0)]
    size = np.log(won["account_id"].map(drawn.accounts["employees"]).astype(float))
    paid = np.log(won["amount"])
    slope, level = np.polyfit(size, paid, 1) if size.std() > 0 else (0.0, paid.mean())
    rest = paid - level - slope * size
    groups = rest.groupby(won["account_id"])
    n, mean = groups.size(), groups.mean()
    if len(n) < 3 or len(rest) == len(n):
        return pd.Series(dtype=float)
    within = ((rest - won["account_id"].map(mean)) ** 2).sum() / (len(rest) - len(n))
    between = (n * mean**2).sum() / (len(n) - 1)
    own = max(0.0, (between - within) / ((len(rest) - (n**2).sum() / len(rest)) / (len(n) - 1)))
    return np.exp(mean * n * own / (n * own + within))


def persona(drawn: Drawn) -> pd.Series:
    """The persona of every account by the method's rules, the first that fits; "" where none does. A subsidiary stands on the list its
    head office stands on."""
    accounts, marks = drawn.accounts, drawn.marks
    head = accounts["parent_account_id"].fillna(accounts.index.to_series())
    ranked = accounts["ranked"] | head.map(accounts["ranked"]).fillna(False).astype(bool)
    large = accounts["annual_revenue"] >= marks.regional_revenue
    pays = excess(drawn).reindex(accounts.index) >= marks.excess
    rules = {
        "M-1.5a": accounts["reach"].eq("global") & ranked,
        "M-1.5b": accounts["reach"].eq("national") & ranked,
        "M-1.5c": accounts["reach"].ne("local") & large,
        "M-1.5d": pays,
    }
    return pd.Series(np.select([r.to_numpy(bool) for r in rules.values()], list(rules), ""), index=accounts.index)


def _personas(drawn: Drawn) -> dict[str, Any]:
    """Paying customers by persona ("" for none), and those of them among the largest that bring the policy's share together."""
    spend = drawn.accounts["spend"].sort_values(ascending=False, kind="stable")
    inside = (spend.cumsum() - spend < drawn.marks.inside_share * spend.sum()) & (spend > 0)
    paying = persona(drawn)[spend.index][spend > 0]
    counts = pd.DataFrame({"inside": inside[paying.index]}).groupby(paying)["inside"].agg(["size", "sum"])
    return {"counts": counts.reindex(["", *PERSONAS]).fillna(0.0).to_numpy(float)}


def _pool_personas(gathered: list[dict[str, Any]], count: int, drawn: Drawn) -> dict[str, float]:
    sums = np.sum([g["counts"] for g in gathered], axis=0)
    none, out = sums[0], {}
    for name, (n, inside) in zip(PERSONAS, sums[1:], strict=True):
        out[f"persona_paying|{name}"] = float(n / count)
        if n and none[0]:
            out[f"persona_hit_share|{name}"] = float(inside / n)
            out[f"no_persona_hit_share|{name}"] = float(none[1] / none[0])
            out[f"persona_hit_difference|{name}"] = float(inside / n - none[1] / none[0])
    return out


Gather = Callable[[Drawn], dict[str, Any]]
Pool = Callable[[list[dict[str, Any]], int, Drawn], dict[str, float]]
# What is counted: name, in one company, pooled (the last company stands in for what all have in common).
COUNTED: dict[str, tuple[Gather, Pool]] = {
    "heads": (_heads, _pool_heads),
    "shares": (_shares, _pool_shares),
    "retention": (_retention, _pool_retention),
    "won": (_won, _pool_won),
    "spend_logs": (_spend_logs, _pool_spend_logs),
    "mixed": (_mixed, _pool_mixed),
    "personas": (_personas, _pool_personas),
}
