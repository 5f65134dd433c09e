"""Figures: ``(frames, words, axes) → axes``, one file per analysis, one look, a claim as title, no missing glyph.

>>> for spec in available(result):
...     figure = draw_figure(spec, result, "zh", policy)
...     save_figure(figure, folder / f"{result.id}.{spec.name}.zh")
"""

from kaanalysis.figures.registry import (
    FIGURES,
    alt_text,
    available,
    draw_figure,
    figure_bytes,
    figure_title,
    replaced_characters,
    save_figure,
    spec,
)
from kaanalysis.figures.scene import FigureSpec
from kaanalysis.figures.style import MissingGlyph

__all__ = [
    "FIGURES",
    "FigureSpec",
    "MissingGlyph",
    "alt_text",
    "available",
    "draw_figure",
    "figure_bytes",
    "figure_title",
    "replaced_characters",
    "save_figure",
    "spec",
]
