"""03: is conversion steady? A control chart by period of opening."""

from __future__ import annotations

import datetime as dt

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from kaanalysis.figures.parts import format_axis, mark_line, only_y_grid, rows_of
from kaanalysis.figures.scene import FigureSpec, Scene
from kaanalysis.figures.style import BAD, INK, LINE, SEGMENTS, SMALL, SOFT


def _label(start: str, until: str, before: str | None) -> str:
    """A quarter as such, other periods by their first month; the year where it changes."""
    first, last = dt.date.fromisoformat(start), dt.date.fromisoformat(until) + dt.timedelta(days=1)
    months = (last.year - first.year) * 12 + last.month - first.month
    quarter = months == 3 and first.day == 1 and first.month % 3 == 1
    short = f"Q{(first.month + 2) // 3}" if quarter else f"{first.month:02d}"
    return short if before is not None and before[:4] == start[:4] else f"{short}\n{first.year}"


def chart(scene: Scene, ax: Axes) -> Axes:
    """Share won by period with control limits and centre, the mark's tolerance behind; periods outside are filled and named."""
    frame = scene.frame("steadiness").reset_index(drop=True)
    x = np.arange(len(frame))
    color = SEGMENTS.get(str(frame["segment"].iloc[0]), SOFT)
    target, away = float(scene.policy["conversion.target"]), float(scene.policy["conversion.tolerance"])
    marked = str(frame["segment"].iloc[0]) != "all"  # the mark is one of small customers
    if marked:
        ax.add_patch(
            Rectangle(
                (-0.6, target - away), len(frame) + 0.2, 2 * away, facecolor=LINE, alpha=0.22, linewidth=0, zorder=0.5
            )
        )
        mark_line(ax, y=target)
    for name in ("lower", "upper"):
        ax.step(x, frame[name], where="mid", color=INK, linewidth=1.2, linestyle=(0, (4, 3)), zorder=2)
    ax.plot(x, frame["centre"], color=INK, linewidth=1.2, zorder=2)
    ax.plot(x, frame["share"], color=color, linewidth=1.4, zorder=3)
    inside = ~frame["outside"].to_numpy(bool)
    ax.plot(x[inside], frame["share"][inside], "o", color=color, markersize=5, zorder=4)
    ax.plot(x[~inside], frame["share"][~inside], "D", color=BAD, markersize=8, zorder=5, markeredgecolor=INK)
    for row in rows_of(frame[~inside].assign(x=x[~inside])):
        text = scene.text(
            "outside", share=scene.exact_share(float(row.share)), won=scene.count(row.won), n=scene.count(row.deals)
        )
        up = row.share > row.centre
        ax.annotate(text, (row.x, row.share), xytext=(0, 8 if up else -8), textcoords="offset points", ha="center",
                    va="bottom" if up else "top", fontsize=SMALL, color=INK)  # fmt: skip
    starts = frame["start"].astype(str).tolist()
    step = max(1, round(len(frame) / 24))
    places = list(range(0, len(frame), step))
    ax.set_xticks(places)
    ax.set_xticklabels([_label(starts[i], str(frame["until"][i]), starts[i - step] if i else None) for i in places])
    ax.set_xlim(-0.6, len(frame) - 0.4)
    ax.set_ylim(0, max(float(frame["upper"].max()), float(frame["share"].max()), (target + away) * marked) * 1.18)
    format_axis(ax.yaxis, scene.share, 5)
    only_y_grid(ax)
    ax.set_xlabel(scene.text("x_label"))
    ax.set_ylabel(scene.text("y_label", days=scene.count(float(frame["follow_up_days"].iloc[0]))))
    return ax


def draw_steadiness(scene: Scene, figure: Figure) -> None:
    frame = scene.frame("steadiness")
    chart(scene, figure.subplots())
    least, most = (scene.count(float(f(frame["deals"]))) for f in (min, max))
    scene.note("limits", width=scene.count(float(scene.policy["steadiness.limit_width"])), least=least, most=most)


FIGURES = (FigureSpec("steadiness", ("steadiness",), draw_steadiness, (8.2, 4.2), ("M-3.1",)),)
