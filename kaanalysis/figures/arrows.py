"""Arrows between the boxes of the lanes: how they bend, where they leave a box, where their labels find room. All in inches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from kaanalysis.figures.scene import Scene
from kaanalysis.figures.style import INK, PAPER, SMALL, text_width

LABEL = 1.35  # inches for the lane's name
FONT = SMALL - 0.3
INCH = 72.0


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


def curve(a: Box, b: Box, bend: float) -> np.ndarray:
    """Points of matplotlib's arc3 connection between two box centres."""
    control = ((a.x + b.x) / 2 + bend * (b.y - a.y), (a.y + b.y) / 2 - bend * (b.x - a.x))
    t = np.linspace(0, 1, 41)[:, None]
    return (1 - t) ** 2 * np.array([a.x, a.y]) + 2 * t * (1 - t) * np.array(control) + t**2 * np.array([b.x, b.y])


def bend(a: Box, b: Box, boxes: list[Box], used: list[np.ndarray], width: float, back: bool) -> float:
    """The least bend with which an arrow crosses the fewest boxes and other arrows."""

    def cost(bend: float) -> float:
        points = curve(a, b, bend)
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


def free_corner(box: Box, curves: list[np.ndarray]) -> int:
    """1 or -1: the right or left upper corner of a box, whichever fewer arrows pass."""
    points = np.concatenate(curves) if curves else np.zeros((0, 2))

    def passed(side: int) -> int:
        corner = np.array([box.x + side * (box.half_w - 0.2), box.y + box.half_h + 0.08])
        return int((np.hypot(*(points - corner).T) < 0.22).sum())

    return 1 if passed(1) <= passed(-1) else -1


def reach(box: Box, curve: np.ndarray) -> float:
    """Points (1/72 inch) from the box's centre along the curve to where it leaves the box."""
    for x, y in curve:
        if not box.holds(float(x), float(y), 0.02):
            return float(np.hypot(x - box.x, y - box.y)) * INCH
    return 0.0


def edge_labels(curves: list[tuple[np.ndarray, Box, Box, float]], boxes: list[Box], scene: Scene, ax: Axes) -> None:
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
