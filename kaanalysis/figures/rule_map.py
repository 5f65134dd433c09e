"""04: the map of the path rule: the case, its cloud, the borders, and how far it is to each of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from kaanalysis.figures.parts import format_axis, rows_of
from kaanalysis.figures.scene import Scene
from kaanalysis.figures.style import INK, PATH_TEXT, PATHS, SMALL, SOFT

ORDER = ("part_time", "split", "rebuild")
TOP = 1.02  # above the best fit, so that its dots are whole
BINS = 40  # of fit, in each column of the cloud
WIDEST = 0.42  # half the width of a column of the cloud where it is densest, in steps


def rule_map(cloud: pd.DataFrame, borders: pd.DataFrame, scene: Scene, ax: Axes) -> Axes:
    """Cells of the rule (the more demanding of bottlenecks and fit) with the share of the cloud in each path, the cloud as a density
    per number of bottlenecks, the case, what moves it over the nearest border of each axis, and at every border the distance and the
    share of the cloud beyond it. borders: frame ``rule_borders``."""
    few, some = float(scene.policy["path.few_bottlenecks"]), float(scene.policy["path.some_bottlenecks"])
    medium, high = float(scene.policy["path.medium_fit"]), float(scene.policy["path.high_fit"])
    counts, fits, size = (cloud[c].to_numpy(float) for c in ("bottlenecks", "fit", "size"))
    case = {n: scene.number(n) for n in ("bottlenecks", "fit")}
    steps, level = (float(n.value) if n is not None and n.value is not None else np.nan for n in case.values())
    right = max(some + 2, counts.max(initial=0) + 1, np.nan_to_num(steps) + 1) + 0.5
    bottom = max(0.0, min(medium - 0.2, float(np.nanmin(fits, initial=1)) - 0.05, np.nan_to_num(level, nan=1.0) - 0.1))
    xs, ys = [-0.5, few + 0.5, some + 0.5, right], [TOP, high, medium, bottom]
    for i in range(3):
        for j in range(3):
            path = ORDER[max(i, j)]
            corner, across, up = (xs[i], ys[j + 1]), xs[i + 1] - xs[i], ys[j] - ys[j + 1]
            ax.add_patch(Rectangle(corner, across, up, facecolor=PATHS[path], alpha=0.3, linewidth=0, zorder=0.5))
    for x in xs[1:3]:
        ax.plot([x, x], [bottom, TOP], color="white", linewidth=2, zorder=0.8)
    for y in ys[1:3]:
        ax.plot([-0.5, right], [y, y], color="white", linewidth=2, zorder=0.8)
    ax.set_xlim(-0.5, right)
    ax.set_ylim(bottom, TOP)
    _cloud(ax, counts, fits, size, (bottom, TOP))
    _intervals(ax, case)
    _moves(ax, borders, steps, level, right)
    if np.isfinite(steps) and np.isfinite(level):
        ax.plot(
            [steps], [level], "D", color="white", markeredgecolor=INK, markeredgewidth=2, markersize=10, zorder=7
        )  # fmt: skip
    _paths(ax, scene, xs, ys, (counts, fits, size), (steps, level))
    _distances(ax, borders, scene)
    ax.grid(False)
    ax.set_xticks(range(0, int(right) + 1, max(1, int(right) // 8)))
    format_axis(ax.xaxis, scene.count)
    format_axis(ax.yaxis, scene.count, 6)
    ax.set_xlabel(scene.text("x_label", minimum=scene.count(float(scene.policy["bottleneck.minimum_relief"]))))
    ax.set_ylabel(scene.text("y_label"))
    return ax


def _cloud(ax: Axes, counts: np.ndarray, fits: np.ndarray, size: np.ndarray, limits: tuple[float, float]) -> None:
    """For every number of bottlenecks the resamples' fits as a mirrored histogram: its area is their share of the cloud."""
    there = np.isfinite(fits)
    edges = np.linspace(*limits, BINS + 1)
    columns = np.unique(counts[there])
    mass = np.array(
        [np.histogram(fits[there & (counts == c)], edges, weights=size[there & (counts == c)])[0] for c in columns]
    )
    if not mass.size or mass.max() <= 0:
        return
    half = WIDEST * mass / mass.max()
    # What is there at all must be seen: half a twentieth of a step at least.
    half = np.where(mass > 0, np.maximum(half, 0.025), 0.0)
    for column, row in zip(columns, half, strict=True):
        ax.barh(
            (edges[:-1] + edges[1:]) / 2, 2 * row, left=column - row, height=edges[1] - edges[0], color=INK, alpha=0.5,
            linewidth=0, zorder=2,
        )  # fmt: skip


def _intervals(ax: Axes, case: dict[str, Any]) -> None:
    """The intervals of the case along the axes, where they cover nothing."""
    for name, number in case.items():
        if number is None or number.low is None or number.high is None:
            continue
        ends = [float(number.low), float(number.high)]
        at = ([0.012, 0.012], ends) if name == "fit" else (ends, [0.018, 0.018])
        transform = ax.get_yaxis_transform() if name == "fit" else ax.get_xaxis_transform()
        ax.plot(*at, transform=transform, color=INK, linewidth=4, solid_capstyle="butt", zorder=3)


