"""Which finding stands on a question's card: the analysis's own order, the supported one first; for the problems, the order of their ranks."""

from __future__ import annotations

import pandas as pd
import pytest

from kaanalysis.analyses.registry import REGISTRY
from kaanalysis.report.parts import Picture
from kaanalysis.report.questions import ANSWERS, answer_picture, answering
from kaanalysis.results import Finding, Result


def result(id: str, *states: tuple[str, str], **frames: pd.DataFrame) -> Result:
    findings = [Finding(m, "lifecycle", state, "lifecycle_supported") for m, state in states]  # type: ignore[arg-type]
    return Result(id, "d", "p", "2026-06-30", findings, frames)


def test_every_analysis_of_the_walk_has_its_answer() -> None:
    assert set(ANSWERS) == set(REGISTRY)


def test_the_problem_ranked_first_stands_on_the_card_unless_another_is_supported() -> None:
    ranking = pd.DataFrame({"statement": ["M-0.4", "M-0.1", "none"], "p_first": [0.2, 0.7, 0.1]})
    states = (("M-0", "supported"), ("M-0.1", "undecided"), ("M-0.4", "undecided"))
    assert answering(result("00_problem_framing", *states, problem_ranking=ranking)).id == "M-0.1"
    later = ranking.assign(p_first=[0.7, 0.2, 0.1])
    assert answering(result("00_problem_framing", *states, problem_ranking=later)).id == "M-0.4"
    found = (("M-0.1", "supported"), ("M-0.4", "undecided"))
    assert answering(result("00_problem_framing", *found, problem_ranking=later)).id == "M-0.1"
    assert answering(result("00_problem_framing", *states)).id == "M-0.1"  # without ranks, the first statement


@pytest.mark.parametrize(
    ("id", "wanted"), [("01_base_assumptions", "M-1"), ("03_sales_flow", "M-3.6"), ("04_path_selection", "M-4")]
)
def test_where_one_finding_answers_it_does_so_in_every_state(id: str, wanted: str) -> None:
    others = ("M-1.2", "supported"), ("M-3.1", "supported"), ("M-4.1", "supported")
    assert answering(result(id, *others, (wanted, "undecided"))).id == wanted


def test_any_failure_pattern_that_is_found_is_the_answer() -> None:
    assert answering(result("05_failure_patterns", ("M-A", "contradicted"), ("M-D", "supported"))).id == "M-D"
    assert answering(result("05_failure_patterns", ("M-A", "contradicted"), ("M-D", "undecided"))).id == "M-A"


def test_the_figure_is_the_chosen_one_else_the_findings_own_else_the_first() -> None:
    made = result("03_sales_flow", ("M-3.6", "supported"))
    first, own, chosen = (Picture(n, "", "", "", "", f) for n, f in (("a", ()), ("b", ("M-3.6",)), ("bottlenecks", ())))
    finding = made.findings[0]
    assert answer_picture(made, finding, [first, own, chosen]) is chosen
    assert answer_picture(made, finding, [first, own]) is own
    assert answer_picture(made, finding, [first]) is first
    assert answer_picture(made, finding, []) is None
