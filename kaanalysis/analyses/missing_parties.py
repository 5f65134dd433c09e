"""M-2.3, beside its verdict: which parties should have been met by now, and how good is that alarm?

The reference of a deal is its library cell (category × industry × size of buyer): the finished purchases of other customers and the
interviews in it. A role that takes part in at least ``alarm.reference_share`` of them belongs to the process. A cell with fewer than
``alarm.minimum_flows`` flows falls back to category × size, then category, then all key accounts; the level is said. Purchases of
the deal's own customer group never count, so nothing is learnt from the deal that is judged. Only won deals are finished: where a
deal was lost, the roles behind that step had no chance to take part.

The alarm goes off for each such role of whom nobody has been met and whose step is not done. How good it is, is measured on
closed deals at a fixed day after opening (``alarm.review_days``), as it would have gone off then:
recall, of the roles that took part later in the deal's own log and had not been met, the share alarmed; false alarms, of the
roles alarmed in deals that were won, the share on record neither in the flow nor among the stakeholders. What nobody wrote down counts
as a false alarm, so that share leans high.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from kaanalysis import aggregates
from kaanalysis.analyses.verdicts import clustered_mean, clustered_share
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.results import Number

SEGMENT = "KA"
LEVELS: dict[str, tuple[str, ...]] = {
    "cell": ("category", "industry", "size_band"),
    "category_size": ("category", "size_band"),
    "category": ("category",),
    "all": (),
}
NEEDS = ("buying_steps.role", "stakeholders.engaged_at", "opportunities.created_at")
OPEN = ["opportunity_id", "account_id", "name", "role", "known", "level", "flows", "share", "days"]
METHOD = (
    "roles at the review day of closed deals, reference without the customer, customer groups as clusters (jackknife)"
)


def _key(frame: pd.DataFrame, columns: tuple[str, ...]) -> pd.Series:
    """The columns as one label; missing where one of them is."""
    out = pd.Series("", index=frame.index, dtype=object)
    for column in columns:
        out = out + " / " + frame[column].astype(object).where(frame[column].notna(), np.nan)
    return out


def with_size_band(deals: pd.DataFrame, roles: pd.DataFrame) -> pd.DataFrame:
    """The deals with the size class of their own flow, else the commonest among the customer group's flows, else missing."""
    own = roles.dropna(subset=["opportunity_id"]).groupby("opportunity_id")["size_band"].max()
    group = (
        roles.dropna(subset=["cluster", "size_band"]).groupby("cluster")["size_band"].agg(lambda s: s.mode().iloc[0])
    )
    band = deals["opportunity_id"].map(own)
    return deals.assign(size_band=band.where(band.notna(), deals["cluster"].map(group)))


def reference_flows(roles: pd.DataFrame) -> pd.DataFrame:
    """The rows of `roles` that count as reference: won deals, and flows without a deal whose buyer is of a size that key accounts have (or
    of no known size): an interview with a small shop is no reference for them."""
    ours = roles["opportunity_id"].notna()
    sizes = roles.loc[ours, "size_band"].dropna().unique()
    told = ~ours & (roles["size_band"].isna() | roles["size_band"].isin(sizes))
    return roles[(ours & (roles["outcome"] == "won")) | told]


