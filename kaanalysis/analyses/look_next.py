"""Where the method says to look next: for each pattern and conflict, the step of the walk that it shows was skipped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pandas as pd

from kaanalysis.results import Finding

# Notebook by the first part of an M-number.
NOTEBOOKS = {"M-0": "00_problem_framing", "M-1": "01_base_assumptions", "M-2": "02_procurement_flow", "M-3": "03_sales_flow",
             "M-4": "04_path_selection"}  # fmt: skip
# By finding, the elements of the method in the order in which to look: the assumption that the set-up takes for granted comes first.
ELEMENTS: dict[str, Sequence[str]] = {
    "M-A": ("M-3.5", "M-3.6", "M-3.2"),
    "M-B": ("M-1.5", "M-2.3", "M-4.2"),
    "M-C": ("M-1.5", "M-4.2", "M-3.1"),
    "M-D": ("M-0", "M-1.1", "M-4.4"),
    "M-E": ("M-1.3", "M-3.5", "M-4.3"),
    "M-F": ("M-3.2", "M-4.4", "M-4.2"),
    "M-X1": ("M-3.6", "M-3.5"),
    "M-X2": ("M-4.2", "M-1.5"),
    "M-X3": ("M-4.3", "M-1.3"),
    "M-X4": ("M-4.1", "M-0"),
}


def look_next(findings: Iterable[Finding]) -> pd.DataFrame:
    """One row per finding that is found or open with a sign seen, and element to look at: finding, state, element, notebook. Found ones
    first; what is ruled out, or cannot be measured, asks for nothing."""
    rows = [
        (f.id, f.state, element, NOTEBOOKS[element.split(".")[0]])
        for state in ("supported", "undecided")
        for f in findings
        if f.state == state and (state == "supported" or f.terms.get("seen", "none") != "none")
        for element in ELEMENTS[f.id]
    ]
    return pd.DataFrame(rows, columns=["finding", "state", "element", "notebook"])
