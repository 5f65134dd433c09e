"""Paths of the same size: by hand, and against the ledger itself."""

import numpy as np
import pytest
from ledger_worlds import inputs

from kaanalysis.analyses.ledger import PATHS, expected_npv
from kaanalysis.analyses.path_size import find, size_frame
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


@pytest.mark.parametrize("language", ["en", "zh"])
def test_each_outcome_is_said(language: str) -> None:
    for key in ("stays", "turns", "mixed"):
        assert f"findings.path_rule.size.{key}" in words(language).texts
