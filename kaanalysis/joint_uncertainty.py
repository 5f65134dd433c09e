"""Whether two estimates of one quantity differ by more than both their uncertainties together, from their intervals alone.

Two runs of one company share most of their rows, so the later estimate is not independent of the earlier one. The variance of a
difference is ``var A + var B − 2 cov(A, B)``, and two intervals say nothing about the covariance. What can be said all the same:

- *Not negative.* To first order an estimate is its truth plus a mean of what every unit (an account, a seller) adds, its influence. If
  nothing has changed, a unit that stands in both runs in the same place has the same influence in both, up to the positive factors
  1/n, so the covariance is a positive multiple of a variance: it is 0 or more. The width for independent estimates is then too wide,
  never too narrow. Too wide by much where few rows are new: for a mean of n rows and then of n + m rows the variance of the difference is
  ``var A − var B`` (Hausman 1978), a share m / (2n + m) of that for independence.
- *Of any sign.* Where a number sets a later period against an earlier one, a row can change sides from one run to the next: what was
  growth becomes the base. Two growth rates of neighbouring years share the year between them with opposite signs. What holds whatever the
  covariance: the standard deviation of a difference is at most the sum of both (Minkowski), so half-widths are added instead of their
  squares. :data:`BETWEEN_PERIODS` names these numbers.
- *Independent.* Two companies share no rows. Nothing is lost.

The interval of the difference is put together from the limits as they are, each side with its own half-width (MOVER: Zou and Donner,
Statistics in Medicine 27 (2008) 1693–1702; Donner and Zou, Statistical Methods in Medical Research 21 (2012) 347–359). For other levels
the half-widths are stretched as Student's t on the units behind the number, at most 20 degrees of freedom. That a limit far out is as far
away as the one reported suggests depends on the scale, so it is asked on each scale that the number has (as it stands, logarithm, log
odds), and the largest p-value counts.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from scipy.special import stdtr, stdtrit

from kaanalysis.results import Number

Dependence = Literal["independent", "not_negative", "any", "paired"]  # paired: measured (:mod:`kaanalysis.paired_runs`)
Kind = Literal["sampling", "conditional", "belief", "exact", "none"]

# The interval holds given the rest, and leaves out how far other data would have put the number: the error of a simulation, which shrinks
# with its draws; one company's relief shared out over its own gaps; the quality of the alarm that was picked from one company's flows;
# signs counted between those surely there and those not ruled out.
CONDITIONAL = frozenset({
    "p_rank_1", "p_rank_1_lane", "p_rule", "p_first", "p_best", "p_gain", "p_breach", "p_split", "beyond_border", "option_value",
    "regret", "evpi", "evppi", "library_next_first", "lane_relief", "relief_unattributed", "alarm_recall", "alarm_false",
    "alarm_lead_days", "score",
})  # fmt: skip
# The interval is the span in which the analyst's own spreads let the number lie: most of it is belief, and the same in both runs.
BELIEF = frozenset({
    "npv", "payback_month", "strategic_loss", "strategic_loss_months", "account_balance", "account_balance_share", "account_total",
    "account_total_share", "roles_negative",
})  # fmt: skip
# Rows change sides from one run to a later one: what was the later period becomes the earlier; what is held against a trend or a slope
# turns with it; regions in conflict, which each run's data choose anew, are held against the others. Signs of the patterns against the
# time before the launch are here too, since a launch put right in company.toml moves rows across it; those beside other teams' change
# are not: what moves them moves the other teams' deals alike.
BETWEEN_PERIODS = frozenset({
    "growth_rate", "customers", "deals_per_customer", "price", "retained", "shortfall", "value_growth", "value_growth_same_mix",
    "value_growth_by_mix", "revenue_per_head_growth", "gross_revenue_retention", "net_revenue_retention", "conversion_stability",
    "conversion_trend", "smb_capacity_ratio", "competitor_loss_change", "smb_success_change", "smb_fills", "support_cost_growth",
    "border_blur", "key_account_disputes", "new_customers_ratio", "smb_won_ratio", "deal_size_ratio", "cost_of_sales_ratio", "dispute_rate",
    "dispute_hours", "unregistered_change", "ka_success_gap",
})  # fmt: skip
# Degrees of freedom at most: a family of hundreds asks for tails that 95 % limits, from some hundred resamples, do not tell.
MOST_FREEDOM = 20
CLUSTERS = re.compile(r"\b(\d+) clusters\b")


def kind_of(number: Number) -> Kind:
    """What the interval of a number is: of sampling; conditional on the rest (:data:`CONDITIONAL`); a span of belief; exact: the number is
    a count, a policy value or a test and has none; none: an interval was wanted and is not to be had on both sides, or has no width."""
    if number.level is None:
        return "exact"
    if number.name in CONDITIONAL:
        return "conditional"
    if number.name in BELIEF:
        return "belief"
    if (
        number.value is None
        or number.low is None
        or number.high is None
        or not number.low <= number.value <= number.high
    ):
        return "none"
    return "sampling" if number.low < number.high else "none"


def dependence(name: str, *, same_company: bool) -> Dependence:
    """What can be assumed of the covariance of the number in two runs (module docstring)."""
    if not same_company:
        return "independent"
    return "any" if name in BETWEEN_PERIODS else "not_negative"


@dataclass(frozen=True)
class Change:
    """value: later minus earlier, in the number's unit; low, high: its interval at `level`, with what is assumed of the covariance;
    p_value: 0 … 1, chance of a difference at least as large if nothing changed, at most."""

    value: float
    low: float
    high: float
    level: float
    p_value: float
    dependence: Dependence


def _freedom(number: Number) -> float:
    """Degrees of freedom: clusters less one where the method names them, else units less one; from 1 (widest tails) to
    :data:`MOST_FREEDOM`."""
    found = CLUSTERS.search(number.method)
    return min(MOST_FREEDOM, max(1.0, float(int(found.group(1)) if found else number.n) - 1))


def _quantile(level: float, freedom: float) -> float:
    """Student's t that the middle share `level` lies within."""
    return -float(stdtrit(freedom, (1 - level) / 2))


