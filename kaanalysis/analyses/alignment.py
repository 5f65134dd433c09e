"""M-3.5, beside its verdict: does today's selling fit the customer's flow in time?

Every step that a key-account deal reached (event log, not interviews) is looked at once the deal is closed:
`covered`: the seller acted with the step's role before the step was over, or on the day it ended; `late`: only after that, up to the
day on which the deal closed; `missing`: not at all by then. Days are whole: many activities carry a date alone, and an hour cannot be
read out of it. Steps of deals still open, or closed without a date, are censored (`censored`): a call that is still to come is
neither late nor missing. Deals opened before the records begin are left out (`unrecorded`): their first meetings may have been before.
Steps whose role nobody wrote down cannot be held against persons (`no_role`).

What acting with a role means is a policy value (``alignment.reading``):
`persons` (default): an activity with somebody who holds the role in this deal or takes the step, or the day on which that person was
first met (`engaged_at`), whichever came first; `activities`: an activity alone; `stages`: the stage of the step's name was entered.
Stages are kept apart because a CRM often enters them by itself when the customer's step comes: they then say that the step took place,
not that anybody was there.

Wrong order: per deal the share of pairs of roles that the seller first met the other way round than their first steps came (Kendall's
distance without ties, (1 − γ) / 2 of Goodman and Kruskal 1954). 0: the same order; 0.5: no relation; 1: exactly reversed. Roles that were
never met, and pairs of the same day on either side, have no order. Meeting roles early in any order does no harm by itself: it is
read beside `late`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from kaanalysis import aggregates
from kaanalysis.aggregates.transitions import US_PER_DAY
from kaanalysis.analyses.alignment_wins import wins_by_cover
from kaanalysis.analyses.verdicts import clustered_mean, clustered_share, figures_wanted, seller_clusters
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.results import Number

SEGMENT = "KA"
STATES = ("covered", "late", "missing")
READINGS = {
    "persons": ("stakeholders.engaged_at|activities.person_id",),
    "activities": ("activities.person_id",),
    "stages": ("stage_history.entered_at",),
}
NEEDS = ("buying_steps.at", "buying_steps.opportunity_id", "opportunities.closed_at")
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
METHOD = "steps reached by closed deals, sellers as clusters (jackknife)"


def missing(company: Company, policy: Policy) -> list[str]:
    """The columns whose absence keeps today's selling from being held against the customer's steps; empty where it can be."""
    own = READINGS[policy["alignment.reading"]]
    acting = () if policy["alignment.reading"] == "stages" else ("buying_steps.role|buying_steps.person_id",)
    return [*aggregates.segment_missing(company, policy), *company.missing(*NEEDS, *acting, *own)]


def with_days(rows: pd.DataFrame, reading: str) -> pd.DataFrame:
    """`rows` of :func:`kaanalysis.aggregates.steps_and_selling` with begin_day, end_day and contact_day (days since 1970; null: none)."""
    columns = {
        "persons": ["first_activity_us", "engaged_us"],
        "activities": ["first_activity_us"],
        "stages": ["stage_us"],
    }
    contact = rows[columns[reading]].astype(float).min(axis=1)
    days = {
        "begin_day": rows["begin_us"].astype(float),
        "end_day": rows["end_us"].astype(float),
        "contact_day": contact,
    }
    return rows.assign(**{name: np.floor(us / US_PER_DAY) for name, us in days.items()})


def judge_steps(rows: pd.DataFrame, reading: str, observed_day: float | None) -> pd.DataFrame:
    """`rows` (:func:`with_days`) with `state`: covered, late, missing, or why it is none of them: unrecorded, no_role, censored (see the
    module). observed_day: from when records are kept (days since 1970), None: always. A row without a role is judged by who took the
    step where that person is on record."""
    contact, end = rows["contact_day"], rows["end_day"]
    closed = rows["closed"].astype(float).where(rows["outcome"] != "open")
    state = np.select([contact <= end, contact <= closed], ["covered", "late"], "missing")
    state = np.where(closed.isna(), "censored", state)
    if reading != "stages":
        nobody = rows["role"].isna() & rows["persons"].isna()
        state = np.where(nobody, "no_role", state)
    if observed_day is not None:
        opened = rows["opened"].astype(float).fillna(rows["begin_day"])
        state = np.where(opened < observed_day, "unrecorded", state)
    return rows.assign(state=state.astype(object))


def inversions(rows: pd.DataFrame, unit: str) -> pd.DataFrame:
    """One row per deal with at least one pair in order: opportunity_id, pairs, inverted, share (0 … 1). rows: with begin_day, contact_day
    and the `unit` that is met (role or step); a unit's first step and first contact count."""
    met = rows[rows[unit].notna() & rows["contact_day"].notna()]
    met = met.groupby(["opportunity_id", unit], as_index=False).agg(
        their=("begin_day", "min"), ours=("contact_day", "min")
    )
    pairs = met.merge(met, on="opportunity_id", suffixes=("", "_other"))
    pairs = pairs[(pairs["their"] < pairs["their_other"]) & (pairs["ours"] != pairs["ours_other"])]
    made = pairs.assign(inverted=pairs["ours"] > pairs["ours_other"])
    out = made.groupby("opportunity_id").agg(pairs=("inverted", "size"), inverted=("inverted", "sum")).reset_index()
    return out.assign(share=out["inverted"] / out["pairs"])


