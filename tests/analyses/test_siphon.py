"""M-D: the four signs by hand, what is missing, and which companies may be called siphons."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from kaanalysis.analyses import siphon
from kaanalysis.analyses.pattern_signs import Sign, absence, presence
from kaanalysis.analyses.pursuit import day_of
from kaanalysis.analyses.siphon import Siphoned
from kaanalysis.company import Company
from kaanalysis.policy import Policy

MONTH = 365.25 / 12
LAUNCH, AS_OF = dt.date(2024, 1, 1), dt.date(2025, 12, 31)


COLUMNS = [
    "opportunity_id",
    "cluster",
    "segment",
    "team",
    "motion",
    "origin",
    "outcome",
    "created_at",
    "closed_at",
    "amount",
]


def measured(made: Siphoned, policy: Policy, cut: dt.date = AS_OF) -> dict[str, Sign]:
    signs = siphon.signs(made, cut, policy)
    assert tuple(s.name for s in signs) == siphon.SIGNS
    return {s.name: s for s in signs}


def build(
    taken: int, new: int, *, smb_motion: str | None = "SMB", group: bool = False, upgrades: int = 0, smb_before: int = 40,
    smb_since: int = 40, new_before: int = 12, missing: tuple[str, ...] = (),
) -> Siphoned:  # fmt: skip
    """KA teams win from `taken` groups that another team had won before and from `new` ones, `upgrades` of their deals being upgrades;
    the other team wins `smb_before` deals of other customers in the two years before the launch and `smb_since` since; `new_before` key
    accounts are won for the first time before the launch, apart from those taken over."""
    rows: list[tuple[object, ...]] = []

    def won(account: str, segment: str, motion: str | None, origin: str, day: dt.date, amount: float) -> None:
        rows.append(
            (f"O{len(rows)}", account, segment, "T", motion, origin, "won", day - dt.timedelta(days=20), day, amount)
        )

    for i in range(taken + new):
        name = "K0" if group else f"K{i}"
        at = LAUNCH + dt.timedelta(days=30 + 600 * i // (taken + new))
        won(name, "KA", "KA", "upgrade" if i < upgrades else "new", at, 100 + i)
        if i < taken:
            won(name, "KA", smb_motion, "new", dt.date(2022, 3, 1) + dt.timedelta(days=15 * i % 600), 50)
    for i in range(new_before):
        won(f"N{i}", "KA", "SMB", "new", dt.date(2022, 2, 1) + dt.timedelta(days=int(680 * i / new_before)), 60)
    for label, count, start in (("B", smb_before, dt.date(2022, 1, 25)), ("A", smb_since, LAUNCH)):
        for i in range(count):
            won(f"{label}{i}", "SMB", "SMB", "new", start + dt.timedelta(days=680 * i // max(count, 1)), 40 + i % 7)
    for k in range(240):  # openings are about even over the two years before the launch
        day = dt.date(2022, 1, 2) + dt.timedelta(days=3 * k)
        rows.append((f"L{k}", f"L{k}", "SMB", "T", "SMB", "new", "lost", day, day + dt.timedelta(days=9), None))
    frame = pd.DataFrame(rows, columns=COLUMNS)
    for column in ("created_at", "closed_at"):
        frame[column] = pd.to_datetime(frame[column])
    return Siphoned(siphon.pool_of(frame), LAUNCH, dt.date(2022, 1, 1), AS_OF, "CNY", missing)


def test_values_by_hand(policy: Policy) -> None:
    made = build(20, 10, upgrades=24, smb_since=20)
    signs, amounts = measured(made, policy), np.arange(100, 130)
    assert signs["moved_share"].value == pytest.approx(amounts[:20].sum() / amounts.sum())
    assert signs["upgrade_share"].value == pytest.approx(24 / 30)
    before, since = (LAUNCH - dt.date(2022, 1, 1)).days / MONTH, (AS_OF - LAUNCH).days / MONTH
    assert made.pool is not None
    slope, _ = siphon.trend_before(
        made.pool, siphon.Windows(*(day_of(d) for d in (dt.date(2022, 1, 1), LAUNCH, AS_OF)))
    )
    trend = math.exp(slope * (before + since) / 2)
    # First wins of key accounts: 12 new ones and the 20 taken over later before the launch; since, of the ten new groups the six whose first
    # deal is no upgrade (deals 24 to 29). Half a win on either side.
    ratio = (6.5 / since) / (32.5 / before) / trend
    assert signs["new_customers_ratio"].value == pytest.approx(ratio)
    # What the other teams won of key accounts before the launch is not lost by an orderly handover.
    smb = sum(40 + i % 7 for i in range(40)), sum(40 + i % 7 for i in range(20))
    assert signs["smb_won_ratio"].value == pytest.approx((smb[1] / since) / (smb[0] / before) / trend)


def test_the_trend_is_that_of_the_openings() -> None:
    """Against the planted growth: 2 % a month over six years of openings."""
    g = np.random.default_rng(3)
    days = np.concatenate(
        [np.floor(g.random(n) * 30.4 + 30.4375 * m) for m, n in enumerate(g.poisson(20 * 1.02 ** np.arange(72)))]
    )
    n = len(days)
    pool = siphon.Pool(days.astype(np.int64), days.astype(np.int64), *(np.zeros(n, bool),) * 1, np.zeros(n), np.zeros(n, bool),
                       np.arange(n), np.zeros(n, bool), np.zeros(n, bool), np.zeros(n, bool))  # fmt: skip
    slope, error = siphon.trend_before(pool, siphon.Windows(0, 2191, 3000))
    assert abs(slope - math.log(1.02)) < 3 * error < 0.01


@pytest.mark.parametrize(
    ("taken", "new", "present", "absent"),
    [(36, 4, True, False), (4, 36, False, True), (20, 20, False, False)],
)
def test_the_share_moved_is_surely_above_or_below_a_majority(
    taken: int, new: int, present: bool, absent: bool, policy: Policy
) -> None:
    sign = measured(build(taken, new), policy)["moved_share"]
    assert (sign.p_present < 0.001, sign.p_absent < 0.001) == (present, absent)  # type: ignore[operator]
    assert sign.low <= sign.value <= sign.high  # type: ignore[operator]


def test_a_siphon_is_found_and_an_increment_is_none(policy: Policy) -> None:
    drained = build(38, 2, upgrades=38, smb_before=80, smb_since=10, new_before=30)
    grown = build(2, 60, upgrades=5, new_before=4)
    at_least = policy["siphon.signs"]
    assert presence(siphon.signs(drained, AS_OF, policy), at_least) < 0.0034
    assert absence(siphon.signs(grown, AS_OF, policy), at_least) < 0.0034
    assert presence(siphon.signs(grown, AS_OF, policy), at_least) > 0.5


def test_accounts_won_by_a_team_that_is_gone_are_taken_over_all_the_same(policy: Policy) -> None:
    for motion in (None, "channel"):
        assert measured(build(36, 4, smb_motion=motion), policy)["moved_share"].value > 0.8  # type: ignore[operator]


def test_one_group_of_customers_is_one_unit(policy: Policy) -> None:
    sign = measured(build(36, 4, group=True), policy)["moved_share"]
    assert (sign.value, sign.p_present, sign.n, sign.needs) == (None, None, 1, ())


def test_what_is_missing_is_named(company: Callable[..., Company], policy: Policy) -> None:
    signs = measured(siphon.gather(company(), policy), policy)
    assert {*signs["moved_share"].needs} >= {
        "teams.motion",
        "opportunities.team",
        "opportunities.amount",
        "company.ka_launch",
    }
    rows = "opportunity_id,account_id,team,outcome,created_at,closed_at,amount\n" + "".join(
        f"{t}{i},{t}{i},{t},won,{y}-0{1 + i % 9}-01,{y}-0{1 + i % 9}-20,{100 + i}\n" for t, y in (("K", 2024), ("S", 2023)) for i in range(20)
    )  # fmt: skip
    accounts = "account_id,segment\n" + "".join(f"{t}{i},KA\n" for t in ("K", "S") for i in range(20))
    for observed in (dt.date(2022, 1, 1), dt.date(2023, 6, 1)):
        made = company(
            {"ka_launch": LAUNCH, "observed_from": observed}, accounts=accounts, opportunities=rows, teams="team,motion\nK,KA\nS,SMB\n"
        )  # fmt: skip
        signs = measured(siphon.gather(made, policy), policy)
        if observed.year == 2022:
            assert signs["upgrade_share"].needs == ("opportunities.origin",) and signs["moved_share"].value == 0
        else:  # without the year before the launch accounts taken over would look new
            assert all(s.value is None and s.needs == ("company.observed_from",) for s in signs.values())


def test_nothing_is_used_that_was_not_known_on_the_day(policy: Policy) -> None:
    """What happens after the cut changes nothing: the same deals with another future."""
    cut = dt.date(2025, 3, 31)
    made = build(30, 10, upgrades=20)
    one = measured(made, policy, cut)
    assert made.pool is not None
    later = made.pool.closed > day_of(cut)
    assert later.any() and (one["moved_share"].value, one["smb_won_ratio"].value) != (None, None)
    pool = replace(made.pool, amount=np.where(later, 1e6, made.pool.amount), won=made.pool.won ^ later)
    assert measured(replace(made, pool=pool), policy, cut) == one


def test_frames_and_numbers_say_the_same(policy: Policy) -> None:
    gathered = build(20, 10)
    frames, numbers = siphon.frames(gathered, policy), {n.name: n.value for n in siphon.numbers(gathered, policy)}
    bridge = frames["revenue_bridge"].set_index("part")["value"]
    assert bridge["net_increment"] == pytest.approx(numbers["net_increment"])
    months = frames["timeline"].groupby("series")["value"].sum()
    amounts = np.arange(100, 130)
    assert months["ka_moved"] == amounts[:20].sum() and months["ka_new"] == amounts[20:].sum() == bridge["new"]
    assert months["first_wins"] == 20 + 12 + 10