def _combined(a: float, b: float, dependence: Dependence) -> float:
    return a + b if dependence == "any" else math.hypot(a, b)


def _scales(before: Number, after: Number) -> list[Callable[[float], float]]:
    """Scales on which both numbers and all their limits can be read."""
    ends = [float(x) for n in (before, after) for x in (n.low, n.value, n.high) if x is not None]
    scales: list[Callable[[float], float]] = [lambda x: x]
    if min(ends) > 0:
        scales.append(math.log)
        if max(ends) < 1:
            scales.append(lambda x: math.log(x / (1 - x)))
    return scales


def change(before: Number, after: Number, assumed: Dependence, level: float) -> Change | None:
    """The difference of two numbers with sampling intervals, its interval at `level` (0 … 1, both excluded), and its p-value.

    None where one of the two has no interval with two sides and some width, or where units or horizons differ: they are not one quantity.
    Wrong (too many changes) where the intervals themselves are too short, where a covariance taken to be 0 or more is not, and where a
    number's true tails are heavier than Student's t."""
    if kind_of(before) != "sampling" or kind_of(after) != "sampling":
        return None
    if before.unit != after.unit or before.horizon_months != after.horizon_months:
        return None
    p_value = 0.0
    freedom = min(_freedom(before), _freedom(after))
    for scale in _scales(before, after):
        old, new = _sides(before, scale, level), _sides(after, scale, level)
        away = abs(new.value - old.value)
        # Which limits face each other: of the larger number the lower, of the smaller the upper. A limit that lies on its value (days
        # that are whole, a quantile on a step) says nothing of that side; the other side of the number stands for it.
        less, more = (old, new) if new.value >= old.value else (new, old)
        reach = _combined(less.above or less.below, more.below or more.above, assumed)
        p_value = max(p_value, 2 * float(stdtr(freedom, -away / reach * _quantile(level, freedom))))
    old, new = _sides(before, lambda x: x, level), _sides(after, lambda x: x, level)
    value = new.value - old.value
    low = value - _combined(new.below, old.above, assumed)
    high = value + _combined(new.above, old.below, assumed)
    return Change(value, low, high, level, min(1.0, p_value), assumed)


@dataclass(frozen=True)
class _Sides:
    """A number on one scale: its value, and how far its limits lie at one level."""

    value: float
    below: float
    above: float


def _sides(number: Number, scale: Callable[[float], float], level: float) -> _Sides:
    assert number.value is not None and number.low is not None and number.high is not None and number.level is not None
    freedom = _freedom(number)
    stretch = _quantile(level, freedom) / _quantile(number.level, freedom)
    value = scale(float(number.value))
    return _Sides(value, (value - scale(float(number.low))) * stretch, (scale(float(number.high)) - value) * stretch)
