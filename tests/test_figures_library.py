"""Figures of the library at their edges: no demand, one size, very many cells, nothing shrunk; both languages."""

from __future__ import annotations

import itertools
import re
import warnings

import numpy as np
import pandas as pd
import pytest
from figure_frames import number, result
from matplotlib.figure import Figure
from matplotlib.text import Text

from kaanalysis import figures
from kaanalysis.figures import available, draw_figure, figure_title
from kaanalysis.results import Finding, Result
from kaanalysis.text import LANGUAGES

CELL = ["category", "industry", "size_band"]


def library(categories: int = 2, industries: int = 3, bands: tuple[str, ...] = ("100-999", "5000+")) -> pd.DataFrame:
    cells = list(itertools.product([f"c{i}" for i in range(categories)], [f"i{i}" for i in range(industries)], bands))
    frame = pd.DataFrame(cells, columns=CELL)
    n = np.arange(len(frame))
    return frame.assign(
        accounts=1 + n % 7, weight=1 / len(frame), flows=n % 4, answered=np.maximum(n % 4 - 1, 0), parties=8.0 + n % 2, parties_low=7.0,
        parties_high=11.0, parties_raw=np.where(n % 4 > 0, 8.5, np.nan), parties_weight=0.1 * (n % 4),
    )  # fmt: skip


def made(frame: pd.DataFrame | None = None, reason: str = "library_supported", state: str = "supported") -> Result:
    frame = library() if frame is None else frame
    order = frame[CELL].head(3).assign(gain=[0.2, 0.1, 0.05], first=[0.6, 0.3, 0.1], rank=[1, 2, 3], draws=100)
    pairs = pd.DataFrame(
        [("within", 0.8, 12), ("within", 1.0, 30), ("between", 0.2, 50), ("between", 0.6, 70)],
        columns=["kind", "similarity", "pairs"],
    )
    numbers = tuple(
        number(f"flow_similarity_{k}", "all", v, "index")
        for k, v in (("within", 0.9), ("between", 0.5), ("difference", 0.4))
    )
    finding = Finding("M-2.6", "flow_library", state, reason, numbers)  # type: ignore[arg-type]
    return result(
        "02_procurement_flow", [finding], {"library": frame, "library_next": order, "library_similarity": pairs}
    )


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
    whole = made()
    assert figures.figure_bytes(drawn(whole, name, language), "png")
    assert figures.figure_bytes(drawn(result(whole.id, [], whole.frames), name, language), "png")


def test_every_cell_says_what_it_holds_and_the_next_is_marked() -> None:
    frame = library()
    texts = said(drawn(made(frame), "library", "en"))
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
        titles = {figure_title(spec, made(None, r, s), language) for r, s in reasons.items()}
        assert len(titles) >= 4 and all("0.9" in t for t in titles)
    cover = figures.spec("02_procurement_flow", "library")
    frame = library()
    held = int((frame["answered"] > 0).sum())
    assert f"{held} of {len(frame)} cells" in figure_title(
        cover, made(frame), "en"
    ) and "c0 / i0 / 100-999" in figure_title(cover, made(frame), "en")
    without = result("02_procurement_flow", [], {"library": frame})
    assert "next" not in figure_title(cover, without, "en")


def test_very_many_cells_are_cut_and_the_note_says_so() -> None:
    frame = library(12, 11, ("1-99", "100-499", "500-999", "1000-4999", "5000+"))
    texts = said(drawn(made(frame), "library", "en"))
    assert any("cells of smaller weight are not drawn" in t for t in texts)
    assert len([t for t in texts if re.fullmatch(r"\d+ / \d+", t)]) == 8 * 7 * 4
    assert any("of 660" in t for t in said(drawn(made(frame), "library_shrinkage", "en")))


def test_what_is_not_there_is_not_drawn() -> None:
    nobody = made(library().assign(accounts=0, weight=0.0))
    assert "library" not in [s.name for s in available(nobody)]
    bare = library().assign(parties_weight=np.nan)
    assert "library_shrinkage" not in [s.name for s in available(made(bare))]
