"""M-B by hand and by simulated companies: where the conflict lies, its five signs, and readings that must not mislead."""

from __future__ import annotations

import dataclasses
import datetime as dt
import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from benchmarks.validity.engine import Engine
from kaanalysis.analyses import channel_conflict
from kaanalysis.analyses.channel_conflict import frames, gather, regions_in_conflict, signs
from kaanalysis.analyses.channel_evidence import ChannelConflict
from kaanalysis.analyses.pattern_signs import Sign, presence
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.simulate import draw_company, parameters
from kaanalysis.stats import wilson

LAUNCH, CUT = dt.date(2024, 1, 1), dt.date(2025, 12, 31)
BEFORE, AFTER = pd.Timestamp("2023-01-01"), pd.Timestamp("2024-06-01")
SURE = 0.05 / (6 * 2.45)  # p-value that the adjustment over six patterns asks for


def deals(
    region: str, partner: bool, after: bool, n: int, *, late: int = 0, stood: int = 0, diverted: int = 0, won: int = 0
) -> pd.DataFrame:
    """n deals of one kind, closed after 30 days: the first `stood` of them stood, of these the first `late` from the start; the first
    `diverted` were lost to a competitor, the last `won` were won."""
    i, at = np.arange(n), AFTER if after else BEFORE
    return pd.DataFrame({
        "created_at": at, "closed_at": at + pd.Timedelta(days=30), "region": region, "partner": partner,
        "cluster": [f"{region}{partner}{k % 5}" for k in i], "group": [f"{region}{partner}{after}{k}" for k in i],
        "won": (i >= n - won).astype(float), "diverted": (i < diverted).astype(float), "late": (i < late).astype(float),
        "stood_at": np.where(i < stood, np.datetime64(at + pd.Timedelta(days=9)), np.datetime64("NaT")),
    })  # fmt: skip


def made(
    small: list[pd.DataFrame],
    key: pd.DataFrame | None = None,
    bought: pd.DataFrame | None = None,
    missing: tuple[str, ...] = (),
):
    frame = pd.concat(small, ignore_index=True)
    nothing = {"account_id": [], "cluster": [], "region": [], "at": [], "amount": [], "registered_at": []}
    times = {"at": "datetime64[ns]", "registered_at": "datetime64[ns]"}
    return ChannelConflict(
        LAUNCH,
        frame,
        frame.iloc[:0] if key is None else key,
        pd.DataFrame(nothing).astype(times) if bought is None else bought,
        missing,
    )


def quiet(region: str, **partner_after: int) -> list[pd.DataFrame]:
    """A region as it was: per 100 partner deals before 50 since, and twice as many direct ones; a fifth of each stood."""
    return [
        deals(region, True, False, 100, stood=20, won=15),
        deals(region, True, True, **{"n": 50, "stood": 20, "won": 8, **partner_after}),
        deals(region, False, False, 200, stood=40, won=30),
        deals(region, False, True, 100, stood=20, won=15),
    ]


def named(found: list[Sign]) -> dict[str, Sign]:
    return {s.name: s for s in found}


def test_the_conflict_lies_where_registrations_fell_beside_direct_deals(policy: Policy) -> None:
    gathered = made([*quiet("a"), *quiet("b", n=10), *quiet("c"), *quiet("d", n=20)])
    found = regions_in_conflict(gathered, CUT, policy)
    assert found.regions == ("b", "d") and found.elsewhere and found.hypotheses == 15
    assert regions_in_conflict(made([*quiet("a"), *quiet("b")]), CUT, policy).regions == ("a", "b")
    assert not regions_in_conflict(made([*quiet("a"), *quiet("b")]), CUT, policy).elsewhere


