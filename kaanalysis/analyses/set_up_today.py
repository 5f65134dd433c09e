"""04: where the company stands today: who works key accounts, how many they are, and what they won; a part of 04 path selection.

A company that has begun a key-account programme runs one of the three paths already, and the ledger counts each of them from nothing. What
is there has to stand beside its sums, or they are read as what a change would add.
"""

from __future__ import annotations

import pandas as pd

from kaanalysis import aggregates
from kaanalysis.analyses.ledger import PATHS
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.results import Number

SELLERS = "sum of the teams' latest month on record within a year"
WON = "sum over won deals of the last twelve months, by the team on record"


def find(company: Company, policy: Policy) -> tuple[list[Number], dict[str, str]]:
    """Numbers and terms for M-4. Nothing where no table says what a team is for (teams.motion).

    Term `today`: ``part_time``, ``split`` or ``rebuild`` where the KA teams are all set up so (teams.mode); ``team`` where there are
    KA teams and their set-up is not on record or differs; ``none`` where there is none. Numbers of the KA teams, segment KA, where there
    are any: `today_sellers` (persons; n: teams), `today_won` (currency; n: deals). Both counts, without an interval.
    Term `today_size`: ``known`` where both are."""
    if not company.has("teams.motion"):
        return [], {}
    teams = company.table("teams").execute()
    key = teams[teams["motion"] == "KA"]
    if key.empty:
        return [], {"today": "none"}
    modes = set(key["mode"]) if "mode" in key else {None}
    mode = next(iter(modes)) if len(modes) == 1 else None
    terms, numbers = {"today": str(mode) if mode in PATHS else "team"}, []
    sellers = _sellers(company)
    if sellers is not None:
        numbers.append(Number("today_sellers", "KA", sellers[0], None, None, None, sellers[1], "sellers", SELLERS))
    if company.has("opportunities.team") and company.has("opportunities.amount"):
        won = aggregates.won_by_motion(company, policy)
        mine = won[won["motion"] == "KA"]
        total = float(mine["amount"].sum())
        numbers.append(Number("today_won", "KA", total, None, None, None, len(mine), company.info.currency, WON))
    return numbers, {**terms, **({"today_size": "known"} if len(numbers) == 2 else {})}


def _sellers(company: Company) -> tuple[float, int] | None:
    """(Sellers of the KA teams in their latest month on record, teams counted); None where no month of the last year says."""
    if not company.has("team_months.sellers"):
        return None
    months = aggregates.team_economics(company)
    since = pd.Timestamp(aggregates.months_before(company.info.as_of, 12))
    mine = months[(months["motion"] == "KA") & months["sellers"].notna() & (pd.to_datetime(months["month"]) >= since)]
    if mine.empty:
        return None
    latest = mine.sort_values("month").groupby("team")["sellers"].last()
    return float(latest.sum()), len(latest)
