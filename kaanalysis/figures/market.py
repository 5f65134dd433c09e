"""01: how many potential customers there are by two lists, and how much the largest of the present ones hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kaanalysis.figures.parts import format_axis, only_x_grid, rows_of
from kaanalysis.figures.scene import FigureSpec, Scene
from kaanalysis.figures.style import BASE, INK, LINE, SEGMENT_TEXT, SEGMENTS, SMALL
from kaanalysis.text import rounded

WHITE = {"facecolor": "white", "edgecolor": "none", "pad": 1.0}
CELLS = ("both", "only_ours", "only_list", "neither")


def _counts(row: Any, scene: Scene) -> tuple[dict[str, float], tuple[float, float]]:
    """Accounts on both lists, on either alone and, estimated, on neither; the latter's interval."""
    counts = {
        "both": float(row.both),
        "only_ours": float(row.worked - row.both),
        "only_list": float(row.listed - row.both),
    }
    estimate = scene.number("accounts_estimated", str(row.segment))
    known = sum(counts.values())

    def beyond(value: float | int | None) -> float:
        # Two significant digits: the rest of a number of companies that nobody has seen would be made up.
        return np.nan if value is None else float(f"{max(0.0, float(value) - known):.2g}")

    if estimate is None:
        return counts | {"neither": np.nan}, (np.nan, np.nan)
    return counts | {"neither": beyond(estimate.value)}, (beyond(estimate.low), beyond(estimate.high))


def list_bars(row: Any, scene: Scene, ax: Axes) -> Axes:
    """Accounts by the lists that hold them, as bars; those on neither are estimated: hatched, with an interval."""
    segment = str(row.segment)
    counts, (low, high) = _counts(row, scene)
    seen = [v for v in (*counts.values(), low if not np.isfinite(counts["neither"]) else np.nan) if np.isfinite(v)]
    reach = max([*seen, min(high, 4 * max(seen)) if np.isfinite(high) else 0.0, 1.0])
    reach *= 1.25 if not np.isfinite(counts["neither"]) and np.isfinite(low) else 1.0  # room for a line without an end
    ax.set_xlim(0, reach * 1.42)
    for y, cell in enumerate(CELLS):
        value = counts[cell]
        if not np.isfinite(value) and np.isfinite(low):  # a lower limit alone
            text, at = scene.text("at_least", low=scene.count(round(low))), reach
            ax.plot([low, reach], [y, y], color=INK, linewidth=1.3, zorder=4)
            ax.plot([low, low], [y - 0.14, y + 0.14], color=INK, linewidth=1.3, zorder=4)
            ax.plot([reach], [y], ">", color=INK, markersize=5, zorder=4)
        elif not np.isfinite(value):
            text, at = scene.text("not_estimated", low=""), 0.0
        else:
            guess = cell == "neither"
            ax.barh(
                y, value, height=0.6, color="white" if guess else SEGMENTS[segment], alpha=1.0 if cell != "only_list" else 0.6,
                hatch="////" if guess else None, edgecolor=SEGMENTS[segment], linewidth=1.0,
            )  # fmt: skip
            text, at = scene.count(round(value)), value
            if guess:
                ends = [v for v in (low, high) if np.isfinite(v)]
                if np.isfinite(low):
                    end = min(high, reach) if np.isfinite(high) else reach
                    ax.plot([low, end], [y, y], color=INK, linewidth=1.3, zorder=4)
                    for edge in [low] + ([high] if np.isfinite(high) and high <= reach else []):
                        ax.plot([edge, edge], [y - 0.14, y + 0.14], color=INK, linewidth=1.3, zorder=4)
                    if not np.isfinite(high) or high > reach:
                        ax.plot([reach], [y], ">", color=INK, markersize=5, zorder=4)
                    at = max(value, end)
                if ends:
                    text = scene.text(
                        "estimated",
                        value=text,
                        span=scene.between(
                            round(low) if np.isfinite(low) else None, round(high) if np.isfinite(high) else None
                        ),
                    )
        ax.annotate(text, (at, y), xytext=(5, 0), textcoords="offset points", va="center", fontsize=SMALL)
    ax.set_yticks(range(4), [scene.text(c) for c in CELLS])
    ax.set_ylim(3.55, -0.55)
    only_x_grid(ax)
    format_axis(ax.xaxis, scene.count, 4, whole=True)
    estimate = scene.number("accounts_estimated", segment)
    whole = ""
    near = rounded(estimate) if estimate is not None else None
    if near is not None and near.value is not None:
        whole = scene.text("about", low=scene.count(round(near.value)))
    elif near is not None and near.low is not None:
        whole = scene.text("at_least", low=scene.count(round(near.low)))
    title = scene.text(
        "panel" if whole else "panel_open",
        segment=scene.segment(segment),
        known=scene.count(int(row.known)),
        whole=whole,
    )
    ax.set_title(title, color=SEGMENT_TEXT[segment], fontsize=BASE)
    ax.set_xlabel(scene.text("x_label"))
    ax.set_ylabel(scene.text("y_label"))
    return ax


