"""Sensitivity of the ledger's own values, and dominance between paths."""

import numpy as np
import pytest
from analyses.ledger_world import numbers

from kaanalysis.analyses.ledger import PATHS, expected_npv
from kaanalysis.analyses.path_sensitivity import best_two, dominance_frame, odds_frame, sensitivity_frame
from kaanalysis.analyses.uncertain_inputs import Input, Inputs, at_normal_scores
from kaanalysis.policy import Policy

SPREAD = {"seller_cost": 3.0, "deal_size": 100.0, "split.leader_multiple": 0.5, "rebuild.leader_multiple": 0.5}


def inputs(rho: float = 0.0) -> Inputs:
    """The round world with four uncertain inputs, normal on their own scale; the leaders of split and rebuild hang together by `rho`."""
    items = []
    for name, value in numbers().items():
        span = SPREAD.get(name, 0.0) * 1.6448536269514722
        items.append(Input(name, value, value - span, value + span, 0.9, "", "policy", "linear"))
    names = [i.name for i in items]
    matrix = np.eye(len(items))
    a, b = names.index("split.leader_multiple"), names.index("rebuild.leader_multiple")
    matrix[a, b] = matrix[b, a] = rho
    return Inputs(tuple(items), matrix)


@pytest.fixture
def fast(policy: Policy) -> Policy:
    return policy.override({"ledger.sensitivity_base": 512, "ledger.horizon_months": 24})


def slopes(held: Inputs, policy: Policy) -> dict[str, np.ndarray]:
    """What one standard deviation of each uncertain input moves every path by: the ledger is linear in each of these four alone."""
    z = np.zeros((1 + len(SPREAD), len(held.items)))
    for row, name in enumerate(SPREAD, 1):
        z[row, held.names.index(name)] = 1.0
    value = expected_npv(at_normal_scores(held, z), 24, policy["ledger.discount_rate"])
    return {name: value[row] - value[0] for row, name in enumerate(SPREAD, 1)}


def test_shares_of_the_variance_are_those_of_the_slopes(fast: Policy) -> None:
    held = inputs()
    moved = slopes(held, fast)
    made = sensitivity_frame(held, ("rebuild", "split"), fast)
    for i, path in enumerate(PATHS):
        rows = made[made["output"] == path].set_index("input")
        by_setting = {
            "seller_cost": moved["seller_cost"][i] ** 2,
            "deal_size": moved["deal_size"][i] ** 2,
            "leader_multiple": moved["split.leader_multiple"][i] ** 2 + moved["rebuild.leader_multiple"][i] ** 2,
        }
        whole = sum(by_setting.values())
        assert set(rows.index) == set(by_setting)
        for setting, part in by_setting.items():  # seller_cost x leader_multiple is a product: a small interaction
            for measure in ("first", "total", "shapley"):
                assert rows.loc[setting, measure] == pytest.approx(part / whole, abs=0.05)
        assert rows["shapley"].sum() == pytest.approx(1) and (rows["shapley"].diff().dropna() <= 0).all()


def test_the_difference_of_two_paths_forgets_what_they_share(fast: Policy) -> None:
    # Both paths are alike but for their leaders, so deal size and seller cost do not tell them apart.
    made = sensitivity_frame(inputs(), ("rebuild", "split"), fast)
    rows = made[made["output"] == "difference"].set_index("input")
    # Part of the difference stems from pay of today's sellers only for part-time; split and rebuild share all lines.
    assert rows.loc["leader_multiple", "shapley"] > 0.95
    assert rows["one"].unique().tolist() == ["rebuild"] and rows["other"].unique().tolist() == ["split"]
    assert (rows["first_low"] <= rows["first"]).all() and (rows["total"] <= rows["total_high"]).all()


def test_inputs_that_hang_together_are_shared_out(fast: Policy) -> None:
    # Leaders that move together cancel in the difference of the two paths: less variance is left, all of it still theirs.
    apart, together = (sensitivity_frame(inputs(r), ("rebuild", "split"), fast) for r in (0.0, 0.8))
    for made in (apart, together):
        rows = made[made["output"] == "difference"].set_index("input")
        assert rows["shapley"].sum() == pytest.approx(1) and rows.loc["leader_multiple", "total"] > 0.9


def test_best_two_by_mean() -> None:
    assert best_two(np.array([[1.0, 5.0, 3.0], [1.0, 5.0, 4.0]])) == ("split", "rebuild")


@pytest.mark.parametrize(("shift", "reading"), [
    ([0.0, 0.0, 0.0, 0.0], "first"), ([-1.0, 0.0, 0.0, 0.0], "almost"), ([-40.0, 0.0, 0.0, 0.0], "none"),
])  # fmt: skip
def test_readings_of_dominance(shift: list[float], reading: str, policy: Policy) -> None:
    base = np.array([0.0, 10.0, 20.0, 30.0])
    # Split brings 10 more, less in the worst draw by the shift: of the area between the curves 0, then (1 - 10) ...
    split = base + 10 + np.array([-10.0, 0, 0, 0]) * (reading != "first") + np.array(shift)
    npv = np.column_stack([base, split, base - 1000])
    made = dominance_frame(npv, npv, policy).set_index(["one", "other"])
    row = made.loc[("split", "part_time")]
    assert row["reading"] == reading
    if reading == "almost":  # one draw worse by 1, three better by 10
        assert row["violation"] == pytest.approx(1 / 31) and not row["first"]
    assert made.loc[("part_time", "rebuild"), "reading"] == "first" and len(made) == 6
    assert made.loc[("rebuild", "split"), "better"] == 0


def test_odds_are_quantiles() -> None:
    npv = np.column_stack([np.arange(1001.0), np.arange(1001.0) * 2, -np.arange(1001.0)])
    made = odds_frame(npv)
    assert made[(made["path"] == "split") & (made["share"].round(3) == 0.5)]["npv"].item() == pytest.approx(1000)
    assert made.groupby("path")["npv"].apply(lambda v: v.is_monotonic_increasing).all() and len(made) == 3 * 199
