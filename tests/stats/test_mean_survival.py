import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lifelines import KaplanMeierFitter
from lifelines.utils import restricted_mean_survival_time
from scipy.stats import t

from kaanalysis.stats import (
    kaplan_meier,
    restricted_mean,
    restricted_mean_difference,
    restricted_mean_shares,
    survival_quantile,
)


def test_restricted_mean_by_hand():
    # Survival 1, 2/3, 1/3 on [0,1), [1,2), [2,3): area 2. Greenwood: from 1 the area is 1, term 1/(3 2); from 2 it is
    # 1/3, term 1/(2 1): 1/6 + 1/18 = 2/9, the binomial-like sum of (x - 2)² / 3². Four of each: a quarter of it, 1/18, and
    # Student's t with 12 events - 1 = 11 degrees of freedom, 2.200985.
    mean = restricted_mean(kaplan_meier([1, 2, 3] * 4, [1] * 12), 3)
    assert mean.value == pytest.approx(2)
    assert mean.low == pytest.approx(2 - 2.200985160 * (1 / 18) ** 0.5)
    assert mean.high == pytest.approx(2 + 2.200985160 * (1 / 18) ** 0.5)
    assert mean.n == 12


def test_horizon_inside_a_step_by_hand():
    # To 1.5: 1 + 0.5 x 2/3 = 4/3. Only the event at 1 counts: (1/3)² / 6 = 1/54.
    mean = restricted_mean(kaplan_meier([1, 2, 3], [1, 1, 1]), 1.5, level=0.9)
    assert mean.value == pytest.approx(4 / 3)
    # One event leaves no degree of freedom; the widest t there is, with one: 6.313752 at 90 %.
    assert mean.value - mean.low == pytest.approx(6.313751515 / 54**0.5)
    assert mean.high == pytest.approx(1.5) and mean.level == 0.9


def test_without_censoring_the_variance_is_that_of_a_sample_mean():
    duration = np.random.default_rng(3).exponential(5, 300)
    mean = restricted_mean(kaplan_meier(duration, np.ones(300)), 8)
    cut = np.minimum(duration, 8)
    assert mean.value == pytest.approx(cut.mean(), abs=1e-9)
    student = t.isf(0.025, (duration <= 8).sum() - 1)
    assert (mean.high - mean.low) / 2 / student == pytest.approx(cut.std() / 300**0.5, abs=1e-9)


def test_restricted_mean_against_lifelines_late_entry():
    rng = np.random.default_rng(4)
    entry = np.where(rng.random(300) < 0.6, 0.0, rng.exponential(2, 300))
    duration, event = entry + rng.exponential(6, 300), rng.random(300) < 0.8
    peer = KaplanMeierFitter().fit(duration, event, entry=entry)
    for horizon in (1.0, 5.5, 12.0):
        ours = restricted_mean(kaplan_meier(duration, event, entry), horizon)
        assert ours.value == pytest.approx(restricted_mean_survival_time(peer, t=horizon), abs=1e-9)


def test_horizon_beyond_the_last_time_at_risk_is_none_and_says_so():
    curve = kaplan_meier([1, 2, 3], [1, 1, 0])
    assert restricted_mean(curve, 3).value == pytest.approx(1 + 2 / 3 + 1 / 3)
    beyond = restricted_mean(curve, 3.1)
    assert (beyond.value, beyond.low, beyond.high) == (None, None, None) and "beyond the last time" in beyond.method
    assert "beyond" in restricted_mean_difference(curve, kaplan_meier([9], [0]), 5).method
    # A curve that has come down to 0 is known for ever after.
    assert restricted_mean(kaplan_meier([1, 2], [1, 1]), 10).value == pytest.approx(1.5)


def test_no_event_is_no_certainty():
    # Six of six alive at 10: survival there is at least 0.025 ** (1/6), the mean at least 10 times that.
    curve = kaplan_meier([12] * 6, [0] * 6)
    mean = restricted_mean(curve, 10)
    assert (mean.value, mean.high) == (10, 10) and mean.low == pytest.approx(10 * 0.025 ** (1 / 6))
    difference = restricted_mean_difference(curve, curve, 10)
    assert difference.value == 0 and difference.low == pytest.approx(mean.low - 10)


def test_one_unit_has_no_limits():
    mean = restricted_mean(kaplan_meier([5], [1]), 10)
    assert (mean.value, mean.low, mean.high) == (5, None, None)


def test_difference_adds_variances():
    a, b = kaplan_meier([1, 2, 3] * 4, [1] * 12), kaplan_meier([0.5, 1, 1.5] * 4, [1] * 12)
    # Means 2 and 1, variances 1/18 and (1/2)² 1/18 = 1/72: together 5/72; 11 degrees of freedom each.
    difference = restricted_mean_difference(a, b, 9)
    assert difference.value == pytest.approx(1) and difference.n == 24
    assert difference.high - 1 == pytest.approx(2.200985160 * (5 / 72) ** 0.5)
    assert 1 - difference.low == pytest.approx(2.200985160 * (5 / 72) ** 0.5)


