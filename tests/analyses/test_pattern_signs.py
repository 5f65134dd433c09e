"""Signs by hand: margins on transformed scales, what is missing, and what several signs say together."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from kaanalysis.analyses.pattern_signs import (
    Sign,
    absence,
    missing_sign,
    presence,
    score,
    seen,
    share_sign,
    sign_of,
    sign_of_number,
)
from kaanalysis.results import Number
from kaanalysis.stats import Effect


def sign(value: float, error: float = 0.1, margin: float = 0.0, beyond: str = "above") -> Sign:
    return sign_of(Effect(value, error, 20, 40, "m"), "s", margin, beyond, "share", "before_after", 0.95)  # type: ignore[arg-type]


def test_a_ratio_is_asked_for_on_the_scale_of_its_logs() -> None:
    effect = Effect(math.log(1.5), 0.1, 20, 40, "m")
    made = sign_of(effect, "cycle_ratio", 1.1, "above", "ratio", "before_after", 0.95, math.exp)
    assert made.value == pytest.approx(1.5) and made.low == pytest.approx(math.exp(effect.interval(0.95).low))  # type: ignore[arg-type]
    assert made.p_present == pytest.approx(effect.p_above(math.log(1.1)))
    assert made.p_absent == pytest.approx(effect.p_below(math.log(1.1)))
    assert made.number().name == "cycle_ratio" and made.number().unit == "ratio"


def test_a_sign_below_its_margin_turns_the_tests_round() -> None:
    made = sign(-0.3, beyond="below")
    assert made.p_present is not None and made.p_present < 0.01 and seen(made) is True
    assert seen(sign(0.3, beyond="below")) is False


def test_a_margin_that_no_effect_reaches_is_refused() -> None:
    with pytest.raises(ValueError, match="margin -1"):
        sign_of(Effect(0.0, 0.1, 9, 9, "m"), "s", -1.0, "above", "ratio", "trend", 0.95, math.exp)


def test_all_of_them_or_none() -> None:
    there, gone = sign(1.0), sign(-1.0)
    assert presence([there] * 3, 3) < 0.001 and absence([there] * 3, 3) > 0.99
    # One of three surely not there: all three surely are not.
    assert presence([there, there, gone], 3) > 0.99 and absence([there, there, gone], 3) < 0.001
    # Two of three are enough where two are asked for.
    assert presence([there, there, gone], 2) < 0.001


def test_what_is_not_measured_is_evidence_for_neither() -> None:
    none = missing_sign(
        "s", ["disputes.hours"], margin=0, beyond="above", unit="share", level=0.95, method="m", comparison="target"
    )
    assert presence([sign(1.0), none], 2) == 1 and absence([sign(1.0), none], 2) == 1
    assert presence([sign(1.0), none], 1) < 0.001 and seen(none) is None
    assert absence([sign(-1.0), none], 2) < 0.001  # two are asked for and one is surely not there


def test_the_score_counts_signs_seen_sure_and_not_excluded() -> None:
    unsure = replace(sign(0.05, error=0.1))
    assert score([sign(1.0), unsure, sign(-1.0), sign(-0.05)], 0.05) == (0.5, 0.25, 0.75)


def test_a_number_of_another_analysis_is_tested_on_the_side_of_the_margin() -> None:
    # Half widths 0.1 below and 0.3 above at 95 %: from 0.6 the margin 0.5 lies 1.96 errors of the lower side away.
    made = sign_of_number(Number("fit", "KA", 0.6, 0.5, 0.9, 0.95, 40, "fit", "m"), "team_fit", 0.5, "above", "target")
    assert made.p_present == pytest.approx(0.025, abs=1e-4) and made.p_absent == pytest.approx(0.743, abs=1e-3)
    turned = sign_of_number(
        Number("fit", "KA", 0.4, 0.3, 0.5, 0.95, 40, "fit", "m"), "team_fit", 0.5, "below", "target"
    )
    assert turned.p_present == pytest.approx(0.025, abs=1e-4) and turned.number().name == "team_fit"
    none = sign_of_number(
        Number("fit", "KA", 0.4, None, None, 0.95, 40, "fit", "m"), "team_fit", 0.5, "below", "target"
    )
    assert none.p_present is None and none.value == 0.4


def test_a_share_is_tested_exactly() -> None:
    # 5 of 6 where half is the margin: (6 + 1) / 64; at most 5: 63 / 64.
    made = share_sign(5, 6, "winless_sellers", 0.5, "above", "target", 0.95, "m")
    assert (made.p_present, made.p_absent) == (pytest.approx(7 / 64), pytest.approx(63 / 64))
    assert share_sign(0, 0, "winless_sellers", 0.5, "above", "target", 0.95, "m").p_present is None
