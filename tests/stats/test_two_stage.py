"""Two-stage plans against Simon's published tables and the exact binomial law."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from kaanalysis.stats.stopping import characteristic
from kaanalysis.stats.two_stage import go_on_chances, two_stage

# poor, good, false_go, false_stop → optimal r1/n1 r/n EN, minimax r1/n1 r/n EN (Simon 1989, table 1: differences of 0.20).
SIMON_1989 = [
    (0.05, 0.25, 0.10, 0.10, (0, 9, 2, 24, 14.5), (0, 13, 2, 20, 16.4)),
    (0.05, 0.25, 0.05, 0.20, (0, 9, 2, 17, 12.0), (0, 12, 2, 16, 13.8)),
    (0.05, 0.25, 0.05, 0.10, (0, 9, 3, 30, 16.8), (0, 15, 3, 25, 20.4)),
    (0.10, 0.30, 0.10, 0.10, (1, 12, 5, 35, 19.8), (1, 16, 4, 25, 20.4)),
    (0.10, 0.30, 0.05, 0.20, (1, 10, 5, 29, 15.0), (1, 15, 5, 25, 19.5)),
    (0.10, 0.30, 0.05, 0.10, (2, 18, 6, 35, 22.5), (2, 22, 6, 33, 26.2)),
    (0.20, 0.40, 0.10, 0.10, (3, 17, 10, 37, 26.0), (3, 19, 10, 36, 28.3)),
    (0.20, 0.40, 0.05, 0.20, (3, 13, 12, 43, 20.6), (4, 18, 10, 33, 22.3)),
    (0.20, 0.40, 0.05, 0.10, (4, 19, 15, 54, 30.4), (5, 24, 13, 45, 31.2)),
    (0.30, 0.50, 0.10, 0.10, (7, 22, 17, 46, 29.9), (7, 28, 15, 39, 35.0)),
    (0.30, 0.50, 0.05, 0.20, (5, 15, 18, 46, 23.6), (6, 19, 16, 39, 25.7)),
]


@pytest.mark.parametrize(("poor", "good", "false_go", "false_stop", "optimal", "minimax"), SIMON_1989)
def test_plans_against_simons_published_table(
    poor: float, good: float, false_go: float, false_stop: float, optimal: tuple, minimax: tuple
) -> None:
    for kind, expected in (("optimal", optimal), ("minimax", minimax)):
        plan = two_stage(poor, good, false_go, false_stop, kind)
        assert plan is not None
        assert (plan.stop_first, plan.first, plan.stop_total, plan.total) == expected[:4]
        assert plan.expected == pytest.approx(expected[4], abs=0.051)


def exact(plan, share: float) -> float:
    """Chance to go on, summed from binomial terms one by one."""
    second = plan.total - plan.first
    return sum(
        stats.binom.pmf(x, plan.first, share) * stats.binom.sf(plan.stop_total - x, second, share)
        for x in range(plan.stop_first + 1, plan.first + 1)
    )


@settings(max_examples=6)
@given(st.sampled_from([0.1, 0.25, 0.4]), st.sampled_from([0.25, 0.35]), st.sampled_from([0.05, 0.1, 0.2]))
def test_both_errors_hold_exactly_and_looking_after_every_unit_changes_neither(
    poor: float, gap: float, error: float
) -> None:
    for kind in ("optimal", "minimax"):
        plan = two_stage(poor, poor + gap, error, error, kind)
        assert plan is not None
        assert exact(plan, poor) <= error and exact(plan, poor + gap) >= 1 - error
        looked = characteristic(plan.rule(), [poor, poor + gap])
        assert looked.go_on == pytest.approx([exact(plan, poor), exact(plan, poor + gap)], abs=1e-12)
        assert looked.units[0] <= plan.expected + 1e-9  # stopping inside a stage can only save units
        assert plan.ends_early == pytest.approx(stats.binom.cdf(plan.stop_first, plan.first, poor))


def test_all_plans_of_two_stages_at_once_are_the_sums_one_by_one() -> None:
    table = go_on_chances(7, 3, 0.3)
    for stop_first in range(4):
        for stop_total in range(8):
            want = sum(
                stats.binom.pmf(x, 3, 0.3) * stats.binom.sf(stop_total - x, 4, 0.3) for x in range(stop_first + 1, 4)
            )
            assert table[stop_first, stop_total] == pytest.approx(want, abs=1e-12)


def test_optimal_expects_no_more_and_minimax_needs_no_more_units_than_the_other() -> None:
    optimal, minimax = (two_stage(0.25, 0.5, 0.1, 0.1, kind) for kind in ("optimal", "minimax"))
    assert optimal is not None and minimax is not None
    assert optimal.expected < minimax.expected and optimal.total > minimax.total


def test_shares_too_near_each_other_have_no_plan_and_nonsense_is_refused() -> None:
    assert two_stage(0.45, 0.5, 0.05, 0.05, most=30) is None
    with pytest.raises(ValueError, match="poor < good"):
        two_stage(0.5, 0.25, 0.1, 0.1)
    with pytest.raises(ValueError, match="kind must be"):
        two_stage(0.25, 0.5, 0.1, 0.1, "best")  # type: ignore[arg-type]
