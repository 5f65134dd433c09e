"""Patterns judged together by hand: adjustment over the family, states, and what cannot be measured."""

from __future__ import annotations

import pytest

from kaanalysis.analyses.pattern_family import Member, adjusted, judge, presences, signs_frame, state_of
from kaanalysis.analyses.pattern_signs import Sign
from kaanalysis.policy import Policy
from kaanalysis.results import LISTED


def sign(name: str, present: float | None, absent: float | None = None, needs: tuple[str, ...] = ()) -> Sign:
    value = None if present is None else 1.0 if present < 0.5 else -1.0
    left = None if present is None else 1 - present if absent is None else absent
    return Sign(name, value, value, value, 0.95, 30, "share", "m", 0.0, "above", present, left, "before_after", needs)


def member(id: str, *present: float | None, at_least: int = 2, needs: tuple[str, ...] = ()) -> Member:
    return Member(id, "hatching", tuple(sign(f"s{i}", p, needs=needs) for i, p in enumerate(present)), at_least)


def test_the_family_is_adjusted_together(policy: Policy) -> None:
    # Both signs needed: p 0.004 and 0.5. Over two, 1 + 1/2 = 1.5: 0.004 × 2 × 1.5 = 0.012 and 0.5 × 1.5 = 0.75.
    family = [member("M-A", 0.001, 0.004), member("M-B", 0.5, 0.3)]
    found = adjusted(family)
    assert found["M-A"][0] == pytest.approx(0.012) and found["M-B"][0] == pytest.approx(0.75)
    assert [f.state for f in judge(family, policy)] == ["supported", "undecided"]


def test_alone_it_would_be_found_and_among_six_it_is_open(policy: Policy) -> None:
    alone = [member("M-A", 0.02, 0.01)]
    six = alone + [member(f"M-{x}", 0.6, 0.6) for x in "BCDEF"]
    assert judge(alone, policy)[0].state == "supported" and judge(six, policy)[0].state == "undecided"


def test_one_sign_surely_not_there_contradicts_where_all_are_needed(policy: Policy) -> None:
    finding = judge([member("M-A", 0.0001, 0.9999)], policy)[0]
    assert finding.state == "contradicted" and finding.reason == "hatching_contradicted"
    assert judge([member("M-A", 0.0001, 0.9999, at_least=1)], policy)[0].state == "supported"


def test_both_small_is_open(policy: Policy) -> None:
    assert state_of((0.01, 0.01), policy) == "undecided"


def test_what_nothing_measures_names_what_is_missing_and_leaves_the_family(policy: Policy) -> None:
    family = [
        member("M-A", 0.001, 0.004),
        member("M-B", None, None, needs=("disputes.hours",)),
        member("M-C", None, None),
    ]
    found = judge(family, policy)
    assert [f.state for f in found] == ["supported", "no_data", "undecided"]
    assert found[1].needs == ("disputes.hours",) and found[2].reason == "too_few_events"
    assert found[0].number("p_adjusted").value == pytest.approx(0.004) and found[0].number("p_adjusted").n == 1  # type: ignore[union-attr]


def test_a_finding_lists_what_is_seen_and_counts_it(policy: Policy) -> None:
    finding = judge([member("M-A", 0.001, 0.002, 0.9, None, at_least=2)], policy)[0]
    assert (
        finding.terms["seen"] == f"s0{LISTED}s1"
        and finding.terms["left"] == "s2"
        and finding.terms["unmeasured"] == "some"
    )
    count = finding.number("score")
    assert count is not None and (count.value, count.low, count.high) == (0.5, 0.5, 1.0)


def test_more_signs_asked_for_than_there_are_means_all_of_them(policy: Policy) -> None:
    assert judge([member("M-A", 0.001, 0.002, at_least=9)], policy)[0].state == "supported"


def test_signs_as_a_frame_and_what_each_member_says_alone() -> None:
    family = [member("M-A", 0.1, None), member("M-B", 0.2, at_least=1), member("M-C", None)]
    frame = signs_frame(family)
    assert frame["pattern"].tolist() == ["M-A", "M-A", "M-B", "M-C"] and frame["p_present"].isna().tolist() == [
        False,
        True,
        False,
        True,
    ]
    assert presences(family) == {"M-A": 1.0, "M-B": 0.2, "M-C": None}


def test_without_a_required_sign_the_others_are_another_pattern(policy: Policy) -> None:
    # Quarrel (two readings) and no gain, but surely no double pursuit: three of four would be enough, were it not asked for by name.
    made = member("M-C", 0.9999, 1e-9, 1e-9, 1e-5, at_least=3)
    asked = Member(made.id, made.key, made.signs, made.at_least, required=("s0",))
    assert judge([made], policy)[0].state == "supported" and judge([asked], policy)[0].state == "contradicted"
    assert asked.presence == pytest.approx(0.9999) and asked.absence == pytest.approx(2 * 1e-4)
    there = member("M-C", 1e-4, 1e-9, 1e-9, 1e-5, at_least=3)
    assert Member(there.id, there.key, there.signs, 3, required=("s0",)).presence == pytest.approx(1e-4)
    # Not measured: open, whatever the others say.
    none = member("M-C", None, 1e-9, 1e-9, 1e-5, at_least=3)
    assert judge([Member(none.id, none.key, none.signs, 3, required=("s0",))], policy)[0].state == "undecided"