def test_late_registration_by_hand(policy: Policy) -> None:
    # In b 10 of the 20 partner deals that stood were first registered then; before, and of the direct deals, none.
    found = named(signs(made([*quiet("a"), *quiet("b", n=30, stood=20, late=10)]), CUT, policy))[
        "late_registration_change"
    ]
    assert found.value == pytest.approx(0.5) and found.n == 20 + 20 + 40 + 20
    # Five clusters of four, two late each: fewer differences between them than by chance, so the units count in full.
    low = 0.5 - math.sqrt((0.5 - wilson(10, 20).low) ** 2 + wilson(0, 20).high ** 2 + wilson(0, 20).high ** 2)  # type: ignore[operator]
    assert found.low == pytest.approx(low) and found.p_present is not None and found.p_present < 0.01
    assert found.comparison == "direct_deals"


def test_direct_deals_that_come_late_too_are_no_sign_of_partners_hiding(policy: Policy) -> None:
    region = quiet("b", n=30, stood=20, late=10)
    region[3] = deals("b", False, True, 100, stood=20, late=10, won=15)
    found = named(signs(made([*quiet("a"), *region]), CUT, policy))["late_registration_change"]
    assert found.value == pytest.approx(0.0) and found.p_present is not None and found.p_present > 0.5


def test_diverted_deals_by_hand(policy: Policy) -> None:
    found = named(signs(made([*quiet("a"), *quiet("b", n=30, stood=20, diverted=8)]), CUT, policy))["diverted_change"]
    assert found.value == pytest.approx(8 / 20) and found.p_present is not None and found.p_present < 0.05


def test_registrations_by_hand_and_paid_for(policy: Policy) -> None:
    """10 since the launch to 100 before, direct deals 100 to 200, half a deal added to each; the p-value is the unpaid one times 3."""
    found = named(signs(made([*quiet("a"), *quiet("b", n=10)]), CUT, policy))["registration_ratio"]
    assert found.value == pytest.approx((10.5 / 100.5) / (100.5 / 200.5))
    # Clusters of 2 and 20 deals each vary less than Poisson counts, and so do single direct deals: the error is that of the counts, with
    # the freedom of 5 partners and 300 customers (Satterthwaite).
    parts = [(1 / 10.5 + 1 / 100.5, 4), (1 / 100.5 + 1 / 200.5, 299)]
    squared = sum(v for v, _ in parts)
    freedom = squared**2 / sum(v**2 / f for v, f in parts)
    assert found.p_present == pytest.approx(
        3 * stats.t.cdf(math.log(found.value / 0.85) / math.sqrt(squared), freedom), rel=1e-3
    )
    reach = stats.t.isf(0.05 / 3 / 2, freedom) * math.sqrt(squared)
    assert (found.low, found.high) == pytest.approx(
        (found.value * math.exp(-reach), found.value * math.exp(reach)), rel=1e-3
    )
    assert found.level == 0.95  # of all choices at once


def test_partners_who_win_more_of_what_they_register_are_no_sign(policy: Policy) -> None:
    """The naive reading: since the launch partners win 24 of 50 in place of 15 of 100. As many register, as early."""
    found = signs(made([*quiet("a"), *quiet("b", won=24, stood=24)]), CUT, policy)
    assert all(s.p_present is None or s.p_present > 0.3 for s in found)


def purchases(region: str, after: bool, n: int, unregistered: int) -> pd.DataFrame:
    at = AFTER if after else BEFORE
    behind = np.where(np.arange(n) < unregistered, np.datetime64("NaT"), np.datetime64(at))
    name = [f"{region}{after}{i}" for i in range(n)]
    return pd.DataFrame(
        {"account_id": name, "cluster": name, "region": region, "at": at, "amount": 1.0, "registered_at": behind}
    )


