"""Whether two estimates differ beyond their joint uncertainty: closed forms first, then false alarms and power by simulation."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from benchmarks.validity.truths import NO_COVERAGE
from kaanalysis.analyses import hatching, rival_team, shortfall, siphon
from kaanalysis.joint_uncertainty import (
    BELIEF,
    BETWEEN_PERIODS,
    CONDITIONAL,
    MOST_FREEDOM,
    Change,
    change,
    dependence,
    kind_of,
)
from kaanalysis.results import Number
from kaanalysis.stats import wilson
from kaanalysis.stats.multiplicity import holm
from kaanalysis.stats.totals import total
from kaanalysis.text import words

LARGE = 10**6  # units: as many degrees of freedom as are allowed


def made(
    value, low, high, *, name="x", n=LARGE, unit="share difference", level=0.95, method="", horizon=None
) -> Number:
    return Number(name, "all", value, low, high, level, n, unit, method, horizon)


def joint(before: Number, after: Number, assumed="independent", level=0.95) -> Change:
    found = change(before, after, assumed, level)
    assert found is not None
    return found


def test_two_means_give_the_t_test_of_their_difference() -> None:
    """Standard errors 3 and 4, difference −10: t = −10 / 5."""
    z = float(stats.t.isf(0.025, MOST_FREEDOM))
    found = joint(made(0.0, -3 * z, 3 * z), made(-10.0, -10 - 4 * z, -10 + 4 * z))
    assert found.value == -10
    assert found.p_value == pytest.approx(2 * stats.t.sf(2.0, MOST_FREEDOM))
    assert (found.low, found.high) == (pytest.approx(-10 - 5 * z), pytest.approx(-10 + 5 * z))


def test_interval_of_a_difference_of_shares_is_newcombes_hybrid_score() -> None:
    """Newcombe, Statistics in Medicine 17 (1998) 873–890, table II, method 10: 56/70 − 48/80 = 0.2, limits 0.0524 and 0.3339."""
    one, two = wilson(48, 80), wilson(56, 70)
    before = made(one.value, one.low, one.high, unit="share")
    after = made(two.value, two.low, two.high, unit="share")
    found = joint(before, after)
    assert (found.low, found.high) == (pytest.approx(0.0524, abs=5e-5), pytest.approx(0.3339, abs=5e-5))


def test_limits_that_touch_the_other_value_by_their_joint_width_give_the_error_of_the_level() -> None:
    """Half-widths 3 and 4 facing each other, 5 apart: exactly at the border of the interval, on the scale as it stands."""
    found = joint(made(-1.0, -9.0, 2.0), made(4.0, 0.0, 30.0))
    assert found.p_value == pytest.approx(0.05) and found.low == pytest.approx(0.0)


def test_half_widths_are_added_where_the_relation_may_have_any_sign() -> None:
    before, after = made(0.0, -3.0, 3.0), made(7.0, 3.0, 11.0)
    assert joint(before, after, "any").p_value == pytest.approx(0.05)
    assert joint(before, after, "not_negative").p_value < 0.05


@given(
    a=st.floats(-5, 5), b=st.floats(-5, 5), w=st.floats(0.1, 3), v=st.floats(0.1, 3),
    rho=st.floats(-1, 1),
)  # fmt: skip
def test_no_correlation_makes_a_difference_wider_than_any_and_none_above_0_wider_than_independent(
    a, b, w, v, rho
) -> None:
    """Minkowski, and its sharper form where the covariance is 0 or more."""
    sd = math.sqrt(max(0.0, w * w + v * v - 2 * rho * w * v))
    before, after = made(a, a - w, a + w), made(b, b - v, b + v)
    assert (joint(before, after, "any").high - (b - a)) >= sd - 1e-9
    if rho >= 0:
        assert (joint(before, after, "not_negative").high - (b - a)) >= sd - 1e-9


@given(
    a=st.floats(0.05, 0.95),
    b=st.floats(0.05, 0.95),
    w=st.floats(0.001, 0.04),
    v=st.floats(0.001, 0.04),
    n=st.integers(2, 2000),
)
def test_p_value_does_not_hang_on_which_run_is_called_earlier(a, b, w, v, n) -> None:
    before, after = made(a, a - w, a + w, unit="share", n=n), made(b, b - v, b + v, unit="share", n=n)
    there, back = joint(before, after), joint(after, before)
    assert there.p_value == pytest.approx(back.p_value) and 0 <= there.p_value <= 1
    assert (there.low, there.high) == (pytest.approx(-back.high), pytest.approx(-back.low))
    assert joint(before, after, "any").p_value >= there.p_value


def test_interval_at_another_level_is_stretched_as_students_t_on_the_clusters_that_the_method_names() -> None:
    half = float(stats.t.isf(0.025, 4))
    few = made(0.0, -half, half, n=900, method="cluster bootstrap (percentile), 5 clusters, 1000 draws")
    found = joint(few, few, "any", 0.99)
    assert found.high == pytest.approx(2 * stats.t.isf(0.005, 4))


def test_tails_of_few_units_are_those_of_students_t() -> None:
    """The same picture with 5 units and with many: beyond the reported level few units convince less."""
    few = joint(made(0.0, -1.0, 1.0, n=5), made(4.0, 3.0, 5.0, n=5)).p_value
    many = joint(made(0.0, -1.0, 1.0), made(4.0, 3.0, 5.0)).p_value
    half = math.sqrt(2)
    assert few == pytest.approx(2 * stats.t.sf(4 / half * stats.t.isf(0.025, 4), 4)) and few > 10 * many


def test_largest_p_value_over_the_scales_counts() -> None:
    """Both limits positive: on the logarithm the lower limit of 0.1 … 10 lies as far as the upper, on the plain scale it is near."""
    before, after = made(1.0, 0.1, 10.0, unit="ratio"), made(9.0, 8.0, 10.0, unit="ratio")
    on_log = math.log(9) / math.hypot(math.log(10), math.log(9 / 8))
    on_plain = 8 / math.hypot(9, 1)
    assert joint(before, after).p_value == pytest.approx(
        2 * stats.t.sf(min(on_log, on_plain) * stats.t.isf(0.025, 20), 20)
    )


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (made(1.0, 0.5, 2.0), "sampling"),
        (made(1.0, None, None), "none"),
        (made(None, 1.0, None), "none"),
        (made(1.0, 1.0, None), "none"),
        (made(1.0, 1.0, 1.0), "none"),
        (made(3.0, 1.0, 2.0), "none"),  # a value outside its own interval
        (made(0.0, 0.0, 0.1), "sampling"),
        (Number("mark", "KA", 0.5, None, None, None, 10, "share", "policy"), "exact"),
        (made(0.9, 0.88, 0.92, name="p_best"), "conditional"),
        (made(9.0, 1.0, 20.0, name="npv"), "belief"),
    ],
)  # fmt: skip
def test_kind_of_an_interval(number: Number, kind: str) -> None:
    assert kind_of(number) == kind


def test_what_is_no_one_quantity_or_has_no_interval_is_not_tested() -> None:
    plain = made(1.0, 0.5, 2.0)
    others = (
        dataclasses.replace(plain, unit="days"),
        dataclasses.replace(plain, horizon_months=12.0),
        dataclasses.replace(plain, low=None),
        dataclasses.replace(plain, name="p_best"),
    )
    assert all(change(plain, other, "independent", 0.95) is None for other in others)


def test_a_limit_on_its_own_value_is_no_certainty() -> None:
    """Whole days: 5 (4 to 5) and 6 (6 to 8). The sides that face each other have no width; the other sides, 1 and 2, stand for them."""
    found = joint(made(5.0, 4.0, 5.0, unit="days"), made(6.0, 6.0, 8.0, unit="days"))
    on_log = math.log(6 / 5) / math.hypot(math.log(5 / 4), math.log(8 / 6))
    on_plain = 1 / math.hypot(1, 2)
    assert found.p_value == pytest.approx(2 * stats.t.sf(min(on_log, on_plain) * stats.t.isf(0.025, 20), 20), rel=1e-4)


def test_numbers_whose_interval_is_no_sampling_interval_are_those_of_the_validity_study() -> None:
    """The study gives a reason for every number whose interval holds no truth; the same ones must not be tested for change."""
    assert {n for n, why in NO_COVERAGE.items() if "Monte-Carlo" in why or "ledger draws" in why} <= CONDITIONAL | {
        "alarm_recall"
    }
    assert {n for n, why in NO_COVERAGE.items() if "belief" in why} == BELIEF
    assert all(n in NO_COVERAGE for n in CONDITIONAL | BELIEF)


def test_names_are_numbers_of_the_workbook_and_growth_is_among_those_between_periods() -> None:
    w = words("en")
    assert all(w.has(f"number_names.{n}") for n in CONDITIONAL | BELIEF | BETWEEN_PERIODS)
    grows = {k.split(".")[1] for k in w.texts if k.startswith("number_names.") and "growth" in k} - {
        "cost_of_growth",
        "growth_target",
    }
    assert grows <= BETWEEN_PERIODS


def test_signs_held_against_another_time_are_between_periods() -> None:
    """Every sign of a pattern is held against something; where that is the time before, a trend or its own past, rows change sides."""
    tables = (hatching.KINDS, shortfall.KINDS, rival_team._MEASURED, siphon._MEASURED)
    timed = {n for t in tables for n, (*_, against) in t.items() if against in ("before_after", "trend", "own_past")}
    assert timed and timed <= BETWEEN_PERIODS
    beside = {n for t in tables for n, (*_, against) in t.items()} - timed
    assert beside and not beside & BETWEEN_PERIODS


def test_dependence() -> None:
    assert dependence("success", same_company=True) == "not_negative"
    assert dependence("growth_rate", same_company=True) == "any"
    assert dependence("growth_rate", same_company=False) == "independent"


# By simulation ----------------------------------------------------------------------------------------------------

REPEATS, NUMBERS = 250, 18


def family(rng: np.random.Generator, rows: int) -> list[np.ndarray]:
    """One company: as many independent characteristics as numbers, a third each normal, rare shares, and heavy amounts."""
    normal = [rng.standard_normal(rows) for _ in range(NUMBERS // 3)]
    share = [rng.random(rows) < p for p in np.linspace(0.03, 0.6, NUMBERS // 3)]
    amount = [rng.lognormal(0.0, 1.2, rows) * (rng.random(rows) < 0.3) for _ in range(NUMBERS // 3)]
    return [*normal, *share, *amount]


def estimated(columns: list[np.ndarray], rows: int) -> list[Number]:
    """Means with Student's t, shares with Wilson, sums per row as compound Poisson: estimators of the workbook."""
    out = []
    for k, column in enumerate(columns):
        x = column[:rows]
        if k < NUMBERS // 3:
            mean, half = float(x.mean()), float(stats.t.isf(0.025, rows - 1) * x.std(ddof=1) / math.sqrt(rows))
            out.append(made(mean, mean - half, mean + half, n=rows))
        elif k < 2 * NUMBERS // 3:
            s = wilson(int(x.sum()), rows)
            out.append(made(s.value, s.low, s.high, n=rows, unit="share"))
        else:
            t = total(x / rows)  # without limits where few customers carry the sum: not tested then
            out.append(made(t.value, t.low, t.high, n=t.n, unit="CNY"))
    return out


