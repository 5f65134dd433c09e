"""M-3.1, beside its verdict: do small customers' deals follow the standard sequence (SOP), whoever sells?

The standard is the policy's list of stages (``sop.sequence``); without one the commonest order of stages among the won deals stands in for
it, which says what is done most often, not what was agreed (`sop_standard_share`: how many of the won deals follow it).
A won deal complies if it passed exactly these stages in this order; a lost or open one as far as it came: a deal that followed the
sequence until it was lost did nothing wrong. What departs from it is named: a stage `skipped` (also where the deal was won before it),
`returned` to, `repeated`, or `outside` the standard. Deals opened before the records begin, whose first stages may be missing, and
deals without any stage are left out and counted (`sop_deals_unseen`).

Does compliance go with winning? Deals that entered the same stage, of the same size, are compared: those that had followed the sequence
up to then against those that had not (landmarks; van Houwelingen 2007). Comparing whole deals would be a trap: who is lost early has had
no time to depart. Winning is read at the conversion horizon among deals opened at least so long ago. An association, not a cause.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from kaanalysis import aggregates
from kaanalysis.aggregates import DAYS_PER_MONTH
from kaanalysis.aggregates.transitions import US_PER_DAY
from kaanalysis.analyses.merge_outcome import amount_bands
from kaanalysis.analyses.verdicts import clustered_share, number, seller_clusters
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.results import Number
from kaanalysis.stats import between_spread, shrink_shares, shrunk_share_intervals, stratified_difference

SEGMENT = "SMB"
NEEDS = ("stage_history.stage", "stage_history.entered_at")
METHOD = "deals that followed the sequence as far as they came, sellers as clusters (jackknife)"
DEVIATIONS = ("skipped", "returned", "repeated", "outside")
EPOCH = pd.Timestamp("1970-01-01")


def stage_names(text: str) -> tuple[str, ...]:
    """The stages of a sequence written with ``>`` between them, in order; none of an empty text."""
    return tuple(name.strip() for name in text.split(">") if name.strip())


def deviations(stages: Sequence[str], standard: Sequence[str], won: bool) -> list[tuple[str, str, int]]:
    """(kind, stage, place) of every departure of one deal's stages from the standard, in order; empty: it complies.

    place: the entry (0 = first) at which it shows; that of a stage skipped at the end of a won deal is the number of entries. After a
    departure the deal is expected to go on from where it is."""
    found, due, order = [], 0, list(standard)
    for place, stage in enumerate(stages):
        if stage in order[due:]:
            at = order.index(stage, due)
            found += [("skipped", left, place) for left in order[due:at]]
            due = at + 1
        elif stage not in order:
            found.append(("outside", stage, place))
        else:
            last = max(i for i in range(due) if order[i] == stage)
            found.append(
                ("repeated" if last == due - 1 and place and stages[place - 1] == stage else "returned", stage, place)
            )
            due = last + 1
    if won:
        found += [("skipped", left, len(stages)) for left in order[due:]]
    return found


def standard_sequence(sequences: pd.DataFrame, policy: Policy) -> tuple[tuple[str, ...], str]:
    """(the stages, `policy` or `commonest`). sequences: one row per deal with `stages` (tuple) and `won`; of equally common orders the
    longer, then the first in the alphabet. Empty without a won deal."""
    if given := stage_names(policy["sop.sequence"]):
        return given, "policy"
    counts = sequences.loc[sequences["won"], "stages"].value_counts()
    if counts.empty:
        return (), "commonest"
    best = [s for s, n in counts.items() if n == counts.iloc[0]]
    return min(best, key=lambda s: (-len(s), s)), "commonest"


def sequences_by_deal(entries: pd.DataFrame, observed_day: float | None) -> pd.DataFrame:
    """One row per deal seen from its start: opportunity_id, owner, account, amount, opened, closed, won, open, stages (tuple), entered
    (tuple of days since 1970). entries: :func:`kaanalysis.aggregates.stage_sequences`."""
    days = np.floor(entries["entered_us"].astype(float) / US_PER_DAY)
    groups = entries.assign(day=days).groupby("opportunity_id", sort=False)
    deals = groups[["owner", "account", "outcome", "amount", "opened", "closed"]].first().reset_index()
    deals["stages"], deals["entered"] = groups["stage"].agg(tuple).to_numpy(), groups["day"].agg(tuple).to_numpy()
    deals["won"], deals["open"] = deals["outcome"] == "won", deals["outcome"] == "open"
    if observed_day is not None:
        first = deals["entered"].map(lambda e: e[0])
        deals = deals[deals["opened"].astype(float).fillna(first) >= observed_day]
    return deals.drop(columns="outcome").reset_index(drop=True)


def landmarks(deals: pd.DataFrame, as_of_day: int, horizon_days: float, bands: int) -> pd.DataFrame:
    """One row per stage entry that can be compared: seller columns, stratum (stage and band of amount), followed (no departure up to
    this entry), won (by the horizon). Deals followed to the horizon, entries up to it. deals: with `departures`."""
    opened, closed = deals["opened"].astype(float), deals["closed"].astype(float)
    old = deals[(as_of_day - opened >= horizon_days) & (deals["open"] | closed.notna())]
    rows = []
    band = amount_bands(old["amount"].to_numpy(float), bands)
    deal: Any
    for deal, size in zip(old.itertuples(index=False), band, strict=True):
        first = min((place for _, _, place in deal.departures), default=len(deal.stages))
        won = bool(deal.won and deal.closed - deal.opened <= horizon_days)
        for place, (stage, day) in enumerate(zip(deal.stages, deal.entered, strict=True)):
            if day - deal.opened <= horizon_days:
                rows.append((deal.opportunity_id, deal.owner, deal.account, f"{stage} / {size}", place < first, won))
    return pd.DataFrame(rows, columns=["opportunity_id", "owner", "account", "stratum", "followed", "won"])


def _with_winning(deals: pd.DataFrame, company: Company, policy: Policy) -> Number:
    months, level = policy["conversion.horizon_months"], policy["evidence.level"]
    today = (pd.Timestamp(company.info.as_of) - EPOCH).days
    rows = landmarks(deals, today, round(months * DAYS_PER_MONTH), policy["roles.amount_bands"])
    yes = rows["followed"].to_numpy(bool)
    title = (
        "followed the sequence minus departed from it, among deals in the same stage and band of amount; an association"
    )
    if min(yes.sum(), (~yes).sum()) < policy["evidence.minimum_units"]:
        method = f"{title}; too few on either side"
        return Number(
            "sop_win_difference", SEGMENT, None, None, None, level, len(rows), "share difference", method, months
        )
    won, stratum, seller = rows["won"].to_numpy(float), rows["stratum"].to_numpy(object), seller_clusters(rows)[0]
    found = stratified_difference(
        won[yes], won[~yes], stratum[yes], stratum[~yes], seller[yes], seller[~yes], level=level
    )
    found = replace(found, method=f"{title}; {found.method}")
    return number("sop_win_difference", SEGMENT, found, "share difference", horizon_months=months)


def _by_seller(deals: pd.DataFrame, level: float) -> pd.DataFrame:
    """One row per seller, most deals first: owner, deals, compliant, share, shrunk, low, high (of the shrunk share)."""
    known = deals[deals["owner"].notna()]
    made = known.groupby("owner")["complies"].agg(deals="size", compliant="sum").reset_index()
    made = made.sort_values(["deals", "owner"], ascending=[False, True], ignore_index=True)
    if made.empty:
        return made
    counts = made["compliant"].to_numpy(float), made["deals"].to_numpy(float)
    shrunk, _ = shrink_shares(*counts, level)
    low, high = shrunk_share_intervals(*counts, level)
    return made.assign(share=counts[0] / counts[1], shrunk=shrunk, low=low, high=high)


def _named(deals: pd.DataFrame) -> pd.DataFrame:
    """One row per kind of departure and stage, the commonest first: kind, stage, times, deals, share (of all deals judged)."""
    pairs = zip(deals["opportunity_id"], deals["departures"], strict=True)
    rows = [(deal, kind, stage) for deal, departures in pairs for kind, stage, _ in departures]
    made = pd.DataFrame(rows, columns=["opportunity_id", "kind", "stage"])
    made = made.groupby(["kind", "stage"])["opportunity_id"].agg(times="size", deals="nunique").reset_index()
    made = made.sort_values(["deals", "kind", "stage"], ascending=[False, True, True], ignore_index=True)
    return made.assign(share=made["deals"] / len(deals))


def measure(company: Company, policy: Policy) -> tuple[list[Number], dict[str, pd.DataFrame], dict[str, str]]:
    """Numbers sop_compliance, sop_standard_share, sop_sellers_spread, sop_win_difference, sop_deals_unseen (segment SMB); frames `sop`
    (one row: standard, source, deals, value, low, high), `sop_sellers` (:func:`_by_seller`), `sop_deviations` (:func:`_named`); terms for
    sentences: sop (where the standard comes from), sop_standard. Nothing without stages, segments or small customers' deals with stages."""
    if aggregates.segment_missing(company, policy) or company.missing(*NEEDS):
        return [], {}, {}
    entries = aggregates.stage_sequences(company, policy)
    since = company.info.observed_from
    deals = sequences_by_deal(entries, None if since is None else float((pd.Timestamp(since) - EPOCH).days))
    standard, source = standard_sequence(deals, policy)
    if deals.empty or not standard:
        return [], {}, {}
    found = [deviations(s, standard, w) for s, w in zip(deals["stages"], deals["won"], strict=True)]
    deals["departures"], deals["complies"] = pd.Series(found, index=deals.index, dtype=object), [not f for f in found]
    level, clusters = policy["evidence.level"], seller_clusters(deals)[0]
    method = f"{METHOD}; standard: {source}"
    numbers = [clustered_share("sop_compliance", SEGMENT, deals["complies"].to_numpy(bool), clusters, level, method)]
    won = deals[deals["won"]]
    if len(won):
        same = (won["stages"] == standard).to_numpy(bool)
        method = "won deals whose stages are the standard, sellers as clusters (jackknife)"
        numbers.append(clustered_share("sop_standard_share", SEGMENT, same, seller_clusters(won)[0], level, method))
    sellers = _by_seller(deals, level)
    if len(sellers) >= policy["evidence.minimum_sellers"]:
        spread = between_spread(sellers["compliant"], sellers["deals"], level)
        numbers.append(number("sop_sellers_spread", SEGMENT, spread, "share"))
    numbers.append(_with_winning(deals, company, policy))
    counts = aggregates.untimed_deals(company, policy)
    there = int(counts.loc[counts["segment"] == SEGMENT, "deals"].sum())
    method = "count of deals without a stage or opened before the records begin"
    numbers.append(Number("sop_deals_unseen", SEGMENT, there - len(deals), None, None, None, there, "deals", method))
    share, named = numbers[0], " > ".join(standard)
    frame = pd.DataFrame([(named, source, len(deals), share.value, share.low, share.high)],
                         columns=["standard", "source", "deals", "value", "low", "high"])  # fmt: skip
    frames = {"sop": frame, "sop_sellers": sellers, "sop_deviations": _named(deals)}
    return numbers, {k: f for k, f in frames.items() if len(f)}, {"sop": source, "sop_standard": named}
