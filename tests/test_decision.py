"""The proof of the decision, small: given right beliefs chances and spans hold, and a ledger that leaves a kind of chance out is caught.

The full measurement is ``make bench-decision``; its results are in benchmarks/DECISION.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.decision import companies, score
from benchmarks.decision import judge as judging
from benchmarks.decision.document import document
from benchmarks.validity import store
from benchmarks.validity.engine import Engine
from kaanalysis.analyses import ledger
from kaanalysis.analyses.ledger_inputs import COMMON, Input, Inputs, policy_input
from kaanalysis.analyses.ledger_lines import NAMED, NAMED_PATHS, PATHS, SETTINGS
from kaanalysis.policy import Policy, load_policy
from kaanalysis.simulate.futures import course, draw_futures
from kaanalysis.simulate.parameters import load
from kaanalysis.simulate.world import World

COMPANIES, FUTURES, PATH = 10, 64, "part_time"
SPANS = ("npv", "strategic_loss")
# What the data can tell in part_time_fits, and the standard error of its logarithm in one company.
TRUTH = {
    "seller_cost": (35_000.0, 0.0), "support_cost": (23_000.0, 0.0), "smb_bookings": (6_000.0, 0.0), "deals_per_seller": (1.4, 0.15),
    "conflict_hours": (0.12, 0.0), "success": (0.503, 0.15), "cycle_months": (5.68, 0.0), "deal_size": (231_000.0, 0.12),
    "cycle_spread": (0.21, 0.0), "deal_variation": (0.53, 0.0), "relief": (0.0, 0.0), "lifetime_months": (106.3, 0.25),
    "potential_accounts": (310.0, 0.0), "deals_per_account": (1.3, 0.0), "accounts_moved": (0.02, 0.0),
}  # fmt: skip


@pytest.fixture(scope="module")
def policy() -> Policy:
    return load_policy().override({"ledger.draws": 256})


def beliefs(policy: Policy) -> list[Input]:
    """All that only the policy states, taken as known: what is left are the data's errors and luck."""
    scales = [(f"ledger.{name}", name, scale) for name, scale in COMMON]
    for path in PATHS:
        settings = (*SETTINGS, NAMED) if path in NAMED_PATHS else SETTINGS
        scales += [(f"{path}.{s}", f"{path}.{s}", "linear") for s in settings]
    made = [policy_input(name, policy, scale, setting) for setting, name, scale in scales]
    return [replace(item, low=item.value, high=item.value) for item in made]


def seen(policy: Policy, generator: np.random.Generator | None, **truth: float) -> companies.Seen:
    """A company with its estimates and their intervals; None: one that knows the truth. truth: values in place of those in TRUTH."""
    items = []
    for name, (usual, error) in TRUTH.items():
        value = truth.get(name, usual)
        found = value * np.exp(error * generator.standard_normal()) if generator is not None else value
        reach = np.exp(1.959964 * error) if generator is not None else 1.0
        items.append(Input(name, found, found / reach, found * reach, 0.95, "", "data", "log" if error else "linear"))
    items += beliefs(policy)
    return companies.Seen(Inputs(tuple(items), np.eye(len(items))), ("supported", PATH), 18e6)


def without_errors(held: companies.Seen) -> companies.Seen:
    """The same estimates taken as known."""
    items = tuple(replace(item, low=item.value, high=item.value) for item in held.inputs.items)
    return replace(held, inputs=Inputs(items, held.inputs.correlation))


@pytest.fixture(scope="module")
def world() -> World:
    """Part-time fits, with sellers all alike and contracts that last, so that TRUTH is all there is to know."""
    world = load("part_time_fits")
    return replace(world, ka=replace(world.ka, refunded=0.0, litigated=0.0, skill_sd=0.0))


@pytest.fixture(scope="module")
def studied(policy: Policy, world: World) -> dict[str, list[dict[str, Any]]]:
    """The same companies and futures, predicted rightly, without luck and without errors of the data."""
    generator, horizon = np.random.default_rng(11), 36
    short = policy.override({"ledger.horizon_months": horizon})
    x = {i.name: np.full(FUTURES * COMPANIES, i.value) for i in seen(short, None).inputs.items}
    drawn = draw_futures(world, PATH, x, horizon, np.random.default_rng(12))
    # What a deal of this world is worth and how often it is won, as a large company would find it.
    truth = {"success": drawn.contracts.amount.size / drawn.opened.sum(), "deal_size": drawn.contracts.amount.mean()}
    cash = drawn.cash.reshape(COMPANIES, FUTURES, horizon)
    out: dict[str, list[dict[str, Any]]] = {"right": [], "no luck": [], "no errors": []}
    for flows in cash:
        company = seen(short, generator, **truth)
        for name, made in (("right", company), ("no luck", company), ("no errors", without_errors(company))):
            with pytest.MonkeyPatch.context() as patch:
                if name == "no luck":
                    whole = ledger.evaluate
                    patch.setattr(judging, "evaluate", lambda *a, whole=whole: whole(*a, chance=False))
                told = judging.predict(made, short)
            told["paths"][PATH]["real"] = judging.realised(told, PATH, course(flows, short["ledger.discount_rate"]))
            out[name].append(told)
    return out


