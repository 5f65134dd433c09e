"""Deals for the health check: one row each, and what was known of them on an earlier day."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd

from kaanalysis.aggregates.patterns import known_at, pattern_deals
from kaanalysis.company import open_company
from kaanalysis.policy import Policy


def deals() -> pd.DataFrame:
    day = pd.to_datetime
    return pd.DataFrame({
        "opportunity_id": ["a", "b", "c", "d", "e"],
        "created_at": day(["2025-01-01", "2025-02-01", "2025-06-01", None, None]),
        "closed_at": day(["2025-03-01", "2025-05-01", None, "2025-02-01", None]),
        "outcome": ["won", "lost", "open", "won", "open"], "exit": [None, "lost", None, None, None],
        "loss_reason": [None, "price", None, None, None], "lost_to_competitor": [None, True, None, None, None],
        "amount": [1.0, 2.0, 3.0, 4.0, 5.0],
    })  # fmt: skip


def test_later_closings_are_open_again_and_later_deals_gone() -> None:
    known = known_at(deals(), dt.date(2025, 4, 1))
    assert known["opportunity_id"].tolist() == ["a", "b", "d", "e"]
    assert known["outcome"].tolist() == ["won", "open", "won", "open"]
    assert known["closed_at"].isna().tolist() == [False, True, False, True]
    assert (
        known.loc[known["opportunity_id"] == "b", ["exit", "loss_reason", "lost_to_competitor"]].isna().all(axis=None)
    )


def test_on_the_last_day_everything_is_known() -> None:
    whole = deals()
    pd.testing.assert_frame_equal(known_at(whole, dt.date(2026, 1, 1)), whole)


def test_one_row_per_deal_with_its_motion(small_demo: Path, policy: Policy) -> None:
    demo = open_company(small_demo)
    frame = pattern_deals(demo, policy)
    assert len(frame) == int(demo.table("opportunities").count().execute()) and frame["opportunity_id"].is_unique
    assert set(frame["motion"].dropna()) == {"SMB", "KA", "channel"}
    frame["outcome"] = "changed"
    assert "changed" not in set(pattern_deals(demo, policy)["outcome"])
