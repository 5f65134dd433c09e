"""05: where key-account revenue came from."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
from matplotlib import dates
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from kaanalysis.figures.parts import baseline, format_axis, mark_line, only_x_grid, spread
from kaanalysis.figures.scene import FigureSpec, Scene
from kaanalysis.figures.style import BAD, GOOD, INK, LINE, SEGMENT_TEXT, SEGMENTS, SMALL, SOFT, wrap

PARTS = {
    "new": (GOOD, None),
    "on_top": ("#9CCFC4", None),
    "carried_on": (LINE, "///"),
    "smb_lost": (BAD, "\\\\\\"),
    "net_increment": (INK, None),
}
TRAILING = 6
EDGED = [withStroke(linewidth=3.4, foreground="white")]  # lines that lie on dark bars too


def bridge_rows(frame: pd.DataFrame, scene: Scene, ax: Axes) -> Axes:
    """KA revenue by part with the part's share of the total, what other teams lost to the left, and the net; bounds as thick lines (where
    the frame has them), their sampling error as thin ones."""
    table = frame.set_index("part")
    parts = [p for p in PARTS if p in table.index]
    total = float(table.loc[[p for p in ("new", "on_top", "carried_on") if p in table.index], "value"].sum())
    ends = []
    for y, part in enumerate(parts):
        sign = -1.0 if part == "smb_lost" else 1.0
        value, low, high = (sign * float(table[c].loc[part]) for c in ("value", "low", "high"))
        color, hatch = PARTS[part]
        ax.barh(y, value, color=color, height=0.58, hatch=hatch, edgecolor="white" if hatch else color)
        if np.isfinite(low) and np.isfinite(high):
            # In one stroke, tips and all: a white edge must not cut the line where it meets them.
            tip = 0.11
            ax.plot([low, low, low, high, high, high], [y - tip, y + tip, y, y, y + tip, y - tip], color=INK, linewidth=1.4,
                    path_effects=EDGED)  # fmt: skip
        if "least" in table and part in ("smb_lost", "net_increment"):
            bounds = [sign * float(table[c].loc[part]) for c in ("least", "most")]
            ax.plot(bounds, [y, y], color="white", linewidth=6.5, solid_capstyle="butt", zorder=3)
            ax.plot(bounds, [y, y], color=INK, linewidth=4.0, solid_capstyle="butt", zorder=4)
            ends += bounds
        reach = float(np.nanmax([value, low, high, 0.0]))
        ends += [x for x in (value, low, high) if np.isfinite(x)]
        share = scene.exact_share(abs(value) / total if total else 0.0)
        text = scene.text(
            "part" if part in ("new", "on_top", "carried_on") else "net",
            amount=scene.amount(value).replace("-", "−"),
            share=share,
        )
        ax.annotate(text, (reach, y), xytext=(6, 0), textcoords="offset points", va="center", fontsize=SMALL + 0.5,
                    fontweight="bold")  # fmt: skip
    only_x_grid(ax)
    baseline(ax, x=0)
    if "smb_lost" in parts:
        ax.axhline(parts.index("smb_lost") - 0.5, color=LINE, linewidth=0.8)
    ax.set_yticks(range(len(parts)), [wrap(scene.text(p), 15) for p in parts])
    ax.set_ylim(len(parts) - 0.5, -0.5)
    most, least = max([*ends, 0.0]), min([*ends, 0.0])
    ax.set_xlim(least - 0.04 * (most - least) if least < 0 else 0, most + 0.3 * (most - least))
    format_axis(ax.xaxis, scene.compact, 5)
    ax.set_xlabel(scene.text("x_label", currency=scene.currency))
    ax.set_ylabel(scene.text("y_label"))
    return ax


def draw_bridge(scene: Scene, figure: Figure) -> None:
    frame = scene.frame("revenue_bridge")
    bridge_rows(frame, scene, figure.subplots())
    part = scene.number("ka_revenue_new")
    whole = "net_increment" in set(frame["part"])
    scene.note("bounds" if whole else "interval", level=scene.level(), n=scene.count(part.n if part is not None else 0))


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
            scene.segment(motion) if motion in SEGMENTS else scene.named("motion", motion),
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
    FigureSpec("revenue_bridge", ("revenue_bridge",), draw_bridge, (7.6, 4.4), ("M-D",)),
    FigureSpec("monthly_revenue", ("monthly_revenue",), draw_monthly, (8.2, 4.0), (), monthly_terms),
)
