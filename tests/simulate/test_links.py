"""What an account has of its own, which industries lag, who is on lists: each leaves in the tables what its parameters say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.validity.base_cells import gap_behind, gap_ranked, gap_within
from benchmarks.validity.cell import with_segment
from kaanalysis.contracts import UnusableData
from kaanalysis.policy import Policy
from kaanalysis.simulate import draw_company, parameters
from kaanalysis.simulate.core import lists_lean
from kaanalysis.simulate.parameters import load
from kaanalysis.simulate.replica import replica_truth
from kaanalysis.simulate.replica_base import Marks
from kaanalysis.simulate.truth import population_truth
from kaanalysis.simulate.world import Lagging, Leaning, World

HEALTHY = load("healthy")


def table(world: World, name: str, size: float, seed: int = 5) -> pd.DataFrame:
    return draw_company(world, seed, size)[name].to_pandas()


def test_a_factor_of_one_changes_no_byte() -> None:
    """Mechanisms draw from streams of their own: planted without effect, they leave every table as it is."""
    ranked = with_segment(HEALTHY, "KA", ranked_present=HEALTHY.ka.ranked)
    plain = draw_company(HEALTHY, 5, 0.3)
    for world in (replace(HEALTHY, lagging=Lagging("retail", 1.0)), ranked):
        made = draw_company(world, 5, 0.3)
        assert all(made[name].equals(there) for name, there in plain.items())


def test_an_industry_lags_as_its_factor_says() -> None:
    world = replace(HEALTHY, lagging=Lagging("finance", 0.4))
    found = replica_truth(world, 16.0, 16.0, only=("shares",))
    segments = [(found[f"known|{s}"], found[f"present_share|{s}"]) for s in ("SMB", "KA")]
    expected = gap_within(0.4, segments, 1 / 5)
    assert found["industry_gap|finance"] == pytest.approx(expected, abs=0.02) and expected > 0.08
    ka = gap_behind(0.4, found["present_share|KA"], 1 / 5)
    assert found["industry_gap_key_accounts|finance"] == pytest.approx(ka, abs=0.04)
    assert found["shortfall|M-0.2"] > 0
    others = [found[f"industry_gap|{i}"] for i in HEALTHY.industries if i != "finance"]
    assert np.allclose(others, -expected / 4, atol=0.03)
    # Which industries hold the accounts that are no customers is left as it was; nothing but industries moves.
    assert table(world, "opportunities", 0.3).equals(table(HEALTHY, "opportunities", 0.3))
    sizes = table(world, "accounts", 10.0).groupby("industry").size()
    assert sizes["finance"] < 0.95 * sizes.drop("finance").min()


def test_customers_are_on_lists_as_often_as_said() -> None:
    world = with_segment(HEALTHY, "KA", ranked_present=0.06)
    found = replica_truth(world, 20.0, 20.0, only=("shares",))
    expected = gap_ranked(0.06, found["present_share|KA worked"], HEALTHY.ka.ranked)
    assert -found["leading_difference|all"] == pytest.approx(expected, abs=0.07) and expected > 0.3
    plain = replica_truth(HEALTHY, 20.0, 20.0, only=("shares",))
    assert plain["leading_difference|all"] == pytest.approx(0.0, abs=0.07)


@pytest.mark.parametrize(("worked", "ranked"), [(6.0, 6.0), (1.0, 6.0), (3.0, 1.0)])
def test_lists_that_lean_keep_their_lengths_and_hide_accounts_only_together(worked: float, ranked: float) -> None:
    world = with_segment(HEALTHY, "KA", accounts=300, market=1200, ranked=0.15)
    world = replace(world, leaning=Leaning(("retail", "finance"), worked, ranked))
    size = 30.0
    key = table(world, "accounts", size).query("segment == 'KA'")
    ours, listed = key["created_at"].notna(), key["ranked_on"].notna()
    named = key["industry"].isin(["retail", "finance"])
    lean = lists_lean(world, world.ka)
    assert ours.sum() == pytest.approx(300 * size, rel=0.01) and listed.sum() == pytest.approx(
        0.15 * 1200 * size, rel=0.06
    )
    assert named[ours].mean() == pytest.approx(lean.worked[0], abs=0.03)
    assert (~ours).sum() == pytest.approx(sum(lean.listed) * size, abs=1)
    assert named[~ours].mean() == pytest.approx(lean.listed[0] / sum(lean.listed), abs=0.05)
    assert listed[ours & named].mean() == pytest.approx(lean.ranked[0], abs=0.03)
    market = (ours.sum() + 1) * (listed.sum() + 1) / ((ours & listed).sum() + 1) - 1
    truth = population_truth(world)["segments"]["KA"]["market"] * size
    if min(worked, ranked) > 1:
        assert market < 0.75 * truth
    else:
        assert market == pytest.approx(truth, rel=0.06)


def test_accounts_pay_at_a_level_of_their_own() -> None:
    """The spread of deals stays the segment's, part of it comes back in an account's every deal, and the truth of spend knows it."""
    world = with_segment(HEALTHY, "SMB", account_log_sd=0.9)
    made = draw_company(world, 5, 12.0)
    deals = made["opportunities"].to_pandas()
    smb = set(table(world, "accounts", 12.0).query("segment == 'SMB'")["account_id"])
    deals = deals[deals["account_id"].isin(smb)].assign(log=lambda d: np.log(d["amount"]))
    assert deals["log"].std() == pytest.approx(world.smb.amount_log_sd, rel=0.03)
    assert np.exp(deals["log"].median()) == pytest.approx(world.smb.amount_median, rel=0.05)
    groups = deals.groupby("account_id")["log"]
    within = float(np.sqrt((groups.var() * (groups.size() - 1)).sum() / (groups.size() - 1).sum()))
    assert within == pytest.approx(np.sqrt(1.12**2 - 0.9**2), rel=0.02)
    lines = made["order_lines"].to_pandas().groupby("opportunity_id")["amount"].sum()
    won = deals[deals["outcome"] == "won"].set_index("opportunity_id")["amount"]
    assert np.allclose(lines[won.index], won, atol=0.005), "orders, contracts and bookings follow the same amounts"
    said = population_truth(world)["segments"]["SMB"]["spend"]
    counted = replica_truth(world, 16.0, 16.0, only=("spend",))
    assert counted["spend_median|SMB"] == pytest.approx(said["median"], rel=0.1)
    assert counted["spend_dispersion|SMB"] == pytest.approx(said["log_sd"], abs=0.06)
    # Key accounts, and who wins when, are as ever.
    plain = draw_company(HEALTHY, 5, 0.3)["opportunities"].to_pandas()
    moved = draw_company(world, 5, 0.3)["opportunities"].to_pandas()
    assert plain.drop(columns="amount").equals(moved.drop(columns="amount"))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('[lagging]\nindustry = "mining"\nfactor = 0.5\n', "lagging.industry must be among"),
        ('[lagging]\nindustry = "retail"\nfactor = 1.5\n', "lagging.factor must lie between 0 and 1"),
        ("[smb]\naccount_log_sd = 2.0\n", "SMB: account_log_sd must lie between 0 and amount_log_sd"),
        ("[ka]\naccount_log_sd = 0.2\n", "KA: account_log_sd is for segments in which"),
        ("[ka]\nranked_present = 1.2\n", "KA: ranked and ranked_present must be shares"),
        ('[leaning]\nindustries = ["mining"]\nworked = 2.0\nranked = 2.0\n', "some of the industries and not all"),
        ('[leaning]\nindustries = ["retail"]\nworked = 0.0\nranked = 2.0\n', "must be above 0"),
        ('[leaning]\nindustries = ["retail"]\nworked = 40.0\nranked = 2.0\n', "takes more accounts than the market holds"),
        ('[leaning]\nindustries = ["retail"]\nworked = 1.0\nranked = 60.0\n', "puts more than all potential customers"),
        ('[leaning]\nindustries = ["retail"]\nworked = 2.0\nranked = 2.0\n[ka]\nranked_present = 0.1\n', "together with"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(text: str, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    healthy = (parameters.folder() / "healthy.toml").read_text(encoding="utf-8")
    monkeypatch.setattr(parameters, "folder", lambda: tmp_path)
    (tmp_path / "healthy.toml").write_text(healthy, encoding="utf-8")
    (tmp_path / "odd.toml").write_text('like = "healthy"\n' + text, encoding="utf-8")
    with pytest.raises(UnusableData, match=sentence):
        load("odd")


def test_marks_are_those_of_the_default_policy(policy: Policy) -> None:
    """The replica's definitions hold policy values; they are the ones the workbook is judged by."""
    marks = Marks()
    assert (marks.required_level, marks.siphon_before_months) == (policy["fit.required_level"], policy["siphon.before_months"])  # fmt: skip
    assert marks.horizon_days == round(policy["success.horizon_months"] * 365.25 / 12) == round(policy["conversion.horizon_months"] * 365.25 / 12)  # fmt: skip
    assert policy["growth.period_months"] == policy["spend.window_months"] == 12
    assert marks.target_rate == policy["growth.target_rate"]
    chain = tuple(policy[f"growth.{n}"] for n in ("manager_multiple", "manager_span", "training_months"))
    assert (marks.manager_multiple, marks.manager_span, marks.training_months) == chain
    assert (marks.short_months, marks.long_months) == tuple(policy[f"lifecycle.{n}_months"] for n in ("short", "long"))
    personas = tuple(policy[f"persona.{n}"] for n in ("regional_revenue", "excess", "inside_share"))
    assert (marks.regional_revenue, marks.excess, marks.inside_share) == personas
    assert marks.authority_window == policy["authority.window"]
