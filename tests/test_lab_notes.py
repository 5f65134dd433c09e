"""What a notebook in JupyterLab prints of notes, and in which order it shows them (kept by save: tests/test_workbook.py)."""

from __future__ import annotations

from pathlib import Path

import pytest

from kaanalysis import lab_notes
from kaanalysis.note_copies import Harvest
from kaanalysis.notes import Merged, Shelf, Store
from kaanalysis.text import words

ID = "00_problem_framing"


def test_notes_are_shown_in_the_order_of_the_notebook_under_its_headings(tmp_path: Path) -> None:
    kept = {"75847595": ["of the bridge"], "top": ["first"], "gone": ["left over"], "9fd46612": ["one", "two"]}
    Store(tmp_path / "x.notes").write(ID, {}, kept)
    shown = lab_notes.shown(ID, str(tmp_path / "x"), words("en"))
    assert shown.split("\n\n") == [
        "**cell top**", "first", "**The verdict first**", "one", "two", "**Where the change came from**", "of the bridge", "**cell gone**", "left over",
    ]  # fmt: skip
    assert "**先看判断**" in lab_notes.shown(ID, str(tmp_path / "x"), words("zh"))
    assert (
        lab_notes.told(ID, str(tmp_path / "x"), words("en"))
        == "5 notes kept for this question: book.notes() shows them."
    )
    assert lab_notes.told(ID, str(tmp_path / "y"), words("en")) == ""


@pytest.mark.parametrize(
    ("harvest", "said"),
    [
        (None, []),
        (Harvest(Merged({}), Shelf()), []),
        (Harvest(Merged({}, removed=1), Shelf()), ["0 notes kept in x.notes/00_problem_framing."]),
        (
            Harvest(Merged({}, both=1), Shelf({"a": ["x"]}), elsewhere=2, said=["A file is broken."]),
            [
                "1 note kept in x.notes/00_problem_framing.",
                "1 note changed here and there: both texts are kept.",
                "2 notes in this notebook belong to another company, for which they were kept before.",
                "A file is broken.",
            ],
        ),
    ],
)
def test_what_was_kept_is_said_in_a_line_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, harvest: Harvest | None, said: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(lab_notes, "keep_session", lambda id, data: harvest)
    assert lab_notes.kept_lines(ID, "x", words("en")) == said
