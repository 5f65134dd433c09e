"""The three ways in which SMB-minded teams lose key accounts (M-3.3), told by rule from what is on record of a deal at a moment.

A moment is (`at`, `by`): what is known at day `at` of the deal's life, and until when (`by`) somebody had to be met to be met in time. For
a whole life `at` is its end and `by` its end less the last share ``modes.late_share``; at a landmark both are that day. The rules:

split_chain (M-3.3a): some who decide (part `approve`) are for it, others are against it or were never met.
late_departments (M-3.3b): the budget was not talked through within ``modes.budget_days`` of opening, and (or, by ``modes.budget_rule``) a
    department outside the usual line (procurement, finance, legal, risk, the owner) was met late or never.
key_person_only (M-3.3c): besides the key person everybody on record was met late or never.

They do not exclude each other. What the record cannot tell is neither yes nor no but missing, by Kleene's logic: a deal with nobody on
record but the key person may have had others nobody wrote down. Everything is pure: frames in, frame out.
"""

from __future__ import annotations

import pandas as pd

from kaanalysis.policy import Policy

MODES = ("split_chain", "late_departments", "key_person_only")
OUTSIDE = ("procurement", "finance", "legal", "risk_audit", "owner")
EVIDENCE = (
    "deciders_for",
    "deciders_against",
    "deciders_unmet",
    "budget_day",
    "departments_late",
    "others",
    "others_met",
)


def _kleene(yes: pd.Series, told: pd.Series) -> pd.Series:
    """`yes` as true or false where `told`, else missing."""
    return yes.astype("boolean").where(told.astype(bool), pd.NA)


def _persons(people: pd.DataFrame) -> pd.DataFrame:
    """One row per deal and person: met (first of their rows), key, approve, stance (against before neutral before for)."""
    rank = {"against": 0, "neutral": 1, "for": 2}
    rows = people.assign(
        place=people["stance"].map(rank).astype("float64"),
        approve=people["part"] == "approve",
        key=people["key_person"].fillna(False).astype(bool),
    )
    found = rows.groupby(["opportunity_id", "person_id"], as_index=False).agg(
        met=("met", "min"), key=("key", "max"), approve=("approve", "max"), place=("place", "min")
    )
    return found.astype({"key": bool, "approve": bool})


def _count(rows: pd.DataFrame, flag: pd.Series, deals: pd.Index) -> pd.Series:
    return flag.astype(int).groupby(rows["opportunity_id"]).sum().reindex(deals, fill_value=0)


def _split(persons: pd.DataFrame, at: pd.Series, meetings: bool, deals: pd.Index) -> pd.DataFrame:
    deciders = persons[persons["approve"]]
    met = (
        (deciders["met"] <= deciders["opportunity_id"].map(at).astype("float64"))
        if meetings
        else deciders["place"].notna()
    )
    count = {
        "deciders_for": _count(deciders, met & (deciders["place"] == 2), deals),
        "deciders_against": _count(deciders, met & (deciders["place"] == 0), deals),
        "deciders_unmet": _count(deciders, ~met, deals) if meetings else pd.Series(0, index=deals),
        "silent": _count(deciders, met & deciders["place"].isna(), deals),
    }
    out = pd.DataFrame(count)
    there = _count(deciders, pd.Series(True, index=deciders.index), deals) > 0
    some_for = _kleene(out["deciders_for"] > 0, there & ((out["deciders_for"] > 0) | (out["silent"] == 0)))
    not_all = (out["deciders_against"] > 0) | (out["deciders_unmet"] > 0)
    known = meetings & (out["silent"] == 0)
    out["split_chain"] = some_for & _kleene(not_all, there & (not_all | known))
    return out.drop(columns="silent")


