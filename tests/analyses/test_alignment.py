"""Covered, late, missing and the order of meetings: by hand on a few rows, by simulation for the intervals."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kaanalysis.analyses import alignment
from kaanalysis.analyses.alignment import inversions, judge_steps, uncovered_steps, with_days
from kaanalysis.analyses.alignment_wins import landmark_rows, wins_by_cover
from kaanalysis.policy import Policy

DAY = 86_400_000_000
ROW = {"opportunity_id": "O1", "owner": "ann", "account": "G", "outcome": "won", "amount": 10.0, "opened": 100, "closed": 160.0,
       "step": "budget", "role": "finance", "department": "fin", "part": "approve", "rounds": 1, "begin_us": 110 * DAY,
       "end_us": 120 * DAY, "persons": 1.0, "activities": 1.0, "first_activity_us": np.nan, "last_activity_us": np.nan,
       "engaged_us": np.nan, "stage_us": np.nan}  # fmt: skip


def step(**other: object) -> dict[str, object]:
    return {**ROW, **other}


def states(rows: list[dict[str, object]], reading: str = "persons", observed: float | None = None) -> list[str]:
    return judge_steps(with_days(pd.DataFrame(rows), reading), reading, observed)["state"].tolist()


def test_in_time_up_to_the_last_hour_of_the_steps_last_day() -> None:
    """End at 120 (a date): a meeting on that day at 17:00 is in time, one at the first minute of 121 is not; after the close of day 160
    nothing counts."""
    when = [109 * DAY, 120 * DAY + 17 * DAY / 24, 121 * DAY, 160 * DAY + DAY / 2, 161 * DAY, np.nan]
    rows = [step(first_activity_us=at) for at in when]
    assert states(rows) == ["covered", "covered", "late", "late", "missing", "missing"]


def test_the_first_of_meeting_and_activity_counts_and_each_reading_its_own() -> None:
    rows = [step(first_activity_us=130 * DAY, engaged_us=115 * DAY, stage_us=125 * DAY)]
    assert [states(rows, reading) for reading in alignment.READINGS] == [["covered"], ["late"], ["late"]]
    rows = [step(first_activity_us=130 * DAY), step(engaged_us=130 * DAY), step(stage_us=110 * DAY)]
    assert states(rows) == ["late", "late", "missing"]
    assert states(rows, "activities") == ["late", "missing", "missing"]
    assert states(rows, "stages") == ["missing", "missing", "covered"]


def test_what_is_not_judged_says_why() -> None:
    rows = [step(outcome="open", closed=np.nan), step(outcome="open", closed=np.nan, engaged_us=115 * DAY), step(closed=np.nan),
            step(role=None, persons=np.nan), step(role=None, persons=1.0), step(opened=98)]  # fmt: skip
    assert states(rows, observed=99) == ["censored", "censored", "censored", "no_role", "missing", "unrecorded"]
    # Stages need no role, and without a known opening the step's beginning says whether it was recorded.
    assert states([step(role=None, persons=np.nan)], "stages") == ["missing"]
    assert states([step(opened=np.nan)], observed=111) == ["unrecorded"]


def order(*pairs: tuple[str, float, float]) -> pd.DataFrame:
    return pd.DataFrame([("O", *p) for p in pairs], columns=["opportunity_id", "role", "begin_day", "contact_day"])


def test_inversions_by_hand() -> None:
    """user–finance in order; legal before finance although it comes later: 1 of 3. A role never met and a role met on the day of another
    add only the pairs that have an order."""
    three = [("user", 1.0, 5.0), ("finance", 2.0, 9.0), ("legal", 3.0, 8.0)]
    found = inversions(order(*three), "role").iloc[0]
    assert (found["pairs"], found["inverted"], found["share"]) == (3, 1, 1 / 3)
    more = inversions(order(*three, ("owner", 4.0, np.nan), ("audit", 5.0, 9.0)), "role").iloc[0]
    assert (more["pairs"], more["inverted"]) == (5, 1)
    # A role's second step does not make it a second party.
    twice = inversions(order(*three, ("user", 9.0, 5.0)), "role").iloc[0]
    assert (twice["pairs"], twice["inverted"]) == (3, 1)
    assert inversions(order(("user", 1.0, 5.0)), "role").empty
    assert inversions(order(("user", 1.0, 5.0), ("legal", 1.0, 7.0)), "role").empty


@settings(deadline=None, max_examples=40)
@given(st.permutations(range(6)))
def test_inversions_mirror_and_agree_with_kendall(places: list[int]) -> None:
    """Authority: scipy.stats.kendalltau; without ties its tau is 1 − 2 · share. Reversing the seller's order gives 1 − share."""
    from scipy.stats import kendalltau

    rows = [(str(i), float(i), float(p)) for i, p in enumerate(places)]
    share = float(inversions(order(*rows), "role")["share"].iloc[0])
    assert share == pytest.approx((1 - kendalltau(range(6), places).statistic) / 2)
    back = float(inversions(order(*[(r, b, -c) for r, b, c in rows]), "role")["share"].iloc[0])
    assert share + back == pytest.approx(1)


