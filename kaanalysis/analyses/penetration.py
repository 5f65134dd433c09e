"""How far industries and leading accounts are covered, and what closing a gap would bring (M-0.2, M-0.3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy import stats

from kaanalysis import aggregates
from kaanalysis.analyses.known_accounts import Array, Units, ratio
from kaanalysis.analyses.verdicts import above, below, number
from kaanalysis.policy import Policy
from kaanalysis.results import Finding, Number
from kaanalysis.stats import Estimate, newcombe_difference, standardised_difference, wilson

COLUMNS = 6  # per segment in behind_columns


def behind_columns(units: Units, group: Array, counted: Array) -> Array:
    """For each segment in turn: counted accounts of the group, customers and won amount of these, then the same of the others."""
    there, won, out = units.flag(units.frame["present"]), units.column("amount_1"), []
    for _, mine in units.strata():
        for side in (group, 1 - group):
            of = mine * side * counted
            out += [of, of * there, of * won]
    return np.column_stack(out)


def behind_shortfall(sums: Array) -> Array:
    """By draw and segment, shape (draws, segments): counted accounts of the group × (share of customers among the others of the segment −
    its own) × won amount per customer in it (the others' where it has no customer). 0 where the segment has only one side."""
    out = []
    for known, there, won, others, others_there, others_won in sums.T.reshape(-1, COLUMNS, len(sums)):
        worth = np.where(there > 0, ratio(won, there), ratio(others_won, others_there))
        gap = ratio(others_there, others) - ratio(there, known)
        out.append(np.where((known > 0) & (others > 0), known * gap * worth, 0.0))
    return np.column_stack(out)


def coverage(units: Units, level: float) -> pd.DataFrame:
    """One row per segment and industry: known, worked, customers (present ones), share of the known, low, high, won."""
    frame = units.frame[units.frame["industry"].notna()]
    rows = []
    segments = [s for s in ("SMB", "KA") if (frame["segment"] == s).any()] + [aggregates.ALL]
    for segment in segments:
        mine = frame if segment == aggregates.ALL else frame[frame["segment"] == segment]
        for industry, group in mine.groupby("industry", sort=True):
            share = wilson(int(group["present"].sum()), len(group), level)
            rows.append((segment, industry, len(group), int(group["worked"].sum()), int(group["present"].sum()), share.value, share.low,
                         share.high, float(group["amount_1"].sum())))  # fmt: skip
    return pd.DataFrame(
        rows, columns=["segment", "industry", "known", "worked", "customers", "share", "low", "high", "won"]
    )


def _comparable(frame: pd.DataFrame, policy: Policy) -> tuple[list[str], float]:
    """Industries with accounts enough to compare, and the level at which the intervals of all of them hold at once (Bonferroni)."""
    sizes = frame.groupby("industry").size()
    industries = [str(i) for i in sizes.index[sizes >= policy["evidence.minimum_units"]]]
    return industries, 1 - (1 - policy["evidence.level"]) / max(len(industries), 1)


def industry_gaps(units: Units, policy: Policy, segment: str | None = None) -> dict[str, Estimate]:
    """By industry: share of customers among the other industries' known accounts of the same segment minus its own, over its own accounts'
    segments; the intervals hold all at once. segment: of that segment's accounts alone ("" those without one). n: its own accounts."""
    frame = units.frame[units.frame["industry"].notna()]
    label = frame["segment"].astype(object).where(frame["segment"].notna(), "")
    if segment is not None:
        frame, label = frame[label == segment], label[label == segment]
    industries, level = _comparable(frame, policy)
    strata = sorted(set(label))

    def counted(rows: pd.Series) -> tuple[Array, Array]:
        """Customers and accounts of the rows by stratum."""
        by = (
            frame.loc[rows, "present"]
            .astype(float)
            .groupby(label[rows])
            .agg(["sum", "size"])
            .reindex(strata)
            .fillna(0.0)
        )
        return by["sum"].to_numpy(float), by["size"].to_numpy(float)

    out = {}
    for industry in industries:
        mine = frame["industry"].eq(industry)
        gap = standardised_difference(*counted(~mine), *counted(mine), level)
        out[industry] = replace(gap, n=int(mine.sum()), method=f"{gap.method}, Bonferroni over industries")
    return out


def largest_industry(missing: Mapping[str, float], gaps: Mapping[str, Estimate], least: float) -> str | None:
    """The industry whose lag would bring most if closed, among those that surely lie behind by more than `least` where there are any; None
    with fewer than two that can be compared. missing: won amount that closing would bring, by industry."""
    if len(gaps) < 2:
        return None
    sure = [i for i, g in gaps.items() if g.low is not None and g.low > least]
    return max(sure or list(gaps), key=lambda i: missing[i])


def missing_by_industry(units: Units, gaps: Mapping[str, Estimate], segment: str | None = None) -> dict[str, float]:
    """Won amount that closing the lag of each industry would bring: in all segments, or in one."""
    place = None if segment is None else [s for s, _ in units.strata()].index(segment)
    known, out = units.flag(units.frame["industry"].notna()), {}
    for industry in gaps:
        sums = behind_columns(units, units.flag(units.frame["industry"].eq(industry)), known).sum(axis=0, keepdims=True)
        parts = behind_shortfall(sums)[0]
        out[industry] = float(parts.sum() if place is None else parts[place])
    return out


def key_account_numbers(units: Units, policy: Policy) -> list[Number]:
    """The industry where most is missing among key accounts: its gap there and both shares, all at the level at which the gaps of all
    industries hold at once (it was picked for its lag). Empty without key accounts, or where too few industries can be compared."""
    gaps = industry_gaps(units, policy, "KA") if units.frame["segment"].eq("KA").any() else {}
    industry = (
        largest_industry(missing_by_industry(units, gaps, "KA"), gaps, policy["growth.penetration_gap"])
        if gaps
        else None
    )
    if industry is None:
        return []
    frame = units.frame[units.frame["industry"].notna() & units.frame["segment"].eq("KA")]
    mine = frame["industry"].eq(industry)
    shares = [wilson(int(frame.loc[s, "present"].sum()), int(s.sum()), gaps[industry].level) for s in (mine, ~mine)]
    return [
        number("industry_gap_key_accounts", industry, gaps[industry], "share difference"),
        number("industry_share_key_accounts", industry, shares[0], "share"),
        number("others_share_key_accounts", industry, shares[1], "share"),
    ]


def counting(units: Units, policy: Policy) -> Array:
    """For each segment in turn, how much of a lag of one of its industries counts: :func:`beyond_chance` of its gaps."""
    return np.array([beyond_chance(industry_gaps(units, policy, segment)) for segment, _ in units.strata()])


def beyond_chance(gaps: Mapping[str, Estimate]) -> float:
    """How much of the spread between industries is more than chance: 0 (none) … 1, by moments as DerSimonian and Laird's estimate of it.

    Gaps to the others balance out, so they are held against 0, each with a degree of freedom of its own. Errors are read from the
    intervals, which hold for all industries at once. 0 with fewer than three."""
    known = [g for g in gaps.values() if g.value is not None and g.low is not None and g.high is not None]
    if len(known) < 3:
        return 0.0
    quantile = stats.norm.isf((1 - known[0].level) / 2)
    error = np.array([(g.high - g.low) / (2 * quantile) for g in known])  # type: ignore[operator]
    value, weight = np.array([g.value for g in known], dtype=float), 1 / error**2
    between = max(0.0, float((weight * value**2).sum() - len(known)) / float(weight.sum()))
    return between / (between + float(np.mean(error**2)))


def as_far_as_it_counts(point: Array, sample: Array, counts: Array) -> tuple[float, Array]:
    """(value, resamples) of a lag's won amount with each segment's part drawn to 0 by the share `counts` of it that is more than chance: as
    a normal posterior has it, the mean by `counts`, the spread by its root (Efron and Morris 1975). point: (1, segments); sample:
    (draws, segments); counts: (segments,)."""
    return float((point @ counts)[0]), point @ counts + (sample - point) @ np.sqrt(counts)


def leading_numbers(units: Units, ranked: Array, same: Array, level: float) -> list[Number]:
    """Of the accounts in the company's own register: share of customers among those on rankings minus that among the others, and both
    shares; then how many on rankings are known, and how many of these from a ranking alone. Key accounts where there are any (same)."""
    worked, there = units.flag(units.frame["worked"]) * same, units.flag(units.frame["present"])
    counts = [(int((worked * g * there).sum()), int((worked * g).sum())) for g in (ranked, 1 - ranked)]
    gap = newcombe_difference(*counts[0], *counts[1], level)
    names = ("leading_share", "other_share")
    shares = [number(name, aggregates.ALL, wilson(*c, level), "share") for name, c in zip(names, counts, strict=True)]
    known = int(ranked.sum())

    def counted(name: str, value: int) -> Number:
        return Number(name, aggregates.ALL, value, None, None, None, known, "accounts", "count")

    return [
        number("leading_difference", aggregates.ALL, replace(gap, n=counts[0][1]), "share difference"),
        *shares,
        counted("leading_known", known),
        counted("leading_from_rankings_alone", known - counts[0][1]),
    ]


def judge_industry(gaps: Mapping[str, Estimate], numbers: list[Number], policy: Policy) -> list[Finding]:
    """M-0.2: supported if an industry surely lies behind the others, within segments, by more than `growth.penetration_gap`; contradicted
    if none can. All intervals hold at once.

    Small customers are most of the known accounts and carry the average: what holds among key accounts alone stands beside it and is not
    judged. Wrong if what is known of an industry's accounts is another part of its market than elsewhere."""
    least = policy["growth.penetration_gap"]
    states = [above(g.low, g.high, least) for g in gaps.values()]
    named = {"industry_gap": "industry", "industry_gap_key_accounts": "industry_key_accounts"}
    terms = {named[n.name]: n.segment for n in numbers if n.name in named}
    terms["key_accounts"] = "shown" if "industry_key_accounts" in terms else ""
    if len(gaps) < 2:
        return [Finding("M-0.2", "industry_behind", "undecided", "one_industry", tuple(numbers), terms=terms)]
    state = "supported" if "supported" in states else "contradicted" if set(states) == {"contradicted"} else "undecided"
    return [Finding("M-0.2", "industry_behind", state, f"industry_{state}", tuple(numbers), terms=terms)]  # type: ignore[arg-type]


def judge_leading(numbers: list[Number], policy: Policy, group: str = aggregates.ALL) -> list[Finding]:
    """M-0.3: supported if, of the accounts in the company's own register, those on rankings are customers more rarely than the others by
    more than `growth.penetration_gap`. group: KA where key accounts are compared with key accounts.

    Wrong if leading accounts were taken up later than the others: they may yet come. Those known from a ranking alone are in neither
    share: whoever nobody has approached is no customer, and only rankings bring such accounts into the register."""
    difference, terms = next(n for n in numbers if n.name == "leading_difference"), {"group": group}
    if difference.n < policy["evidence.minimum_units"] or difference.value is None:
        return [Finding("M-0.3", "leading_behind", "undecided", "too_few", tuple(numbers), terms=terms)]
    state = below(difference.low, difference.high, -policy["growth.penetration_gap"])
    return [Finding("M-0.3", "leading_behind", state, f"leading_{state}", tuple(numbers), terms=terms)]
