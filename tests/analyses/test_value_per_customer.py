"""M-0.4: growth per customer with the mix held, by hand and against its own plain form; a mix that moves alone says nothing."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaanalysis.analyses.known_accounts import Units
from kaanalysis.analyses.value_per_customer import (
    judge_value,
    parts_of,
    plain_growth,
    standardised_growth,
    value_columns,
    value_numbers,
    value_shortfall,
)
from kaanalysis.policy import Policy
from kaanalysis.results import Number
from kaanalysis.stats import poisson_sums


def units(rows: list[tuple[str | None, float, float]]) -> Units:
    """Accounts with segment and won amounts of both periods; a deal where there is an amount."""
    frame = pd.DataFrame(rows, columns=["segment", "amount_0", "amount_1"])
    frame["deals_0"], frame["deals_1"] = (frame[f"amount_{k}"] > 0 for k in (0, 1))
    frame["cluster"] = frame["account_id"] = [f"A{i}" for i in range(len(frame))]
    return Units(frame, "SMB")


def parts(rows: list[tuple[str | None, float, float]]) -> np.ndarray:
    return parts_of(value_columns(units(rows)).sum(axis=0, keepdims=True))


# 8 small customers at 10, then 5 at 12; 2 key accounts at 100, then 10 at 95.
MOVED = [("SMB", 10.0, 0.0)] * 8 + [("SMB", 0.0, 12.0)] * 5 + [("KA", 100.0, 0.0)] * 2 + [("KA", 0.0, 95.0)] * 10


def test_growth_with_the_mix_held_by_hand() -> None:
    found = parts(MOVED)
    # Plain: 28 → 1010 / 15. Held at 8 to 2: (8 · 12 + 2 · 95) / (8 · 10 + 2 · 100) = 286 / 280.
    assert plain_growth(found)[0] == pytest.approx(1010 / 15 / 28 - 1)
    assert standardised_growth(found)[0] == pytest.approx(286 / 280 - 1)
    # Missing to 10 % more: 5 small customers 11 against 12, 10 key accounts 110 against 95.
    assert value_shortfall(found, 0.1)[0] == pytest.approx(5 * 11 - 60 + 10 * 110 - 950)


def test_a_segment_without_customers_in_a_period_has_no_growth() -> None:
    new = [*MOVED, (None, 0.0, 1e6)]
    assert standardised_growth(parts(new))[0] == pytest.approx(286 / 280 - 1)
    assert value_shortfall(parts(new), 0.1)[0] == pytest.approx(5 * 11 - 60 + 10 * 110 - 950)
    assert np.isnan(standardised_growth(parts([("SMB", 5.0, 0.0), ("KA", 0.0, 7.0)]))[0])


AMOUNT = st.just(0.0) | st.floats(0.01, 1e6)


@given(rows=st.lists(st.tuples(st.just("SMB"), AMOUNT, AMOUNT), min_size=2, max_size=12))
def test_with_one_segment_it_is_the_plain_growth(rows) -> None:
    found = parts(rows)
    assert standardised_growth(found) == pytest.approx(plain_growth(found), nan_ok=True)


@given(
    small=st.floats(0.5, 1e4), large=st.floats(0.5, 1e6), rise=st.floats(0.2, 5),
    counts=st.tuples(*[st.integers(1, 30)] * 4),
)  # fmt: skip
def test_where_every_segment_grows_alike_the_mix_is_of_no_account(small, large, rise, counts) -> None:
    rows = []
    for segment, value, before, now in (("SMB", small, *counts[:2]), ("KA", large, *counts[2:])):
        rows += [(segment, value, 0.0)] * before + [(segment, 0.0, value * rise)] * now
    assert standardised_growth(parts(rows))[0] == pytest.approx(rise - 1)


def numbers(rows: list[tuple[str | None, float, float]], policy: Policy) -> list[Number]:
    frame = units(rows)
    columns = value_columns(frame)
    clusters = frame.frame["cluster"].to_numpy(object)
    draws = poisson_sums(columns, clusters, policy["evidence.draws"], policy["evidence.seed"])
    return value_numbers(columns.sum(axis=0, keepdims=True), draws, frame, policy)


def test_numbers_name_the_segments_and_the_mix(policy: Policy) -> None:
    found = {(n.name, n.segment): n for n in numbers(MOVED, policy)}
    assert found["value_growth", "SMB"].value == pytest.approx(0.2)
    assert found["value_growth", "KA"].value == pytest.approx(-0.05)
    assert found["value_growth", "KA"].n == 12 and found["value_growth", "all"].n == 25
    held, mix = found["value_growth_same_mix", "all"].value, found["value_growth_by_mix", "all"].value
    assert held + mix == pytest.approx(found["value_growth", "all"].value)  # type: ignore[operator]
    alone = numbers([("SMB", 10.0 + i % 3, 9.0 + i % 4) for i in range(20)], policy)
    assert [n.name for n in alone] == ["value_growth_same_mix", "value_growth"]
    assert (alone[0].value, alone[0].low) == pytest.approx((alone[1].value, alone[1].low))


def test_more_key_accounts_are_no_growth_per_customer(policy: Policy) -> None:
    """Simpson: the plain amount per customer doubles, no segment's moves."""
    rng = np.random.default_rng(5)
    rows = [("SMB", float(a), 0.0) for a in rng.lognormal(2, 0.5, 60)] + [
        ("SMB", 0.0, float(a)) for a in rng.lognormal(2, 0.5, 40)
    ]
    rows += [("KA", float(a), 0.0) for a in rng.lognormal(4, 0.5, 20)] + [
        ("KA", 0.0, float(a)) for a in rng.lognormal(4, 0.5, 60)
    ]
    made = numbers(rows, policy)
    plain = next(n for n in made if (n.name, n.segment) == ("value_growth", "all"))
    assert plain.low is not None and plain.low > 0.2
    assert judge_value(made, policy)[0].state == "undecided"


def test_segments_that_surely_disagree_leave_it_open(policy: Policy) -> None:
    def rate(name: str, segment: str, low: float, high: float) -> Number:
        return Number(name, segment, (low + high) / 2, low, high, 0.95, 40, "share per period", "m")

    whole = rate("value_growth_same_mix", "all", -0.3, -0.1)
    down, up = rate("value_growth", "KA", -0.4, -0.2), rate("value_growth", "SMB", 0.2, 0.5)
    assert judge_value([whole, down, up], policy)[0].reason == "value_segments_differ"
    assert judge_value([whole, down, rate("value_growth", "SMB", -0.2, 0.5)], policy)[0].state == "supported"
    # What the plain figure of all says does not count.
    assert judge_value([whole, down, rate("value_growth", "all", 0.2, 0.5)], policy)[0].state == "supported"