def test_purchases_without_a_deal_by_hand(policy: Policy) -> None:
    # b: 20 of 100 since the launch, 5 of 100 before; a: 6 of 100 and 4 of 100. Welch's error of four shares.
    rows = [
        purchases("b", True, 100, 20),
        purchases("b", False, 100, 5),
        purchases("a", True, 100, 6),
        purchases("a", False, 100, 4),
    ]
    gathered = made([*quiet("a"), *quiet("b", n=10)], bought=pd.concat(rows, ignore_index=True))
    found = named(signs(gathered, CUT, policy))["unregistered_change"]
    assert found.value == pytest.approx(0.13) and found.comparison == "other_regions"
    error = math.sqrt(sum(p * (1 - p) / 99 for p in (0.2, 0.05, 0.06, 0.04)))
    assert (found.high - found.low) / 2 / error == pytest.approx(1.97, abs=0.01)  # type: ignore[operator]
    # A deal that is won only after the day of reading does not stand behind a purchase yet.
    late = gathered.bought.assign(registered_at=pd.Timestamp("2026-02-01"))
    assert named(signs(dataclasses.replace(gathered, bought=late), CUT, policy))[
        "unregistered_change"
    ].value == pytest.approx(0.0)


def test_a_register_without_a_gap_is_evidence_of_absence(policy: Policy) -> None:
    rows = [purchases(r, t, 400, 0) for r in "ab" for t in (True, False)]
    gathered = made([*quiet("a"), *quiet("b", n=10)], bought=pd.concat(rows, ignore_index=True))
    found = named(signs(gathered, CUT, policy))["unregistered_change"]
    # Four shares of none, each with Wilson's upper limit z² / (400 + z²); two of them reach up, two down.
    reach = math.sqrt(2) * 1.96**2 / (400 + 1.96**2)
    assert (found.low, found.value, found.high) == pytest.approx((-reach, 0, reach), rel=1e-3)
    assert found.p_absent is not None and found.p_absent < 0.1 and found.p_present == pytest.approx(1 - found.p_absent)


def test_success_of_key_accounts_by_hand(policy: Policy) -> None:
    # All deals closed: pseudo-values are the outcomes. b: 12 of 40 won, a: 30 of 50.
    key = pd.concat([deals("b", False, True, 40, won=12), deals("a", False, True, 50, won=30)], ignore_index=True)
    found = named(signs(made([*quiet("a"), *quiet("b", n=10)], key=key), CUT, policy))["ka_success_gap"]
    assert found.value == pytest.approx(12 / 40 - 30 / 50) and found.beyond == "below" and found.margin == -0.03
    error = math.sqrt(0.3 * 0.7 / 39 + 0.6 * 0.4 / 49)
    assert (found.high - found.low) / 2 / error == pytest.approx(1.99, abs=0.01)  # type: ignore[operator]


def test_without_other_regions_success_is_held_against_the_time_before(policy: Policy) -> None:
    key = pd.concat([deals("b", False, True, 40, won=12), deals("a", False, False, 50, won=30)], ignore_index=True)
    found = named(signs(made([*quiet("a"), *quiet("b")], key=key), CUT, policy))["ka_success_gap"]
    assert found.value == pytest.approx(12 / 40 - 30 / 50) and found.comparison == "before_after"


def test_what_is_missing_is_named_and_too_little_is_not_judged(policy: Policy) -> None:
    missing = ("stage_history.entered_at", "opportunities.lost_to_competitor", "order_lines.at")
    few = [frame.head(4) for frame in [*quiet("a"), *quiet("b", n=10)]]
    found = named(signs(made(few, missing=missing), CUT, policy))
    assert list(found) == [
        "late_registration_change",
        "diverted_change",
        "registration_ratio",
        "unregistered_change",
        "ka_success_gap",
    ]
    assert all(s.p_present is None and s.value is None for s in found.values())
    assert (
        found["late_registration_change"].needs == ("stage_history.entered_at",)
        and found["registration_ratio"].needs == ()
    )
    assert found["diverted_change"].needs == ("stage_history.entered_at", "opportunities.lost_to_competitor")
    assert found["unregistered_change"].needs == ("order_lines.at",)


def test_a_company_of_two_tables_has_no_signs(company, policy: Policy) -> None:
    gathered = gather(company(), policy)
    found = signs(gathered, CUT, policy)
    assert all(s.p_present is None for s in found) and all("company.ka_launch" in s.needs for s in found)
    assert list(frames(gathered, policy)["channel"]) == ["month", "region", "series", "value"]


