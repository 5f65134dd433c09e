"""The four conflicts by hand: whose signs they borrow, sellers without a win, and what a missing pattern leaves open."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from kaanalysis.analyses import conflicts
from kaanalysis.analyses.conflicts import CONFLICTS, OF_PATTERN, by_name, conflict_members, team_fit, winless_sellers
from kaanalysis.analyses.pattern_family import judge
from kaanalysis.analyses.pattern_signs import Sign
from kaanalysis.policy import Policy
from kaanalysis.results import Finding, Number, Result

CUT = dt.date(2026, 6, 30)


def sign(name: str, present: float) -> Sign:
    return Sign(name, 1.0, 0.5, 1.5, 0.95, 30, "share", "m", 0.0, "above", present, 1 - present, "before_after")


def deals(*rows: tuple[str, str, str, str | None, str]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["owner", "motion", "created_at", "closed_at", "outcome"])
    return frame.assign(created_at=pd.to_datetime(frame["created_at"]), closed_at=pd.to_datetime(frame["closed_at"]))


def test_only_sellers_of_a_year_and_more_count(policy: Policy) -> None:
    found = winless_sellers(
        deals(
            ("a", "KA", "2025-01-01", "2025-03-01", "won"),  # a year ago, and in this one: no win since
            ("a", "KA", "2026-01-01", None, "open"),
            ("b", "KA", "2025-01-01", None, "open"),
            ("b", "KA", "2026-01-01", "2026-03-01", "won"),  # has won
            ("c", "KA", "2026-01-01", None, "open"),  # new
            ("d", "KA", "2024-01-01", None, "open"),  # gone
            ("e", "SMB", "2025-01-01", None, "open"),  # of another team
            ("e", "SMB", "2026-01-01", None, "open"),
        ),
        CUT,
        policy,
    )
    assert (found.value, found.n) == (0.5, 2)
    assert winless_sellers(deals(("c", "KA", "2026-01-01", None, "open")), CUT, policy).p_present is None


def sales(low: float | None) -> Result:
    number = Number("fit", "KA", 0.6, low, 0.65, 0.95, 66, "fit", "m")
    return Result(
        "03_sales_flow", "d", "p", "2026-06-30", [Finding("M-3.6", "bottleneck", "undecided", "x", (number,))]
    )


def test_a_fit_surely_not_high_is_a_sign(policy: Policy) -> None:
    assert team_fit(sales(0.55), policy).p_present < 0.001  # type: ignore[operator]
    assert team_fit(sales(None), policy).p_present is None
    absent = team_fit(None, policy)
    assert absent.p_present is None and absent.needs == ("capability.level",)


def test_a_conflict_needs_its_signs_together(policy: Policy) -> None:
    names = [n for c in CONFLICTS for n in c.signs]
    there = {n: sign(n, 0.0001 if n in ("dispute_hours", "border_blur") else 0.9) for n in names}
    states = {f.id: f.state for f in judge(conflict_members(there, {}, policy), policy)}
    assert states == {"M-X1": "undecided", "M-X2": "undecided", "M-X3": "undecided", "M-X4": "supported"}


def test_what_a_pattern_lacks_its_conflict_names(policy: Policy) -> None:
    made = conflict_members({}, {"M-E": ("team_months.product_capacity",)}, policy)
    finding = next(f for f in judge(made, policy) if f.id == "M-X3")
    assert finding.state == "no_data" and finding.needs == ("team_months.product_capacity",)


def test_every_sign_of_a_conflict_has_a_pattern_and_none_is_measured_twice() -> None:
    assert {n for c in CONFLICTS for n in c.signs} == set(OF_PATTERN)
    with pytest.raises(ValueError, match="two signs are called 'a'"):
        by_name([[sign("a", 0.1)], [sign("a", 0.2)]])
    assert set(conflicts.FEEDS) == {c.id for c in CONFLICTS}