def covered(companies: list[dict[str, Any]], name: str) -> float:
    found = score.coverage(companies, PATH, name)
    assert found is not None
    return found[0]


@pytest.mark.parametrize("name", SPANS)
def test_spans_hold_nine_of_ten_futures(studied: Mapping[str, list[dict[str, Any]]], name: str) -> None:
    assert 0.84 <= covered(studied["right"], name) <= 0.97


@pytest.mark.parametrize(("left_out", "name"), [("no luck", "strategic_loss"), ("no errors", "npv")])
def test_a_ledger_that_leaves_a_kind_of_chance_out_is_caught(
    studied: Mapping[str, list[dict[str, Any]]], left_out: str, name: str
) -> None:
    """Where single deals are not drawn, the depth of the loss is far too sure; where the data's errors are not, what a path brings is."""
    assert covered(studied[left_out], name) < 0.8 < covered(studied["right"], name)


def test_chances_of_breach_come_true_and_those_without_luck_are_worse(
    studied: Mapping[str, list[dict[str, Any]]],
) -> None:
    held = {who: score.chances({"w": made}, "p_breach_at", "breach_at", [PATH]) for who, made in studied.items()}
    right = held["right"]
    value, low, high = score.mean_with_interval(right.predicted - right.frequency, right.company)
    assert low - 0.03 < 0 < high + 0.03, value
    scores = {who: score.brier(h.predicted, h.frequency).mean() for who, h in held.items()}
    assert scores["right"] < scores["no luck"]


def test_brier_scores_by_hand() -> None:
    """0.8 said, 3 of 4 come true: 0.75 × 0.04 + 0.25 × 0.64 = 0.19. One chance for all, 0.5: 0.25."""
    assert score.brier([0.8], [0.75])[0] == pytest.approx(0.19)
    held = score.Chances(np.array([0.8, 0.2]), np.array([0.75, 0.25]), np.array([0, 1]))
    made = score.brier_scores(held)
    assert made["score"][0] == pytest.approx(0.19) and made["climatology"][0] == pytest.approx(0.25)
    assert made["skill"][0] == pytest.approx(0.24) and made["limit"][0] == pytest.approx(0.25)


def test_reliability_puts_every_prediction_into_one_bin() -> None:
    predicted = np.array([0.0, 0.05, 0.051, 0.5, 1.0])
    bins = score.reliability(score.Chances(predicted, predicted, np.arange(5)))
    assert [(b.low, b.n) for b in bins] == [(0.0, 2), (0.05, 1), (0.4, 1), (0.95, 1)]
    assert all(b.predicted == pytest.approx(b.frequency) for b in bins)


def test_intervals_resample_companies_and_not_their_predictions() -> None:
    """Two companies, twenty predictions each that all agree: as uncertain as two coins, not as forty."""
    frequency, company = np.repeat([0.0, 1.0], 20), np.repeat([0, 1], 20)
    assert score.mean_with_interval(frequency, company) == (0.5, 0.0, 1.0)


def test_spans_without_an_upper_limit_hold_what_never_comes() -> None:
    values = np.array([1.0, 5.0, np.inf])
    assert judging.within([2.0, None], values).tolist() == [False, True, True]
    assert judging.within([0.0, 5.0], values).tolist() == [True, True, False]


def test_regret_is_what_the_named_path_is_worth_less_than_the_best() -> None:
    def made(rule: str, part_time: float, split: float) -> dict[str, Any]:
        expected = {"part_time": part_time, "split": split, "rebuild": -1.0}
        stage = {"stage": "gain" if part_time > 4 else "open"}
        return {
            "rule": ["supported", rule],
            "paths": {p: {"expected": v} for p, v in expected.items()},
            "staged": stage,
        }

    told = [made("part_time", 2.0, 3.0), made("split", 5.0, 3.0)]
    lost = score.regrets(told, {"part_time": 1.0, "split": 4.0, "rebuild": -2.0, "staged": 3.5})
    assert {who: v.tolist() for who, v in lost.items()} == {
        "rule": [3, 0], "money": [0, 3], "money or staged": [0, 0.5], "always part_time": [3, 3], "always split": [0, 0],
        "always rebuild": [6, 6], "always staged": [0.5, 0.5], "always nothing": [4, 4]}  # fmt: skip
    # Where every path loses, doing nothing is best.
    assert score.regrets(told, {"part_time": -1.0, "split": -4.0, "rebuild": -2.0, "staged": -1.5})[
        "rule"
    ].tolist() == [1, 4]


