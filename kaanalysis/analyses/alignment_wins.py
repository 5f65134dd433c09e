"""M-3.5, beside its verdict: are deals won more often in which the step's role had been met before the step was over?

Deals that reached a step are compared within it and within bands of equally many deals by amount: covered by the step's end against not
(a landmark, so that a deal that lived longer has had no more time to be covered; Anderson, Cain and Gelber 1983). Winning is read at
the success horizon among deals opened at least so long ago. Steps that only inform are left out: they come when the decision has been
taken. Sellers are the clusters. It is an association and never called a cause: customers who want to buy are easier to meet.
"""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from kaanalysis.aggregates import DAYS_PER_MONTH
from kaanalysis.analyses.merge_outcome import amount_bands
from kaanalysis.analyses.verdicts import number, seller_clusters
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.results import Number
from kaanalysis.stats import Estimate, stratified_difference

SEGMENT = "KA"
METHOD = "covered minus not covered by the step's end, within steps and bands of amount; an association"
COLUMNS = ["step", "covered", "won_covered", "uncovered", "won_uncovered", "value", "low", "high"]


def landmark_rows(rows: pd.DataFrame, as_of_day: int, horizon_days: float) -> pd.DataFrame:
    """The rows that can be compared, with `covered` (by the step's end) and `won` (by the horizon): deals with both dates that could be
    followed to the horizon, steps that were over by then and are more than information. rows: with contact_day, end_day and state."""
    opened, closed = rows["opened"].astype(float), rows["closed"].astype(float)
    known = (as_of_day - opened >= horizon_days) & (rows["end_day"] - opened <= horizon_days)
    known &= ((rows["outcome"] == "open") | closed.notna()) & ~rows["state"].isin(["unrecorded", "no_role"])
    known &= rows["part"] != "inform"
    won = (rows["outcome"] == "won") & (closed - opened <= horizon_days)
    return rows.assign(covered=rows["contact_day"] <= rows["end_day"], won=won)[known]


def _compared(rows: pd.DataFrame, policy: Policy) -> Estimate:
    covered, level = rows["covered"].to_numpy(bool), policy["evidence.level"]
    if min(covered.sum(), (~covered).sum()) < policy["evidence.minimum_units"]:
        return Estimate(None, None, None, level, len(rows), f"{METHOD}; too few on either side")
    won, stratum, seller = rows["won"].to_numpy(float), rows["stratum"].to_numpy(object), seller_clusters(rows)[0]
    found = stratified_difference(
        won[covered], won[~covered], stratum[covered], stratum[~covered], seller[covered], seller[~covered], level=level
    )
    return replace(found, method=f"{METHOD}; {found.method}")


def wins_by_cover(rows: pd.DataFrame, company: Company, policy: Policy) -> tuple[list[Number], pd.DataFrame]:
    """Number covered_win_difference (share difference at the success horizon; above 0: covered steps go with winning) and one row per step:
    step, covered, won_covered, uncovered, won_uncovered (deals), value, low, high (difference within bands of amount)."""
    months = policy["success.horizon_months"]
    today = (pd.Timestamp(company.info.as_of) - pd.Timestamp("1970-01-01")).days
    known = landmark_rows(rows, today, round(months * DAYS_PER_MONTH))
    if known.empty:
        return [], pd.DataFrame(columns=COLUMNS)
    amounts = known.drop_duplicates("opportunity_id")
    band = amount_bands(amounts["amount"].to_numpy(float), policy["roles.amount_bands"])
    known["band"] = known["opportunity_id"].map(dict(zip(amounts["opportunity_id"], band, strict=True)))
    known["stratum"] = known["step"].astype(str) + " / " + known["band"]
    main = number(
        "covered_win_difference", SEGMENT, _compared(known, policy), "share difference", horizon_months=months
    )
    out = []
    for step, mine in known.groupby("step", sort=False):
        found = _compared(mine, policy)
        yes, no = mine[mine["covered"]], mine[~mine["covered"]]
        out.append((step, len(yes), yes["won"].sum(), len(no), no["won"].sum(), found.value, found.low, found.high))
    made = pd.DataFrame(out, columns=COLUMNS)
    return [main], made.astype(dict.fromkeys(("value", "low", "high"), float))