def _late(
    people: pd.DataFrame, talks: pd.DataFrame | None, at: pd.Series, by: pd.Series, meetings: bool, policy: Policy
) -> pd.DataFrame:
    deals, days = at.index, policy["modes.budget_days"]
    outside = people[people["role"].isin(OUTSIDE)]
    first = outside.groupby(["opportunity_id", "role"], as_index=False, sort=True)["met"].min()
    first["late"] = ~(first["met"] <= first["opportunity_id"].map(by).astype("float64"))
    there = pd.Series(deals.isin(outside["opportunity_id"]), index=deals) & meetings
    late = first[first["late"].astype(bool)]
    named = late.groupby("opportunity_id")["role"].agg(", ".join).reindex(deals).astype(object)
    department = _kleene(named.notna(), there)
    talked = pd.Series(float("nan"), index=deals)
    recorded = pd.Series(False, index=deals)
    if talks is not None:
        talked = talks.set_index("opportunity_id")["talked"].reindex(deals)
        talked = talked.where(talked <= at)  # what comes later is not known at that moment
        recorded = pd.Series(deals.isin(talks["opportunity_id"]), index=deals)
    early = talked <= days
    # A deal that ended sooner than the budget had to be talked of says nothing of whether it would have been.
    silent = _kleene(~early, recorded & (early | (at >= days)))
    both = policy["modes.budget_rule"] == "both"
    return pd.DataFrame({
        "budget_day": talked, "departments_late": named.where(there),
        "late_departments": (silent & department) if both else (silent | department),
    })  # fmt: skip


def _only_key(persons: pd.DataFrame, by: pd.Series, meetings: bool, deals: pd.Index) -> pd.DataFrame:
    others = persons[~persons["key"]]
    in_time = others["met"] <= others["opportunity_id"].map(by).astype("float64")
    number, met = _count(others, pd.Series(True, index=others.index), deals), _count(others, in_time, deals)
    has_key = pd.Series(deals.isin(persons.loc[persons["key"], "opportunity_id"]), index=deals)
    told = has_key & (number > 0) & meetings
    return pd.DataFrame({"others": number, "others_met": met, "key_person_only": _kleene(met == 0, told)})


def code_modes(
    people: pd.DataFrame, talks: pd.DataFrame | None, moments: pd.DataFrame, meetings: bool, policy: Policy
) -> pd.DataFrame:
    """The three modes (true, false or missing) of every deal with the evidence that told them; one row per deal of `moments`.

    people: `deal_people` (opportunity_id, person_id, role, part, stance, key_person, met = days since opening or missing); talks:
    `budget_talks` (opportunity_id, talked) or None where no activities are recorded; moments: opportunity_id, at, by (days since opening);
    meetings: whether first meetings are recorded at all (without, an absent date means nothing). Columns: opportunity_id, the
    :data:`MODES`, and :data:`EVIDENCE`: deciders for, against and unmet (persons), budget_day (first talk of it up to `at`),
    departments_late (roles, joined by comma), others (persons on record besides the key person) and others_met (in time).
    """
    placed = moments.set_index("opportunity_id")
    at, by, deals = placed["at"].astype(float), placed["by"].astype(float), placed.index
    mine = people[people["opportunity_id"].isin(deals)].astype({"met": "float64"})
    persons = _persons(mine)
    parts = [
        _split(persons, at, meetings, deals),
        _late(mine, talks, at, by, meetings, policy),
        _only_key(persons, by, meetings, deals),
    ]
    return pd.concat(parts, axis=1)[[*MODES, *EVIDENCE]].rename_axis("opportunity_id").reset_index()


def whole_life(deals: pd.DataFrame, policy: Policy) -> pd.DataFrame:
    """Moments at the end of deals' lives: opportunity_id, at, by."""
    days = deals["days"].astype(float)
    return pd.DataFrame(
        {"opportunity_id": deals["opportunity_id"], "at": days, "by": days * (1 - policy["modes.late_share"])}
    )


def landmark(deals: pd.DataFrame, day: float) -> pd.DataFrame:
    """Moments on day `day` of deals still open then: opportunity_id, at, by."""
    there = deals[deals["days"] > day]
    return pd.DataFrame({"opportunity_id": there["opportunity_id"], "at": float(day), "by": float(day)})
