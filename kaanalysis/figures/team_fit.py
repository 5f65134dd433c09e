"""03: can today's team carry the flow, and which lane's gaps stand where wins are lost."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kaanalysis.contracts import LANES
from kaanalysis.figures.parts import baseline, format_axis, interval_h, jitter, mark_line, only_x_grid, rows_of
from kaanalysis.figures.scene import FigureSpec, Scene
from kaanalysis.figures.style import BAD, INK, KA, LINE, SMALL, SOFT, wrap

MOST_ITEMS = 9  # items named in the figure of lanes; all are in the table


def item_name(row: object, scene: Scene) -> str:
    """The item in the reader's language, as the catalogue has it; as in the data where it has none."""
    zh = getattr(row, "item_zh", None)
    return str(zh) if scene.words.language == "zh" and isinstance(zh, str) else str(row.item)  # type: ignore[attr-defined]


def level_strips(items: pd.DataFrame, lanes: list[str], scene: Scene, ax: Axes) -> Axes:
    """A strip per lane with a dot per judged item at its level, as large as it weighs, its interval where several judges gave one; the item
    furthest behind is named. What nobody judged is counted at the edge."""
    required = float(scene.policy["fit.required_level"])
    for y, lane in enumerate(lanes):
        mine = items[(items["lane"] == lane) & items["demanded"]]
        told = mine[mine["judged"]].sort_values(["level", "item"])
        offsets = jitter(len(told), 0.34)
        behind = (
            int(np.argmax(told["weight"].to_numpy(float) * (1 - told["reached"].to_numpy(float)))) if len(told) else -1
        )
        for k, (row, off) in enumerate(zip(rows_of(told), offsets, strict=True)):
            short = row.reached < 1
            size = float(np.clip(4 + 22 * np.sqrt(row.weight), 5, 13))
            if np.isfinite(row.low) and np.isfinite(row.high):
                ax.plot([row.low, row.high], [y + off] * 2, color=LINE, linewidth=1.3, zorder=2)
            ax.plot(
                [row.level],
                [y + off],
                "o",
                color=BAD if short else KA,
                markersize=size,
                markeredgecolor="white",
                alpha=0.9,
                zorder=3,
            )
            if k == behind and short:
                left = told["level"][(told["level"] <= row.level) & (told["level"] > row.level - 0.09)].min()
                ax.annotate(item_name(row, scene), (left, y + off), xytext=(-size / 2 - 2, 0), textcoords="offset points",
                            ha="right", va="center", fontsize=SMALL)  # fmt: skip
        unjudged = int((~mine["judged"]).sum())
        if unjudged:
            text = scene.text("not_judged", n=scene.count(unjudged), of=scene.count(len(mine)))
            ax.annotate(
                text, (0.02, y + 0.36), xycoords=("axes fraction", "data"), va="center", fontsize=SMALL, color=SOFT
            )
    mark_line(ax, x=required)
    only_x_grid(ax)
    ax.set_yticks(range(len(lanes)), [wrap(scene.words.term("lane", lane), 7, 2) for lane in lanes])
    ax.set_xlim(0, 1.02)
    format_axis(ax.xaxis, scene.count, 5)
    ax.set_xlabel(scene.text("level_label"))
    ax.set_title(scene.text("level_title"))
    return ax


def fit_rows(frame: pd.DataFrame, scene: Scene, ax: Axes) -> Axes:
    """Fit of every lane and of all: dot and interval over what was judged, a pale bar from all unjudged missing to all there."""
    total = scene.number("fit", "KA")
    bounds = [scene.number(n, "KA") for n in ("fit_if_absent", "fit_if_present")]
    for y, r in enumerate(rows_of(frame)):
        ax.plot([r.absent, r.present], [y, y], color=LINE, alpha=0.45, linewidth=9, solid_capstyle="butt", zorder=1)
        interval_h(ax, y, r.fit, r.low, r.high, KA)
    y = len(frame)
    if all(b is not None and b.value is not None for b in bounds):
        ends = [float(b.value) for b in bounds if b is not None and b.value is not None]
        ax.plot(ends, [y, y], color=LINE, alpha=0.45, linewidth=9, solid_capstyle="butt", zorder=1)
    if total is not None and total.value is not None:
        interval_h(ax, y, total.value, total.low, total.high, INK, 9)
        ax.annotate(scene.count(round(float(total.value), 2)), (float(total.value), y), xytext=(0, 8), textcoords="offset points",
                    ha="center", fontsize=SMALL, fontweight="bold")  # fmt: skip
    mark_line(ax, x=float(scene.policy["path.high_fit"]))
    only_x_grid(ax)
    ax.set_xlim(0, 1.02)
    format_axis(ax.xaxis, scene.count, 4)
    ax.set_xlabel(scene.text("fit_label"))
    ax.set_title(scene.text("fit_title"))
    return ax


