"""The first page: which path, how sure, what it costs, what would change it, what to do next; honest where that cannot be said."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce

import pandas as pd

from kaanalysis import display, tables
from kaanalysis.analyses.ledger import PATHS
from kaanalysis.analyses.path_rule import open_paths
from kaanalysis.manifest import Step
from kaanalysis.report.margins import deciding
from kaanalysis.report.parts import Decision, Margin, Path
from kaanalysis.report.sections import Reading, failure_of
from kaanalysis.results import Finding, Number, Result
from kaanalysis.text import Words, rounded

ANALYSIS, RULE, LOSS = "04_path_selection", "M-4", "M-4.4"
MONEY = dict(zip(PATHS, ("M-4.1", "M-4.2", "M-4.3"), strict=True))
# What a path costs and brings, in the order that a board asks: what is left in the end, when, and how deep and long it goes down first.
COSTS = ("npv", "payback_month", "strategic_loss", "strategic_loss_months", "p_breach", "p_best")
BESIDE = ("disagree", "open")  # what the money says, where the headline names a path of its own for it
STEPS = 5  # of the checklist on the first page; the rest is in its section


def _headline(rule: Finding, reading: Reading) -> str:
    """Which path: the rule's word, whether it holds, and what the money says to it."""
    words, policy = reading.words, reading.policy
    if rule.reason not in PATHS:
        return words("report.decision.no_data")
    left, best = open_paths(rule, policy), rule.terms.get("best", "")
    money = rule.terms.get("money", "unknown") if best else "unknown"
    way = "decided" if rule.state == "supported" else "leaning" if len(left) == 1 else "open"
    # While several paths are open, the money agrees with one of them at most; which one is said.
    key = f"report.decision.{way}.{money}"
    named = words.list_of(words.term("path", p) for p in left)
    said = [words(key, path=words.term("path", rule.reason), best=words.term("path", best), paths=named)]
    if money in BESIDE:  # what leads by its size, or breaks the cap, is not to be read as the better way
        terms = {name: words.term("path", rule.terms.get(name, "")) for name in ("same_size", "within")}
        for name in ("size", "capped"):
            text = f"report.decision.{name}.{rule.terms.get(name, '')}"
            if words.has(text):
                said.append(words(text, **terms))
    return reduce(lambda a, b: words("figures.shared.space", a=a, b=b), said)


def _sure(rule: Finding, loss: Finding | None, words: Words) -> list[str]:
    """How sure: how much of the rule's cloud agrees, how near its border is, what the money says, and whether the loss can be borne."""
    today = tables.said(rule, words, ("today", "today_size"))
    said = [reduce(lambda a, b: words("figures.shared.space", a=a, b=b), today)] if today else []
    said += [tables.sentence(rule, words, brief=True), *tables.said(rule, words, ("border",))]
    if rule.terms.get("money") not in BESIDE:  # else the headline says it
        said += tables.said(rule, words, ("money", "capped", "size"))
    if loss is not None:
        said += [tables.sentence(loss, words, brief=True), *tables.said(loss, words, ("cap",))]
    return said


def _find(result: Result, id: str) -> Finding | None:
    return next((f for f in result.findings if f.id == id), None)


def _number(result: Result, name: str, path: str) -> Number | None:
    for id in (MONEY[path], LOSS):
        finding = _find(result, id)
        number = finding.number(name, path) if finding is not None else None
        if number is not None:
            return number
    return None


def _paths(result: Result, rule: Finding, words: Words) -> list[Path]:
    """The three paths with what each costs; none where the ledger could not be computed."""
    made = []
    for path in PATHS:
        numbers = [_number(result, name, path) for name in COSTS]
        if any(n is None for n in numbers):
            return []
        cells = [(words.estimate(n), words.interval(rounded(n))) for n in numbers if n is not None]
        named = rule.reason == path and rule.state == "supported"
        today = rule.terms.get("today") == path
        made.append(Path(words.term("path", path), cells, named, rule.terms.get("best") == path, today))
    return made


def _on_every_path(steps: pd.DataFrame) -> int | None:
    """Place of the first relief of a bottleneck that every path still open asks for: it need not wait for the choice. None where no path
    is open, or the list names none."""
    open_ = steps[(steps["status"] == "provisional") & (steps["measure"] == "relief")]
    shared = open_.groupby("about", sort=False)["path"].nunique()
    paths = steps.loc[steps["status"] == "provisional", "path"].nunique()
    about = shared.index[shared == paths]
    return None if not len(about) else int(open_.index[open_["about"] == about[0]][0])


def _steps(result: Result, words: Words) -> tuple[list[list[str]], int]:
    """What to do next: the first of the checklist (what to find out, while the path is open), and how many more there are."""
    if not len(result.frames.get("next_steps", ())):
        return [], 0
    status = result.frames["next_steps"]["status"].tolist()
    rows = display.display_table(result, "next_steps", words).astype(str).to_numpy().tolist()
    # Of paths that are only proposals nothing is to be done yet.
    first = [row for row, s in zip(rows, status, strict=True) if s != "provisional"] or rows
    sure = _on_every_path(result.frames["next_steps"])
    shown = ([] if sure is None else [rows[sure]]) + first
    shown = shown[:STEPS]
    return [[row[1], row[2], row[3], row[4]] for row in shown], len(rows) - len(shown)


def decision(steps: list[Step], results: Mapping[str, Result], reading: Reading, margins: list[Margin]) -> Decision:
    """The first page of a run. margins: all of its, smallest first.

    Wrong where a result is: nothing is computed here. While the rule is undecided no path is named as chosen, whatever the money says."""
    words = reading.words
    result = results.get(ANALYSIS)
    if result is None:
        step = next((s for s in steps if s.id == ANALYSIS), None)
        ran, failure = step is not None, failure_of(step, words) if step is not None else ""
        headline = words("report.decision.failed" if ran else "report.decision.not_asked")
        state = "failed" if ran else "no_data"
        skipped = step is not None and step.status == "skipped"
        badge = words("report.skipped" if skipped else "report.failed" if ran else "states.no_data")
        return Decision(state, badge, headline, [failure] if failure else [], [], [], "", [], [], 0, "manifest")
    rule, loss = result.finding(RULE), _find(result, LOSS)
    listed, more = _steps(result, words)
    paths, horizon = _paths(result, rule, words), None
    if paths:
        npv = _number(result, COSTS[0], PATHS[0])
        horizon = npv.horizon_months if npv is not None else None
    return Decision(
        rule.state, words(f"states.{rule.state}"), _headline(rule, reading), _sure(rule, loss, words), paths,
        [words(f"number_names.{name}") for name in COSTS],
        words("report.decision.money", horizon=words.value(horizon, "months")) if horizon else "",
        deciding(margins), listed, more, " ".join([RULE, *MONEY.values(), LOSS, "M-3.6"]),
    )  # fmt: skip