def references(deals: pd.DataFrame, roles: pd.DataFrame, minimum_flows: int) -> pd.DataFrame:
    """One row per deal and role that occurs in its reference: opportunity_id, role, level (of :data:`LEVELS`), flows (in it, those of the
    deal's own customer group left out), share (of them in which the role takes part). Deals without `minimum_flows` at any level have
    no row. deals: with cluster and the columns of the levels; roles: :func:`reference_flows`."""
    flows = roles.drop_duplicates("flow_id")
    left, parts = deals[["opportunity_id", "cluster", "category", "industry", "size_band"]], []
    for level, columns in LEVELS.items():
        of_flow = flows[["flow_id", "cluster"]].assign(key=_key(flows, columns)).dropna(subset=["key"])
        mine = left.assign(key=_key(left, columns))
        total = of_flow.groupby("key").size().rename("total").reset_index()
        own = of_flow.groupby(["key", "cluster"]).size().rename("own").reset_index()
        mine = mine.merge(total, on="key").merge(own, on=["key", "cluster"], how="left")
        mine["flows"] = (mine["total"] - mine["own"].fillna(0)).astype(int)
        mine = mine[mine["flows"] >= minimum_flows]
        seen = roles[["flow_id", "role"]].merge(of_flow, on="flow_id")
        by_role = seen.groupby(["key", "role"]).size().rename("with_role").reset_index()
        by_group = seen.groupby(["key", "cluster", "role"]).size().rename("own_role").reset_index()
        rows = mine[["opportunity_id", "cluster", "key", "flows"]].merge(by_role, on="key")
        rows = rows.merge(by_group, on=["key", "cluster", "role"], how="left")
        rows["share"] = (rows["with_role"] - rows["own_role"].fillna(0)) / rows["flows"]
        parts.append(rows.assign(level=level)[["opportunity_id", "role", "level", "flows", "share"]])
        left = left[~left["opportunity_id"].isin(mine["opportunity_id"])]
    found = pd.concat(parts, ignore_index=True)
    return found[found["share"] > 0].reset_index(drop=True)


def alarms(
    expected: pd.DataFrame, review: pd.Series, meetings: pd.DataFrame, roles: pd.DataFrame, reference_share: float
) -> pd.DataFrame:
    """The rows of `expected` (:func:`references`) for which the alarm goes off at the `review` day (by opportunity_id, days since 1970;
    deals not in it are not reviewed): the role belongs to the process, nobody who holds it has been met, its step is not done."""
    rows = expected[expected["share"] >= reference_share]
    rows = rows.assign(review=rows["opportunity_id"].map(review).astype("float64")).dropna(subset=["review"])
    rows = rows.merge(meetings, on=["opportunity_id", "role"], how="left", indicator="on_record")
    done = roles.dropna(subset=["opportunity_id"])[["opportunity_id", "role", "first_day"]]
    rows = rows.merge(done, on=["opportunity_id", "role"], how="left")
    met, acted = rows["met_day"] <= rows["review"], rows["first_day"] <= rows["review"]
    rows = rows[~met.fillna(False) & ~acted.fillna(False)]
    return rows.assign(known=rows["on_record"] == "both").drop(columns="on_record")


def _unmet_later(review: pd.Series, meetings: pd.DataFrame, roles: pd.DataFrame) -> pd.DataFrame:
    """Roles that took part in the deal's own log after the review day and nobody of whom had been met on it."""
    rows = roles.dropna(subset=["opportunity_id", "first_day"])[["opportunity_id", "role", "first_day"]]
    rows = rows.assign(review=rows["opportunity_id"].map(review).astype("float64")).dropna(subset=["review"])
    rows = rows[rows["first_day"] > rows["review"]].merge(meetings, on=["opportunity_id", "role"], how="left")
    return rows[~(rows["met_day"] <= rows["review"]).fillna(False)]


def _share(name: str, flags: pd.Series, cluster: pd.Series, policy: Policy) -> Number:
    level = policy["evidence.level"]
    if len(flags) < policy["evidence.minimum_units"]:
        return Number(name, SEGMENT, None, None, None, level, len(flags), "share", f"{METHOD}; too few to tell")
    return clustered_share(name, SEGMENT, flags.to_numpy(bool), cluster.to_numpy(object), level, METHOD)


