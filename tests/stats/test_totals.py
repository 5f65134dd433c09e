"""Sums over customers: by hand, at their limits, invariances, and coverage where the number of customers is chance."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from kaanalysis.stats import ratio_of_totals, share_of_total, signed_total, total


def test_a_total_by_hand() -> None:
    """Four customers with 1 each: standard error √4, effective number 4, so 4 · exp(± t₃ · 2 / 4)."""
    found = total([1.0, 1.0, 1.0, 1.0])
    away = stats.t.ppf(0.975, 3) * 0.5
    assert (found.value, found.n) == (4.0, 4)
    assert (found.low, found.high) == (pytest.approx(4 * np.exp(-away)), pytest.approx(4 * np.exp(away)))
    # Two rows of one customer are one customer; one who brings nothing changes nothing.
    again = total([0.5, 0.5, 1.0, 1.0, 1.0, 0.0], ["a", "a", "b", "c", "d", "e"])
    assert (again.value, again.low, again.high, again.n) == pytest.approx((4.0, found.low, found.high, 4))


def test_a_signed_total_by_hand() -> None:
    """3, 2, 1, −2: sum 4, standard error √18, effective number 64 / 18."""
    found = signed_total([3.0, 2.0, 1.0, -2.0])
    away = stats.t.ppf(0.975, 64 / 18 - 1) * np.sqrt(18)
    assert (found.value, found.low, found.high) == pytest.approx((4.0, 4 - away, 4 + away))


def test_fewer_than_three_customers_in_effect_have_no_limits() -> None:
    """Two equal ones would span e⁻⁹ to e⁹ times their sum: no statement at all. Three equal ones have limits."""
    assert total([5.0, 5.0]).low is None and total([100.0, 100.0, 1.0]).low is None
    assert total([5.0, 5.0, 5.0]).low is not None and total([7.0, 5.0, 5.0, 3.0]).low is not None


def test_a_share_by_hand() -> None:
    """Two customers bring 1 of one kind, two bring 1 of the other: log odds 0, influences ± 1/2, standard error 1, t₃."""
    found = share_of_total([1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0])
    reach = stats.t.ppf(0.975, 3)
    assert found.value == 0.5
    assert (found.low, found.high) == pytest.approx((1 / (1 + np.exp(reach)), 1 / (1 + np.exp(-reach))))


def test_all_or_nothing_is_bounded_as_so_many_of_one_kind() -> None:
    everything = share_of_total([2.0] * 10, [0.0] * 10)
    assert (everything.value, everything.high) == (1.0, 1.0)
    assert everything.low == pytest.approx(stats.beta.ppf(0.025, 10, 1))  # Clopper and Pearson, 10 of 10
    nothing = share_of_total([0.0] * 10, [2.0] * 10)
    assert (nothing.value, nothing.low, nothing.high) == (0.0, 0.0, pytest.approx(1 - everything.low))


@pytest.mark.parametrize("values", [[], [0.0, 0.0], [5.0], [1e9, 1.0]])
def test_what_one_customer_carries_has_no_limits(values: list[float]) -> None:
    found = total(values)
    assert found.value == sum(values) and found.low is None and found.high is None
    assert share_of_total(values[:0], values[:0]).value is None


def test_negative_and_missing_values_are_refused() -> None:
    with pytest.raises(ValueError, match="signed_total"):
        total([1.0, -1.0])
    with pytest.raises(ValueError, match="0 or more"):
        share_of_total([1.0], [-1.0])
    with pytest.raises(ValueError, match="values"):
        total([1.0, float("nan")])


amounts = st.lists(st.floats(0.01, 1e6), min_size=3, max_size=20)


@given(amounts, st.floats(0.001, 1000))
def test_a_total_scales_with_its_unit_and_holds_its_value(values: list[float], factor: float) -> None:
    found, scaled = total(values), total([v * factor for v in values])
    if found.low is not None:
        assert 0 < found.low < found.value < found.high  # type: ignore[operator]
        assert (scaled.low, scaled.high) == pytest.approx((found.low * factor, found.high * factor))  # type: ignore[operator]


@given(amounts, st.data())
def test_shares_of_part_and_rest_mirror_each_other(values: list[float], data: st.DataObject) -> None:
    kind = np.array(data.draw(st.lists(st.booleans(), min_size=len(values), max_size=len(values))))
    part, rest = np.where(kind, values, 0.0), np.where(kind, 0.0, values)
    one, other = share_of_total(part, rest), share_of_total(rest, part)
    assert one.value == pytest.approx(1 - other.value)  # type: ignore[operator]
    if one.low is not None:
        assert (one.low, one.high) == pytest.approx((1 - other.high, 1 - other.low))  # type: ignore[operator]
        assert 0 <= one.low <= one.value <= one.high <= 1  # type: ignore[operator]


@pytest.mark.parametrize(("customers", "spread", "least"), [(40, 0.6, 0.93), (90, 1.13, 0.92), (25, 1.13, 0.91)])
def test_a_total_covers_where_the_number_of_customers_is_chance(customers: int, spread: float, least: float) -> None:
    """Poisson many customers with lognormal amounts, 3,000 companies; a resampled fixed number would cover some 85 %."""
    g = np.random.default_rng(5)
    truth = customers * np.exp(spread**2 / 2)
    hits = []
    for _ in range(3000):
        found = total(np.exp(spread * g.standard_normal(g.poisson(customers))))
        if found.low is not None:
            hits.append(found.low <= truth <= found.high)  # type: ignore[operator]
    assert least <= np.mean(hits) <= 0.98 and len(hits) > 2950


def test_a_share_covers() -> None:
    """A fifth of 60 customers are of one kind, half as large: 3,000 companies."""
    g = np.random.default_rng(6)
    truth = 0.2 * 0.5 / (0.2 * 0.5 + 0.8)
    hits = []
    for _ in range(3000):
        kind = g.random(g.poisson(60)) < 0.2
        values = np.exp(0.6 * g.standard_normal(len(kind)))
        found = share_of_total(np.where(kind, 0.5 * values, 0.0), np.where(kind, 0.0, values))
        hits.append(found.low <= truth <= found.high)  # type: ignore[operator]
    assert 0.93 <= np.mean(hits) <= 0.975


def test_a_ratio_by_hand_and_at_its_limits() -> None:
    """Two customers bring 2 now, two brought 1 before: ratio 2, influences ± 1/2, standard error 1, t₃."""
    found = ratio_of_totals([2.0, 2.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0])
    reach = np.exp(stats.t.ppf(0.975, 3))
    assert (found.value, found.low, found.high) == pytest.approx((2.0, 2 / reach, 2 * reach))
    assert ratio_of_totals([1.0, 1.0], [0.0, 0.0]).value is None
    nothing = ratio_of_totals([0.0, 0.0], [1.0, 1.0])
    assert nothing.value == 0 and nothing.low is None
    # Every customer grows alike: nothing moves the ratio, which is no certainty.
    assert ratio_of_totals([2.0, 4.0, 6.0], [1.0, 2.0, 3.0]).low is None


@given(amounts, st.floats(0.01, 100))
def test_a_ratio_turns_round_with_its_sums(values: list[float], factor: float) -> None:
    above, below = np.array(values), np.roll(values, 1) * factor
    one, other = ratio_of_totals(above, below), ratio_of_totals(below, above)
    assert one.value * other.value == pytest.approx(1)  # type: ignore[operator]
    if one.low is not None and other.high is not None:
        assert one.low * other.high == pytest.approx(1)
