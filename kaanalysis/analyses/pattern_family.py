"""The failure patterns judged together: they overlap, and looking at several makes a false alarm likelier.

Supported: the chance of seeing signs so strong without the pattern, adjusted over the family (Benjamini and Yekutieli 2001: valid under
any dependence, and patterns share their evidence), is at most 1 − `evidence.level`. Contradicted: the same for the chance of seeing so
little with it. Wrong if something else moves all signs of a pattern at the same time as the launch: effects are associations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from kaanalysis.aggregates import ALL
from kaanalysis.analyses.pattern_signs import Sign, absence, presence, score, seen
from kaanalysis.policy import Policy
from kaanalysis.results import LISTED, Finding, Number, State, no_data
from kaanalysis.stats import benjamini_yekutieli

SIGNS = (
    "pattern", "sign", "value", "low", "high", "margin", "beyond", "p_present", "p_absent", "comparison", "unit", "n", "level",
)  # fmt: skip


@dataclass(frozen=True)
class Member:
    """One pattern (or conflict) of a family. at_least: how many of its signs must be there; needs: what is missing where none can be
    measured; required: signs without which the others make another pattern, however many they are."""

    id: str
    key: str
    signs: tuple[Sign, ...]
    at_least: int
    needs: tuple[str, ...] = ()
    required: tuple[str, ...] = ()

    @property
    def presence(self) -> float:
        """P-value of "too few signs, or not all that are required": the larger one (an intersection–union test)."""
        asked = [1.0 if s.p_present is None else s.p_present for s in self.signs if s.name in self.required]
        return max([presence(self.signs, min(self.at_least, len(self.signs))), *asked])

    @property
    def absence(self) -> float:
        """P-value of "enough signs, and all that are required": the smallest one times how many there are (Bonferroni)."""
        asked = [1.0 if s.p_absent is None else s.p_absent for s in self.signs if s.name in self.required]
        gone = [absence(self.signs, min(self.at_least, len(self.signs))), *asked]
        return min(1.0, len(gone) * min(gone))

    @property
    def measured(self) -> bool:
        return any(s.p_present is not None for s in self.signs)

    @property
    def lacks(self) -> tuple[str, ...]:
        """Tables and columns that signs not measured would need, each once."""
        return tuple(dict.fromkeys([*self.needs, *(n for s in self.signs for n in s.needs)]))


def presences(members: Sequence[Member]) -> dict[str, float | None]:
    """P-values of presence by id, not adjusted; None where nothing of a member is measured."""
    return {m.id: m.presence if m.measured else None for m in members}


def adjusted(members: Sequence[Member]) -> dict[str, tuple[float, float]]:
    """Adjusted p-values (of presence, of absence) by id, over the members of which anything is measured."""
    judged = [m for m in members if m.measured]
    there = benjamini_yekutieli([m.presence for m in judged])
    gone = benjamini_yekutieli([m.absence for m in judged])
    return {m.id: (float(p), float(q)) for m, p, q in zip(judged, there, gone, strict=True)}


def state_of(p: tuple[float, float], policy: Policy) -> State:
    """From the adjusted p-values of presence and of absence to a state; both small (margins crossed by noise alone): undecided."""
    alpha = 1 - policy["evidence.level"]
    there, gone = (x <= alpha for x in p)
    return "undecided" if there == gone else "supported" if there else "contradicted"


def judge(members: Sequence[Member], policy: Policy) -> list[Finding]:
    """One finding per member, judged as a family: numbers `score`, `p_adjusted` and one per sign, terms of :func:`_told` and `needed`."""
    p_values = adjusted(members)
    family = len(p_values)
    return [_finding(m, p_values.get(m.id), family, policy) for m in members]


def _finding(member: Member, p: tuple[float, float] | None, family: int, policy: Policy) -> Finding:
    signs = tuple(s.number() for s in member.signs if s.value is not None)
    if p is None:
        if member.lacks:
            return no_data(member.id, member.key, list(member.lacks))
        return Finding(member.id, member.key, "undecided", "too_few_events", signs)
    state, level = state_of(p, policy), policy["evidence.level"]
    there, surely, at_most = score(member.signs, 1 - level)
    needed, n = min(member.at_least, len(member.signs)), len(member.signs)
    counted = f"share of {n} signs beyond their margins; from those surely beyond to those not surely within"
    tested = f"at least {needed} of {n} signs, partial conjunction; Benjamini–Yekutieli over {family}"
    numbers = (
        Number("score", ALL, there, surely, at_most, level, n, "share", counted),
        Number("p_adjusted", ALL, p[0], None, None, None, family, "probability", tested),
        *signs,
    )
    lacks, terms = member.lacks, {"needed": str(needed), **_told(member, state, 1 - level)}
    return Finding(member.id, member.key, state, f"{member.key}_{state}", numbers, needs=lacks, terms=terms)


def _told(member: Member, state: State, significance: float) -> dict[str, str]:
    """Which signs are what, as lists: `seen`; of the others `gone` (surely not there, each by its own test), `alone` (beyond its margin by
    itself, but it counts only together with one that is not seen) and `left` (neither seen nor ruled out). What the sentence of the
    state does not list is said after it: terms signs_… name the lists that hold something. unmeasured: some sign is not measured."""
    lists: dict[str, list[str]] = {"seen": [], "alone": [], "gone": [], "left": []}
    for s in member.signs:
        if seen(s) is not None:
            surely_not = s.p_absent is not None and s.p_absent <= significance
            beyond = s.value is not None and (s.value > s.margin if s.beyond == "above" else s.value < s.margin)
            alone = s.counts is False and beyond
            lists["seen" if seen(s) else "alone" if alone else "gone" if surely_not else "left"].append(s.name)
    listed_by_state = {"supported": ("seen",), "contradicted": ("gone",), "undecided": ("seen",)}[state]
    after = {f"signs_{k}": "some" for k, names in lists.items() if names and k not in listed_by_state}
    unmeasured = {"unmeasured": "some"} if any(seen(s) is None for s in member.signs) else {}
    return {**{k: LISTED.join(names) or "none" for k, names in lists.items()}, **after, **unmeasured}


def signs_frame(members: Sequence[Member]) -> pd.DataFrame:
    """All signs of all members as a frame with the columns :data:`SIGNS`."""
    rows = [
        (
            m.id,
            s.name,
            s.value,
            s.low,
            s.high,
            s.margin,
            s.beyond,
            s.p_present,
            s.p_absent,
            s.comparison,
            s.unit,
            s.n,
            s.level,
        )
        for m in members
        for s in m.signs
    ]
    floats = dict.fromkeys(("value", "low", "high", "margin", "p_present", "p_absent", "level"), "float64")
    return pd.DataFrame(rows, columns=list(SIGNS)).astype(floats)
