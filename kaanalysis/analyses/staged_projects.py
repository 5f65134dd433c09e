"""The projects of a part-time stage, drawn one by one for every draw of the ledger's inputs: what the stage would show, and when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy import stats

from kaanalysis.analyses.continuation_rule import ContinuationRule
from kaanalysis.analyses.ledger_lines import Array, deals_opened, ramp_of, wins_by_opening, world_of
from kaanalysis.stats import StoppingRule

MOST = 400  # projects drawn per stage at most; a part-time stage has a few dozen


@dataclass(frozen=True)
class StagedProjects:
    """Projects in the order of opening, (draws, projects) each. decided: months from the start until decided (infinite where it is never
    opened within the horizon); won: whether it is won."""

    decided: Array
    won: npt.NDArray[np.bool_]

    def decided_by(self, rule: StoppingRule, order: str) -> tuple[npt.NDArray[np.int8], Array]:
        """(decision, month from which it can be acted on) of a rule over projects in that order; month infinite without a decision."""
        when, won = self.decided, self.won
        if order == "closing":
            by = np.argsort(when, axis=1, kind="stable")
            when, won = np.take_along_axis(when, by, axis=1), np.take_along_axis(won, by, axis=1)
        known = np.maximum.accumulate(when, axis=1)[:, : rule.most]
        decision, units = rule.decide(np.cumsum(won, axis=1))
        month = np.ceil(known[np.arange(len(known)), np.maximum(units, 1) - 1])
        return decision, np.where(decision == 2, np.inf, month)

    def month_of_win(self, wins: int) -> Array:
        """Month after which the win of that number has come, (draws,); infinite where it never does."""
        dates = self._win_dates
        return np.ceil(dates[:, wins - 1]) if wins <= dates.shape[1] else np.full(len(dates), np.inf)

    @cached_property
    def _win_dates(self) -> Array:
        """Months until the first, second … win, infinite from the first that never comes, (draws, projects)."""
        return np.sort(np.where(self.won, self.decided, np.inf), axis=1)

    def known(self, projects: int) -> Array:
        """Months until so many projects count in the order of opening, (draws,); infinite where they never do."""
        if projects > self.decided.shape[1]:
            return np.full(len(self.decided), np.inf)
        return np.asarray(self.decided[:, :projects].max(axis=1))

    def wins_by(self, month: float) -> npt.NDArray[np.int64]:
        """Wins until the end of a month, (draws,)."""
        return np.asarray((self.won & (self.decided <= month)).sum(axis=1), dtype=np.int64)


def staged_projects(
    x: Mapping[str, npt.ArrayLike], months: int, review: int, rule: ContinuationRule, seed: int
) -> StagedProjects:
    """Projects of the part-time path: openings at random at its rate, each won with the chance of its month of opening, decided after a
    lognormal time with the ledger's median and spread, at the latest at the rule's horizon.

    Lost projects are taken to be decided as slowly as won ones: the ledger does not know when they are lost, and in the order of
    opening it is the slowest that count. seed: of the chance of single deals."""
    world = world_of("part_time", x)
    generator = np.random.default_rng([seed, 1])  # a stream of its own: the ledger's draws use the seed itself
    opened = np.broadcast_to(deals_opened(world, ramp_of(world, months)), (world.draws, months))
    wins = np.broadcast_to(wins_by_opening(world, months), opened.shape)
    chance = np.divide(wins, opened, out=np.zeros(opened.shape), where=opened > 0)
    total = np.concatenate([np.zeros((world.draws, 1)), np.cumsum(opened, axis=1)], axis=1)
    expected = float(total[:, min(review, months)].max())
    size = int(np.clip(max(rule.plan.total, stats.poisson.isf(1e-4, max(expected, 1e-9))), 1, MOST))
    arrivals = np.cumsum(generator.standard_exponential((world.draws, size)), axis=1)
    # Random openings at a rate that changes by month: unit arrivals, mapped back through the expected number so far.
    start = np.full(arrivals.shape, np.inf)
    place = np.zeros(arrivals.shape, dtype=np.int64)
    axis = np.arange(months + 1.0)
    for i in range(world.draws):
        inside = arrivals[i] < total[i, -1]
        start[i, inside] = np.interp(arrivals[i, inside], total[i], axis)
        place[i, inside] = np.minimum(start[i, inside].astype(np.int64), months - 1)
    won = (generator.random(arrivals.shape) < np.take_along_axis(chance, place, axis=1)) & np.isfinite(start)
    slow = world["cycle_months"] * np.exp(world["cycle_spread"] * generator.standard_normal(arrivals.shape))
    return StagedProjects(start + np.minimum(slow, rule.horizon_months), won)
