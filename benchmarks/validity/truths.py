"""What every number estimates, and the state that a finding would have if every number were known without error.

Integrated truths come from :func:`kaanalysis.simulate.population_truth`, the others from pooled companies of the size studied
(:func:`kaanalysis.simulate.replica.replica_truth`). Keys are ``"<number>|<segment>"``. Which industry `industry_gap` is about hangs on
the company; its key is ``industry_gap|named``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.validity.engine import Engine
from benchmarks.validity.store import DRAWS_FROM, FINDS_WITH, code_hash, remembered, short_hash, world_hash
from kaanalysis import aggregates
from kaanalysis.analyses import hatching, loss_modes, shortfall
from kaanalysis.analyses.ledger import PATHS, evaluate
from kaanalysis.analyses.ledger_inputs import Inputs, draw_inputs, gather_inputs
from kaanalysis.analyses.registry import REGISTRY
from kaanalysis.analyses.verdicts import only_numbers
from kaanalysis.contracts import LANES
from kaanalysis.policy import Policy
from kaanalysis.simulate import draw_company, population_truth
from kaanalysis.simulate.deals import shortfall_ramp
from kaanalysis.simulate.relief_truth import delay_truth, joint_relief_truth
from kaanalysis.simulate.replica import FIRST_SEED, replica_truth
from kaanalysis.simulate.replica_sales import changes
from kaanalysis.simulate.team_tables import months_of
from kaanalysis.simulate.truth import discount, fit, team_fit
from kaanalysis.simulate.world import World

LOSSES_SIZE = 100.0  # size of the one company from which the ways to lose are read
LEDGER_SIZE = 40.0  # size of the one company from which the ledger's data inputs are known nearly without error
SIGNS_SIZE = 30.0  # size of the one company from which patterns' signs are read
SIGNS = (hatching, shortfall)  # patterns whose signs do not hang on the company's size
PIECES = 400  # companies behind a truth read from tables: its own error is then a twentieth of one company's
BETWEEN = "undecided"  # the ledger's share lies between the two certainties even where the inputs are known
# Intervals that say something else than where the truth lies, and why no coverage can be asked of them.
NO_COVERAGE = {
    "p_rank_1": "Monte-Carlo error of a share of resamples: it shrinks with the draws, not with the data",
    "p_rule": "Monte-Carlo error of a share of resamples",
    "beyond_border": "Monte-Carlo error of a share of resamples",
    "p_gain": "Monte-Carlo error of a share of ledger draws",
    "p_breach": "Monte-Carlo error of a share of ledger draws",
    "option_value": "Monte-Carlo error of a mean of ledger draws",
    "p_split": "Monte-Carlo error of a share of ledger draws",
    "npv": "span of belief: most inputs are the policy's spreads, not estimates; how often simulated futures lie in it: DECISION.md",
    "payback_month": "span of belief, as npv",
    "strategic_loss": "span of belief, as npv",
    "strategic_loss_months": "span of belief, as npv",
    "library_next_first": "Monte-Carlo error of a share of draws",
    "flow_half_life": "ln 2 over flow_decay, whose coverage is measured; no simulated flow ages, so its truth is without bound",
    "p_first": "Monte-Carlo error of a share of resamples",
    "p_best": "share of ledger draws, given without an interval",
    "regret": "mean of ledger draws, given without an interval",
    "evpi": "mean of ledger draws, given without an interval",
    "evppi": "Monte-Carlo error of a mean over ledger draws; its coverage is measured in tests/stats/test_partial_information.py",
    "smb_lost": "limits hold two bounds over what accounts taken over would have done, which no simulated company tells; their coverage is "
    "measured in tests/analyses/test_revenue_bridge.py",
    "net_increment": "bounds, as smb_lost",
    "double_pursuit": "chance is read off each company's own strata of groups and days; tests/analyses/test_pursuit.py holds it against "
    "permutation",
    "dispute_rate": "what the handover explains is each company's own record; coverage of such rates: tests/stats/test_event_rates.py",
    "dispute_hours": "as dispute_rate",
    "efficiency_gain": "segments weigh by how well each company can compare them, so there is no one truth for all",
    "parties_estimated": "a lower bound where persons differ in how easily they get on record, as they do; its coverage where they do "
    "not is measured in tests/stats/test_richness.py",
    "parties_unseen": "a lower bound, as parties_estimated",
    "alarm_recall": "the quality of one company's own alarm: another company's reference flows make another alarm",
    "alarm_false": "the quality of one company's own alarm, as alarm_recall",
    "alarm_lead_days": "the quality of one company's own alarm, as alarm_recall",
    "account_balance": "span of belief: the policy's spread of told amounts, and the worked purchases are the same in every company",
    "account_balance_share": "span of belief, as account_balance",
    "account_total": "span of belief, as account_balance",
    "account_total_share": "span of belief, as account_balance",
    "roles_negative": "span of belief, as account_balance",
    "lane_relief": "an allocation by assumption of one company's reliefs over its own gaps: no truth about it lies outside the company; "
    "its reliefs and its fit are measured, its coverage given both in tests/analyses/test_lane_relief.py",
    "relief_unattributed": "the rest of that allocation",
    "p_rank_1_lane": "Monte-Carlo error of a share of resamples",
    "lane_coverage": "one judge to every item in the simulated companies, so it has no interval there; with several judges its coverage is "
    "measured in tests/analyses/test_sheet_coverage.py",
    "seller_overlap": "a credible interval that cannot reach the 1 of equal spreads; its coverage is measured in "
    "tests/stats/test_rate_distribution.py",
    "seller_superiority": "a credible interval, as seller_overlap",
    "late_registration_change": "read in regions that the data choose: its truth moves with them; coverage in given regions is measured in "
    "tests/stats/test_share_contrast.py, power and false alarms: benchmarks/patterns",
    "diverted_change": "as late_registration_change",
    "registration_ratio": "as late_registration_change; its interval is simultaneous over all choices of regions",
    "unregistered_change": "as late_registration_change; coverage of its estimator: tests/stats/test_cluster_regression.py",
    "ka_success_gap": "as unregistered_change",
    "smb_capacity_ratio": "how far the last months lie from a trend: its truth hangs on the window; coverage of its estimator: "
    "tests/stats/test_cluster_regression.py",
    "competitor_loss_change": "a jump beside a trend, as smb_capacity_ratio",
    "smb_success_change": "within a company's own sellers, whose skills differ: a truth of that company alone, as smb_capacity_ratio",
    "ka_no_breakthrough": "success of the deals since the launch alone, as the company's own; success over all deals is covered",
    "score": "a count of signs between those surely there and those not ruled out: bounds, no confidence interval",
    "team_fit": "the fit of 03, covered there as `fit`",
    "winless_sellers": "a share of the sellers that a company has, each with chances of their own; exact binomial limits",
    "followed_to_horizon": "describes the deals at hand: the share follows from their opening days",
}

# Numbers that come without an interval: exact counts, thresholds, p values, and what a stop rule is made of.
# unknown_… and the last two have intervals, but no company drawn in memory notes facts of its deals or keeps a log of decisions
# (tests/analyses/test_unknown_facts.py, test_change_log.py).
NO_INTERVAL = frozenset({
    "handover_disputes", "handover_hours", "waiting_cost", "reconciled_at", "decided_at",
    "fit_unjudged", "fit_if_absent", "fit_if_present", "fit_not_demanded", "judge_spread", "bottleneck_candidates",
    "mark", "unsegmented_deals", "open_deals", "untimed_deals", "closed_won_share", "loss_cap", "fit_border_distance",
    "bottleneck_border_distance", "to_border", "accounts_known", "accounts_on_both_lists", "followed_at_horizon", "persona_accounts",
    "persona_not_customers", "persona_borderline", "persona_paid",
    "steps_censored", "sop_deals_unseen",
    "parties_missing", "detectable_change", "change_wanted", "cases_needed", "growth_target", "leading_known",
    "leading_from_rankings_alone", "dispersion_p_value", "lists_uneven_p_value", "need_distance_p_value", "log_rank_p_value",
    "limit_p_value", "limit_sharpness", "limit_round", "periods_outside", "unknown_won_share", "known_won_share", "unknown_relative_risk",
    "unknown_relative_risk_distinct", "projects_to_decide", "projects_missing",
    "conversion_periods_p_value", "mode_untold", "modes_none",
    "library_cells", "library_cells_held", "library_covered", "library_unplaced", "library_next", "flow_similarity_p_value",
    "steps", "items_unjudged",
    "p_adjusted", "lead_months", "preparation_months", "decisions_per_year", "early_change_share",
})  # fmt: skip
PERSONAS = ("M-1.5a", "M-1.5b", "M-1.5c", "M-1.5d")


def population(world: World) -> dict[str, Any]:
    """The integrated truth by segment, kept on disk."""
    key = short_hash(code_hash(DRAWS_FROM), world_hash(world))
    return dict(remembered("population", key, lambda: population_truth(world)["segments"]))


def replica(world: World, size: float, pieces: int = PIECES, only: tuple[str, ...] = ()) -> dict[str, float]:
    """The truth read from `pieces` companies of this size, kept on disk; only: kinds of numbers counted, all if empty."""
    key = short_hash(code_hash(DRAWS_FROM), world_hash(world), size, pieces, *only)
    return dict(remembered("replica", key, lambda: replica_truth(world, pieces * size, size, only=only)))


def exact_numbers(world: World, policy: Policy, size: float = 1.0) -> dict[str, float]:
    """The numbers whose truth is integrated; only the potential customers depend on the company's size."""
    truth = population(world)
    out: dict[str, float] = {}
    horizon = str(round(policy["success.horizon_months"] * 365.25 / 12))
    out["conversion|SMB"], out["success|KA"] = truth["SMB"]["won"][horizon], truth["KA"]["won"][horizon]
    # What becomes of a win later is drawn by itself.
    for key, segment_drawn in (("conversion|SMB", world.smb), ("success|KA", world.ka)):
        name, label = key.split("|")
        out[f"{name}_kept|{label}"] = out[key] * (1 - segment_drawn.refunded - segment_drawn.litigated)
    for segment in ("SMB", "KA"):
        mine = truth[segment]
        out[f"lifetime_median|{segment}"] = mine["lifetime"]["median_months"]
        out[f"rmst|{segment}"] = mine["lifetime"]["rmst_months"]
        out[f"spend_median|{segment}"] = mine["spend"]["median"]
        out[f"spend_dispersion|{segment}"] = mine["spend"]["log_sd"]
        # Every deal has several roles on record, so both readings of the index are one here.
        out[f"role_merge_index|{segment}"] = out[f"role_merge_index_known|{segment}"] = mine["role_merge_index"]
        out[f"parties_per_deal|{segment}"] = mine["parties_per_deal"]
        out[f"accounts_estimated|{segment}"] = out[f"accounts_estimated_stratified|{segment}"] = mine["market"] * size
        out[f"need_distance|{segment}"] = mine["need_divergence_bits"]
        out[f"custom_share|{segment}"] = mine["custom_share"]
        out[f"discount|{segment}"] = discount()
    out["need_distance_difference|KA-SMB"] = out["need_distance|KA"] - out["need_distance|SMB"]
    out["custom_share_difference|KA-SMB"] = out["custom_share|KA"] - out["custom_share|SMB"]
    out["discount_difference|KA-SMB"] = 0.0
    out["rmst_difference|KA-SMB"] = out["rmst|KA"] - out["rmst|SMB"]
    # Lives have nothing to do with industry and region, so within them the difference is the same (worlds that plant a link are not asked).
    out["rmst_difference_stratified|KA-SMB"] = out["rmst_difference|KA-SMB"]
    out["spend_ratio|KA-SMB"] = out["spend_median|KA"] / out["spend_median|SMB"]
    out["dispersion_difference|KA-SMB"] = out["spend_dispersion|KA"] - out["spend_dispersion|SMB"]
    out["role_merge_difference|KA-SMB"] = out["role_merge_index|KA"] - out["role_merge_index|SMB"]
    out["role_merge_difference_known|KA-SMB"] = out["role_merge_difference|KA-SMB"]
    if not changes(world):
        out |= {"conversion_stability|SMB": 0.0, "conversion_trend|SMB": 0.0}
    for step in truth["KA"]["steps"]:
        out[f"relief|{step['step']}"] = step["relief_per_100"]
    out["bottlenecks|KA"] = float(sum(v > policy["bottleneck.minimum_relief"] for v in reliefs(out).values()))
    return {**out, **_carrying(world, policy)}


