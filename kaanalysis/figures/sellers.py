"""03: sellers with and without an SMB past on key accounts, as two spreads."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kaanalysis.figures.parts import format_axis, only_x_grid, rows_of
from kaanalysis.figures.scene import FigureSpec, Scene
from kaanalysis.figures.style import KA, SEGMENTS, SMALL, SOFT

STYLES = {"smb_past": (SEGMENTS["SMB"], "-"), "no_smb_past": (KA, (0, (5, 2)))}


def spread_panel(scene: Scene, ax: Axes) -> Axes:
    """Where the true rates of each group's sellers lie."""
    frame, sellers = scene.frame("seller_spread"), scene.frame("sellers")
    for group, (color, line) in STYLES.items():
        mine = frame[frame["group"] == group]
        if mine.empty:
            continue
        ax.fill_between(mine["rate"], mine["density"], color=color, alpha=0.2, linewidth=0)
        count = scene.count(int((sellers["group"] == group).sum()))
        ax.plot(
            mine["rate"], mine["density"], color=color, linestyle=line, linewidth=2, label=scene.text(group, n=count)
        )
    ax.legend(loc="upper right", frameon=False, fontsize=SMALL + 0.5)
    ax.set_ylim(0, float(frame["density"].quantile(0.99)) * 1.35)
    ax.set_yticks([])
    ax.set_ylabel(scene.text("density_label"))
    ax.axvline(float(scene.policy["success.target"]), color=SOFT, linewidth=1.0, linestyle=(0, (4, 3)))
    return ax


def seller_rows(scene: Scene, ax: Axes) -> Axes:
    """One line per seller: shrunk rate with interval, size of the dot by deals."""
    frame = scene.frame("sellers")
    place = 0
    for group, (color, _) in STYLES.items():
        for row in rows_of(frame[frame["group"] == group]):
            ax.plot([row.low, row.high], [place, place], color=color, linewidth=1.6, alpha=0.8)
            filled = color if group == "smb_past" else "white"
            ax.plot(row.rate, place, "o", color=color, markerfacecolor=filled, markersize=3 + 1.2 * np.sqrt(row.deals))
            place += 1
        place += 1
    ax.set_ylim(place - 0.5, -1)
    ax.set_yticks([])
    ax.set_xlim(0, 1)
    format_axis(ax.xaxis, scene.share, 5)
    only_x_grid(ax)
    ax.axvline(float(scene.policy["success.target"]), color=SOFT, linewidth=1.0, linestyle=(0, (4, 3)))
    ax.set_xlabel(scene.text("x_label"))
    ax.set_ylabel(scene.text("y_label"))
    return ax


def draw_sellers(scene: Scene, figure: Figure) -> None:
    count = len(scene.frame("sellers"))
    figure.set_size_inches(7.6, min(7.0, 3.4 + 0.11 * count))
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=[1.2, max(1.0, 0.06 * count)])
    spread_panel(scene, top)
    seller_rows(scene, bottom)
    scene.note("reading", level=scene.level(), deals=scene.count(float(scene.policy["sellers.past_deals"])))


FIGURES = (FigureSpec("sellers", ("sellers", "seller_spread"), draw_sellers, (7.6, 5.0), ("M-3.2",)),)