def test_within_the_agreed_loss_only_paths_count_that_keep_it() -> None:
    def made(rule: str, predicted: float) -> dict[str, Any]:
        breach = {"part_time": (0.0, 0.05), "split": (predicted, 0.4), "rebuild": (0.9, 0.9)}
        paths = {
            p: {
                "expected": {"part_time": 1.0, "split": 3.0, "rebuild": 2.0}[p],
                "p_breach": told,
                "real": {"breach": real},
            }
            for p, (told, real) in breach.items()
        }
        return {"rule": ["supported", rule], "paths": paths}

    worth = {"part_time": 1.0, "split": 4.0, "rebuild": 3.0, "staged": 9.0}
    best, found = score.capped([made("rebuild", 0.1), made("part_time", 0.5)], worth, 0.2)
    assert best == "part_time"
    assert (found["rule"].breaks, found["rule"].lost.tolist()) == (0.5, [-2, 0])
    assert (found["money"].breaks, found["money"].lost.tolist()) == (1.0, [-3, -3])
    # The first company was told that split keeps the loss, the second was not.
    assert (found["money within the loss"].breaks, found["money within the loss"].lost.tolist()) == (0.5, [-3, 0])
    # Where no path is expected to keep it, none is named, and nothing is lost against nothing.
    best, found = score.capped([made("rebuild", 0.5)], {**worth, "part_time": -1.0}, 0.01)
    assert best == "nothing" and found["money within the loss"].nothing == 0.0
    assert score.named_within(made("rebuild", 0.5), -1.0) == "nothing"


def test_what_is_seen_survives_being_written_down(policy: Policy) -> None:
    held = seen(policy, np.random.default_rng(1))
    correlation = held.inputs.correlation.copy()
    correlation[0, 3] = correlation[3, 0] = 0.4
    held = replace(held, inputs=Inputs(held.inputs.items, correlation))
    back = companies.Seen.of_row(held.row())
    assert back.inputs.items == held.inputs.items and (back.inputs.correlation == correlation).all()
    assert (back.rule, back.year) == (held.rule, held.year)


def test_tables_left_out_change_nothing_and_a_company_once_seen_is_read_from_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, policy: Policy
) -> None:
    monkeypatch.setattr(store, "FOLDER", tmp_path)
    quick, engine, world = policy.override({"evidence.draws": 200}), Engine(), load("split_fits")
    kept = companies.Kept(engine, "split_fits", world, quick).company(0)
    monkeypatch.setattr(companies, "UNREAD", ())
    whole = companies.drawn(engine, world, companies.FIRST_SEED, 1.0, quick)
    assert kept.row() == whole.row()
    monkeypatch.setattr(companies, "drawn", lambda *_: pytest.fail("drawn again"))
    assert companies.Kept(engine, "split_fits", world, quick).company(0).row() == kept.row()


def test_worlds_between_lie_between_and_known_inputs_have_no_intervals(policy: Policy) -> None:
    found = companies.worlds()
    first, middle, last = (found[n] for n in ("part_time_fits", "between part-time and split", "split_fits"))
    for a, b, c in zip(first.ka.steps, middle.ka.steps, last.ka.steps, strict=True):
        assert b.pass_probability == pytest.approx((a.pass_probability + c.pass_probability) / 2)
    known = judging.known_inputs(seen(policy, np.random.default_rng(1)), 10.0)
    assert not any(item.uncertain for item in known.items if item.origin == "data")
    assert next(i.value for i in known.items if i.name == "potential_accounts") == 31.0


def test_the_document_has_every_world_path_and_chance(policy: Policy, world: World) -> None:
    held = seen(policy, None)
    made = judging.judge(world, held.inputs, held, 0, 8, policy)
    assert set(made["paths"]["part_time"]["as_smb"]) == set(made["paths"]["part_time"]["real"]) - {"best"}
    assert made["staged"]["stage"] in ("gain", "loss", "open")
    worth = {"one world": {**dict.fromkeys(PATHS, 1e6), "staged": 2e6}}
    told = document({"one world": [made, made]}, worth, {"one world": made["staged"]}, 0.2, {"command": "`c`"})
    for word in (
        "one world",
        *PATHS,
        "`p_breach`",
        "`p_gain`",
        "`p_best`",
        "Brier",
        "always nothing",
        "always staged",
        "money within the loss",
        "Part-time first",
        "- command: `c`",
    ):
        assert word in told, word
