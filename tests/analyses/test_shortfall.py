"""M-F on frames small enough to reckon, on what would look like it, and on simulated companies."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from benchmarks.validity.engine import Engine
from kaanalysis.analyses.pattern_days import day_number, days_of
from kaanalysis.analyses.pattern_signs import Sign, absence, presence
from kaanalysis.analyses.shortfall import KINDS, MONTHS, frames, gather, signs
from kaanalysis.analyses.shortfall_effects import Gathered, NothingBooked
from kaanalysis.company import Company
from kaanalysis.policy import Policy, load_policy
from kaanalysis.simulate import draw_company
from kaanalysis.simulate.parameters import load

LAUNCH, AS_OF = dt.date(2024, 1, 1), dt.date(2025, 12, 31)
START = day_number(LAUNCH)
NEEDS: dict[str, tuple[str, ...]] = dict.fromkeys(KINDS, ())
EVERY = [d.date() for d in pd.date_range("2021-01-01", "2025-12-01", freq="MS")]
# (opened days after the launch, worked by an SMB team) and (customer, opened days after the launch, hours)
Deal, Dispute = tuple[float, bool], tuple[int, float, float]


def team(name: str, motion: str, per_seller: Callable[[dt.date], tuple[float, float]], bookings: float = 1.0, since: dt.date = EVERY[0]) -> list[tuple[Any, ...]]:  # fmt: skip
    """Two sellers, with (quota, support cost) per seller by month; bookings of the team."""
    rows = []
    for month in EVERY:
        if month >= since:
            quota, support = per_seller(month)
            rows.append((month, name, motion, 2.0, 2 * support, 2 * quota, bookings))
    return rows


def made(months: Sequence[tuple[Any, ...]] = (), deals: Sequence[Deal] = (), disputes: Sequence[Dispute] = (), won: Sequence[tuple[float, float]] = ()) -> Gathered:  # fmt: skip
    first = pd.Series(pd.to_datetime([m[0] for m in months]))
    frame = pd.DataFrame([m[1:] for m in months], columns=list(MONTHS[2:]))
    frame.insert(0, "opened", days_of(first).to_numpy("float64"))
    last = days_of(first + pd.offsets.MonthEnd(0)).to_numpy("float64") if len(first) else []
    frame.insert(1, "ended", last)
    worked = pd.DataFrame([(i, START + at, smb) for i, (at, smb) in enumerate(deals)], columns=["cluster", "opened", "by_smb"])  # fmt: skip
    quarrels = pd.DataFrame([(c, START + at, h) for c, at, h in disputes], columns=["cluster", "opened", "hours"])
    return Gathered(worked.astype({"opened": float, "by_smb": bool}), frame, quarrels.astype(float), START, day_number(AS_OF), NEEDS,
                    pd.DataFrame([(START + at, amount) for at, amount in won], columns=["closed", "amount"], dtype=float))  # fmt: skip


def named(gathered: Gathered, policy: Policy, cut: dt.date = AS_OF) -> dict[str, Sign]:
    found = signs(gathered, cut, policy)
    assert [s.name for s in found] == list(KINDS)
    return {s.name: s for s in found}


def years(month: dt.date) -> float:
    return (month.year - 2021) + (month.month - 1) / 12


def test_attainment_is_of_the_months_after_the_ramp(policy: Policy) -> None:
    # Two KA teams, quotas 20 and 60 a month; bookings 0 in the ramp, then 10 and 22: 32 / 80.
    ramp = dt.date(2024, 7, 1)
    months = []
    for name, quota, bookings in (("a", 10.0, 10.0), ("b", 30.0, 22.0)):
        rows = team(name, "KA", lambda m, q=quota: (q, 1.0), bookings, LAUNCH)  # type: ignore[misc]
        months += [(*r[:-1], r[-1] if r[0] >= ramp else 0.0) for r in rows]
    found = named(made(months), policy)["ka_attainment"]
    assert found.value == pytest.approx(0.4) and found.n == 18 and found.comparison == "target"
    assert named(made(months), policy, dt.date(2024, 8, 31))["ka_attainment"].value is None  # two months are no spread
    month = named(made(months), policy, dt.date(2025, 6, 29))["ka_attainment"]
    assert month.n == 11  # a month that is not over does not count


def test_a_team_that_booked_nothing_is_measured_by_the_deals_its_quota_stood_for(policy: Policy) -> None:
    # 18 months after the ramp at a quota of 2 × 10: as many as twelve deals of 30, the mean of those known by the day.
    rows = team("k", "KA", lambda m: (10.0, 1.0), 0.0, LAUNCH)
    deals = [(-400.0 + i, 20.0 + 20 * (i % 2)) for i in range(10)]
    found = named(made(rows, won=[*deals, (5000.0, 1e6)]), policy)["ka_attainment"]
    assert (found.value, found.low, found.n) == (0.0, 0.0, 18)
    assert found.high == pytest.approx(-math.log(0.025) / 12)
    margin = policy["shortfall.attainment"]
    assert found.p_present == pytest.approx(stats.poisson.pmf(0, margin * 12)) and found.p_absent == 1
    # Too few deals to say what a deal is worth: nothing was booked, and how little that is cannot be said.
    bare = named(made(rows, won=deals[:3]), policy)["ka_attainment"]
    assert (bare.value, bare.low, bare.high, bare.p_present, bare.p_absent) == (0.0, None, None, None, None)


def test_nothing_booked_is_rarely_taken_for_a_miss_where_the_target_is_met(policy: Policy) -> None:
    # Attainment at the margin itself, sizes lognormal: none won in six months, with a p-value below 5 %, in at most 5 % of companies.
    rng, bold, runs, margin = np.random.default_rng(20260630), 0, 2000, policy["shortfall.attainment"]
    for _ in range(runs):
        past = rng.lognormal(3, 0.8, 40)
        expected = rng.uniform(1, 10)
        if rng.poisson(margin * expected) == 0:
            quota = expected * math.exp(3 + 0.8**2 / 2)
            p = NothingBooked(6, quota / past.mean()).p_below(margin)
            bold += p is not None and p < 0.05
    assert bold / runs < 0.05


def test_quotas_that_rise_every_year_are_no_filling(policy: Policy) -> None:
    steady = team("s", "SMB", lambda m: (100 * 1.08 ** years(m), 10.0))
    asked = team("s", "SMB", lambda m: (100 * 1.08 ** years(m) * (1.25 if m.year == 2025 else 1), 10.0))
    flat, raised = (named(made(rows), policy)["smb_fills"] for rows in (steady, asked))
    assert flat.value == pytest.approx(1.0, abs=1e-3) and raised.value == pytest.approx(1.25, abs=1e-3)
    assert flat.p_present is not None and flat.p_present > 0.999 and raised.p_present is not None
    assert raised.p_present < 0.001 and raised.comparison == "trend"


def test_what_only_follows_a_miss_is_not_ruled_out_within_the_first_window(policy: Policy) -> None:
    # Quotas that only follow their trend: nothing is filled. A young programme has had no hole to fill, so that says nothing yet.
    rows = team("s", "SMB", lambda m: (10 * 1.05 ** years(m), 1.05 ** years(m)))
    early, late = (named(made(rows), policy, cut)["smb_fills"] for cut in (dt.date(2024, 9, 30), dt.date(2024, 12, 31)))
    assert early.value == pytest.approx(1.0, abs=1e-3) and early.p_absent is None and early.p_present is not None
    assert late.p_absent is not None and late.p_absent < 0.01
    signs_early = signs(made(rows), dt.date(2024, 9, 30), policy)
    assert absence(signs_early, policy["shortfall.signs"]) == 1.0


def test_support_cost_is_held_against_teams_that_were_there(policy: Policy) -> None:
    """A dear KA team that joins at the launch is no growth of support cost; the old teams' rise is, and at an even pace it is no noise."""
    old = team("s", "SMB", lambda m: (1.0, 10.0 * (1 + 0.02 * max(0, (m.year - 2024) * 12 + m.month - 1))))
    new = team("k", "KA", lambda m: (1.0, 500.0), since=LAUNCH)
    found = named(made(old + new), policy)["support_cost_growth"]
    # From the 13th month since the launch to the 24th: the mean of log(1 + 0.02 k), k = 12 … 23.
    assert found.value == pytest.approx(math.exp(np.mean([math.log(1 + 0.02 * k) for k in range(12, 24)])), rel=1e-6)
    assert found.p_present is not None and found.p_present < 1e-4
    assert named(made(new), policy)["support_cost_growth"].value is None  # nobody has a past


