"""The buying process as lanes: one horizontal lane per party, steps as boxes at their mean place in the flow, arrows
between steps that follow each other. All geometry is in inches (the axes' data unit), so that boxes and labels can be
kept apart before anything is drawn.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle

from kaanalysis.figures.arrows import FONT, INCH, LABEL, Box, bend, curve, edge_labels, free_corner, reach
from kaanalysis.figures.parts import rows_of, spread
from kaanalysis.figures.process import Shown, party_name, short_step
from kaanalysis.figures.scene import Scene
from kaanalysis.figures.style import BAD, INK, KA, PAPER, SMALL, SOFT, text_width, wrap

REPEATED = 0.02  # share of flows from which on a step that comes again is marked
BOX_EMS, LINE_HEIGHT = 9.4, 1.22
# Frame of a box by the way its party takes part: width, dashes, fill.
PART = {
    "approve": (1.9, "solid", "#DCE8F3"),
    "inform": (1.2, (0, (4, 2)), PAPER),
    "influence": (1.4, (0, (1, 1.6)), "#F6EBD9"),
    "do": (0.7, "solid", PAPER),
}


def _facts(node: Any, scene: Scene) -> str:
    """How often the step was done, and the median wait before it where another came before."""
    n = scene.count(int(node.count))
    if not np.isfinite(node.median_wait_days):
        return scene.text("n", n=n)
    return scene.text("n_wait", n=n, wait=scene.span(float(node.median_wait_days)))


def _repeated(shown: Shown, scene: Scene) -> dict[str, float]:
    """By step the share of the flows that reached it in which it came again, where that is worth a mark."""
    frame = scene.result.frames.get("rework")
    if frame is None or not len(shown.nodes):
        return {}
    own = frame[frame["kind"] == shown.nodes["kind"].iloc[0]]
    share = own["flows"] / own["reached"]
    return {str(step): float(part) for step, part in zip(own["step"], share, strict=True) if part >= REPEATED}


def _is_back(edge: Any, a: Box, b: Box) -> bool:
    """Whether most moves along an arrow lead to a step that was there before; without that count, whether it points backwards."""
    returns = getattr(edge, "returns", None)
    return b.place < a.place - 0.05 if returns is None else bool(returns > edge.count / 2)


def _boxes(shown: Shown, scene: Scene, width: float) -> tuple[list[Box], list[tuple[str, float, float]], float]:
    """Boxes, lanes as (party, top, height) with y counted upwards, and the height of everything."""
    nodes = shown.nodes
    em = FONT / INCH
    labels = {
        r.step: wrap(short_step(scene, str(r.step), str(r.party)), BOX_EMS, 3) + "\n" + _facts(r, scene)
        for r in rows_of(nodes)
    }
    half_w = {s: max(text_width(row) for row in t.split("\n")) * em / 2 + 0.07 for s, t in labels.items()}
    half_h = {s: (t.count("\n") + 1) * em * LINE_HEIGHT / 2 + 0.05 for s, t in labels.items()}
    parties = nodes.groupby("party")["place"].min().sort_values(kind="stable").index.tolist()
    low, high = float(nodes["place"].min()), float(nodes["place"].max())
    left, right = LABEL + 0.1 + max(half_w.values()), width - 0.05 - max(half_w.values())
    scale = (right - left) / (high - low) if high > low else 0.0
    boxes: list[Box] = []
    lanes: list[tuple[str, float, float]] = []
    down = 0.0
    for party in parties:
        own = nodes[nodes["party"] == party].sort_values(["place", "step"], kind="stable")
        gap = 2 * max(half_w[s] for s in own["step"]) + 0.34
        rows = 1
        while len(own) > 1 and np.ceil(len(own) / rows) * gap > right - left + gap:
            rows += 1
        # Steps that lie close together go into rows of their own before they are pushed far from their place.
        crowd = own["place"].to_numpy() * scale
        if (
            rows == 1
            and len(own) > 2
            and np.abs(np.array(spread(list(crowd), gap, 0.0, right - left)) - crowd).max() > 1.4
        ):
            rows = 2
        tall = 2 * max(half_h[s] for s in own["step"])
        height = rows * tall + (rows - 1) * 0.14 + 0.28
        lanes.append((party, -down, height))
        for row in range(rows):
            part = own.iloc[row::rows]
            wanted = [left + (float(p) - low) * scale for p in part["place"]]
            for x, (_, r) in zip(spread(wanted, gap, left, right), part.iterrows(), strict=True):
                y = -down - 0.14 - tall / 2 - row * (tall + 0.14)
                boxes.append(
                    Box(
                        str(r["step"]),
                        labels[r["step"]],
                        str(r["part"]),
                        x,
                        y,
                        half_w[r["step"]],
                        half_h[r["step"]],
                        float(r["place"]),
                    )
                )
        down += height
    return boxes, lanes, down


def lane_height(shown: Shown, scene: Scene, width: float) -> float:
    """Inches that the lanes need."""
    return _boxes(shown, scene, width)[2]


def draw_lanes(shown: Shown, scene: Scene, ax: Axes, width: float) -> Axes:
    """Lanes, boxes, arrows and the median time on each arrow."""
    boxes, lanes, height = _boxes(shown, scene, width)
    by_step = {b.step: b for b in boxes}
    ax.set_xlim(0, width)
    ax.set_ylim(-height, 0)
    ax.set_aspect("equal")
    ax.grid(False)
    for side in ax.spines.values():
        side.set_visible(False)
    ax.set_xticks([])
    ax.set_yticks([])
    for i, (party, top, tall) in enumerate(lanes):
        ax.add_patch(
            Rectangle((0, top - tall), width, tall, facecolor="#F5F7F8" if i % 2 == 0 else PAPER, linewidth=0, zorder=0)
        )
        name = wrap(party_name(scene, party), (LABEL - 0.15) * INCH / SMALL, 3)
        ax.text(
            0.07,
            top - tall / 2,
            name,
            va="center",
            ha="left",
            fontsize=SMALL,
            color=SOFT,
            fontweight="bold",
            zorder=6,
            linespacing=1.1,
        )
    most = float(shown.edges["count"].max()) if len(shown.edges) else 1.0
    curves: list[tuple[np.ndarray, Box, Box, float]] = []
    for r in rows_of(shown.edges):
        a, b = by_step[str(r.step)], by_step[str(r.next_step)]
        back = _is_back(r, a, b)
        turn = bend(a, b, boxes, [c[0] for c in curves], width, back)
        share = float(r.count) / most
        arrow = FancyArrowPatch(
            (a.x, a.y),
            (b.x, b.y),
            connectionstyle=f"arc3,rad={turn}",
            arrowstyle="-|>",
            mutation_scale=8 + 6 * share,
            linewidth=0.7 + 3.6 * share,
            color=BAD if back else KA,
            alpha=0.85 if not back else 0.6,
            linestyle="--" if back else "-",
            shrinkA=reach(a, curve(a, b, turn)),
            shrinkB=reach(b, curve(a, b, turn)[::-1]),
            zorder=2,
            capstyle="butt",
            joinstyle="miter",
        )
        ax.add_patch(arrow)
        curves.append((curve(a, b, turn), a, b, float(r.median_days)))
    edge_labels(curves, boxes, scene, ax)
    repeated = _repeated(shown, scene)
    for box in boxes:
        frame, dashes, fill = PART.get(box.part, PART["do"])
        ax.add_patch(
            FancyBboxPatch(
                (box.x - box.half_w, box.y - box.half_h),
                2 * box.half_w,
                2 * box.half_h,
                boxstyle="round,pad=0,rounding_size=0.05",
                facecolor=fill,
                edgecolor=INK,
                linewidth=frame,
                linestyle=dashes,
                zorder=3,
            )
        )
        name, _, n = box.label.rpartition("\n")
        em = FONT / INCH * LINE_HEIGHT
        ax.text(box.x, box.y + em / 2, name, ha="center", va="center", fontsize=FONT, zorder=4, linespacing=1.05)
        ax.text(
            box.x,
            box.y - box.half_h + 0.05 + em / 2,
            n,
            ha="center",
            va="center",
            fontsize=FONT - 0.8,
            color=SOFT,
            zorder=4,
        )
        if box.step in repeated:
            mark = scene.text("again", share=scene.share(repeated[box.step]))
            around = {"facecolor": PAPER, "edgecolor": BAD, "linewidth": 0.5, "boxstyle": "round,pad=0.12"}
            end = free_corner(box, [c[0] for c in curves])
            corner = (box.x + end * (box.half_w - 0.04), box.y + box.half_h + 0.015)
            ha = "right" if end > 0 else "left"
            ax.text(*corner, mark, ha=ha, va="bottom", fontsize=FONT - 0.8, color=BAD, zorder=5, bbox=around)
    return ax
