"""Sums over customers: by hand, at their limits, invariances, and coverage where the number of customers is chance."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from kaanalysis.stats import (
    effective_number,
    log_ratio_of_totals,
    ratio_of_totals,
    share_effect,
    share_of_total,
    signed_total,
    total,
    wilson,
)


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


def test_effective_number_by_hand() -> None:
    assert effective_number([1, 1, 1, 1]) == 4 and effective_number([1, 1, 1, 1], ["a", "a", "b", "b"]) == 2
    assert effective_number([3, 1]) == pytest.approx(16 / 10) and effective_number([0, 0]) == 0


def test_log_ratio_is_the_logarithm_of_the_ratio_with_the_same_limits() -> None:
    g = np.random.default_rng(4)
    above, below = g.lognormal(0, 0.6, 40), g.lognormal(0.3, 0.6, 40)
    effect, ratio = log_ratio_of_totals(above, below, method="m"), ratio_of_totals(above, below)
    made = effect.interval(0.95)
    assert effect.value == pytest.approx(np.log(above.sum() / below.sum()))
    assert np.exp(made.low) == pytest.approx(ratio.low) and np.exp(made.high) == pytest.approx(ratio.high)  # type: ignore[arg-type]
    assert log_ratio_of_totals([0, 0], [1, 2], method="m").value is None


def test_share_effect_is_wilson_where_all_units_are_alike() -> None:
    """Against Wilson's interval for 30 of 40, and its own test at the limits."""
    part, rest = np.repeat([1.0, 0.0], [30, 10]), np.repeat([0.0, 1.0], [30, 10])
    share = share_effect(part, rest, method="m")
    made, known = share.interval(0.95), wilson(30, 40)
    assert (made.value, made.n) == (0.75, 40)
    assert made.low == pytest.approx(known.low) and made.high == pytest.approx(known.high)
    assert share.p_above(made.low) == pytest.approx(0.025) and share.p_below(made.high) == pytest.approx(0.025)  # type: ignore[arg-type]


@pytest.mark.parametrize(("chance", "spread"), [(0.5, 0.5), (0.5, 1.1), (0.9, 0.5), (0.2, 0.8)])
def test_the_test_of_a_share_keeps_its_level_and_its_interval_holds_the_truth(chance: float, spread: float) -> None:
    g, false_alarms, held, runs = np.random.default_rng(9), 0, 0, 500
    for _ in range(runs):
        amount = np.exp(spread * g.standard_normal(max(5, g.poisson(35))))
        mine = g.random(len(amount)) < chance
        share = share_effect(amount * mine, amount * ~mine, method="m")
        p = share.p_above(chance)
        false_alarms += p is not None and p < 0.01
        made = share.interval(0.95)
        held += made.low is not None and made.low <= chance <= made.high  # type: ignore[operator]
    assert false_alarms / runs < 0.03 and held / runs > 0.92


def test_a_share_of_two_large_units_is_no_evidence() -> None:
    one = share_effect([100.0, 0.1], [0.0, 0.0], method="m")
    assert one.p_above(0.5) is None and one.interval(0.95).low is None and one.value == 1
    assert share_effect([], [], method="m").value is None
    assert share_effect(np.ones(30), np.zeros(30), method="m").p_above(0.5) < 1e-6  # type: ignore[operator]
