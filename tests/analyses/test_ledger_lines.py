"""Lines of the ROI ledger: every one by hand, what bounds the wins, and what must hold in any world."""

import numpy as np
import pytest
from analyses.ledger_world import COMMON, MONEY, random_worlds, world
from hypothesis import given, settings
from hypothesis import strategies as st

from kaanalysis.analyses.ledger_lines import (
    LINES,
    PATHS,
    chance_to_win,
    deals_opened,
    path_cash,
    ramp_of,
    win_lags,
    wins_by_month,
    wins_by_opening,
    world_of,
    years_to_come,
)


def lines_of(path: str, months: int, **change: float) -> dict[str, np.ndarray]:
    return {name: values[0] for name, values in path_cash(path, world(**change), months).items()}


def test_every_line_of_a_world_without_uncertainty_by_hand() -> None:
    lines = lines_of("split", 16)
    assert tuple(lines) == LINES
    assert lines["sellers"] == pytest.approx([-2 * 10] * 16)
    assert lines["leader"] == pytest.approx([-10] * 16)
    assert lines["pay_change"] == pytest.approx([-2 * 10 * 0.5] * 16)
    # Service: 2 sellers x 4 x 2 = 16 a month, a quarter of it presales.
    assert lines["presales"] == pytest.approx([-4] * 16) and lines["support"] == pytest.approx([-12] * 16)
    assert lines["product"] == pytest.approx([-2 * 10 * 0.25] * 16)
    assert lines["training"] == pytest.approx([-60] + [0] * 15) and lines["systems"] == pytest.approx([-20] + [0] * 15)
    # Opened 2 x 1 x 0.5 = 1 a month, won with 0.4 + 0.2 x 0.5 = 0.5, two months later, worth 1000 x 0.5: 250 a month from month 2.
    assert lines["first_contracts"] == pytest.approx([0, 0] + [250] * 14)
    # Renewed after twelve months by exp(-12 / 12), a tenth of the first value: 25 / e from month 14 on.
    assert lines["renewals"] == pytest.approx([0] * 14 + [25 / np.e] * 2)
    assert lines["smb_people"] == pytest.approx([-2 * 20 * 0.25 * 0.5] * 16)
    assert lines["smb_product"] == pytest.approx([-2 * 20 * 0.05 * 0.5] * 16)
    assert lines["smb_accounts"] == pytest.approx([0] * 16)
    # 2 sellers x 4 hours at 10 / 160 x 2 an hour.
    assert lines["conflict"] == pytest.approx([-1] * 16)
    assert lines["review"] == pytest.approx([0] * 15 + [-2 * 10 * 0.5])


def test_part_time_sellers_are_paid_anyway() -> None:
    lines = lines_of("part_time", 3)
    assert lines["sellers"] == pytest.approx([0] * 3) and lines["pay_change"] == pytest.approx([-10] * 3)


def test_accounts_moved_take_their_share_of_everything_that_comes_in() -> None:
    lines = lines_of("rebuild", 16, accounts_moved=0.2, **{"rebuild.accounts_factor": 1.5})
    assert lines["smb_accounts"] == pytest.approx(-0.3 * (lines["first_contracts"] + lines["renewals"]))
    all_of_it = lines_of("rebuild", 16, accounts_moved=0.9, **{"rebuild.accounts_factor": 2.0})
    assert all_of_it["smb_accounts"] == pytest.approx(-(all_of_it["first_contracts"] + all_of_it["renewals"]))


def test_renewals_of_a_second_year_are_renewals_of_those_that_stayed_through_the_first() -> None:
    # First contracts of 200 a month from month 0; 40 % of 200 each year, times exp(-1) and exp(-2) of those still there.
    lines = lines_of("split", 25, relief=0.0, cycle_months=0.1, recurring_share=0.4)
    assert lines["renewals"][[11, 12, 23, 24]] == pytest.approx([0, 80 / np.e, 80 / np.e, 80 / np.e + 80 / np.e**2])


