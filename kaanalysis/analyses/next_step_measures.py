"""What the items of a path's checklist are measured by (:mod:`kaanalysis.analyses.next_steps`), each taken from this run's own results: a
part of 04 path selection."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from kaanalysis.aggregates import ALL
from kaanalysis.analyses.bottleneck_sets import flag_bottlenecks
from kaanalysis.analyses.ledger import Outcome, path_cash
from kaanalysis.policy import Policy
from kaanalysis.results import Finding, Number, Result

YEAR = 12
STUDIES = 3  # most worthwhile studies listed
# Policy values whose source says "to be set by the company" and on which the decision hangs.
FOR_MANAGEMENT = ("ledger.loss_cap_share",)


@dataclass(frozen=True)
class Measure:
    """A measure as it stands in the list; n: what it rests on or is out of. value None: this run cannot give it."""

    value: float | None = None
    low: float | None = None
    high: float | None = None
    level: float | None = None
    n: int | None = None
    unit: str = ""
    key: str = ""  # where the value means something else than the item's measure says

    @staticmethod
    def of(number: Number | None) -> Measure:
        if number is None or number.value is None:
            return Measure()
        return Measure(float(number.value), number.low, number.high, number.level, number.n, number.unit)


@dataclass(frozen=True)
class Known:
    """What the measures are taken from. chosen: M-4; sales: result of 03; numbers: of M-4.1 to M-4.4; white: accounts of the white
    space; x: drawn inputs of the ledger and outcomes by path, None where it has none; frames: of 04 so far (`continuation_rule`,
    `information` where there)."""

    policy: Policy
    chosen: Finding
    sales: Result
    numbers: tuple[Number, ...]
    currency: str
    white: int
    x: Mapping[str, np.ndarray] | None
    outcomes: Mapping[str, Outcome] | None
    frames: Mapping[str, pd.DataFrame]

    def setting(self, path: str, name: str) -> Measure:
        """A policy value of the path: what is to be set is a decision, so without its span of belief."""
        full = f"{path}.{name}"
        if full not in self.policy.thresholds:
            return Measure()
        threshold = self.policy.threshold(full)
        return Measure(float(threshold.value), unit=threshold.unit)

    def number(self, name: str, segment: str) -> Measure:
        return Measure.of(next((n for n in self.numbers if (n.name, n.segment) == (name, segment)), None))


def named_accounts(known: Known, path: str) -> Measure:
    """How many accounts the path's sellers can hold, at the named accounts per seller of a split team, whatever the path; n: how many
    the white space has to offer."""
    held = known.policy[f"{path}.sellers"] * known.policy["split.named_accounts"]
    return Measure(float(round(held)), n=known.white, unit="accounts")


def wins_first_year(known: Known, path: str) -> Measure:
    """Wins in the first twelve months, median and 90 % of what may come: one Poisson count per draw around what the ledger expects there.
    It is what going on is measured by, so the luck of single deals is in it; a span of expectations would be too narrow to stop by."""
    if known.x is None:
        return Measure()
    first = path_cash(path, known.x, YEAR)["first_contracts"].sum(axis=1)
    wins = first / (known.x["deal_size"] * known.x["gross_margin"])
    counts = np.random.default_rng([known.policy["evidence.seed"], 3]).poisson(np.maximum(wins, 0.0))
    low, middle, high = (float(v) for v in np.quantile(counts, [0.05, 0.5, 0.95], method="inverted_cdf"))
    return Measure(middle, low, high, 0.9, len(wins), "deals")


def loss_budget(known: Known, path: str) -> Measure:
    """The loss that the path stays within in `ledger.certainty` of the draws; n: of the draws."""
    if known.outcomes is None:
        return Measure()
    loss = known.outcomes[path].loss
    return Measure(float(np.quantile(loss, known.policy["ledger.certainty"])), n=len(loss), unit=known.currency)


def stop_month(known: Known, path: str) -> Measure:
    """The month by which the loss is earned back in `ledger.certainty` of the draws; the horizon where it is not by then in as many."""
    if known.outcomes is None:
        return Measure()
    months, horizon = known.outcomes[path].payback, float(known.policy["ledger.horizon_months"])
    by = np.quantile(
        np.where(np.isfinite(months), months, np.inf), known.policy["ledger.certainty"], method="inverted_cdf"
    )
    if not np.isfinite(by):
        return Measure(horizon, n=len(months), unit="months", key="stop_month_open")
    return Measure(float(by), n=len(months), unit="months")


def _continuation(stage: str) -> Callable[[Known, str], Measure]:
    """Up to how many wins the rule fixed in advance stops at, of n projects, at its first or its last look (frame `continuation_rule`)."""

    def measure(known: Known, path: str) -> Measure:
        frame = known.frames.get("continuation_rule", pd.DataFrame(columns=["plan", "stage"]))
        rows = frame[(frame["plan"] == "two_stage") & (frame["stage"] == stage)]
        if rows.empty:
            return Measure()
        return Measure(float(rows["stop_up_to"].iloc[0]), n=int(rows["n"].iloc[0]))

    return measure


def _setting(name: str) -> Callable[[Known, str], Measure]:
    return lambda known, path: known.setting(path, name)


BY_PATH: dict[str, Callable[[Known, str], Measure]] = {
    "named_accounts": named_accounts,
    "wins_first_year": wins_first_year,
    "loss_budget": loss_budget,
    "stop_month": stop_month,
    "payback_month": lambda known, path: known.number("payback_month", path),
    "continuation_first": _continuation("first"),
    "continuation_total": _continuation("total"),
    "fit": lambda known, path: Measure.of(known.chosen.number("fit")),
    "to_border": lambda known, path: Measure.of(known.chosen.number("to_border")),
    **{
        name: _setting(name) for name in ("sellers", "leader_multiple", "pay_uplift", "support_multiple", "ramp_months")
    },
}


def bottlenecks(known: Known) -> dict[str, dict[str, Measure]]:
    """By what an item may be listed for each of: name → its measure. Bottlenecks by relief, the steps that may be one by how sure."""
    draws = known.sales.frames.get("bottleneck_draws")
    if draws is None:
        return {"bottleneck": {}, "uncertain_step": {}}
    columns = [c for c in draws.columns if c.startswith("relief:")]
    values, minimum = draws[columns].to_numpy(float), known.policy["bottleneck.minimum_relief"]
    settled, drawn = flag_bottlenecks(values, known.policy)
    maybe = ~settled & drawn.any(axis=0)
    steps = [c.removeprefix("relief:") for c in columns]
    share = (values > minimum).mean(axis=0)
    bottleneck = known.sales.finding("M-3.6")
    reliefs = {
        s: Measure.of(bottleneck.number("relief", s)) for s, is_one in zip(steps, settled, strict=True) if is_one
    }
    return {
        "bottleneck": dict(sorted(reliefs.items(), key=lambda item: -(item[1].value or 0.0))),
        "uncertain_step": {
            s: Measure(float(p), n=len(values), unit="probability")
            for s, p, open_ in zip(steps, share, maybe, strict=True)
            if open_
        },
    }


def unset_values(known: Known) -> dict[str, Measure]:
    """What management alone can say and nobody has said yet, by policy name: values of :data:`FOR_MANAGEMENT` not overridden."""
    return {name: Measure() for name in FOR_MANAGEMENT if name not in known.policy.overrides}


def worthwhile_studies(known: Known) -> dict[str, Measure]:
    """The studies that are worth most before the decision, where the run has valued them (frame `information`): those whose worth is sure
    to exceed what waiting for them costs."""
    frame = known.frames.get("information")
    if frame is None:
        return {}
    cost = known.number("waiting_cost", ALL).value or 0.0
    rows = frame[(frame["kind"] == "study") & (frame["evppi"] > 0) & (frame["low"] > cost)].sort_values(
        "evppi", ascending=False, kind="stable"
    )
    found = {}
    for _, row in rows.head(STUDIES).iterrows():
        low, high, level = (None if pd.isna(row[c]) else float(row[c]) for c in ("low", "high", "level"))
        found[str(row["name"])] = Measure(float(row["evppi"]), low, high, level, int(row["n"]), known.currency)
    return found