def _carrying(world: World, policy: Policy) -> dict[str, float]:
    """Fit by lane and by team. All lanes' items are drawn alike, so every lane has the team's own fit, whatever the sheet weighs most."""
    required = policy["fit.required_level"]
    out = {f"fit_lane|{lane}": fit(world, required) for lane in LANES}
    return out | {f"fit_team|{team.team}": team_fit(team, required) for team in world.teams}


def relieved(world: World, policy: Policy) -> dict[str, float]:
    """What relieving delay, and all bottlenecks together, would win; kept on disk."""
    horizon, benchmark = round(policy["success.horizon_months"] * 365.25 / 12), policy["bottleneck.benchmark_days"]
    large = [s for s, v in reliefs(exact_numbers(world, policy)).items() if v > policy["bottleneck.minimum_relief"]]
    key = short_hash(code_hash(DRAWS_FROM), world_hash(world), horizon, benchmark, *large)

    def make() -> dict[str, float]:
        out = {"severity|KA": joint_relief_truth(world, "KA", horizon, large)}
        for step, delay in delay_truth(world, "KA", horizon, benchmark).items():
            out |= {f"relief_delay|{step}": delay.relief_per_100, f"win_sooner|{step}": delay.sooner}
        return out

    return dict(remembered("relieved", key, make))


