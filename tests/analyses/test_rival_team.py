"""M-C: the four signs by hand, an orderly handover that must not alarm, and simulated companies with and without a rival team."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pandas as pd
import pytest

from benchmarks.validity.engine import Engine
from kaanalysis.analyses import rival_team
from kaanalysis.analyses.pattern_signs import Sign, absence, presence
from kaanalysis.analyses.pursuit import coded
from kaanalysis.analyses.rival_team import Rivals, quarrels_of
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.simulate import draw_company
from kaanalysis.simulate.parameters import load

LAUNCH, AS_OF = dt.date(2024, 1, 1), dt.date(2025, 12, 31)
MONTH = 365.25 / 12


def frame_of(rows: list[tuple[object, ...]], columns: str, *days: str) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=columns.split())
    return frame.assign(**{d: pd.to_datetime(frame[d]) for d in days})


def build(
    *, meet: int = 0, disputes: list[tuple[object, ...]] | None = None, claims: list[tuple[object, ...]] = [],  # noqa: B006
    ka_wins: int = 10, other_wins: int = 10,
) -> Rivals:  # fmt: skip
    """Forty deals of a KA team and forty of S1 since the launch, one customer each, opened in the first year; the first `meet` of both with
    the same customer at the same time. Four sellers to a team."""
    rows: list[tuple[object, ...]] = []
    for i in range(40):
        day = LAUNCH + dt.timedelta(days=8 * i)
        for name, account, team, motion, won in (
            ("K", i, "KA1", "KA", i >= 40 - ka_wins), ("S", i if i < meet else 40 + i, "S1", "SMB", i >= 40 - other_wins),
        ):  # fmt: skip
            rows.append((f"{name}{i}", f"A{account}", "SMB", "east", 50, team, motion, f"{name}-{i % 4}", "won" if won else "lost",
                         day, day + dt.timedelta(days=5)))  # fmt: skip
    deals = coded(frame_of(rows, "opportunity_id cluster segment region employees team motion owner outcome created_at closed_at",
                           "created_at", "closed_at"))  # fmt: skip
    motion = {"KA1": "KA", "S1": "SMB", "S2": "SMB"}
    told = [(*row, row[0], motion[str(row[2])], motion[str(row[3])]) for row in disputes or []]
    held = [(*row, row[0], motion[str(row[1])]) for row in claims]
    quarrels = None if disputes is None else quarrels_of(
        frame_of(told, "account_id opened_at team_a team_b hours cluster motion_a motion_b", "opened_at"),
        frame_of(held, "account_id team from_at to_at cluster motion", "from_at", "to_at"),
    )  # fmt: skip
    missing = ("disputes.opened_at", "disputes.hours") if disputes is None else ()
    return Rivals(deals, quarrels, LAUNCH, AS_OF, missing)


def measured(made: Rivals, policy: Policy, cut: dt.date = AS_OF) -> dict[str, Sign]:
    signs = rival_team.signs(made, cut, policy)
    assert tuple(s.name for s in signs) == rival_team.SIGNS
    return {s.name: s for s in signs}


def test_double_pursuit_by_hand(policy: Policy) -> None:
    # Ten of forty meet. Every one of the 40 deals has on its days exactly one deal of S, with one of the 70 worked groups: chance 1/70.
    sign = measured(build(meet=10), policy)["double_pursuit"]
    assert sign.value == pytest.approx(10 / 40 - 1 / 70)
    assert sign.p_present < 0.01 and sign.comparison == "chance"  # type: ignore[operator]
    none = measured(build(), policy)["double_pursuit"]
    assert none.value == pytest.approx(-1 / 80)


def test_disputes_by_hand(policy: Policy) -> None:
    # Four with KA1 since the launch, one before (KA1 did not work then), one between others, one more than a month after as_of's cut below.
    told = [("A1", "2024-03-01", "KA1", "S1", 10), ("A1", "2024-04-01", "S1", "KA1", None), ("A2", "2024-05-01", "KA1", "S1", 20), ("A3", "2025-11-01", "S1", "KA1", 30),
            ("A4", "2023-05-01", "KA1", "S1", 40), ("A5", "2024-05-01", "S1", "S2", 50)]  # fmt: skip
    signs = measured(build(disputes=told), policy)
    assert signs["dispute_rate"].value == pytest.approx(4 / 40)
    # The hours of the second are not written down: the mean of the other four of KA1's (25). Sellers work from their first deal on.
    months = sum((AS_OF - LAUNCH).days - 8 * i for i in range(4)) / MONTH
    assert signs["dispute_hours"].value == pytest.approx((10 + 25 + 20 + 30) / months)
    early = measured(build(disputes=told), policy, dt.date(2024, 12, 31))
    assert early["dispute_rate"].value == pytest.approx(3 / 40)


def test_an_orderly_handover_explains_its_disputes_and_a_claim_beside_another_does_not(policy: Policy) -> None:
    told = [(f"A{i}", f"2024-0{1 + i % 6}-20", "S1", "KA1", 5) for i in range(12)]
    ours = [(f"A{i}", "KA1", "2024-01-10", None) for i in range(12)]
    over = [*ours, *((f"A{i}", "S1", "2022-05-01", "2024-01-09") for i in range(12))]
    both = [*ours, *((f"A{i}", "S1", "2022-05-01", None) for i in range(12))]
    orderly, rival = (measured(build(disputes=told, claims=o), policy) for o in (over, both))
    assert orderly["dispute_rate"].value == 0 and orderly["dispute_rate"].p_present == 1
    assert rival["dispute_rate"].value == pytest.approx(12 / 40) and rival["dispute_rate"].p_present < 0.01  # type: ignore[operator]
    late = [
        ("A1", "2025-09-01", "S1", "KA1", 5)
    ]  # twenty months after it went over: no matter of the handover any more
    assert measured(build(disputes=late, claims=over), policy)["dispute_rate"].value == pytest.approx(1 / 40)


def test_efficiency_by_hand(policy: Policy) -> None:
    signs = measured(build(ka_wins=6, other_wins=20), policy)
    assert signs["efficiency_gain"].value == pytest.approx(6 / 40 - 20 / 40)
    assert signs["efficiency_gain"].beyond == "below"
    # Deals of the others that meet the KA team's are left out of the comparison: 30 others, all 20 wins among them.
    met = measured(build(meet=10, ka_wins=6, other_wins=20), policy)
    assert met["efficiency_gain"].value == pytest.approx(6 / 40 - 20 / 30)


def test_what_cannot_be_measured_says_what_it_needs(policy: Policy) -> None:
    signs = measured(build(), policy)
    assert signs["dispute_rate"].needs == signs["dispute_hours"].needs == ("disputes.opened_at",)
    assert signs["double_pursuit"].p_absent is not None
    young = measured(build(), policy, LAUNCH + dt.timedelta(days=20))
    assert young["double_pursuit"].value is None and young["double_pursuit"].needs == ()


def test_frames_hold_the_months(policy: Policy) -> None:
    told = [("A1", "2024-03-01", "KA1", "S1", 10)]
    months = rival_team.frames(build(meet=10, disputes=told), policy)["timeline"]
    sums = months.groupby("series")["value"].sum()
    assert (sums["ka_deals"], sums["double_pursuit"], sums["disputes"], sums["dispute_hours"]) == (40, 10, 1, 10)
    assert sums["chance"] == pytest.approx(40 / 70) and len(months) == 24 * 8
    wide = months.pivot_table(index="month", columns="series", values="value")
    assert (wide["chance_low"] <= wide["chance_high"]).all()


def test_what_is_missing_is_named(company: Callable[..., Company], policy: Policy) -> None:
    signs = measured(rival_team.gather(company(), policy), policy)
    assert set(signs["double_pursuit"].needs) >= {"company.ka_launch", "teams.motion"}


@pytest.mark.parametrize(("name", "rival"), [("rival_team", True), ("healthy", False)])
def test_a_planted_rival_is_found_and_a_healthy_team_stays_quiet(name: str, rival: bool, policy: Policy) -> None:
    made = Engine().open(load(name), draw_company(load(name), 4, 1.0))
    signs = rival_team.signs(rival_team.gather(made, policy), load(name).as_of, policy)
    found, gone = presence(signs, policy["rival_team.signs"]), absence(signs, policy["rival_team.signs"])
    assert (found < 0.0034, gone < 0.0034) == (rival, not rival)