def _moves(ax: Axes, borders: pd.DataFrame, steps: float, level: float, right: float) -> None:
    """An arrow from the case over the nearest border of each axis that changes the path; the nearest of all drawn strong."""
    bottom, top = ax.get_ylim()
    for axis in ("bottlenecks", "fit"):
        rows = [r for r in rows_of(borders[borders["axis"] == axis]) if r.then != r.now]
        if not rows or not (np.isfinite(steps) and np.isfinite(level)):
            continue
        row = max(rows, key=lambda r: (r.nearest, r.beyond, -r.need))
        sign = 1 if row.move in ("more", "higher") else -1
        end = (
            (steps + sign * row.need, level)
            if axis == "bottlenecks"
            else (steps, row.at + sign * 0.018 * (top - bottom))
        )
        style = {"arrowstyle": "-|>", "color": INK, "linewidth": 2.2 if row.nearest else 1.1, "shrinkA": 6, "shrinkB": 0,
                 "mutation_scale": 15 if row.nearest else 10, "linestyle": "-" if row.nearest else (0, (4, 2))}  # fmt: skip
        ax.annotate("", xy=end, xytext=(steps, level), arrowprops=style, zorder=6)


def _paths(
    ax: Axes,
    scene: Scene,
    xs: list[float],
    ys: list[float],
    cloud: tuple[np.ndarray, np.ndarray, np.ndarray],
    case: tuple[float, float],
) -> None:
    """The name of each path and its share of the cloud, in that corner of its cells where least of the cloud lies."""
    counts, fits, size = cloud
    wide, tall = 0.36 * (xs[3] - xs[0]), 0.075 * (ys[0] - ys[3])
    for k, path in enumerate(ORDER):
        label = scene.named("path", path)
        share = scene.number("p_rule", path)
        if share is not None and share.value is not None:
            label = scene.text("cell", path=label, share=scene.words.value(float(share.value), "probability"))
        spots = []
        for i in range(3):
            for j in range(3):
                if max(i, j) != k:
                    continue
                for y, side in (
                    (ys[j + 1] + (0.045 if j == 2 else 0.02) * (ys[0] - ys[3]), "bottom"),
                    (ys[j] - 0.02 * (ys[0] - ys[3]), "top"),
                ):
                    reach = (y, y + tall) if side == "bottom" else (y - tall, y)
                    x = xs[i] + 0.015 * (xs[3] - xs[0]) + (0.012 * (xs[3] - xs[0]) if i == 0 else 0)
                    over = (counts > x - 0.5) & (counts < x + wide + 0.3) & (fits > reach[0]) & (fits < reach[1])
                    near = abs(case[1] - (reach[0] + reach[1]) / 2) < 1.2 * tall and x - 0.3 < case[0] < x + wide
                    spots.append((float(size[over].sum()) + (float(size.sum()) if near else 0.0), x, y, side))
        _, x, y, side = min(spots, key=lambda s: s[0])
        ax.text(
            x, y, label, color=PATH_TEXT[path], fontweight="bold", va=side, fontsize=SMALL + 1, zorder=8,
            path_effects=[patheffects.withStroke(linewidth=3, foreground="white", alpha=0.8)],
        )  # fmt: skip


def _distances(ax: Axes, borders: pd.DataFrame, scene: Scene) -> None:
    """Outside the map, at each border: the least move over it and the share of the cloud beyond it."""
    for axis, (first, last) in (("bottlenecks", ax.get_xlim()), ("fit", ax.get_ylim())):
        rows = sorted(rows_of(borders[borders["axis"] == axis]), key=lambda r: r.at)
        # Two borders close together: their labels stand on either side of the pair.
        room = 0.3 if axis == "bottlenecks" else 0.13
        near = len(rows) > 1 and (rows[-1].at - rows[0].at) < room * (last - first)
        for row in rows:
            unit = "bottlenecks" if axis == "bottlenecks" else "fit"
            need = scene.text(f"move_{row.move}", need=scene.words.value(float(row.need), unit))
            said = f"{need}\n{scene.text('beyond', share=scene.words.value(float(row.beyond), 'probability'))}"
            strong: dict[str, Any] = {"fontweight": "bold", "color": INK} if row.nearest else {"color": SOFT}
            lower = row is rows[0]
            if axis == "bottlenecks":
                side = ("right" if lower else "left") if near else "center"
                ax.annotate(said, (row.at, 1.0), (0, 4), xycoords=("data", "axes fraction"), textcoords="offset points",
                            ha=side, va="bottom", fontsize=SMALL, linespacing=1.15, **strong)  # fmt: skip
            else:
                side = ("top" if lower else "bottom") if near else "center"
                ax.annotate(said, (1.0, row.at), (6, 0), xycoords=("axes fraction", "data"), textcoords="offset points",
                            ha="left", va=side, fontsize=SMALL, linespacing=1.15, **strong)  # fmt: skip


def draw_rule(scene: Scene, figure: Figure) -> None:
    cloud = scene.frame("rule_cloud").dropna(subset=["fit"])
    rule_map(cloud, scene.frame("rule_borders"), scene, figure.subplots())
    scene.note("cloud", n=scene.count(int(cloud["size"].sum())), level=scene.level())
