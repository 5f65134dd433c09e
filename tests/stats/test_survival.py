import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lifelines import KaplanMeierFitter

from kaanalysis.stats import kaplan_meier, survival_quantile

# Freireich et al. 1963: weeks of remission under 6-mercaptopurine; + is censored.
# 6 6 6 6+ 7 9+ 10 10+ 11+ 13 16 17+ 19+ 20+ 22 23 25+ 32+ 32+ 34+ 35+
MERCAPTOPURINE = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
REMISSION_ENDED = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]


def test_kaplan_meier_by_hand():
    # At risk 5; at 2 one event: 4/5; at 3 one event and one censored: 4/5 x 3/4 = 3/5; at 5 one of 2: 3/10; 6 censored.
    curve = kaplan_meier([2, 3, 3, 5, 6], [1, 1, 0, 1, 0])
    assert curve["time"].tolist() == [0, 2, 3, 5, 6]
    assert curve["at_risk"].tolist() == [5, 5, 4, 2, 1]
    assert curve["events"].tolist() == [0, 1, 1, 1, 0]
    assert curve["censored"].tolist() == [0, 0, 1, 0, 1]
    assert curve["entered"].tolist() == [5, 0, 0, 0, 0]
    assert curve["survival"].to_numpy() == pytest.approx([1, 0.8, 0.6, 0.3, 0.3])
    # Greenwood at 5: 0.3² (1/(5 4) + 1/(4 3) + 1/(2 1)) = 0.09 x 0.6333333 = 0.057
    assert curve["se"].iloc[3] == pytest.approx(math.sqrt(0.057))
    # Log-log at 2: theta = 1.959964 x 0.178885 / (0.8 x 0.223144) = 1.964032; limits 0.8 ** exp(±theta)
    assert curve["low"].iloc[1] == pytest.approx(0.8 ** math.exp(1.964032), abs=1e-6)
    assert curve["high"].iloc[1] == pytest.approx(0.8 ** math.exp(-1.964032), abs=1e-6)


def test_late_entry_by_hand():
    # (entry, duration]: (0,4] event, (1,3] event, (3,5] event. At 3: those entered before 3, that is two: 1/2.
    # At 4: the first and the third: 1/2 x 1/2; at 5 the third alone: 0.
    curve = kaplan_meier([4, 3, 5], [1, 1, 1], [0, 1, 3])
    assert curve["time"].tolist() == [0, 1, 3, 4, 5]
    assert curve["at_risk"].tolist() == [1, 1, 2, 2, 1]
    assert curve["entered"].tolist() == [1, 1, 1, 0, 0]
    assert curve["survival"].tolist() == [1, 1, 0.5, 0.25, 0]


def test_kaplan_meier_against_freireich_1963():
    curve = kaplan_meier(MERCAPTOPURINE, REMISSION_ENDED).set_index("time")
    at = [6, 7, 10, 13, 16, 22, 23]
    assert curve.loc[at, "survival"].round(3).tolist() == [0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448]
    assert curve.loc[at, "se"].round(4).tolist() == [0.0764, 0.0869, 0.0963, 0.1068, 0.1141, 0.1282, 0.1346]
    assert curve.loc[at, "at_risk"].tolist() == [21, 17, 15, 12, 11, 7, 6]


def test_median_against_freireich_1963_log_log():
    median = survival_quantile(kaplan_meier(MERCAPTOPURINE, REMISSION_ENDED))
    assert (median.value, median.low, median.high, median.n) == (23, 13, None, 21)


def sample(seed, n=400, ties=False):
    rng = np.random.default_rng(seed)
    entry = np.where(rng.random(n) < 0.5, 0.0, rng.exponential(3, n))
    duration = entry + rng.exponential(8, n) + 0.01
    if ties:
        entry, duration = np.floor(entry), np.floor(entry) + np.ceil(duration - entry)
    return duration, rng.random(n) < 0.7, entry


@pytest.mark.parametrize("ties", [False, True])
def test_kaplan_meier_against_lifelines_late_entry(ties):
    duration, event, entry = sample(1, ties=ties)
    peer = KaplanMeierFitter().fit(duration, event, entry=entry)
    curve = kaplan_meier(duration, event, entry).set_index("time")
    theirs = peer.survival_function_["KM_estimate"]
    assert curve.loc[theirs.index, "survival"].to_numpy() == pytest.approx(theirs.to_numpy(), abs=1e-9)


def test_kaplan_meier_limits_against_lifelines():
    duration, event, _ = sample(2)
    peer = KaplanMeierFitter(alpha=0.1).fit(duration, event)
    curve = kaplan_meier(duration, event, level=0.9).set_index("time")
    theirs = peer.confidence_interval_
    inside = curve["survival"].between(0, 1, inclusive="neither")
    for column, name in (("low", "KM_estimate_lower_0.9"), ("high", "KM_estimate_upper_0.9")):
        ours = curve.loc[inside, column]
        assert ours.to_numpy() == pytest.approx(theirs.loc[ours.index, name].to_numpy(), abs=1e-9)
    assert survival_quantile(curve.reset_index()).value == peer.median_survival_time_


