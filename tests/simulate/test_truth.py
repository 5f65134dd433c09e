"""Truth against the latent process it is integrated from, for every named company: large, all deals followed to their end."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy.stats import norm

from kaanalysis.analyses.ledger import PATHS
from kaanalysis.analyses.path_rule import rule
from kaanalysis.policy import Policy
from kaanalysis.simulate import parameters, population_truth
from kaanalysis.simulate.core import Deals, Sellers, rng, sellers
from kaanalysis.simulate.deals import draw_deals
from kaanalysis.simulate.kinds import SkillCounts
from kaanalysis.simulate.truth import duration_cdf, given_sellers
from kaanalysis.simulate.world import World

SIZE = 30.0
NAMES = parameters.names()


def latent(name: str, label: str, seed: int = 77, size: float = SIZE) -> tuple[World, Deals, Sellers]:
    world = parameters.load(name)
    crew = sellers(world, seed, size)
    return world, draw_deals(world, label, seed, size, crew), crew


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("label", ["SMB", "KA"])
def test_registered_deals_obey_the_true_incidence(name: str, label: str) -> None:
    """Plain shares, since nothing is censored here; five standard errors that know sellers as clusters."""
    world, deals, _ = latent(name, label)
    deals = deals.pick(deals.seen)
    took = deals.end - deals.created
    passed = deals.fails == deals.present.shape[1]
    truth = population_truth(world)["segments"][label]
    counts = ~deals.shadow
    for horizon in (180, 365):
        for key, hit, among in (("won", passed & ~deals.shadow, counts | True), ("lost", ~passed, counts)):
            expected = truth[key][str(horizon)]
            miss = (hit & (took <= horizon))[among] - expected
            error = np.sqrt((np.bincount(deals.owner[among], weights=miss) ** 2).sum()) / len(miss)
            assert abs(miss.mean()) < 5 * error, (key, horizon, miss.mean(), error)
    median = np.median(took[passed & ~deals.shadow])
    assert median == pytest.approx(truth["won_deal_days_median"], rel=0.04)


@pytest.mark.parametrize("name", NAMES)
def test_steps_pass_as_the_truth_says(name: str) -> None:
    world, deals, _ = latent(name, "KA")
    said = population_truth(world)["segments"]["KA"]
    for s, step in enumerate(said["steps"]):
        reached = deals.present[:, s] & (deals.fails >= s)
        share = (deals.fails[reached] > s).mean()
        spread = np.sqrt(0.25 / reached.sum())
        assert share == pytest.approx(step["pass_probability"], abs=5 * spread), step["step"]
        assert 100 * reached.mean() == pytest.approx(
            step["reached_per_100"], abs=500 * np.sqrt(0.25 / len(reached)) + 0.3
        )


@pytest.mark.parametrize("name", NAMES)
def test_the_planted_path_and_bottleneck_follow_from_the_parameters(name: str, policy: Policy) -> None:
    world = parameters.load(name)
    truth = population_truth(world)
    planted, key = truth["planted"], truth["segments"]["KA"]
    path = PATHS[int(rule(np.array([planted["bottlenecks"]]), np.array([planted["fit"]]), policy)[0])]
    assert path == planted["path"]
    if planted["bottleneck"]:
        relief = sorted((s["relief_per_100"] for s in key["steps"]), reverse=True)
        assert key["bottleneck"] == planted["bottleneck"] and relief[0] > 1.25 * relief[1]
    assert key["slowest"] == planted["slowest"]


def test_decoys_point_elsewhere() -> None:
    for name, decoy in (("slow_decoy", "slowest"), ("late_bottleneck", "largest_losses"), ("healthy", "slowest")):
        key = population_truth(parameters.load(name))["segments"]["KA"]
        assert key[decoy] != key["bottleneck"], name


def test_each_base_assumption_fails_in_its_company(policy: Policy) -> None:
    def both(name: str) -> tuple[dict, dict]:
        segments = population_truth(parameters.load(name))["segments"]
        return segments["SMB"], segments["KA"]

    smb, key = both("exhausted_market")
    assert smb["market"] < 1.15 * parameters.load("exhausted_market").smb.accounts
    smb, key = both("fickle_key_accounts")
    assert key["lifetime"]["rmst_months"] < smb["lifetime"]["rmst_months"] - 2
    smb, key = both("alike_needs")
    assert (
        key["need_divergence_bits"] == pytest.approx(smb["need_divergence_bits"], abs=0.01)
        and key["custom_share"] == smb["custom_share"]
    )
    smb, key = both("stingy_key_accounts")
    assert (
        key["spend"]["median"] < policy["spend.ratio"] * smb["spend"]["median"]
        and key["spend"]["log_sd"] > smb["spend"]["log_sd"]
    )
    smb, key = both("merged_roles")
    assert smb["role_merge_index"] - key["role_merge_index"] < policy["roles.merge_difference"]
    assert (
        both("lingering_losses")[1]["won"]["365"] < policy["success.target"] < both("young_programme")[1]["won"]["365"]
    )
    assert both("lingering_losses")[0]["won"]["365"] < policy["conversion.target"] - policy["conversion.tolerance"]
    smb, key = both("healthy")
    assert (
        key["lifetime"]["rmst_months"] > smb["lifetime"]["rmst_months"] + 5
        and key["need_divergence_bits"] > 3 * smb["need_divergence_bits"]
    )


@pytest.mark.parametrize("name", ["healthy", "hatching", "shortfall"])
def test_given_its_own_sellers_a_company_is_known_better(name: str) -> None:
    """Forty small companies whose sellers differ much: their deals, all followed, lie nearer to the truth given their sellers."""
    world = parameters.load(name)
    world = dataclasses.replace(world, ka=dataclasses.replace(world.ka, skill_sd=0.6))
    whole = population_truth(world)["segments"]["KA"]["won"]["365"]
    near = far = 0.0
    for seed in range(40):
        crew = sellers(world, seed, 1.0)
        deals = draw_deals(world, "KA", seed, 1.0, crew)
        mean = ((deals.fails == deals.present.shape[1]) & (deals.end - deals.created <= 365)).mean()
        own = given_sellers(world, "KA", SkillCounts.of(world, deals, crew))["365"]
        near, far = near + (mean - own) ** 2, far + (mean - whole) ** 2
    assert near < 0.7 * far


def test_durations_are_exact_sums_of_whole_days() -> None:
    """Two steps against a plain double sum, and lingering in the one that fails."""
    segment = parameters.load("lingering_losses").smb

    def pmf(days: float, log_sd: float) -> np.ndarray:
        return np.diff(norm.cdf(np.log(np.maximum(np.arange(400), 1e-9) / days) / log_sd), prepend=0.0)

    a, b = segment.steps[0], segment.steps[1]
    for d in (5, 20, 120):
        expected = sum(
            pmf(a.days, a.log_sd)[i] * pmf(b.days * segment.linger, b.log_sd)[j]
            for i in range(d + 1)
            for j in range(d + 1 - i)
        )
        assert duration_cdf(segment, False, 2)[d] == pytest.approx(expected, abs=1e-12)


def test_skills_left_behind_by_the_best_are_lower() -> None:
    world, deals, crew = latent("hatching", "SMB")
    late = deals.created >= (np.datetime64(world.ka_launch) - np.datetime64("1970-01-01")).astype(int)
    channel = np.array([t.motion == "channel" for t in world.teams])[deals.team]
    assert crew.skill[deals.owner[late & ~channel]].mean() < crew.skill[deals.owner[~late & ~channel]].mean() - 0.1
    assert rng(1, "a").random() != rng(1, "b").random()
