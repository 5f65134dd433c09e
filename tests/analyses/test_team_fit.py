"""Fit to what the sheet demands: by hand, its bounds, several judges and teams, and what its interval covers."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from kaanalysis.analyses.sheet_coverage import judged_items
from kaanalysis.analyses.team_fit import (
    carriers,
    demanded,
    item_weights,
    judged_levels,
    measure_fit,
    named_items,
    reached,
)
from kaanalysis.company import Company
from kaanalysis.policy import Policy
from kaanalysis.selling import catalogue

STEPS = ("need", "audit")
NO_SHEET = pd.DataFrame(columns=["node", "step", "lane", "item", "item_zh"])


def sheet(*rows: tuple[str, str, str]) -> pd.DataFrame:
    """step, lane, item; nodes in the order of the steps."""
    return pd.DataFrame([(STEPS.index(s) + 1, s, lane, i, i) for s, lane, i in rows],
                        columns=["node", "step", "lane", "item", "item_zh"])  # fmt: skip


def levels(*rows: tuple[str, str, str, float], motion: str = "KA") -> pd.DataFrame:
    """team, lane, item, level."""
    frame = pd.DataFrame(rows, columns=["team", "lane", "item", "level"])
    return frame.assign(motion=motion)


def measured(
    told: pd.DataFrame,
    asked: pd.DataFrame,
    policy: Policy,
    relief: tuple[float, float] = (0.0, 6.0),
    spread: float = 0.0,
):
    draws = np.maximum(
        np.array(relief) + spread * np.random.default_rng(1).standard_normal((policy["evidence.draws"], 2)), 0
    )
    return measure_fit(told, asked, STEPS, np.array(relief), draws, policy)


def by_name(fit, name: str, segment: str = "KA"):
    return next(n for n in fit.numbers if (n.name, n.segment) == (name, segment))


def test_weighted_by_relief_by_hand(policy: Policy) -> None:
    """Minimum relief 2: an item of `need` (relief 0) weighs 2, one of `audit` (6) weighs 8, one of both 10. Levels over 0.8, capped.

    action: plan (need, 1.0 → 1) and memo (audit, 0.4 → 0.5): (2 · 1 + 8 · 0.5) / 10 = 0.6. system: map (both, 0.6 → 0.75). Fit 0.675."""
    told = levels(("ka", "action", "plan", 1.0), ("ka", "action", "memo", 0.4), ("ka", "system", "map", 0.6))
    asked = sheet(
        ("need", "action", "plan"), ("audit", "action", "memo"), ("need", "system", "map"), ("audit", "system", "map")
    )
    fit = measured(told, asked, policy)
    assert by_name(fit, "fit_lane", "action").value == pytest.approx(0.6)
    assert by_name(fit, "fit_lane", "system").value == pytest.approx(0.75)
    assert by_name(fit, "fit").value == pytest.approx(0.675) and by_name(fit, "fit").n == 3
    assert by_name(fit, "fit_unjudged").value == 0 and by_name(fit, "fit_if_absent").value == pytest.approx(0.675)
    weights = fit.items.set_index("item")["weight"]
    assert weights.to_dict() == pytest.approx({"plan": 0.2, "memo": 0.8, "map": 1.0})
    assert fit.items.set_index("item").loc["map", "steps"] == "need, audit"


def test_what_nobody_judged_is_counted_and_bounded(policy: Policy) -> None:
    """action: plan (weight 2, reached 1), memo (weight 8) unjudged. Judged 1; absent 0.2; there 1. support: legal, unjudged, weighs all."""
    told = levels(("ka", "action", "plan", 0.9), ("ka", "system", "spare tool", 0.5))
    asked = sheet(("need", "action", "plan"), ("audit", "action", "memo"), ("audit", "support", "legal"))
    fit = measured(told, asked, policy)
    assert by_name(fit, "fit").value == 1.0 and by_name(fit, "fit").n == 1
    assert by_name(fit, "fit_unjudged").value == pytest.approx((0.8 + 1.0) / 2)
    assert by_name(fit, "fit_if_absent").value == pytest.approx(0.1) and by_name(fit, "fit_if_present").value == 1.0
    assert fit.term == "unjudged"
    # What is judged and not demanded is listed, and does not count.
    spare = fit.items[~fit.items["demanded"]]
    assert spare["item"].tolist() == ["spare tool"] and by_name(fit, "fit_not_demanded").value == 1
    assert fit.lanes.set_index("lane").loc["support", "fit"] is not None and np.isnan(
        fit.lanes.set_index("lane").loc["support", "fit"]
    )


def test_without_a_sheet_every_judged_item_counts_once(policy: Policy) -> None:
    # action: (0.5 + 1) / 2 = 0.75; system: 1; mean 0.875. A level above what is required counts as required.
    told = levels(("ka", "action", "a", 0.4), ("ka", "action", "b", 1.0), ("ka", "system", "c", 0.8))
    assert by_name(measured(told, NO_SHEET, policy), "fit").value == pytest.approx(0.875)
    assert by_name(measured(told.assign(level=0.0), NO_SHEET, policy), "fit").value == 0
    assert by_name(measured(told.assign(level=0.8), NO_SHEET, policy), "fit").value == 1


def test_nothing_judged_and_nothing_that_matches(policy: Policy) -> None:
    nothing = measure_fit(levels(), NO_SHEET, STEPS, np.zeros(2), np.zeros((5, 2)), policy)
    assert nothing.numbers == () and nothing.term == "unknown" and np.isnan(nothing.draws).all()
    other = measured(levels(("ka", "action", "x", 1.0)), sheet(("need", "action", "plan")), policy)
    assert other.term == "nothing_matches" and not any(n.name == "fit" for n in other.numbers)
    assert by_name(other, "fit_unjudged").value == 1


def test_several_judges_make_one_level_and_show_how_far_they_differ(policy: Policy) -> None:
    """Two judges of plan: 0.6 and 1.0, mean 0.8 = what is required. Two teams: 1.0 (reached 1) and 0.4 (reached 0.5) reach 0.75 together:
    a team above what is required does not make up for the other."""
    judged = reached(
        levels(("ka", "action", "plan", 0.6), ("ka", "action", "plan", 1.0), ("ka", "system", "map", 0.4)), 0.8
    )
    plan = judged.set_index("item").loc["plan"]
    assert (plan["level"], plan["reached"], plan["judges"]) == pytest.approx((0.8, 1.0, 2))
    assert plan["spread"] == pytest.approx(np.sqrt(0.08)) and plan["error"] == pytest.approx(0.2)
    assert plan["low"] == 0 and plan["high"] == 1  # one degree of freedom says next to nothing
    two = reached(levels(("a", "action", "plan", 1.0), ("b", "action", "plan", 0.4)), 0.8)
    assert two["reached"].tolist() == pytest.approx([0.75]) and two["spread"].isna().all()
    fit = measured(
        levels(("ka", "action", "plan", 0.6), ("ka", "action", "plan", 1.0)), sheet(("need", "action", "plan")), policy
    )
    assert by_name(fit, "judge_spread").n == 1 and "one judge" not in by_name(fit, "fit").method
    alone = measured(levels(("ka", "action", "plan", 0.6)), sheet(("need", "action", "plan")), policy)
    assert "one judge an item" in by_name(alone, "fit").method


def test_the_team_is_the_key_account_team_else_all_and_each_is_shown(policy: Policy) -> None:
    told = pd.concat([levels(("ka", "action", "plan", 0.4)), levels(("smb", "action", "plan", 0.8), motion="SMB")])
    assert carriers(told)["team"].tolist() == ["ka"]
    assert len(carriers(told[told["motion"] == "SMB"])) == 1
    fit = measured(told, sheet(("need", "action", "plan")), policy)
    assert by_name(fit, "fit").value == pytest.approx(0.5)
    assert [by_name(fit, "fit_team", t).value for t in ("ka", "smb")] == pytest.approx([0.5, 1.0])
    assert fit.teams["motion"].tolist() == ["KA", "SMB"]


@pytest.mark.parametrize(("level", "wanted"), [(0.8, "carries"), (0.3, "carries_not"), (0.64, "open")])
def test_the_answer_needs_the_whole_interval_on_one_side_of_a_high_fit(
    level: float, wanted: str, policy: Policy
) -> None:
    g = np.random.default_rng(5)
    told = levels(*[("ka", lane, f"i{k}", float(np.clip(level + 0.08 * g.standard_normal(), 0, 1))) for lane in ("action", "system")
                    for k in range(6)])  # fmt: skip
    asked = sheet(*[("need", lane, f"i{k}") for lane in ("action", "system") for k in range(6)])
    high = policy.override({"path.high_fit": 0.85 if wanted != "open" else 0.8})
    assert measured(told, asked, high).term == wanted


def test_weights_follow_the_draws_and_items_of_unknown_steps_keep_the_minimum(policy: Policy) -> None:
    relief = {"audit": np.array([0.0, 6.0])}
    weights = item_weights(pd.Series([("need",), ("audit", "need"), ()]), relief, 2.0, 2)
    assert weights.tolist() == [[2, 4, 0], [2, 10, 0]]
    twice = pd.concat([sheet(("need", "action", "plan")), sheet(("need", "action", "Plan "))])
    assert demanded(twice)["steps"].tolist() == [("need",)], "a step that asks twice for an item asks once"
    bare = pd.DataFrame({"node": [1], "step": ["need"], "lane": [None], "item": [None], "item_zh": [None]})
    assert demanded(bare).empty and len(demanded(pd.concat([bare, twice]))) == 1, "a node without items demands nothing"


def test_items_are_matched_whatever_their_case(company: Callable[..., Company]) -> None:
    text = "team,lane,item,level\nka,action, Account Plan,0.5\nka,action,account plan,0.7\nsmb,support,Presales,0.2\n"
    teams = "team,motion\nka,KA\nsmb,SMB\n"
    told = judged_levels(company(capability=text, teams=teams), NO_SHEET)
    assert told["item"].tolist() == ["account plan", "account plan", "presales"]
    assert told["motion"].tolist() == ["KA", "KA", "SMB"]
    assert judged_levels(company(), NO_SHEET).empty


def test_the_analyst_s_own_item_goes_before_the_catalogue_s_alias() -> None:
    """ "Demo" is the catalogue's word for a demonstration, unless the sheet has an item of that name; the fit and the coverage agree."""
    told = levels(("ka", "action", "Demo", 0.7))
    known = catalogue()
    assert named_items(told, NO_SHEET, known)["item"].tolist() == ["solution demonstration"]
    own = sheet(("need", "action", "demo"))
    named = named_items(told, own, known)
    assert named["item"].tolist() == ["demo"] and judged_items(own, named)["demanded"].tolist() == [True]
    asked = demanded(own).merge(reached(named, 0.8), on=["lane", "item"])
    assert asked["level"].tolist() == [0.7]