def test_limits_where_nothing_and_where_everything_happened():
    # Nobody of 4 had the event: low = 0.025 ** (1/4) while all 4 are at risk; at 0 survival is 1 by definition.
    curve = kaplan_meier([3, 3, 3, 3], [0, 0, 0, 0])
    assert curve["low"].tolist() == [1, pytest.approx(0.025**0.25)] and curve["high"].tolist() == [1, 1]
    # Of 2, one at 1 and the other at 2: at 2 survival is 0 and the upper limit that of time 1.
    curve = kaplan_meier([1, 2], [1, 1])
    assert curve["survival"].tolist() == [1, 0.5, 0]
    assert curve["low"].iloc[2] == 0 and curve["high"].iloc[2] == curve["high"].iloc[1]
    # One unit with the event: nothing is known about the share.
    assert kaplan_meier([1], [1])[["low", "high"]].iloc[-1].tolist() == [0, 1]


def test_quantile_exactly_at_a_step():
    assert survival_quantile(kaplan_meier([1, 2, 3, 4], [1, 1, 1, 1])).value == 2
    assert survival_quantile(kaplan_meier(np.arange(1, 11), np.ones(10)), 0.7).value == 3


def test_quantile_not_reached():
    median = survival_quantile(kaplan_meier([1, 2, 3, 4], [1, 0, 0, 0]))
    assert median.value is None and median.high is None and median.method.endswith("not reached")


def test_empty_input():
    curve = kaplan_meier([], [], [])
    assert len(curve) == 1 and curve["survival"].iloc[0] == 1 and not curve.isna().any().any()
    assert survival_quantile(curve).value is None and survival_quantile(curve).n == 0


def test_duration_zero_without_entry_is_an_event_at_the_origin():
    curve = kaplan_meier([0, 1], [1, 1])
    assert curve["at_risk"].tolist() == [2, 1] and curve["survival"].tolist() == [0.5, 0]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (([1, 2], [1, 1], [0, 2]), "duration must be longer than entry; not 2.0 after entry 2.0 at index 1"),
        (([1, -2], [1, 1]), "duration must be 0 or more; not -2.0 at index 1"),
        (([1, float("nan")], [1, 1]), "duration must be finite; not nan at index 1"),
        (([1, 2], [1, 2]), "event must be true or false"),
        (([1, 2], [1]), "event must have 2 values"),
        (([[1, 2]], [1, 1]), "duration must be one-dimensional"),
        ((["a"], [1]), "duration must be numbers"),
        (([1], [1], [-1]), "entry must be 0 or more"),
    ],
)
def test_wrong_input_is_refused(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        kaplan_meier(*arguments)


def test_wrong_level_and_probability_are_refused():
    with pytest.raises(ValueError, match="level must be"):
        kaplan_meier([1], [1], level=95)
    with pytest.raises(ValueError, match="probability must be"):
        survival_quantile(kaplan_meier([1], [1]), 50)


units = st.lists(st.tuples(st.integers(0, 6), st.integers(1, 12), st.booleans()), min_size=1, max_size=40)


@given(units)
@settings(max_examples=150, deadline=None)
def test_survival_never_rises_and_limits_enclose_it(rows):
    entry, length, event = (np.array(column) for column in zip(*rows, strict=True))
    curve = kaplan_meier(entry + length, event, entry)
    assert not curve.isna().any().any()
    survival = curve["survival"].to_numpy()
    assert (np.diff(survival) <= 0).all() and (survival >= 0).all() and (survival <= 1).all()
    assert (curve["low"] <= survival + 1e-12).all() and (curve["high"] >= survival - 1e-12).all()
    assert curve["entered"].sum() == len(rows) == curve["events"].sum() + curve["censored"].sum()


@given(st.lists(st.integers(1, 9), min_size=1, max_size=30))
@settings(max_examples=60, deadline=None)
def test_without_censoring_survival_is_the_share_left(durations):
    curve = kaplan_meier(durations, np.ones(len(durations)))
    shares = [np.mean(np.array(durations) > time) for time in curve["time"]]
    assert curve["survival"].to_numpy() == pytest.approx(shares, abs=1e-12)


def test_a_tail_of_few_carries_no_quantile():
    """Twelve, of whom six end early and three linger to the end: with one at risk asked for the curve is read to its end, with five
    only as far as five are at risk, and a lower limit beyond moves back to there."""
    durations = [1, 2, 3, 4, 5, 6, 7, 8, 20, 30, 40, 50]
    ended = [1, 1, 1, 1, 0, 1, 0, 0, 0, 1, 1, 1]
    curve = kaplan_meier(durations, ended)
    whole, carried = survival_quantile(curve), survival_quantile(curve, 0.5, 5)
    assert whole.value == 30
    assert carried.value is None and carried.high is None and carried.low == whole.low and "5 at risk" in carried.method
    few = survival_quantile(curve, 0.2, 8)
    assert few.value is None and few.low == 5.0  # the last time with eight at risk
    assert survival_quantile(curve, 0.5, 13).low is None