def test_the_line_blurs_if_the_share_grows_not_if_it_is_there(policy: Policy) -> None:
    always = [(float(i), i % 3 == 0) for i in range(0, 720)]
    level = named(made(deals=always), policy)["border_blur"]
    assert level.value == pytest.approx(0, abs=0.01) and level.p_absent is not None and level.p_absent < 0.001
    # 0 of 100 deals in the first year and 25 of 100 in the second: a slope by hand, Σ(t − t̄)(y − ȳ) / Σ(t − t̄)².
    rows = [(3.6 * i, i >= 100 and i % 4 == 0) for i in range(200)]
    found = named(made(deals=rows), policy)["border_blur"]
    t, y = np.array([r[0] for r in rows]) / 365.25, np.array([r[1] for r in rows])
    assert found.value == pytest.approx(stats.linregress(t, y).slope) and found.unit == "share difference"


def test_disputes_by_hand(policy: Policy) -> None:
    # 12 months either side of 2024-12-31: 4 in the first (366 days to it), 16 in the second (365 days).
    quarrels = [(i, 30.0 * i, 2.0) for i in range(4)] + [(10 + i, 370 + 20.0 * i, 2.0) for i in range(16)]
    found = named(made(disputes=quarrels), policy)["key_account_disputes"]
    early = day_number(dt.date(2024, 12, 31)) - START
    assert found.value == pytest.approx(16.5 / 4.5 * early / 365) and found.n == 20
    # Clusters of one: the between-cluster variance is 20/19 of the binomial one, so that 19 of the 20 count.
    peer = stats.beta.cdf(365 / (365 + early), 0.8 * 19, 0.2 * 19 + 1)
    assert found.p_present == pytest.approx(peer) and found.low is not None and found.low > 1
    assert named(made(), policy)["key_account_disputes"].value is None