def lorenz_curves(frame: pd.DataFrame, scene: Scene, ax: Axes) -> Axes:
    """Lorenz curves against the diagonal of equal customers; Gini and the ten largest with intervals beside them."""
    ax.plot([0, 1], [0, 1], color=LINE, linewidth=1.2, linestyle=(0, (4, 3)))
    segments = [s for s in ("SMB", "KA", "all") if (frame["segment"] == s).any()]
    y = 0.98
    for segment in segments:
        mine = frame[frame["segment"] == segment]
        ax.plot(mine["units"], mine["held"], color=SEGMENTS[segment], linewidth=2.4)
        gini, top = scene.number("gini", segment), scene.number("top10_share", segment)
        n = gini.n if gini is not None else max(len(mine) - 1, 0)
        lines = [scene.text("curve", segment=scene.segment(segment), n=scene.count(n))]
        for key, number in (("gini", gini), ("top10", top)):
            if number is not None and number.value is not None:
                span = scene.between(number.low, number.high, number.unit, float(number.value))
                value = scene.words.value(number.value, number.unit)
                lines.append(scene.text(key if span else f"{key}_bare", value=value, span=span))
        ax.text(
            0.035,
            y,
            lines[0],
            transform=ax.transAxes,
            va="top",
            color=SEGMENT_TEXT[segment],
            fontweight="bold",
            fontsize=SMALL + 0.5,
        )
        ax.text(
            0.035,
            y - 0.055,
            "\n".join(lines[1:]),
            transform=ax.transAxes,
            va="top",
            color=INK,
            fontsize=SMALL,
            linespacing=1.25,
            bbox=WHITE,
        )
        y -= 0.075 + 0.06 * len(lines[1:])
    ax.set_xlim(0, 1)
    ax.set_ylim(0, 1.02)
    format_axis(ax.xaxis, scene.share, 5)
    format_axis(ax.yaxis, scene.share, 5)
    ax.set_xlabel(scene.text("units_label"))
    ax.set_ylabel(scene.text("held_label"))
    ax.set_title(scene.text("lorenz_title"), fontsize=BASE, color=INK)
    return ax


def draw_market(scene: Scene, figure: Figure) -> None:
    lists = scene.result.frames.get("market")
    lorenz = scene.frame("lorenz")
    if lists is None or lists.empty:
        figure.set_size_inches(5.2, 4.6)
        lorenz_curves(lorenz, scene, figure.subplots())
    else:
        rows = rows_of(lists)
        grid = figure.add_gridspec(len(rows), 2, width_ratios=[1.15, 1])
        for place, row in enumerate(rows):
            list_bars(row, scene, figure.add_subplot(grid[place, 0]))
        lorenz_curves(lorenz, scene, figure.add_subplot(grid[:, 1]))
        scene.note("lists", level=scene.level())
        if any(int(row.both) < scene.policy["market.minimum_matches"] for row in rows):
            scene.note("few", n=scene.count(int(scene.policy["market.minimum_matches"])))
    scene.note("lorenz_note", level=scene.level())


FIGURES = (FigureSpec("lorenz", ("lorenz",), draw_market, (8.2, 4.6), ("M-1.1",)),)
