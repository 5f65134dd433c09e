"""The change log read: was the programme started in haste, and is it changed again before a change can show what it does (M-X4)?

A log is what its keepers wrote down. It shows decisions, not why they were taken: a programme that is changed often may be badly thought
out, or well watched.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from kaanalysis import aggregates
from kaanalysis.aggregates import DAYS_PER_MONTH
from kaanalysis.aggregates.patterns import pattern_deals
from kaanalysis.analyses.pattern_signs import Sign, missing_sign, share_sign, sign_of
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.results import Number
from kaanalysis.stats import event_rate

NEEDS = ("company.changes", "company.ka_launch")
BEGINNINGS = ("decision", "launch")  # what begins the programme changes nothing in it
DAYS_PER_YEAR = 365.25
COMPARISON = "target"  # what the signs are held against: a value of the policy


@dataclass(frozen=True)
class ChangeLog:
    """changes: decisions by date (at, kind, what, who, reverses). launch: of the programme. first_sellers: first day of the month from
    which a KA team has sellers on record; first_deal: the day on which a KA team opened its first deal (each None: not on record, or
    there since the records begin). evidence: what was on record of key accounts when the team was staffed (finding, units, count,
    needs). needs: what is missing of :data:`NEEDS`."""

    changes: pd.DataFrame
    launch: dt.date | None
    as_of: dt.date
    first_sellers: dt.date | None
    first_deal: dt.date | None
    evidence: pd.DataFrame
    needs: tuple[str, ...]


def gather(company: Company, policy: Policy) -> ChangeLog:
    """Everything that the signs and frames read. needs: what is missing of :data:`NEEDS`."""
    sellers = _first_sellers(company)
    staffed = sellers or company.info.ka_launch
    evidence = pd.DataFrame(columns=["finding", "units", "count", "needs"])
    if staffed is not None:
        evidence = aggregates.launch_evidence(company, policy, staffed)
    changes = company.changes.drop(columns="source")
    return ChangeLog(changes, company.info.ka_launch, company.info.as_of, sellers, _first_deal(company, policy), evidence,
                     tuple(company.missing(*NEEDS)))  # fmt: skip


def _first_sellers(company: Company) -> dt.date | None:
    if company.missing("teams.motion", "team_months.sellers"):
        return None
    months = aggregates.team_economics(company)
    there = months[(months["motion"] == "KA") & (months["sellers"] > 0)]["month"]
    if there.empty or there.min() == months["month"].min():  # there since the records begin: hired nobody knows when
        return None
    return pd.Timestamp(there.min()).date()


def _first_deal(company: Company, policy: Policy) -> dt.date | None:
    if company.missing("teams.motion", "opportunities.team", "opportunities.created_at"):
        return None
    deals = pattern_deals(company, policy)
    opened = deals.loc[deals["motion"] == "KA", "created_at"].min()
    return None if pd.isna(opened) else opened.date()


def first_decision(log: ChangeLog) -> dt.date | None:
    """The day on which the programme was decided on; where the log names no decision, its launch entry or ka_launch: what is on record of
    its beginning. None without any."""
    for kind in BEGINNINGS:
        days = log.changes.loc[log.changes["kind"] == kind, "at"]
        if len(days):
            return pd.Timestamp(days.min()).date()
    return log.launch


def preparation(log: ChangeLog) -> Number:
    """preparation_months: from the first decision for the programme to the first month with sellers in a KA team. Below zero: staffed
    before it was decided on. Dates, not an estimate, so there is no interval; right to a month, since sellers are counted by month.

    Value None where the log has no decision for the programme (a launch alone says nothing of what came before it) or the first sellers
    are not on record."""
    decided = (log.changes["kind"] == "decision").any()
    method = "dates of the change log and of the first month with key-account sellers"
    first = first_decision(log)
    months = None
    if decided and first is not None and log.first_sellers is not None:
        months = (log.first_sellers - first.replace(day=1)).days / DAYS_PER_MONTH
    return Number("preparation_months", "KA", months, None, None, None, int(decided), "months", method)


def hasty(log: ChangeLog, policy: Policy) -> bool | None:
    """Whether the team was staffed sooner after the decision than ``change_log.preparation_months``; None where the dates are not on
    record.

    Wrong if the work of finding out was done before the decision that the log names."""
    months = preparation(log).value
    return None if months is None else bool(months < policy["change_log.preparation_months"])


def changed(log: ChangeLog, cut: dt.date | None = None) -> pd.DataFrame:
    """One row per decision known on day `cut` (default: all), by date, with of_kind (its kind; for a reversal the kind it takes back),
    months_since_launch and months_since_same (since the last decision of that kind, on an earlier day; null for the first and for what
    begins the programme)."""
    rows = log.changes
    if cut is not None:
        rows = rows[rows["at"] <= pd.Timestamp(cut)]
    rows = rows.reset_index(drop=True)
    kinds = rows["reverses"].where((rows["kind"] == "reversal") & rows["reverses"].notna(), rows["kind"])
    day = rows["at"].to_numpy("datetime64[D]").astype(np.int64)
    since = np.full(len(rows), np.nan)
    for k, kind in enumerate(kinds):
        earlier = day[:k][(kinds[:k] == kind).to_numpy(bool) & (day[:k] < day[k])]
        if len(earlier) and kind not in BEGINNINGS:
            since[k] = (day[k] - earlier[-1]) / DAYS_PER_MONTH
    begun = np.nan if log.launch is None else (log.launch - dt.date(1970, 1, 1)).days
    return rows.assign(
        of_kind=kinds.astype(object), months_since_launch=(day - begun) / DAYS_PER_MONTH, months_since_same=since
    )


def signs(log: ChangeLog, cut: dt.date, policy: Policy) -> list[Sign]:
    """What the log known on day `cut` says of repeated changes, for M-X4; without a log both signs are missing.

    decisions_per_year: days on which something was decided since the launch, a year (decisions of one day are one package), against
    ``change_log.decisions_per_year`` by the exact Poisson test.
    early_change_share: of the decisions since the launch in a matter already decided on, the share that came within
    ``change_log.settle_months`` of the last one, against ``change_log.early_share`` by the exact binomial test.
    Wrong if the log is kept unevenly: one that names every meeting looks restless, one that is kept from memory looks calm."""
    level, most, share = policy["evidence.level"], policy["change_log.decisions_per_year"], policy["change_log.early_share"]  # fmt: skip
    made = [
        missing_sign(name, log.needs, margin=margin, beyond="above", unit=unit, level=level, method=method, comparison=COMPARISON)
        for name, margin, unit, method in (
            ("decisions_per_year", most, "decisions per year", "Poisson rate, Garwood"),
            ("early_change_share", share, "share", "Clopper-Pearson"),
        )
    ]  # fmt: skip
    if log.needs or log.launch is None or cut <= log.launch:
        return made
    known = changed(log, cut)
    since = known[(known["at"] > pd.Timestamp(log.launch)) & ~known["kind"].isin(BEGINNINGS)]
    days, years = int(since["at"].nunique()), (cut - log.launch).days / DAYS_PER_YEAR
    rate = event_rate(np.ones(days), years, "Poisson rate, Garwood")
    made[0] = sign_of(rate, "decisions_per_year", most, "above", "decisions per year", COMPARISON, level)
    again = since["months_since_same"].dropna()
    early = int((again < policy["change_log.settle_months"]).sum())
    if len(again):
        made[1] = share_sign(
            early, len(again), "early_change_share", share, "above", COMPARISON, level, "Clopper-Pearson"
        )
    return made


def possible_checks(log: ChangeLog, policy: Policy) -> pd.DataFrame:
    """launch_evidence with wanted (``evidence.minimum_units``) and possible: whether so much was on record when the team was staffed that
    the assumption could have been checked (null where the data cannot say)."""
    wanted = int(policy["evidence.minimum_units"])
    known = log.evidence["count"].notna()
    return log.evidence.assign(wanted=wanted, possible=(log.evidence["count"] >= wanted).astype("boolean").where(known))


def change_kinds(log: ChangeLog, policy: Policy) -> pd.DataFrame:
    """One row per kind of decision since the launch: kind, decisions, taken_back, median_months (between decisions of that kind; null for
    one alone), early (within ``change_log.settle_months`` of the last), settle_months."""
    settle = policy["change_log.settle_months"]
    known = changed(log)
    since = known[(known["months_since_launch"] > 0) & ~known["kind"].isin(BEGINNINGS)]
    rows = [
        (kind, len(mine), int((mine["kind"] == "reversal").sum()), mine["months_since_same"].median(),
         int((mine["months_since_same"] < settle).sum()), settle)
        for kind, mine in since.groupby("of_kind", sort=True)
    ]  # fmt: skip
    columns = ["kind", "decisions", "taken_back", "median_months", "early", "settle_months"]
    made = pd.DataFrame(rows, columns=columns)
    return made.sort_values(["decisions", "kind"], ascending=[False, True], ignore_index=True)


def beginnings(log: ChangeLog) -> pd.DataFrame:
    """One row per event of the start that is on record, by date: event (first_decision, launch, first_sellers, first_deal), at."""
    events: Sequence[tuple[str, dt.date | None]] = (
        ("first_decision", first_decision(log)), ("launch", log.launch), ("first_sellers", log.first_sellers),
        ("first_deal", log.first_deal),
    )  # fmt: skip
    frame = pd.DataFrame([(e, pd.Timestamp(at)) for e, at in events if at is not None], columns=["event", "at"])
    return frame.astype({"at": "datetime64[s]"}).sort_values("at", kind="stable", ignore_index=True)


def frames(log: ChangeLog, policy: Policy) -> dict[str, pd.DataFrame]:
    """changes (one row per decision, with early: within ``change_log.settle_months`` of the last in that matter), change_kinds,
    launch_evidence and programme_start, for figures and tables; only what there is a log or a launch for."""
    made = {"launch_evidence": possible_checks(log, policy), "programme_start": beginnings(log)}
    if "company.changes" not in log.needs:
        known = changed(log)
        early = known["months_since_same"] < policy["change_log.settle_months"]
        made |= {"changes": known.assign(early=early), "change_kinds": change_kinds(log, policy)}
    return {name: frame for name, frame in made.items() if len(frame)}


__all__ = ["ChangeLog", "change_kinds", "changed", "frames", "gather", "hasty", "possible_checks", "preparation", "signs"]  # fmt: skip
