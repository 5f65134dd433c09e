"""Paths of the same size: by hand, and against the ledger itself."""

import numpy as np
import pandas as pd
import pytest
from ledger_worlds import inputs

from kaanalysis.analyses import path_size
from kaanalysis.analyses.ledger import PATHS, expected_npv
from kaanalysis.analyses.path_size import find, size_frame, standing
from kaanalysis.policy import Policy
from kaanalysis.text import words

PARTS = ("part_time.sellers", "split.sellers", "rebuild.sellers")


def test_all_paths_have_the_sellers_of_each_in_turn(policy: Policy) -> None:
    x = inputs(64)
    made = size_frame(x, policy)
    sizes = sorted({policy[name] for name in PARTS})
    assert made["sellers"].unique().tolist() == sizes and set(made["path"]) == set(PATHS)
    months, rate = policy["ledger.horizon_months"], policy["ledger.discount_rate"]
    alike = expected_npv({**x, **{name: np.full(64, sizes[1]) for name in PARTS}}, months, rate)
    held = made[made["sellers"] == sizes[1]].set_index("path").loc[list(PATHS)]
    assert held["mean"].tolist() == pytest.approx(alike.mean(axis=0).tolist())
    assert held["low"].tolist() == pytest.approx(np.quantile(alike, 0.05, axis=0).tolist())
    assert made.groupby("sellers")["p_best"].sum().tolist() == pytest.approx([1.0] * len(sizes))


def test_a_lead_that_is_size_turns_and_one_that_is_not_stays(policy: Policy) -> None:
    """Two paths alike but for their sellers, one of which earns a little more from each: the larger leads, at the same size the other."""
    x = inputs(64, gross_margin=0.7)
    for name in list(x):
        setting = name.split(".")[-1]
        if name.startswith("rebuild.") and f"split.{setting}" in x:
            x[name] = x[f"split.{setting}"]
        if name.startswith("part_time."):
            x[name] = np.zeros(64)
    x["split.named_accounts"] = np.full(64, 1e6)
    x |= {"part_time.ramp_months": np.ones(64), "potential_accounts": np.full(64, 1e6)}
    for setting in ("leader_multiple", "pay_uplift", "support_multiple", "product_multiple", "training_multiple", "systems_multiple",
                    "smb_people", "smb_product", "accounts_factor", "conflict_factor", "review_multiple"):  # fmt: skip
        for path in ("split", "rebuild"):
            x[f"{path}.{setting}"] = np.zeros(64)
    x["rebuild.pay_uplift"] = np.full(64, 0.01)  # rebuild costs a hair more per seller
    x |= {"seller_cost": np.full(64, 1e3), "success": np.full(64, 0.6)}
    few, many = policy["split.sellers"], policy["rebuild.sellers"]
    own = {
        **x,
        "part_time.sellers": np.zeros(64),
        "split.sellers": np.full(64, few),
        "rebuild.sellers": np.full(64, many),
    }
    months, rate = policy["ledger.horizon_months"], policy["ledger.discount_rate"]
    payoff = expected_npv(own, months, rate)
    terms, _ = find(own, payoff, policy)
    assert PATHS[int(payoff.mean(axis=0).argmax())] == "rebuild" and terms == {"size": "turns", "same_size": "split"}
    cheaper = {**own, "rebuild.pay_uplift": np.zeros(64), "split.pay_uplift": np.full(64, 0.01)}
    terms, _ = find(cheaper, expected_npv(cheaper, months, rate), policy)
    assert terms == {"size": "stays"}


@pytest.mark.parametrize(("lead", "error", "ahead", "said"), [
    (3.0, 1.0, 0.7, "ahead"), (-3.0, 1.0, 0.3, "behind"), (0.3, 1.0, 0.7, "level"), (-1.9, 1.0, 0.3, "level"), (3.0, 1.0, 0.54, "level"),
])  # fmt: skip
def test_a_lead_within_two_errors_or_in_half_of_the_draws_is_level(
    lead: float, error: float, ahead: float, said: str
) -> None:
    assert standing(pd.Series({"lead": lead, "lead_error": error, "ahead": ahead})) == said


@pytest.mark.parametrize(("at_few", "at_many", "said"), [
    ("ahead", "ahead", {"size": "stays"}), ("behind", "ahead", {"size": "mixed"}), ("ahead", "behind", {"size": "turns", "same_size": "split"}),
    ("behind", "level", {"size": "level", "same_size": "split"}), ("level", "ahead", {"size": "level_other", "same_size": "split"}),
])  # fmt: skip
def test_what_is_said_by_where_it_leads(
    at_few: str, at_many: str, said: dict, policy: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rebuild leads at its own size, the larger of two."""
    gap = {"ahead": 5.0, "level": 0.5, "behind": -5.0}
    few, many = policy["split.sellers"], policy["rebuild.sellers"]
    rows = [
        (size, "rebuild", "split", gap[at], 1.0, 0.5 + gap[at] / 10) for size, at in ((few, at_few), (many, at_many))
    ]
    frame = pd.DataFrame(rows, columns=["sellers", "path", "rival", "lead", "lead_error", "ahead"])
    monkeypatch.setattr(path_size, "size_frame", lambda x, policy: frame)
    assert find({}, np.array([[0.0, 1.0, 2.0]]), policy)[0] == said


def test_the_lead_is_paired_with_the_best_of_the_others(policy: Policy) -> None:
    x = inputs(64)
    made = size_frame(x, policy)
    size = made["sellers"].iloc[0]
    worth = expected_npv(
        {**x, **{name: np.full(64, size) for name in PARTS}},
        policy["ledger.horizon_months"],
        policy["ledger.discount_rate"],
    )
    first, second = np.argsort(-worth.mean(axis=0))[:2]
    row = made[(made["sellers"] == size) & (made["path"] == PATHS[first])].iloc[0]
    gap = worth[:, first] - worth[:, second]
    assert row["rival"] == PATHS[second] and row["lead"] == pytest.approx(gap.mean())
    assert row["lead_error"] == pytest.approx(gap.std(ddof=1) / 8) and row["ahead"] == (gap > 0).mean()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_each_outcome_is_said(language: str) -> None:
    for key in ("stays", "turns", "mixed", "level", "level_other"):
        assert f"findings.path_rule.size.{key}" in words(language).texts
