"""The decision explored (M-4): settings and inputs moved, and what rule and ledger then say, in well under a second.

An :class:`Explorer` holds a state: *overrides*, policy values that a run can be repeated with, and *what-ifs*, inputs that the
company's data estimate, set to another value with their uncertainty moved along. A what-if is no finding and no policy value: it is kept
apart and never among the overrides. The verdicts come from the analysis's own functions on the same draws (common random numbers), so
that at the start the explorer says what the analysis says, and a move shows the effect of the move alone. Widgets are in
:mod:`kaanalysis.explore_widgets`.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy import special

from kaanalysis import aggregates, tables
from kaanalysis.analyses import path_economics, path_rule, strategic_loss
from kaanalysis.analyses.ledger import PATHS, Outcome, best_in_expectation, evaluate, ledger_frame
from kaanalysis.analyses.ledger_inputs import Input, gather_inputs, policy_input
from kaanalysis.analyses.path_selection import no_money
from kaanalysis.analyses.verdicts import only_numbers
from kaanalysis.company import Company
from kaanalysis.figures.explore import explore_alt, explore_figure
from kaanalysis.policy import Policy, PolicyError, Value, overrides_text
from kaanalysis.results import Finding, Result
from kaanalysis.runfolder import write_text
from kaanalysis.stats.copula import dependent_scores, sobol_scores
from kaanalysis.text import Words

DRAWS = 2048
FILE = "overrides.toml"
RULE = ("path.few_bottlenecks", "path.some_bottlenecks", "path.high_fit", "path.medium_fit")
MONEY = ("ledger.horizon_months", "ledger.discount_rate", "ledger.loss_cap_share", "ledger.gross_margin")
SETTINGS = ("sellers", "ramp_months", "productivity")  # of every path
WHAT_IF = ("success", "cycle_months", "deal_size", "deals_per_seller", "relief", "lifetime_months")
GROUPS = ("rule", "money", *PATHS, "what_if")
_KEPT = 64  # outcomes kept, so that moving back is at once


@dataclass(frozen=True)
class Control:
    """Something to move. name: of a policy value, or of an input of the ledger (group ``what_if``); value: where it stands before it is
    moved; low, high, step: in its unit; whole: whole numbers only."""

    name: str
    group: str
    value: float
    low: float
    high: float
    step: float
    unit: str
    whole: bool


_STEPS = {"months": 1.0, "sellers": 1.0, "share": 0.01, "fit": 0.01, "share per year": 0.01}


def _step(low: float, high: float, unit: str = "") -> float:
    """One a unit that people count in, else about a hundredth of the range, with one digit."""
    return _STEPS.get(unit, float(f"{(high - low) / 100:.0e}") if high > low else 1.0)


def _policy_control(name: str, group: str, policy: Policy) -> Control:
    """A policy value over its range; a path's setting no further than to four times its value, where a slider can still be set."""
    threshold = policy.threshold(name)
    if threshold.range is None:
        raise PolicyError(f"policy {name} is a text; only numbers can be moved.")
    (low, high), value, unit = threshold.range, float(threshold.value), threshold.unit
    whole = isinstance(threshold.value, int)
    if group in PATHS and value > 0:
        high = min(high, 4 * value)
    return Control(name, group, value, low, high, 1.0 if whole else _step(low, high, unit), unit, whole)


def _input_control(item: Input) -> Control:
    """From a third to three times its value; a share to nearly all and nothing; on a linear scale to twice its upper limit."""
    low, high = {
        "log": (item.value / 3, item.value * 3),
        "logit": (0.01, 0.99),
        "linear": (min(0.0, item.low), 2 * max(abs(item.value), abs(item.high))),
        "linear_share": (0.0, 1.0),
    }[item.scale]
    step = _step(low, high, item.unit if item.scale in ("logit", "linear_share") else "")
    return Control(item.name, "what_if", item.value, low, max(high, low + step), step, item.unit, False)


def what_if(item: Input, value: float) -> Input:
    """The input at another value, its interval moved along on its own scale: as wide as before, relatively for amounts and times, in
    log odds for shares."""
    if item.scale == "log":
        factor = value / item.value
        low, high = item.low * factor, item.high * factor
    elif item.scale == "logit":
        by = special.logit(value) - special.logit(np.clip(item.value, 1e-6, 1 - 1e-6))
        low, high = (
            float(special.expit(special.logit(np.clip(v, 1e-6, 1 - 1e-6)) + by)) for v in (item.low, item.high)
        )
    else:
        low, high = item.low + value - item.value, item.high + value - item.value
        low = max(low, 0.0) if item.low >= 0 else low  # what cannot be below 0 still cannot
        high = min(high, 1.0) if item.scale == "linear_share" else high
    return replace(item, value=value, low=low, high=high, origin="what_if")


