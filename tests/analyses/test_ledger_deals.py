"""Inputs from the same deals: measured by hand, resampled together with 03's reliefs."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from kaanalysis.analyses.ledger_deals import NAMES, draw_deals, from_number, spread_inputs
from kaanalysis.policy import Policy
from kaanalysis.results import Number, Result

DAY = 365.25 / 12


def tables(deals: list[tuple[str, int, str, float]]) -> dict[str, str]:
    """Deals of key accounts by owner: (owner, days to closing, outcome, amount), all opened on 2024-01-01 and each through one stage."""
    start = pd.Timestamp("2024-01-01")
    closed = [(start + pd.Timedelta(days=d)).date() for _, d, _, _ in deals]
    rows = [
        f"O{i:03},A{i},K,{o},x,new,2024-01-01,{c},{r},{a}"
        for i, ((o, _, r, a), c) in enumerate(zip(deals, closed, strict=True))
    ]
    head = "opportunity_id,account_id,team,owner,product,origin,created_at,closed_at,outcome,amount\n"
    return {
        "accounts": "account_id,segment\n" + "".join(f"A{i},KA\n" for i in range(len(deals))),
        "teams": "team,motion\nK,KA\n",
        "opportunities": head + "\n".join(rows) + "\n",
        "stage_history": "opportunity_id,stage,entered_at\n"
        + "".join(f"O{i:03},talk,2024-01-01\n" for i in range(len(deals))),
    }


def sales(policy: Policy, **columns: np.ndarray) -> Result:
    frames = {"bottleneck_draws": pd.DataFrame(columns)} if columns else {}
    return Result("03_sales_flow", "", "", "", [], frames)


WON = [("ann", 40, "won", 100.0), ("ann", 80, "won", 200.0), ("bob", 120, "won", 300.0), ("bob", 160, "won", 400.0)]
LOST = [("ann", 30, "lost", 0.0), ("bob", 90, "lost", 0.0), ("cem", 60, "lost", 0.0), ("cem", 60, "lost", 0.0)]


def test_what_all_deals_give_by_hand(company: Callable, policy: Policy) -> None:
    made = draw_deals(company(**tables(WON + LOST)), policy, sales(policy))
    assert made is not None and (made.clusters, made.wins) == (3, 4)
    success, cycle, spread, relief, size, variation = made.point
    assert success == pytest.approx(0.5)  # four of eight, nobody open
    # Quarter, half and three quarters of the wins are won after 40, 80 and 120 days; a day is its middle.
    assert cycle == pytest.approx(80.5 / DAY, rel=1e-3)
    assert spread == pytest.approx(np.log(120.5 / 40.5) / (2 * 0.6744898), rel=1e-6)
    assert size == 250 and variation == pytest.approx(np.std([100, 200, 300, 400], ddof=1) / 250)
    assert np.isnan(relief) and made.draws.shape == (policy["evidence.draws"], 6)
    # cem alone wins nothing: such a resample gives no success to speak of, and no sizes.
    assert (
        np.nanmin(made.column("success")) >= 0
        and np.isnan(made.column("deal_size")).sum() == (made.column("success") != made.column("success")).sum()
    )


def test_a_lognormal_time_to_win_gives_back_its_spread(company: Callable, policy: Policy) -> None:
    rng = np.random.default_rng(4)
    days = np.minimum(np.exp(np.log(90) + 0.4 * rng.normal(size=600)).round().astype(int), 360)
    made = draw_deals(
        company(**tables([(f"s{i % 20}", int(d), "won", 10.0) for i, d in enumerate(days)])), policy, sales(policy)
    )
    assert made is not None
    item = spread_inputs(made, policy)[0]
    assert item.name == "cycle_spread" and item.low < 0.4 < item.high and item.value == pytest.approx(0.4, abs=0.05)


def test_reliefs_of_03_are_of_the_same_resamples(company: Callable, policy: Policy) -> None:
    opened = company(**tables(WON + LOST))
    alone = draw_deals(opened, policy, sales(policy))
    assert alone is not None
    # Were relief what success lacks, resample by resample, its scores would be the mirror of success's.
    mirror = 1 - np.nan_to_num(alone.column("success"))
    made = draw_deals(opened, policy, sales(policy, severity=100 * mirror))
    assert made is not None
    r = made.correlation()
    at = {n: i for i, n in enumerate(NAMES)}
    assert r[at["success"], at["relief"]] < -0.95
    assert np.allclose(np.diag(r), 1) and np.allclose(r, r.T)
    # Reliefs of another number of resamples are of other sellers: independent.
    other = draw_deals(opened, policy, sales(policy, severity=np.arange(7.0)))
    assert other is not None and np.abs(np.delete(other.correlation()[at["relief"]], at["relief"])).max() == 0


def test_larger_contracts_of_those_who_win_more_hang_together(company: Callable, policy: Policy) -> None:
    # Good sellers win all and sell large, others win one in four and sell small.
    deals = [(f"good{i}", 50 + j, "won", 900.0 + j) for i in range(6) for j in range(4)]
    deals += [(f"poor{i}", 60 + j, "won" if j == 0 else "lost", 100.0 + j) for i in range(6) for j in range(4)]
    made = draw_deals(company(**tables(deals)), policy, sales(policy))
    assert made is not None and made.correlation()[NAMES.index("success"), NAMES.index("deal_size")] > 0.8


def test_without_deals_or_wins_there_is_nothing_to_draw(company: Callable, policy: Policy) -> None:
    assert draw_deals(company(**tables(LOST)), policy, sales(policy)) is None
    for item in spread_inputs(None, policy):
        assert (item.value, item.uncertain) == (0.0, False)


def test_a_number_of_an_earlier_notebook_as_an_input() -> None:
    days = Number("cycle_median", "KA", 60.0, 30.0, None, 0.95, 9, "days", "m")
    made = from_number("cycle_months", days, "months", "log", 1 / 30, 0.5)
    assert (made.value, made.low, made.high, made.level) == (2.0, 1.0, 2.0, 0.95)
    assert from_number("x", Number("x", "KA", 0.0, -1.0, 3.0, 0.9, 9, "u", "m"), "u", "linear").low == 0.0
