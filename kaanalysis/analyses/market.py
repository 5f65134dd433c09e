"""M-1.1: how many potential customers are there, and how much do the largest of the present ones hold?

Those we know are counted. Those we do not are estimated by capture–recapture from two lists: the company's own register (accounts that
somebody here worked) and outside rankings (``ranked_on``); an account known from a ranking alone is in the data but was never worked.
What the estimate assumes is part of the verdict: lists that both prefer the same industries and regions leave it undecided, and the odds
ratio between the lists is a policy value on which it may flip. Concentration is that of all won value on record.

The interval is the wider of two readings, lists independent throughout and within industries only; it is the one that is shown and judged.
How many accounts stand on both lists (the matches) decides what may be read off it. From fewer than ``market.minimum_matches`` there is
neither a middle value (Chapman's leans low where fewer than seven are expected: Robson and Regier 1964; Seber 1982, section 3.2.1) nor an
upper limit (it misses the truth far more often than it says). The lower limit stays: that hardly any match is found among many
listed is itself the evidence that there are many, and by the hypergeometric law it lies too high hardly more often than it says, few
matches or many (tests/analyses/test_market.py computes it).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from kaanalysis import aggregates
from kaanalysis.analyses.verdicts import above, below, both, find_flips, number, strata_of
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.results import Finding, Number, State, no_data
from kaanalysis.stats import (
    Overlap,
    gini,
    lorenz_curve,
    overlap,
    overlaps,
    population_size,
    shared_unevenness,
    stratified_size,
    top_share,
)

FEEDS = ("accounts.segment", "accounts.ranked_on")
Flags = npt.NDArray[np.bool_]
TOP = 10  # named in the contract: top10_share


def _lists(register: pd.DataFrame) -> tuple[Flags, Flags]:
    """Who is on which list: worked by the company itself, named by a ranking."""
    return register["worked"].to_numpy(bool), register["ranked_on"].notna().to_numpy(bool)


@dataclass(frozen=True)
class _Counts:
    """How the two lists overlap, in all and by industry: counted once, so that a flip sweeps counts and not the register."""

    whole: Overlap
    by_industry: list[Overlap]

    @staticmethod
    def of(register: pd.DataFrame) -> _Counts:
        worked, listed = _lists(register)
        return _Counts(overlap(worked, listed), overlaps(worked, listed, strata_of(register, "industry")))


def _sizes(counts: _Counts, segment: str, policy: Policy) -> list[Number]:
    """How many there are in all, with the interval that decides: from the lower of both lower limits to the higher of both upper
    ones; and how many if the lists are independent within an industry only. No value and no upper limit from too few matches."""
    about = {"dependence": policy["market.dependence"], "level": policy["evidence.level"]}
    whole, inside = population_size(counts.whole, **about), stratified_size(counts.by_industry, **about)
    if whole.low is not None and inside.low is not None and whole.high is not None and inside.high is not None:
        method = f"{whole.method}; interval: the wider of that and within strata"
        whole = replace(whole, low=min(whole.low, inside.low), high=max(whole.high, inside.high), method=method)
        least = policy["market.minimum_matches"]
        if counts.whole.both < least:
            said = f"no value and no upper limit from fewer than {least} accounts on both lists"
            whole, inside = (replace(e, value=None, high=None, method=f"{e.method}; {said}") for e in (whole, inside))
    return [
        number("accounts_estimated", segment, whole, "accounts"),
        number("accounts_estimated_stratified", segment, inside, "accounts"),
    ]


def _uneven(register: pd.DataFrame, worked: Flags, listed: Flags, segment: str, policy: Policy) -> Number:
    """p-value of: no attribute is preferred by both lists. Industry and region are asked one by one (Bonferroni): crossed, their many thin
    cells would hide a preference that either shows plainly."""
    found = []
    for attribute in ("industry", "region"):
        strata = strata_of(register, attribute)
        found.append(
            shared_unevenness(worked, listed, strata, draws=policy["evidence.draws"], seed=policy["evidence.seed"])
        )
    known = [f for f in found if f.p_value is not None]
    value = min(1.0, min(f.p_value for f in known) * len(known)) if known else None  # type: ignore[type-var, operator]
    method = f"{found[0].method}; industry and region, Bonferroni"
    return Number("lists_uneven_p_value", segment, value, None, None, None, found[0].n, "probability", method)


def _matches(counts: _Counts, segment: str) -> Number:
    method = "accounts both worked and listed"
    both, known = counts.whole.both, counts.whole.known
    return Number("accounts_on_both_lists", segment, both, None, None, None, known, "accounts", method)


def _measure(register: pd.DataFrame, segment: str, policy: Policy) -> list[Number]:
    level, n = policy["evidence.level"], len(register)
    worked, listed = _lists(register)
    numbers = [Number("accounts_known", segment, n, None, None, None, n, "accounts", "accounts in the register")]
    if listed.any():
        counts = _Counts.of(register)
        numbers += [_matches(counts, segment), *_sizes(counts, segment, policy)]
        numbers.append(_uneven(register, worked, listed, segment, policy))
    won = register[register["won"] > 0]
    held, groups = won["won"].to_numpy(float), won["cluster"].to_numpy(object)
    numbers.append(number("top10_share", segment, top_share(held, count=TOP, clusters=groups, level=level), "share"))
    numbers.append(number("gini", segment, gini(held, groups, level=level), "index"))
    return numbers


def reach(numbers: Sequence[Number], segment: str) -> tuple[float, float]:
    """From how many to how many potential customers of a segment there may be (inf: no upper limit). Those known are there for
    certain, where nothing can be estimated too."""
    mine = {n.name: n for n in numbers if n.segment == segment}
    size, known = mine["accounts_estimated"], mine["accounts_known"].value
    low, high = (known if size.low is None else size.low), (math.inf if size.high is None else size.high)
    return float(low), float(high)  # type: ignore[arg-type]


def _sides(numbers: Sequence[Number], policy: Policy) -> tuple[State, State]:
    """States of "small customers are many" and "key accounts are few"."""
    smb, ka = reach(numbers, "SMB"), reach(numbers, "KA")
    return above(*smb, policy["market.large"]), below(*ka, policy["market.small"])


def judge(counts: dict[str, _Counts], fixed: list[Number], policy: Policy) -> list[Finding]:
    """M-1.1: supported if small customers are surely more than `market.large` and key accounts surely fewer than `market.small`, whether
    the lists are independent throughout or within industries only. What an upper limit would have to say (few key accounts, or not many
    small customers) is open while fewer than `market.minimum_matches` accounts are on both lists.

    Wrong if they depend on each other within industries too: the odds ratio between them at which it would change is among the flips.
    Wrong too if accounts on both lists go unrecognised (another name, a subsidiary): each match overlooked makes the market look larger."""
    # The sizes are the numbers that move with the policy's odds ratio between the lists.
    moved = {(n.name, n.segment): n for segment, mine in counts.items() for n in _sizes(mine, segment, policy)}
    numbers = [moved.get((n.name, n.segment), n) for n in fixed]
    kept = tuple(numbers)
    smb, ka = _sides(kept, policy)
    state = both(smb, ka)
    sizes = [n for n in kept if n.name == "accounts_estimated" and n.segment in ("SMB", "KA")]
    p_values = [n.value for n in kept if n.name == "lists_uneven_p_value" and n.value is not None]
    if state != "contradicted" and any(s.low is None for s in sizes):
        return [Finding("M-1.1", "potential_customers", "undecided", "one_list", kept)]
    if min(p_values, default=1.0) * len(p_values) < 1 - policy["evidence.level"]:  # Bonferroni over the two segments
        return [Finding("M-1.1", "potential_customers", "undecided", "lists_uneven", kept)]
    reason = f"market_{state}"
    if state == "undecided" and any(
        s.high is None and side == "undecided" for s, side in zip(sizes, (smb, ka), strict=True)
    ):
        reason = "few_matches"
    if state == "contradicted":
        reason = "market_smb_contradicted" if smb == "contradicted" else "market_ka_contradicted"
        if smb != "contradicted" and any(s.low is None and s.segment == "KA" for s in sizes):
            reason = "market_ka_known"
    return [Finding("M-1.1", "potential_customers", state, reason, kept)]


def find(company: Company, policy: Policy) -> tuple[Finding, dict[str, pd.DataFrame]]:
    """The finding M-1.1; frames `lorenz` (segment, units, held) and `market` (segment, known, worked, listed, both)."""
    register = aggregates.account_register(company, policy)
    missing = aggregates.segment_missing(company, policy)
    segments = [s for s in ("SMB", "KA") if (register["segment"] == s).any()]
    frames = {"lorenz": _lorenz(register, segments or [aggregates.ALL])}
    if missing or len(segments) < 2:
        needs = missing or aggregates.segment_needs(policy)
        fixed = _measure(register, aggregates.ALL, policy)
        return no_data("M-1.1", "potential_customers", needs, fixed, reason="no_segments"), frames
    fixed = [n for s in segments for n in _measure(register[register["segment"] == s], s, policy)]
    fixed += [n for n in _measure(register, aggregates.ALL, policy) if n.name in ("top10_share", "gini")]
    if not register["ranked_on"].notna().any():
        return no_data("M-1.1", "potential_customers", ["accounts.ranked_on"], fixed, reason="one_list"), frames
    counts = {s: _Counts.of(register[register["segment"] == s]) for s in segments}
    lists = {s: c.whole for s, c in counts.items()}
    rows = [(s, c.known, c.both + c.first_only, c.both + c.second_only, c.both) for s, c in lists.items()]
    frames["market"] = pd.DataFrame(rows, columns=["segment", "known", "worked", "listed", "both"])
    there = {n.segment for n in fixed if n.name == "accounts_estimated"}
    for segment in segments:
        if segment not in there:  # on no list: nothing to estimate from
            fixed += [_matches(counts[segment], segment), *_sizes(counts[segment], segment, policy)]
    finding = judge(counts, fixed, policy)[0]
    flips = find_flips(
        lambda p: judge(counts, fixed, p),
        "M-1.1",
        policy,
        ["market.large", "market.small", "market.dependence", "market.minimum_matches"],
    )
    return replace(finding, flips=flips), frames


def _lorenz(register: pd.DataFrame, segments: list[str]) -> pd.DataFrame:
    parts = []
    for segment in segments:
        mine = register if segment == aggregates.ALL else register[register["segment"] == segment]
        curve = lorenz_curve(mine.loc[mine["won"] > 0, "won"].to_numpy(float))
        parts.append(curve.assign(segment=segment))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["units", "held", "segment"])
