"""Pieces that several figures share: intervals, steps with bands, labels kept apart, number formats on axes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from kaanalysis.figures.scene import Scene
from kaanalysis.figures.style import INK, LINE, SMALL, SOFT, STATES
from kaanalysis.results import Number

Floats = npt.NDArray[np.float64]


def rows_of(frame: pd.DataFrame) -> list[Any]:
    """The frame's rows with their columns as attributes."""
    return list(frame.itertuples(index=False))


def format_axis(
    axis: Axis, formatter: Callable[[float, object], str], ticks: int | None = None, *, whole: bool = False
) -> None:
    """Tick labels by `formatter`, about `ticks` of them, on whole numbers if `whole`."""
    axis.set_major_formatter(FuncFormatter(formatter))
    if ticks is not None:
        axis.set_major_locator(MaxNLocator(ticks, integer=whole, steps=[1, 2, 2.5, 5, 10]))


def step_band(
    ax: Axes, x: npt.ArrayLike, low: npt.ArrayLike, high: npt.ArrayLike, color: str, alpha: float = 0.2
) -> None:
    """An interval around a step curve."""
    ax.fill_between(
        np.asarray(x), np.asarray(low), np.asarray(high), step="post", color=color, alpha=alpha, linewidth=0
    )


def interval_h(
    ax: Axes, y: float, value: float | None, low: float | None, high: float | None, color: str, size: float = 7
) -> None:
    """A dot with its horizontal interval; the dot alone where there is no interval."""
    if low is not None and high is not None and np.isfinite(low) and np.isfinite(high):
        ax.plot([low, high], [y, y], color=color, linewidth=2.2, solid_capstyle="butt", zorder=3)
    if value is not None and np.isfinite(value):
        ax.plot([value], [y], "o", color=color, markersize=size, markeredgecolor="white", markeredgewidth=0.9, zorder=4)


def window(
    values: npt.ArrayLike, low: npt.ArrayLike, high: npt.ArrayLike, *, zero: bool = True, most: float = 3.0
) -> tuple[float, float]:
    """Limits of an axis that hold all values, and their intervals as far as these reach no more than `most` times the values' own span
    beyond them: one boundless interval must not flatten the rest."""
    known = np.asarray(values, dtype=float).ravel()
    known = known[np.isfinite(known)]
    if zero or not len(known):
        known = np.append(known, 0.0)
    first, last = float(known.min()), float(known.max())
    span = (last - first) or abs(last) or 1.0
    ends = np.concatenate([np.asarray(low, dtype=float).ravel(), np.asarray(high, dtype=float).ravel(), known])
    ends = np.clip(ends[~np.isnan(ends)], first - most * span, last + most * span)
    margin = 0.04 * (float(ends.max()) - float(ends.min()) or 1.0)
    return float(ends.min()) - margin, float(ends.max()) + margin


def cut_ends(ax: Axes, y: float, low: float | None, high: float | None, color: str) -> None:
    """Arrow heads where a horizontal interval goes on beyond the axis. To be called once the limits are set."""
    left, right = ax.get_xlim()
    for end, edge, beyond, marker in (
        (low, left, low is not None and low < left, "<"),
        (high, right, high is not None and high > right, ">"),
    ):
        if end is not None and beyond:
            ax.plot([edge], [y], marker, color=color, markersize=6, clip_on=False, zorder=4)


def log_ticks(axis: Axis, low: float, high: float, formatter: Callable[[float, object], str], most: int = 6) -> None:
    """Ticks of a logarithmic axis at 1, 2 and 5 times powers of ten, or at fewer of them where there would be more than `most`."""
    powers = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    for steps in ((1, 1.5, 2, 3, 4, 5, 7), (1, 2, 5), (1, 3), (1,)):
        ticks = [m * 10.0**p for p in powers for m in steps if low <= m * 10.0**p <= high]
        if len(ticks) <= most:
            break
    while len(ticks) > most:
        ticks = ticks[::2]
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(formatter))


def state_mark(ax: Axes, x: float, y: float, state: str, size: float = 8, **options: Any) -> None:
    """The shape of a verdict, in its colour."""
    color, marker, _ = STATES[state]
    face = "white" if state == "undecided" else color
    ax.plot(
        [x], [y], marker, color=color, markerfacecolor=face, markersize=size, markeredgewidth=1.6,
        markeredgecolor=color, clip_on=False, zorder=5, linestyle="none", **options,
    )  # fmt: skip


def whisker_v(ax: Axes, x: float, low: float, high: float, cap: float = 0.1) -> None:
    """A thin vertical interval with caps."""
    if np.isfinite(low) and np.isfinite(high):
        ax.plot([x, x], [low, high], color=INK, linewidth=1.0, zorder=5)
        for end in (low, high):
            ax.plot([x - cap, x + cap], [end, end], color=INK, linewidth=1.0, zorder=5)


