"""The buying process as lanes: one horizontal lane per party, steps as boxes at their mean place in the flow, arrows
between steps that follow each other. All geometry is in inches (the axes' data unit), so that boxes and labels can be
kept apart before anything is drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle

from kaanalysis.figures.parts import rows_of, spread
from kaanalysis.figures.process import Shown, party_name, short_step
from kaanalysis.figures.scene import Scene
from kaanalysis.figures.style import BAD, INK, KA, PAPER, SMALL, SOFT, text_width, wrap

LABEL = 1.35  # inches for the lane's name
REPEATED = 0.02  # share of flows from which on a step that comes again is marked
BOX_EMS, LINE_HEIGHT = 9.4, 1.22
FONT = SMALL - 0.3
INCH = 72.0
# Frame of a box by the way its party takes part: width, dashes, fill.
PART = {
    "approve": (1.9, "solid", "#DCE8F3"),
    "inform": (1.2, (0, (4, 2)), PAPER),
    "influence": (1.4, (0, (1, 1.6)), "#F6EBD9"),
    "do": (0.7, "solid", PAPER),
}


@dataclass
class Box:
    """A step to draw; centre and half sizes in inches."""

    step: str
    label: str
    part: str
    x: float
    y: float
    half_w: float
    half_h: float
    place: float

    def holds(self, x: float, y: float, room: float = 0.0) -> bool:
        return abs(x - self.x) <= self.half_w + room and abs(y - self.y) <= self.half_h + room


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


def _curve(a: Box, b: Box, bend: float) -> np.ndarray:
    """Points of matplotlib's arc3 connection between two box centres."""
    control = ((a.x + b.x) / 2 + bend * (b.y - a.y), (a.y + b.y) / 2 - bend * (b.x - a.x))
    t = np.linspace(0, 1, 41)[:, None]
    return (1 - t) ** 2 * np.array([a.x, a.y]) + 2 * t * (1 - t) * np.array(control) + t**2 * np.array([b.x, b.y])


def _bend(a: Box, b: Box, boxes: list[Box], used: list[np.ndarray], width: float, back: bool) -> float:
    """The least bend with which an arrow crosses the fewest boxes and other arrows."""

    def cost(bend: float) -> float:
        points = _curve(a, b, bend)
        hits = sum(box.holds(x, y, 0.03) for x, y in points for box in boxes if box is not a and box is not b)
        near = sum(
            float((np.hypot(*(points[8:33, None] - other[None, 8:33]).transpose(2, 0, 1)) < 0.06).sum())
            for other in used
        )
        outside = (
            int((points[:, 1] > -0.03).sum()) + int((points[:, 0] < LABEL).sum()) + int((points[:, 0] > width).sum())
        )
        return 3 * hits + 0.25 * near + 2 * outside + 6 * abs(bend)

    return min(
        (0.0, 0.12, -0.12, 0.25, -0.25, 0.4, -0.4, 0.55, -0.55)
        if not back
        else (0.0, 0.2, -0.2, 0.35, -0.35, 0.5, -0.5),
        key=cost,
    )


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
        bend = _bend(a, b, boxes, [c[0] for c in curves], width, back)
        share = float(r.count) / most
        arrow = FancyArrowPatch(
            (a.x, a.y),
            (b.x, b.y),
            connectionstyle=f"arc3,rad={bend}",
            arrowstyle="-|>",
            mutation_scale=8 + 6 * share,
            linewidth=0.7 + 3.6 * share,
            color=BAD if back else KA,
            alpha=0.85 if not back else 0.6,
            linestyle="--" if back else "-",
            shrinkA=_reach(a, _curve(a, b, bend)),
            shrinkB=_reach(b, _curve(a, b, bend)[::-1]),
            zorder=2,
            capstyle="butt",
            joinstyle="miter",
        )
        ax.add_patch(arrow)
        curves.append((_curve(a, b, bend), a, b, float(r.median_days)))
    _edge_labels(curves, boxes, scene, ax)
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
            end = _free_corner(box, [c[0] for c in curves])
            corner = (box.x + end * (box.half_w - 0.04), box.y + box.half_h + 0.015)
            ha = "right" if end > 0 else "left"
            ax.text(*corner, mark, ha=ha, va="bottom", fontsize=FONT - 0.8, color=BAD, zorder=5, bbox=around)
    return ax


def _free_corner(box: Box, curves: list[np.ndarray]) -> int:
    """1 or -1: the right or left upper corner of a box, whichever fewer arrows pass."""
    points = np.concatenate(curves) if curves else np.zeros((0, 2))

    def passed(side: int) -> int:
        corner = np.array([box.x + side * (box.half_w - 0.2), box.y + box.half_h + 0.08])
        return int((np.hypot(*(points - corner).T) < 0.22).sum())

    return 1 if passed(1) <= passed(-1) else -1


def _reach(box: Box, curve: np.ndarray) -> float:
    """Points (1/72 inch) from the box's centre along the curve to where it leaves the box."""
    for x, y in curve:
        if not box.holds(float(x), float(y), 0.02):
            return float(np.hypot(x - box.x, y - box.y)) * INCH
    return 0.0


def _edge_labels(curves: list[tuple[np.ndarray, Box, Box, float]], boxes: list[Box], scene: Scene, ax: Axes) -> None:
    """The median time on each arrow, where it is free; rarer arrows may go without."""
    em = (FONT - 0.8) / INCH
    taken: list[tuple[float, float, float]] = []
    for curve, _, _, days in curves:
        text = scene.span(days)
        half_w, half_h = text_width(text) * em / 2 + 0.02, em * 0.62
        seen = [p for p in curve if not any(b.holds(float(p[0]), float(p[1])) for b in boxes)]
        middle = seen[len(seen) // 2] if seen else curve[20]
        length = float(np.hypot(*(seen[-1] - seen[0]))) if len(seen) > 1 else 0.0
        along = curve[-1] - curve[0]
        normal = np.array([along[1], -along[0]]) / max(float(np.hypot(*along)), 1e-9)
        # On a short arrow the label would hide the arrow: it stands beside it.
        beside = normal * (abs(normal[0]) * half_w + abs(normal[1]) * half_h + 0.07)
        spots = [
            p + side
            for p in curve[4:37]
            for side in ((beside, -beside) if length < 4.4 * half_w + 0.2 else (0 * beside,))
        ]
        free = [
            p
            for p in spots
            if not any(
                abs(p[0] - b.x) < b.half_w + half_w - 0.01 and abs(p[1] - b.y) < b.half_h + half_h - 0.01 for b in boxes
            )
        ]
        for x, y in sorted(free, key=lambda p: round(float(np.hypot(*(p - middle))), 6)):
            if all(abs(x - tx) > half_w + tw + 0.02 or abs(y - ty) > 2 * half_h for tx, ty, tw in taken):
                taken.append((float(x), float(y), half_w))
                ax.text(
                    x,
                    y,
                    text,
                    ha="center",
                    va="center",
                    fontsize=FONT - 0.8,
                    color=INK,
                    zorder=2.5,
                    bbox={
                        "facecolor": PAPER,
                        "alpha": 0.85,
                        "edgecolor": "none",
                        "pad": 0.6,
                        "boxstyle": "square,pad=0.12",
                    },
                )
                break
