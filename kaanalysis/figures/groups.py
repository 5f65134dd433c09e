"""00: who the change came from, by industry and region; and how well each industry is covered."""

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
    note_beside,
    only_x_grid,
    rows_of,
    window,
)
from kaanalysis.figures.scene import FigureSpec, Scene
from kaanalysis.figures.style import BASE, SEGMENT_TEXT, SEGMENTS, SMALL, SOFT, wrap
from kaanalysis.results import Result

DIMENSIONS = ("industry", "region")
PARTS = ("new", "retained", "not_repeated")
PART_COLORS = {"new": "#2A7264", "retained": SOFT, "not_repeated": "#A63D1E"}
MOST = 9


def _groups(frame: pd.DataFrame, dimension: str) -> list[str]:
    """The dimension's groups, the largest won amount of both periods first."""
    amounts = frame[(frame["dimension"] == dimension) & frame["part"].isin(["revenue_before", "revenue_now"])]
    return [str(g) for g in amounts.groupby("group")["value"].sum().sort_values(ascending=False, kind="stable").index]


def group_name(scene: Scene, dimension: str, group: str) -> str:
    return scene.words.term(dimension, group) if group else scene.text("not_recorded")


def part_rows(
    frame: pd.DataFrame,
    groups: list[str],
    part: str,
    scene: Scene,
    ax: Axes,
    limits: tuple[float, float],
    ticks: int = 3,
) -> Axes:
    """One part of the change for every group: dots with intervals."""
    mine = frame[frame["part"] == part].set_index("group")
    ax.set_xlim(*limits)
    baseline(ax, x=0)
    for y, group in enumerate(groups):
        if group in mine.index:
            value, low, high = (float(mine[c].loc[group]) for c in ("value", "low", "high"))
            interval_h(ax, y, value, low, high, PART_COLORS[part], 6.5)
            cut_ends(ax, y, low, high, PART_COLORS[part])
            n = scene.count(int(mine["n"].loc[group]))
            ax.annotate(n, (value, y), xytext=(0, 6), textcoords="offset points", ha="center", va="bottom", fontsize=SMALL,
                        color=PART_COLORS[part])  # fmt: skip
    ax.set_ylim(len(groups) - 0.45, -0.62)
    only_x_grid(ax)
    format_axis(ax.xaxis, scene.compact, ticks)
    return ax


def _limits(frame: pd.DataFrame) -> dict[str, tuple[float, float]]:
    """Limits of the three parts' axes; the narrowest is not less than half of the widest or so, so that its labels find room."""
    whole = frame.loc[frame["part"].isin(PARTS), "value"]
    span = float(whole.max() - whole.min()) or 1.0
    found = {}
    for part in PARTS:
        mine = frame[frame["part"] == part]
        own = float(np.ptp([0.0, *mine["value"].dropna()])) or 1.0
        found[part] = window(mine["value"], mine["low"], mine["high"], most=min(2.0, span / own))
    least = max(high - low for low, high in found.values()) / 2.2
    out = {}
    for part, (low, high) in found.items():
        lack = max(0.0, least - (high - low)) / 2
        out[part] = (low - lack, high + lack)
    return out


def draw_groups(scene: Scene, figure: Figure) -> None:
    frame = scene.frame("growth_by")
    dimensions = [d for d in DIMENSIONS if (frame["dimension"] == d).any()]
    shown = {d: _groups(frame, d)[:MOST] for d in dimensions}
    heights = [0.62 + 0.42 * len(groups) for groups in shown.values()]
    figure.set_size_inches(8.2, 1.5 + sum(heights))
    drawn = pd.concat([frame[(frame["dimension"] == d) & frame["group"].isin(g)] for d, g in shown.items()])
    limits = _limits(drawn)
    axes = figure.subplots(
        len(dimensions), 3, sharey="row", sharex="col", squeeze=False, height_ratios=heights,
        width_ratios=[limits[p][1] - limits[p][0] for p in PARTS],
    )  # fmt: skip
    for place, (dimension, groups) in enumerate(shown.items()):
        row = axes[place]
        mine = frame[frame["dimension"] == dimension]
        for ax, part in zip(row, PARTS, strict=True):
            wide = (limits[part][1] - limits[part][0]) / sum(high - low for low, high in limits.values())
            part_rows(mine, groups, part, scene, ax, limits[part], max(2, round(9 * wide)))
            if place == 0:
                ax.set_title(wrap(scene.text(part), wide * 6.1 * 72 / BASE), fontsize=BASE, color=PART_COLORS[part])
            if place == len(shown) - 1:
                ax.set_xlabel(scene.text("x_label", currency=scene.currency))
        change = _change(mine)
        names = [
            wrap(scene.text("row", group=group_name(scene, dimension, g), change=scene.signed(float(change[g]))), 14, 2)
            for g in groups
        ]
        row[0].set_yticks(range(len(groups)), names)
        row[0].set_ylabel(scene.text(dimension))
    figure.align_ylabels(list(axes[:, 0]))
    scene.note("lines", level=scene.level())
    hidden = sum(len(_groups(frame, d)) - len(g) for d, g in shown.items())
    if hidden:
        scene.note("hidden", n=scene.count(hidden))


