"""M-4.1 as a staged choice: part-time first, then split, stay or stop, valued against committing to one path today.

A part-time stage costs little and shows wins. What it is worth to look first follows from the ledger: for every draw of its inputs the
stage's projects are drawn one by one (openings at random at the part-time rate, each won by its chance, decided after the ledger's
time from opening to win, at the latest at the success horizon), the fixed rule is applied to them, and cash goes on from there: the
part-time path until then, a split team from then on with its own ramp, training, systems and review. The horizon ends where it does for
the commitments, so a late split has less time to pay. That is one convention; by the other every commitment has a full horizon of its own,
whenever it begins. Only where both say the same is staging called a gain or a loss.

All values are expected over the chance of single deals given the draw (:mod:`kaanalysis.analyses.ledger_lines`); only what the stage shows
is drawn. Against the fixed rule stand the best use of the wins seen (learnt on one half of the draws, valued on the other) and the best
month and action of each draw, which nobody can know: what the stage could at most be worth. The option value of a fixed rule
can be negative: waiting costs months, and a rule does not know what a wrong decision costs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special

from kaanalysis.analyses.continuation_rule import ContinuationRule
from kaanalysis.analyses.ledger import expected_npv
from kaanalysis.analyses.stage_strategies import (
    ACTIONS,
    COMMITMENTS,
    RARE,
    Strategy,
    at_review,
    by_wins,
    part_time_until,
    strategies,
    wins_grouped,
)
from kaanalysis.analyses.stage_values import StageValues, stage_values
from kaanalysis.analyses.staged_projects import StagedProjects, staged_projects
from kaanalysis.analyses.verdicts import figures_wanted, number, share_of_draws
from kaanalysis.policy import Policy
from kaanalysis.results import Number
from kaanalysis.stats import Estimate, expected_regret
from kaanalysis.stats.inputs import normal_quantile

Array = npt.NDArray[np.float64]
SEGMENT = "staged"
LEVEL = 0.95
SPREADS = (1, 2, 4, 8)  # times as unsure of success as the data are
FEW = 1024
METHOD = "staged by the fixed rule minus the best commitment; Monte Carlo"
SPLITS = "share of draws that split by the fixed rule"


def staged_frame(made: Mapping[str, Strategy], own: Mapping[str, Strategy]) -> pd.DataFrame:
    """One row per strategy: strategy, kind, mean, error (standard error of the simulation), low, high (5 % and 95 % of the draws), p_gain
    (share above 0), regret (against the best strategy of each draw), p_split, p_stop, month (median end of the part-time stage),
    own_horizon and own_horizon_error (mean and its standard error where a split has a full horizon of its own: `own`)."""
    regret = expected_regret(np.column_stack([s.value for s in made.values()]))
    rows = []
    for (name, s), lost in zip(made.items(), regret, strict=True):
        low, high = np.quantile(s.value, [0.05, 0.95])
        ended = s.month[np.isfinite(s.month)]
        rows.append((
            name, s.kind, s.value.mean(), s.value.std(ddof=1) / np.sqrt(len(s.value)), low, high, (s.value > 0).mean(), lost.value,
            s.split.mean(), s.stop.mean(), np.median(ended) if len(ended) else np.nan,
            own[name].value.mean(), own[name].value.std(ddof=1) / np.sqrt(len(s.value)),
        ))  # fmt: skip
    columns = ["strategy", "kind", "mean", "error", "low", "high", "p_gain", "regret", "p_split", "p_stop", "month", "own_horizon",
               "own_horizon_error"]  # fmt: skip
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
    rows: list[tuple[float, ...]] = []
    zero = np.zeros(len(values.stopped))
    for wins in range(int(seen.wins_by(review).max()) + 2):
        s = by_wins(values, seen, wins, review) if wins else part_time_until(values, zero, zero == 0, zero == 1)
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


def uncertainty_frame(x: Mapping[str, npt.ArrayLike], rule: ContinuationRule, policy: Policy) -> pd.DataFrame:
    """How unsure of success one must be for looking first to pay: the same ledger with success spread :data:`SPREADS` times as widely about
    its middle (log-odds), as for a company with fewer key-account projects behind it.

    One row per spread: spread, low, high (5 % and 95 % of success), commitment (the best), and what the rule, the method's wins, the best
    use of the wins and hindsight bring more than it: rule, wins, best_by_wins, hindsight. Over at most `FEW` draws."""
    months, rate, review = (
        policy["ledger.horizon_months"],
        policy["ledger.discount_rate"],
        policy["stage.review_months"],
    )
    some = {name: np.asarray(values, dtype=np.float64).reshape(-1)[:FEW] for name, values in x.items()}
    odds = special.logit(np.clip(some["success"], 1e-6, 1 - 1e-6))
    rows = []
    for wide in SPREADS:
        world = some | {"success": special.expit(np.median(odds) + wide * (odds - np.median(odds)))}
        values = stage_values(world, months, rate, policy["stage.learned_share"], min(review, months))
        seen = staged_projects(world, months, review, rule, policy["evidence.seed"])
        made = strategies(values, expected_npv(world, months, rate), seen, rule, policy)
        best = _best_commitment(made)
        against = float(made[best].value.mean())
        gains = (float(made[name].value.mean()) - against for name in ("rule", "wins", "best_by_wins", "hindsight"))
        rows.append((wide, *np.quantile(world["success"], [0.05, 0.95]), best, *gains))
    columns = ["spread", "low", "high", "commitment", "rule", "wins", "best_by_wins", "hindsight"]
    return pd.DataFrame(rows, columns=columns)


def _best_commitment(made: Mapping[str, Strategy]) -> str:
    return max(COMMITMENTS, key=lambda name: float(made[name].value.mean()))


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


def _reading(gap: Estimate) -> str:
    assert gap.low is not None and gap.high is not None
    return "gain" if gap.low > 0 else "loss" if gap.high < 0 else "open"


def find(
    x: Mapping[str, npt.ArrayLike], rule: ContinuationRule | None, policy: Policy, currency: str
) -> tuple[list[Number], dict[str, str], dict[str, pd.DataFrame]]:
    """Numbers option_value and p_split (segment staged), terms and the frames staged, staged_wins, staged_thresholds,
    staged_uncertainty and rule_months.

    Terms: `stage` (gain, loss, open: whether staging by the rule brings more than the best commitment, beyond what the simulation leaves
    open, both in a horizon that ends for all in the same month, which `option_value` is, and where a late split has a full horizon of its
    own), `commitment`, the best one, and where the two readings differ `stage_horizon`, what the second says.

    Nothing without a rule or where the part-time path has no sellers."""
    months, rate, seed = policy["ledger.horizon_months"], policy["ledger.discount_rate"], policy["evidence.seed"]
    if rule is None or policy["part_time.sellers"] <= 0:
        return [], {}, {}
    review = policy["stage.review_months"]
    learned, commitments = policy["stage.learned_share"], expected_npv(x, months, rate)
    seen = staged_projects(x, months, review, rule, seed)
    values, late = (stage_values(x, months, rate, learned, min(review, months), own) for own in (False, True))
    made, own = (strategies(v, commitments, seen, rule, policy) for v in (values, late))
    best = _best_commitment(made)
    gap = _difference(made["rule"].value, made[best].value)
    stage, alone = _reading(gap), _reading(_difference(own["rule"].value, own[best].value))
    numbers = [
        number("option_value", SEGMENT, gap, currency, horizon_months=months),
        replace(
            share_of_draws("p_split", SEGMENT, made["rule"].split, "share of draws that split by the fixed rule"),
            horizon_months=review,
        ),
    ]
    terms = {"stage": stage if stage == alone else "open", "commitment": best}
    if stage != alone:
        terms["stage_horizon"] = alone
    if not figures_wanted():
        return numbers, terms, {}
    frames = {
        "staged": staged_frame(made, own),
        "staged_wins": wins_frame(values, seen, review),
        "rule_months": months_frame(seen, rule, months),
        "staged_uncertainty": uncertainty_frame(x, rule, policy),
        "staged_thresholds": thresholds_frame(values, seen, review),
    }
    return numbers, terms, frames
