"""02: where time goes in the buying process: the wait before each step, and how long flows take."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kaanalysis.figures.parts import format_axis, interval_h, only_x_grid, rows_of
from kaanalysis.figures.process import kind_name, kinds_shown, party_name, short_step
from kaanalysis.figures.scene import Scene
from kaanalysis.figures.style import BASE, INK, LINE, OTHER, SEGMENT_TEXT, SEGMENTS, SMALL, SOFT, wrap


def _waits(scene: Scene, panel: int = 0) -> tuple[str, pd.DataFrame]:
    """One of the kinds shown and its most frequent steps, in flow order; `part_of_all`: share of all waiting."""
    nodes = scene.frame("buying_nodes")
    kind = kinds_shown(nodes)[panel]
    rows = nodes[(nodes["kind"] == kind) & nodes["median_wait_days"].notna()].copy()
    total = float(rows["total_wait_days"].sum())
    rows["part_of_all"] = rows["total_wait_days"] / total if total > 0 else 0.0
    rows = rows.sort_values("flows", ascending=False, kind="stable").head(16)
    return kind, rows.sort_values(["place", "step"], kind="stable").reset_index(drop=True)


def wait_rows(rows: pd.DataFrame, scene: Scene, ax: Axes, party: bool = True) -> Axes:
    """Median days waited before each step, named with its party and n."""
    longest = int(rows["median_wait_days"].to_numpy().argmax())
    ax.barh(
        range(len(rows)),
        rows["median_wait_days"],
        height=0.6,
        color=[INK if y == longest else LINE for y in range(len(rows))],
    )
    for y, days in enumerate(rows["median_wait_days"]):
        ax.annotate(
            scene.span(float(days)),
            (float(days), y),
            xytext=(3, 0),
            textcoords="offset points",
            va="center",
            fontsize=SMALL,
        )
    names = [
        wrap(
            scene.text(
                "row",
                step=short_step(scene, str(r.step), str(r.party)),
                party=party_name(scene, str(r.party)),
                n=scene.count(int(r.count)),
            ),
            24,
            3,
        )
        for r in rows_of(rows)
    ]
    ax.set_yticks(range(len(rows)), names)
    ax.set_ylim(len(rows) - 0.5, -0.6)
    ax.margins(x=0.16)
    only_x_grid(ax)
    format_axis(ax.xaxis, scene.count, 5)
    ax.set_xlabel(scene.text("x_label"))
    ax.set_ylabel(scene.text("y_label"))
    return ax


def share_rows(rows: pd.DataFrame, scene: Scene, ax: Axes) -> Axes:
    """Share of all waiting that falls before each step: how often times how long."""
    largest = int(rows["part_of_all"].to_numpy().argmax())
    ax.barh(
        range(len(rows)),
        rows["part_of_all"],
        height=0.6,
        color=[SOFT if y == largest else LINE for y in range(len(rows))],
    )
    for y, share in enumerate(rows["part_of_all"]):
        ax.annotate(
            scene.share(float(share)),
            (float(share), y),
            xytext=(3, 0),
            textcoords="offset points",
            va="center",
            fontsize=SMALL,
        )
    only_x_grid(ax)
    ax.margins(x=0.2)
    ax.tick_params(axis="y", labelleft=False)
    format_axis(ax.xaxis, scene.share, 3)
    ax.set_xlabel(scene.text("share_label"))
    return ax


def draw_waits(scene: Scene, figure: Figure) -> None:
    panels = [_waits(scene, panel) for panel in range(len(kinds_shown(scene.frame("buying_nodes"))))]
    heights = [1.6 + 0.44 * len(rows) for _, rows in panels]
    figure.set_size_inches(8.2, 0.4 + sum(heights))
    axes = figure.subplots(len(panels), 2, width_ratios=[1.7, 1], height_ratios=heights, sharey="row", squeeze=False)
    for (kind, rows), (left, right) in zip(panels, axes, strict=True):
        wait_rows(rows, scene, left)
        share_rows(rows, scene, right)
        title = scene.text("panel", kind=kind_name(scene, kind))
        left.set_title(title, color=SEGMENT_TEXT.get(kind, INK), fontsize=BASE)
    scene.note("meaning")


def wait_terms(scene: Scene) -> dict[str, str]:
    """The step before which most waiting falls, for the title."""
    kind, rows = _waits(scene)
    top = rows.iloc[int(rows["part_of_all"].to_numpy().argmax())]
    return {
        "kind": kind_name(scene, kind),
        "step": short_step(scene, str(top["step"]), str(top["party"])),
        "party": party_name(scene, str(top["party"])),
        "share": scene.share(float(top["part_of_all"])),
        "days": scene.span(float(top["median_wait_days"])),
    }


def duration_rows(frame: pd.DataFrame, scene: Scene, ax: Axes) -> Axes:
    """Median days from the first to the last step by kind, with intervals, and as a tick the time that nine of ten flows need at most."""
    for y, r in enumerate(rows_of(frame)):
        color = SEGMENTS.get(str(r.kind), OTHER)
        tail = float(getattr(r, "p90_days", np.nan))
        if np.isfinite(tail) and np.isfinite(r.median_days):
            ax.plot([r.median_days, tail], [y, y], color=color, linewidth=0.9, zorder=2)
            ax.plot([tail], [y], "|", color=color, markersize=11, markeredgewidth=1.6, zorder=3)
            ax.annotate(
                scene.text("tail", days=scene.span(tail)), (tail, y), xytext=(5, 0), textcoords="offset points", va="center",
                fontsize=SMALL, color=SOFT,
            )  # fmt: skip
        interval_h(ax, y, r.median_days, r.low, r.high, color, 9)
        reached = np.isfinite(r.median_days)
        ax.annotate(
            scene.span(float(r.median_days)) if reached else scene.text("not_reached"),
            (float(r.median_days) if reached else 0.0, y),
            xytext=(0, 10),
            textcoords="offset points",
            ha="center" if reached else "left",
            fontsize=SMALL + 0.5,
        )
    names = [
        scene.text("row", kind=kind_name(scene, str(k)), n=scene.count(int(n)))
        for k, n in zip(frame["kind"], frame["flows"], strict=True)
    ]
    ax.set_yticks(range(len(frame)), names)
    ax.set_ylim(len(frame) - 0.5, -0.7)
    columns = [c for c in ("median_days", "high", "p90_days") if c in frame]
    known = frame[columns].to_numpy(float)
    reach = float(known[np.isfinite(known)].max(initial=0.0)) or 1.0
    ax.set_xlim(-0.03 * reach, 1.3 * reach)
    only_x_grid(ax)
    format_axis(ax.xaxis, scene.count, 6)
    ax.set_xlabel(scene.text("x_label"))
    ax.set_ylabel(scene.text("y_label"))
    return ax


def draw_durations(scene: Scene, figure: Figure) -> None:
    frame = scene.frame("flow_durations").sort_values("flows", ascending=False, kind="stable").head(8)
    figure.set_size_inches(7.2, 1.9 + 0.5 * len(frame))
    duration_rows(frame, scene, figure.subplots())
    scene.note("interval", level=scene.level())


def duration_terms(scene: Scene) -> dict[str, str]:
    """The kind whose flows take longest, for the title."""
    frame = scene.frame("flow_durations")
    top = frame.iloc[int(frame["median_days"].fillna(-1).to_numpy().argmax())]
    if not np.isfinite(top["median_days"]):
        return {"variant": "open", "n": scene.count(int(frame["flows"].sum()))}
    return {
        "kind": kind_name(scene, str(top["kind"])),
        "median": scene.span(float(top["median_days"])),
        "n": scene.count(int(top["flows"])),
    }