def all_numbers(world: World, size: float, policy: Policy, pieces: int = PIECES) -> dict[str, float]:
    """The truth of every number with a sampling interval, for a company of this size."""
    counted = replica(world, size, pieces)
    # How customers buy does not change over the years in any synthetic company.
    exact = {
        **exact_numbers(world, policy, size),
        **relieved(world, policy),
        **approvals_added(world),
        "flow_decay|all": 0.0,
        **loss_truth(world, policy),
        **sign_truth(world, policy),
    }
    return {**counted, **exact, **_unlinked(world, counted)}


def approvals_added(world: World) -> dict[str, float]:
    """The limit of authority and the approvals that it adds, as planted; who is against does not hang on a role's account."""
    out = {"opponent_against_difference|all": 0.0}
    for label, segment in world.segments():
        extra = [s for s in segment.steps if s.above_limit and s.part == "approve" and s.buying != "-"]
        out[f"limit_jump|{label}"] = float(len(extra))
        if extra:
            out |= {f"authority_limit|{label}": segment.authority_limit, f"limit_approvals|{label}": float(len(extra)),
                    f"limit_recorded_share|{label}": 1.0}  # fmt: skip
    return out


def loss_truth(world: World, policy: Policy) -> dict[str, float]:
    """The three ways to lose, their risks and what the recorded reasons say of them, in one company so large that chance is gone:
    the rules are checked by hand (tests/analyses/test_loss_coding.py), so the truth is what they tell without sampling error."""
    quick = policy.override({"evidence.draws": 200})
    key = short_hash(code_hash(FINDS_WITH), quick.hash, world_hash(world), LOSSES_SIZE)

    def make() -> dict[str, float]:
        company = Engine().open(world, draw_company(world, FIRST_SEED + 2_000_000, LOSSES_SIZE))
        with only_numbers():
            findings, _ = loss_modes.find(company, quick)
        numbers = [n for f in findings for n in f.numbers if n.level is not None and n.value is not None]
        # A state in which none of ten thousand deals stands on the day of comparison has no risk; 1 stands for it.
        none = {f"mode_relative_risk|{mode}": 1.0 for mode in loss_modes.IDS.values()}
        return none | {f"{n.name}|{n.segment}": float(n.value) for n in numbers if n.value is not None}

    return dict(remembered("losses", key, make))