@pytest.mark.parametrize("judges", [1, 3])
def test_interval_covers_the_team_s_capability(judges: int, policy: Policy) -> None:
    """60 teams: five items a lane, judged by one or three who err by 0.1, weights from reliefs that are estimates; nominal 95 %. Levels stay
    below what is required, so that the cap does not shift the mean. At least 53 must hold the truth: intervals that hold 80 % pass one
    time in twenty. The mean may be off by three of its standard errors (0.004)."""
    quick = policy.override({"evidence.draws": 200})
    g, hits, wrong = np.random.default_rng(6), [], []
    lanes = ("action", "information", "system", "capability", "support")
    asked = sheet(*[(STEPS[k % 2], lane, f"i{k}") for lane in lanes for k in range(5)])
    for _ in range(60):
        rows = []
        for lane in lanes:
            for k in range(5):
                true = 0.4 + 0.08 * g.standard_normal()
                rows += [
                    ("ka", lane, f"i{k}", float(np.clip(true + 0.1 * g.standard_normal(), 0, 1))) for _ in range(judges)
                ]
        fit = by_name(measured(levels(*rows), asked, quick, (1.0, 6.0), 2.0), "fit")
        hits.append(fit.low <= 0.5 <= fit.high)
        wrong.append(fit.value)
    assert sum(hits) >= 53 and np.mean(wrong) == pytest.approx(0.5, abs=0.0125)
