"""02: the buying process as lanes, who takes part, and where time goes."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kaanalysis.figures.lanes import draw_lanes, lane_height
from kaanalysis.figures.parts import format_axis, mean_line, only_y_grid
from kaanalysis.figures.process import choose, durations, flow_count, kind_name, kinds_shown
from kaanalysis.figures.scene import FigureSpec, Scene
from kaanalysis.figures.style import BASE, INK, OTHER, SEGMENT_TEXT, SEGMENTS, SMALL
from kaanalysis.figures.waits import draw_durations, draw_waits, duration_terms, wait_terms


def draw_flow(scene: Scene, figure: Figure) -> None:
    nodes, edges = scene.frame("buying_nodes"), scene.frame("directly_follows")
    kinds = kinds_shown(nodes)
    chosen = {k: choose(nodes[nodes["kind"] == k], edges[edges["kind"] == k]) for k in kinds}
    width = max(chosen[k].width for k in kinds)
    heights = [lane_height(chosen[k], scene, width) for k in kinds]
    figure.set_size_inches(width + 0.8, sum(heights) + 1.1 + 0.35 * len(kinds))
    panels = figure.subplots(len(kinds), 1, squeeze=False, height_ratios=heights)[:, 0]
    for ax, kind in zip(panels, kinds, strict=True):
        draw_lanes(chosen[kind], scene, ax, width)
        flows = flow_count(scene, nodes, kind)
        median = durations(scene).get(kind)
        key = "panel" if median is None else "panel_median"
        ax.set_title(
            scene.text(
                key,
                kind=kind_name(scene, kind),
                n=scene.count(flows),
                median="" if median is None else scene.span(median),
            ),
            fontsize=BASE,
            color=SEGMENT_TEXT.get(kind, INK),
        )
        ax.set_ylabel(scene.text("y_label"))
        ax.set_xlabel(scene.text("x_label"))
    for kind in kinds:
        shown = chosen[kind]
        scene.note(
            "shown",
            kind=kind_name(scene, kind),
            steps=len(shown.nodes),
            all_steps=shown.all_nodes,
            moves=scene.share(shown.share_of_moves),
        )
    scene.note("key")


def flow_terms(scene: Scene) -> dict[str, str]:
    """Steps and parties of the first kind shown, for the title."""
    nodes = scene.frame("buying_nodes")
    kind = kinds_shown(nodes)[0]
    own = nodes[nodes["kind"] == kind]
    shown = choose(own, scene.frame("directly_follows").query("kind == @kind"))
    median = durations(scene).get(kind)
    return {
        "kind": kind_name(scene, kind),
        "steps": str(shown.all_nodes),
        "parties": str(own.loc[own["party"] != "?", "party"].nunique()),
        "median": scene.text("no_time") if median is None else scene.span(median),
    }


def merge_panel(frame: pd.DataFrame, scene: Scene, ax: Axes, segment: str) -> Axes:
    """Share of deals by role-merge index for one segment, with the mean and its interval."""
    rows = frame[frame["segment"] == segment]
    deals, index = rows["deals"].to_numpy(float), rows["index"].to_numpy(float)
    counts, borders = np.histogram(index, bins=np.linspace(-0.05, 1.05, 12), weights=deals)
    middles = (borders[:-1] + borders[1:]) / 2
    ax.bar(middles, counts / deals.sum(), width=0.085, color=SEGMENTS[segment], alpha=0.75)
    mean = scene.number("role_merge_index", segment)
    value = scene.count(round(float(mean.value), 2)) if mean is not None and mean.value is not None else ""
    mean_line(ax, mean, scene.text("mean", value=value), above=0.96, turn=0.6, alpha=0.25)
    ax.set_title(
        scene.text("panel", segment=scene.segment(segment), n=scene.count(int(deals.sum()))),
        color=SEGMENT_TEXT[segment],
    )
    ax.set_xlim(-0.06, 1.06)
    ax.margins(y=0.15)
    only_y_grid(ax)
    format_axis(ax.yaxis, scene.share, 4)
    ax.set_ylabel(scene.text("y_label"))
    return ax


def draw_merge(scene: Scene, figure: Figure) -> None:
    frame = scene.frame("role_merge")
    segments = [s for s in ("SMB", "KA") if (frame["segment"] == s).any()] or ["all"]
    if segments == ["all"]:
        frame = frame.assign(segment="all")
    panels = figure.subplots(len(segments), 1, sharex=True, squeeze=False)[:, 0]
    for ax, segment in zip(panels, segments, strict=True):
        merge_panel(frame, scene, ax, segment)
    panels[-1].set_xticks([0, 0.25, 0.5, 0.75, 1])
    format_axis(panels[-1].xaxis, scene.count)
    panels[-1].set_xlabel(scene.text("x_label"))
    scene.note("band", level=scene.level())


def parties_panel(frame: pd.DataFrame, scene: Scene, ax: Axes, kind: str, most: int, *, more: bool = False) -> Axes:
    """Share of flows by number of approving parties for one kind."""
    approving = frame["approve"].to_numpy(int).clip(max=most)
    shares = np.bincount(approving, minlength=most + 1) / len(approving)
    ax.bar(range(most + 1), shares, width=0.7, color=SEGMENTS.get(kind, OTHER))
    for x, share in enumerate(shares):
        if share >= 0.005:
            ax.annotate(
                scene.share(float(share)),
                (x, float(share)),
                xytext=(0, 2),
                textcoords="offset points",
                ha="center",
                va="bottom",
                fontsize=SMALL,
            )
    mean = scene.number("approve_parties", kind)
    if mean is not None and mean.value is not None:
        ax.axvline(float(mean.value), 0.88, 1, color=INK, linewidth=1.6)
        if mean.low is not None and mean.high is not None:
            ax.axvspan(mean.low, mean.high, 0.88, 1, color=INK, alpha=0.25, linewidth=0)
        ax.annotate(
            scene.text("mean", value=scene.count(round(float(mean.value), 2))),
            (float(mean.value), 0.97),
            xycoords=("data", "axes fraction"),
            xytext=(6, 0),
            textcoords="offset points",
            va="top",
            fontsize=SMALL + 0.5,
            fontweight="bold",
        )
    ax.set_title(scene.text("panel", kind=kind_name(scene, kind), n=scene.count(len(frame))), fontsize=BASE)
    only_y_grid(ax)
    ax.margins(y=0.28)
    ax.set_xticks(range(most + 1))
    ax.set_xticklabels(
        [
            *(scene.count(i) for i in range(most)),
            scene.text("and_more", n=scene.count(most)) if more else scene.count(most),
        ]
    )
    format_axis(ax.yaxis, scene.share, 4)
    ax.set_xlabel(scene.text("x_label"))
    ax.set_ylabel(scene.text("y_label"))
    return ax


def draw_parties(scene: Scene, figure: Figure) -> None:
    frame = scene.frame("parties_by_flow")
    frame = frame.assign(category=frame["category"].fillna("all"))
    kinds = [str(k) for k in frame["category"].value_counts().index[:3]]
    most = min(8, max(1, int(frame["approve"].quantile(0.995))))
    row = figure.subplots(1, len(kinds), squeeze=False, sharey=True)[0]
    for ax, kind in zip(row, kinds, strict=True):
        parties_panel(frame[frame["category"] == kind], scene, ax, kind, most, more=bool(frame["approve"].max() > most))
    for ax in row[1:]:
        ax.set_ylabel("")
    scene.note("band", level=scene.level())


def parties_terms(scene: Scene) -> dict[str, str]:
    """Share of flows with more than one approving party, for the title."""
    frame = scene.frame("parties_by_flow")
    return {"share": scene.share(float((frame["approve"] > 1).mean())), "n": scene.count(len(frame))}


FIGURES = (
    FigureSpec("directly_follows", ("directly_follows", "buying_nodes"), draw_flow, (10.0, 7.5), (), flow_terms),
    FigureSpec("waits", ("buying_nodes",), draw_waits, (8.2, 5.2), (), wait_terms),
    FigureSpec("flow_durations", ("flow_durations",), draw_durations, (7.2, 2.8), (), duration_terms),
    FigureSpec("role_merge", ("role_merge",), draw_merge, (7.2, 4.6), ("M-2.2",)),
    FigureSpec("parties_by_flow", ("parties_by_flow",), draw_parties, (8.2, 3.8), (), parties_terms),
)
