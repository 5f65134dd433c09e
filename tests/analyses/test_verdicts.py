"""From interval to state, from draws to numbers, and flips: the state really changes there and not just before."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from kaanalysis.analyses.verdicts import above, below, both, find_flips, percentile_number, share_of_draws
from kaanalysis.policy import Policy, Threshold
from kaanalysis.results import STATES, Finding

LIMIT = st.none() | st.floats(-10, 10)


@pytest.mark.parametrize(("low", "high", "state"), [
    (1.1, 2, "supported"), (1, 2, "undecided"), (0, 1, "undecided"), (0, 0.9, "contradicted"),
    (None, 2, "undecided"), (2, None, "undecided"),
])  # fmt: skip
def test_above_one(low, high, state) -> None:
    assert above(low, high, 1.0) == state


@given(low=LIMIT, high=LIMIT, threshold=st.floats(-10, 10))
def test_below_is_the_mirror_of_above(low, high, threshold) -> None:
    if low is not None and high is not None:
        low, high = min(low, high), max(low, high)
    turned = above(None if high is None else -high, None if low is None else -low, -threshold)
    assert below(low, high, threshold) == turned


@pytest.mark.parametrize("one", STATES[:3])
@pytest.mark.parametrize("two", STATES[:3])
def test_both_holds_only_if_both_hold_and_fails_if_one_fails(one, two) -> None:
    wanted = (
        "contradicted" if "contradicted" in (one, two) else "supported" if one == two == "supported" else "undecided"
    )
    assert both(one, two) == both(two, one) == wanted


def test_percentile_limits_by_hand() -> None:
    made = percentile_number("x", "KA", 50.0, np.arange(101), 0.9, 7, "u", "m")
    assert (made.value, made.low, made.high, made.n) == (50, pytest.approx(5), pytest.approx(95), 7)


@pytest.mark.parametrize("draws", [[1.0], [], [np.nan, np.nan, 1.0], [3.0] * 50, [np.inf] * 9 + [1.0]])
def test_draws_that_say_nothing_give_no_limits(draws) -> None:
    made = percentile_number("x", "KA", 1.0, draws, 0.95, 7, "u", "m")
    assert (made.low, made.high) == (None, None)


def test_few_clusters_widen_the_interval_as_hesterberg_2015_does() -> None:
    draws = np.random.default_rng(1).normal(size=200_000)
    for clusters in (4, 10, 1000):
        made = percentile_number("x", "KA", 0.0, draws, 0.95, 7, "u", "m", clusters=clusters)
        wanted = np.sqrt(clusters / (clusters - 1)) * stats.t.ppf(0.975, clusters - 1)
        assert made.high == pytest.approx(wanted, rel=0.05)
    # One cluster cannot be resampled into anything else; its draws are all equal.
    assert percentile_number("x", "KA", 0.0, np.zeros(9), 0.95, 7, "u", "m", clusters=1).low is None


def test_share_of_draws_counts_them_with_wilson() -> None:
    made = share_of_draws("p", "KA", [True] * 8 + [False] * 2, "m")
    # Wilson for 8 of 10 at 95 %: 0.4902 … 0.9433 (Newcombe 1998).
    assert (made.value, made.low, made.high, made.n) == (
        0.8,
        pytest.approx(0.4902, abs=1e-4),
        pytest.approx(0.9433, abs=1e-4),
        10,
    )


def policy_of(value: float | int, low: float, high: float) -> Policy:
    return Policy({"a.x": Threshold("a.x", value, "u", "s", range=(low, high))})


def judge_at(border: float):
    def judge(policy: Policy) -> list[Finding]:
        return [Finding("M", "k", "supported" if policy["a.x"] < border else "undecided", "r")]

    return judge


@given(now=st.floats(0, 10), border=st.floats(0.2, 9.8))
def test_a_flip_is_where_the_state_changes_to_a_thousandth_of_the_range(now: float, border: float) -> None:
    policy, judge = policy_of(now, 0, 10), judge_at(border)
    [flip] = find_flips(judge, "M", policy, ["a.x"])
    here = judge(policy)[0].state
    assert flip.at is not None and abs(flip.at - border) <= 0.01 + 1e-9
    assert judge(policy.override({"a.x": flip.at}))[0].state == flip.to != here
    back = flip.at + (0.0101 if now > flip.at else -0.0101)
    assert judge(policy.override({"a.x": min(max(back, 0), 10)}))[0].state == here


@given(now=st.integers(0, 40), border=st.integers(1, 40))
def test_whole_numbers_flip_at_the_very_number(now: int, border: int) -> None:
    [flip] = find_flips(judge_at(border), "M", policy_of(now, 0, 40), ["a.x"])
    assert flip.at == (border if now < border else border - 1)


def test_no_flip_says_so_and_the_nearer_of_two_is_given() -> None:
    [flip] = find_flips(judge_at(99), "M", policy_of(5.0, 0, 10), ["a.x"])
    assert (flip.at, flip.to, flip.range, flip.now) == (None, None, (0, 10), 5.0)

    def band(policy: Policy) -> list[Finding]:
        x = policy["a.x"]
        return [Finding("M", "k", "contradicted" if x < 2 else "supported" if x < 6 else "undecided", "r")]

    for now, at, to in ((5.0, 6.0, "undecided"), (3.0, 2.0, "contradicted")):
        [flip] = find_flips(band, "M", policy_of(now, 0, 10), ["a.x"])
        assert flip.at == pytest.approx(at, abs=0.011) and flip.to == to
