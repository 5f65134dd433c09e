"""00: how much of their recurring fees customers keep, by segment and by the year they came."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kaanalysis.figures.parts import format_axis, only_y_grid, rows_of
from kaanalysis.figures.scene import FigureSpec, Scene
from kaanalysis.figures.style import BASE, LINE, SEGMENT_TEXT, SEGMENTS, SMALL, SOFT

MEASURES = ("gross_revenue_retention", "net_revenue_retention")
WHOLE = "all"


def _segments(frame: pd.DataFrame) -> list[str]:
    return [s for s in ("SMB", "KA") if (frame["segment"] == s).any()] or ["all"]


def cohort_dots(
    frame: pd.DataFrame, cohorts: list[str], segment: str, scene: Scene, ax: Axes, top: float, least: int
) -> Axes:
    """One measure of one segment: a dot with its interval per cohort, thin cohorts hollow and without; all of them as a band."""
    color = SEGMENTS[segment]
    whole = frame[frame["cohort"] == WHOLE]
    mine = frame.set_index("cohort").reindex(cohorts)
    ax.axhline(1, color=LINE, linewidth=1.0, zorder=1.2)
    if len(whole):
        row = whole.iloc[0]
        if np.isfinite(row["low"]) and np.isfinite(row["high"]):
            ax.axhspan(row["low"], min(row["high"], top), color=color, alpha=0.17, linewidth=0, zorder=1)
        ax.axhline(row["value"], color=color, linewidth=1.6, zorder=1.5)
        text = scene.text("whole", value=scene.share(float(row["value"])), n=scene.count(int(row["n"])),
                          accounts=scene.count(int(row["accounts"])))  # fmt: skip
        ax.set_title(
            scene.text("panel", segment=scene.segment(segment), whole=text), color=SEGMENT_TEXT[segment], fontsize=BASE
        )
    for x, r in enumerate(rows_of(mine)):
        if not np.isfinite(r.value):
            continue
        thin = r.n < least
        shown = min(float(r.value), top)
        if not thin and np.isfinite(r.low) and np.isfinite(r.high):
            ax.plot([x, x], [r.low, min(r.high, top)], color=color, linewidth=2.2, solid_capstyle="butt", zorder=3)
            if r.high > top:
                ax.plot([x], [top], "^", color=color, markersize=6, clip_on=False, zorder=4)
        ax.plot(
            [x], [shown], "^" if r.value > top else "o", color=color, markersize=4.5 if thin else 7,
            markerfacecolor="white" if thin else color, markeredgecolor=color if thin else "white", markeredgewidth=1.0,
            clip_on=False, zorder=4,
        )  # fmt: skip
    ax.set_xlim(-0.6, len(cohorts) - 0.4)
    ax.set_ylim(0, top)
    only_y_grid(ax)
    format_axis(ax.yaxis, scene.share, 4)
    return ax


def _top(frame: pd.DataFrame, least: int) -> float:
    """Highest share to draw: what cohorts that are not thin reach, within three times the fees of the year before."""
    firm = frame[(frame["n"] >= least) | (frame["cohort"] == WHOLE)]
    reach = np.nanmax([1.05, *firm["high"].dropna(), *firm["value"].dropna()])
    return float(min(reach, 3.0)) * 1.06


def draw_retention(scene: Scene, figure: Figure) -> None:
    frame = scene.frame("retention")
    segments = _segments(frame)
    measures = [m for m in MEASURES if (frame["measure"] == m).any()]
    least = int(scene.policy["evidence.minimum_units"])
    cohorts = sorted({str(c) for c in frame["cohort"]} - {WHOLE})
    figure.set_size_inches(8.2 if len(segments) > 1 else 6.2, 1.4 + 1.75 * len(measures))
    axes = figure.subplots(len(measures), len(segments), squeeze=False, sharex="col", sharey="row")
    for row, measure in zip(axes, measures, strict=True):
        mine = frame[(frame["measure"] == measure) & frame["segment"].isin(segments)]
        top = _top(mine, least)
        for ax, segment in zip(row, segments, strict=True):
            cohort_dots(mine[mine["segment"] == segment], cohorts, segment, scene, ax, top, least)
        row[0].set_ylabel(scene.text(measure))
    # Shared by column alone: each segment has counts of its own below the years.
    step = max(1, int(np.ceil(len(cohorts) / (10 if len(segments) > 1 else 14))))
    places = list(range((len(cohorts) - 1) % step, len(cohorts), step))
    for ax, segment in zip(axes[-1], segments, strict=True):
        sizes = frame[(frame["segment"] == segment) & (frame["measure"] == measures[0])].set_index("cohort")["n"]
        ax.set_xticks(places, [f"{cohorts[x]}\n{scene.count(int(sizes.get(cohorts[x], 0)))}" for x in places])
        ax.tick_params(axis="x", length=0, labelsize=SMALL, labelcolor=SOFT)
        axes[0][segments.index(segment)].tick_params(axis="x", length=0)
        ax.set_xlabel(scene.text("x_label"))
    scene.note("reading", level=scene.level(), least=least)


def retention_terms(scene: Scene) -> dict[str, str]:
    """What all cohorts keep, for the title: by segment where there are two."""
    frame = scene.frame("retention")
    whole = frame[frame["cohort"] == WHOLE].set_index(["segment", "measure"])["value"]
    segments = _segments(frame)

    def kept(segment: str, measure: str) -> str:
        value = whole.get((segment, measure))
        return scene.words("numbers.none") if value is None or not np.isfinite(value) else scene.share(float(value))

    if len(segments) > 1:
        return {f"{m}_{s.lower()}": kept(s, f"{m}_revenue_retention") for m in ("gross", "net") for s in segments} | {
            "variant": "two"
        }
    return {m: kept(segments[0], f"{m}_revenue_retention") for m in ("gross", "net")}


FIGURES = (FigureSpec("retention", ("retention",), draw_retention, (8.2, 4.9), terms=retention_terms),)
