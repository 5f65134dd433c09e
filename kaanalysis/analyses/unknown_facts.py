"""M-3.3b, beside its verdict: what was not known of a deal, and whether such deals are lost more often.

Where sellers note facts of their deals (files in the folder ``deal_facts``: is the purchasing department known, is the budget
allocated …), a fact that is unknown or empty is set against any known one. `unknown_relative_risk` (segment: the fact) is the risk of
losing a closed deal of which it was not known over that of deals of which it was, within segment and category, sellers as clusters; all
facts with enough deals on either side are given. A large one among many may be chance, so each has a p-value of its risk being no
different, adjusted over all facts compared (Holm 1979): where p is at most 1 - level, the chance that any fact is so named for nothing is
at most that. Intervals are each fact's own. It is an association, and one that runs
backwards too: of deals that die early little becomes known, and nobody dates when a fact was noted.

Deals alike in every fact, seller, product and outcome may be double entries or just similar. Both readings are given: every row a deal, and
every description once (`unknown_relative_risk_distinct`).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from kaanalysis import aggregates
from kaanalysis.analyses.verdicts import clustered_share, number, seller_clusters, strata_of
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.results import Number
from kaanalysis.stats import clustered_risk_ratio, clustered_risk_test, holm

METHOD = "share of closed deals, sellers as clusters (jackknife)"
COLUMNS = ["fact", "rows", "unknown", "won_unknown", "known", "won_known", "value", "low", "high", "n", "level", "unit",
           "p_value", "p_adjusted"]  # fmt: skip
READINGS = {"all": "unknown_relative_risk", "distinct": "unknown_relative_risk_distinct"}


def distinct(deals: pd.DataFrame, facts: pd.DataFrame) -> pd.Series:
    """Whether each deal is the first with its description: all facts, segment, category, seller and outcome."""
    wide = facts.pivot_table(index="opportunity_id", columns="fact", values="value", aggfunc="first").reindex(
        deals["opportunity_id"]
    )
    told = [c for c in ("segment", "category", "owner", "won") if c in deals]
    both = pd.concat([wide.reset_index(drop=True), deals[told].reset_index(drop=True)], axis=1).astype(str)
    return pd.Series(~both.duplicated().to_numpy(), index=deals.index)


def _compare(deals: pd.DataFrame, fact: str, name: str, level: float) -> tuple[Number, float | None]:
    """The relative risk and the p-value of its being 1."""
    clusters, _ = seller_clusters(deals)
    rows = (~deals["won"], ~deals["known"], strata_of(deals, "segment", "category"), clusters)
    return number(name, fact, clustered_risk_ratio(*rows, level=level), "ratio"), clustered_risk_test(*rows).p_value


def _adjusted(frame: pd.DataFrame) -> pd.DataFrame:
    """With p_adjusted, over the facts of each reading. A fact whose p cannot be told was looked at all the same: it counts as 1."""
    held = frame["p_value"].fillna(1.0).groupby(frame["rows"]).transform(holm)
    return frame.assign(p_adjusted=held.where(frame["p_value"].notna()))


def measure(company: Company, policy: Policy) -> tuple[list[Number], dict[str, pd.DataFrame], dict[str, str]]:
    """Numbers unknown_won_share, known_won_share, unknown_relative_risk and …_distinct by fact; frame `unknown_facts` (a
    row per fact and reading, rows = all or distinct, with counts, shares won, p_value and p_adjusted; the facts that go furthest with
    losing first). Nothing without facts, or where no fact has enough closed deals on either side. No terms."""
    facts = company.deal_facts
    if facts.empty:
        return [], {}, {}
    level, least = policy["evidence.level"], policy["evidence.minimum_units"]
    closed = aggregates.closed_deals(company, policy)
    closed = closed[closed["opportunity_id"].isin(facts["opportunity_id"])].reset_index(drop=True)
    closed["won"] = closed["won"].astype(bool)
    first = distinct(closed, facts)
    numbers, rows = [], []
    for fact, said in facts.groupby("fact", sort=True):
        known = said.set_index("opportunity_id")["known"]
        deals = closed.assign(known=closed["opportunity_id"].map(known))
        deals = deals[deals["known"].notna()].astype({"known": bool})
        if min(deals["known"].sum(), (~deals["known"]).sum()) < least:
            continue
        for label, side in (("unknown_won_share", ~deals["known"]), ("known_won_share", deals["known"])):
            mine = deals[side]
            numbers.append(
                clustered_share(label, str(fact), mine["won"].to_numpy(), seller_clusters(mine)[0], level, METHOD)
            )
        for reading, name in READINGS.items():
            counted = deals if reading == "all" else deals[first[deals.index]]
            risk, p_value = _compare(counted, str(fact), name, level)
            numbers.append(risk)
            sides = [counted.loc[counted["known"] == k, "won"] for k in (False, True)]
            rows.append((fact, reading, len(sides[0]), sides[0].mean(), len(sides[1]), sides[1].mean(), risk.value, risk.low, risk.high,
                         risk.n, level, "ratio", p_value, np.nan))  # fmt: skip
    if not rows:
        return [], {}, {}
    frame = pd.DataFrame(rows, columns=COLUMNS).astype(
        dict.fromkeys(("won_unknown", "won_known", "value", "low", "high", "p_value", "p_adjusted"), "float64")
    )
    frame = _adjusted(frame)
    facts_compared = frame["fact"].nunique()
    if facts_compared > 1:  # say beside each number that it is one of several
        family = set(READINGS.values())
        told = f"; one of {facts_compared} facts compared, p of each adjusted (Holm)"
        numbers = [replace(n, method=n.method + told) if n.name in family else n for n in numbers]
    order = frame[frame["rows"] == "all"].set_index("fact")["value"].fillna(0.0)
    frame["place"] = -np.asarray(frame["fact"].map(order), dtype=float)
    frame = frame.sort_values(["place", "fact", "rows"], kind="stable").drop(columns="place").reset_index(drop=True)
    return numbers, {"unknown_facts": frame}, {}