def _share(name: str, segment: str, rows: pd.DataFrame, state: str, policy: Policy) -> Number:
    level = policy["evidence.level"]
    method = f"{METHOD}; reading: {policy['alignment.reading']}"
    if len(rows) < policy["evidence.minimum_units"]:
        return Number(name, segment, None, None, None, level, len(rows), "share", f"{method}; too few to tell")
    clusters, _ = seller_clusters(rows)
    return clustered_share(name, segment, (rows["state"] == state).to_numpy(), clusters, level, method)


def _judged(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[rows["state"].isin(STATES)]


def _in_order(rows: pd.DataFrame) -> pd.DataFrame:
    """One row per node (step and role), in the customer's order: step, role, department and part (the commonest), place (mean rank of the
    step within its deals)."""
    rank = rows.groupby("opportunity_id")["begin_day"].rank(method="first")
    keys = [rows["step"], rows["role"].fillna("")]
    common = {c: rows[c].fillna("").groupby(keys).agg(lambda s: s.mode().iloc[0]) for c in ("department", "part")}
    made = pd.DataFrame({**common, "place": rank.groupby(keys).mean()})
    return made.rename_axis(["step", "role"]).reset_index().sort_values(["place", "step", "role"], ignore_index=True)


def _node_shares(rows: pd.DataFrame, policy: Policy) -> pd.DataFrame:
    """One row per node in the customer's order: step, role, department, part, place, n, value, low, high (share covered), late
    (share)."""
    order, judged, out = _in_order(rows), _judged(rows), []
    label = judged["role"].fillna("")
    for node in order.itertuples(index=False):
        mine = judged[(judged["step"] == node.step) & (label == node.role)]
        share = _share("step_covered", str(node.step), mine, "covered", policy)
        late = _share("step_late", str(node.step), mine, "late", policy).value
        out.append((share.n, share.value, share.low, share.high, late))
    return pd.concat(
        [order, pd.DataFrame(out, columns=["n", "value", "low", "high", "late"]).astype(float)], axis=1
    ).astype({"n": int})


def _observed(company: Company) -> float | None:
    since = company.info.observed_from
    return None if since is None else float((pd.Timestamp(since) - pd.Timestamp("1970-01-01")).days)


def aligned_steps(
    company: Company, policy: Policy, reading: str | None = None, raw: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Every reached step of key-account deals with its days and its state; reading: the policy's if not given; raw: the rows of
    :func:`kaanalysis.aggregates.steps_and_selling`, which every reading reads alike, if at hand. Empty columns, no rows where
    :func:`missing` says what is missing."""
    used = reading or policy["alignment.reading"]
    raw = aggregates.steps_and_selling(company, policy) if raw is None else raw
    return judge_steps(with_days(raw, used), used, _observed(company))


def uncovered_steps(company: Company, policy: Policy, rows: pd.DataFrame | None = None) -> pd.DataFrame:
    """One row per node that a key-account deal reached, in the customer's order: step, role ("" where not recorded), department, part,
    place, n (closed deals judged), value, low, high (share covered), late (share), state: `uncovered` where the whole interval lies below
    ``alignment.covered_share``, `covered` where it lies above, else `undecided` (too few deals among them). No rows where
    :func:`missing` names something. rows: :func:`aligned_steps`, if at hand."""
    columns = ["step", "role", "department", "part", "place", "n", "value", "low", "high", "late", "state"]
    if missing(company, policy):
        return pd.DataFrame(columns=columns)
    rows = aligned_steps(company, policy) if rows is None else rows
    if rows.empty:
        return pd.DataFrame(columns=columns)
    mark, shares = policy["alignment.covered_share"], _node_shares(rows, policy)
    state = np.select([shares["high"] < mark, shares["low"] > mark], ["uncovered", "covered"], "undecided")
    return shares.assign(state=state)[columns]


def _timing(judged: pd.DataFrame, order: pd.DataFrame) -> pd.DataFrame:
    """One row per node with a contact: step, role, n, met (share met at all), q05 … q95 (days from the step's end to the first contact,
    below 0: before), length (median days that the step took)."""
    rows = judged.assign(role=judged["role"].fillna(""), days=judged["contact_day"] - judged["end_day"],
                         length=judged["end_day"] - judged["begin_day"])  # fmt: skip
    # A first contact after the closing is no part of this sale.
    rows["days"] = rows["days"].where(rows["state"] != "missing")
    groups = rows.groupby(["step", "role"])
    made = pd.DataFrame({f"q{round(100 * q):02d}": groups["days"].quantile(q) for q in QUANTILES})
    made = made.assign(n=groups.size(), met=groups["days"].count() / groups.size(), length=groups["length"].median())
    return order[["step", "role"]].merge(made.reset_index(), on=["step", "role"])


def _counts(rows: pd.DataFrame, order: pd.DataFrame, reading: str) -> pd.DataFrame:
    """One row per node: reading, step, role, department, part, place, covered, late, missing, and the not judged: censored, no_role,
    unrecorded (deals)."""
    table = pd.crosstab([rows["step"], rows["role"].fillna("")], rows["state"])
    table = table.reindex(columns=[*STATES, "censored", "no_role", "unrecorded"], fill_value=0)
    made = order.merge(table.rename_axis(["step", "role"]).reset_index(), on=["step", "role"])
    return made.assign(reading=reading)


def measure(company: Company, policy: Policy) -> tuple[list[Number], dict[str, pd.DataFrame], dict[str, str]]:
    """Numbers step_covered, step_late, step_missing (per step and for all, segment KA), steps_censored, order_inversions,
    covered_win_difference; frames `alignment` (one row per reading and node, :func:`_counts`), `alignment_shares` (uncovered_steps),
    `alignment_timing` and `alignment_wins`; terms for sentences: timing (the reading). Nothing where
    :func:`missing` names something."""
    if missing(company, policy):
        return [], {}, {}
    raw = aggregates.steps_and_selling(company, policy)
    rows = aligned_steps(company, policy, raw=raw)
    if rows.empty:
        return [], {}, {}
    reading, judged = policy["alignment.reading"], _judged(rows)
    shares = uncovered_steps(company, policy, rows)
    steps = list(dict.fromkeys(shares["step"]))
    numbers = [_share(f"step_{state}", SEGMENT, judged, state, policy) for state in STATES]
    for step in steps:
        numbers += [_share(f"step_{s}", step, judged[judged["step"] == step], s, policy) for s in STATES]
    censored = int((rows["state"] == "censored").sum())
    method = "count of reached steps whose deal is not closed with a date"
    numbers.append(Number("steps_censored", SEGMENT, censored, None, None, None, len(rows), "steps", method))
    found = inversions(judged, "step" if reading == "stages" else "role")
    if len(found) >= policy["evidence.minimum_units"]:
        deals = judged.drop_duplicates("opportunity_id").merge(found, on="opportunity_id")
        clusters, _ = seller_clusters(deals)
        mean = clustered_mean("order_inversions", SEGMENT, deals["share"].to_numpy(), clusters, policy, "share")
        numbers.append(mean)
    differences, wins = wins_by_cover(rows, company, policy)
    numbers += differences
    frames = {"alignment_shares": shares, "alignment_wins": wins}
    if figures_wanted():
        order = shares[["step", "role", "department", "part", "place"]]
        counted = [_counts(rows, order, reading)]
        for other, needs in READINGS.items():
            if other != reading and not company.missing(*needs):
                counted.append(_counts(aligned_steps(company, policy, other, raw), order, other))
        frames["alignment"] = pd.concat(counted, ignore_index=True)
        frames["alignment_timing"] = _timing(judged, order)
    terms = {"timing": reading} if numbers[0].value is not None else {}
    return numbers, {name: frame for name, frame in frames.items() if len(frame)}, terms
