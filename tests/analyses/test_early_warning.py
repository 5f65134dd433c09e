"""The replay by hand: from which month an alarm holds, when the revenue shows it, and what monthly looks do to false alarms."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from kaanalysis.analyses.early_warning import (
    REVENUE,
    alarm,
    cuts,
    early_warning,
    lead_months,
    marked,
    monthly_won,
    repeated_looks,
    replay,
    replay_revenue,
    revenue_gap,
)
from kaanalysis.policy import Policy

LAUNCH, AS_OF = dt.date(2024, 1, 1), dt.date(2025, 6, 30)


def states(pattern: str, said: str) -> pd.DataFrame:
    """A replay of month ends from January 2025 on: x supported, . undecided."""
    months = pd.date_range("2025-01-31", periods=len(said), freq="ME")
    return pd.DataFrame({"month": months, "pattern": pattern, "p_adjusted": [0.01 if c == "x" else 0.5 for c in said],
                         "state": ["supported" if c == "x" else "undecided" for c in said]})  # fmt: skip


def test_cuts_are_month_ends_from_the_first_months_on_and_as_of(policy: Policy) -> None:
    made = policy.override({"early_warning.first_months": 3})
    assert cuts(dt.date(2025, 1, 1), AS_OF, made) == [
        dt.date(2025, m, d) for m, d in ((3, 31), (4, 30), (5, 31), (6, 30))
    ]
    assert cuts(dt.date(2025, 1, 15), dt.date(2025, 6, 10), made)[-2:] == [dt.date(2025, 5, 31), dt.date(2025, 6, 10)]
    assert cuts(dt.date(2025, 5, 1), AS_OF, made) == []


@pytest.mark.parametrize(("said", "hold", "first"), [
    ("..xxxx", 2, dt.date(2025, 3, 31)), ("xx.xxx", 2, dt.date(2025, 4, 30)), ("xxxxx.", 2, None), (".....x", 2, None),
    (".....x", 1, dt.date(2025, 6, 30)), ("......", 1, None),
])  # fmt: skip
def test_an_alarm_counts_from_where_it_holds_until_the_end(said: str, hold: int, first: dt.date | None) -> None:
    assert alarm(marked(states("M-A", said), hold), "M-A") == first


@pytest.mark.parametrize(("mine", "revenue", "value", "low"), [
    ("..xxxx", "....xx", 2, None), ("....xx", "..xxxx", -2, None), ("..xxxx", "......", 3, 3), ("......", "xxxxxx", None, None),
])  # fmt: skip
def test_the_lead_is_the_months_between_the_two_alarms_or_at_least_so_many(
    mine: str, revenue: str, value: int | None, low: int | None
) -> None:
    both = marked(pd.concat([states("M-A", mine), states(REVENUE, revenue)], ignore_index=True), 2)
    made = lead_months(both, "M-A", AS_OF)
    assert (made.value, made.low, made.high) == (value, low, None)


def test_the_family_of_a_day_is_adjusted_together_and_what_has_no_p_value_is_left_out() -> None:
    p = {"M-A": 0.001, "M-B": 0.5, "M-C": None}
    made = replay(lambda _: p, [AS_OF], 0.95).set_index("pattern")
    # Benjamini–Yekutieli over the two by hand: 0.001 × 2 × (1 + 1/2) / 1.
    assert made.loc["M-A", "p_adjusted"] == pytest.approx(0.003) and made.loc["M-A", "state"] == "supported"
    assert made.loc["M-C", "state"] == "no_data" and np.isnan(made.loc["M-C", "p_adjusted"])


def months(values: np.ndarray, launch: dt.date = LAUNCH, before: int = 24) -> pd.DataFrame:
    first = np.datetime64(launch, "M") - before
    return pd.DataFrame({"month": pd.date_range(str(first), periods=len(values), freq="MS"), "won": values})


def test_the_gap_is_the_mean_since_the_launch_less_the_forecast_of_the_line_before() -> None:
    y = np.random.default_rng(1).normal(100, 10, 36) + np.arange(36)
    made = revenue_gap(months(y), LAUNCH, dt.date(2024, 12, 31))
    line = np.polyfit(np.arange(24), y[:24], 1)
    assert made.value == pytest.approx(y[24:].mean() - np.polyval(line, np.arange(24, 36)).mean()) and made.n == 36


def test_a_day_knows_only_the_months_that_are_over() -> None:
    y = np.random.default_rng(1).normal(100, 10, 36)
    cut = dt.date(2024, 8, 30)  # a day short of August
    known = revenue_gap(months(y), LAUNCH, cut)
    assert known == revenue_gap(months(np.concatenate([y[:31], np.zeros(5)])), LAUNCH, cut) and known.n == 31
    assert revenue_gap(months(y), LAUNCH, dt.date(2024, 3, 31)).value is None  # one quarter shows no spread


def test_the_month_of_a_launch_within_it_is_on_neither_side() -> None:
    y = np.random.default_rng(1).normal(100, 10, 36)
    launch = dt.date(2024, 1, 15)
    other = np.where(np.arange(36) == 24, 1e9, y)
    assert revenue_gap(months(y), launch, AS_OF) == revenue_gap(months(other), launch, AS_OF)


@pytest.mark.parametrize(("noise", "most"), [("independent", 0.09), ("within quarters", 0.09), ("larger after", 0.09)])
def test_the_revenue_s_test_keeps_its_level_where_the_trend_goes_on(noise: str, most: float) -> None:
    """5 % asked; over 300 histories at most 9 %, three standard errors above."""
    rng, wrong = np.random.default_rng(3), 0
    for _ in range(300):
        y = rng.normal(0, 10, 42)
        if noise == "within quarters":
            y += np.repeat(rng.normal(0, 10, 14), 3)
        if noise == "larger after":
            y[30:] *= 5
        p = revenue_gap(months(1000 + 3 * np.arange(42) + y, before=30), LAUNCH, dt.date(2024, 12, 31)).p_below(0.0)
        assert p is not None
        wrong += p <= 0.05
    assert wrong / 300 <= most


def test_a_revenue_that_breaks_off_is_found_and_one_that_goes_on_is_not() -> None:
    rng = np.random.default_rng(4)
    falls = np.concatenate([rng.normal(100, 8, 24), rng.normal(70, 8, 18)])
    goes_on = 100 + np.arange(42) + rng.normal(0, 8, 42)
    days = [d.date() for d in pd.date_range("2024-06-30", AS_OF, freq="ME")]
    assert alarm(marked(replay_revenue(months(falls), LAUNCH, days, 0.95), 2), REVENUE) is not None
    assert alarm(marked(replay_revenue(months(goes_on), LAUNCH, days, 0.95), 2), REVENUE) is None


def test_won_amounts_by_month_have_no_holes_and_count_won_deals_only() -> None:
    deals = pd.DataFrame({
        "outcome": ["won", "won", "lost", "won", "won"], "amount": [5.0, 7.0, 9.0, np.nan, 1.0],
        "closed_at": pd.to_datetime(["2024-01-31", "2024-03-01", "2024-02-02", "2024-02-02", "2024-04-02"]),
    })  # fmt: skip
    made = monthly_won(deals, dt.date(2024, 1, 1), dt.date(2024, 4, 29))
    assert made["won"].tolist() == [5.0, 0.0, 7.0] and made["month"].tolist() == list(
        pd.date_range("2024-01-01", periods=3, freq="MS")
    )
    assert monthly_won(deals, dt.date(2024, 1, 2), dt.date(2024, 4, 30))["won"].tolist() == [0.0, 7.0, 1.0]


def test_the_whole_replay_on_deals_gives_a_row_a_month_and_pattern(policy: Policy) -> None:
    closed = pd.date_range("2021-01-15", "2025-06-15", freq="14D")
    deals = pd.DataFrame({"outcome": "won", "amount": 10.0 + np.arange(len(closed)) % 3, "closed_at": closed})
    made = early_warning(
        lambda day: {"M-A": 0.001 if day.year == 2025 else 0.9, "M-B": None}, deals, None, LAUNCH, AS_OF, policy
    )
    assert set(made["pattern"]) == {"M-A", "M-B", REVENUE} and len(made) == 3 * len(cuts(LAUNCH, AS_OF, policy))
    assert alarm(made, "M-A") == dt.date(2025, 1, 31) and alarm(made, "M-B") is None
    assert lead_months(made, "M-A", AS_OF).low == 5


@pytest.mark.parametrize(("looks", "share"), [(1, 0.050), (5, 0.142), (20, 0.248)])
def test_any_look_is_wrong_as_often_as_armitage_mcpherson_rowe_1969_say(
    looks: int, share: float, policy: Policy
) -> None:
    """Accumulating normal data tested at 5 % two-sided after each of so many equal steps; 400 companies."""
    rng = np.random.default_rng(looks)
    sums = rng.standard_normal((400, looks)).cumsum(axis=1) / np.sqrt(np.arange(1, looks + 1))
    wrong = np.abs(sums) > stats.norm.isf(0.025)
    days = pd.date_range("2024-01-31", periods=looks, freq="ME")
    made = [
        pd.DataFrame({"month": days, "pattern": "M-A", "state": np.where(row, "supported", "undecided")})
        for row in wrong
    ]
    found = repeated_looks(made, policy.override({"early_warning.hold_months": 2})).set_index("alarm")
    assert found.loc["any_look", "share"] == pytest.approx(share, abs=3 * np.sqrt(share * (1 - share) / 400))
    assert found.loc["last_look", "share"] == pytest.approx(0.05, abs=0.033)  # the verdict keeps its level
    assert found.loc["lasting", "alarms"] <= min(found.loc["last_look", "alarms"], found.loc["held_once", "alarms"])


@given(st.text("x.", min_size=1, max_size=20), st.integers(1, 4))
def test_a_lasting_alarm_is_an_unbroken_run_up_to_the_last_look(said: str, hold: int) -> None:
    made = marked(states("M-A", said), hold)
    held = made["holds"].tolist()
    tail = len(said) - len(said.rstrip("x"))
    assert sum(held) == (tail if tail >= hold else 0) and held == sorted(held)