def _quality(
    closed: pd.DataFrame, raised: pd.DataFrame, needed: pd.DataFrame, roles: pd.DataFrame, policy: Policy
) -> tuple[list[Number], pd.DataFrame]:
    """Recall, false alarms and warning time; one row per role: role, needed, caught, alarmed, false (the latter two in won deals)."""
    cluster = closed.set_index("opportunity_id")["cluster"]
    outcome = closed.set_index("opportunity_id")["outcome"]
    mark = ["opportunity_id", "role"]
    needed = needed.merge(raised[mark].assign(caught=True), on=mark, how="left")
    needed["caught"] = needed["caught"].fillna(False).astype(bool)
    judged = raised[raised["opportunity_id"].map(outcome) == "won"]
    judged = judged.assign(false=judged["first_day"].isna() & ~judged["known"])
    numbers = [
        _share("alarm_recall", needed["caught"], needed["opportunity_id"].map(cluster), policy),
        _share("alarm_false", judged["false"], judged["opportunity_id"].map(cluster), policy),
    ]
    caught = needed[needed["caught"]]
    if len(caught) >= policy["evidence.minimum_units"]:
        warning = (caught["first_day"] - caught["review"]).to_numpy(float)
        groups = caught["opportunity_id"].map(cluster).to_numpy(object)
        mean = clustered_mean("alarm_lead_days", SEGMENT, warning, groups, policy, "days")
        numbers.append(replace(mean, method=f"from the review day to the role's first step, {mean.method}"))
    by_role = pd.DataFrame({
        "needed": needed.groupby("role").size(), "caught": needed.groupby("role")["caught"].sum(),
        "alarmed": judged.groupby("role").size(), "false": judged.groupby("role")["false"].sum(),
    }).fillna(0).astype(int)  # fmt: skip
    by_role = by_role.rename_axis("role").reset_index().sort_values(["needed", "role"], ascending=[False, True])
    return numbers, by_role.reset_index(drop=True)


def measure(company: Company, policy: Policy) -> tuple[list[Number], dict[str, pd.DataFrame]]:
    """Numbers alarm_recall, alarm_false, alarm_lead_days and parties_missing (roles alarmed in open deals); frames `missing_parties` (open
    deals older than the review day, as of as_of: opportunity_id, account_id, name, role, known = somebody with it is on record, level,
    flows, share, days since opening; the likeliest first) and `alarm_by_role`. Nothing where :data:`NEEDS` are missing."""
    if company.missing(*NEEDS):
        return [], {}
    roles, meetings = aggregates.flow_roles(company, policy), aggregates.role_meetings(company, policy)
    deals = with_size_band(aggregates.key_account_deals(company, policy), roles)
    if deals.empty or roles.empty:
        return [], {}
    expected = references(deals, reference_flows(roles), policy["alarm.minimum_flows"])
    share, days = policy["alarm.reference_share"], policy["alarm.review_days"]
    deals["review"] = deals["opened"] + days
    closed = deals[(deals["outcome"] != "open") & (deals["closed"] > deals["review"])]
    # Without a reference there is neither alarm nor silence: such deals are no test of it.
    closed = closed[closed["opportunity_id"].isin(expected["opportunity_id"])]
    review = closed.set_index("opportunity_id")["review"]
    raised = alarms(expected, review, meetings, roles, share)
    numbers, by_role = _quality(closed, raised, _unmet_later(review, meetings, roles), roles, policy)
    today = (pd.Timestamp(company.info.as_of) - pd.Timestamp("1970-01-01")).days
    running = deals[(deals["outcome"] == "open") & (deals["review"] <= today)]
    now = pd.Series(today, index=running["opportunity_id"], dtype=float)
    missing = alarms(expected, now, meetings, roles, share).merge(
        running[["opportunity_id", "account_id", "name", "opened"]], on="opportunity_id"
    )
    missing = missing.assign(days=today - missing["opened"])
    missing = missing.sort_values(["share", "days", "opportunity_id", "role"], ascending=[False, False, True, True])
    method = f"roles alarmed in {len(running)} open deals older than {days} days"
    numbers.append(Number("parties_missing", SEGMENT, len(missing), None, None, None, len(running), "parties", method))
    return numbers, {"missing_parties": missing[OPEN].reset_index(drop=True), "alarm_by_role": by_role}
