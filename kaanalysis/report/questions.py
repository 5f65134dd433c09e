"""One card for each question of the workbook: the finding that answers it first, its number, one figure, and how the others stand."""

from __future__ import annotations

from kaanalysis.analyses.registry import REGISTRY
from kaanalysis.manifest import Step
from kaanalysis.report.parts import Card, Picture, Question
from kaanalysis.report.sections import Reading, card, failure_of
from kaanalysis.results import Finding, Result

# Findings that answer the question of an analysis, first things first, and the figures that show the answer. The first of the findings that
# is supported stands on the card; where none is, the first of all.
ANSWERS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "00_problem_framing": (("M-0.1", "M-0.2", "M-0.3", "M-0.4"), ("problem_ranking", "growth_bridge")),
    "01_base_assumptions": (("M-1",), ("statements",)),
    "02_procurement_flow": (("M-2.2",), ("role_merge",)),
    "03_sales_flow": (("M-3.6",), ("bottlenecks",)),
    "04_path_selection": (("M-4",), ("rule_map",)),
    "05_failure_patterns": ((), ()),  # any pattern that is found is the answer; where none is, the first
}


def answering(result: Result) -> Finding:
    """The finding that the card of this analysis shows. The problem statements come in the order in which their resamples rank them."""
    ids: list[str] = list(ANSWERS[result.id][0])
    ranking = result.frames.get("problem_ranking")
    if ranking is not None and len(ranking):
        order = ranking.sort_values("p_first", ascending=False)["statement"].tolist()
        ids.sort(key=lambda id: order.index(id) if id in order else len(order))
    ranked = [f for id in ids for f in result.findings if f.id == id] or result.findings
    return next((f for f in ranked if f.state == "supported"), ranked[0])


def answer_picture(result: Result, finding: Finding, pictures: list[Picture]) -> Picture | None:
    """The figure of the card: the analysis's own choice, else the finding's, else the first; None where nothing could be drawn."""
    chosen = [p for name in ANSWERS[result.id][1] for p in pictures if p.name == name]
    own = [p for p in pictures if finding.id in p.findings]
    return next(iter([*chosen, *own, *pictures]), None)


def question(step: Step, result: Result | None, reading: Reading, pictures: list[Picture]) -> Question:
    """The card of one analysis; its failure where it has no result."""
    w, name = reading.words, REGISTRY[step.id].name
    title, asked = w(f"analyses.{name}.title"), w(f"analyses.{name}.question")
    if result is None:
        return Question(step.id, title, asked, None, None, [], failure_of(step, w), step.status == "skipped")
    finding = answering(result)
    others: list[Card] = [card(f, reading) for f in result.findings if f is not finding]
    return Question(step.id, title, asked, card(finding, reading), answer_picture(result, finding, pictures), others)