def test_the_review_counts_what_runs_on_only_if_the_policy_says_so() -> None:
    change = {"relief": 0.0, "cycle_months": 0.1, "recurring_share": 0.4, "split.review_multiple": 0.0}
    assert lines_of("split", 14, **change)["review"].tolist() == [0] * 14
    # 200 a month; won in months 2 … 13: all later renewals 200 x 0.4 x (1/e + 1/e² + …); months 0 and 1: from the second renewal on.
    series = 1 / (np.e - 1)
    counted = 80 * (12 * series + 2 * series / np.e)
    got = lines_of("split", 14, remaining_share=0.25, **change)["review"]
    assert got[:13].tolist() == [0] * 13 and got[13] == pytest.approx(0.25 * counted)
    moved = lines_of("split", 14, remaining_share=0.25, accounts_moved=0.4, **change)["review"][13]
    # Each renewal beyond the end, written down month by month and discounted from its own month to the last.
    x = world(remaining_share=0.25, **{**change, "lifetime_months": 300.0})
    first = path_cash("split", x, 14)["first_contracts"][0]
    series = sum(first[t] * 0.4 * np.exp(-12 * k / 300) / 1.1 ** ((t + 12 * k - 13) / 12)
                 for t in range(14) for k in range(1, 600) if t + 12 * k >= 14)  # fmt: skip
    assert path_cash("split", x, 14, 0.1)["review"][0, 13] == pytest.approx(0.25 * series)
    # A customer for ever is worth a perpetuity, and not without bound.
    forever = path_cash("split", {**x, "lifetime_months": np.array([1e12])}, 14, 0.1)["review"][0, 13]
    assert forever == pytest.approx(
        0.25
        * sum(first[t] * 0.4 / 1.1 ** ((12 * (2 if t < 2 else 1) + t - 13) / 12) for t in range(14))
        / (1 - 1 / 1.1)
    )
    assert moved == pytest.approx(0.25 * 0.6 * counted)


@pytest.mark.parametrize("months", [1, 11, 12, 13, 24, 60])
def test_the_first_renewal_beyond_the_end_is_the_first_not_within(months: int) -> None:
    for month, k in enumerate(years_to_come(months)):
        assert month + 12 * k >= months > month + 12 * (k - 1)


def test_ramp_grows_in_a_straight_line_and_the_one_off_costs_are_spread_over_it() -> None:
    change = {"relief": 0.0, "cycle_months": 0.1, "rebuild.ramp_months": 4.0}
    lines = lines_of("rebuild", 6, **change)
    # Full rate: 1 deal a month x 0.4 x 500 = 200.
    assert lines["first_contracts"] == pytest.approx([50, 100, 150, 200, 200, 200])
    assert lines["training"] == pytest.approx([-15] * 4 + [0, 0])
    # A ramp of 2.5 months: shares 1, 1 and one half of 60 / 2.5 = 24.
    assert lines_of("rebuild", 4, **{"rebuild.ramp_months": 2.5})["training"] == pytest.approx([-24, -24, -12, 0])
    # A ramp that outlasts the horizon has spent only its part by then.
    assert lines_of("rebuild", 3, **{"rebuild.ramp_months": 6.0})["training"].sum() == pytest.approx(-30)


def test_relief_builds_up_over_the_ramp_and_no_chance_exceeds_one() -> None:
    got = wins_by_opening(world_of("split", world(**{"split.ramp_months": 2.0})), 3)[0]
    assert got == pytest.approx([0.5 * (0.4 + 0.05), 0.5, 0.5])
    sure = wins_by_opening(world_of("split", world(success=0.95, relief=0.9, relief_reached=1.0)), 2)[0]
    assert sure == pytest.approx([1, 1])
    # A resample may find a relief below nothing; relieving a step never loses deals.
    assert wins_by_opening(world_of("split", world(relief=-0.3)), 1)[0] == pytest.approx([0.4])


def test_relief_of_several_steps_is_that_of_each_passing_better_in_a_straight_line() -> None:
    """Three steps alike pass in 0.7 of the cases, in 0.9 once relieved; half of the way they pass in 0.8."""
    change = {"success": 0.7**3, "relief": 0.9**3 - 0.7**3, "relief_reached": 0.5, "relieved_steps": 3.0}
    half = chance_to_win(world_of("split", world(**change)), np.ones((1, 1)))
    assert half[0] == pytest.approx([0.8**3]) and half[0, 0] < (0.7**3 + 0.9**3) / 2
    whole = chance_to_win(world_of("split", world(**{**change, "relief_reached": 1.0})), np.ones((1, 1)))
    assert whole[0] == pytest.approx([0.9**3])
    # Nothing gained, nothing won; a chance stays a chance.
    assert chance_to_win(world_of("split", world(**{**change, "relief": 0.0})), np.ones((1, 1)))[0] == pytest.approx(
        [0.7**3]
    )
    assert chance_to_win(world_of("split", world(**{**change, "success": 0.9})), np.ones((1, 1)))[0, 0] <= 1