@pytest.fixture(scope="module")
def simulated(policy: Policy):
    """A company by name and seed, gathered once."""
    engine, kept = Engine(), {}

    def of(name: str, seed: int) -> tuple[Company, ChannelConflict]:
        if (name, seed) not in kept:
            world = parameters.load(name)
            opened = engine.open(world, draw_company(world, seed, 1.0))
            kept[name, seed] = opened, gather(opened, policy)
        return kept[name, seed]

    return of


def test_the_planted_regions_and_signs_are_found(simulated, policy: Policy) -> None:
    opened, gathered = simulated("channel", 3)
    found, day = signs(gathered, opened.info.as_of, policy), opened.info.as_of
    assert set(regions_in_conflict(gathered, day, policy).regions) == {"east", "north"}
    assert presence(found, policy["channel.signs"]) < SURE
    by_name = named(found)
    # 40 % hidden of 70 % registered: of the deals that stand 0.40 / 0.70 were hidden; 30 % withheld and the hidden that fail are not there.
    assert by_name["late_registration_change"].low < 0.40 / 0.70 < by_name["late_registration_change"].high
    assert by_name["registration_ratio"].low < 0.30 + 0.40 * 0.50 * 0.60 * 0.66 < by_name["registration_ratio"].high


@pytest.mark.parametrize("name", ["healthy", "rival_team"])
def test_others_are_quiet(name: str, simulated, policy: Policy) -> None:
    opened, gathered = simulated(name, 3)
    assert presence(signs(gathered, opened.info.as_of, policy), policy["channel.signs"]) > 0.05


def test_nothing_is_used_that_was_not_known_on_the_day(simulated, policy: Policy) -> None:
    """The signs on a day a year after the launch are those of a company whose records end there."""
    _, g = simulated("channel", 3)
    cut = dt.date(2025, 6, 30)
    day = pd.Timestamp(cut)

    def known(frame: pd.DataFrame) -> pd.DataFrame:
        frame = frame[frame["created_at"] <= day].copy()
        later = frame["closed_at"] > day
        frame["won"], frame["diverted"] = frame["won"].where(~later, 0.0), frame["diverted"].where(~later, 0.0)
        frame["closed_at"] = frame["closed_at"].where(~later)
        if "stood_at" in frame:
            frame["stood_at"] = frame["stood_at"].where(frame["stood_at"] <= day)
        return frame

    bought = g.bought[g.bought["at"] <= day]
    bought = bought.assign(registered_at=bought["registered_at"].where(bought["registered_at"] <= day))
    then = dataclasses.replace(g, small=known(g.small), key=known(g.key), bought=bought)
    assert regions_in_conflict(g, cut, policy) == regions_in_conflict(then, cut, policy)
    for now, past in zip(signs(g, cut, policy), signs(then, cut, policy), strict=True):
        assert now.p_present is not None and dataclasses.astuple(now) == dataclasses.astuple(past)


def test_frames_by_month_and_region(simulated, policy: Policy) -> None:
    _, gathered = simulated("channel", 3)
    made_frames = frames(gathered, policy)
    months, regions = made_frames["channel"], made_frames["channel_regions"].set_index("region")
    assert list(months) == ["month", "region", "series", "value"]
    total = months[months["series"] == "partner_registrations"].groupby("region")["value"].sum()
    assert (total == regions["partner_before"] + regions["partner_after"]).all()
    assert (
        regions.index[regions["conflict"]].tolist() == ["east", "north"]
        and (regions["unregistered"] <= regions["purchases"]).all()
    )
    # The naive reading rises or holds where deals are hidden; without them it does not.
    there = regions.loc[["east", "north"]]
    assert (there["early_success_after"] < there["partner_success_after"]).all()


def test_the_interface_is_whole() -> None:
    assert (
        channel_conflict.ID == "M-B"
        and channel_conflict.KEY == "channel"
        and all("." in name for name in channel_conflict.FEEDS)
    )