def sign_truth(world: World, policy: Policy) -> dict[str, float]:
    """The signs of the patterns in one company so large that hardly any chance is left: how they are reckoned is checked by hand
    (tests/analyses), so the truth is what they are without sampling error."""
    key = short_hash(code_hash(FINDS_WITH), policy.hash, world_hash(world), SIGNS_SIZE)

    def make() -> dict[str, float]:
        company = Engine().open(world, draw_company(world, FIRST_SEED + 3_000_000, SIGNS_SIZE))
        found = [s for m in SIGNS for s in m.signs(m.gather(company, policy), world.as_of, policy)]
        return {f"{s.name}|{s.segment}": s.value for s in found if s.value is not None}

    return {**remembered("signs", key, make), **_beyond_trend(world, policy)}


def _beyond_trend(world: World, policy: Policy) -> dict[str, float]:
    """Quota and support cost per seller beyond their trend, as planted: what a month's table strays by is no less in a larger company."""
    _, first, last = months_of(world)
    end = pd.Timestamp(world.as_of)
    start = max(pd.Timestamp(world.ka_launch), end - pd.DateOffset(months=policy["shortfall.window_months"]))
    inside = first >= (start - pd.Timestamp(0)).days
    filled = shortfall_ramp(world, last)[inside]
    planted = world.shortfall
    rises = {"smb_fills|SMB": planted.quota - 1, "support_cost_growth|SMB": planted.friction} if planted else {}
    return {"smb_fills|SMB": 1.0, "support_cost_growth|SMB": 1.0} | {
        name: float(np.exp(np.log1p(rise * filled).mean())) for name, rise in rises.items()
    }


