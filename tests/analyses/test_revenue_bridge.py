"""The revenue bridge by hand: KA revenue apart, what the other teams lost, and the net increment between its bounds."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaanalysis.analyses.revenue_bridge import bridge_numbers, bridge_parts, lost_by_others

MONEY = st.floats(0, 1e9)
COLUMNS = ["won", "other_won", "before", "known_before"]


def test_bridge_by_hand() -> None:
    # 24 months since the launch, rates of 12 months before. New: 100. Taken over with 30 a year before: 60 were to come anyway,
    # of 100 won 60 are carried on, 40 on top. SMB still won 50 of it: only 10 carried on. Taken over, 500 a year: all carried on.
    frame = pd.DataFrame([(100, 0, 0, 0), (100, 0, 30, 1), (100, 50, 30, 1), (100, 0, 500, 1)], columns=COLUMNS)
    parts = bridge_parts(frame, 24, 12)
    assert parts["new"].tolist() == [100, 0, 0, 0]
    assert parts["carried_on"].tolist() == [0, 60, 10, 100]
    assert parts["on_top"].tolist() == [0, 40, 90, 0]


@given(rows=st.lists(st.tuples(MONEY, MONEY, MONEY, st.booleans()), min_size=1, max_size=8), months=st.floats(0, 60))
def test_parts_add_up_to_what_was_won_and_none_is_negative(rows, months) -> None:
    frame = pd.DataFrame(rows, columns=COLUMNS)
    parts = bridge_parts(frame.astype({"known_before": int}), months, 12)
    assert parts.sum(axis=1).to_numpy() == pytest.approx(frame["won"].to_numpy())
    assert (parts.to_numpy() >= 0).all()


def test_what_others_lost_by_hand() -> None:
    # Not taken over: 100 a year before, 200 expected in 24 months, 230 came: 30 more than expected. Taken over: 50 a year, 100 expected,
    # 20 still came to the others: 80 missing. If it had grown as the other (230 / 200): 115 − 20 = 95. If it had left: nothing missing.
    lost = lost_by_others(pd.DataFrame([(0, 230, 100, 1), (500, 20, 50, 1)], columns=COLUMNS), 24, 12, 1.0)
    assert lost.least.sum() == pytest.approx(-30) and lost.own.sum() == pytest.approx(50)
    assert lost.most.sum() == pytest.approx(65) and lost.expected == pytest.approx(200)


def test_a_trend_of_growth_makes_the_same_sales_a_loss() -> None:
    steady = pd.DataFrame([(0, 200, 100, 1)], columns=COLUMNS)
    assert lost_by_others(steady, 24, 12, 1.0).own.sum() == pytest.approx(0)
    assert lost_by_others(steady, 24, 12, 1.2).own.sum() == pytest.approx(40)


def many(taken: bool) -> pd.DataFrame:
    """Forty groups that stay with the others at their old rate, thirty that KA teams win 100 each from: all taken over, or all new."""
    stay = [(0.0, 100.0 + i, 50.0 + i / 2, 1) for i in range(40)]
    ours = [(95.0 + 10 * (i % 2), 0.0, 50.0 if taken else 0.0, int(taken)) for i in range(30)]
    return pd.DataFrame(stay + ours, columns=COLUMNS)


@pytest.mark.parametrize(("taken", "net", "least", "most"), [(True, 0.0, 0.0, 3000.0), (False, 3000.0, 3000.0, 3000.0)])
def test_left_hand_to_right_hand_nets_nothing_and_new_customers_net_all(
    taken: bool, net: float, least: float, most: float
) -> None:
    # Taken over at their old rate: an increment of 3000 only if all of them would have left without the KA team.
    numbers, frame = bridge_numbers(many(taken), 24, 12, (0.0, 0.0), 0.95, "CNY")
    found = {n.name: n for n in numbers}
    rows = frame.set_index("part")
    assert found["net_increment"].value == pytest.approx(net, abs=1e-6)
    assert rows.loc["net_increment", ["least", "most"]].tolist() == pytest.approx([least, most])
    assert found["net_increment"].low < net + 1e-6 <= found["net_increment"].high + 1e-6  # type: ignore[operator]
    assert found["ka_revenue_new"].value == (0 if taken else 3000)


def test_the_parts_less_the_loss_are_the_net_increment_and_doubt_of_the_trend_widens_it() -> None:
    numbers, frame = bridge_numbers(many(True), 24, 12, (math.log(1.1), 0.0), 0.95, "CNY")
    wide, _ = bridge_numbers(many(True), 24, 12, (math.log(1.1), 0.2), 0.95, "CNY")
    value = frame.set_index("part")["value"]
    assert value[["new", "carried_on", "on_top"]].sum() - value["smb_lost"] == pytest.approx(value["net_increment"])
    narrow, broad = (next(n for n in made if n.name == "smb_lost") for made in (numbers, wide))
    assert broad.low < narrow.low < narrow.value < narrow.high < broad.high  # type: ignore[operator]


def test_the_limits_hold_the_truth_between_the_bounds() -> None:
    """120 companies of 60 groups whose taken-over customers go on at a rate between leaving and growing: the true loss lies inside."""
    g, inside = np.random.default_rng(5), 0
    for _ in range(120):
        before = g.poisson(1.0, 60) * g.lognormal(3, 0.6, 60)
        after = g.poisson(2.0, 60) * g.lognormal(3, 0.6, 60)  # 24 months at the rate of 12
        moved = np.arange(60) < 20
        counterfactual = np.where(moved, after, 0.0)  # what the moved would have brought: their own rate
        frame = pd.DataFrame({"won": np.where(moved, 50.0, 0.0), "other_won": np.where(moved, 0.0, after), "before": before,
                              "known_before": 1})  # fmt: skip
        lost = next(n for n in bridge_numbers(frame, 24, 12, (0.0, 0.0), 0.95, "CNY")[0] if n.name == "smb_lost")
        inside += lost.low <= counterfactual.sum() <= lost.high  # type: ignore[operator]
    assert inside / 120 > 0.93
