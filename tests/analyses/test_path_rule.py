"""M-4: the rule's table, its cloud and its flips, and the ledger's word beside it."""

import numpy as np
import pandas as pd
import pytest

from kaanalysis.analyses.path_rule import agreement, judge_rule, open_paths, rule, with_money
from kaanalysis.analyses.path_rule import find as find_rule
from kaanalysis.policy import Policy
from kaanalysis.results import Finding, Number, Result
from kaanalysis.text import words


@pytest.mark.parametrize(("bottlenecks", "fit", "path"), [
    (0, 1.0, 0), (1, 0.8, 0), (1, 0.79, 1), (2, 1.0, 1), (3, 0.6, 1), (3, 0.59, 2), (4, 1.0, 2), (0, 0.0, 2), (1, 0.6, 1),
])  # fmt: skip
def test_the_more_demanding_of_bottlenecks_and_fit_decides(
    bottlenecks: int, fit: float, path: int, policy: Policy
) -> None:
    assert rule(np.array([bottlenecks]), np.array([fit]), policy).tolist() == [path]


def sales(count: int, fit: float, counts: list[int], fits: list[float], *, n: int = 100, judged: int = 25) -> Result:
    """A result of 03 whose resamples have so many steps with a relief of 5 wins per 100 (the minimum is 2)."""
    draws = pd.DataFrame({"first_relief": 5.0, "fit": fits})
    for step in range(6):
        draws[f"relief:s{step}"] = [5.0 if step < c else 0.0 for c in counts]
    numbers = (
        Number("bottlenecks", "KA", count, None, None, 0.95, n, "steps", "m"),
        Number("fit", "KA", fit, None, None, 0.95, judged, "fit", "m"),
    )
    return Result(
        "03_sales_flow",
        "d",
        "p",
        "2025-12-31",
        [Finding("M-3.6", "bottleneck", "supported", "r", numbers)],
        {"bottleneck_draws": draws},
    )


def test_rule_is_supported_by_the_share_of_its_cloud(policy: Policy) -> None:
    for same, state in ((95, "supported"), (94, "undecided")):
        found, frames = find_rule(sales(1, 0.9, [1] * 100, [0.9] * same + [0.7] * (100 - same)), policy)
        assert (found.state, found.reason) == (state, "part_time")
        assert {n.segment: n.value for n in found.numbers if n.name == "p_rule"} == {
            "part_time": same / 100,
            "split": (100 - same) / 100,
            "rebuild": 0,
        }
        assert frames["rule_cloud"]["size"].sum() == 100


@pytest.mark.parametrize("few", [{"n": 9}, {"judged": 9}])
def test_a_handful_of_deals_or_judged_items_recommends_nothing_for_sure(few: dict, policy: Policy) -> None:
    # Three deals, all won, leave a cloud of one point: that is no certainty.
    assert find_rule(sales(0, 0.9, [0] * 100, [0.9] * 100, **few), policy)[0].state == "undecided"
    assert find_rule(sales(0, 0.9, [0] * 100, [0.9] * 100), policy)[0].state == "supported"


def test_rule_flips_name_the_path_on_the_other_side(policy: Policy) -> None:
    found = find_rule(sales(1, 0.9, [1] * 100, [0.9] * 100), policy)[0]
    flips = {f.policy: (f.at, f.to) for f in found.flips}
    assert flips["path.few_bottlenecks"] == (0, "split")
    at, to = flips["path.high_fit"]
    assert at == pytest.approx(0.9, abs=0.001) and at > 0.9 and to == "split"
    assert flips["path.some_bottlenecks"] == (None, None)


def test_without_capability_the_rule_has_no_path(policy: Policy) -> None:
    made = sales(1, 0.9, [1], [0.9])
    made.findings = [Finding("M-3.6", "bottleneck", "supported", "r", made.findings[0].numbers[:1])]
    found = find_rule(made, policy)[0]
    assert (found.state, found.reason, found.needs) == ("no_data", "none", ("capability.level",))


def test_border_distances_by_hand(policy: Policy) -> None:
    count, fit = (
        Number("bottlenecks", "KA", 3, None, None, 0.95, 50, "s", "m"),
        Number("fit", "KA", 0.75, None, None, 0.95, 50, "f", "m"),
    )
    numbers = {
        n.name: n.value for n in judge_rule(count, fit, pd.DataFrame({"fit": [0.75]}), np.array([3]), policy)[0].numbers
    }
    # Borders of fit 0.6 and 0.8: 0.05 below the nearer. Borders of bottlenecks 1.5 and 3.5: half a step below.
    assert numbers["fit_border_distance"] == pytest.approx(-0.05) and numbers[
        "bottleneck_border_distance"
    ] == pytest.approx(-0.5)


def chosen(state: str, reason: str, **shares: float) -> Finding:
    numbers = tuple(Number("p_rule", p, v, None, None, 0.95, 100, "probability", "m") for p, v in shares.items())
    needs = ("capability.level",) if state == "no_data" else ()
    return Finding("M-4", "path_rule", state, reason, numbers, (), needs)  # type: ignore[arg-type]


def test_paths_stay_open_while_the_cloud_asks_for_them(policy: Policy) -> None:
    cloud = {"part_time": 0.02, "split": 0.9, "rebuild": 0.08}
    assert open_paths(chosen("supported", "split", **cloud), policy) == ("split",)
    assert open_paths(chosen("undecided", "split", **cloud), policy) == ("split", "rebuild")
    assert open_paths(chosen("no_data", "none"), policy) == ("part_time", "split", "rebuild")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_path_that_the_rule_leaves_open_is_no_disagreement(policy: Policy, language: str) -> None:
    cloud = {"part_time": 0.35, "split": 0.65, "rebuild": 0.0}
    undecided, sure = chosen("undecided", "part_time", **cloud), chosen("supported", "part_time", **cloud)
    left = {"money": "open", "open_paths": "part_time_split"}
    assert agreement(undecided, "split", policy) == agreement(undecided, "part_time", policy) == left
    assert agreement(undecided, "rebuild", policy) == {"money": "disagree"}
    assert agreement(sure, "split", policy) == {"money": "disagree"}
    alone = chosen("undecided", "split", split=1.0)  # too few: undecided, yet no other path is asked for
    assert agreement(alone, "split", policy) == {"money": "agree"}
    # Every set of paths has a name.
    for shares in ((1, 1, 0), (1, 0, 1), (0, 1, 1), (1, 1, 1)):
        cloud = dict(zip(("part_time", "split", "rebuild"), shares, strict=True))
        first = next(p for p, share in cloud.items() if share)
        named = agreement(chosen("undecided", first, **cloud), first, policy)["open_paths"]
        assert f"terms.open_paths.{named}" in words(language).texts


def test_the_rule_says_whether_the_money_agrees() -> None:
    def brings(path: str, share: float) -> Finding:
        number = Number("p_best", path, share, None, None, 0.95, 100, "probability", "m")
        return Finding("M-4.1", f"path_{path}", "supported", "pays_supported", (number,))

    money = [brings("part_time", 0.3), brings("split", 0.7)]
    for reason, said in (("split", "agree"), ("part_time", "disagree")):
        made = with_money(chosen("supported", reason), money)
        assert made.terms == {"best": "split", "money": said} and len(made.numbers) == 2
    assert with_money(chosen("no_data", "none"), money).terms == {}
    assert with_money(chosen("supported", "split"), []).terms == {}
