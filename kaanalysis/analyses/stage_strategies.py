"""What one may do with a part-time stage: commit today, act by the fixed rule, by so many wins, by the best use of the wins seen, or with
hindsight. Values over the draws of the ledger's inputs; what each is, :mod:`kaanalysis.analyses.staged_choice` says."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from kaanalysis.analyses.continuation_rule import ContinuationRule
from kaanalysis.analyses.stage_values import StageValues
from kaanalysis.analyses.staged_projects import StagedProjects
from kaanalysis.policy import Policy

Array = npt.NDArray[np.float64]
COMMITMENTS = ("nothing", "part_time", "split", "rebuild")
ACTIONS = ("stay", "split", "stop")
RARE = 0.01  # share of the draws at either end whose number of wins is taken together with the next
GROUPS = 12
QUARTER = 3  # months between the dates at which the best use of the wins may act


@dataclass(frozen=True)
class Strategy:
    """A strategy over all draws. kind: commit, staged or limit (what nobody can do); value: (draws,); split, stop: whether it does; month:
    in which the part-time stage ends (NaN where it does not)."""

    kind: str
    value: Array
    split: npt.NDArray[np.bool_]
    stop: npt.NDArray[np.bool_]
    month: Array


def _at(values: Array, month: npt.NDArray[np.int64]) -> Array:
    return np.asarray(values[np.arange(len(values)), month])


def part_time_until(
    values: StageValues, month: Array, split: npt.NDArray[np.bool_], stop: npt.NDArray[np.bool_]
) -> Strategy:
    """Part-time until `month` (whole months), then split, stop, or go on part-time where neither holds."""
    acts = split | stop
    at = np.where(acts, np.minimum(month, values.months), values.months).astype(np.int64)
    value = _at(values.stopped, at) + np.where(split, _at(values.split_from, np.where(split, at, 0)), 0.0)
    return Strategy("staged", value, split, stop, np.where(acts, at, np.nan))


def by_rule(values: StageValues, seen: StagedProjects, rule: ContinuationRule, review: int) -> Strategy:
    """The fixed rule: split in the month after it says go on, stop after it says stop, stay part-time where it has said nothing by the
    review."""
    decision, month = seen.decided_by(rule.boundaries(), rule.order)
    in_time = month <= min(review, values.months)
    return part_time_until(values, month, (decision == 0) & in_time, (decision == 1) & in_time)


def by_wins(values: StageValues, seen: StagedProjects, wins: int, review: int) -> Strategy:
    """ "Split after so many wins": in the month after that win, if it comes by the review; else part-time to the end."""
    month = seen.month_of_win(wins)
    in_time = month <= min(review, values.months)
    return part_time_until(values, month, in_time, np.zeros_like(in_time))


def at_review(values: StageValues, review: int) -> Array:
    """Value of every action of :data:`ACTIONS` at the review, (draws, 3)."""
    at = min(review, values.months)
    stopped = values.stopped[:, at]
    return np.column_stack([values.stopped[:, -1], stopped + values.split_from[:, at], stopped])


def wins_grouped(wins: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The fewest wins of the group that each draw belongs to: at most `GROUPS` groups of equally wide spans of wins seen, of which the rare
    ones at both ends are taken together with their neighbours."""
    low, high = (int(v) for v in np.quantile(wins, [RARE, 1 - RARE], method="inverted_cdf"))
    width = -(-(high - low + 1) // GROUPS)
    return low + (np.clip(wins, low, high) - low) // width * width


def best_by_wins(values: StageValues, seen: StagedProjects, review: int, seed: int) -> Strategy:
    """The best use of the wins seen: at once and at every quarter until the review split, stop or look on, whichever brings most on average
    given their number. Backward induction by groups of wins (least-squares Monte Carlo: Longstaff and Schwartz, Review of Financial Studies
    14 (2001) 113–147); each half of the draws acts by what the other half teaches, so that no luck of its own draws is in the value.
    seed: of the halves, which are drawn at random (neighbours of a Sobol sequence are not exchangeable)."""
    dates = [d for d in range(0, review + 1, QUARTER) if d < values.months]
    half = np.random.default_rng([seed, 2]).permutation(len(values.stopped)) % 2
    split, stop = np.zeros(len(half), dtype=bool), np.zeros(len(half), dtype=bool)
    month = np.full(len(half), np.inf)
    for side in (0, 1):
        use, learn = half == side, half != side
        later = values.stopped[learn, -1]  # what those who look on will have, acting by what is learnt for later dates
        tables = {}
        for date in reversed(dates):
            actions = at_review(values, date)[learn]
            actions[:, 0] = later
            wins = seen.wins_by(date)
            groups = wins_grouped(wins[learn])
            best = {int(g): int(actions[groups == g].mean(axis=0).argmax()) for g in np.unique(groups)}
            edges = np.array(sorted(best))
            tables[date] = edges, np.array([best[int(g)] for g in edges])
            chosen = tables[date][1][np.searchsorted(edges, groups)]
            later = _at(actions, chosen)
        for date in dates:
            edges, acts = tables[date]
            place = np.clip(np.searchsorted(edges, seen.wins_by(date), side="right") - 1, 0, len(edges) - 1)
            chosen = np.where(use & np.isinf(month), acts[place], 0)
            split |= chosen == 1
            stop |= chosen == 2
            month = np.where(chosen > 0, date, month)
    return part_time_until(values, month, split, stop)


def best_in_hindsight(values: StageValues, review: int) -> Strategy:
    """The best month until the review and the best action of every draw, which nobody can know beforehand: the limit of all staging."""
    until = min(review, values.months) + 1  # months 0 … review
    stopped = values.stopped[:, :until]
    both = np.stack([stopped + values.split_from[:, :until], stopped])
    n = len(stopped)
    flat = both.transpose(1, 0, 2).reshape(n, -1)
    top = flat.argmax(axis=1)
    acts = flat[np.arange(n), top] > values.stopped[:, -1]
    split, month = acts & (top < until), (top % until).astype(float)
    return replace(part_time_until(values, month, split, acts & ~split), kind="limit")


def strategies(
    values: StageValues, commitments: Array, seen: StagedProjects, rule: ContinuationRule, policy: Policy
) -> dict[str, Strategy]:
    """All strategies by name: commitments (``nothing`` included: it is always open), the rule, the method's wins, the best use of the wins
    seen, and the best month and action of each draw."""
    n, review = len(commitments), policy["stage.review_months"]
    no, never = np.zeros(n, dtype=bool), np.full(n, np.nan)
    made = {}
    for i, name in enumerate(COMMITMENTS):
        value = commitments[:, i - 1] if i else np.zeros(n)
        made[name] = Strategy("commit", value, no if name != "split" else ~no, no, never)
    made["rule"] = by_rule(values, seen, rule, review)
    made["wins"] = by_wins(values, seen, policy["stage.first_wins"], review)
    made["best_by_wins"] = best_by_wins(values, seen, review, policy["evidence.seed"])
    made["hindsight"] = best_in_hindsight(values, review)
    return made
