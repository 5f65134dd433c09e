"""04: the cash of each path, and what its inputs rest on; the map of the rule is in :mod:`kaanalysis.figures.rule_map`."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kaanalysis.figures.parts import format_axis, mark_line
from kaanalysis.figures.rule_map import ORDER, draw_rule
from kaanalysis.figures.scene import FigureSpec, Scene
from kaanalysis.figures.style import INK, LINE, PATH_TEXT, PATHS, SMALL, SOFT, wrap


def cash_panel(frame: pd.DataFrame, scene: Scene, ax: Axes, path: str, limits: tuple[float, float]) -> Axes:
    """Cumulative cash of one path: median, 90 % band, deepest point and payback."""
    curve = frame[(frame["path"] == path) & (frame["line"] == "cumulative")].sort_values("month")
    month, median = curve["month"].to_numpy(float), curve["median"].to_numpy(float)
    ax.fill_between(month, curve["low"], curve["high"], color=PATHS[path], alpha=0.35, linewidth=0)
    ax.plot(month, median, color=PATH_TEXT[path], linewidth=2.2)
    ax.axhline(0, color=INK, linewidth=0.9, zorder=1.6)
    span = limits[1] - limits[0]
    deepest = int(np.argmin(median))
    loss = scene.number("strategic_loss", path)
    if median[deepest] < 0:
        ax.plot([month[deepest]], [median[deepest]], "v", color=PATH_TEXT[path], markersize=7, zorder=5)
        value = -median[deepest] if loss is None or loss.value is None else float(loss.value)
        low = max(limits[0] + 0.02 * span, min(float(curve["low"].min()), median[deepest]) - 0.03 * span)
        ax.annotate(
            scene.text("deepest", amount=scene.amount(value)),
            (month[-1], low),
            va="top",
            ha="right",
            fontsize=SMALL,
            color=PATH_TEXT[path],
            fontweight="bold",
        )
    payback = scene.number("payback_month", path)
    if payback is not None and payback.value is not None:
        ax.plot(
            [payback.value],
            [0],
            "o",
            color="white",
            markeredgecolor=PATH_TEXT[path],
            markeredgewidth=2,
            markersize=8,
            zorder=6,
        )
        if payback.low is not None and payback.high is not None:
            ax.plot(
                [payback.low, payback.high],
                [0, 0],
                color=PATH_TEXT[path],
                linewidth=4,
                alpha=0.8,
                solid_capstyle="butt",
                zorder=5,
            )
        text = scene.text("payback", months=scene.count(float(payback.value)))
    else:
        text = scene.text("no_payback")
    ax.annotate(text, (0.04, 0.97), xycoords="axes fraction", va="top", fontsize=SMALL + 0.5, color=PATH_TEXT[path])
    cap = scene.number("loss_cap")
    if cap is not None and cap.value:
        mark_line(ax, y=-float(cap.value))
    ax.set_xlim(0, month[-1])
    ax.set_ylim(*limits)
    ax.set_xticks(np.arange(0, month[-1] + 1, 12 if month[-1] <= 72 else 24))
    format_axis(ax.xaxis, scene.count)
    ax.set_xlabel(scene.text("x_label"))
    ax.set_title(scene.named("path", path), color=PATH_TEXT[path])
    return ax


def draw_ledger(scene: Scene, figure: Figure) -> None:
    frame = scene.frame("ledger")
    total = frame[frame["line"] == "cumulative"]
    paths = [p for p in ORDER if (total["path"] == p).any()]
    low, high = min(0.0, float(total["low"].min())), max(0.0, float(total["high"].max()))
    room = high - low
    limits = (low - 0.13 * room, high + 0.05 * room)
    row = figure.subplots(1, len(paths), squeeze=False, sharey=True)[0]
    for ax, path in zip(row, paths, strict=True):
        cash_panel(frame, scene, ax, path, limits)
    format_axis(row[0].yaxis, scene.compact, 7)
    row[0].set_ylabel(scene.text("y_label", currency=scene.currency))
    cap = scene.number("loss_cap")
    scene.note("band")
    if cap is not None and cap.value:
        scene.note("cap", amount=scene.amount(float(cap.value)))


def input_rows(frame: pd.DataFrame, scene: Scene, ax: Axes) -> Axes:
    """How uncertain each input is: its interval as multiples of its own value, widest first."""
    rows = frame[(frame["value"] > 0) & (frame["high"] > frame["low"])].copy()
    rows["spread"] = (rows["high"] - rows["low"]) / rows["value"]
    rows = rows.sort_values("spread", ascending=False, kind="stable").head(14).reset_index(drop=True)
    lows, highs = rows["low"] / rows["value"], rows["high"] / rows["value"]
    for y, (low, high, origin) in enumerate(zip(lows, highs, rows["origin"], strict=True)):
        ax.plot([low, high], [y, y], color=INK if origin == "data" else LINE, linewidth=5, solid_capstyle="butt")
        ax.plot([1], [y], "o", color="white", markeredgecolor=SOFT, markersize=6)
    ax.set_yticks(range(len(rows)), [wrap(scene.words.input_name(str(n)), 20, 2) for n in rows["input"]])
    ax.set_ylim(len(rows) - 0.5, -0.6)
    ax.grid(False, axis="y")
    ax.tick_params(axis="y", length=0)
    ax.set_xlim(left=0)
    format_axis(ax.xaxis, scene.count, 6)
    ax.set_xlabel(scene.text("x_label"))
    ax.set_ylabel(scene.text("y_label"))
    return ax


def draw_inputs(scene: Scene, figure: Figure) -> None:
    input_rows(scene.frame("inputs"), scene, figure.subplots())
    scene.note("origin")


FIGURES = (
    FigureSpec("rule_map", ("rule_cloud", "rule_borders"), draw_rule, (7.6, 4.8), ("M-4",)),
    FigureSpec("ledger", ("ledger",), draw_ledger, (8.2, 4.4), ("M-4.4",)),
    FigureSpec("inputs", ("inputs",), draw_inputs, (7.2, 5.4)),
)
