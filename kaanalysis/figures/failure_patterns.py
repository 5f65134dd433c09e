"""05: where key-account revenue came from."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
from matplotlib import dates
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kaanalysis.figures.parts import baseline, format_axis, mark_line, only_x_grid, spread
from kaanalysis.figures.scene import FigureSpec, Scene
from kaanalysis.figures.style import GOOD, INK, LINE, SEGMENT_TEXT, SEGMENTS, SMALL, SOFT, wrap

PARTS = {"new": (GOOD, None), "on_top": ("#9CCFC4", None), "carried_on": (LINE, "///")}
TRAILING = 6


def bridge_rows(frame: pd.DataFrame, scene: Scene, ax: Axes) -> Axes:
    """KA revenue by part with intervals and the part's share of the total."""
    table = frame.set_index("part")
    total = float(table["value"].sum())
    parts = [p for p in PARTS if p in table.index]
    for y, part in enumerate(parts):
        value, low, high = (float(table[c].loc[part]) for c in ("value", "low", "high"))
        color, hatch = PARTS[part]
        ax.barh(y, value, color=color, height=0.58, hatch=hatch, edgecolor="white" if hatch else color)
        if np.isfinite(low) and np.isfinite(high):
            ax.plot([low, high], [y, y], color=INK, linewidth=1.4)
            for end in (low, high):
                ax.plot([end, end], [y - 0.11, y + 0.11], color=INK, linewidth=1.4)
        reach = np.nanmax([value, high])
        text = scene.text("part", amount=scene.amount(value), share=scene.exact_share(value / total if total else 0.0))
        ax.annotate(
            text,
            (reach, y),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            fontsize=SMALL + 0.5,
            fontweight="bold",
        )
    only_x_grid(ax)
    baseline(ax, x=0)
    ax.set_yticks(range(len(parts)), [wrap(scene.text(p), 15) for p in parts])
    ax.set_ylim(len(parts) - 0.5, -0.5)
    ax.set_xlim(0, float(np.nanmax(table[["value", "high"]].to_numpy(float))) * 1.3)
    format_axis(ax.xaxis, scene.compact, 5)
    ax.set_xlabel(scene.text("x_label", currency=scene.currency))
    ax.set_ylabel(scene.text("y_label"))
    return ax


def draw_bridge(scene: Scene, figure: Figure) -> None:
    bridge_rows(scene.frame("revenue_bridge"), scene, figure.subplots())
    score = scene.number("score")
    scene.note("interval", level=scene.level(), n=scene.count(score.n if score is not None else 0))


def _by_month(frame: pd.DataFrame) -> pd.DataFrame:
    """Won amount, one column per motion, one row per month without gaps."""
    wide = frame.assign(month=pd.to_datetime(frame["month"])).pivot_table(
        index="month", columns="motion", values="won", aggfunc="sum"
    )
    months = pd.date_range(wide.index.min(), wide.index.max(), freq="MS")
    return wide.reindex(months).fillna(0.0)


def monthly_lines(frame: pd.DataFrame, scene: Scene, ax: Axes, launch: dt.date | None = None) -> Axes:
    """Won amount per month and motion: months as thin lines, their trailing mean as thick ones, the launch marked."""
    wide = _by_month(frame)
    motions = [m for m in ("SMB", "KA", *sorted(set(wide.columns) - {"SMB", "KA"})) if m in wide.columns]
    x = list(pd.DatetimeIndex(wide.index).to_pydatetime())
    ends = []
    for motion in motions:
        color = SEGMENTS.get(motion, LINE)
        mean = wide[motion].rolling(TRAILING, min_periods=1).mean()
        ax.plot(x, wide[motion], color=color, linewidth=0.8, alpha=0.45)
        ax.plot(
            x,
            mean,
            color=color,
            linewidth=2.4 if motion in SEGMENTS else 1.6,
            linestyle="-" if motion in SEGMENTS else "--",
        )
        ends.append(float(mean.iloc[-1]))
    top = float(np.nanmax(wide.to_numpy())) * 1.06 or 1.0
    for motion, y in zip(motions, spread(ends, top * 0.07, 0.0, top), strict=True):
        ax.annotate(
            scene.named("motion", motion),
            (x[-1], y),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            annotation_clip=False,
            fontweight="bold",
            color=SEGMENT_TEXT.get(motion, SOFT),
        )
    if launch is not None and x[0].date() <= launch <= x[-1].date():
        mark_line(ax, x=float(dates.date2num(launch)), label=scene.text("launch"))
    ax.set_ylim(0, top)
    ax.set_xlim(x[0], x[-1])
    locator = dates.AutoDateLocator(minticks=4, maxticks=8)
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(dates.DateFormatter("%Y-%m"))
    format_axis(ax.yaxis, scene.compact, 6)
    ax.set_ylabel(scene.text("y_label", currency=scene.currency))
    ax.set_xlabel(scene.text("x_label"))
    return ax


def draw_monthly(scene: Scene, figure: Figure) -> None:
    frame = scene.frame("monthly_revenue")
    monthly_lines(frame, scene, figure.subplots(), scene.launch)
    scene.note("lines", months=TRAILING, n=scene.count(int(frame["deals"].sum())))


def monthly_terms(scene: Scene) -> dict[str, str]:
    """KA teams' share of what was won in the last twelve months, for the title."""
    last = _by_month(scene.frame("monthly_revenue")).tail(12).sum()
    total = float(last.sum())
    return {"ka_share": scene.share(float(last.get("KA", 0.0)) / total if total else 0.0)}


FIGURES = (
    FigureSpec("revenue_bridge", ("revenue_bridge",), draw_bridge, (7.2, 3.2), ("M-D",)),
    FigureSpec("monthly_revenue", ("monthly_revenue",), draw_monthly, (8.2, 4.0), (), monthly_terms),
)
