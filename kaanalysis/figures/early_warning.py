"""05: from when the patterns' evidence held, month by month, and whether the total revenue showed it."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib import dates
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kaanalysis.figures.pattern_parts import PATTERNS, VERDICTS, pattern_name
from kaanalysis.figures.scene import FigureSpec, Scene
from kaanalysis.figures.style import INK, KA, LINE, SMALL, SOFT, wrap
from kaanalysis.results import Result

REVENUE = "revenue"
LEAST = 1e-4  # p-values below it are drawn at it


def height(p: float, level: float) -> float:
    """How far up a p-value is drawn, 0 … 1: 0 for 1, a half at the line 1 - `level`, 1 at :data:`LEAST` and below; logarithmic on each
    side of the line."""
    line = 1 - level
    if p >= line:
        return 0.5 * float(np.log(max(p, line)) / np.log(line)) if p < 1 else 0.0
    return 0.5 + 0.5 * min(float(np.log(p / line) / np.log(LEAST / line)) if p > 0 else 1.0, 1.0)


def warning_row(rows: pd.DataFrame, y: float, color: str, level: float, ax: Axes) -> None:
    """One pattern's p-values as steps between y and y - 0.8, the months of its lasting alarm filled."""
    x = dates.date2num(rows["month"].to_numpy())
    up = np.array([height(p, level) if np.isfinite(p) else np.nan for p in rows["p_adjusted"].astype(float)])
    top = y - 0.8 * up
    ax.plot([x[0] - 31, x[-1]], [y, y], color=LINE, linewidth=0.8, zorder=1)
    ax.plot([x[0] - 31, x[-1]], [y - 0.4] * 2, color=SOFT, linewidth=0.7, linestyle=(0, (4, 3)), zorder=1.5)
    edges = np.concatenate([[x[0] - 30], x])
    for left, right, height_, held in zip(edges[:-1], edges[1:], top, rows["holds"], strict=True):
        if np.isfinite(height_):
            ax.fill_between([left, right], y, height_, color=color, alpha=0.9 if held else 0.22, linewidth=0, zorder=2)
            ax.plot([left, right], [height_] * 2, color=color, linewidth=1.4, zorder=3)


def draw_warning(scene: Scene, figure: Figure) -> None:
    frame = scene.frame("early_warning")
    level = float(scene.policy["evidence.level"])
    names = [id for id in (*PATTERNS, REVENUE) if (frame["pattern"] == id).any()]
    figure.set_size_inches(8.2, 0.52 * len(names) + 1.9)
    ax = figure.subplots()
    first, last = frame["month"].min(), frame["month"].max()
    for y, id in enumerate(names):
        rows = frame[frame["pattern"] == id].sort_values("month")
        held = rows.loc[rows["holds"], "month"]
        # Red is for an alarm that holds.
        color = KA if id == REVENUE else VERDICTS["supported"][0] if len(held) else SOFT
        warning_row(rows, float(y), color, level, ax)
        said = scene.text("since", month=held.min().strftime("%Y-%m")) if len(held) else scene.text("quiet")
        if rows["p_adjusted"].isna().all():
            said = scene.text("not_measured")
        ax.annotate(said, (1.0, y - 0.3), xycoords=("axes fraction", "data"), xytext=(6, 0), textcoords="offset points", va="center",
                    fontsize=SMALL, fontweight="bold" if len(held) else "normal", color=INK if len(held) else SOFT,
                    annotation_clip=False)  # fmt: skip
    labels = [
        scene.text("revenue") if id == REVENUE else scene.text("row", id=id, name=pattern_name(scene, id))
        for id in names
    ]
    ax.set_yticks([y - 0.3 for y in range(len(names))], [wrap(label, 15, 2) for label in labels])
    ax.set_ylim(len(names) - 0.9, -0.95)
    ax.set_xlim(dates.date2num(first) - 31, dates.date2num(last))
    ax.xaxis.set_major_locator(dates.AutoDateLocator(minticks=4, maxticks=8))
    ax.xaxis.set_major_formatter(dates.DateFormatter("%Y-%m"))
    ax.grid(False)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.set_xlabel(scene.text("x_label"))
    ax.set_ylabel(scene.text("y_label"))
    scene.note("reading", line=scene.share(1 - level), months=scene.count(scene.policy["early_warning.hold_months"]))
    scene.note("looks")


def warning_terms(scene: Scene) -> dict[str, str]:
    """The pattern whose alarm holds longest and the revenue's, for the title."""
    frame = scene.frame("early_warning")
    held = frame[frame["holds"]].groupby("pattern")["month"].min()
    mine = held.drop(REVENUE, errors="ignore").sort_values(kind="stable")
    if mine.empty:
        return {"variant": "revenue" if REVENUE in held else "none"}
    id = str(mine.index[0])
    lead = scene.finding(id)
    number = lead.number("lead_months") if lead is not None else None
    said = {"pattern": pattern_name(scene, id), "month": mine.iloc[0].strftime("%Y-%m")}
    if number is None or number.value is None:
        return {"variant": "alarm", **said}
    months = scene.words.value(abs(float(number.value)), "months")
    kind = (
        "never" if number.low is not None else "before" if number.value > 0 else "after" if number.value < 0 else "same"
    )
    return {"variant": kind, "months": months, **said}


def _judged(result: Result) -> bool:
    frame = result.frames["early_warning"]
    return bool((frame["pattern"] != REVENUE).any() and frame["p_adjusted"].notna().any())


FIGURES = (
    FigureSpec("early_warning", ("early_warning",), draw_warning, (8.2, 5.4), terms=warning_terms, worth=_judged),
)