def test_disputes_of_the_handover_fade_and_are_no_sign(policy: Policy) -> None:
    fading = named(made(disputes=[(i, 15.0 * i, 5.0) for i in range(20)]), policy)["key_account_disputes"]
    assert fading.value is not None and fading.value < 0.1 and fading.p_absent is not None and fading.p_absent < 0.001
    # All of them late: the upper limit is not determined, the value is.
    late = named(made(disputes=[(i, 400.0 + 15 * i, 5.0) for i in range(8)]), policy)["key_account_disputes"]
    assert late.high is None and late.value == pytest.approx(17, rel=0.02) and (late.p_present or 1) < 0.01
    # Two accounts that quarrel all the time weigh less than eight that quarrel once.
    same = named(made(disputes=[(i % 2, 400.0 + 15 * i, 5.0) for i in range(8)]), policy)["key_account_disputes"]
    assert (same.p_present or 0) > (late.p_present or 1)


@settings(max_examples=10)
@given(st.integers(0, 10**6), st.integers(100, 700))
def test_nothing_is_used_that_was_not_known_on_the_day(seed: int, ago: int) -> None:
    policy, g = load_policy(), np.random.default_rng(seed)
    months = [(*row[:3], 2.0, *g.uniform(1, 2, 3)) for row in team("s", "SMB", lambda m: (1.0, 1.0))]
    months += [(*row[:3], 2.0, *g.uniform(1, 2, 3)) for row in team("k", "KA", lambda m: (1.0, 1.0), since=LAUNCH)]
    deals = [(float(g.integers(0, 730)), bool(g.random() < 0.3)) for _ in range(150)]
    quarrels = [(int(g.integers(5)), float(g.integers(0, 730)), 1.0) for _ in range(20)]
    whole = made(months, deals, quarrels)
    cut = LAUNCH + dt.timedelta(days=ago)
    day = day_number(cut)
    known = replace(
        whole, deals=whole.deals[whole.deals["opened"] <= day], months=whole.months[whole.months["ended"] <= day],
        disputes=whole.disputes[whole.disputes["opened"] <= day], as_of=day,
    )  # fmt: skip
    assert signs(whole, cut, policy) == signs(known, cut, policy)


