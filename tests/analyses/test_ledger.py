"""Tables of the ROI ledger: to the cent."""

import numpy as np
import pytest
from analyses.ledger_world import random_worlds
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from kaanalysis.analyses.ledger import (
    LINES,
    PATHS,
    RETURNS,
    SMB_LOSS,
    evaluate,
    ledger_frame,
    lines_frame,
    mean_cash,
    to_cents,
)


@pytest.fixture(scope="module")
def outcomes() -> dict:
    x = random_worlds(64, 2)
    return {p: evaluate(p, x, 26, 0.1, seed=1) for p in PATHS}


@settings(max_examples=100, deadline=None)
@given(arrays(float, (7, 3), elements=st.floats(-1e9, 1e9)))
def test_cents_add_up_to_the_cash_to_the_cent_and_none_is_off_by_a_cent(lines: np.ndarray) -> None:
    cents = to_cents(lines)
    assert (cents.sum(axis=0) == np.rint((lines * 100).sum(axis=0))).all()
    assert np.abs(cents - lines * 100).max() <= 1 + 1e-6


def test_cents_by_hand() -> None:
    # Three thirds of a cent make one cent, and it goes to the first of equals.
    assert to_cents([[0.01 / 3], [0.01 / 3], [0.01 / 3]]).ravel().tolist() == [1, 0, 0]
    assert to_cents([[1.234], [-2.345], [0.005]]).sum() == round(100 * (1.234 - 2.345 + 0.005))


def test_lines_of_the_table_add_up_to_expected_cash_to_the_cent(outcomes: dict) -> None:
    frame = lines_frame(outcomes)
    assert len(frame) == 3 * 26 * len(LINES) and not frame.duplicated(["path", "month", "line"]).any()
    assert frame["line"].drop_duplicates().tolist() == list(LINES)
    cents = (frame["amount"] * 100).round().astype(int)
    assert np.abs(cents - frame["amount"] * 100).max() < 1e-4
    for path in PATHS:
        total = cents[frame["path"] == path].groupby(frame["month"]).sum()
        assert total.tolist() == np.rint(mean_cash(outcomes[path]) * 100).tolist()
    assert frame.groupby("year")["month"].agg(["min", "max"]).to_numpy().tolist() == [[0, 11], [12, 23], [24, 25]]


def test_subtotals_are_lines_of_the_ledger() -> None:
    assert set(SMB_LOSS) | set(RETURNS) < set(LINES) and not set(SMB_LOSS) & set(RETURNS)


def test_the_frame_holds_cash_and_its_running_sum_with_their_spans(outcomes: dict) -> None:
    frame = ledger_frame(outcomes)
    assert len(frame) == 3 * 26 * 2 and set(frame["line"]) == {"cash", "cumulative"}
    assert (frame["low"] <= frame["median"]).all() and (frame["median"] <= frame["high"]).all()
    means = frame.pivot_table(index="month", columns=["path", "line"], values="mean")
    for path in PATHS:
        assert means[path]["cumulative"].to_numpy() == pytest.approx(means[path]["cash"].cumsum().to_numpy())
