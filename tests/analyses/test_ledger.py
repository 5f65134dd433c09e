"""The ROI ledger: lines and cash to the cent, a case by hand, conservation, payback on made-up cash, and the draws of inputs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kaanalysis.analyses import ledger
from kaanalysis.analyses.ledger import LINES, PATHS, evaluate, ledger_frame, path_cash
from kaanalysis.analyses.uncertain_inputs import Input, Inputs, draw_inputs

SETTINGS = {"sellers": 2.0, "leader_multiple": 1.0, "pay_uplift": 0.5, "support_multiple": 2.0, "setup_multiple": 3.0, "ramp_months": 1.0,
            "productivity": 0.5, "relief_factor": 1.0, "smb_loss": 0.25}  # fmt: skip
COMMON = {"seller_cost": 10.0, "support_cost": 4.0, "smb_bookings": 20.0, "deals_per_seller": 1.0, "deal_size": 1000.0,
          "success": 0.4,
          "relief": 0.2,
          "relief_reached": 0.5, "cycle_months": 2.0, "lifetime_months": 12.0, "gross_margin": 0.5, "recurring_share": 0.1}  # fmt: skip
MONEY = ("seller_cost", "support_cost", "smb_bookings", "deal_size")


def world(**change: float) -> dict[str, np.ndarray]:
    values = {**COMMON, **{f"{p}.{k}": v for p in PATHS for k, v in SETTINGS.items()}, **change}
    return {k: np.array([float(v)]) for k, v in values.items()}


def test_a_case_without_uncertainty_by_hand() -> None:
    lines = {k: v[0] for k, v in path_cash("split", world(), 16).items()}
    assert lines["pay"] == pytest.approx([-2 * 10 * 1.5] * 16)  # sellers x cost x (1 + uplift)
    assert lines["leader"] == pytest.approx([-10] * 16)
    assert lines["support"] == pytest.approx([-2 * 4 * 2] * 16)
    assert lines["setup"] == pytest.approx([-2 * 10 * 3] + [0] * 15)  # all in the one month of the ramp
    # Opened 2 x 1 x 0.5 = 1 a month, won with 0.4 + 0.2 x 0.5 = 0.5, two months later, worth 1000 x 0.5: 250 a month from month 2.
    assert lines["first_contracts"] == pytest.approx([0, 0] + [250] * 14)
    # Renewed after twelve months by exp(-12 / 12), a tenth of the first value: 25 / e from month 14 on.
    assert lines["renewals"] == pytest.approx([0] * 14 + [25 / np.e] * 2)
    assert lines["smb_loss"] == pytest.approx([-2 * 20 * 0.25 * 0.5] * 16)
    outcome = evaluate("split", world(), 16, 0.12)
    cash = [-121 if m == 0 else -61 if m == 1 else 189 if m < 14 else 189 + 25 / np.e for m in range(16)]
    assert outcome.cash[0] == pytest.approx(cash)
    assert outcome.npv[0] == pytest.approx(sum(c / 1.12 ** (m / 12) for m, c in enumerate(cash)))
    # Cumulative -121, -182, +7: deepest 182, two months under water, paid back in month 2.
    assert (outcome.loss[0], outcome.loss_months[0], outcome.payback[0]) == pytest.approx((182, 2, 2))


def test_renewals_of_a_second_year_are_renewals_of_those_that_stayed_through_the_first() -> None:
    # First contracts of 200 a month from month 0; 40 % of 200 each year, times exp(-1) and exp(-2) of those still there.
    lines = path_cash("split", world(relief=0.0, cycle_months=0.0, recurring_share=0.4), 25)
    assert lines["renewals"][0, [11, 12, 23, 24]] == pytest.approx([0, 80 / np.e, 80 / np.e, 80 / np.e + 80 / np.e**2])


def test_part_time_sellers_cost_their_uplift_only() -> None:
    assert path_cash("part_time", world(), 3)["pay"][0] == pytest.approx([-2 * 10 * 0.5] * 3)


def test_ramp_grows_in_a_straight_line_and_the_setup_is_spread_over_it() -> None:
    lines = path_cash(
        "rebuild", world(**{"rebuild.ramp_months": 4.0, "relief": 0.0, "cycle_months": 0.0, "recurring_share": 0.0}), 6
    )
    # Full rate: 1 deal a month x 0.4 x 500 = 200.
    assert lines["first_contracts"][0] == pytest.approx([50, 100, 150, 200, 200, 200])
    assert lines["setup"][0] == pytest.approx([-15, -15, -15, -15, 0, 0])
    # A ramp of 2.5 months: shares 1, 1 and one half of 60 / 2.5 = 24.
    assert path_cash("rebuild", world(**{"rebuild.ramp_months": 2.5}), 4)["setup"][0] == pytest.approx(
        [-24, -24, -12, 0]
    )


def test_chance_never_exceeds_one() -> None:
    lines = path_cash("split", world(success=0.95, relief=0.9, relief_reached=1.0, cycle_months=0.0), 2)
    assert lines["first_contracts"][0] == pytest.approx([500, 500])


@pytest.mark.parametrize("path", PATHS)
def test_lines_add_up_to_cash_to_the_cent_in_every_world(path: str) -> None:
    rng = np.random.default_rng(1)
    x = {k: v[0] * rng.uniform(0.5, 1.5, 64) for k, v in world().items()}
    outcome = evaluate(path, x, 60, 0.1)
    assert set(outcome.lines) == set(LINES)
    assert np.abs(sum(outcome.lines[n] for n in LINES) - outcome.cash).max() < 0.005
    assert evaluate(path, x, 60, 0.0).npv == pytest.approx(outcome.cash.sum(axis=1))
    assert outcome.cumulative[:, -1] == pytest.approx(outcome.cash.sum(axis=1))


@settings(max_examples=30, deadline=None)
@given(cycle=st.floats(0, 70), length=st.integers(1, 60))
def test_a_fractional_cycle_loses_only_what_falls_beyond_the_end(cycle: float, length: int) -> None:
    flow = np.arange(1.0, length + 1)[None, :]
    moved = ledger._delayed(flow, np.array([[cycle]]))
    whole, part = int(cycle), cycle - int(cycle)
    inside = sum(
        v * ((1 - part) * (m + whole < length) + part * (m + whole + 1 < length)) for m, v in enumerate(flow[0])
    )
    assert moved.sum() == pytest.approx(inside)
    # Where nothing falls off the end, the mean date moves by exactly the cycle.
    if cycle < 29:
        pulse = np.zeros((1, 60))
        pulse[0, 30] = 1
        late = ledger._delayed(pulse, np.array([[cycle]]))
        assert (late[0] * np.arange(60)).sum() - 30 == pytest.approx(cycle)


@pytest.mark.parametrize("path", PATHS)
def test_doubling_the_currency_doubles_every_amount_and_moves_no_date(path: str) -> None:
    one, two = (evaluate(path, world(**{m: COMMON[m] * f for m in MONEY}), 48, 0.1) for f in (1, 2))
    assert two.npv == pytest.approx(2 * one.npv) and two.loss == pytest.approx(2 * one.loss)
    assert (two.payback, two.loss_months) == (one.payback, one.loss_months)


def made_up(monkeypatch: pytest.MonkeyPatch, cash: list[float]) -> ledger.Outcome:
    rest = {n: np.zeros((1, len(cash))) for n in LINES}
    monkeypatch.setattr(ledger, "path_cash", lambda path, x, months: {**rest, "pay": np.array([cash], dtype=float)})
    return evaluate("split", {}, len(cash), 0.0)


@pytest.mark.parametrize(("cash", "loss", "months", "payback"), [
    ([-5, 2, 3, 1], 5, 2, 2),  # -5, -3, 0: at zero it is paid back
    ([-5, 6, -3, 4], 5, 2, 3),  # -5, 1, -2, 2: it dips again, so only month 3 is for good
    ([-5, 1, 1, 1], 5, 4, np.nan),  # never
    ([1, 1, 1, 1], 0, 0, 0),  # never below zero: from the start
    ([5, -1, -1, -1], 0, 0, 0),
    ([5, -9, 1, 1], 4, 3, np.nan),  # 5, -4, -3, -2: below at the end
])  # fmt: skip
def test_payback_and_loss_on_made_up_cash(cash, loss, months, payback, monkeypatch: pytest.MonkeyPatch) -> None:
    outcome = made_up(monkeypatch, cash)
    assert (outcome.loss[0], outcome.loss_months[0]) == (loss, months)
    assert outcome.payback[0] == pytest.approx(payback, nan_ok=True)


@pytest.mark.parametrize(
    ("scale", "value", "low", "high"), [("log", 100, 80, 150), ("logit", 0.6, 0.3, 0.9), ("linear", 0.1, -0.2, 0.5)]
)
@pytest.mark.parametrize("level", [0.8, 0.9, 0.95])
def test_an_input_hits_its_limits_at_the_tails_of_its_level(
    scale: str, value: float, low: float, high: float, level: float
) -> None:
    item = Input("x", value, low, high, level, "", "data", scale)
    tail = (1 - level) / 2
    assert item.quantile(np.array([tail, 0.5, 1 - tail])) == pytest.approx([low, value, high])
    grown = item.quantile(np.linspace(0, 1, 101))
    assert (np.diff(grown) >= 0).all() and np.isfinite(grown).all()
    if scale == "logit":
        assert grown.min() > 0 and grown.max() < 1
    if scale == "log":
        assert grown.min() > 0


def test_an_input_without_a_span_is_its_value() -> None:
    assert Input("x", 3.0, 3.0, 3.0, 0.9, "", "policy", "log").quantile(np.array([0.0, 0.5, 1.0])).tolist() == [3, 3, 3]


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_share_at_its_end_stays_a_share(value: float) -> None:
    item = Input("x", value, max(0.0, value - 0.3), min(1.0, value + 0.3), 0.95, "share", "data", "logit")
    drawn = item.quantile(np.linspace(0.001, 0.999, 200))
    assert np.isfinite(drawn).all() and drawn.min() >= 0 and drawn.max() <= 1


def test_draws_repeat_by_seed_spread_evenly_and_take_any_number() -> None:
    items = Inputs(tuple(Input(n, 1.0, 0.5, 2.0, 0.9, "", "data", "log") for n in "abc"), np.eye(3))
    one, two, other = (draw_inputs(items, 1000, seed) for seed in (1, 1, 2))
    assert (one["a"] == two["a"]).all() and (one["a"] != other["a"]).any()
    assert len(one["a"]) == 1000
    # Scrambled Sobol points: 5 % of 1000 lie below the 5 % point, give or take a few.
    assert (one["b"] < 0.5).sum() == pytest.approx(50, abs=3) and (one["c"] > 2.0).sum() == pytest.approx(50, abs=3)
    assert draw_inputs(Inputs((), np.eye(0)), 16, 1) == {}


def test_the_frame_holds_every_line_month_and_path_once() -> None:
    frame = ledger_frame({p: evaluate(p, world(), 6, 0.1) for p in PATHS})
    assert len(frame) == len(PATHS) * 6 * (len(LINES) + 2) and not frame.duplicated(["path", "month", "line"]).any()
    assert (frame["low"] <= frame["median"]).all() and (frame["median"] <= frame["high"]).all()
    means = frame.pivot_table(index=["path", "month"], columns="line", values="mean")
    assert (means[list(LINES)].sum(axis=1) - means["cash"]).abs().max() < 0.005
