"""Uncertain inputs: limits hit at the tails of their level, dependence through the copula, what is refused."""

import numpy as np
import pytest

from kaanalysis.analyses.uncertain_inputs import Input, Inputs, at_normal_scores, draw_inputs


def item(name: str = "x", value: float = 1.0, low: float = 0.5, high: float = 2.0, scale: str = "log") -> Input:
    return Input(name, value, low, high, 0.9, "", "data", scale)


@pytest.mark.parametrize(
    ("scale", "value", "low", "high"), [("log", 100, 80, 150), ("logit", 0.6, 0.3, 0.9), ("linear", 0.1, -0.2, 0.5)]
)
@pytest.mark.parametrize("level", [0.8, 0.9, 0.95])
def test_an_input_hits_its_limits_at_the_tails_of_its_level(
    scale: str, value: float, low: float, high: float, level: float
) -> None:
    made = Input("x", value, low, high, level, "", "data", scale)
    tail = (1 - level) / 2
    assert made.quantile(np.array([tail, 0.5, 1 - tail])) == pytest.approx([low, value, high])
    grown = made.quantile(np.linspace(0, 1, 101))
    assert (np.diff(grown) >= 0).all() and np.isfinite(grown).all()
    if scale == "logit":
        assert grown.min() > 0 and grown.max() < 1
    if scale == "log":
        assert grown.min() > 0


def test_what_cannot_be_below_zero_is_never_drawn_there_nor_a_share_above_one() -> None:
    u = np.linspace(0.0001, 0.9999, 500)
    amount, share = (
        item(value=0.06, low=0.0, high=0.12, scale="linear"),
        item(value=0.6, low=0.0, high=0.95, scale="linear_share"),
    )
    for made in (amount, share):
        drawn = made.quantile(u)
        assert drawn.min() == 0 and drawn.max() <= (1 if made is share else 1e9)
        assert made.quantile(np.array([0.05, 0.5, 0.95])) == pytest.approx([made.low, made.value, made.high])
    assert share.quantile(u).max() == 1
    # One that may be negative stays so.
    assert item(value=0.1, low=-0.2, high=0.5, scale="linear").quantile(0.001) < -0.2


def test_an_input_without_a_span_is_its_value() -> None:
    known = item(value=3.0, low=3.0, high=3.0)
    assert known.quantile(np.array([0.0, 0.5, 1.0])).tolist() == [3, 3, 3] and not known.uncertain


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_share_at_its_end_stays_a_share(value: float) -> None:
    made = Input("x", value, max(0.0, value - 0.3), min(1.0, value + 0.3), 0.95, "share", "data", "logit")
    drawn = made.quantile(np.linspace(0.001, 0.999, 200))
    assert np.isfinite(drawn).all() and drawn.min() >= 0 and drawn.max() <= 1


def test_draws_repeat_by_seed_spread_evenly_and_take_any_number() -> None:
    items = Inputs(tuple(item(n) for n in "abc"), np.eye(3))
    one, two, other = (draw_inputs(items, 1000, seed) for seed in (1, 1, 2))
    assert (one["a"] == two["a"]).all() and (one["a"] != other["a"]).any()
    assert len(one["a"]) == 1000
    # Scrambled Sobol points: 5 % of 1000 lie below the 5 % point, give or take a few.
    assert (one["b"] < 0.5).sum() == pytest.approx(50, abs=3) and (one["c"] > 2.0).sum() == pytest.approx(50, abs=3)
    assert draw_inputs(Inputs((), np.eye(0)), 16, 1) == {}


def test_inputs_that_hang_together_keep_their_own_limits() -> None:
    r = np.array([[1, -0.7, 0], [-0.7, 1, 0], [0, 0, 1]])
    items = Inputs((item("a"), item("b", 0.6, 0.3, 0.9, "logit"), item("c")), r)
    x = draw_inputs(items, 4096, 3)
    for one in items.items:
        assert np.quantile(x[one.name], [0.05, 0.5, 0.95]) == pytest.approx([one.low, one.value, one.high], rel=0.03)
    # Both marginals are monotone in their scores: log and logit-normal halves aside, ranks carry the correlation.
    ranks = [np.argsort(np.argsort(x[n])) for n in "abc"]
    assert np.corrcoef(ranks[0], ranks[1])[0, 1] == pytest.approx(6 / np.pi * np.arcsin(-0.35), abs=0.02)
    assert np.corrcoef(ranks[0], ranks[2])[0, 1] == pytest.approx(0, abs=0.02)


def test_values_at_scores_are_those_of_each_input() -> None:
    items = Inputs((item("a"), item("b", 5.0, 5.0, 5.0)), np.eye(2))
    x = at_normal_scores(items, [[0.0, 9.0], [1.6448536269514722, 0.0]])
    assert x["a"] == pytest.approx([1, 2]) and x["b"].tolist() == [5, 5]
    with pytest.raises(ValueError, match=r"z must have the shape \(n, 2\)"):
        at_normal_scores(items, [[0.0]])


def test_names_that_repeat_and_a_correlation_that_does_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="names of inputs must differ"):
        Inputs((item("a"), item("a")), np.eye(2))
    with pytest.raises(ValueError, match="2 rows"):
        Inputs((item("a"), item("b")), np.eye(3))


def test_frames_say_where_inputs_come_from_and_which_hang_together() -> None:
    r = np.array([[1, 0.5, 0.5], [0.5, 1, 0.5], [0.5, 0.5, 1]])
    items = Inputs((item("a"), item("b"), item("c", 2.0, 2.0, 2.0)), r)
    assert items.frame()[["input", "origin"]].to_numpy().tolist() == [["a", "data"], ["b", "data"], ["c", "data"]]
    # What is known hangs on nothing.
    assert items.correlations().to_numpy().tolist() == [["a", "b", 0.5]]
