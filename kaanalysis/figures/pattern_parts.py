"""What the figures of 05 share: the six patterns in order, and a verdict where being there is the bad news."""

from __future__ import annotations

from functools import reduce
from typing import Any

from babel.numbers import format_decimal
from matplotlib.axes import Axes

from kaanalysis.figures.scene import Scene
from kaanalysis.figures.style import BAD, GOOD, LINE, OTHER, SOFT

PATTERNS = ("M-A", "M-B", "M-C", "M-D", "M-E", "M-F")
# (fill, marker, text colour): a pattern that is there is an alarm, one that is surely not is good news.
VERDICTS = {
    "supported": (BAD, "s", BAD),
    "contradicted": (GOOD, "o", "#2A7264"),
    "undecided": (OTHER, "D", SOFT),
    "no_data": (LINE, "_", SOFT),
}


def verdict_mark(ax: Axes, x: float, y: float, state: str, size: float = 7, **options: Any) -> None:
    """A filled square where the pattern is there, a dot where it surely is not, a hollow diamond where it is open: told apart in grey."""
    color, marker, _ = VERDICTS[state]
    face = "white" if state == "undecided" else color
    ax.plot([x], [y], marker, color=color, markerfacecolor=face, markeredgecolor=color, markersize=size, markeredgewidth=1.5,
            clip_on=False, zorder=5, linestyle="none", **options)  # fmt: skip


def pattern_name(scene: Scene, id: str) -> str:
    return scene.words.term("pattern", id)


def p_text(scene: Scene, p: float | None) -> str:
    """A p-value to two or three digits; nothing where there is none."""
    if p is None or p != p:
        return ""
    if p < 0.001:
        return scene.text("p_below", value=format_decimal(0.001, "0.000", locale=scene.words.locale))
    return scene.text("p_equal", value=format_decimal(p, "0.000" if p < 0.1 else "0.00", locale=scene.words.locale))


def several(scene: Scene, ids: list[str]) -> str:
    """Names of patterns as a list for a title."""
    return reduce(lambda a, b: scene.text("list_pair", a=a, b=b), (pattern_name(scene, id) for id in ids))
