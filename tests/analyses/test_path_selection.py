"""M-4: the rule's table, its cloud and its flips; what the ledger's inputs are made of; verdicts about paying and losing."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from kaanalysis.analyses.ledger_inputs import _bootstrap_mean, _lifetime_months
from kaanalysis.analyses.path_economics import judge_economics, span
from kaanalysis.analyses.path_rule import find as find_rule
from kaanalysis.analyses.path_rule import judge_rule, rule
from kaanalysis.policy import Policy
from kaanalysis.results import Finding, Number, Result


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


@pytest.mark.parametrize("mean_life", [6.0, 36.0, 200.0])
def test_lifetime_is_the_exponential_law_with_that_restricted_mean(mean_life: float) -> None:
    restricted = mean_life * -np.expm1(-36 / mean_life)  # E[min(T, 36)]
    number = Number(
        "rmst", "KA", restricted, restricted * 0.9, min(restricted * 1.1, 35.0), 0.95, 50, "months", "m", 36
    )
    made = _lifetime_months(Result("01", "d", "p", "x", [Finding("M-1.2", "k", "supported", "r", (number,))]))
    assert (
        made is not None and made[0] == pytest.approx(mean_life, rel=1e-6) and made[1] < made[0] < made[2]
    ) or restricted * 1.1 > 35


def test_a_month_without_its_cost_is_left_out_and_does_not_void_the_rest(policy: Policy) -> None:
    cost, sellers = np.array([10.0, np.nan, 40.0, 30.0]), np.array([1.0, 1.0, 2.0, 1.0])
    made = _bootstrap_mean("seller_cost", cost, sellers, np.arange(4), policy, "u")
    assert made is not None and made.value == pytest.approx(80 / 4)
    assert _bootstrap_mean("x", np.array([5.0, np.nan]), None, np.arange(2), policy, "u") is None


def test_worlds_that_never_pay_back_count_as_the_latest_not_as_none() -> None:
    # 60 of 100 worlds pay back in months 1 … 60, 40 never: half of all have by month 50, not by month 30.5.
    values = np.concatenate([np.arange(1.0, 61), np.full(40, np.nan)])
    made = span("payback_month", "split", values, "months", "m")
    assert (made.value, made.low, made.high) == (50, 5, None)
    assert span("payback_month", "split", np.where(np.arange(100) < 49, 3.0, np.nan), "months", "m").value is None
    assert span("npv", "split", np.arange(101.0), "CNY", "m").value == 50


@pytest.mark.parametrize(
    ("gains", "state"), [(80, "supported"), (79, "undecided"), (21, "undecided"), (20, "contradicted")]
)
def test_a_path_pays_if_enough_worlds_say_so(gains: int, state: str, policy: Policy) -> None:
    npv = np.where(np.arange(100) < gains, 1.0, -1.0)
    paths = ("part_time", "split", "rebuild")
    findings = judge_economics({p: SimpleNamespace(npv=npv) for p in paths}, {p: [] for p in paths}, policy)  # type: ignore[misc]
    assert [f.state for f in findings] == [state] * 3
    assert findings[0].number("p_gain").value == gains / 100  # type: ignore[union-attr]
