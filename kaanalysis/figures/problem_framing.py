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
from kaanalysis.figures.style import BASE, INK, LINE, OTHER, SEGMENT_TEXT, SEGMENTS, SMALL, wrap

MOVES = ("new", "retained", "not_repeated")
LEFT = ("still_under_contract", "gone")
FACTORS = ("customers", "deals_per_customer", "price")


def _table(frame: pd.DataFrame) -> dict[tuple[str, str], tuple[float, float, float, int]]:
    rows = zip(*(frame[c].tolist() for c in ("segment", "part", "value", "low", "high", "n")), strict=True)
    return {(str(s), str(p)): (float(v), float(low), float(high), int(n)) for s, p, v, low, high, n in rows}


def _segments(table: dict[tuple[str, str], tuple[float, float, float, int]]) -> list[str]:
    return [s for s in ("SMB", "KA") if (s, "new") in table] or ["all"]


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


def _hatched(
    table: dict[tuple[str, str], tuple[float, float, float, int]], segment: str, part: str
) -> list[tuple[float, str | None]]:
    """The pieces of a bar with their hatching: what was signed only earlier by customers still under contract, and by those gone."""
    if part == "not_repeated" and (segment, LEFT[0]) in table:
        return [(table[(segment, LEFT[0])][0], "xxx"), (table[(segment, LEFT[1])][0], "///")]
    value = table[(segment, part)][0]
    return [(value, "///" if value < 0 else None)]


def waterfall(frame: pd.DataFrame, scene: Scene, ax: Axes) -> Axes:
    """Earlier period, what was signed only later, in both and only earlier per segment, later period; whiskers are intervals."""
    table = _table(frame)
    segments = _segments(table)
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

    def move(
        value: float, low: float, high: float, color: str, name: str, parts: list[tuple[float, str | None]]
    ) -> None:
        nonlocal level, x
        ax.plot([x - 0.65, x + 0.35], [level, level], color=LINE, linewidth=0.8, zorder=1)
        base = level
        for part, hatch in parts:
            edge = "white" if hatch else color
            ax.bar(x, part, bottom=base, color=color, width=0.7, hatch=hatch, edgecolor=edge)
            base += part
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
            move(value, low, high, SEGMENTS[segment], scene.text(part), _hatched(table, segment, part))
        groups.append((segment, first, x - 1))
    rest = table[("all", "revenue_now")][0] - level
    if abs(rest) > 0.005 * max(table[("all", "revenue_now")][0], 1.0):
        move(rest, np.nan, np.nan, OTHER, scene.text("no_segment"), [(rest, "///" if rest < 0 else None)])
    total(x, "revenue_now")
    ax.set_xticks(range(x + 1), [wrap(n, 4.8) for n in names])
    ax.tick_params(axis="x", length=0)
    for segment, first, last in groups:
        n = table[(segment, "growth_rate")][3]
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
    """The same change by factor: customers, deals per customer, amount per deal; dots with intervals, each segment's and their sum."""
    table = _table(frame)
    shown = [*(s for s in _segments(table) if s != "all"), "all"]
    ax.set_xlim(*window(*zip(*(table[(s, p)][:3] for s in shown for p in FACTORS), strict=True)))
    step = 0.26
    for y, part in enumerate(FACTORS):
        for place, segment in enumerate(shown):
            value, low, high, _ = table[(segment, part)]
            at = y + step * (place - (len(shown) - 1) / 2)
            color = INK if segment == "all" else SEGMENTS[segment]
            first = len(ax.lines)
            interval_h(ax, at, value, low, high, color, 8 if segment == "all" else 6)
            cut_ends(ax, at, low, high, color)
            if low <= 0 <= high:
                for line in ax.lines[first:]:
                    line.set_alpha(0.45)
            if segment == "all":
                ax.annotate(scene.signed(value), (value, at), xytext=(0, -6), textcoords="offset points", ha="center", va="top",
                            fontsize=SMALL)  # fmt: skip
    baseline(ax, x=0)
    only_x_grid(ax)
    ax.set_yticks(range(3), [wrap(scene.text(p), 7) for p in FACTORS])
    ax.set_ylim(2.75, -0.6)
    format_axis(ax.xaxis, scene.compact, 3)
    ax.set_xlabel(scene.text("factor_label", currency=scene.currency))
    ax.set_ylabel(scene.text("factor"))
    ax.set_title(scene.text("factor_title"), fontsize=BASE, pad=18 if len(shown) > 1 else 6)
    if len(shown) > 1:
        for place, segment in enumerate(shown):
            name = scene.text("all") if segment == "all" else scene.segment(segment)
            color = INK if segment == "all" else SEGMENT_TEXT[segment]
            side = ("left", "center", "right")[place] if len(shown) == 3 else ("left", "right")[place]
            ax.annotate(name, (place / (len(shown) - 1), 1), xycoords="axes fraction", xytext=(0, 2), textcoords="offset points", ha=side,
                        va="bottom", fontsize=SMALL, color=color, fontweight="bold")  # fmt: skip
    return ax


def draw_growth(scene: Scene, figure: Figure) -> None:
    left, right = figure.subplots(1, 2, width_ratios=[2.5, 1])
    frame = scene.frame("growth_bridge")
    waterfall(frame, scene, left)
    factors(frame, scene, right)
    base = scene.finding("M-0.1")
    if base is not None and "later_until" in base.terms:
        scene.notes.append(scene.words.fill("figures.growth_bridge.periods", base))
    table = _table(frame)
    if ("all", LEFT[0]) in table:
        still, whole = (scene.amount(-table[("all", part)][0]) for part in (LEFT[0], "not_repeated"))
        scene.note("contracts", still=still, whole=whole)
    else:
        scene.note("no_contracts")
    scene.note("whiskers", level=scene.level())


def bridge_terms(scene: Scene) -> dict[str, str]:
    """How the whole changed, and each segment where there are two; whether the base of M-0.1 surely grows or not."""
    table = _table(scene.frame("growth_bridge"))

    def rate(segment: str) -> str:
        value = table[(segment, "growth_rate")][0]
        if not np.isfinite(value):
            return scene.words("numbers.none")
        return ("+" if value > 0 else "") + scene.exact_share(value).replace("-", "−")

    before, now = (scene.amount(table[("all", part)][0]) for part in ("revenue_before", "revenue_now"))
    terms = {"whole": rate("all"), "before": before, "now": now}
    base = scene.finding("M-0.1")
    if base is None or base.state == "no_data" or not {("SMB", "new"), ("KA", "new")} <= set(table):
        return terms
    return {**terms, "variant": "two", "ka": rate("KA"), "smb": rate("SMB"), "said": scene.text(base.state)}


FIGURES = (FigureSpec("growth_bridge", ("growth_bridge",), draw_growth, (8.2, 4.8), terms=bridge_terms),)
