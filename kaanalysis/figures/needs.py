"""01: what either group orders, how far needs lie apart, and how far the two groups overlap."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from kaanalysis.figures.parts import cut_ends, format_axis, interval_h, only_x_grid
from kaanalysis.figures.scene import FigureSpec, Scene
from kaanalysis.figures.style import BASE, GRID, INK, KA, SEGMENT_TEXT, SEGMENTS, SMALL, SMB, wrap
from kaanalysis.results import Result

LOOKS = ("size", "pay", "needs", "stay")
MOST_PRODUCTS = 10


def _products(frame: pd.DataFrame) -> pd.DataFrame:
    """Share by product (rows) and segment (columns), the most ordered first; all beyond the ten as one row."""
    wide = frame.pivot_table(index="product", columns="segment", values="share", aggfunc="sum").fillna(0.0)
    wide = wide.loc[wide.max(axis=1).sort_values(ascending=False, kind="stable").index]
    if len(wide) > MOST_PRODUCTS + 1:
        rest = wide.iloc[MOST_PRODUCTS:].sum().to_frame().T
        rest.index = pd.Index(["\0rest"])
        wide = pd.concat([wide.iloc[:MOST_PRODUCTS], rest])
    return wide


def mix_bars(wide: pd.DataFrame, scene: Scene, ax: Axes, hidden: int = 0) -> Axes:
    """The mean mix of either group, product by product, side by side."""
    segments, handles = [s for s in ("SMB", "KA") if s in wide.columns], []
    for place, segment in enumerate(segments):
        y = np.arange(len(wide)) + (place - (len(segments) - 1) / 2) * 0.38
        ax.barh(y, wide[segment], height=0.34, color=SEGMENTS[segment])
        number = scene.number("need_distance", segment)
        text = scene.text("group", segment=scene.segment(segment), n=scene.count(number.n if number is not None else 0))
        handles.append(Patch(color=SEGMENTS[segment], label=text))
        for at, share in zip(y, wide[segment], strict=True):
            ax.annotate(scene.share(float(share)), (share, at), xytext=(3, 0), textcoords="offset points", va="center", fontsize=SMALL - 1,
                        color=SEGMENT_TEXT[segment])  # fmt: skip
    names = [
        scene.text("rest", n=scene.count(hidden)) if p == "\0rest" else scene.words.term("product", str(p))
        for p in wide.index
    ]
    ax.set_yticks(range(len(wide)), [wrap(n, 13, 2) for n in names])
    ax.set_ylim(len(wide) - 0.4, -0.6)
    ax.set_xlim(0, float(wide.to_numpy().max()) * 1.15 or 1.0)
    only_x_grid(ax)
    format_axis(ax.xaxis, scene.share, 4)
    ax.set_xlabel(scene.text("x_label"))
    ax.set_ylabel(scene.text("y_label"))
    ax.set_title(scene.text("mix_title"), fontsize=BASE)
    # Longest bars stand first, so that there is room at the lower right.
    ax.legend(handles=handles, loc="lower right", fontsize=SMALL, frameon=False, handlelength=1.2, handleheight=0.9)
    return ax


def group_dots(name: str, scene: Scene, ax: Axes, *, share: bool) -> Axes:
    """One number of either group with its interval."""
    segments = [s for s in ("SMB", "KA") if scene.number(name, s) is not None]
    reach = [0.0]
    for y, segment in enumerate(segments):
        number = scene.number(name, segment)
        if number is None or number.value is None:
            continue
        interval_h(ax, y, number.value, number.low, number.high, SEGMENTS[segment], 8)
        text = scene.words.value(number.value, "share") if share else scene.count(round(float(number.value), 2))
        ax.annotate(text, (float(number.value), y), xytext=(0, 8), textcoords="offset points", ha="center", fontsize=SMALL,
                    color=SEGMENT_TEXT[segment], fontweight="bold")  # fmt: skip
        reach += [float(v) for v in (number.value, number.high) if v is not None]
    ax.set_yticks(range(len(segments)), [scene.segment(s) for s in segments])
    ax.set_ylim(len(segments) - 0.4, -0.8)
    top = (max(reach) or 1.0) * 1.1
    ax.set_xlim(-0.04 * top, top)
    for y, segment in enumerate(segments):
        number = scene.number(name, segment)
        if number is not None:
            cut_ends(ax, y, number.low, number.high, SEGMENTS[segment])
    only_x_grid(ax)
    format_axis(ax.xaxis, scene.share if share else scene.count, 4)
    ax.set_ylabel(scene.text("segment_label"))
    return ax


def draw_mix(scene: Scene, figure: Figure) -> None:
    frame = scene.frame("product_mix")
    wide = _products(frame)
    custom = scene.number("custom_share") is not None
    figure.set_size_inches(8.2, max(4.0, 1.8 + 0.4 * len(wide)))
    grid = figure.add_gridspec(2 if custom else 1, 2, width_ratios=[1.35, 1])
    mix_bars(wide, scene, figure.add_subplot(grid[:, 0]), frame["product"].nunique() - MOST_PRODUCTS)
    distance = group_dots("need_distance", scene, figure.add_subplot(grid[0, 1]), share=False)
    distance.set_title(scene.text("distance_title"), fontsize=BASE)
    distance.set_xlabel(scene.text("distance_label"))
    if custom:
        made = group_dots("custom_share", scene, figure.add_subplot(grid[1, 1]), share=True)
        made.set_title(scene.text("custom_title"), fontsize=BASE)
        made.set_xlabel(scene.text("custom_label"))
    difference = scene.number("need_distance_difference")
    if difference is not None and difference.value is not None:
        scene.note("difference", difference=scene.words.number(difference))
    scene.note("reading", level=scene.level())


# How far the two groups overlap ---------------------------------------------------------------------------------------


def patterns(looks: pd.DataFrame) -> pd.DataFrame:
    """Patterns of customers with two axes known or more: one row per pattern, with how many show it, how many axes look KA and kind
    (0 all SMB, 1 mixed, 2 all KA); ordered from all SMB to all KA."""
    seen = looks[list(LOOKS)].astype(object).where(looks[list(LOOKS)].notna(), "")
    seen = seen[(seen != "").sum(axis=1) >= 2]
    if seen.empty:
        return pd.DataFrame(columns=[*LOOKS, "count", "key", "kind"])
    counts = seen.groupby(list(LOOKS), sort=True).size().rename("count").reset_index()
    key, known = (counts[list(LOOKS)] == "KA").sum(axis=1), (counts[list(LOOKS)] != "").sum(axis=1)
    kind = np.where(key == 0, 0, np.where(key == known, 2, 1))
    counts = counts.assign(key=key / known, kind=kind)
    return counts.sort_values(["kind", "key", *LOOKS], kind="stable", ignore_index=True)


def look_strips(mine: pd.DataFrame, segment: str, scene: Scene, ax: Axes) -> Axes:
    """Customers of a segment side by side, a row per axis: what they look like on it; the mixed ones in brackets."""
    found = patterns(mine)
    total = float(found["count"].sum()) or 1.0
    left = (found["count"].cumsum() - found["count"]) / total
    colors = {"SMB": SMB, "KA": KA, "": GRID}
    for y, look in enumerate(LOOKS):
        fills = [colors[str(v)] for v in found[look]]
        ax.barh(y, found["count"] / total, left=left, height=0.82, color=fills, linewidth=0)
        known = mine[look].notna()
        if known.any():
            share = float((mine.loc[known, look] == "KA").mean())
            text = scene.text("look", share=scene.share(share), n=scene.count(int(known.sum())))
        else:
            text = scene.text("unknown")
        ax.annotate(
            text, (1, y), xytext=(6, 0), textcoords="offset points", va="center", fontsize=SMALL, annotation_clip=False
        )
    mixed = found[found["kind"] == 1]
    if len(mixed):
        start, width = float(left[mixed.index[0]]), float(mixed["count"].sum()) / total
        ax.plot(
            [start, start, start + width, start + width],
            [-0.5, -0.66, -0.66, -0.5],
            color=INK,
            linewidth=1.3,
            clip_on=False,
        )
        number = scene.number("mixed_share", segment)
        span = scene.between(number.low, number.high, "share", number.value) if number is not None else ""
        text = scene.text("mixed" if span else "mixed_bare", share=scene.exact_share(width), span=span)
        ax.text(
            min(max(start + width / 2, 0.22), 0.78),
            -0.74,
            text,
            ha="center",
            va="bottom",
            fontsize=SMALL,
            fontweight="bold",
        )
    ax.set_yticks(range(len(LOOKS)), [scene.text(k) for k in LOOKS])
    ax.set_xlim(0, 1)
    ax.set_ylim(3.5, -1.35)
    ax.grid(False)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    format_axis(ax.xaxis, scene.share, 5)
    title = scene.text("panel", segment=scene.segment(segment), n=scene.count(int(total) if len(found) else 0))
    nearer = scene.number("mixed_share_three_axes", segment)
    if nearer is not None and nearer.value is not None:
        three = scene.text("mixed_three", share=scene.words.value(nearer.value, "share"), n=scene.count(nearer.n))
        title = scene.words("figures.shared.and", a=title, b=three)
    ax.set_title(title, color=SEGMENT_TEXT[segment], fontsize=BASE)
    ax.set_ylabel(scene.text("y_label"))
    return ax


def draw_looks(scene: Scene, figure: Figure) -> None:
    looks = scene.frame("looks")
    segments = _looked(looks)
    figure.set_size_inches(8.2, 1.2 + 1.95 * len(segments))
    axes = figure.subplots(len(segments), 1, squeeze=False, sharex=True)[:, 0]
    for ax, segment in zip(axes, segments, strict=True):
        look_strips(looks[looks["segment"] == segment], segment, scene, ax)
    axes[-1].set_xlabel(scene.text("x_label"))
    scene.note("reading", level=scene.level())


def _looked(looks: pd.DataFrame) -> list[str]:
    known = looks[looks[list(LOOKS)].notna().sum(axis=1) >= 2]
    return [s for s in ("SMB", "KA") if (known["segment"] == s).any()]


def _some_looks(result: Result) -> bool:
    return bool(_looked(result.frames["looks"]))


FIGURES = (
    FigureSpec("product_mix", ("product_mix",), draw_mix, (8.2, 4.6), ("M-1.3",)),
    FigureSpec("looks", ("looks",), draw_looks, (8.2, 5.1), ("M-1",), worth=_some_looks),
)
