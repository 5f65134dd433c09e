"""A stage that ends in any month: the ends against the ledger's own paths, months between by cash put together by hand."""

import numpy as np
import pytest
from ledger_worlds import inputs

from kaanalysis.analyses.ledger import expected_npv, path_cash
from kaanalysis.analyses.stage_values import stage_values

MONTHS, RATE = 40, 0.12


def test_the_ends_are_the_ledgers_own_paths() -> None:
    x = inputs(9)
    whole, made = expected_npv(x, MONTHS, RATE), stage_values(x, MONTHS, RATE, 0.4, MONTHS)
    assert made.stopped[:, -1] == pytest.approx(whole[:, 0], rel=1e-9)  # part-time to the end
    assert made.split_from[:, 0] == pytest.approx(whole[:, 1], rel=1e-9)  # split at once
    assert not made.stopped[:, 0].any() and not made.split_from[:, -1].any()  # nothing begun


@pytest.mark.parametrize("stop", [1, 7, 25])
def test_a_stopped_stage_is_its_months_of_spending_and_the_wins_of_deals_opened_in_them(stop: int) -> None:
    """Ramped within a month and without bottlenecks, each month opens alike: the path from month T on is the path moved by T months."""
    x = inputs(4, part_time__ramp_months=1.0, part_time__relief_factor=0.0, part_time__training_multiple=0.0,
               part_time__systems_multiple=0.0, part_time__review_multiple=0.0, remaining_share=0.0)  # fmt: skip
    lines = path_cash("part_time", x, MONTHS)
    cash = np.sum(list(lines.values()), axis=0)
    moved = np.zeros_like(cash)
    moved[:, stop:] = cash[:, : MONTHS - stop]
    by_hand = (cash - moved) @ (1 + RATE) ** (-np.arange(MONTHS) / 12)
    assert stage_values(x, MONTHS, RATE, 0.0, 0).stopped[:, stop] == pytest.approx(by_hand, rel=1e-9)


@pytest.mark.parametrize("start", [3, 12, 39])
def test_a_late_split_is_the_path_over_the_months_left_discounted_to_today(start: int) -> None:
    x = inputs(5, remaining_share=0.0, split__review_multiple=0.0, part_time__ramp_months=6.0)
    behind = min(start / 6, 1)  # of what part-time sellers have learnt once ramped up, at the start of the split
    shorter = {**x, "split.ramp_months": x["split.ramp_months"] * (1 - 0.3 * behind)}
    later = np.sum(list(path_cash("split", shorter, MONTHS - start).values()), axis=0)
    by_hand = later @ (1 + RATE) ** (-(np.arange(MONTHS - start) + start) / 12)
    assert stage_values(x, MONTHS, RATE, 0.3, 39).split_from[:, start] == pytest.approx(by_hand, rel=1e-9)


@pytest.mark.parametrize("start", [0, 12, 39])
def test_a_late_split_with_a_horizon_of_its_own_is_the_whole_path_begun_later(start: int) -> None:
    x = inputs(5, part_time__ramp_months=6.0)
    shorter = {**x, "split.ramp_months": x["split.ramp_months"] * (1 - 0.3 * min(start / 6, 1))}
    by_hand = expected_npv(shorter, MONTHS, RATE)[:, 1] * (1 + RATE) ** (-start / 12)
    made = stage_values(x, MONTHS, RATE, 0.3, 39, own_horizon=True).split_from
    assert made[:, start] == pytest.approx(by_hand, rel=1e-9)


def test_what_the_sellers_have_learnt_can_only_help_where_deals_pay() -> None:
    x = inputs(6, success=0.6, deal_size=2e6)
    none, some = (stage_values(x, MONTHS, RATE, share, 20).split_from for share in (0.0, 0.5))
    assert (some[:, 1:] > none[:, 1:]).all() and (some[:, 0] == none[:, 0]).all()
