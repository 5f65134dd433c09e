"""M-4.1, "split only after one or two wins": the rule to go on or to stop that is fixed in advance, and its errors.

The rule is Simon's two-stage plan between `stage.poor_success` and `success.target`, decided after every project as early as its
decision is certain, which changes neither error. It is replayed in :mod:`kaanalysis.analyses.continuation_replay`. Projects of one seller
hang together; the stated errors take them as independent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from kaanalysis.policy import Policy
from kaanalysis.stats import (
    StoppingRule,
    TwoStage,
    characteristic,
    repeated_tests,
    sequential_rule,
    single_stage,
    two_stage,
    wins_of_first,
)

LOOKS = 100  # looks over which rules without an end of their own are compared


@dataclass(frozen=True)
class ContinuationRule:
    """The rule as fixed: shares, errors and horizon it was made from, and its plan. Read back from a run's frame
    (:func:`rule_of_frame`) it judges later projects as it would have then, whatever the policy says by now."""

    poor: float
    good: float
    false_go: float
    false_stop: float
    horizon_months: float
    order: str
    plan: TwoStage

    def boundaries(self) -> StoppingRule:
        return self.plan.rule()

    def sequence(self, looks: int) -> StoppingRule:
        """The same question looked at with evidence that holds at every look, however many."""
        return sequential_rule(self.poor, self.good, self.false_go, self.false_stop, looks)


def rule_of(policy: Policy) -> ContinuationRule | None:
    """The rule that the policy fixes; None where poor success is no less than the mark, or no plan is short enough."""
    poor, good = policy["stage.poor_success"], policy["success.target"]
    errors = policy["stage.false_go"], policy["stage.false_stop"]
    plan = two_stage(poor, good, *errors, policy["stage.plan"]) if poor < good else None
    if plan is None:
        return None
    return ContinuationRule(poor, good, *errors, policy["success.horizon_months"], policy["stage.order"], plan)


def rule_of_frame(frame: pd.DataFrame) -> ContinuationRule:
    """The rule that a run has fixed, from its frame `continuation_rule`. ValueError where the frame holds none."""
    rows = {str(row["stage"]): row for row in frame[frame["plan"] == "two_stage"].to_dict("records")}
    if not {"first", "total"} <= set(rows):
        raise ValueError(
            "the frame holds no two-stage plan: it must have the rows first and total of the plan two_stage"
        )
    first, total = rows["first"], rows["total"]
    plan = TwoStage(
        int(first["stop_up_to"]), int(first["n"]), int(total["stop_up_to"]), int(total["n"]),
        float(total["expected_without_curtailment"]), float(first["stops_if_poor"]),
    )  # fmt: skip
    return ContinuationRule(
        float(total["poor"]), float(total["good"]), float(total["false_go_allowed"]), float(total["false_stop_allowed"]),
        float(total["horizon_months"]), str(total["order"]), plan,
    )  # fmt: skip


def compared(rule: ContinuationRule, policy: Policy) -> dict[str, StoppingRule]:
    """The rule and what it is held against, by name: the plan without stages, evidence at every look, the method's "one or two wins",
    the first win alone, and a plain test at every look."""
    first = policy["stage.first_projects"]
    rules = {"two_stage": rule.boundaries()}
    single = single_stage(rule.poor, rule.good, rule.false_go, rule.false_stop)
    if single is not None:
        rules["single_stage"] = single
    return {
        **rules,
        "sequence": rule.sequence(LOOKS),
        "one_win": wins_of_first(1, first),
        "wins": wins_of_first(min(policy["stage.first_wins"], first), first),
        "repeated_tests": repeated_tests(rule.poor, rule.false_go, LOOKS),
    }


def rule_frame(rule: ContinuationRule, rules: dict[str, StoppingRule]) -> pd.DataFrame:
    """One row per stage of the rule and per rule compared. plan, stage (first, total), n, go_on_from (null: the stage cannot go on before
    its end), stop_up_to, false_go, false_stop (exact), undecided_if_poor, undecided_if_good (after n looks), expected_if_poor,
    expected_if_good (decided projects it takes), stops_if_poor (by the stage's end), and what was asked: poor, good, false_go_allowed,
    false_stop_allowed, horizon_months, order, expected_without_curtailment."""
    rows = []
    for name, made in rules.items():
        got = characteristic(made, [rule.poor, rule.good])
        shared = {
            "plan": name, "n": made.most, "go_on_from": float(made.go_on[-1]), "stop_up_to": float(made.stop[-1]),
            "false_go": got.go_on[0], "false_stop": got.stop[1], "undecided_if_poor": got.open[0], "undecided_if_good": got.open[1],
            "expected_if_poor": got.units[0], "expected_if_good": got.units[1], "stops_if_poor": got.stop[0],
        }  # fmt: skip
        if name == "two_stage":
            plan = rule.plan
            rows.append({**shared, "stage": "first", "n": plan.first, "stop_up_to": float(plan.stop_first),
                         "go_on_from": np.nan, "stops_if_poor": plan.ends_early})  # fmt: skip
        rows.append({**shared, "stage": "total"})
    asked: dict[str, Any] = {
        "poor": rule.poor, "good": rule.good, "false_go_allowed": rule.false_go, "false_stop_allowed": rule.false_stop,
        "horizon_months": float(rule.horizon_months), "order": rule.order, "expected_without_curtailment": rule.plan.expected,
    }  # fmt: skip
    frame = pd.DataFrame(rows).assign(**asked)
    return frame[["plan", "stage", *[c for c in frame.columns if c not in ("plan", "stage")]]]


def boundary_frame(rule: ContinuationRule) -> pd.DataFrame:
    """The boundaries after every project until half as many again as the plan has: closed, go_on_from, stop_up_to (of the plan, null
    after its end), sequence_go_on, sequence_stop (of evidence valid at every look); null where out of reach."""
    plan = rule.boundaries()
    most = plan.most + -(-plan.most // 2)
    sequence, closed = rule.sequence(most), np.arange(1, most + 1)
    frame = pd.DataFrame({"closed": closed})
    for name, values in (
        ("go_on_from", plan.go_on), ("stop_up_to", plan.stop), ("sequence_go_on", sequence.go_on), ("sequence_stop", sequence.stop),
    ):  # fmt: skip
        padded = np.full(most, np.nan)
        padded[: len(values)] = values
        frame[name] = np.where((padded >= 0) & (padded <= closed), padded, np.nan)
    return frame


def characteristic_frame(rules: dict[str, StoppingRule]) -> pd.DataFrame:
    """The operating characteristic of every rule over true shares 0 … 1: plan, share, go_on, stop, undecided, projects (expected)."""
    grid = np.linspace(0, 1, 101)
    parts = []
    for name, rule in rules.items():
        got = characteristic(rule, grid)
        columns = {"share": grid, "go_on": got.go_on, "stop": got.stop, "undecided": got.open, "projects": got.units}
        parts.append(pd.DataFrame({"plan": name, **columns}))
    return pd.concat(parts, ignore_index=True)
