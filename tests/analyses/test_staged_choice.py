"""The staged choice: strategies by hand, what holds for all of them, and worlds in which the answer is known."""

import numpy as np
import pytest
from ledger_worlds import inputs

from kaanalysis.analyses.continuation_rule import ContinuationRule, rule_of
from kaanalysis.analyses.ledger import expected_npv
from kaanalysis.analyses.stage_strategies import (
    at_review,
    best_by_wins,
    best_in_hindsight,
    by_rule,
    by_wins,
    strategies,
    wins_grouped,
)
from kaanalysis.analyses.stage_values import StageValues, stage_values
from kaanalysis.analyses.staged_choice import (
    find,
    months_frame,
    staged_frame,
    thresholds_frame,
    uncertainty_frame,
    wins_frame,
)
from kaanalysis.analyses.staged_projects import StagedProjects, staged_projects
from kaanalysis.policy import Policy
from kaanalysis.stats import TwoStage

# Stop with no win of the first two, else go on with three of four.
SMALL = ContinuationRule(0.2, 0.8, 0.3, 0.3, 12.0, "opening", TwoStage(0, 2, 2, 4, 3.0, 0.6))
VALUES = StageValues(
    stopped=np.tile(np.array([0.0, -1, -2, -3, -4, 10]), (3, 1)),
    split_from=np.tile(np.array([50.0, 40, 30, 20, 9, 0]), (3, 1)),
)
SEEN = StagedProjects(
    decided=np.array([[0.5, 1.2, 1.9, 2.5], [1.0, 1.5, 2.0, 3.0], [0.5, 1.0, 3.5, 9.0]]),
    won=np.array([[True, True, True, False], [False, False, True, True], [True, False, True, True]]),
)


def test_the_rule_by_hand() -> None:
    made = by_rule(VALUES, SEEN, SMALL, review=4)
    # Three wins known in month 1.9: split from month 2. Two losses known in month 1.5: stopped at 2. Third: open at the review.
    assert made.value.tolist() == [-2 + 30, -2, 10]
    assert made.split.tolist() == [True, False, False] and made.stop.tolist() == [False, True, False]
    assert made.month[:2].tolist() == [2, 2] and np.isnan(made.month[2])
    # A review before any decision: all stay part-time.
    assert by_rule(VALUES, SEEN, SMALL, review=1).value.tolist() == [10, 10, 10]


def test_so_many_wins_by_hand() -> None:
    assert by_wins(VALUES, SEEN, 1, 4).value.tolist() == [-1 + 40, -2 + 30, -1 + 40]
    assert by_wins(VALUES, SEEN, 2, 4).value.tolist() == [-2 + 30, -3 + 20, -4 + 9]
    assert by_wins(VALUES, SEEN, 2, 3).value.tolist() == [-2 + 30, -3 + 20, 10]
    assert at_review(VALUES, 4)[0].tolist() == [10, -4 + 9, -4]


def test_months_until_the_rule_decides_by_hand() -> None:
    frame = months_frame(SEEN, SMALL, 5).set_index("stage")
    # Two projects are decided after 1.2, 1.5 and 1.0 months; four after 2.5, 3.0 and 9.0, the last beyond the horizon of five.
    assert frame.loc["first", ["months", "low", "high", "within"]].tolist() == [1.2, 1.0, 1.5, 1.0]
    assert frame.loc["total", "months"] == 3.0 and frame.loc["total", "within"] == pytest.approx(2 / 3)
    assert np.isnan(frame.loc["total", "high"])
    # Decided in months 2, 2 and 9 by 3, 2 and 4 projects.
    assert frame.loc["decision", "months"] == 2 and frame.loc["decision", "projects"] == 3


def test_thresholds_run_from_splitting_at_once_to_never() -> None:
    frame = thresholds_frame(VALUES, SEEN, 4)
    assert frame["mean"].tolist()[:3] == pytest.approx([50, (39 + 28 + 39) / 3, (28 + 17 + 5) / 3])
    assert frame["p_split"].tolist()[0] == 1 and frame["best"].tolist()[0] and frame["p_split"].iloc[-1] == 0