class Explorer:
    """The decision of one company, to be moved. draws: of the ledger's inputs; more: further policy values to move, such as
    ``split.leader_multiple``. Raises PolicyError for a name that it cannot move."""

    def __init__(
        self,
        company: Company,
        policy: Policy,
        upstream: Mapping[str, Result],
        words: Words,
        draws: int = DRAWS,
        more: Iterable[str] = (),
    ) -> None:
        self.company, self.base, self.words, self.draws = company, policy, words, draws
        self._sales = upstream["03_sales_flow"]
        gathered = gather_inputs(company, policy, upstream["01_base_assumptions"], self._sales)
        self._needs = gathered if isinstance(gathered, list) else []
        self._items = {} if isinstance(gathered, list) else {item.name: item for item in gathered.items}
        if not isinstance(gathered, list):
            seed = policy["evidence.seed"]
            # The same scores whatever is moved: common random numbers.
            scores = dependent_scores(sobol_scores(draws, len(gathered.items), seed), gathered.correlation)
            self._scores = dict(zip(gathered.names, scores.T, strict=True))
            self._year = aggregates.won_in_last_year(company, policy)
        self.controls = self._controls(tuple(more))
        self._known = {c.name: c for c in self.controls}
        self._kept: dict[tuple[object, ...], tuple[Outcome, pd.DataFrame]] = {}
        self.overrides: dict[str, Value] = {}
        self.what_ifs: dict[str, float] = {}

    def _controls(self, more: tuple[str, ...]) -> tuple[Control, ...]:
        for name in more:
            if name.partition(".")[0] not in ("path", "ledger", *PATHS) or name in (
                "ledger.draws",
                "ledger.belief_correlation",
            ):
                raise PolicyError(
                    f"policy {name} is not one to explore; those of path, ledger, {', '.join(PATHS)} are."
                )
        found = [_policy_control(n, "rule", self.base) for n in RULE]
        if self._items:
            found += [_policy_control(n, "money", self.base) for n in MONEY]
            found += [_policy_control(f"{p}.{s}", p, self.base) for p in PATHS for s in SETTINGS]
            found += [_input_control(self._items[n]) for n in WHAT_IF if self._items[n].value > 0]
        listed = {c.name for c in found}
        groups = {"path": "rule", "ledger": "money"}
        extra = [n for n in dict.fromkeys(more) if n not in listed]
        found += [_policy_control(n, groups.get(n.partition(".")[0], n.partition(".")[0]), self.base) for n in extra]
        return tuple(sorted(found, key=lambda c: GROUPS.index(c.group)))

    def set(self, name: str, value: float) -> None:
        """Move one control; where it stood before removes it from the state. Raises PolicyError for an unknown name, for a policy value
        outside its range, and for values that contradict each other; the state is then as before."""
        control = self._known.get(name)
        if control is None:
            raise PolicyError(f"{name} cannot be moved here; known are {', '.join(self._known)}.")
        back = np.isclose(value, control.value, rtol=1e-12, atol=1e-12)
        if control.group == "what_if":
            if not control.low * (1 - 1e-9) <= value <= control.high * (1 + 1e-9):
                raise PolicyError(
                    f"{name} = {value!r} must lie between {control.low:g} and {control.high:g} {control.unit}."
                )
            state = {**self.what_ifs, name: float(value)}
            self.what_ifs = {k: v for k, v in state.items() if not (back and k == name)}
            return
        moved = {**self.overrides, name: self.base.threshold(name).accept(value)}
        moved = {k: v for k, v in moved.items() if not (back and k == name)}
        self.base.override(moved).consistent()
        self.overrides = moved

    def reset(self) -> None:
        """Back to where the analysis stands."""
        self.overrides, self.what_ifs = {}, {}

    @property
    def policy(self) -> Policy:
        """The policy with the overrides."""
        return self.base.override(self.overrides)

    def as_overrides(self) -> dict[str, Value]:
        """The present state for ``workbook.open(…, overrides=…)``: what the workbook was opened with and what was moved since. What-ifs
        of data are not in it."""
        return {**self.base.overrides, **self.overrides}

    def _item(self, name: str, policy: Policy) -> Input:
        item = self._items[name]
        if name in self.what_ifs:
            return what_if(item, self.what_ifs[name])
        setting = name if "." in name else f"ledger.{name}"
        if item.origin != "policy" or setting not in self.overrides:
            return item
        scale = ("linear" if policy[setting] == 0 else "log") if "." in name else item.scale
        return policy_input(name, policy, scale, setting)

    def _outcome(self, path: str, items: Mapping[str, Input], policy: Policy) -> tuple[Outcome, pd.DataFrame]:
        """One path's outcome and its rows of the frame `ledger`; computed only where something that it rests on has moved."""
        mine = [i for name, i in items.items() if "." not in name or name.startswith(f"{path}.")]
        horizon, rate = policy["ledger.horizon_months"], policy["ledger.discount_rate"]
        key = (path, horizon, rate, *((i.name, i.value, i.low, i.high) for i in mine))
        if key not in self._kept:
            x = {i.name: i.at(self._scores[i.name]) for i in mine}
            outcome = evaluate(path, x, horizon, rate, policy["evidence.seed"])
            while len(self._kept) >= _KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[key] = outcome, ledger_frame({path: outcome})
        return self._kept[key]

    def result(self) -> Result:
        """M-4 to M-4.4 at the present state as a result of 04 that is not to be saved, with the frames that the picture needs."""
        policy = self.policy
        with only_numbers():
            chosen, frames = path_rule.find(self._sales, policy)
            if self._items:
                items = {name: self._item(name, policy) for name in self._items}
                held = {path: self._outcome(path, items, policy) for path in PATHS}
                outcomes = {path: outcome for path, (outcome, _) in held.items()}
                currency = self.company.info.currency
                findings: list[Finding] = path_economics.find(outcomes, policy, currency)
                findings.append(strategic_loss.find(outcomes, chosen, self._year, policy, currency))
                best = best_in_expectation(outcomes)
                chosen = replace(chosen, terms={**chosen.terms, "expected": best})
                frames["ledger"] = pd.concat([rows for _, rows in held.values()], ignore_index=True)
            else:
                findings = no_money(self._needs)
        as_of = str(self.company.info.as_of)
        return Result("04_path_selection", self.company.data_hash, policy.hash, as_of, [chosen, *findings], frames)

    def drawable(self, result: Result) -> bool:
        """Whether there is anything to draw: a map, or the cash of the paths."""
        return bool({"rule_borders", "ledger"} & set(result.frames))

    def figure(self, result: Result | None = None) -> Figure:
        """The map and the cumulative cash of all paths at the present state, side by side; one alone where the data feed only it."""
        return explore_figure(result or self.result(), self.words.language, self.policy)

    def alt(self) -> str:
        return explore_alt(self.words.language)

    def verdict(self, result: Result | None = None) -> list[str]:
        """A line each for M-4, for the path that the ledger expects to bring most, and for M-4.4: id, state, sentence."""
        made = result or self.result()
        chosen, loss = made.finding("M-4"), made.finding("M-4.4")
        lines = [f"{f.id} {self.words(f'states.{f.state}')}: {tables.sentence(f, self.words)}" for f in (chosen, loss)]
        best = chosen.terms.get("expected")
        if best is None:
            return lines
        chance = next(n for f in made.findings for n in f.numbers if (n.name, n.segment) == ("p_best", best))
        same = path_rule.agreement(chosen, best, self.policy)["money"] if chosen.reason in PATHS else "none"
        said = {"path": self.words.term("path", best), "chance": self.words.estimate(chance)}
        return [lines[0], self.words(f"explore.money_{same}", **said), lines[1]]

    def state(self) -> list[str]:
        """What was moved, a line each, overrides before what-ifs; what-ifs are called so."""
        if not self.overrides and not self.what_ifs:
            return [self.words("explore.nothing_moved")]
        lines = []
        for group, moved in (("override", self.overrides), ("what_if", self.what_ifs)):
            for name, value in moved.items():
                was = self._known[name].value
                said = {
                    "name": self.full_label(name),
                    "value": self.shown(name, float(value)),
                    "was": self.shown(name, was),
                }
                lines.append(self.words(f"explore.moved_{group}", **said))
        return lines

    def label(self, name: str) -> str:
        """What a control is called, a path's setting without its path."""
        w, setting = self.words, name.rpartition(".")[2]
        for key in (f"explore.control.{setting}", f"policy_names.{name}", f"figures.input.{setting}"):
            if w.has(key):
                return w(key)
        return name

    def full_label(self, name: str) -> str:
        """The same with the path, for a sentence."""
        path = name.partition(".")[0]
        if path not in PATHS:
            return self.label(name)
        return self.words("figures.inputs.of_path", path=self.words.term("path", path), name=self.label(name))

    def shown(self, name: str, value: float) -> str:
        """A control's value in its unit."""
        unit = self._known[name].unit
        if unit.startswith("share"):
            return self.words.value(value, "share")
        return self.words.value(value, unit if self.words.has(f"units.{unit}") or len(unit) == 3 else "")

    def command(self, data: str, run: Path | str) -> str:
        """The command that repeats a whole run with the overrides; what-ifs are not in it."""
        sets = " ".join(f"--set {shlex.quote(f'{name}={value}')}" for name, value in self.as_overrides().items())
        return f"kaanalysis report {shlex.quote(data)} --out {shlex.quote(str(run))} {sets}".rstrip()

    def write(self, run: Path | str) -> Path:
        """Write the overrides to ``<run>/overrides.toml``, whole or not at all, to be read back by
        :func:`kaanalysis.policy.read_overrides`; what-ifs are noted there as such and not read back."""
        path = Path(run) / FILE
        write_text(path, overrides_text(self.as_overrides(), self.what_ifs))
        return path