def _unlinked(world: World, counted: Mapping[str, float]) -> dict[str, float]:
    """What industries and rankings have to do with being a customer, where nothing is planted: exactly nothing, whichever industry a
    company's finding names; else the gap of the industry furthest behind."""
    gaps = {
        key: value for key, value in counted.items() if key.startswith(("industry_gap|", "industry_gap_key_accounts|"))
    }
    if world.lagging is not None or world.leaning is not None:
        names = {key.split("|")[0] for key in gaps}
        return {f"{name}|named": max(v for k, v in gaps.items() if k.startswith(f"{name}|")) for name in names}
    out = dict.fromkeys([*gaps, "industry_gap|named", "industry_gap_key_accounts|named", "shortfall|M-0.2"], 0.0)
    out |= {f"{who}_share_key_accounts|named": counted["present_share|KA"] for who in ("industry", "others")}
    if world.ka.ranked_present is None:
        share = counted["present_share|KA worked"]
        out |= {
            "leading_difference|all": 0.0,
            "shortfall|M-0.3": 0.0,
            "leading_share|all": share,
            "other_share|all": share,
        }
    return out


def reliefs(truth: Mapping[str, float]) -> dict[str, float]:
    """Relief by step, in wins per 100 deals."""
    return {key.split("|", 1)[1]: value for key, value in truth.items() if key.startswith("relief|")}


def _above(value: float, threshold: float) -> str:
    return "supported" if value > threshold else "contradicted"


def _both(*states: str) -> str:
    return "contradicted" if "contradicted" in states else "supported"


def _industry_behind(truth: Mapping[str, float], policy: Policy) -> str:
    gaps = [value for key, value in truth.items() if key.startswith("industry_gap|")]
    return _above(max(gaps), policy["growth.penetration_gap"])


def _two_businesses(truth: Mapping[str, float], mark: float) -> str:
    """The first share is at least so much: above the mark it decides, below it the nearer ones have to lie there too."""
    if truth["mixed_share|all"] > mark:
        return "contradicted"
    nearer = max(truth["mixed_share_three_axes|all"], truth["mixed_share_all_axes|all"])
    return "supported" if nearer < mark else BETWEEN