def test_the_best_use_of_wins_is_learnt_on_the_other_half() -> None:
    """Worlds that show a win in the first quarter gain 10 by splitting then, the others lose 10; stopping loses 1; a month's wait costs 0.1."""
    good = np.arange(400) % 4 < 2
    stopped = np.tile(np.array([0.0, -1, -1, -1, -1, -1, -1, 0]), (400, 1))
    values = StageValues(stopped, np.where(good[:, None], 11.3, -9.0) - 0.1 * np.arange(8))
    seen = StagedProjects(np.where(good, 2.0, np.inf)[:, None], good[:, None])
    made = best_by_wins(values, seen, 6, 1)
    assert made.split.tolist() == good.tolist() and not made.stop.any()
    assert made.value == pytest.approx(np.where(good, 10.0, 0.0)) and set(made.month[good]) == {3.0}
    # It may act at once, as hindsight may: where wins tell nothing and every month costs, it waits for none. It is no limit: one can do it.
    sure = StageValues(stopped, np.tile(11.3 - 0.1 * np.arange(8), (400, 1)))
    at_once = best_by_wins(sure, seen, 6, 1)
    assert at_once.split.all() and set(at_once.month) == {0.0} and at_once.kind == "staged"
    # Wins that tell nothing: choosing and valuing on the same draws would show a gain of about a standard error per group; this does not.
    rng = np.random.default_rng(1)
    noise = StageValues(np.zeros((20_000, 8)), np.tile(rng.normal(0, 1, (20_000, 1)), (1, 8)))
    luck = StagedProjects(np.ones((20_000, 12)), rng.random((20_000, 12)) < 0.5)
    assert abs(best_by_wins(noise, luck, 6, 1).value.mean()) < 4 / np.sqrt(20_000)


def test_hindsight_is_the_best_month_and_action_of_every_draw_by_search() -> None:
    rng = np.random.default_rng(2)
    values = StageValues(rng.normal(0, 1, (50, 9)), rng.normal(0, 1, (50, 9)))
    options = [values.stopped[:, :6], values.stopped[:, :6] + values.split_from[:, :6], values.stopped[:, -1:]]
    assert best_in_hindsight(values, 5).value == pytest.approx(np.concatenate(options, axis=1).max(axis=1))


def test_wins_are_grouped_and_rare_ends_taken_in() -> None:
    assert wins_grouped(np.array([0] + [3] * 998 + [9])).tolist() == [3] * 1000
    few = np.repeat(np.arange(5), 100)
    assert wins_grouped(few).tolist() == few.tolist()
    many = np.repeat(np.arange(40), 100)
    assert sorted(set(wins_grouped(many))) == list(range(0, 40, 4)) and (many - wins_grouped(many)).max() == 3


def test_knowing_more_is_never_worth_less_and_frames_agree_with_strategies(policy: Policy) -> None:
    x, rule = inputs(600, cycle_months=5.0), rule_of(policy)
    assert rule is not None
    values = stage_values(x, 60, 0.12, 0.2, 24)
    seen = staged_projects(x, 60, 24, rule, 1)
    made = strategies(values, expected_npv(x, 60, 0.12), seen, rule, policy)
    actions = at_review(values, 24)
    for name in ("rule", "wins", "best_by_wins"):
        assert (made["hindsight"].value >= made[name].value - 1e-6).all()
    assert (made["hindsight"].value >= actions.max(axis=1) - 1e-6).all()
    own = strategies(
        stage_values(x, 60, 0.12, 0.2, 24, own_horizon=True), expected_npv(x, 60, 0.12), seen, rule, policy
    )
    frame = staged_frame(made, own).set_index("strategy")
    assert frame.loc["wins", "own_horizon"] == pytest.approx(own["wins"].value.mean())
    assert frame.loc["split", "own_horizon"] == frame.loc["split", "mean"]  # begun today: the same horizon
    assert frame.loc["hindsight", "mean"] == pytest.approx(made["hindsight"].value.mean())
    assert frame.loc["nothing", ["mean", "low", "high"]].tolist() == [0, 0, 0]
    assert (frame["regret"] >= 0).all() and (frame[["p_split", "p_stop"]].sum(axis=1) <= 1).all()
    wins = wins_frame(values, seen, 24)
    assert wins[wins["action"] == "stay"]["probability"].sum() == pytest.approx(1)
    assert wins.groupby("wins")["best"].sum().eq(1).all()
    weighted = wins.assign(part=wins["mean"] * wins["probability"]).groupby("action")["part"].sum()
    assert weighted.loc[["stay", "split", "stop"]].to_numpy() == pytest.approx(actions.mean(axis=0))