def draw_fit(scene: Scene, figure: Figure) -> None:
    frame, items = scene.frame("fit_lanes").reset_index(drop=True), scene.frame("fit_items")
    lanes = [str(lane) for lane in frame["lane"]]
    figure.set_size_inches(8.2, 2.4 + 0.62 * (len(lanes) + 1))
    left, right = figure.subplots(1, 2, width_ratios=[1.7, 1], sharey=True)
    level_strips(items, lanes, scene, left)
    fit_rows(frame, scene, right)
    left.set_yticks(
        range(len(lanes) + 1),
        [*[wrap(scene.words.term("lane", lane), 7, 2) for lane in lanes], scene.text("all_lanes")],
    )
    left.get_yticklabels()[-1].set_fontweight("bold")
    left.set_ylim(len(lanes) + 0.5, -0.6)
    left.set_ylabel(scene.text("y_label"))
    required, high = (scene.count(float(scene.policy[p])) for p in ("fit.required_level", "path.high_fit"))
    scene.note("reading", level=scene.level(), required=required, high=high)


def _relief_axis(ax: Axes, highs: np.ndarray, scene: Scene) -> None:
    baseline(ax, x=0)
    only_x_grid(ax)
    ax.set_xlim(-0.02 * float(highs.max()), max(float(highs.max()), 0.5) * 1.12)
    format_axis(ax.xaxis, scene.count, 4)
    ax.set_xlabel(scene.text("relief_label"))


def lane_rows(frame: pd.DataFrame, scene: Scene, ax: Axes) -> Axes:
    """Relief that falls to each lane, with interval; the first is marked."""
    by_lane = {str(r.lane): r for r in rows_of(frame.drop_duplicates("lane"))}
    names = [lane for lane in LANES if lane in by_lane]
    top = max(names, key=lambda lane: float(by_lane[lane].lane_relief))
    for y, lane in enumerate(names):
        r = by_lane[lane]
        interval_h(ax, y, r.lane_relief, r.lane_low, r.lane_high, BAD if lane == top else KA)
    ax.set_yticks(range(len(names)), [wrap(scene.words.term("lane", lane), 8, 2) for lane in names])
    ax.get_yticklabels()[names.index(top)].set_fontweight("bold")
    ax.set_ylim(len(names) - 0.5, -0.5)
    _relief_axis(ax, frame[["lane_relief", "lane_high"]].max(axis=1).to_numpy(float), scene)
    ax.set_title(scene.text("lanes_title"))
    return ax


def item_rows(frame: pd.DataFrame, scene: Scene, ax: Axes) -> Axes:
    """The items that most of the relief falls to, with lane, level and the step it comes from first."""
    some = frame[frame["relief"] > 0].nlargest(MOST_ITEMS, "relief").reset_index(drop=True)
    names = []
    for y, r in enumerate(rows_of(some)):
        interval_h(ax, y, r.relief, r.low, r.high, SOFT, 6)
        step = scene.step(str(r.steps).split(", ")[0])
        names.append(
            wrap(scene.text("item", item=item_name(r, scene), lane=scene.words.term("lane", r.lane), step=step), 19, 3)
        )
    ax.set_yticks(range(len(some)), names, fontsize=SMALL)
    ax.set_ylim(len(some) - 0.4, -0.6)
    _relief_axis(ax, some[["relief", "high"]].max(axis=1).to_numpy(float), scene)
    ax.set_title(scene.text("items_title"))
    return ax


def draw_lane_reliefs(scene: Scene, figure: Figure) -> None:
    frame = scene.frame("lane_reliefs")
    count = min(MOST_ITEMS, int((frame["relief"] > 0).sum()))
    figure.set_size_inches(8.2, 2.2 + 0.5 * max(count, 4))
    left, right = figure.subplots(1, 2, width_ratios=[1, 1.15])
    lane_rows(frame, scene, left)
    left.set_ylabel(scene.text("y_label"))
    item_rows(frame, scene, right)
    right.set_ylabel(scene.text("item_label"))
    scene.note("reading", level=scene.level())


FIGURES = (
    FigureSpec("fit", ("fit_items", "fit_lanes"), draw_fit, (8.2, 6.0), ("M-3.6",)),
    FigureSpec(
        "lane_reliefs",
        ("lane_reliefs",),
        draw_lane_reliefs,
        (8.2, 6.0),
        ("M-3.6",),
        worth=lambda result: bool((result.frames["lane_reliefs"]["relief"] > 0).any()),
    ),
)
