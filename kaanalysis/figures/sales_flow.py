"""03: what becomes of opportunities over time, and which step costs wins."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from kaanalysis.figures.parts import (
    baseline,
    format_axis,
    interval_h,
    mark_line,
    note_beside,
    only_x_grid,
    rows_of,
    spread,
    step_band,
)
from kaanalysis.figures.scene import FigureSpec, Scene
from kaanalysis.figures.style import BAD, INK, KA, LINE, OTHER, SEGMENT_TEXT, SEGMENTS, SMALL, SOFT, wrap

OTHER_LINES = {"lost": "--", "drifted": ":"}


def incidence_panel(frame: pd.DataFrame, scene: Scene, ax: Axes) -> Axes:
    """Cumulative incidence of won (with band) and of the other exits for one segment, with horizon and mark."""
    name, segment, horizon = frame["name"].iloc[0], frame["segment"].iloc[0], float(frame["horizon_days"].iloc[0])
    until = horizon * 1.004
    ends: list[tuple[str, float]] = []
    causes = [c for c in ("won", "lost", "drifted") if (frame["cause"] == c).any()]
    for cause in causes:
        curve = frame[(frame["cause"] == cause) & (frame["days"] <= horizon)]
        x = np.append(curve["days"].to_numpy(float), horizon)
        y, low, high = (np.append(curve[c].to_numpy(float), curve[c].iloc[-1]) for c in ("incidence", "low", "high"))
        won = cause == "won"
        color = SEGMENTS.get(segment, OTHER) if won else OTHER
        step_band(ax, x, low, high, color, 0.25 if won else 0.12)
        ax.step(
            x, y, where="post", color=color, linewidth=2.4 if won else 1.4, linestyle="-" if won else OTHER_LINES[cause]
        )
        ends.append((cause, float(y[-1])))
    top = max(0.12, *(e[1] for e in ends)) * 1.2
    target = float(scene.policy[f"{name}.target"])
    if segment != "all":
        top = max(top, target * 1.25)
        band = float(scene.policy["conversion.tolerance"]) if name == "conversion" else 0.0
        if band:
            ax.add_patch(
                Rectangle((0, target - band), horizon, 2 * band, facecolor=LINE, alpha=0.18, linewidth=0, zorder=0.6)
            )
        mark_line(ax, y=target)
        # SMB's exits rise at once, so there is room on the right, below the band; KA's rise late: room on the left.
        spot = (horizon * 0.98, target - band) if band else (horizon * 0.02, target)
        side, above = ("right", "top") if band else ("left", "bottom")
        label = scene.text(f"mark_{name}", mark=scene.share(target), band=scene.share(band))
        ax.annotate(
            label,
            spot,
            xytext=(0, -2 if band else 2),
            textcoords="offset points",
            ha=side,
            va=above,
            fontsize=SMALL,
            color=SOFT,
        )
    places = spread([e[1] for e in ends], top * 0.075, 0.0, top * 0.97)
    for (cause, value), place in zip(ends, places, strict=True):
        own = cause == "won"
        ax.annotate(
            scene.text("end", outcome=scene.text(cause), share=scene.exact_share(value)),
            (until, place),
            xytext=(3, 0),
            textcoords="offset points",
            va="center",
            fontsize=SMALL + 0.5,
            annotation_clip=False,
            color=SEGMENT_TEXT.get(segment, SOFT) if own else SOFT,
            fontweight="bold" if own else "normal",
        )
    ax.axvline(horizon, color=SOFT, linewidth=1.0, linestyle=(0, (4, 3)), zorder=1.5)
    ax.set_xlim(0, until)
    ax.set_ylim(0, top)
    format_axis(ax.yaxis, scene.share, 5)
    step = next(s for s in (10, 30, 60, 90, 180, 365) if horizon / s <= 6.5 or s == 365)
    ax.set_xticks([*np.arange(0, horizon * 0.93, step).tolist(), horizon])
    format_axis(ax.xaxis, scene.count)
    ax.set_xlabel(scene.text("x_label"))
    n = int(frame["at_risk"].iloc[0])
    ax.set_title(
        scene.text("panel", segment=scene.segment(segment), n=scene.count(n)), color=SEGMENT_TEXT.get(segment, INK)
    )
    return ax


def draw_incidence(scene: Scene, figure: Figure) -> None:
    frame = scene.frame("incidence")
    panels = [g for _, g in frame.groupby("name", sort=True)]
    if len(panels) > 1 and all((p["segment"] == "all").all() for p in panels) and len(set(frame["horizon_days"])) == 1:
        panels = panels[:1]  # without segments both rates are the same curve
    row = figure.subplots(1, len(panels), squeeze=False)[0]
    for ax, panel in zip(row, panels, strict=True):
        incidence_panel(panel, scene, ax)
        ax.set_ylabel(scene.text("y_label"))
    scene.note("band", level=scene.level(), horizon=scene.count(float(panels[0]["horizon_days"].iloc[0])))


def closed_rows(frame: pd.DataFrame, scene: Scene, ax: Axes) -> Axes:
    """Share won among closed deals by group, dots with intervals."""
    rows = frame.reset_index(drop=True)
    for y, r in enumerate(rows_of(rows)):
        main = r.group in SEGMENTS
        color = SEGMENTS.get(str(r.group), OTHER)
        interval_h(ax, y, r.value, r.low, r.high, color, 9 if main else 6)
        ax.annotate(
            scene.exact_share(float(r.value)),
            (float(r.value), y),
            xytext=(0, 8),
            textcoords="offset points",
            ha="center",
            fontsize=SMALL,
        )
    names = [
        wrap(
            scene.text(
                "row",
                group=scene.segment(str(g)) if g in SEGMENTS else scene.words.term("category", str(g)),
                n=scene.count(int(n)),
            ),
            18,
            2,
        )
        for g, n in zip(rows["group"], rows["n"], strict=True)
    ]
    ax.set_yticks(range(len(rows)), names)
    for label, group in zip(ax.get_yticklabels(), rows["group"], strict=True):
        label.set_fontweight("bold" if group in SEGMENTS else "normal")
    ax.set_ylim(len(rows) - 0.4, -0.7)
    ax.set_xlim(0, 1)
    only_x_grid(ax)
    format_axis(ax.xaxis, scene.share, 6)
    ax.set_xlabel(scene.text("x_label"))
    ax.set_ylabel(scene.text("y_label"))
    return ax


def draw_closed(scene: Scene, figure: Figure) -> None:
    frame = scene.frame("closed_won")
    figure.set_size_inches(7.2, 2.0 + 0.42 * len(frame))
    closed_rows(frame, scene, figure.subplots())
    scene.note("interval", level=scene.level())


def relief_rows(frame: pd.DataFrame, scene: Scene, ax: Axes) -> Axes:
    """Relief per step in flow order with interval, the minimum of a bottleneck, and the chance of being the first."""
    top = int(frame["relief"].to_numpy().argmax())
    for y, r in enumerate(rows_of(frame)):
        interval_h(ax, y, r.relief, r.low, r.high, BAD if y == top else KA)
        chance = float(r.p_rank_1)
        if chance >= 0.01:
            note = scene.text("first", share=scene.share(chance))
            note_beside(ax, max(float(r.high), float(r.relief)), y, note, BAD if y == top else SOFT, 6)
    mark_line(ax, x=float(scene.policy["bottleneck.minimum_relief"]))
    baseline(ax, x=0)
    only_x_grid(ax)
    names = [
        wrap(scene.text("row", step=scene.step(s), n=scene.count(int(n))), 15, 3)
        for s, n in zip(frame["step"], frame["entered"], strict=True)
    ]
    ax.set_yticks(range(len(frame)), names)
    ax.get_yticklabels()[top].set_fontweight("bold")
    ax.set_ylim(len(frame) - 0.5, -0.6)
    reach = float(np.nanmax(frame[["relief", "high"]].to_numpy(float)))
    ax.set_xlim(min(0.0, float(np.nanmin(frame["low"]))) - 0.02 * reach, max(reach, 1.0) * 1.32)
    format_axis(ax.xaxis, scene.count, 5)
    ax.set_xlabel(scene.text("relief_label"))
    ax.set_ylabel(scene.text("y_label"))
    ax.set_title(scene.text("relief_title"))
    return ax


def delay_rows(frame: pd.DataFrame, scene: Scene, ax: Axes) -> Axes:
    """All in days: how long the deals that pass a step take now (bar), and by how much sooner the median win would come if they took the
    benchmark (dot with interval); the wins that would come in time beside it."""
    sooner = frame["sooner"].fillna(0.0).to_numpy(float)
    top = int(sooner.argmax()) if sooner.max() > 0 else -1
    ax.barh(range(len(frame)), frame["passing_days"], height=0.6, color=LINE, alpha=0.45, linewidth=0)
    for y, r in enumerate(rows_of(frame)):
        if not r.sooner > 0:
            continue
        interval_h(ax, y, r.sooner, r.sooner_low, r.sooner_high, BAD if y == top else KA)
        if r.delay >= 0.05:
            end = np.nanmax([r.sooner_high, r.sooner, r.passing_days])
            note = scene.text("gain", n=scene.count(round(float(r.delay), 1)))
            note_beside(ax, float(end), y, note, BAD if y == top else SOFT)
    mark_line(ax, x=float(scene.policy["bottleneck.benchmark_days"]))
    only_x_grid(ax)
    ax.tick_params(axis="y", labelleft=False)
    reach = float(np.nanmax(frame[["passing_days", "sooner", "sooner_high"]].to_numpy(float)))
    ax.set_xlim(0, reach * (1.5 if (frame["delay"] >= 0.05).any() else 1.08))
    format_axis(ax.xaxis, scene.count, 4)
    ax.set_xlabel(scene.text("delay_label"))
    ax.set_title(scene.text("delay_title"))
    return ax


def draw_bottlenecks(scene: Scene, figure: Figure) -> None:
    frame = scene.frame("bottlenecks").reset_index(drop=True)
    figure.set_size_inches(8.2, 2.4 + 0.4 * len(frame))
    left, right = figure.subplots(1, 2, width_ratios=[1.6, 1], sharey=True)
    relief_rows(frame, scene, left)
    delay_rows(frame, scene, right)
    minimum, days = (scene.count(float(scene.policy[f"bottleneck.{p}"])) for p in ("minimum_relief", "benchmark_days"))
    scene.note("line", level=scene.level(), minimum=minimum, days=days)


RATES = (
    FigureSpec("incidence", ("incidence",), draw_incidence, (8.2, 4.2), ("M-3.1", "M-3.2")),
    FigureSpec("closed_won", ("closed_won",), draw_closed, (7.2, 4.0), ("M-3.1", "M-3.2")),
)
BOTTLENECKS = (FigureSpec("bottlenecks", ("bottlenecks",), draw_bottlenecks, (8.2, 5.6), ("M-3.6",)),)
