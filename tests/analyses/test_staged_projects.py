"""The drawn projects of a stage: counts and times against the Poisson process, decisions by hand."""

import numpy as np
import pytest
from ledger_worlds import inputs
from scipy import stats

from kaanalysis.analyses.continuation_rule import ContinuationRule
from kaanalysis.analyses.staged_projects import StagedProjects, staged_projects
from kaanalysis.stats import TwoStage, wins_of_first

RULE = ContinuationRule(0.25, 0.5, 0.1, 0.1, 12.0, "opening", TwoStage(2, 10, 9, 27, 18.06, 0.53))
STEADY = {"part_time__ramp_months": 1.0, "part_time__sellers": 4.0, "deals_per_seller": 0.5, "part_time__productivity": 0.5,
          "part_time__relief_factor": 0.0, "success": 0.4, "cycle_months": 5.0, "cycle_spread": 0.0,
          "potential_accounts": 1e6}  # fmt: skip


def test_wins_by_a_month_are_poisson_and_the_first_comes_after_an_exponential_time_plus_the_cycle() -> None:
    """One deal a month, won in two of five, five months after opening: 0.4 · (24 − 5) wins by month 24; the first after 5 + 1 / 0.4."""
    seen = staged_projects(inputs(3000, **STEADY), 60, 24, RULE, 3)
    wins = seen.wins_by(24)
    assert wins.mean() == pytest.approx(0.4 * 19, abs=4 * np.sqrt(7.6 / 3000))
    assert wins.var() == pytest.approx(7.6, rel=0.12)
    first = np.where(seen.won, seen.decided, np.inf).min(axis=1) - 5
    assert stats.kstest(first[np.isfinite(first)], stats.expon(scale=1 / 0.4).cdf).pvalue > 1e-4
    assert staged_projects(inputs(3000, **STEADY), 60, 24, RULE, 3).won.tolist() == seen.won.tolist()


def test_a_ramp_delays_openings_as_the_ledger_says() -> None:
    x = inputs(3000, **{**STEADY, "part_time__ramp_months": 10.0})
    seen = staged_projects(x, 60, 24, RULE, 4)
    opened = (seen.decided - 5 <= 10).sum(axis=1)
    assert opened.mean() == pytest.approx(sum(range(1, 11)) / 10, abs=4 * np.sqrt(5.5 / 3000))


def test_at_the_horizon_at_the_latest_a_project_is_decided() -> None:
    seen = staged_projects(inputs(50, **{**STEADY, "cycle_months": 40.0}), 60, 24, RULE, 5)
    opened = seen.decided[np.isfinite(seen.decided)] - 12
    assert opened.min() >= 0 and opened.max() <= 60 and not seen.wins_by(11).any()


def test_a_team_without_sellers_opens_nothing() -> None:
    seen = staged_projects(inputs(5, **{**STEADY, "part_time__sellers": 0.0}), 60, 24, RULE, 6)
    assert np.isinf(seen.decided).all() and not seen.won.any()


def test_a_rule_acts_once_all_projects_before_are_decided_by_hand() -> None:
    decided = np.array([[9.2, 2.0, 3.5, 4.0], [1.0, 2.0, 3.0, np.inf]])
    won = np.array([[False, True, True, False], [False, True, False, False]])
    seen = StagedProjects(decided, won)
    decision, month = seen.decided_by(wins_of_first(2, 4), "opening")
    assert decision.tolist() == [0, 2] or decision.tolist() == [0, 1]
    # Second win: third in the order of opening, known once the first is decided in the tenth month; by closing in the fourth.
    assert month[0] == 10 and seen.decided_by(wins_of_first(2, 4), "closing")[1][0] == 4
    assert seen.month_of_win(1).tolist() == [2, 2] and seen.month_of_win(2).tolist() == [4, np.inf]
    assert seen.month_of_win(5).tolist() == [np.inf, np.inf] and seen.wins_by(3).tolist() == [1, 1]
