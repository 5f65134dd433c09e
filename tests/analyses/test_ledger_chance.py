"""The chance of single deals: means and variances in closed form, identities of cash, payback on made-up cash."""

import numpy as np
import pytest
from analyses.ledger_world import COMMON, MONEY, random_worlds, world

from kaanalysis.analyses.ledger import PATHS, evaluate, expected_npv
from kaanalysis.analyses.ledger_chance import contract_sums, outcome_of, renewed


def many(draws: int, **change: float) -> dict[str, np.ndarray]:
    return {k: np.repeat(v, draws) for k, v in world(**change).items()}


def test_a_compound_poisson_has_the_mean_and_variance_of_its_closed_form() -> None:
    expected, size, variation = np.full((40_000, 1), 1.7), np.array([[100.0]]), np.array([[0.6]])
    wins, amount = contract_sums(expected, size, variation, np.random.default_rng(1))
    assert wins.mean() == pytest.approx(1.7, rel=0.02) and wins.var() == pytest.approx(1.7, rel=0.03)
    # Wald: mean λ μ, variance λ μ² (1 + cv²).
    assert amount.mean() == pytest.approx(170, rel=0.02)
    assert amount.var() == pytest.approx(1.7 * 100**2 * 1.36, rel=0.04)
    assert (amount[wins == 0] == 0).all() and (amount[wins > 0] > 0).all()


def test_contracts_that_stay_are_a_binomial_number_of_the_same_contracts() -> None:
    # Three contracts of mean 100 and variation 0.5 each: whatever stays is again a sum of such contracts (gamma), each with chance 0.7.
    rng = np.random.default_rng(2)
    contracts = np.full((40_000, 1), 3)
    amounts = rng.gamma(3 * 4.0, 25.0, (40_000, 1))
    stay, left = renewed(contracts, amounts, np.array([[0.7]]), np.array([[0.5]]), rng)
    assert stay.mean() == pytest.approx(2.1, rel=0.01)
    assert (left <= amounts * (1 + 1e-12)).all() and (left[stay == 0] == 0).all()
    assert left[stay == 3] == pytest.approx(amounts[stay == 3])
    for k in (1, 2):
        assert left[stay == k].mean() == pytest.approx(100 * k, rel=0.02)
        assert left[stay == k].var() == pytest.approx(k * 2500, rel=0.06)


def test_mean_over_chance_is_the_expected_value_and_its_spread_the_closed_form() -> None:
    # One path, no ramp, no relief, wins at once, no renewals: cash of a month varies by a compound Poisson alone.
    x = many(30_000, relief=0.0, cycle_months=0.1, recurring_share=0.0)
    outcome = evaluate("rebuild", x, 6, 0.0, seed=3)
    rate, worth = 2 * 0.5 * 0.4, 500.0
    assert outcome.cash[:, 0].var() == pytest.approx(rate * worth**2 * 1.25, rel=0.05)
    error = np.sqrt(6 * rate * worth**2 * 1.25 / 30_000)
    assert outcome.npv.mean() == pytest.approx(outcome.expected_npv.mean(), abs=4 * error)
    assert np.ptp(outcome.expected_npv) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("path", PATHS)
def test_renewals_and_what_runs_on_keep_their_expectation_under_chance(path: str) -> None:
    x = many(
        20_000, remaining_share=0.5, accounts_moved=0.2, recurring_share=0.6, lifetime_months=40.0, cycle_spread=0.4
    )
    outcome = evaluate(path, x, 40, 0.1, seed=5)
    error = outcome.npv.std() / np.sqrt(20_000)
    assert outcome.npv.mean() == pytest.approx(outcome.expected_npv[0], abs=4 * error)
    month = outcome.cash.mean(axis=0) - sum(outcome.lines.values())
    assert np.abs(month / (outcome.cash.std(axis=0) / np.sqrt(20_000) + 1e-9)).max() < 5


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("chance", [True, False])
def test_identities_of_cash_in_every_world(path: str, chance: bool) -> None:
    x = random_worlds(64, 1)
    outcome = evaluate(path, x, 60, 0.1, seed=1, chance=chance)
    assert outcome.cumulative == pytest.approx(np.cumsum(outcome.cash, axis=1))
    assert outcome.npv == pytest.approx(sum(outcome.cash[:, m] / 1.1 ** (m / 12) for m in range(60)))
    ended = {
        **x,
        "remaining_share": np.zeros(64),
    }  # what is counted beyond the end is discounted to it, whatever happens before
    one, other = (evaluate(path, ended, 60, rate, seed=1, chance=chance) for rate in (0.0, 0.1))
    assert one.npv == pytest.approx(other.cash.sum(axis=1))
    assert outcome.expected_npv == pytest.approx(expected_npv(x, 60, 0.1)[:, PATHS.index(path)])
    if not chance:
        assert outcome.npv == pytest.approx(outcome.expected_npv)
        assert outcome.cash.mean(axis=0) == pytest.approx(sum(outcome.lines.values()))


def test_the_same_seed_repeats_and_paths_have_luck_of_their_own() -> None:
    x = many(400)
    one, two, other = (evaluate("split", x, 24, 0.1, seed=s) for s in (1, 1, 2))
    assert (one.cash == two.cash).all() and (one.cash != other.cash).any()
    rebuild = evaluate("rebuild", x, 24, 0.1, seed=1)
    assert abs(np.corrcoef(one.npv, rebuild.npv)[0, 1]) < 0.15


@pytest.mark.parametrize("path", PATHS)
def test_doubling_the_currency_doubles_every_amount_and_moves_no_date(path: str) -> None:
    one, two = (evaluate(path, many(20, **{m: COMMON[m] * f for m in MONEY}), 48, 0.1, seed=4) for f in (1, 2))
    assert two.npv == pytest.approx(2 * one.npv) and two.loss == pytest.approx(2 * one.loss)
    assert two.loss_months == pytest.approx(one.loss_months) and two.payback == pytest.approx(one.payback, nan_ok=True)


def test_luck_deepens_the_loss_that_expected_cash_alone_would_show() -> None:
    x = many(4000)
    with_luck, without = (evaluate("split", x, 36, 0.1, seed=7, chance=c) for c in (True, False))
    assert with_luck.loss.mean() > without.loss.mean() and np.ptp(without.loss) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(("cash", "loss", "months", "payback"), [
    ([-5, 2, 3, 1], 5, 2, 2),  # -5, -3, 0: at zero it is paid back
    ([-5, 6, -3, 4], 5, 2, 3),  # -5, 1, -2, 2: it dips again, so only month 3 is for good
    ([-5, 1, 1, 1], 5, 4, np.nan),  # never
    ([1, 1, 1, 1], 0, 0, 0),  # never below zero: from the start
    ([5, -1, -1, -1], 0, 0, 0),
    ([5, -9, 1, 1], 4, 3, np.nan),  # 5, -4, -3, -2: below at the end
    ([-0.3, 0.1, 0.2, 0.0], 0.3, 2, 2),  # the sum ends a hair off zero in floating point
])  # fmt: skip
def test_payback_and_loss_on_made_up_cash(cash: list[float], loss: float, months: float, payback: float) -> None:
    outcome = outcome_of({}, np.array([cash], dtype=float), np.zeros(1), np.ones(len(cash)))
    assert (outcome.loss[0], outcome.loss_months[0]) == (pytest.approx(loss), months)
    assert outcome.payback[0] == pytest.approx(payback, nan_ok=True)
