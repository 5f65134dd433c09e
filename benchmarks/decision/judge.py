"""What 04 predicts of a company's paths, and what becomes of them in futures of the world that the company was drawn from.

A future draws the path's settings and all else that the policy believes from the very beliefs of the policy, and what data can
tell from the world itself. So what is proved is this: *given right beliefs*, chances, spans and recommendations are what they
claim to be. Whether the beliefs are right no simulation can tell.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.decision.companies import LARGE, Seen
from benchmarks.validity.store import short_hash, world_hash
from kaanalysis.analyses import path_economics, staged_choice, strategic_loss
from kaanalysis.analyses.continuation_rule import rule_of
from kaanalysis.analyses.ledger import PATHS, evaluate, expected_npv
from kaanalysis.analyses.ledger_inputs import Inputs, draw_inputs
from kaanalysis.analyses.verdicts import only_numbers
from kaanalysis.policy import Policy
from kaanalysis.results import Finding, Number
from kaanalysis.simulate import population_truth
from kaanalysis.simulate.futures import Course, course, draw_futures
from kaanalysis.simulate.world import World

SPANS = ("npv", "payback_month", "strategic_loss", "strategic_loss_months")
# Caps, as shares of the last year's won amount, at which a breach is asked about besides the policy's own: where that one lies, breach is
# almost sure or almost ruled out for most paths, and a chance near 0 or 1 proves little.
CAPS = (0.02, 0.04, 0.07, 0.14, 0.25, 0.35, 0.6, 1.0)
COUNTED = ("potential_accounts",)  # grow with the company; all other inputs are shares, times and amounts


def known_inputs(large: Seen, size: float = LARGE) -> Inputs:
    """The ledger's inputs where the data inputs are known: those of a large company without their intervals, counts as of size 1."""
    items = []
    for item in large.inputs.items:
        if item.origin == "data":
            value = item.value / size if item.name in COUNTED else item.value
            item = replace(item, value=value, low=value, high=value)
        items.append(item)
    return Inputs(tuple(items), large.inputs.correlation)


def relieved_steps(world: World, policy: Policy) -> list[str]:
    """The KA steps that are bottlenecks in truth."""
    steps = population_truth(world)["segments"]["KA"]["steps"]
    return [s["step"] for s in steps if s["relief_per_100"] > policy["bottleneck.minimum_relief"]]


def expected_values(inputs: Inputs, policy: Policy) -> dict[str, float]:
    """Mean over the beliefs of each path's expected net present value."""
    x = draw_inputs(inputs, policy["ledger.draws"], policy["evidence.seed"])
    values = expected_npv(x, policy["ledger.horizon_months"], policy["ledger.discount_rate"]).mean(axis=0)
    return dict(zip(PATHS, values.tolist(), strict=True))


def staging(inputs: Inputs, policy: Policy) -> dict[str, Any]:
    """Part-time first, then split by the fixed rule: what 04 calls it (gain, loss, open) and what it brings more than the best commitment,
    in a horizon that ends for all in the same month."""
    x = draw_inputs(inputs, policy["ledger.draws"], policy["evidence.seed"])
    with only_numbers():
        numbers, terms, _ = staged_choice.find(x, rule_of(policy), policy, "CNY")
    return {"stage": terms["stage"], "commitment": terms["commitment"], "option_value": float(numbers[0].value or 0.0)}


def predict(seen: Seen, policy: Policy) -> dict[str, Any]:
    """What 04 says: numbers by path as the findings M-4.1 … M-4.4 carry them, and each path's mean of expected net present values."""
    horizon, rate, seed = policy["ledger.horizon_months"], policy["ledger.discount_rate"], policy["evidence.seed"]
    x = draw_inputs(seen.inputs, policy["ledger.draws"], seed)
    outcomes = {path: evaluate(path, x, horizon, rate, seed) for path in PATHS}
    chosen = Finding("M-4", "path_rule", seen.rule[0], seen.rule[1])  # type: ignore[arg-type]
    findings = [
        *path_economics.find(outcomes, policy, "CNY"),
        strategic_loss.find(outcomes, chosen, seen.year, policy, "CNY"),
    ]
    numbers = {(n.name, n.segment): n for f in findings for n in f.numbers}
    made: dict[str, Any] = {
        "rule": list(seen.rule),
        "cap": policy["ledger.loss_cap_share"] * seen.year,
        "year": seen.year,
        "staged": staging(seen.inputs, policy),
        "paths": {},
    }
    for path in PATHS:
        held = {name: numbers[(name, path)].value for name in ("p_breach", "p_gain", "p_best")}
        held["p_breach_at"] = [float((outcomes[path].loss > share * seen.year).mean()) for share in CAPS]
        held["spans"] = {name: _span(numbers[(name, path)]) for name in SPANS}
        held["expected"] = float(outcomes[path].expected_npv.mean())
        made["paths"][path] = held
    return made


def _span(number: Number) -> list[float | None] | None:
    """[low, high] (None: beyond the horizon); None where the number says nothing."""
    return None if number.value is None else [number.low, number.high]


def within(span: list[float | None], values: np.ndarray) -> np.ndarray:
    """Which values lie in the span; inf (never within the horizon) lies in one without an upper limit."""
    low, high = (np.inf * sign if limit is None else limit for limit, sign in zip(span, (-1, 1), strict=True))
    return np.asarray((values >= low) & (values <= high))


def realised(prediction: Mapping[str, Any], path: str, got: Course) -> dict[str, Any]:
    """How often futures of a path do what was predicted of it: shares of the futures."""
    values = dict(zip(SPANS, (got.npv, got.payback, got.loss, got.loss_months), strict=True))
    spans = prediction["paths"][path]["spans"]
    return {
        "breach": float((got.loss > prediction["cap"]).mean()),
        "breach_at": [float((got.loss > share * prediction["year"]).mean()) for share in CAPS],
        "gain": float((got.npv > 0).mean()),
        "npv": float(got.npv.mean()),
        "within": {n: None if spans[n] is None else float(within(spans[n], values[n]).mean()) for n in SPANS},
    }


def judge(world: World, known: Inputs, seen: Seen, number: int, futures: int, policy: Policy) -> dict[str, Any]:
    """One company: its prediction, and beside each path's what its futures do. futures: a power of two; they are the company's own.

    beside part-time's, ``as_smb``: the same if today's sellers work key accounts as SMB sellers do in this world, which the ledger does
    not know of."""
    made = predict(seen, policy)
    horizon, rate = policy["ledger.horizon_months"], policy["ledger.discount_rate"]
    seed = int(short_hash(world_hash(world), number), 16) % 2**31
    x = draw_inputs(known, futures, seed)
    best = np.argmax(expected_npv(x, horizon, rate), axis=1)
    steps = relieved_steps(world, policy)
    for i, path in enumerate(PATHS):
        drawn = draw_futures(world, path, x, horizon, np.random.default_rng([seed, i]), steps, discount_rate=rate)
        held = made["paths"][path]
        held["real"] = realised(made, path, course(drawn.cash, rate)) | {"best": float((best == i).mean())}
    drawn = draw_futures(world, PATHS[0], x, horizon, np.random.default_rng([seed, 0]), steps, world.smb_on_ka, rate)
    made["paths"][PATHS[0]]["as_smb"] = realised(made, PATHS[0], course(drawn.cash, rate))
    return made
