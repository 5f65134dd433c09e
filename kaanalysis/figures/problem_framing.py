"""00: the growth bridge, from the earlier period's won amount to the later one's."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kaanalysis.figures.parts import (
    baseline,
    cut_ends,
    format_axis,
    interval_h,
    only_x_grid,
    only_y_grid,
    whisker_v,
    window,
)
from kaanalysis.figures.scene import FigureSpec, Scene
from kaanalysis.figures.style import BASE, INK, LINE, OTHER, SEGMENT_TEXT, SEGMENTS, SMALL, SOFT, wrap

MOVES = ("new", "retained", "lost")
FACTORS = ("customers", "deals_per_customer", "price")


def _table(frame: pd.DataFrame) -> dict[tuple[str, str], tuple[float, float, float, int]]:
    rows = zip(*(frame[c].tolist() for c in ("segment", "part", "value", "low", "high", "n")), strict=True)
    return {(str(s), str(p)): (float(v), float(low), float(high), int(n)) for s, p, v, low, high, n in rows}


def _limits(table: dict[tuple[str, str], tuple[float, float, float, int]], segments: list[str]) -> tuple[float, float]:
    """Limits that hold every bar, and whiskers as far as the bars themselves reach once more."""
    levels: list[float] = [0.0]
    low: list[float] = []
    high: list[float] = []
    for part in ("revenue_before", "revenue_now"):
        value, below, above, _ = table[("all", part)]
        levels, low, high = [*levels, value], [*low, below], [*high, above]
    level = table[("all", "revenue_before")][0]
    for segment in segments:
        for part in MOVES:
            value, below, above, _ = table[(segment, part)]
            low, high = [*low, level + below], [*high, level + above]
            level += value
            levels.append(level)
    return window(levels, low, high, most=1.0)


def waterfall(frame: pd.DataFrame, scene: Scene, ax: Axes) -> Axes:
    """Earlier period, then new / retained / lost per segment, then the later period; whiskers are intervals."""
    table = _table(frame)
    segments = [s for s in ("SMB", "KA") if (s, "new") in table] or ["all"]
    names: list[str] = []
    limits = _limits(table, segments)

    def whisker(x: int, low: float, high: float) -> None:
        whisker_v(ax, x, max(low, limits[0]), min(high, limits[1]))
        for beyond, edge, marker in ((low < limits[0], limits[0], "v"), (high > limits[1], limits[1], "^")):
            if beyond:
                ax.plot([x], [edge], marker, color=INK, markersize=5, zorder=6, clip_on=False)

    def total(x: int, part: str) -> float:
        base = 0.0
        for segment in segments:
            value = table[(segment, part)][0]
            ax.bar(x, value, bottom=base, color=SEGMENTS[segment], width=0.7)
            base += value
        whole, low, high, _ = table[("all", part)]
        if whole - base > 0.005 * whole:
            ax.bar(x, whole - base, bottom=base, color=OTHER, width=0.7, hatch="///", edgecolor="white")
        whisker(x, low, high)
        ax.annotate(
            scene.compact(whole),
            (x, min(max(whole, high), limits[1]) if np.isfinite(high) else whole),
            xytext=(0, 3),
            textcoords="offset points",
            ha="center",
            va="bottom",
            fontsize=SMALL,
            fontweight="bold",
        )
        names.append(scene.text(part))
        return whole

    level = total(0, "revenue_before")
    x = 1

    def move(value: float, low: float, high: float, color: str, name: str, *, down: bool) -> None:
        nonlocal level, x
        ax.plot([x - 0.65, x + 0.35], [level, level], color=LINE, linewidth=0.8, zorder=1)
        ax.bar(
            x,
            value,
            bottom=level,
            color=color,
            width=0.7,
            hatch="///" if down else None,
            edgecolor="white" if down else color,
        )
        whisker(x, level + low, level + high)
        top = min(max(level, level + value, level + high if np.isfinite(high) else level), limits[1])
        sign = "+" if value > 0 else "−" if value < 0 else ""
        ax.annotate(
            sign + scene.compact(abs(value)),
            (x, top),
            xytext=(0, 3),
            textcoords="offset points",
            ha="center",
            va="bottom",
            fontsize=SMALL,
        )
        names.append(name)
        level += value
        x += 1

    groups = []
    for segment in segments:
        first = x
        for part in MOVES:
            value, low, high, _ = table[(segment, part)]
            move(value, low, high, SEGMENTS[segment], scene.text(part), down=value < 0)
        groups.append((segment, first, x - 1))
    rest = table[("all", "revenue_now")][0] - level
    if abs(rest) > 0.005 * max(table[("all", "revenue_now")][0], 1.0):
        move(rest, np.nan, np.nan, OTHER, scene.text("no_segment"), down=rest < 0)
    total(x, "revenue_now")
    ax.set_xticks(range(x + 1), [wrap(n, 4.6) for n in names])
    ax.tick_params(axis="x", length=0)
    for segment, first, last in groups:
        n = table[(segment, "new")][3]
        ax.annotate(
            scene.text("group", segment=scene.segment(segment), n=scene.count(n)),
            ((first + last) / 2, 1.0),
            xycoords=("data", "axes fraction"),
            ha="center",
            va="bottom",
            fontsize=SMALL,
            color=SEGMENT_TEXT[segment],
            fontweight="bold",
        )
    baseline(ax, y=0)
    only_y_grid(ax)
    ax.set_ylim(limits[0] - 0.02 * (limits[1] - limits[0]), limits[1] + 0.13 * (limits[1] - limits[0]))
    format_axis(ax.yaxis, scene.compact, 6)
    ax.set_ylabel(scene.text("y_label", currency=scene.currency))
    ax.set_xlabel(scene.text("x_label"))
    return ax


def factors(frame: pd.DataFrame, scene: Scene, ax: Axes) -> Axes:
    """The same change by factor: customers, deals per customer, amount per deal; dots with intervals."""
    table = _table(frame)
    ax.set_xlim(*window(*zip(*(table[("all", p)][:3] for p in FACTORS), strict=True)))
    for y, part in enumerate(FACTORS):
        value, low, high, _ = table[("all", part)]
        color = SOFT if low <= 0 <= high else INK
        interval_h(ax, y, value, low, high, color)
        cut_ends(ax, y, low, high, color)
        ax.annotate(
            ("+" if value > 0 else "−") + scene.compact(abs(value)),
            (value, y),
            xytext=(0, 8),
            textcoords="offset points",
            ha="center",
            fontsize=SMALL,
        )
    baseline(ax, x=0)
    only_x_grid(ax)
    ax.set_yticks(range(3), [wrap(scene.text(p), 7) for p in FACTORS])
    ax.set_ylim(2.6, -0.6)
    format_axis(ax.xaxis, scene.compact, 3)
    ax.set_xlabel(scene.text("factor_label", currency=scene.currency))
    ax.set_ylabel(scene.text("factor"))
    ax.set_title(scene.text("factor_title"), fontsize=BASE)
    return ax


def draw_growth(scene: Scene, figure: Figure) -> None:
    left, right = figure.subplots(1, 2, width_ratios=[2.5, 1])
    frame = scene.frame("growth_bridge")
    waterfall(frame, scene, left)
    factors(frame, scene, right)
    scene.note("whiskers", level=scene.level())


FIGURES = (FigureSpec("growth_bridge", ("growth_bridge",), draw_growth, (8.2, 4.4), ("M-0.1",)),)