@pytest.mark.parametrize(("path", "change", "a_month"), [
    ("rebuild", {"rebuild.sellers": 400.0, "potential_accounts": 36.0}, 3.0),  # 200 could be opened; 36 accounts buy 36 a year
    ("rebuild", {"rebuild.sellers": 400.0, "potential_accounts": 36.0, "deals_per_account": 2.0}, 6.0),
    ("split", {"split.sellers": 8.0, "split.named_accounts": 3.0}, 2.0),  # 4 could be opened; 24 named accounts buy 24 a year
    ("split", {"split.sellers": 8.0, "split.named_accounts": 300.0}, 4.0),
    ("rebuild", {"rebuild.sellers": 8.0, "split.named_accounts": 3.0}, 4.0),  # the list is the split's
])  # fmt: skip
def test_no_path_opens_more_deals_than_its_accounts_buy(path: str, change: dict[str, float], a_month: float) -> None:
    held = world_of(path, world(**change))
    assert deals_opened(held, ramp_of(held, 2))[0] == pytest.approx([a_month] * 2)


def test_time_to_win_is_the_lognormal_of_scipy() -> None:
    from scipy.stats import lognorm

    held = world_of("split", world(cycle_months=5.0, cycle_spread=0.4))
    law = lognorm(s=0.4, scale=5.0)
    by_hand = [law.cdf(0.5)] + [law.cdf(j + 0.5) - law.cdf(j - 0.5) for j in range(1, 40)]
    assert win_lags(held, 40)[0] == pytest.approx(by_hand, abs=1e-12)
    mean = (win_lags(held, 200)[0] * np.arange(200)).sum()
    assert mean == pytest.approx(law.mean(), abs=0.01)  # rounded to months, no month is lost on the way


@settings(max_examples=40, deadline=None)
@given(cycle=st.floats(0.2, 80), spread=st.floats(0.01, 2), months=st.integers(1, 60))
def test_wins_are_those_opened_but_for_what_falls_beyond_the_end(cycle: float, spread: float, months: int) -> None:
    held = world_of("split", world(cycle_months=cycle, cycle_spread=spread))
    won, opened = wins_by_month(held, months)[0], wins_by_opening(held, months)[0]
    assert (won >= -1e-12).all() and won.sum() <= opened.sum() + 1e-9
    assert (np.cumsum(won) <= np.cumsum(opened) + 1e-9).all(), "nothing is won before it is opened"
    inside = sum(o * win_lags(held, months)[0][: months - m].sum() for m, o in enumerate(opened))
    assert won.sum() == pytest.approx(inside, abs=1e-9)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), path=st.sampled_from(PATHS), factor=st.floats(0.1, 10))
def test_spending_is_linear_in_sellers_and_everything_in_money(seed: int, path: str, factor: float) -> None:
    x = random_worlds(4, seed)
    one, more = path_cash(path, x, 30), path_cash(path, {**x, f"{path}.sellers": x[f"{path}.sellers"] * factor}, 30)
    for name in LINES:
        if name not in ("leader", "first_contracts", "renewals", "smb_accounts", "review"):
            assert more[name] == pytest.approx(factor * one[name])
    assert more["leader"] == pytest.approx(one["leader"])  # one leader leads few or many
    rich = path_cash(path, {**x, **{m: x[m] * factor for m in MONEY}}, 30)
    for name in LINES:
        assert rich[name] == pytest.approx(factor * one[name])


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), path=st.sampled_from(PATHS))
def test_signs_no_sellers_no_cash_and_more_accounts_never_hurt(seed: int, path: str) -> None:
    x = random_worlds(4, seed)
    lines = path_cash(path, {**x, "remaining_share": np.zeros(4)}, 40)
    for name in LINES:
        assert (
            (lines[name] >= -1e-12).all() if name in ("first_contracts", "renewals") else (lines[name] <= 1e-12).all()
        )
    nobody = path_cash(path, {**x, f"{path}.sellers": np.zeros(4)}, 40)
    assert max(np.abs(values).max() for values in nobody.values()) == 0
    wide = path_cash(path, {**x, "potential_accounts": x["potential_accounts"] * 2}, 40)
    assert (wide["first_contracts"] >= lines["first_contracts"] - 1e-9).all()


def test_part_time_with_all_its_settings_at_zero_costs_nothing() -> None:
    free = {f"part_time.{k}": 0.0 for k in ("leader_multiple", "pay_uplift", "support_multiple", "product_multiple", "training_multiple",
                                            "systems_multiple", "smb_people", "smb_product", "conflict_factor", "review_multiple")}  # fmt: skip
    lines = lines_of("part_time", 24, **free)
    assert {n for n, v in lines.items() if v.any()} == {"first_contracts", "renewals"}


def test_a_path_that_there_is_not_is_refused() -> None:
    with pytest.raises(ValueError, match="path must be one of part_time, split, rebuild; not 'merge'"):
        path_cash("merge", world(), 3)
    assert set(MONEY) < set(COMMON)
