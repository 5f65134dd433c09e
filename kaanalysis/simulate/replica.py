"""Truth read from very many companies: what a number estimates where no formula says it, computed from the tables in plain pandas.

The growth of a customer base, who takes part in a purchase, or where a KA team's revenue came from hang on mechanisms that are not
integrated in :mod:`kaanalysis.simulate.truth`. They are read here from independent companies of the same world, pooled until chance
is small. None of the workbook's aggregates, estimators or analyses is used, so that an error there cannot hide in its own truth.

Seeds start at :data:`FIRST_SEED`, far from those that a study of the same world should use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from kaanalysis.simulate import (
    draw_company,
    replica_approvals,
    replica_base,
    replica_flows,
    replica_sales,
    replica_selling,
    replica_sheet,
)
from kaanalysis.simulate.replica_base import DAYS_PER_MONTH, Drawn, Marks, register
from kaanalysis.simulate.replica_base import frame as _frame
from kaanalysis.simulate.replica_parties import PARTIES
from kaanalysis.simulate.world import World

FIRST_SEED = 2_000_000_000
COUNTED: dict[str, tuple[Callable[[Drawn], Any], Callable[..., dict[str, float]]]] = {
    **replica_base.COUNTED,
    **replica_approvals.COUNTED,
    **replica_flows.COUNTED,
    **replica_selling.COUNTED,
    **replica_sheet.COUNTED,
    **replica_sales.COUNTED,
    **PARTIES,
}
PARTS = ("approve", "inform", "influence")


def replica_truth(
    world: World,
    size: float = 60.0,
    piece: float = 1.0,
    *,
    marks: Marks = Marks(),
    only: Iterable[str] = (),
) -> dict[str, float]:
    """Truths of one company of size `piece`, from round(size / piece) independent ones: ``"<number>|<segment>"`` → value.

    Amounts are expected sums of a company of that size (currency); medians and shares are those of all pooled units; shares of
    revenue are ratios of expected sums; what else there is :mod:`kaanalysis.simulate.replica_base` says. What chance is left falls
    with the square root of the number of pieces (400: a twentieth of one company's own error). marks: the policy values that the numbers'
    definitions contain. only: names of :data:`KINDS`, all if empty.
    """
    count, wanted = max(1, round(size / piece)), [k for k in KINDS if not only or k in set(only)]
    gathered: dict[str, list[dict[str, Any]]] = {kind: [] for kind in wanted}
    for index in range(count):
        tables = draw_company(world, FIRST_SEED + index, piece)
        deals = _deals(tables)
        drawn = Drawn(world, tables, deals, register(world, tables, deals), marks)
        for kind in wanted:
            gathered[kind].append(COUNTED[kind][0](drawn) if kind in COUNTED else _one(drawn, kind))
    out = {"pieces": float(count)} | _pooled({k: g for k, g in gathered.items() if k not in COUNTED}, count)
    for kind in wanted:
        if kind in COUNTED:
            out |= COUNTED[kind][1](gathered[kind], count, drawn)
    if "growth" in wanted:
        sums = {s: np.sum([g[s] for g in gathered["growth"]], axis=0) / count for s in ("SMB", "KA", "all")}
        out |= _value_growth(sums, marks)
    return out


def _value_growth(sums: dict[str, np.ndarray], marks: Marks) -> dict[str, float]:
    """Growth of the won amount per customer: plain, of each segment, with the earlier year's shares of customers, and the difference; what
    small customers' amount, and the amount per customer of each segment, lack to the target rate."""
    out, parts = {}, []
    for segment in ("SMB", "KA", "all"):
        a0, a1, _, _, c0, c1 = (float(x) for x in sums[segment][:6])
        if min(c0, c1) > 0:
            out[f"value_growth|{segment}"] = (a1 / c1) / (a0 / c0) - 1
            if segment != "all":
                parts.append((a0, a1, c0, c1))
    if parts:
        held = sum(c0 * a1 / c1 for _, a1, c0, c1 in parts) / sum(a0 for a0, _, _, _ in parts) - 1
        target = 1 + marks.target_rate
        out["value_growth_same_mix|all"] = held
        out["value_growth_by_mix|all"] = out["value_growth|all"] - held
        out["shortfall|M-0.4"] = sum(c1 * target * a0 / c0 - a1 for a0, a1, c0, c1 in parts)
        out["shortfall|M-0.1"] = target * float(sums["SMB"][0]) - float(sums["SMB"][1])
    return out


def _deals(tables: dict[str, pa.Table]) -> pd.DataFrame:
    """Opportunities with the account's segment and head office, and the motion of the team."""
    columns = ("opportunity_id", "account_id", "team", "origin", "created_at", "closed_at", "outcome", "amount")
    deals = _frame(tables["opportunities"], *columns)
    accounts = _frame(tables["accounts"], "account_id", "parent_account_id", "segment").set_index("account_id")
    head = accounts["parent_account_id"].fillna(accounts.index.to_series())
    deals["segment"] = deals["account_id"].map(accounts["segment"])
    deals["group"] = deals["account_id"].map(head)
    teams = _frame(tables["teams"], "team", "motion").set_index("team")["motion"]
    deals["motion"] = deals["team"].map(teams)
    return deals


KINDS = ("growth", "parties", "flow_days", "cycle", "spend", "siphon", "fit", *COUNTED)


def _one(drawn: Drawn, kind: str) -> Any:
    """What is counted in one company for a kind of truths."""
    world, tables, deals, marks = drawn.world, drawn.tables, drawn.deals, drawn.marks
    if kind == "growth":
        return _growth(world, tables, deals)
    if kind == "parties":
        return _parties(tables, deals)
    if kind == "flow_days":
        return _flow_days(world, tables, deals, marks.horizon_days)
    if kind == "cycle":
        return _cycle(world, deals, marks.horizon_days)
    if kind == "spend":
        return _spend(world, deals)
    if kind == "siphon":
        return _siphon(world, deals, marks.siphon_before_months)
    return _fit(tables, marks.required_level)


def _growth(world: World, tables: dict[str, pa.Table], deals: pd.DataFrame) -> dict[str, np.ndarray]:
    """By segment and for all: amount, deals, customers of the earlier and the later year; amount by who signed in which of them, of those
    who signed in the earlier year alone also by whether a contract still runs."""
    contracts = _frame(tables["subscriptions"], "account_id", "ended_at")
    running = set(contracts.loc[contracts["ended_at"].isna(), "account_id"])
    end = pd.Timestamp(world.as_of)
    middle, start = end - pd.DateOffset(years=1), end - pd.DateOffset(years=2)
    won = deals[(deals["outcome"] == "won") & (deals["closed_at"] > start) & (deals["closed_at"] <= end)]
    later = (won["closed_at"] > middle).to_numpy()
    out = {}
    for segment in ("SMB", "KA", "all"):
        mine = np.ones(len(won), bool) if segment == "all" else (won["segment"] == segment).to_numpy()
        before = won[mine & ~later].groupby("account_id")["amount"].agg(["sum", "size"])
        now = won[mine & later].groupby("account_id")["amount"].agg(["sum", "size"])
        both = before.index.intersection(now.index)
        retained = float((now.loc[both, "sum"] - before.loc[both, "sum"]).sum())
        new = float(now.loc[~now.index.isin(before.index), "sum"].sum())
        once = before.loc[~before.index.isin(now.index), "sum"]
        held = -float(once[once.index.isin(running)].sum())
        out[segment] = np.array(
            [before["sum"].sum(), now["sum"].sum(), before["size"].sum(), now["size"].sum(), len(before), len(now),
             new, retained, -float(once.sum()), held],
            dtype=float,
        )  # fmt: skip
    return out


def _parties(tables: dict[str, pa.Table], deals: pd.DataFrame) -> dict[str, np.ndarray]:
    """By segment: sums over deals of distinct persons by part, of their presence, of one role only; over closed deals of persons
    never met; the two counts of deals."""
    people = _frame(tables["stakeholders"], "opportunity_id", "person_id", "role", "part", "engaged_at")
    by_part = people.drop_duplicates(["opportunity_id", "person_id", "part"])
    counts = pd.crosstab(by_part["opportunity_id"], by_part["part"]).reindex(columns=list(PARTS), fill_value=0)
    roles = people.groupby("opportunity_id")["role"].nunique()
    ever = people.assign(met=people["engaged_at"].notna()).groupby(["opportunity_id", "person_id"])["met"].any()
    unmet = (~ever).groupby(level=0).sum()
    persons = ever.groupby(level=0).size()
    known = deals.set_index("opportunity_id")[["segment", "outcome"]]
    segment, closed = known["segment"].reindex(counts.index), known["outcome"].reindex(counts.index) != "open"
    merge = 1 - (persons - 1) / (roles - 1)
    out = {}
    for label in ("SMB", "KA"):
        mine = (segment == label).to_numpy()
        done = mine & closed.to_numpy()
        there = counts.to_numpy()[mine]
        out[label] = np.array(
            [*there.sum(axis=0), *(there > 0).sum(axis=0), (roles.to_numpy()[mine] == 1).sum(),
             unmet.to_numpy()[done].sum(), mine.sum(), done.sum(), persons.to_numpy()[mine].sum(), merge.to_numpy()[mine].sum()],
            dtype=float,
        )  # fmt: skip
    return out


def _flow_days(world: World, tables: dict[str, pa.Table], deals: pd.DataFrame, horizon: int) -> dict[str, Any]:
    """By segment: days from the first to the last logged step of the buying flows of deals opened so long ago that they are over; flows,
    and those in which a step comes again. Days that key accounts' flows waited for each role since the step before."""
    steps = _frame(tables["buying_steps"], "opportunity_id", "step", "role", "step_no", "at", "source")
    steps = steps[(steps["source"] == "log") & steps["at"].notna()]
    steps = steps.sort_values(["opportunity_id", "at", "step_no"], kind="stable")
    by_flow = steps.groupby("opportunity_id")
    spans = by_flow["at"].agg(["min", "max"])
    days = (spans["max"] - spans["min"]).dt.days
    again = steps.duplicated(["opportunity_id", "step"]).groupby(steps["opportunity_id"]).any()
    known = deals.set_index("opportunity_id")
    segment = known["segment"].reindex(days.index)
    over = known["created_at"].reindex(days.index) <= pd.Timestamp(world.as_of) - pd.Timedelta(days=horizon)
    out: dict[str, Any] = {}
    for label in ("SMB", "KA"):
        mine = (segment == label).to_numpy()
        out[label] = days[mine & over.to_numpy()].to_numpy()
        out[f"{label} again"] = np.array([int(again[mine].sum()), int(mine.sum())])
    waited = by_flow["at"].diff().dt.days.fillna(0)[steps["opportunity_id"].map(segment) == "KA"]
    out["waited"] = waited.groupby(steps["role"]).sum()
    return out


def _cycle(world: World, deals: pd.DataFrame, horizon: int) -> dict[str, np.ndarray]:
    """By segment: days to winning of the deals that are won within the horizon, among those opened long enough ago to tell."""
    end = pd.Timestamp(world.as_of)
    ripe = deals[deals["created_at"] <= end - pd.Timedelta(days=horizon)]
    days = (ripe["closed_at"] - ripe["created_at"]).dt.days
    won = (ripe["outcome"] == "won") & (days <= horizon)
    out: dict[str, np.ndarray] = {}
    for label in ("SMB", "KA"):
        mine = (ripe["segment"] == label).to_numpy()
        out[label] = days[mine & won.to_numpy()].to_numpy()
        out[f"{label} ripe"] = np.array([mine.sum()])
    return out


def _spend(world: World, deals: pd.DataFrame) -> dict[str, np.ndarray]:
    """By segment: won amount of every account in the last year, where there is any."""
    end = pd.Timestamp(world.as_of)
    won = deals[(deals["outcome"] == "won") & (deals["closed_at"] > end - pd.DateOffset(years=1))]
    total = won.groupby(["segment", "account_id"])["amount"].sum()
    return {label: total.loc[label].to_numpy() if label in total.index else np.empty(0) for label in ("SMB", "KA")}


def _siphon(world: World, deals: pd.DataFrame, before_months: int) -> dict[str, np.ndarray]:
    """sums: KA revenue since the launch new, carried on, on top; KA teams' deals opened since, those of them that are no new business;
    first wins of new key-account groups before and since; other teams' won amount from small customers
    before and since. opened: all deals by whole month before
    the launch, the latest first."""
    launch, end, begins = (pd.Timestamp(day) for day in (world.ka_launch, world.as_of, world.observed_from))
    months = (end - launch).days / DAYS_PER_MONTH
    won = deals[deals["outcome"] == "won"]
    since, by_ka = won["closed_at"] >= launch, won["motion"] == "KA"
    small = ~by_ka & (won["segment"] == "SMB")
    year = ~since & (won["closed_at"] >= launch - pd.DateOffset(months=before_months))
    groups = pd.DataFrame(
        {
            "won": won[by_ka & since].groupby("group")["amount"].sum(),
            "other": won[~by_ka & since].groupby("group")["amount"].sum(),
            "before": won[~by_ka & year].groupby("group")["amount"].sum(),
            "known": won[~by_ka & ~since].groupby("group").size(),
        }
    ).fillna(0.0)
    groups = groups[groups["won"] > 0]
    taken = groups["known"] > 0
    expected = (groups["before"] / before_months * months - groups["other"]).clip(lower=0.0)
    carried = np.minimum(groups["won"], expected)[taken].sum()
    worked = deals[(deals["motion"] == "KA") & (deals["created_at"] >= launch)]
    first = won.sort_values("closed_at", kind="stable").drop_duplicates("group")
    late = first[(first["segment"] == "KA") & (first["origin"] == "new")]["closed_at"] >= launch
    back = ((launch - deals["created_at"]).dt.days - 1)[deals["created_at"] < launch] / DAYS_PER_MONTH
    opened = np.bincount(back.astype("int64"), minlength=int((launch - begins).days / DAYS_PER_MONTH))
    sums = [groups["won"][~taken].sum(), carried, groups["won"][taken].sum() - carried, len(worked), (worked["origin"] != "new").sum(),
            (~late).sum(), late.sum(), won.loc[small & ~since, "amount"].sum(), won.loc[small & since, "amount"].sum(),
            (launch - begins).days / DAYS_PER_MONTH, months]  # fmt: skip
    return {
        "sums": np.array(sums, dtype=float),
        "opened": opened[: int((launch - begins).days / DAYS_PER_MONTH)].astype(float),
    }


def _fit(tables: dict[str, pa.Table], required: float) -> np.ndarray:
    """Sum of min(level / required, 1) over the KA teams' items, and their number."""
    teams = _frame(tables["teams"], "team", "motion")
    ka = set(teams.loc[teams["motion"] == "KA", "team"])
    levels = _frame(tables["capability"], "team", "level")
    mine = np.minimum(levels.loc[levels["team"].isin(ka), "level"] / required, 1.0)
    return np.array([mine.sum(), len(mine)], dtype=float)


def _log_mean(a: float, b: float) -> float:
    return a if a == b else (a - b) / float(np.log(a / b))


def _pooled(gathered: dict[str, list[Any]], count: int) -> dict[str, float]:
    """The numbers of each kind that was counted."""
    pools = {"growth": _pool_growth, "parties": _pool_parties, "flow_days": _pool_flow_days, "cycle": _pool_cycle, "spend": _pool_spend,
             "siphon": _pool_siphon, "fit": _pool_fit}  # fmt: skip
    out: dict[str, float] = {}
    for kind, pool in pools.items():
        if kind in gathered:
            out |= pool(gathered[kind], count)
    return out


def _pool_growth(gathered: list[Any], count: int) -> dict[str, float]:
    out: dict[str, float] = {}
    for segment in ("SMB", "KA", "all"):
        sums = np.sum([g[segment] for g in gathered], axis=0) / count
        a0, a1, d0, d1, c0, c1, new, retained, once, held = (float(x) for x in sums)
        if min(a0, a1) > 0:
            weight = _log_mean(a1, a0)
            parts = {"customers": c1 / c0, "deals_per_customer": (d1 / c1) / (d0 / c0), "price": (a1 / d1) / (a0 / d0)}
            out |= {f"{name}|{segment}": weight * float(np.log(ratio)) for name, ratio in parts.items()}
            out[f"growth_rate|{segment}"] = a1 / a0 - 1
        moves = {"new": new, "retained": retained, "not_repeated": once, "still_under_contract": held, "gone": once - held,
                 "revenue_before": a0, "revenue_now": a1}  # fmt: skip
        out |= {f"{name}|{segment}": value for name, value in moves.items()}
    # Factors are those of the segments added up: of all deals at once, more key accounts would be a higher price.
    for name in ("customers", "deals_per_customer", "price"):
        known = [out[f"{name}|{s}"] for s in ("SMB", "KA") if f"{name}|{s}" in out]
        if known:
            out[f"{name}|all"] = sum(known)
    if out.get("revenue_now|all"):
        out["won_share|KA"] = out["revenue_now|KA"] / out["revenue_now|all"]
    return out


def _pool_parties(gathered: list[Any], count: int) -> dict[str, float]:
    out: dict[str, float] = {}
    for label in ("SMB", "KA"):
        sums = np.sum([g[label] for g in gathered], axis=0)
        deals, closed = sums[8], sums[9]
        for i, part in enumerate(PARTS):
            out[f"{part}_parties|{label}"] = float(sums[i] / deals)
            out[f"{part}_share|{label}"] = float(sums[3 + i] / deals)
        out[f"one_role_share|{label}"] = float(sums[6] / deals)
        out[f"parties_unmet|{label}"] = float(sums[7] / closed)
        out[f"parties_per_deal|{label}"] = float(sums[10] / deals)
        out[f"role_merge_index|{label}"] = float(sums[11] / deals)
    return out | {"role_merge_difference|KA-SMB": out["role_merge_index|KA"] - out["role_merge_index|SMB"]}


def _pool_flow_days(gathered: list[Any], count: int) -> dict[str, float]:
    out: dict[str, float] = {}
    for label in ("SMB", "KA"):
        days = np.concatenate([g[label] for g in gathered])
        for name, share in (("median", 0.5), ("p90", 0.9)):
            out[f"flow_days_{name}|{label}"] = float(np.quantile(days, share, method="inverted_cdf"))
        again, flows = np.sum([g[f"{label} again"] for g in gathered], axis=0)
        out[f"rework_share|{label}"] = float(again / flows)
    waited = pd.concat([g["waited"] for g in gathered]).groupby(level=0).sum()
    return out | {f"waiting_share|{role}": float(v / waited.sum()) for role, v in waited.items()}


def _pool_cycle(gathered: list[Any], count: int) -> dict[str, float]:
    out: dict[str, float] = {}
    for label in ("SMB", "KA"):
        wins = np.concatenate([g[label] for g in gathered])
        out[f"cycle_median|{label}"] = float(np.quantile(wins, 0.5, method="inverted_cdf"))
        out[f"won|{label}"] = len(wins) / float(sum(g[f"{label} ripe"][0] for g in gathered))
    return out


def _pool_spend(gathered: list[Any], count: int) -> dict[str, float]:
    out: dict[str, float] = {}
    for label in ("SMB", "KA"):
        spent = np.concatenate([g[label] for g in gathered])
        out[f"spend_median|{label}"] = float(np.median(spent))
        out[f"spend_dispersion|{label}"] = float(np.log(spent).std())
    return out


def _pool_siphon(gathered: list[Any], count: int) -> dict[str, float]:
    sums = np.sum([g["sums"] for g in gathered], axis=0) / count
    new, carried, on_top, worked, upgrades, early, late, others_before, others_since, before, since = (
        float(x) for x in sums
    )
    total = new + carried + on_top
    # The trend of the deals opened, by a line through the logarithms of many companies' sums.
    opened = np.sum([g["opened"] for g in gathered], axis=0)[::-1]
    slope = float(np.polyfit(np.arange(len(opened)), np.log(np.maximum(opened, 0.5)), 1, w=np.sqrt(opened))[0])
    trend = float(np.exp(slope * (before + since) / 2))
    out = {"ka_revenue_new|KA": new, "ka_revenue_carried_on|KA": carried, "ka_revenue_on_top|KA": on_top}
    out |= {"moved_share|KA": (carried + on_top) / total, "no_increment_share|KA": carried / total}
    out |= {
        "upgrade_share|KA": upgrades / worked,
        "smb_won_ratio|SMB": others_since / since / (others_before / before) / trend,
    }
    if early:
        out["new_customers_ratio|KA"] = late / since / (early / before) / trend
    return out


def _pool_fit(gathered: list[Any], count: int) -> dict[str, float]:
    levels, items = np.sum(gathered, axis=0)
    return {"fit|KA": float(levels / items)}
