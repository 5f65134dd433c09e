"""Relief of delay as numbers: how long stays are followed, what few stays leave open, and what is said of it."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from kaanalysis.analyses.delay_relief import FlowStays, days_to_follow, measure_delays, unseen_gain
from kaanalysis.policy import Policy


def stays(rows: list[tuple[str, str, str | None, int, str]]) -> pd.DataFrame:
    """deal, stage, next, days, owner."""
    frame = pd.DataFrame(rows, columns=["opportunity_id", "stage", "next", "days", "owner"])
    return frame.assign(entry=0, first=~frame.duplicated("opportunity_id"), account="A")


def one_step(days: np.ndarray) -> pd.DataFrame:
    """One deal a stay, all won, thirty sellers."""
    return stays([(f"O{i}", "review", "won", int(d), f"s{i % 30}") for i, d in enumerate(days)])


def measured(frame: pd.DataFrame, order: list[str], horizon: int, policy: Policy):
    flow = FlowStays(frame, order, frame["owner"].to_numpy(object), horizon)
    return measure_delays(flow, flow.followed(horizon), policy)


def of(found, name: str, step: str):
    return next(n for n in found.numbers if (n.name, n.segment) == (name, step))


def test_what_few_stays_leave_open() -> None:
    """Of 10 stays none was longer than the longest; up to 30.8 % may be (Clopper–Pearson for 0 of 10), and all of these late."""
    assert (
        unseen_gain(10, 10, 0.95) == pytest.approx(100 * stats.beta.ppf(0.975, 1, 10)) == pytest.approx(30.85, abs=0.01)
    )
    assert unseen_gain(10, 40, 0.95) == pytest.approx(30.85 / 4, abs=0.01), "only a quarter of the deals gets that far"
    assert unseen_gain(0, 40, 0.95) == 0 and unseen_gain(100_000, 100_000, 0.95) < 0.01


def test_stays_are_followed_as_far_as_relief_can_bring_them_back() -> None:
    """Median 50 days (45 to 55), horizon 40, benchmark 10: stays of five times the horizon could come inside, the longest lasts 55."""
    frame = one_step(np.linspace(45, 55, 60).round())
    assert days_to_follow(frame, 40, 10.0) == 55 and days_to_follow(frame, 60, 10.0) == 60
    assert days_to_follow(frame, 40, 90.0) == 40, "nothing is sped up"
    assert days_to_follow(one_step(np.r_[np.full(59, 50), 2000]), 100, 10.0) == 500
    # Stays that ended in a loss, however long, are no reason to follow longer.
    assert days_to_follow(stays([("O1", "review", "lost", 900, "s"), ("O2", "review", "won", 5, "s")]), 40, 1.0) == 40


def test_a_step_slower_than_the_horizon_is_seen(policy: Policy) -> None:
    """100 days, horizon 60: nothing is won today, all would be."""
    found = measured(one_step(np.r_[np.full(50, 100), np.full(50, 101)]), ["review"], 60, policy)
    assert (
        of(found, "relief_delay", "review").value == pytest.approx(100)
        and of(found, "win_sooner", "review").value is None
    )


def test_a_slow_step_costs_wins_or_time_and_the_sentence_says_which(policy: Policy) -> None:
    g = np.random.default_rng(2)
    days = np.ceil(np.exp(np.log(60) + 0.4 * g.standard_normal(3000)))
    loose, tight = measured(one_step(days), ["review"], 365, policy), measured(one_step(days), ["review"], 50, policy)
    assert loose.terms == {"slow": "review", "delay": "time"} and tight.terms == {"slow": "review", "delay": "wins"}
    assert of(loose, "win_sooner", "review").value == pytest.approx(46, abs=2)
    gained = of(tight, "relief_delay", "review")
    late = 100 * float((days > 50).mean())
    assert gained.low < late < gained.high and gained.horizon_months == 12  # type: ignore[operator]
    few = measured(one_step(days[:40]), ["review"], 365, policy)
    assert few.terms["delay"] == "open", "forty stays cannot show that no win is lost by delay"
    assert of(few, "relief_delay", "review").high == pytest.approx(unseen_gain(40, 40, 0.95))
    assert "longer than any seen" in of(few, "relief_delay", "review").method


def test_a_step_at_its_benchmark_has_nothing_to_give(policy: Policy) -> None:
    found = measured(one_step(np.full(60, 9)), ["review"], 365, policy)
    assert found.terms == {"delay": "none"} and of(found, "relief_delay", "review").value == 0
    assert found.table["passing_days"].iloc[0] == pytest.approx(8.5)
