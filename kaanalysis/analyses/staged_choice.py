"""M-4.1 as a staged choice: part-time first, then split, stay or stop, valued against committing to one path today.

A part-time stage costs little and shows wins. What it is worth to look first follows from the ledger: for every draw of its inputs the
stage's projects are drawn one by one (openings at random at the part-time rate, each won by its chance, decided after the ledger's
time from opening to win, at the latest at the success horizon), the fixed rule is applied to them, and cash goes on from there: the
part-time path until then, a split team from then on with its own ramp, training, systems and review. The horizon ends where it does for
the commitments, so a late split has less time to pay.

All values are expected over the chance of single deals given the draw (:mod:`kaanalysis.analyses.ledger_lines`); only what the stage shows
is drawn. Against the fixed rule stand the best use of the wins seen (learnt on one half of the draws, valued on the other) and the best
month and action of each draw, which nobody can know: what the stage could at most be worth. The option value of a fixed rule
can be negative: waiting costs months, and a rule does not know what a wrong decision costs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from kaanalysis.analyses.continuation_rule import ContinuationRule
from kaanalysis.analyses.ledger import expected_npv
from kaanalysis.analyses.stage_values import StageValues, stage_values
from kaanalysis.analyses.staged_projects import StagedProjects, staged_projects
from kaanalysis.analyses.verdicts import figures_wanted, number, share_of_draws
from kaanalysis.policy import Policy
from kaanalysis.results import Number
from kaanalysis.stats import Estimate, expected_regret
from kaanalysis.stats.inputs import normal_quantile

Array = npt.NDArray[np.float64]
COMMITMENTS = ("nothing", "part_time", "split", "rebuild")
ACTIONS = ("stay", "split", "stop")
SEGMENT = "staged"
LEVEL = 0.95
METHOD = "staged by the fixed rule minus the best commitment; Monte Carlo"
SPLITS = "share of draws that split by the fixed rule"
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


def _until(values: StageValues, month: Array, split: npt.NDArray[np.bool_], stop: npt.NDArray[np.bool_]) -> Strategy:
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
    return _until(values, month, (decision == 0) & in_time, (decision == 1) & in_time)


def by_wins(values: StageValues, seen: StagedProjects, wins: int, review: int) -> Strategy:
    """ "Split after so many wins": in the month after that win, if it comes by the review; else part-time to the end."""
    month = seen.month_of_win(wins)
    in_time = month <= min(review, values.months)
    return _until(values, month, in_time, np.zeros_like(in_time))


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


def best_by_wins(values: StageValues, seen: StagedProjects, review: int) -> Strategy:
    """The best use of the wins seen: at every quarter until the review split, stop or look on, whichever brings most on average given
    their number. Backward induction by groups of wins (least-squares Monte Carlo: Longstaff and Schwartz, Review of Financial Studies
    14 (2001) 113–147); each half of the draws acts by what the other half teaches, so that no luck of its own draws is in the value."""
    dates = [d for d in range(QUARTER, review + 1, QUARTER) if d < values.months] or [min(review, values.months)]
    half = np.arange(len(values.stopped)) % 2
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
    return replace(_until(values, month, split, stop), kind="limit")


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
    return replace(_until(values, month, split, acts & ~split), kind="limit")


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
    made["best_by_wins"] = best_by_wins(values, seen, review)
    made["hindsight"] = best_in_hindsight(values, review)
    return made


def staged_frame(made: Mapping[str, Strategy]) -> pd.DataFrame:
    """One row per strategy: strategy, kind, mean, error (standard error of the simulation), low, high (5 % and 95 % of the draws), p_gain
    (share above 0), regret (against the best strategy of each draw), p_split, p_stop, month (median end of the part-time stage)."""
    regret = expected_regret(np.column_stack([s.value for s in made.values()]))
    rows = []
    for (name, s), lost in zip(made.items(), regret, strict=True):
        low, high = np.quantile(s.value, [0.05, 0.95])
        ended = s.month[np.isfinite(s.month)]
        rows.append((
            name, s.kind, s.value.mean(), s.value.std(ddof=1) / np.sqrt(len(s.value)), low, high, (s.value > 0).mean(), lost.value,
            s.split.mean(), s.stop.mean(), np.median(ended) if len(ended) else np.nan,
        ))  # fmt: skip
    columns = ["strategy", "kind", "mean", "error", "low", "high", "p_gain", "regret", "p_split", "p_stop", "month"]
    return pd.DataFrame(rows, columns=columns)


def wins_frame(values: StageValues, seen: StagedProjects, review: int) -> pd.DataFrame:
    """One row per group of wins seen at the review and action: wins, wins_to (fewest and most of the group), probability, action, mean,
    low, high (5 % and 95 % of those draws), best (the action with the best mean)."""
    wins, actions = seen.wins_by(review), at_review(values, review)
    groups = wins_grouped(wins)
    rows = []
    for group in np.unique(groups):
        mine = actions[groups == group]
        low, high = np.quantile(mine, [0.05, 0.95], axis=0)
        best = int(mine.mean(axis=0).argmax())
        for i, action in enumerate(ACTIONS):
            about = (int(wins[groups == group].min()), int(wins[groups == group].max()), (groups == group).mean())
            rows.append((*about, action, mine[:, i].mean(), low[i], high[i], i == best))
    columns = ["wins", "wins_to", "probability", "action", "mean", "low", "high", "best"]
    return pd.DataFrame(rows, columns=columns)


def thresholds_frame(values: StageValues, seen: StagedProjects, review: int) -> pd.DataFrame:
    """ "Split at the k-th win" for k from 0 (split at once) to one more than ever seen (never): wins, mean, error, p_split, month (median),
    best (the highest mean)."""
    rows = []
    zero = np.zeros(len(values.stopped))
    for wins in range(int(seen.wins_by(review).max()) + 2):
        s = by_wins(values, seen, wins, review) if wins else _until(values, zero, zero == 0, zero == 1)
        if wins > 1 and s.split.mean() < RARE and rows[-1][3] < RARE:
            break
        month = np.median(s.month[s.split]) if s.split.any() else np.nan
        rows.append((wins, s.value.mean(), s.value.std(ddof=1) / np.sqrt(len(s.value)), s.split.mean(), month))
    frame = pd.DataFrame(rows, columns=["wins", "mean", "error", "p_split", "month"])
    return frame.assign(best=frame["mean"] == frame["mean"].max())


def months_frame(seen: StagedProjects, rule: ContinuationRule, horizon: int) -> pd.DataFrame:
    """How long the rule takes with the part-time path's deal flow. One row per stage (first, total: until its projects are decided;
    decision: until the rule decides): stage, projects (expected, of the decision), months (median), low, high (5 % and 95 % of the draws;
    null beyond the horizon), within (share of the draws that get there within the horizon)."""
    decision, month = seen.decided_by(rule.boundaries(), rule.order)
    _, units = rule.boundaries().decide(np.cumsum(seen.won, axis=1))
    rows = []
    for stage, count, when in (
        ("first", float(rule.plan.first), seen.known(rule.plan.first)),
        ("total", float(rule.plan.total), seen.known(rule.plan.total)),
        ("decision", float(units[decision != 2].mean()) if (decision != 2).any() else np.nan, month),
    ):
        ends = np.quantile(when, [0.5, 0.05, 0.95], method="inverted_cdf")
        rows.append((stage, count, *np.where(ends <= horizon, ends, np.nan), float((when <= horizon).mean())))
    return pd.DataFrame(rows, columns=["stage", "projects", "months", "low", "high", "within"])


def _difference(first: Array, second: Array) -> Estimate:
    """Mean of a difference over draws with the central limit theorem's interval, for the simulation alone."""
    gap = first - second
    reach = normal_quantile(LEVEL) * float(gap.std(ddof=1)) / np.sqrt(len(gap))
    mean = float(gap.mean())
    return Estimate(
        mean,
        mean - reach,
        mean + reach,
        LEVEL,
        len(gap),
        "staged by the fixed rule minus the best commitment, Monte Carlo",
    )