def any_changed(before: list[Number], after: list[Number], assumed) -> bool:
    found = [change(a, b, assumed, 0.95) for a, b in zip(before, after, strict=True)]
    return bool((holm([c.p_value for c in found if c]) <= 0.05).any())


def most_allowed(repeats: int) -> int:
    """The number of false alarms that a procedure of 5 % exceeds with a chance of 1 in 1000."""
    return int(stats.binom.isf(0.001, repeats, 0.05))


def test_false_alarms_one_month_later_are_at_most_one_in_twenty() -> None:
    """Run B is run A plus a month (120 rows and 4 more): nothing has changed, and no more than 5 % of companies show any change."""
    rng, false = np.random.default_rng(20260630), 0
    for _ in range(REPEATS):
        columns = family(rng, 124)
        false += any_changed(estimated(columns, 120), estimated(columns, 124), "not_negative")
    assert false <= most_allowed(REPEATS)
    assert false == 0  # independent widths are far too wide here: said so in the output


def test_false_alarms_of_two_independent_companies_are_at_most_one_in_twenty() -> None:
    rng = np.random.default_rng(20260701)
    false = sum(
        any_changed(estimated(family(rng, 80), 80), estimated(family(rng, 140), 140), "independent")
        for _ in range(REPEATS)
    )
    assert false <= most_allowed(REPEATS)


