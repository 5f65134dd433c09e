"""Where to look next: found before open, nothing for what is ruled out, and only elements that the method has."""

from __future__ import annotations

from kaanalysis.analyses.failure_patterns import FEEDS
from kaanalysis.analyses.look_next import ELEMENTS, NOTEBOOKS, look_next
from kaanalysis.analyses.registry import REGISTRY
from kaanalysis.results import Finding, State


def finding(id: str, state: State, seen: str = "cycle_ratio") -> Finding:
    return Finding(
        id, "hatching", state, "x", terms={"seen": seen}, needs=("teams.motion",) if state == "no_data" else ()
    )


def test_found_come_first_and_what_is_ruled_out_asks_for_nothing() -> None:
    frame = look_next([finding("M-A", "undecided"), finding("M-B", "contradicted"), finding("M-D", "supported"),
                       finding("M-E", "undecided", "none"), finding("M-F", "no_data")])  # fmt: skip
    assert frame["finding"].tolist() == ["M-D"] * 3 + ["M-A"] * 3
    assert frame.iloc[0].tolist() == ["M-D", "supported", "M-0", "00_problem_framing"]


def test_every_finding_has_somewhere_to_look_and_every_notebook_is_there() -> None:
    assert set(ELEMENTS) == set(FEEDS) and set(NOTEBOOKS.values()) <= set(REGISTRY)