def find(
    x: Mapping[str, npt.ArrayLike], rule: ContinuationRule | None, policy: Policy, currency: str
) -> tuple[list[Number], dict[str, str], dict[str, pd.DataFrame]]:
    """Numbers option_value and p_split (segment staged), terms and the frames staged, staged_wins, staged_thresholds
    and rule_months.

    Terms: `stage` (gain, loss, open: whether staging by the rule brings more than the best commitment, beyond what the simulation leaves
    open) and `commitment`, the best one. Nothing without a rule or where the part-time path has no sellers."""
    months, rate, seed = policy["ledger.horizon_months"], policy["ledger.discount_rate"], policy["evidence.seed"]
    if rule is None or policy["part_time.sellers"] <= 0:
        return [], {}, {}
    review = policy["stage.review_months"]
    values = stage_values(x, months, rate, policy["stage.learned_share"], min(review, months))
    seen = staged_projects(x, months, review, rule, seed)
    made = strategies(values, expected_npv(x, months, rate), seen, rule, policy)
    best = max(COMMITMENTS, key=lambda name: float(made[name].value.mean()))
    gap = _difference(made["rule"].value, made[best].value)
    assert gap.low is not None and gap.high is not None
    stage = "gain" if gap.low > 0 else "loss" if gap.high < 0 else "open"
    numbers = [
        number("option_value", SEGMENT, gap, currency, horizon_months=months),
        replace(
            share_of_draws("p_split", SEGMENT, made["rule"].split, "share of draws that split by the fixed rule"),
            horizon_months=review,
        ),
    ]
    terms = {"stage": stage, "commitment": best}
    if not figures_wanted():
        return numbers, terms, {}
    frames = {
        "staged": staged_frame(made),
        "staged_wins": wins_frame(values, seen, review),
        "rule_months": months_frame(seen, rule, months),
        "staged_thresholds": thresholds_frame(values, seen, review),
    }
    return numbers, terms, frames
