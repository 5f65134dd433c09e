"""Names of figures and tables: complete, and the nearest to one that is not known."""

from __future__ import annotations

import pytest

from kaanalysis import display
from kaanalysis.evidence_names import known, nearest, unknown_lines
from kaanalysis.figures import FIGURES
from kaanalysis.results import Result
from kaanalysis.text import words

ID = "01_base_assumptions"


def test_figures_come_first_then_tables_then_frames_each_once(small_results: dict[str, Result]) -> None:
    names = known(ID)
    assert names[: len(FIGURES[ID])] == [s.name for s in FIGURES[ID]] and set(display.TABLES[ID]) <= set(names)
    more = known(ID, small_results[ID])
    assert more[: len(names)] == names and set(small_results[ID].frames) <= set(more) and len(more) == len(set(more))


@pytest.mark.parametrize(
    ("asked", "first"),
    [
        ("survivl", "survival"),
        ("Survival", "survival"),
        ("product mix", "product_mix"),
        ("lorenz_curve", "lorenz"),
        ("persona", "personas"),
    ],
)
def test_the_nearest_name_is_the_one_meant(asked: str, first: str) -> None:
    assert nearest(asked, known(ID))[0] == first


def test_nothing_is_near_to_nonsense_and_all_names_are_told() -> None:
    assert nearest("qqqq", known(ID)) == []
    lines = unknown_lines("qqqq", ID, None, words("zh"))
    assert len(lines) == 2 and "qqqq" in lines[0] and all(name in lines[1] for name in known(ID))
