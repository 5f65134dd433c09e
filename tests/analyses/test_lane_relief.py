"""Relief shared among lanes: by hand, what is never lost, and coverage where judges differ."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from kaanalysis.analyses.lane_relief import allocate, measure_lanes
from kaanalysis.policy import Policy

STEPS = ("need", "audit")


def sheet(*rows: tuple[str, str, str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["step", "lane", "item"])


def items(*rows: tuple[str, str, float, float]) -> pd.DataFrame:
    """lane, item, reached, standard error of the level."""
    frame = pd.DataFrame(rows, columns=["lane", "item", "reached", "error"])
    return frame.assign(item_zh=frame["item"], level=frame["reached"] * 0.8, demanded=True, judged=True)


def cloud(relief: tuple[float, float], spread: float, n: int = 400) -> np.ndarray:
    return np.maximum(np.array(relief) + spread * np.random.default_rng(2).standard_normal((n, 2)), 0)


def of(found, name: str, segment: str):
    return next(n for n in found.numbers if (n.name, n.segment) == (name, segment))


ASKED = sheet(
    ("need", "action", "plan"), ("audit", "action", "memo"), ("audit", "system", "log"), ("audit", "support", "legal")
)


def test_by_hand(policy: Policy) -> None:
    """need: 2 wins, only plan is asked for and lacks 0.4: all 2 to action. audit: 8 wins over gaps 0.1 (memo), 0.3 (log), 0 (legal): 2 to
    action, 6 to system, none to support."""
    told = items(("action", "plan", 0.6, np.nan), ("action", "memo", 0.9, np.nan), ("system", "log", 0.7, np.nan),
                 ("support", "legal", 1.0, np.nan))  # fmt: skip
    found = measure_lanes(told, ASKED, STEPS, np.array([2.0, 8.0]), cloud((2.0, 8.0), 0.5), 0, 30, policy)
    assert [of(found, "lane_relief", lane).value for lane in ("action", "system", "support")] == pytest.approx(
        [4, 6, 0]
    )
    assert of(found, "relief_unattributed", "KA").value == 0
    assert found.items["item"].tolist() == ["log", "plan", "memo", "legal"]
    assert found.items["relief"].tolist() == pytest.approx([6, 2, 2, 0]) and found.items["steps"].iloc[1] == "need"
    # One judge an item: which lane leads is told, but never as sure.
    assert (
        found.terms == {"lane": "system", "lane_cost": "one_judge"} and of(found, "p_rank_1_lane", "system").value > 0.9
    )


def test_a_lane_is_named_for_sure_only_where_several_judges_leave_no_doubt(policy: Policy) -> None:
    relief, draws = np.array([0.0, 8.0]), cloud((0.0, 8.0), 0.3)
    for error, wanted in ((0.01, "found"), (0.3, "open")):
        told = items(("action", "memo", 0.8, error), ("system", "log", 0.6, error))
        found = measure_lanes(told, ASKED, STEPS, relief, draws, 20, 30, policy)
        assert found.terms == {"lane": "system", "lane_cost": wanted}


def test_what_no_gap_explains_stays_unattributed(policy: Policy) -> None:
    told = items(("action", "plan", 1.0, np.nan), ("system", "log", 0.5, np.nan))
    found = measure_lanes(told, ASKED, STEPS, np.array([3.0, 8.0]), cloud((3.0, 8.0), 0.5), 0, 30, policy)
    assert of(found, "relief_unattributed", "KA").value == pytest.approx(3.0)
    none = measure_lanes(
        items(("action", "plan", 1.0, np.nan)),
        ASKED,
        STEPS,
        np.array([3.0, 8.0]),
        cloud((3.0, 8.0), 0.5),
        0,
        30,
        policy,
    )
    assert none.terms == {} and of(none, "relief_unattributed", "KA").value == pytest.approx(11.0)
    assert measure_lanes(told, ASKED.head(0), STEPS, np.zeros(2), np.zeros((5, 2)), 0, 30, policy).numbers == ()


@given(arrays(float, (3, 2), elements=st.floats(0, 30)), arrays(float, (2, 4), elements=st.sampled_from([0.0, 1.0])),
       arrays(float, (3, 4), elements=st.floats(0, 1)))  # fmt: skip
def test_nothing_is_lost_and_no_part_is_below_zero(relief: np.ndarray, asked: np.ndarray, gap: np.ndarray) -> None:
    parts = allocate(relief, asked, gap)
    assert (parts >= 0).all()
    total = parts.sum(axis=2)
    some = np.einsum("si,di->ds", asked, gap) > 1e-12
    assert total[some] == pytest.approx(relief[some]) and (total[~some] == 0).all()
    assert (parts * (1 - asked) == 0).all(), "an item that a step does not ask for takes nothing of it"


def test_interval_covers_the_allocation_of_the_true_reliefs_and_levels(policy: Policy) -> None:
    """150 companies: reliefs estimated with a known error, levels by three judges who err by 0.06; nominal 95 %."""
    g, hits = np.random.default_rng(3), []
    true_relief, true = np.array([4.0, 9.0]), np.array([0.5, 0.6, 0.3])
    asked = sheet(
        ("need", "action", "plan"),
        ("audit", "action", "plan"),
        ("audit", "system", "log"),
        ("need", "support", "legal"),
    )
    matrix = np.array([[1.0, 0.0, 1.0], [1.0, 1.0, 0.0]])
    truth = allocate(true_relief[None], matrix, 1 - true[None])[0].sum(axis=0)[1]
    for _ in range(150):
        relief = true_relief + np.array([0.8, 1.2]) * g.standard_normal(2)
        draws = relief + np.array([0.8, 1.2]) * g.standard_normal((300, 2))
        judged = true[:, None] * 0.8 + 0.06 * g.standard_normal((3, 3))
        error = np.sqrt(judged.var(axis=1, ddof=1).mean() / 3)
        told = items(*[(lane, item, level / 0.8, error) for lane, item, level in
                       zip(("action", "system", "support"), ("plan", "log", "legal"), judged.mean(axis=1), strict=True)])  # fmt: skip
        found = of(measure_lanes(told, asked, STEPS, relief, draws, 6, 200, policy), "lane_relief", "system")
        hits.append(found.low <= truth <= found.high)
    assert np.mean(hits) == pytest.approx(0.95, abs=0.045)
