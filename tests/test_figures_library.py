"""Figures of the library at their edges: no demand, one size, very many cells, nothing shrunk; both languages."""

from __future__ import annotations

import re
import warnings

import numpy as np
import pytest
from figure_frames import library_cells, library_result, result
from matplotlib.figure import Figure
from matplotlib.text import Text

from kaanalysis import figures
from kaanalysis.figures import available, draw_figure, figure_title
from kaanalysis.results import Result
from kaanalysis.text import LANGUAGES


def drawn(source: Result, name: str, language: str) -> Figure:
    spec = figures.spec(source.id, name)
    assert spec in available(source)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return draw_figure(spec, source, language)


def said(figure: Figure) -> list[str]:
    return [t.get_text() for t in figure.findobj(Text) if t.get_text()]  # type: ignore[attr-defined]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ["library", "library_shrinkage", "library_similarity"])
def test_draws_in_both_languages_also_without_findings(name: str, language: str) -> None:
    whole = library_result()
    assert figures.figure_bytes(drawn(whole, name, language), "png")
    assert figures.figure_bytes(drawn(result(whole.id, [], whole.frames), name, language), "png")


def test_every_cell_says_what_it_holds_and_the_next_is_marked() -> None:
    frame = library_cells()
    texts = said(drawn(library_result(frame), "library", "en"))
    cells = [f"{r.flows} / {r.accounts}" for r in frame.itertuples()]
    assert sorted(t for t in texts if re.fullmatch(r"\d+ / \d+", t)) == sorted(cells) and texts.count("next") == 1
    assert any(t.startswith("5000+ employees") for t in texts) and len([t for t in texts if "employees:" in t]) == 2


def test_titles_follow_the_verdict_and_the_coverage() -> None:
    spec = figures.spec("02_procurement_flow", "library_similarity")
    reasons = {
        "library_supported": "supported", "library_one_flow": "contradicted", "library_ages": "contradicted", "library_undecided": "undecided",
        "library_age_undecided": "undecided",
    }  # fmt: skip
    for language in LANGUAGES:
        titles = {figure_title(spec, library_result(None, r, s), language) for r, s in reasons.items()}
        assert len(titles) >= 4 and all("0.9" in t for t in titles)
    cover = figures.spec("02_procurement_flow", "library")
    frame = library_cells()
    held = int((frame["answered"] > 0).sum())
    assert f"{held} of {len(frame)} cells" in figure_title(
        cover, library_result(frame), "en"
    ) and "c0 / i0 / 100-999" in figure_title(cover, library_result(frame), "en")
    without = result("02_procurement_flow", [], {"library": frame})
    assert "next" not in figure_title(cover, without, "en")


def test_very_many_cells_are_cut_and_the_note_says_so() -> None:
    frame = library_cells(12, 11, ("1-99", "100-499", "500-999", "1000-4999", "5000+"))
    texts = said(drawn(library_result(frame), "library", "en"))
    assert any("cells of smaller weight are not drawn" in t for t in texts)
    assert len([t for t in texts if re.fullmatch(r"\d+ / \d+", t)]) == 8 * 7 * 4
    assert any("of 660" in t for t in said(drawn(library_result(frame), "library_shrinkage", "en")))


def test_what_is_not_there_is_not_drawn() -> None:
    nobody = library_result(library_cells().assign(accounts=0, weight=0.0))
    assert "library" not in [s.name for s in available(nobody)]
    bare = library_cells().assign(parties_weight=np.nan)
    assert "library_shrinkage" not in [s.name for s in available(library_result(bare))]
