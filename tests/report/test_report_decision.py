"""The first page: what it says of every state of the rule and every word of the money, from findings made by hand."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from kaanalysis.manifest import Step
from kaanalysis.policy import load_policy
from kaanalysis.report.decision import ANALYSIS, decision
from kaanalysis.report.parts import Decision
from kaanalysis.report.sections import Reading
from kaanalysis.results import Finding, Number, Result, no_data
from kaanalysis.text import words

STEP = [Step(ANALYSIS, "done")]


def share(path: str, value: float, name: str = "p_rule") -> Number:
    return Number(name, path, value, value, value, 0.95, 1000, "probability", "")


RULE = Finding(
    "M-4", "path_rule", "supported", "split",
    (Number("bottlenecks", "KA", 3, 2, 4, 0.95, 300, "steps", ""), Number("fit", "KA", 0.7, 0.6, 0.8, 0.95, 300, "fit", ""),
     share("part_time", 0.01), share("split", 0.97), share("rebuild", 0.02), share("rebuild", 0.7, "p_best"), share("split", 0.3, "p_best")),
    terms={"best": "split", "money": "agree"},
)  # fmt: skip


def money() -> list[Finding]:
    found, loss = [], []
    for i, path in enumerate(("part_time", "split", "rebuild")):
        made = [
            Number("npv", path, 1e6 * (i + 1), 5e5, 9e6, 0.9, 4096, "CNY", "", 60),
            Number("payback_month", path, None, 50.0, None, 0.9, 4096, "months", "", 60),
            share(path, 0.3, "p_best"),
        ]
        found.append(
            Finding(f"M-4.{i + 1}", f"path_{path}", "undecided", "pays_undecided", (*made, share(path, 0.6, "p_gain")))
        )
        loss += [
            Number("strategic_loss", path, 2e6, 1e6, 3e6, 0.9, 4096, "CNY", ""),
            Number("strategic_loss_months", path, 20, 12, 33, 0.9, 4096, "months", ""),
            share(path, 0.1, "p_breach"),
        ]
    cap = Number("loss_cap", "all", 1.8e6, None, None, None, 1, "CNY", "")
    return [
        *found,
        Finding("M-4.4", "strategic_loss", "undecided", "loss_undecided", (*loss, cap), terms={"path": "split"}),
    ]


def page(rule: Finding, language: str = "en", economics: list[Finding] | None = None) -> Decision:
    findings = [rule, *(money() if economics is None else economics)]
    result = Result(ANALYSIS, "d", "p", "2026-06-30", findings)
    return decision(STEP, {ANALYSIS: result}, Reading(words(language), load_policy(), dt.date(2022, 7, 1)), [])


def test_a_sure_rule_with_which_the_money_agrees_names_the_path() -> None:
    made = page(RULE)
    assert made.headline == "Take the split path: bottlenecks and fit ask for it, and the money agrees."
    assert made.state == "supported" and "97% of the resamples of the data agree" in made.sure[0]
    assert [(p.name, p.named, p.best) for p in made.paths] == [
        ("part-time", False, False),
        ("split", True, True),
        ("rebuild", False, False),
    ]


def test_a_sure_rule_against_the_money_leaves_the_choice_to_the_board() -> None:
    made = page(replace(RULE, terms={"best": "rebuild", "money": "disagree", "line": "renewals"}))
    assert (
        made.headline
        == "Bottlenecks and fit ask for the split path, the money for rebuild: that is for the board to weigh."
    )
    assert [p.named for p in made.paths] == [False, True, False] and [p.best for p in made.paths] == [
        False,
        False,
        True,
    ]


def test_an_undecided_rule_names_no_path_as_chosen_whatever_the_money_says() -> None:
    """The cloud asks for split in 55 % and for rebuild in 44 %: both are open."""
    shares = [share("part_time", 0.01), share("split", 0.55), share("rebuild", 0.44)]
    numbers = tuple(n for n in RULE.numbers if n.name != "p_rule") + tuple(shares)
    made = page(
        replace(
            RULE,
            state="undecided",
            numbers=numbers,
            terms={"best": "rebuild", "money": "open", "open_paths": "split_rebuild"},
        )
    )
    assert made.headline.startswith("Not decided: bottlenecks and fit leave several paths open (split, rebuild)")
    assert "Take" not in made.headline and not any(p.named for p in made.paths)


def test_an_undecided_rule_with_one_path_left_says_on_how_little_it_rests() -> None:
    made = page(replace(RULE, state="undecided"))
    assert made.headline.startswith("Not decided: bottlenecks and fit point to the split path")


def test_without_data_for_the_rule_there_is_no_path_and_what_is_missing_is_named() -> None:
    made = page(no_data("M-4", "path_rule", ["capability.level"], reason="none"))
    assert made.headline == "Which path to take cannot be said from this data."
    assert "capability.level" in made.sure[0] and made.state == "no_data"


def test_without_a_ledger_no_cost_is_shown_and_none_is_claimed() -> None:
    absent = [
        no_data(f"M-4.{i}", f"path_{p}", ["team_months.cost"])
        for i, p in enumerate(("part_time", "split", "rebuild"), 1)
    ]
    made = page(replace(RULE, terms={}), economics=[*absent, no_data("M-4.4", "strategic_loss", ["team_months.cost"])])
    assert made.headline.endswith("What it costs cannot be said from this data.")
    assert made.paths == [] and made.money == ""


def test_a_payback_beyond_the_horizon_is_shown_as_the_limit_that_is_known() -> None:
    made = page(RULE)
    assert made.paths[0].cells[1][0] == "at least 50 months"


def test_a_path_selection_that_failed_or_was_not_asked_for_gives_no_decision() -> None:
    reading = Reading(words("en"), load_policy(), None)
    failed = decision([Step(ANALYSIS, "failed", error="ValueError: told to")], {}, reading, [])
    assert failed.state == "failed" and "ValueError: told to" in failed.sure[0] and failed.paths == []
    absent = decision([Step("00_problem_framing", "done")], {}, reading, [])
    assert absent.headline == "No decision: path selection was not part of this run."


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("state", ["supported", "undecided"])
@pytest.mark.parametrize("said", ["agree", "disagree", "open", "unknown"])
@pytest.mark.parametrize("other", [0.0, 0.4])
def test_every_word_of_rule_and_money_has_a_headline_in_both_languages(
    language: str, state: str, said: str, other: float
) -> None:
    numbers = (*(n for n in RULE.numbers if n.name != "p_rule"), share("split", 1 - other), share("rebuild", other))
    terms = (
        {"best": "rebuild", "money": said, "line": "renewals", "open_paths": "split_rebuild"}
        if said != "unknown"
        else {}
    )
    made = page(replace(RULE, state=state, numbers=numbers, terms=terms), language)  # type: ignore[arg-type]
    assert "{" not in made.headline and made.headline[-1] in ".。"
    undecided = ("Not decided", "尚不能决定")
    assert made.headline.startswith(undecided) == (state == "undecided")
