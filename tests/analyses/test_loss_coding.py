"""The three ways to lose, told by hand on small records; what cannot be told is neither yes nor no."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kaanalysis.analyses.loss_coding import MODES, code_modes, landmark, whole_life
from kaanalysis.policy import Policy

NEVER = float("nan")
Row = tuple[str, str, str, str | None, bool, float]


def people(*rows: Row) -> pd.DataFrame:
    """person, role, part, stance, key person, met, all of deal D."""
    frame = pd.DataFrame(rows, columns=["person_id", "role", "part", "stance", "key_person", "met"])
    return frame.assign(opportunity_id="D", department="x")


def coded(
    rows: pd.DataFrame,
    policy: Policy,
    *,
    days: float = 200,
    talked: float | None = 5,
    meetings: bool = True,
    at: float | None = None,
):  # type: ignore[no-untyped-def]
    deals = pd.DataFrame({"opportunity_id": ["D"], "days": [days]})
    moments = whole_life(deals, policy) if at is None else landmark(deals, at)
    talks = None if talked is None else pd.DataFrame({"opportunity_id": ["D"], "talked": [talked]})
    return code_modes(rows, talks, moments, meetings, policy).iloc[0]


KEY: Row = ("k", "manager", "approve", "for", True, 0)


@pytest.mark.parametrize(("other", "wanted"), [
    (("f", "finance", "approve", "against", False, 50), True),
    (("f", "finance", "approve", None, False, NEVER), True),
    (("f", "finance", "approve", "for", False, 50), False),
    (("f", "finance", "approve", "neutral", False, 50), False),
    (("f", "finance", "inform", "against", False, 50), False),   # who only hears of it decides nothing
    (("f", "finance", "approve", None, False, 50), None),        # met, but how they stand is not recorded
])  # fmt: skip
def test_a_split_chain_has_deciders_for_it_and_others_against_or_unmet(
    other: Row, wanted: bool | None, policy: Policy
) -> None:
    found = coded(people(KEY, other), policy)["split_chain"]
    assert (found is pd.NA) if wanted is None else bool(found) is wanted


def test_all_deciders_against_is_no_split_chain(policy: Policy) -> None:
    rows = people(("k", "manager", "approve", "against", True, 0), ("f", "finance", "approve", "against", False, 9))
    assert not coded(rows, policy)["split_chain"]
    assert coded(people(("u", "user", "inform", "for", False, 0)), policy)["split_chain"] is pd.NA, (
        "no decider on record"
    )


@pytest.mark.parametrize(("talked", "met", "either", "both"), [
    (5, 20, False, False), (5, 180, True, False), (31, 20, True, False), (31, 180, True, True), (NEVER, 151, True, True),
    (NEVER, 150, True, False), (30, NEVER, True, False), (31, NEVER, True, True),
])  # fmt: skip
def test_budget_and_departments_late_at_and_around_their_borders(talked, met, either, both, policy: Policy) -> None:
    # A life of 200 days: its last quarter begins after day 150; the budget is early up to day 30.
    rows = people(KEY, ("p", "procurement", "approve", "for", False, met))
    assert bool(coded(rows, policy, talked=talked)["late_departments"]) is both
    loose = policy.override({"modes.budget_rule": "either"})
    found = coded(rows, loose, talked=talked)
    assert bool(found["late_departments"]) is either
    assert (found["departments_late"] == "procurement") is (not met <= 150)


def test_what_the_record_of_budget_and_departments_cannot_tell(policy: Policy) -> None:
    late = people(KEY, ("p", "procurement", "approve", "for", False, 180))
    assert coded(late, policy, talked=None)["late_departments"] is pd.NA, "no activities on record"
    in_time = people(KEY, ("p", "procurement", "approve", "for", False, 8))
    assert not coded(in_time, policy, talked=None)["late_departments"], "one of two conditions surely fails"
    assert (
        coded(people(KEY, ("u", "user", "inform", "for", False, 180)), policy, talked=90)["late_departments"] is pd.NA
    )
    assert coded(late, policy, days=20, talked=NEVER)["late_departments"] is pd.NA, "it ended before the budget was due"
    one = people(KEY, ("p", "legal", "inform", None, False, NEVER), ("q", "legal", "approve", "for", False, 3))
    assert not coded(one, policy, talked=90)["late_departments"], "a department is met with the first of its persons"


@pytest.mark.parametrize(("met", "wanted"), [(150, False), (151, True), (NEVER, True)])
def test_only_the_key_person_was_met_in_time(met: float, wanted: bool, policy: Policy) -> None:
    rows = people(KEY, ("p", "procurement", "approve", "for", False, met), ("u", "user", "inform", None, False, NEVER))
    found = coded(rows, policy)
    assert bool(found["key_person_only"]) is wanted and found["others"] == 2 and found["others_met"] == int(not wanted)


def test_a_key_person_alone_on_record_tells_nothing(policy: Policy) -> None:
    assert coded(people(KEY), policy)["key_person_only"] is pd.NA
    assert coded(people(("p", "user", "inform", None, False, 3)), policy)["key_person_only"] is pd.NA, (
        "nobody is marked"
    )
    several = people(KEY, ("k", "finance", "approve", "for", False, 0))
    assert coded(several, policy)["key_person_only"] is pd.NA, "one person with two roles is one"


def test_without_recorded_meetings_an_absent_date_means_nothing(policy: Policy) -> None:
    rows = people(("k", "manager", "approve", "for", True, NEVER), ("p", "finance", "approve", "against", False, NEVER))
    found = coded(rows, policy, talked=90, meetings=False)
    assert bool(found["split_chain"]) and found["key_person_only"] is pd.NA and found["late_departments"] is pd.NA
    agreed = people(("k", "manager", "approve", "for", True, NEVER), ("p", "finance", "approve", "for", False, NEVER))
    assert coded(agreed, policy, meetings=False)["split_chain"] is pd.NA, "somebody may have been met by nobody"


def test_at_a_landmark_what_comes_later_is_not_known(policy: Policy) -> None:
    rows = people(KEY, ("p", "procurement", "approve", "for", False, 70))
    before, after = coded(rows, policy, at=60, talked=65), coded(rows, policy, at=80, talked=65)
    assert bool(before["split_chain"]) and bool(before["late_departments"]) and bool(before["key_person_only"])
    assert not after["split_chain"] and not after["late_departments"] and not after["key_person_only"]
    assert np.isnan(before["budget_day"]) and after["budget_day"] == 65


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["finance", "user", "legal", "owner"]), st.sampled_from(["approve", "inform"]),
                          st.sampled_from(["for", "against", None]), st.integers(0, 200)), min_size=1, max_size=6))  # fmt: skip
def test_meeting_everybody_on_the_first_day_leaves_only_open_opposition(
    rows: list[tuple[str, str, str | None, int]],
) -> None:
    from kaanalysis.policy import load_policy

    told = [(f"p{i}", role, part, stance, False, 0.0) for i, (role, part, stance, _) in enumerate(rows)]
    found = coded(people(KEY, *told), load_policy())
    assert found["key_person_only"] is not pd.NA and not found["key_person_only"]
    assert found["late_departments"] is pd.NA or not found["late_departments"]
    if found["split_chain"] is not pd.NA and found["split_chain"]:
        assert any(part == "approve" and stance == "against" for _, part, stance, _ in rows)


def test_deals_without_people_are_there_and_untold(policy: Policy) -> None:
    found = coded(people(), policy, talked=90)
    assert all(found[mode] is pd.NA for mode in MODES)
