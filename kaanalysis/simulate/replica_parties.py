"""What the numbers about parties rest on, counted in one company after the other and pooled: the part of
:mod:`kaanalysis.simulate.replica` that is about key persons, sums done, persons per account, and merged against separate deals.

Plain pandas on the tables as drawn, written down a second time. Deals are followed to their end here (only those old enough count), where
the estimators let open ones be censored.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from kaanalysis.simulate.replica_base import Drawn, frame
from kaanalysis.simulate.tables import RECKONING

SEGMENTS = ("SMB", "KA")
# Steps of the customer whose names say that somebody did the sums.
TELLING_STEPS = {"supplier shortlist": "compare_offers", "value case": "value_case"}
MEASURES = ("merge_win_difference", "merge_win_difference_early", "merge_cycle_ratio")


def gather_keys(drawn: Drawn) -> dict[str, Any]:
    """By segment: deals, sums over them of key persons, of key opinions, and deals with nobody marked; of accounts with two deals or
    more, their number and their persons."""
    people = frame(drawn.tables["stakeholders"], "opportunity_id", "person_id", "part", "key_person")
    people["key"] = people.groupby(["opportunity_id", "person_id"])["key_person"].transform("max").astype(bool)
    people["opinion"] = (people["part"] == "influence") & ~people["key"]
    each = people.groupby(["opportunity_id", "person_id"])[["key", "opinion"]].max().groupby(level=0).sum()
    known = drawn.deals.set_index("opportunity_id")
    segment = known["segment"].reindex(each.index)
    persons = people[["opportunity_id", "person_id"]].drop_duplicates()
    persons["account"] = persons["opportunity_id"].map(known["account_id"])
    accounts = persons.groupby("account").agg(deals=("opportunity_id", "nunique"), found=("person_id", "nunique"))
    accounts = accounts[accounts["deals"] >= 2]
    whose = known.drop_duplicates("account_id").set_index("account_id")["segment"].reindex(accounts.index)
    out = {}
    for label in SEGMENTS:
        mine, held = each[(segment == label).to_numpy()], accounts[(whose == label).to_numpy()]
        of_deals = [len(mine), mine["key"].sum(), mine["opinion"].sum(), (mine["key"] == 0).sum()]
        out[label] = np.array([*of_deals, len(held), held["found"].sum()], dtype=float)
    return out


def pool_keys(gathered: list[dict[str, Any]], count: int, drawn: Drawn) -> dict[str, float]:
    out: dict[str, float] = {}
    for label in SEGMENTS:
        deals, keys, opinions, none, accounts, found = np.sum([g[label] for g in gathered], axis=0)
        if deals:
            out[f"key_persons|{label}"], out[f"key_opinion_persons|{label}"] = keys / deals, opinions / deals
            out[f"no_key_person_share|{label}"] = none / deals
        if accounts:
            out[f"parties_found|{label}"] = found / accounts
    # Who takes part is drawn for every deal alike, whenever it comes.
    return {key: float(value) for key, value in out.items()} | {"parties_return_difference|KA": 0.0}


def gather_sums(drawn: Drawn) -> dict[str, Any]:
    """By segment: closed deals, those with any event, and those with an event of any kind and of each."""
    done = frame(drawn.tables["activities"], "opportunity_id", "action")
    steps = frame(drawn.tables["buying_steps"], "opportunity_id", "step").dropna(subset=["opportunity_id"])
    said = {action: kind for kind, (action, _) in RECKONING.items()}
    done["kind"], steps["kind"] = done["action"].map(said), steps["step"].map(TELLING_STEPS)
    events = pd.concat([done[["opportunity_id", "kind"]], steps[["opportunity_id", "kind"]]])
    closed = drawn.deals[drawn.deals["outcome"] != "open"]
    out = {}
    for label in SEGMENTS:
        mine = set(closed.loc[closed["segment"] == label, "opportunity_id"])
        own = events[events["opportunity_id"].isin(mine)]
        kinds = own.dropna(subset=["kind"]).drop_duplicates()
        counts = [kinds["opportunity_id"].nunique(), *((kinds["kind"] == kind).sum() for kind in RECKONING)]
        out[label] = np.array([len(mine), own["opportunity_id"].nunique(), *counts], dtype=float)
    return out


def pool_sums(gathered: list[dict[str, Any]], count: int, drawn: Drawn) -> dict[str, float]:
    out: dict[str, float] = {}
    names = ["sums_share", *(f"{kind}_share" for kind in RECKONING)]
    for label in SEGMENTS:
        closed, recorded, *counts = (float(x) for x in np.sum([g[label] for g in gathered], axis=0))
        if recorded:
            out[f"events_recorded_share|{label}"] = recorded / closed
            out |= {f"{name}|{label}": number / recorded for name, number in zip(names, counts, strict=True)}
    if all(f"sums_share|{label}" in out for label in SEGMENTS):
        out["sums_share_difference|KA-SMB"] = out["sums_share|KA"] - out["sums_share|SMB"]
    return out


def _cells(deals: pd.DataFrame, index: str, value: str, bands: int) -> np.ndarray:
    """Number and sum of `value` by band of amount and side (separate, merged): shape (bands, 2, 2)."""
    out = np.zeros((bands, 2, 2))
    if len(deals) < bands:
        return out
    middle = deals[index].median()
    halves = [deals[index] >= middle, deals[index] > middle]
    merged = min((h for h in halves if h.nunique() == 2), key=lambda h: abs(h.mean() - 0.5), default=None)
    if merged is None:
        return out
    band = pd.qcut(deals["amount"], bands, labels=False, duplicates="drop")
    values = deals[value].to_numpy(float)
    for b in range(bands):
        for side in (0, 1):
            here = ((band == b) & (merged == bool(side))).to_numpy()
            out[b, side] = here.sum(), values[here].sum()
    return out


def _index(people: pd.DataFrame) -> pd.Series:
    by_deal = people.groupby("opportunity_id").agg(persons=("person_id", "nunique"), roles=("role", "nunique"))
    by_deal = by_deal[by_deal["roles"] > 1]
    return (1 - (by_deal["persons"] - 1) / (by_deal["roles"] - 1)).clip(lower=0)


def gather_merged(drawn: Drawn) -> dict[str, Any]:
    """By segment and measure the cells of :func:`_cells`, over deals that could be followed to the horizon."""
    marks = drawn.marks
    deals = drawn.deals.set_index("opportunity_id")
    deals["days"] = (deals["closed_at"].fillna(drawn.end) - deals["created_at"]).dt.days
    horizon = marks.horizon_days
    deals["win"] = ((deals["outcome"] == "won") & (deals["days"] <= horizon)).astype(float)
    deals["logs"] = np.log(deals["days"].clip(lower=1))
    people = frame(drawn.tables["stakeholders"], "opportunity_id", "person_id", "role", "engaged_at")
    early = (people["engaged_at"] - people["opportunity_id"].map(deals["created_at"])).dt.days <= marks.early_days
    deals["merge"], deals["early"] = _index(people), _index(people[early])
    old = deals[((drawn.end - deals["created_at"]).dt.days >= horizon) & deals["merge"].notna()]
    out = {}
    for label in SEGMENTS:
        mine = old[old["segment"] == label]
        landmark = mine[(mine["days"] > marks.early_days) & mine["early"].notna()]
        tables = [(mine, "merge", "win"), (landmark, "early", "win"), (mine[mine["win"] > 0], "merge", "logs")]
        out[label] = np.stack([_cells(*t, marks.amount_bands) for t in tables])
    return out


def pool_merged(gathered: list[dict[str, Any]], count: int, drawn: Drawn) -> dict[str, float]:
    out: dict[str, float] = {}
    for label in SEGMENTS:
        cells = np.sum([g[label] for g in gathered], axis=0)
        for name, table in zip(MEASURES, cells, strict=True):
            n, sums = table[..., 0], table[..., 1]
            there = (n > 0).all(axis=1)
            if not there.any():
                continue
            n, mean = n[there], sums[there] / n[there]
            weight = n.prod(axis=1) / n.sum(axis=1)
            gap = float((weight * (mean[:, 1] - mean[:, 0])).sum() / weight.sum())
            out[f"{name}|{label}"] = float(np.exp(gap)) if name == "merge_cycle_ratio" else gap
    return out


PARTIES = {
    "key_persons": (gather_keys, pool_keys),
    "sums": (gather_sums, pool_sums),
    "merged": (gather_merged, pool_merged),
}