def test_coverage_of_the_mean_its_difference_and_the_median():
    # Exponential lives of mean 10 and 6, cut off between 5 and 20; to 8 the true means are scale (1 - exp(-8/scale)).
    rng = np.random.default_rng(5)
    true_a, true_b = (scale * (1 - np.exp(-8 / scale)) for scale in (10, 6))
    hits, runs = np.zeros(3), 400
    for _ in range(runs):
        curves = []
        for scale in (10, 6):
            life, limit = rng.exponential(scale, 50), rng.uniform(5, 20, 50)
            curves.append(kaplan_meier(np.minimum(life, limit), life <= limit))
        a, b = curves
        mean, difference = restricted_mean(a, 8), restricted_mean_difference(a, b, 8)
        median = survival_quantile(a)
        hits += [
            mean.low <= true_a <= mean.high,
            difference.low <= true_a - true_b <= difference.high,
            (median.low or 0) <= 10 * np.log(2) <= (median.high or np.inf),
        ]
    assert (hits / runs >= 0.92).all() and (hits / runs <= 0.985).all()


def test_empty_input_and_wrong_horizon():
    empty = kaplan_meier([], [])
    assert restricted_mean(empty, 5).value is None and restricted_mean(empty, 5).n == 0
    assert restricted_mean_difference(empty, kaplan_meier([1], [1]), 5).value is None
    with pytest.raises(ValueError, match="horizon must be finite and above 0; not -1"):
        restricted_mean(empty, -1)


@given(st.lists(st.tuples(st.integers(1, 12), st.booleans()), min_size=1, max_size=30), st.floats(0.5, 12))
@settings(max_examples=100, deadline=None)
def test_mean_lies_between_0_and_the_horizon(rows, horizon):
    mean = restricted_mean(kaplan_meier(*zip(*rows, strict=True)), horizon)
    if mean.value is not None:
        assert 0 <= mean.value <= horizon + 1e-9
        assert mean.low is None or 0 <= mean.low <= mean.value + 1e-9 <= mean.high + 2e-9


def _lives(g, n):
    ends, leaves = np.ceil(g.exponential(20, n)), np.ceil(g.uniform(5, 60, n))
    entry = np.where(g.random(n) < 0.3, g.integers(0, 10, n), 0)
    length = np.minimum(ends, leaves)
    seen = length > entry
    return length[seen], (ends <= leaves)[seen], entry[seen]


def test_shares_are_the_capped_times_where_nothing_is_censored():
    lives = np.array([2.0, 5.0, 9.0, 12.0, 30.0])
    assert restricted_mean_shares(lives, np.ones(5), 10.0) == pytest.approx(np.minimum(lives, 10.0))


def test_shares_average_to_the_mean_and_vary_as_greenwood_says():
    """With late entry and censoring; the spread of pseudo-observations is the infinitesimal jackknife, near Greenwood's variance."""
    length, event, entry = _lives(np.random.default_rng(3), 400)
    shares, mean = (
        restricted_mean_shares(length, event, 24.0, entry),
        restricted_mean(kaplan_meier(length, event, entry), 24.0),
    )
    assert shares.mean() == pytest.approx(mean.value)
    error = shares.std() / np.sqrt(len(shares))
    events = int((event & (length <= 24)).sum())
    assert (mean.high - mean.low) / 2 == pytest.approx(t.ppf(0.975, events - 1) * error, rel=0.03)


def test_a_share_is_what_a_little_more_weight_of_the_unit_adds():
    length, event, entry = _lives(np.random.default_rng(4), 40)

    def mean(weight):
        survival, area, last = 1.0, 0.0, 0.0
        for at in np.unique(length[event]):
            if at > 24:
                break
            area, last = area + survival * (at - last), at
            at_risk = weight[(entry < at) & (length >= at)].sum()
            survival *= 1 - weight[(length == at) & event].sum() / at_risk
        return area + survival * (24 - last)

    shares, even = restricted_mean_shares(length, event, 24.0, entry), np.ones(len(length))
    for unit in range(0, len(length), 7):
        more = even.copy()
        more[unit] += 1e-6
        assert (shares[unit] - mean(even)) / len(length) == pytest.approx((mean(more) - mean(even)) / 1e-6, abs=1e-4)


def test_shares_are_nan_beyond_the_last_time_at_risk():
    assert np.isnan(restricted_mean_shares([3.0, 5.0], [1, 0], 9.0)).all()
    assert len(restricted_mean_shares([], [], 9.0)) == 0
