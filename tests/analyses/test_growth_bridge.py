"""The growth bridge: the decomposition is exact, each part by hand, and groups add up to the whole."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kaanalysis.analyses.growth_bridge import FACTORS, LEFT, MOVES, by_group, factor_parts, log_mean, measure
from kaanalysis.policy import Policy

AMOUNT = st.floats(0.01, 1e9)
PERIOD = st.tuples(AMOUNT, st.integers(1, 10**6), st.integers(1, 10**6)) | st.just((0.0, 0, 0))


def arrays(*values: float) -> np.ndarray:
    return np.array(values, dtype=float)


@given(before=PERIOD, now=PERIOD)
def test_factors_add_up_to_the_change_also_where_a_period_is_empty(before, now) -> None:
    parts = factor_parts(*((arrays(a), arrays(b)) for a, b in zip(before, now, strict=True)))
    total = sum(parts[f][0] for f in FACTORS)
    assert total == pytest.approx(now[0] - before[0], rel=1e-9, abs=1e-9 * max(1, now[0], before[0]))
    assert all(np.isfinite(parts[f]).all() for f in FACTORS)


def test_one_factor_alone_gets_the_whole_change() -> None:
    # 10 customers x 2 deals x 5 = 100; twice the customers, the deals, the price: 200 each time.
    for factor, deals, customers in (("customers", 40, 20), ("deals_per_customer", 40, 10), ("price", 20, 10)):
        parts = factor_parts((arrays(100), arrays(200)), (arrays(20), arrays(deals)), (arrays(10), arrays(customers)))
        assert {f: pytest.approx(parts[f][0], abs=1e-9) for f in FACTORS} == {
            f: 100.0 if f == factor else 0.0 for f in FACTORS
        }


def test_ang_2004_weights_by_hand() -> None:
    # 100 → 300 with customers x 1.5, deals per customer x 1, price x 2; L = 200 / ln 3.
    parts = factor_parts((arrays(100), arrays(300)), (arrays(10), arrays(15)), (arrays(10), arrays(15)))
    weight = 200 / np.log(3)
    assert parts["customers"][0] == pytest.approx(weight * np.log(1.5))
    assert parts["price"][0] == pytest.approx(weight * np.log(2))


@given(a=AMOUNT, b=AMOUNT)
def test_the_logarithmic_mean_lies_between_its_two_and_is_symmetric(a: float, b: float) -> None:
    mean = log_mean(arrays(a), arrays(b))[0]
    assert min(a, b) * (1 - 1e-9) <= mean <= max(a, b) * (1 + 1e-9)
    assert mean == pytest.approx(log_mean(arrays(b), arrays(a))[0], rel=1e-6)
    assert log_mean(arrays(a), arrays(a))[0] == a and log_mean(arrays(0), arrays(a))[0] == 0


WON = st.just(0.0) | st.floats(0.01, 1e6)
ACCOUNT = st.tuples(
    st.sampled_from(["SMB", "KA"]), st.sampled_from(["retail", "finance", None]), st.sampled_from(["east", "west"]),
    WON, WON, st.integers(1, 3), st.integers(1, 3),
)  # fmt: skip


def frame(rows, running: bool = False) -> pd.DataFrame:
    out = pd.DataFrame(rows, columns=["segment", "industry", "region", "amount_0", "amount_1", "deals_0", "deals_1"])
    for k in ("0", "1"):
        out[f"deals_{k}"] = out[f"deals_{k}"].where(out[f"amount_{k}"] > 0, 0)
    out["running"] = np.where(np.arange(len(out)) % 2, 1, 0) if running else None
    out["account_id"] = out["cluster"] = [f"A{i}" for i in range(len(out))]
    return out[(out["deals_0"] > 0) | (out["deals_1"] > 0)]


@settings(max_examples=40, deadline=None)
@given(rows=st.lists(ACCOUNT, min_size=3, max_size=12))
def test_parts_of_every_group_add_up_to_the_whole_change(rows, policy: Policy) -> None:
    accounts, few = frame(rows), policy.override({"evidence.draws": 200})
    if accounts.empty:
        return
    change = accounts["amount_1"].sum() - accounts["amount_0"].sum()
    parts = by_group(accounts, few, "CNY")
    for _, mine in parts.groupby("dimension"):
        for names in (FACTORS, MOVES, ("change",)):
            assert mine.loc[mine["part"].isin(names), "value"].sum() == pytest.approx(change, abs=1e-6 * 1e6, rel=1e-9)


@settings(max_examples=40, deadline=None)
@given(rows=st.lists(ACCOUNT, min_size=3, max_size=12))
def test_factors_of_all_are_the_sum_of_the_segments(rows, policy: Policy) -> None:
    """Consistency in aggregation (Ang 2015): what holds more than one segment holds their sum, factor by factor."""
    accounts = frame(rows)
    if accounts.empty:
        return
    found = {
        (n.segment, n.name): n.value for n in measure(accounts, policy.override({"evidence.draws": 200}), "CNY")[0]
    }
    segments = {s for s, _ in found} - {"all"}
    for part in (*FACTORS, *MOVES):
        assert found["all", part] == pytest.approx(sum(found[s, part] for s in segments), rel=1e-9, abs=1e-3)


def test_more_key_accounts_are_customers_and_no_higher_price(policy: Policy) -> None:
    """Nobody buys more: ten small customers at 10 and one key account at 1000 become eight and four. Of all deals at once the price
    would have risen from 92 to 340; by segment the whole change is customers."""
    small = [("SMB", None, "east", 10.0 * (i < 10), 10.0 * (i < 8), 1, 1) for i in range(10)]
    key = [("KA", None, "east", 1000.0 * (i < 1), 1000.0, 1, 1) for i in range(4)]
    whole = {n.name: n.value for n in measure(frame(small + key), policy, "CNY")[0] if n.segment == "all"}
    assert whole["customers"] == pytest.approx(2980) and whole["price"] == pytest.approx(0, abs=1e-9)


def test_nothing_new_signed_is_told_apart_from_a_contract_that_ended(policy: Policy) -> None:
    # Signed in the earlier period only: A0 and A2 (no contract now), A1 and A3 (under contract).
    rows = [("SMB", None, "east", amount, 0.0, 1, 1) for amount in (1.0, 20.0, 300.0, 4000.0)]
    found = {n.name: n for n in measure(frame(rows, running=True), policy, "CNY")[0] if n.segment == "SMB"}
    assert {k: found[k].value for k in ("not_repeated", *LEFT)} == {
        "not_repeated": -4321, "still_under_contract": -4020, "gone": -301,
    }  # fmt: skip
    assert {k: found[k].n for k in ("not_repeated", *LEFT, "retained", "growth_rate")} == {
        "not_repeated": 4, "still_under_contract": 2, "gone": 2, "retained": 0, "growth_rate": 4,
    }  # fmt: skip
    without = {n.name for n in measure(frame(rows), policy, "CNY")[0]}
    assert "not_repeated" in without and not without & set(LEFT)


def test_numbers_come_in_order_and_the_frame_holds_them_all(policy: Policy) -> None:
    rows = [
        ("SMB", "retail", "east", 10.0, 20.0, 1, 2),
        ("KA", None, "west", 0.0, 50.0, 1, 1),
        ("SMB", "retail", "west", 5.0, 0.0, 1, 1),
    ]
    numbers, table = measure(frame(rows), policy, "CNY")
    order = ["revenue_before", "revenue_now", "growth_rate", *FACTORS, *MOVES]
    assert [n.segment for n in numbers] == ["SMB"] * 9 + ["KA"] * 9 + ["all"] * 9 + ["KA"]
    assert [n.name for n in numbers] == [*order * 3, "won_share"] and numbers[-1].value == pytest.approx(50 / 70)
    assert len(table) == 27 and set(table["segment"]) == {"SMB", "KA", "all"}
    whole = {n.name: n.value for n in numbers if n.segment == "all"}
    assert (whole["new"], whole["retained"], whole["not_repeated"]) == pytest.approx((50, 10, -5))
