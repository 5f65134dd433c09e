"""M-X1 to M-X4: the four conflicts behind the patterns, from the same signs.

A conflict shares its signs with the patterns that come of it, so it is no independent evidence for them; the four are judged as a family of
their own. Two signs of its own belong to M-X1: what 03 says of the team's fit, and how many KA sellers have won nothing for a year.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from kaanalysis.aggregates import months_before
from kaanalysis.analyses.pattern_family import Member
from kaanalysis.analyses.pattern_signs import Sign, missing_sign, share_sign, sign_of_number
from kaanalysis.policy import Policy
from kaanalysis.results import Result


@dataclass(frozen=True)
class Conflict:
    """One conflict of the method: its key of text and policy, and the names of its signs."""

    id: str
    key: str
    signs: tuple[str, ...]


CONFLICTS = (
    Conflict("M-X1", "capability_conflict", ("team_fit", "success_change", "winless_sellers")),
    Conflict("M-X2", "target_conflict", ("double_pursuit", "dispute_rate", "moved_share")),
    Conflict("M-X3", "capacity_conflict", ("smb_capacity_ratio", "competitor_loss_change", "ka_no_breakthrough")),
    Conflict(
        "M-X4", "mechanism_conflict", ("dispute_hours", "border_blur", "support_cost_growth", "early_change_share")
    ),
)
# Which pattern (or what else) a conflict's sign is measured with.
OF_PATTERN = {
    "team_fit": "M-X1", "success_change": "M-A", "winless_sellers": "M-X1", "double_pursuit": "M-C", "dispute_rate": "M-C",
    "moved_share": "M-D", "smb_capacity_ratio": "M-E", "competitor_loss_change": "M-E", "ka_no_breakthrough": "M-E",
    "dispute_hours": "M-C", "border_blur": "M-F", "support_cost_growth": "M-F", "early_change_share": "M-X4",
}  # fmt: skip
FEEDS = {
    c.id: ("company.ka_launch", "teams.motion", "opportunities.team", "opportunities.created_at") for c in CONFLICTS
}
WINLESS_MONTHS = 12


def team_fit(sales: Result | None, policy: Policy) -> Sign:
    """The team's fit to the flow it would have to carry (03, M-3.6) below what counts as high; the same on any day: levels have no date."""
    margin, level = policy["path.high_fit"], policy["evidence.level"]
    found = None if sales is None else next((f for f in sales.findings if f.id == "M-3.6"), None)
    number = None if found is None else found.number("fit", "KA")
    if number is None:
        needs = ("capability.level",) if found is None or not found.needs else found.needs
        return missing_sign(
            "team_fit", needs, margin=margin, beyond="below", unit="fit", level=level, method="not measured", comparison="target"
        )  # fmt: skip
    return sign_of_number(number, "team_fit", margin, "below", "target", level)


def winless_sellers(deals: pd.DataFrame, cut: dt.date, policy: Policy) -> Sign:
    """Share of KA teams' sellers, with deals in hand for a year and more, who have won none in the last twelve months before `cut`.

    deals: as known at `cut`. A seller counts who opened a KA team's deal before those twelve months and one in them: neither new nor
    gone."""
    theirs = deals[(deals["motion"] == "KA") & deals["owner"].notna() & deals["created_at"].notna()]
    start = pd.Timestamp(months_before(cut, WINLESS_MONTHS))
    old, new = (
        set(theirs.loc[side, "owner"]) for side in (theirs["created_at"] <= start, theirs["created_at"] > start)
    )
    sellers = old & new
    won = theirs[(theirs["outcome"] == "won") & (theirs["closed_at"] > start)]
    idle = len(sellers - set(won["owner"]))
    return share_sign(
        idle, len(sellers), "winless_sellers", policy["capability_conflict.winless_share"], "above", "target",
        policy["evidence.level"], "exact binomial, Clopper–Pearson; sellers of a year and more",
    )  # fmt: skip


def conflict_members(signs: Mapping[str, Sign], lacking: Mapping[str, Sequence[str]], policy: Policy) -> list[Member]:
    """The four conflicts as a family, from all signs by name. lacking: by pattern and conflict, the tables and columns that it cannot do
    without and that are missing; a conflict with a sign of such a pattern names them too."""
    made = []
    for conflict in CONFLICTS:
        if lacking.get(conflict.id):
            made.append(
                Member(conflict.id, conflict.key, (), policy[f"{conflict.key}.signs"], tuple(lacking[conflict.id]))
            )
            continue
        held = tuple(
            signs.get(name) or _absent(name, lacking.get(OF_PATTERN[name], ()), policy) for name in conflict.signs
        )
        made.append(Member(conflict.id, conflict.key, held, policy[f"{conflict.key}.signs"]))
    return made


def _absent(name: str, needs: Sequence[str], policy: Policy) -> Sign:
    return missing_sign(
        name, needs, margin=0.0, beyond="above", unit="", level=policy["evidence.level"], method="not measured", comparison="target"
    )  # fmt: skip


def by_name(groups: Sequence[Sequence[Sign]]) -> dict[str, Sign]:
    """All signs by name; a name that comes twice is a mistake of the caller."""
    found: dict[str, Sign] = {}
    for sign in (s for group in groups for s in group):
        if sign.name in found:
            raise ValueError(f"two signs are called {sign.name!r}")
        found[sign.name] = sign
    return found
