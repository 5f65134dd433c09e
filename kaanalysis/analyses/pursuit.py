"""Two teams after one customer at the same time, against what chance would bring.

Chance is read off the customers that could have been met instead: the share of the customer groups of the same segment, region and size
that the other team was after while a deal ran. That is the expectation over all permutations of groups within such strata, so it needs no
random draws. It leaves the days of all deals where they are, and knows nothing of why a deal was opened: customers who buy more of
everything draw both teams, which the strata hold only in part, so an excess counts from a margin on.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, fields, replace

import numpy as np
import pandas as pd

from kaanalysis.analyses.verdicts import amount_bands
from kaanalysis.stats.inputs import BoolArray, FloatArray, IntArray

SIZE_BANDS = 3
OPEN = np.int64(2**40)  # closing day of a deal that is not closed


@dataclass(frozen=True)
class CodedDeals:
    """Dated deals of named teams as numbers, shape (n,) each, oldest first: opened, closed (days since 1970-01-01; OPEN while it runs),
    won, key (a KA team's), group (code of the customer group), stratum (of the group's segment, region and size band), seller (code;
    customer groups where no seller is recorded), segment (code into `segments`; -1 unknown), row (in the frame they came from)."""

    opened: IntArray
    closed: IntArray
    won: BoolArray
    key: BoolArray
    group: IntArray
    stratum: IntArray
    seller: IntArray
    segment: IntArray
    row: IntArray

    def pick(self, which: BoolArray) -> CodedDeals:
        """The deals at `which`."""
        return CodedDeals(*(getattr(self, f.name)[which] for f in fields(self)))

    def known_at(self, cut: int) -> CodedDeals:
        """The deals as known on day `cut`: later ones gone, later closings not yet there."""
        known = self.pick(self.opened <= cut)
        later = known.closed > cut
        return replace(known, closed=np.where(later, OPEN, known.closed), won=known.won & ~later)


def day_of(moment: dt.date) -> int:
    """Days since 1970-01-01."""
    return (moment - dt.date(1970, 1, 1)).days


def days_of(moments: pd.Series) -> IntArray:
    """Days since 1970-01-01, OPEN where there is none."""
    missing = moments.isna().to_numpy(bool)
    return np.where(missing, OPEN, moments.to_numpy("datetime64[D]").astype(np.int64))


def coded(deals: pd.DataFrame) -> CodedDeals:
    """The dated deals with a team of a frame as :func:`kaanalysis.aggregates.patterns.pattern_deals` gives it.

    A group lies in the stratum of its first account; sizes are thirds of employees within the segment, what is not recorded is a band of
    its own."""
    rows = np.flatnonzero((deals["created_at"].notna() & deals["team"].notna()).to_numpy(bool))
    d = deals.iloc[rows]
    group, _ = pd.factorize(d["cluster"])
    segment, segments = pd.factorize(d["segment"])
    region, _ = pd.factorize(d["region"])
    first = np.unique(group, return_index=True)[1]
    employees = pd.to_numeric(d["employees"], errors="coerce").to_numpy(np.float64)[first]
    band = np.full(len(first), "?", dtype="<U4")
    for label in range(-1, len(segments)):
        mine = segment[first] == label
        band[mine] = amount_bands(employees[mine], SIZE_BANDS)
    bands = np.unique(band, return_inverse=True)[1]
    code = ((segment[first] + 1) * (region.max(initial=0) + 2) + region[first] + 1) * (SIZE_BANDS + 1) + bands
    stratum = np.unique(code, return_inverse=True)[1] if len(first) else code
    seller = d["owner"].where(d["owner"].notna(), "deal " + d["opportunity_id"].astype(str))
    clusters = pd.factorize(seller)[0] if d["owner"].notna().any() else group
    return CodedDeals(
        days_of(d["created_at"]), days_of(d["closed_at"]), (d["outcome"] == "won").to_numpy(bool), (d["motion"] == "KA").to_numpy(bool),
        group.astype(np.int64), stratum[group].astype(np.int64), clusters.astype(np.int64), segment.astype(np.int64), rows.astype(np.int64),
    )  # fmt: skip


def pairs(mine: CodedDeals, theirs: CodedDeals, on: str) -> tuple[IntArray, IntArray]:
    """All pairs (place in `mine`, place in `theirs`) with the same code `on` (group, stratum) that ran on a day together."""
    a, b = getattr(mine, on), getattr(theirs, on)
    order = np.argsort(b, kind="stable")
    low, high = np.searchsorted(b[order], a, side="left"), np.searchsorted(b[order], a, side="right")
    many = high - low
    i = np.repeat(np.arange(len(a)), many)
    start = np.repeat(low - np.concatenate([[0], np.cumsum(many)[:-1]]) if len(a) else low, many)
    j = order[start + np.arange(len(i))] if len(i) else np.empty(0, np.int64)
    together = (theirs.opened[j] <= mine.closed[i]) & (theirs.closed[j] >= mine.opened[i])
    return i[together], j[together]


def met(mine: CodedDeals, theirs: CodedDeals) -> tuple[BoolArray, FloatArray]:
    """For every deal of `mine`: (whether a deal of `theirs` ran with the same customer group on a day of it, chance of that: the share of
    the worked groups in its stratum, its own among them, with such a deal). Worked: with a deal of either side. Chance is 0 … 1."""
    i, j = pairs(mine, theirs, "stratum")
    groups = int(max(mine.group.max(initial=-1), theirs.group.max(initial=-1))) + 1
    there = np.zeros(len(mine.group), bool)
    there[i[mine.group[i] == theirs.group[j]]] = True
    once = np.unique(
        i * max(groups, 1) + theirs.group[j]
    )  # a group counts once per deal, however many deals it has there
    found = np.bincount(once // max(groups, 1), minlength=len(there))
    return there, found / worked_in_stratum(mine, theirs, mine.group)


def met_groups(mine: CodedDeals, theirs: CodedDeals) -> tuple[BoolArray, FloatArray]:
    """For every customer group of `mine`, in the order of its code: (whether any of its deals ran with one of `theirs` for the
    same group on a day of it, chance of that: the share of the worked groups in its stratum, its own among them, with which they would
    have). 0 … 1."""
    i, j = pairs(mine, theirs, "stratum")
    groups = np.unique(mine.group)
    there = np.isin(groups, mine.group[i[mine.group[i] == theirs.group[j]]])
    width = int(theirs.group.max(initial=-1)) + 1
    once = np.unique(mine.group[i] * max(width, 1) + theirs.group[j]) // max(width, 1)
    found = np.bincount(np.searchsorted(groups, once), minlength=len(groups))
    return there, found / worked_in_stratum(mine, theirs, groups)


def worked_in_stratum(mine: CodedDeals, theirs: CodedDeals, groups: IntArray) -> IntArray:
    """For each of these groups of `mine`: how many groups with a deal of either side there are in its stratum, at least 1."""
    both, strata = np.concatenate([mine.group, theirs.group]), np.concatenate([mine.stratum, theirs.stratum])
    names, at = np.unique(both, return_index=True)
    count = np.bincount(strata[at], minlength=1)
    return np.maximum(count[strata[at][np.searchsorted(names, groups)]], 1)