# Findings that hold where one number lies above or below its mark, and those of two such parts.
_STATES: dict[str, Callable[[Mapping[str, float], Policy], str]] = {
    "M-0": lambda t, p: _above(p["growth.head_rate"], t["revenue_per_head_growth|SMB"]),
    "M-0.2": _industry_behind,
    "M-0.3": lambda t, p: _above(-p["growth.penetration_gap"], t["leading_difference|all"]),
    "M-0.4": lambda t, p: _above(p["growth.stall_rate"], t["value_growth_same_mix|all"]),
    "M-1": lambda t, p: _two_businesses(t, p["overlap.mixed_share"]),
    "M-1.1": lambda t, p: _both(
        _above(t["accounts_estimated|SMB"], p["market.large"]), _above(p["market.small"], t["accounts_estimated|KA"])
    ),
    "M-1.3": lambda t, p: _both(
        _above(t["need_distance_difference|KA-SMB"], p["needs.distance_difference"]),
        _above(t["custom_share_difference|KA-SMB"], p["needs.custom_difference"]),
    ),
}


def _persona_hits(persona: str) -> Callable[[Mapping[str, float], Policy], str]:
    return lambda t, p: _above(t[f"persona_hit_difference|{persona}"], p["persona.hit_difference"])


def _way_to_lose(mode: str) -> Callable[[Mapping[str, float], Policy], str]:
    """Often enough, and deadly enough."""

    def state(truth: Mapping[str, float], policy: Policy) -> str:
        often = _above(truth[f"mode_share|{mode}"], policy["modes.minimum_share"])
        return _both(often, _above(truth[f"mode_relative_risk|{mode}"], policy["modes.relative_risk"]))

    return state


_STATES |= {persona: _persona_hits(persona) for persona in PERSONAS}
_STATES |= {id: _way_to_lose(mode) for id, mode in loss_modes.IDS.items()}


def truth_state(finding: str, truth: Mapping[str, float], policy: Policy) -> tuple[str, str]:
    """(state, what it names) that the finding has where `truth` is known: the step of M-3.6, the path of M-4, else ""."""
    if finding in _STATES:
        return _STATES[finding](truth, policy), ""
    if finding == "M-0.1":
        return _above(policy["growth.stall_rate"], truth["growth_rate|SMB"]), ""
    if finding == "M-1.2":
        return _above(truth["rmst_difference|KA-SMB"], policy["lifecycle.minimum_difference"]), ""
    if finding == "M-1.4":
        pays = truth["spend_ratio|KA-SMB"] > policy["spend.ratio"]
        even = truth["dispersion_difference|KA-SMB"] < -policy["spend.dispersion"]
        return "supported" if pays and even else "contradicted", ""
    if finding == "M-2.5":
        return _above(truth["limit_jump|KA"], policy["authority.minimum_step"]), ""
    if finding == "M-2.2":
        return _above(-policy["roles.merge_difference"], truth["role_merge_difference|KA-SMB"]), ""
    if finding == "M-2.3":
        least = min(truth[f"{part}_share|KA"] for part in ("approve", "inform", "influence"))
        return _above(least, policy["roles.presence_share"]), ""
    if finding == "M-2.6":
        return _above(truth["flow_similarity_difference|all"], policy["library.similarity_gap"]), ""
    if finding == "M-3.1":
        away = abs(truth["conversion|SMB"] - policy["conversion.target"])
        near = _above(policy["conversion.tolerance"], away)
        return _both(near, _above(policy["conversion.steady"], truth["conversion_stability|SMB"])), ""
    if finding == "M-3.2":
        return _above(truth["success|KA"], policy["success.target"]), ""
    if finding == "M-3.5":
        return "contradicted" if truth["steps_uncovered|KA"] > 0 else "supported", ""
    if finding == "M-3.6":
        largest = max(reliefs(truth).items(), key=lambda item: item[1])
        state = _above(largest[1], policy["bottleneck.minimum_relief"])
        return state, largest[0] if state == "supported" else ""
    if finding == "M-4":
        return "supported", PATHS[path_asked_for(truth["bottlenecks|KA"], truth["fit|KA"], policy)]
    if finding == "M-D":
        return _above(siphon_distance(truth, policy), 0.0), ""
    raise KeyError(f"no truth is defined for the finding {finding}")


