"""M-4: which path do bottlenecks and fit ask for?

The rule reads the number of bottlenecks and the fit of 03 and takes the more demanding of the two: few and high → part-time, some
or medium → split, many or poor → rebuild. Its cloud are the cluster resamples of 03.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from kaanalysis.analyses import rule_borders
from kaanalysis.analyses.bottleneck_sets import count_bottlenecks
from kaanalysis.analyses.ledger import PATHS
from kaanalysis.analyses.verdicts import find_flips, share_of_draws
from kaanalysis.policy import Policy
from kaanalysis.results import Finding, Number, Result, no_data

FEEDS = {"M-4": ("stage_history.stage", "capability.level", "accounts.segment")}


def rule(bottlenecks: np.ndarray, fit: np.ndarray, policy: Policy) -> np.ndarray:
    """Index into :data:`PATHS` for each pair: the more demanding of what the bottlenecks and the fit ask for."""
    by_count = np.where(
        bottlenecks <= policy["path.few_bottlenecks"], 0, np.where(bottlenecks <= policy["path.some_bottlenecks"], 1, 2)
    )
    by_fit = np.where(fit >= policy["path.high_fit"], 0, np.where(fit >= policy["path.medium_fit"], 1, 2))
    return np.maximum(by_count, by_fit)


def judge_rule(
    bottlenecks: Number, fit: Number, draws: pd.DataFrame, counts: np.ndarray, policy: Policy
) -> list[Finding]:
    """M-4: the path of the point estimate, supported if at least `path.certainty` of the cloud asks for the same path.

    Wrong if the cloud left something out: judges of capability who all err alike, deals to come that differ from past ones."""
    point = int(rule(np.array([bottlenecks.value]), np.array([fit.value]), policy)[0])
    cloud = rule(counts, draws["fit"].to_numpy(), policy)
    numbers: list[Number] = [bottlenecks, fit]
    for i, path in enumerate(PATHS):
        numbers.append(share_of_draws("p_rule", path, cloud == i, "share of cluster resamples"))
    fits = sorted((policy["path.high_fit"], policy["path.medium_fit"]), key=lambda b: abs(b - float(fit.value or 0)))
    counts_at = sorted(
        (policy["path.few_bottlenecks"] + 0.5, policy["path.some_bottlenecks"] + 0.5),
        key=lambda b: abs(b - float(bottlenecks.value or 0)),
    )
    numbers.append(
        Number(
            "fit_border_distance",
            "KA",
            float(fit.value or 0) - fits[0],
            None,
            None,
            None,
            fit.n,
            "fit",
            "fit minus the nearest border",
        )
    )
    numbers.append(
        Number(
            "bottleneck_border_distance",
            "KA",
            float(bottlenecks.value or 0) - counts_at[0],
            None,
            None,
            None,
            bottlenecks.n,
            "steps",
            "bottlenecks minus the nearest border",
        )
    )
    sure = (
        float((cloud == point).mean()) >= policy["path.certainty"]
        and min(bottlenecks.n, fit.n) >= policy["evidence.minimum_units"]
    )
    return [Finding("M-4", "path_rule", "supported" if sure else "undecided", PATHS[point], tuple(numbers))]


def find(sales: Result, policy: Policy) -> tuple[Finding, dict[str, pd.DataFrame]]:
    bottleneck = sales.finding("M-3.6")
    count, fit = bottleneck.number("bottlenecks"), bottleneck.number("fit")
    if count is None or "bottleneck_draws" not in sales.frames:
        return no_data("M-4", "path_rule", bottleneck.needs or ["stage_history.stage"], reason="none"), {}
    if fit is None:
        return no_data("M-4", "path_rule", ["capability.level"], [count], reason="none"), {}
    draws = sales.frames["bottleneck_draws"]
    reliefs = draws[[c for c in draws.columns if c.startswith("relief:")]].to_numpy()
    _, counts = count_bottlenecks(reliefs, policy)
    names = ["path.few_bottlenecks", "path.some_bottlenecks", "path.high_fit", "path.medium_fit"]

    def judge(p: Policy) -> list[Finding]:
        return judge_rule(count, fit, draws, counts, p)

    finding = judge(policy)[0]
    if bottleneck.reason == "too_few":
        finding = replace(finding, state="undecided")

    # A border may change the path without changing the state: for the rule, the path is what must not flip.
    def as_state(p: Policy) -> list[Finding]:
        now = judge(p)[0]
        return [replace(now, state="supported" if now.reason == finding.reason else "contradicted")]

    flips = find_flips(as_state, "M-4", policy, names)
    flips = tuple(
        replace(f, to=None if f.at is None else judge(policy.override({f.policy: f.at}))[0].reason) for f in flips
    )
    severity = bottleneck.number("severity")
    if severity is not None:  # how many steps stand in the way says nothing of what they cost together
        finding = replace(finding, numbers=(*finding.numbers, severity))
    cloud = pd.DataFrame({"bottlenecks": counts, "fit": draws["fit"].to_numpy()})
    borders = rule_borders.find(count, fit, counts, draws["fit"].to_numpy(float), policy, rule, PATHS)
    finding = replace(finding, numbers=(*finding.numbers, *borders.numbers), terms={**finding.terms, **borders.terms})
    frames = {"rule_cloud": cloud.groupby(["bottlenecks", "fit"], as_index=False).size(), "rule_borders": borders.table}
    return replace(finding, flips=flips), frames


def open_paths(rule_finding: Finding, policy: Policy) -> tuple[str, ...]:
    """Paths that the rule leaves open: the recommended one, and while it is undecided every other that the cloud asks for in more than
    1 − `path.certainty` of the resamples; all where the rule cannot be read."""
    if rule_finding.reason not in PATHS:
        return PATHS
    if rule_finding.state == "supported":
        return (rule_finding.reason,)
    shares = {n.segment: float(n.value or 0) for n in rule_finding.numbers if n.name == "p_rule"}
    return tuple(p for p in PATHS if p == rule_finding.reason or shares.get(p, 0) > 1 - policy["path.certainty"])


def agreement(rule_finding: Finding, best: str, policy: Policy) -> dict[str, str]:
    """Term `money`, what the path that the ledger expects to bring most is to the rule: ``agree`` or ``disagree`` with its path; ``open``
    where the rule leaves several open and that is one of them, `open_paths` naming them: the rule then says neither."""
    left = open_paths(rule_finding, policy)
    if rule_finding.state != "supported" and len(left) > 1 and best in left:
        return {"money": "open", "open_paths": "_".join(left)}
    return {"money": "agree" if best == rule_finding.reason else "disagree"}


def with_money(
    rule_finding: Finding, economics: list[Finding], numbers: Iterable[Number] = (), terms: Mapping[str, str] = {}
) -> Finding:
    """The rule's finding with what the ledger says beside it: the chance of each path to be the best, and whether the two agree. The rule
    knows no money; where they disagree a reader must see it in the same place.

    numbers, terms: what :mod:`path_agreement` adds, the path best in expectation and what would reconcile the two; without it the path
    that is most often the best stands for the ledger."""
    best = [n for f in economics for n in f.numbers if n.name == "p_best"]
    if not best or rule_finding.reason not in PATHS:
        return rule_finding
    leader = max(best, key=lambda n: float(n.value or 0)).segment
    said = {"best": leader, "money": "agree" if leader == rule_finding.reason else "disagree"}
    return with_more(rule_finding, [*best, *numbers], {**said, **terms})


def with_more(rule_finding: Finding, numbers: Iterable[Number], terms: Mapping[str, str]) -> Finding:
    """The rule's finding with numbers and terms of the questions that follow from it."""
    return replace(rule_finding, numbers=(*rule_finding.numbers, *numbers), terms={**rule_finding.terms, **terms})
