"""How far industries and leading accounts are covered, and what closing a gap would bring (M-0.2, M-0.3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy import stats

from kaanalysis import aggregates
from kaanalysis.analyses.known_accounts import Array, Units, ratio
from kaanalysis.analyses.verdicts import above, number
from kaanalysis.policy import Policy
from kaanalysis.results import Finding, Number
from kaanalysis.stats import Estimate, newcombe_difference, wilson


def behind_columns(units: Units, group: Array, counted: Array) -> Array:
    """Counted, customers, and won amount of the group; counted and customers of the others."""
    there = units.flag(units.frame["present"])
    other = 1 - group
    return np.column_stack(
        [
            group * counted,
            group * counted * there,
            group * units.column("amount_1"),
            other * counted,
            other * counted * there,
            group,
        ]
    )


def behind_shortfall(sums: Array) -> Array:
    """Accounts of the group × (share of customers elsewhere − its own) × won amount per customer in it."""
    counted, there, won, others, others_there, known = sums.T
    return known * (ratio(others_there, others) - ratio(there, counted)) * ratio(won, there)


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


def industry_gaps(units: Units, policy: Policy) -> dict[str, Estimate]:
    """By industry: share of customers among the other industries' known accounts minus its own, the intervals holding all at once."""
    frame = units.frame[units.frame["industry"].notna()]
    sizes = frame.groupby("industry").size()
    industries = [str(i) for i in sizes.index[sizes >= policy["evidence.minimum_units"]]]
    level = 1 - (1 - policy["evidence.level"]) / max(len(industries), 1)
    out = {}
    for industry in industries:
        mine = frame["industry"].eq(industry)
        counts = [int(frame.loc[s, "present"].sum()) for s in (~mine, mine)]
        gap = newcombe_difference(counts[0], int((~mine).sum()), counts[1], int(mine.sum()), level)
        out[industry] = replace(gap, method="Newcombe, Bonferroni over industries")
    return out


def largest_industry(units: Units, gaps: dict[str, Estimate], least: float) -> str | None:
    """The industry whose lag would bring most if closed, among those that surely lie behind by more than `least` where there are any; None
    with fewer than two that can be compared."""
    if len(gaps) < 2:
        return None
    frame = units.frame[units.frame["industry"].notna()]
    groups = frame.groupby("industry").agg(
        known=("account_id", "size"), there=("present", "sum"), won=("amount_1", "sum")
    )
    value = groups["known"] * groups["won"] / groups["there"].clip(lower=1)
    sure = [i for i, g in gaps.items() if g.low is not None and g.low > least]
    return max(sure or list(gaps), key=lambda i: float(value[i]) * (gaps[i].value or 0.0))


def beyond_chance(gaps: Mapping[str, Estimate]) -> float:
    """How much of the spread between industries is more than chance: 0 (none) … 1, by DerSimonian and Laird's estimate of it.

    Errors are read from the intervals, which hold for all industries at once, so they lean high and this leans low."""
    known = [g for g in gaps.values() if g.value is not None and g.low is not None and g.high is not None]
    if len(known) < 3:
        return 0.0
    quantile = stats.norm.isf((1 - known[0].level) / 2)
    error = np.array([(g.high - g.low) / (2 * quantile) for g in known])  # type: ignore[operator]
    value, weight = np.array([g.value for g in known], dtype=float), 1 / error**2
    away = float((weight * (value - np.average(value, weights=weight)) ** 2).sum())
    scale = float(weight.sum() - (weight**2).sum() / weight.sum())
    between = max(0.0, (away - (len(known) - 1)) / scale)
    return between / (between + float(np.mean(error**2)))


def leading_numbers(units: Units, ranked: Array, same: Array, level: float) -> list[Number]:
    """How much more rarely worked accounts on rankings are customers than the other worked ones, and both shares; key accounts where
    known."""
    worked, there = units.flag(units.frame["worked"]) * same, units.flag(units.frame["present"])
    counts = [(int((worked * g * there).sum()), int((worked * g).sum())) for g in (1 - ranked, ranked)]
    gap = newcombe_difference(*counts[0], *counts[1], level)
    names = ("other_share", "leading_share")
    shares = [number(name, aggregates.ALL, wilson(*c, level), "share") for name, c in zip(names, counts, strict=True)]
    return [number("leading_gap", aggregates.ALL, replace(gap, n=counts[1][1]), "share difference"), *shares]


def judge_industry(gaps: dict[str, Estimate], numbers: list[Number], policy: Policy) -> list[Finding]:
    """M-0.2: supported if an industry surely lies behind the others by more than `growth.penetration_gap`, contradicted if none can.

    All intervals hold at once. Wrong if what is known of an industry's accounts is another part of its market than elsewhere."""
    least = policy["growth.penetration_gap"]
    states = [above(g.low, g.high, least) for g in gaps.values()]
    terms = {"industry": numbers[0].segment} if numbers else {}
    if len(gaps) < 2:
        return [Finding("M-0.2", "industry_behind", "undecided", "one_industry", tuple(numbers), terms=terms)]
    state = "supported" if "supported" in states else "contradicted" if set(states) == {"contradicted"} else "undecided"
    return [Finding("M-0.2", "industry_behind", state, f"industry_{state}", tuple(numbers), terms=terms)]  # type: ignore[arg-type]


def judge_leading(numbers: list[Number], policy: Policy) -> list[Finding]:
    """M-0.3: supported if, of the accounts worked, those on rankings are customers more rarely than the others by more than
    `growth.penetration_gap`. Wrong if leading accounts were worked later than the others: they may yet come."""
    gap = next(n for n in numbers if n.name == "leading_gap")
    if gap.n < policy["evidence.minimum_units"] or gap.value is None:
        return [Finding("M-0.3", "leading_behind", "undecided", "too_few", tuple(numbers))]
    state = above(gap.low, gap.high, policy["growth.penetration_gap"])
    return [Finding("M-0.3", "leading_behind", state, f"leading_{state}", tuple(numbers))]