def _change(frame: pd.DataFrame) -> pd.Series:
    """Change of the won amount by group of one dimension."""
    return frame[frame["part"] == "change"].set_index("group")["value"]


def groups_terms(scene: Scene) -> dict[str, str]:
    """The group whose won amount changed most, for the title."""
    frame = scene.frame("growth_by")
    dimension = next(d for d in DIMENSIONS if (frame["dimension"] == d).any())
    mine = _change(frame[frame["dimension"] == dimension])
    top = str(mine.abs().idxmax())
    moved = float(mine[top])
    return {
        "variant": "up" if moved >= 0 else "down",
        "group": group_name(scene, dimension, top),
        "change": scene.amount(abs(moved)),
        "whole": ("+" if mine.sum() > 0 else "−") + scene.amount(abs(float(mine.sum()))),
    }


def _has_groups(result: Result) -> bool:
    return bool(result.frames["growth_by"]["dimension"].isin(DIMENSIONS).any())


def coverage_rows(frame: pd.DataFrame, industries: list[str], segment: str, scene: Scene, ax: Axes) -> Axes:
    """Share of customers among the known accounts of every industry, against that of all of them together."""
    mine = frame[frame["segment"] == segment].set_index("industry").reindex(industries)
    whole = float(mine["customers"].sum() / max(mine["known"].sum(), 1))
    color = SEGMENTS[segment]
    ax.axvline(whole, color=SOFT, linewidth=1.0, linestyle=(0, (4, 3)), zorder=1.5)
    ax.annotate(scene.text("whole", share=scene.exact_share(whole)), (whole, 1), xycoords=("data", "axes fraction"),
                xytext=(4, 2), textcoords="offset points", fontsize=SMALL, color=SOFT, va="bottom")  # fmt: skip
    right = float(np.nanmax(mine[["share", "high"]].to_numpy(float)))
    for y, r in enumerate(rows_of(mine)):
        if not np.isfinite(r.share):
            continue
        interval_h(ax, y, r.share, r.low, r.high, color, 7)
        note = scene.text("counts", share=scene.exact_share(r.share), known=scene.count(int(r.known)))
        note_beside(ax, np.nanmax([r.high, r.share]), y, note, SEGMENT_TEXT[segment])
    ax.set_xlim(0, right * 1.55)
    ax.set_ylim(len(industries) - 0.5, -0.75)
    only_x_grid(ax)
    format_axis(ax.xaxis, scene.share, 4)
    ax.set_xlabel(scene.text("x_label"))
    ax.set_title(
        scene.text("panel", segment=scene.segment(segment)), color=SEGMENT_TEXT[segment], fontsize=BASE, pad=16
    )
    return ax


def _industries(frame: pd.DataFrame) -> list[str]:
    known = frame.groupby("industry")["known"].max().sort_values(ascending=False, kind="stable")
    return [str(i) for i in known.index]


def draw_penetration(scene: Scene, figure: Figure) -> None:
    frame = scene.frame("penetration")
    segments = [s for s in ("SMB", "KA") if (frame["segment"] == s).any()] or ["all"]
    industries = _industries(frame)
    hidden = len(industries) - 12
    industries = industries[:12]
    figure.set_size_inches(8.2 if len(segments) > 1 else 6.2, 1.9 + 0.36 * len(industries))
    axes = figure.subplots(1, len(segments), sharey=True, squeeze=False)[0]
    for ax, segment in zip(axes, segments, strict=True):
        coverage_rows(frame, industries, segment, scene, ax)
    axes[0].set_yticks(range(len(industries)), [wrap(scene.words.term("industry", i), 10, 2) for i in industries])
    axes[0].set_ylabel(scene.text("y_label"))
    scene.note("lines", level=scene.level())
    if hidden > 0:
        scene.note("hidden", n=scene.count(hidden))


FIGURES = (
    FigureSpec("growth_by", ("growth_by",), draw_groups, (8.2, 5.0), terms=groups_terms, worth=_has_groups),
    FigureSpec("penetration", ("penetration",), draw_penetration, (8.2, 3.7), ("M-0.2",)),
)