def test_a_change_that_is_there_is_found() -> None:
    """One of the numbers moved by a standard deviation, in 200 rows each: found in all but few companies."""
    rng, found = np.random.default_rng(7), 0
    for _ in range(40):
        before, columns = estimated(family(rng, 200), 200), family(rng, 200)
        columns[0] = columns[0] + 1.0
        found += any_changed(before, estimated(columns, 200), "independent")
    assert found >= 38


def test_growth_a_year_on_is_negatively_related_so_independent_widths_would_be_too_short() -> None:
    """Growth of year 2 over 1 and of year 3 over 2 share year 2 with opposite signs: correlation −½, variance 6 in place of 4. Squares
    added call every ninth pair changed, widths added hold."""
    rng, z = np.random.default_rng(3), float(stats.norm.isf(0.025))
    years = rng.standard_normal((1500, 3))
    half = z * math.sqrt(2)
    false = {"not_negative": 0, "any": 0}
    for one, two, three in years:
        before, after = (made(d, d - half, d + half) for d in (two - one, three - two))
        for assumed in false:
            false[assumed] += joint(before, after, assumed).p_value <= 0.05
    assert false["not_negative"] / 1500 == pytest.approx(2 * stats.norm.sf(z * 2 / math.sqrt(6)), abs=0.025)
    assert false["any"] / 1500 < 0.05
