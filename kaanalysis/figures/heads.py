"""00: what a seller wins year by year, and what one more unit won costs along the chain."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from kaanalysis.figures.parts import format_axis, log_ticks, only_y_grid, spread, whisker_v
from kaanalysis.figures.scene import FigureSpec, Scene
from kaanalysis.figures.style import BASE, INK, SEGMENT_TEXT, SMALL, SMB, SOFT, wrap
from kaanalysis.results import Result

LINKS = {
    "seller": ("#3E4A54", None),
    "manager": ("#77838C", None),
    "training": ("#B7BFC5", None),
    "support": ("#DDE1E4", "///"),
}
WHITE = {"facecolor": "white", "edgecolor": "none", "pad": 0.6}
DASHES = ("-", (0, (6, 2)), (0, (2, 1.5)), (0, (6, 2, 1.5, 2)), (0, (1, 1)))
MOST_NAMED = 8


def _years(scene: Scene) -> pd.DataFrame:
    """Years of small-customer teams in which something was won."""
    frame = scene.frame("head_years")
    return frame[(frame["motion"] == "SMB") & (frame["per_head"] > 0)]


def _has_years(result: Result) -> bool:
    frame = result.frames["head_years"]
    mine = frame[(frame["motion"] == "SMB") & (frame["per_head"] > 0)]
    return len(set(mine["year"])) > 1


def _trend(frame: pd.DataFrame, scene: Scene, ax: Axes) -> None:
    """The common yearly change through the middle of all points, with its interval, and the rise from which there is no ceiling."""
    number = scene.number("revenue_per_head_growth", "SMB")
    years = np.linspace(frame["year"].min(), frame["year"].max(), 40)
    middle, level = float(frame["year"].mean()), float(np.log(frame["per_head"]).mean())

    def line(rate: float) -> np.ndarray:
        return np.asarray(np.exp(level + np.log1p(rate) * (years - middle)))

    mark = float(scene.policy["growth.head_rate"])
    ax.plot(years, line(mark), color=SOFT, linewidth=1.1, linestyle=(0, (4, 3)), zorder=3)
    if number is None or number.value is None or number.value <= -1:
        return
    if number.low is not None and number.high is not None and number.low > -1:
        low, high = line(float(number.low)), line(float(number.high))
        ax.fill_between(
            years, np.minimum(low, high), np.maximum(low, high), color=INK, alpha=0.1, linewidth=0, zorder=1
        )
    ax.plot(years, line(float(number.value)), color=INK, linewidth=2.8, zorder=4)


def head_lines(frame: pd.DataFrame, scene: Scene, ax: Axes) -> Axes:
    """Won amount per seller and year of every small-customer team, on a logarithmic scale."""
    sizes = frame.groupby("team")["heads"].mean().sort_values(ascending=False, kind="stable")
    ends = []
    for place, team in enumerate(sizes.index):
        mine = frame[frame["team"] == team].sort_values("year")
        ax.plot(
            mine["year"], mine["per_head"], color=SMB, linewidth=1.5, linestyle=DASHES[place % len(DASHES)], marker="o",
            markersize=3.5, zorder=2,
        )  # fmt: skip
        if place < MOST_NAMED:
            ends.append((str(team), float(mine["year"].iloc[-1]), float(mine["per_head"].iloc[-1])))
    low, high = float(frame["per_head"].min()) / 1.15, float(frame["per_head"].max()) * 1.15
    _trend(frame, scene, ax)
    ax.set_yscale("log")
    ax.set_ylim(low, high)
    first, last = int(frame["year"].min()), int(frame["year"].max())
    ax.set_xlim(first - 0.15, last + 0.15)
    heights = spread([np.log(v) for _, _, v in ends], np.log(high / low) * 0.066, np.log(low), np.log(high))
    for (team, _, _), y in zip(ends, heights, strict=True):
        ax.annotate(
            wrap(scene.words.term("team", team), 9, 1), (last + 0.15, np.exp(y)), xytext=(4, 0), textcoords="offset points",
            va="center", fontsize=SMALL, color=SEGMENT_TEXT["SMB"], annotation_clip=False,
        )  # fmt: skip
    log_ticks(ax.yaxis, low, high, scene.compact)
    until = dt.date.fromisoformat(scene.result.as_of)
    years = range(first, last + 1, max(1, (last - first) // 6))
    ax.set_xticks(list(years), [f"{until.year + y}-{until.month:02d}" for y in years])
    ax.set_xlabel(scene.text("x_label"))
    ax.set_ylabel(scene.text("y_label", currency=scene.currency))
    ax.set_title(scene.text("heads_title"), fontsize=BASE)
    return ax


def chain_panel(frame: pd.DataFrame, scene: Scene, ax: Axes) -> Axes:
    """First-year cost of one more unit won, link by link, with the interval of the whole; dashed, where it costs itself."""
    motions = [
        m for m in ("SMB", "KA") if (frame["motion"] == m).any() and scene.number("cost_of_growth", m) is not None
    ]
    top = 1.0
    bars = []
    for motion in motions:
        number = scene.number("cost_of_growth", motion)
        assert number is not None
        whole = float(number.value) if number.value is not None else 0.0
        low, high = (float(v) if v is not None else np.nan for v in (number.low, number.high))
        top = float(np.nanmax([top, whole, min(high, 2.5 * max(whole, 1.0)) if np.isfinite(high) else whole]))
        bars.append((motion, whole, low, high))
    top *= 1.08
    for x, (motion, whole, low, high) in enumerate(bars):
        mine = frame[frame["motion"] == motion].set_index("link")["cost_per_head"]
        base, places = 0.0, []
        for link in [k for k in LINKS if k in mine.index]:
            part = float(mine[link]) / float(mine.sum())
            color, hatch = LINKS[link]
            ax.bar(x, part * whole, bottom=base, width=0.4, color=color, hatch=hatch, edgecolor="white", zorder=2)
            places.append((link, base + part * whole / 2, part))
            base += part * whole
        whisker_v(ax, x - 0.26, low, min(high, top), 0.04)
        if np.isfinite(high) and high > top:
            ax.plot([x - 0.26], [top], "^", color=INK, markersize=6, clip_on=False, zorder=5)
        heights = spread([y for _, y, _ in places], top * 0.085, top * 0.045, top)
        for (_, _, part), y in zip(places, heights, strict=True):
            ax.annotate(scene.share(part), (x + 0.24, y), va="center", fontsize=SMALL, color=SOFT, bbox=WHITE)
    ax.axhline(1, color=SOFT, linewidth=1.0, linestyle=(0, (4, 3)), zorder=1.5)
    names = [
        scene.text("bar", segment=scene.segment(m), value=scene.count(round(w, 2)), span=scene.between(low, high))
        for m, w, low, high in bars
    ]
    ax.set_xticks(range(len(bars)), names)
    for label, (motion, *_rest) in zip(ax.get_xticklabels(), bars, strict=True):
        label.set_color(SEGMENT_TEXT[motion])
        label.set_fontweight("bold")
    ax.tick_params(axis="x", length=0)
    ax.set_xlim(-0.5, len(bars) - 0.5 + 0.1)
    shown = [k for k in LINKS if (frame["link"] == k).any()]
    keys = [Patch(facecolor=LINKS[k][0], hatch=LINKS[k][1], edgecolor="white") for k in reversed(shown)]
    ax.legend(keys, [scene.words.term("link", k) for k in reversed(shown)], loc="upper right", frameon=False, fontsize=SMALL,
              borderaxespad=0.0, handlelength=1.2, labelspacing=0.25)  # fmt: skip
    ax.set_ylim(0, top * 1.4)
    only_y_grid(ax)
    format_axis(ax.yaxis, scene.count, 5)
    ax.set_ylabel(scene.text("cost_label"))
    ax.set_xlabel(scene.text("cost_x_label"))
    ax.set_title(scene.text("cost_title"), fontsize=BASE)
    return ax


def draw_heads(scene: Scene, figure: Figure) -> None:
    chain = scene.result.frames.get("chain_cost")
    with_chain = chain is not None and len(chain) > 0 and scene.number("cost_of_growth") is not None
    if chain is not None and with_chain:
        left, right = figure.subplots(1, 2, width_ratios=[1.25, 1])
        chain_panel(chain, scene, right)
    else:
        left = figure.subplots()
    head_lines(_years(scene), scene, left)
    number = scene.number("revenue_per_head_growth", "SMB")
    scene.note(
        "heads_note",
        level=scene.level(),
        n=scene.count(number.n if number is not None else 0),
        mark=scene.share(scene.policy["growth.head_rate"]),
    )
    if (scene.frame("head_years").query("motion == 'SMB'")["per_head"] <= 0).any():
        scene.note("nothing_won")
    if with_chain:
        scene.note("chain_note")


FIGURES = (FigureSpec("head_years", ("head_years",), draw_heads, (8.2, 4.3), ("M-0",), worth=_has_years),)