def spread(values: Sequence[float], gap: float, low: float = -np.inf, high: float = np.inf) -> list[float]:
    """Positions near `values`, at least `gap` apart, in the same order, inside low … high where there is room."""
    order = np.argsort(values, kind="stable")
    blocks: list[tuple[float, int]] = []  # mean of (value − its place in the block · gap), size
    for rank in order:
        blocks.append((float(values[rank]), 1))
        while len(blocks) > 1 and blocks[-1][0] < blocks[-2][0] + blocks[-2][1] * gap:
            (b, m), (a, n) = blocks.pop(), blocks.pop()
            blocks.append(((a * n + (b - n * gap) * m) / (n + m), n + m))
    placed: list[float] = []
    for start, size in blocks:
        placed += [start + i * gap for i in range(size)]
    if placed and placed[-1] > high:  # push down from the top, then up from the bottom
        for i in range(len(placed) - 1, -1, -1):
            placed[i] = min(placed[i], high - (len(placed) - 1 - i) * gap)
    for i in range(len(placed)):
        placed[i] = max(placed[i], low + i * gap)
    out = [0.0] * len(placed)
    for rank, position in zip(order, placed, strict=True):
        out[int(rank)] = position
    return out


def room_for_text(ax: Axes, largest: float, times: float, scene: Scene) -> None:
    """Limits for bars of shares with text behind them, `times` as far as the largest reaches; ticks stop where shares do."""
    ax.set_xlim(0, times * largest)
    ticks = [float(t) for t in MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]).tick_values(0, largest)]
    ax.xaxis.set_major_locator(FixedLocator([t for t in ticks if 0 <= t <= min(1.0, 1.3 * largest)]))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: scene.exact_share(v) if largest < 0.05 else scene.share(v)))


def mark_line(ax: Axes, *, x: float | None = None, y: float | None = None, label: str = "", color: str = SOFT) -> None:
    """A dashed reference line across the axes, labelled at its end."""
    if x is not None:
        ax.axvline(x, color=color, linewidth=1.0, linestyle=(0, (4, 3)), zorder=1.5)
        if label:
            ax.annotate(
                label,
                (x, 1),
                xycoords=("data", "axes fraction"),
                xytext=(4, -3),
                textcoords="offset points",
                fontsize=SMALL,
                color=color,
                va="top",
            )
    if y is not None:
        ax.axhline(y, color=color, linewidth=1.0, linestyle=(0, (4, 3)), zorder=1.5)
        if label:
            ax.annotate(
                label,
                (0, y),
                xycoords=("axes fraction", "data"),
                xytext=(4, 3),
                textcoords="offset points",
                fontsize=SMALL,
                color=color,
                va="bottom",
            )


def only_x_grid(ax: Axes) -> None:
    """For rows of names: grid lines along the values only, no left spine, no tick marks at names."""
    ax.grid(False, axis="y")
    ax.spines["left"].set_visible(False)
    ax.tick_params(axis="y", length=0)


def only_y_grid(ax: Axes) -> None:
    ax.grid(False, axis="x")


def baseline(ax: Axes, *, x: float | None = None, y: float | None = None) -> None:
    """The zero line."""
    if x is not None:
        ax.axvline(x, color=LINE, linewidth=1.0, zorder=1.4)
    if y is not None:
        ax.axhline(y, color=LINE, linewidth=1.0, zorder=1.4)


def jitter(count: int, width: float) -> Floats:
    """Evenly scattered offsets within ± width / 2 that are the same every time (golden-ratio sequence)."""
    return np.asarray(((np.arange(1, count + 1) * 0.6180339887498949) % 1.0 - 0.5) * width, dtype=np.float64)


def mean_line(ax: Axes, mean: Number | None, label: str, *, above: float, turn: float, alpha: float) -> None:
    """A mean across the panel with its interval as a band of strength `alpha` and its label at the height `above` (0 … 1), to the left
    of the line for means greater than `turn`. Nothing without a value."""
    if mean is None or mean.value is None:
        return
    if mean.low is not None and mean.high is not None:
        ax.axvspan(mean.low, mean.high, color=INK, alpha=alpha, linewidth=0)
    value = float(mean.value)
    ax.axvline(value, color=INK, linewidth=1.4)
    left = value > turn
    ax.annotate(
        label, (value, above), xycoords=("data", "axes fraction"), xytext=(-6 if left else 6, 0), textcoords="offset points",
        ha="right" if left else "left", va="top", fontsize=SMALL + 0.5, fontweight="bold",
    )  # fmt: skip


def note_beside(ax: Axes, x: float, y: float, text: str, color: str, gap: float = 5) -> None:
    """A small note to the right of a row's interval, `gap` points behind its end x."""
    ax.annotate(text, (x, y), xytext=(gap, 0), textcoords="offset points", va="center", fontsize=SMALL, color=color)
