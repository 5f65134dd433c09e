"""The merged margins: relative to the policy's range, smallest first, nothing silently dropped."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaanalysis.policy import load_policy
from kaanalysis.report.margins import WIDE, deciding, margins, relative_margin, unmoved
from kaanalysis.results import Finding, Flip
from kaanalysis.text import words

HORIZON = Flip("lifecycle.horizon_months", 36, 48.0, (12.0, 60.0), "undecided")  # 12 of 48 months: a quarter
NEVER = Flip("growth.stall_rate", 0.0, None, (-0.2, 0.3))
CAP = Flip("ledger.loss_cap_share", 0.1, 0.01 + 0.99 * 0.05, (0.01, 1.0), "contradicted")  # 0.0405 of 0.99


def test_margin_is_the_way_to_the_flip_over_the_range_worked_by_hand() -> None:
    assert relative_margin(HORIZON) == pytest.approx(0.25)
    assert relative_margin(CAP) == pytest.approx(0.0405 / 0.99)
    # From 2,000 customers to 4,000 is a doubling, whatever the range allows at its far end: log 2 of log 500.
    many = Flip("market.large", 2000, 4000.0, (200.0, 100_000.0))
    assert relative_margin(many) == pytest.approx(math.log(2) / math.log(500))
    assert relative_margin(NEVER) is None
    assert relative_margin(Flip("x", 1, 1.0, (1.0, 1.0))) is None


def test_margins_of_all_findings_stand_smallest_first_and_the_unmoved_are_counted() -> None:
    findings = [
        Finding("M-1.2", "lifecycle", "supported", "lifecycle_supported", flips=(HORIZON, NEVER)),
        Finding("M-4.4", "strategic_loss", "undecided", "loss_depends", flips=(CAP,)),
    ]
    found = margins(findings, words("en"), load_policy())
    assert [(m.finding, m.share_text) for m in found] == [("M-4.4", "4.1%"), ("M-1.2", "25.0%")]
    assert (found[1].now, found[1].at, found[1].then) == ("36 months", "48 months", "undecided")
    assert unmoved(findings) == 1
    assert [m.finding for m in deciding(found)] == ["M-4.4"]  # a lifetime decides no path


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.floats(0, 1), st.floats(0, 1))
def test_margin_lies_between_none_of_the_range_and_all_of_it(low: float, span: float, now: float, at: float) -> None:
    flip = Flip("x", low + now * span, low + at * span, (low, low + span))
    share = relative_margin(flip)
    assert share is not None and 0 <= share <= 1 + 1e-6
    if low <= 0 or low + span <= WIDE * low:
        assert share == pytest.approx(abs(at - now), abs=1e-4)
