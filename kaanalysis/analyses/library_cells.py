"""Which cells a library of purchases should hold (category × industry × size), which it holds, and which to sample next."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from kaanalysis import aggregates
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.stats import CellModel, cluster_weights, sampling_gain, shrink_means, shrink_shares

CELL = list(aggregates.LIBRARY_CELL)
_SPAN = re.compile(r"^\D*(\d[\d,]*)\s*(?:-|–|—|~|～|至|到|to)\s*(\d[\d,]*)\D*$")
_MORE = re.compile(
    r"^\D*(\d[\d,]*)\s*(?:\+|人?以上|及以上|人及以上| or more| and more).*$|^(?:>=?|≥|over )\s*(\d[\d,]*)\D*$"
)
_LESS = re.compile(r"^(?:<=?|≤|under |up to )\s*(\d[\d,]*)\D*$|^\D*(\d[\d,]*)\s*人?以下.*$")


def band_limits(label: str) -> tuple[float, float] | None:
    """(from, to) in employees, both included, that a size band's name says ("100-999", "5000+", "100 至 999 人", "1000人以下"); None where
    it says none."""
    text = str(label).strip().casefold()

    def read(found: re.Match[str]) -> list[float]:
        return [float(g.replace(",", "")) for g in found.groups() if g]

    if found := _SPAN.match(text):
        low, high = read(found)
        return (low, high) if low <= high else None
    if found := _MORE.match(text):
        return read(found)[0], np.inf
    if found := _LESS.match(text):
        return 0.0, read(found)[0]
    return None


def band_of(employees: pd.Series, labels: list[str]) -> pd.Series:
    """The band of every head count, None where no band holds it or it is not known; of bands that overlap the narrowest."""
    limits = {label: found for label in labels if (found := band_limits(label)) is not None}
    out = pd.Series([None] * len(employees), index=employees.index, dtype=object)
    for label, (low, high) in sorted(limits.items(), key=lambda x: x[1][0] - x[1][1]):
        out[(employees >= low) & (employees <= high)] = label
    return out


@dataclass(frozen=True)
class Demand:
    """accounts: one row per key account that has a cell (account_id, cluster, industry, size_band); purchases: account × category ×
    weight (share of all); unplaced: key accounts whose industry or size is not known or not in any band; mostly: (industry, size_band)
    that hold at least as many key accounts as others."""

    accounts: pd.DataFrame
    purchases: pd.DataFrame
    unplaced: int
    mostly: set[tuple[str, str]]


def demand(company: Company, policy: Policy, bands: list[str]) -> Demand:
    """Where the library should serve: every key account × every category sold to key accounts.

    Weight `accounts`: an account weighs 1, spread over categories as all key accounts' deals are; `pipeline`: the amount of its open
    deals in the category. Shares add up to 1."""
    accounts = aggregates.library_accounts(company, policy)
    accounts = accounts.assign(size_band=band_of(accounts["employees"], bands))
    placed = accounts[accounts["industry"].notna() & accounts["size_band"].notna()].reset_index(drop=True)
    others = aggregates.other_accounts(company, policy)
    there = others.assign(size_band=band_of(others["employees"], bands)).groupby(CELL[1:])["accounts"].sum()
    mine = placed.assign(own=1).groupby(CELL[1:])["own"].sum()
    mostly = set(mine.index[mine.to_numpy() >= there.reindex(mine.index).fillna(0).to_numpy()])
    deals = aggregates.library_deals(company, policy)
    columns = ["account_id", "cluster", *CELL, "weight"]
    if placed.empty or deals.empty:
        return Demand(placed, pd.DataFrame(columns=columns), len(accounts) - len(placed), mostly)
    by_category = deals.groupby("category", as_index=False)["deals"].sum()
    share = by_category.assign(weight=by_category["deals"] / by_category["deals"].sum())
    made = placed.merge(share[["category", "weight"]], how="cross")
    if policy["library.weight"] == "pipeline":
        amounts = deals.set_index(["account_id", "category"])["open_amount"]
        keys = pd.MultiIndex.from_frame(made[["account_id", "category"]])
        made = made.assign(weight=amounts.reindex(keys).fillna(0.0).to_numpy())
    total = float(made["weight"].sum())
    return Demand(
        placed, made.assign(weight=made["weight"] / (total or 1.0))[columns], len(accounts) - len(placed), mostly
    )


def cell_frame(
    flows: pd.DataFrame, wanted: Demand, answers: dict[str, bool], as_of: int, rate: float | None
) -> pd.DataFrame:
    """One row per cell wanted or held: category, industry, size_band, accounts, weight, flows, logged, told, answered (flows that say
    who buys and by which process: all logged ones, and samples that do), amount (median), volume (purchases a year told, mean),
    parties_raw, days_raw (median of logs, as told else), age_months of its youngest flow, kept (share of likeness left at that age)."""
    held = flows.assign(
        answered=[
            answers.get(f, True) if told else True for f, told in zip(flows["flow_id"], flows["told"], strict=True)
        ]
    )
    grouped = held.groupby(CELL, sort=True)
    made = grouped.agg(
        flows=("flow_id", "size"), logged=("told", lambda t: int((~t).sum())), told=("told", "sum"), answered=("answered", "sum"),
        amount=("amount", "median"), volume=("volume", "mean"), parties_raw=("parties", "mean"), days_raw=("days", "mean"),
        last=("last", "max"),
    ).reset_index()  # fmt: skip
    need = wanted.purchases.groupby(CELL, as_index=False).agg(
        accounts=("account_id", "nunique"), weight=("weight", "sum")
    )
    frame = need.merge(made, on=CELL, how="outer").sort_values(CELL, ignore_index=True)
    for column in ("accounts", "flows", "logged", "told", "answered"):
        frame[column] = frame[column].fillna(0).astype(int)
    frame["weight"] = frame["weight"].fillna(0.0).astype(float)
    age = (as_of - frame["last"].astype(float)) / aggregates.DAYS_PER_MONTH
    kept = np.exp(-rate * age) if rate is not None and rate > 0 else age * 0 + 1.0
    return frame.drop(columns="last").assign(age_months=age, kept=kept)


def shrink(frame: pd.DataFrame, flows: pd.DataFrame, level: float) -> tuple[pd.DataFrame, dict[str, CellModel]]:
    """The cells with parties and days shrunk toward their neighbours (columns <name>, <name>_low, <name>_high, <name>_weight), and the
    models.

    Days enter as log(1 + days): durations are skewed, and a handful of long ones must not move a cell. Nothing is shrunk where fewer
    than four cells hold flows."""
    models: dict[str, CellModel] = {}
    cells, place = list(frame[CELL].itertuples(index=False, name=None)), frame.reset_index().set_index(CELL)["index"]
    at = place.reindex(pd.MultiIndex.from_frame(flows[CELL])).to_numpy()
    out = frame.copy()
    for name, values in (
        ("parties", flows["parties"].to_numpy(float)),
        ("days", np.log1p(flows["days"].to_numpy(float))),
    ):
        good = np.isfinite(values)
        own, x = at[good].astype(int), values[good]
        count = np.bincount(own, minlength=len(cells)).astype(float)
        mean = np.divide(
            np.bincount(own, weights=x, minlength=len(cells)), count, out=np.zeros(len(cells)), where=count > 0
        )
        model = shrink_means(cells, mean, count, float(((x - mean[own]) ** 2).sum()), int(len(x) - (count > 0).sum()))
        back = np.expm1 if name == "days" else np.asarray
        if name == "days":
            out["days_raw"] = np.where(count > 0, np.expm1(mean), np.nan)
        if model is None:
            out[[name, f"{name}_low", f"{name}_high", f"{name}_weight"]] = np.nan
            continue
        low, high = model.interval(level)
        out[name], out[f"{name}_low"], out[f"{name}_high"] = (
            np.maximum(back(v), 0.0) for v in (model.value, low, high)
        )
        out[f"{name}_weight"] = model.weight
        models[name] = model
    return out, models


def party_presence(frame: pd.DataFrame, flows: pd.DataFrame, level: float) -> pd.DataFrame:
    """One row per cell and party: category, industry, size_band, party, flows, present, raw, shrunk (share of flows it takes part in),
    weight of the cell's own share."""
    keys = pd.MultiIndex.from_frame(flows[CELL])
    cells = pd.MultiIndex.from_frame(frame[CELL])
    count = keys.value_counts().reindex(cells).fillna(0).to_numpy(float)
    parts = []
    for party in sorted({p for roles in flows["roles"] for p in roles if p != "?"}):
        there = np.array([party in roles for roles in flows["roles"]])
        present = keys[there].value_counts().reindex(cells).fillna(0).to_numpy(float)
        value, weight = shrink_shares(present, count, level)
        raw = np.divide(present, count, out=np.full(len(count), np.nan), where=count > 0)
        parts.append(
            frame[CELL].assign(
                party=party, flows=count.astype(int), present=present.astype(int), raw=raw, shrunk=value, weight=weight
            )
        )
    columns = [*CELL, "party", "flows", "present", "raw", "shrunk", "weight"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def next_cells(frame: pd.DataFrame, models: dict[str, CellModel], wanted: Demand, policy: Policy) -> pd.DataFrame:
    """Cells in the order in which one more sample tells most: category, industry, size_band, gain (share of the uncertainty about all
    wanted cells, weighted, that it removes; mean over parties and days), first (share of draws in which it leads), rank, draws.

    Draws: key accounts resampled by customer group (their weights), and how far cells differ and tell about each other (τ², ρ) drawn
    from what the data leave possible. Empty where nothing can be shrunk or nothing is wanted."""
    columns = [*CELL, "gain", "first", "rank", "draws"]
    wanted_cells = frame["weight"].to_numpy() > 0
    if not models or not wanted_cells.any():
        return pd.DataFrame(columns=columns)
    draws, seed = policy["evidence.draws"], policy["evidence.seed"]
    place = frame.reset_index().set_index(CELL)["index"]
    at = place.reindex(pd.MultiIndex.from_frame(wanted.purchases[CELL])).to_numpy(int)
    share = wanted.purchases["weight"].to_numpy(float)
    counts = cluster_weights(wanted.purchases["cluster"].to_numpy(object), draws, seed)
    onto = np.zeros((len(share), len(frame)))
    onto[np.arange(len(share)), at] = share
    weights = np.vstack([frame["weight"].to_numpy(float), counts @ onto])
    generator, total = np.random.default_rng([seed, 1]), np.zeros((draws + 1, len(frame)))
    for model in models.values():
        variance = np.einsum("gcc->gc", model.covariance)
        told = model.covariance**2 / (variance + model.within_sd**2)[:, :, None]
        drawn = generator.choice(len(model.chance), size=draws, p=model.chance)
        total[0] += model.chance @ sampling_gain(model, weights[0], frame["flows"].to_numpy(float))
        for setting in np.unique(drawn):
            rows = np.flatnonzero(drawn == setting) + 1
            total[rows] += (weights[rows] @ told[setting].T) / np.maximum(weights[rows] @ variance[setting], 1e-300)[
                :, None
            ]
    gain = np.where(wanted_cells, total / len(models), -np.inf)
    leads = np.bincount(gain[1:].argmax(axis=1), minlength=len(frame)) / draws
    made = frame[CELL].assign(gain=gain[0], first=leads, draws=draws)[wanted_cells]
    made = made.sort_values(["gain", *CELL], ascending=[False, True, True, True], ignore_index=True)
    return made.assign(rank=np.arange(1, len(made) + 1))[columns]
