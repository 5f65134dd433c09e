"""The picture of the explorer: the map of the rule and the cumulative cash of all paths, side by side."""

from __future__ import annotations

import io
from dataclasses import replace
from functools import reduce

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from kaanalysis.figures.parts import format_axis, mark_line
from kaanalysis.figures.rule_map import ORDER, rule_map
from kaanalysis.figures.scene import DrawnWords, Scene
from kaanalysis.figures.style import (
    INK,
    PATH_TEXT,
    PATHS,
    SMALL,
    SOFT,
    narrow_punctuation,
    refuse_missing,
    styled,
    wrap,
)
from kaanalysis.policy import Policy
from kaanalysis.results import Result
from kaanalysis.text import words

SIZE, SCREEN = (12.0, 4.9), 100  # inches, dots per inch

# Told apart in grey too.
LINES = {"part_time": (0, (1, 1.2)), "split": (0, (5, 1.5)), "rebuild": "-"}


def cash_of_all(frame: pd.DataFrame, scene: Scene, ax: Axes) -> Axes:
    """Cumulative cash of all paths: median and 90 % band each, named at its end, and the agreed cap."""
    total = frame[frame["line"] == "cumulative"]
    ends = []
    for path in ORDER:
        curve = total[total["path"] == path].sort_values("month")
        month, median = curve["month"].to_numpy(float), curve["median"].to_numpy(float)
        ax.fill_between(month, curve["low"], curve["high"], color=PATHS[path], alpha=0.22, linewidth=0)
        ax.plot(month, median, color=PATH_TEXT[path], linewidth=2.2, linestyle=LINES[path])
        ends.append((float(median[-1]), path, float(month[-1])))
    ax.axhline(0, color=INK, linewidth=0.9, zorder=1.6)
    cap = scene.number("loss_cap")
    if cap is not None and cap.value:
        mark_line(ax, y=-float(cap.value))
    low, high = ax.get_ylim()
    room, at = 0.055 * (high - low), -np.inf
    for value, path, month_end in sorted(ends):
        at = max(value, at + room)
        ax.annotate(
            scene.named("path", path), (month_end, at), (5, 0), textcoords="offset points", va="center", color=PATH_TEXT[path],
            fontweight="bold", fontsize=SMALL + 0.5, annotation_clip=False,
        )  # fmt: skip
    last = max(m for _, _, m in ends)
    ax.set_xlim(0, last)
    ax.set_xticks(np.arange(0, last + 1, 12 if last <= 72 else 24))
    format_axis(ax.xaxis, scene.count)
    format_axis(ax.yaxis, scene.compact, 7)
    ax.set_xlabel(scene.text("x_label"))
    ax.set_ylabel(scene.text("y_label", currency=scene.currency))
    return ax


def explore_figure(result: Result, language: str, policy: Policy) -> Figure:
    """The picture at one state; one half alone where the result has the frames of only that. Margins are fixed and the resolution is
    that of a screen: laying out anew at every move would take longer than computing. Raises
    :class:`~kaanalysis.figures.style.MissingGlyph` as any figure."""
    scene = Scene("explore", result, DrawnWords(language), policy)
    there = [n for n in ("rule_borders", "ledger") if n in result.frames]
    with styled():
        figure = Figure(figsize=SIZE if len(there) > 1 else (SIZE[0] * 0.6, SIZE[1]), dpi=SCREEN)
        FigureCanvasAgg(figure)
        axes = figure.subplots(1, len(there), squeeze=False, width_ratios=[1.2, 1][: len(there)])[0]
        figure.subplots_adjust(
            left=0.055 * len(there) ** -0.5 * 2**0.5, right=0.935, top=0.88, bottom=0.225, wspace=0.5
        )
        for ax, name in zip(axes, there, strict=True):
            if name == "ledger":
                cash_of_all(result.frames["ledger"], replace(scene, name="ledger"), ax)
            else:
                cloud = result.frames["rule_cloud"].dropna(subset=["fit"])
                rule_map(cloud, result.frames["rule_borders"], replace(scene, name="rule_map"), ax)
        inches = figure.get_figwidth()
        said = reduce(lambda a, b: scene.text("space", a=a, b=b), [scene.text(f"note_{name}") for name in there])
        note = wrap(said, (inches - 0.25) * 72 / SMALL / 1.02)
        figure.text(0.1 / inches, 0.01, note, va="bottom", fontsize=SMALL, color=SOFT, linespacing=1.2)
        if language != "zh":
            narrow_punctuation(figure)
        refuse_missing(figure)
    return figure


def explore_alt(language: str) -> str:
    """What is drawn, for readers who do not see the picture."""
    w = words(language)
    return w("figures.shared.alt_frame", claim=w("figures.explore.title"), drawn=w("figures.explore.alt"))


def screen_png(figure: Figure) -> bytes:
    """The picture as PNG at the resolution of a screen."""
    buffer = io.BytesIO()
    with styled():
        figure.savefig(buffer, format="png", dpi=SCREEN, metadata={"Software": None})
    return buffer.getvalue()