def many(policy: Policy, covered: dict[str, int], n: int = 40) -> pd.DataFrame:
    """n closed deals of five sellers that reached every step; in the first `covered` of them somebody was met in time."""
    rows = [
        step(opportunity_id=f"O{i}", owner=f"s{i % 5}", step=name, role=name, begin_us=(110 + place) * DAY,
             engaged_us=115 * DAY if i < k else np.nan)
        for place, (name, k) in enumerate(covered.items())
        for i in range(n)
    ]  # fmt: skip
    return judge_steps(with_days(pd.DataFrame(rows), "persons"), "persons", None)


def test_a_step_is_uncovered_only_where_the_whole_interval_lies_below(
    policy: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alignment, "missing", lambda *_: [])
    frame = uncovered_steps(None, policy, many(policy, {"all": 40, "most": 32, "few": 4}))  # type: ignore[arg-type]
    assert frame[["step", "n", "value", "state"]].to_numpy().tolist() == [
        ["all", 40, 1.0, "covered"], ["most", 40, 0.8, "undecided"], ["few", 40, 0.1, "uncovered"],
    ]  # fmt: skip
    lenient = policy.override({"alignment.covered_share": 0.3})
    assert uncovered_steps(None, lenient, many(policy, {"few": 4}))["state"].tolist() == ["uncovered"]  # type: ignore[arg-type]
    thin = many(policy, {"few": 0}, n=policy["evidence.minimum_units"] - 1)
    assert uncovered_steps(None, policy, thin)[["state", "n"]].to_numpy().tolist() == [["undecided", 9]]  # type: ignore[arg-type]


def test_shares_hold_their_truth_with_sellers_that_differ(policy: Policy) -> None:
    """60 companies of 25 sellers whose own chance is Beta(7, 3): the mean share is 0.7; at 95 % at least 51 of 60 intervals hold it
    (fewer has a chance below 1 in 1,000)."""
    generator, held = np.random.default_rng(5), 0
    for _ in range(60):
        chance = generator.beta(7, 3, 25)
        seller = np.repeat(np.arange(25), 12)
        met = generator.random(len(seller)) < chance[seller]
        rows = pd.DataFrame({"opportunity_id": np.arange(len(seller)).astype(str), "owner": seller.astype(str), "account": "G",
                             "state": np.where(met, "covered", "missing")})  # fmt: skip
        made = alignment._share("step_covered", "KA", rows, "covered", policy)
        held += made.low <= 0.7 <= made.high
    assert held >= 51


def test_the_comparison_with_winning_starts_at_the_steps_end(policy: Policy) -> None:
    """As of day 600, horizon 365: too young, over only after the horizon, informing, or closed without a date is out; an open deal that
    could be followed is in, as not won."""
    rows = [step(engaged_us=115 * DAY), step(opened=400), step(end_us=480 * DAY), step(part="inform"), step(closed=np.nan),
            step(outcome="open", closed=np.nan), step(closed=480.0), step(opened=90)]  # fmt: skip
    judged = judge_steps(with_days(pd.DataFrame(rows), "persons"), "persons", 95)
    found = landmark_rows(judged, 600, 365)
    assert found.index.tolist() == [0, 5, 6]
    assert found["covered"].tolist() == [True, False, False] and found["won"].tolist() == [True, False, False]


OPEN = SimpleNamespace(info=SimpleNamespace(as_of="1973-01-01"))


def test_difference_in_winning_within_steps_by_hand(policy: Policy) -> None:
    """One step, one band: covered 30 of 40 won, not covered 10 of 40: difference 0.5."""
    rows = [
        step(opportunity_id=f"O{i}", owner=f"s{i % 8}", outcome="won" if (i // 40 == 0) == (i % 4 < 3) else "lost",
             engaged_us=115 * DAY if i < 40 else np.nan)
        for i in range(80)
    ]  # fmt: skip
    judged = judge_steps(with_days(pd.DataFrame(rows), "persons"), "persons", None)
    (main,), frame = wins_by_cover(judged, OPEN, policy)  # type: ignore[arg-type]
    assert main.value == pytest.approx(0.5) and main.low < 0.5 < main.high and main.n == 80
    assert frame[["covered", "won_covered", "uncovered", "won_uncovered"]].to_numpy().tolist() == [[40, 30, 40, 10]]
    few, _ = wins_by_cover(judged.iloc[35:80], OPEN, policy)  # type: ignore[arg-type]
    assert few[0].value is None and "too few" in few[0].method
