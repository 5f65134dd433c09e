"""02: the buying process as lanes, who takes part, and where time goes."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kaanalysis.figures.lanes import choose, draw_lanes, lane_height, party_name, short_step
from kaanalysis.figures.parts import format_axis, interval_h, only_x_grid, only_y_grid
from kaanalysis.figures.scene import FigureSpec, Scene
from kaanalysis.figures.style import BASE, INK, LINE, OTHER, SEGMENT_TEXT, SEGMENTS, SMALL, SOFT, wrap

MOST_PANELS = 2


def kinds_shown(nodes: pd.DataFrame) -> list[str]:
    """KA alone where it is there; otherwise the kinds with most flows, at most two."""
    flows = nodes.groupby("kind")["flows"].max().sort_values(ascending=False, kind="stable")
    return ["KA"] if "KA" in flows.index else [str(k) for k in flows.index[:MOST_PANELS]]


def kind_name(scene: Scene, kind: str) -> str:
    return scene.segment(kind) if kind in SEGMENTS else scene.words.term("category", kind)


def draw_flow(scene: Scene, figure: Figure) -> None:
    nodes, edges = scene.frame("buying_nodes"), scene.frame("directly_follows")
    kinds = kinds_shown(nodes)
    chosen = {k: choose(nodes[nodes["kind"] == k], edges[edges["kind"] == k]) for k in kinds}
    heights = [lane_height(chosen[k], scene) for k in kinds]
    figure.set_size_inches(10.0, sum(heights) + 1.1 + 0.35 * len(kinds))
    panels = figure.subplots(len(kinds), 1, squeeze=False, height_ratios=heights)[:, 0]
    for ax, kind in zip(panels, kinds, strict=True):
        draw_lanes(chosen[kind], scene, ax)
        flows = int(nodes.loc[nodes["kind"] == kind, "flows"].max())
        median = durations(scene).get(kind)
        key = "panel" if median is None else "panel_median"
        ax.set_title(scene.text(key, kind=kind_name(scene, kind), n=scene.count(flows), median="" if median is None else scene.span(median)),
                     fontsize=BASE, color=SEGMENT_TEXT.get(kind, INK))  # fmt: skip
        ax.set_ylabel(scene.text("y_label"))
        ax.set_xlabel(scene.text("x_label") if ax is panels[-1] else scene.text("x_label"))
    for kind in kinds:
        shown = chosen[kind]
        scene.note("shown", kind=kind_name(scene, kind), steps=len(shown.nodes), all_steps=shown.all_nodes, moves=scene.share(shown.share_of_moves))
    scene.note("key")


def durations(scene: Scene) -> dict[str, float]:
    """Median days of a flow by kind, where the frame is there."""
    frame = scene.result.frames.get("flow_durations")
    if frame is None:
        return {}
    return {str(k): float(d) for k, d in zip(frame["kind"], frame["median_days"], strict=True) if np.isfinite(d)}


def _waits(scene: Scene) -> tuple[str, pd.DataFrame]:
    """The most important kind and its steps with a wait, in flow order, rare ones dropped; `part_of_all`: share of all waiting."""
    nodes = scene.frame("buying_nodes")
    kind = kinds_shown(nodes)[0]
    rows = nodes[(nodes["kind"] == kind) & nodes["median_wait_days"].notna()].copy()
    total = float(rows["total_wait_days"].sum())
    rows["part_of_all"] = rows["total_wait_days"] / total if total > 0 else 0.0
    rows = rows.sort_values("flows", ascending=False, kind="stable").head(16)
    return kind, rows.sort_values(["place", "step"], kind="stable").reset_index(drop=True)


def wait_rows(rows: pd.DataFrame, scene: Scene, ax: Axes, party: bool = True) -> Axes:
    """Median days waited before each step, named with its party and n."""
    longest = int(rows["median_wait_days"].to_numpy().argmax())
    ax.barh(range(len(rows)), rows["median_wait_days"], height=0.6, color=[INK if y == longest else LINE for y in range(len(rows))])
    for y, days in enumerate(rows["median_wait_days"]):
        ax.annotate(scene.span(float(days)), (float(days), y), xytext=(3, 0), textcoords="offset points", va="center", fontsize=SMALL)
    names = [wrap(scene.text("row", step=short_step(scene, str(r.step), str(r.party)), party=party_name(scene, str(r.party)), n=scene.count(int(r.count))), 24, 2)  # type: ignore[call-overload,arg-type]
             for r in rows.itertuples()]  # fmt: skip
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
    ax.barh(range(len(rows)), rows["part_of_all"], height=0.6, color=[SOFT if y == largest else LINE for y in range(len(rows))])
    for y, share in enumerate(rows["part_of_all"]):
        ax.annotate(scene.share(float(share)), (float(share), y), xytext=(3, 0), textcoords="offset points", va="center", fontsize=SMALL)
    only_x_grid(ax)
    ax.margins(x=0.2)
    ax.tick_params(axis="y", labelleft=False)
    format_axis(ax.xaxis, scene.share, 3)
    ax.set_xlabel(scene.text("share_label"))
    return ax


def draw_waits(scene: Scene, figure: Figure) -> None:
    kind, rows = _waits(scene)
    figure.set_size_inches(9.0, 2.0 + 0.36 * len(rows))
    left, right = figure.subplots(1, 2, width_ratios=[1.7, 1], sharey=True)
    wait_rows(rows, scene, left)
    share_rows(rows, scene, right)
    left.set_title(scene.text("panel", kind=kind_name(scene, kind)), color=SEGMENT_TEXT.get(kind, INK), fontsize=BASE)
    scene.note("meaning")


def wait_terms(scene: Scene) -> dict[str, str]:
    """The step before which most waiting falls, for the title."""
    kind, rows = _waits(scene)
    top = rows.loc[rows["part_of_all"].idxmax()]
    return {"kind": kind_name(scene, kind), "step": short_step(scene, str(top["step"]), str(top["party"])), "party": party_name(scene, str(top["party"])),
            "share": scene.share(float(top["part_of_all"])), "days": scene.span(float(top["median_wait_days"]))}  # fmt: skip


def flow_terms(scene: Scene) -> dict[str, str]:
    """Steps and parties of the first kind shown, for the title."""
    nodes = scene.frame("buying_nodes")
    kind = kinds_shown(nodes)[0]
    shown = choose(nodes[nodes["kind"] == kind], scene.frame("directly_follows").query("kind == @kind"))
    median = durations(scene).get(kind)
    return {"kind": kind_name(scene, kind), "steps": str(len(shown.nodes)), "parties": str(shown.nodes["party"].nunique()),
            "median": scene.text("no_time") if median is None else scene.span(median)}  # fmt: skip


def duration_rows(frame: pd.DataFrame, scene: Scene, ax: Axes) -> Axes:
    """Median days from the first to the last step by kind, with intervals."""
    for y, r in enumerate(frame.itertuples()):
        interval_h(ax, y, r.median_days, r.low, r.high, SEGMENTS.get(str(r.kind), OTHER), 9)  # type: ignore[arg-type]
        ax.annotate(scene.span(float(r.median_days)), (float(r.median_days), y), xytext=(0, 10), textcoords="offset points", ha="center", fontsize=SMALL + 0.5)  # type: ignore[arg-type]
    names = [scene.text("row", kind=kind_name(scene, str(k)), n=scene.count(int(n))) for k, n in zip(frame["kind"], frame["flows"], strict=True)]
    ax.set_yticks(range(len(frame)), names)
    ax.set_ylim(len(frame) - 0.5, -0.7)
    ax.set_xlim(0, float(np.nanmax(frame[["median_days", "high"]].to_numpy(float))) * 1.08 or 1.0)
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
    top = frame.loc[frame["median_days"].idxmax()]
    return {"kind": kind_name(scene, str(top["kind"])), "median": scene.span(float(top["median_days"])), "n": scene.count(int(top["flows"]))}


def merge_panel(frame: pd.DataFrame, scene: Scene, ax: Axes, segment: str) -> Axes:
    """Share of deals by role-merge index for one segment, with the mean and its interval."""
    rows = frame[frame["segment"] == segment]
    deals, index = rows["deals"].to_numpy(float), rows["index"].to_numpy(float)
    counts, borders = np.histogram(index, bins=np.linspace(-0.05, 1.05, 12), weights=deals)
    middles = (borders[:-1] + borders[1:]) / 2
    ax.bar(middles, counts / deals.sum(), width=0.085, color=SEGMENTS[segment], alpha=0.75)
    mean = scene.number("role_merge_index", segment)
    if mean is not None and mean.value is not None:
        if mean.low is not None and mean.high is not None:
            ax.axvspan(mean.low, mean.high, color=INK, alpha=0.25, linewidth=0)
        ax.axvline(float(mean.value), color=INK, linewidth=1.4)
        side = -1 if mean.value > 0.6 else 1
        ax.annotate(scene.text("mean", value=scene.count(round(float(mean.value), 2))), (float(mean.value), 0.96), xycoords=("data", "axes fraction"),
                    xytext=(side * 6, 0), textcoords="offset points", ha="left" if side > 0 else "right", va="top", fontsize=SMALL + 0.5, fontweight="bold")  # fmt: skip
    ax.set_title(scene.text("panel", segment=scene.segment(segment), n=scene.count(int(deals.sum()))), color=SEGMENT_TEXT[segment])
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


def parties_panel(frame: pd.DataFrame, scene: Scene, ax: Axes, kind: str, most: int) -> Axes:
    """Share of flows by number of approving parties for one kind."""
    approving = frame["approve"].to_numpy(int).clip(max=most)
    shares = np.bincount(approving, minlength=most + 1) / len(approving)
    ax.bar(range(most + 1), shares, width=0.7, color=SEGMENTS.get(kind, OTHER))
    for x, share in enumerate(shares):
        if share >= 0.005:
            ax.annotate(scene.share(float(share)), (x, float(share)), xytext=(0, 2), textcoords="offset points", ha="center", va="bottom", fontsize=SMALL)
    mean = scene.number("approve_parties", kind)
    if mean is not None and mean.value is not None:
        ax.axvline(float(mean.value), color=INK, linewidth=1.4)
        if mean.low is not None and mean.high is not None:
            ax.axvspan(mean.low, mean.high, color=INK, alpha=0.25, linewidth=0)
        ax.annotate(scene.text("mean", value=scene.count(round(float(mean.value), 2))), (float(mean.value), 0.97), xycoords=("data", "axes fraction"),
                    xytext=(6, 0), textcoords="offset points", va="top", fontsize=SMALL + 0.5, fontweight="bold")  # fmt: skip
    ax.set_title(scene.text("panel", kind=kind_name(scene, kind), n=scene.count(len(frame))), fontsize=BASE)
    only_y_grid(ax)
    ax.margins(y=0.22)
    ax.set_xticks(range(most + 1))
    ax.set_xticklabels([*(scene.count(i) for i in range(most)), scene.text("and_more", n=scene.count(most)) if frame["approve"].max() > most else scene.count(most)])
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
        parties_panel(frame[frame["category"] == kind], scene, ax, kind, most)
    for ax in row[1:]:
        ax.set_ylabel("")
    scene.note("band", level=scene.level())


def parties_terms(scene: Scene) -> dict[str, str]:
    """Share of flows with more than one approving party, for the title."""
    frame = scene.frame("parties_by_flow")
    return {"share": scene.share(float((frame["approve"] > 1).mean())), "n": scene.count(len(frame))}


FIGURES = (
    FigureSpec("directly_follows", ("directly_follows", "buying_nodes"), draw_flow, (10.0, 7.5), (), flow_terms),
    FigureSpec("waits", ("buying_nodes",), draw_waits, (9.0, 5.2), (), wait_terms),
    FigureSpec("flow_durations", ("flow_durations",), draw_durations, (7.2, 2.8), (), duration_terms),
    FigureSpec("role_merge", ("role_merge",), draw_merge, (7.2, 4.6), ("M-2.2",)),
    FigureSpec("parties_by_flow", ("parties_by_flow",), draw_parties, (9.0, 3.8), (), parties_terms),
)