TABLES: dict[str, Any] = {
    "teams": "team,motion\nsmb,SMB\nka,KA\nchannel,channel\n",
    "team_months": "team,month,sellers,support_cost,quota,bookings\nsmb,2025-01-01,2,4,6,\nka,2025-01-01,2,4,8,2\nlost,2025-01-01,2,4,8,2\n",
    "accounts": "account_id,segment\nA1,SMB\nA2,KA\n",
    "opportunities": "opportunity_id,account_id,team,created_at,closed_at,outcome\nO1,A2,smb,2024-12-01,2025-03-01,won\n"
    "O2,A2,smb,2025-02-01,,open\nO3,A2,ka,2025-02-01,,open\nO4,A1,smb,2025-02-01,,open\nO5,A2,channel,2025-02-01,,open\n",
    "disputes": "account_id,opened_at,team_a,team_b,hours\nA2,2025-03-01,smb,ka,3\nA2,2025-04-01,ka,smb,0\nA1,2025-03-01,smb,ka,3\n"
    "A2,2025-03-01,channel,ka,3\nA2,2024-03-01,smb,ka,3\n",
}  # fmt: skip
DAYS = {"observed_from": dt.date(2023, 1, 1), "ka_launch": dt.date(2025, 1, 1)}


def test_gathered_are_key_accounts_deals_and_quarrels_since_the_launch(company: Callable[..., Company], policy: Policy) -> None:  # fmt: skip
    found = gather(company(DAYS, **TABLES), policy)
    assert found.deals["by_smb"].tolist() == [True, False]
    assert found.disputes["opened"].tolist() == [day_number(dt.date(2025, 3, 1)), day_number(dt.date(2025, 4, 1))]
    assert sorted(found.months["team"]) == ["ka", "smb"] and set(found.needs.values()) == {()}
    rows = frames(found, policy)["shortfall_monthly"].set_index(["series", "month"])["value"]
    january, march = pd.Timestamp("2025-01-01"), pd.Timestamp("2025-03-01")
    assert rows["attainment", january] == 0.25 and rows["smb_quota", january] == 3.0
    assert rows["border_blur", pd.Timestamp("2025-02-01")] == 0.5
    assert rows["disputes", march] == 1 and rows["disputes", january] == 0 and rows["dispute_hours", march] == 3


def test_what_is_missing_is_named(company: Callable[..., Company], policy: Policy) -> None:
    found = gather(company(DAYS, **{k: v for k, v in TABLES.items() if k != "disputes"}), policy)
    lacking = {s.name: s.needs for s in signs(found, AS_OF, policy)}
    assert lacking.pop("key_account_disputes") == ("disputes.team_a", "disputes.team_b", "disputes.opened_at")
    assert set(lacking.values()) == {()}
    assert all(s.value is None and s.needs for s in signs(gather(company(), policy), AS_OF, policy))
    assert "disputes" not in set(frames(found, policy)["shortfall_monthly"]["series"])


def test_planted_shortfall_is_found_and_its_neighbours_are_not(policy: Policy) -> None:
    engine, at_least = Engine(), policy["shortfall.signs"]
    for name in ("shortfall", "healthy", "rival_team", "siphon"):
        world = load(name)
        company = engine.open(world, draw_company(world, 11 + world.history, 1.0))
        found = signs(gather(company, policy), world.as_of, policy)
        if name == "shortfall":
            assert presence(found, at_least) < 0.05
        else:
            assert presence(found, at_least) > 0.5 and absence(found, at_least) < 0.05, name