def two_worlds(draws: int, poor: float, good: float) -> dict[str, np.ndarray]:
    """Success poor or good with equal chance. A split seller opens a deal a month that brings 300,000 if won and costs 100,000 in all:
    worth it above one in three. Part-time costs next to nothing and opens half as many."""
    x = inputs(draws, deal_size=4e5, gross_margin=0.75, recurring_share=0.0, cycle_months=3.0, cycle_spread=0.1, relief=0.0,
               deals_per_seller=1.0, accounts_moved=0.0, potential_accounts=1e5, remaining_share=0.0, support_cost=0.0,
               seller_cost=1e5, smb_bookings=0.0, conflict_hours=0.0)  # fmt: skip
    for path in ("part_time", "split", "rebuild"):
        for setting in (
            "leader_multiple",
            "pay_uplift",
            "product_multiple",
            "training_multiple",
            "systems_multiple",
            "review_multiple",
        ):
            x[f"{path}.{setting}"] = np.zeros(draws)
        x[f"{path}.productivity"], x[f"{path}.ramp_months"] = np.ones(draws), np.full(draws, 3.0)
        x[f"{path}.sellers"] = np.full(draws, 10.0)
    x["part_time.sellers"], x["part_time.pay_uplift"] = np.full(draws, 2.0), np.full(draws, 0.1)
    x["rebuild.sellers"], x["rebuild.leader_multiple"] = np.full(draws, 10.0), np.full(draws, 5.0)
    x["split.named_accounts"] = np.full(draws, 1e4)
    x["success"] = np.where(np.arange(draws) % 4 < 2, poor, good)
    return x


def test_where_the_stage_tells_good_worlds_from_bad_staging_pays_and_elsewhere_it_costs(policy: Policy) -> None:
    rule, told = rule_of(policy), two_worlds(800, 0.05, 0.75)
    numbers, terms, frames = find(told, rule, policy, "CNY")
    value, split = numbers
    assert (value.name, value.segment, value.unit, split.name) == ("option_value", "staged", "CNY", "p_split")
    assert terms["stage"] == "gain" and value.low > 0  # type: ignore[operator]
    assert split.value == pytest.approx(0.5, abs=0.02)
    means = frames["staged"].set_index("strategy")["mean"]
    # Wins tell nearly all there is to know: acting on them is worth more than the rule, and nearly what hindsight is.
    assert means["rule"] < means["best_by_wins"] < means["hindsight"] and means["wins"] < means["rule"]
    assert set(frames) == {"staged", "staged_wins", "staged_thresholds", "staged_uncertainty", "rule_months"}
    # Success known and good: nothing to learn, only months to lose.
    sure = find(two_worlds(400, 0.75, 0.75), rule, policy, "CNY")
    assert sure[1] == {"stage": "loss", "commitment": "split"} and sure[0][0].high < 0  # type: ignore[operator]


def test_what_hangs_on_where_the_horizon_ends_is_open(policy: Policy) -> None:
    """Success known and good, money without interest: a late split loses months where the horizon ends for all, and none where it has its
    own, so that the part-time wins before it come on top."""
    free = policy.override({"ledger.discount_rate": 0.0})
    numbers, terms, frames = find(two_worlds(400, 0.75, 0.75), rule_of(free), free, "CNY")
    assert numbers[0].high < 0  # type: ignore[operator]
    assert terms == {"stage": "open", "stage_horizon": "gain", "commitment": "split"}
    means = frames["staged"].set_index("strategy")
    assert means.loc["rule", "mean"] < means.loc["split", "mean"] < means.loc["rule", "own_horizon"]


def test_the_less_is_known_of_success_the_more_looking_first_is_worth(policy: Policy) -> None:
    rule, x = rule_of(policy), two_worlds(600, 0.3, 0.4)
    assert rule is not None
    frame = uncertainty_frame(x, rule, policy)
    assert frame["spread"].tolist() == [1, 2, 4, 8]
    # The log-odds of 0.3 and 0.4 twice as far from their middle.
    odds = np.log([3 / 7, 4 / 6])
    ends = 1 / (1 + np.exp(-(odds.mean() + 2 * (odds - odds.mean()))))
    assert frame.loc[1, ["low", "high"]].tolist() == pytest.approx(ends)
    assert frame["rule"].is_monotonic_increasing and frame["rule"].iloc[0] < 0 < frame["rule"].iloc[-1]
    assert (
        frame["best_by_wins"].iloc[-1] > frame["best_by_wins"].iloc[2] > 1e6 > abs(frame["best_by_wins"].iloc[:2]).max()
    )
    assert (frame["hindsight"] >= frame[["rule", "wins", "best_by_wins"]].max(axis=1)).all()


def test_without_a_rule_or_part_time_sellers_there_is_no_stage(policy: Policy) -> None:
    x = inputs(20)
    assert find(x, None, policy, "CNY") == ([], {}, {})
    assert find(x, rule_of(policy), policy.override({"part_time.sellers": 1}), "CNY")[0]