def siphon_distance(truth: Mapping[str, float], policy: Policy) -> float:
    """By how much (log units) the sign of M-D that decides lies beyond its margin: the one of rank `siphon.signs`, the clearest first."""
    beyond = sorted(
        side * float(np.log(truth[number] / policy[f"siphon.{name}"]))
        for number, name, side in (
            ("moved_share|KA", "moved_share", 1), ("upgrade_share|KA", "upgrade_share", 1),
            ("new_customers_ratio|KA", "new_customers", -1), ("smb_won_ratio|SMB", "drained_ratio", -1),
        )
    )  # fmt: skip
    return beyond[-policy["siphon.signs"]]


def path_asked_for(bottlenecks: float, fit: float, policy: Policy) -> int:
    """The rule of M-4, written down a second time: the more demanding of what the bottlenecks and the fit ask for."""
    few, some = policy["path.few_bottlenecks"], policy["path.some_bottlenecks"]
    count = int(np.searchsorted([few, some], bottlenecks, side="left"))
    return max(count, (fit < policy["path.high_fit"]) + int(fit < policy["path.medium_fit"]))


def ledger_shares(world: World, policy: Policy) -> dict[str, float]:
    """What the ledger's findings rest on where the data inputs are known: ``p_gain|<path>``, and every draw's strategic loss as
    quantiles ``loss|<path>|<hundredth>`` so that any cap can be set against them; ``year``: won amount of the last year at size 1.

    There is no truth about M-4.1 … M-4.4 outside the ledger: they say what follows from the data inputs and the policy's spreads. What
    can be wrong about them is the estimation of the inputs, so the truth is what they say once that error is gone."""
    quick = policy.override({"evidence.draws": 200})
    key = short_hash(code_hash(FINDS_WITH), quick.hash, world_hash(world), LEDGER_SIZE)

    def make() -> dict[str, float]:
        engine = Engine()
        company = engine.open(world, draw_company(world, FIRST_SEED + 1_000_000, LEDGER_SIZE))
        with only_numbers():
            base, sales = (REGISTRY[id].analyse(company, quick, {}) for id in ("01_base_assumptions", "03_sales_flow"))
        inputs = gather_inputs(company, quick, base, sales)
        assert isinstance(inputs, Inputs), inputs
        x = draw_inputs(inputs, quick["ledger.draws"], quick["evidence.seed"])
        out = {"year": aggregates.won_in_last_year(company, quick) / LEDGER_SIZE}
        for path in PATHS:
            outcome = evaluate(
                path, x, quick["ledger.horizon_months"], quick["ledger.discount_rate"], quick["evidence.seed"]
            )
            out[f"p_gain|{path}"] = float((outcome.npv > 0).mean())
            for percent in range(101):
                out[f"loss|{path}|{percent}"] = float(np.quantile(outcome.loss, percent / 100))
        return out

    return dict(remembered("ledger", key, make))


def ledger_states(world: World, size: float, policy: Policy) -> dict[str, tuple[str, str]]:
    """True states of M-4.1 … M-4.3, and of M-4.4 for each path that it may name (``M-4.4|<path>``)."""
    shares, certainty = ledger_shares(world, policy), policy["ledger.certainty"]

    def state(share: float) -> tuple[str, str]:
        return ("supported" if share >= certainty else "contradicted" if 1 - share >= certainty else BETWEEN, "")

    cap = policy["ledger.loss_cap_share"] * shares["year"] * size
    out = {f"M-4.{i + 1}": state(shares[f"p_gain|{p}"]) for i, p in enumerate(PATHS)}
    for path in PATHS:
        losses = [shares[f"loss|{path}|{percent}"] for percent in range(101)]
        out[f"M-4.4|{path}"] = state(float(np.interp(cap, losses, np.linspace(0, 1, 101))))
    return out
